"""
A desk: one session, its clock, and a venue that a test plays by hand.

Whatever a test does, the books are checked after every event, and at the end of it the journal is
replayed and must give the same books.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, TypeVar

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.codec import decode
from ltm.core.context import new_context
from ltm.core.effects import Effect, SubmitOrder
from ltm.core.invariants import violations, witness
from ltm.core.recovery import replay
from ltm.core.session import Session
from ltm.core.snapshot import dump, load, state_hash
from ltm.core.state import OrderState, Slot, State, new_state
from ltm.engine.memory import MemoryJournal
from ltm.model.enums import Action, OrderStatus, OrderType, Side, TimeInForce
from ltm.model.instrument import Instrument
from ltm.model.market import Quote
from ltm.model.numbers import EXACT
from ltm.model.reports import (
    AccountReport,
    Acked,
    Capabilities,
    FillReport,
    LinkReport,
    OrderReport,
    Outcome,
    PositionReport,
)
from ltm.model.results import Allow, Deny, EquityFloor
from ltm.model.signal import SignalRecord
from ltm.model.spec import SessionSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltm.model.hours import Openings
    from ltm.model.order import OrderDraft
    from ltm.ports.rules import EquityBases, RiskRule, RiskSnapshot, SizingView

D = Decimal
MONDAY = datetime(2026, 1, 5, 10, tzinfo=UTC)
KEY = "abcdefgh"
CASH = D(1_000_000)
ALL_KINDS = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT)
CAPABILITIES = Capabilities(
    name="by hand",
    order_types=ALL_KINDS,
    times_in_force=tuple(TimeInForce),
    request_ttl=0.0,
    query_by_client_order_id=True,
    query_includes_closed=True,
)
E = TypeVar("E", bound=e.Event)


PASS = Allow()


class Fixed:
    """
    Wishes for the same quantity every time, or does what a test tells it to.
    """

    name = "fixed"

    def __init__(self, quantity: Any = 100):
        self.answer = D(quantity) if isinstance(quantity, (int, str)) else quantity
        self.seen: list[SizingView] = []

    def size(self, signal: SignalRecord, view: SizingView) -> Decimal:
        self.seen.append(view)
        return self.answer(view) if callable(self.answer) else self.answer


class Scripted:
    """
    A rule that answers what it is told: a value, or the result of a callable.
    """

    def __init__(self, name: str = "scripted", check: Any = PASS, room: Any = None):
        self.name = name
        self.answers = {"check": check, "headroom": room}
        self.asked: list[RiskSnapshot] = []

    def _answer(self, what: str) -> Any:
        answer = self.answers[what]
        return answer() if callable(answer) else answer

    def check(self, order: OrderDraft, snapshot: RiskSnapshot) -> Allow | Deny:
        self.asked.append(snapshot)
        return self._answer("check")

    def headroom(self, order: OrderDraft, snapshot: RiskSnapshot) -> Decimal | None:
        return self._answer("headroom")


class ScriptedFloor(Scripted):
    """
    The same for a rule that watches equity.
    """

    unlatches_at_roll = False

    def __init__(self, name: str = "floor", floor: Any = None, **answers: Any):
        super().__init__(name, **answers)
        self.answers["floor"] = floor if floor is not None else EquityFloor(D(100000), D(0))

    def equity_floor(self, bases: EquityBases) -> EquityFloor:
        return self._answer("floor")


class Desk:
    """
    One session and everything around it.
    """

    def __init__(
        self,
        *,
        rules: Sequence[RiskRule] = (),
        sizer: Any = None,
        instruments: Sequence[Instrument] | None = None,
        capabilities: Capabilities = CAPABILITIES,
        start: bool = True,
        now: datetime = MONDAY,
        cash: Decimal = CASH,
        openings: Openings | None = None,
        **terms: Any,
    ):
        self.openings = openings
        terms.setdefault("initial_capital", D(100_000))
        self.spec = SessionSpec(session_id="demo", model_id="m1", broker="hand", **terms)
        self.rules, self.capabilities = rules, capabilities
        self.sizer = sizer or Fixed()
        self.instruments = instruments or [stock("AAA"), stock("BBB")]
        self.journal = MemoryJournal("demo")
        self.now, self.mono = now, 0.0
        self.cash = cash
        self.events: list[e.AnyEvent] = []
        self.effects: list[Effect] = []
        self.wrong: list[str] = []
        self._count = 0
        self._begin(new_state(self.spec, KEY))
        if start:
            self.start()

    def _begin(self, state: State) -> None:
        self.session = Session(
            state,
            new_context(self.spec, self.rules, self.sizer, self.capabilities, self.openings),
            self.journal,
        )
        self.session.listener = self._on_event
        self._before = witness(state)
        self._at()

    def _on_event(self, event: e.AnyEvent) -> None:
        self.events.append(event)
        found = violations(self.session.state, self._before)
        self.wrong += [f"after {event}: {text}" for text in found]
        self._before = witness(self.session.state)
        assert not found, self.wrong

    def _at(self) -> None:
        self.session.at(self.now, self.mono)

    def _take(self, effects: list[Effect]) -> list[Effect]:
        self.effects += effects
        return effects

    # --- Life ---------------------------------------------------------------------------------

    def start(self) -> None:
        self.boot()
        self.connect()
        self.sweep()
        self.tick()

    def boot(self) -> None:
        boot = e.BootRecorded(at=self.now, boot_id="b", process_id=1, host="h", version="0")
        self._take(self.session.boot(boot))

    def connect(self) -> None:
        self._take(self.session.connected(self.account(), self.instruments))

    def restart(self, *, through: str = "records", **terms: Any) -> None:
        """
        End the process as a power cut would, and start the next one.
        """
        if terms:
            values = {name: getattr(self.spec, name) for name in self.spec.__struct_fields__}
            self.spec = SessionSpec(**{**values, **terms})
        state = load(dump(self.state)) if through == "snapshot" else replay(self.journal)
        self.mono = 0.0
        self._begin(state)

    def account(self, **changes: Any) -> AccountReport:
        values = {"account": "U1", "currency": self.spec.currency, "cash": self.cash, **changes}
        return AccountReport(**values)

    def wait(self, seconds: float = 1.0) -> list[Effect]:
        """
        Let time pass, and let the session look at its timers.
        """
        self.pass_time(seconds)
        return self.tick()

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.mono += seconds
        self._at()

    def tick(self) -> list[Effect]:
        return self.do(c.Tick())

    def do(self, command: c.AnyCommand) -> list[Effect]:
        self._at()
        return self._take(self.session.handle(command))

    # --- The market ---------------------------------------------------------------------------

    def mark(self, symbol: str = "AAA", price: Any = None, bid: Any = None, ask: Any = None) -> list[Effect]:
        quote = Quote(symbol, self.now, number(price), number(bid), number(ask))
        self._at()
        effects = self._take(self.session.mark([quote]))
        assert not violations(self.state, self._before)
        return effects

    # --- Signals ------------------------------------------------------------------------------

    def signal(
        self, action: str = "buy", quantity: Any = None, symbol: str = "AAA", **fields: Any
    ) -> e.AnyEvent:
        """
        Send a signal, and return the record that answers it.
        """
        self._count += 1
        fields.setdefault("intent", self._count)
        record = SignalRecord(
            symbol=symbol,
            action=Action(action),
            score=D(1),
            confidence=number(fields.pop("confidence", 1)),
            at=fields.pop("at", self.now),
            quantity=number(quantity),
            limit_price=number(fields.pop("limit_price", None)),
            trigger_price=number(fields.pop("trigger_price", None)),
            **fields,
        )
        self.do(c.SubmitSignal(record))
        answer = self.session.answered(self.session.key_of(record))
        assert answer is not None
        return answer

    def limit(self, action: str, quantity: Any, price: Any, symbol: str = "AAA", **fields: Any) -> e.AnyEvent:
        return self.signal(action, quantity, symbol, limit_price=price, order_type=OrderType.LIMIT, **fields)

    def codes(self, *args: Any, **fields: Any) -> tuple[str, ...]:
        """
        Send a signal, and return the codes it is denied with; none if it is not.
        """
        answer = self.signal(*args, **fields)
        return tuple(reason.code for reason in answer.reasons) if isinstance(answer, e.OrderDenied) else ()

    def order(self, action: str = "buy", quantity: Any = 100, symbol: str = "AAA", **fields: Any) -> str:
        """
        Send a signal that passes, and return the order's id; the venue has acknowledged it.
        """
        answer = self.signal(action, quantity, symbol, **fields)
        assert isinstance(answer, e.OrderIntended), answer
        self.answer(answer.client_order_id)
        return answer.client_order_id

    def hold(self, quantity: Any = 100, price: Any = 100, symbol: str = "AAA") -> str:
        """
        Get a position, long or short, at a price.
        """
        if self.slot(symbol).received is None:
            self.mark(symbol, price)
        order_id = self.order("buy" if D(quantity) > 0 else "sell", abs(D(quantity)), symbol)
        self.fill(order_id, abs(D(quantity)), price)
        return order_id

    # --- The venue ----------------------------------------------------------------------------

    def answer(self, order_id: str, outcome: Outcome | None = None) -> list[Effect]:
        return self.do(c.SubmitAnswered(order_id, outcome or Acked(f"v-{order_id}")))

    def fill_report(
        self, order_id: str, quantity: Any, price: Any = 100, fill_id: str = "", **fields: Any
    ) -> FillReport:
        order = self.session.find(order_id)
        if not fill_id:
            self._count += 1
            fill_id = f"f{self._count}"
        values = {
            "fill_id": fill_id,
            "symbol": order.symbol,
            "side": order.side,
            "quantity": D(quantity),
            "price": D(price),
            "occurred_at": self.now,
            "client_order_id": order_id,
            "commission": D(0),
            **fields,
        }
        return FillReport(**values)

    def fill(
        self, order_id: str, quantity: Any, price: Any = 100, fill_id: str = "", **fields: Any
    ) -> list[Effect]:
        report = self.fill_report(order_id, quantity, price, fill_id, **fields)
        return self.do(c.BrokerReported(report))

    def report(self, order_id: str, status: OrderStatus, filled: Any = 0, **fields: Any) -> OrderReport:
        order = self.session.find(order_id)
        values = {
            "symbol": order.symbol,
            "side": order.side,
            "status": status,
            "quantity": order.quantity,
            "filled_quantity": D(filled),
            "at": self.now,
            "client_order_id": order_id,
            "venue_order_id": f"v-{order_id}",
            **fields,
        }
        return OrderReport(**values)

    def say(self, order_id: str, status: OrderStatus, filled: Any = 0, **fields: Any) -> list[Effect]:
        return self.do(c.BrokerReported(self.report(order_id, status, filled, **fields)))

    def link(self, *, up: bool, reason: str = "") -> list[Effect]:
        return self.do(c.BrokerReported(LinkReport(up, self.now, reason)))

    def positions(self, **held: Any) -> tuple[PositionReport, ...]:
        with localcontext(EXACT):
            ours = {symbol: slot.position + slot.ignored for symbol, slot in self.state.slots.items()}
        wanted = {**ours, **{symbol: D(quantity) for symbol, quantity in held.items()}}
        return tuple(PositionReport(symbol=s, quantity=q) for s, q in wanted.items() if q)

    def sweep(self, **answers: Any) -> list[Effect]:
        """
        Answer a sweep: as the books expect, but for what the test says.
        """
        values = {
            "started_sequence": self.state.sequence,
            "open_orders": self.open_orders(),
            "fills": (),
            "positions": self.positions(),
            "account": self.account(cash=self.venue_cash()),
            **answers,
        }
        return self.do(c.SweepAnswered(**values))

    def open_orders(self) -> tuple[OrderReport, ...]:
        return tuple(
            self.report(name, order.status, order.filled, quantity=order.quantity)
            for name, order in self.state.orders.items()
            if order.status in {OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED}
        )

    def venue_cash(self) -> Decimal:
        with localcontext(EXACT):
            moved = self.state.cash[self.spec.currency] - self.spec.initial_capital
            return self.cash + moved + self.state.outside_cash

    # --- Looking ------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self.session.state

    def slot(self, symbol: str = "AAA") -> Slot:
        return self.state.slots[symbol]

    def get(self, order_id: str) -> OrderState:
        return self.state.order(order_id)

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if type(event) is kind]

    def last(self, kind: type[E]) -> E:
        return self.all(kind)[-1]

    def alerts(self) -> list[str]:
        return [event.code for event in self.all(e.AlertRaised)]

    def submitted(self) -> list[str]:
        return [effect.approval.client_order_id for effect in self.effects if isinstance(effect, SubmitOrder)]

    def sent(self, kind: type) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def replayed(self) -> State:
        return replay(self.journal, snapshots=False)

    def check(self) -> None:
        """
        Compare the live books with the replayed ones, and with those of a snapshot (I-17).
        """
        assert state_hash(self.state) == state_hash(self.replayed())
        assert state_hash(self.state) == state_hash(load(dump(self.state)))
        assert not violations(self.replayed())
        assert not violations(load(dump(self.state)))

    def records(self) -> list[e.AnyEvent]:
        return [decode(row.kind, row.version, row.payload) for row in self.journal.read()]


def number(value: Any) -> Decimal | None:
    return value if value is None or isinstance(value, Decimal) else D(str(value))


def stock(symbol: str = "AAA", currency: str = "USD", **fields: Any) -> Instrument:
    return Instrument(symbol=symbol, currency=currency, **fields)


def minutes(text: str) -> int:
    hours, rest = text.split(":")
    return int(hours) * 60 + int(rest)


BUY, SELL = Side.BUY, Side.SELL
DAY = TimeInForce.DAY
