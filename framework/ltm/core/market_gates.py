"""
Gates for what a market's own rules ask: its calendar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.model.hours import Openings
from ltm.model.results import Check

if TYPE_CHECKING:
    from ltm.core.context import Context
    from ltm.core.gates import Candidate
    from ltm.core.state import State

_KNOWN: Final = Check("calendar", "ok")


def calendar_known(state: State, context: Context, candidate: Candidate) -> Check:
    """
    C14: the calendar says something about this moment; exits beyond it are left to the venue.
    """
    hours = context.hours
    if isinstance(hours, Openings) and not hours.knows(context.now):
        message = (
            f"calendar {hours.calendar} is known from {hours.since:%Y-%m-%d %H:%M}"
            f" to {hours.until:%Y-%m-%d %H:%M} UTC only"
        )
        return Check("calendar", "calendar_unknown", message=message)
    return _KNOWN
