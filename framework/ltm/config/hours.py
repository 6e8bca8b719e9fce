"""
Clock times, trading windows and time zones, as people write them (BAD-013 to BAD-018).
"""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ltm.config.reader import Reader, got, join
from ltm.model.errors import shown, suggestion
from ltm.model.hours import minutes_of, zone_of

if TYPE_CHECKING:
    Windows = tuple[tuple[int, int], ...]

_DAY: Final = 24 * 60
_KEYS: Final = ("start", "end", "overnight")
_EXAMPLE: Final = 'for example { start = "09:30", end = "15:00" }'


def clock(value: object, *, end: bool = False) -> int | None:
    """
    Return "HH:MM" or a local time as minutes since midnight; 24:00 only where something ends.
    """
    if isinstance(value, time):
        whole = value.second == value.microsecond == 0 and value.tzinfo is None
        return value.hour * 60 + value.minute if whole else None
    minutes = minutes_of(value) if isinstance(value, str) else None
    return minutes if minutes != _DAY or end else None


def windows(reader: Reader, value: object, path: str, *, overnight: bool) -> Windows:
    """
    Return the opening windows of `trading_hours`, one table or a list of them; () after keeping problems.
    """
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    items = list(value) if isinstance(value, Sequence) and listed else [value]
    if not items:
        reader.refuse(16, path, f"{path} must have at least one window, got []", hint=_EXAMPLE)
    found = []
    for index, item in enumerate(items):
        where = f"{path}[{index}]" if listed else path
        window = _window(reader, item, where, overnight=overnight)
        if window is not None:
            found.append((window, where))
    found.sort()
    _overlaps(reader, found)
    return tuple(window for window, _ in found)


def _window(reader: Reader, value: object, path: str, *, overnight: bool) -> tuple[int, int] | None:
    if not isinstance(value, Mapping):
        reader.refuse(16, path, f"{path} must be a table with start and end, got {got(value)}", hint=_EXAMPLE)
        return None
    before = len(reader.problems)
    for key in value:
        if key not in _KEYS:
            near = suggestion(str(key), _KEYS)
            message = f"unknown key {shown(key)} in {path}" + (f"; {near}" if near else "")
            reader.refuse(16, join(path, str(key)), message, hint=near or "known: start, end, overnight")
    crosses = reader.convert(bool, value.get("overnight", overnight), join(path, "overnight"))
    start, end = _edge(reader, value, path, "start"), _edge(reader, value, path, "end")
    if len(reader.problems) > before or start is None or end is None:
        return None
    return _checked(reader, start, end, path, overnight=crosses)


def _edge(reader: Reader, value: Mapping[str, object], path: str, key: str) -> int | None:
    where = join(path, key)
    if key not in value:
        reader.refuse(16, where, f"{where} is required", hint=_EXAMPLE)
        return None
    minutes = clock(value[key], end=key == "end")
    if minutes is None:
        message = f'{where} must be "HH:MM" (00:00-23:59), got {got(value[key])}'
        hint = 'for example "09:30"; only an end may be "24:00"'
        reader.refuse(13, where, message, value=value[key], hint=hint)
    return minutes


def _checked(reader: Reader, start: int, end: int, path: str, *, overnight: bool) -> tuple[int, int] | None:
    if start == end:
        message = f"{path}: start and end are equal; for all day use 00:00-24:00"
        reader.refuse(14, path, message, hint='{ start = "00:00", end = "24:00" }')
        return None
    if end < start and not overnight:
        message = (
            f"{path}: end {_text(end)} is before start {_text(start)}; "
            "set overnight = true if the session crosses midnight"
        )
        reader.refuse(15, path, message, hint="overnight = true, or swap the two")
        return None
    return start, end


def _overlaps(reader: Reader, found: Sequence[tuple[tuple[int, int], str]]) -> None:
    # An overnight window also covers the morning after, which is before every start of the list.
    for (left, _), (right, where) in pairwise(found):
        if right[0] < left[1] or left[1] < left[0]:
            message = f"{where}: {_span(right)} overlaps {_span(left)}"
            reader.refuse(16, where, message, hint="let one end where the next begins")
    if len(found) > 1 and found[-1][0][1] < found[-1][0][0] and found[-1][0][1] > found[0][0][0]:
        message = f"{found[-1][1]}: {_span(found[-1][0])} overlaps {_span(found[0][0])}"
        reader.refuse(16, found[-1][1], message, hint="let one end where the next begins")


def _text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _span(window: tuple[int, int]) -> str:
    return f"{_text(window[0])}-{_text(window[1])}"


def check_zone(reader: Reader, name: str, path: str) -> str | None:
    """
    Return the name of a time zone that exists, or None after keeping the problem.
    """
    if zone_of(name) is not None:
        return name
    known = zoneinfo.available_timezones()
    if not known:
        reader.refuse(18, path, "time zone data not installed: pip install tzdata", hint="pip install tzdata")
        return None
    near = suggestion(name, sorted(zone for zone in known if "/" in zone))
    if name in known or (name.isalpha() and name.isupper() and len(name) in range(2, 6)):
        message = f"time zone {shown(name)} is ambiguous"
        hint = "abbreviations mean several places: write Region/City, for example Asia/Shanghai"
        reader.refuse(17, path, f"{path}: {message}", value=name, hint=hint)
        return None
    message = f"{path}: unknown time zone {shown(name)}" + (f"; {near}" if near else "")
    reader.refuse(17, path, message, value=name, hint=near or "write Region/City, for example Asia/Shanghai")
    return None


def machine_zone(environ: Mapping[str, str], link: Path = Path("/etc/localtime")) -> str:
    """
    Return the name of this machine's time zone, UTC when it does not tell.
    """
    named = environ.get("TZ", "").lstrip(":")
    linked = os.path.realpath(link).partition("zoneinfo/")[2]
    return next((name for name in (named, linked) if name and zone_of(name) is not None), "UTC")
