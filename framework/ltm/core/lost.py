"""
What to do about records that are gone: their sequences, and the ids made of them, are never used again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.orders import Item, raise_alert
from ltm.model.enums import Severity
from ltm.model.identifiers import sequence_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.commands import SweepAnswered
    from ltm.core.context import Context
    from ltm.core.state import State

MOST: Final = 200_000
"""More lost records than this are not marked one by one: an older copy of the journal is the wrong one."""


def skip_lost(state: State, context: Context, answer: SweepAnswered) -> Iterator[Item]:
    """
    Mark the records that the venue proves to be lost: it has orders of ours that come after our last record.

    Their ids were sent. The next order must not get one of them: the venue would refuse it or, worse, answer
    with the old order (I-04).
    """
    names = {report.client_order_id for report in answer.open_orders or ()}
    names |= {fill.client_order_id for fill in answer.fills or ()}
    found = (sequence_of(state.session_key, name) for name in names if name)
    gone = max((number for number in found if number is not None), default=0) - state.sequence
    if gone <= 0 or "journal_behind" in state.latches:
        return
    if gone > MOST:
        message = f"the venue has orders of ours that come {gone:,} records after the journal's last"
        yield e.TradingHalted(at=context.now, code="journal_behind", message=message)
        yield raise_alert(state, context, Severity.CRITICAL, "journal_behind", message)
        return
    for _ in range(gone):
        yield e.RecordLost(at=context.now)
    yield from tell_lost(state, context)


def tell_lost(state: State, context: Context) -> Iterator[Item]:
    """
    Stop entries on a journal that lost records, until a person has looked.
    """
    if not state.lost_count or "journal_repaired" in state.latches:
        return
    message = f"{state.lost_count} records were lost; compare orders and positions with the venue"
    yield e.TradingPaused(at=context.now, code="journal_repaired", message=message)
    yield raise_alert(state, context, Severity.CRITICAL, "journal_repaired", message)
