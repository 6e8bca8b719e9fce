"""
Conservation of intents: the venue works nothing of ours that was not intended (C41).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.cancels import cancel_own
from ltm.core.orders import Item, raise_alert
from ltm.model.enums import Purpose, Severity
from ltm.model.identifiers import sequence_of
from ltm.model.numbers import ZERO, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from ltm.core.context import Context
    from ltm.core.state import OrderState, State
    from ltm.model.reports import OrderReport

BROKEN: Final = "intent_conservation"


def watch_intents(
    state: State,
    context: Context,
    recall: Callable[[str], OrderState | None],
    reports: tuple[OrderReport, ...],
) -> Iterator[Item]:
    """
    Stop everything if the venue works more under one of our ids than was ever intended.

    An id of ours without an intent is from a lost journal; it is adopted elsewhere (REL-4).
    """
    # Overlapping pages list an order twice, perhaps as it was before and after a change (BAD-110).
    listed: dict[tuple[str, str | None], Decimal] = {}
    for report in reports:
        name = report.client_order_id
        if (
            name is not None
            and report.quantity.is_finite()
            and sequence_of(state.session_key, name) is not None
        ):
            key = (name, report.venue_order_id)
            listed[key] = max(listed.get(key, ZERO), report.quantity)
    working: dict[str, Decimal] = {}
    for (name, _), quantity in listed.items():
        working[name] = working.get(name, ZERO) + quantity
    for name, quantity in working.items():
        order = recall(name)
        if order is None or order.purpose is Purpose.FOREIGN or quantity <= order.quantity:
            continue
        if BROKEN not in state.latches:
            message = f"the venue works {plain(quantity)} under {name}, {plain(order.quantity)} was intended"
            yield e.TradingKilled(at=context.now, code=BROKEN, message=message)
            yield raise_alert(state, context, Severity.CRITICAL, BROKEN, message)
        yield from cancel_own(state, context, "the venue works more than was intended")
