"""
Signal sources that read: a file whose signals have their time, and the standard input whose signals are new.
"""

from __future__ import annotations

import queue
import stat
import sys
import threading
from typing import TYPE_CHECKING, Final

from ltm.builtins.lines import SignalLines, lines_of
from ltm.model.errors import ConfigError, SignalError
from ltm.model.signal import utc_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO

    from ltm.builtins.config import FileSourceConfig
    from ltm.model.market import Quote
    from ltm.model.signal import Signal

_WAITING: Final = 10_000


class FileSource:
    """
    Reads a file as far as its signals are due, in the order of the file.
    """

    name: Final = "file"

    def __init__(self, config: FileSourceConfig) -> None:
        self._path = config.path
        self._file: BinaryIO | None = None
        self._items: Iterator[Signal | SignalError] = iter(())
        self._next: Signal | SignalError | None = None
        self._due: datetime | None = None

    @property
    def exhausted(self) -> bool:
        """
        Whether the end of the file was reached and everything in it released.
        """
        return self._next is None

    def open(self, wake: Callable[[], None]) -> None:  # noqa: ARG002 - a file has nothing to announce
        """
        Open the file and read its first signal.

        Raises:
            ConfigError: It cannot be opened, or is no regular file.
        """
        self._file = _opened(self._path)
        self._items = self._read(self._file)
        self._advance()

    def poll(self, now: datetime) -> Iterable[Signal | SignalError]:
        """
        Yield what is due; a signal behind one that is not due yet waits for it, an error is due at once.
        """
        while (item := self._next) is not None:
            if self._due is not None and self._due > now:
                return
            self._advance()
            yield item

    def on_quote(self, quote: Quote) -> Iterable[Signal]:  # noqa: ARG002 - the port's
        """
        Return nothing: a file does not look at the market.
        """
        return ()

    def close(self) -> None:
        """
        Close the file and forget the rest of it.
        """
        self._items, self._next = iter(()), None
        if self._file is not None:
            self._file.close()

    def _advance(self) -> None:
        # The time is worked out once: a session asks at every moment of its market.
        item = self._next = next(self._items, None)
        self._due = None if item is None or isinstance(item, SignalError) else utc_of(item.timestamp, None)

    def _read(self, file: BinaryIO) -> Iterator[Signal | SignalError]:
        parser = SignalLines(self._path.name, is_csv=self._path.suffix.lower() == ".csv")
        for line in lines_of(file.read):
            item = parser.parse(line)
            if item is not None:
                yield item
            if parser.unusable:
                return


def _opened(path: Path) -> BinaryIO:
    reason = "it is no regular file"
    try:
        # Asked first: opening a pipe would wait for a writer.
        if stat.S_ISREG(path.stat().st_mode):
            return path.open("rb", buffering=0)
    except OSError as error:
        reason = str(error.strerror)
    message = f"path must be a readable file, got {str(path)!a}: {reason}"
    raise ConfigError(message, code="LTM-CFG-001", field="path", got=str(path))


class StdinSource:
    """
    Reads the standard input in a thread of its own; each signal is released as it arrives.

    Args:
        stream: Instead of the standard input.
    """

    name: Final = "stdin"

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream
        self._waiting: queue.Queue[Signal | SignalError] = queue.Queue(_WAITING)
        self._closed = threading.Event()

    @property
    def exhausted(self) -> bool:
        """
        Whether the input has ended and everything of it was released.
        """
        return self._closed.is_set() and self._waiting.empty()

    def open(self, wake: Callable[[], None]) -> None:
        """
        Start to read.
        """
        # A daemon: nobody can interrupt a read, and a session must be able to end.
        threading.Thread(target=self._run, args=(wake,), name="ltm-stdin", daemon=True).start()

    def poll(self, now: datetime) -> Iterable[Signal | SignalError]:  # noqa: ARG002 - what arrives is due
        """
        Yield what has arrived.
        """
        while True:
            try:
                yield self._waiting.get_nowait()
            except queue.Empty:
                return

    def on_quote(self, quote: Quote) -> Iterable[Signal]:  # noqa: ARG002 - the port's
        """
        Return nothing: the standard input does not look at the market.
        """
        return ()

    def close(self) -> None:
        """
        Stop; a read that is under way ends with the process.
        """
        self._closed.set()

    def _run(self, wake: Callable[[], None]) -> None:
        parser = SignalLines("stdin")
        try:
            for line in lines_of(self._read):
                item = parser.parse(line)
                if item is not None and not self._hand_over(item):
                    return
                wake()
        finally:
            self._closed.set()
            wake()

    def _read(self, size: int) -> bytes:
        if self._stream is None:
            # Unbuffered: a daemon thread inside the buffered stream's lock would abort the interpreter's exit.
            self._stream = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115 - open for as long as the process is
        try:
            return self._stream.read(size) or b""
        except OSError:
            return b""

    def _hand_over(self, item: Signal | SignalError) -> bool:
        # False once nobody will take it any more; a full queue makes the writer at the other end wait.
        while not self._closed.is_set():
            try:
                self._waiting.put(item, timeout=0.5)
            except queue.Full:
                continue
            return True
        return False
