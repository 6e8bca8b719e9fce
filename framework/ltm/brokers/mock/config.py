"""
The settings of the mock broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
from attrs.validators import optional

from ltm.model.checks import exact, exact_values, positive, positive_by_symbol, up_to_one
from ltm.model.errors import ConfigError, shown
from ltm.model.hours import minutes_of, zone_of
from ltm.model.identifiers import is_symbol
from ltm.model.numbers import ONE, ZERO

if TYPE_CHECKING:
    Field = attrs.Attribute[Any]

BySymbol = Decimal | dict[str, Decimal]

_CURRENCY_LENGTHS: Final = range(2, 13)
_LARGEST_SEED: Final = (1 << 64) - 1
_MOST_STEPS: Final = 10_000_000
_SYMBOLS: Final = ("ACME", "BOLT", "CRUX", "DYNE", "EMBER")


def _wrong(field: str, rule: str, value: object, hint: str, *, number: int = 91) -> ConfigError:
    text = str(value) if isinstance(value, (Decimal, datetime)) else shown(value)
    message = f"{field} must {rule}, got {text}"
    return ConfigError(message, code=f"LTM-CFG-{number:03}", field=field, got=value, hint=hint)


def _exact_by_symbol(value: object) -> object:
    return exact_values(value) if isinstance(value, Mapping) else exact(value)


def _positive_by_symbol(config: object, field: Field, value: object) -> None:
    check = positive_by_symbol if isinstance(value, Mapping) else positive
    check(config, field, value)


def _not_negative(_: object, field: Field, value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
        raise _wrong(field.name, "be a finite number, 0 or more", value, "write it without quotes")


def _power_of_ten(_: object, field: Field, value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or value.as_tuple().digits != (1,):
        raise _wrong(
            field.name, "be a power of ten", value, "0.01 rounds to cents, 0.0001 finer, 1 to whole units"
        )


def _whole(least: int, most: int) -> Any:  # noqa: ANN401 - a validator, whose type attrs does not name
    def check(_: object, field: Field, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _wrong(field.name, f"be a whole number from {least:,} to {most:,}", value, "without quotes")

    return check


def _seconds(_: object, field: Field, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 86_400:  # noqa: PLR2004 - a day
        raise _wrong(field.name, "be above 0 and at most 86400 seconds", value, "for example 1")


def _pace(_: object, field: Field, value: object) -> None:
    if value == "max":
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        hint = '1 is real time, 60 a minute a second, "max" as fast as it goes'
        raise _wrong(field.name, 'be a finite number above 0 or "max"', value, hint)


def _aware(_: object, field: Field, value: object) -> None:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise _wrong(
            field.name,
            "be a date and time with an offset",
            value,
            "for example 2026-01-05T14:30:00Z",
            number=61,
        )


def _some_prices(_: object, field: Field, value: object) -> None:
    if isinstance(value, list) and not value:
        raise _wrong(field.name, "name at least one file", value, "leave it out for a synthetic market")


def _symbols(_: object, field: Field, value: list[str]) -> None:
    if not value or len(set(value)) < len(value):
        raise _wrong(field.name, "name at least one symbol, each once", value, 'for example ["ACME", "BOLT"]')
    for symbol in value:
        _symbol(field.name, symbol)


def _symbol(field: str, symbol: object) -> None:
    if not isinstance(symbol, str) or not is_symbol(symbol):
        raise _wrong(
            field, "use letters, digits and . - / : _ ^ = (1-64)", symbol, "for example ACME", number=54
        )


def _aliases(_: object, field: Field, value: dict[str, str]) -> None:
    for alias, symbol in value.items():
        _symbol(field.name, alias)
        _symbol(f"{field.name}.{alias}", symbol)


def _currency(_: object, field: Field, value: str) -> None:
    if not (
        value.isascii() and value.isalnum() and value == value.upper() and len(value) in _CURRENCY_LENGTHS
    ):
        raise _wrong(
            field.name, "be a currency code in capitals", value, "for example USD or USDT", number=26
        )


def _currencies(config: object, field: Field, value: dict[str, str]) -> None:
    for symbol, currency in value.items():
        _symbol(field.name, symbol)
        _currency(config, field, currency)


def _zone(_: object, field: Field, value: str) -> None:
    if zone_of(value) is None:
        raise _wrong(field.name, "be a known time zone", value, 'for example "America/New_York"', number=17)


def _clock_time(_: object, field: Field, value: str) -> None:
    minutes = minutes_of(value)
    if minutes is None or value == "24:00":
        raise _wrong(field.name, 'be "HH:MM" (00:00-23:59)', value, 'for example "16:00"', number=13)


@attrs.frozen(kw_only=True)
class CommissionConfig:
    """
    What an order costs, settled on its running total.

    Args:
        per_share: Money per unit.
        minimum: Least commission of an order that fills at all.
        basis_points: Hundredths of a percent of the money turned over.
        sell_basis_points: The same on sells only, beside the minimum: a stamp duty. With `market = "cn_a"` 5.
    """

    per_share: Decimal = attrs.field(default=ZERO, converter=exact, validator=_not_negative)
    minimum: Decimal = attrs.field(default=ZERO, converter=exact, validator=_not_negative)
    basis_points: Decimal = attrs.field(default=ZERO, converter=exact, validator=_not_negative)
    sell_basis_points: Decimal | None = attrs.field(
        default=None, converter=exact, validator=optional(_not_negative)
    )


@attrs.frozen(kw_only=True)
class MockConfig:
    """
    Trades on a deterministic venue of its own: recorded or made-up prices, simulated fills, no money.

    Args:
        prices: CSV file or list of files with bars, quotes or trades; without it the market is synthetic.
        speed: 1 is real time, 60 a minute a second, "max" as fast as it goes.
        seed: Seed of the synthetic market, and of the faults of `ltm mock-venue`.
        symbols: Symbols of the synthetic market.
        steps: Quotes per symbol of the synthetic market.
        interval_seconds: Seconds between two of them.
        start: Time of the first of them.
        cash: Money in the account at the beginning.
        currency: The account's currency, and that of every instrument whose symbol does not say BASE/QUOTE.
        currencies: Currency of single instruments, symbol = currency. Buying there borrows it, at the price of its pair
            with the account's currency, such as EUR/USD, which has to be among the prices.
        lot_size: Quantity step, one for all or a table of symbol = step; default 1, or 0.00000001 for BASE/QUOTE.
        tick_size: Price step, likewise; default what the decimals of the prices show, 0.01 at most.
        minimum_notional: Least value of an order, likewise.
        multiplier: Units of the underlying in one unit traded, likewise.
        allow_short: Let sells go below zero; without it a sell needs the position.
        participation: Largest part of a bar's volume or a quote's size that our orders get, above 0 and up to 1;
            default everything they ask for.
        commission: What orders cost: per_share, minimum, basis_points.
        market: An exchange whose own rules the venue has: "cn_a" for A-shares (T+1, lots, price limits, stamp duty).
        corporate_actions: CSV file date,symbol,kind,value of splits, renames and dividends that happen at the venue.
        price_bands: Daily price limits that differ from the board's, symbol = fraction.
        commission_grid: Commissions are rounded to this, half up.
        aliases: Other code -> symbol, such as "600519" = "600519.SH"; suffixes SH, SS, SZ, BJ and HK are known.
        timezone: Time zone of the trading day.
        day_end: Local time at which DAY orders expire.
        faults: File of what goes wrong at the venue; a venue behind `socket` has its own.
        socket: Unix socket of `ltm mock-venue`; then market, cash and terms are those of that process.
        request_timeout: Real seconds to wait for an answer of that process.
    """

    prices: Path | list[Path] | None = attrs.field(default=None, validator=_some_prices)
    speed: Literal["max"] | float = attrs.field(default="max", validator=_pace)
    seed: int = attrs.field(default=1, validator=_whole(0, _LARGEST_SEED))
    symbols: list[str] = attrs.field(factory=lambda: [*_SYMBOLS], validator=_symbols)
    steps: int = attrs.field(default=390, validator=_whole(1, _MOST_STEPS))
    interval_seconds: float = attrs.field(default=60.0, validator=_seconds)
    start: datetime = attrs.field(default=datetime(2026, 1, 5, 14, 30, tzinfo=UTC), validator=_aware)
    cash: Decimal = attrs.field(default=Decimal(1_000_000), converter=exact, validator=positive)
    currency: str = attrs.field(default="USD", validator=_currency)
    currencies: dict[str, str] = attrs.field(factory=dict, validator=_currencies)
    lot_size: BySymbol | None = attrs.field(
        default=None, converter=_exact_by_symbol, validator=optional(_positive_by_symbol)
    )
    tick_size: BySymbol | None = attrs.field(
        default=None, converter=_exact_by_symbol, validator=optional(_positive_by_symbol)
    )
    minimum_notional: BySymbol | None = attrs.field(
        default=None, converter=_exact_by_symbol, validator=optional(_positive_by_symbol)
    )
    multiplier: BySymbol = attrs.field(default=ONE, converter=_exact_by_symbol, validator=_positive_by_symbol)
    allow_short: bool = False
    participation: Decimal | None = attrs.field(default=None, converter=exact, validator=optional(up_to_one))
    commission: CommissionConfig = attrs.field(factory=CommissionConfig)
    market: Literal["", "cn_a"] = ""
    price_bands: dict[str, Decimal] = attrs.field(
        factory=dict, converter=exact_values, validator=positive_by_symbol
    )
    corporate_actions: Path | None = None
    commission_grid: Decimal = attrs.field(default=Decimal("0.01"), converter=exact, validator=_power_of_ten)
    aliases: dict[str, str] = attrs.field(factory=dict, validator=_aliases)
    timezone: str = attrs.field(default="UTC", validator=_zone)
    day_end: str = attrs.field(default="00:00", validator=_clock_time)
    faults: Path | None = None
    socket: Path | None = None
    request_timeout: float = attrs.field(default=1.0, validator=_seconds)
