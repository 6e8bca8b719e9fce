"""
The mock broker: the broker port over a venue in this process, or over one behind a socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from ltm.brokers.mock import wire
from ltm.brokers.mock.door import LocalDoor, Unanswered, Unreachable
from ltm.brokers.mock.exchange import Exchange
from ltm.model.enums import OrderType, TimeInForce
from ltm.model.errors import ConfigError, shown
from ltm.model.reports import (
    AccountReport,
    Ambiguous,
    Capabilities,
    FillReport,
    NotSent,
    OrderReport,
    Outcome,
    PositionReport,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from datetime import datetime
    from pathlib import Path

    from ltm.brokers.mock.config import MockConfig
    from ltm.brokers.mock.door import Door
    from ltm.model.instrument import Instrument
    from ltm.model.order import Approval
    from ltm.ports import Deliver


_TEN_YEARS: Final = 3650 * 86_400.0
"""The venue forgets nothing; this is a number that still fits into a date."""


class MockBroker:
    """
    A broker that owns its market: `advance` lets the next moment happen, and its time is the session's time.

    Events that a request causes are delivered before the request returns: a fill may overtake its own
    acknowledgement, as at real venues. A fill or a cancellation comes as its own report; that an order is there is
    said by the outcome alone.

    Args:
        door: The way to the venue.
        speed: How fast a live shell should pace it; `advance` itself never waits for time to pass.
    """

    def __init__(self, door: Door, *, speed: Literal["max"] | float = "max") -> None:
        self._door: Final = door
        self.speed: Final = speed
        self._capabilities: Capabilities | None = None

    @property
    def capabilities(self) -> Capabilities:
        """
        What this adapter promises.

        A request cannot arrive late: in this process nothing is in flight, and a venue behind a socket drops what it
        has not processed when its sender stops waiting or logs in again. So the time to live is 0 once the outcome
        is known.
        """
        if self._capabilities is None:
            self._capabilities = Capabilities(
                name="mock",
                order_types=tuple(OrderType),
                times_in_force=tuple(TimeInForce),
                client_order_id_unique="forever",
                query_by_client_order_id=True,
                query_includes_closed=True,
                request_ttl=0.0,
                fills_lookback=_TEN_YEARS,
                native_stop=True,
                server_time=True,
                ephemeral=isinstance(self._door, LocalDoor),
                price_interval=self._door.price_interval,
            )
        return self._capabilities

    async def connect(self, deliver: Deliver) -> AccountReport:
        """
        Log in at the venue.

        Raises:
            BrokerConnectionError: It cannot be reached.
        """
        return await self._door.open(deliver)

    async def disconnect(self) -> None:
        """
        Leave the venue; orders stay.
        """
        await self._door.close()

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        """
        Return instruments by symbol or alias, and start their prices with the last one known.
        """
        found: list[Instrument] = await self._door.ask(wire.Instruments(tuple(symbols)))
        return found

    def submit(self, approval: Approval) -> Coroutine[Any, Any, Outcome]:
        """
        Send one order.
        """
        return self._outcome(wire.Submit(approval.client_order_id, approval.draft))

    def cancel(
        self,
        client_order_id: str,
        venue_order_id: str | None,
        symbol: str,  # noqa: ARG002 - the port's; the ids are enough here
    ) -> Coroutine[Any, Any, Outcome]:
        """
        Cancel one order.
        """
        return self._outcome(wire.Cancel(client_order_id, venue_order_id))

    async def find_order(
        self,
        client_order_id: str,
        venue_order_id: str | None,
        symbol: str,  # noqa: ARG002 - as `cancel`
    ) -> OrderReport | None:
        """
        Return the order, refused and finished ones too; None when it never arrived.
        """
        found: OrderReport | None = await self._door.ask(wire.Find(client_order_id, venue_order_id))
        return found

    async def open_orders(self) -> Sequence[OrderReport]:
        """
        Return every open order.
        """
        found: list[OrderReport] = await self._door.ask(wire.OpenOrders())
        return found

    async def fills(self, since: datetime) -> Sequence[FillReport]:
        """
        Return every execution since then, oldest first.
        """
        found: list[FillReport] = await self._door.ask(wire.Fills(since))
        return found

    async def positions(self) -> Sequence[PositionReport]:
        """
        Return every holding.
        """
        found: list[PositionReport] = await self._door.ask(wire.Positions())
        return found

    async def account(self) -> AccountReport:
        """
        Return cash, funds and the market's time.
        """
        found: AccountReport = await self._door.ask(wire.Account())
        return found

    def market_time(self) -> datetime:
        """
        Return the market's time.
        """
        return self._door.now

    async def advance(self, until: datetime | None) -> bool:
        """
        Deliver the next moment that is news, or let time pass to `until`; False when there are no more prices.

        Raises:
            BrokerConnectionError: The venue cannot be reached.
        """
        try:
            more: bool = await self._door.ask(wire.Advance(until))
        except Unanswered:
            # The moment may have come and gone: what it brought is in the next reply.
            return True
        return more

    def progress(self) -> float | None:
        """
        Return how far the market has come, 0 to 1.
        """
        return self._door.progress

    async def tell(self, faults: str) -> list[str]:
        """
        Order more faults while the venue runs, in the words of a fault file; return what came of each.

        Raises:
            ConfigError: They make no sense, or the venue in this process was opened without `faults`.
        """
        told: list[str] = await self._door.ask(wire.Tell(faults))
        return told

    async def _outcome(self, request: wire.Submit | wire.Cancel) -> Outcome:
        try:
            outcome: Outcome = await self._door.ask(request)
        except Unreachable as error:
            return NotSent(error.message)
        except Unanswered as error:
            return Ambiguous(error.message)
        return outcome


def _troubled(config: MockConfig, path: Path) -> Door:
    from ltm.brokers.mock.fault_file import read_faults  # only where something is to go wrong
    from ltm.brokers.mock.trouble import Trouble, TroubledDoor

    return TroubledDoor(Trouble(config, read_faults(path)))


def open_broker(config: MockConfig) -> MockBroker:
    """
    Return the broker that a configuration describes.

    Raises:
        ConfigError: The prices or the faults cannot be used.
    """
    if config.socket is None:
        door = LocalDoor(Exchange(config)) if config.faults is None else _troubled(config, config.faults)
        return MockBroker(door, speed=config.speed)
    if config.faults is not None:
        message = f"faults must be left out with socket, got {shown(str(config.faults))}"
        hint = "name the file to that venue: ltm mock-venue --faults FILE"
        raise ConfigError(message, code="LTM-CFG-093", field="faults", got=str(config.faults), hint=hint)
    from ltm.brokers.mock.remote import SocketDoor  # asyncio only where it is needed

    return MockBroker(SocketDoor(config.socket, config.request_timeout), speed=config.speed)
