"""
Alert sinks: log, console and file. Each alert is one line, whatever its text holds (SEC-33).
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from ltm.model.enums import Severity
from ltm.model.errors import ConfigError
from ltm.model.redaction import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from ltm.builtins.config import FileSinkConfig
    from ltm.model.results import Alert

_LEVELS: Final = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.CRITICAL,
}


class LogSink:
    """
    Sends alerts to the standard library's logging, as `ltm.alerts`.
    """

    name: Final = "log"

    def __init__(self) -> None:
        self._logger = logging.getLogger("ltm.alerts")

    def deliver(self, alert: Alert) -> None:
        """
        Log one alert at the level of its severity, with the alert itself as `record.alert`.
        """
        session, code, text = one_line(alert.session_id), one_line(alert.code), one_line(alert.message)
        self._logger.log(_LEVELS[alert.severity], "%s %s: %s", session, code, text, extra={"alert": alert})


class ConsoleSink:
    """
    Prints alerts on the standard error stream.
    """

    name: Final = "console"

    def deliver(self, alert: Alert) -> None:
        """
        Print one alert.
        """
        raised_at = alert.raised_at.isoformat(timespec="seconds")
        text = one_line(f"{alert.session_id} {alert.code}: {alert.message}")
        # Asked for each time: whoever captures the stream gets the alerts too.
        sys.stderr.write(f"{raised_at} {alert.severity.upper()} {text}\n")
        sys.stderr.flush()


class FileSink:
    """
    Appends alerts to a file as JSON lines. It is opened for each alert, so it may be rotated away.

    Raises:
        ConfigError: The file cannot be opened, or is a symbolic link.
    """

    name: Final = "file"

    def __init__(self, config: FileSinkConfig) -> None:
        self._path = config.path
        try:
            os.close(_opened(self._path))
        except OSError as error:
            message = (
                f"path must be a file that can be appended to, got {str(self._path)!a}: {error.strerror}"
            )
            raise ConfigError(message, code="LTM-CFG-037", field="path", got=str(self._path)) from None

    def deliver(self, alert: Alert) -> None:
        """
        Append one alert.
        """
        line = msgspec.json.encode(alert) + b"\n"
        descriptor = _opened(self._path)
        try:
            written = os.write(descriptor, line)
        finally:
            os.close(descriptor)
        if written != len(line):
            message = f"wrote {written} of {len(line)} bytes to {self._path}"
            raise OSError(message)


def _opened(path: Path) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    # Windows has neither; there, links need a privilege to be made.
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.open(path, flags, 0o600)
