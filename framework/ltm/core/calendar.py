"""
How far the exchange's calendar is known: told in time, because beyond it nothing is entered.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ltm.core.orders import Item, raise_alert
from ltm.model.enums import Severity
from ltm.model.hours import Openings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.context import Context
    from ltm.core.state import State

WARNINGS: Final = (timedelta(days=30), timedelta(days=7), timedelta(days=1))
"""How long before its end each warning is given, once."""


def watch_calendar(state: State, context: Context) -> Iterator[Item]:
    """
    Tell a person that the calendar ends soon.
    """
    hours = context.hours
    if not isinstance(hours, Openings) or context.calendar_told == len(WARNINGS):
        return
    left = hours.until - context.now
    stage = sum(left <= warning for warning in WARNINGS)
    if stage > context.calendar_told:
        context.calendar_told = stage
        message = (
            f"calendar {hours.calendar} is known until {hours.until:%Y-%m-%d %H:%M} UTC and no further;"
            " entries stop then. Install a newer exchange_calendars"
        )
        yield raise_alert(state, context, Severity.WARNING, "calendar_ends", message)
