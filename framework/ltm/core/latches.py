"""
Stops: what restricts trading until somebody lifts it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ltm.model.enums import TradingState


@attrs.frozen
class Latch:
    """
    Why trading is restricted, until somebody lifts it.
    """

    state: TradingState
    code: str
    message: str
    at: datetime
    by: str
    measured: Decimal | None = None
    limit: Decimal | None = None
    until_roll: bool = False
