"""
The risk-rule and sizer ports: pure arithmetic on a frozen snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, Protocol, runtime_checkable

import msgspec

from ltm.model.errors import ConfigError, shown
from ltm.model.instrument import Instrument
from ltm.model.market import MarkSample
from ltm.model.numbers import ZERO

if TYPE_CHECKING:
    from ltm.model.order import OrderDraft
    from ltm.model.results import Allow, Deny, EquityFloor, ExposureLimit
    from ltm.model.signal import SignalRecord


class GroupExposure(msgspec.Struct, frozen=True, gc=False):
    """
    Worst-case exposure of one group (a sector, say) that the order's instrument belongs to.

    `before` excludes the candidate, `after` includes it; both in session currency, gross. `long` and `short`
    are the group's signed values with all buys, and with all sells filled: longs and shorts offset each other.
    """

    rule: str
    group: str
    before: Decimal
    after: Decimal
    weight: Decimal
    long_before: Decimal = ZERO
    long_after: Decimal = ZERO
    short_before: Decimal = ZERO
    short_after: Decimal = ZERO


class PositionView(msgspec.Struct, frozen=True, gc=False):
    """
    One instrument as a rule may see it.
    """

    symbol: str
    quantity: Decimal
    mark_price: Decimal | None
    market_value: Decimal
    worst_long: Decimal
    """Value if every open buy fills (RSK-05 `up`)."""
    worst_short: Decimal
    """Value if every open sell fills (RSK-05 `down`), negative when short."""


class EquityBases(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    What a loss may be measured from, in session currency. A flow of money moves them all (RSK-04).
    """

    peak: Decimal
    """The highest equity since the session was first started."""
    day_start: Decimal
    """Equity at the last roll."""
    loss_base: Decimal
    """What the daily loss is measured from: `day_start`, or equity when a person overrode the stop."""
    overridden: bool = False
    """Whether `loss_base` is that second base."""
    day_start_balance: Decimal = ZERO
    """Capital, flows and realized profit less commissions at the last roll: no open positions."""
    day_peak: Decimal = ZERO
    """The highest equity since the last roll."""
    loss_peak: Decimal = ZERO
    """The same, or since the override."""
    close_peak: Decimal = ZERO
    """The highest equity at any roll."""
    day_peaks: tuple[Decimal, ...] = ()
    """`day_peak` of earlier trading dates, the latest first; a year of them."""
    day_starts: tuple[Decimal, ...] = ()
    """Equity at the rolls before the last one, the latest first."""


class RiskSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    Everything a rule may look at, as of journal record `sequence`. Money in session currency.

    `long_before`/`long_after` are the instrument's worst-case long value without and with the
    candidate, `short_before`/`short_after` the same with every sell filled (signed). A candidate
    buy changes only the long pair, a sell only the short pair: buys and sells are never netted.
    """

    sequence: int
    now: datetime
    instrument: Instrument
    equity: Decimal
    equity_valid: bool
    """False while a held instrument has no usable price."""
    initial_capital: Decimal
    cash: Decimal
    bases: EquityBases
    trading_date: date
    position: Decimal
    mark_price: Decimal | None
    worst_price: Decimal
    """What one unit of the candidate is valued at (RSK-05), session currency, times multiplier."""
    long_before: Decimal
    long_after: Decimal
    short_before: Decimal
    short_after: Decimal
    worst_quantity: Decimal | None = None
    """The instrument's signed quantity with the candidate and every open order on its side filled."""
    groups: tuple[GroupExposure, ...] = ()
    orders_today: int = 0
    open_orders: int = 0
    positions: Callable[[], tuple[PositionView, ...]] = tuple
    """Every held or worked instrument, computed when called."""


class RiskRule(Protocol):
    """
    One limit. All rules run on every entry; anything but `Allow` or `Deny` denies (RSK-43).
    """

    @property
    def name(self) -> str:
        """
        The rule's plugin name, such as `position_size`.
        """
        ...

    def check(self, order: OrderDraft, snapshot: RiskSnapshot) -> Allow | Deny:
        """
        Judge an entry order (or the opening part of one).
        """
        ...

    def headroom(self, order: OrderDraft, snapshot: RiskSnapshot) -> Decimal | None:
        """
        Return the largest quantity of this order that would pass, None for "no limit from me".

        The snapshot's `*_after` fields are those of an order of quantity zero.
        """
        ...


