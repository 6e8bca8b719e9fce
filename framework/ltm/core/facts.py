"""
From what the broker says to what happened: outcomes, order reports, fills, answers to queries.

Nothing is guessed here. A report moves an order only where `ltm.core.lifecycle` allows it, fills
are applied once each, and an order whose fate is not known stays open until evidence comes.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Final, assert_never

from ltm.core import events as e
from ltm.core.effects import QueryOrder
from ltm.core.fills import disbelieved, fill_reported, late
from ltm.core.lifecycle import STALE, TERMINAL, UNEXPECTED, Fact, next_status
from ltm.core.orders import Item, raise_alert
from ltm.core.text import clean
from ltm.model.enums import OrderStatus, Purpose, Severity
from ltm.model.numbers import RULES, plain
from ltm.model.redaction import redact_id
from ltm.model.reports import Acked, Ambiguous, FillReport, NotSent, OrderReport, Outcome, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ltm.core.context import Context
    from ltm.core.state import OrderState, Slot, State

DUPLICATE: Final = "duplicate_client_order_id"
"""A refusal with this code proves that an earlier request arrived: never a rejection."""
SCHEDULE: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds between queries about an unknown order (REL 2.2.1)."""
UNPROVEN: Final = 3
"""Stage of alarm about an order that only a person can resolve; the earlier ones are about waiting."""
OWN_EXITS: Final = frozenset({Purpose.STOP_LOSS, Purpose.TRAILING_STOP, Purpose.TAKE_PROFIT, Purpose.FLATTEN})
_ABSENT: Final = OrderStatus.ABSENT
_ACCEPTED: Final = Fact.ACCEPTED
_UNANSWERED: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})


def ask(context: Context, order: OrderState) -> Iterator[Item]:
    """
    Ask the venue about one order, unless that is under way.
    """
    if order.asked_at is None:
        order.asked_at = context.mono
        yield QueryOrder(order.client_order_id, order.venue_order_id, order.symbol)


def known(context: Context, order: OrderState, fact: Fact, event: e.AnyEvent) -> tuple[Item, ...]:
    """
    Return an event if the table lets its fact move the order; a note of what has no place.
    """
    outcome = next_status(order.status, fact)
    if outcome is STALE:
        return ()
    if outcome is UNEXPECTED:
        status = order.status
        return (
            e.Unexpected(at=context.now, client_order_id=order.client_order_id, status=status, report=fact),
        )
    return (event,)


# --- Outcomes of our requests -------------------------------------------------------------------


def submit_answered(state: State, context: Context, order: OrderState, outcome: Outcome) -> Iterable[Item]:
    """
    Take the outcome of the one submission of an order.
    """
    match outcome:
        case Acked():
            return _acked(state, context, order, outcome)
        case NotSent():
            return _not_sent(state, context, order, outcome.reason)
        case Refused() if outcome.code != DUPLICATE and order.status in _UNANSWERED:
            return rejected(state, context, order, outcome.code, outcome.message)
        case Refused():
            # The stream already said otherwise, or an earlier request arrived: ask.
            unknown = _unknown(state, context, order, f"{outcome.code}: {outcome.message}")
            return chain(unknown, ask(context, order))
        case Ambiguous():
            return _unknown(state, context, order, outcome.reason)
        case _:
            assert_never(outcome)


def _acked(state: State, context: Context, order: OrderState, outcome: Acked) -> Iterable[Item]:
    if next_status(order.status, _ACCEPTED) is STALE:
        return ()  # its fill overtook it
    venue_order_id = redact_id(outcome.venue_order_id)
    if order.status is _ABSENT:
        return late(state, context, order, venue_order_id)
    event = e.OrderAccepted(
        at=context.now, client_order_id=order.client_order_id, venue_order_id=venue_order_id
    )
    return known(context, order, _ACCEPTED, event)


