"""
The `daily_loss` rule (RSK-23): a floor under equity, set from the equity at the trading day's start.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from ltm.model.numbers import ONE, ZERO, plain
from ltm.model.results import Allow, Deny, EquityFloor

if TYPE_CHECKING:
    from ltm.model.order import OrderDraft
    from ltm.ports import EquityBases, RiskSnapshot
    from ltm_risk_daily_loss.config import DailyLossConfig

_PLACES: Final = Decimal("1E-8")


class DailyLoss:
    """
    Allows an entry while equity is above the day's floor; at the floor it stops until the next roll.
    """

    __slots__ = ("_amount", "_balance", "_kept", "_limit", "_on_trip", "_trailing")

    def __init__(self, config: DailyLossConfig) -> None:
        # Without a fraction only losing everything is too much of it.
        self._limit = config.max_daily_loss or ONE
        self._kept = ONE - self._limit
        self._amount = config.max_daily_loss_amount
        self._balance = config.base == "balance"
        self._trailing = config.trailing
        self._on_trip = config.on_trip

    @property
    def name(self) -> str:
        """
        `daily_loss`.
        """
        return "daily_loss"

    @property
    def unlatches_at_roll(self) -> bool:
        """
        True: a new trading day is a new base (RSK-12).
        """
        return True

    @property
    def on_trip(self) -> Literal["pause", "flatten", "kill"]:
        """
        What the stop does besides stopping entries.
        """
        return self._on_trip

    @property
    def degraded_haircut(self) -> Decimal:
        """
        None: the day's loss is what is known of it.
        """
        return ZERO

    def equity_floor(self, bases: EquityBases) -> EquityFloor:
        """
        Return the higher of the two floors: never below zero, so that no equity always stops entries.
        """
        base = self._base(bases)
        return EquityFloor(base, self._floor(base))

    def check(self, order: OrderDraft, snapshot: RiskSnapshot) -> Allow | Deny:  # noqa: ARG002 - the port's
        """
        Judge an entry by what equity is now, whether or not the stop has latched.
        """
        equity, base = snapshot.equity, self._base(snapshot.bases)
        floor = self._floor(base)
        # For people only: the comparison is between amounts.
        if self._amount is not None:
            measured, limit = base - equity, base - floor
        else:
            loss = (base - equity) / base if base > ZERO else ONE
            measured, limit = loss.quantize(_PLACES), self._limit
        if not snapshot.equity_valid:
            return Deny("equity_degraded", "a held instrument has no usable price", None, limit)
        if equity > floor:
            return Allow(measured, limit)
        message = f"equity {plain(equity)} is at or below {plain(floor)} (day began with {plain(base)})"
        return Deny("daily_loss", message, measured, limit)

    def headroom(self, order: OrderDraft, snapshot: RiskSnapshot) -> Decimal | None:  # noqa: ARG002 - the port's
        """
        Return None, no limit on the quantity, or 0 where no entry may pass at all.
        """
        is_open = snapshot.equity_valid and snapshot.equity > self._floor(self._base(snapshot.bases))
        return None if is_open else ZERO

    def _base(self, bases: EquityBases) -> Decimal:
        # After an override only what is lost from there on counts (RSK-23).
        base = bases.day_start_balance if self._balance and not bases.overridden else bases.loss_base
        return max(base, bases.loss_peak) if self._trailing else base

    def _floor(self, base: Decimal) -> Decimal:
        floor = base * self._kept
        if self._amount is not None:
            floor = max(floor, base - self._amount)
        return max(ZERO, floor)
