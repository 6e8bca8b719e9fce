"""
When a session trades: its windows or an exchange's calendar, and the dates that differ from them (BAD-019).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

from ltm.config.calendars import Calendar, read_calendar
from ltm.config.hours import windows
from ltm.config.reader import Reader, got, join
from ltm.model.errors import ConfigError, shown, suggestion
from ltm.model.hours import instant_of, minutes_of, usable_zone

if TYPE_CHECKING:
    from pathlib import Path

    Windows = tuple[tuple[int, int], ...]
    Days = tuple[tuple[date, Windows], ...]

_DAY: Final = 24 * 60
_LIMIT: Final = 1_000_000
_SPAN: Final = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)", re.ASCII)
_HEADER: Final = ["date", "hours"]
_CLOSED: Final = "closed"
_CURE: Final = 'for example "09:30-13:00", "09:30-11:30 13:00-15:00" or "closed"'


@attrs.frozen(kw_only=True)
class Schedule:
    """
    When a session trades, as its file says.
    """

    windows: Windows = ()
    calendar: Calendar | None = None
    days: Days = ()


def schedule(reader: Reader, table: object, path: str) -> Schedule:
    """
    Return what `trading_hours` and `trading_days` of a session say, after keeping what is wrong with them.
    """
    if not isinstance(table, Mapping):
        return Schedule()
    said, overnight = table.get("trading_hours"), table.get("overnight") is True
    where = join(path, "trading_hours")
    calendar: Calendar | None = None
    usual: Windows = ()
    if isinstance(said, Mapping) and "calendar" in said:
        calendar = _calendar(reader, said, where)
        if "weekdays" in table:
            name = join(path, "weekdays")
            reader.refuse(16, name, f"{name} has no meaning beside a calendar", hint="leave it out")
    elif said is not None:
        usual = windows(reader, said, where, overnight=overnight)
    found = Schedule(windows=usual, calendar=calendar)
    if table.get("trading_days") is None:
        return found
    days = _Days(reader, join(path, "trading_days"), found, overnight=overnight)
    return attrs.evolve(found, days=days.read(table["trading_days"]))


def _calendar(reader: Reader, said: Mapping[str, object], path: str) -> Calendar | None:
    others = [str(key) for key in said if key != "calendar"]
    if others:
        near = suggestion(others[0], ["calendar"])
        message = f"{path} has a calendar and {shown(others[0])}: a calendar stands alone"
        hint = near or "use trading_days for dates that differ from it"
        reader.refuse(16, join(path, others[0]), message, hint=hint)
        return None
    return read_calendar(reader, said["calendar"], join(path, "calendar"))


class _Days:
    # The reading of one `trading_days`, a file or a table.

    def __init__(self, reader: Reader, path: str, usual: Schedule, *, overnight: bool) -> None:
        self.reader = reader
        self.path = path
        self.usual = usual
        self.overnight = overnight or any(end < start for start, end in usual.windows)
        self.seen: dict[date, str] = {}
        self.found: list[tuple[date, Windows]] = []

    def read(self, value: object) -> Days:
        if isinstance(value, Mapping):
            for key, hours in value.items():
                self._take(str(key), hours, field=join(self.path, str(key)), where=None)
        elif isinstance(value, str) and value and "\0" not in value:
            file = self.reader.base / value
            for line, row in self._rows(file):
                where = f"{value}, line {line}"
                if len(row) == len(_HEADER):
                    self._take(row[0].strip(), row[1].strip(), field=self.path, where=where)
                else:
                    self._refuse(f"must have 2 columns on each line, got {len(row)}", where=where)
        else:
            self._refuse(f"must be a file or a table of date = hours, got {got(value)}")
        return tuple(sorted(self.found))

    def _rows(self, file: Path) -> Iterator[tuple[int, list[str]]]:
        try:
            data = file.read_bytes()[: _LIMIT + 1]
            text = data.decode("utf-8-sig")
        except OSError as error:
            self._refuse(f"must be a file that can be read, got {shown(str(file))}: {error.strerror}")
            return
        except UnicodeDecodeError:
            self._refuse(f"{file.name} must be UTF-8 text", where=file.name)
            return
        if len(data) > _LIMIT:
            self._refuse(f"{file.name} is larger than 1 MB", where=file.name)
            return
        rows = csv.reader(text.splitlines())
        if [cell.strip() for cell in next(rows, [])] != _HEADER:
            self._refuse(f"{file.name} must begin with the header date,hours", where=f"{file.name}, line 1")
            return
        for row in rows:
            if row:
                yield rows.line_num, row

    def _refuse(
        self, rule: str, *, field: str = "", where: str | None = None, hint: str = "a CSV file date,hours"
    ) -> None:
        message = f"{field or self.path} {rule}"
        problem = ConfigError(message, code="LTM-CFG-019", field=field or self.path, hint=hint, where=where)
        self.reader.problems.append(problem)

    def _take(self, text: str, hours: object, *, field: str, where: str | None) -> None:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            rule = f"names dates such as 2026-12-24, got {shown(text)}"
            self._refuse(rule, field=field, where=where, hint="year-month-day, and a day that exists")
            return
        place = where or field
        if day in self.seen:
            rule = f"names {day} twice (first: {self.seen[day]})"
            self._refuse(rule, field=field, where=where, hint="keep one")
            return
        self.seen[day] = place
        spans = self._spans(hours)
        if isinstance(spans, str):
            self._refuse(spans, field=field, where=where, hint=_CURE)
        elif late := self._too_late(day, spans):
            hint = "a day may be shorter than usual, not longer"
            self._refuse(f"on {day} {late}", field=field, where=where, hint=hint)
        else:
            self.found.append((day, spans))

    def _spans(self, hours: object) -> Windows | str:
        # The windows of one date, or what is wrong with them.
        if hours == _CLOSED:
            return ()
        found = []
        for part in hours.split() if isinstance(hours, str) else ():
            match = _SPAN.fullmatch(part)
            start = minutes_of(match[1]) if match else None
            end = minutes_of(match[2]) if match else None
            if start is None or end is None or start in {end, _DAY}:
                return f'must be "HH:MM-HH:MM" or "closed", got {shown(part)}'
            if end < start and not self.overnight:
                return f"{part}: end is before start; set overnight = true if it crosses midnight"
            found.append((start, end))
        if not found:
            return f'must be "HH:MM-HH:MM" or "closed", got {got(hours)}'
        for left, right in pairwise(found):
            if right[0] < left[1] or left[1] < left[0]:
                return f"{hours} has windows that overlap or are not in order"
        return tuple(found)

    def _too_late(self, day: date, spans: Windows) -> str:
        # Why a date's last close cannot be: it is later than the usual one.
        if not spans:
            return ""
        last = _end_of(spans)
        calendar, usual = self.usual.calendar, self.usual.windows
        if calendar is not None:
            session = calendar.sessions.get(day)
            closes = instant_of(day, last, usable_zone(calendar.zone))
            late = session is not None and closes > session[-1][1]
        else:
            late = bool(usual) and last > _end_of(usual)
        return "closes later than usual" if late else ""


def _end_of(spans: Windows) -> int:
    return max(end if end > start else end + _DAY for start, end in spans)
