"""
What a decision needs besides the state: the moment, the rules, the venue's abilities.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import attrs

from ltm.core.account import Account
from ltm.core.marks import Watch
from ltm.model.errors import PluginError, shown
from ltm.model.hours import ALL_DAY, Openings, TradingDay, TradingHours, Window, usable_zone
from ltm.model.reports import Capabilities
from ltm.model.results import ExposureLimit
from ltm.model.spec import SessionSpec
from ltm.ports.rules import (
    EquityRule,
    GroupingRule,
    GroupLimitRule,
    PositionRule,
    PositionSizer,
    RiskRule,
    Sampling,
    SamplingSizer,
    TargetSizer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

STREAMING_AGE: Final = 5.0
STEPPED_AGE: Final = 60.0
BLIND_SECONDS: Final = 60.0
_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)


@attrs.define(kw_only=True)
class Context:
    """
    One session's surroundings. The shell sets `now` and `mono` before every command.
    """

    spec: SessionSpec
    rules: tuple[tuple[str, RiskRule], ...]
    sizer: PositionSizer
    capabilities: Capabilities
    hours: TradingHours | Openings | None
    day: TradingDay
    max_price_age: float
    price_limit: Decimal
    """The same, as decision records show it."""
    equity_rules: tuple[tuple[str, EquityRule], ...]
    grouping_rules: tuple[tuple[str, GroupingRule], ...]
    position_rules: tuple[tuple[str, PositionRule], ...]
    group_rules: tuple[tuple[str, GroupLimitRule], ...]
    max_blind_time: float
    """How long a held instrument may be without a usable price before trading pauses (RSK-22)."""
    timer: Callable[[], float] = float
    """Seconds that go on during a decision, so that its record can say how long it took (RSK-13); zero where time is virtual."""
    now: datetime = _NEVER
    mono: float = 0.0
    watch: Watch = attrs.Factory(Watch)
    available: Decimal | None = None
    """Funds the venue last reported, with this session's own reservations added back."""
    available_cash: Decimal = Decimal(0)
    """The session's cash when it did."""
    second_at: float = 0.0
    """When the once-a-second work is due."""
    sample_at: float = 0.0
    targets: TargetSizer | None = None
    """The sizer, if it says how much of a position to keep."""
    sampling: Sampling | None = None
    """The marks that the sizer looks back at; None: it does not."""
    boot_equity: Decimal | None = None
    """Equity as journaled when this process took over; None once the day's base is settled."""
    stale: frozenset[str] = frozenset()
    """Held instruments without a usable price, as of the last second."""
    clock_skew: float | None = None
    crowded_until: float = 0.0
    """Until then too many inputs waited for entries to be judged in time (I-21)."""
    cash_seen: float | None = None
    """Since when the account's cash has not been explained."""
    revived: dict[str, float] = attrs.Factory(dict)
    """Orders that ended here and that the venue still lists, and since when."""
    guesses: dict[str, float] = attrs.Factory(dict)
    """Fills whose unknown commission keeps cash from being compared, and since when."""
    rereads: int = 0
    """How often in a row positions were asked for again because an instrument moved meanwhile."""
    fills_known_to: datetime | None = None
    """Up to here the venue's fills have been asked for in this process."""
    account: Account | None = None
    """The sessions with which this one shares an account."""
    heard_at: float = 0.0
    """When the venue last answered a question."""
    pinged_at: float = 0.0
    lost_in_silence: bool = False
    """Whether the link counts as down because nothing was heard, not because the adapter said so."""
    skew_told: bool = False
    tell_slow_at: float = 0.0
    tell_repeat_at: float = 0.0
    """When a person may be told of a duplicate again (C10)."""
    cancel_full_at: float = 0.0
    """When the bucket of cancels will be full again (C08)."""
    sweep_at: float = 0.0
    sweeping: bool = False
    warned: dict[str, tuple[Decimal, int]] = attrs.Factory(dict)
    """By continuous rule: the base, and how many of the warnings were given under it."""
    blind_since: float | None = None
    """Since when something held has had no usable price."""
    exposure_limits: dict[tuple[str, str], ExposureLimit | None] = attrs.Factory(dict)
    """By rule and symbol or group: what the rules said, each asked once."""
    disbelieved: set[str] = attrs.Factory(set)
    """Reports that cannot be true, noted once each."""
    stale_rates: frozenset[str] = frozenset()
    """Currencies in use without a usable rate, as of the last second."""
    calendar_told: int = 0
    """How many of the warnings that the calendar ends were given."""
    _open: bool = True
    _looked_at: datetime = _NEVER
    _changes_at: datetime = _NEVER
    _date: date | None = None
    _rolls_at: datetime = _NEVER

    def opening(self) -> tuple[bool, datetime | None]:
        """
        Return whether the session's trading hours are on, and when that changes.
        """
        if self.hours is None:
            return True, None
        if not self._looked_at <= self.now < self._changes_at:
            self._open, self._changes_at = self.hours.opening_at(self.now)
            self._looked_at = self.now
        return self._open, self._changes_at

    def trading_date(self) -> date:
        """
        Return the trading date now; the caller keeps it from going back.
        """
        if self._date is None or self.now >= self._rolls_at:
            self._date = self.day.date_at(self.now)
            self._rolls_at = self.day.next_roll(self.now)
        return self._date


