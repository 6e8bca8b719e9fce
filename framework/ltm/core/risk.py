"""
Risk: gates and rules judge a draft, all of them, and only what passes becomes an `Approval`.

This module alone holds the seal: nothing else can make an order that a broker takes. It checks,
decides and reserves in one step of the single writer (RSK-07).
"""

from __future__ import annotations

import re
from decimal import Decimal, getcontext, setcontext
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from ltm.core.bases import bases_of
from ltm.core.exposure import group_total, open_quantity, refresh, worst_values
from ltm.core.text import clean
from ltm.model.enums import Side
from ltm.model.errors import shown
from ltm.model.numbers import ONE, RULES, ZERO
from ltm.model.order import SEAL, Approval, OrderDraft
from ltm.model.results import Allow, Check, Deny
from ltm.ports.rules import GroupExposure, PositionView, RiskSnapshot

if TYPE_CHECKING:
    from ltm.core.context import Context as Surroundings
    from ltm.core.state import Slot, State

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
BUY: Final = Side.BUY


def approve(draft: OrderDraft, client_order_id: str) -> Approval:
    """
    Return the approval of a draft that every gate and rule let pass.
    """
    return Approval(SEAL, draft, client_order_id, None)


class Worst(msgspec.Struct, gc=False):
    """
    An instrument's worst case without the candidate, and what one more unit adds to it.

    `up`/`down`: signed value in session currency with all buys/sells filled; `long`/`short`: the
    quantities that go with them; `unit`: worst value of one unit of the candidate.
    """

    up: Decimal
    down: Decimal
    long: Decimal
    short: Decimal
    unit: Decimal


def worst_of(slot: Slot, unit_price: Decimal) -> Worst:
    """
    Return the worst case of an instrument, and of one more unit at `unit_price`.
    """
    up, down = refresh(slot) if slot.stale else worst_values(slot)
    mark = slot.mark
    price = mark if mark is not None and mark > unit_price else unit_price
    fx = slot.fx if slot.fx is not None else ONE
    long = short = slot.position
    if slot.orders:
        long += open_quantity(slot, BUY)
        short -= open_quantity(slot, Side.SELL)
    return Worst(up, down, long, short, price * slot.instrument.multiplier * fx)


def snapshot_of(state: State, context: Surroundings, slot: Slot, side: Side, *, worst: Worst) -> RiskSnapshot:
    """
    Return what rules see when they are asked for headroom: an order of no quantity at all (RSK-05, RSK-45).
    """
    return RiskSnapshot(
        sequence=state.sequence,
        now=context.now,
        instrument=slot.instrument,
        equity=state.equity,
        equity_valid=not context.stale,
        initial_capital=state.allocated + state.flows,
        cash=state.cash_total,
        bases=bases_of(state),
        trading_date=state.trading_date or context.trading_date(),
        position=slot.position,
        mark_price=slot.mark,
        worst_price=worst.unit,
        long_before=worst.up,
        long_after=worst.up,
        short_before=worst.down,
        short_after=worst.down,
        worst_quantity=worst.long if side is BUY else worst.short,
        groups=_groups(slot) if slot.groups else (),
        orders_today=state.orders_today,
        open_orders=len(state.orders),
        positions=partial(positions_of, state),
    )


def grown(empty: RiskSnapshot, slot: Slot, side: Side, *, worst: Worst, quantity: Decimal) -> RiskSnapshot:
    """
    Return what rules see when they judge a quantity, made from the snapshot of none.
    """
    long_after, short_after, total = _after(side, worst, quantity)
    return replace(
        empty,
        long_after=long_after,
        short_after=short_after,
        worst_quantity=total,
        groups=_grown(empty.groups, slot, long_after, short_after) if empty.groups else (),
    )


