"""
One world: a venue, a network, a disk, a model, an operator, and a process that dies and comes back.
"""

import functools
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import msgspec
from proof_kit.rows import rows_of
from proof_kit.verdict import Verdict, judge

from ltm import app
from ltm.brokers.mock import wire
from ltm.brokers.mock.config import CommissionConfig, MockConfig
from ltm.brokers.mock.synthetic import SyntheticMarket
from ltm.brokers.mock.trouble import Trouble
from ltm.config import SessionConfig
from ltm.core import commands as c
from ltm.core import events as e
from ltm.core import invariants, recovery
from ltm.core.booking import guard_of
from ltm.core.codec import decode
from ltm.core.context import new_context
from ltm.core.facts import OWN_EXITS, UNPROVEN
from ltm.core.session import Session
from ltm.core.snapshot import state_hash
from ltm.core.state import State, new_state
from ltm.engine.alerts import InlineDispatcher, Route
from ltm.engine.engine import Engine
from ltm.model.enums import Lifecycle, OrderStatus
from ltm.model.errors import JournalError, LtmError, SignalError
from ltm.model.identifiers import session_key
from ltm.model.market import Quote
from ltm.model.results import Alert
from ltm.model.signal import Signal
from ltm.ports.shell import Record
from simkit.disk import SimJournal
from simkit.network import CAPABILITIES, SimBroker, SimVenue, moment
from simkit.schedule import IDLE, START, Bounded, Crash, Schedule, Sleep
from simkit.weather import DISTURBING, FATE, LIES, Weather, weather_of

WORKING = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})
SYMBOLS = ("ACME", "BOLT", "CRUX")
MARKET_STEP = 5.0
STORM = 300.0
"""Seconds in which signals come and things go wrong."""
CALM = 150.0
"""Seconds after the last fault in which everything has to be resolved (REL-T18: 120 and some)."""
QUIET = 30.0
CONFIG = """
[session]
id = "sim"
model_id = "chaos"
initial_capital = 100_000
max_position_size = 0.5
max_daily_trades = 1000
stop_loss_pct = 0.004
take_profit_pct = 0.006
trailing_stop_pct = 0.005
on_stop = "{on_stop}"
foreign_orders = "{foreign}"
[broker]
plugin = "mock"
[risk.sector_concentration]
max_sector_fraction = 0.9
sectors = "{sectors}"
[risk.drawdown]
max_drawdown = 0.2
[risk.daily_loss]
max_daily_loss = 0.1
[[alerts]]
plugin = "log"
"""


@functools.cache
def config_of(on_stop: str, foreign: str = "observe") -> SessionConfig:
    """
    The session's terms; read once, since they are the same in every world.
    """
    with tempfile.TemporaryDirectory() as folder:
        sectors = Path(folder) / "sectors.csv"
        sectors.write_text("symbol,sector\nACME,Tools\nBOLT,Tools\nCRUX,Wine\n", encoding="utf-8")
        path = Path(folder) / "ltm.toml"
        path.write_text(CONFIG.format(on_stop=on_stop, sectors=sectors, foreign=foreign), encoding="utf-8")
        (config,) = app.load(path).config.sessions
        # Rules read their files when they are made.
        for rule in config.rules:
            _rule(rule)
    spec = msgspec.structs.replace(config.spec, sample_seconds=10.0)
    return attrs.evolve(config, spec=spec)


_RULES: dict[str, Any] = {}


def _rule(chosen: Any) -> Any:
    if chosen.name not in _RULES:
        _RULES[chosen.name] = chosen.offer.factory(chosen.config)
    return _RULES[chosen.name]


def resumption(state: State, reason: str) -> c.Resume:
    """
    What a person asks for who has looked at everything.
    """
    latches = tuple(state.latches)
    return c.Resume("operator", reason, acknowledge=latches, override=latches)


class Sink:
    """
    An alert sink that keeps what it gets.
    """

    name = "sink"

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def deliver(self, alert: Alert) -> None:
        self.alerts.append(alert)


