"""
The terms of trading at the venue: money, commission, liquidity and the trading day.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from ltm.model.corporate import CorporateAction
from ltm.model.hours import TradingDay
from ltm.model.numbers import RULES, ZERO

_BASIS_POINT: Final = Decimal("0.0001")


class Commission(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an order costs: per unit plus per money turned over, at least `minimum` once it fills at all.
    """

    per_share: Decimal = ZERO
    minimum: Decimal = ZERO
    basis_points: Decimal = ZERO
    sell_basis_points: Decimal = ZERO
    """A tax on sells, beside the commission and its minimum."""
    grid: Decimal = Decimal("0.01")
    """A power of ten."""

    @property
    def free(self) -> bool:
        """
        Whether nothing is ever charged.
        """
        return not (self.per_share or self.minimum or self.basis_points or self.sell_basis_points)

    def of_order(self, quantity: Decimal, value: Decimal, *, selling: bool = False) -> Decimal:
        """
        Return the commission of an order that traded this much so far, on the money grid.

        The cents are settled on the order's running total, so that many small fills cost what one large fill costs.
        """
        total = self.per_share * quantity
        if self.basis_points:
            total += self.basis_points * _BASIS_POINT * value
        total = max(total, self.minimum)
        if selling and self.sell_basis_points:
            total += self.sell_basis_points * _BASIS_POINT * value
        return total.quantize(self.grid, ROUND_HALF_UP, RULES)


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the venue grants its one customer.
    """

    cash: Decimal
    currency: str
    day: TradingDay
    commission: Commission = Commission()
    participation: Decimal | None = None
    """Largest part of a bar's volume, a quote's or a print's size that our orders get; None: all they want."""
    allow_short: bool = False
    market: str = ""
    """The exchange whose own rules the venue has; see `a_shares`."""
    price_bands: dict[str, Decimal] = {}
    actions: tuple[CorporateAction, ...] = ()
    account: str = "mock"
