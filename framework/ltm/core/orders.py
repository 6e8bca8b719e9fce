"""
From a wish to an approved order: direction, size, gates, rules, intent.

Decisions here are generators of facts and effects. Each fact is recorded and applied before the
next line runs, so that two orders in one turn see each other (RSK-07).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import attrs
import msgspec

from ltm.core import events as e
from ltm.core import gates
from ltm.core.brackets import bracket_of, judge_bracket, on_exit
from ltm.core.effects import Effect, SubmitOrder
from ltm.core.exposure import open_quantity, reduces, worst_price
from ltm.core.gates import Candidate, Gate
from ltm.core.risk import approve, grown, headrooms, judge, snapshot_of, worst_of
from ltm.core.sizing import all_of, reduction, size
from ltm.core.text import clean
from ltm.model.enums import Action, Severity, Side
from ltm.model.errors import shown
from ltm.model.identifiers import client_order_id
from ltm.model.numbers import ONE, ZERO, plain
from ltm.model.order import OrderDraft
from ltm.model.results import Check, Reason
from ltm.model.signal import SignalRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from ltm.core.context import Context
    from ltm.core.state import Slot, State

Item = e.AnyEvent | Effect
ALERT_LIMIT: Final = 500
SLOW_SECONDS: Final = 0.05
"""A decision that takes longer is told of: signals behind it wait (RSK-44)."""
_TELL_AGAIN: Final = 60.0
_PASSED: Final = frozenset({"ok", "reducing"})
BUY: Final = Side.BUY
SELL: Final = Side.SELL
SIDES: Final = {Action.BUY: BUY, Action.SELL: SELL}
_HOLD: Final = Action.HOLD


@attrs.frozen
class Terms:
    """
    What a session's terms arm: made once.
    """

    entry: tuple[Gate, ...]
    exit: tuple[Gate, ...]


class Wish(msgspec.Struct, kw_only=True, gc=False):
    """
    Where an order comes from: a signal, or the session's own exits.
    """

    key: str = ""
    signal: SignalRecord | None = None
    epoch: int = 0
    attempt: int = 0
    sizing: str = ""
    replaces: str = ""
    started: float = 0.0
    """When the decision began, on the context's timer."""
    took: float = 0.0
    """How many seconds it took, once its record is made."""


def raise_alert(state: State, context: Context, severity: Severity, code: str, message: str) -> e.AlertRaised:
    """
    Return the fact that a person should know something.
    """
    alert_id = f"{state.spec.session_id}-{state.sequence + 1}"
    text = clean(message, ALERT_LIMIT)
    return e.AlertRaised(at=context.now, alert_id=alert_id, severity=severity, code=code, message=text)


# --- Signals ------------------------------------------------------------------------------------


def decide_signal(
    state: State, context: Context, terms: Terms, key: str, signal: SignalRecord
) -> Iterable[Item]:
    """
    Trade on a signal that was never seen before, or say why not.
    """
    wish = Wish(key=key, signal=signal, started=context.timer())
    items: Iterable[Item]
    try:
        items = _decide(state, context, terms, wish, signal)
    except ArithmeticError as error:
        # Raised before anything was decided: every product of money was tried in the gates (BAD-077).
        message = f"its numbers have more digits than money is counted in: {type(error).__name__}"
        items = (denied(context, wish, [Check("numbers", "out_of_range", message=message)]),)
    if wish.took > SLOW_SECONDS and context.mono >= context.tell_slow_at:
        return chain(items, _tell_slow(state, context, wish.took))
    return items


def _tell_slow(state: State, context: Context, took: float) -> Iterator[Item]:
    context.tell_slow_at = context.mono + _TELL_AGAIN
    message = f"rules, gates and sizer took {took:.3f} s for one order, more than {SLOW_SECONDS:g} s"
    yield raise_alert(state, context, Severity.WARNING, "slow_rules", message)