class Model:
    """
    A signal source that, like any file, starts over at each start.
    """

    name = "chaos"
    exhausted = False

    def __init__(self, plan: list[tuple[datetime, Signal]]) -> None:
        self._plan = plan
        self._next = 0

    def open(self, wake: Any) -> None:
        self._next = 0

    def poll(self, now: datetime) -> Iterator[Signal]:
        while self._next < len(self._plan) and self._plan[self._next][0] <= now:
            self._next += 1
            yield self._plan[self._next - 1][1]

    def on_quote(self, quote: Quote) -> Iterable[Signal]:
        return ()

    def close(self) -> None:
        """
        Nothing to close.
        """


def first_prices(seed: int) -> dict[str, Decimal]:
    """
    Return what the market of a world begins with.
    """
    market = SyntheticMarket(
        SYMBOLS, steps=1, interval=timedelta(seconds=MARKET_STEP), start=START, seed=seed
    )
    (moment_of_start,) = market.moments()
    return {tick.symbol: tick.bid for tick in moment_of_start.ticks}


def bracket_of(dice: random.Random, action: str, price: Decimal) -> dict[str, Decimal]:
    """
    Draw the exits of an entry, so near that the market meets them soon; of some one alone, of most none.
    """
    if action != "buy" or dice.random() < 0.5:
        return {}
    away = [(price * share).quantize(Decimal("0.01")) for share in (Decimal("0.997"), Decimal("1.003"))]
    exits = dict(zip(("stop_loss_price", "take_profit_price"), away, strict=True))
    if dice.random() < 0.3:
        del exits[dice.choice([*exits])]
    return exits


def plan_of(
    dice: random.Random, count: int, seconds: float, prices: dict[str, Decimal]
) -> list[tuple[datetime, Signal]]:
    """
    Draw the signals of a world; some come twice, and some in bursts.
    """
    apart = random.Random(f"exits {prices}")
    plan = []
    for number in range(count):
        at = moment(round(dice.uniform(5, seconds - 20)) if number % 4 else seconds / 5)
        kind = dice.choices(("market", "limit", "stop", "stop_limit"), (6, 3, 1, 1))[0]
        life = dice.choice(("day", "gtc", "gtc", "ioc", "fok", "gtd"))
        symbol, action = dice.choice(SYMBOLS), dice.choice(("buy", "buy", "sell"))
        exits = bracket_of(apart, action, prices[symbol]) if kind == "market" else {}
        signal = Signal(
            stock_code=symbol,
            action=action,
            score=0.5,
            confidence=0.9,
            timestamp=at.isoformat(),
            intent=number,
            quantity=dice.choice((None, 1, 7, 40)),
            order_type=kind,
            limit_price=dice.choice((15, 60, 200, 500)) if "limit" in kind else None,
            trigger_price=dice.choice((15, 60, 200, 500)) if "stop" in kind else None,
            time_in_force=life,
            good_till=(at + timedelta(seconds=60)).isoformat() if life == "gtd" else None,
            stop_loss_price=exits.get("stop_loss_price"),
            take_profit_price=exits.get("take_profit_price"),
        )
        plan += [(at, signal)] * (2 if dice.random() < 0.2 else 1)
    return sorted(plan, key=lambda one: one[0])


def _replaced_by(row: Record) -> str:
    event = decode(row.kind, row.version, row.payload) if row.kind == "order_intended" else None
    return event.replaces if isinstance(event, e.OrderIntended) else ""


