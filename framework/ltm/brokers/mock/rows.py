"""
One line of a price file: from text to a checked bar, quote or print.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs

from ltm.brokers.mock.market import Bar, BookTop, Print
from ltm.model.errors import ConfigError, shown, suggestion
from ltm.model.identifiers import is_symbol
from ltm.model.numbers import decimal_of

if TYPE_CHECKING:
    from decimal import Decimal

Row = Sequence[str]
CODE: Final = "LTM-CFG-090"

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "bars": ("timestamp", "symbol", "open", "high", "low", "close"),
    "quotes": ("timestamp", "symbol", "bid", "ask"),
    "prints": ("timestamp", "symbol", "price"),
}
OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "bars": ("volume", "amount", "bid_close", "ask_close"),
    "quotes": ("bid_size", "ask_size"),
    "prints": ("size", "venue"),
}
PRICES: Final[Mapping[str, tuple[str, ...]]] = {
    "bars": ("open", "high", "low", "close"),
    "quotes": ("bid", "ask"),
    "prints": ("price",),
}
_PRICE_RULE: Final = "must be a finite number above 0"
_SIZE_RULE: Final = "must be a finite number, 0 or more"
_REMOVE: Final = "correct the line or leave it out; a missing line means that nothing was traded"


def bad_cell(column: str, rule: str, got: str, cure: str) -> ConfigError:
    """
    Return the error of one column of a line; whoever reads the file adds the place.
    """
    message = f'prices column "{column}" {rule}, got {shown(got)}'
    return ConfigError(message, code=CODE, field="prices", got=got, hint=cure)


@lru_cache(maxsize=1 << 16)
def number_of(text: str) -> Decimal | None:
    """
    Return the number that a text is, None when it is none; the same few prices come again and again.
    """
    return decimal_of(text)


@lru_cache(maxsize=1 << 16)
def places_of(text: str) -> int:
    """
    Return how many decimal places a number has.
    """
    number = number_of(text)
    exponent = number.as_tuple().exponent if number is not None else 0
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


@lru_cache(maxsize=1024)
def _known_symbol(text: str) -> bool:
    return is_symbol(text)


@lru_cache(maxsize=8)
def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # A bare date parses too; so does "20260105T00", which nobody means.
    if len(text) < len("2026-01-05T00:00Z") or moment.tzinfo is None:
        return None
    # The end of a bar must be a date too.
    return utc if utc.year < MAXYEAR else None


@attrs.frozen
class Layout:
    """
    Where the columns are, and how their lines become updates.
    """

    kind: str
    columns: Mapping[str, int]

    @property
    def price_columns(self) -> tuple[int, ...]:
        """
        Positions of the prices that an order could trade at.
        """
        return tuple(self.columns[name] for name in PRICES[self.kind])

    def update_of(self, row: Row, interval: timedelta) -> Bar | BookTop | Print:
        """
        Return what a line says.

        Raises:
            ConfigError: Something in it cannot be.
        """
        if self.kind == "bars":
            return self._bar(row, interval)
        return self._quote(row) if self.kind == "quotes" else self._print(row)

    def _bar(self, row: Row, interval: timedelta) -> Bar:
        at, symbol = self._head(row)
        opened, high, low, close = (self._price(row, name) for name in PRICES["bars"])
        for name, price in (("open", opened), ("close", close)):
            if not low <= price <= high:
                raise bad_cell(name, f"must lie between low {low} and high {high}", str(price), _REMOVE)
        bid, ask = self._optional_price(row, "bid_close"), self._optional_price(row, "ask_close")
        if bid is not None and ask is not None and bid > ask:
            # Closing quotes of real bars cross now and then; such a pair says nothing about the price.
            bid = ask = None
        volume = self._size(row, "volume")
        return Bar(symbol, at, at + interval, opened, high, low, close, volume, bid, ask)

    def _quote(self, row: Row) -> BookTop:
        at, symbol = self._head(row)
        bid, ask = self._price(row, "bid"), self._price(row, "ask")
        if bid > ask:
            msg = "bid"
            raise bad_cell(msg, f"must not be above ask {ask}", str(bid), _REMOVE)
        return BookTop(symbol, at, bid, ask, self._size(row, "bid_size"), self._size(row, "ask_size"))

    def _print(self, row: Row) -> Print:
        at, symbol = self._head(row)
        return Print(symbol, at, self._price(row, "price"), self._size(row, "size"))

    def _head(self, row: Row) -> tuple[datetime, str]:
        stamp, symbol = row[self.columns["timestamp"]], row[self.columns["symbol"]]
        at = _instant(stamp)
        if at is None:
            cure = 'for example "2026-01-05T14:30:00Z"; the offset is needed'
            msg = "timestamp"
            raise bad_cell(msg, "must be an ISO 8601 date and time with an offset", stamp, cure)
        if not _known_symbol(symbol):
            cure = "for example SPY, 600519.SH or BTC/USD"
            msg = "symbol"
            raise bad_cell(msg, "may use letters, digits and . - / : _ ^ = (1-64)", symbol, cure)
        return at, symbol

    def _price(self, row: Row, name: str) -> Decimal:
        text = row[self.columns[name]]
        price = number_of(text)
        if price is None or price <= 0:
            raise bad_cell(name, _PRICE_RULE, text, _REMOVE)
        return price

    def _optional_price(self, row: Row, name: str) -> Decimal | None:
        position = self.columns.get(name)
        return None if position is None or not row[position] else self._price(row, name)

    def _size(self, row: Row, name: str) -> Decimal | None:
        position = self.columns.get(name)
        if position is None or not (text := row[position]):
            return None
        size = number_of(text)
        if size is None or size < 0:
            raise bad_cell(name, _SIZE_RULE, text, "leave it empty where it is not known")
        return size


def layout_of(header: Row) -> Layout:
    """
    Return the layout that a header describes.

    Raises:
        ConfigError: It is no header of bars, quotes or prints.
    """
    names = [name.strip() for name in header]
    for kind, required in REQUIRED.items():
        known = (*required, *OPTIONAL[kind])
        if not set(required) <= set(names):
            continue
        for name in names:
            if name not in known:
                hint = suggestion(name, known) or "remove the column"
                msg = f"name only {', '.join(known)} for {kind}, got {shown(name)}"
                raise _bad_header(msg, hint)
        if len(set(names)) < len(names):
            msg = f"name each column once, got {shown(','.join(names))}"
            raise _bad_header(msg, "remove one of the two")
        return Layout(kind, {name: position for position, name in enumerate(names)})
    listed = " or ".join(",".join(required) for required in REQUIRED.values())
    cure = "write the column names into the first line"
    msg = f"name {listed}, got {shown(','.join(names))}"
    raise _bad_header(msg, cure)


def _bad_header(rule: str, cure: str) -> ConfigError:
    return ConfigError(f"prices header must {rule}", code=CODE, field="prices", hint=cure)
