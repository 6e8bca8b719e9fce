"""
The way from the broker to its venue: here, a call; behind a socket, see `remote`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from ltm.brokers.mock import wire
from ltm.model.errors import BrokerConnectionError

if TYPE_CHECKING:
    from datetime import datetime

    from ltm.brokers.mock.exchange import Exchange
    from ltm.model.reports import AccountReport
    from ltm.ports import Deliver


class Unanswered(BrokerConnectionError):
    """
    A request may have arrived, and no answer came in time.
    """

    default_code = "LTM-BRK-002"


class Unreachable(BrokerConnectionError):
    """
    A request certainly did not leave this process.
    """

    default_code = "LTM-BRK-001"


class Door(Protocol):
    """
    The way to the venue.
    """

    @property
    def price_interval(self) -> float:
        """
        Seconds between prices where they come in steps, else 0.
        """
        ...

    @property
    def now(self) -> datetime:
        """
        The market's time as far as it is known here.
        """
        ...

    @property
    def progress(self) -> float | None:
        """
        How far the market has come, 0 to 1.
        """
        ...

    async def open(self, deliver: Deliver) -> AccountReport:
        """
        Log in; events go to `deliver` from now on.
        """
        ...

    async def close(self) -> None:
        """
        Leave; may be called twice.
        """
        ...

    async def ask(self, request: wire.Request) -> Any:  # noqa: ANN401 - `wire.ANSWERS` says what of which request
        """
        Return the answer, after everything that happened until then went to `deliver`.

        Raises:
            Unreachable: It was not sent.
            Unanswered: Nobody knows.
        """
        ...


def nobody(_: object) -> None:
    """
    Take an event that nobody waits for.
    """


class LocalDoor:
    """
    The venue is here. Nothing ever suspends.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange: Final = exchange
        self._deliver: Deliver = nobody
        self.price_interval: Final = exchange.price_interval

    @property
    def now(self) -> datetime:
        """
        The market's time.
        """
        return self._exchange.now

    @property
    def progress(self) -> float | None:
        """
        How far the market has come, 0 to 1.
        """
        return self._exchange.progress()

    async def open(self, deliver: Deliver) -> AccountReport:
        """
        Log in.
        """
        self._deliver = deliver
        account: AccountReport = await self.ask(wire.Login())
        return account

    async def close(self) -> None:
        """
        Leave.
        """
        self._deliver = nobody

    async def ask(self, request: wire.Request) -> Any:  # noqa: ANN401 - as the protocol
        """
        Return the answer.
        """
        answer = self._exchange.answer(request)
        deliver = self._deliver
        for event in self._exchange.take_events():
            deliver(event)
        return answer
