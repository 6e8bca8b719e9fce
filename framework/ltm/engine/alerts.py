"""
Delivering alerts. The core decides that an alert exists and journals it; here it reaches people.

Each sink has a thread, so that one that hangs or raises delays neither trading nor the other sinks. What no
sink has acknowledged stays in the engine's outbox, which is the journal: after a restart it is handed in again.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from ltm.engine.alert_ledger import Entry, Ledger, LocalLog
from ltm.model.enums import Severity
from ltm.ports.shell import AlertSink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ltm.model.results import Alert
    from ltm.ports.shell import Clock

_RANK: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
_LONGEST_BACK_OFF: Final = 60.0


@attrs.frozen(kw_only=True)
class Route:
    """
    A sink, and the least severity it is told about.
    """

    sink: AlertSink
    minimum: Severity = Severity.INFO
    name: str = attrs.Factory(lambda self: self.sink.name, takes_self=True)
    """Differs from every other route's; the sink's own name unless two sinks share one."""


@attrs.frozen(kw_only=True)
class Policy:
    """
    How patient a dispatcher is.
    """

    window: float = 60.0
    """Seconds in which the same session, code and message is one alert."""
    deadline: float = 10.0
    """Seconds after which a delivery counts as hanging."""
    attempts: int = 8
    """How often one alert is offered to one sink before those behind it get their turn."""
    queue: int = 1_000
    """How many alerts may wait for one sink."""
    back_off: float = 1.0
    """Seconds before the second attempt; doubles up to a minute."""


class AlertDispatcher(Protocol):
    """
    What the engine needs: hand an alert in, and never wait.
    """

    def deliver(self, alert: Alert) -> None:
        """
        Take an alert to all sinks that want its severity.
        """
        ...

    def pending(self) -> tuple[Alert, ...]:
        """
        Return the alerts that some sink has yet to acknowledge.
        """
        ...

    def check(self) -> tuple[str, ...]:
        """
        Return the sinks that hang; to be called now and then.
        """
        ...

    def close(self, seconds: float = 0.0) -> None:
        """
        Stop, waiting at most that long for what is under way.
        """
        ...


def _ignore(_: str, __: str) -> None:
    # Nobody wants to know.
    return


class InlineDispatcher:
    """
    Delivers in the caller's thread, once, in the order of the routes: for simulations.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        clock: Clock,
        on_delivered: Callable[[str, str], None] = _ignore,
        on_trouble: Callable[[str, str], None] = _ignore,
        policy: Policy | None = None,
    ) -> None:
        self._routes = tuple(routes)
        self._ledger = Ledger(clock, (policy or Policy()).window, on_delivered)
        self._on_trouble = on_trouble

    def deliver(self, alert: Alert) -> None:
        """
        Offer an alert to each sink that wants it; one that raises is reported.
        """
        routes = [route for route in self._routes if _wants(route, alert)]
        entry = self._ledger.enter(alert, {route.name for route in routes})
        if entry is None:
            return
        for route in routes:
            try:
                route.sink.deliver(alert)
            except Exception as error:  # noqa: BLE001 - a sink is a plugin: whatever it raises stays here
                self._on_trouble(route.name, f"{type(error).__name__}: {error}")
            else:
                self._ledger.delivered(entry, route.name)

    def pending(self) -> tuple[Alert, ...]:
        """
        Return the alerts that some sink did not take.
        """
        return self._ledger.pending()

    def check(self) -> tuple[str, ...]:
        """
        Return no sinks: one that hangs here, hangs the simulation.
        """
        return ()

    def close(self, seconds: float = 0.0) -> None:
        """
        Do nothing: nothing is under way.
        """


