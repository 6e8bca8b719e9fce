"""
A thread that notices when the writer is stuck: a rule that hangs cannot be stopped from inside.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltm.ports.shell import Clock

WARN_SECONDS: Final = 1.0
ABORT_SECONDS: Final = 10.0
EXIT: Final = 70
_LOG: Final = logging.getLogger("ltm.watchdog")


def _abort() -> None:
    # Crash-only: the journal is intact, and the next start reconciles before it trades.
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
    os._exit(EXIT)


class Watchdog:
    """
    Warns after a second without a beat, and aborts the process after ten (RSK-44, F35).

    Args:
        clock: The machine's.
        wait: Waits so many seconds or until the event is set, and says whether it was.
        abort: Ends the process; a test puts something milder here.
    """

    def __init__(
        self,
        clock: Clock,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
        abort: Callable[[], None] = _abort,
    ) -> None:
        self._clock = clock
        self._wait = wait
        self._abort = abort
        self._beat_at: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ltm-watchdog", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """
        Prove life; the first beat starts the watch.
        """
        self._beat_at = self._clock.monotonic()

    def rest(self) -> None:
        """
        Let silence mean nothing until the next beat: nothing is running.
        """
        self._beat_at = None

    def stop(self) -> None:
        """
        End the watch.
        """
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        warned = False
        while not self._wait(self._over, WARN_SECONDS / 2):
            beat_at = self._beat_at
            if beat_at is None:
                continue
            silence = self._clock.monotonic() - beat_at
            if silence >= ABORT_SECONDS:
                _LOG.critical("the session has been stuck for %.0f s: aborting", silence)
                self._abort()
                return
            if silence < WARN_SECONDS:
                warned = False
            elif not warned:
                warned = True
                _LOG.warning("the session has been stuck for %.1f s", silence)
