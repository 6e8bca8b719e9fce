"""
How fills become positions, cash and profit: average cost, exact to the last digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.core.exposure import touch
from ltm.model.enums import Side
from ltm.model.numbers import COST_GRID, ONE, RULES, ZERO

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from ltm.core.pieces import FillState, Guard
    from ltm.core.state import Slot, State
    from ltm.model.spec import SessionSpec

_BUY: Final = Side.BUY


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
            slot.best = slot.guard = None
            slot.exit_attempts = 0
            slot.retry_at = 0.0
        slot.cost += signed * price * scale
        slot.position = position + signed
        return ZERO
    closing = signed if abs(signed) <= abs(position) else -position
    removed = slot.cost
    if closing != -position:
        removed = _share(slot, -closing)
    slot.cost -= removed
    slot.position = position + closing
    realized = -closing * price * scale - removed
    slot.realized += realized
    rest = signed - closing
    if rest:
        book(slot, rest, price)
    return realized


def _share(slot: Slot, quantity: Decimal) -> Decimal:
    # What a part of the position cost.
    part = RULES.divide(RULES.multiply(slot.cost, quantity), slot.position)
    return part.quantize(COST_GRID, context=RULES)


def move(state: State, slot: Slot, signed: Decimal, price: Decimal) -> None:
    """
    Book a signed quantity with its cash, and carry equity along.
    """
    if slot.mark is None:
        slot.mark = price
    before = slot.units * slot.mark
    realized = book(slot, signed, price)
    _carry(state, slot, before, signed * price * slot.instrument.multiplier, realized)


def amend(
    state: State, slot: Slot, sign: Decimal, booked: FillState, *, quantity: Decimal, price: Decimal
) -> None:
    """
    Book a correction: where the fill opened, the cost was another; where it closed, the profit was.

    Args:
        state: Whose cash and equity follow.
        slot: The instrument.
        sign: 1 for a buy, -1 for a sell.
        booked: The fill as it stands in the books.
        quantity: What it was in truth; 0 for a fill that never was.
        price: At which price.
    """
    position, before = slot.position, slot.market_value
    change = sign * (quantity - booked.quantity)
    after = position + change
    stays = bool(position and after) and (after > 0) == (position > 0)
    opened = (position > 0) == (sign > 0)
    if not stays and (change or position):
        # It would turn the position around: undo the fill, then book the true one.
        if booked.quantity:
            move(state, slot, -sign * booked.quantity, booked.price)
        if quantity:
            move(state, slot, sign * quantity, price)
        return
    paid = sign * (quantity * price - booked.quantity * booked.price) * slot.instrument.multiplier
    added = ZERO
    if stays:
        added = paid if opened else _share(slot, change)
    realized = added - paid
    slot.cost += added
    slot.position = after
    slot.realized += realized
    _carry(state, slot, before, paid, realized)


def _carry(state: State, slot: Slot, before: Decimal, paid: Decimal, realized: Decimal) -> None:
    # Cash, profit and equity follow what was booked; `before` is the market value until then.
    listed = slot.instrument
    currency = listed.currency
    fx = slot.fx if slot.fx is not None else ZERO
    if realized:
        state.realized += realized * fx
    state.cash[currency] = state.cash.get(currency, ZERO) - paid
    slot.units = units = slot.position * listed.multiplier * fx
    worth = units * slot.mark if slot.mark is not None else ZERO
    state.equity += worth - before - paid * fx
    set_exit_levels(state, slot)
    slot.changed_at = state.sequence
    if not slot.stale:
        touch(slot)


def charge(state: State, slot: Slot, amount: Decimal, currency: str) -> None:
    """
    Take a commission (negative: a rebate) out of cash and equity.
    """
    if not amount:
        return
    state.use_currency(currency)
    state.cash[currency] = state.cash.get(currency, ZERO) - amount
    state.fees[currency] = state.fees.get(currency, ZERO) + amount
    in_session = amount * state.fx.get(currency, ZERO)
    slot.commission += in_session
    state.commissions += in_session
    state.equity -= in_session


def set_rate(state: State, currency: str, rate: Decimal) -> None:
    """
    Value all that is held in a currency at another exchange rate (RSK-08).

    What the change is worth to cash and to the cost of positions is nobody's trading profit: it
    is kept apart, in `translation`.
    """
    change = rate - state.fx.get(currency, ZERO)
    cost = value = state.cash.get(currency, ZERO)
    held = []
    for slot in state.slots.values():
        if slot.instrument.currency != currency:
            continue
        quantity = slot.position * slot.instrument.multiplier
        held.append((slot, quantity * rate))
        cost += slot.cost
        if slot.mark is not None:
            value += quantity * slot.mark
    # Nothing is written before everything is known: a rate whose sums do not fit changes none.
    state.equity, state.translation = state.equity + change * value, state.translation + change * cost
    state.fx[currency] = rate
    for slot, units in held:
        slot.fx, slot.units = rate, units
        touch(slot)


def set_exit_levels(state: State, slot: Slot) -> None:
    """
    Work out the prices at which the position's stops and its take profit trigger (RSK-24).
    """
    slot.exit_low = slot.exit_high = None
    slot.exit_armed = False
    position, spec = slot.position, state.spec
    if not position:
        slot.flatten = False
        slot.best = slot.best_noted = None
        return
    trails = spec.trails
    if not trails:
        slot.best = None
    guard = guard_of(slot)
    if spec.stop_loss_pct is None and spec.take_profit_pct is None and guard is None and not trails:
        return
    entry = RULES.divide(slot.cost, position * slot.instrument.multiplier)
    stop, profit = _fixed(spec, guard, entry, long=position > 0)
    slot.exit_low, slot.exit_high = (stop, profit) if position > 0 else (profit, stop)
    slot.exit_armed = True
    if trails:
        _trail(spec, slot, entry)


def guard_of(slot: Slot) -> Guard | None:
    """
    Return the exits that an entry of the position as it is has brought, if one has.
    """
    guard, position = slot.guard, slot.position
    if guard is None or not position or (guard.side is _BUY) is not (position > 0):
        return None
    return guard


def take_profit(state: State, slot: Slot) -> Decimal | None:
    """
    Return the price at which a position's profit is taken, None where it is not.
    """
    if not slot.exit_armed:
        return None
    entry = RULES.divide(slot.cost, slot.position * slot.instrument.multiplier)
    return _fixed(state.spec, guard_of(slot), entry, long=slot.position > 0)[1]


def _fixed(
    spec: SessionSpec, guard: Guard | None, entry: Decimal, *, long: bool
) -> tuple[Decimal | None, Decimal | None]:
    # Stop and profit that stand still: of the session's and the entry's, the one that comes first.
    stop, profit = spec.stop_loss_pct, spec.take_profit_pct
    if stop is not None:
        stop = RULES.multiply(entry, ONE - stop if long else ONE + stop)
    if profit is not None:
        profit = RULES.multiply(entry, ONE + profit if long else ONE - profit)
    if guard is None:
        return stop, profit
    upper, lower = (max, min) if long else (min, max)
    return (
        _first(upper, stop, guard.stop_loss_price),
        _first(lower, profit, guard.take_profit_price),
    )


def _first(
    choose: Callable[[Decimal, Decimal], Decimal], ours: Decimal | None, named: Decimal | None
) -> Decimal | None:
    if ours is None or named is None:
        return named if ours is None else ours
    return choose(ours, named)


def _trail(spec: SessionSpec, slot: Slot, entry: Decimal) -> None:
    # The nearer of two stops counts. On the other side the next better price calls, so that the stop can follow.
    if slot.best is None:
        slot.best = entry
    best, tick = slot.best, slot.instrument.tick_size
    stop = trail_level(spec, best, long=slot.position > 0)
    if slot.position > 0:
        slot.exit_low = stop if slot.exit_low is None else max(slot.exit_low, stop)
        slot.exit_high = best + tick if slot.exit_high is None else min(slot.exit_high, best + tick)
    else:
        slot.exit_high = stop if slot.exit_high is None else min(slot.exit_high, stop)
        slot.exit_low = best - tick if slot.exit_low is None else max(slot.exit_low, best - tick)


def trail_level(spec: SessionSpec, best: Decimal, *, long: bool) -> Decimal:
    """
    Return where a trailing stop stands behind the best price so far.
    """
    away = spec.trailing_stop_distance
    if away is None:
        away = RULES.multiply(abs(best), spec.trailing_stop_pct or ZERO)
    return RULES.subtract(best, away) if long else RULES.add(best, away)
