"""
The keys of `[limits]`, their checks, and how they become the core's `Limits`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

import attrs

from ltm.model.checks import below_one, positive
from ltm.model.errors import ConfigError, shown
from ltm.model.identifiers import is_symbol
from ltm.model.numbers import ONE, ZERO
from ltm.model.spec import AccountLimits, Limits, Rate

_RATE: Final = re.compile(r"([1-9]\d{0,5}) ?/ ?(\d{1,5}(?:\.\d{1,3})?)? ?(s|m|h)", re.ASCII)
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
_MOST: Final = 100_000

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


def _rate(_: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if rate_of(value) is None:
        message = f"{attribute.name} must be orders per time, got {shown(value)}"
        hint = 'for example "50/10s", "600/m" or "1000/h"'
        raise ConfigError(message, code="LTM-CFG-028", field=attribute.name, got=value, hint=hint)


def rate_of(text: str) -> Rate | None:
    """
    Return the rate that a text such as "50/10s" says, None for one that says none.
    """
    found = _RATE.fullmatch(text)
    if found is None:
        return None
    seconds = float(found[2] or 1) * _UNITS[found[3]]
    return Rate(int(found[1]), seconds) if seconds > 0 else None


def _count(_: object, attribute: attrs.Attribute[Any], value: int) -> None:
    if not 1 <= value <= _MOST:
        message = f"{attribute.name} must be between 1 and {_MOST:,}, got {value}"
        hint = "leave it out for no limit"
        raise ConfigError(message, code="LTM-CFG-012", field=attribute.name, got=value, hint=hint)


def _symbols(_: object, attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    for index, symbol in enumerate(value):
        if not is_symbol(symbol):
            field = f"{attribute.name}[{index}]"
            message = f"{field} must be a symbol, got {shown(symbol)}"
            raise ConfigError(message, code="LTM-CFG-028", field=field, got=symbol, hint='for example "ACME"')


def _apart(seen: object, attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    _symbols(seen, attribute, value)
    both = [shown(symbol) for symbol in value if symbol in getattr(seen, "restricted", ())]
    if both:
        message = f"{attribute.name} and restricted both name {', '.join(both)}"
        hint = "an instrument is entered or it is not: take it out of one of them"
        raise ConfigError(message, code="LTM-CFG-029", field=attribute.name, got=", ".join(value), hint=hint)


def _wider(seen: object, attribute: attrs.Attribute[Any], value: Decimal) -> None:
    below_one(seen, attribute, value)
    entries = getattr(seen, "price_collar", None)
    if entries is None or value < entries:
        rule = "needs price_collar" if entries is None else f"must be at least price_collar, {entries}"
        message = f"{attribute.name} {rule}, got {value}"
        hint = "a way out must not be narrower than the way in"
        raise ConfigError(message, code="LTM-CFG-029", field=attribute.name, got=value, hint=hint)


@attrs.frozen(kw_only=True)
class LimitsTable:
    """
    What `[limits]` may say; a limit that is left out does not exist.
    """

    pre_alerts: tuple[Decimal, ...] = attrs.field(default=(Decimal("0.7"), Decimal("0.9")), validator=_shares)
    """Shares of a limit at which a person is told; none with `[]`."""
    max_blind_time: float | None = attrs.field(default=None, validator=_optional(_seconds))
    """Seconds for which a held instrument may be without a usable price before trading pauses; by default 60, or one price interval where prices come in steps."""
    price_collar: Decimal | None = attrs.field(default=None, validator=_optional(below_one))
    """How far a limit price may be from the market, as a fraction (C06)."""
    exit_price_collar: Decimal | None = attrs.field(default=None, validator=_optional(_wider))
    """The same for orders that only reduce a position; by default twice as wide."""
    max_order_rate: str | None = attrs.field(default=None, validator=_optional(_rate))
    """Entries per time, such as `"50/10s"`: a bucket of 50 that fills evenly within 10 seconds (C08)."""
    max_symbol_order_rate: str | None = attrs.field(default=None, validator=_optional(_rate))
    """The same for each instrument."""
    max_exit_rate: str | None = attrs.field(default=None, validator=_optional(_rate))
    """The same for orders that only reduce a position; entries never take from it."""
    max_cancel_rate: str | None = attrs.field(default=None, validator=_optional(_rate))
    """The same for cancels, which wait for their turn and are never dropped."""
    max_executions: str | None = attrs.field(default=None, validator=_optional(_rate))
    """Orders per time that switch the model off until a person has looked (C11)."""
    duplicate_window: float | None = attrs.field(default=None, validator=_optional(_seconds))
    """Seconds within which the same entry (symbol, side, type, quantity, prices) is a duplicate (C10)."""
    max_duplicates: int = attrs.field(default=1, validator=_count)
    """How often the same entry may be sent within that window."""
    max_open_orders: int | None = attrs.field(default=None, validator=_optional(_count))
    """Orders that may be open at a time, unknown ones included (C12)."""
    max_symbol_open_orders: int | None = attrs.field(default=None, validator=_optional(_count))
    """The same for each instrument."""
    max_order_to_fill_ratio: Decimal | None = attrs.field(default=None, validator=_optional(positive))
    """Orders and cancels of a day for each fill, one fill added (C13); 20 is usual."""
    restricted: tuple[str, ...] = attrs.field(default=(), validator=_symbols)
    """Instruments that are not entered (C16)."""
    allowed: tuple[str, ...] = attrs.field(default=(), validator=_apart)
    """The only instruments that are entered; all with `[]`."""
    prevent_self_match: bool = False
    """Deny an entry that could trade with an open order of the session's own (C20)."""
    max_positions: int | None = attrs.field(default=None, validator=_optional(_count))
    """Instruments that may be held or worked at a time (C30)."""
    max_gross_exposure: Decimal | None = attrs.field(default=None, validator=_optional(positive))
    """Worst-case value of all positions together, longs and shorts added, in times equity (C25)."""
    max_net_exposure: Decimal | None = attrs.field(default=None, validator=_optional(positive))
    """The same with shorts taken from longs, each way (C26)."""
    max_open_value: Decimal | None = attrs.field(default=None, validator=_optional(positive))
    """Worst-case value of all entries that are open, in the session's currency (C27)."""
    max_traded_value: Decimal | None = attrs.field(default=None, validator=_optional(positive))
    """Value that may be traded in a day, open entries included (C28)."""
    link_timeout: float | None = attrs.field(default=None, validator=_optional(_seconds))
    """Seconds of silence after which the venue counts as gone; after half of them it is asked something (C39)."""


@attrs.frozen(kw_only=True)
class AccountTable:
    """
    What a table of `[accounts]` may say: limits on all sessions that name it, together.
    """

    max_gross_exposure: Decimal | None = attrs.field(default=None, validator=_optional(positive))
    """Worst-case value of all positions of all sessions, in times their equity together (C25)."""
    max_symbol_exposure: Decimal | None = attrs.field(default=None, validator=_optional(positive))
    """The same for each instrument."""
    max_open_orders: int | None = attrs.field(default=None, validator=_optional(_count))
    """Orders that may be open at a time (C12)."""


def account_limits_of(said: AccountTable) -> AccountLimits:
    """
    Return the core's limits of an account.
    """
    return AccountLimits(**attrs.asdict(said))


def limits_of(said: LimitsTable) -> Limits:
    """
    Return the core's limits.
    """
    values = {field.name: getattr(said, field.name) for field in attrs.fields(LimitsTable)}
    rates = {name: rate_of(values[name]) for name in _RATES if values[name] is not None}
    return Limits(**{**values, **rates})


_RATES: Final = (
    "max_order_rate",
    "max_symbol_order_rate",
    "max_exit_rate",
    "max_cancel_rate",
    "max_executions",
)
