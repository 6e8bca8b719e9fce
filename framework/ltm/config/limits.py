"""
The keys of `[limits]`, their checks, and how they become the core's `Limits`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from ltm.model.errors import ConfigError
from ltm.model.numbers import ONE, ZERO
from ltm.model.spec import Limits

_optional = attrs.validators.optional


def _seconds(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if value <= 0:
        message = f"{attribute.name} must be > 0 seconds, got {value:g}"
        raise ConfigError(message, code="LTM-CFG-028", field=attribute.name, got=value, hint="in seconds")


def _shares(_: object, attribute: attrs.Attribute[Any], value: tuple[Decimal, ...]) -> None:
    if list(value) != sorted(set(value)) or not all(ZERO < share < ONE for share in value):
        shown = ", ".join(str(share) for share in value)
        message = f"{attribute.name} must be rising fractions between 0 and 1, got [{shown}]"
        hint = "for example [0.7, 0.9]; [] for none"
        raise ConfigError(message, code="LTM-CFG-008", field=attribute.name, got=shown, hint=hint)


@attrs.frozen(kw_only=True)
class LimitsTable:
    """
    What `[limits]` may say; a limit that is left out does not exist.
    """

    pre_alerts: tuple[Decimal, ...] = attrs.field(default=(Decimal("0.7"), Decimal("0.9")), validator=_shares)
    """Shares of a limit at which a person is told; none with `[]`."""
    max_blind_time: float | None = attrs.field(default=None, validator=_optional(_seconds))
    """Seconds for which a held instrument may be without a usable price before trading pauses; by default 60, or one price interval where prices come in steps."""


def limits_of(said: LimitsTable) -> Limits:
    """
    Return the core's limits.
    """
    return Limits(**{field.name: getattr(said, field.name) for field in attrs.fields(LimitsTable)})
