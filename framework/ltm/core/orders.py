"""
From a wish to an approved order: direction, size, gates, rules, intent.

Decisions here are generators of facts and effects. Each fact is recorded and applied before the
next line runs, so that two orders in one turn see each other (RSK-07).
"""

from __future__ import annotations

from decimal import Decimal, getcontext, setcontext
from typing import TYPE_CHECKING, Final

import attrs

from ltm.core import events as e
from ltm.core import gates
from ltm.core.effects import Effect, SubmitOrder
from ltm.core.exposure import open_quantity, reduces, worst_price
from ltm.core.gates import Candidate, Gate
from ltm.core.risk import Rooms, approve, headrooms, judge, snapshot_of, worst_of
from ltm.model.enums import Action, Purpose, Severity, Side
from ltm.model.errors import shown
from ltm.model.identifiers import client_order_id
from ltm.model.numbers import ONE, RULES, ZERO, floor_to, plain
from ltm.model.order import OrderDraft
from ltm.model.results import Check, Reason
from ltm.model.signal import SignalRecord
from ltm.ports.rules import SizingView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.context import Context
    from ltm.core.state import Slot, State

Item = e.AnyEvent | Effect
SIDES: Final = {Action.BUY: Side.BUY, Action.SELL: Side.SELL}


@attrs.frozen
class Terms:
    """
    What a session's terms arm: made once.
    """

    entry: tuple[Gate, ...]
    exit: tuple[Gate, ...]


@attrs.frozen(kw_only=True)
class Wish:
    """
    Where an order comes from: a signal, or the session's own exits.
    """

    key: str = ""
    signal: SignalRecord | None = None
    epoch: int = 0
    attempt: int = 0
    sizing: str = ""


def raise_alert(state: State, context: Context, severity: Severity, code: str, message: str) -> e.AlertRaised:
    """
    Return the fact that a person should know something.
    """
    alert_id = f"{state.spec.session_id}-{state.sequence + 1}"
    return e.AlertRaised(at=context.now, alert_id=alert_id, severity=severity, code=code, message=message)


# --- Signals ------------------------------------------------------------------------------------


def decide_signal(
    state: State, context: Context, terms: Terms, key: str, signal: SignalRecord
) -> Iterator[Item]:
    """
    Trade on a signal that was never seen before, or say why not.
    """
    if signal.action is Action.HOLD:
        yield e.SignalIgnored(at=context.now, signal_key=key, signal=signal)
        return
    wish = Wish(key=key, signal=signal)
    slot, problem = find_slot(state, signal.symbol)
    if slot is None or problem is not None:
        yield _denied(context, wish, [problem or _UNLISTED])
        return
    side = SIDES[signal.action]
    checks = [gates.signal_gate(state, context, signal)]
    if reduces(slot, side):
        yield from _signal_exit(
            state, context, terms, wish, signal=signal, slot=slot, side=side, checks=checks
        )
    elif side is Side.SELL and not state.spec.allow_short:
        message = f"no position in {slot.instrument.symbol} to sell, and shorting is off"
        yield _denied(context, wish, [*checks, Check("short", "nothing_to_sell", ZERO, message=message)])
    else:
        draft = _draft(signal, slot, side, signal.quantity or ZERO)
        yield from _entry(state, context, terms, wish, slot=slot, draft=draft, checks=checks)


_UNLISTED: Final = Check("instrument", "unknown_instrument")


def find_slot(state: State, symbol: str) -> tuple[Slot | None, Check | None]:
    """
    Return the instrument of a code, or the denial that explains why there is none (C01).
    """
    slot = state.slots.get(symbol)
    if slot is not None:
        return slot, None
    named = state.aliases.get(symbol, ())
    if len(named) == 1:
        return state.slots[named[0]], None
    if named:
        message = f"ambiguous: {', '.join(sorted(named))}; give the exchange"
        return None, Check("instrument", "ambiguous_symbol", message=message)
    message = f"the venue lists no {shown(symbol)}"
    other = next((name for name in state.slots if name.upper() == symbol.upper()), None)
    message += f'; did you mean "{other}"?' if other else ""
    return None, Check("instrument", "unknown_instrument", message=message)


def _draft(signal: SignalRecord, slot: Slot, side: Side, quantity: Decimal) -> OrderDraft:
    return OrderDraft(
        symbol=slot.instrument.symbol,
        side=side,
        quantity=quantity,
        order_type=signal.order_type,
        limit_price=signal.limit_price,
        trigger_price=signal.trigger_price,
        time_in_force=signal.time_in_force,
    )


