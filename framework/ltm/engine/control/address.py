"""
The socket's place in the state directory, however long that is, and who is at the other end.
"""

from __future__ import annotations

import errno
import os
import socket as sockets
import struct
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "control.sock"
_LONGEST: Final = 100
"""Bytes that the address of a socket may have everywhere: the least that a system allows is 104."""
_DESCRIPTORS: Final = Path("/proc/self/fd")
_LOCAL_PEERCRED: Final = 1
"""The BSDs' way to ask for the other end's user, and macOS's."""


def is_possible() -> bool:
    """
    Return whether this system has what an operator's socket needs.
    """
    return hasattr(sockets, "AF_UNIX") and sys.platform != "win32"


def listen(directory: Path) -> sockets.socket:
    """
    Return a listening socket that only this user can reach.

    Whoever calls holds the state directory's lock: a socket that lies there is of a process that died.

    Raises:
        OSError: It cannot be made.
    """
    if not is_possible():
        raise OSError(errno.EAFNOSUPPORT, "this system has no Unix sockets")
    with suppress(FileNotFoundError):
        (directory / NAME).unlink()
    listener = sockets.socket(sockets.AF_UNIX)
    # The file must never be there with other rights than its owner's.
    before = os.umask(0o177)
    try:
        with _short(directory) as path:
            listener.bind(path)
        listener.listen()
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def connect(directory: Path, seconds: float) -> sockets.socket:
    """
    Return a connection to the process that runs there.

    Raises:
        OSError: There is none.
    """
    connection = sockets.socket(sockets.AF_UNIX)
    connection.settimeout(seconds)
    try:
        with _short(directory) as path:
            connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def remove(directory: Path) -> None:
    """
    Take the socket away.
    """
    with suppress(OSError):
        (directory / NAME).unlink()


@contextmanager
def _short(directory: Path) -> Iterator[str]:
    # An address has room for a hundred bytes; a longer directory is reached through its descriptor.
    path = directory / NAME
    if len(os.fsencode(path)) <= _LONGEST:
        yield os.fspath(path)
        return
    if not _DESCRIPTORS.exists():
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path))
    descriptor = os.open(directory, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        yield f"{_DESCRIPTORS}/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)


def own_uid() -> int:
    """
    Return this process's user; -1 where users have no numbers.
    """
    return os.getuid() if hasattr(os, "getuid") else -1


def peer_uid(connection: sockets.socket) -> int | None:
    """
    Return the user at the other end as the kernel knows it, None where it does not say (SEC-20).
    """
    with suppress(OSError, struct.error):
        if hasattr(sockets, "SO_PEERCRED"):
            credentials = connection.getsockopt(
                sockets.SOL_SOCKET, sockets.SO_PEERCRED, struct.calcsize("3i")
            )
            return int(struct.unpack("3i", credentials)[1])
        credentials = connection.getsockopt(0, _LOCAL_PEERCRED, 128)
        return int(struct.unpack_from("2I", credentials)[1])
    return None


def user_name(uid: int) -> str:
    """
    Return who a user is, in words: `alice (uid 1000)`.
    """
    try:
        import pwd

        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except (ImportError, KeyError, OverflowError):  # Windows has no such list
        return f"uid {uid}"
