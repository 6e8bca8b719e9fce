"""
The state directory of a manager: one writer, one journal store, and a watch over the thread that uses them.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from ltm.core.recovery import replay
from ltm.engine.clock import SystemClock
from ltm.engine.journal import JournalStore
from ltm.engine.state_dir import StateDirectory, default_path
from ltm.engine.watchdog import Watchdog
from ltm.manager._errors import not_found

if TYPE_CHECKING:
    from pathlib import Path

    from ltm.core.state import State
    from ltm.ports.shell import Journal


class StateKeeper:
    """
    Opens the state directory when it is first needed, and holds it until it is closed.

    Args:
        path: None means the platform's user state directory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path: Final = path if path is not None else default_path()
        self._resources: Final = ExitStack()
        self._watchdog: Watchdog | None = None
        self._directory: StateDirectory | None = None
        self._store: JournalStore | None = None

    def open(self) -> None:
        """
        Take the directory.

        Raises:
            AlreadyRunning: Another process, or another manager, has it.
            JournalError: It is not safe to use, or its journal cannot be trusted.
        """
        if self._store is not None:
            return
        directory = StateDirectory.open(self._path)
        with ExitStack() as stack:
            stack.enter_context(directory.lock_writer())
            directory.reserve.take()
            store = JournalStore(directory.journal)
            stack.callback(store.close)
            # Given back before the store closes, so that the last records and a restart have room.
            stack.callback(directory.reserve.release)
            # Ending a process is for its application to decide: here a hang is only told.
            watchdog = Watchdog(SystemClock(), abort=lambda: None)
            stack.callback(watchdog.stop)
            self._resources.push(stack.pop_all())
        self._directory, self._store, self._watchdog = directory, store, watchdog

    @property
    def directory(self) -> StateDirectory:
        """
        The directory, opened.
        """
        self.open()
        return self._directory  # type: ignore[return-value] # open() has set it

    @property
    def store(self) -> JournalStore:
        """
        The journals, opened.
        """
        self.open()
        return self._store  # type: ignore[return-value] # as above

    def sessions(self) -> tuple[str, ...]:
        """
        Return the ids of all sessions with a record.
        """
        # Somebody who only asks must not make a directory.
        return self.store.sessions() if self._store is not None or self._path.exists() else ()

    def stored(self, session_id: str) -> tuple[State, Journal]:
        """
        Return the books of a session that does not run here, and its journal.

        Raises:
            SessionNotFound: It has no record.
        """
        journal = self.store.session(session_id)
        state = replay(journal)
        if state is None:
            raise not_found(session_id, self.sessions())
        return state, journal

    def beat(self) -> None:
        """
        Prove that the thread is alive.
        """
        if self._watchdog is not None:
            self._watchdog.beat()

    def rest(self) -> None:
        """
        Say that nothing is running, so that nobody has to prove life.
        """
        if self._watchdog is not None:
            self._watchdog.rest()

    def close(self) -> None:
        """
        Let go of everything.
        """
        self._resources.close()
