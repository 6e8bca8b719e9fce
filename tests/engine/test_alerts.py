"""
Alerts reach whom they can, and hold nobody up.
"""

import json
import logging
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ltm.engine.alerts import InlineDispatcher, Policy, Route, ThreadedDispatcher
from ltm.engine.clock import VirtualClock
from ltm.model.enums import Severity
from ltm.model.results import Alert

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LONG = 10.0


def alert(number: int = 1, message: str | None = None, severity: Severity = Severity.WARNING) -> Alert:
    return Alert(
        alert_id=f"a{number}",
        session_id="demo",
        severity=severity,
        code="STALE_MARK",
        message=message if message is not None else f"mark {number} is old",
        raised_at=START,
    )


class Sink:
    """
    A sink that keeps what it gets, and can be told to raise or to hang.
    """

    def __init__(self, name: str, *, raising: int = 0, error: BaseException | None = None) -> None:
        self.name = name
        self.raising = raising
        self.error = error or ConnectionError("no route to host")
        self.got: list[str] = []
        self.entered = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def deliver(self, alert: Alert) -> None:
        self.entered.set()
        self.free.wait(LONG)
        if self.raising:
            self.raising -= 1
            raise self.error
        self.got.append(alert.alert_id)


class Notes:
    """
    What a dispatcher reports, with a way to wait for it.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.delivered: list[tuple[str, str]] = []
        self.trouble: list[tuple[str, str]] = []

    def on_delivered(self, alert_id: str, sink: str) -> None:
        with self.changed:
            self.delivered.append((alert_id, sink))
            self.changed.notify_all()

    def on_trouble(self, sink: str, problem: str) -> None:
        with self.changed:
            self.trouble.append((sink, problem))
            self.changed.notify_all()

    def until(self, condition: Callable[[], object]) -> bool:
        with self.changed:
            return bool(self.changed.wait_for(condition, LONG))


class Live:
    """
    A threaded dispatcher on a virtual clock, whose waits are noted and take no time.
    """

    def __init__(
        self,
        *sinks: Sink,
        minimum: Severity = Severity.INFO,
        policy: Policy | None = None,
        local: Path | None = None,
    ) -> None:
        self.clock = VirtualClock(START)
        self.notes = Notes()
        self.waits: list[float] = []
        self.dispatcher = ThreadedDispatcher(
            [Route(sink=sink, minimum=minimum) for sink in sinks],
            clock=self.clock,
            on_delivered=self.notes.on_delivered,
            on_trouble=self.notes.on_trouble,
            policy=policy,
            local=local,
            wait=lambda _, seconds: self.waits.append(seconds),
        )

    def wait_delivered(self, count: int) -> None:
        assert self.notes.until(lambda: len(self.notes.delivered) >= count), self.notes.delivered


@pytest.fixture
def live():
    made: list[Live] = []

    def make(*sinks: Sink, **options: object) -> Live:
        made.append(Live(*sinks, **options))
        return made[-1]

    yield make
    for one in made:
        one.dispatcher.close(LONG)


# ---- threads -------------------------------------------------------------------------------------------------


def test_an_alert_reaches_every_sink_and_each_acknowledgement_is_told(live) -> None:
    """
    I-18: an alert waits in the outbox until sinks acknowledge it.
    """
    one, two = Sink("one"), Sink("two")
    session = live(one, two)
    session.dispatcher.deliver(alert())
    session.wait_delivered(2)

    assert {("a1", "one"), ("a1", "two")} == set(session.notes.delivered)
    assert () == session.dispatcher.pending()
    assert ["a1"] == one.got == two.got


def test_a_sink_that_hangs_delays_nobody_and_is_reported_once(live) -> None:
    """
    F27: a sink that blocks for a minute; the caller, the other sink and the end of the process do not wait.
    """
    stuck, fine = Sink("stuck"), Sink("fine")
    stuck.free.clear()
    session = live(stuck, fine)
    session.dispatcher.deliver(alert(1))
    assert stuck.entered.wait(LONG)
    session.dispatcher.deliver(alert(2))
    session.wait_delivered(2)

    assert () == session.dispatcher.check()

    session.clock.advance(10.5)

    assert ("stuck",) == session.dispatcher.check() == session.dispatcher.check()
    assert [("stuck", "a delivery has taken more than 10 s")] == session.notes.trouble
    assert ["a1", "a2"] == fine.got
    assert {"a1", "a2"} == {waiting.alert_id for waiting in session.dispatcher.pending()}

    session.dispatcher.close(0.0)
    stuck.free.set()


def test_a_sink_that_comes_back_gets_what_waited(live) -> None:
    """
    F27: the outbox retries.
    """
    slow = Sink("slow")
    slow.free.clear()
    session = live(slow)
    for number in (1, 2, 3):
        session.dispatcher.deliver(alert(number))
    slow.free.set()
    session.wait_delivered(3)

    assert ["a1", "a2", "a3"] == slow.got
    assert () == session.dispatcher.check()


@pytest.mark.parametrize("error", [ConnectionError("down"), SystemExit(3), ValueError("markup")], ids=repr)
def test_a_sink_that_raises_is_tried_again_ever_later(live, error: BaseException) -> None:
    """
    F27: back-off through the injected waiter; even SystemExit from a plugin ends nothing.
    """
    flaky = Sink("flaky", raising=3, error=error)
    session = live(flaky)
    session.dispatcher.deliver(alert())
    session.wait_delivered(1)

    assert [1.0, 2.0, 4.0] == session.waits
    assert ["a1"] == flaky.got
    assert f"attempt 1: {type(error).__name__}: {error}" == session.notes.trouble[0][1]


def test_a_sink_that_refuses_one_alert_gets_the_next_and_later_the_first_again(live) -> None:
    """
    F27: one poisonous alert does not dam up the others, and is not forgotten either.
    """
    picky = Sink("picky", raising=3)
    session = live(picky, policy=Policy(attempts=3))
    session.dispatcher.deliver(alert(1))
    session.dispatcher.deliver(alert(2))
    session.wait_delivered(1)

    assert ["a2"] == picky.got
    assert ["a1"] == [waiting.alert_id for waiting in session.dispatcher.pending()]

    session.dispatcher.check()
    session.clock.advance(60)
    session.dispatcher.check()
    session.wait_delivered(2)

    assert ["a2", "a1"] == picky.got


def test_a_back_off_grows_to_a_minute_and_no_further(live) -> None:
    """
    F27: a sink that is down for long is asked once a minute.
    """
    down = Sink("down", raising=9)
    session = live(down, policy=Policy(attempts=10))
    session.dispatcher.deliver(alert())
    session.wait_delivered(1)

    assert [1, 2, 4, 8, 16, 32, 60, 60, 60] == session.waits


def test_a_sink_that_falls_behind_loses_its_place_not_the_alert(live) -> None:
    """
    I-21: queues are bounded; what finds no room stays in the engine's outbox, unacknowledged.
    """
    stuck = Sink("stuck")
    stuck.free.clear()
    session = live(stuck, policy=Policy(queue=2))
    session.dispatcher.deliver(alert(0))
    assert stuck.entered.wait(LONG)
    for number in (1, 2, 3):
        session.dispatcher.deliver(alert(number))

    assert [("stuck", "its queue is full: the alert stays in the outbox")] == session.notes.trouble

    stuck.free.set()
    session.wait_delivered(3)

    assert "a3" not in {alert_id for alert_id, _ in session.notes.delivered}


def test_a_refused_alert_beyond_the_bound_stays_in_the_outbox(live) -> None:
    """
    I-21: what is kept for another attempt is bounded too.
    """
    down = Sink("down", raising=2)
    session = live(down, policy=Policy(attempts=1, queue=1))
    session.dispatcher.deliver(alert(1))
    assert session.notes.until(lambda: len(session.notes.trouble) == 1)
    session.dispatcher.deliver(alert(2))
    assert session.notes.until(lambda: len(session.notes.trouble) == 2)
    session.dispatcher.deliver(alert(3))
    session.wait_delivered(1)

    assert ["a1"] == [waiting.alert_id for waiting in session.dispatcher.pending()]


def test_closing_lets_sinks_finish_what_waits(live) -> None:
    """
    F30: an orderly stop tells people first.
    """
    slow = Sink("slow")
    slow.free.clear()
    session = live(slow)
    for number in (1, 2, 3):
        session.dispatcher.deliver(alert(number))
    slow.free.set()
    session.dispatcher.close(LONG)

    assert ["a1", "a2", "a3"] == slow.got

    session.dispatcher.deliver(alert(4))

    assert ["a1", "a2", "a3"] == slow.got


def test_closing_ends_a_back_off_at_once() -> None:
    """
    F30: nobody waits a minute for a sink that is down; the real waiter is used here.
    """
    down, notes = Sink("down", raising=100), Notes()
    dispatcher = ThreadedDispatcher(
        [Route(sink=down)],
        clock=VirtualClock(START),
        on_trouble=notes.on_trouble,
        policy=Policy(back_off=1_000.0),
    )
    dispatcher.deliver(alert())
    assert notes.until(lambda: notes.trouble)
    dispatcher.close(LONG)

    assert ["a1"] == [waiting.alert_id for waiting in dispatcher.pending()]


def test_a_listener_that_raises_stops_no_delivery(caplog: pytest.LogCaptureFixture) -> None:
    """
    F27: not even our own side's trouble may end a sink's thread.
    """
    flaky, done = Sink("flaky", raising=1), threading.Event()

    def on_delivered(alert_id: str, _: str) -> None:
        if alert_id == "a2":
            done.set()
        raise RuntimeError("engine is gone")

    def on_trouble(_: str, __: str) -> None:
        raise RuntimeError("engine is gone")

    dispatcher = ThreadedDispatcher(
        [Route(sink=flaky)],
        clock=VirtualClock(START),
        on_delivered=on_delivered,
        on_trouble=on_trouble,
        wait=lambda _, __: None,
    )
    dispatcher.deliver(alert(1))
    dispatcher.deliver(alert(2))

    assert done.wait(LONG)
    assert ["a1", "a2"] == flaky.got
    dispatcher.close(LONG)
    assert "could not be noted" in caplog.text


# ---- which alerts --------------------------------------------------------------------------------------------


def test_the_same_alert_within_the_window_is_delivered_once_and_acknowledged_for_both(live) -> None:
    """
    Design 5: de-duplication; a repeat shares the fate of the first, so that the outbox empties.
    """
    sink = Sink("log")
    session = live(sink)
    session.dispatcher.deliver(alert(1, "same"))
    session.wait_delivered(1)
    session.dispatcher.deliver(alert(2, "same"))
    session.dispatcher.deliver(alert(3, "different"))
    session.wait_delivered(3)

    assert ["a1", "a3"] == sink.got
    assert {("a1", "log"), ("a2", "log"), ("a3", "log")} == set(session.notes.delivered)


def test_a_repeat_of_an_alert_still_under_way_is_acknowledged_with_it(live) -> None:
    """
    Design 5: one delivery, as many acknowledgements as there were alerts.
    """
    sink = Sink("slow")
    sink.free.clear()
    session = live(sink)
    for number in (1, 2, 3):
        session.dispatcher.deliver(alert(number, "same"))
    sink.free.set()
    session.wait_delivered(3)

    assert ["a1"] == sink.got
    assert [("a1", "slow"), ("a2", "slow"), ("a3", "slow")] == session.notes.delivered


def test_after_the_window_the_same_alert_is_news_again(live) -> None:
    """
    Design 5: a window, not for ever; and the same alert handed in again after a restart is delivered.
    """
    sink = Sink("log")
    session = live(sink)
    session.dispatcher.deliver(alert(1, "same"))
    session.clock.advance(61)
    session.dispatcher.deliver(alert(2, "same"))
    session.dispatcher.deliver(alert(2, "same"))
    session.wait_delivered(3)

    assert ["a1", "a2", "a2"] == sink.got


def test_a_sink_hears_only_of_its_severity_and_above(live) -> None:
    """
    Design 5: a threshold per sink.
    """
    sink = Sink("pager")
    session = live(sink, minimum=Severity.CRITICAL)
    for number, severity in enumerate(Severity):
        session.dispatcher.deliver(alert(number, severity=severity))
    session.wait_delivered(1)
    session.dispatcher.close(LONG)

    assert ["a2"] == sink.got
    assert () == session.dispatcher.pending()


# ---- the local file ------------------------------------------------------------------------------------------


def test_a_critical_alert_is_in_the_local_file_whatever_the_sinks_do(live, tmp_path: Path) -> None:
    """
    F27: "local file always"; one line per alert (SEC-33), for its owner only (SEC-02).
    """
    path = tmp_path / "alerts.log"
    session = live(local=path)
    session.dispatcher.deliver(alert(1, severity=Severity.WARNING))
    session.dispatcher.deliver(alert(2, "forged\n\x1b[2J\u202eline", severity=Severity.CRITICAL))
    lines = path.read_text(encoding="ascii").splitlines()

    assert ["a2"] == [json.loads(line)["alert_id"] for line in lines]
    assert lines[0].isprintable()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("broken", [True, False], ids=["a file that cannot be written", "no file"])
def test_without_a_file_a_critical_alert_goes_to_the_log(
    live, tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: bool
) -> None:
    """
    F27: somewhere local, always.
    """
    session = live(local=tmp_path / "missing" / "alerts.log" if broken else None)
    with caplog.at_level(logging.CRITICAL, logger="ltm.alerts"):
        session.dispatcher.deliver(alert(severity=Severity.CRITICAL))

    assert '"alert_id": "a1"' in caplog.text


# ---- inline --------------------------------------------------------------------------------------------------


def test_the_inline_dispatcher_delivers_in_order_and_contains_what_raises() -> None:
    """
    A simulation has no threads: same rules, at once.
    """
    notes, fine, broken = Notes(), Sink("fine"), Sink("broken", raising=1)
    clock = VirtualClock(START)
    dispatcher = InlineDispatcher(
        [Route(sink=broken), Route(sink=fine), Route(sink=Sink("pager"), minimum=Severity.CRITICAL)],
        clock=clock,
        on_delivered=notes.on_delivered,
        on_trouble=notes.on_trouble,
    )
    dispatcher.deliver(alert(1))
    dispatcher.deliver(alert(2, "mark 1 is old"))
    clock.set(START + timedelta(minutes=2))
    dispatcher.deliver(alert(3))

    assert [("a1", "fine"), ("a2", "fine"), ("a3", "broken"), ("a3", "fine")] == notes.delivered
    assert [("broken", "ConnectionError: no route to host")] == notes.trouble
    assert ["a1"] == [waiting.alert_id for waiting in dispatcher.pending()]
    assert () == dispatcher.check()

    dispatcher.close()
