"""
How a corporate action changes the state: what is held, what it cost, what works and at which prices, all at once.

Quantities and prices move against each other, so equity stays but for the twelfth decimal of the new mark.
A fraction that the venue pays out in cash is booked at the mark.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ltm.core.booking import set_exit_levels
from ltm.core.brackets import pay_guard, split_bracket, split_guard
from ltm.core.exposure import join_groups, rate_of, touch
from ltm.core.successor import Successor
from ltm.model.corporate import price_of, scaled, units_of
from ltm.model.market import MarkSample
from ltm.model.numbers import COST_GRID, ONE, RULES, ZERO

if TYPE_CHECKING:
    from ltm.core import events as e
    from ltm.core.state import OrderState, Slot, State
    from ltm.model.corporate import CorporateAction
    from ltm.model.instrument import Instrument


def corporate_action_applied(state: State, event: e.CorporateActionApplied) -> None:
    action = event.action
    state.actions.append(action.key)
    slot = state.slots[action.symbol]
    slot.mark = event.mark
    if action.kind == "split":
        _split(state, slot, action)
    elif action.kind == "dividend":
        _pay(state, slot, action.amount)
    else:
        _rename(state, slot, action.new_symbol)
    # Quotes of before are no measure any more: the next price draws a new band around the new mark.
    slot.bid = slot.ask = slot.suspect = None
    slot.calm_low, slot.calm_high = ONE, ZERO
    # Nor is a price of before, told late: a bar that closes at the very roll is of the day before.
    first = event.since + timedelta(microseconds=1)
    slot.marked_at = first if slot.marked_at is None else max(slot.marked_at, first)
    slot.drift = slot.drift_seen = slot.best_noted = None
    slot.changed_at = state.sequence
    set_exit_levels(state, slot)
    touch(slot)


def dividends_received(state: State, event: e.DividendsReceived) -> None:
    del event
    state.dividends = ZERO


def action_refused(state: State, event: e.ActionRefused) -> None:
    state.actions.append(event.key)


def _grid(value: Decimal) -> Decimal:
    return value.quantize(COST_GRID, context=RULES)


# --- Split --------------------------------------------------------------------------------------


def _split(state: State, slot: Slot, action: CorporateAction) -> None:
    new, old = action.numerator, action.denominator
    step = min(slot.instrument.lot_size, ONE)
    before = slot.market_value
    paid = _round_off(slot, action, step)
    held = slot.position
    slot.position = units_of(action, slot.position, step)
    slot.adjusted += slot.position - held
    if slot.mark is not None:
        slot.mark = _grid(scaled(slot.mark, old, new))
    fx = slot.fx if slot.fx is not None else ZERO
    slot.units = slot.position * slot.instrument.multiplier * fx
    currency = slot.instrument.currency
    if paid is not None:
        value, removed = paid
        slot.cost -= removed
        slot.realized += value - removed
        state.realized += (value - removed) * fx
        state.cash[currency] = state.cash.get(currency, ZERO) + value
        state.equity += value * fx
        state.cash_base = None  # nobody knows what the venue pays for it: cash is compared afresh
    state.equity += slot.market_value - before
    slot.ignored = units_of(action, slot.ignored, step)
    slot.bought = units_of(action, slot.bought, step)
    if slot.previous_close is not None:
        slot.previous_close = _grid(scaled(slot.previous_close, old, new))
    if slot.best is not None:
        slot.best = _grid(scaled(slot.best, old, new))
    split_guard(slot, action)
    slot.samples = tuple(MarkSample(one.at, _grid(scaled(one.price, old, new))) for one in slot.samples)
    for order in slot.orders.values():
        _split_order(state, slot, order, action)
    _close_fills(state, slot.instrument.symbol)


def _round_off(slot: Slot, action: CorporateAction, step: Decimal) -> tuple[Decimal, Decimal] | None:
    # What the fraction left over is worth at the mark, and what it cost; None when there is none.
    units = slot.position * action.numerator
    rest = units - units_of(action, slot.position, step) * action.denominator
    if not rest or slot.mark is None:
        return None  # what is held has a mark
    removed = _grid(scaled(slot.cost, rest, units))
    return _grid(scaled(rest * slot.mark * slot.instrument.multiplier, ONE, action.numerator)), removed


def _split_order(state: State, slot: Slot, order: OrderState, action: CorporateAction) -> None:
    new, old = action.numerator, action.denominator
    step, tick = min(slot.instrument.lot_size, ONE), slot.instrument.tick_size
    state.reserved -= order.unit_cost * order.leaves
    order.quantity = units_of(action, order.quantity, step)
    order.filled = order.adopted = units_of(action, order.filled, step)
    order.before += order.fills
    order.fills = {}
    for name in ("limit_price", "trigger_price"):
        price: Decimal | None = getattr(order, name)
        if price is not None:
            setattr(order, name, price_of(action, price, tick, order.side))
    if order.bracket is not None:
        split_bracket(order, order.bracket, action, tick)
    if order.parts:
        for part in order.parts.values():
            part.quantity, part.filled = (
                units_of(action, units, step) for units in (part.quantity, part.filled)
            )
    if order.successor is not None:
        order.successor = _split_successor(slot, order, order.successor, action)
    order.worst_price = scaled(order.worst_price, old, new).quantize(COST_GRID, ROUND_UP, RULES)
    order.unit_cost = scaled(order.unit_cost, old, new).quantize(COST_GRID, ROUND_UP, RULES)
    state.reserved += order.unit_cost * order.leaves


def _split_successor(
    slot: Slot, order: OrderState, successor: Successor, action: CorporateAction
) -> Successor:
    tick = slot.instrument.tick_size
    limit, trigger = (
        None if price is None else price_of(action, price, tick, order.side)
        for price in (successor.limit_price, successor.trigger_price)
    )
    return Successor(units_of(action, successor.quantity, min(slot.instrument.lot_size, ONE)), limit, trigger)


def _close_fills(state: State, symbol: str) -> None:
    # Corrections of fills from before come in units that are no more: they are not booked.
    for order in state.closed.values():
        if order.symbol == symbol and order.fills:
            order.before += order.fills
            order.fills = {}
            order.adopted = order.filled


# --- Dividend -----------------------------------------------------------------------------------


def _pay(state: State, slot: Slot, amount: Decimal) -> None:
    # The price falls by what is paid. The cost falls with it, so that neither profit nor an exit level sees a loss.
    paid = slot.position * slot.instrument.multiplier * amount
    before = slot.market_value
    fx = slot.fx if slot.fx is not None else ZERO
    currency = slot.instrument.currency
    slot.cost -= paid
    state.cash[currency] = state.cash.get(currency, ZERO) + paid
    if slot.mark is not None:
        slot.mark -= amount
    state.equity += slot.market_value - before + paid * fx
    if slot.previous_close is not None:
        slot.previous_close -= amount
    if slot.best is not None:
        slot.best -= amount
    pay_guard(slot, amount)
    if currency == state.spec.currency:
        state.dividends += paid


# --- Another symbol -----------------------------------------------------------------------------


def _rename(state: State, slot: Slot, symbol: str) -> None:
    before = slot.instrument
    listed = state.slots.pop(symbol, None)
    _forget_aliases(state, before)
    if listed is None:
        slot.instrument = replace(before, symbol=symbol)
        for alias in before.aliases:
            state.aliases.setdefault(alias, []).append(symbol)
    else:
        slot.instrument = listed.instrument
        _unlist(state, listed)
    # In the place of the old one: what is listed, is listed in the order of arrival.
    state.slots = {(symbol if name == before.symbol else name): one for name, one in state.slots.items()}
    for orders in (slot.orders, state.closed):
        for order in orders.values():
            if order.symbol == before.symbol:
                order.symbol = symbol
    slot.rate_of = rate_of(slot.instrument, state.spec.currency)
    join_groups(state, slot)


def _forget_aliases(state: State, instrument: Instrument) -> None:
    for alias in instrument.aliases:
        state.aliases[alias].remove(instrument.symbol)


def _unlist(state: State, slot: Slot) -> None:
    # Nothing is held or worked here: it leaves its groups, and no sum waits for it.
    groups = list(slot.groups)
    slot.instrument = replace(slot.instrument, groups=())
    join_groups(state, slot)
    for group, _ in (*groups, *slot.groups):
        group.stale.discard(slot)
