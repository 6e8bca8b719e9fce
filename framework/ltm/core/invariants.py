"""
What must hold of the books whatever happens (REL-5): checked by tests after every event, in production now and then.

Everything that is kept up step by step is worked out again here from what it is the sum of.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, getcontext, setcontext
from typing import TYPE_CHECKING

import attrs

from ltm.core.exposure import group_total, open_entries, worst_values
from ltm.core.groups import Totals
from ltm.core.lifecycle import RANK, TERMINAL
from ltm.model.enums import Purpose, Side, TradingState
from ltm.model.identifiers import sequence_of
from ltm.model.numbers import EXACT, ZERO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.state import Slot, State


@attrs.frozen
class Witness:
    """
    What a later state is compared with (I-14).
    """

    sequence: int
    peak: Decimal
    rebases: int
    trading_date: date | None


def witness(state: State) -> Witness:
    """
    Return what a later state of the same session will be compared with.
    """
    return Witness(state.sequence, state.peak, state.rebases, state.trading_date)


def violations(state: State, earlier: Witness | None = None, *, closed: bool = True) -> list[str]:
    """
    Return what is wrong with a state, each with the invariant's name first; empty when all is well.

    Args:
        state: As it is now.
        earlier: What `witness` said of it before.
        closed: Whether closed orders are looked at too; there are thousands, and they hardly change.
    """
    outer = getcontext()
    setcontext(EXACT)
    try:
        return [
            *_positions(state),
            *_totals(state),
            *_orders(state, closed=closed),
            *_money(state),
            *_modes(state),
            *_course(state, earlier),
        ]
    finally:
        setcontext(outer)


def _positions(state: State) -> Iterator[str]:
    for symbol, slot in state.slots.items():
        if slot.position != slot.net_fills + slot.adjusted:
            yield f"I-01 {symbol}: holds {slot.position}, fills {slot.net_fills} and {slot.adjusted} adjusted"
        if not slot.position and slot.cost:
            yield f"I-01 {symbol}: is flat and costs {slot.cost}"
        if any(state.orders.get(name) is not order for name, order in slot.orders.items()):
            yield f"I-06 {symbol}: works an order that is not open"
        # Where no group counts it, nobody reads it: marks leave it as it was.
        if slot.groups and not slot.stale and slot.worst != _worst(slot):
            yield f"I-10 {symbol}: worst case {slot.worst}, recomputed {_worst(slot)}"
    for (rule, name), group in state.groups.items():
        total = sum((_share(slot, rule, name) for slot in state.slots.values()), ZERO)
        if group_total(group) != total:
            yield f"I-10 {rule} {name}: worst case {group.total}, recomputed {total}"
        sides = [_side(state, rule, name, side) for side in (0, 1)]
        if [group.long, group.short] != sides:
            yield f"I-10 {rule} {name}: sides {group.long} and {group.short}, recomputed {sides}"


def _totals(state: State) -> Iterator[str]:
    if not state.spec.sums:
        return
    kept = state.totals
    group_total(kept)
    found = Totals()
    for slot in state.slots.values():
        up, down = worst_values(slot)
        found.long += up
        found.short += down
        found.total += _worst(slot)
        found.open += open_entries(slot)
        found.count += bool(_worst(slot))
    for name in ("total", "long", "short", "open", "count"):
        if getattr(kept, name) != getattr(found, name):
            yield f"I-10 all together: {name} {getattr(kept, name)}, recomputed {getattr(found, name)}"


def _worst(slot: Slot) -> Decimal:
    return max(abs(value) for value in worst_values(slot))


def _share(slot: Slot, rule: str, name: str) -> Decimal:
    return _weight(slot, rule, name) * _worst(slot)


def _side(state: State, rule: str, name: str, side: int) -> Decimal:
    values = (_weight(slot, rule, name) * worst_values(slot)[side] for slot in state.slots.values())
    return sum(values, ZERO)


def _weight(slot: Slot, rule: str, name: str) -> Decimal:
    return sum(
        (weight for owner, group, weight in slot.instrument.groups if (owner, group) == (rule, name)), ZERO
    )


def _orders(state: State, *, closed: bool) -> Iterator[str]:
    both = [(order, True) for order in state.orders.values()]
    if closed:
        both += [(order, False) for order in state.closed.values()]
    for order, is_open in both:
        name = order.client_order_id
        filled = sum((fill.quantity for fill in order.fills.values()), order.adopted)
        if order.filled != filled:
            yield f"I-02 {name}: filled {order.filled}, its fills sum to {filled}"
        if order.filled > order.quantity and state.slots[order.symbol].blocked is None and is_open:
            yield f"I-02 {name}: filled {order.filled} of {order.quantity}, and nobody was told"
        if (order.status in TERMINAL) is is_open:
            yield f"I-06 {name}: is {order.status} and kept as {'open' if is_open else 'closed'}"
        if is_open and state.slots[order.symbol].orders.get(name) is not order:
            yield f"I-06 {name}: is open and its instrument does not know"
        if (order.successor is not None) is not (name in state.replacing):
            yield f"I-06 {name}: successor {order.successor}, orders to be replaced {state.replacing}"
        sequence = sequence_of(state.session_key, name)
        if order.purpose is not Purpose.FOREIGN and sequence is not None and sequence > state.sequence:
            yield f"I-04 {name}: names record {sequence}, the journal has {state.sequence}"


def _money(state: State) -> Iterator[str]:
    reserved = sum((order.unit_cost * order.leaves for order in state.orders.values()), ZERO)
    if state.reserved != reserved or state.reserved < 0:
        yield f"I-10 reserved {state.reserved}, recomputed {reserved}"
    if any(order.unit_cost and order.side is not Side.BUY for order in state.orders.values()):
        yield "I-10 a sell reserves cash"
    for currency in {*state.cash, *state.fees, *(slot.instrument.currency for slot in state.slots.values())}:
        cash = state.cash.get(currency, ZERO)
        expected = _cash_of(state, currency)
        if cash != expected:
            yield f"I-08 cash of {cash} {currency}, fills, fees and flows make {expected}"
    value = sum((slot.market_value for slot in state.slots.values()), state.cash_total)
    if state.equity != value:
        yield f"I-07 equity {state.equity}, cash and positions are worth {value}"
    unrealized = sum((slot.unrealized for slot in state.slots.values()), ZERO)
    earned = state.realized + unrealized - state.commissions + state.translation
    if state.equity != state.allocated + state.flows + earned:
        yield f"I-07 equity {state.equity}, capital and profit make {state.allocated + state.flows + earned}"
    if not state.foreign and sum((slot.realized for slot in state.slots.values()), ZERO) != state.realized:
        yield f"I-09 realized {state.realized} is not what the instruments realized"


def _cash_of(state: State, currency: str) -> Decimal:
    own = state.allocated + state.flows if currency == state.spec.currency else ZERO
    earned = (
        slot.realized - slot.cost for slot in state.slots.values() if slot.instrument.currency == currency
    )
    return sum(earned, own) - state.fees.get(currency, ZERO)


def _modes(state: State) -> Iterator[str]:
    strictest = max((latch.state for latch in state.latches.values()), key=RANK.__getitem__, default=None)
    if state.trading_state is not (strictest or TradingState.ACTIVE):
        yield f"I-13 trading state {state.trading_state}, the latches say {strictest}"
    faulted = [name for name in state.faulted if f"rule_fault:{name}" not in state.latches]
    if faulted:
        yield f"I-13 {', '.join(faulted)} failed and nothing holds entries back"


def _course(state: State, earlier: Witness | None) -> Iterator[str]:
    if earlier is None:
        return
    if state.sequence < earlier.sequence:
        yield f"I-14 record {earlier.sequence} was followed by {state.sequence}"
    if state.rebases == earlier.rebases and state.peak < earlier.peak:
        yield f"I-14 peak fell from {earlier.peak} to {state.peak}"
    before, now = earlier.trading_date, state.trading_date
    if before is not None and (now is None or now < before):
        yield f"I-14 trading date went from {before} to {now}"