def _decide(state: State, context: Context, terms: Terms, wish: Wish, signal: SignalRecord) -> Iterable[Item]:
    if signal.action is _HOLD:
        return (e.SignalIgnored(at=context.now, signal_key=wish.key, signal=signal),)
    slot, problem = find_slot(state, signal.symbol)
    if slot is None or problem is not None:
        return (denied(context, wish, [problem or _UNLISTED]),)
    side = SIDES[signal.action]
    checks = [gates.signal_gate(state, context, signal)]
    if reduces(slot, side):
        return _signal_exit(state, context, terms, wish, signal=signal, slot=slot, side=side, checks=checks)
    if side is SELL and not state.spec.allow_short:
        message = f"no position in {slot.instrument.symbol} to sell, and shorting is off"
        checks.append(Check("short", "nothing_to_sell", ZERO, message=message))
        return (denied(context, wish, checks),)
    draft = _draft(signal, slot, side, signal.quantity or ZERO)
    return place_entry(state, context, terms, wish, slot=slot, draft=draft, checks=checks)


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


def is_exit(state: State, symbol: str, action: Action) -> bool:
    """
    Return whether a signal works against a position as it stands now.
    """
    slot, _ = find_slot(state, symbol)
    side = SIDES.get(action)
    return slot is not None and side is not None and reduces(slot, side)


def _draft(signal: SignalRecord, slot: Slot, side: Side, quantity: Decimal) -> OrderDraft:
    return OrderDraft(
        symbol=slot.instrument.symbol,
        side=side,
        quantity=quantity,
        order_type=signal.order_type,
        limit_price=signal.limit_price,
        trigger_price=signal.trigger_price,
        time_in_force=signal.time_in_force,
        good_till=signal.good_till,
        bracket=bracket_of(signal),
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
) -> Iterable[Item]:
    # A signal against the position closes all of it unless it names a quantity (ruling 10), or the sizer a target;
    # all of it is what the market lets go of today (C17).
    held = abs(slot.position)
    left = held - open_quantity(slot, side)
    quantity = signal.quantity if signal.quantity is not None else all_of(state, slot, left)
    if quantity <= 0:
        message = f"open orders already close the position of {plain(held)}"
        checks.append(Check("short", "exit_working", left, held, message=message))
        return (denied(context, wish, checks),)
    if context.targets is not None and signal.quantity is None:
        quantity, wish.sizing, problem = reduction(state, context, context.targets, slot, signal, left=left)
        if problem is not None:
            checks.append(problem)
            return (denied(context, wish, checks),)
    draft = _draft(signal, slot, side, quantity)
    if quantity <= left and draft.bracket is not None:
        return (denied(context, wish, [*checks, on_exit(quantity)], draft),)
    if quantity <= left:
        return place_exit(state, context, terms, wish, slot=slot, draft=draft, checks=checks)
    if side is SELL and not state.spec.allow_short:
        message = f"selling {plain(quantity)} with {plain(left)} free to sell would turn the position short"
        checks.append(Check("short", "would_flip", quantity, left, message=message))
        return (denied(context, wish, checks, draft),)
    return place_entry(state, context, terms, wish, slot=slot, draft=draft, checks=checks)


# --- Entries ------------------------------------------------------------------------------------


def place_entry(
    state: State,
    context: Context,
    terms: Terms,
    wish: Wish,
    *,
    slot: Slot,
    draft: OrderDraft,
    checks: list[Check],
) -> Iterable[Item]:
    """
    Judge an entry: price, size, gates, rules; all are asked and written down, then one answer is given.
    """
    session = gates.may_send(state, context, entry=True)
    checks.append(session)
    if session.code != "ok":
        return (denied(context, wish, checks, draft),)
    unit_price = worst_price(draft, slot, state.spec.market_collar)
    if unit_price is None:
        message = f"no price of {slot.instrument.symbol} has arrived yet"
        checks.append(Check("price", "no_price", message=message))
        return (denied(context, wish, checks, draft),)
    if draft.bracket is not None:
        checks.append(judge_bracket(slot, draft, draft.bracket))
        if checks[-1].code != "ok":
            return (denied(context, wish, checks, draft),)
    worst = worst_of(slot, unit_price)
    empty = snapshot_of(state, context, slot, draft.side, worst=worst)
    rooms, faults = headrooms(context, draft, empty)
    if not draft.quantity and wish.signal is not None:
        quantity, wish.sizing, problem = size(state, context, slot, wish.signal, rooms=rooms, unit=worst.unit)
        if problem is not None and problem.code == "below_min_lot":
            # The limits leave no lot: let each say, for one lot, which of them it is.
            checks.append(problem)
            quantity = slot.instrument.lot_size
        elif problem is not None:
            checks.append(problem)
            return chain(blame(state, context, faults), (denied(context, wish, checks, draft),))
        draft = _with_quantity(draft, quantity)
    snapshot = grown(empty, slot, draft.side, worst=worst, quantity=draft.quantity)
    passed, denials, failed = judge(context, draft, snapshot, rooms)
    value = draft.quantity * worst.unit
    candidate = Candidate(slot, draft, entry=True, unit=worst.unit, value=value, signal=wish.signal)
    checks += [gate(state, context, candidate) for gate in terms.entry]
    faults += failed
    stopped = denials or faults or [check for check in checks if check.code != "ok"]
    checks += passed
    if not stopped:
        return _intend(state, context, wish, draft, checks, unit_price=unit_price, entry=True)
    checks += denials
    checks += [Check(name, "rule_fault", message=detail) for name, detail in faults]
    refusal = (denied(context, wish, checks, draft),)
    return chain(blame(state, context, faults), refusal, _follow_up(state, context, checks))


