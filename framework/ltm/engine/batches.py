"""
Signals that a source releases together: judged as they stand, or what reduces positions first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from ltm.core.orders import is_exit
from ltm.core.session import Session
from ltm.model.enums import OrderStatus, OrderType
from ltm.model.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNANSWERED: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SUBMITTED})
_WORKING: Final = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})
PATIENCE: Final = 30.0
"""Seconds that entries wait for the fills of exits at the market; longer where prices come more rarely."""


@attrs.define(kw_only=True, eq=False)
class Batches:
    """
    The order in which one session takes signals that are due together (RSK-07).
    """

    session: Session
    submit: Callable[[Signal], None]
    _held: deque[Signal] = attrs.Factory(deque)
    """Entries that wait until the exits before them are through."""
    _since: float = 0.0
    """Since when the latest of them does."""

    def take(self, signals: Iterable[Signal]) -> bool:
        """
        Submit signals that came together, entries last if the terms say so; return whether there were any.
        """
        if self.session.state.spec.batch_order == "given":
            found = False
            for signal in signals:
                self.submit(signal)
                found = True
            return found
        together = list(signals)
        for signal in together:
            if is_exit(self.session.state, signal.stock_code, signal.action):
                self.submit(signal)
            else:
                self._held.append(signal)
                self._since = self.session.context.mono
        return bool(together)

    def release(self) -> bool:
        """
        Submit the entries that waited, once the exits are through; return whether there were any.
        """
        if not self._held or self._exits_under_way():
            return False
        while self._held:
            self.submit(self._held.popleft())
        return True

    def _exits_under_way(self) -> bool:
        # An answer always comes: at the deadline it is that nobody knows. A fill may not come.
        wait_for = _UNANSWERED
        interval = self.session.context.capabilities.price_interval
        if self.session.context.mono - self._since < max(PATIENCE, 1.5 * interval):
            wait_for = _UNANSWERED | _WORKING
        return any(
            not order.entry
            and order.status in wait_for
            and (order.status in _UNANSWERED or order.order_type is OrderType.MARKET)
            for order in self.session.state.orders.values()
        )
