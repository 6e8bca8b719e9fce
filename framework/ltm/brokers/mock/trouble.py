"""
An exchange at which things go wrong by order, in this process or behind a socket.

Here, in this process, nothing ever suspends: who gets no answer hears so at once, and a delay longer than the
customer's patience is a request that nobody waits for any more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from ltm.brokers.mock import wire
from ltm.brokers.mock.door import Unanswered, nobody
from ltm.brokers.mock.eventful import EventfulVenue
from ltm.brokers.mock.exchange import Exchange
from ltm.brokers.mock.fault_file import parse_faults
from ltm.brokers.mock.faults import Fault, Faults
from ltm.model.errors import ConfigError
from ltm.model.numbers import ZERO
from ltm.model.reports import AccountReport, Acked, BrokerEvent, FillReport, LinkReport, OrderReport, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ltm.brokers.mock.config import MockConfig
    from ltm.brokers.mock.truth import Truth
    from ltm.model.market import Quote
    from ltm.ports import Deliver

_LATER: Final = frozenset({"drop_reply", "garbage"})


class Trouble:
    """
    One market, its venue, and what goes wrong there.

    Args:
        config: What to open.
        table: What goes wrong.

    Raises:
        ConfigError: The prices cannot be used, or settings or faults name a symbol that has none.
    """

    def __init__(self, config: MockConfig, table: tuple[Fault, ...] = ()) -> None:
        self.exchange: Final = Exchange(config, EventfulVenue)
        venue = self.exchange.venue
        if not isinstance(venue, EventfulVenue):
            raise TypeError(type(venue))  # never: it was just asked for
        self.venue: Final = venue
        self.patience: Final = config.request_timeout
        self.truth: Truth | None = None
        self._faults: Final = Faults((), config.seed)
        self._timed: list[tuple[datetime, Fault]] = []
        self._add(table)

    def strike(self, request: wire.Request) -> tuple[Fault, ...]:
        """
        Return the faults that befall a request.
        """
        return self._faults.strike(wire.method_of(request))

    def swallows(self, request: wire.Request, struck: tuple[Fault, ...]) -> bool:
        """
        Return whether a request gets no answer for good, having seen to it that a late one comes.
        """
        for fault in struck:
            if fault.verb == "drop_request":
                return True
            if fault.verb == "late":
                self.venue.later(fault.seconds, lambda: self._act(request, ()))
                return True
        return False

    def answer(self, request: wire.Request, struck: tuple[Fault, ...] = ()) -> Any:  # noqa: ANN401 - `wire.ANSWERS`
        """
        Return the answer to a request, and let happen what is due.

        Raises:
            ConfigError: What the venue is told makes no sense.
        """
        if isinstance(request, wire.Tell):
            return self._told(request.faults)
        answer = self._act(request, struck)
        for fault in struck:
            if fault.happens:
                self._let_happen(fault)
        self._catch_up()
        return answer

    def _act(self, request: wire.Request, struck: tuple[Fault, ...]) -> Any:  # noqa: ANN401 - as `answer`
        if not isinstance(request, (wire.Submit, wire.Cancel)):
            return self.exchange.answer(request)
        name = request.client_order_id
        for fault in struck:
            if fault.verb.startswith("commission_"):
                late = fault.verb == "commission_late"
                self.venue.withhold_commissions(name, fault.seconds if late else None)
        codes = [fault.code for fault in struck if fault.verb == "reject"]
        outcome = Refused(codes[0], "refused by order") if codes else self.exchange.answer(request)
        if self.truth is not None:
            self.truth.outcome(self.exchange.now, name, wire.method_of(request), outcome)
        if isinstance(request, wire.Submit) and isinstance(outcome, Acked):
            for fault in struck:
                if fault.verb == "not_found_for":
                    self.venue.hide(name, fault.seconds)
                elif fault.verb == "fill_immediately":
                    self.venue.fill_now(name)
        return outcome

    def _told(self, faults: str) -> list[str]:
        table = parse_faults(faults, "what the venue was told")
        said = []
        for fault in table:
            if fault.happens and fault.method is None and fault.after is None and fault.at is None:
                said.append(self._happen(fault))
            else:
                self._add((fault,))
                said.append(f"{fault.verb} to come")
        return said

    def _add(self, table: tuple[Fault, ...]) -> None:
        for fault in table:
            self.venue.check(fault.symbol)
        self._faults.add(tuple(fault for fault in table if fault.method is not None))
        now = self.exchange.now
        for fault in table:
            if fault.method is None:
                self._timed.append((fault.at or now + timedelta(seconds=fault.after or 0), fault))
        # Of two at one time, the one that was named first.
        self._timed.sort(key=lambda one: one[0])

    def _catch_up(self) -> None:
        while self._timed and self._timed[0][0] <= self.exchange.now:
            self._let_happen(self._timed.pop(0)[1])
        self.venue.catch_up()

    def _happen(self, fault: Fault) -> str:
        result = _HAPPENINGS[fault.verb](self, fault)
        self._note(fault, result)
        return result

    def _let_happen(self, fault: Fault) -> None:
        # Nobody asked just now: an order or a fill that is not there is nobody's mistake but the log's business.
        try:
            self._happen(fault)
        except ConfigError as error:
            self._note(fault, error.message)

    def _note(self, fault: Fault, result: str) -> None:
        if self.truth is not None:
            self.truth.note("happened", self.exchange.now, verb=fault.verb, result=result)

    def _calm(self) -> str:
        self._faults.clear()
        self._timed.clear()
        return "calm"


_HAPPENINGS: Final[dict[str, Callable[[Trouble, Fault], str]]] = {
    "halt_symbol": lambda at, one: at.venue.halt(one.symbol, one.seconds),
    "foreign_order": lambda at, one: at.venue.manual_order(
        one.symbol, one.side, one.quantity or ZERO, one.price
    ),
    "cancel_order": lambda at, one: at.venue.cancel_by_venue(one.order),
    "end_day": lambda at, _: at.venue.end_day(),
    "overfill": lambda at, one: at.venue.overfill(one.order, one.quantity or ZERO),
    "bust": lambda at, one: at.venue.correct(one.fill, ZERO, None),
    "correct": lambda at, one: at.venue.correct(one.fill, one.quantity, one.price),
    "drift": lambda at, one: at.venue.drift(one.symbol, one.quantity or ZERO),
    "deposit": lambda at, one: at.venue.move_cash(one.amount),
    "withdraw": lambda at, one: at.venue.move_cash(-one.amount),
    "cash": lambda at, one: at.venue.move_cash(one.amount),
    "calm": lambda at, _: at._calm(),  # noqa: SLF001 - part of the class, for the table's sake
}


def spoiled(events: list[Quote | BrokerEvent], verbs: set[str]) -> list[Quote | BrokerEvent]:
    """
    Return the events of a reply as they arrive.
    """
    if "lose_event" in verbs:
        events = [event for event in events if not isinstance(event, (FillReport, OrderReport))]
    if "duplicate" in verbs:
        events = [event for event in events for _ in range(2)]
    return events[::-1] if "reorder" in verbs else events


class TroubledDoor:
    """
    The venue is here, and things go wrong.
    """

    def __init__(self, trouble: Trouble) -> None:
        self._trouble: Final = trouble
        self._exchange: Final = trouble.exchange
        self._deliver: Deliver = nobody
        self._unsent: list[Quote | BrokerEvent] = []
        self._cut = False
        self.price_interval: Final = trouble.exchange.price_interval

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

        Raises:
            Unanswered: A fault struck.
        """
        self._deliver = deliver
        self._unsent.clear()
        self._cut = False
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

        Raises:
            Unanswered: A fault struck.
        """
        if self._cut:
            self._cut = False
            self._deliver(LinkReport(up=True, at=self.now))
        struck = self._trouble.strike(request)
        verbs = {fault.verb for fault in struck}
        waits = sum(fault.seconds for fault in struck if fault.verb == "delay")
        if waits >= self._trouble.patience or self._trouble.swallows(request, struck):
            raise _unanswered()
        answer = self._trouble.answer(request, struck)
        self._unsent += self._exchange.take_events()
        if "restart" in verbs:
            self._unsent.clear()
            self._cut = True
            self._deliver(LinkReport(up=False, at=self.now, reason="the mock venue closed the connection"))
            raise _unanswered()
        if verbs & _LATER:
            raise _unanswered()
        events, self._unsent = spoiled(self._unsent, verbs), []
        for event in events:
            self._deliver(event)
        return answer


def _unanswered() -> Unanswered:
    return Unanswered("no answer from the mock venue")
