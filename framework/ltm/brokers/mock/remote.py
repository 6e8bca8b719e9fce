"""
The way to a venue behind a Unix socket: questions out, replies in, and honesty about what is not known.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ltm.brokers.mock import wire
from ltm.brokers.mock.door import Unanswered, Unreachable, nobody
from ltm.model.errors import ConfigError
from ltm.model.reports import AccountReport, LinkReport

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ltm.ports import Deliver

_SILENCES: Final = 3
"""Questions in a row without an answer, and without anything else heard, after which a connection counts as dead."""
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(wire.Reply).decode


class SocketDoor:
    """
    A connection that is made when it is needed, and made again when it was lost.

    Args:
        path: The socket of `ltm mock-venue`.
        timeout: Real seconds to wait for a reply.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path: Final = path
        self._timeout: Final = timeout
        self._deliver: Deliver = nobody
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._waiting: Final[dict[int, asyncio.Future[wire.Reply]]] = {}
        self._last: wire.Reply | None = None
        self._number = 0
        self._lost = False
        self._silent = 0
        self._why = ""
        self._subscriptions: Final[list[wire.Instruments]] = []

    @property
    def price_interval(self) -> float:
        """
        Seconds between prices where they come in steps, else 0.

        Raises:
            Unreachable: Nothing is known of the venue yet, and it does not answer.
        """
        return self._known().price_interval

    @property
    def now(self) -> datetime:
        """
        The market's time as of the last reply.

        Raises:
            Unreachable: As `price_interval`.
        """
        return self._known().time

    @property
    def progress(self) -> float | None:
        """
        How far the market has come as of the last reply.

        Raises:
            Unreachable: As `price_interval`.
        """
        return self._known().progress

    async def open(self, deliver: Deliver) -> AccountReport:
        """
        Log in.

        Raises:
            BrokerConnectionError: The venue cannot be reached or does not answer.
        """
        self._deliver = deliver
        self._subscriptions.clear()
        return await self._log_in()

    async def close(self) -> None:
        """
        Leave.
        """
        self._deliver = nobody
        await self._hang_up()

    async def ask(self, request: wire.Request) -> Any:  # noqa: ANN401 - `wire.ANSWERS` says what of which request
        """
        Return the answer; events went to `deliver` before.

        Raises:
            Unreachable: It was not sent.
            Unanswered: Nobody knows.
        """
        if self._writer is None:
            await self._reconnect()
        if isinstance(request, wire.Instruments) and request not in self._subscriptions:
            self._subscriptions.append(request)
        return await self._exchange(request)

    async def _reconnect(self) -> None:
        try:
            await self._log_in()
            # A login forgets whose prices were wanted.
            for subscription in self._subscriptions:
                await self._exchange(subscription)
        except Unanswered as error:
            await self._hang_up()
            raise Unreachable(error.message) from None
        if self._lost:
            self._lost = False
            self._deliver(LinkReport(up=True, at=self.now))

    async def _log_in(self) -> AccountReport:
        await self._hang_up()
        self._silent, self._why = 0, ""
        try:
            reader, self._writer = await asyncio.open_unix_connection(self._path, limit=wire.LINE_LIMIT)
        except OSError as error:
            raise _unreachable(self._path, error) from None
        self._listening = asyncio.get_running_loop().create_task(self._listen(reader, self._writer))
        account: AccountReport = await self._exchange(wire.Login())
        return account

    async def _exchange(self, request: wire.Request) -> Any:  # noqa: ANN401 - as `ask`
        loop = asyncio.get_running_loop()
        writer = self._writer
        if writer is None or writer.is_closing():
            message = "the connection to the mock venue is closed"
            raise Unreachable(message)
        self._number += 1
        expires = loop.time() + self._timeout if isinstance(request, (wire.Submit, wire.Cancel)) else None
        reply = self._waiting[self._number] = loop.create_future()
        number = self._number
        writer.write(_encode(wire.Ask(number, request, expires)) + b"\n")
        try:
            answer = await asyncio.wait_for(reply, self._timeout)
        except TimeoutError:
            self._note_silence(writer)
            message = f"no answer from the mock venue within {self._timeout:g} s"
            raise Unanswered(message) from None
        finally:
            self._waiting.pop(number, None)
        if answer.error is not None:
            raise ConfigError(answer.error, code="LTM-CFG-093", field="faults")
        return msgspec.json.decode(answer.answer, type=wire.ANSWERS[type(request)])

    def _note_silence(self, writer: asyncio.StreamWriter) -> None:
        # A peer that is gone without a word keeps its connection open for ever (F12).
        self._silent += 1
        if self._silent >= _SILENCES:
            self._why = f"the mock venue left {self._silent} questions in a row unanswered"
            writer.transport.abort()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                # A line that cannot be read answers nothing: its question stays open and times out.
                with contextlib.suppress(msgspec.MsgspecError):
                    self._hear(_decode(line))
        writer.close()
        self._writer = None
        self._fail_all()
        self._lost = True
        at = self._last.time if self._last is not None else None
        if at is not None:
            reason = self._why or "the mock venue closed the connection"
            self._deliver(LinkReport(up=False, at=at, reason=reason))

    def _hear(self, reply: wire.Reply) -> None:
        self._last = reply
        self._silent = 0
        for event in reply.events:
            self._deliver(wire.received(event))
        future = self._waiting.pop(reply.number, None)
        if future is not None and not future.done():
            future.set_result(reply)

    async def _hang_up(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            await asyncio.wait({listening})
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        self._fail_all()

    def _fail_all(self) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Unanswered("the connection to the mock venue was lost"))

    def _known(self) -> wire.Reply:
        if self._last is None:
            self._last = self._peek()
        return self._last

    def _peek(self) -> wire.Reply:
        # Asked before there is a connection, and outside of any event loop.
        return _ask_once(self._path, wire.Peek(), self._timeout)


def tell(path: Path, faults: str, timeout: float = 5.0) -> list[str]:
    """
    Order more faults at a venue that runs, whoever its customer is; return what came of each.

    Args:
        path: The socket of `ltm mock-venue`.
        faults: In the words of a fault file.
        timeout: Real seconds to wait for a reply.

    Raises:
        ConfigError: They make no sense.
        BrokerConnectionError: The venue cannot be reached.
    """
    reply = _ask_once(path, wire.Tell(faults), timeout)
    if reply.error is not None:
        raise ConfigError(reply.error, code="LTM-CFG-093", field="faults")
    told: list[str] = msgspec.json.decode(reply.answer, type=list[str])
    return told


def _ask_once(path: Path, request: wire.Request, timeout: float) -> wire.Reply:
    # It logs nobody out.
    try:
        with sockets.socket(sockets.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(str(path))
            connection.sendall(_encode(wire.Ask(0, request)) + b"\n")
            with connection.makefile("rb") as lines:
                return _decode(lines.readline(wire.LINE_LIMIT))
    except (OSError, msgspec.MsgspecError) as error:
        raise _unreachable(path, error) from None


def _unreachable(path: Path, error: Exception) -> Unreachable:
    why = getattr(error, "strerror", None) or error
    message = f"the mock venue cannot be reached at {path}: {why}"
    return Unreachable(message, hint=f"start it: ltm mock-venue --socket {path} --log venue.jsonl")