def _after(side: Side, worst: Worst, quantity: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    # Worst-case values of both sides and the quantity of the order's side, with the order.
    value = quantity * worst.unit
    if side is BUY:
        return worst.up + value, worst.down, worst.long + quantity
    return worst.up, worst.down - value, worst.short - quantity


def _groups(slot: Slot) -> tuple[GroupExposure, ...]:
    exposures = []
    for (rule, name, weight), (group, _) in zip(slot.instrument.groups, slot.groups, strict=False):
        total = group_total(group)
        long, short = group.long, group.short
        exposures.append(GroupExposure(rule, name, total, total, weight, long, long, short, short))
    return tuple(exposures)


def _grown(
    groups: tuple[GroupExposure, ...], slot: Slot, long_after: Decimal, short_after: Decimal
) -> tuple[GroupExposure, ...]:
    # The same with the order, which adds to each group by the instrument's weight in it.
    wider = max(abs(long_after), abs(short_after)) - slot.worst
    longer, shorter = long_after - slot.up, short_after - slot.down
    exposures = []
    for group in groups:
        weight, total = group.weight, group.before
        long, short = group.long_before, group.short_before
        after = (total + wider * weight, long + longer * weight, short + shorter * weight)
        exposures.append(
            GroupExposure(group.rule, group.group, total, after[0], weight, long, after[1], short, after[2])
        )
    return tuple(exposures)


def positions_of(state: State) -> tuple[PositionView, ...]:
    """
    Return every held or worked instrument as rules may see it.
    """
    return tuple(
        PositionView(slot.instrument.symbol, slot.position, slot.mark, slot.market_value, *worst_values(slot))
        for slot in state.slots.values()
        if slot.position or slot.orders
    )


# --- Asking rules -------------------------------------------------------------------------------

Rooms = dict[str, Decimal | None]
Faults = list[tuple[str, str]]


class AtPlugin:
    """
    Computes in a fresh decimal context, so that a plugin can change neither ours nor the next one's.
    """

    __slots__ = ("_outer",)

    def __enter__(self) -> None:
        self._outer = getcontext()
        setcontext(RULES.copy())

    def __exit__(self, *_: object) -> None:
        setcontext(self._outer)


def raised(error: BaseException) -> str:
    """
    Return what a plugin raised, in words for people.
    """
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - plugin boundary: its exceptions are its own classes too
        text = ""
    return f"raised {type(error).__name__}: {shown(text)}"


def judge(
    context: Surroundings, draft: OrderDraft, snapshot: RiskSnapshot, rooms: Rooms
) -> tuple[list[Check], list[Check], Faults]:
    """
    Ask every rule, one by one; anything but a sound verdict is a fault and denies (RSK-43).

    Returns:
        The verdicts that let the order pass, those that do not, and the rules that failed.
    """
    passed: list[Check] = []
    denials: list[Check] = []
    faults: Faults = []
    outer = getcontext()
    try:
        for name, rule in context.rules:
            setcontext(RULES.copy())  # a rule may have changed the one before (BAD-113, BAD-116)
            verdict: object
            try:
                verdict = rule.check(draft, snapshot)
            except BaseException as error:  # noqa: BLE001 - plugin boundary: whatever a rule does, it denies
                faults.append((name, raised(error)))
                continue
            if type(verdict) is Allow:
                measured, limit = verdict.measured, verdict.limit
                # As `_finite` says, without the calls: nearly every verdict is one of these.
                if (measured is None or (type(measured) is Decimal and measured.is_finite())) and (
                    limit is None or (type(limit) is Decimal and limit.is_finite())
                ):
                    passed.append(Check(name, "ok", measured, limit, rooms[name]))
                    continue
            if type(verdict) is Deny and _is_sound(verdict):
                text = clean(verdict.message)
                room = rooms[name]
                denials.append(Check(name, verdict.code, verdict.measured, verdict.limit, room, text))
            else:
                faults.append((name, _unsound(verdict)))
    finally:
        setcontext(outer)
    return passed, denials, faults


def _finite(number: object) -> bool:
    return number is None or (type(number) is Decimal and number.is_finite())


def _is_sound(denial: Deny) -> bool:
    code: object = denial.code
    text: object = denial.message
    named = type(code) is str and _CODE.fullmatch(code) is not None and type(text) is str
    return named and _finite(denial.measured) and _finite(denial.limit)


def _unsound(verdict: object) -> str:
    if type(verdict) is not Allow and type(verdict) is not Deny:
        return f"answered {shown(verdict)} instead of Allow or Deny"
    for number in (verdict.measured, verdict.limit):
        if not _finite(number):
            return f"answered with {shown(number)} where a finite Decimal must stand"
    return "denied without a lower-case code and a text"


def headrooms(context: Surroundings, draft: OrderDraft, snapshot: RiskSnapshot) -> tuple[Rooms, Faults]:
    """
    Return how much each rule would let pass, and the rules that failed to say (they leave zero).
    """
    rooms: Rooms = {}
    faults: Faults = []
    outer = getcontext()
    try:
        for name, rule in context.rules:
            setcontext(RULES.copy())
            room: object = ZERO
            try:
                room = rule.headroom(draft, snapshot)
            except BaseException as error:  # noqa: BLE001 - plugin boundary, as above
                faults.append((name, raised(error)))
            if room is None or (type(room) is Decimal and room.is_finite()):
                rooms[name] = room
            else:
                faults.append((name, f"answered {shown(room)} as headroom"))
                rooms[name] = ZERO
    finally:
        setcontext(outer)
    return rooms, faults
