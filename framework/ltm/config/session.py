"""
The terms of one session: the keys of `[session]`, their checks, and how they become a `SessionSpec`.

A file and the product document's `LiveTradingConfig` go through the same checks and read the same texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, get_args

import attrs
from msgspec import structs

from ltm.config.corporate import corporate_actions
from ltm.config.currencies import is_currency
from ltm.config.hours import check_zone, clock, machine_zone
from ltm.config.reader import Reader, got, join
from ltm.config.schedule import Schedule, schedule
from ltm.model.checks import below_one, exact_values, positive, up_to_one
from ltm.model.errors import ConfigError, ConfigErrors
from ltm.model.hours import Openings
from ltm.model.identifiers import check_model_id, check_session_id
from ltm.model.numbers import ONE, ZERO, as_fraction
from ltm.model.spec import DEFAULT_RULES, BatchOrder, OnStop, SessionSpec

NaiveTimestamps = Literal["local", "session_tz", "utc", "reject"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

PRACTICE: Final = ("mock",)
"""Brokers without real money."""
_AMOUNT: Final = {"rule": "must be a positive finite amount", "code": 25, "hint": "above 0, at most 1e15"}
_MOST_ORDERS: Final = 100_000
_LARGE_PROFIT: Final = Decimal(5)


def _id(_: object, attribute: attrs.Attribute[Any], value: str) -> None:
    try:
        check_session_id(value)
    except ConfigError as error:
        error.field = attribute.name
        raise


def _model(_: object, __: attrs.Attribute[Any], value: str) -> None:
    check_model_id(value)


def _orders(_: object, attribute: attrs.Attribute[Any], value: int) -> None:
    if not 0 <= value <= _MOST_ORDERS:
        message = f"{attribute.name} must be between 0 and 100,000, got {value}"
        hint = "0 lets no entry through; leave it out for no limit"
        raise ConfigError(message, code="LTM-CFG-012", field=attribute.name, got=value, hint=hint)


def _profit(seen: object, attribute: attrs.Attribute[Any], value: Decimal) -> None:
    # A profit, unlike a loss, may exceed 1; beyond 5 it is more likely a percentage.
    rule, hint = "be > 0", "write a fraction: 5 % is 0.05"
    if value > 0:
        if value <= _LARGE_PROFIT or getattr(seen, "i_accept_large_take_profit", False):
            return
        rule = "be at most 5 (500 %)"
        hint = f"{value} % is written {as_fraction(value)}; or set i_accept_large_take_profit = true"
    message = f"{attribute.name} must {rule}, got {value}"
    raise ConfigError(message, code="LTM-CFG-011", field=attribute.name, got=value, hint=hint)


def _up_to_one_or_zero(_: object, attribute: attrs.Attribute[Any], value: Decimal) -> None:
    if not ZERO <= value <= ONE:
        message = f"{attribute.name} must be between 0 and 1, got {value}"
        hint = f"{value} % is written {as_fraction(value)}" if value > ONE else "write a fraction"
        raise ConfigError(message, code="LTM-CFG-008", field=attribute.name, got=value, hint=hint)


def _seconds(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if value <= 0:
        message = f"{attribute.name} must be > 0 seconds, got {value:g}"
        raise ConfigError(message, code="LTM-CFG-028", field=attribute.name, got=value, hint="in seconds")


def _not_negative(_: object, attribute: attrs.Attribute[Any], value: int) -> None:
    if not 0 <= value < 24 * 60:
        message = f"{attribute.name} must be between 0 and 1439, got {value}"
        raise ConfigError(message, code="LTM-CFG-028", field=attribute.name, got=value, hint="a small number")


def _currency(_: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if not is_currency(value):
        message = f'{attribute.name} must be an ISO 4217 code or a coin such as USDT, got "{value[:40]}"'
        hint = f"write {value.upper()}" if is_currency(value.upper()) else "for example USD"
        raise ConfigError(message, code="LTM-CFG-026", field=attribute.name, got=value, hint=hint)


def _roll(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if clock(value) is None:
        message = f'{attribute.name} must be "HH:MM" (00:00-23:59), got {got(value)}'
        raise ConfigError(
            message, code="LTM-CFG-013", field=attribute.name, got=value, hint='for example "17:00"'
        )


def _bands(_: object, attribute: attrs.Attribute[Any], value: dict[str, Decimal]) -> None:
    for symbol, band in value.items():
        if not ZERO < band < ONE:
            field = f"{attribute.name}.{symbol}"
            message = f"{field} must be a fraction between 0 and 1, got {band}"
            raise ConfigError(message, code="LTM-CFG-008", field=field, got=band, hint="5 % is written 0.05")


_optional = attrs.validators.optional


@attrs.frozen(kw_only=True)
class SessionTable:
    """
    What `[session]` may say.
    """

    id: str = attrs.field(validator=_id)
    """Names the session and its journal: letters, digits, `.`, `_` and `-`."""
    model_id: str = attrs.field(validator=_model)
    """The model whose signals are traded."""
    initial_capital: Decimal = attrs.field(validator=positive, metadata=_AMOUNT)
    """The money the session may use, in its currency."""
    currency: str = attrs.field(default="USD", validator=_currency)
    """What money is counted in."""
    max_position_size: Decimal | None = attrs.field(default=None, validator=_optional(up_to_one))
    """Largest position as a fraction of equity; the same key of `[risk.position_size]` goes before it."""
    max_daily_trades: int | None = attrs.field(default=None, validator=_optional(_orders))
    """Entries that may be sent in one trading day; 0 lets none through. No limit when left out."""
    stop_loss_pct: Decimal | None = attrs.field(default=None, validator=_optional(below_one))
    """Close a position that has lost this fraction of its entry price."""
    trailing_stop_pct: Decimal | None = attrs.field(default=None, validator=_optional(below_one))
    """Close a position whose price has fallen this fraction from the best one since it was opened."""
    trailing_stop_distance: Decimal | None = attrs.field(default=None, validator=_optional(positive))
    """The same as a difference of prices; give one of the two."""
    take_profit_pct: Decimal | None = attrs.field(default=None, validator=_optional(_profit))
    """Close a position that has gained this fraction of its entry price."""
    i_accept_large_take_profit: bool = False
    """Say that a `take_profit_pct` above 5 (500 %) is meant."""
    trading_hours: Any = None
    """`{ start = "09:30", end = "15:00" }`, a list of such windows, or `{ calendar = "XSHG" }`; always open when left out."""
    trading_days: Any = None
    """Dates that differ: a CSV file `date,hours`, or a table such as `{ 2026-12-24 = "09:30-13:00", 2026-12-25 = "closed" }`."""
    overnight: bool = False
    """Windows may end after midnight."""
    timezone: str | None = None
    """IANA name that trading hours and trading date are local to; the calendar's, with windows the machine's, else UTC."""
    weekdays: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    """Days on which the windows open."""
    entry_cutoff: int = attrs.field(default=0, validator=_not_negative)
    """Minutes before a close in which nothing is entered."""
    day_roll: str | time | None = attrs.field(default=None, validator=_optional(_roll))
    """Local time at which the trading date changes: 00:00, or where a calendar opens on the evening before, then."""
    market: Literal["", "cn_a"] = ""
    """Whose trading rules are kept on any broker: `cn_a` for A-shares (T+1, lots, price limits)."""
    corporate_actions: Any = None
    """CSV file `date,symbol,kind,value` of splits, renames and dividends to follow."""
    price_bands: dict[str, Decimal] = attrs.field(factory=dict, converter=exact_values, validator=_bands)
    """Daily price limits that differ from the board's, as symbol = fraction; a share under risk warning has 0.05."""
    account: str | None = attrs.field(default=None, validator=_optional(_id))
    """A table of `[accounts]`: sessions that name the same one trade one account and share its limits."""
    live: bool = False
    """Real money; `ltm run --live` is needed as well."""
    on_stop: OnStop = "cancel"
    """What a stop does: keep open orders, cancel them, or flatten positions as well."""
    max_signal_age: float | None = attrs.field(default=None, validator=_optional(_seconds))
    """Seconds after which a signal is too old; no limit when left out."""
    min_confidence: Decimal = attrs.field(default=ZERO, validator=_up_to_one_or_zero)
    """Signals below it are denied."""
    naive_timestamps: NaiveTimestamps = "reject"
    """What a signal's timestamp without offset means: this machine's time, the session's, UTC, or an error."""
    max_price_age: float | None = attrs.field(default=None, validator=_optional(_seconds))
    """Seconds after which a price is too old to enter on; by default 5 s, 60 s where prices come in steps."""
    market_collar: Decimal = attrs.field(default=Decimal("0.01"), validator=below_one)
    """How much worse than the last price a market order is assumed to fill, as a fraction."""
    bad_tick_pct: Decimal = attrs.field(default=Decimal("0.20"), validator=below_one)
    """A jump of this fraction needs a second price before it counts."""
    max_order_quantity: Decimal | None = attrs.field(default=None, validator=_optional(positive))
    """Largest quantity of one order."""
    max_order_value: Decimal | None = attrs.field(default=None, validator=_optional(positive))
    """Largest value of one order, in the session's currency."""
    accept_withdrawal_key: bool = False
    """Trade although the account's key may move money out; without it such a key is refused."""
    allow_short: bool = False
    """Selling more than is held opens a short position."""
    foreign_orders: Literal["observe", "adopt", "cancel", "halt"] = "observe"
    """What becomes of open orders that the session did not send."""
    foreign_positions: Literal["inherit", "ignore", "refuse"] = "inherit"
    """What becomes of holdings that the session finds."""
    max_exit_retries: int = attrs.field(default=10, validator=_not_negative)
    """How often a rejected exit is sent anew before the instrument is halted."""
    batch_order: BatchOrder = "given"
    """What of signals that a source releases together is judged first: as given, or `exits_first`."""


