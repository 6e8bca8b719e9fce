"""
What losses are measured from: peaks and the equity at rolls, as flows, rolls and overrides move them.

Marks raise peaks between two samples (`ltm.core.marks`); all else here is called by `ltm.core.evolve`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import attrs

from ltm.model.numbers import COST_GRID, RULES, ZERO
from ltm.ports.rules import EquityBases

if TYPE_CHECKING:
    from ltm.core.state import State

KEEP_DATES: Final = 366
"""Trading dates whose peaks and starts are kept for limits that look back over days."""


@attrs.define(eq=False)
class Highs:
    """
    The bases beyond `State.peak`, `day_base` and `loss_base`, as `EquityBases` describes them.
    """

    day_peak: Decimal = ZERO
    loss_peak: Decimal = ZERO
    close_peak: Decimal = ZERO
    day_balance: Decimal = ZERO
    overridden: bool = False
    day_peaks: tuple[Decimal, ...] = ()
    day_starts: tuple[Decimal, ...] = ()


def bases_of(state: State) -> EquityBases:
    """
    Return what losses may be measured from now; the same object until something moved.
    """
    kept = state.bases
    if kept is None or kept.peak is not state.peak or kept.day_peak is not state.highs.day_peak:
        highs = state.highs
        kept = state.bases = EquityBases(
            peak=state.peak,
            day_start=state.day_base,
            loss_base=state.loss_base,
            overridden=highs.overridden,
            day_start_balance=highs.day_balance,
            day_peak=highs.day_peak,
            loss_peak=highs.loss_peak,
            close_peak=highs.close_peak,
            day_peaks=highs.day_peaks,
            day_starts=highs.day_starts,
        )
    return kept


def settle(state: State) -> None:
    """
    Work out again what is derived from the bases.
    """
    state.bases = None
    state.high = min(state.highs.day_peak, state.highs.loss_peak)


def raise_peaks(state: State, equity: Decimal) -> None:
    """
    Take note of equity above `State.high`.
    """
    highs = state.highs
    state.peak = max(state.peak, equity)
    highs.day_peak = max(highs.day_peak, equity)
    highs.loss_peak = max(highs.loss_peak, equity)
    settle(state)


def rebase(state: State) -> None:
    """
    Let every peak begin again at today's equity, on a person's word.
    """
    state.peak = state.equity
    highs = state.highs
    highs.day_peak = highs.loss_peak = highs.close_peak = state.equity
    highs.day_peaks = highs.day_starts = ()
    settle(state)


def override(state: State, base: Decimal) -> None:
    """
    Measure the daily loss from a second base until the next roll; the drawdown's bases stay.
    """
    state.loss_base = state.highs.loss_peak = base
    state.highs.overridden = True
    settle(state)


def roll(state: State, day_start: Decimal, day_peak: Decimal | None) -> None:
    """
    Begin a trading date.

    Args:
        state: Whose.
        day_start: Its base.
        day_peak: The highest equity of the date that ends; None on the first date.
    """
    highs = state.highs
    if day_peak is not None:
        highs.day_peaks = (day_peak, *highs.day_peaks)[:KEEP_DATES]
        highs.day_starts = (state.day_base, *highs.day_starts)[:KEEP_DATES]
    state.day_base = state.loss_base = day_start
    # Equity that no peak has counted yet counts when it is settled: a day cannot begin above the peak.
    highs.day_peak = highs.loss_peak = min(day_start, state.peak)
    highs.close_peak = max(highs.close_peak, day_start)
    highs.day_balance = balance(state)
    highs.overridden = False
    settle(state)


def balance(state: State) -> Decimal:
    """
    Return what the session would be worth without its open positions, session currency.
    """
    return state.allocated + state.flows + state.realized - state.commissions + state.translation


def scale(state: State, before: Decimal) -> None:
    """
    Move every base in proportion after a flow of money, so that it neither hides a loss nor makes one (RSK-04).
    """
    after = state.equity

    def moved(base: Decimal) -> Decimal:
        return RULES.divide(RULES.multiply(base, after), before).quantize(COST_GRID, context=RULES)

    highs = state.highs
    state.peak, state.day_base, state.loss_base = (
        moved(state.peak),
        moved(state.day_base),
        moved(state.loss_base),
    )
    highs.day_peak, highs.loss_peak = moved(highs.day_peak), moved(highs.loss_peak)
    highs.close_peak, highs.day_balance = moved(highs.close_peak), moved(highs.day_balance)
    highs.day_peaks = tuple(moved(base) for base in highs.day_peaks)
    highs.day_starts = tuple(moved(base) for base in highs.day_starts)
    settle(state)
