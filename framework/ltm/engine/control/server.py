"""
The control server of `ltm run`: takes what an operator asks for, and hands it to the one writer of the session.

It decides nothing and touches no state: every request becomes a command in the session's queue, between two of
whatever else is there, and is answered once its records are durable (F43).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from ltm.core import commands as c
from ltm.core.control import is_flat
from ltm.core.text import clean
from ltm.engine.control import address, wire
from ltm.engine.control.look import attest_end, look, note_silence
from ltm.engine.control.orders import is_settled, outcome_of
from ltm.engine.control.requests import about_of, chosen, commands_of
from ltm.model.enums import Purpose
from ltm.model.errors import LtmError

if TYPE_CHECKING:
    import socket as sockets
    from pathlib import Path

    from ltm.core.state import State
    from ltm.engine.engine import Engine
    from ltm.model.results import Attestation

MOST_CONNECTIONS: Final = 16
POLL: Final = 0.05
"""Seconds between two looks at what is waited for; only while somebody waits."""
Send = Callable[[wire.Answer], Awaitable[None]]


class ControlServer:
    """
    Serves all sessions of one process.

    Args:
        engines: The sessions.
        directory: The state directory; its lock is held.
        owner: The only user who is answered.
    """

    def __init__(self, engines: Sequence[Engine], directory: Path, owner: int | None = None) -> None:
        self._engines: Final = {engine.session.state.spec.session_id: engine for engine in engines}
        self._directory: Final = directory
        self._owner: Final = owner if owner is not None else address.own_uid()
        self._server: asyncio.Server | None = None
        self._serving: Final[set[asyncio.Task[None]]] = set()
        self._strangers: Final[set[int | None]] = set()

    async def open(self) -> None:
        """
        Begin to listen.

        Raises:
            OSError: The socket cannot be made.
        """
        listener = address.listen(self._directory)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=wire.LINE_LIMIT)

    async def close(self, seconds: float) -> None:
        """
        Stop listening, and give answers that are under way a moment.
        """
        if self._server is None:
            return
        self._server.close()
        address.remove(self._directory)
        if self._serving:
            await asyncio.wait(self._serving, timeout=seconds)
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    # --- One connection -------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

        async def send(answer: wire.Answer) -> None:
            writer.write(wire.encode(answer) + b"\n")
            await writer.drain()

        # Whoever hangs up, hangs up: what was asked for stands.
        try:
            with suppress(ConnectionError):
                await self._answer(reader, writer, send)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, send: Send) -> None:
        # Read before it is judged: what is hung up on unread, never hears why.
        busy = len(self._serving) > MOST_CONNECTIONS
        try:
            line = await asyncio.wait_for(reader.readline(), wire.SEND_SECONDS)
        except TimeoutError:
            await send(wire.Refused(code="LTM-CTL-001", message="a request must arrive within 5 s"))
            return
        except ValueError as error:
            await send(_unreadable(error))
            return
        uid = _uid_of(writer)
        if uid is None or uid != self._owner:
            self._report_stranger(uid)
            await send(wire.Refused(code="LTM-CTL-003", message="this session belongs to another user"))
        elif busy:
            await send(
                wire.Refused(code="LTM-CTL-004", message="too many requests at once", hint="ask again")
            )
        else:
            await self._grant(line, uid, send)

    def _report_stranger(self, uid: int | None) -> None:
        # The directory keeps strangers out: one who gets as far as this is news, once.
        if uid in self._strangers:
            return
        self._strangers.add(uid)
        for engine in self._engines.values():
            who = "somebody" if uid is None else address.user_name(uid)
            engine.post(
                c.RaiseAlert("critical", "control_refused", f"{who} tried to control the session and may not")
            )

    # --- One request ----------------------------------------------------------------------------

    async def _grant(self, line: bytes, uid: int, send: Send) -> None:
        try:
            ask = wire.decode_ask(line)
        except wire.Unreadable as error:
            await send(_unreadable(error))
            return
        place = f"on {clean(ask.tty)}" if ask.tty else "without a terminal"
        by = f"{address.user_name(uid)} {place}"
        try:
            for engine in chosen(self._engines, ask):
                await self._carry_out(engine, ask, by, send)
        except LtmError as error:
            await send(
                wire.Refused(
                    code=error.code, message=error.message, hint=error.hint, exit_code=error.exit_code
                )
            )
        else:
            await send(wire.Done())

    async def _carry_out(self, engine: Engine, ask: wire.AnyAsk, by: str, send: Send) -> None:
        commands = commands_of(engine.session.state, ask, by)
        since = engine.session.state.sequence
        restore = _lift_flag(engine, ask)
        if isinstance(ask, wire.Stop):
            attest_end(engine)
        try:
            for command in commands:
                action, about = about_of(ask, command)
                await _request(engine, c.ByOperator(command, action, by, ask.reason, about))
        except BaseException:
            restore()
            raise
        await send(_accepted(engine, by, len(commands)))
        if isinstance(ask, (wire.Stop, wire.Flatten, wire.Kill)):
            await send(wire.Attested(attestation=await self._see_through(engine, ask, send)))
        elif isinstance(ask, (wire.Cancel, wire.Replace)):
            await _wait(engine, partial(is_settled, engine, ask.client_order_id), ask.seconds, send)
            await send(outcome_of(engine, ask, since))

    async def _see_through(
        self, engine: Engine, ask: wire.Stop | wire.Flatten | wire.Kill, send: Send
    ) -> Attestation:
        state, hand = engine.session.state, partial(_request, engine)
        match ask:
            case wire.Stop():
                await _wait(engine, lambda: False, wire.STOP_SECONDS, send)
                return await _last_word(engine, "the session has not ended yet")
            case wire.Flatten():
                await _wait(engine, lambda: is_flat(state, ask.symbol), ask.seconds, send)
                if engine.stopped:
                    return await _last_word(engine, "the session ended before the venue was asked")
                return await look(engine, hand, symbol=ask.symbol, flat=True)
            case wire.Kill():
                return await _confirm_kill(engine, ask, send)


def _unreadable(error: Exception) -> wire.Refused:
    hint = "use the ltm that runs the session"
    return wire.Refused(code="LTM-CTL-001", message=clean(str(error)), hint=hint)


def _uid_of(writer: asyncio.StreamWriter) -> int | None:
    connection: sockets.socket | None = writer.get_extra_info("socket")
    return None if connection is None else address.peer_uid(connection)


def _lift_flag(engine: Engine, ask: wire.AnyAsk) -> Callable[[], None]:
    # Whoever acknowledges a kill takes its flag away too, or it would strike again; if the session then
    # refuses, the flag is put back. Meanwhile the latch itself keeps everything in.
    switch = engine.kill_switch
    is_meant = isinstance(ask, wire.Resume) and "kill" in ask.acknowledge
    if not is_meant or switch is None or "kill" not in engine.session.state.latches or not switch.is_set():
        return lambda: None
    reason = switch.reason()
    switch.clear()
    return lambda: switch.set(reason)


async def _request(engine: Engine, command: c.AnyCommand) -> None:
    await asyncio.wrap_future(engine.request(command))


async def _deaf(command: c.AnyCommand) -> None:
    # Of a session that has ended, or hangs, nothing can be written down any more.
    del command


async def _wait(engine: Engine, is_done: Callable[[], bool], seconds: float, send: Send) -> None:
    loop = asyncio.get_running_loop()
    end, told = loop.time() + seconds, (0, 0)
    while not engine.stopped and not is_done() and loop.time() < end:
        now = _left(engine.session.state)
        if now != told:
            told = now
            await send(
                wire.Progress(
                    session_id=engine.session.state.spec.session_id, open_orders=now[0], positions=now[1]
                )
            )
        await asyncio.sleep(POLL)


def _left(state: State) -> tuple[int, int]:
    own = sum(order.purpose is not Purpose.FOREIGN for order in state.orders.values())
    return own, len(state.held())


async def _last_word(engine: Engine, otherwise: str) -> Attestation:
    found = engine.surroundings.last_word
    return found if found is not None else await note_silence(engine, _deaf, otherwise)


async def _confirm_kill(engine: Engine, ask: wire.Kill, send: Send) -> Attestation:
    state, hand = engine.session.state, partial(_request, engine)

    def is_done() -> bool:
        left = (ask.foreign or order.purpose is not Purpose.FOREIGN for order in state.orders.values())
        return not state.link_up or not any(left)

    await _wait(engine, is_done, ask.seconds, send)
    if engine.stopped:
        return await note_silence(engine, _deaf, "the session ended before the venue was asked")
    if not state.link_up:
        why = "the link to the venue is down: cancels go first when it is back"
        return await note_silence(engine, hand, why, foreign=ask.foreign)
    return await look(engine, hand, foreign=ask.foreign)


def _accepted(engine: Engine, by: str, count: int) -> wire.Accepted:
    state = engine.session.state
    return wire.Accepted(
        session_id=state.spec.session_id,
        by=by,
        at=engine.session.context.now,
        lifecycle=str(state.lifecycle),
        trading_state=str(state.trading_state),
        reasons=tuple(state.latches),
        sequence=state.sequence,
        count=count,
    )
