"""
Lines of bytes become signals; a line that is wrong becomes its error and harms no other.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ltm.model.errors import SignalError, shown, suggestion
from ltm.model.numbers import decimal_of
from ltm.model.signal import FIELDS, Signal, signal_from_mapping, utc_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from decimal import Decimal

LONGEST_LINE: Final = 1 << 16
CHUNK: Final = 1 << 16
_EXPONENTS: Final = (-324, 308)
"""Those of the smallest and the largest binary float: models make scores of all of them."""
_NUMBERS: Final = (
    "score",
    "confidence",
    "quantity",
    "limit_price",
    "trigger_price",
    "stop_loss_price",
    "take_profit_price",
)

Line = tuple[int, bytes | None]
"""Number of a line and what it holds, None when it is too long to be looked at."""


class Lines:
    """
    Cuts bytes that come piece by piece into numbered lines, in bounded memory whatever they are.
    """

    def __init__(self) -> None:
        self._number = 1
        self._rest = b""
        self._too_long = False

    @property
    def unfinished(self) -> bool:
        """
        Whether the last line has no end yet.
        """
        return bool(self._rest) or self._too_long

    def feed(self, chunk: bytes) -> list[Line]:
        """
        Return the lines that end in these bytes. A byte order mark in front of the first is dropped.
        """
        *complete, rest = (self._rest + chunk).split(b"\n")
        lines = [self._line(line) for line in complete]
        self._rest = rest
        if len(rest) > LONGEST_LINE:
            self._rest, self._too_long = b"", True
        return lines

    def end(self) -> list[Line]:
        """
        Return the last line, if it has no end.
        """
        return [self._line(self._rest)] if self.unfinished else []

    def _line(self, data: bytes) -> Line:
        number, too_long = self._number, self._too_long or len(data) > LONGEST_LINE
        self._number, self._too_long = number + 1, False
        return number, None if too_long else _trimmed(data, number)


def lines_of(read: Callable[[int], bytes]) -> Iterator[Line]:
    """
    Yield numbered lines without their ends. The last line counts also without one.
    """
    lines = Lines()
    while chunk := read(CHUNK):
        yield from lines.feed(chunk)
    yield from lines.end()


def _trimmed(line: bytes, number: int) -> bytes:
    return (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip(b" \t\r")


class SignalLines:
    """
    Makes signals of lines. A signal must say its UTC offset (ruling 1: a file is read elsewhere, too).

    Args:
        name: How errors call the input.
        is_csv: Whether the first line names columns; otherwise each line is a JSON object.
    """

    def __init__(self, name: str, *, is_csv: bool = False) -> None:
        self._name = name
        self._columns: list[str] | None = [] if is_csv else None
        self.unusable = False
        """Set when nothing of the input can be read, because the columns are not those of signals."""

    def parse(self, line: Line) -> Signal | SignalError | None:
        """
        Return the signal of a line, its error, or None where there is none: blank lines and the names of columns.
        """
        number, data = line
        try:
            return self._parse(data)
        except SignalError as error:
            error.where = f"{self._name}, line {number}"
            return error

    def _parse(self, data: bytes | None) -> Signal | None:
        if data is None:
            _refuse(f"must be at most {LONGEST_LINE} bytes long")
        if not data:
            return None
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            _refuse("must be UTF-8")
        if self._columns is None:
            values = _json_object(text)
        elif self._columns:
            values = _csv_values(self._columns, text)
        else:
            self._columns = self._names(text)
            return None
        signal = signal_from_mapping(values)
        utc_of(signal.timestamp, None)
        if signal.good_till is not None:
            utc_of(signal.good_till, None, "good_till")
        return signal

    def _names(self, text: str) -> list[str]:
        self.unusable = True
        names = [name.strip() for name in _cells(text)]
        for name in names:
            if name not in FIELDS:
                hint = suggestion(name, FIELDS)
                _refuse(f"must name columns of {', '.join(FIELDS)}, got {shown(name)}", hint)
        if len(set(names)) != len(names):
            _refuse("must name each column once")
        self.unusable = False
        return names


def _refuse(rule: str, hint: str | None = None) -> NoReturn:
    message = f"signal {rule}"
    raise SignalError(message, code="LTM-SIG-067", field="signal", hint=hint) from None


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        values = _JSON.decode(text)
    except RecursionError:
        _refuse("must not be nested")
    except ValueError as error:
        if isinstance(error, SignalError):
            raise
        _refuse(f"must be a JSON object: {error}")
    if not isinstance(values, dict):
        _refuse(f"must be a JSON object, got {shown(values)}")
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        _refuse("must name each field once")
    return values


def _number(text: str) -> Decimal | float:
    # What is too large to be meant is as bad as NaN, and the field it stands in says so.
    number = decimal_of(text)
    usable = number is not None and _EXPONENTS[0] <= number.adjusted() <= _EXPONENTS[1]
    return number if number is not None and usable else float("nan")


# Made once: `json.loads` would make one for each line.
_JSON: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_number, parse_constant=float)


def _cells(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        _refuse(f"must be valid CSV: {error}")


def _csv_values(columns: list[str], text: str) -> Mapping[str, Any]:
    cells = _cells(text)
    if len(cells) != len(columns):
        _refuse(f"must have {len(columns)} columns, got {len(cells)}")
    values: dict[str, Any] = {
        name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()
    }
    for name in _NUMBERS:
        if name in values:
            values[name] = _csv_number(values[name])
    if values.get("intent", "").isdecimal():
        values["intent"] = int(values["intent"])
    return values


def _csv_number(cell: str) -> Decimal | float | str:
    return cell if decimal_of(cell) is None else _number(cell)
