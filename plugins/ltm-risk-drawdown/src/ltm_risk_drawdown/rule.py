"""
The `drawdown` rule (RSK-22): a floor under equity that rises with its peak, compared exactly, without division.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.model.numbers import ONE, ZERO, plain
from ltm.model.results import Allow, Deny, EquityFloor

if TYPE_CHECKING:
    from ltm.model.order import OrderDraft
    from ltm.ports import RiskSnapshot
    from ltm_risk_drawdown.config import DrawdownConfig

_PLACES: Final = Decimal("1E-8")


class Drawdown:
    """
    Allows an entry while equity is above the floor, peak times (1 - limit); at the floor it stops.
    """

    __slots__ = ("_kept", "_limit")

    def __init__(self, config: DrawdownConfig) -> None:
        self._limit = config.max_drawdown
        self._kept = ONE - config.max_drawdown

    @property
    def name(self) -> str:
        """
        `drawdown`.
        """
        return "drawdown"

    @property
    def unlatches_at_roll(self) -> bool:
        """
        False: only a person lifts the stop (RSK-12).
        """
        return False

    def equity_floor(self, peak_equity: Decimal, day_start_equity: Decimal) -> EquityFloor:  # noqa: ARG002 - the port's
        """
        Return the floor under equity: never below zero, so that no equity always stops entries.
        """
        return EquityFloor(peak_equity, max(ZERO, peak_equity * self._kept))

    def check(self, order: OrderDraft, snapshot: RiskSnapshot) -> Allow | Deny:  # noqa: ARG002 - the port's
        """
        Judge an entry by what equity is now, whether or not the stop has latched.
        """
        equity, peak = snapshot.equity, snapshot.peak_equity
        if not snapshot.equity_valid:
            return Deny("equity_degraded", "a held instrument has no usable price", None, self._limit)
        # For people only: the comparison is between amounts.
        measured = ((peak - equity) / peak).quantize(_PLACES) if peak > ZERO else None
        floor = peak * self._kept
        if equity > floor and equity > ZERO:
            return Allow(measured, self._limit)
        message = f"equity {plain(equity)} is at or below {plain(max(ZERO, floor))} (peak {plain(peak)})"
        return Deny("drawdown", message, measured, self._limit)

    def headroom(self, order: OrderDraft, snapshot: RiskSnapshot) -> Decimal | None:  # noqa: ARG002 - the port's
        """
        Return None, no limit on the quantity, or 0 where no entry may pass at all.
        """
        equity = snapshot.equity
        is_open = snapshot.equity_valid and equity > snapshot.peak_equity * self._kept and equity > ZERO
        return None if is_open else ZERO
