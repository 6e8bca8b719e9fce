"""
The one module that touches time, identity, randomness and the disk's write barrier (O8).

Everything else is given a clock, so that a whole session can be replayed from a seed.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """
    The machine's time.
    """

    def now(self) -> datetime:
        """
        Return the wall clock, aware UTC.
        """
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """
        Return seconds since some fixed moment; never goes back.
        """
        return time.monotonic()


class VirtualClock:
    """
    A clock that moves only when told; `now` and `monotonic` go in step and never back.

    Simulations and tests use it, and a broker that owns its market sets it to the market's time.
    """

    __slots__ = ("_now", "_start")

    def __init__(self, start: datetime) -> None:
        self._start = _aware(start)
        self._now = self._start

    def now(self) -> datetime:
        """
        Return the moment it was last set to.
        """
        return self._now

    def monotonic(self) -> float:
        """
        Return the seconds it has moved since it was made.
        """
        return (self._now - self._start).total_seconds()

    def set(self, moment: datetime) -> None:
        """
        Move to a moment; an earlier one than now leaves the clock where it is.
        """
        if moment > self._now:
            self._now = _aware(moment)

    def advance(self, seconds: float) -> None:
        """
        Move forward by some seconds.

        Raises:
            ValueError: The seconds are negative.
        """
        if seconds < 0:
            message = f"seconds must not be negative, got {seconds}"
            raise ValueError(message)
        self._now += timedelta(seconds=seconds)


ManualClock = VirtualClock


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        message = f"a clock's moment must have a time zone, got {moment.isoformat()}"
        raise ValueError(message)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def pause(seconds: float) -> None:
    """
    Block this thread for a while.
    """
    time.sleep(seconds)


@attrs.frozen(kw_only=True)
class ProcessIdentity:
    """
    Who is running: enough to tell a living process from one before a crash or a reboot.
    """

    pid: int
    host: str
    boot_id: str
    started_at: str
    user: str = ""
    """Whose process it is, and at which terminal (SEC-38)."""


_STARTED_AT = datetime.now(UTC).isoformat(timespec="seconds")


def process_identity() -> ProcessIdentity:
    """
    Return this process's identity.
    """
    return ProcessIdentity(
        pid=os.getpid(), host=socket.gethostname(), boot_id=boot_id(), started_at=_STARTED_AT, user=user()
    )


def user() -> str:
    """
    Return who runs this process: name and uid, and the terminal if there is one.
    """
    if not hasattr(os, "getuid"):
        return os.environ.get("USERNAME", "unknown")
    import pwd

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = "unknown"
    try:
        place = f" at {os.ttyname(0)}"
    except OSError:
        place = ""
    return f"{name} (uid {os.getuid()}){place}"


def boot_id() -> str:
    """
    Return what changes when the machine restarts, or "unknown" where the system does not say.
    """
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def random_bits(count: int) -> int:
    """
    Return that many unpredictable bits, for session keys and tokens.
    """
    return secrets.randbits(count)


def fsync(descriptor: int) -> None:
    """
    Make what was written to a file durable.
    """
    os.fsync(descriptor)


def fsync_directory(directory: Path) -> None:
    """
    Make the creation, renaming and removal of a directory's files durable.
    """
    if os.name == "nt":  # Windows opens no directories, and needs no such call
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
