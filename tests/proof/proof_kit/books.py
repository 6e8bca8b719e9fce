"""
Bookkeeping done again from the fills alone, by other code than the product's.

Nothing of `ltm` is imported here. Average cost, in `Decimal` with more digits than are ever needed; the cost taken
out of a partly closed position is rounded to twelve decimals, which is what the product's documentation promises.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import attrs

GRID = Decimal("1E-12")


@attrs.define
class Holding:
    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)


@attrs.define
class Books:
    """
    What a list of fills adds up to.
    """

    cash: Decimal
    realized: Decimal = Decimal(0)
    commissions: Decimal = Decimal(0)
    holdings: dict[str, Holding] = attrs.Factory(dict)

    @property
    def positions(self) -> dict[str, Decimal]:
        return {symbol: held.quantity for symbol, held in self.holdings.items() if held.quantity}

    def unrealized(self, marks: Mapping[str, Decimal]) -> Decimal:
        with localcontext(prec=60):
            return sum(
                (
                    held.quantity * marks[symbol] - held.cost
                    for symbol, held in self.holdings.items()
                    if held.quantity
                ),
                Decimal(0),
            )

    def value(self, marks: Mapping[str, Decimal]) -> Decimal:
        with localcontext(prec=60):
            return sum((quantity * marks[symbol] for symbol, quantity in self.positions.items()), Decimal(0))


def books_of(capital: Decimal, fills: Iterable[Mapping[str, Any]]) -> Books:
    """
    Keep books: each fill has symbol, side, quantity, price and commission, as text or number.
    """
    books = Books(cash=capital)
    with localcontext(prec=60, rounding=ROUND_HALF_EVEN):
        for fill in fills:
            quantity, price = Decimal(fill["quantity"]), Decimal(fill["price"])
            commission = Decimal(fill["commission"])
            signed = quantity if fill["side"] == "buy" else -quantity
            books.cash -= signed * price + commission
            books.commissions += commission
            books.realized += _book(books.holdings.setdefault(fill["symbol"], Holding()), signed, price)
    return books


def _book(held: Holding, signed: Decimal, price: Decimal) -> Decimal:
    if held.quantity * signed >= 0:
        held.quantity += signed
        held.cost += signed * price
        return Decimal(0)
    closed = min(abs(signed), abs(held.quantity))
    out = (
        held.cost
        if closed == abs(held.quantity)
        else (held.cost * closed / abs(held.quantity)).quantize(GRID)
    )
    direction = 1 if held.quantity > 0 else -1
    held.quantity -= direction * closed
    held.cost -= out
    rest = abs(signed) - closed
    if rest:
        held.quantity -= direction * rest
        held.cost -= direction * rest * price
    return direction * closed * price - out
