"""
Signal sources: asked one by one, and what one of them raises ends that source, never the session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs

from ltm.model.errors import LtmError, PluginError, SignalError, shown
from ltm.model.signal import Signal
from ltm.ports.shell import SignalSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from ltm.model.market import Quote


@attrs.define(kw_only=True, eq=False)
class Intake:
    """
    The signal sources of one session.
    """

    sources: Sequence[SignalSource]
    refuse: Callable[[LtmError], None]
    """Is told of signals that cannot be used, and of sources that failed."""
    alarm: Callable[[str], None]
    """Raises a critical alert."""
    _failed: list[SignalSource] = attrs.Factory(list)

    def open(self, wake: Callable[[], None]) -> None:
        """
        Start all sources.
        """
        for source in self.sources:
            source.open(wake)

    def close(self) -> None:
        """
        Stop all sources.
        """
        for source in self.sources:
            source.close()

    @property
    def exhausted(self) -> bool:
        """
        Whether there were sources and no further signal can come.
        """
        return bool(self.sources) and all(
            source in self._failed or source.exhausted for source in self.sources
        )

    def of_quotes(self, quotes: Sequence[Quote]) -> Iterator[Signal]:
        """
        Yield what market updates give rise to.
        """
        for source in self.sources:
            for quote in quotes:
                yield from self._asked(source, source.on_quote, quote)

    def due(self, now: datetime) -> Iterator[Signal]:
        """
        Yield the signals that are due.
        """
        for source in self.sources:
            yield from self._asked(source, source.poll, now)

    def _asked(
        self, source: SignalSource, question: Callable[..., Iterable[Signal | SignalError]], about: object
    ) -> Iterator[Signal]:
        if source in self._failed:
            return
        try:
            answers = iter(question(about))
        except Exception as error:  # noqa: BLE001 - plugin boundary
            self._fail(source, error)
            return
        while True:
            # Only the source's own code is guarded: what comes of its signals is another matter.
            try:
                item: object = next(answers, None)
            except SignalError as error:
                self.refuse(error)
                return
            except Exception as error:  # noqa: BLE001 - plugin boundary
                self._fail(source, error)
                return
            if item is None:
                return
            if isinstance(item, Signal):
                yield item
            elif isinstance(item, SignalError):
                self.refuse(item)
            else:
                self._fail(source, TypeError(f"it yielded {shown(item)} instead of a Signal"))
                return

    def _fail(self, source: SignalSource, error: Exception) -> None:
        self._failed.append(source)
        message = f"signal source {source.name} failed and is not asked again: {shown(str(error))}"
        self.refuse(PluginError(message, code="LTM-PLG-021"))
        self.alarm(message)
