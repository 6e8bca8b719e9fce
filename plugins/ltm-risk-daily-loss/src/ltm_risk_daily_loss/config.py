"""
The settings of the `daily_loss` rule.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import attrs

from ltm.model.checks import below_one, exact, one_of, positive
from ltm.model.errors import ConfigError


@attrs.frozen(kw_only=True)
class DailyLossConfig:
    """
    Lets nothing but exits through once the trading day's loss is too large; at least one limit is needed.

    Args:
        max_daily_loss: Loss at which entries stop, as a fraction of the equity at the day's start, above 0 and
            below 1.
        max_daily_loss_amount: The same in money of the session's currency. With both, the tighter one holds.
        base: What the loss is measured from: "equity" at the day's start, or the "balance" then, which leaves open
            positions out: a loss that is carried over midnight counts on the new day too, and stops it at once.
        trailing: Whether profit of the day raises the base to the day's highest equity.
        on_trip: What else follows: nothing ("pause"), every position is closed ("flatten"), or nothing but
            cancels is sent any more ("kill").
    """

    max_daily_loss: Decimal | None = attrs.field(
        default=None, converter=exact, validator=attrs.validators.optional(below_one)
    )
    max_daily_loss_amount: Decimal | None = attrs.field(
        default=None, converter=exact, validator=attrs.validators.optional(positive)
    )

    base: Literal["equity", "balance"] = attrs.field(default="equity", validator=one_of("equity", "balance"))
    trailing: bool = False
    on_trip: Literal["pause", "flatten", "kill"] = attrs.field(
        default="pause", validator=one_of("pause", "flatten", "kill")
    )

    def __attrs_post_init__(self) -> None:
        if self.max_daily_loss is None and self.max_daily_loss_amount is None:
            message = "max_daily_loss or max_daily_loss_amount is required"
            raise ConfigError(
                message, code="LTM-CFG-006", field="max_daily_loss", hint="for example max_daily_loss = 0.02"
            )
