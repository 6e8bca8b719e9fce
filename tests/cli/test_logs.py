"""
The log of `ltm run`, and what plugins see of events.
"""

import io
import json
import logging
from collections.abc import Iterator
from decimal import Decimal

import pytest

from ltm.app import PluginObservers
from ltm.cli import logs
from ltm.core import events as e
from ltm.model.enums import Severity
from ltm.model.errors import PluginError

from .conftest import AT, HOSTILE, intended

D = Decimal


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    logger = logging.getLogger("ltm")
    before = (logger.handlers[:], logger.level, logger.propagate)
    yield
    logger.handlers[:], logger.level, logger.propagate = before


def alert(severity: Severity) -> e.AlertRaised:
    return e.AlertRaised(at=AT, alert_id="a", severity=severity, code="code", message=HOSTILE)


def test_an_event_is_one_line_whatever_it_holds(capsys):
    """
    SEC-33.
    """
    logs.set_up()
    logs.EventLog("hand").on_event(alert(Severity.CRITICAL))
    text = capsys.readouterr().err
    line = json.loads(text)

    assert text.isascii()
    assert 1 == text.count("\n")
    assert ("critical", "hand", "alert_raised", HOSTILE) == (
        line["level"],
        line["session_id"],
        line["event"],
        line["message"],
    )


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (alert(Severity.INFO), logging.INFO),
        (alert(Severity.WARNING), logging.WARNING),
        (alert(Severity.CRITICAL), logging.CRITICAL),
        (intended("one", "1"), logging.INFO),
        (e.OrderUnknown(at=AT, client_order_id="one", reason="none"), logging.WARNING),
        (e.TradingHalted(at=AT, code="x", message="y"), logging.ERROR),
    ],
)
def test_urgent_events_are_urgent_records(event, level):
    assert level == logs.level_of(event)


def test_trouble_is_a_warning(capsys):
    logs.set_up()
    logs.EventLog("hand").on_problem(PluginError("the sink sulks", hint="wait"))
    line = json.loads(capsys.readouterr().err)

    assert ("warning", "the sink sulks", "LTM-PLG-000", "wait") == (
        line["level"],
        line["message"],
        line["code"],
        line["hint"],
    )


def test_a_quiet_log_says_nothing(capsys):
    logs.set_up_quiet()
    logs.EventLog("hand").on_event(alert(Severity.CRITICAL))

    assert ("", "") == capsys.readouterr()


def test_what_is_not_logged_costs_no_formatting(capsys):
    logs.set_up()
    logging.getLogger("ltm").setLevel(logging.CRITICAL)
    logs.EventLog("hand").on_event(alert(Severity.INFO))

    assert "" == capsys.readouterr().err


class Gone(io.StringIO):
    """
    A stream whose reader has gone.
    """

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_goes_away_silences_the_log():
    """
    F32.
    """
    handler = logs.SilentHandler(Gone())
    handler.handle(logging.LogRecord("ltm", logging.CRITICAL, "", 1, "text", None, None))

    assert handler.level > logging.CRITICAL


def test_another_fault_of_the_log_is_told(capsys):
    handler = logs.SilentHandler(io.StringIO())
    handler.handle(logging.LogRecord("ltm", logging.INFO, "", 1, "%d", ("no number",), None))

    assert "Logging error" in capsys.readouterr().err
    assert logging.NOTSET == handler.level


def test_a_plugin_that_observes_sees_events_until_it_fails(capsys):
    """
    Design 3: `ltm_observe` is isolated.
    """
    seen: list[object] = []

    def failing(event: object) -> None:
        seen.append(event)
        raise ValueError(HOSTILE)

    logs.set_up()
    observers = PluginObservers([failing, seen.append])
    first, second = alert(Severity.INFO), alert(Severity.WARNING)
    observers.on_event(first)
    observers.on_event(second)
    observers.on_problem(PluginError("not theirs"))
    text = capsys.readouterr().err

    assert [first, first, second] == seen
    assert 1 == text.count("\n")
    assert "ValueError" in json.loads(text)["exception"]


def test_a_changed_configuration_is_told_once(tmp_path, capsys):
    """
    BAD-039: ignored, with a notice.
    """
    config = tmp_path / "ltm.toml"
    config.write_text("a = 1\n", encoding="utf-8")
    watch = logs.ConfigWatch(config)
    logs.set_up()
    sample = e.EquitySampled(at=AT, equity=D(1), peak_equity=D(1), marks={}, day_peak=D(1), loss_peak=D(1))
    watch.on_event(sample)
    before = watch.changed
    config.unlink()
    for _ in range(2):
        watch.on_event(sample)
    watch.on_problem(PluginError("not its affair"))

    assert (False, True) == (before, watch.changed)
    assert 1 == capsys.readouterr().err.count("ltm.toml was changed: it takes effect at the next start")
