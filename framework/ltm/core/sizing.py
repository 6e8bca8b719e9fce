"""
Sizing: what the sizer would like, kept within what rules and gates leave, in whole lots.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.core.a_shares import sellable
from ltm.core.account import account_headrooms
from ltm.core.brackets import stop_distance
from ltm.core.budgets import value_room
from ltm.core.exposure import open_quantity
from ltm.core.risk import AtPlugin, Rooms, raised
from ltm.core.text import clean
from ltm.core.together import headrooms
from ltm.model.enums import Action, Side
from ltm.model.errors import shown
from ltm.model.numbers import ONE, RULES, ZERO, floor_to, plain
from ltm.model.results import Check
from ltm.ports.rules import CannotSize, SizingView

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltm.core.context import Context
    from ltm.core.state import Slot, State
    from ltm.model.signal import SignalRecord
    from ltm.ports.rules import TargetSizer

FAULT: Final = "sizer_fault"
_LARGEST: Final = Decimal("1E+15")
"""More than this is no quantity but a fault of the sizer (F25)."""


def whole_lots(quantity: Decimal, lot: Decimal) -> Decimal:
    """
    Return the quantity rounded down to a multiple of the lot, without digits that say nothing.
    """
    if lot <= 0:
        return quantity
    return floor_to(quantity, lot).quantize(lot if lot % 1 else ONE, context=RULES)


def exit_size(state: State, slot: Slot, left: Decimal) -> Decimal:
    """
    Return how much of what is left of a position can be closed now: whole lots, or what the market lets go of today.
    """
    free = sellable(state, slot) if slot.position > 0 else None
    return whole_lots(left, slot.instrument.lot_size) if free is None else min(left, free)


def all_of(state: State, slot: Slot, left: Decimal) -> Decimal:
    """
    Return what a signal closes that names no quantity; where that is nothing, the gates say why.
    """
    return exit_size(state, slot, left) or left


def size(
    state: State, context: Context, slot: Slot, signal: SignalRecord, *, rooms: Rooms, unit: Decimal
) -> tuple[Decimal, str, Check | None]:
    """
    Ask the sizer, with what every rule and gate leaves, and round down to the lot.

    Returns:
        The quantity, how it came about, and why there is none.
    """
    is_buy = signal.action is Action.BUY
    room, limiting = room_of(state, context, slot, rooms, unit, is_buy=is_buy)
    name = context.sizer.name
    view = _view(state, context, slot, signal, unit=unit, room=room)
    wished = _ask(context, context.sizer.size, signal, view)
    if not isinstance(wished, Check) and wished < ZERO:
        wished = _fault(context, f"answered {shown(wished)} instead of a quantity")
    if isinstance(wished, Check):
        fault = slot.instrument.fault()
        if fault is not None:
            # A sizer cannot make whole lots of nothing: the instrument is to blame (BAD-107).
            message = f"{slot.instrument.symbol} has {fault}"
            wished = Check("instrument", "not_tradable", message=message)
        return ZERO, wished.message or "", wished
    lot = slot.instrument.lot_size
    quantity = whole_lots(wished if room is None or wished < room else max(room, ZERO), lot)
    sizing = f"{name}: {_shown(wished)} at {plain(unit)} a unit"
    if room is not None:
        sizing += f", headroom {_shown(room)} ({limiting})"
    sizing += f", lot {plain(lot)}"
    if wished <= 0 and (room is None or room >= lot):
        return ZERO, sizing, Check("sizer", "zero_size", wished, message=f"{name} asked for nothing")
    if quantity <= 0:
        limit = wished if room is None else min(wished, room)
        whose = name if limit != room else limiting
        message = f"{whose} leaves {_shown(limit)}, less than one lot of {plain(lot)}"
        return ZERO, sizing, Check("sizer", "below_min_lot", limit, lot, message=message)
    return quantity, sizing, None


def reduction(
    state: State, context: Context, targets: TargetSizer, slot: Slot, signal: SignalRecord, *, left: Decimal
) -> tuple[Decimal, str, Check | None]:
    """
    Return how much of what is left of a position a sizer of targets lets go, how that came about, or why nothing.
    """
    fx = slot.fx if slot.fx is not None else ONE
    unit = (slot.mark or ZERO) * slot.instrument.multiplier * fx
    target = _ask(
        context, targets.target_position, signal, _view(state, context, slot, signal, unit=unit, room=None)
    )
    if isinstance(target, Check):
        if target.code == FAULT:  # nobody knows how much to keep, and the way out is never blocked (RSK-06)
            return all_of(state, slot, left), f"{target.message}; all that is left is closed", None
        return ZERO, target.message or "", target
    kept = max(target if slot.position > ZERO else -target, ZERO)
    lot = slot.instrument.lot_size
    quantity = whole_lots(RULES.subtract(left, kept), lot) if left > kept else ZERO
    if kept == ZERO:
        quantity = quantity or left
    name = context.sizer.name
    sizing = f"{name}: keeps {_shown(kept)} of {_shown(left)} at {plain(unit)} a unit, lot {plain(lot)}"
    if quantity <= ZERO:
        message = (
            f"{name} keeps {_shown(kept)} of {_shown(left)}, which leaves less than one lot of {plain(lot)}"
        )
        return ZERO, sizing, Check("sizer", "zero_size", left, kept, message=message)
    return quantity, sizing, None


def _view(
    state: State, context: Context, slot: Slot, signal: SignalRecord, *, unit: Decimal, room: Decimal | None
) -> SizingView:
    worst = slot.position
    if slot.orders:
        is_buy = signal.action is Action.BUY
        worst += open_quantity(slot, Side.BUY) if is_buy else -open_quantity(slot, Side.SELL)
    return SizingView(
        now=context.now,
        instrument=slot.instrument,
        side=signal.action,
        equity=state.equity,
        initial_capital=state.allocated + state.flows,
        cash=state.cash_total,
        position=slot.position,
        unit_cost=unit,
        headroom=room,
        worst_quantity=worst,
        stop_distance=stop_distance(state, slot, signal, unit),
        samples=slot.samples,
    )


def room_of(
    state: State, context: Context, slot: Slot, rooms: Rooms, unit: Decimal, *, is_buy: bool
) -> tuple[Decimal | None, str]:
    """
    Return the largest quantity that every gate and rule would let pass, and which of them leaves no more.

    Sizers ask before they size (RSK-20); None when nothing limits the quantity.
    """
    listed, spec = slot.instrument, state.spec
    room, limiting = listed.maximum_quantity, "quantity_range"
    most = spec.max_order_quantity
    if most is not None and (room is None or most < room):
        room, limiting = most, "max_order_quantity"
    if unit > ZERO:
        value, gate = value_room(state, context, listed)
        most = RULES.divide(value, unit) if value > ZERO else ZERO
        if room is None or most < room:
            room, limiting = most, gate
        if slot.totals is not None:
            account = account_headrooms(state, context, slot, unit, is_buy=is_buy)
            rooms = {**headrooms(state, slot, unit, is_buy=is_buy), **account, **rooms}
    for name, left in rooms.items():
        if left is not None and (room is None or left < room):
            room, limiting = left, name
    return room, limiting


def _shown(value: Decimal) -> str:
    text = f"{value:z.8f}"
    return text.rstrip("0").rstrip(".")


def _ask(
    context: Context,
    question: Callable[[SignalRecord, SizingView], object],
    signal: SignalRecord,
    view: SizingView,
) -> Decimal | Check:
    with AtPlugin():
        try:
            answer = question(signal, view)
        except BaseException as error:  # noqa: BLE001 - plugin boundary: a sizer that fails, denies (F25)
            if type(error) is CannotSize and all(type(text) is str for text in error.args):
                message = f"{context.sizer.name}: {clean(' '.join(error.args))}"
                return Check("sizer", "zero_size", message=message)
            return _fault(context, raised(error))
    if type(answer) is not Decimal or not answer.is_finite() or not -_LARGEST <= answer <= _LARGEST:
        return _fault(context, f"answered {shown(answer)} instead of a quantity")
    return answer


def _fault(context: Context, what: str) -> Check:
    return Check("sizer", FAULT, message=f"{context.sizer.name} {what}")
