"""
What the product document's API returns, as a type checker sees it.

Nothing here runs: mypy reads it.
"""

from decimal import Decimal
from typing import Any, assert_type

from ltm import AsyncLiveTradingManager, LiveTradingConfig, LiveTradingManager, Signal, TradeResult
from ltm.manager import Portfolio, TradingSession, TradingStatus


def each_call_returns_what_the_document_says(
    manager: LiveTradingManager, config: LiveTradingConfig, signal: Signal
) -> None:
    session = manager.start_live_trading("m1", 100000.0, config)
    assert_type(session, TradingSession)
    assert_type(session.session_id, str)
    assert_type(manager.execute_trade(session.session_id, signal), TradeResult)
    assert_type(manager.execute_batch_trades(session.session_id, [signal]), list[TradeResult])
    assert_type(manager.get_current_positions(session.session_id), Portfolio)
    assert_type(manager.get_trading_status(session.session_id), TradingStatus)
    assert_type(manager.check_risk_alerts(session.session_id), dict[str, Any] | None)
    assert_type(manager.stop_trading(session.session_id), dict[str, Any])


async def the_async_face_returns_the_same(
    manager: AsyncLiveTradingManager, config: LiveTradingConfig, signal: Signal
) -> None:
    session = await manager.start_live_trading("m1", Decimal(100000), config)
    assert_type(await manager.execute_trade(session.session_id, signal), TradeResult)


def a_dict_is_no_signal(manager: LiveTradingManager) -> None:
    manager.execute_trade("m1", {"stock_code": "600519"})  # type: ignore[arg-type]


def an_option_has_the_values_it_has(manager: LiveTradingManager, signal: Signal) -> None:
    manager.execute_batch_trades("m1", [signal], on_invalid="ignore")  # type: ignore[arg-type]


def money_is_exact(manager: LiveTradingManager) -> None:
    assert_type(manager.get_current_positions("m1").cash, Decimal)