def _not_sent(state: State, context: Context, order: OrderState, reason: str) -> Iterator[Item]:
    order_id = order.client_order_id
    evidence = clean(f"not sent: {reason}")
    absent = e.OrderAbsent(at=context.now, client_order_id=order_id, evidence=evidence, not_sent=True)
    yield from known(context, order, Fact.ABSENT, absent)
    if order.status is OrderStatus.ABSENT:
        message = f"order {order_id} ({order.side} {plain(order.quantity)} {order.symbol}) was not sent"
        yield raise_alert(state, context, Severity.WARNING, "not_sent", f"{message}: {reason}")


def _unknown(state: State, context: Context, order: OrderState, reason: str) -> Iterator[Item]:
    event = e.OrderUnknown(at=context.now, client_order_id=order.client_order_id, reason=clean(reason))
    yield from known(context, order, Fact.UNKNOWN, event)
    if order.status is not OrderStatus.UNKNOWN:
        return
    order.unknown_since = context.mono
    order.query_at = context.mono + SCHEDULE[0]
    if order.purpose in OWN_EXITS:
        # No second exit is sent while this one may be working: somebody has to know at once (RSK-24).
        message = f"nobody knows whether the {order.purpose} of {order.symbol} is working: {reason}"
        yield raise_alert(state, context, Severity.CRITICAL, "exit_unknown", message)


def rejected(state: State, context: Context, order: OrderState, code: str, message: str) -> Iterator[Item]:
    """
    Take the venue's definitive refusal.
    """
    event = e.OrderRejected(
        at=context.now, client_order_id=order.client_order_id, code=clean(code, 64), message=clean(message)
    )
    yield from known(context, order, Fact.REJECTED, event)
    if order.status is OrderStatus.REJECTED:
        text = (
            f"{order.side} {plain(order.quantity)} {order.symbol} was rejected: {code}: {clean(message, 200)}"
        )
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
            reason=clean(f"{outcome.code}: {outcome.message}"),
        )
        yield from ask(context, order)
        return
    # Cancels may be sent again: the timer does it after a pause.
    order.cancel_at = context.mono + SCHEDULE[min(order.cancels, len(SCHEDULE) - 1)]


# --- Reports ------------------------------------------------------------------------------------


def order_reported(state: State, context: Context, order: OrderState, report: OrderReport) -> Iterator[Item]:
    """
    Take an order as the venue sees it now.
    """
    if not _sound(order, report):
        yield from disbelieved(context, order, f"{report.status} with {report.filled_quantity} filled")
        return
    yield from there(state, context, order, report)
    if report.filled_quantity > order.filled or _is_odd(order, report):
        # The fills themselves are still to come, or the sum is older than what we know: ask before believing it.
        yield from ask(context, order)
    else:
        yield from _ended(state, context, order, report)


def _is_odd(order: OrderState, report: OrderReport) -> bool:
    # An end that says less than we know, or "filled" with less than was asked for.
    if order.status in TERMINAL or report.status not in TERMINAL:
        return False
    short = report.status is OrderStatus.FILLED and report.filled_quantity < order.quantity
    return short or report.filled_quantity < order.filled


def _sound(order: OrderState, report: OrderReport) -> bool:
    filled = report.filled_quantity
    return report.symbol == order.symbol and report.side is order.side and filled.is_finite() and filled >= 0


def there(state: State, context: Context, order: OrderState, report: OrderReport) -> Iterator[Item]:
    """
    Take that the venue knows the order: that alone may be news.
    """
    venue_id = report.venue_order_id or order.venue_order_id or ""
    if order.status is OrderStatus.ABSENT:
        yield from late(state, context, order, venue_id)
    if order.status in _UNANSWERED and report.status is not OrderStatus.REJECTED:
        yield e.OrderAccepted(at=context.now, client_order_id=order.client_order_id, venue_order_id=venue_id)


