"""
What is known about alerts on their way: repeats, who acknowledged what, and the local file of critical ones.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ltm.model.results import Alert
    from ltm.ports.shell import Clock

_LOG: Final = logging.getLogger("ltm.alerts")


class Entry:
    """
    An alert on its way, and the ids of the same alert raised again meanwhile, which share its fate.
    """

    __slots__ = ("alert", "delivered", "ids", "raised", "waiting")

    def __init__(self, alert: Alert, raised: float, sinks: set[str]) -> None:
        self.alert = alert
        self.ids = [alert.alert_id]
        self.raised = raised
        self.waiting = sinks
        self.delivered: set[str] = set()


class Ledger:
    """
    Which alerts wait for whom; shared by the caller's thread and the sinks' threads.
    """

    def __init__(self, clock: Clock, window: float, on_delivered: Callable[[str, str], None]) -> None:
        self._clock = clock
        self._window = window
        self._on_delivered = on_delivered
        self._lock = threading.Lock()
        self._recent: dict[tuple[str, str, str], Entry] = {}
        self._waiting: dict[str, Entry] = {}

    def enter(self, alert: Alert, sinks: set[str]) -> Entry | None:
        """
        Return the entry to deliver, or None when the alert repeats one of a moment ago.
        """
        key = (alert.session_id, alert.code, alert.message)
        now = self._clock.monotonic()
        with self._lock:
            self._forget_before(now - self._window)
            known = self._recent.get(key)
            if known is not None and alert.alert_id not in known.ids:
                known.ids.append(alert.alert_id)
                reached = set(known.delivered)
            else:
                entry = self._recent[key] = Entry(alert, now, set(sinks))
                if sinks:
                    self._waiting[alert.alert_id] = entry
                return entry
        for sink in sorted(reached):
            self._tell(alert.alert_id, sink)
        return None

    def delivered(self, entry: Entry, sink: str) -> None:
        """
        Note that a sink acknowledged an alert, and say so for each of its ids.
        """
        with self._lock:
            entry.delivered.add(sink)
            self._done(entry, sink)
            ids = list(entry.ids)
        for alert_id in ids:
            self._tell(alert_id, sink)

    def given_up(self, entry: Entry, sink: str) -> None:
        """
        Note that a sink will not be offered an alert again before the next start.
        """
        with self._lock:
            self._done(entry, sink)

    def pending(self) -> tuple[Alert, ...]:
        """
        Return the alerts that some sink has yet to acknowledge.
        """
        with self._lock:
            return tuple(entry.alert for entry in self._waiting.values())

    def _done(self, entry: Entry, sink: str) -> None:
        entry.waiting.discard(sink)
        if not entry.waiting:
            self._waiting.pop(entry.alert.alert_id, None)

    def _forget_before(self, moment: float) -> None:
        # Entries are in order of time, so that only the expired ones are looked at.
        while self._recent:
            key = next(iter(self._recent))
            if self._recent[key].raised >= moment:
                return
            del self._recent[key]

    def _tell(self, alert_id: str, sink: str) -> None:
        try:
            self._on_delivered(alert_id, sink)
        except Exception:  # noqa: BLE001 - the listener's trouble must not stop delivery; the log has it
            _LOG.exception("alert %s was delivered to %s, but could not be noted", alert_id, sink)


class LocalLog:
    """
    The file that critical alerts always go to, one JSON object per line; the log when there is no file.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def write(self, alert: Alert) -> None:
        """
        Append an alert; trouble with the file goes to the log and no further.
        """
        line = json.dumps(
            {
                "raised_at": alert.raised_at.isoformat(),
                "session_id": alert.session_id,
                "alert_id": alert.alert_id,
                "severity": alert.severity.value,
                "code": alert.code,
                "message": alert.message,
            }
        )
        if self._path is None:
            _LOG.critical("%s", line)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, line.encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            _LOG.critical("%s (local file: %s)", line, error.strerror)
