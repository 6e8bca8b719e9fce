"""
What the venue may make of one order.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Part(msgspec.Struct, eq=False, gc=False):
    """
    A part of an order that the venue works under an id of its own.
    """

    quantity: Decimal
    filled: Decimal
    ended: bool
