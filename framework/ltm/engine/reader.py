"""
Reading a journal without ever writing to it: for recovery, `ltm status`, `explain`, `verify`, `export`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.engine import database
from ltm.engine.chain import corrupt, genesis, verified
from ltm.engine.snapshots import Snapshot, SnapshotFolder
from ltm.engine.witness import Mark, read_marks
from ltm.model.errors import SessionNotFound, shown

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from ltm.ports.shell import Record

_CHUNK: Final = 2_000


class JournalReader:
    """
    A view of a journal file, safe beside a running writer. Every record is checked as it is read.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection | None = None) -> None:
        self._path = path
        self._connection = connection or database.open_reader(path)
        self._snapshots = SnapshotFolder(snapshot_folder(path))

    def sessions(self) -> tuple[str, ...]:
        """
        Return the ids of all sessions with a record, in order.
        """
        with database.translated(self._path):
            if database.is_empty(self._connection):
                return ()
            return tuple(row[0] for row in self._connection.execute(database.SELECT_SESSIONS))

    def require(self, session_id: str) -> None:
        """
        Raise `SessionNotFound` unless the session has a record.
        """
        known = self.sessions()
        if session_id not in known:
            listed = ", ".join(known[:5]) or "none"
            message = f"session must be one of the journal's, got {shown(session_id)}"
            raise SessionNotFound(message, got=session_id, hint=f"sessions there: {listed}")

    def last_sequence(self, session_id: str) -> int:
        """
        Return the last sequence of a session, 0 when it has no record.
        """
        with database.translated(self._path):
            (last,) = self._connection.execute(database.SELECT_LAST, (session_id,)).fetchone()
        return int(last or 0)

    def chain(self, session_id: str, sequence: int) -> bytes:
        """
        Return the chain value stored with a record; that of record 0 is the session's genesis.

        Raises:
            JournalError: There is no such record.
        """
        if sequence == 0:
            return genesis(session_id)
        with database.translated(self._path):
            row = self._connection.execute(database.SELECT_CHAIN, (session_id, sequence)).fetchone()
        if row is None or type(row[0]) is not bytes:
            raise corrupt(session_id, sequence, "it is missing")
        return bytes(row[0])

    def read(self, session_id: str, after: int = 0) -> Iterator[Record]:
        """
        Yield the records with a sequence above `after`, each checked against the one before.

        Raises:
            JournalError: A record is missing, was edited or cannot be read.
        """
        chain = self.chain(session_id, after)
        return verified(session_id, self._rows(session_id, after), after=after, chain=chain)

    def load_snapshot(self, session_id: str) -> tuple[int, bytes] | None:
        """
        Return sequence and state of the newest intact snapshot, or None.

        Raises:
            JournalError: The snapshot knows records that the journal has lost, or other ones.
        """
        snapshot = self._snapshots.load(session_id)
        if snapshot is None:
            return None
        mark = Mark(snapshot.sequence, snapshot.chain)
        self._require_mark(session_id, mark, "the snapshot")
        return snapshot.sequence, snapshot.state

    def save_snapshot(self, session_id: str, sequence: int, state: bytes) -> None:
        """
        Keep a snapshot of the state after a durable record.
        """
        self._snapshots.save(session_id, Snapshot(sequence, self.chain(session_id, sequence), state))

    def check(self, *, thorough: bool = False) -> None:
        """
        Check what can be checked without reading every record.

        Args:
            thorough: Let SQLite look at every page even if the last writer ended in good order.

        Raises:
            JournalError: The file is damaged, or durable records are gone.
        """
        with database.translated(self._path):
            empty = database.is_empty(self._connection)
            if not empty and (thorough or not database.was_closed(self._connection)):
                database.check_integrity(self._connection, self._path)
        for session_id in self.sessions():
            self._require_no_hole(session_id)
        for session_id, mark in read_marks(witness_file(self._path)).items():
            if empty:
                raise corrupt(session_id, 1, "the journal is empty")
            self._require_mark(session_id, mark, "the witness file")

    def check_marks(self, session_id: str) -> None:
        """
        Compare a session with what the witness and the newest intact snapshot know of it.

        Raises:
            JournalError: They know records that are gone, or other ones.
        """
        mark = read_marks(witness_file(self._path)).get(session_id)
        if mark is not None:
            self._require_mark(session_id, mark, "the witness file")
        self.load_snapshot(session_id)

    def close(self) -> None:
        """
        Close the file.
        """
        self._connection.close()

    def _require_no_hole(self, session_id: str) -> None:
        with database.translated(self._path):
            found = self._connection.execute(database.SELECT_COUNT, (session_id,)).fetchone()
            count, first, last = found
            if first == 1 and count == last:
                return
            hole = self._connection.execute(database.SELECT_HOLE, (session_id,)).fetchone()
        # A damaged index may count what cannot be found.
        sequence = 1 if first != 1 or hole is None else hole[0]
        raise corrupt(session_id, sequence, "it is missing, and later ones are there")

    def _require_mark(self, session_id: str, mark: Mark, witness: str) -> None:
        last = self.last_sequence(session_id)
        if last < mark.sequence:
            problem = f"it is missing, while {witness} knows {mark.sequence} records"
            raise corrupt(session_id, last + 1, problem)
        if self.chain(session_id, mark.sequence) != mark.chain:
            raise corrupt(session_id, mark.sequence, f"{witness} knows another one")

    def _rows(self, session_id: str, after: int) -> Iterator[database.Row]:
        # In pieces, so that no cursor stays open and keeps the writer from checkpointing.
        last = self.last_sequence(session_id)
        while True:
            with database.translated(self._path):
                found = self._connection.execute(database.SELECT_AFTER, (session_id, after, _CHUNK))
                rows = found.fetchall()
            if not rows:
                break
            yield from rows
            after = rows[-1][0]
        if after < last:  # a damaged index may hide what is there
            raise corrupt(session_id, after + 1, f"it cannot be found, while there are {last}")


def snapshot_folder(path: Path) -> Path:
    """
    Return where the snapshots of a journal file are kept.
    """
    return path.with_name("snapshots")


def witness_file(path: Path) -> Path:
    """
    Return the witness file of a journal file.
    """
    return path.with_name(path.name + "-witness")
