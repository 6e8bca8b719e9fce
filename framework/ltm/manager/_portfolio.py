"""
`PortfolioManager`: what a session, its account and its history look like to people.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from ltm.core.history import FillRow, Projection
from ltm.core.summary import summarize
from ltm.core.views import PositionRow, StatusRow, latest_decisions, positions_of, status_of
from ltm.manager._logger import LoggerSystem
from ltm.model.enums import Lifecycle, TradingState
from ltm.model.numbers import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ltm.core.events import AnyEvent
    from ltm.core.state import State
    from ltm.ports.shell import Journal


class TradingSession(msgspec.Struct, frozen=True, kw_only=True):
    """
    A session as it was when it was asked for.
    """

    session_id: str
    model_id: str
    broker: str
    status: str
    """See `word_of`."""
    live: bool
    currency: str
    initial_capital: Decimal
    started_at: datetime
    notices: tuple[str, ...] = ()
    """What its terms leave to be known."""


class TradingStatus(StatusRow, kw_only=True):
    """
    A session now: the row of `ltm status`, and one word for it.
    """

    status: str


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a session holds. Money in the session's currency.
    """

    session_id: str
    currency: str
    initial_capital: Decimal
    cash: Decimal
    equity: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    commissions: Decimal
    positions: dict[str, PositionRow]
    """By symbol; only what is held."""

    @property
    def total_value(self) -> Decimal:
        """
        Cash and positions together: the equity.
        """
        return self.equity


@attrs.frozen
class PortfolioManager:
    """
    Makes portfolios, statuses and summaries from a session's books. Only fills change positions.

    Args:
        logger: Where it is written down for people.
    """

    logger: LoggerSystem | None = None

    def portfolio(self, state: State) -> Portfolio:
        """
        Return what a session holds.
        """
        return Portfolio(
            session_id=state.spec.session_id,
            currency=state.spec.currency,
            initial_capital=state.spec.initial_capital,
            cash=state.cash_total,
            equity=state.equity,
            realized_pnl=state.realized,
            unrealized_pnl=sum((slot.unrealized for slot in state.held()), ZERO),
            commissions=state.commissions,
            positions={row.symbol: row for row in positions_of(state)},
        )

    def status(self, state: State, journal: Journal) -> TradingStatus:
        """
        Return how a session stands.
        """
        row = status_of(state, latest_decisions(state, journal))
        values = {name: getattr(row, name) for name in row.__struct_fields__}
        return TradingStatus(**values, status=word_of(state))

    def summary(self, state: State, events: Iterable[AnyEvent]) -> dict[str, Any]:
        """
        Return what came of a session, as plain dicts and lists with exact numbers.
        """
        told: dict[str, Any] = _plain(summarize(state, _history(state, events)))
        return told

    def trade_history(self, state: State, events: Iterable[AnyEvent]) -> list[FillRow]:
        """
        Return every execution of a session, oldest first.
        """
        return _history(state, events).fills


def _history(state: State, events: Iterable[AnyEvent]) -> Projection:
    history = Projection(state.spec.session_id)
    history.apply_all(events)
    return history


def _plain(value: object) -> Any:  # noqa: ANN401 - a tree of dicts, lists and values
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


_WORDS = {
    TradingState.ACTIVE: "active",
    TradingState.REDUCING: "paused",
    TradingState.HALTED: "halted",
    TradingState.KILLED: "killed",
}


def word_of(state: State) -> str:
    """
    Return a session's status in one word: active, paused, halted, killed while it runs, else its life cycle.
    """
    if state.lifecycle is not Lifecycle.RUNNING:
        return str(state.lifecycle)
    return _WORDS[state.trading_state]
