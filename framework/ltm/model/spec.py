"""
The terms of a session: what it may do, in exact numbers. Checked once, when it is built.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from ltm.model.corporate import CorporateAction
from ltm.model.numbers import ZERO

OnStop = Literal["keep", "cancel", "flatten"]
BatchOrder = Literal["given", "exits_first"]
DEFAULT_RULES = ("position_size", "sector_concentration", "drawdown", "daily_loss")


class Rate(msgspec.Struct, frozen=True):
    """
    So many within so many seconds: a bucket of `count` tokens that fills evenly.
    """

    count: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.count}/{self.seconds:g}s"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """
    The limits of `[limits]`: what is None, empty or zero is not armed, and costs nothing.
    """

    pre_alerts: tuple[Decimal, ...] = (Decimal("0.7"), Decimal("0.9"))
    """Shares of a limit at which a person is told (C44)."""
    max_blind_time: float | None = None
    """None: 60 s, or one price interval where that is longer."""
    price_collar: Decimal | None = None
    exit_price_collar: Decimal | None = None
    """None: twice the other."""
    max_order_rate: Rate | None = None
    max_symbol_order_rate: Rate | None = None
    max_exit_rate: Rate | None = None
    max_cancel_rate: Rate | None = None
    max_executions: Rate | None = None
    duplicate_window: float | None = None
    max_duplicates: int = 1
    max_open_orders: int | None = None
    max_symbol_open_orders: int | None = None
    max_order_to_fill_ratio: Decimal | None = None
    restricted: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    prevent_self_match: bool = False
    max_positions: int | None = None
    max_gross_exposure: Decimal | None = None
    """Times equity, as is the next."""
    max_net_exposure: Decimal | None = None
    max_open_value: Decimal | None = None
    max_traded_value: Decimal | None = None
    link_timeout: float | None = None

    @property
    def counts(self) -> bool:
        """
        Whether something is armed that counts orders and fills.
        """
        counted = (self.max_order_rate, self.max_symbol_order_rate, self.max_exit_rate, self.max_executions)
        others = (self.duplicate_window, self.max_order_to_fill_ratio, self.max_traded_value)
        return any(limit is not None for limit in (*counted, *others))

    @property
    def sums(self) -> bool:
        """
        Whether something is armed that looks at all instruments together.
        """
        exposures = (self.max_gross_exposure, self.max_net_exposure, self.max_positions)
        values = (self.max_open_value, self.max_traded_value)
        return any(limit is not None for limit in (*exposures, *values))


class AccountLimits(msgspec.Struct, frozen=True, kw_only=True):
    """
    The limits of one table of `[accounts]`: over all sessions of a run that name it.
    """

    max_gross_exposure: Decimal | None = None
    """Times the sessions' equity together, as is the next."""
    max_symbol_exposure: Decimal | None = None
    max_open_orders: int | None = None


class SessionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the core needs to know of a session. `ltm.config` and the product document's
    `LiveTradingConfig` both end here, after their checks; ratios are fractions, times seconds.
    """

    session_id: str
    model_id: str
    broker: str
    initial_capital: Decimal
    currency: str = "USD"
    live: bool = False
    on_stop: OnStop = "cancel"
    max_daily_trades: int | None = None
    stop_loss_pct: Decimal | None = None
    take_profit_pct: Decimal | None = None
    trailing_stop_pct: Decimal | None = None
    trailing_stop_distance: Decimal | None = None
    """The same as a difference of prices; at most one of the two is given."""
    trading_windows: tuple[tuple[int, int], ...] = ()
    """Minutes since local midnight; empty means always open."""
    calendar: str = ""
    """The exchange's calendar that stands instead of windows; empty: none."""
    trading_days: tuple[tuple[date, tuple[tuple[int, int], ...]], ...] = ()
    """Dates with windows of their own; no window: nothing opens."""
    trading_weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    market: Literal["", "cn_a"] = ""
    """Whose trading rules the kernel keeps beside the venue's own."""
    price_bands: tuple[tuple[str, Decimal], ...] = ()
    """Daily price limits that differ from the board's, by symbol."""
    corporate_actions: tuple[CorporateAction, ...] = ()
    """In order of their dates."""
    entry_cutoff: int = 0
    """Minutes before a close in which no entry is sent."""
    timezone: str = "UTC"
    day_roll: int = 0
    """Minutes since local midnight at which the trading date changes."""
    max_signal_age: float | None = None
    max_signal_future: float = 5.0
    min_confidence: Decimal = ZERO
    max_price_age: float | None = None
    """None: 5 s where prices stream, 60 s or one and a half price intervals where they come in steps."""
    market_collar: Decimal = Decimal("0.01")
    bad_tick_pct: Decimal = Decimal("0.20")
    max_order_quantity: Decimal | None = None
    max_order_value: Decimal | None = None
    allow_short: bool = False
    accept_withdrawal_key: bool = False
    """Trade with a key that may move money out (SEC-06)."""
    foreign_orders: Literal["observe", "adopt", "cancel", "halt"] = "observe"
    foreign_positions: Literal["inherit", "ignore", "refuse"] = "inherit"
    max_exit_retries: int = 10
    batch_order: BatchOrder = "given"
    commission_rate: Decimal = ZERO
    """Estimate for a fill whose commission is not known yet, as a fraction of its value (RSK-03)."""
    required_rules: tuple[str, ...] = DEFAULT_RULES
    sample_seconds: float = 1.0
    submit_deadline: float = 10.0
    settle_seconds: float = 5.0
    limits: Limits = Limits()
    account: str = ""
    """The name of a table of `[accounts]`."""
    account_limits: AccountLimits | None = None

    @property
    def has_hours(self) -> bool:
        """
        Whether the session trades at certain times only.
        """
        return bool(self.trading_windows or self.calendar or self.trading_days)

    @property
    def trails(self) -> bool:
        """
        Whether positions have a stop that follows the price.
        """
        return self.trailing_stop_pct is not None or self.trailing_stop_distance is not None

    @property
    def sums(self) -> bool:
        """
        Whether something is armed that looks at all instruments together.
        """
        return self.limits.sums or self.account_limits is not None
