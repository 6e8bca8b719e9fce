"""
The settings of the `drawdown` rule.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, Literal

import attrs

from ltm.model.checks import below_one, exact, from_zero_below_one, one_of
from ltm.model.errors import ConfigError, shown

_ROLLING: Final = re.compile(r"rolling:([1-9][0-9]{0,2})d", re.ASCII)
_MOST_DAYS: Final = 366


def _scope(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, str) and (value in {"session", "day"} or 0 < _rolling(value) <= _MOST_DAYS):
        return
    message = (
        f'{attribute.name} must be "session", "day" or "rolling:Nd" with N from 1 to 366, got {shown(value)}'
    )
    hint = 'for example "rolling:30d"'
    raise ConfigError(message, code="LTM-CFG-008", field=attribute.name, got=value, hint=hint)


def _rolling(scope: str) -> int:
    found = _ROLLING.fullmatch(scope)
    return int(found[1]) if found else 0


@attrs.frozen(kw_only=True)
class DrawdownConfig:
    """
    Lets nothing but exits through once equity has fallen too far from its peak.

    Args:
        max_drawdown: Fall from the peak at which entries stop, as a fraction of the peak, above 0 and below 1.
        scope: Since when the peak counts: "session" (since the session was first started, restarts included), "day"
            (the trading date), or "rolling:30d" (the last 30 trading dates, this one included; up to 366).
        peak_sample: What can set a peak: every price ("continuous"), or only equity at the roll ("day_close").
        on_trip: What else follows: nothing ("pause"), every position is closed ("flatten"), or nothing but
            cancels is sent any more ("kill").
        degraded_haircut: While a held instrument has no usable price, this fraction of its value is taken for lost.
    """

    max_drawdown: Decimal = attrs.field(converter=exact, validator=below_one)
    scope: str = attrs.field(default="session", validator=_scope)
    peak_sample: Literal["continuous", "day_close"] = attrs.field(
        default="continuous", validator=one_of("continuous", "day_close")
    )
    on_trip: Literal["pause", "flatten", "kill"] = attrs.field(
        default="pause", validator=one_of("pause", "flatten", "kill")
    )
    degraded_haircut: Decimal = attrs.field(
        default=Decimal(0), converter=exact, validator=from_zero_below_one
    )

    @property
    def days(self) -> int:
        """
        How many trading dates the peak reaches back; 0 for all of the session.
        """
        return {"session": 0, "day": 1}.get(self.scope, _rolling(self.scope))
