"""
The two ways to drive an engine: at once, without an event loop, or inside asyncio.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ltm.engine.engine import Engine
from ltm.model.enums import Lifecycle
from ltm.model.errors import PluginError

T = TypeVar("T")
Pause = Callable[[Engine], Coroutine[Any, Any, None]]


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """
    Run a coroutine that never waits, without an event loop.

    Raises:
        PluginError: It did wait: what it calls cannot be simulated.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    message = "this broker waits for something outside: it cannot be simulated"
    raise PluginError(message, code="LTM-PLG-020", hint='use ltm run, or the "mock" broker in process')


async def no_pause(engine: Engine) -> None:
    """
    Go on at once: the market's time is the only time there is.
    """
    del engine


async def work(engine: Engine, pause: Pause) -> None:
    """
    Keep a started engine going until its session has stopped.

    Args:
        engine: Started.
        pause: Called after every turn; decides how long to wait for more.
    """
    while True:
        while await engine.turn():
            await pause(engine)
            # A real market may never fall silent: the end is looked for between two of its prices too.
            if engine.market.paced is None:
                break
        if engine.ready_to_end():
            break
        if not await engine.advance():
            if engine.idle_for_good and engine.session.state.lifecycle is not Lifecycle.STOPPING:
                engine.stop("ltm", "no more prices or signals")
            elif engine.market.over and engine.session.state.lifecycle is Lifecycle.STOPPING:
                break
        await pause(engine)
    await engine.end()
