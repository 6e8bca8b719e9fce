"""
Snapshots of a session's state: files that are whole or not there (K11), the last two of each session.
"""

from __future__ import annotations

import contextlib
import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import attrs
import msgspec

from ltm.engine.clock import fsync, fsync_directory
from ltm.model.errors import JournalError, shown

if TYPE_CHECKING:
    from pathlib import Path

_KEPT: Final = 2


class _Head(msgspec.Struct, frozen=True):
    session_id: str
    sequence: int
    chain: str
    digest: str


@attrs.frozen
class Snapshot:
    """
    The state after a record, and that record's chain value: the history it belongs to.
    """

    sequence: int
    chain: bytes
    state: bytes


class SnapshotFolder:
    """
    The directory of all sessions' snapshots.
    """

    __slots__ = ("_folder",)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, session_id: str, snapshot: Snapshot) -> None:
        """
        Write a snapshot durably, then drop all but the last two.

        Raises:
            JournalError: The disk refused; what was there before still is.
        """
        target = self._folder / f"{session_id}.{snapshot.sequence:020d}.snapshot"
        draft = self._folder / f"{session_id}.tmp"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            _write(draft, _head(session_id, snapshot) + b"\n" + snapshot.state)
            draft.replace(target)
            fsync_directory(self._folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            hint = "free some space; the journal itself is complete"
            message = f"snapshot {shown(str(target))} cannot be written: {error.strerror}"
            raise JournalError(message, code="LTM-JNL-007", hint=hint) from error
        self._forget_older(session_id)

    def load(self, session_id: str) -> Snapshot | None:
        """
        Return the newest snapshot whose digest is right, or None.
        """
        for path in self._files(session_id):
            snapshot = _read(path, session_id)
            if snapshot is not None:
                return snapshot
        return None

    def _files(self, session_id: str) -> list[Path]:
        # Newest first. A session id may itself end in dots and digits, hence the full match.
        name = re.compile(re.escape(session_id) + r"\.\d{20}\.snapshot")
        try:
            found = [path for path in self._folder.iterdir() if name.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        return sorted(found, reverse=True)

    def _forget_older(self, session_id: str) -> None:
        for path in self._files(session_id)[_KEPT:]:
            with contextlib.suppress(OSError):  # one too many does no harm
                path.unlink()


def _digest(session_id: str, snapshot: Snapshot) -> str:
    head = f"{session_id}\x1f{snapshot.sequence}\x1f".encode()
    return sha256(head + snapshot.chain + snapshot.state).hexdigest()


def _head(session_id: str, snapshot: Snapshot) -> bytes:
    digest = _digest(session_id, snapshot)
    return msgspec.json.encode(_Head(session_id, snapshot.sequence, snapshot.chain.hex(), digest))


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, flags, 0o600), "wb") as file:  # noqa: PTH123 - a Path cannot open a descriptor
        file.write(content)
        file.flush()
        fsync(file.fileno())


def _read(path: Path, session_id: str) -> Snapshot | None:
    try:
        line, _, state = path.read_bytes().partition(b"\n")
        head = msgspec.json.decode(line, type=_Head)
        snapshot = Snapshot(head.sequence, bytes.fromhex(head.chain), state)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    return snapshot if head.digest == _digest(session_id, snapshot) else None
