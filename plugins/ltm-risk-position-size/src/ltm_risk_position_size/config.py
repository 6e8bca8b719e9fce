"""
The settings of the `position_size` rule.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import attrs

from ltm.model.checks import exact, exact_values, one_of, positive_by_symbol, up_to_one


@attrs.frozen(kw_only=True)
class PositionSizeConfig:
    """
    Limits one symbol's position, everything in flight included.

    Args:
        max_position_size: Largest position as a fraction of the denominator, above 0 and up to 1.
            In a file it may be left out here when `[session]` has it.
        denominator: What the fraction is of: "equity" (now) or "capital" (the session's initial capital).
        max_notional: Symbol -> largest position in money of the session's currency, besides the fraction.
        max_quantity: Symbol -> largest position in units, besides the fraction.
    """

    max_position_size: Decimal = attrs.field(converter=exact, validator=up_to_one)
    denominator: Literal["equity", "capital"] = attrs.field(
        default="equity", validator=one_of("equity", "capital")
    )
    max_notional: dict[str, Decimal] = attrs.field(
        factory=dict, converter=exact_values, validator=positive_by_symbol
    )
    max_quantity: dict[str, Decimal] = attrs.field(
        factory=dict, converter=exact_values, validator=positive_by_symbol
    )
