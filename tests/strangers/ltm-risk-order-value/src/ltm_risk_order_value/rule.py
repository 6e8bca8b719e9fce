"""The rule itself: arithmetic on a frozen snapshot."""

from __future__ import annotations

from decimal import ROUND_DOWN, Context, Decimal
from typing import TYPE_CHECKING

from ltm.model.results import Allow, Deny

if TYPE_CHECKING:
    from ltm.model.order import OrderDraft
    from ltm.ports import RiskSnapshot

# Rounded up, the quantity that is said to pass would not.
_DOWN = Context(prec=28, rounding=ROUND_DOWN)


class OrderValue:
    """Denies an order that is worth more than the limit at the worst price it can get."""

    def __init__(self, max_value: Decimal) -> None:
        self._limit = max_value

    @property
    def name(self) -> str:
        """`order_value`."""
        return "order_value"

    def check(self, order: OrderDraft, snapshot: RiskSnapshot) -> Allow | Deny:
        """Compare the order's worst-case value with the limit."""
        value = order.quantity * abs(snapshot.worst_price)
        if value <= self._limit:
            return Allow(value, self._limit)
        return Deny("order_value", f"the order is worth up to {value:.2f}", value, self._limit)

    def headroom(self, order: OrderDraft, snapshot: RiskSnapshot) -> Decimal | None:
        """Return the largest quantity that is worth no more than the limit."""
        price = abs(snapshot.worst_price)
        return _DOWN.divide(self._limit, price) if price else None