@attrs.frozen(kw_only=True)
class SessionTerms:
    """
    Checked terms, and what of them the core does not need.
    """

    spec: SessionSpec
    max_position_size: Decimal | None
    """For the rule `position_size`, unless its own table says otherwise."""
    naive_timestamps: NaiveTimestamps
    notices: tuple[str, ...]
    openings: Openings | None = None
    """What the exchange's calendar knows, where one is named."""


def session_spec(
    values: Mapping[str, object],
    *,
    broker: str,
    required_rules: tuple[str, ...] = DEFAULT_RULES,
    environ: Mapping[str, str] | None = None,
) -> SessionTerms:
    """
    Return the terms that Python values stand for, through the checks and texts of a file.

    Args:
        values: Keys of `[session]`; those whose value is None are as if left out. Floats count as their repr.
        broker: The broker's plugin name.
        required_rules: The rules without which the session does not start.
        environ: Where the machine's time zone may be named; by default nowhere.

    Raises:
        ConfigErrors: Something is wrong; all of it at once, in `problems`.
    """
    reader = Reader(base=Path(), environ=environ or {})
    given = {key: value for key, value in values.items() if value is not None}
    found = terms(reader, given, "", broker=broker, required_rules=required_rules)
    if found is None or reader.problems:
        raise ConfigErrors(reader.problems)
    return found


