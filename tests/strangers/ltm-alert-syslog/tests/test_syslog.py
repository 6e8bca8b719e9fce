"""The sink, against a server on this machine."""

import socket
import threading
from datetime import UTC, datetime

import pytest
from ltm.model.enums import Severity
from ltm.model.results import Alert

from ltm_alert_syslog.sink import Syslog, message


def alert(text: str = "equity fell", severity: Severity = Severity.CRITICAL, code: str = "drawdown") -> Alert:
    at = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
    return Alert(alert_id="a-1", session_id="s", severity=severity, code=code, message=text, raised_at=at)


def test_an_alert_is_one_message_with_its_length_in_front():
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as lines:
                heard.append(lines.read())

        thread = threading.Thread(target=serve)
        thread.start()
        Syslog("127.0.0.1", server.getsockname()[1], 5.0).deliver(alert())
        thread.join(5)

    length, _, content = heard[0].partition(b" ")
    assert int(length) == len(content)
    assert content.decode() == message(alert())


def test_a_server_that_is_away_is_an_error_so_that_ltm_tries_again():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        Syslog("127.0.0.1", port, 5.0).deliver(alert())


@pytest.mark.parametrize(
    ("severity", "priority"), [(Severity.INFO, 14), (Severity.WARNING, 12), (Severity.CRITICAL, 10)]
)
def test_severity_becomes_priority(severity, priority):
    assert message(alert(severity=severity)).startswith(
        f"<{priority}>1 2026-01-05T15:00:00+00:00 - ltm - drawdown "
    )


def test_what_an_alert_holds_cannot_leave_its_place():
    told = message(alert("a\n<8>1 forged \x1b[2J", code="a b\n"))

    assert told.isprintable()
    assert " ab [ltm@32473 " in told
    assert 'session="s" id="a-1"' in told
