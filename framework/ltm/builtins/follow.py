"""
The `file` signal source with `follow = true`: a file that is still being written to.

Nothing is lost and nothing is taken twice when the file is rotated, truncated, removed or made again: what was read before is
known by the place in the file and by the bytes in front of that place, and the same signal again has the same key.
"""

from __future__ import annotations

import heapq
import os
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ltm.builtins.lines import CHUNK, Lines, SignalLines
from ltm.model.errors import ConfigError, SignalError
from ltm.model.signal import utc_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ltm.builtins.config import FileSourceConfig
    from ltm.builtins.lines import Line
    from ltm.model.market import Quote
    from ltm.model.signal import Signal

_AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)
_PAUSE: Final = timedelta(milliseconds=100)
"""Between two looks at the file."""
_GRACE: Final = timedelta(seconds=60)
"""How long a file that was rotated away is still read: its writer may not know yet."""
_PATIENCE: Final = timedelta(seconds=10)
"""How long a line may lack its end before that is told."""
_SHOWN: Final = 64
"""Bytes in front of the place in a file by which it is known again."""
_WAITING: Final = 100_000
"""Signals that may wait for their time; beyond, nothing is read until some were released."""


class FollowSource:
    """
    Reads a file as it grows, and releases each signal at its time, or as it is read when that is over.
    """

    name: Final = "file"

    def __init__(self, config: FileSourceConfig) -> None:
        self._path = config.path
        self._streams: list[_Stream] = []
        self._waiting: list[tuple[datetime, int, Signal | SignalError]] = []
        self._count = 0
        self._looked_at: datetime | None = None
        self._told = ""
        self._closed = False
        self._wake: Callable[[], None] = lambda: None

    @property
    def exhausted(self) -> bool:
        """
        False until it is closed: the file may grow.
        """
        return self._closed

    def open(self, wake: Callable[[], None]) -> None:
        """
        Open the file; one that is not there yet is waited for.

        Raises:
            ConfigError: Its folder is not there, it may not be read, or it is no regular file.
        """
        self._wake = wake
        reason = "its folder is not there"
        if self._path.parent.is_dir():
            reason = self._open_current() or ""
            if not reason or not self._path.exists():
                return
        message = f"path must be a readable file, got {str(self._path)!a}: {reason}"
        raise ConfigError(message, code="LTM-CFG-001", field="path", got=str(self._path))

    def poll(self, now: datetime) -> Iterable[Signal | SignalError]:
        """
        Yield what is due, in the order of their times; an error is due at once.
        """
        # Not before the pause is over, unless the clock was set back.
        if self._looked_at is None or not self._looked_at <= now < self._looked_at + _PAUSE:
            self._look(now)
        while self._waiting and self._waiting[0][0] <= now:
            yield heapq.heappop(self._waiting)[2]

    def on_quote(self, quote: Quote) -> Iterable[Signal]:  # noqa: ARG002 - the port's
        """
        Return nothing: a file does not look at the market.
        """
        return ()

    def close(self) -> None:
        """
        Close the file and forget what was not due yet: the next start reads it again.
        """
        self._closed = True
        self._waiting.clear()
        for stream in self._streams:
            stream.close()
        self._streams.clear()

    # --- Looking --------------------------------------------------------------------------------

    def _look(self, now: datetime) -> None:
        self._looked_at = now
        if len(self._waiting) >= _WAITING:
            return
        self._read(now)
        found = self._identity()
        if found is None or found == self._current:
            return
        for stream in self._streams:
            stream.rotated_at = stream.rotated_at or now
        known = next((stream for stream in self._streams if stream.identity == found), None)
        if known is not None:
            known.rotated_at = None  # it was moved back
            return
        self._tell(self._open_current())
        self._read(now)

    def _read(self, now: datetime) -> None:
        more = False
        for stream in self._streams[:]:
            items, is_full = stream.read(now)
            more = more or is_full
            if not is_full and stream.rotated_at is not None and now - stream.rotated_at >= _GRACE:
                items += stream.end()
                stream.close()
                self._streams.remove(stream)
            for item in items:
                self._add(item)
        if more:
            self._looked_at = None
            self._wake()

    def _add(self, item: Signal | SignalError) -> None:
        due = _AT_ONCE if isinstance(item, SignalError) else utc_of(item.timestamp, None)
        self._count += 1
        heapq.heappush(self._waiting, (due, self._count, item))

    @property
    def _current(self) -> tuple[int, int] | None:
        return next((stream.identity for stream in self._streams if stream.rotated_at is None), None)

    def _identity(self) -> tuple[int, int] | None:
        # Which file the path leads to now.
        try:
            found = self._path.stat()
        except OSError as error:
            self._tell(str(error.strerror))
            return None
        return found.st_dev, found.st_ino

    def _open_current(self) -> str | None:
        # Returns why it cannot be read.
        try:
            # Without blocking: a pipe in its place would wait for a writer.
            descriptor = os.open(
                self._path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            )
        except OSError as error:
            return str(error.strerror)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            return "it is no regular file"
        self._streams.append(_Stream(descriptor, self._path))
        self._told = ""
        return None

    def _tell(self, reason: str | None) -> None:
        # Once for each reason: it is looked for again and again.
        if reason and reason != self._told:
            self._told = reason
            message = f"{self._path.name} cannot be read now and is waited for: {reason}"
            self._add(SignalError(message, code="LTM-SIG-067", field="signal"))


