"""
Fills: each execution is booked once, corrected when the venue corrects it, or not believed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.lifecycle import TERMINAL
from ltm.core.orders import Item, raise_alert
from ltm.core.text import clean
from ltm.model.enums import OrderStatus, Severity
from ltm.model.numbers import EXACT, RULES, ZERO, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ltm.core.context import Context
    from ltm.core.state import OrderState, State
    from ltm.model.reports import FillReport

_ABSENT: Final = OrderStatus.ABSENT
SOON: Final = 5.0
"""Seconds until the next sweep after something that one has to clear up."""
_CENT: Final = Decimal("0.01")


def fill_reported(
    state: State, context: Context, order: OrderState, fill: FillReport, *, inferred: bool = False
) -> Iterable[Item]:
    """
    Take one execution of a known order: book it once, correct it, or refuse to believe it.
    """
    if fill.fill_id in order.before or (not fill.quantity and fill.fill_id not in order.fills):
        return ()  # a fill that was taken back before we heard of it never was
    if not _bookable(state, order, fill):
        report = f"fill {fill.fill_id}: {fill.side} {fill.quantity} {fill.symbol} at {fill.price}"
        return disbelieved(context, order, report)
    if fill.fill_id in order.fills:
        return _seen_again(state, context, order, fill)
    over = order.filled + fill.quantity - order.quantity
    if over > ZERO or order.status in TERMINAL or order.fills:
        return _book(state, context, order, fill, over=over, inferred=inferred)
    return (_filled(state, context, order, fill, inferred=inferred),)


def _book(
    state: State, context: Context, order: OrderState, fill: FillReport, *, over: Decimal, inferred: bool
) -> Iterator[Item]:
    # A fill that is not the first, or one of an order that should have none any more.
    if order.status is _ABSENT:
        yield from late(state, context, order, fill.venue_order_id or "")
    if order.fills and not inferred:
        yield from _replace_inferred(context, order, fill.quantity)
        over = order.filled + fill.quantity - order.quantity
    was = order.status
    yield _filled(state, context, order, fill, inferred=inferred)
    if over > 0:
        yield from _overfilled(state, context, order, over)
    elif was in TERMINAL:
        message = f"order {order.client_order_id} was filled after it had been {was}"
        yield raise_alert(state, context, Severity.WARNING, "fill_after_end", message)


def _filled(
    state: State, context: Context, order: OrderState, fill: FillReport, *, inferred: bool
) -> e.OrderFilled:
    commission, currency, estimated = _commission(state, order, fill)
    return e.OrderFilled(
        at=context.now,
        client_order_id=order.client_order_id,
        fill_id=fill.fill_id,
        symbol=order.symbol,
        side=order.side,
        quantity=fill.quantity,
        price=fill.price,
        commission=commission,
        commission_currency=currency,
        occurred_at=fill.occurred_at,
        venue_order_id=fill.venue_order_id,
        estimated=estimated,
        inferred=inferred,
        traded_on=context.day.date_at(fill.occurred_at) if state.spec.market else None,
    )


def _overfilled(state: State, context: Context, order: OrderState, over: Decimal) -> Iterator[Item]:
    message = f"order {order.client_order_id} filled {plain(over)} more than its {plain(order.quantity)}"
    yield e.InstrumentBlocked(at=context.now, symbol=order.symbol, reason=message)
    yield raise_alert(state, context, Severity.CRITICAL, "overfill", message)


def _bookable(state: State, order: OrderState, fill: FillReport) -> bool:
    # Money is booked exactly or not at all: what does not fit must not reach the journal (BAD-077, BAD-102).
    slot = state.slots[order.symbol]
    if fill.symbol != order.symbol or fill.side is not order.side:
        return False
    try:
        value = fill.quantity * fill.price * slot.instrument.multiplier
        if fill.commission is not None and fill.commission.is_finite():
            value += fill.commission
        # Sums that do not fit raise; what is not finite stays so in every sum.
        fx = slot.fx or ZERO
        moved = value + value * fx
        # What is held then, at today's price: the largest it can come to, with every digit of both.
        units = (abs(slot.position) + fill.quantity) * slot.instrument.multiplier * fx
        moved += units * (slot.mark if slot.mark is not None else fill.price)
        total = slot.cost + moved + (state.equity + moved) + (state.translation + moved)
        for cash in state.cash.values():
            total += cash + moved
    except ArithmeticError:
        return False
    if not total.is_finite():
        return False
    priced = fill.price > 0 or slot.instrument.allows_negative_price
    is_bust = not fill.quantity and fill.fill_id in order.fills
    return priced and (fill.quantity > 0 or is_bust)


def _commission(state: State, order: OrderState, fill: FillReport) -> tuple[Decimal, str, bool]:
    currency = fill.commission_currency or state.slots[order.symbol].instrument.currency
    if fill.commission is not None and fill.commission.is_finite():
        return fill.commission, currency, False
    # Not reported yet: a careful estimate stands in until it is (RSK-03).
    value = fill.quantity * fill.price * state.slots[order.symbol].instrument.multiplier
    estimate = (abs(value) * state.spec.commission_rate).quantize(_CENT, context=RULES)
    return estimate, currency, True


def _seen_again(state: State, context: Context, order: OrderState, fill: FillReport) -> Iterator[Item]:
    booked = order.fills[fill.fill_id]
    same = (booked.quantity, booked.price) == (fill.quantity, fill.price)
    news = fill.commission is not None and (booked.estimated or fill.commission != booked.commission)
    if same and not news:
        return
    commission, currency, estimated = _commission(state, order, fill)
    more = fill.quantity - booked.quantity
    over = order.filled + more - order.quantity
    if more > 0 and over > 0:
        yield from _overfilled(state, context, order, over)
    yield e.FillReplaced(
        at=context.now,
        client_order_id=order.client_order_id,
        fill_id=fill.fill_id,
        quantity=fill.quantity,
        price=fill.price,
        commission=commission,
        commission_currency=currency,
        estimated=estimated,
        reason="commission" if same else "correction",
    )
    if not same:
        message = f"fill {fill.fill_id} of order {order.client_order_id} was corrected by the venue"
        yield raise_alert(state, context, Severity.WARNING, "fill_corrected", message)


def _replace_inferred(context: Context, order: OrderState, quantity: Decimal) -> Iterator[Item]:
    left = quantity
    for fill_id, booked in list(order.fills.items()):
        if not booked.inferred or not booked.quantity or left <= ZERO:
            continue
        taken = min(left, booked.quantity)
        left -= taken
        yield e.FillReplaced(
            at=context.now,
            client_order_id=order.client_order_id,
            fill_id=fill_id,
            quantity=EXACT.subtract(booked.quantity, taken),
            price=booked.price,
            commission=ZERO if taken == booked.quantity else booked.commission,
            commission_currency=booked.currency,
            estimated=booked.estimated,
            reason="known now",
        )


def late(state: State, context: Context, order: OrderState, venue_order_id: str) -> Iterator[Item]:
    """
    Take in an order that was proven absent and turned up after all (F18).
    """
    yield e.OrderLate(at=context.now, client_order_id=order.client_order_id, venue_order_id=venue_order_id)
    message = f"order {order.client_order_id} was proven absent and turned up as {venue_order_id}"
    yield e.TradingPaused(at=context.now, code="late_arrival", message=message)
    yield raise_alert(state, context, Severity.CRITICAL, "late_arrival", message)


def disbelieved(context: Context, order: OrderState, report: str) -> Iterator[Item]:
    """
    Note a report that cannot be true, once: nothing is booked, and a sweep is to find out (F21).
    """
    if report not in context.disbelieved:
        context.disbelieved.add(report)
        yield e.Unexpected(
            at=context.now, client_order_id=order.client_order_id, status=order.status, report=clean(report)
        )
        context.sweep_at = min(context.sweep_at, context.mono + SOON)
