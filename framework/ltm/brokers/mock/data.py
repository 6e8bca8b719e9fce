"""
Prices from CSV files: bars, quotes or prints, recognised by their header, merged by time.

Every file is read twice: once at the start, so that a bad line is reported before anything is traded and the symbols,
their grid and the bars' length are known; and once as the market goes on. Nothing is kept.

A bar's timestamp is its start. Its length is the smallest distance between two bars of one symbol in the file, and the
bar is known when that has passed; a day's bar, stamped midnight, is therefore known at the end of the day.
"""

from __future__ import annotations

import csv
import heapq
from collections import deque
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

import attrs

from ltm.brokers.mock.market import Bar, Listing, Moment
from ltm.brokers.mock.rows import CODE, Layout, Row, Update, bad_cell, layout_of, places_of
from ltm.model.errors import ConfigError, shown
from ltm.model.numbers import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_CLOSES, _TICKS, _OPENS = range(3)
_FINEST: Final = Decimal("0.01")
_LONE_BAR: Final = timedelta(minutes=1)
_NOTHING: Final = timedelta(0)

Timed = tuple[datetime, int, int, Update]
"""When it is known, its place within the moment, its file's number, and the update itself."""


@attrs.define
class _Seen:
    # What the first reading found out about one symbol.
    first: datetime
    last: datetime
    texts: set[str] = attrs.Factory(set)
    places: int = 0


