"""
Marks kept for sizers that look back: taken at a tick, written down, and the same ones in every replay.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ltm.core import events as e
from ltm.model.market import MarkSample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.context import Context
    from ltm.core.orders import Item
    from ltm.core.state import State
    from ltm.ports.rules import Sampling


def sample_marks(state: State, context: Context, sampling: Sampling) -> Iterator[Item]:
    """
    Write down the mark of each instrument whose last sample is old enough by the venue's time.

    A mark that has not moved on is not taken again: where nothing is traded nothing is learnt, and a
    standstill must not look like calm. So samples may be further apart than asked for, never nearer.
    """
    apart = timedelta(seconds=sampling.seconds)
    afresh = state.sample_distance != sampling.seconds
    marks = {
        symbol: MarkSample(slot.marked_at, slot.mark)
        for symbol, slot in state.slots.items()
        if slot.mark is not None
        and slot.marked_at is not None
        and slot.mark > 0
        and (afresh or not slot.samples or slot.marked_at - slot.samples[-1].at >= apart)
    }
    if marks:
        yield e.MarksSampled(at=context.now, seconds=sampling.seconds, keep=sampling.count, marks=marks)
