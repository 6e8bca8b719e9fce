"""
Exchange calendars, read from `exchange_calendars` (the extra `calendars`), and nothing else imports it.

The library brings pandas, so it is imported when a session names a calendar. Some of its calendars end
at a date, because the exchange has not published more: what is asked beyond raises there, so nothing is.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import attrs

from ltm.config.reader import got
from ltm.model.errors import shown, suggestion
from ltm.model.hours import Openings, instant_of, usable_zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from ltm.config.reader import Reader

    Span = tuple[datetime, datetime]
    Windows = tuple[tuple[int, int], ...]

_EARLIEST: Final = "1990-01-01"
_DAY: Final = 24 * 60
_EXAMPLE: Final = 'for example trading_hours = { calendar = "XNYS" }'


@attrs.frozen(kw_only=True)
class Calendar:
    """
    One exchange's calendar as the library knows it.
    """

    name: str
    zone: str
    roll: int
    """Where a session opens on the evening before: minutes since midnight at which it does; else 0."""
    sessions: Mapping[date, tuple[Span, ...]]
    """Session date -> its openings, in order."""

    def openings(self, days: Iterable[tuple[date, Windows]] = ()) -> Openings:
        """
        Return every opening, with those of some dates replaced.
        """
        zone = usable_zone(self.zone)
        usual = list(self.sessions.values())
        replaced = {day: tuple(_local(day, windows, zone)) for day, windows in days}
        spans = sorted(span for session in {**self.sessions, **replaced}.values() for span in session)
        known = [span for span in spans if usual[0][0][0] <= span[0] < usual[-1][-1][1]]
        return Openings(self.name, tuple(_joined(known)))


def _local(day: date, windows: Windows, zone: ZoneInfo) -> Iterable[Span]:
    for start, end in windows:
        yield instant_of(day, start, zone), instant_of(day, end if end > start else end + _DAY, zone)


def _joined(spans: Sequence[Span]) -> list[Span]:
    # A market that never closes has one opening, not one a day: there is no close to keep away from.
    joined: list[Span] = []
    for opens, closes in spans:
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return joined


def read_calendar(reader: Reader, name: object, path: str) -> Calendar | None:
    """
    Return the calendar of a name, or None after keeping the problem.
    """
    if not isinstance(name, str):
        reader.refuse(16, path, f"{path} must be the name of a calendar, got {got(name)}", hint=_EXAMPLE)
        return None
    try:
        import exchange_calendars
    except ImportError:
        message = f"{path}: calendars need the package exchange_calendars, which is not installed"
        reader.refuse(16, path, message, hint="pip install 'ltm[calendars]'")
        return None
    known = exchange_calendars.get_calendar_names()
    if name not in known:
        near = suggestion(name, known)
        message = f"{path}: unknown calendar {shown(name)}" + (f"; {near}" if near else "")
        reader.refuse(16, path, message, value=name, hint=near or "exchange_calendars lists them: XNYS, XSHG")
        return None
    with warnings.catch_warnings():
        # The library warns about what pandas is going to change; that is between the two.
        warnings.simplefilter("ignore")
        return _read(exchange_calendars, name)


def _read(library: Any, name: str) -> Calendar:  # noqa: ANN401 - the library has no types
    bound = library.get_calendar(name).bound_min()
    start = _EARLIEST if bound is None else max(_EARLIEST, f"{bound:%Y-%m-%d}")
    calendar = library.get_calendar(name, start=start)
    opens = [at for _, at in calendar.open_times][-1]
    sessions = {}
    for row in calendar.schedule.itertuples():
        moments = [row.open, row.break_start, row.break_end, row.close]
        # A day without a break has NaT there, which is the only thing that differs from itself.
        edges = [at.to_pydatetime() for at in moments if at == at]  # noqa: PLR0124 - see above
        sessions[row.Index.date()] = tuple(zip(edges[::2], edges[1::2], strict=True))
    return Calendar(
        name=name,
        zone=str(calendar.tz),
        roll=opens.hour * 60 + opens.minute if calendar.open_offset else 0,
        sessions=sessions,
    )
