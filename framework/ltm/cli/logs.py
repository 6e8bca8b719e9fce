"""
One line of JSON per record: what `ltm run` tells where nobody looks at a terminal.

Whatever a record holds, it stays one line of ASCII (SEC-33). A reader that goes away never disturbs
trading (F32): the handler falls silent.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ltm.app.egress import guard_logs
from ltm.core import events as e
from ltm.core.codec import KIND_OF
from ltm.core.history import as_json
from ltm.model.enums import Severity
from ltm.model.redaction import redact_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ltm.core.armed import Armed
    from ltm.model.errors import LtmError

LOGGER: Final = logging.getLogger("ltm.events")
_SEVERITIES: Final = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.CRITICAL,
}
_WARNINGS: Final = (
    e.OrderDenied,
    e.OrderRejected,
    e.OrderUnknown,
    e.RuleFaulted,
    e.TradingPaused,
    e.Unexpected,
    e.DriftFound,
)
_ERRORS: Final = (e.TradingHalted, e.TradingKilled)


def tell_limits(reports: Mapping[str, Iterable[Armed]]) -> None:
    """
    Log what is armed, before anything is sent.
    """
    for session_id, report in reports.items():
        for row in report:
            fields = {"session_id": session_id, **as_json(row)}
            LOGGER.info("armed %s: %s (%s)", row.limit, row.value, row.proof, extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """
    Formats a record as one JSON object; what `extra` put under `fields` comes along.
    """

    def format(self, record: logging.LogRecord) -> str:
        """
        Return the line.
        """
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": as_json(at),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **redact_fields(getattr(record, "fields", {})),
        }
        if record.exc_text:
            # Made by the filter on all records, without secrets.
            line["exception"] = record.exc_text
        return json.dumps(line, default=str)


class SilentHandler(logging.StreamHandler[Any]):
    """
    Writes to the standard error stream for as long as somebody reads it.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """
        Give up writing when the reader has gone; anything else is told as usual.
        """
        if isinstance(sys.exc_info()[1], (OSError, ValueError)):
            self.setLevel(logging.CRITICAL + 1)
            return
        super().handleError(record)


def set_up() -> None:
    """
    Send everything of ltm to the standard error stream as JSON lines, without secrets.
    """
    guard_logs()
    handler = SilentHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("ltm")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def set_up_quiet() -> None:
    """
    Send nothing anywhere: a live table or a summary tells instead.
    """
    logger = logging.getLogger("ltm")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = False


class EventLog:
    """
    Logs one session's events (`engine.Observer`).
    """

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def on_event(self, event: e.AnyEvent) -> None:
        """
        Log an event.
        """
        level = level_of(event)
        if not LOGGER.isEnabledFor(level):
            return
        kind = KIND_OF[type(event)]
        fields = {"session_id": self._session_id, "event": kind, **as_json(event)}
        LOGGER.log(level, kind, extra={"fields": fields})

    def on_problem(self, problem: LtmError) -> None:
        """
        Log trouble that trading goes on without.
        """
        fields = {"session_id": self._session_id, "code": problem.code, "hint": problem.hint}
        LOGGER.warning("%s", problem.message, extra={"fields": fields})


class ConfigWatch:
    """
    Says once that the configuration's file was changed: what runs, runs under the old one (BAD-039).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = _stamp_of(path)
        self.changed = False

    def on_event(self, event: e.AnyEvent) -> None:
        """
        Look at the file, once a sample.
        """
        if isinstance(event, e.EquitySampled) and not self.changed and _stamp_of(self._path) != self._before:
            self.changed = True
            LOGGER.warning("%s", self.notice())

    def on_problem(self, problem: LtmError) -> None:
        """
        Do nothing.
        """

    def notice(self) -> str:
        """
        Return what a person should know.
        """
        return f"config {self._path.name} was changed: it takes effect at the next start"


def _stamp_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def level_of(event: e.AnyEvent) -> int:
    """
    Return how urgent an event is.
    """
    if isinstance(event, e.AlertRaised):
        return _SEVERITIES[event.severity]
    if isinstance(event, _ERRORS):
        return logging.ERROR
    return logging.WARNING if isinstance(event, _WARNINGS) else logging.INFO
