"""
Virtual time: coroutines that sleep, and things that happen at a moment, in one order that never varies.
"""

import heapq
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import UTC, datetime
from typing import Any

import attrs

from ltm.engine.clock import VirtualClock

START = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
IDLE = 1.0


class Crash(BaseException):
    """
    The process is gone. No `except Exception` of anybody survives it.
    """


class Sleep:
    """
    Await it to let time pass.
    """

    def __init__(self, seconds: float, *, wakeable: bool = False) -> None:
        self.seconds = seconds
        self.wakeable = wakeable

    def __await__(self) -> Generator["Sleep", None, None]:
        yield self


class Bounded:
    """
    Await it to get an answer in time, or `TimeoutError`.
    """

    def __init__(self, schedule: "Schedule", call: Awaitable[Any], seconds: float) -> None:
        self._schedule = schedule
        self._call = call
        self._seconds = seconds

    def __await__(self) -> Generator[Sleep, None, Any]:
        end = self._schedule.now + self._seconds
        inner = self._call.__await__()
        try:
            wait = next(inner)
            while True:
                left = end - self._schedule.now
                if wait.seconds > left:
                    yield Sleep(max(left, 0.0))
                    inner.close()
                    raise TimeoutError("no answer in time")
                yield wait
                wait = next(inner)
        except StopIteration as done:
            return done.value


@attrs.define(eq=False)
class Task:
    """
    One coroutine of one process.
    """

    coroutine: Coroutine[Any, Any, None]
    epoch: int
    waiting: int = 0
    """Number of the wake-up it waits for; earlier ones are void."""
    wakeable: bool = False


@attrs.define(eq=False)
class Schedule:
    """
    What happens when.
    """

    clock: VirtualClock = attrs.Factory(lambda: VirtualClock(START))
    epoch: int = 0
    """Counts processes: what belongs to a dead one no longer runs."""
    on_crash: Callable[[], None] = lambda: None
    steps: int = 0
    _heap: list[tuple[float, int, Callable[[], None]]] = attrs.Factory(list)
    _numbers: "itertools.count[int]" = attrs.Factory(itertools.count)
    _sleeper: Task | None = None

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    def at(self, moment: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (max(moment, self.now), next(self._numbers), action))

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self.at(self.now + seconds, action)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = Task(coroutine, self.epoch)
        self.later(0, lambda: self._step(task, 0))

    def wake(self) -> None:
        """
        Let the one task that sleeps until something happens go on.
        """
        sleeper, self._sleeper = self._sleeper, None
        if sleeper is not None:
            self._resume(sleeper, 0.0)

    def run(self, until: float) -> None:
        """
        Let everything happen that is due until then.
        """
        while self._heap and self._heap[0][0] <= until:
            moment, _, action = heapq.heappop(self._heap)
            self.clock.advance(max(moment - self.now, 0.0))
            self.steps += 1
            try:
                action()
            except Crash:
                self.crash()
        self.clock.advance(max(until - self.now, 0.0))

    def crash(self) -> None:
        """
        End the present process: its coroutines never run again.
        """
        self.epoch += 1
        self._sleeper = None
        self.on_crash()

    def _resume(self, task: Task, seconds: float) -> None:
        task.waiting += 1
        number = task.waiting
        self.later(seconds, lambda: self._step(task, number))

    def _step(self, task: Task, number: int) -> None:
        if task.epoch != self.epoch:
            task.coroutine.close()
            return
        if number != task.waiting:
            return
        if self._sleeper is task:
            self._sleeper = None
        try:
            wait = task.coroutine.send(None)
        except StopIteration:
            return
        if wait.wakeable:
            self._sleeper = task
        self._resume(task, wait.seconds)