def terms(
    reader: Reader, table: object, path: str, *, broker: str, required_rules: tuple[str, ...] = DEFAULT_RULES
) -> SessionTerms | None:
    """
    Return the terms of one session, or None after keeping every problem.
    """
    if isinstance(table, Mapping) and "calendar" in table:
        where = join(path, "calendar")
        hint = 'trading_hours = { calendar = "XSHG" }'
        reader.refuse(16, where, f"{where} belongs into trading_hours", hint=hint)
        table = {key: value for key, value in table.items() if key != "calendar"}
    before = len(reader.problems)
    # Before the table itself, so that its problems are told together with the others.
    hours = schedule(reader, table, path)
    actions = corporate_actions(reader, table, path)
    said = reader.build(SessionTable, table, path)
    zone = _zone(reader, table, path, hours)
    _practice(reader, table, path, broker)
    _one_trail(reader, said, path)
    if said is None or zone is None or len(reader.problems) > before:
        return None
    openings = hours.calendar.openings(hours.days) if hours.calendar else None
    return SessionTerms(
        spec=structs.replace(_spec(said, hours, zone, broker, required_rules), corporate_actions=actions),
        max_position_size=said.max_position_size,
        naive_timestamps=said.naive_timestamps,
        notices=_notices(said, zone, openings, broker),
        openings=openings,
    )


