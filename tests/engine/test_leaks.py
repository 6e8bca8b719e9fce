"""
Processes that grow, hang, or run out of memory (F28, F29, F35).
"""

import logging
import subprocess
import sys
import threading
from decimal import Decimal

import pytest

from ltm.engine import watchdog
from ltm.engine.clock import VirtualClock
from ltm.engine.footprint import HARD, SOFT, Use, footprint
from ltm.engine.state_dir import FreeSpace
from ltm.engine.watchdog import WARN_SECONDS, Watchdog
from ltm.model.enums import OrderStatus

from .conftest import START

# --- Growth (F28) --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "codes"),
    [
        (749, []),
        (750, ["resources_low"]),
        (751, ["resources_low"]),
        (899, ["resources_low"]),
        (900, ["resources"]),
        (901, ["resources"]),
    ],
)
def test_a_plugin_that_leaks_is_told_and_then_stops_entries(used, codes, make_bench):
    """
    F28, I-21: a warning at three quarters of a limit, no entries from nine tenths on; exits go on.
    """
    bench = make_bench()
    bench.start()
    bench.second(3)
    bench.submit("AAA")
    bench.second(2)
    look = bench.engine.surroundings
    look.free_space = lambda: FreeSpace(1 << 40, "ok")
    look.footprint = lambda: (Use("open files", used, 1000),)
    bench.second(25)
    alerts = [event.code for event in bench.events() if type(event).__name__ == "AlertRaised"]
    bench.submit("BBB")
    bench.submit("AAA", "sell")
    bench.second(2)
    denied = [event.reasons[0].code for event in bench.events() if type(event).__name__ == "OrderDenied"]

    assert (SOFT, HARD) == (0.75, 0.90)
    assert codes == alerts
    assert (["paused"] if codes == ["resources"] else []) == denied
    assert Decimal(0) == bench.engine.session.state.slots["AAA"].position


def test_the_footprint_of_this_process_is_measured():
    """
    F28: on Linux all of it is known; elsewhere nothing is, and nothing is said.
    """
    uses = {use.what: use for use in footprint()}
    if sys.platform != "linux":
        assert {} == uses
        return
    before = uses["threads"].used
    over = threading.Event()
    more = [threading.Thread(target=over.wait) for _ in range(5)]
    for thread in more:
        thread.start()
    after = {use.what: use for use in footprint()}["threads"].used
    over.set()

    assert before + 5 == after
    assert {"MB of memory", "threads"} <= uses.keys()
    assert all(0 < use.share < 1 for use in uses.values())
    assert "threads" in str(uses["threads"])


@pytest.mark.parametrize("what", ["_STATUS", "_FILES", "_MACHINE"])
def test_what_the_system_does_not_say_is_no_alarm(what, monkeypatch, tmp_path):
    monkeypatch.setattr(f"ltm.engine.footprint.{what}", tmp_path / "nothing")

    assert () == footprint()


@pytest.mark.parametrize(("text", "limit"), [("104857600\n", 100), ("max\n", None)], ids=["limited", "free"])
def test_a_containers_limit_counts(text, limit, monkeypatch, tmp_path):
    """
    F28: the group's limit is what kills there.
    """
    (tmp_path / "memory.max").write_text(text)
    monkeypatch.setattr("ltm.engine.footprint._GROUP", tmp_path / "memory.max")
    (memory,) = [use for use in footprint() if use.what == "MB of memory"]

    assert (memory.limit == 100) is (limit == 100)


# --- No memory left (F29) ------------------------------------------------------------------------


async def _no_memory(*_):
    raise MemoryError


def test_an_adapter_without_memory_leaves_the_order_open(make_bench):
    """
    F29: as for any exception: it may have left.
    """
    bench = make_bench(tamper={"submit": _no_memory})
    bench.start()
    bench.second(2)
    bench.submit("AAA")

    assert OrderStatus.UNKNOWN is bench.orders()[-1].status


GREEDY = """
import resource
from ltm import hookimpl

@hookimpl
def ltm_observe(event):
    resource.setrlimit(resource.RLIMIT_AS, (1 << 31, resource.RLIM_INFINITY))
    bytearray(1 << 40)
"""
CONFIG = """
[session]
id = "greedy"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.3
[broker]
plugin = "mock"
steps = 20
[risk]
required = ["position_size"]
[plugins]
local = true
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are Linux's")
def test_a_plugin_that_takes_all_memory_ends_itself_only(tmp_path):
    """
    F29: a real process with a limit; the plugin is not called again, and the journal is whole. A kill by the system
    is a kill -9, which `tests/proof/test_kill.py` is about.
    """
    (tmp_path / "ltmfile.py").write_text(GREEDY)
    (tmp_path / "ltm.toml").write_text(CONFIG)

    def ltm(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "ltm", "--state-dir", "state", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    done = ltm("run", "ltm.toml")

    assert 0 == done.returncode, done.stderr
    assert "a plugin's ltm_observe failed and is not called again" in done.stderr
    assert "MemoryError" in done.stderr
    assert 0 == ltm("journal", "verify").returncode


# --- A session that is stuck (F35) ---------------------------------------------------------------


class Watch:
    """
    A watchdog whose looks a test makes, one by one.
    """

    def __init__(self):
        self.clock = VirtualClock(START)
        self.aborted = threading.Event()
        self._look, self._looked = threading.Semaphore(0), threading.Semaphore(0)
        self.dog = Watchdog(self.clock, wait=self._wait, abort=self.aborted.set)
        self._looked.acquire()

    def _wait(self, over, _):
        self._looked.release()
        self._look.acquire()
        return over.is_set()

    def look(self, seconds):
        # In steps, as the watchdog looks itself: a long gap between two looks means something else.
        while True:
            step = min(seconds, 3)
            seconds -= step
            self.clock.advance(step)
            self._look.release()
            self._looked.acquire(timeout=0.5)
            if seconds <= 0:
                return

    def stop(self):
        self._look.release()
        self.dog.stop()


@pytest.fixture
def watch():
    made = Watch()
    yield made
    made.stop()


@pytest.mark.parametrize(("silence", "warned"), [(0.9, False), (1.0, True), (1.1, True)])
def test_a_session_stuck_for_a_second_is_warned_of_once(silence, warned, watch, caplog):
    """
    F35, RSK-44.
    """
    caplog.set_level(logging.WARNING)
    watch.dog.beat()
    watch.look(silence)
    watch.look(0)

    assert WARN_SECONDS == 1.0
    assert int(warned) == len([record for record in caplog.records if "stuck for" in record.message])
    assert not watch.aborted.is_set()


def test_the_abort_shows_where_it_was_stuck_and_exits_with_70(tmp_path):
    """
    F35: a real process.
    """
    script = "from ltm.engine import watchdog; watchdog._abort()"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30
    )

    assert watchdog.EXIT == done.returncode == 70
    assert "most recent call first" in done.stderr
