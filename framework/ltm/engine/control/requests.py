"""
From what was asked over the socket to the commands of a session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from ltm.core import commands as c
from ltm.engine.control import wire
from ltm.model.corporate import CorporateAction, action_of
from ltm.model.errors import InvalidTransition, SessionNotFound, shown
from ltm.model.numbers import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ltm.core.state import State
    from ltm.engine.engine import Engine


def chosen(engines: Mapping[str, Engine], ask: wire.AnyAsk) -> Sequence[Engine]:
    """
    Return the sessions that a request is about.

    Raises:
        SessionNotFound: It names none that runs here, or none of several (BAD-033).
        InvalidTransition: Its session has ended (BAD-034).
    """
    known = ", ".join(engines)
    going = [engine for engine in engines.values() if not engine.stopped]
    if ask.session is None:
        if isinstance(ask, wire.Kill) or len(going) == 1:
            return going
        message = f"session must be named, since {len(going)} run here: {known}"
        raise SessionNotFound(message, field="session", hint=f"for example --session {next(iter(engines))}")
    engine = engines.get(ask.session)
    if engine is None:
        message = f"no session {shown(ask.session)} runs here; running: {known}"
        raise SessionNotFound(message, field="session", got=ask.session, hint="ltm status lists all sessions")
    if engine.stopped:
        message = f"session {ask.session} has ended: it is {engine.session.state.lifecycle.upper()}"
        raise InvalidTransition(message, field="session", got=ask.session)
    return [engine]


def commands_of(state: State, ask: wire.AnyAsk, by: str) -> Sequence[c.AnyRequest]:
    """
    Return what a session is to be told.
    """
    if isinstance(ask, wire.Acknowledge):
        waiting = [alert.alert_id for alert in state.alerts.values() if alert.acknowledged_at is None]
        return [c.AcknowledgeAlert(alert_id, by) for alert_id in ask.alert_ids or waiting]
    return [_command_of(ask, by)]


def _command_of(ask: _OneThing, by: str) -> c.AnyRequest:
    match ask:
        case wire.Pause():
            return c.Pause(by, ask.reason)
        case wire.Resume() if ask.symbol is not None:
            return c.Unblock(ask.symbol, by, ask.reason)
        case wire.Resume():
            return c.Resume(by, ask.reason, ask.acknowledge, ask.reset_peak, ask.override)
        case wire.Stop():
            return c.Stop(by, ask.reason)
        case wire.Flatten():
            return c.Flatten(by, ask.symbol)
        case wire.Kill():
            return c.Kill(by, ask.reason, ask.foreign)
        case wire.Cancel() | wire.Replace():
            return _order_of(ask, by)
        case wire.Resolve() | wire.Accept() | wire.Flow() | wire.Declare():
            return _answer_of(ask, by)
        case _:
            assert_never(ask)


def _order_of(ask: wire.Cancel | wire.Replace, by: str) -> c.AnyRequest:
    if isinstance(ask, wire.Cancel):
        return c.CancelOrder(ask.client_order_id, by)
    return c.ReplaceOrder(
        client_order_id=ask.client_order_id,
        by=by,
        quantity=ask.quantity,
        limit_price=ask.limit_price,
        trigger_price=ask.trigger_price,
    )


def _answer_of(ask: wire.Resolve | wire.Accept | wire.Flow | wire.Declare, by: str) -> c.AnyRequest:
    # What only a person knows.
    match ask:
        case wire.Resolve():
            return c.ResolveOrder(ask.client_order_id, by, ask.reason, ask.venue_order_id)
        case wire.Accept():
            return c.AcceptPosition(ask.symbol, by, ask.reason)
        case wire.Flow():
            return c.RecordFlow(ask.amount, by, ask.reason)
        case wire.Declare():
            return c.DeclareAction(_action_of(ask), by, ask.reason)


_OneThing = (
    wire.Pause
    | wire.Resume
    | wire.Stop
    | wire.Flatten
    | wire.Kill
    | wire.Cancel
    | wire.Replace
    | wire.Resolve
    | wire.Accept
    | wire.Flow
    | wire.Declare
)


def _action_of(ask: wire.Declare) -> CorporateAction:
    found = action_of(ask.on, ask.symbol, ask.kind, ask.value)
    if isinstance(found, str):
        raise InvalidTransition(found, field="action", got=f"{ask.kind} {ask.symbol} {ask.value}")
    return found


def about_of(ask: wire.AnyAsk, command: c.AnyRequest) -> tuple[str, str]:
    """
    Return the action as the command line names it, and what it is about.
    """
    match ask:
        case wire.Resume() if ask.symbol is not None:
            return "resume", ask.symbol
        case wire.Resume():
            codes = [*ask.acknowledge, *(f"override {code}" for code in ask.override)]
            return "resume", ", ".join([*codes, *(["reset peak"] if ask.reset_peak else [])])
        case wire.Flatten():
            return "flatten", ask.symbol or ""
        case wire.Kill():
            return "kill", "all orders, foreign ones too" if ask.foreign else ""
        case wire.Cancel() | wire.Replace():
            return _ordered(ask)
        case wire.Resolve() | wire.Accept() | wire.Flow() | wire.Declare():
            return _answered(ask)
        case wire.Acknowledge():
            return "alerts ack", command.alert_id if isinstance(command, c.AcknowledgeAlert) else ""
        case wire.Pause() | wire.Stop():
            return type(ask).__name__.lower(), ""
        case _:
            assert_never(ask)


def _ordered(ask: wire.Cancel | wire.Replace) -> tuple[str, str]:
    if isinstance(ask, wire.Cancel):
        return "orders cancel", ask.client_order_id
    numbers = {
        "quantity": ask.quantity,
        "limit price": ask.limit_price,
        "trigger price": ask.trigger_price,
    }
    wanted = ", ".join(f"{name} {plain(value)}" for name, value in numbers.items() if value is not None)
    return "orders replace", f"{ask.client_order_id}: {wanted}"


def _answered(ask: wire.Resolve | wire.Accept | wire.Flow | wire.Declare) -> tuple[str, str]:
    match ask:
        case wire.Resolve():
            found = "absent" if ask.venue_order_id is None else f"venue order {ask.venue_order_id}"
            return "orders resolve", f"{ask.client_order_id}: {found}"
        case wire.Accept():
            return "reconcile accept", ask.symbol
        case wire.Flow():
            return "reconcile flow", plain(ask.amount)
        case wire.Declare():
            return "corporate-action", f"{ask.kind} {ask.symbol} {ask.value} on {ask.on}"
