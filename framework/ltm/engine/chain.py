"""
The hash chain that binds every record of a session to all records before it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from ltm.model.errors import JournalError
from ltm.ports.shell import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEADER: Final = b"ltm-journal\x1f1\x1f"


def genesis(session_id: str) -> bytes:
    """
    Return what the first record of a session is chained to.
    """
    return sha256(_HEADER + session_id.encode()).digest()


def link(  # noqa: PLR0917 - a call per record: keywords would cost more than the digest's bytes
    previous: bytes, sequence: int, kind: str, version: int, recorded_at: str, payload: bytes
) -> bytes:
    """
    Return the chain value of a record: a digest of the one before it and of all its columns.
    """
    # The separator cannot occur inside: kinds are identifiers, times ISO 8601, and the payload comes last.
    head = f"{sequence}\x1f{kind}\x1f{version}\x1f{recorded_at}\x1f"
    return sha256(b"".join((previous, head.encode(), payload))).digest()


def verified(
    session_id: str, rows: Iterable[tuple[int, str, int, str, bytes, bytes]], *, after: int, chain: bytes
) -> Iterator[Record]:
    """
    Yield rows as records, as long as each follows from the one before.

    Raises:
        JournalError: A record is missing, was edited, or belongs elsewhere; its sequence is named.
    """
    expected = after
    for sequence, kind, version, recorded_at, payload, stored in rows:
        expected += 1
        if sequence != expected:
            raise corrupt(session_id, expected, f"it is missing; the next one there is {sequence!r}")
        if type(payload) is not bytes or type(version) is not int:
            raise corrupt(session_id, expected, "its columns have the wrong types")
        chain = link(chain, sequence, kind, version, recorded_at, payload)
        if chain != stored:
            raise corrupt(session_id, expected, "its content does not match its chain value")
        yield Record(sequence, kind, version, recorded_at, payload, chain)


def corrupt(session_id: str, sequence: int, problem: str) -> JournalError:
    """
    Return the error for a journal that cannot be trusted from some record on.
    """
    return JournalError(
        f"journal of session {session_id} must be intact, got a bad record {sequence}: {problem}",
        code="LTM-JNL-003",
        got=sequence,
        hint="nothing was changed; see `ltm journal verify`, or restore a copy of the state directory",
    )


def out_of_step(session_id: str, sequence: int, expected: int) -> JournalError:
    """
    Return the error for a record whose sequence is not the next one.
    """
    return JournalError(
        f"journal of session {session_id}: sequence must be {expected}, got {sequence}",
        code="LTM-JNL-006",
        got=sequence,
    )
