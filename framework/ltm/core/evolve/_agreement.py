"""
How what comes of comparing books with the venue changes the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm.core.booking import move
from ltm.core.evolve._orders import name_venue_order
from ltm.core.exposure import touch
from ltm.core.state import (
    OrderState,
    State,
)
from ltm.model.enums import OrderType, TimeInForce
from ltm.model.numbers import ZERO

if TYPE_CHECKING:
    from ltm.core import events as e


def foreign_order_seen(state: State, event: e.ForeignOrderSeen) -> None:
    slot = state.slots[event.symbol]
    touch(slot)
    worst_price = event.limit_price or slot.mark or ZERO
    order = state.orders.get(event.client_order_id)
    if order is not None:
        order.quantity, order.filled, order.adopted = (
            event.quantity,
            event.filled_quantity,
            event.filled_quantity,
        )
        order.limit_price, order.worst_price = event.limit_price, worst_price
        return
    order = OrderState(
        event.client_order_id,
        event.symbol,
        event.side,
        event.quantity,
        OrderType.LIMIT if event.limit_price is not None else OrderType.MARKET,
        event.limit_price,
        None,
        TimeInForce.GTC,
        event.purpose,
        event.entry,
        worst_price,
        event.at,
        event.at,
        status=event.status,
        filled=event.filled_quantity,
        adopted=event.filled_quantity,
        before=list(event.fills),
    )
    state.orders[order.client_order_id] = order
    slot.orders[order.client_order_id] = order
    name_venue_order(state, order, event.venue_order_id)


def position_adjusted(state: State, event: e.PositionAdjusted) -> None:
    # The session pays for it as for a fill; the account does not, or in a way nobody knows.
    slot = state.slots[event.symbol]
    move(state, slot, event.quantity, event.price)
    slot.adjusted += event.quantity
    if slot.instrument.currency == state.spec.currency:
        state.outside_cash += event.quantity * event.price * slot.instrument.multiplier
    if event.rebase_cash:
        state.cash_base = None
    slot.drift = slot.drift_seen = None


def position_ignored(state: State, event: e.PositionIgnored) -> None:
    state.slots[event.symbol].ignored = event.quantity


def drift_found(state: State, event: e.DriftFound) -> None:
    slot = state.slots[event.symbol]
    slot.drift = event.theirs
    slot.changed_at = state.sequence


def drift_cleared(state: State, event: e.DriftCleared) -> None:
    slot = state.slots[event.symbol]
    slot.drift = slot.drift_seen = None


def instrument_blocked(state: State, event: e.InstrumentBlocked) -> None:
    slot = state.slots[event.symbol]
    slot.blocked = event.reason or None
    if not event.reason:
        # A person has looked: exits may be tried again, too.
        slot.exit_attempts = slot.gave_up = 0
        slot.retry_at = 0.0


def reconciled(state: State, event: e.Reconciled) -> None:
    state.reconciled_at = event.at
    state.agreed = True
