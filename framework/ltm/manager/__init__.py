"""
The product document's API: `LiveTradingManager` and what it is made of.

    LiveTradingManager            blocking; may be called from any thread
    └── AsyncLiveTradingManager   the same inside a running event loop
        ├── PortfolioManager      what the account looks like
        ├── RiskManager           which limits hold, which alert matters most
        ├── TradingAPIAdapter     which broker, with which settings
        └── LoggerSystem          where it is written down for people

Everything else, from the sizing of an order to its journal, is the engine's that `ltm run` uses too.
"""

from ltm.manager._async import AsyncLiveTradingManager
from ltm.manager._blocking import LiveTradingManager
from ltm.manager._broker import TradingAPIAdapter
from ltm.manager._config import LiveTradingConfig
from ltm.manager._logger import LoggerSystem
from ltm.manager._portfolio import Portfolio, PortfolioManager, TradingSession, TradingStatus
from ltm.manager._risk import RiskManager

__all__ = [
    "AsyncLiveTradingManager",
    "LiveTradingConfig",
    "LiveTradingManager",
    "LoggerSystem",
    "Portfolio",
    "PortfolioManager",
    "RiskManager",
    "TradingAPIAdapter",
    "TradingSession",
    "TradingStatus",
]
