"""
Cancels: asked for once in the journal, sent until the venue answers, and what must be gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.effects import SendCancel
from ltm.core.facts import SCHEDULE
from ltm.model.enums import Purpose, TradingState
from ltm.model.errors import InvalidTransition, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.context import Context
    from ltm.core.orders import Item
    from ltm.core.state import OrderState, State


def cancel_unwanted(state: State, context: Context, reason: str) -> Iterator[Item]:
    """
    Cancel every open order that a trip or the kill switch wants gone.
    """
    for order in list(state.orders.values()):
        if is_unwanted(state, context, order):
            yield from cancel(context, order, reason)


def cancel_at_start(state: State, context: Context) -> Iterator[Item]:
    """
    Send what a connection that was lost, or a process that died, may have left unsent; before anything else.
    """
    yield from resend_cancels(state, context)
    yield from cancel_unwanted(state, context, "trading is restricted")


def is_unwanted(state: State, context: Context, order: OrderState) -> bool:
    """
    Return whether an order has no business at the venue any more: none after a kill, and no entry
    after an equity rule has tripped. Exits keep working, and what is not ours is left alone.
    """
    if order.purpose is Purpose.FOREIGN:
        return False
    if state.trading_state is TradingState.KILLED:
        return True
    return order.entry and any(name in state.latches for name, _ in context.equity_rules)


def open_order(state: State, client_order_id: str) -> OrderState:
    """
    Return the order that a person means.

    Raises:
        InvalidTransition: It is not open.
    """
    order = state.orders.get(client_order_id)
    if order is not None:
        return order
    ended = state.closed.get(client_order_id)
    message = f"no open order {shown(client_order_id)}" + ("" if ended is None else f": it is {ended.status}")
    hint = "ltm orders --open lists what is open"
    raise InvalidTransition(message, field="client_order_id", got=client_order_id, hint=hint)


def cancel_own(state: State, context: Context, reason: str, *, foreign: bool = False) -> Iterator[Item]:
    """
    Cancel every open order that is ours; with `foreign` also those that are not.
    """
    for order in list(state.orders.values()):
        if foreign or order.purpose is not Purpose.FOREIGN:
            yield from cancel(context, order, reason)


def cancel(context: Context, order: OrderState, reason: str) -> Iterator[Item]:
    """
    Cancel one order, unless that is under way.
    """
    if order.successor is not None:
        # Whoever wants it gone wants nothing in its place.
        yield e.ReplaceEnded(at=context.now, client_order_id=order.client_order_id, reason=reason)
    if not order.cancel_pending:
        yield from begin_cancel(context, order, reason)


def begin_cancel(context: Context, order: OrderState, reason: str) -> Iterator[Item]:
    """
    Write down that an order shall be gone, and ask for it.
    """
    yield e.CancelIntended(at=context.now, client_order_id=order.client_order_id, reason=reason)
    yield from send_cancel(context, order)


def resend_cancels(state: State, context: Context) -> Iterator[Item]:
    """
    Send again, before anything else is asked or sent, every cancel that the venue has not confirmed (F44).
    """
    for order in state.orders.values():
        if order.cancel_pending:
            yield from send_cancel(context, order)


def send_cancel(context: Context, order: OrderState) -> Iterator[Item]:
    """
    Send a cancel, and note when to look again. It may be sent more than once (REL-2).
    """
    wait = _turn(context)
    if wait:
        order.cancel_at = context.mono + wait
        return
    order.cancel_at = context.mono + SCHEDULE[min(order.cancels + 2, len(SCHEDULE) - 1)]
    order.cancels += 1
    yield SendCancel(order.client_order_id, order.venue_order_id, order.symbol)


def _turn(context: Context) -> float:
    # Cancels have a bucket of their own, which delays and never drops them (C08): they are tried at every tick.
    rate = context.spec.limits.max_cancel_rate
    if rate is None:
        return 0.0
    step = rate.seconds / rate.count
    full_at = max(context.cancel_full_at, context.mono)
    wait = full_at - context.mono - step * (rate.count - 1)
    if wait > _INSTANT:
        return wait
    context.cancel_full_at = full_at + step
    return 0.0


_INSTANT: Final = 1e-9
