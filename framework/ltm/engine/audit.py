"""
Looking after journals from outside: `ltm journal verify`, `export` and `repair`.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

import attrs

from ltm.engine import database
from ltm.engine.chain import genesis
from ltm.engine.journal import JournalStore
from ltm.engine.reader import JournalReader, witness_file
from ltm.engine.witness import read_marks
from ltm.model.errors import JournalError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ltm.engine.journal import SqliteJournal
    from ltm.ports.shell import Record


@attrs.frozen(kw_only=True)
class SessionReport:
    """
    What was found about one session's records.
    """

    session_id: str
    records: int
    """How many follow from one another, from the first on."""
    head: str
    """Chain value of the last of these, in hexadecimal."""
    first_bad: int | None = None
    """Sequence of the first record that is missing, edited or unreadable."""
    problem: str | None = None


@attrs.frozen(kw_only=True)
class Report:
    """
    What was found about a journal file.
    """

    path: str
    sessions: tuple[SessionReport, ...]
    problem: str | None = None
    """What is wrong with the file as a whole."""

    @property
    def intact(self) -> bool:
        """
        Whether nothing is wrong.
        """
        return self.problem is None and all(session.problem is None for session in self.sessions)


def verify(path: Path, session_id: str | None = None) -> Report:
    """
    Walk the chain of one session or of all, and compare snapshots and witness with it.

    Raises:
        JournalError: The file cannot be opened at all.
        SessionNotFound: The session has no record.
    """
    reader = JournalReader(path)
    try:
        problem = _problem_of(reader)
        if session_id is not None:
            reader.require(session_id)
        wanted = (session_id,) if session_id is not None else _sessions(reader, path)
        return Report(path=str(path), sessions=tuple(_walk(reader, name) for name in wanted), problem=problem)
    finally:
        reader.close()


def export(path: Path, session_id: str, after: int = 0) -> Iterator[dict[str, Any]]:
    """
    Yield the records of a session as dictionaries that `json.dumps` takes, each checked.

    Raises:
        JournalError: A record is missing, was edited or cannot be read; the ones before were yielded.
        SessionNotFound: The session has no record.
    """
    reader = JournalReader(path)
    try:
        reader.require(session_id)
        for record in reader.read(session_id, after):
            yield exported(session_id, record)
    finally:
        reader.close()


def exported(session_id: str, record: Record) -> dict[str, Any]:
    """
    Return one record as a dictionary that `json.dumps` takes.
    """
    return {
        "session_id": session_id,
        "sequence": record.sequence,
        "kind": record.kind,
        "version": record.version,
        "recorded_at": record.recorded_at,
        "payload": json.loads(record.payload),
        "chain": record.chain.hex(),
    }


LOST: Final = "record_lost"
"""Kind of the records that a repair puts in place of lost ones, so that no sequence is ever used twice."""
_NO_TIME: Final = "1970-01-01T00:00:00+00:00"


@attrs.frozen(kw_only=True)
class Loss:
    """
    What a repair could not carry over for one session: every order in it must count as unknown.
    """

    session_id: str
    first: int
    last: int | None
    """The last sequence known to have existed, None when nothing tells."""
    quarantined: int
    """How many of these could still be read; they are in the quarantine file."""


@attrs.frozen(kw_only=True)
class Repair:
    """
    Outcome of a repair.
    """

    output: str
    quarantine: str | None
    copied: dict[str, int]
    lost: tuple[Loss, ...]


def repair(path: Path, output: Path) -> Repair:
    """
    Copy what is intact to a new journal, and what can be read of the rest to `<output>.quarantine.jsonl`.

    Each lost record is replaced by one of kind `record_lost`, since client order ids follow from sequences.
    The damaged journal is left as it is. Snapshots are not copied: they may know what was lost.

    Raises:
        JournalError: The output exists, or the file cannot be opened at all.
    """
    quarantine = output.with_name(output.name + ".quarantine.jsonl")
    for target in (output, quarantine):
        if target.exists():
            message = f"output must not exist, got {shown(str(target))}"
            raise JournalError(message, code="LTM-JNL-008", hint="name a new file")
    reader = JournalReader(path)
    try:
        store = JournalStore(output)
        try:
            names = _sessions(reader, path)
            copied = {name: _copy(reader, store.session(name)) for name in names}
            losses = [_salvage(path, store.session(name), name, quarantine) for name in names]
            store.commit()
        finally:
            store.close()
    finally:
        reader.close()
    return Repair(
        output=str(output),
        quarantine=str(quarantine) if quarantine.exists() else None,
        copied=copied,
        lost=tuple(loss for loss in losses if loss is not None),
    )


def _problem_of(reader: JournalReader) -> str | None:
    try:
        reader.check(thorough=True)
    except JournalError as error:
        return error.message
    return None


def _sessions(reader: JournalReader, path: Path) -> tuple[str, ...]:
    # Sessions of which no record is left are known to the witness alone.
    found: set[str] = set(read_marks(witness_file(path)))
    with contextlib.suppress(JournalError):
        found.update(reader.sessions())
    return tuple(sorted(found))


def _walk(reader: JournalReader, session_id: str) -> SessionReport:
    count, head = 0, genesis(session_id)
    try:
        for record in reader.read(session_id):
            count, head = record.sequence, record.chain
        reader.check_marks(session_id)
    except JournalError as error:
        first_bad = error.got if isinstance(error.got, int) else count + 1
        return SessionReport(
            session_id=session_id,
            records=count,
            head=head.hex(),
            first_bad=first_bad,
            problem=error.message,
        )
    return SessionReport(session_id=session_id, records=count, head=head.hex())


def _copy(reader: JournalReader, journal: SqliteJournal) -> int:
    with contextlib.suppress(
        JournalError
    ):  # the first bad record ends what is intact; `_salvage` has the rest
        for record in reader.read(journal.session_id):
            journal.append((record,))
    journal.commit()
    return journal.last_sequence()


def _salvage(path: Path, journal: SqliteJournal, session_id: str, quarantine: Path) -> Loss | None:
    copied = journal.last_sequence()
    stamp = next((record.recorded_at for record in journal.read(copied - 1)), _NO_TIME)
    rows = list(_readable_rows(path, session_id, copied))
    mark = read_marks(witness_file(path)).get(session_id)
    last = max(
        [row["sequence"] for row in rows] + ([mark.sequence] if mark is not None else []), default=None
    )
    if last is not None and last <= copied:
        return None
    if rows:
        quarantine.touch(mode=0o600)
        with quarantine.open("a", encoding="ascii") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    for sequence in range(copied + 1, (last or 0) + 1):
        journal.append_raw(sequence, LOST, 1, stamp, json.dumps({"at": stamp}).encode())
    return Loss(session_id=session_id, first=copied + 1, last=last, quarantined=len(rows))


def _readable_rows(path: Path, session_id: str, after: int) -> Iterator[dict[str, Any]]:
    # Unchecked: payloads are kept as hexadecimal, since they may be no JSON any more.
    connection = database.open_reader(path)
    try:
        rows = connection.execute(database.SELECT_AFTER, (session_id, after, -1))
        for sequence, kind, version, recorded_at, payload, chain in rows:
            raw = payload if isinstance(payload, bytes) else str(payload).encode()
            yield {
                "session_id": session_id,
                "sequence": int(sequence),
                "kind": str(kind),
                "version": version,
                "recorded_at": str(recorded_at),
                "payload": raw.hex(),
                "chain": chain.hex() if isinstance(chain, bytes) else str(chain),
            }
    except (sqlite3.Error, ValueError):
        return  # nothing further can be read in order
    finally:
        connection.close()
