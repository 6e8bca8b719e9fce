"""
Asking a running session for something, and telling what it said.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from ltm.cli.journals import is_left_behind, open_journals
from ltm.cli.output import as_cell, one_line, print_json, short_time
from ltm.cli.settings import of
from ltm.core.codec import decode
from ltm.core.events import VenueAttested
from ltm.core.history import as_json
from ltm.engine.control import client, wire
from ltm.engine.state_dir import StateDirectory, default_path
from ltm.model.enums import Lifecycle
from ltm.model.errors import InvalidTransition
from ltm.model.results import Attestation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ltm.cli.journals import SessionJournal
    from ltm.cli.settings import Settings

UNRESOLVED: Final = 6
_OVER: Final = frozenset({Lifecycle.STOPPED, Lifecycle.FAILED})


class Outcome(msgspec.Struct, kw_only=True):
    """
    One session's answer, as `--json` shows it.
    """

    action: str
    session_id: str
    by: str
    at: str | None = None
    lifecycle: str
    trading_state: str
    reasons: tuple[str, ...] = ()
    journal_sequence: int
    attestation: Attestation | None = None
    order: wire.Ordered | None = None


def terminal() -> str:
    """
    Return the terminal that this command was typed at, "" without one.
    """
    for descriptor in (0, 1, 2):
        try:
            return os.ttyname(descriptor).removeprefix("/dev/")
        except (OSError, AttributeError):  # Windows has no names for them
            continue
    return ""


def directory_of(settings: Settings) -> Path:
    """
    Return the state directory, checked: a request goes to nobody else's session.

    Raises:
        JournalError: It is missing, or open to others.
    """
    path = settings.state_dir if settings.state_dir is not None else default_path()
    return StateDirectory.open(path, create=False).path


def put(context: click.Context, request: wire.AnyAsk, action: str, *, as_json: bool) -> None:
    """
    Ask, tell, and end with exit code 6 when the venue's last word is missing.

    Raises:
        LtmError: The session refuses, does not answer, or nobody runs it.
    """
    settings = of(context)
    try:
        outcomes = gather(client.ask(directory_of(settings), request), action, quiet=as_json)
    except client.NobodyListens as error:
        raise explained(settings, request.session, action, error) from None
    finish(context, outcomes, as_json=as_json)


def finish(context: click.Context, outcomes: list[Outcome], *, as_json: bool) -> None:
    """
    Print what came of it, and end with exit code 6 when the venue's word is missing, with 1 when it was no.
    """
    if as_json:
        print_json(outcomes)
    if any(one.attestation is not None and not one.attestation.given for one in outcomes):
        context.exit(UNRESOLVED)
    code = max((_ORDER_CODES[one.order.result] for one in outcomes if one.order is not None), default=0)
    if code:
        context.exit(code)


_ORDER_CODES: Final = {"done": 0, "failed": 1, "pending": UNRESOLVED}


def gather(answers: Iterable[wire.Answer], action: str, *, quiet: bool) -> list[Outcome]:
    """
    Take answers as they come, and tell each at once unless told to be quiet.
    """
    outcomes: list[Outcome] = []
    for answer in answers:
        match answer:
            case wire.Accepted():
                outcomes.append(_outcome(answer, action))
                if not quiet:
                    _tell_accepted(answer, action)
            case wire.Progress() if not quiet:
                _tell_progress(answer)
            case wire.Attested():
                outcomes[-1].attestation = answer.attestation
                if not quiet:
                    tell_attestation(answer.attestation)
            case wire.Ordered():
                outcomes[-1].order = answer
                if not quiet:
                    _tell_order(answer)
            case _:
                pass
    return outcomes


def _outcome(answer: wire.Accepted, action: str) -> Outcome:
    return Outcome(
        action=action,
        session_id=answer.session_id,
        by=answer.by,
        at=str(as_json(answer.at)),
        lifecycle=answer.lifecycle,
        trading_state=answer.trading_state,
        reasons=answer.reasons,
        journal_sequence=answer.sequence,
    )


# --- Telling --------------------------------------------------------------------------------------

_DONE: Final = {
    "pause": "paused: no entries; exits, stop losses and cancels go on",
    "resume": "resumed",
    "stop": "stopping",
    "flatten": "flattening: no entries, open orders are canceled and positions closed",
    "kill": "killed: nothing but cancels leaves, and every open order of this session is being canceled",
    "orders cancel": "the order is being canceled",
    "orders replace": "the order is being canceled, and what replaces it is decided on once it is gone",
    "orders resolve": "noted what became of the order",
    "reconcile accept": "the venue's holding is taken over",
    "reconcile flow": "the flow is noted, and every base of drawdown and daily loss follows it",
    "corporate-action": "what is held and what works follows it",
    "alerts ack": "acknowledged",
}


def _tell_accepted(answer: wire.Accepted, action: str) -> None:
    what = _DONE[action]
    if action == "alerts ack":
        what = f"acknowledged {answer.count} alert{'' if answer.count == 1 else 's'}"
    _say(f"{answer.session_id}: {what}")
    _say(f"  by {answer.by} at {short_time(as_json(answer.at))}, journal record {answer.sequence}")
    if action == "resume":
        on = f" ({', '.join(answer.reasons)})" if answer.reasons else ""
        _say(f"  trading is {answer.trading_state}{on}")
        if answer.reasons:
            cure = ": --reset-peak measures it from now on" if "drawdown" in answer.reasons else ""
            _say(f"  it tripped again at once{cure}")


def _tell_order(found: wire.Ordered) -> None:
    filled = f", {as_cell(as_json(found.filled_quantity))} filled" if found.filled_quantity else ""
    _say(f"{found.session_id}: order {found.client_order_id} is {found.status}{filled}")
    if found.replaced_by is not None:
        _say(f"  replaced by {found.replaced_by}, which is {found.replacement_status}")
    for reason in found.reasons:
        _say(f"  {reason.code}: {reason.message}")
    if found.result == "pending":
        _say(
            "  the venue has not answered yet; it is asked until it does, and ltm orders shows what came of it"
        )


def _tell_progress(answer: wire.Progress) -> None:
    orders = f"{answer.open_orders} open order{'' if answer.open_orders == 1 else 's'}"
    positions = f"{answer.positions} position{'' if answer.positions == 1 else 's'}"
    click.echo(one_line(f"{answer.session_id}: waiting; {orders}, {positions}"), err=True)


def tell_attestation(found: Attestation) -> None:
    """
    Print what the venue says is left.
    """
    when = short_time(as_json(found.asked_at))
    if found.given:
        _say(f"{found.session_id}: attested by the venue at {when}")
    else:
        _say(f"{found.session_id}: NOT CONFIRMED at {when}; look at your broker's own screen")
        for problem in found.problems:
            _say(f"  ! {problem}")
    _say(f"  open orders     {_or_silence(found.open_orders)}{_listed(found.left_open)}")
    _say(f"  foreign orders  {_or_silence(found.foreign_orders)}")
    _say(f"  positions       {_positions(found)}")
    _say(f"  unresolved      {', '.join(found.unresolved) or 'none'}")


def _or_silence(count: int | None) -> str:
    return "the venue did not say" if count is None else str(count)


def _listed(names: tuple[str, ...]) -> str:
    return f": {', '.join(names)}" if names else ""


def _positions(found: Attestation) -> str:
    words = {True: "equal to the venue", False: "NOT equal to the venue", None: "the venue did not say"}
    held = ", ".join(
        f"{one.symbol} {as_cell(as_json(one.ours))}"
        + ("" if one.venue == one.ours else f" (venue {as_cell(as_json(one.venue))})")
        for one in found.positions
    )
    return f"{words[found.positions_agree]}: {held or 'none'}"


def _say(text: str) -> None:
    click.echo(one_line(text))
    sys.stdout.flush()


# --- Nobody there ---------------------------------------------------------------------------------


def explained(
    settings: Settings, session: str | None, action: str, error: client.NobodyListens
) -> InvalidTransition:
    """
    Return why nobody listens, from what the journal says, and what to do.

    Raises:
        SessionNotFound: There is no such session (BAD-033).
    """
    with open_journals(settings, session) as journals:
        states = [journal.state() for journal in journals]
    if session is None:
        known = ", ".join(state.spec.session_id for state in states) or "none"
        error.message += f"; sessions in its journal: {known}"
        error.hint = error.hint or "ltm run CONFIG starts one; --state-dir names another directory"
        return error
    (state,) = states
    if state.lifecycle in _OVER:
        message = f"cannot {action} session {session}: it is {state.lifecycle.upper()}"
        return InvalidTransition(message, field="session", got=session, hint="ltm run CONFIG begins it again")
    error.message = f"cannot {action} session {session}: no process takes requests for it"
    error.hint = "ltm run CONFIG takes it up where it was; then ask again"
    if not is_left_behind(settings, session):
        error.hint = "a program may run it through the Python API: ask there; ltm kill works in any case"
    return error


def stored_attestation(journal: SessionJournal) -> Attestation | None:
    """
    Return the last word on a session that has ended.
    """
    found = None
    for row in journal.read():
        if row.kind == "venue_attested":
            event = decode(row.kind, row.version, row.payload)
            found = event.attestation if isinstance(event, VenueAttested) else None
    return found


def ended(settings: Settings, session: str) -> tuple[Any, Attestation | None] | None:
    """
    Return the state and the last word of a session that has ended, None of one that has not.

    Raises:
        SessionNotFound: There is no such session (BAD-033).
    """
    with open_journals(settings, session) as journals:
        for journal in journals:
            state = journal.state()
            if state.lifecycle in _OVER:
                return state, stored_attestation(journal)
    return None