def _zone(reader: Reader, table: object, path: str, hours: Schedule) -> str | None:
    if not isinstance(table, Mapping):
        return None
    name = table.get("timezone")
    if name is None and hours.calendar is not None:
        return hours.calendar.zone
    if name is None:
        return machine_zone(reader.environ) if table.get("trading_hours") is not None else "UTC"
    # Another type than text is reported by the table itself.
    return check_zone(reader, name, join(path, "timezone")) if isinstance(name, str) else None


def _one_trail(reader: Reader, said: SessionTable | None, path: str) -> None:
    if said is None or said.trailing_stop_pct is None or said.trailing_stop_distance is None:
        return
    where = join(path, "trailing_stop_distance")
    message = f"{where} must not be given with trailing_stop_pct, got {said.trailing_stop_distance}"
    reader.refuse(28, where, message, value=said.trailing_stop_distance, hint="give one of the two")


def _practice(reader: Reader, table: object, path: str, broker: str) -> None:
    if isinstance(table, Mapping) and table.get("live") is True and broker in PRACTICE:
        where = join(path, "live")
        message = f'{where} must be false with broker "{broker}", which has no real money, got true'
        reader.refuse(30, where, message, value=True, hint="live = true needs a broker with an account")


def _spec(
    said: SessionTable,
    hours: Schedule,
    zone: str,
    broker: str,
    required_rules: tuple[str, ...],
) -> SessionSpec:
    return SessionSpec(
        session_id=said.id,
        model_id=said.model_id,
        broker=broker,
        initial_capital=said.initial_capital,
        currency=said.currency,
        live=said.live,
        on_stop=said.on_stop,
        max_daily_trades=said.max_daily_trades,
        stop_loss_pct=said.stop_loss_pct,
        trailing_stop_pct=said.trailing_stop_pct,
        trailing_stop_distance=said.trailing_stop_distance,
        take_profit_pct=said.take_profit_pct,
        trading_windows=hours.windows,
        calendar=hours.calendar.name if hours.calendar else "",
        trading_days=hours.days,
        trading_weekdays=tuple(sorted({get_args(Weekday).index(day) for day in said.weekdays})),
        market=said.market,
        price_bands=tuple(sorted(said.price_bands.items())),
        entry_cutoff=said.entry_cutoff,
        timezone=zone,
        day_roll=_day_roll(said, hours),
        max_signal_age=said.max_signal_age,
        min_confidence=said.min_confidence,
        max_price_age=said.max_price_age,
        market_collar=said.market_collar,
        bad_tick_pct=said.bad_tick_pct,
        max_order_quantity=said.max_order_quantity,
        max_order_value=said.max_order_value,
        allow_short=said.allow_short,
        accept_withdrawal_key=said.accept_withdrawal_key,
        foreign_orders=said.foreign_orders,
        foreign_positions=said.foreign_positions,
        max_exit_retries=said.max_exit_retries,
        account=said.account or "",
        batch_order=said.batch_order,
        required_rules=required_rules,
    )


def _day_roll(said: SessionTable, hours: Schedule) -> int:
    # The date of a market that opens on the evening before begins with its opening (RSK-09).
    if said.day_roll is not None:
        return clock(said.day_roll) or 0
    return hours.calendar.roll if hours.calendar else 0


def _notices(said: SessionTable, zone: str, openings: Openings | None, broker: str) -> tuple[str, ...]:
    notices = []
    if said.max_daily_trades == 0:
        notices.append(f"session {said.id}: max_daily_trades is 0, so nothing will be bought")
    if openings is not None:
        until = f"{openings.until:%Y-%m-%d}"
        notices.append(f"session {said.id}: calendar {openings.calendar} is known until {until}")
    elif said.trading_hours is not None and said.timezone is None:
        notices.append(f"session {said.id}: timezone is not given; trading_hours are this machine's {zone}")
    stops = (said.stop_loss_pct, said.trailing_stop_pct, said.trailing_stop_distance, said.take_profit_pct)
    if broker not in PRACTICE and any(stop is not None for stop in stops):
        notices.append(f"session {said.id}: its stops are watched here, and do not work while ltm is down")
    return tuple(notices)