def _follow_up(state: State, context: Context, checks: list[Check]) -> Iterator[Item]:
    # What some denials are besides: a reason to stop the model (C11), or to tell a person (C10).
    for check in checks:
        message = check.message or check.code
        if check.code == "max_executions":
            yield e.TradingPaused(at=context.now, code=check.code, message=message)
            yield raise_alert(state, context, Severity.CRITICAL, check.code, message)
        elif check.code == "duplicate_order" and context.mono >= context.tell_repeat_at:
            context.tell_repeat_at = context.mono + _TELL_AGAIN
            yield raise_alert(state, context, Severity.WARNING, check.code, message)


def _with_quantity(draft: OrderDraft, quantity: Decimal) -> OrderDraft:
    return OrderDraft(
        symbol=draft.symbol,
        side=draft.side,
        quantity=quantity,
        order_type=draft.order_type,
        limit_price=draft.limit_price,
        trigger_price=draft.trigger_price,
        time_in_force=draft.time_in_force,
        good_till=draft.good_till,
        bracket=draft.bracket,
    )


def blame(state: State, context: Context, faults: list[tuple[str, str]]) -> Iterator[Item]:
    """
    Mark rules that failed, and stop entries until a person has looked (RSK-43).
    """
    for name, detail in dict(faults).items():
        if name in state.faulted:
            continue
        message = f"rule {name} {detail}"
        yield e.TradingPaused(at=context.now, code=f"rule_fault:{name}", message=message)
        yield e.RuleFaulted(at=context.now, name=name, detail=detail)
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
) -> tuple[Item, ...]:
    """
    Place an order that only reduces: limits do not apply to it (RSK-06).
    """
    checks.append(gates.may_send(state, context, entry=False))
    unit_price = worst_price(draft, slot, state.spec.market_collar) or ZERO
    fx = slot.fx if slot.fx is not None else ONE
    unit = unit_price * slot.instrument.multiplier * fx
    value = draft.quantity * unit
    candidate = Candidate(slot, draft, entry=False, unit=unit, value=value, signal=wish.signal)
    checks += [gate(state, context, candidate) for gate in terms.exit]
    checks.append(Check("exposure", "reducing", draft.quantity, abs(slot.position)))
    if not [check for check in checks if check.code not in _PASSED]:
        return _intend(state, context, wish, draft, checks, unit_price=unit_price, entry=False)
    return (denied(context, wish, checks, draft),)


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
) -> tuple[Item, ...]:
    order_id = client_order_id(state.session_key, state.sequence + 1)
    intended = e.OrderIntended(
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
        took_microseconds=_microseconds(context, wish),
        replaces=wish.replaces,
    )
    return intended, SubmitOrder(approve(draft, order_id))


def denied(
    context: Context, wish: Wish, checks: list[Check], draft: OrderDraft | None = None
) -> e.OrderDenied:
    """
    Return the refusal that the checks add up to.
    """
    reasons = tuple(
        Reason(check.code, check.message or check.code, check.measured, check.limit)
        for check in checks
        if check.code not in _PASSED
    )
    return e.OrderDenied(
        at=context.now,
        signal_key=wish.key,
        reasons=reasons,
        signal=wish.signal,
        draft=draft,
        checks=tuple(checks),
        sizing=wish.sizing,
        took_microseconds=_microseconds(context, wish),
        replaces=wish.replaces,
    )


def _microseconds(context: Context, wish: Wish) -> int:
    wish.took = context.timer() - wish.started
    return round(wish.took * 1e6)
