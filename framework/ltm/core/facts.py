"""
From what the broker says to what happened: outcomes, order reports, fills, answers to queries.

Nothing is guessed here. A report moves an order only where `ltm.core.lifecycle` allows it, fills
are applied once each, and an order whose fate is not known stays open until evidence comes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.effects import QueryOrder, Sweep
from ltm.core.lifecycle import TERMINAL, Fact, NoMove, next_status
from ltm.core.orders import Item, raise_alert
from ltm.model.enums import OrderStatus, Severity
from ltm.model.numbers import EXACT, RULES, ZERO, plain
from ltm.model.reports import Acked, Ambiguous, FillReport, NotSent, OrderReport, Outcome, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.context import Context
    from ltm.core.state import OrderState, State

DUPLICATE: Final = "duplicate_client_order_id"
"""A refusal with this code proves that an earlier request arrived: never a rejection."""
SCHEDULE: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds between queries about an unknown order (REL 2.2.1)."""
_CENT: Final = Decimal("0.01")
_UNANSWERED: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})


def query(order: OrderState) -> QueryOrder:
    """
    Return the question about one order.
    """
    return QueryOrder(order.client_order_id, order.venue_order_id, order.symbol)


def known(context: Context, order: OrderState, fact: Fact, event: e.AnyEvent) -> Iterator[Item]:
    """
    Record an event if the table lets its fact move the order; note what has no place.
    """
    outcome = next_status(order.status, fact)
    if outcome is NoMove.STALE:
        return
    if outcome is NoMove.UNEXPECTED:
        yield e.Unexpected(
            at=context.now, client_order_id=order.client_order_id, status=order.status, report=fact
        )
        return
    yield event


# --- Outcomes of our requests -------------------------------------------------------------------


def submit_answered(state: State, context: Context, order: OrderState, outcome: Outcome) -> Iterator[Item]:
    """
    Take the outcome of the one submission of an order.
    """
    order_id = order.client_order_id
    match outcome:
        case Acked():
            if order.status is OrderStatus.ABSENT:
                yield from late(state, context, order, outcome.venue_order_id)
                return
            event = e.OrderAccepted(
                at=context.now, client_order_id=order_id, venue_order_id=outcome.venue_order_id
            )
            yield from known(context, order, Fact.ACCEPTED, event)
        case NotSent():
            absent = e.OrderAbsent(
                at=context.now, client_order_id=order_id, evidence=f"not sent: {outcome.reason}"
            )
            yield from known(context, order, Fact.ABSENT, absent)
            message = f"order {order_id} ({order.side} {plain(order.quantity)} {order.symbol}) was not sent"
            yield raise_alert(state, context, Severity.WARNING, "not_sent", f"{message}: {outcome.reason}")
        case Refused() if outcome.code != DUPLICATE and order.status in _UNANSWERED:
            yield from rejected(state, context, order, outcome.code, outcome.message)
        case Refused():
            # The stream already said otherwise, or an earlier request arrived: ask.
            yield from _unknown(context, order, f"{outcome.code}: {outcome.message}")
            yield query(order)
        case Ambiguous():
            yield from _unknown(context, order, outcome.reason)


def _unknown(context: Context, order: OrderState, reason: str) -> Iterator[Item]:
    event = e.OrderUnknown(at=context.now, client_order_id=order.client_order_id, reason=reason)
    yield from known(context, order, Fact.UNKNOWN, event)
    order.unknown_since = context.mono
    order.query_at = context.mono + SCHEDULE[0]


def rejected(state: State, context: Context, order: OrderState, code: str, message: str) -> Iterator[Item]:
    """
    Take the venue's definitive refusal.
    """
    event = e.OrderRejected(
        at=context.now, client_order_id=order.client_order_id, code=code[:64], message=message[:300]
    )
    yield from known(context, order, Fact.REJECTED, event)
    if order.status is OrderStatus.REJECTED:
        text = f"{order.side} {plain(order.quantity)} {order.symbol} was rejected: {code}: {message[:200]}"
        yield raise_alert(state, context, Severity.WARNING, "order_rejected", text)


