"""
`LoggerSystem`: the standard library's logging as JSON lines in a private folder.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from decimal import Decimal
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ltm.model.errors import ConfigError, LtmError, shown, suggestion
from ltm.model.numbers import plain
from ltm.model.redaction import KNOWN, redact_fields

if TYPE_CHECKING:
    from io import TextIOWrapper

    from ltm.core.events import AnyEvent

ROOT: Final = "ltm"
FILE: Final = "ltm.jsonl"
_LARGEST: Final = 50_000_000
_KEPT: Final = 5
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_SESSIONS: Final = logging.getLogger("ltm.session")
_QUIET: Final = frozenset({"EquitySampled", "AlertDelivered"})
"""Events that come by themselves all the time."""


class LoggerSystem:
    """
    Writes what happens to a file of JSON lines, one object each, readable by its owner only.

    Until `setup` is called, records go where the application's own logging configuration sends them.
    """

    def __init__(self) -> None:
        self._logger: Final = logging.getLogger(ROOT)
        self._handler: _PrivateFile | None = None
        self._level = logging.NOTSET

    def setup(self, log_dir: str | os.PathLike[str] = "logs", log_level: str = "INFO") -> None:
        """
        Write records of this level and above to `ltm.jsonl` in a folder; calling it again moves to another.

        Args:
            log_dir: Made, closed to other users, when it is not there.
            log_level: DEBUG, INFO, WARNING, ERROR or CRITICAL.

        Raises:
            ConfigError: There is no such level, or the file cannot be written.
        """
        level = _level_of(log_level)
        path = Path(log_dir) / FILE
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(mode=0o700, parents=True)
            handler = _PrivateFile(path, maxBytes=_LARGEST, backupCount=_KEPT, encoding="utf-8")
        except OSError as error:
            message = (
                f"log_dir must be a folder that can be written, got {shown(str(log_dir))}: {error.strerror}"
            )
            raise ConfigError(message, code="LTM-CFG-037", field="log_dir", got=str(log_dir)) from None
        handler.setFormatter(_JsonLines())
        handler.setLevel(level)
        self.close()
        self._handler = handler
        self._logger.addHandler(handler)
        self._level = self._logger.level
        if self._logger.getEffectiveLevel() > level:
            self._logger.setLevel(level)

    @property
    def path(self) -> Path | None:
        """
        The file that is written, None before `setup`.
        """
        return Path(self._handler.baseFilename) if self._handler is not None else None

    def info(self, message: str, **fields: object) -> None:
        """
        Write a line of the application's own.
        """
        self._logger.info(message, extra={"fields": fields})

    def warning(self, message: str, **fields: object) -> None:
        """
        Write a warning of the application's own.
        """
        self._logger.warning(message, extra={"fields": fields})

    def error(self, message: str, **fields: object) -> None:
        """
        Write an error of the application's own.
        """
        self._logger.error(message, extra={"fields": fields})

    def close(self) -> None:
        """
        Close the file; records go on to the application's own logging.
        """
        if self._handler is not None:
            self._logger.removeHandler(self._handler)
            self._logger.setLevel(self._level)
            self._handler.close()
            self._handler = None


class Watcher:
    """
    Sees every durable event of a session, and logs it.

    Args:
        session_id: Whose events they are.
    """

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def on_event(self, event: AnyEvent) -> None:
        """
        Log an event.
        """
        name = type(event).__name__
        level = logging.DEBUG if name in _QUIET else logging.INFO
        if _SESSIONS.isEnabledFor(level):
            fields = {"session_id": self._session_id, "event": event}
            _SESSIONS.log(level, "%s: %s", self._session_id, name, extra={"fields": fields})

    def on_problem(self, problem: LtmError) -> None:
        """
        Log trouble that trading goes on without.
        """
        fields = {"session_id": self._session_id, "code": problem.code}
        _SESSIONS.warning("%s: %s", self._session_id, problem.message, extra={"fields": fields})


def _level_of(level: object) -> int:
    if isinstance(level, str) and level.upper() in _LEVELS:
        return logging.getLevelNamesMapping()[level.upper()]
    near = suggestion(level, _LEVELS) if isinstance(level, str) else None
    message = f"log_level must be one of {', '.join(_LEVELS)}, got {shown(level)}"
    raise ConfigError(message, code="LTM-CFG-007", field="log_level", got=level, hint=near)


class _PrivateFile(RotatingFileHandler):
    # As the standard library's, but for the mode of the file, and it follows no link.

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self.baseFilename, flags, 0o600)
        return os.fdopen(descriptor, self.mode, encoding=self.encoding)  # type: ignore[return-value] # text mode


class _JsonLines(logging.Formatter):
    # One JSON object a line, whatever the text holds (SEC-33).

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **redact_fields(getattr(record, "fields", {})),
        }
        if (alert := getattr(record, "alert", None)) is not None:
            line["alert"] = alert
        if record.exc_text:
            # Made by the filter on all records, without secrets.
            line["exception"] = record.exc_text
        return KNOWN.by_value(msgspec.json.encode(line, enc_hook=_as_text).decode())


def _as_text(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)
