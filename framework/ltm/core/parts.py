"""
One order under several of the venue's names: worked in parts, or replaced under a new id; and orders that come back.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.effects import SendCancel
from ltm.core.facts import ask, known, order_reported, there
from ltm.core.fills import SOON
from ltm.core.lifecycle import TERMINAL, Fact
from ltm.core.orders import Item, raise_alert
from ltm.model.enums import OrderStatus, Severity
from ltm.model.numbers import ZERO, plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ltm.core.context import Context
    from ltm.core.pieces import Part
    from ltm.core.state import OrderState, State
    from ltm.model.reports import OrderReport

_GONE: Final = TERMINAL - {OrderStatus.ABSENT}


def order_told(state: State, context: Context, order: OrderState, report: OrderReport) -> Iterable[Item]:
    """
    Take a report of one of our orders: of all of it, or of a part under a name of its own.

    A query answers for the whole order; here a smaller quantity than we asked for is that of a part.
    """
    name = report.venue_order_id
    if order.status in TERMINAL or not _is_sound(order, report):
        return order_reported(state, context, order, report)
    if report.quantity < order.quantity:
        return _part_told(state, context, order, report, name)
    if not name or order.venue_order_id is None or name == order.venue_order_id:
        return order_reported(state, context, order, report)
    if state.venue_ids.get(name) == order.client_order_id:
        return ()  # what it was called before it was replaced
    return _renamed(state, context, order, report, name)


def _is_sound(order: OrderState, report: OrderReport) -> bool:
    numbers = (report.quantity, report.filled_quantity)
    same = report.symbol == order.symbol and report.side is order.side
    return same and all(number.is_finite() and number >= 0 for number in numbers)


def _renamed(
    state: State, context: Context, order: OrderState, report: OrderReport, name: str
) -> Iterator[Item]:
    yield _seen(context, order, report, name)
    yield from order_reported(state, context, order, report)


def _seen(context: Context, order: OrderState, report: OrderReport, name: str) -> e.VenueOrderSeen:
    return e.VenueOrderSeen(
        at=context.now,
        client_order_id=order.client_order_id,
        venue_order_id=name,
        quantity=report.quantity,
        filled_quantity=report.filled_quantity,
        ended=report.status in TERMINAL,
    )


def _part_told(
    state: State, context: Context, order: OrderState, report: OrderReport, name: str | None
) -> Iterator[Item]:
    yield from there(state, context, order, report)
    if not name:
        if report.status in TERMINAL:
            yield from ask(context, order)  # of which part nobody knows
        return
    part = (order.parts or {}).get(name)
    if part is None or _is_news(part, report):
        yield _seen(context, order, report, name)
    parts = (order.parts or {}).values()
    if sum((one.filled for one in parts), ZERO) > order.filled:
        yield from ask(context, order)  # the fills themselves are still to come
    elif all(one.ended for one in parts):
        if sum((one.quantity for one in parts), ZERO) < order.quantity:
            yield from ask(context, order)  # there is a part that nobody has told of yet
        else:
            reason = f"all {len(parts)} parts of it have ended"
            over = e.OrderCanceled(at=context.now, client_order_id=order.client_order_id, reason=reason)
            yield from known(context, order, Fact.CANCELED, over)


def _is_news(part: Part, report: OrderReport) -> bool:
    # A lower sum is older, and what has ended does not begin again.
    ended = report.status in TERMINAL
    return report.filled_quantity > part.filled or (ended and not part.ended)


def is_listed(order: OrderState, names: Collection[str]) -> bool:
    """
    Return whether every part that should be working is among the venue's open orders.
    """
    return all(part.ended or name in names for name, part in (order.parts or {}).items())


def watch_ended(state: State, context: Context, order: OrderState, report: OrderReport) -> Iterator[Item]:
    """
    Cancel what the venue works although it ended here, seen twice: its leaves count in no limit.
    """
    if order.status not in _GONE or report.status in TERMINAL:
        return
    name = order.client_order_id
    since = context.revived.setdefault(name, context.mono)
    if context.mono - since < SOON:
        context.sweep_at = min(context.sweep_at, context.mono + SOON)
        return
    yield SendCancel(name, report.venue_order_id, order.symbol)
    slot = state.slots[order.symbol]
    if slot.blocked is None:
        left = plain(max(report.quantity - report.filled_quantity, Decimal(0)))
        message = (
            f"order {name} is {order.status} here, and the venue still works {left} {order.symbol} of it"
        )
        yield e.InstrumentBlocked(at=context.now, symbol=order.symbol, reason=message)
        yield raise_alert(state, context, Severity.CRITICAL, "order_revived", message)