def cancel_answered(context: Context, order: OrderState, outcome: Outcome) -> Iterator[Item]:
    """
    Take the outcome of a cancel request. "Not found" is not "canceled": the venue is asked.
    """
    if order.status in TERMINAL or isinstance(outcome, Acked):
        return
    if isinstance(outcome, Refused):
        yield e.CancelRejected(
            at=context.now,
            client_order_id=order.client_order_id,
            reason=f"{outcome.code}: {outcome.message}"[:300],
        )
        yield query(order)
        return
    # Cancels may be sent again: the timer does it after a pause.
    order.cancel_at = context.mono + SCHEDULE[min(order.cancels, len(SCHEDULE) - 1)]


def late(state: State, context: Context, order: OrderState, venue_order_id: str) -> Iterator[Item]:
    """
    Take in an order that was proven absent and turned up after all (F18).
    """
    yield e.OrderLate(at=context.now, client_order_id=order.client_order_id, venue_order_id=venue_order_id)
    message = f"order {order.client_order_id} was proven absent and turned up as {venue_order_id}"
    yield e.TradingPaused(at=context.now, code="late_arrival", message=message)
    yield raise_alert(state, context, Severity.CRITICAL, "late_arrival", message)


# --- Reports ------------------------------------------------------------------------------------


def order_reported(state: State, context: Context, order: OrderState, report: OrderReport) -> Iterator[Item]:
    """
    Take an order as the venue sees it now.
    """
    venue_id = report.venue_order_id or order.venue_order_id or ""
    if order.status is OrderStatus.ABSENT:
        yield from late(state, context, order, venue_id)
    if order.status in _UNANSWERED and report.status is not OrderStatus.REJECTED:
        yield e.OrderAccepted(at=context.now, client_order_id=order.client_order_id, venue_order_id=venue_id)
    if report.filled_quantity > order.filled:
        # The fills themselves are still to come: ask for them before believing a sum.
        if order.asked_at is None:
            order.asked_at = context.mono
            yield query(order)
        return
    yield from _ended(state, context, order, report)


def _ended(state: State, context: Context, order: OrderState, report: OrderReport) -> Iterator[Item]:
    order_id, reason = order.client_order_id, report.reason or ""
    match report.status:
        case OrderStatus.CANCELED:
            canceled = e.OrderCanceled(at=context.now, client_order_id=order_id, reason=reason)
            yield from known(context, order, Fact.CANCELED, canceled)
        case OrderStatus.EXPIRED:
            expired = e.OrderExpired(at=context.now, client_order_id=order_id, reason=reason)
            yield from known(context, order, Fact.EXPIRED, expired)
        case OrderStatus.REJECTED:
            yield from rejected(state, context, order, report.reason_code or "rejected", reason)
        case _:
            return


def query_answered(
    state: State,
    context: Context,
    order: OrderState,
    report: OrderReport | None,
    fills: tuple[FillReport, ...],
    *,
    failed: bool,
) -> Iterator[Item]:
    """
    Take the answer to a question about one order.
    """
    order.asked_at = None
    order.queries += 1
    order.query_at = context.mono + SCHEDULE[min(order.queries, len(SCHEDULE) - 1)]
    if failed:
        return
    for fill in fills:
        yield from fill_reported(state, context, order, fill)
    if report is None:
        if order.status not in TERMINAL:
            yield from _not_found(state, context, order)
        return
    order.not_found_at = None
    if report.filled_quantity > order.filled and order.status is not OrderStatus.ABSENT:
        yield from _infer(state, context, order, report)
    yield from order_reported(state, context, order, report)


