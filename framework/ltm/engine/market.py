"""
A market that goes on only when asked: when to ask it, how far, and what when it is over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import attrs

from ltm.model.errors import shown
from ltm.ports.broker import Paced
from ltm.ports.shell import Clock

PATIENCE: Final = timedelta(minutes=5)
"""How long questions may stay open after the last price of a market."""
STOP_SECONDS: Final = 10.0


@attrs.define(kw_only=True, eq=False)
class Market:
    """
    The pace of one session's market.
    """

    paced: Paced | None
    """The broker, if it owns its market and its time."""
    clock: Clock
    set_time: Callable[[datetime], None] | None
    """Moves the session's clock to the market's; None where the clock runs by itself."""
    lost: Callable[[str, Exception], None]
    """Is told when the market cannot be reached."""
    horizon: Callable[[], datetime] | None = None
    """How far the market may go now; None: as far as it likes."""
    over: bool = False
    _over_since: datetime | None = None

    @property
    def patience(self) -> float:
        """
        How many seconds a stopping session waits for its last orders.

        A market at full speed has its own minutes in no time; elsewhere somebody is waiting.
        """
        full_speed = self.set_time is not None and self.horizon is None
        return PATIENCE.total_seconds() if full_speed else STOP_SECONDS

    def keep_time(self) -> None:
        """
        Move the session's clock to the market's.
        """
        if self.set_time is not None and self.paced is not None:
            self.set_time(self.paced.market_time())

    async def advance(self, due: float | None) -> bool:
        """
        Let the market go on to its next moment; return whether there was one.

        Args:
            due: The monotonic time that must not be passed, if something waits for it.
        """
        if self.paced is None:
            return False
        wait = None if due is None else timedelta(seconds=max(due - self.clock.monotonic(), 0.001))
        if self.over:
            return self._outlast(wait)
        now = self.paced.market_time()
        until = None if self.horizon is None else self.horizon()
        if wait is not None:
            until = now + wait if until is None else min(until, now + wait)
        if until is not None and until <= now:
            return False
        try:
            self.over = not await self.paced.advance(until)
        except Exception as error:  # noqa: BLE001 - plugin boundary: a market out of reach is a broken link
            self.lost(shown(str(error)), error)
            return False
        return not self.over

    def _outlast(self, wait: timedelta | None) -> bool:
        # The market's clock stands still after its last price, and questions are still open: time
        # goes on without it until they are answered, or it has been long enough.
        if wait is None or self.set_time is None:
            return False
        now = self.clock.now()
        self._over_since = self._over_since or now
        if now - self._over_since > PATIENCE:
            return False
        self.set_time(now + wait)
        return True
