"""
The broker port: an account's door to its venue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ltm.model.market import Quote
from ltm.model.reports import (
    AccountReport,
    BrokerEvent,
    Capabilities,
    FillReport,
    OrderReport,
    Outcome,
    PositionReport,
)

if TYPE_CHECKING:
    from datetime import datetime

    from ltm.model.instrument import Instrument
    from ltm.model.order import Approval

Deliver = Callable[[Quote | BrokerEvent], None]
"""Takes one event from the adapter's loop; returns at once and never raises."""


class Broker(Protocol):
    """
    What an adapter implements. Every method may be slow and may raise: an exception from `submit`
    or `cancel` counts as `Ambiguous`, an exception from a query as "no answer", never as "empty".
    """

    @property
    def capabilities(self) -> Capabilities:
        """
        What this adapter promises; constant.
        """
        ...

    async def connect(self, deliver: Deliver) -> AccountReport:
        """
        Open the link and return the account; events go to `deliver` from now on.

        Raises:
            BrokerConnectionError: The venue cannot be reached or refuses the credentials.
        """
        ...

    async def disconnect(self) -> None:
        """
        Close the link; never raises, may be called twice.
        """
        ...

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        """
        Return the known instruments among these symbols or aliases (all of them when empty), and
        start their prices.
        """
        ...

    async def submit(self, approval: Approval) -> Outcome:
        """
        Send one order. Called at most once per client order id, ever.
        """
        ...

    async def cancel(self, client_order_id: str, venue_order_id: str | None, symbol: str) -> Outcome:
        """
        Ask to cancel. `Acked` means the venue took the request; the end comes as a report.
        """
        ...

    async def find_order(
        self, client_order_id: str, venue_order_id: str | None, symbol: str
    ) -> OrderReport | None:
        """
        Return the order as the venue knows it now, None for a definite "not found".
        """
        ...

    async def open_orders(self) -> Sequence[OrderReport]:
        """
        Return every open order of the account, foreign ones included.
        """
        ...

    async def fills(self, since: datetime) -> Sequence[FillReport]:
        """
        Return every execution of the account since then, oldest first.
        """
        ...

    async def positions(self) -> Sequence[PositionReport]:
        """
        Return every holding of the account.
        """
        ...

    async def account(self) -> AccountReport:
        """
        Return cash, funds and the venue's clock.
        """
        ...


@runtime_checkable
class Paced(Protocol):
    """
    A broker that owns its market and its time, such as the mock at full speed.

    The engine asks for the next moment only when nothing is left to do, so that a session is
    the same at any speed and on any machine.
    """

    def market_time(self) -> datetime:
        """
        Return the market's time now.
        """
        ...

    async def advance(self, until: datetime | None) -> bool:
        """
        Deliver everything of the next moment (not after `until`), and return False at the end.
        """
        ...

    def progress(self) -> float | None:
        """
        Return how far through its data the market is, 0 to 1, or None when it has no end.
        """
        ...
