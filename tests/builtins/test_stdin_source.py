"""
The `stdin` signal source: a thread reads, the engine takes.
"""

import io
import json
import os
import threading
from datetime import UTC, datetime

import pytest

from ltm.builtins import hooks, sources
from ltm.builtins.sources import StdinSource
from ltm.model.errors import SignalError
from ltm.model.market import Quote
from ltm.model.signal import Signal

GOOD = {
    "stock_code": "600519",
    "action": "buy",
    "score": 0.85,
    "confidence": 0.9,
    "timestamp": "2026-01-05T09:31:00+08:00",
}
LINE = json.dumps(GOOD).encode() + b"\n"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE = 10


class Bell:
    """
    Counts calls of `wake`, and lets a test wait for the next one.
    """

    def __init__(self):
        self.rung = threading.Semaphore(0)

    def __call__(self):
        self.rung.release()

    def wait(self):
        assert self.rung.acquire(timeout=PATIENCE)


def test_the_source_is_offered_under_its_name():
    """
    What the hook offers is what a configuration names.
    """
    offers = {}
    hooks.ltm_register_signal_sources(lambda name, **offer: offers.update({name: offer}))
    made = offers["stdin"]["factory"](offers["stdin"]["config"]())

    assert "stdin" == made.name
    assert () == made.on_quote(Quote("AAPL", NOW))


def test_a_signal_is_released_as_it_arrives():
    """
    Whoever writes it now means now; the time it carries is judged by the gates.
    """
    reading, writing = os.pipe()
    bell = Bell()
    stream = os.fdopen(reading, "rb", buffering=0)
    source = StdinSource(stream)
    source.open(bell)
    assert [] == list(source.poll(NOW))

    os.write(writing, LINE)
    bell.wait()

    assert [Signal(**GOOD)] == list(source.poll(NOW))
    assert not source.exhausted

    os.write(writing, b"{}\n" + LINE[:-1])
    os.close(writing)
    for _ in range(3):
        bell.wait()
    error, signal = source.poll(NOW)

    assert isinstance(error, SignalError)
    assert ("LTM-SIG-067", "stdin, line 2") == (error.code, error.where)
    assert Signal(**GOOD) == signal
    assert source.exhausted
    source.close()
    stream.close()


def test_the_input_ends_when_it_cannot_be_read():
    """
    A terminal that has gone is the end, not a crash.
    """

    class Gone(io.RawIOBase):
        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    bell = Bell()
    source = StdinSource(Gone())
    source.open(bell)
    bell.wait()

    assert source.exhausted


def test_the_standard_input_itself_is_read(monkeypatch):
    """
    Through its descriptor, past the buffer whose lock a daemon thread must not hold.
    """
    reading, writing = os.pipe()
    bell = Bell()
    with os.fdopen(reading, "rb") as stdin, monkeypatch.context() as patch:
        patch.setattr("sys.stdin", stdin)
        source = StdinSource()
        source.open(bell)
        os.write(writing, LINE)
        os.close(writing)
        bell.wait()
        bell.wait()

    assert [Signal(**GOOD)] == list(source.poll(NOW))


def test_a_full_queue_makes_the_writer_wait(monkeypatch):
    """
    Bounded memory: what nobody takes stays where it came from, and closing lets the reader go.
    """
    monkeypatch.setattr(sources, "_WAITING", 1)
    bell = Bell()
    source = StdinSource(io.BytesIO(LINE * 3))
    source.open(bell)
    bell.wait()

    [reader] = [thread for thread in threading.enumerate() if thread.name == "ltm-stdin"]
    source.close()
    reader.join(PATIENCE)

    assert not reader.is_alive()
    assert [Signal(**GOOD)] == list(source.poll(NOW))


@pytest.mark.parametrize("count", [0, 5000])
def test_everything_that_was_written_arrives(count):
    """
    In its order.
    """
    lines = b"".join(json.dumps({**GOOD, "intent": number}).encode() + b"\n" for number in range(count))
    bell = Bell()
    source = StdinSource(io.BytesIO(lines))
    source.open(bell)
    taken = []
    while not source.exhausted:
        bell.wait()
        taken += source.poll(NOW)

    assert list(range(count)) == [signal.intent for signal in taken]
