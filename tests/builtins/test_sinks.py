"""
The built-in alert sinks: one line per alert, whatever its text holds (SEC-33).
"""

import json
import logging
import os
import stat
from datetime import UTC, datetime

import pytest

from ltm.builtins import hooks
from ltm.model.enums import Severity
from ltm.model.errors import ConfigError
from ltm.model.redaction import one_line
from ltm.model.results import Alert

HOSTILE = "down\nINFO fake \x1b[2J \u202eevil \x00 \ud800"
ESCAPED = "down\\nINFO fake \\x1b[2J \\u202eevil \\x00 \\ud800"


def sinks():
    offers = {}
    hooks.ltm_register_alert_sinks(lambda name, **offer: offers.update({name: offer}))
    return offers


def sink(name, **settings):
    offer = sinks()[name]
    return offer["factory"](offer["config"](**settings))


def alert(message="equity 1 is at or below 2", severity=Severity.CRITICAL):
    return Alert(
        alert_id="demo-7",
        session_id="demo",
        severity=severity,
        code="drawdown",
        message=message,
        raised_at=datetime(2026, 1, 5, 9, 31, tzinfo=UTC),
    )


def test_the_sinks_are_offered_under_their_names(tmp_path):
    """
    What the hook offers is what a configuration names.
    """
    assert {"log", "console", "file", "command"} == set(sinks())
    assert ["log", "console"] == [sink(name).name for name in ("log", "console")]
    assert "file" == sink("file", path=tmp_path / "alerts.jsonl").name


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (Severity.INFO, logging.INFO),
        (Severity.WARNING, logging.WARNING),
        (Severity.CRITICAL, logging.CRITICAL),
    ],
)
def test_the_log_gets_the_level_of_the_severity(caplog, severity, level):
    """
    Handlers decide by level where an alert goes, and find the alert itself on the record.
    """
    caplog.set_level(logging.INFO, "ltm.alerts")
    sink("log").deliver(alert(severity=severity))
    [record] = caplog.records

    assert ("ltm.alerts", level, "demo drawdown: equity 1 is at or below 2") == (
        record.name,
        record.levelno,
        record.getMessage(),
    )
    assert alert(severity=severity) == record.alert


def test_hostile_text_stays_on_its_line_in_the_log(caplog):
    """
    SEC-33: control and bidi characters are escaped.
    """
    sink("log").deliver(alert(HOSTILE))

    assert f"demo drawdown: {ESCAPED}" == caplog.records[0].getMessage()


def test_the_console_gets_one_line_per_alert(capsys):
    """
    SEC-33: on the error stream, so that output for other programs stays clean.
    """
    console = sink("console")
    console.deliver(alert())
    console.deliver(alert(HOSTILE))
    printed = capsys.readouterr()

    assert "" == printed.out
    assert [
        "2026-01-05T09:31:00+00:00 CRITICAL demo drawdown: equity 1 is at or below 2",
        f"2026-01-05T09:31:00+00:00 CRITICAL demo drawdown: {ESCAPED}",
    ] == printed.err.splitlines()


def test_a_long_text_is_cut():
    """
    SEC-33: the length of a line is capped.
    """
    assert 1000 == len(one_line("x" * 5000))
    assert "short" == one_line("short")


def test_the_file_gets_one_object_per_line(tmp_path):
    """
    Each alert is appended, also after the file was rotated away.
    """
    path = tmp_path / "alerts.jsonl"
    file = sink("file", path=path)
    file.deliver(alert())
    file.deliver(alert("two\nlines"))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.rename(tmp_path / "alerts.1.jsonl")
    file.deliver(alert())

    assert ["equity 1 is at or below 2", "two\nlines"] == [row["message"] for row in rows]
    assert {"alert_id", "session_id", "severity", "code", "message", "raised_at"} == set(rows[0])
    assert 1 == len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_file_is_its_owners_only(tmp_path):
    """
    Alerts tell what an account does.
    """
    path = tmp_path / "alerts.jsonl"
    sink("file", path=path)

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system cannot refuse links")
def test_the_file_is_no_link(tmp_path):
    """
    SEC-32: a link would let somebody else choose what is appended to.
    """
    link = tmp_path / "alerts.jsonl"
    link.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigError, match="path must be a file that can be appended to"):
        sink("file", path=link)


def test_a_folder_that_is_not_there_is_told_at_the_start(tmp_path):
    """
    Not when the first alert comes.
    """
    with pytest.raises(ConfigError, match="No such file or directory") as caught:
        sink("file", path=tmp_path / "missing" / "alerts.jsonl")

    assert "path" == caught.value.field


def test_an_alert_that_was_cut_short_is_delivered_again(tmp_path, monkeypatch):
    """
    A full disk may take a part: that is no delivery.
    """
    file = sink("file", path=tmp_path / "alerts.jsonl")
    monkeypatch.setattr(os, "write", lambda descriptor, data: len(data) - 1)

    with pytest.raises(OSError, match="wrote"):
        file.deliver(alert())
