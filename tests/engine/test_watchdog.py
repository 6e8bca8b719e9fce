"""
The watchdog: a session that is stuck is warned of and ended, a process that stood still is not.
"""

import logging
import threading
from collections.abc import Callable, Sequence

import attrs
import pytest

from ltm.engine.watchdog import Watchdog

HALF = 0.5
"""Seconds between two looks."""


@attrs.define
class Time:
    """
    A clock that a test moves, and a wait that takes one step of the test's script.
    """

    steps: Sequence[float | Callable[[], float]]
    now: float = 0.0
    done: threading.Event = attrs.Factory(threading.Event)
    dog: Watchdog | None = None
    _step: int = 0

    def monotonic(self) -> float:
        return self.now

    def wait(self, over: threading.Event, seconds: float) -> bool:
        assert seconds == HALF
        if self._step >= len(self.steps):
            self.done.set()
            return over.wait(5)
        step = self.steps[self._step]
        self._step += 1
        self.now += step() if callable(step) else step
        return False


def watched(steps: Sequence[float], beats: Sequence[int]) -> tuple[list[str], list[float]]:
    """
    Let time pass in steps; before the steps with these numbers the session gives a sign of life.
    """
    aborts: list[str] = []
    gaps: list[float] = []
    ready = threading.Event()

    def step(number: int, seconds: float) -> Callable[[], float]:
        def go() -> float:
            ready.wait(5)
            if number in beats:
                dog.beat()
            return seconds

        return go

    time = Time([step(number, seconds) for number, seconds in enumerate(steps)])
    dog = Watchdog(time, time.wait, lambda: (aborts.append("abort"), time.done.set()), gaps.append)  # type: ignore[arg-type] # a clock of the test's own
    ready.set()
    assert time.done.wait(5)
    dog.stop()
    return aborts, gaps


@pytest.mark.parametrize(
    ("silence", "aborts"), [(9.5, []), (10.0, ["abort"]), (10.5, ["abort"])], ids=["inside", "at", "beyond"]
)
def test_a_session_that_is_stuck_for_ten_seconds_is_ended(silence, aborts, caplog):
    """
    RSK-44, F35: a rule that hangs cannot be stopped from inside.
    """
    with caplog.at_level(logging.WARNING, "ltm.watchdog"):
        found = watched([HALF] * int(silence / HALF), beats=[0])

    assert (aborts, []) == found
    assert 1 == sum("has been stuck for 1.0 s" in record.message for record in caplog.records)


def test_whoever_gives_signs_of_life_is_left_alone():
    assert ([], []) == watched([HALF] * 60, beats=range(60))


def test_before_the_first_sign_of_life_silence_means_nothing():
    assert ([], []) == watched([HALF] * 60, beats=[])


@pytest.mark.parametrize(
    ("away", "gaps"), [(4.9, []), (5.0, [5.0]), (3600.0, [3600.0])], ids=["inside", "at", "an hour"]
)
def test_a_process_that_stood_still_is_not_stuck(away, gaps):
    """
    F10, F32: stopped and continued, or on a machine that slept; then everything is compared again.
    """
    assert ([], gaps) == watched([HALF, HALF, away, HALF, HALF], beats=[0, 1])


def test_a_session_that_stays_silent_after_that_is_stuck_all_the_same():
    assert (["abort"], [60.0]) == watched([HALF, 60.0, *[HALF] * 20], beats=[0])


def test_a_session_at_rest_is_not_watched():
    beaten = threading.Event()
    time = Time([HALF] * 60)
    dog = Watchdog(time, time.wait, beaten.set)
    dog.beat()
    dog.rest()
    assert time.done.wait(5)
    dog.stop()

    assert not beaten.is_set()


def test_a_rest_between_two_looks_at_the_beat_does_not_end_the_watch():
    """
    RSK-44: the session may come to rest in the very moment in which it is judged.
    """

    class Resting(Watchdog):
        @property
        def _beat_at(self) -> float | None:
            beat, self.kept = self.kept, None
            return beat

        @_beat_at.setter
        def _beat_at(self, value: float | None) -> None:
            self.kept = value

    time = Time([HALF] * 4)
    dog = Resting(time, time.wait)
    dog.beat()
    assert time.done.wait(5)
    dog.stop()