class _Stream:
    # One file, by whatever name it goes now, and how far it was read.

    def __init__(self, descriptor: int, path: Path) -> None:
        found = os.fstat(descriptor)
        self.identity: Final = (found.st_dev, found.st_ino)
        self.rotated_at: datetime | None = None
        self._descriptor = descriptor
        self._path = path
        self._begin()

    def _begin(self) -> None:
        self._offset = 0
        self._before = b""
        self._lines = Lines()
        self._parser = SignalLines(self._path.name, is_csv=self._is_csv)
        self._grew_at: datetime | None = None
        self._told = False

    @property
    def _is_csv(self) -> bool:
        return self._path.suffix.lower() == ".csv"

    def read(self, now: datetime) -> tuple[list[Signal | SignalError], bool]:
        """
        Return what the next piece of the file holds, and whether there may be more.
        """
        shown = len(self._before)
        data = self._at(self._offset - shown, shown + CHUNK)
        if data[:shown] != self._before:
            # It was truncated, and maybe written to again: this is another beginning.
            self._begin()
            shown, data = 0, self._at(0, CHUNK)
        chunk = data[shown:]
        if not chunk:
            return self._unfinished(now), False
        self._offset += len(chunk)
        self._before = data[-_SHOWN:]
        self._grew_at, self._told = now, False
        return self._parsed(self._lines.feed(chunk)), len(chunk) == CHUNK

    def _at(self, place: int, size: int) -> bytes:
        os.lseek(self._descriptor, place, os.SEEK_SET)
        return os.read(self._descriptor, size)

    def _unfinished(self, now: datetime) -> list[Signal | SignalError]:
        if self._told or self.rotated_at is not None or not self._lines.unfinished:
            return []
        if self._grew_at is None or now - self._grew_at < _PATIENCE:
            return []
        self._told = True
        return [self._problem("the last line has no end: it is taken once it has one")]

    def end(self) -> list[Signal | SignalError]:
        """
        Return what is left when nobody writes to the file any more: a JSON object shows whether it is whole.
        """
        if self._is_csv and self._lines.unfinished:
            return [self._problem("the last line had no end when the file was rotated away: it is not taken")]
        return self._parsed(self._lines.end())

    def _parsed(self, lines: Iterable[Line]) -> list[Signal | SignalError]:
        items = []
        for line in lines:
            if self._parser.unusable:
                break
            item = self._parser.parse(line)
            if item is not None:
                items.append(item)
        return items

    def _problem(self, text: str) -> SignalError:
        return SignalError(text, code="LTM-SIG-067", field="signal", where=self._path.name)

    def close(self) -> None:
        """
        Let go of the file.
        """
        os.close(self._descriptor)
