"""
How fills become positions, cash and profit: average cost, exact to the last digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm.core.exposure import touch
from ltm.model.numbers import COST_GRID, ONE, RULES, ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from ltm.core.state import Slot, State


def book(slot: Slot, signed: Decimal, price: Decimal) -> Decimal:
    """
    Add a signed quantity to a position at average cost; return the profit it realized.

    The cost taken out of a partly closed position is rounded once (`COST_GRID`), so that cash,
    cost and profit stay exact sums of each other (I-07).
    """
    scale = slot.instrument.multiplier
    position = slot.position
    if not position or (position > 0) == (signed > 0):
        if not position:
            slot.epoch += 1
            slot.exit_attempts = 0
        slot.cost += signed * price * scale
        slot.position = position + signed
        return ZERO
    closing = signed if abs(signed) <= abs(position) else -position
    removed = slot.cost
    if closing != -position:
        part = RULES.divide(slot.cost * -closing, position)
        removed = part.quantize(COST_GRID, context=RULES)
    slot.cost -= removed
    slot.position = position + closing
    realized = -closing * price * scale - removed
    slot.realized += realized
    rest = signed - closing
    if rest:
        book(slot, rest, price)
    return realized


def move(state: State, slot: Slot, signed: Decimal, price: Decimal) -> None:
    """
    Book a signed quantity with its cash, and carry equity along.
    """
    currency = slot.instrument.currency
    fx = slot.fx if slot.fx is not None else ZERO
    before = slot.market_value
    if slot.mark is None:
        slot.mark = price
    realized = book(slot, signed, price)
    state.realized += realized * fx
    paid = signed * price * slot.instrument.multiplier
    state.cash[currency] = state.cash.get(currency, ZERO) - paid
    slot.units = slot.position * slot.instrument.multiplier * fx
    state.equity += slot.market_value - before - paid * fx
    set_exit_levels(state, slot)
    slot.changed_at = state.sequence
    touch(slot)


def charge(state: State, slot: Slot, amount: Decimal, currency: str) -> None:
    """
    Take a commission (negative: a rebate) out of cash and equity.
    """
    if not amount:
        return
    state.cash[currency] = state.cash.get(currency, ZERO) - amount
    in_session = amount * state.fx.get(currency, ZERO)
    slot.commission += in_session
    state.commissions += in_session
    state.equity -= in_session


def set_exit_levels(state: State, slot: Slot) -> None:
    """
    Work out the prices at which the position's stop loss and take profit trigger (RSK-24).
    """
    slot.exit_low = slot.exit_high = None
    slot.exit_armed = False
    if not slot.position:
        return
    entry = RULES.divide(slot.cost, slot.position * slot.instrument.multiplier)
    stop, profit = state.spec.stop_loss_pct, state.spec.take_profit_pct
    below, above = (stop, profit) if slot.position > 0 else (profit, stop)
    if below is not None:
        slot.exit_low = RULES.multiply(entry, ONE - below)
    if above is not None:
        slot.exit_high = RULES.multiply(entry, ONE + above)
    slot.exit_armed = below is not None or above is not None
