"""
The journal on SQLite (REL-3): append in memory, one commit for everything, and nothing after a failure.

A `JournalStore` is the one writer of a state directory; each session has a `SqliteJournal` on it. The
primary key (session, sequence) is the fence: of two processes that believe they own a session, one cannot
append, and what cannot be appended is never sent.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final

from ltm.engine import database
from ltm.engine.chain import link, out_of_step
from ltm.engine.reader import JournalReader, witness_file
from ltm.engine.witness import Witness
from ltm.model.errors import JournalError, shown
from ltm.model.identifiers import check_session_id
from ltm.ports.shell import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    PendingRow = tuple[str, int, str, int, str, bytes, bytes]

_CURE: Final = "nothing further was sent; mend the cause and start again"


class JournalStore:
    """
    The writing connection of a journal file, shared by all sessions of this process.

    Not for several threads at once. Hold the state directory's writer lock while it is open.

    Args:
        path: The database file; made with mode 0600 when it is not there.
        connect: Opens the connection; a test puts a failing disk here.

    Raises:
        JournalError: The file is damaged, newer, no journal, or cannot be written. It is unchanged.
    """

    def __init__(self, path: Path, *, connect: database.Connect = database.open_writer) -> None:
        self.path = path
        self.pending: list[PendingRow] = []
        self._failure: str | None = None
        self._clean = True
        self._journals: dict[str, SqliteJournal] = {}
        database.create_file(path)
        self._check_before_writing()
        try:
            self._connection = connect(path)
        except sqlite3.Error as error:
            raise database.unusable(path, str(error)) from error
        self._witness = self._prepared()
        self.reader = JournalReader(path, self._connection)

    def session(self, session_id: str) -> SqliteJournal:
        """
        Return the journal of a session, the same object for the same id.

        Raises:
            JournalError: The session's last record cannot be read.
        """
        check_session_id(session_id)
        if session_id not in self._journals:
            self._journals[session_id] = SqliteJournal(self, session_id)
        return self._journals[session_id]

    def sessions(self) -> tuple[str, ...]:
        """
        Return the ids of all sessions with a durable record.
        """
        return self.reader.sessions()

    @property
    def failure(self) -> str | None:
        """
        Why the journal takes no more records, None while it does.
        """
        return self._failure

    def commit(self) -> None:
        """
        Make everything appended by all sessions durable, with one synchronisation.

        Raises:
            JournalError: It may not be durable. The store stays dead: a second fsync proves nothing.
        """
        self.require_alive()
        rows = self.pending
        if not rows:
            return
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            if self._clean:
                execute(database.SET_CLEAN, ("0",))
            database.insert(self._connection, rows)
            execute("COMMIT")
        except sqlite3.Error as error:
            raise self._fail(error, rows) from error
        self._clean = False
        self.pending = []
        self._bear_witness(rows)

    def require_alive(self) -> None:
        """
        Raise `JournalError` when an earlier commit failed or the store was closed.
        """
        if self._failure is not None:
            message = f"journal {shown(str(self.path))} takes no more records: {self._failure}"
            raise JournalError(message, code="LTM-JNL-001", hint=_CURE)

    def close(self) -> None:
        """
        Close the file, after a checkpoint and a note that the end was in order unless a commit failed.
        """
        alive, self._failure = self._failure is None, self._failure or "it was closed"
        with contextlib.suppress(sqlite3.Error):
            if alive and not self.pending:
                self._connection.execute(database.SET_CLEAN, ("1",))
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        if alive:
            self._witness.close()

    def _prepared(self) -> Witness:
        try:
            database.prepare(self._connection, self.path)
            return Witness(witness_file(self.path))
        except (sqlite3.Error, OSError) as error:
            self._connection.close()
            raise database.unusable(self.path, str(error)) from error
        except JournalError:
            self._connection.close()
            raise

    def _check_before_writing(self) -> None:
        reader = JournalReader(self.path)
        try:
            reader.check()
        finally:
            reader.close()

    def _bear_witness(self, rows: Sequence[PendingRow]) -> None:
        last = {row[0]: row for row in rows}
        # A full disk may refuse the witness; the records themselves are durable.
        with contextlib.suppress(OSError):
            for session_id, row in last.items():
                self._witness.note(session_id, row[1], row[6])

    def _fail(self, error: sqlite3.Error, rows: Sequence[PendingRow]) -> JournalError:
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        code, problem = "LTM-JNL-001", f"commit failed: {error}"
        taken = self._taken(rows) if isinstance(error, sqlite3.IntegrityError) else None
        if taken is not None:
            code = "LTM-JNL-002"
            problem = f"another process has written sequence {taken[1]} of session {taken[0]}"
        self._failure = problem
        self._witness.close()
        return JournalError(
            f"journal {shown(str(self.path))} must be durable before anything is sent, got: {problem}",
            code=code,
            hint=_CURE,
        )

    def _taken(self, rows: Sequence[PendingRow]) -> PendingRow | None:
        # Asked of the database, since SQLite's error does not name the row.
        for row in rows:
            with contextlib.suppress(sqlite3.Error, JournalError):
                if self.reader.last_sequence(row[0]) >= row[1]:
                    return row
        return None


class SqliteJournal:
    """
    One session's journal on a store (`ports.Journal`).
    """

    __slots__ = ("_chain", "_last", "_owner", "_store", "session_id")

    def __init__(self, store: JournalStore, session_id: str, *, owner: bool = False) -> None:
        self._store = store
        self._owner = owner
        self.session_id = session_id
        self._last = store.reader.last_sequence(session_id)
        self._chain = store.reader.chain(session_id, self._last)

    @classmethod
    def open(cls, path: Path, session_id: str) -> SqliteJournal:
        """
        Open a session's journal with a store of its own, which closes with it.

        Raises:
            JournalError: See `JournalStore`.
        """
        check_session_id(session_id)
        store = JournalStore(path)
        try:
            return cls(store, session_id, owner=True)
        except JournalError:
            store.close()
            raise

    def append(self, records: Sequence[Record]) -> None:
        """
        Queue records for the next commit and chain them; their own `chain` is ignored.

        Raises:
            JournalError: A sequence is not the next one, or the journal has failed.
        """
        for record in records:
            self.append_raw(record.sequence, record.kind, record.version, record.recorded_at, record.payload)

    def append_raw(self, sequence: int, kind: str, version: int, recorded_at: str, payload: bytes) -> None:
        """
        Queue one record that the caller has no `Record` of.

        Raises:
            JournalError: The sequence is not the next one, or the journal has failed.
        """
        store = self._store
        if sequence != self._last + 1:
            raise out_of_step(self.session_id, sequence, self._last + 1)
        if store.failure is not None:
            store.require_alive()
        chain = link(self._chain, sequence, kind, version, recorded_at, payload)
        store.pending.append((self.session_id, sequence, kind, version, recorded_at, payload, chain))
        self._chain = chain
        self._last = sequence

    def commit(self) -> None:
        """
        Make everything appended durable, also what other sessions appended to the same store.

        Raises:
            JournalError: The records may not be durable; nothing may be sent.
        """
        self._store.commit()

    def read(self, after: int = 0) -> Iterator[Record]:
        """
        Yield the records with a sequence above `after`: the durable ones, each checked, then the queued ones.

        Raises:
            JournalError: A record is missing, was edited or cannot be read.
        """
        queued = [row for row in self._store.pending if row[0] == self.session_id and row[1] > after]
        if not queued or queued[0][1] > after + 1:
            yield from self._store.reader.read(self.session_id, after)
        for row in queued:
            yield Record(*row[1:])

    def last_sequence(self) -> int:
        """
        Return the last appended sequence, 0 for an empty journal.
        """
        return self._last

    def chain_head(self) -> bytes:
        """
        Return the chain value of the last appended record.
        """
        return self._chain

    def save_snapshot(self, sequence: int, state: bytes) -> None:
        """
        Keep a snapshot of the state after `sequence`, and the one before; commits first.

        Raises:
            JournalError: There is no such record, or the disk refused.
        """
        self._store.commit()
        self._store.reader.save_snapshot(self.session_id, sequence, state)

    def load_snapshot(self) -> tuple[int, bytes] | None:
        """
        Return the newest intact snapshot, or None.

        Raises:
            JournalError: The snapshot knows records that the journal has lost.
        """
        return self._store.reader.load_snapshot(self.session_id)

    def close(self) -> None:
        """
        Release the journal; closes the store only if `open` made it.
        """
        if self._owner:
            self._store.close()