def _signal_exit(
    state: State,
    context: Context,
    terms: Terms,
    wish: Wish,
    *,
    signal: SignalRecord,
    slot: Slot,
    side: Side,
    checks: list[Check],
) -> Iterator[Item]:
    # A signal against the position closes all of it unless it names a quantity (ruling 10).
    held = abs(slot.position)
    left = held - open_quantity(slot, side)
    quantity = signal.quantity if signal.quantity is not None else left
    if quantity <= 0:
        message = f"open orders already close the position of {plain(held)}"
        yield _denied(context, wish, [*checks, Check("short", "exit_working", left, held, message=message)])
        return
    draft = _draft(signal, slot, side, quantity)
    if quantity <= left:
        yield from place_exit(state, context, terms, wish, slot=slot, draft=draft, checks=checks)
    elif side is Side.SELL and not state.spec.allow_short:
        message = f"selling {plain(quantity)} with {plain(left)} free to sell would turn the position short"
        check = Check("short", "would_flip", quantity, left, message=message)
        yield _denied(context, wish, [*checks, check], draft)
    else:
        yield from _entry(state, context, terms, wish, slot=slot, draft=draft, checks=checks)


# --- Entries ------------------------------------------------------------------------------------


def _entry(
    state: State,
    context: Context,
    terms: Terms,
    wish: Wish,
    *,
    slot: Slot,
    draft: OrderDraft,
    checks: list[Check],
) -> Iterator[Item]:
    # Price, size, gates, rules: everything is asked and written down, then one answer is given.
    session = gates.may_send(state, context, entry=True)
    checks.append(session)
    if session.code != "ok":
        yield _denied(context, wish, checks, draft)
        return
    unit_price = worst_price(draft, slot, state.spec.market_collar)
    if unit_price is None:
        message = f"no price of {slot.instrument.symbol} has arrived yet"
        yield _denied(context, wish, [*checks, Check("price", "no_price", message=message)], draft)
        return
    worst = worst_of(slot, unit_price)
    empty = snapshot_of(state, context, slot, draft.side, worst=worst, quantity=ZERO)
    rooms, faults = headrooms(state, context, draft, empty)
    if not draft.quantity and wish.signal is not None:
        quantity, sizing, problem = _size(state, context, slot, wish.signal, rooms=rooms, unit=worst.unit)
        wish = attrs.evolve(wish, sizing=sizing)
        if problem is not None and problem.code == "below_min_lot":
            # The limits leave no lot: let each say, for one lot, which of them it is.
            checks.append(problem)
            quantity = slot.instrument.lot_size
        elif problem is not None:
            checks.append(problem)
            yield from _blame(state, context, faults)
            yield _denied(context, wish, checks, draft)
            return
        draft = _with_quantity(draft, quantity)
    snapshot = snapshot_of(state, context, slot, draft.side, worst=worst, quantity=draft.quantity)
    judgement = judge(state, context, draft, snapshot, rooms)
    candidate = Candidate(slot, draft, entry=True, unit=worst.unit, signal=wish.signal)
    checks += [gate(state, context, candidate) for gate in terms.entry]
    checks += judgement.checks
    checks += judgement.denials
    yield from _blame(state, context, [*faults, *judgement.faults])
    if all(check.code == "ok" for check in checks):
        yield from _intend(state, context, wish, draft, checks, unit_price=unit_price, entry=True)
    else:
        yield _denied(context, wish, checks, draft)


def _with_quantity(draft: OrderDraft, quantity: Decimal) -> OrderDraft:
    return OrderDraft(
        symbol=draft.symbol,
        side=draft.side,
        quantity=quantity,
        order_type=draft.order_type,
        limit_price=draft.limit_price,
        trigger_price=draft.trigger_price,
        time_in_force=draft.time_in_force,
    )


def _size(
    state: State, context: Context, slot: Slot, signal: SignalRecord, *, rooms: Rooms, unit: Decimal
) -> tuple[Decimal, str, Check | None]:
    # Asks the sizer, with what every rule and gate leaves, and rounds down to the lot.
    room = gates.gate_headroom(state, context, slot, unit)
    limiting = "gates" if room is not None else ""
    for name, left in rooms.items():
        if left is not None and (room is None or left < room):
            room, limiting = left, name
    view = SizingView(
        now=context.now,
        instrument=slot.instrument,
        side=SIDES[signal.action],
        equity=state.equity,
        initial_capital=state.allocated + state.flows,
        cash=state.cash_total,
        position=slot.position,
        unit_cost=unit,
        headroom=room,
    )
    name = context.sizer.name
    wished = _ask_sizer(context, signal, view)
    if isinstance(wished, str):
        return ZERO, f"{name} failed", Check("sizer", "sizer_fault", message=f"{name} {wished}")
    lot = slot.instrument.lot_size
    quantity = floor_to(wished if room is None or wished < room else max(room, ZERO), lot)
    sizing = f"{name}: {plain(wished)} at {plain(unit)} a unit"
    if room is not None:
        sizing += f", headroom {_shown(room)} ({limiting})"
    sizing += f", lot {plain(lot)}"
    if wished <= 0 and (room is None or room >= lot):
        return ZERO, sizing, Check("sizer", "zero_size", wished, message=f"{name} asked for nothing")
    if quantity <= 0:
        limit = wished if room is None else min(wished, room)
        message = f"the limits leave {_shown(limit)}, less than one lot of {plain(lot)}"
        return ZERO, sizing, Check("sizer", "below_min_lot", limit, lot, message=message)
    return quantity, sizing, None


