"""
Worst-case exposure: every open order filled against us, buys and sells never netted (RSK-05).
"""

from __future__ import annotations

from decimal import localcontext
from typing import TYPE_CHECKING

from ltm.core.groups import Group
from ltm.model.enums import Side
from ltm.model.numbers import EXACT, ONE, RULES, ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from ltm.core.groups import Totals
    from ltm.core.state import Slot, State
    from ltm.model.instrument import Instrument
    from ltm.model.order import OrderDraft

BUY = Side.BUY


def worst_price(draft: OrderDraft, slot: Slot, collar: Decimal) -> Decimal | None:
    """
    Return what one unit of an order is valued at, None when there is no price at all.

    Buys: limit price; stop: max(stop, mark)(1 + collar); market: ask(1 + collar), else
    mark(1 + collar). Sells: max(mark, limit or trigger).
    """
    mark = slot.mark
    limit = draft.limit_price
    if draft.side is BUY:
        if limit is not None:
            return limit
        base = draft.trigger_price
        if base is not None:
            base = base if mark is None or base > mark else mark
        else:
            base = slot.ask if slot.ask is not None else mark
        return None if base is None else base * (ONE + collar)
    floor = limit if limit is not None else draft.trigger_price
    if mark is None:
        return floor
    return mark if floor is None or mark > floor else floor


def open_value(slot: Slot, side: Side) -> tuple[Decimal, Decimal]:
    """
    Return quantity and worst-case value of an instrument's open orders on one side.
    """
    quantity = value = ZERO
    mark = slot.mark
    for order in slot.orders.values():
        if order.side is side:
            leaves = order.leaves
            price = order.worst_price
            quantity += leaves
            value += leaves * (mark if mark is not None and mark > price else price)
    return quantity, value


def worst_values(slot: Slot) -> tuple[Decimal, Decimal]:
    """
    Return (up, down): signed value if all buys fill, and if all sells fill; session currency.
    """
    instrument = slot.instrument
    scale = instrument.multiplier * (slot.fx if slot.fx is not None else ONE)
    mark = slot.mark
    held = slot.position * mark * scale if mark is not None else slot.cost * (slot.fx or ONE)
    if not slot.orders:
        return held, held
    return (
        held + open_value(slot, BUY)[1] * scale,
        held - open_value(slot, Side.SELL)[1] * scale,
    )


def touch(slot: Slot) -> None:
    """
    Note that an instrument's exposure changed; its groups find out when they are read.
    """
    if not slot.stale:
        slot.stale = True
        for group, _ in slot.groups:
            group.stale.add(slot)


def refresh(slot: Slot) -> tuple[Decimal, Decimal]:
    """
    Bring an instrument's worst-case exposure, and its groups' sums, up to date; return both sides.
    """
    up, down = values = worst_values(slot)
    worst = max(abs(up), abs(down))
    wider, longer, shorter = worst - slot.worst, up - slot.up, down - slot.down
    # Nothing is written before everything is known: a sum that does not fit leaves all as it was.
    sums = [
        (
            group,
            group.total + wider * weight,
            group.long + longer * weight,
            group.short + shorter * weight,
        )
        for group, weight in slot.groups
    ]
    if slot.totals is not None:
        _add_up(slot.totals, slot, worst)
    slot.worst, slot.up, slot.down = worst, up, down
    slot.stale = False
    for group, total, long, short in sums:
        group.total, group.long, group.short = total, long, short
    return values


def _add_up(totals: Totals, slot: Slot, worst: Decimal) -> None:
    # What only the totals have; the rest is a group's like any other's.
    value = open_entries(slot) if slot.orders or slot.open else slot.open
    totals.open += value - slot.open
    totals.count += bool(worst) - bool(slot.worst)
    slot.open = value


def open_entries(slot: Slot) -> Decimal:
    """
    Return the worst-case value of an instrument's open entries, session currency (C27).
    """
    value, mark = ZERO, slot.mark
    for order in slot.orders.values():
        if order.entry:
            price = order.worst_price
            value += order.leaves * (mark if mark is not None and mark > price else price)
    return abs(value) * slot.instrument.multiplier * (slot.fx if slot.fx is not None else ONE)


def group_total(group: Group) -> Decimal:
    """
    Return a group's worst-case exposure now.
    """
    stale = group.stale
    while stale:
        slot = stale.pop()
        if slot.stale:
            try:
                refresh(slot)
            except ArithmeticError:
                stale.add(slot)  # what could not be summed must not be taken for summed
                raise
    return group.total


def times_equity(state: State, times: Decimal) -> Decimal:
    """
    Return a limit in times equity, session currency: a measure, so it may be rounded where money may not.
    """
    return max(RULES.multiply(times, state.equity), ZERO)


def settle_groups(state: State) -> None:
    """
    Bring every group up to date, for readers that must not change what they look at; in the session's own numbers.
    """
    with localcontext(EXACT):
        for group in (*state.groups.values(), state.totals):
            group_total(group)


def join_groups(state: State, slot: Slot) -> None:
    """
    Enter an instrument into the groups that its definition names.
    """
    for group, weight in slot.groups:
        group.total -= slot.worst * weight
        group.long -= slot.up * weight
        group.short -= slot.down * weight
    if slot.totals is not None:
        slot.totals.open -= slot.open
        slot.totals.count -= bool(slot.worst)
    slot.worst = ZERO
    slot.stale = False
    slot.groups = [
        (state.groups.setdefault((rule, name), Group()), weight)
        for rule, name, weight in slot.instrument.groups
    ]
    slot.totals = state.totals if state.spec.sums else None
    slot.up = slot.down = slot.open = ZERO
    if slot.totals is not None:
        slot.groups.append((slot.totals, ONE))
    touch(slot)


def rate_of(instrument: Instrument, currency: str) -> str | None:
    """
    Return the currency whose rate into the session's an instrument's price tells: EUR of EUR/USD, JPY of USD/JPY.
    """
    base, slash, quote = instrument.symbol.partition("/")
    if not (slash and base) or quote != instrument.currency or base == quote:
        return None
    if quote == currency:
        return base
    return quote if base == currency else None


def reduces(slot: Slot, side: Side) -> bool:
    """
    Return whether orders of this side work against the position.
    """
    return slot.position < 0 if side is BUY else slot.position > 0


def open_quantity(slot: Slot, side: Side) -> Decimal:
    """
    Return what may still fill on one side of an instrument.
    """
    if not slot.orders:
        return ZERO
    return sum((order.leaves for order in slot.orders.values() if order.side is side), ZERO)
