"""
The customer's account at the venue: cash, reservations and holdings, exact to the last digit.

Everything here computes in the context `ltm.model.numbers.EXACT`, which the venue sets for the length of a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.brokers.mock.orders import average_of
from ltm.model.numbers import COST_GRID, ONE, RULES, ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from ltm.brokers.mock.orders import Book, VenueOrder
    from ltm.brokers.mock.terms import Terms


class Ledger:
    """
    A cash account, and what it owes or owns in other currencies: a buy must be paid for in the worst case, commission included, when it arrives.
    """

    __slots__ = ("_books", "_commission", "_currency", "cash", "purse", "reserved")

    def __init__(self, terms: Terms, books: Mapping[str, Book] | None = None) -> None:
        self._books: Final = books or {}
        self._currency: Final = terms.currency
        self.purse: Final[dict[str, Decimal]] = {}
        """Money in other currencies, below zero where it is borrowed."""
        self._commission: Final = None if terms.commission.free else terms.commission
        self.cash = terms.cash
        self.reserved = ZERO

    def rate(self, currency: str) -> Decimal | None:
        """
        Return what a currency is worth in the account's, as its pair was last traded; None without one.
        """
        if currency == self._currency:
            return ONE
        pair = self._books.get(f"{currency}/{self._currency}")
        if pair is not None:
            return pair.last
        pair = self._books.get(f"{self._currency}/{currency}")
        if pair is None or pair.last is None:
            return None
        return RULES.divide(ONE, pair.last).quantize(COST_GRID, context=RULES)

    @property
    def available(self) -> Decimal:
        """
        What no order claims, in the account's currency.
        """
        free = self.cash - self.reserved
        for currency, amount in self.purse.items():
            free += amount * (self.rate(currency) or ZERO)
        return free

    def pay(self, book: Book, amount: Decimal) -> None:
        """
        Move money of an instrument's currency into the account.
        """
        currency = book.instrument.currency
        if currency == self._currency:
            self.cash += amount
        else:
            self.purse[currency] = self.purse.get(currency, ZERO) + amount

    def _own(self, book: Book, amount: Decimal) -> Decimal:
        # Money of an instrument's currency in the account's; an order without a rate was refused.
        rate = self.rate(book.instrument.currency)
        return amount if rate is None or rate is ONE else amount * rate

    def commission_for(self, order: VenueOrder, quantity: Decimal, value: Decimal) -> Decimal:
        """
        Return what this much more of an order adds to its commission.
        """
        if self._commission is None:
            return ZERO
        total = self._commission.of_order(
            order.filled + quantity, order.value + value, selling=not order.is_buy
        )
        return total - order.charged

    def worst_case(self, order: VenueOrder, book: Book, price: Decimal) -> Decimal:
        """
        Return what the rest of a buy costs at this price, in the account's currency.
        """
        value = value_of(book, order.remaining, price)
        return self._own(book, value + self.commission_for(order, order.remaining, value))

    def reserve(self, order: VenueOrder, amount: Decimal) -> None:
        """
        Let an order claim this much cash instead of what it claimed before.
        """
        self.reserved += amount - order.reserved
        order.reserved = amount

    def affords(self, order: VenueOrder, amount: Decimal) -> bool:
        """
        Return whether an order can pay this without touching what other orders claim.
        """
        return amount <= (self.available if self.purse else self.cash - self.reserved) + order.reserved

    def execute(self, order: VenueOrder, book: Book, quantity: Decimal, price: Decimal) -> Decimal | None:
        """
        Move cash, holding and the order's own sums by one execution, and return its commission.

        Nothing moves, and None is returned, when it is a buy that cannot be paid for.
        """
        value = value_of(book, quantity, price)
        commission = self.commission_for(order, quantity, value)
        if order.is_buy and not self.affords(order, self._own(book, value + commission)):
            return None
        if commission:
            order.charged += commission
        order.filled += quantity
        order.remaining -= quantity
        order.value += value
        if order.is_buy:
            self.pay(book, -(value + commission))
            move(book, quantity, price)
        else:
            self.pay(book, value - commission)
            book.selling -= quantity
            move(book, -quantity, price)
        return commission


def value_of(book: Book, quantity: Decimal, price: Decimal) -> Decimal:
    """
    Return quantity x price x multiplier.
    """
    multiplier = book.instrument.multiplier
    return quantity * price if multiplier is ONE else quantity * price * multiplier


def move(book: Book, change: Decimal, price: Decimal) -> None:
    """
    Change a holding, and what its entry cost.
    """
    before = book.position
    after = book.position = before + change
    if not before or (before > 0) is (change > 0):
        book.entry_value += change * price
    elif not after:
        book.entry_value = ZERO
    elif (before > 0) is not (after > 0):
        book.entry_value = after * price
    else:
        part = RULES.divide(RULES.multiply(book.entry_value, after), before)
        book.entry_value = part.quantize(COST_GRID, context=RULES)


def average_entry_price(book: Book) -> Decimal | None:
    """
    Return the average price at which the present holding was entered.
    """
    if not book.position:
        return None
    return average_of(book.entry_value, book.position)