def new_context(
    spec: SessionSpec,
    rules: Sequence[RiskRule],
    sizer: PositionSizer,
    capabilities: Capabilities,
    openings: Openings | None = None,
) -> Context:
    """
    Return the surroundings of a session.

    Args:
        spec: Its terms.
        rules: In the order in which they are asked.
        sizer: Its sizer.
        capabilities: What its broker promises.
        openings: What the exchange's calendar knows, where the terms name one.
    """
    if bool(spec.calendar) is not (openings is not None):
        message = f"calendar {spec.calendar!r} was not read"
        raise AssertionError(message)
    zone = usable_zone(spec.timezone)
    age = price_age(spec, capabilities)
    return Context(
        spec=spec,
        rules=tuple((rule.name, rule) for rule in rules),
        sizer=sizer,
        capabilities=capabilities,
        hours=openings or _hours(spec, zone),
        day=TradingDay(zone, spec.day_roll),
        max_price_age=age,
        price_limit=Decimal(str(age)),
        equity_rules=tuple((rule.name, rule) for rule in rules if isinstance(rule, EquityRule)),
        grouping_rules=tuple((rule.name, rule) for rule in rules if isinstance(rule, GroupingRule)),
        position_rules=tuple((rule.name, rule) for rule in rules if isinstance(rule, PositionRule)),
        group_rules=tuple((rule.name, rule) for rule in rules if isinstance(rule, GroupLimitRule)),
        max_blind_time=blind_time(spec, capabilities),
        targets=sizer if isinstance(sizer, TargetSizer) else None,
        sampling=_sampling_of(sizer),
    )


def _sampling_of(sizer: PositionSizer) -> Sampling | None:
    if not isinstance(sizer, SamplingSizer):
        return None
    sampling: object = sizer.sampling
    if type(sampling) is Sampling:
        return sampling
    message = f"sampling of sizer {sizer.name} must be a Sampling, got {shown(sampling)}"
    raise PluginError(
        message, code="LTM-PLG-021", got=sampling, hint="ltm.ports.Sampling(seconds=60, count=61)"
    )


def _hours(spec: SessionSpec, zone: ZoneInfo) -> TradingHours | None:
    if not spec.has_hours:
        return None
    windows = tuple(Window(start, end) for start, end in spec.trading_windows)
    days = {day: tuple(Window(start, end) for start, end in spans) for day, spans in spec.trading_days}
    return TradingHours(windows or (ALL_DAY,), zone, frozenset(spec.trading_weekdays), days)


def price_age(spec: SessionSpec, capabilities: Capabilities) -> float:
    """
    Return how old a price may be for an entry (C07).
    """
    if spec.max_price_age is not None:
        return spec.max_price_age
    if capabilities.streaming and not capabilities.price_interval:
        return STREAMING_AGE
    return max(STEPPED_AGE, 1.5 * capabilities.price_interval)


def blind_time(spec: SessionSpec, capabilities: Capabilities) -> float:
    """
    Return how long equity may be unknown before entries are stopped for good (RSK-22).
    """
    if spec.limits.max_blind_time is not None:
        return spec.limits.max_blind_time
    return max(BLIND_SECONDS, capabilities.price_interval)
