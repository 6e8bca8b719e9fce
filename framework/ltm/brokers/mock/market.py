"""
What a market is made of: bars, quotes and prints, gathered into moments.

A bar is two moments. Its open happens at `start`; its range and its close are known at `end`, never earlier. At one
time the closes, quotes and prints form one moment and the opens a later one: whoever reacts to a close can still
meet the next open, and nobody can meet an open or a range that was there before.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bar(msgspec.Struct, frozen=True, gc=False):
    """
    What happened in [start, end). `volume` None is not known; bid and ask are those of the end.
    """

    symbol: str
    start: datetime
    end: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None


class BookTop(msgspec.Struct, frozen=True, gc=False):
    """
    The best bid and ask from now on, and how much stands there, if it is known.
    """

    symbol: str
    at: datetime
    bid: Decimal
    ask: Decimal
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None


class Print(msgspec.Struct, frozen=True, gc=False):
    """
    Somebody else's execution.
    """

    symbol: str
    at: datetime
    price: Decimal
    size: Decimal | None = None


class Moment(msgspec.Struct, frozen=True):
    """
    Everything that becomes known at one time: opens alone, or closes and ticks.
    """

    at: datetime
    opens: tuple[Bar, ...] = ()
    closes: tuple[Bar, ...] = ()
    ticks: tuple[BookTop | Print, ...] = ()


class Listing(msgspec.Struct, frozen=True):
    """
    What the prices themselves say about a symbol: the coarsest grid that all of them lie on.
    """

    symbol: str
    tick_size: Decimal


class Market(Protocol):
    """
    A source of prices, read once from the beginning.
    """

    @property
    def listings(self) -> tuple[Listing, ...]:
        """
        The symbols, in the order of their first price.
        """
        ...

    @property
    def start(self) -> datetime:
        """
        When the first price was there.
        """
        ...

    @property
    def price_interval(self) -> float:
        """
        Seconds between prices where they come in steps, else 0.
        """
        ...

    def moments(self) -> Iterator[Moment]:
        """
        Yield the moments in order.
        """
        ...

    def progress(self) -> float | None:
        """
        Return how far `moments` has come, 0 to 1.
        """
        ...
