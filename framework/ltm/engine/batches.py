"""
Signals that a source releases together: judged as they stand, or what reduces positions first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from ltm.core.orders import is_exit
from ltm.core.state import State
from ltm.model.enums import OrderStatus
from ltm.model.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNANSWERED: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SUBMITTED})


@attrs.define(kw_only=True, eq=False)
class Batches:
    """
    The order in which one session takes signals that are due together (RSK-07).
    """

    state: State
    submit: Callable[[Signal], None]
    _held: deque[Signal] = attrs.Factory(deque)
    """Entries that wait until the venue has answered the exits before them."""

    def take(self, signals: Iterable[Signal]) -> bool:
        """
        Submit signals that came together, entries last if the terms say so; return whether there were any.
        """
        if self.state.spec.batch_order == "given":
            found = False
            for signal in signals:
                self.submit(signal)
                found = True
            return found
        together = list(signals)
        for signal in together:
            if is_exit(self.state, signal.stock_code, signal.action):
                self.submit(signal)
            else:
                self._held.append(signal)
        return bool(together)

    def release(self) -> bool:
        """
        Submit the entries that waited, once no exit is without an answer; return whether there were any.
        """
        if not self._held or self._exits_unanswered():
            return False
        while self._held:
            self.submit(self._held.popleft())
        return True

    def _exits_unanswered(self) -> bool:
        # An answer always comes: at the deadline it is that nobody knows.
        return any(not order.entry and order.status in _UNANSWERED for order in self.state.orders.values())
