"""
From a journal to a state: snapshot, then the records after it. Pure: no clock, no venue.
"""

from __future__ import annotations

from decimal import getcontext, setcontext
from typing import TYPE_CHECKING, Final

import msgspec

from ltm.core import events as e
from ltm.core.codec import outline
from ltm.core.evolve import evolve
from ltm.core.snapshot import dump, load
from ltm.core.state import State, new_state
from ltm.model.errors import JournalError
from ltm.model.numbers import EXACT

if TYPE_CHECKING:
    from ltm.model.spec import SessionSpec
    from ltm.ports.shell import Journal, Record

SNAPSHOT_RECORDS: Final = 10_000
SNAPSHOT_SHARE: Final = 10
"""A snapshot is due after 10,000 records, or a tenth of all, whichever is more: constant cost each."""


def replay(journal: Journal, *, snapshots: bool = True) -> State | None:
    """
    Return the state that a journal adds up to, None for an empty one.

    Args:
        journal: Read from its newest intact snapshot on, or from the start.
        snapshots: False reads every record.

    Raises:
        JournalError: A record cannot be read, or cannot follow those before it.
    """
    outer = getcontext()
    setcontext(EXACT)
    try:
        state = _from_snapshot(journal) if snapshots else None
        for row in journal.read(after=state.sequence if state is not None else 0):
            state = _next(state, row)
    finally:
        setcontext(outer)
    return state


def _from_snapshot(journal: Journal) -> State | None:
    kept = journal.load_snapshot()
    if kept is None:
        return None
    try:
        state = load(kept[1])
    except msgspec.MsgspecError:
        return None  # written by another version: the records say the same
    return state if state.sequence == kept[0] else None


def _next(state: State | None, row: Record) -> State:
    event = outline(row.kind, row.version, row.payload)
    if state is None:
        if not isinstance(event, e.SessionOpened):
            message = f"journal must begin with session_opened, got {row.kind}"
            raise JournalError(message, code="LTM-JNL-005", hint="ltm journal verify names the record")
        state = new_state(event.spec, event.session_key)
    try:
        evolve(state, event)
    except (KeyError, ArithmeticError) as error:
        message = (
            f"journal record {row.sequence} ({row.kind}) does not follow from those before it: {error!r}"
        )
        raise JournalError(message, code="LTM-JNL-005", hint="ltm journal verify names the record") from error
    state.last_at = event.at
    return state


def snapshot_due(state: State, last: int) -> bool:
    """
    Return whether enough records have come since the last snapshot.
    """
    return state.sequence - last >= max(SNAPSHOT_RECORDS, state.sequence // SNAPSHOT_SHARE)


def save_snapshot(journal: Journal, state: State) -> None:
    """
    Keep the state, so that the next start reads only what comes after.
    """
    journal.save_snapshot(state.sequence, dump(state))


def changes_of(old: SessionSpec, new: SessionSpec) -> tuple[str, ...]:
    """
    Return what differs between two terms, one "name: old -> new" each (F38).
    """
    terms = [(name, getattr(old, name), getattr(new, name)) for name in new.__struct_fields__]
    inner = [
        (f"limits.{name}", getattr(old.limits, name), getattr(new.limits, name))
        for name in new.limits.__struct_fields__
    ]
    return tuple(
        f"{name}: {before} -> {after}"
        for name, before, after in (*terms, *inner)
        if before != after and name != "limits"
    )
