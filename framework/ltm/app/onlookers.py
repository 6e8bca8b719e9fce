"""
Plugins that look on: the hook `ltm_observe`, read-only and isolated.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ltm.core.events import AnyEvent
    from ltm.model.errors import LtmError

_LOG: Final = logging.getLogger("ltm.plugins")


class PluginObservers:
    """
    Hands durable events to the plugins' `ltm_observe`; one that raises is not called again.
    """

    def __init__(self, observers: Sequence[Callable[[object], None]]) -> None:
        self._observers = list(observers)

    def on_event(self, event: AnyEvent) -> None:
        """
        Show an event to every plugin that wants to see it.
        """
        for observer in self._observers[:]:
            try:
                observer(event)
            except Exception:  # noqa: BLE001 - plugin boundary: it only looks on
                self._observers.remove(observer)
                _LOG.exception("a plugin's ltm_observe failed and is not called again")

    def on_problem(self, problem: LtmError) -> None:
        """
        Do nothing: plugins see what is in the journal.
        """
