"""
One line of a price file: from text to a checked bar, quote or print.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from ltm.brokers.mock.market import Bar, BookTop, Print
from ltm.model.errors import ConfigError, shown, suggestion
from ltm.model.identifiers import is_symbol
from ltm.model.numbers import decimal_of

Row = Sequence[str]
Update = Bar | BookTop | Print
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
_ZERO: Final = Decimal(0)
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


class Layout:
    """
    Where the columns are, and how their lines become updates.

    Args:
        kind: "bars", "quotes" or "prints".
        columns: Name -> position.
    """

    def __init__(self, kind: str, columns: Mapping[str, int]) -> None:
        self.kind: Final = kind
        self.columns: Final = columns
        self.prices: Final = tuple(columns[name] for name in PRICES[kind])
        """Positions of the prices that an order could trade at."""
        readers: dict[str, Callable[[Row, timedelta], Update]] = {
            "bars": self._bar,
            "quotes": self._quote,
            "prints": self._print,
        }
        self.update_of: Final = readers[kind]
        """Returns what a line says, or raises `ConfigError` where it cannot be."""
        self._time: Final = columns["timestamp"]
        self._symbol: Final = columns["symbol"]
        sizes = {"bars": ("volume",), "quotes": ("bid_size", "ask_size"), "prints": ("size",)}[kind]
        self._sizes: Final = tuple((name, columns.get(name)) for name in sizes)
        closing = [(name, columns[name]) for name in ("bid_close", "ask_close") if name in columns]
        self._closing: Final = closing if len(closing) == len(("bid", "ask")) else []

    def _bar(self, row: Row, interval: timedelta) -> Bar:
        at, symbol = self._head(row)
        opened, high, low, close = [number_of(row[position]) for position in self.prices]
        if (
            opened is None
            or high is None
            or low is None
            or close is None
            or not (_ZERO < low <= opened <= high and low <= close <= high)
        ):
            raise self._bad_bar(row)
        bid, ask = self._quote_of_bar(row) if self._closing else (None, None)
        volume = self._size(row, *self._sizes[0])
        return Bar(symbol, at, at + interval, opened, high, low, close, volume, bid, ask)

    def _bad_bar(self, row: Row) -> ConfigError:
        prices = {}
        for name in PRICES["bars"]:
            prices[name] = self._price(row, name, self.columns[name])
        low, high = prices["low"], prices["high"]
        wrong = "close" if low <= prices["open"] <= high else "open"
        return bad_cell(wrong, f"must lie between low {low} and high {high}", str(prices[wrong]), _REMOVE)

    def _quote_of_bar(self, row: Row) -> tuple[Decimal | None, Decimal | None]:
        bid, ask = (
            self._price(row, name, position) if row[position] else None for name, position in self._closing
        )
        # Closing quotes of real bars cross now and then; such a pair says nothing about the price.
        crossed = bid is not None and ask is not None and bid > ask
        return (None, None) if crossed else (bid, ask)

    def _quote(self, row: Row, _: timedelta) -> BookTop:
        at, symbol = self._head(row)
        bid, ask = (
            self._price(row, name, position)
            for name, position in zip(PRICES["quotes"], self.prices, strict=True)
        )
        if bid > ask:
            error = bad_cell("bid", f"must not be above ask {ask}", str(bid), _REMOVE)
            raise error
        bid_size, ask_size = (self._size(row, name, position) for name, position in self._sizes)
        return BookTop(symbol, at, bid, ask, bid_size, ask_size)

    def _print(self, row: Row, _: timedelta) -> Print:
        at, symbol = self._head(row)
        price = self._price(row, "price", self.prices[0])
        return Print(symbol, at, price, self._size(row, *self._sizes[0]))

    def _head(self, row: Row) -> tuple[datetime, str]:
        stamp, symbol = row[self._time], row[self._symbol]
        at = _instant(stamp)
        if at is None:
            rule = "must be an ISO 8601 date and time with an offset"
            error = bad_cell(
                "timestamp", rule, stamp, 'for example "2026-01-05T14:30:00Z"; the offset is needed'
            )
            raise error
        if not _known_symbol(symbol):
            rule = "may use letters, digits and . - / : _ ^ = (1-64)"
            error = bad_cell("symbol", rule, symbol, "for example SPY, 600519.SH or BTC/USD")
            raise error
        return at, symbol

    def _price(self, row: Row, name: str, position: int) -> Decimal:
        text = row[position]
        price = number_of(text)
        if price is None or price <= 0:
            raise bad_cell(name, _PRICE_RULE, text, _REMOVE)
        return price

    def _size(self, row: Row, name: str, position: int | None) -> Decimal | None:
        if position is None or not (text := row[position]):
            return None
        size = number_of(text)
        if size is None or size < 0:
            error = bad_cell(name, _SIZE_RULE, text, "leave it empty where it is not known")
            raise error
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
                rule = f"name only {', '.join(known)} for {kind}, got {shown(name)}"
                raise _bad_header(rule, hint)
        if len(set(names)) < len(names):
            rule = f"name each column once, got {shown(','.join(names))}"
            raise _bad_header(rule, "remove one of the two")
        return Layout(kind, {name: position for position, name in enumerate(names)})
    listed = " or ".join(",".join(required) for required in REQUIRED.values())
    cure = "write the column names into the first line"
    rule = f"name {listed}, got {shown(','.join(names))}"
    raise _bad_header(rule, cure)


def _bad_header(rule: str, cure: str) -> ConfigError:
    return ConfigError(f"prices header must {rule}", code=CODE, field="prices", hint=cure)
