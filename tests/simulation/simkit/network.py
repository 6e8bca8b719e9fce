"""
The venue, its own log, and a network that loses, doubles, delays and garbles what travels on it.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import msgspec

from ltm.brokers.mock import wire
from ltm.brokers.mock.exchange import Exchange
from ltm.brokers.mock.faults import Fault
from ltm.brokers.mock.trouble import Trouble
from ltm.model.enums import OrderType, TimeInForce
from ltm.model.errors import BrokerConnectionError, ConfigError
from ltm.model.identifiers import sequence_of
from ltm.model.instrument import Instrument
from ltm.model.market import Quote
from ltm.model.order import Approval
from ltm.model.reports import (
    AccountReport,
    Acked,
    BrokerEvent,
    Capabilities,
    FillReport,
    LinkReport,
    NotSent,
    OrderReport,
    Outcome,
    PositionReport,
    Refused,
)
from simkit.disk import SimJournal
from simkit.schedule import START, Crash, Schedule, Sleep
from simkit.weather import Weather

TTL = 8.0
LAG = 2.0
CAPABILITIES = Capabilities(
    name="sim",
    order_types=tuple(OrderType),
    times_in_force=tuple(TimeInForce),
    client_order_id_unique="forever",
    query_by_client_order_id=True,
    query_includes_closed=True,
    request_ttl=TTL,
    visibility_lag=LAG,
    fills_lookback=1e6,
    server_time=True,
    price_interval=5.0,
)
GARBAGE: tuple[Any, ...] = (None, "<html>502</html>", {"status": "ok"}, 7, True)


@attrs.define(eq=False)
class SimVenue:
    """
    The mock broker's matching core in virtual time, with a log as `ltm mock-venue` writes it.
    """

    trouble: Trouble
    schedule: Schedule
    log: list[dict[str, Any]] = attrs.Factory(list)
    tell: Callable[[Quote | BrokerEvent], None] = lambda _: None
    arrived_at: dict[str, float] = attrs.Factory(dict)
    _told: set[tuple[str | None, str]] = attrs.Factory(set)

    def note(self, event: str, **fields: Any) -> None:
        self.log.append({"event": event, "time": self.schedule.now, **fields})

    @property
    def exchange(self) -> Exchange:
        return self.trouble.exchange

    def ask(self, request: wire.Request, struck: tuple[Fault, ...] = ()) -> Any:
        self.exchange.venue.now = max(self.exchange.venue.now, self.schedule.clock.now())
        answer = self.trouble.answer(request, struck)
        if isinstance(request, wire.Submit):
            self.arrived_at.setdefault(request.client_order_id, self.schedule.now)
            taken = "accepted" if isinstance(answer, Acked) else "refused"
            self.note(taken, client_order_id=request.client_order_id)
        for event in self.exchange.take_events():
            if isinstance(event, FillReport):
                known = (event.client_order_id, event.fill_id) in self._told
                whose = "fill" if event.client_order_id is not None else "foreign_fill"
                self.note("fill_corrected" if known else whose, **_fields(event))
                self._told.add((event.client_order_id, event.fill_id))
            elif isinstance(event, OrderReport):
                whose = "" if event.client_order_id is not None else "foreign_"
                self.note(f"{whose}{event.status.value}", **_fields(event))
            self.tell(event)
        return answer

    def happen(self, **words: Any) -> None:
        """
        Let something happen by itself; where it cannot, nothing does.
        """
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in words.items())
        with contextlib.suppress(ConfigError):
            (said,) = self.ask(wire.Tell(f"[[faults]]\n{lines}"))
            self.note("happened", verb=words["verb"], result=said)


def _fields(event: FillReport | OrderReport) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(event)
    del fields["type"]
    return fields


@attrs.define(eq=False)
class SimBroker:
    """
    The broker port of one process: its side of the network.
    """

    venue: SimVenue
    schedule: Schedule
    weather: Weather
    journal: SimJournal
    session_key: str
    calls: Counter[str]
    """How often each order was sent, by all processes (I-05)."""
    problems: list[str]
    point: Callable[[str], None] = lambda _: None
    deliver: Callable[[Quote | BrokerEvent], None] = lambda _: None
    epoch: int = 0
    connected: bool = False
    capabilities: Capabilities = CAPABILITIES

    # --- Connection

    async def connect(self, deliver: Callable[[Quote | BrokerEvent], None]) -> AccountReport:
        self.point("connect")
        await Sleep(0.1)
        if self.weather.strikes("refuse_connection"):
            raise BrokerConnectionError("the venue refuses")
        self.deliver = deliver
        self.epoch = self.schedule.epoch
        self.connected = True
        self.venue.tell = self._hear
        account: AccountReport = self.venue.ask(wire.Login())
        return account

    async def disconnect(self) -> None:
        self.connected = False

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        found: Sequence[Instrument] = self.venue.ask(wire.Instruments(tuple(symbols)))
        return found

    # --- Requests

    async def submit(self, approval: Approval) -> Outcome:
        name = approval.client_order_id
        self.calls[name] += 1
        sequence = sequence_of(self.session_key, name)
        if sequence is None or sequence > self.journal.durable:
            self.problems.append(f"REL-1 {name} was sent before record {sequence} was durable")
        self.point("submit")
        if self.weather.strikes("crash_send"):
            raise Crash
        if self.weather.strikes("not_sent"):
            return NotSent("connection refused")
        self.venue.note(
            "request", method="submit", client_order_id=name, draft=msgspec.to_builtins(approval.draft)
        )
        return await self._request(wire.Submit(name, approval.draft))

    async def cancel(self, client_order_id: str, venue_order_id: str | None, symbol: str) -> Outcome:
        self.point("cancel")
        return await self._request(wire.Cancel(client_order_id, venue_order_id))

    async def _request(self, request: wire.Submit | wire.Cancel) -> Any:
        strikes, dice = self.weather.strikes, self.weather.dice
        if strikes("raise_before"):
            raise ConnectionResetError("before it was sent")
        answers: list[Any] = []
        sent_at = self.schedule.now
        if strikes("refuse"):
            answers.append(Refused("insufficient_funds", "refused by the simulation"))
        elif not strikes("lose_request"):
            travel = dice.uniform(1, 12) if strikes("slow_request") else dice.uniform(0.01, 0.2)
            if strikes("late_request"):
                travel = dice.uniform(20, 60)
                sent_at = self.schedule.now + travel  # a venue that forgets its own time limit
            self.schedule.later(travel, lambda: self._arrive(request, sent_at, answers))
        self.point("sent")
        if strikes("crash_sent"):
            raise Crash
        if strikes("raise_after"):
            raise BrokenPipeError("after it was sent")
        lost = strikes("lose_reply")
        slow = dice.uniform(1, 12) if strikes("slow_reply") else 0.0
        while not answers or lost:
            await Sleep(0.25)
        await Sleep(slow)
        self.point("answered")
        return dice.choice(GARBAGE) if strikes("garbage_answer") else answers[0]

    def _arrive(self, request: wire.Submit | wire.Cancel, sent_at: float, answers: list[Any]) -> None:
        # Whatever became of the sender: what travels, travels. Requests live for `TTL` seconds.
        if self.schedule.now - sent_at <= TTL:
            answers.append(self.venue.ask(request, self._struck(request)))

    def _struck(self, request: wire.Submit | wire.Cancel) -> tuple[Fault, ...]:
        if not isinstance(request, wire.Submit):
            return ()
        seconds = self.weather.dice.uniform(1, 90)
        verbs = [verb for verb in ("fill_immediately", "commission_late") if self.weather.strikes(verb)]
        return tuple(Fault(verb=verb, method="submit", seconds=seconds) for verb in verbs)

    # --- Questions

    async def find_order(
        self, client_order_id: str, venue_order_id: str | None, symbol: str
    ) -> OrderReport | None:
        await self._question()
        arrived = self.venue.arrived_at.get(client_order_id)
        age = self.schedule.now - arrived if arrived is not None else 0.0
        if (age < LAG and self.weather.strikes("lag_query")) or (
            age < 60 and self.weather.strikes("long_lag")
        ):
            return None
        found: OrderReport | None = self.venue.ask(wire.Find(client_order_id, venue_order_id))
        return found

    async def open_orders(self) -> Sequence[OrderReport]:
        await self._question()
        found: Sequence[OrderReport] = self.venue.ask(wire.OpenOrders())
        return found

    async def fills(self, since: datetime) -> Sequence[FillReport]:
        await self._question()
        found: Sequence[FillReport] = self.venue.ask(wire.Fills(since))
        return found

    async def positions(self) -> Sequence[PositionReport]:
        await self._question()
        found: Sequence[PositionReport] = self.venue.ask(wire.Positions())
        return found

    async def account(self) -> AccountReport:
        await self._question()
        found: AccountReport = self.venue.ask(wire.Account())
        return found

    async def _question(self) -> None:
        self.point("question")
        await Sleep(self.weather.dice.uniform(0.01, 0.3))
        if self.weather.strikes("fail_query"):
            raise TimeoutError("the question got lost")

    # --- Events

    def _hear(self, event: Quote | BrokerEvent) -> None:
        strikes, dice = self.weather.strikes, self.weather.dice
        if isinstance(event, Quote):
            self._hand_over(event)
            return
        if strikes("cut_link"):
            self._cut_link()
        if strikes("lose_event"):
            return
        for _ in range(2 if strikes("double_event") else 1):
            delay = dice.uniform(0, 90) if strikes("delay_event") else dice.uniform(0, 0.3)
            self.schedule.later(delay, lambda: self._hand_over(event))
        if strikes("garbage_event") and isinstance(event, FillReport):
            self._hand_over(_garbled(event, dice.randrange(4)))

    def _hand_over(self, event: Quote | BrokerEvent) -> None:
        if self.connected and self.epoch == self.schedule.epoch:
            self.deliver(event)

    def _cut_link(self) -> None:
        # What happens while it is down is heard of by nobody.
        now = self.schedule.clock.now()
        self._hand_over(LinkReport(up=False, at=now, reason="cut by the simulation"))
        self.connected = False
        epoch = self.epoch

        def up() -> None:
            if epoch == self.schedule.epoch:
                self.connected = True
                self._hand_over(LinkReport(up=True, at=self.schedule.clock.now()))

        self.schedule.later(self.weather.dice.uniform(1, 20), up)


def _garbled(fill: FillReport, how: int) -> FillReport:
    values = {name: getattr(fill, name) for name in fill.__struct_fields__}
    values |= (
        {"quantity": Decimal("NaN")},
        {"quantity": -fill.quantity},
        {"symbol": "NONE"},
        {"price": Decimal(-1)},
    )[how]
    return FillReport(**{**values, "fill_id": f"garbage-{fill.fill_id}"})


def moment(seconds: float) -> datetime:
    """
    The time that many seconds after the world began.
    """
    return START + timedelta(seconds=seconds)
