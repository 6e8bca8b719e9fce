"""
What shall take an order's place: a value that events and state share.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Successor(msgspec.Struct, frozen=True, gc=False):
    """
    What shall take an order's place; its quantity counts what the order has filled.
    """

    quantity: Decimal
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
