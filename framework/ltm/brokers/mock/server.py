"""
`ltm mock-venue`: the venue as a process of its own, on a Unix socket, with a log of the truth and faults to order.

The market moves only when the customer asks for its next moment, so that a session and its market stay in step at any
speed, and a customer who was killed finds the market, its orders and its fills as it left them.

What a request causes travels with its reply. What no reply could carry travels with the next one, or is found by the
queries that follow a login. A login ends every earlier connection and whatever it had not got processed yet; a
submission or cancellation that its sender no longer waits for is dropped. So once an outcome is known, or a new
connection is logged in, no earlier request can take effect any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket as sockets
import threading
from typing import TYPE_CHECKING, Final

import attrs
import msgspec

from ltm.brokers.mock import wire
from ltm.brokers.mock.fault_file import read_faults
from ltm.brokers.mock.trouble import Trouble, spoiled
from ltm.brokers.mock.truth import Truth
from ltm.model.errors import AlreadyRunning, ConfigError, shown
from ltm.model.reports import BrokerEvent, FillReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ltm.brokers.mock.config import MockConfig
    from ltm.brokers.mock.faults import Fault
    from ltm.model.market import Quote

_GARBAGE: Final = b"<html><body>502 Bad Gateway</body></html>\n"


@attrs.define(eq=False)
class _Connection:
    number: int
    writer: asyncio.StreamWriter
    delayed: set[asyncio.Task[None]] = attrs.Factory(set)
    open: bool = True
    ended: asyncio.Event = attrs.Factory(asyncio.Event)

    def cut(self) -> None:
        self.open = False
        for task in self.delayed:
            task.cancel()
        self.writer.transport.abort()


class MockServer:
    """
    Serves one venue to one customer at a time.

    Args:
        trouble: The venue, its market, and what goes wrong.
        truth: The log.
    """

    def __init__(self, trouble: Trouble, truth: Truth) -> None:
        self._trouble: Final = trouble
        self._exchange: Final = trouble.exchange
        self._truth: Final = truth
        self._connections: Final[dict[int, _Connection]] = {}
        self._count = 0
        self._unsent: list[Quote | BrokerEvent] = []
        self._decode: Final = msgspec.json.Decoder(wire.Ask).decode
        self._encode: Final = msgspec.json.Encoder().encode

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """
        Answer one connection until it ends.
        """
        self._count += 1
        connection = self._connections[self._count] = _Connection(self._count, writer)
        self._truth.note("connected", self._exchange.now, connection=connection.number)
        # A connection that breaks or talks nonsense ends; the venue goes on.
        with contextlib.suppress(ConnectionError, ValueError, msgspec.MsgspecError):
            while connection.open and (line := await reader.readline()):
                self._take(connection, self._decode(line))
        connection.cut()
        del self._connections[connection.number]
        self._truth.note("disconnected", self._exchange.now, connection=connection.number)
        connection.ended.set()

    def cut_all(self) -> None:
        """
        End every connection.
        """
        for connection in self._connections.values():
            connection.cut()

    async def close(self) -> None:
        """
        End every connection, and return when the log says so.
        """
        connections = tuple(self._connections.values())
        self.cut_all()
        for connection in connections:
            await connection.ended.wait()

    def _take(self, connection: _Connection, ask: wire.Ask) -> None:
        self._truth.request(self._exchange.now, connection.number, ask)
        struck = self._trouble.strike(ask.request)
        for fault in struck:
            self._truth.note(
                "fault",
                self._exchange.now,
                verb=fault.verb,
                method=wire.method_of(ask.request),
                connection=connection.number,
                number=ask.number,
            )
        if self._trouble.swallows(ask.request, struck):
            return
        delay = sum(fault.seconds for fault in struck if fault.verb == "delay")
        if not delay:
            self._process(connection, ask, struck)
            return
        task = asyncio.get_running_loop().create_task(self._later(connection, ask, struck, delay))
        connection.delayed.add(task)
        task.add_done_callback(connection.delayed.discard)

    async def _later(
        self, connection: _Connection, ask: wire.Ask, struck: tuple[Fault, ...], delay: float
    ) -> None:
        await asyncio.sleep(delay)
        self._process(connection, ask, struck)

    def _process(self, connection: _Connection, ask: wire.Ask, struck: tuple[Fault, ...]) -> None:
        if ask.expires is not None and asyncio.get_running_loop().time() >= ask.expires:
            self._truth.note(
                "expired_request", self._exchange.now, connection=connection.number, number=ask.number
            )
            return
        if isinstance(ask.request, wire.Login):
            self._log_in(connection)
        try:
            answer = self._trouble.answer(ask.request, struck)
        except ConfigError as error:
            connection.writer.write(
                self._encode(wire.Reply(ask.number, self._exchange.now, error=error.message)) + b"\n"
            )
            return
        events = self._exchange.take_events()
        self._truth.events(self._exchange.now, events)
        self._unsent += events
        verbs = {fault.verb for fault in struck}
        if "restart" in verbs:
            self.cut_all()
        elif "drop_reply" not in verbs:
            self._reply(connection, ask, answer, verbs)

    def _log_in(self, connection: _Connection) -> None:
        for other in self._connections.values():
            if other is not connection:
                other.cut()
        self._unsent.clear()

    def _reply(self, connection: _Connection, ask: wire.Ask, answer: object, verbs: set[str]) -> None:
        if "garbage" in verbs:
            connection.writer.write(_GARBAGE)
            return
        events: list[Quote | BrokerEvent] = []
        if not isinstance(ask.request, (wire.Peek, wire.Tell)):
            events, self._unsent = spoiled(self._unsent, verbs), []
        reply = wire.Reply(
            number=ask.number,
            time=self._exchange.now,
            answer=msgspec.Raw(self._encode(answer)),
            events=wire.sent(events),
            progress=self._exchange.progress(),
            price_interval=self._exchange.price_interval,
        )
        fills = [event.fill_id for event in events if isinstance(event, FillReport)]
        if fills or not isinstance(ask.request, wire.Advance):
            self._truth.note(
                "reply", self._exchange.now, connection=connection.number, number=ask.number, fills=fills
            )
        connection.writer.write(self._encode(reply) + b"\n")


async def serve_async(  # noqa: PLR0917 - as `serve`
    config: MockConfig,
    socket: Path,
    log: Path,
    faults: Path | None = None,
    seed: int = 1,
    ready: Callable[[], object] = lambda: None,
    stop: asyncio.Event | None = None,
) -> None:
    """
    Serve a venue until `stop` is set or the process is told to end.

    Args:
        config: The market and the terms; `seed` replaces the one in it.
        socket: Where to listen; readable by this user only.
        log: The log of the truth.
        faults: The fault file, if anything is to go wrong.
        seed: Seed of a synthetic market and of the faults.
        ready: Called when the venue listens.
        stop: Set it to end.

    Raises:
        ConfigError: The prices, the fault file, the log or the socket cannot be used.
        AlreadyRunning: Another venue listens on this socket.
    """
    table = read_faults(faults) if faults is not None else ()
    config = attrs.evolve(config, seed=seed, socket=None)
    trouble = Trouble(config, table)
    listener = _listen(socket)
    try:
        truth = Truth(log)
    except OSError as error:
        listener.close()
        unusable = _unusable("log", log, error)
        raise unusable from None
    trouble.truth = truth
    symbols = [known.symbol for known in trouble.venue.instruments]
    truth.note("started", trouble.exchange.now, seed=seed, symbols=symbols)
    stop = stop or asyncio.Event()
    _stop_on_signals(stop)
    server = MockServer(trouble, truth)
    listening = await asyncio.start_unix_server(server.serve, sock=listener, limit=wire.LINE_LIMIT)
    try:
        ready()
        await stop.wait()
    finally:
        listening.close()
        await server.close()
        truth.note("stopped", trouble.exchange.now)
        truth.close()
        _remove(socket)


def serve(  # noqa: PLR0917 - the options of `ltm mock-venue`, in their order
    config: MockConfig,
    socket: Path,
    log: Path,
    faults: Path | None = None,
    seed: int = 1,
    ready: Callable[[], object] = lambda: None,
) -> None:
    """
    Serve a venue until the process is told to end; see `serve_async`.

    Raises:
        ConfigError: The prices, the fault file, the log or the socket cannot be used.
        AlreadyRunning: Another venue listens on this socket.
    """
    asyncio.run(serve_async(config, socket, log, faults, seed, ready))


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _stop_on_signals(stop: asyncio.Event) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


def _listen(path: Path) -> sockets.socket:
    # A socket file outlives its process: it may be taken over only if nobody answers behind it.
    if path.is_socket():
        probe = sockets.socket(sockets.AF_UNIX)
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
        else:
            message = f"socket must be free, got {shown(str(path))}: another venue listens there"
            raise AlreadyRunning(message, field="socket", hint="end that venue, or name another socket")
        finally:
            probe.close()
    listener = sockets.socket(sockets.AF_UNIX)
    # The file must never be there with other rights than its owner's.
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        unusable = _unusable("socket", path, error)
        raise unusable from None
    finally:
        os.umask(before)
    return listener


def _unusable(field: str, path: Path, error: OSError) -> ConfigError:
    message = f"{field} must be a path that can be used, got {shown(str(path))}: {error.strerror or error}"
    return ConfigError(
        message, code="LTM-CFG-094", field=field, got=str(path), hint="check folder, rights and length"
    )