class ThreadedDispatcher:
    """
    Delivers on one daemon thread per sink: for live sessions.

    Args:
        routes: The sinks, each under a name of its own.
        clock: Measures the window of repeats and the deadline.
        on_delivered: Told (alert id, sink) for each acknowledgement, mostly on a sink's thread.
        on_trouble: Told (sink, problem) when one hangs, fails or falls behind; on any thread.
        policy: How patient to be.
        local: The file for critical alerts.
        wait: Waits that many seconds between attempts, or until the event is set.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        clock: Clock,
        on_delivered: Callable[[str, str], None] = _ignore,
        on_trouble: Callable[[str, str], None] = _ignore,
        policy: Policy | None = None,
        local: Path | None = None,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._policy = policy or Policy()
        self._ledger = Ledger(clock, self._policy.window, on_delivered)
        self._local = LocalLog(local)
        self._workers = [
            _Worker(route, self._ledger, self._policy, clock=clock, on_trouble=on_trouble, wait=wait)
            for route in routes
        ]

    def deliver(self, alert: Alert) -> None:
        """
        Hand an alert to the threads of the sinks that want it; never waits, never raises.
        """
        if alert.severity is Severity.CRITICAL:
            self._local.write(alert)
        workers = [worker for worker in self._workers if _wants(worker.route, alert)]
        entry = self._ledger.enter(alert, {worker.name for worker in workers})
        if entry is None:
            return
        for worker in workers:
            worker.offer(entry)

    def pending(self) -> tuple[Alert, ...]:
        """
        Return the alerts that some sink has yet to acknowledge and may still.
        """
        return self._ledger.pending()

    def check(self) -> tuple[str, ...]:
        """
        Return the names of sinks whose delivery is past its deadline; each is reported once.

        Also offers again, once a minute, what a sink refused too often.
        """
        for worker in self._workers:
            worker.offer_again()
        return tuple(worker.name for worker in self._workers if worker.hangs())

    def close(self, seconds: float = 0.0) -> None:
        """
        Let each sink finish its queue once, without retries, for at most that long in all.
        """
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            seconds = worker.join(seconds)


class _Worker:
    # One sink's thread and queue.

    def __init__(
        self,
        route: Route,
        ledger: Ledger,
        policy: Policy,
        *,
        clock: Clock,
        on_trouble: Callable[[str, str], None],
        wait: Callable[[threading.Event, float], object],
    ) -> None:
        self.route = route
        self.name = route.name
        self._ledger = ledger
        self._policy = policy
        self._clock = clock
        self._on_trouble = on_trouble
        self._wait = wait
        self._queue: deque[Entry] = deque()
        self._refused: list[Entry] = []
        self._refused_at = 0.0
        self._ready = threading.Condition()
        self._stopping = threading.Event()
        self._since: float | None = None
        self._reported = False
        self._thread = threading.Thread(target=self._run, name=f"ltm-alerts-{self.name}", daemon=True)
        self._thread.start()

    def offer(self, entry: Entry) -> None:
        with self._ready:
            room = len(self._queue) < self._policy.queue and not self._stopping.is_set()
            if room:
                self._queue.append(entry)
                self._ready.notify()
        if not room:
            self._ledger.given_up(entry, self.name)
            self._trouble("its queue is full: the alert stays in the outbox")
        self.hangs()

    def offer_again(self) -> None:
        with self._ready:
            if self._refused and self._clock.monotonic() - self._refused_at >= _LONGEST_BACK_OFF:
                self._queue.extend(self._refused)
                self._refused.clear()
                self._ready.notify()

    def hangs(self) -> bool:
        since = self._since
        if since is None or self._clock.monotonic() - since <= self._policy.deadline:
            return False
        if not self._reported:
            self._reported = True
            self._trouble(f"a delivery has taken more than {self._policy.deadline:g} s")
        return True

    def stop(self) -> None:
        with self._ready:
            self._stopping.set()
            self._ready.notify()

    def join(self, seconds: float) -> float:
        # Returns what is left of the seconds. A thread that hangs is a daemon: the process ends without it.
        started = self._clock.monotonic()
        self._thread.join(seconds)
        return max(0.0, seconds - (self._clock.monotonic() - started))

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            self._deliver(entry)

    def _next(self) -> Entry | None:
        with self._ready:
            while not self._queue:
                if self._stopping.is_set():
                    return None
                self._ready.wait()
            return self._queue.popleft()

    def _deliver(self, entry: Entry) -> None:
        delay = self._policy.back_off
        for attempt in range(1, self._policy.attempts + 1):
            problem = self._try(entry)
            if problem is None:
                self._ledger.delivered(entry, self.name)
                return
            self._trouble(f"attempt {attempt}: {problem}")
            if self._stopping.is_set() or attempt == self._policy.attempts:
                break
            self._wait(self._stopping, delay)
            delay = min(2 * delay, _LONGEST_BACK_OFF)
        self._refuse(entry)

    def _refuse(self, entry: Entry) -> None:
        with self._ready:
            kept = len(self._refused) < self._policy.queue
            if kept:
                self._refused.append(entry)
                self._refused_at = self._clock.monotonic()
        if not kept:
            self._ledger.given_up(entry, self.name)

    def _try(self, entry: Entry) -> str | None:
        self._since = self._clock.monotonic()
        try:
            self.route.sink.deliver(entry.alert)
        except BaseException as error:  # noqa: BLE001 - a sink is a plugin, and even SystemExit may only end itself
            return f"{type(error).__name__}: {error}"
        finally:
            self._since = None
            self._reported = False
        return None

    def _trouble(self, problem: str) -> None:
        with contextlib.suppress(Exception):  # whoever listens is no reason to stop delivering
            self._on_trouble(self.name, problem)


def _wants(route: Route, alert: Alert) -> bool:
    return _RANK[alert.severity] >= _RANK[route.minimum]
