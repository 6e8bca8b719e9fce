"""
A second, tiny file that remembers how far each session's journal had got.

SQLite drops the end of a write-ahead log that is damaged or gone, and nothing in the database shows that
durable records went with it. The witness is written after every commit and not synchronised: it can be
older than the journal, never newer. A journal that ends before its witness has lost records.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from pathlib import Path

_BODY: Final = struct.Struct("<64sQ32s")
_CHECK: Final = struct.Struct("<I")
_SLOT: Final = 128


@attrs.frozen
class Mark:
    """
    The last record of a session that was durable when the witness was written.
    """

    sequence: int
    chain: bytes


class Witness:
    """
    One slot per session in a file beside the journal.
    """

    __slots__ = ("_descriptor", "_slots", "marks")

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, 0o600)
        content = os.read(self._descriptor, os.fstat(self._descriptor).st_size)
        found = read_slots(content)
        self.marks = {session_id: mark for session_id, (_, mark) in found.items()}
        self._slots = {session_id: slot for session_id, (slot, _) in found.items()}

    def note(self, session_id: str, sequence: int, chain: bytes) -> None:
        """
        Remember the last durable record of a session.
        """
        slot = self._slots.get(session_id)
        if slot is None:
            slot = self._slots[session_id] = self._free_slot()
        body = _BODY.pack(session_id.encode(), sequence, chain)
        os.lseek(self._descriptor, slot * _SLOT, os.SEEK_SET)
        os.write(self._descriptor, body + _CHECK.pack(zlib.crc32(body)))

    def close(self) -> None:
        """
        Close the file.
        """
        os.close(self._descriptor)

    def _free_slot(self) -> int:
        return max(self._slots.values(), default=-1) + 1


def read_slots(content: bytes) -> dict[str, tuple[int, Mark]]:
    """
    Return slot number and mark by session id; slots that are torn or damaged bear no witness.
    """
    found = {}
    for slot in range(-(-len(content) // _SLOT)):
        part = content[slot * _SLOT :][: _BODY.size + _CHECK.size]
        body, check = part[: _BODY.size], part[_BODY.size :]
        if len(check) != _CHECK.size or _CHECK.unpack(check)[0] != zlib.crc32(body):
            continue
        name, sequence, chain = _BODY.unpack(body)
        session_id = name.rstrip(b"\0").decode(errors="replace")
        found[session_id] = (slot, Mark(sequence, chain))
    return found


def read_marks(path: Path) -> dict[str, Mark]:
    """
    Return what a witness file remembers, nothing when there is none.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return {}
    return {session_id: mark for session_id, (_, mark) in read_slots(content).items()}
