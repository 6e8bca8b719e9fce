"""
The summary of a session: what came in, what was refused and why, what it made, what is still open.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from ltm.core.views import PositionRow, positions_of, reasons_of
from ltm.model.enums import Lifecycle, OrderStatus, TradingState
from ltm.model.numbers import ZERO
from ltm.model.results import Reason

if TYPE_CHECKING:
    from ltm.core.history import Projection
    from ltm.core.state import State


class Summary(msgspec.Struct, kw_only=True):
    """
    One session from its first record to its last. Money in session currency.
    """

    session_id: str
    model_id: str
    broker: str
    lifecycle: Lifecycle
    trading_state: TradingState
    reasons: list[Reason]
    currency: str
    signals: int
    ignored: int
    orders: int
    denied: int
    denied_by_code: dict[str, int]
    orders_by_status: dict[str, int]
    fills: int
    initial_capital: Decimal
    equity: Decimal
    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    commissions: Decimal
    flows: Decimal
    """Money that came or went and is no profit or loss."""
    translation_pnl: Decimal
    """What changing exchange rates made of foreign cash and cost."""
    max_drawdown: Decimal
    positions: list[PositionRow]
    open_orders: list[str]
    unresolved_orders: list[str]
    alerts: dict[str, int]
    last_record_at: datetime | None
    journal_sequence: int


def summarize(state: State, history: Projection) -> Summary:
    """
    Return the summary of a session.

    Args:
        state: The session's state.
        history: All its events.
    """
    sent = [row.status for row in history.orders if row.status is not OrderStatus.DENIED]
    unresolved = [name for name, order in state.orders.items() if order.status is OrderStatus.UNKNOWN]
    severities = [row.severity for row in history.alerts]
    return Summary(
        session_id=state.spec.session_id,
        model_id=state.spec.model_id,
        broker=state.spec.broker,
        lifecycle=state.lifecycle,
        trading_state=state.trading_state,
        reasons=reasons_of(state),
        currency=state.spec.currency,
        signals=history.signals,
        ignored=history.ignored,
        orders=len(sent),
        denied=history.denials.total(),
        denied_by_code=dict(history.denials.most_common()),
        orders_by_status={str(status): sent.count(status) for status in OrderStatus if status in sent},
        fills=len(history.fills),
        initial_capital=state.spec.initial_capital,
        equity=state.equity,
        cash=state.cash_total,
        realized_pnl=state.realized,
        unrealized_pnl=sum((slot.unrealized for slot in state.held()), ZERO),
        commissions=state.commissions,
        flows=state.flows,
        translation_pnl=state.translation,
        max_drawdown=history.max_drawdown,
        positions=positions_of(state),
        open_orders=list(state.orders),
        unresolved_orders=unresolved,
        alerts={str(name): severities.count(name) for name in dict.fromkeys(severities)},
        last_record_at=state.last_at,
        journal_sequence=state.sequence,
    )
