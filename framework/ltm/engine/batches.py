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

    from ltm.core.state import State

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
    """Since when the first of them does: others that come meanwhile must not hold it up."""

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
                if not self._held:
                    self._since = self.session.context.mono
                self._held.append(signal)
        return bool(together)

    def release(self) -> bool:
        """
        Submit the entries that waited, once the exits are through; return whether there were any.
        """
        if not self._held or self._exits_under_way():
            return False
        self.let_go()
        return True

    def let_go(self) -> None:
        """
        Submit the entries that wait, whatever became of the exits: each gets its answer.
        """
        while self._held:
            self.submit(self._held.popleft())

    @property
    def waits(self) -> bool:
        """
        Whether entries are held.
        """
        return bool(self._held)

    def _exits_under_way(self) -> bool:
        # An answer always comes: at the deadline it is that nobody knows. A fill may not come.
        state = self.session.state
        if any(not order.entry and order.status in _UNANSWERED for order in state.orders.values()):
            return True
        return self.session.context.mono - self._since < patience(self.session) and exits_filling(state)


def patience(session: Session) -> float:
    """
    Return how many seconds entries wait for the fills of exits.
    """
    return max(PATIENCE, 1.5 * session.context.capabilities.price_interval)


def exits_filling(state: State) -> bool:
    """
    Return whether the venue has an exit at the market and has not filled it yet.
    """
    return any(
        not order.entry and order.order_type is OrderType.MARKET and order.status in _WORKING
        for order in state.orders.values()
    )