def _shown(value: Decimal) -> str:
    return plain(value.quantize(_PLACES, context=RULES))


_PLACES: Final = Decimal("1E-8")


def _ask_sizer(context: Context, signal: SignalRecord, view: SizingView) -> Decimal | str:
    outer = getcontext()
    setcontext(RULES)
    try:
        wished: object = context.sizer.size(signal, view)
    except BaseException as error:  # noqa: BLE001 - plugin boundary: a sizer that fails, denies (F25)
        return f"raised {type(error).__name__}: {shown(str(error))}"
    finally:
        setcontext(outer)
    if type(wished) is not Decimal or not wished.is_finite() or wished < 0:
        return f"answered {shown(wished)} instead of a quantity"
    return wished


def _blame(state: State, context: Context, faults: list[tuple[str, str]]) -> Iterator[Item]:
    # A rule that fails is marked, and entries stop until a person has looked (RSK-43).
    for name, detail in dict(faults).items():
        if name in state.faulted:
            continue
        message = f"rule {name} {detail}"
        yield e.RuleFaulted(at=context.now, name=name, detail=detail)
        yield e.TradingPaused(at=context.now, code=f"rule_fault:{name}", message=message)
        yield raise_alert(state, context, Severity.CRITICAL, "rule_fault", message)


# --- Exits --------------------------------------------------------------------------------------


def place_exit(
    state: State,
    context: Context,
    terms: Terms,
    wish: Wish,
    *,
    slot: Slot,
    draft: OrderDraft,
    checks: list[Check],
) -> Iterator[Item]:
    """
    Place an order that only reduces: limits do not apply to it (RSK-06).
    """
    checks.append(gates.may_send(state, context, entry=False))
    unit_price = worst_price(draft, slot, state.spec.market_collar) or ZERO
    fx = slot.fx if slot.fx is not None else ONE
    unit = unit_price * slot.instrument.multiplier * fx
    candidate = Candidate(slot, draft, entry=False, unit=unit, signal=wish.signal)
    checks += [gate(state, context, candidate) for gate in terms.exit]
    checks.append(Check("exposure", "reducing", draft.quantity, abs(slot.position)))
    if all(check.code in {"ok", "reducing"} for check in checks):
        yield from _intend(state, context, wish, draft, checks, unit_price=unit_price, entry=False)
    else:
        yield _denied(context, wish, checks, draft)


def exit_draft(slot: Slot, purpose: Purpose) -> OrderDraft | None:
    """
    Return the market order that closes what no open order closes yet, None when nothing is left.
    """
    side = Side.SELL if slot.position > 0 else Side.BUY
    left = abs(slot.position) - open_quantity(slot, side)
    if left <= 0:
        return None
    return OrderDraft(symbol=slot.instrument.symbol, side=side, quantity=left, purpose=purpose)


# --- Answers ------------------------------------------------------------------------------------


def _intend(
    state: State,
    context: Context,
    wish: Wish,
    draft: OrderDraft,
    checks: list[Check],
    *,
    unit_price: Decimal,
    entry: bool,
) -> Iterator[Item]:
    order_id = client_order_id(state.session_key, state.sequence + 1)
    yield e.OrderIntended(
        at=context.now,
        client_order_id=order_id,
        draft=draft,
        entry=entry,
        worst_price=unit_price,
        checks=tuple(checks),
        signal_key=wish.key,
        signal=wish.signal,
        sizing=wish.sizing,
        epoch=wish.epoch,
        attempt=wish.attempt,
    )
    yield SubmitOrder(approve(draft, order_id))


def _denied(
    context: Context, wish: Wish, checks: list[Check], draft: OrderDraft | None = None
) -> e.OrderDenied:
    reasons = tuple(
        Reason(check.code, check.message or check.code, check.measured, check.limit)
        for check in checks
        if check.code not in {"ok", "reducing"}
    )
    return e.OrderDenied(
        at=context.now,
        signal_key=wish.key,
        reasons=reasons,
        signal=wish.signal,
        draft=draft,
        checks=tuple(checks),
        sizing=wish.sizing,
    )
