"""
What keeps secrets in: one filter on every log record and traceback, and no dumps of memory (SEC-04, SEC-07).
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
import traceback
import warnings
from typing import TYPE_CHECKING, Final

from ltm.model.redaction import KNOWN, redact

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from types import TracebackType

_OWN: Final = "ltm"
_NOT_DUMPABLE: Final = 4
"""PR_SET_DUMPABLE of Linux's prctl."""
_PRIVATE: Final = 0o077


class RedactingFactory:
    """
    Makes log records that hold no secrets, whichever logger, handler and formatter they go through.
    """

    def __init__(self, inner: Callable[..., logging.LogRecord]) -> None:
        self._inner = inner

    def __call__(self, *arguments: object, **more: object) -> logging.LogRecord:
        """
        Return a record as the factory before made it, but for secrets.
        """
        record = self._inner(*arguments, **more)
        ours = record.name.partition(".")[0] == _OWN
        if not ours and KNOWN.is_empty:
            return record
        clean = redact if ours else KNOWN.by_value
        text = _message(record)
        if (safe := clean(text)) != text:
            record.msg, record.args = safe, ()
        if record.exc_info and record.exc_info[0] is not None:
            # Formatters take the text that is there already.
            record.exc_text = clean("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
        return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a call whose arguments do not fit: logging tells of it when it formats
        return str(record.msg)


def guard_logs() -> None:
    """
    Put the filter before every log record of this process; calling it again changes nothing.
    """
    current = logging.getLogRecordFactory()
    if not isinstance(current, RedactingFactory):
        logging.setLogRecordFactory(RedactingFactory(current))


def guard_process() -> None:
    """
    Make this process, which is ours alone, keep its secrets: logs, tracebacks, warnings, dumps, new files.
    """
    guard_logs()
    sys.excepthook = _told
    threading.excepthook = _told_by_thread
    sys.unraisablehook = _told_unraisable
    warnings.showwarning = _told_warning
    os.umask(_PRIVATE)
    forbid_dumps()


def forbid_dumps() -> None:
    """
    Let no core dump of this process be written, and no other process of the user read its memory.
    """
    try:
        import resource
    except ImportError:  # Windows writes none unless asked to
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard and 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_NOT_DUMPABLE, 0, 0, 0, 0)


def forget_environment(environ: MutableMapping[str, str]) -> None:
    """
    Take out every variable that holds a known secret, so that no child process inherits it.
    """
    for name in [name for name, value in environ.items() if KNOWN.knows(value)]:
        del environ[name]


def traceback_of(error: BaseException) -> str:
    """
    Return an exception's traceback without secrets.
    """
    return redact("".join(traceback.format_exception(error)))


def _told(_: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _write(redact("".join(traceback.format_exception(type(error), error, trace))))


def _told_by_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        name = arguments.thread.name if arguments.thread is not None else "?"
        _write(f"in thread {name}: {traceback_of(arguments.exc_value)}")


def _told_unraisable(arguments: sys.UnraisableHookArgs) -> None:
    if arguments.exc_value is not None:
        _write(traceback_of(arguments.exc_value))


def _told_warning(  # noqa: PLR0917 - the arguments that `warnings` calls it with
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    del file
    _write(redact(warnings.formatwarning(message, category, filename, lineno, line)))


def _write(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text)