@runtime_checkable
class EquityRule(Protocol):
    """
    A rule that also watches equity between orders. The kernel compares equity with the floor at
    every fill, mark and second, and stops entries the moment it is reached.
    """

    def equity_floor(self, bases: EquityBases) -> EquityFloor:
        """
        Return the floor for these bases. Must not fall when a base rises.
        """
        ...

    @property
    def unlatches_at_roll(self) -> bool:
        """
        Whether a new trading day lifts the stop (daily loss) or only a person does (drawdown).
        """
        ...


@runtime_checkable
class TrippingRule(Protocol):
    """
    An `EquityRule` whose stop may do more than stop entries.
    """

    @property
    def on_trip(self) -> Literal["pause", "flatten", "kill"]:
        """
        What follows: exits only; exits only and every position closed; or nothing but cancels.
        """
        ...

    @property
    def degraded_haircut(self) -> Decimal:
        """
        What fraction of a held instrument's value is taken for lost while it has no usable price.
        """
        ...


@runtime_checkable
class GroupingRule(Protocol):
    """
    A rule that limits groups of instruments; the kernel keeps the sums.
    """

    def groups_of(self, instrument: Instrument) -> Mapping[str, Decimal]:
        """
        Return group -> weight of an instrument; empty when nothing is known of it.
        """
        ...


@runtime_checkable
class PositionRule(Protocol):
    """
    A rule that limits what single positions are worth. The kernel compares once a second, and tells a person
    when a price alone has carried a position over the limit (RSK-20).
    """

    def position_limit(self, instrument: Instrument) -> ExposureLimit | None:
        """
        Return an instrument's limit, None for none; asked once for each instrument.
        """
        ...


@runtime_checkable
class GroupLimitRule(Protocol):
    """
    The same for a rule that limits groups.
    """

    def group_limit(self, group: str) -> ExposureLimit | None:
        """
        Return a group's limit, None for none; asked once for each group.
        """
        ...


class SizingView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    What a sizer may look at. `unit_cost` is the worst-case price of one unit, session currency.
    """

    now: datetime
    instrument: Instrument
    side: str
    equity: Decimal
    initial_capital: Decimal
    cash: Decimal
    position: Decimal
    unit_cost: Decimal
    headroom: Decimal | None
    """The largest quantity that every rule and gate would let pass; None: none of them limits it."""
    worst_quantity: Decimal | None = None
    """The instrument's signed quantity with every open order on this side filled."""
    stop_distance: Decimal | None = None
    """What one unit loses from its worst entry price to the stop of its signal, else of the session; session currency; None: it has no stop."""
    samples: tuple[MarkSample, ...] = ()
    """The instrument's latest marks, oldest first, for a sizer that has `sampling`."""


class CannotSize(Exception):
    """
    A sizer does not know enough yet; its text is told with the denial `zero_size`.
    """


class PositionSizer(Protocol):
    """
    Turns a signal into a quantity. The kernel rounds down to the lot and never up.
    """

    @property
    def name(self) -> str:
        """
        The sizer's plugin name, such as `equity_fraction`.
        """
        ...

    def size(self, signal: SignalRecord, view: SizingView) -> Decimal:
        """
        Return the wished quantity, 0 for none; NaN, negative or anything else is a fault.
        """
        ...


MOST_SAMPLES: Final = 1_000


class Sampling(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    Which marks a sizer wants to see: at most `count` of each instrument, `seconds` apart or more.

    Raises:
        ConfigError: `seconds` is not from 1 to 86,400, or `count` not from 1 to 1,000; both whole numbers.
    """

    seconds: int
    count: int

    def __post_init__(self) -> None:
        """
        Check both numbers: they are written down with each sample.
        """
        for name, value, most in (("seconds", self.seconds, 86_400), ("count", self.count, MOST_SAMPLES)):
            if type(value) is not int or not 1 <= value <= most:
                message = f"{name} must be a whole number from 1 to {most}, got {shown(value)}"
                raise ConfigError(message, code="LTM-CFG-025", field=name, got=value)


@runtime_checkable
class SamplingSizer(Protocol):
    """
    A sizer that looks back. The kernel samples marks into the journal, so that a replay sees the same ones.
    """

    @property
    def sampling(self) -> Sampling:
        """
        Which marks it wants; asked once, when the session is put together.
        """
        ...


@runtime_checkable
class TargetSizer(Protocol):
    """
    A sizer that thinks in positions. A signal against a position then reduces it to the target instead of closing it.
    """

    def target_position(self, signal: SignalRecord, view: SizingView) -> Decimal:
        """
        Return the signed quantity that the position should have; on the other side of zero it is closed.
        """
        ...
