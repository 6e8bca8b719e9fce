"""
What is traded, and the grid its venue accepts.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from ltm.model.numbers import ONE, ZERO


class Instrument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One tradable thing at one venue. Prices are in `currency` per unit, quantities in units.
    """

    symbol: str
    currency: str
    venue: str = ""
    aliases: tuple[str, ...] = ()
    """Other codes a signal may use, such as `600519` for `600519.SH`; never guessed."""
    tick_size: Decimal = Decimal("0.01")
    lot_size: Decimal = ONE
    minimum_quantity: Decimal = ZERO
    maximum_quantity: Decimal | None = None
    minimum_notional: Decimal = ZERO
    maximum_notional: Decimal | None = None
    multiplier: Decimal = ONE
    tradable: bool = True
    allows_negative_price: bool = False
    groups: tuple[tuple[str, str, Decimal], ...] = ()
    """(rule name, group, weight): how concentration rules classify it; filled in by the kernel."""

    def fault(self) -> str | None:
        """
        Return why the grid itself is unusable (BAD-107), or None.
        """
        if not self.lot_size > 0:
            return f"lot_size {self.lot_size}"
        if not self.tick_size > 0:
            return f"tick_size {self.tick_size}"
        if not self.multiplier > 0:
            return f"multiplier {self.multiplier}"
        if self.maximum_quantity is not None and self.maximum_quantity < self.minimum_quantity:
            return f"maximum_quantity {self.maximum_quantity} below minimum_quantity"
        return None