class PriceFile:
    """
    One file.

    Args:
        path: Where it is.

    Raises:
        ConfigError: It cannot be read, or a line of it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self.seen: Final[dict[str, _Seen]] = {}
        self.rows = 0
        self.bars = False
        self._gap: timedelta | None = None
        self._latest: datetime | None = None
        for layout, row, line in self._lines():
            self._survey(layout, row, line)
        if not self.rows:
            rule = "hold at least one price, got none"
            raise self._error(rule, "write prices below the header")
        for seen in self.seen.values():
            seen.places = max(map(places_of, seen.texts))
            seen.texts.clear()

    @property
    def interval(self) -> timedelta:
        """
        The length of a bar, or the smallest distance between two updates of one symbol.
        """
        if self._gap is not None:
            return self._gap
        midnight = all(seen.first.time() == time.min for seen in self.seen.values())
        return timedelta(days=1) if midnight and self.bars else _LONE_BAR

    def updates(self, number: int) -> Iterator[Timed]:
        """
        Yield what becomes known, in order of time; `number` keeps files apart at one time.
        """
        interval = self.interval
        waiting: deque[Bar] = deque()
        for layout, row, line in self._lines():
            update = self._read(layout, row, line, interval)
            if not isinstance(update, Bar):
                yield update.at, _TICKS, number, update
                continue
            while waiting and waiting[0].end <= update.start:
                bar = waiting.popleft()
                yield bar.end, _CLOSES, number, bar
            waiting.append(update)
            yield update.start, _OPENS, number, update
        for bar in waiting:
            yield bar.end, _CLOSES, number, bar

    def _survey(self, layout: Layout, row: Row, line: int) -> None:
        update = self._read(layout, row, line, _NOTHING)
        self.bars = isinstance(update, Bar)
        at = update.start if isinstance(update, Bar) else update.at
        seen = self.seen.get(update.symbol)
        if seen is None:
            seen = self.seen[update.symbol] = _Seen(at, at)
        elif at > seen.last:
            gap = at - seen.last
            if self._gap is None or gap < self._gap:
                self._gap = gap
            seen.last = at
        elif self.bars and at == seen.last:
            error = self._bad_time("must come once per symbol", layout, row, line)
            raise error
        if self._latest is not None and at < self._latest:
            error = self._bad_time("must not go back", layout, row, line)
            raise error
        self._latest = at
        self.rows += 1
        for position in layout.prices:
            seen.texts.add(row[position])

    def _read(self, layout: Layout, row: Row, line: int, interval: timedelta) -> Update:
        try:
            return layout.update_of(row, interval)
        except ConfigError as error:
            error.where = f"{self.path}, line {line}"
            raise

    def _lines(self) -> Iterator[tuple[Layout, Row, int]]:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                layout = self._layout(next(reader, []))
                width = len(layout.columns)
                for row in reader:
                    if len(row) == width:
                        yield layout, row, reader.line_num
                    elif row:
                        rule = f"have {width} columns on each line, got {len(row)}"
                        raise self._error(rule, "compare the line with the header", reader.line_num)
        except UnicodeDecodeError:
            rule = "be UTF-8 text, got something else"
            raise self._error(rule, "save the file as UTF-8") from None
        except csv.Error as error:
            rule = f"be CSV, got a line that is not: {error}"
            raise self._error(rule, "separate with commas") from None
        except OSError as error:
            rule = f"be a file that can be read, got {shown(str(self.path))}: {error.strerror}"
            raise self._error(rule, "check the path; it is relative to the configuration file") from None

    def _layout(self, header: Row) -> Layout:
        try:
            return layout_of(header)
        except ConfigError as error:
            error.where = f"{self.path}, line 1"
            raise

    def _bad_time(self, rule: str, layout: Layout, row: Row, line: int) -> ConfigError:
        error = bad_cell("timestamp", rule, row[layout.columns["timestamp"]], "sort the file by timestamp")
        error.where = f"{self.path}, line {line}"
        return error

    def _error(self, rule: str, cure: str, line: int | None = None) -> ConfigError:
        where = str(self.path) if line is None else f"{self.path}, line {line}"
        return ConfigError(f"prices must {rule}", code=CODE, field="prices", hint=cure, where=where)


class PriceFiles:
    """
    A market out of one or more files.

    Args:
        paths: The files; one symbol's bars may come from several files if these do not overlap.

    Raises:
        ConfigError: A file cannot be used, or two of them have bars of one symbol at one time.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files: Final = tuple(PriceFile(path) for path in paths)
        self._rows: Final = sum(file.rows for file in self._files)
        self._read = 0
        self._refuse_overlaps()

    @property
    def listings(self) -> tuple[Listing, ...]:
        """
        The symbols, in the order of their first price.
        """
        places: dict[str, int] = {}
        firsts = sorted(
            (seen.first, number, symbol)
            for number, file in enumerate(self._files)
            for symbol, seen in file.seen.items()
        )
        for _, number, symbol in firsts:
            places[symbol] = max(places.get(symbol, 0), self._files[number].seen[symbol].places)
        return tuple(
            Listing(symbol, min(_FINEST, Decimal(1).scaleb(-count, RULES)))
            for symbol, count in places.items()
        )

    @property
    def start(self) -> datetime:
        """
        When the first price was there.
        """
        return min(seen.first for file in self._files for seen in file.seen.values())

    @property
    def price_interval(self) -> float:
        """
        Seconds between the prices of a symbol where they come in steps of a second or more, else 0.
        """
        steps = [file.interval.total_seconds() for file in self._files]
        return max((step for step in steps if step >= 1), default=0.0)

    def moments(self) -> Iterator[Moment]:
        """
        Yield the moments in order.
        """
        streams = [file.updates(number) for number, file in enumerate(self._files)]
        merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda timed: timed[:3])
        # Closes and ticks of one time are one moment, the opens that follow another.
        for (at, opens), group in groupby(merged, key=lambda timed: (timed[0], timed[1] == _OPENS)):
            updates = [timed[3] for timed in group]
            bars = tuple(update for update in updates if isinstance(update, Bar))
            self._read += len(updates) if opens else len(updates) - len(bars)
            if opens:
                yield Moment(at, opens=bars)
            else:
                ticks = tuple(update for update in updates if not isinstance(update, Bar))
                yield Moment(at, closes=bars, ticks=ticks)

    def progress(self) -> float | None:
        """
        Return how much of the files has been read, 0 to 1.
        """
        return self._read / self._rows

    def _refuse_overlaps(self) -> None:
        spans = sorted(
            (symbol, seen.first, seen.last + file.interval, file.path)
            for file in self._files
            if file.bars
            for symbol, seen in file.seen.items()
        )
        for (symbol, _, end, path), (other, start, _, later) in pairwise(spans):
            if symbol == other and start < end:
                message = f"prices must have one bar of a symbol at a time, got {symbol} twice"
                hint = f"{symbol} is in both files; remove one of them"
                where = f"{path} and {later}"
                raise ConfigError(message, code=CODE, field="prices", got=symbol, hint=hint, where=where)
