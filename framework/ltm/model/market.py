"""
Prices as they arrive.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec


class MarkSample(msgspec.Struct, frozen=True, gc=False):
    """
    An instrument's mark at a moment of its venue, as it is kept for sizers that ask for it.
    """

    at: datetime
    price: Decimal


class Quote(msgspec.Struct, frozen=True, gc=False):
    """
    One market update of one instrument: what is known now, the rest None.

    `price` is the last traded price (or a bar's close). `at` is the venue's time, aware UTC.
    """

    symbol: str
    at: datetime
    price: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