def _ended(state: State, context: Context, order: OrderState, report: OrderReport) -> Iterator[Item]:
    order_id, reason = order.client_order_id, clean(report.reason or "")
    match report.status:
        case OrderStatus.CANCELED:
            canceled = e.OrderCanceled(at=context.now, client_order_id=order_id, reason=reason)
            yield from known(context, order, Fact.CANCELED, canceled)
        case OrderStatus.EXPIRED:
            expired = e.OrderExpired(at=context.now, client_order_id=order_id, reason=reason)
            yield from known(context, order, Fact.EXPIRED, expired)
        case OrderStatus.REJECTED:
            yield from rejected(state, context, order, report.reason_code or "rejected", reason)
        case OrderStatus.FILLED if order.filled < order.quantity:
            # Filled there, and a part was taken back since: nothing more will come.
            taken = plain(order.quantity - order.filled)
            over = e.OrderCanceled(
                at=context.now, client_order_id=order_id, reason=f"filled, and {taken} of it taken back"
            )
            yield from known(context, order, Fact.CANCELED, over)
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
    if not _sound(order, report):
        yield from disbelieved(context, order, f"{report.status} with {report.filled_quantity} filled")
        return
    yield from there(state, context, order, report)
    if report.filled_quantity > order.filled:
        yield from _infer(state, context, order, report)
    if report.filled_quantity <= order.filled:
        yield from _ended(state, context, order, report)


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
    abilities, now = context.capabilities, context.mono
    if order.status not in _UNANSWERED:
        yield from _vanished(state, context, order)
        return
    if abilities.request_ttl is None or not abilities.query_includes_closed or order.unknown_since is None:
        return
    # It was sent before it became unknown; wall clocks may jump, so this one is not asked (I-19).
    if now - order.unknown_since <= abilities.request_ttl + abilities.visibility_lag:
        return
    slot, settle = state.slots[order.symbol], state.spec.settle_seconds
    if order.not_found_at is None:
        order.not_found_at = now
    waited = now - order.not_found_at
    if waited >= settle and _agrees(context, slot, order.not_found_at):
        evidence = (
            f"not found twice, {waited:.1f} s apart, {now - order.unknown_since:.1f} s after its outcome was"
            f" lost (requests lapse after {abilities.request_ttl:g} s); positions agree"
        )
        yield e.OrderAbsent(at=context.now, client_order_id=order.client_order_id, evidence=evidence)
    elif slot.swept_at < order.not_found_at:
        if waited >= settle and slot.apart is not None:
            yield from _unproven(state, context, order, slot.apart)
        # At the next tick: one look at all positions answers for every order that is not found now, and
        # where one saw its instrument move, another is needed.
        order.query_at = now + settle
        context.sweep_at = min(context.sweep_at, now)


def _unproven(state: State, context: Context, order: OrderState, theirs: Decimal) -> Iterator[Item]:
    # The difference may be this order's fill, or somebody else's doing: nothing here can tell.
    if order.alarmed >= UNPROVEN:
        return
    order.alarmed = UNPROVEN
    message = (
        f"the venue does not know order {order.client_order_id} ({order.side} {plain(order.quantity)}"
        f" {order.symbol}), but holds {plain(theirs)} where our fills say"
        f" {plain(state.slots[order.symbol].position)}: a person has to say what became of it"
    )
    yield raise_alert(state, context, Severity.CRITICAL, "order_unproven", message)


def _vanished(state: State, context: Context, order: OrderState) -> Iterator[Item]:
    if order.alarmed < 1:
        order.alarmed = 1
        message = f"the venue no longer knows order {order.client_order_id} on {order.symbol}"
        yield raise_alert(state, context, Severity.CRITICAL, "order_vanished", message)


def _agrees(context: Context, slot: Slot, since: float) -> bool:
    if slot.drift is not None or slot.drift_seen is not None:
        return False
    return slot.swept_at >= since or not context.capabilities.positions
