"""
The pieces that orders and positions are made of.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from ltm.model.enums import Side


class FillState(msgspec.Struct, eq=False, gc=False):
    """
    One execution as booked.
    """

    quantity: Decimal
    price: Decimal
    commission: Decimal
    currency: str
    estimated: bool = False
    inferred: bool = False
    traded_on: date | None = None


class Part(msgspec.Struct, eq=False, gc=False):
    """
    A part of an order that the venue works under an id of its own.
    """

    quantity: Decimal
    filled: Decimal
    ended: bool


class Guard(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """
    The exits of a position that an entry brought with it, and which entry that was.
    """

    client_order_id: str
    side: Side
    """The entry's: the exits are those of a long position after a buy, of a short one after a sell."""
    stop_loss_price: Decimal | None = None
    take_profit_price: Decimal | None = None
