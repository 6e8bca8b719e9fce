"""
The journals of a state directory, for commands that only look.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from ltm.core.codec import decode
from ltm.core.history import Projection
from ltm.core.recovery import replay
from ltm.engine.clock import ProcessIdentity
from ltm.engine.locks import is_alive
from ltm.engine.reader import JournalReader
from ltm.engine.state_dir import StateDirectory, default_path, kill_flag
from ltm.model.errors import JournalError, SessionNotFound, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ltm.cli.settings import Settings
    from ltm.core.state import State
    from ltm.ports.shell import Record

_LISTED: Final = 10


class SessionJournal:
    """
    One session's journal, to be read only (`ports.Journal`); safe beside the process that writes it.
    """

    def __init__(self, reader: JournalReader, session_id: str) -> None:
        self._reader = reader
        self.session_id = session_id

    def read(self, after: int = 0) -> Iterator[Record]:
        """
        Yield the records with a sequence above `after`, each checked.
        """
        return self._reader.read(self.session_id, after)

    def last_sequence(self) -> int:
        """
        Return the last sequence.
        """
        return self._reader.last_sequence(self.session_id)

    def load_snapshot(self) -> tuple[int, bytes] | None:
        """
        Return the newest intact snapshot, or None.
        """
        return self._reader.load_snapshot(self.session_id)

    def append(self, records: Sequence[Record]) -> NoReturn:
        """
        Refuse.
        """
        del records
        raise _read_only(self.session_id)

    def commit(self) -> NoReturn:
        """
        Refuse.
        """
        raise _read_only(self.session_id)

    def save_snapshot(self, sequence: int, state: bytes) -> NoReturn:
        """
        Refuse.
        """
        del sequence, state
        raise _read_only(self.session_id)

    def close(self) -> None:
        """
        Do nothing: the reader is shared, and whoever opened it closes it.
        """

    def state(self) -> State:
        """
        Return what the journal adds up to.
        """
        state = replay(self)
        if state is None:
            message = f"session {self.session_id} must have records, got none"
            raise SessionNotFound(message, got=self.session_id)
        return state

    def history(self) -> Projection:
        """
        Return all orders, fills and alerts, the oldest first.
        """
        history = Projection(self.session_id)
        for row in self.read():
            history.apply(decode(row.kind, row.version, row.payload))
        return history


def _read_only(session_id: str) -> JournalError:
    message = f"journal of session {session_id} must not be written here: it was opened to be read"
    return JournalError(message, code="LTM-JNL-009")


def journal_path(settings: Settings) -> Path | None:
    """
    Return the journal's file, None where nobody has begun a session yet.

    Raises:
        JournalError: The directory that was named does not exist, or is not safe to use.
    """
    path = settings.state_dir if settings.state_dir is not None else default_path()
    if settings.state_dir is None and not path.exists():
        return None
    journal = StateDirectory.open(path, create=False).journal
    return journal if journal.exists() else None


def is_left_behind(settings: Settings, session_id: str) -> bool:
    """
    Return whether the process that last ran a session is certainly gone, going by its lock file.
    """
    path = settings.state_dir if settings.state_dir is not None else default_path()
    holder = _holder(path / f"session-{session_id}.lock")
    return holder is not None and not is_alive(holder)


def is_flagged(settings: Settings, session_id: str) -> bool:
    """
    Return whether somebody set the kill flag of a session.
    """
    path = settings.state_dir if settings.state_dir is not None else default_path()
    return kill_flag(path, session_id).is_set()


def running_sessions(path: Path) -> list[str]:
    """
    Return the sessions of the processes that are alive, going by their lock files alone.
    """
    locks = sorted(path.glob("session-*.lock"))
    holders = ((lock, _holder(lock)) for lock in locks)
    return [
        lock.name.removeprefix("session-").removesuffix(".lock")
        for lock, holder in holders
        if holder is not None and is_alive(holder)
    ]


def _holder(lock: Path) -> ProcessIdentity | None:
    try:
        return msgspec.json.decode(lock.read_bytes(), type=ProcessIdentity)
    except (OSError, msgspec.MsgspecError):
        return None


@contextmanager
def open_journals(settings: Settings, session: str | None = None) -> Iterator[list[SessionJournal]]:
    """
    Open the journals of one session, or of all there are.

    Raises:
        JournalError: The state directory or the journal cannot be used.
        SessionNotFound: There is no such session.
    """
    path = journal_path(settings)
    if path is None:
        choose((), session)
        yield []
        return
    reader = JournalReader(path)
    try:
        yield [SessionJournal(reader, name) for name in choose(reader.sessions(), session)]
    finally:
        reader.close()


def choose(known: Sequence[str], session: str | None) -> Sequence[str]:
    """
    Return the session that was asked for, or all.

    Raises:
        SessionNotFound: There is no such session (BAD-033).
    """
    if session is None:
        return known
    if session not in known:
        listed = ", ".join(known[:_LISTED]) + (", ..." if len(known) > _LISTED else "")
        message = f"no session {shown(session)}; known: {listed or 'none'}"
        hint = "ltm status lists all sessions; --state-dir names another directory"
        raise SessionNotFound(message, field="session", got=session, hint=hint)
    return [session]
