"""
A terminal beside sessions that run in this process, over a real socket.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from ltm.core import events as e
from ltm.engine.control import address

if TYPE_CHECKING:
    from ltm.engine.engine import Engine

    from .conftest import Bench

Make = Callable[..., Any]
Talk = Callable[["Line"], Awaitable[None]]
DONE = {"kind": "done"}


@attrs.define
class Line:
    """
    A terminal next to a running session.
    """

    folder: Path

    async def say(self, text: bytes, *, eof: bool = False) -> list[dict[str, Any]]:
        """
        Send bytes, and return all answers.
        """
        reader, writer = await asyncio.open_unix_connection(self.folder / address.NAME)
        writer.write(text)
        if eof:
            writer.write_eof()
        answers = [json.loads(line) async for line in reader]
        writer.close()
        await writer.wait_closed()
        return answers

    async def ask(self, action: str, **fields: Any) -> list[dict[str, Any]]:
        return await self.say(json.dumps({"version": 1, "action": action, **fields}).encode() + b"\n")


async def drive(engine: "Engine") -> None:
    """
    Keep a session going; its market moves on while an order is open.
    """
    while True:
        while await engine.turn():  # noqa: ASYNC110 - others get their turn
            await asyncio.sleep(0)
        if engine.ready_to_end():
            await engine.end()
            return
        if engine.session.state.orders:
            await engine.advance()
        await asyncio.sleep(0.001)


async def until(condition: Callable[[], bool]) -> None:
    """
    Let the session work until something is so.
    """
    while not condition():  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.001)


def acted(bench: "Bench") -> list[tuple[str, str, str]]:
    return [
        (event.action, event.about, event.refused)
        for event in bench.events()
        if isinstance(event, e.OperatorActed)
    ]


def resting(bench: "Bench", price: float = 1.0) -> None:
    bench.engine.submit(bench.signal(quantity=10, order_type="limit", limit_price=price, time_in_force="gtc"))
