"""
A market made of nothing but a seed: every symbol a geometric random walk, quoted step by step.

All arithmetic is on integers, so the same seed gives the same prices on every machine.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.brokers.mock.dice import Dice
from ltm.brokers.mock.market import BookTop, Listing, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

_TICK: Final = Decimal("0.01")
_FINE: Final = 1000
"""Prices walk in thousandths of a tick, so that small moves of cheap symbols are not lost."""
_DEVIATION: Final = 37_837
_STEP_PPM: Final = 1000
"""Standard deviation of one step, in millionths: 0.1 %."""
_LEAST_TICKS: Final = 100
_LOT: Final = 100


class SyntheticMarket:
    """
    Quotes of some symbols at a fixed pace.

    Args:
        symbols: What is quoted.
        steps: How many quotes of each.
        interval: Time between two of them.
        start: Time of the first.
        seed: Everything else follows from it.
    """

    def __init__(
        self, symbols: Sequence[str], *, steps: int, interval: timedelta, start: datetime, seed: int
    ) -> None:
        self.listings: Final = tuple(Listing(symbol, _TICK) for symbol in symbols)
        self.start: Final = start
        self.price_interval: Final = seconds if (seconds := interval.total_seconds()) >= 1 else 0.0
        self._interval: Final = interval
        self._steps: Final = steps
        self._seed: Final = seed
        self._done = 0

    def moments(self) -> Iterator[Moment]:
        """
        Yield one moment per step, with a quote of every symbol.
        """
        dice = Dice(self._seed)
        # First prices from 20 to 420, so that lots differ in value.
        walks = [(2000 + dice.next() % 40_000) * _FINE for _ in self.listings]
        at = self.start
        for _ in range(self._steps):
            ticks = []
            for index, listing in enumerate(self.listings):
                price = walks[index]
                ticks.append(_quote(listing.symbol, at, price, dice))
                moved = price + price * dice.bell() * _STEP_PPM // (_DEVIATION * 1_000_000)
                walks[index] = max(moved, _LEAST_TICKS * _FINE)
            self._done += 1
            yield Moment(at, ticks=tuple(ticks))
            at += self._interval

    def progress(self) -> float | None:
        """
        Return how many of the steps are done, 0 to 1.
        """
        return self._done / self._steps


def _quote(symbol: str, at: datetime, price: int, dice: Dice) -> BookTop:
    # A spread of about two hundredths of a percent, one tick at least, around the walk.
    middle = price // _FINE
    half = max(1, middle // 10_000)
    bits = dice.next()
    return BookTop(
        symbol,
        at,
        _TICK * (middle - half),
        _TICK * (middle + half),
        Decimal((1 + bits % 20) * _LOT),
        Decimal((1 + (bits >> 32) % 20) * _LOT),
    )
