"""
Trading hours and the trading date: local clocks, half-open windows, one roll a day.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import attrs

_DAY: Final = 24 * 60
_TEXT: Final = re.compile(r"(\d\d):(\d\d)", re.ASCII)


def minutes_of(text: str) -> int | None:
    """
    Return "HH:MM" as minutes since midnight ("24:00" is 1440), else None.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    hours, minutes = int(found[1]), int(found[2])
    if (hours, minutes) == (24, 0):
        return _DAY
    return hours * 60 + minutes if hours < 24 and minutes < 60 else None  # noqa: PLR2004 - a clock


def instant_of(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """
    Return the UTC instant of a local clock time.

    In a DST gap it is the first instant after the gap, in a fold the first occurrence (RSK-09).
    """
    local = datetime.combine(day, time()) + timedelta(minutes=minutes)
    aware = local.replace(tzinfo=zone)
    instant = aware.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    # In a gap fold=0 uses the offset before it: walk back to where the clocks jump.
    before, after = aware.replace(fold=1).astimezone(UTC), instant
    low, high = min(before, after) - timedelta(hours=3), max(before, after)
    start = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == start:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


@attrs.frozen
class Window:
    """
    One opening, half-open [start, end), in minutes since local midnight; end < start is overnight.
    """

    start: int
    end: int

    def __str__(self) -> str:
        return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (self.start, self.end))


ALL_DAY: Final = Window(0, _DAY)


@attrs.frozen
class TradingHours:
    """
    Weekly opening hours: the same windows on each of `weekdays` (Monday 0), local to `zone`.
    """

    windows: tuple[Window, ...]
    zone: ZoneInfo
    weekdays: frozenset[int] = frozenset(range(7))
    days: Mapping[date, tuple[Window, ...]] = attrs.Factory(dict)
    """Dates with windows of their own: half days, days on which nothing opens."""

    def opening_at(self, now: datetime) -> tuple[bool, datetime]:
        """
        Return whether it is open now, and the next instant at which that may change.
        """
        boundaries: list[tuple[datetime, bool]] = []
        today = now.astimezone(self.zone).date()
        # Usually a week tells; where days were declared closed, the next opening may be further.
        for first, last in _REACH:
            for offset in range(first, last):
                boundaries += self._boundaries(today + timedelta(days=offset))
            # At one instant a closing sorts first, so that back-to-back windows stay open.
            boundaries.sort()
            index = bisect_right(boundaries, now, key=lambda boundary: boundary[0])
            if index < len(boundaries):
                return index > 0 and boundaries[index - 1][1], boundaries[index][0]
        return False, now + timedelta(days=_REACH[-1][1] - 1)

    def _boundaries(self, day: date) -> Iterator[tuple[datetime, bool]]:
        windows = self.days.get(day)
        if windows is None:
            windows = self.windows if day.weekday() in self.weekdays else ()
        for window in windows:
            end = window.end if window.end > window.start else window.end + _DAY
            opens = instant_of(day, window.start, self.zone)
            closes = instant_of(day, end, self.zone)
            # A window inside a DST gap does not exist on that day.
            if opens < closes:
                yield opens, True
                yield closes, False


_REACH: Final = ((-2, 9), (9, 40), (40, 400))
FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@attrs.frozen
class Openings:
    """
    What an exchange's calendar knows: every opening, in order, half-open, none touching the next.
    """

    calendar: str
    spans: tuple[tuple[datetime, datetime], ...]

    @property
    def since(self) -> datetime:
        """
        The first instant of which the calendar knows anything.
        """
        return self.spans[0][0]

    @property
    def until(self) -> datetime:
        """
        The last close that it knows: what comes then is nobody's guess.
        """
        return self.spans[-1][1]

    def knows(self, now: datetime) -> bool:
        """
        Return whether the calendar says anything about an instant.
        """
        return self.since <= now < self.until

    def opening_at(self, now: datetime) -> tuple[bool, datetime]:
        """
        Return whether it is open now, and when that changes; where nothing is known, exits are left to the venue.
        """
        if now < self.since:
            return True, self.since
        if now >= self.until:
            return True, FOREVER
        index = bisect_right(self.spans, now, key=lambda span: span[0]) - 1
        closes = self.spans[index][1]
        return (True, closes) if now < closes else (False, self.spans[index + 1][0])


@attrs.frozen
class TradingDay:
    """
    When the trading date changes: at `roll` minutes since local midnight, once a date.
    """

    zone: ZoneInfo
    roll: int = 0

    def date_at(self, now: datetime) -> date:
        """
        Return the trading date of an instant. A roll after noon opens the next calendar date.
        """
        today = now.astimezone(self.zone).date()
        opened = today if now >= instant_of(today, self.roll, self.zone) else today - timedelta(days=1)
        return opened + timedelta(days=1) if self.roll > _DAY // 2 else opened

    def begin_of(self, day: date) -> datetime:
        """
        Return the roll that opens a trading date.
        """
        return instant_of(day - timedelta(days=1) if self.roll > _DAY // 2 else day, self.roll, self.zone)

    def next_roll(self, now: datetime) -> datetime:
        """
        Return the first roll strictly after an instant.
        """
        day = now.astimezone(self.zone).date() - timedelta(days=1)
        while (instant := instant_of(day, self.roll, self.zone)) <= now:
            day += timedelta(days=1)
        return instant


def zone_of(name: str) -> ZoneInfo | None:
    """
    Return the time zone of an IANA name, else None. Abbreviations are ambiguous: None (BAD-017).
    """
    if name != "UTC" and "/" not in name:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return None


def usable_zone(name: str) -> ZoneInfo:
    """
    Return the time zone of a name that was checked before.
    """
    zone = zone_of(name)
    if zone is None:
        message = f"time zone {name} was not checked"
        raise AssertionError(message)
    return zone
