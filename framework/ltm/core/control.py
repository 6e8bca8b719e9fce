"""
What people ask of a session: pause, resume, halt, kill, stop, flatten, and answers only they have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.cancels import cancel, cancel_own
from ltm.core.effects import Sweep
from ltm.core.facts import known
from ltm.core.lifecycle import Fact
from ltm.core.lost import tell_lost
from ltm.core.orders import Item, raise_alert
from ltm.core.state import Latch
from ltm.core.watch import sample_now
from ltm.model.enums import Lifecycle, OrderStatus, Purpose, Severity, TradingState
from ltm.model.errors import InvalidTransition, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from decimal import Decimal

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
    Lift the operator's own pause, and the latches that the person names.

    Raises:
        InvalidTransition: Nothing to resume, or latches that nobody acknowledged remain.
    """
    if not state.latches or state.lifecycle not in _UP:
        raise _refused(
            state, "resume", f"it is {_named(state) if state.lifecycle in _UP else state.lifecycle.upper()}"
        )
    open_latches = [code for code in state.latches if code != OPERATOR and code not in command.acknowledge]
    if open_latches:
        causes = ", ".join(open_latches)
        error = _refused(state, "resume", f"{causes} must be acknowledged")
        error.hint = f"look at it first, then resume with --ack {open_latches[0]} --reason TEXT"
        raise error
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
    yield e.TradingKilled(at=context.now, code="kill", message=message, by=command.by)
    yield raise_alert(state, context, Severity.CRITICAL, "kill", message)
    yield from cancel_own(state, context, "kill switch")


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
    if state.spec.on_stop == "flatten":
        for slot in state.held():
            slot.flatten = True
            context.watch.exits.append(slot)


def is_stopped(state: State) -> bool:
    """
    Return whether a stopping session has nothing left to wait for.
    """
    keep = state.spec.on_stop == "keep"
    waiting = any(
        order.purpose is not Purpose.FOREIGN and (not keep or order.status in _UNANSWERED)
        for order in state.orders.values()
    )
    return not waiting and not any(slot.flatten and slot.position for slot in state.slots.values())


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
    if state.trading_state is TradingState.ACTIVE:
        message = f"flattened by {command.by}"
        yield e.TradingPaused(at=context.now, code=OPERATOR, message=message, by=command.by)
    for slot in state.slots.values():
        if command.symbol in {None, slot.instrument.symbol}:
            for order in list(slot.orders.values()):
                if order.purpose is not Purpose.FOREIGN:
                    yield from cancel(context, order, "flatten")
            slot.flatten = bool(slot.position)
            context.watch.exits.append(slot)


def cancel_order(state: State, context: Context, command: c.CancelOrder) -> Iterator[Item]:
    """
    Cancel one order on request.

    Raises:
        InvalidTransition: No open order has this id.
    """
    order = state.orders.get(command.client_order_id)
    if order is None:
        message = f"no open order {shown(command.client_order_id)}"
        raise InvalidTransition(message, field="client_order_id", got=command.client_order_id)
    yield from cancel(context, order, f"canceled by {command.by}")


def resolve(state: State, context: Context, command: c.ResolveOrder) -> Iterator[Item]:
    """
    Take a person's word for what became of an unknown order (REL 2.2.1).

    Raises:
        InvalidTransition: The order is not unknown.
    """
    order = state.orders.get(command.client_order_id)
    if order is None or order.status is not OrderStatus.UNKNOWN:
        what = order.status if order is not None else "not open"
        message = f"cannot resolve order {shown(command.client_order_id)}: it is {what}"
        raise InvalidTransition(message, field="client_order_id", got=command.client_order_id)
    if command.venue_order_id is not None:
        accepted = e.OrderAccepted(
            at=context.now,
            client_order_id=order.client_order_id,
            venue_order_id=command.venue_order_id,
        )
        yield from known(context, order, Fact.ACCEPTED, accepted)
        return
    evidence = f"{command.by} says so: {command.reason}"
    absent = e.OrderAbsent(at=context.now, client_order_id=order.client_order_id, evidence=evidence)
    yield from known(context, order, Fact.ABSENT, absent)


def record_flow(state: State, context: Context, command: c.RecordFlow) -> Iterator[Item]:
    """
    Note money that came or went and is no profit or loss (RSK-04).

    Raises:
        InvalidTransition: The amount is not finite, or would leave no equity.
    """
    if not _fits(state, command.amount) or state.equity + command.amount <= 0:
        message = f"flow must leave equity above 0, got {command.amount} at equity {state.equity}"
        raise InvalidTransition(message, field="amount", got=str(command.amount))
    # The bases move in proportion to equity, so the records have to tell what it was.
    yield from sample_now(state, context)
    yield e.FlowRecorded(at=context.now, amount=command.amount, by=command.by, reason=command.reason)


def _fits(state: State, amount: Decimal) -> bool:
    # Sums of money are exact: an amount with too many digits must not reach the journal (BAD-077).
    try:
        return all(
            (money + amount).is_finite() for money in (state.equity, state.flows, *state.cash.values())
        )
    except ArithmeticError:
        return False


def unblock(state: State, context: Context, command: c.Unblock) -> Iterator[Item]:
    """
    Let entries on an instrument pass again, after a person has looked.

    Raises:
        InvalidTransition: It is not blocked.
    """
    slot = state.slots.get(command.symbol)
    if slot is None or slot.blocked is None:
        message = f"cannot unblock {shown(command.symbol)}: it is not blocked"
        raise InvalidTransition(message, field="symbol", got=command.symbol)
    yield e.InstrumentBlocked(at=context.now, symbol=command.symbol, reason="")


def accept_position(state: State, context: Context, command: c.AcceptPosition) -> Iterator[Item]:
    """
    Adopt the venue's holding where it drifted from ours; a person decides, never the program.

    Raises:
        InvalidTransition: The holdings agree, or there is no price to value the change with.
    """
    slot = state.slots.get(command.symbol)
    if slot is None or slot.drift is None or slot.mark is None:
        why = "has no drift" if slot is None or slot.drift is None else "has no price yet"
        message = f"cannot accept {shown(command.symbol)}: it {why}"
        raise InvalidTransition(message, field="symbol", got=command.symbol)
    change: Decimal = slot.drift - slot.position
    yield e.PositionAdjusted(
        at=context.now,
        symbol=command.symbol,
        quantity=change,
        price=slot.mark,
        reason=f"accepted by {command.by}: {command.reason}",
        rebase_cash=True,
    )


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


def acknowledge(_state: State, context: Context, command: c.AcknowledgeAlert) -> Iterator[Item]:
    """
    Note that a person has seen an alert.
    """
    yield e.AlertAcknowledged(at=context.now, alert_id=command.alert_id, by=command.by)


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
    c.ResolveOrder: resolve,
    c.RecordFlow: record_flow,
    c.AcceptPosition: accept_position,
    c.Unblock: unblock,
    c.NoteDelivery: note_delivery,
    c.AcknowledgeAlert: acknowledge,
    c.RaiseAlert: raise_for_shell,
}
"""What people and the shell may ask for, and who sees to it."""


def seize(state: State, now: datetime) -> None:
    """
    Halt in memory when nothing can be written down any more (REL-3).
    """
    message = "the journal takes no more records"
    state.latches["journal"] = Latch(TradingState.HALTED, "journal", message, now, "ltm")
    state.settle_trading_state()
