"""
The strategy of the proofs: buys what has risen, sells what has fallen, within a window of prices.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from decimal import Decimal

from ltm import Signal
from ltm.model.market import Quote


class Momentum:
    """
    Compares the newest price with the oldest of the last few.

    Args:
        lookback: How many prices are looked at.
        threshold: The move that counts, as a fraction.
        names: What to call a symbol in signals.
    """

    def __init__(
        self, lookback: int = 10, threshold: str = "0.001", names: dict[str, str] | None = None
    ) -> None:
        self.prices: dict[str, deque[Decimal]] = defaultdict(lambda: deque(maxlen=lookback))
        self.lookback = lookback
        self.threshold = Decimal(threshold)
        self.names = names or {}

    def on_quote(self, quote: Quote) -> Iterator[Signal]:
        price = quote.price if quote.price is not None else (quote.bid + quote.ask) / 2
        window = self.prices[quote.symbol]
        window.append(price)
        if len(window) < self.lookback:
            return
        change = window[-1] / window[0] - 1
        if abs(change) < self.threshold:
            return
        window.clear()
        yield Signal(
            stock_code=self.names.get(quote.symbol, quote.symbol),
            action="buy" if change > 0 else "sell",
            score=float(change),
            confidence=0.9,
            timestamp=quote.at,
        )
