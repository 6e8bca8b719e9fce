"""
The settings of the `daily_loss` rule.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from ltm.model.checks import below_one, exact, positive
from ltm.model.errors import ConfigError


@attrs.frozen(kw_only=True)
class DailyLossConfig:
    """
    Lets nothing but exits through once the trading day's loss is too large; at least one limit is needed.

    Args:
        max_daily_loss: Loss at which entries stop, as a fraction of the equity at the day's start, above 0 and
            below 1.
        max_daily_loss_amount: The same in money of the session's currency. With both, the tighter one holds.
    """

    max_daily_loss: Decimal | None = attrs.field(
        default=None, converter=exact, validator=attrs.validators.optional(below_one)
    )
    max_daily_loss_amount: Decimal | None = attrs.field(
        default=None, converter=exact, validator=attrs.validators.optional(positive)
    )

    def __attrs_post_init__(self) -> None:
        if self.max_daily_loss is None and self.max_daily_loss_amount is None:
            message = "max_daily_loss or max_daily_loss_amount is required"
            raise ConfigError(
                message, code="LTM-CFG-006", field="max_daily_loss", hint="for example max_daily_loss = 0.02"
            )
