"""
ltm, the Live Trading Manager: stands between a model's signals and real accounts.

Public names are loaded when first used (PEP 562), so `import ltm` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ltm.hookspecs import hookimpl
    from ltm.manager import (
        AsyncLiveTradingManager,
        LiveTradingConfig,
        LiveTradingManager,
        LoggerSystem,
        PortfolioManager,
        RiskManager,
        TradingAPIAdapter,
    )
    from ltm.model.errors import (
        AlreadyRunning,
        BrokerConnectionError,
        ConfigError,
        InvalidTransition,
        JournalError,
        LtmError,
        PluginError,
        SessionNotFound,
        SignalError,
        TradeExecutionError,
    )
    from ltm.model.results import TradeResult
    from ltm.model.signal import Signal

_HOMES = {
    "AlreadyRunning": "ltm.model.errors",
    "AsyncLiveTradingManager": "ltm.manager",
    "BrokerConnectionError": "ltm.model.errors",
    "ConfigError": "ltm.model.errors",
    "InvalidTransition": "ltm.model.errors",
    "JournalError": "ltm.model.errors",
    "LiveTradingConfig": "ltm.manager",
    "LiveTradingManager": "ltm.manager",
    "LoggerSystem": "ltm.manager",
    "LtmError": "ltm.model.errors",
    "PluginError": "ltm.model.errors",
    "PortfolioManager": "ltm.manager",
    "RiskManager": "ltm.manager",
    "SessionNotFound": "ltm.model.errors",
    "Signal": "ltm.model.signal",
    "SignalError": "ltm.model.errors",
    "TradeExecutionError": "ltm.model.errors",
    "TradeResult": "ltm.model.results",
    "TradingAPIAdapter": "ltm.manager",
    "hookimpl": "ltm.hookspecs",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


__all__ = [
    "AlreadyRunning",
    "AsyncLiveTradingManager",
    "BrokerConnectionError",
    "ConfigError",
    "InvalidTransition",
    "JournalError",
    "LiveTradingConfig",
    "LiveTradingManager",
    "LoggerSystem",
    "LtmError",
    "PluginError",
    "PortfolioManager",
    "RiskManager",
    "SessionNotFound",
    "Signal",
    "SignalError",
    "TradeExecutionError",
    "TradeResult",
    "TradingAPIAdapter",
    "hookimpl",
]
