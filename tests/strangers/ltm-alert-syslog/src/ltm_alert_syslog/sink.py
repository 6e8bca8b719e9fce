"""The sink itself: one alert is one message (RFC 5424) with its length in front (RFC 6587)."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ltm.model.enums import Severity

if TYPE_CHECKING:
    from ltm.model.results import Alert

# Facility 1, "user-level messages".
_PRIORITY = {Severity.INFO: 8 + 6, Severity.WARNING: 8 + 4, Severity.CRITICAL: 8 + 2}
_LONGEST = 1000


class Syslog:
    """Opens a connection for each alert, so that a server that was away is found again."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self._place, self._timeout = (host, port), timeout

    @property
    def name(self) -> str:
        """`syslog`."""
        return "syslog"

    def deliver(self, alert: Alert) -> None:
        """Send one alert; raises when the server cannot be reached, and is then tried again."""
        content = message(alert).encode()
        with socket.create_connection(self._place, self._timeout) as connection:
            connection.sendall(b"%d %s" % (len(content), content))


def message(alert: Alert) -> str:
    """Return an alert as RFC 5424 writes it, on one line whatever it holds."""
    head = f"<{_PRIORITY[alert.severity]}>1 {alert.raised_at.isoformat()} - ltm - {_token(alert.code)}"
    data = f'[ltm@32473 session="{_value(alert.session_id)}" id="{_value(alert.alert_id)}"]'
    return f"{head} {data} {_printable(alert.message)}"


def _printable(text: str) -> str:
    safe = (
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text[:_LONGEST]
    )
    return "".join(safe)


def _token(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isprintable() and char != " ")[:32] or "-"


def _value(text: str) -> str:
    return "".join(f"\\{char}" if char in '"\\]' else char for char in _printable(text))
