"""
Driving engines inside asyncio: real venues, real time, real signals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from ltm.engine.engine import Engine
from ltm.ports.shell import Clock

BREATH: Final = 0.02
"""Seconds of work between two looks at the outside while a market runs at full speed."""
IDLE: Final = 0.25
"""Longest wait for input; timers are looked at that often."""


@attrs.define(kw_only=True, eq=False)
class LiveDriver:
    """
    Keeps one engine going in the running loop.
    """

    engine: Engine
    clock: Clock
    """The machine's."""
    speed: float | None = None
    """Market seconds a second for a market that owns its time; None: full speed."""
    beat: Callable[[], None] = lambda: None
    """Called after every turn, signal and effect: the watchdog's proof of life."""
    _loop: asyncio.AbstractEventLoop = attrs.field(init=False)
    _woken: asyncio.Event = attrs.Factory(asyncio.Event)
    _tasks: set[asyncio.Task[None]] = attrs.Factory(set)
    _breathed_at: float = 0.0
    _began: tuple[float, datetime] | None = None

    def __attrs_post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        engine = self.engine
        engine.wake = self._wake
        engine.beat = self.beat
        if engine.market.paced is None:
            engine.inline = False
            engine.spawn = self._spawn
            deadline = engine.session.state.spec.submit_deadline
            engine.performer.deadline = lambda call: _bounded(call, deadline)
        elif self.speed is not None:
            engine.market.horizon = self._horizon

    def _wake(self) -> None:
        # May be called from a source's or a sink's thread.
        try:
            running = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            running = False
        if running:
            self._woken.set()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _horizon(self) -> datetime:
        paced = self.engine.market.paced
        if paced is None or self.speed is None:
            return self.clock.now()
        if self._began is None:
            self._began = (self.clock.monotonic(), paced.market_time())
        began, start = self._began
        return start + timedelta(seconds=(self.clock.monotonic() - began) * self.speed)

    async def pause(self, engine: Engine) -> None:
        """
        Let the outside in; wait for input where there is nothing to do.
        """
        self.beat()
        full_speed = engine.market.paced is not None and self.speed is None and engine.session.state.link_up
        if full_speed or engine.inputs:
            now = self.clock.monotonic()
            if now - self._breathed_at >= BREATH:
                self._breathed_at = now
                await asyncio.sleep(0)
            return
        self._woken.clear()
        wait = BREATH if self.speed is not None else IDLE
        try:
            await asyncio.wait_for(self._woken.wait(), wait)
        except TimeoutError:
            return

    async def drain_tasks(self, seconds: float) -> None:
        """
        Give calls that are under way a moment to come back.
        """
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in self._tasks:
            task.cancel()


async def _bounded(call: Awaitable[Any], seconds: float) -> Any:  # noqa: ANN401 - whatever the call returns
    return await asyncio.wait_for(call, seconds)