@attrs.define(eq=False)
class World:
    """
    Everything that a seed decides.
    """

    seed: int
    weather: Weather
    schedule: Schedule
    venue: SimVenue
    journal: SimJournal
    plan: list[tuple[datetime, Signal]]
    dice: random.Random
    config: SessionConfig
    concurrent: bool
    """Whether effects run side by side, as with a real venue, or one after the other."""
    storm: float = STORM
    calm: float = CALM
    hook: Callable[[int, str], None] = lambda number, what: None
    """Is told of every operation on disk and network, with its number, and may raise."""
    points: int = 0
    calls: Counter[str] = attrs.Factory(Counter)
    problems: list[str] = attrs.Factory(list)
    sink: Sink = attrs.Factory(Sink)
    engine: Engine | None = None
    boots: int = 0
    booted_at: float = 0.0
    crashes: int = 0
    events: int = 0
    halted: int = 0
    stopping: bool = False
    entered: dict[tuple[str, int], set[str]] = attrs.Factory(dict)
    """By symbol and epoch, the orders that have filled in it."""
    _steps: int = 0
    _earlier: invariants.Witness | None = None

    # --- Life and death of a process

    def boot(self) -> None:
        """
        Start a process on what the disk has.
        """
        self.boots += 1
        self.booted_at = self.schedule.now
        self._earlier = None
        key = session_key(self.seed)
        spec = self.config.spec
        state = recovery.replay(self.journal) or new_state(spec, key)
        if self.journal.snapshot is not None:
            self._compare(state, "snapshot and tail")
        rules = [_rule(rule) for rule in self.config.rules]
        context = new_context(
            spec, rules, self.config.sizer.offer.factory(self.config.sizer.config), CAPABILITIES
        )
        session = Session(state, context, self.journal)
        broker = SimBroker(
            self.venue, self.schedule, self.weather, self.journal, key, self.calls, self.problems, self._point
        )
        engine = self.engine = Engine(
            session=session,
            broker=broker,
            clock=self.schedule.clock,
            sources=(Model(self.plan),),
            make_alerts=lambda delivered, trouble: InlineDispatcher(
                (Route(sink=self.sink),),
                clock=self.schedule.clock,
                on_delivered=delivered,
                on_trouble=trouble,
            ),
            localise=lambda signal: signal.record(None),
            wake=self.schedule.wake,
            inline=not self.concurrent,
            spawn=self.schedule.spawn if self.concurrent else None,
            observers=(self,),
        )
        session.listener = self._check
        engine.performer.deadline = lambda call: Bounded(self.schedule, call, spec.submit_deadline)
        self.schedule.spawn(self._process(engine))

    async def _process(self, engine: Engine) -> None:
        try:
            await engine.start(_boot_record)
            while not engine.stopped:
                while await engine.turn():
                    self._snapshot(engine)
                if engine.ready_to_end():
                    await engine.end()
                    return
                await Sleep(IDLE, wakeable=True)
        except JournalError:
            self.halted += 1
            await engine.abandon()
            self._die()
        except LtmError:
            self._die()

    def _die(self) -> None:
        # The process ended by itself; somebody starts it again.
        raise Crash

    def crashed(self) -> None:
        """
        Forget everything but the disk, and come back a little later.
        """
        self.crashes += 1
        if self.engine is not None:
            self._compare_live(self.engine.session.state)
        self.engine = None
        self.journal.lose_power()
        self.schedule.later(self.weather.dice.uniform(0.1, 15), self.boot)

    # --- What happens besides

    def market(self) -> None:
        """
        Let the market go on, until a little before the end: then nothing new happens, and all can be compared.
        """
        if self.schedule.now > self.storm + self.calm - QUIET and not self.stopping:
            return
        # After a pause it has some steps to catch up with.
        while self._steps * MARKET_STEP <= self.schedule.now:
            self.venue.ask(wire.Advance(self.schedule.clock.now()))
            self._steps += 1
        self.schedule.later(MARKET_STEP, self.market)
        if self.weather.strikes("crash_anytime") and self.engine is not None:
            raise Crash

    def fate(self) -> None:
        """
        The venue does something by itself, or somebody else does something in the account.
        """
        if self.weather.calm:
            return
        self.schedule.later(self.dice.uniform(10, 60), self.fate)
        dice, symbol = self.dice, self.dice.choice(SYMBOLS)
        details: dict[str, dict[str, Any]] = {
            "foreign_order": {
                "symbol": symbol,
                "side": dice.choice(("buy", "sell")),
                "quantity": dice.choice((1, 5, 30)),
                **({"price": dice.choice((15, 60, 200))} if dice.random() < 0.5 else {}),
            },
            "bust": {"fill": dice.choice((-1, -2, 1))},
            "correct": {"fill": dice.choice((-1, -3)), "quantity": dice.choice((1, 2, 30)), "price": 50.25},
            "overfill": {"order": dice.choice((-1, -2)), "quantity": dice.choice((1, 3))},
            "drift": {"symbol": symbol, "quantity": dice.choice((-2, 3, 20))},
            "money": {"verb": dice.choice(("deposit", "withdraw")), "amount": dice.choice((0.5, 100, 2500))},
            "halt_symbol": {"symbol": symbol, "seconds": dice.choice((5, 20, 60))},
            "cancel_order": {"order": dice.choice((-1, -2, 1))},
            "end_day": {},
        }
        for verb, words in details.items():
            if self.weather.strikes(verb):
                self.venue.happen(**{"verb": verb, **words})

    def tidy(self) -> None:
        """
        Somebody looks at what only a person can decide, once the storm is over.
        """
        self.schedule.later(10, self.tidy)
        engine = self.engine
        if engine is None or self.stopping:
            return
        state = engine.session.state
        for slot in state.slots.values():
            if slot.drift is not None:
                engine.request(c.AcceptPosition(slot.instrument.symbol, "operator", "looked at"))
            if slot.blocked is not None:
                engine.request(c.Unblock(slot.instrument.symbol, "operator"))
        for name, order in state.orders.items():
            # What moved the holding while its fate was open keeps it from being proven: look at the venue itself.
            if order.status is OrderStatus.UNKNOWN and order.alarmed >= UNPROVEN:
                venue_id = f"v{name}" if name in self.venue.arrived_at else None
                engine.request(c.ResolveOrder(name, "operator", "looked at the venue", venue_id))
        if state.latches:
            self._resume()

    def operator(self) -> None:
        """
        A person cancels an order, pauses, or resumes, now and then.
        """
        if self.weather.calm:
            return
        self.schedule.later(self.dice.uniform(10, 50), self.operator)
        engine = self.engine
        if engine is None:
            return
        state = engine.session.state
        what = self.dice.random()
        working = [name for name, order in state.orders.items() if order.status in WORKING]
        if what < 0.4 and working:
            order = state.orders[self.dice.choice(working)]
            change = self.dice.choice(({"quantity": order.quantity + 3}, {"limit_price": Decimal(250)}))
            engine.request(c.ReplaceOrder(client_order_id=order.client_order_id, by="operator", **change))
        elif what < 0.6 and state.orders:
            engine.request(c.CancelOrder(self.dice.choice(list(state.orders)), "operator"))
        elif what < 0.7:
            engine.request(c.Pause("operator", "lunch"))
            engine.request(resumption(state, "lunch is over"))
        elif what < 0.75:
            engine.request(c.Flatten("operator", self.dice.choice(SYMBOLS)))
            self.schedule.later(30, self._resume)
        elif state.latches:
            self._resume()

    def _resume(self) -> None:
        if self.engine is not None:
            self.engine.request(resumption(self.engine.session.state, "looked at"))

    def _snapshot(self, engine: Engine) -> None:
        if self.dice.random() < 0.002:
            recovery.save_snapshot(self.journal, engine.session.state)

    # --- What must hold

    def _check(self, event: e.AnyEvent) -> None:
        engine = self.engine
        assert engine is not None
        self.events += 1
        state = engine.session.state
        # Closed orders are looked at when it is an order's turn: samples of prices move none.
        closed = isinstance(event, (e.OrderFilled, e.FillReplaced, e.OrderLate))
        broken = invariants.violations(state, self._earlier, closed=closed)
        self._earlier = invariants.witness(state)
        broken += self._watch_exits(state, event)
        self.problems += [f"after {type(event).__name__} ({state.sequence}): {one}" for one in broken]

    def _watch_exits(self, state: State, event: e.AnyEvent) -> Iterator[str]:
        # At most one exit at a time, and only what has filled in a position has a say in where it is closed.
        match event:
            case e.OrderIntended() if event.draft.purpose in OWN_EXITS:
                orders = state.slots[event.draft.symbol].orders.values()
                if sum(order.purpose in OWN_EXITS for order in orders) > 1:
                    yield f"RSK-24 {event.draft.symbol}: another exit beside one that works"
            case e.OrderFilled() | e.FillReplaced():
                order = state.order(event.client_order_id)
                assert order is not None
                slot = state.slots[order.symbol]
                place = (order.symbol, slot.epoch)
                if isinstance(event, e.FillReplaced):
                    # What a correction brings back is a position from before, with its exits.
                    known = (ids for (symbol, _), ids in self.entered.items() if symbol == order.symbol)
                    self.entered[place] = set().union(*known)
                self.entered.setdefault(place, set()).add(event.client_order_id)
                guard = guard_of(slot)
                if guard is not None and guard.client_order_id not in self.entered[place]:
                    yield f"RSK-24 {order.symbol}: guarded by {guard.client_order_id}, of an earlier position"

    def on_event(self, event: e.AnyEvent) -> None:
        """
        Look on; `_check` looks closer.
        """

    def on_problem(self, problem: LtmError) -> None:
        """
        Every signal of the plan can be used, also the second time.
        """
        if isinstance(problem, SignalError):
            self.problems.append(f"F46 a signal was refused: {problem.message}")

    def _compare(self, state: State, what: str) -> None:
        full = recovery.replay(_Whole(self.journal.records[: state.sequence]), snapshots=False)
        if full is None or state_hash(full) != state_hash(state):
            self.problems.append(f"I-17 {what} is not what the journal adds up to")

    def _compare_live(self, state: State) -> None:
        # Halted by a disk that takes no records, it knows what the journal could not be told.
        if "journal" not in state.latches and 0 < state.sequence == len(self.journal.records):
            self._compare(state, f"the state after record {state.sequence}")

    # --- The whole story

    def run(self) -> "World":
        """
        A storm, a calm, an orderly end.
        """
        self.schedule.on_crash = self.crashed
        self.journal.before = self._disk
        self.journal.after_commit = self._committed
        self.schedule.later(0, self.market)
        self.schedule.later(0.5, self.boot)
        self.schedule.later(30, self.operator)
        self.schedule.later(20, self.fate)
        self.schedule.run(self.storm)
        self.weather.calm = True
        if FATE.keys() & self.weather.odds.keys():
            for order in self.venue.exchange.venue.open_orders():
                if order.client_order_id is None:
                    self.venue.happen(verb="cancel_order", order=order.venue_order_id)
            self.schedule.later(5, self.tidy)
        self.schedule.run(self.storm + self.calm)
        self._check_liveness()
        self._stop()
        return self

    def _point(self, what: str) -> None:
        self.points += 1
        self.hook(self.points, what)

    def _disk(self, operation: str) -> None:
        self._point(operation)
        if operation == "commit" and self.weather.strikes("crash_commit"):
            raise Crash

    def _committed(self) -> None:
        self._point("committed")
        if self.weather.strikes("crash_committed"):
            raise Crash

    def _is_up(self) -> bool:
        return self.engine is not None and self.engine.session.state.lifecycle is Lifecycle.RUNNING

    def _check_liveness(self) -> None:
        if not self._is_up() or self.schedule.now - self.booted_at < 60:
            self.schedule.run(self.schedule.now + 60)  # it died a moment ago
        engine = self.engine
        if engine is None or not self._is_up():
            found = engine.session.state.lifecycle if engine is not None else "no process"
            self.problems.append(f"T18 {found} {self.calm} s after the last fault")
            return
        open_questions = {OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN}
        self.problems += [
            f"T18 {order.client_order_id} is {order.status} {self.calm} s after the last fault"
            for order in engine.session.state.orders.values()
            if order.status in open_questions and order.created_at < moment(self.storm)
        ]

    def _stop(self) -> None:
        if self.config.spec.on_stop == "flatten":
            # Positions can only be closed where there is a market.
            self.stopping = True
            self.schedule.later(0, self.market)
        for _ in range(3):
            if self.engine is not None and not self.engine.stopped:
                self.engine.stop("simulation")
            self.schedule.run(self.schedule.now + 60)
            if self.engine is not None and self.engine.stopped:
                break
            # It died while it stopped, and came back running: once all is resolved it is stopped again.
            self.schedule.run(self.schedule.now + 60)
        if self.engine is None or self.engine.session.state.lifecycle is not Lifecycle.STOPPED:
            self.problems.append("F30 not stopped 60 s after the stop")
            return
        self._compare_live(self.engine.session.state)
        self._compare_venue(self.engine.session.state)

    def _compare_venue(self, state: State) -> None:
        exchange = self.venue.exchange
        theirs = {one.symbol: one.quantity for one in exchange.venue.positions()}
        ours = {slot.instrument.symbol: slot.position for slot in state.held()}
        if theirs != ours:
            self.problems.append(f"positions {ours}, the venue says {theirs}")
        moved = exchange.venue.account().cash - Decimal(1_000_000)
        if DISTURBING & self.weather.odds.keys():
            # What else moved it is part of the base from when a person had looked; until then there is none.
            booked = state.cash_total - state.spec.initial_capital + state.outside_cash
            apart = moved + 1_000_000 - (state.cash_base or 0) - booked
            if state.cash_base is not None and abs(apart) > Decimal("0.1"):
                self.problems.append(f"cash differs by {apart}, and nobody was told")
        # A holding that a person accepted was paid for by nobody: what its price moved is not the venue's.
        elif (booked := state.cash_total - state.spec.initial_capital + state.outside_cash) != moved:
            self.problems.append(f"cash moved by {booked}, at the venue {moved}")
        drifted = [slot.instrument.symbol for slot in state.slots.values() if slot.drift is not None]
        if drifted:
            self.problems.append(f"drift of {drifted} never cleared")

    def verdict(self) -> Verdict:
        """
        The venue's log against the journal, and every call against every order.
        """
        ended = self.config.spec.on_stop != "keep"
        verdict = judge(self.venue.log, rows_of(_Whole(self.journal.records)), ended=ended)
        verdict.duplicated += [
            f"I-05 {name} was sent {count} times" for name, count in self.calls.items() if count > 1
        ]
        replaced = Counter(one for row in self.journal.records if (one := _replaced_by(row)))
        verdict.duplicated += [
            f"REL-2 {name} was replaced {count} times" for name, count in replaced.items() if count > 1
        ]
        verdict.wrong += self.problems
        if LIES & self.weather.odds.keys():
            # What arrived after its proof of absence, and ended at once without a fill, nobody ever hears of.
            filled = {entry["client_order_id"] for entry in self.venue.log if entry["event"] == "fill"}
            verdict.lost = [
                text
                for text in verdict.lost
                if not text.endswith("order_absent here") or text.split()[0] in filled
            ]
        else:
            late = [record.sequence for record in self.journal.records if record.kind == "order_late"]
            verdict.wrong += [
                f"F18 record {number}: proven absent, and there, at an honest venue" for number in late
            ]
        return verdict


