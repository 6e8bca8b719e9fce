"""
Single instance: lock files that are held for the life of a process and never removed (F33, F34).

A removed lock file is a new file to the next process, which would then hold "the" lock too. The kernel
releases a lock when its process dies, so a lock file by itself says nothing: only holding it does.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final, Self

import attrs
import msgspec

from ltm.engine.clock import ProcessIdentity, pause, process_identity
from ltm.model.errors import AlreadyRunning, JournalError, shown

if TYPE_CHECKING:
    from pathlib import Path

_ATTEMPTS: Final = 100
_READS: Final = 20
_READ_PAUSE: Final = 0.01

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        # Far beyond the content: Windows forbids reading a locked range, and we want to name the holder.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class FileLock:
    """
    An exclusive lock that this process holds until `release` or its death.
    """

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path, what: str) -> None:
        """
        Take the lock, or raise.

        Args:
            path: The lock file; made when it is not there.
            what: What it stands for, such as `session demo`, for the message.

        Raises:
            AlreadyRunning: Another process, or another session of this one, holds it.
            JournalError: The file cannot be opened or locked.
        """
        self.path = path
        self._descriptor: int | None = _acquire(path, what)

    @property
    def held(self) -> bool:
        """
        Whether the lock is held and its file is still the one that others would lock.
        """
        return self._descriptor is not None and _is_same_file(self._descriptor, self.path)

    def release(self) -> None:
        """
        Give the lock up; the file stays.
        """
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _acquire(path: Path, what: str) -> int:
    for _ in range(_ATTEMPTS):
        descriptor = _open(path)
        try:
            locked = _try_lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise _cannot_lock(path, error) from error
        if not locked:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise _already_running(what, holder)
        # Somebody may have removed the file between our opening and locking it: then we hold nothing.
        if _is_same_file(descriptor, path):
            _sign(descriptor)
            return descriptor
        os.close(descriptor)
    message = f"lock file {shown(str(path))} must stay in place, but is removed again and again"
    raise JournalError(message, code="LTM-DIR-006", hint="find out what removes it")


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        raise _cannot_lock(path, error) from error


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def _sign(descriptor: int) -> None:
    # One write, so that a reader sees the line before or after, padded over whatever was there.
    line = msgspec.json.encode(process_identity()).ljust(max(1, os.fstat(descriptor).st_size))
    with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, line)


def _holder(descriptor: int) -> ProcessIdentity | None:
    # The holder may have taken the lock a moment ago and be about to sign, or the line may be a dead process's.
    identity = None
    for _ in range(_READS):
        os.lseek(descriptor, 0, os.SEEK_SET)
        with contextlib.suppress(msgspec.MsgspecError, OSError):
            identity = msgspec.json.decode(os.read(descriptor, 4096), type=ProcessIdentity)
            if is_alive(identity):
                return identity
        pause(_READ_PAUSE)
    return identity


def is_alive(identity: ProcessIdentity) -> bool:
    """
    Return whether a process still runs here, as far as this machine can tell; unsure counts as yes.
    """
    here = process_identity()
    if identity.host != here.host:
        return True
    if identity.boot_id != here.boot_id:
        return False
    if os.name == "nt":  # there, signal 0 would end the process
        return True
    try:
        os.kill(identity.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@attrs.frozen
class Holder:
    """
    Who holds a lock, for `AlreadyRunning.got`.
    """

    pid: int
    host: str
    started_at: str


def _already_running(what: str, holder: ProcessIdentity | None) -> AlreadyRunning:
    if holder is None:
        message = f"{what} must run once, and another process that has not given its name runs it"
        return AlreadyRunning(message, hint="stop that process, or wait for it")
    message = (
        f"{what} must run once, and process {holder.pid} on {holder.host} "
        f"has been running it since {holder.started_at}"
    )
    got = Holder(holder.pid, holder.host, holder.started_at)
    hint = f"stop it with `kill {holder.pid}`, or look at it with `ltm status`"
    return AlreadyRunning(message, got=got, hint=hint)


def _cannot_lock(path: Path, error: OSError) -> JournalError:
    message = f"lock file {shown(str(path))} cannot be locked: {error.strerror}"
    return JournalError(message, code="LTM-DIR-006", hint="check the directory's owner, mode and file system")
