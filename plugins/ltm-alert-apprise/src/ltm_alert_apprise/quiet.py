"""
Keeps what apprise and its HTTP client would log about a delivery, addresses and all, out of every log.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from ltm.model.redaction import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGERS: Final = (
    "apprise",
    "requests",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.util.retry",
)
_HEARD: ContextVar[list[str] | None] = ContextVar("ltm_alert_apprise_heard", default=None)


class _Catch(logging.Filter):
    # Lets nothing through that was logged on behalf of ours; others in this process may use apprise as they like.

    def filter(self, record: logging.LogRecord) -> bool:
        heard = _HEARD.get()
        if heard is None:
            return True
        if record.name == "apprise" and record.levelno >= logging.WARNING:
            heard.append(one_line(record.getMessage()))
        return False


_CATCH: Final = _Catch()


@contextmanager
def quietly() -> Iterator[list[str]]:
    """
    Log nothing while inside; the list gets apprise's complaints, without secrets.
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_CATCH)  # twice is once
    heard: list[str] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)
