"""
The trailing stop: how far the price has come in a position's favour, and what that makes of its stop.

The best price moves with marks, as prices do, and is written down once a second. It is looked at only where a position
has such a stop: the level that calls `lift` is one of the two that every mark is compared with anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm.core import events as e
from ltm.core.booking import set_exit_levels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from ltm.core.context import Context
    from ltm.core.orders import Item
    from ltm.core.state import Slot, State


def exit_side(slot: Slot) -> Decimal | None:
    """
    Return the price at which the position could be closed: bid or ask, else the mark; None before the first.
    """
    if slot.received is None:
        return None
    return (slot.bid if slot.position > 0 else slot.ask) or slot.mark


def lift(state: State, slot: Slot) -> None:
    """
    Take note of a price that is better than any since the position was opened.
    """
    best, side = slot.best, exit_side(slot)
    if best is None or side is None:
        return
    if side > best if slot.position > 0 else side < best:
        slot.best = side
        set_exit_levels(state, slot)


def note_best(state: State, context: Context) -> Iterator[Item]:
    """
    Write down the best prices that moved, so that they survive.
    """
    if not state.spec.trails:
        return
    moved = {
        slot.instrument.symbol: slot.best
        for slot in state.held()
        if slot.best is not None and slot.best != slot.best_noted
    }
    if moved:
        yield e.StopsTrailed(at=context.now, best=moved)
