"""
The settings of the `drawdown` rule.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from ltm.model.checks import below_one, exact


@attrs.frozen(kw_only=True)
class DrawdownConfig:
    """
    Lets nothing but exits through once equity has fallen too far from its peak.

    Args:
        max_drawdown: Fall from the peak at which entries stop, as a fraction of the peak, above 0 and below 1.
    """

    max_drawdown: Decimal = attrs.field(converter=exact, validator=below_one)