def _infer(state: State, context: Context, order: OrderState, report: OrderReport) -> Iterator[Item]:
    # The venue counts more than it lists: book the difference, to be replaced by the real fills.
    missing = report.filled_quantity - order.filled
    average = report.average_fill_price or order.limit_price or state.slots[order.symbol].mark
    if average is None:
        return
    price = average
    if order.filled and report.average_fill_price is not None:
        rest = report.average_fill_price * report.filled_quantity - order.value
        price = RULES.divide(rest, missing).quantize(Decimal("1E-8"), context=RULES)
    yield from fill_reported(
        state,
        context,
        order,
        FillReport(
            fill_id=f"inferred-{order.client_order_id}-{plain(report.filled_quantity)}",
            symbol=order.symbol,
            side=order.side,
            quantity=missing,
            price=price if price > 0 else average,
            occurred_at=report.at,
            client_order_id=order.client_order_id,
            venue_order_id=report.venue_order_id,
        ),
        inferred=True,
    )


def _not_found(state: State, context: Context, order: OrderState) -> Iterator[Item]:
    # Proven absent needs: the request can no longer be accepted, two "not found" a settle time
    # apart from a source that lists closed orders, and positions that agree (REL 2.2.1).
    abilities = context.capabilities
    if order.status not in _UNANSWERED:
        if order.alarmed < 1:
            order.alarmed = 1
            message = f"the venue no longer knows order {order.client_order_id} on {order.symbol}"
            yield raise_alert(state, context, Severity.CRITICAL, "order_vanished", message)
        return
    if abilities.request_ttl is None or not abilities.query_includes_closed:
        return
    age = (context.now - order.created_at).total_seconds()
    if age <= abilities.request_ttl + abilities.visibility_lag:
        return
    if order.not_found_at is None:
        order.not_found_at = context.mono
        order.query_at = context.mono + state.spec.settle_seconds
        yield Sweep(state.sequence)
        return
    slot = state.slots[order.symbol]
    settled = context.mono - order.not_found_at >= state.spec.settle_seconds
    agreed = (
        slot.drift is None
        and slot.drift_seen is None
        and (not abilities.positions or slot.swept_at >= order.not_found_at)
    )
    if settled and agreed:
        evidence = (
            f"not found twice, {context.mono - order.not_found_at:.1f} s apart,"
            f" {age:.1f} s after sending (requests lapse after {abilities.request_ttl:g} s);"
            " positions agree"
        )
        yield e.OrderAbsent(at=context.now, client_order_id=order.client_order_id, evidence=evidence)


# --- Fills --------------------------------------------------------------------------------------


def fill_reported(
    state: State, context: Context, order: OrderState, fill: FillReport, *, inferred: bool = False
) -> Iterator[Item]:
    """
    Take one execution of a known order: book it once, correct it, or refuse to believe it.
    """
    if (
        fill.symbol != order.symbol
        or fill.side is not order.side
        or not (fill.quantity.is_finite() and fill.price.is_finite())
        or fill.quantity <= 0
        or (fill.price <= 0 and not state.slots[order.symbol].instrument.allows_negative_price)
    ):
        report = f"fill {fill.fill_id}: {fill.side} {fill.quantity} {fill.symbol} at {fill.price}"
        yield e.Unexpected(
            at=context.now, client_order_id=order.client_order_id, status=order.status, report=report[:300]
        )
        yield Sweep(state.sequence)
        return
    if fill.fill_id in order.fills:
        yield from _seen_again(state, context, order, fill)
        return
    if order.status is OrderStatus.ABSENT:
        yield from late(state, context, order, fill.venue_order_id or "")
    if not inferred:
        yield from _replace_inferred(context, order, fill.quantity)
    was, over = order.status, order.filled + fill.quantity - order.quantity
    commission, currency, estimated = _commission(state, order, fill)
    yield e.OrderFilled(
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
    )
    if over > 0:
        message = f"order {order.client_order_id} filled {plain(over)} more than its {plain(order.quantity)}"
        yield e.InstrumentBlocked(at=context.now, symbol=order.symbol, reason=message)
        yield raise_alert(state, context, Severity.CRITICAL, "overfill", message)
    elif was in TERMINAL:
        message = f"order {order.client_order_id} was filled after it had been {was}"
        yield raise_alert(state, context, Severity.WARNING, "fill_after_end", message)


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
