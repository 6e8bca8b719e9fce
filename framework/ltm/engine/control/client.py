"""
Asking a running process for something, from another terminal.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from ltm.engine.control import address, wire
from ltm.model.errors import InvalidTransition, JournalError, LtmError, shown

if TYPE_CHECKING:
    import socket as sockets
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE: Final = 5.0
"""Seconds until the first answer: a session that is alive needs a few thousandths of one."""
_SLACK: Final = 15.0
"""Seconds beyond what was asked for until a process that said yes counts as hanging."""


class NobodyListens(InvalidTransition):
    """
    No process runs in this state directory.
    """

    default_code = "LTM-CTL-005"


class NoAnswer(LtmError):
    """
    The process took the request and says nothing: nobody knows whether it was done.
    """

    exit_code = 6
    default_code = "LTM-CTL-006"


def ask(directory: Path, request: wire.AnyAsk, *, patience: float = PATIENCE) -> Iterator[wire.Answer]:
    """
    Ask, and yield the answers as they come.

    Args:
        directory: The state directory.
        request: What is asked for.
        patience: Seconds until the first answer.

    Raises:
        NobodyListens: No process runs there.
        NoAnswer: It does not answer, or ended before it did.
        LtmError: It refuses; with its code, message and exit code.
    """
    with _connected(directory, patience) as connection, connection.makefile("rb") as lines:
        try:
            connection.sendall(wire.encode_ask(request) + b"\n")
        except OSError as error:
            raise _silent(str(error)) from error
        while True:
            answer = _next(lines)
            match answer:
                case wire.Done():
                    return
                case wire.Refused():
                    raise _refusal(answer)
                case _:
                    yield answer
            connection.settimeout(_patience_after(request))


def _patience_after(request: wire.AnyAsk) -> float:
    if isinstance(request, wire.Stop):
        return wire.STOP_SECONDS + _SLACK
    if isinstance(request, (wire.Flatten, wire.Kill, wire.Cancel, wire.Replace)):
        return _SLACK + request.seconds
    return _SLACK


def _connected(directory: Path, patience: float) -> sockets.socket:
    if not address.is_possible():
        message = "this system has no Unix sockets, so that a running session takes no requests"
        raise NobodyListens(
            message, hint="ltm kill works by its flag; Ctrl-C in the session's terminal stops it"
        )
    try:
        return address.connect(directory, patience)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR}:
            message = f"no process runs in {shown(str(directory))}"
            raise NobodyListens(message, field="state directory", got=str(directory)) from error
        raise _silent(str(error)) from error


def _next(lines: BinaryIO) -> wire.Answer:
    try:
        line = lines.readline()
    except OSError as error:
        raise _silent(str(error) or "it took too long") from error
    if not line:
        raise _silent()
    try:
        answer: wire.Answer = wire.decode_answer(line)
    except msgspec.MsgspecError as error:
        message = f"the process that runs the session answers in words that are not known here: {error}"
        raise NoAnswer(message, hint="use the ltm that runs the session") from error
    return answer


def _silent(why: str = "it ended before") -> NoAnswer:
    message = (
        f"the process that runs the session does not answer: {why}; it may have done what was asked, or not"
    )
    hint = "ltm status shows the journal; ltm kill stops it for certain, ltm kill --direct without its help"
    return NoAnswer(message, hint=hint)


_KINDS: Final[dict[int, type[LtmError]]] = {2: InvalidTransition, 3: JournalError}


def _refusal(answer: wire.Refused) -> LtmError:
    return _KINDS.get(answer.exit_code, LtmError)(answer.message, code=answer.code, hint=answer.hint)