class _Whole(SimJournal):
    # All records of a journal, durable or not, as if read back.

    def __init__(self, records: list[Record]) -> None:
        super().__init__(records=records, durable=len(records))


def _boot_record(now: datetime) -> e.BootRecorded:
    return e.BootRecorded(at=now, boot_id="sim", process_id=1, host="sim", version="0")


def make_world(seed: int) -> World:
    """
    The world of a seed.
    """
    dice = random.Random(f"world {seed}")
    return _world(
        dice, seed, weather_of(seed), plan_of(dice, dice.randint(10, 45), STORM, first_prices(seed))
    )


def make_short_world(seed: int, *, on_stop: str = "cancel", concurrent: bool = True) -> World:
    """
    A world in which nothing goes wrong by itself, and that is soon over.
    """
    dice = random.Random(f"short world {seed}")
    world = _world(dice, seed, Weather(dice, {}), plan_of(dice, 10, 50, first_prices(seed)))
    world.storm, world.calm = 55.0, 70.0
    world.config, world.concurrent = config_of(on_stop), concurrent
    return world


def _world(dice: random.Random, seed: int, weather: Weather, plan: list[tuple[datetime, Signal]]) -> World:
    schedule = Schedule()
    on_stop = dice.choice(("cancel", "cancel", "keep", "flatten"))
    # A session that closes its positions has ten seconds: a thin market would leave some of them.
    thin = on_stop != "flatten" and dice.random() < 0.5
    config = MockConfig(
        symbols=list(SYMBOLS),
        steps=2_000,
        interval_seconds=MARKET_STEP,
        start=START,
        seed=seed,
        commission=CommissionConfig(per_share=Decimal("0.01"), minimum=Decimal(1)),
        participation=Decimal("0.1") if thin else None,
    )
    return World(
        seed=seed,
        weather=weather,
        schedule=schedule,
        venue=SimVenue(Trouble(config), schedule),
        journal=SimJournal(),
        plan=plan,
        dice=dice,
        config=config_of(on_stop, dice.choice(("observe", "observe", "cancel"))),
        concurrent=dice.random() < 0.7,
    )
