"""
The A-share market of the mock venue: what a mainland exchange refuses before it looks at anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.model.a_shares import band_of, board_of, wrong_quantity
from ltm.model.enums import Side
from ltm.model.numbers import ZERO, plain
from ltm.model.reports import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from decimal import Decimal

    from ltm.brokers.mock.orders import Book, VenueOrder
    from ltm.model.hours import TradingDay

CN_A: Final = "cn_a"


class AShares:
    """
    T+1, lots and price limits.

    Args:
        day: When the exchange's date changes.
        bands: Price limits that differ from the board's, by symbol.
    """

    def __init__(self, day: TradingDay, bands: Mapping[str, Decimal]) -> None:
        self._day = day
        self._bands = bands
        self._bought: dict[str, tuple[date, Decimal]] = {}
        self._last: dict[str, tuple[date, Decimal]] = {}
        self._close: dict[str, Decimal] = {}

    def saw(self, symbol: str, price: Decimal, at: datetime) -> None:
        """
        Take note of a price: the last of a date is its close.
        """
        today = self._day.date_at(at)
        last = self._last.get(symbol)
        if last is not None and last[0] < today:
            self._close[symbol] = last[1]
        self._last[symbol] = (today, price)

    def bought(self, symbol: str, quantity: Decimal, at: datetime) -> None:
        """
        Take note of a purchase, which stays until the next date.
        """
        today = self._day.date_at(at)
        self._bought[symbol] = (today, self._bought_on(symbol, today) + quantity)

    def refusal(self, order: VenueOrder, book: Book) -> Refused | None:
        """
        Return why the exchange refuses an order, None when it does not.
        """
        draft, symbol = order.draft, order.draft.symbol
        board = board_of(symbol)
        if board is None or not (draft.quantity.is_finite() and draft.quantity > 0):
            return None
        held, today = book.position - book.selling, self._day.date_at(order.at)
        wrong = wrong_quantity(board, draft.side, draft.quantity, held)
        if wrong:
            return Refused("board_lot", wrong)
        if draft.side is Side.SELL:
            bought = self._bought_on(symbol, today)
            if draft.quantity > held - bought:
                message = f"{plain(bought)} of {plain(held)} were bought today, got a sell of {plain(draft.quantity)}"
                return Refused("t_plus_1", message)
        close, price = self._close_before(symbol, today), draft.limit_price
        if close is not None and price is not None and price.is_finite():
            low, high = band_of(close, self._bands.get(symbol, board.band))
            if not low <= price <= high:
                message = f"limit_price must be in {plain(low)} to {plain(high)} today, got {plain(price)}"
                return Refused("price_band", message)
        return None

    def _bought_on(self, symbol: str, today: date) -> Decimal:
        day, quantity = self._bought.get(symbol, (today, ZERO))
        return quantity if day == today else ZERO

    def _close_before(self, symbol: str, today: date) -> Decimal | None:
        last = self._last.get(symbol)
        return last[1] if last is not None and last[0] < today else self._close.get(symbol)
