"""
The sector file: a table of symbol, sector and weight, refused as a whole when anything in it is doubtful (BAD-031).
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ltm.model.errors import ConfigError, shown
from ltm.model.identifiers import is_symbol
from ltm.model.numbers import ONE, decimal_of

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN: Final = "?"
"""The sector of everything that the file does not name."""

_LARGEST_FILE: Final = 1 << 24
_LONGEST_NAME: Final = 64

Sectors = dict[str, dict[str, Decimal]]
"""Symbol -> sector -> weight; the weights of a symbol sum to 1."""


def read_sectors(source: Path | Mapping[str, str]) -> Sectors:
    """
    Return the sectors of a CSV file, or of a table of symbol = sector.

    Raises:
        ConfigError: The file cannot be read, or a row of it is wrong; the error names the line.
    """
    if not isinstance(source, Path):
        return _listed(source)
    path = source
    rows = csv.reader(io.StringIO(_text_of(path), newline=""), strict=True)
    table = _Table(path)
    try:
        columns = _columns(path, next(rows, []))
        for row in rows:
            if row:
                table.add(rows.line_num, columns, row)
    except csv.Error as error:
        raise _problem(path, rows.line_num, None, f"must be valid CSV: {error}") from None
    return table.checked()


def _listed(source: Mapping[str, str]) -> Sectors:
    # The same checks as for a file whose lines are the table's entries.
    table = _Table(Path("sectors"))
    for number, pair in enumerate(source.items(), 1):
        table.add(number, {"symbol": 0, "sector": 1}, list(pair))
    return table.checked()


def _problem(
    path: Path, line: int | None, column: str | None, rule: str, hint: str | None = None
) -> ConfigError:
    where = str(path) + (f", line {line}" if line else "") + (f", column {column}" if column else "")
    subject = f"sectors {column}" if column else "sectors"
    return ConfigError(f"{subject} {rule}", code="LTM-CFG-031", field="sectors", where=where, hint=hint)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise _problem(path, None, None, f"must be a readable file: {error.strerror}") from None
    if len(data) > _LARGEST_FILE:
        raise _problem(path, None, None, "must be smaller than 16 MB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _problem(path, line, None, "must be UTF-8", "save the file as UTF-8") from None


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    names = [name.strip() for name in header]
    for name in ("symbol", "sector"):
        if name not in names:
            rule = f"must have a column {name}, got {', '.join(map(shown, names)) or 'an empty file'}"
            raise _problem(path, 1, None, rule, "the first line names the columns: symbol,sector")
    for name in ("symbol", "sector", "weight"):
        if names.count(name) > 1:
            raise _problem(path, 1, name, "must be there once")
    return {name: index for index, name in enumerate(names)}


class _Table:
    # Rows as they are read, and where each of them was.

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sectors: Sectors = {}
        self._lines: dict[str, int] = {}
        self._spelled: dict[str, tuple[str, int]] = {}

    def add(self, line: int, columns: dict[str, int], row: list[str]) -> None:
        if len(row) != len(columns):
            rule = f"must have {len(columns)} columns in each row, got {len(row)}"
            raise _problem(self._path, line, None, rule)
        symbol = row[columns["symbol"]].strip()
        if not is_symbol(symbol):
            raise _problem(self._path, line, "symbol", f"must be a symbol, got {shown(symbol)}")
        sector = self._sector(line, row[columns["sector"]].strip())
        weight = self._weight(line, row[columns["weight"]].strip()) if "weight" in columns else ONE
        weights = self._sectors.setdefault(symbol, {})
        if sector in weights or (weights and "weight" not in columns):
            rule = f"must name {shown(symbol)} once, got it in line {self._lines[symbol]} too"
            hint = "a symbol in several sectors needs a column weight"
            raise _problem(self._path, line, "symbol", rule, hint)
        weights[sector] = weight
        self._lines[symbol] = line

    def _sector(self, line: int, sector: str) -> str:
        if not sector or sector == UNKNOWN or len(sector) > _LONGEST_NAME or not sector.isprintable():
            rule = f'must be a name of at most {_LONGEST_NAME} characters, not "?", got {shown(sector)}'
            raise _problem(self._path, line, "sector", rule, "leave the row out if the sector is not known")
        spelled, first = self._spelled.setdefault(sector.casefold(), (sector, line))
        if spelled != sector:
            # Two spellings would be two sectors, each with a limit of its own.
            rule = f"must be spelled as in line {first}, {shown(spelled)}, got {shown(sector)}"
            raise _problem(self._path, line, "sector", rule)
        return sector

    def _weight(self, line: int, text: str) -> Decimal:
        weight = decimal_of(text) if text else ONE
        if weight is None or not 0 < weight <= 1:
            rule = f"must be > 0 and <= 1, got {shown(text)}"
            raise _problem(self._path, line, "weight", rule)
        return weight

    def checked(self) -> Sectors:
        for symbol, weights in self._sectors.items():
            total = sum(weights.values())
            if total != ONE:
                rule = f"of {shown(symbol)} must sum to 1, got {total}"
                raise _problem(self._path, self._lines[symbol], "weight", rule)
        return self._sectors
