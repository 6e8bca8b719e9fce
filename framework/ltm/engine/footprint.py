"""
What this process uses of what it may use: memory, open files, threads. A plugin that leaks is seen before it hurts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

SOFT: Final = 0.75
"""The share of a limit from which a person is told."""
HARD: Final = 0.90
"""The share from which nothing is entered any more (F28)."""
MOST_THREADS: Final = 1_000
_STATUS: Final = Path("/proc/self/status")
_FILES: Final = Path("/proc/self/fd")
_MACHINE: Final = Path("/proc/meminfo")
_GROUP: Final = Path("/sys/fs/cgroup/memory.max")


@attrs.frozen
class Use:
    """
    What is used of one thing, and its limit.
    """

    what: str
    used: int
    limit: int

    @property
    def share(self) -> float:
        """
        The used part of the limit.
        """
        return self.used / self.limit

    def __str__(self) -> str:
        return f"{self.used:,} of {self.limit:,} {self.what}"


def footprint() -> tuple[Use, ...]:
    """
    Return what this process uses; nothing where the system does not say.
    """
    try:
        status = dict(_pairs(_STATUS))
        return tuple(_uses(status))
    except (OSError, ValueError, KeyError):
        return ()


def _uses(status: dict[str, str]) -> Iterator[Use]:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    limits = [_kilobytes(dict(_pairs(_MACHINE))["MemTotal"]), *_group_limit()]
    yield Use("MB of memory", _kilobytes(status["VmRSS"]) >> 10, max(min(limits) >> 10, 1))
    if soft != resource.RLIM_INFINITY:
        yield Use("MB of address space", _kilobytes(status["VmSize"]) >> 10, max(soft >> 20, 1))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY:
        yield Use("open files", len(os.listdir(_FILES)), files)  # noqa: PTH208 - names are enough
    yield Use("threads", int(status["Threads"]), MOST_THREADS)


def _group_limit() -> Iterator[int]:
    # In a container the group's limit is what kills.
    try:
        text = _GROUP.read_text(encoding="ascii").strip()
    except OSError:
        return
    if text.isdigit():
        yield int(text) >> 10


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        yield name, value.strip()


def _kilobytes(text: str) -> int:
    return int(text.split(maxsplit=1)[0])
