"""
What people ask of a session: pause, resume, halt, kill, stop, flatten; and who answers each request.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ltm.core import answers
from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.a_shares import is_waiting
from ltm.core.cancels import cancel, cancel_own, open_order
from ltm.core.corporate import declare
from ltm.core.effects import Sweep
from ltm.core.latches import Latch
from ltm.core.lost import tell_lost
from ltm.core.orders import Item, raise_alert
from ltm.core.replacing import replace_order
from ltm.core.text import clean, cleaned
from ltm.core.trips import keep_flattening
from ltm.core.watch import sample_now
from ltm.model.enums import Lifecycle, OrderStatus, Purpose, Severity, TradingState
from ltm.model.errors import InvalidTransition, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from ltm.core.context import Context
    from ltm.core.state import OrderState, State

_UP = frozenset({Lifecycle.STARTING, Lifecycle.RECONCILING, Lifecycle.RUNNING})
OPERATOR = "operator"


def pause(state: State, context: Context, command: c.Pause) -> Iterator[Item]:
    """
    Stop entries; exits and cancels go on.

    Raises:
        InvalidTransition: The session is not up, or not active (BAD-034).
    """
    if state.lifecycle not in _UP:
        raise _refused(state, "pause", f"it is {state.lifecycle.upper()}")
    if state.trading_state is not TradingState.ACTIVE:
        raise _refused(state, "pause", f"it is {_named(state)}")
    message = command.reason or "paused by a person"
    yield e.TradingPaused(at=context.now, code=OPERATOR, message=message, by=command.by)


def resume(state: State, context: Context, command: c.Resume) -> Iterator[Item]:
    """
    Lift the operator's own pause, and the latches that the person names and gives a reason for.

    Raises:
        InvalidTransition: Nothing to resume, latches that nobody named remain, or there is no reason.
    """
    if not state.latches or state.lifecycle not in _UP:
        raise _refused(
            state, "resume", f"it is {_named(state) if state.lifecycle in _UP else state.lifecycle.upper()}"
        )
    _require_names(state, command)
    # Prices are not journaled one by one: equity as it is now has to be, before it becomes a base.
    yield from sample_now(state, context)
    second = state.equity if any(latch.until_roll for latch in state.latches.values()) else None
    yield e.TradingResumed(
        at=context.now,
        codes=tuple(state.latches),
        by=command.by,
        reason=command.reason,
        reset_peak=command.reset_peak,
        second_base=second,
    )
    context.warned.clear()
    for slot in state.slots.values():
        slot.flatten = False
    if state.link_up and not context.sweeping:
        yield Sweep(state.sequence)


def _require_names(state: State, command: c.Resume) -> None:
    # RSK-12, RSK-23: what tripped is lifted by name and for a reason; a daily loss, which the roll would
    # lift, only by an override.
    trips = {code: latch.until_roll for code, latch in state.latches.items() if code != OPERATOR}
    missing = [
        code
        for code, until_roll in trips.items()
        if code not in (command.override if until_roll else command.acknowledge)
    ]
    if not trips or (not missing and command.reason.strip()):
        return
    options = " ".join(
        f"{'--override' if until_roll else '--ack'} {code}" for code, until_roll in trips.items()
    )
    why = (
        f"{', '.join(missing)} must be acknowledged" if missing else "a trip is lifted for a reason, got none"
    )
    rolling = ", ".join(code for code in missing if trips[code])
    waits = f"; the day's roll lifts {rolling} by itself" if rolling else ""
    error = _refused(state, "resume", why + waits)
    error.hint = f"look at it first, then resume with {options} --reason TEXT"
    raise error


def _named(state: State) -> str:
    # The product document calls the state in which only exits pass PAUSED.
    return "PAUSED" if state.trading_state is TradingState.REDUCING else state.trading_state.upper()


def _refused(state: State, verb: str, why: str) -> InvalidTransition:
    message = f"cannot {verb} session {state.spec.session_id}: {why}"
    return InvalidTransition(message, field="session", got=state.lifecycle)


def restrict(state: State, context: Context, command: c.Restrict) -> Iterator[Item]:
    """
    Stop entries for a cause the shell found; once per cause.
    """
    if command.code not in state.latches:
        yield e.TradingPaused(at=context.now, code=command.code, message=command.message)
        yield raise_alert(state, context, Severity.CRITICAL, command.code, command.message)


def halt(state: State, context: Context, command: c.Halt) -> Iterator[Item]:
    """
    Let nothing out but cancels.
    """
    yield e.TradingHalted(at=context.now, code=command.code, message=command.message, by=command.by)
    yield raise_alert(state, context, Severity.CRITICAL, command.code, command.message)


def kill(state: State, context: Context, command: c.Kill) -> Iterator[Item]:
    """
    Halt and cancel every open order of ours (C36). Latched.
    """
    message = command.reason or "the kill switch was used"
    again = "kill" in state.latches
    yield e.TradingKilled(at=context.now, code="kill", message=message, by=command.by)
    if not again:
        yield raise_alert(state, context, Severity.CRITICAL, "kill", message)
    yield from cancel_own(state, context, "kill switch", foreign=command.foreign)


def stop(state: State, context: Context, command: c.Stop) -> Iterator[Item]:
    """
    Begin to end the session as `on_stop` says; stopping twice is harmless.
    """
    if state.lifecycle not in _UP:
        return
    reason = command.reason or f"stopped by {command.by}"
    yield e.LifecycleChanged(at=context.now, to=Lifecycle.STOPPING, reason=reason)
    if state.spec.on_stop == "keep":
        return
    yield from cancel_own(state, context, "session stops")
    keep_flattening(state, context)


def take_up_stop(state: State, context: Context) -> Iterator[Item]:
    """
    Go on with a stop that flattens and that a crash cut short: remaining exits, nothing else (K15).
    """
    message = "the process died while it stopped and closed what is held: that goes on, and no entry is sent"
    yield e.TradingPaused(at=context.now, code=OPERATOR, message=message)
    yield e.FlattenAsked(at=context.now, symbols=(), by="ltm")
    yield raise_alert(state, context, Severity.CRITICAL, "stop_cut_short", message)


def is_stopped(state: State) -> bool:
    """
    Return whether a stopping session has nothing left to wait for.
    """
    keep = state.spec.on_stop == "keep"
    waiting = any(
        order.purpose is not Purpose.FOREIGN and (not keep or order.status in _UNANSWERED)
        for order in state.orders.values()
    )
    # What the market does not let go of today stays: nobody waits for tomorrow to stop.
    flat = state.spec.on_stop == "flatten"
    return not waiting and not any(
        (flat or slot.flatten) and not is_waiting(state, slot) for slot in state.held()
    )


def is_needed(state: State) -> bool:
    """
    Return whether a session has an open order, or holds something whose exits nobody but it watches.
    """
    own = any(order.purpose is not Purpose.FOREIGN for order in state.orders.values())
    return own or any(slot.exit_armed or slot.flatten for slot in state.held())


_UNANSWERED = frozenset({OrderStatus.INTENDED, OrderStatus.SUBMITTED})


def flatten(state: State, context: Context, command: c.Flatten) -> Iterator[Item]:
    """
    Cancel what is open and close positions: all, or one instrument's.

    Raises:
        InvalidTransition: The session is not running, or halted.
    """
    if state.lifecycle is not Lifecycle.RUNNING:
        raise _refused(state, "flatten", f"it is {state.lifecycle.upper()}")
    if state.trading_state in {TradingState.HALTED, TradingState.KILLED}:
        raise _refused(state, "flatten", f"it is {_named(state)}")
    if command.symbol is not None and command.symbol not in state.slots:
        message = f"cannot flatten {shown(command.symbol)}: session {state.spec.session_id} does not know it"
        raise InvalidTransition(
            message, field="symbol", got=command.symbol, hint="ltm positions lists what is held"
        )
    # A trip that the day's roll lifts holds entries back no longer than that.
    if OPERATOR not in state.latches:
        message = f"flattened by {command.by}"
        yield e.TradingPaused(at=context.now, code=OPERATOR, message=message, by=command.by)
    symbols = () if command.symbol is None else (command.symbol,)
    yield e.FlattenAsked(at=context.now, symbols=symbols, by=command.by)
    for slot in state.slots.values():
        if command.symbol in {None, slot.instrument.symbol}:
            for order in list(slot.orders.values()):
                if order.purpose is not Purpose.FOREIGN:
                    yield from cancel(context, order, "flatten")
            slot.flatten = bool(slot.position)
            context.watch.exits.append(slot)


def is_flat(state: State, symbol: str | None = None) -> bool:
    """
    Return whether no order of ours is open and nothing is held: anywhere, or of one instrument.
    """
    slots = state.slots.values() if symbol is None else [state.slots[symbol]] if symbol in state.slots else []
    return not any(
        slot.position or any(order.purpose is not Purpose.FOREIGN for order in slot.orders.values())
        for slot in slots
    )


def cancel_order(state: State, context: Context, command: c.CancelOrder) -> Iterator[Item]:
    """
    Cancel one order on request.

    Raises:
        InvalidTransition: No open order has this id.
    """
    order = open_order(state, command.client_order_id)
    yield from cancel(context, order, f"canceled by {command.by}")


def recover(state: State, context: Context) -> Iterator[Item]:
    """
    Turn what a crash left in flight into open questions (K3-K6), and cancel what a trip wanted gone.
    """
    for order in list(state.orders.values()):
        _forget_timers(order)
        if order.status in _UNANSWERED:
            unknown = e.OrderUnknown(
                at=context.now,
                client_order_id=order.client_order_id,
                reason="the process ended before an answer",
            )
            yield unknown
        if order.status is OrderStatus.UNKNOWN:
            order.unknown_since = context.mono
    context.boot_equity = state.equity if state.trading_date is not None else None
    yield from tell_lost(state, context)


def _forget_timers(order: OrderState) -> None:
    order.queries = order.cancels = order.alarmed = 0
    order.query_at = order.cancel_at = 0.0
    order.asked_at = order.not_found_at = order.unknown_since = None


def note_delivery(_state: State, context: Context, command: c.NoteDelivery) -> Iterator[Item]:
    """
    Note that a sink took an alert.
    """
    yield e.AlertDelivered(at=context.now, alert_id=command.alert_id, sink=command.sink)


def by_operator(state: State, context: Context, command: c.ByOperator) -> Iterator[Item]:
    """
    Do what a person asks for, and write down who, what and why first; or why it was refused (SEC-38).
    """
    # A request that cannot be granted says so before its first event.
    asked = command.command
    items = operate(state, context, asked)
    refused, error = "", None
    first: list[Item] = []
    try:
        first = [*islice(items, 1)]
    except InvalidTransition as problem:
        refused, error = problem.message, problem
    yield e.OperatorActed(
        at=context.now,
        action=command.action,
        by=command.by,
        reason=command.reason,
        about=command.about,
        refused=clean(refused),
    )
    if error is not None:
        raise error
    yield from first
    yield from items


def attest(_state: State, context: Context, command: c.Attest) -> Iterator[Item]:
    """
    Note what the venue said is left there.
    """
    yield e.VenueAttested(at=context.now, attestation=command.attestation)


def raise_for_shell(state: State, context: Context, command: c.RaiseAlert) -> Iterator[Item]:
    """
    Tell a person what the shell noticed.
    """
    yield raise_alert(state, context, Severity(command.severity), command.code, command.message)


OPERATIONS: Final[dict[type[c.AnyCommand], Callable[[State, Context, Any], Iterator[Item]]]] = {
    c.Pause: pause,
    c.Resume: resume,
    c.Restrict: restrict,
    c.Halt: halt,
    c.Kill: kill,
    c.Stop: stop,
    c.Flatten: flatten,
    c.CancelOrder: cancel_order,
    c.ReplaceOrder: replace_order,
    c.ResolveOrder: answers.resolve,
    c.RecordFlow: answers.record_flow,
    c.AcceptPosition: answers.accept_position,
    c.Unblock: answers.unblock,
    c.DeclareAction: declare,
    c.NoteDelivery: note_delivery,
    c.AcknowledgeAlert: answers.acknowledge,
    c.ByOperator: by_operator,
    c.Attest: attest,
    c.RaiseAlert: raise_for_shell,
}
"""What people and the shell may ask for, and who sees to it."""


def operate(state: State, context: Context, command: c.AnyCommand) -> Iterator[Item]:
    """
    Do what is asked, once what it says is fit for a record (SEC-04).
    """
    return OPERATIONS[type(command)](state, context, cleaned(command))


def seize(state: State, now: datetime) -> None:
    """
    Halt in memory when nothing can be written down any more (REL-3).
    """
    message = "the journal takes no more records"
    state.latches["journal"] = Latch(TradingState.HALTED, "journal", message, now, "ltm")
    state.settle_trading_state()
