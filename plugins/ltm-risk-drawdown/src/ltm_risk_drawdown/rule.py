"""
The `drawdown` rule (RSK-22): a floor under equity that rises with its peak, compared exactly, without division.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from ltm.model.numbers import ONE, ZERO, plain
from ltm.model.results import Allow, Deny, EquityFloor

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltm.model.order import OrderDraft
    from ltm.ports import EquityBases, RiskSnapshot
    from ltm_risk_drawdown.config import DrawdownConfig

_PLACES: Final = Decimal("1E-8")


# The peak by how it is sampled and how far back: 0 for the whole session, 1 for the day, 2 for more days.
_PEAKS: Final[dict[tuple[str, int], Callable[[EquityBases, int], Decimal]]] = {
    ("continuous", 0): lambda bases, _: bases.peak,
    ("continuous", 1): lambda bases, _: bases.day_peak,
    ("continuous", 2): lambda bases, days: max((bases.day_peak, *bases.day_peaks[: days - 1])),
    ("day_close", 0): lambda bases, _: bases.close_peak,
    ("day_close", 1): lambda bases, _: bases.day_start,
    ("day_close", 2): lambda bases, days: max((bases.day_start, *bases.day_starts[: days - 1])),
}


class Drawdown:
    """
    Allows an entry while equity is above the floor, peak times (1 - limit); at the floor it stops.
    """

    __slots__ = ("_days", "_haircut", "_kept", "_limit", "_on_trip", "_peak_of")

    def __init__(self, config: DrawdownConfig) -> None:
        self._limit = config.max_drawdown
        self._kept = ONE - config.max_drawdown
        self._on_trip = config.on_trip
        self._haircut = config.degraded_haircut
        self._days = config.days
        self._peak_of = _PEAKS[config.peak_sample, min(self._days, 2)]

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

    @property
    def on_trip(self) -> Literal["pause", "flatten", "kill"]:
        """
        What the stop does besides stopping entries.
        """
        return self._on_trip

    @property
    def degraded_haircut(self) -> Decimal:
        """
        What is taken for lost of an instrument without a usable price.
        """
        return self._haircut

    def equity_floor(self, bases: EquityBases) -> EquityFloor:
        """
        Return the floor under equity: never below zero, so that no equity always stops entries.
        """
        peak = self._peak_of(bases, self._days)
        return EquityFloor(peak, max(ZERO, peak * self._kept))

    def check(self, order: OrderDraft, snapshot: RiskSnapshot) -> Allow | Deny:  # noqa: ARG002 - the port's
        """
        Judge an entry by what equity is now, whether or not the stop has latched.
        """
        equity, peak = snapshot.equity, self._peak_of(snapshot.bases, self._days)
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
        equity, peak = snapshot.equity, self._peak_of(snapshot.bases, self._days)
        is_open = snapshot.equity_valid and equity > peak * self._kept and equity > ZERO
        return None if is_open else ZERO
