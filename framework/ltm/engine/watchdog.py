"""
A thread that notices when the writer is stuck: a rule that hangs cannot be stopped from inside.

It also notices when the whole process stood still: stopped by a signal, or on a machine that slept. Then nobody is
stuck, but what was known of the venue is old.
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
GAP_SECONDS: Final = 5.0
"""When the watchdog itself was away for so long, the process stood still as a whole (F10, F32)."""
EXIT: Final = 70
_LOG: Final = logging.getLogger("ltm.watchdog")


def _abort() -> None:
    # Crash-only: the journal is intact, and the next start reconciles before it trades.
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
    os._exit(EXIT)


def _tell_nobody(seconds: float) -> None:
    del seconds


class Watchdog:
    """
    Warns after a second without a beat, and aborts the process after ten (RSK-44, F35).

    Args:
        clock: The machine's.
        wait: Waits so many seconds or until the event is set, and says whether it was.
        abort: Ends the process; a test puts something milder here.
        stood_still: Is told how long the process stood still; from the watchdog's thread.
    """

    def __init__(
        self,
        clock: Clock,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
        abort: Callable[[], None] = _abort,
        stood_still: Callable[[float], None] = _tell_nobody,
    ) -> None:
        self._clock = clock
        self._wait = wait
        self._abort = abort
        self._stood_still = stood_still
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
        looked_at = self._clock.monotonic()
        while not self._wait(self._over, WARN_SECONDS / 2):
            before, looked_at = looked_at, self._clock.monotonic()
            beat_at = self._beat_at  # once: the session may rest in between
            if beat_at is None:
                continue
            if looked_at - before >= GAP_SECONDS:
                beat_at = self._beat_at = looked_at
                _LOG.warning("the process stood still for %.0f s", looked_at - before)
                self._stood_still(looked_at - before)
            silence = looked_at - beat_at
            if silence >= ABORT_SECONDS:
                _LOG.critical("the session has been stuck for %.0f s: aborting", silence)
                self._abort()
                return
            if silence < WARN_SECONDS:
                warned = False
            elif not warned:
                warned = True
                _LOG.warning("the session has been stuck for %.1f s", silence)
