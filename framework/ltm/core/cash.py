"""
The account's cash against what fills, fees and flows explain (RSK-04).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.fills import SOON
from ltm.core.orders import Item, raise_alert
from ltm.model.enums import Severity
from ltm.model.numbers import ZERO, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.context import Context
    from ltm.core.state import State

_CENT: Final = Decimal("0.01")
_MILLIONTH: Final = Decimal("1E-6")
PATIENCE: Final = 600.0
"""Seconds that a commission may stay unknown while it keeps cash from being compared."""


def moved(state: State) -> Decimal:
    """
    Return by how much the account's cash should have moved since the session began.
    """
    currency = state.spec.currency
    return state.cash.get(currency, ZERO) - state.allocated + state.outside_cash


def compare_cash(state: State, context: Context, theirs: Decimal) -> Iterator[Item]:
    """
    Stop entries when cash moved for no reason we know, seen twice, until a person classifies it.
    """
    if state.cash_base is None or "unexplained_cash" in state.latches:
        return
    tolerance = max(_CENT, _MILLIONTH * abs(state.equity))
    difference = theirs - state.cash_base - moved(state)
    if state.dividends and is_due(state, difference, tolerance):
        context.cash_seen = None
        if abs(difference) <= tolerance:
            yield e.DividendsReceived(at=context.now)
        return
    if abs(difference) <= tolerance:
        context.cash_seen = None
        return
    if state.estimates:
        # Some commission is still our guess: the difference would be too.
        yield from _stop_waiting(state, context)
        if context.guesses:
            return
    if context.cash_seen is None:
        context.cash_seen = context.mono
        context.sweep_at = min(context.sweep_at, context.mono + SOON)
        return
    if context.mono - context.cash_seen < SOON:
        return
    message = (
        f"the account holds {plain(theirs)} {state.spec.currency}, fills, fees and flows explain"
        f" {plain(theirs - difference)}: {plain(difference)} is unexplained"
    )
    yield e.TradingPaused(
        at=context.now, code="unexplained_cash", message=message, measured=difference, limit=tolerance
    )
    yield raise_alert(state, context, Severity.CRITICAL, "unexplained_cash", message)


def _stop_waiting(state: State, context: Context) -> Iterator[Item]:
    # A commission that never comes must not hide a difference for ever: our estimate stands then.
    waiting = {
        fill_id: (order.client_order_id, fill)
        for order in (*state.orders.values(), *state.closed.values())
        for fill_id, fill in order.fills.items()
        if fill.estimated
    }
    context.guesses = {name: context.guesses.get(name, context.mono) for name in waiting}
    late = [name for name, since in context.guesses.items() if context.mono - since >= PATIENCE]
    for name in late:
        order_id, fill = waiting[name]
        yield e.FillReplaced(
            at=context.now,
            client_order_id=order_id,
            fill_id=name,
            quantity=fill.quantity,
            price=fill.price,
            commission=fill.commission,
            commission_currency=fill.currency,
            reason="commission never told",
        )
        del context.guesses[name]
    if late:
        message = f"the venue never told the commissions of {len(late)} fills; our estimates stand"
        yield raise_alert(state, context, Severity.WARNING, "commission_missing", message)


def is_due(state: State, difference: Decimal, tolerance: Decimal) -> bool:
    """
    Return whether what the account's cash is short of are dividends: booked on the ex-date, paid later.
    """
    low, high = sorted((ZERO, -state.dividends))
    return low - tolerance <= difference <= high + tolerance
