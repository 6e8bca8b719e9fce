"""
The shell of one session: one queue, one order, one writer.

    drain     take what is queued, let the session decide, write down
    commit    make it durable, once for everything drained
    perform   only now send, cancel, ask and alert; answers come back through the queue

Written once, as coroutines, and driven two ways: by asyncio with a real venue, and by
`ltm.engine.drive.run_now` with a broker that owns its market and never waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from ltm.core import commands as c
from ltm.core import control, effects, events, recovery, watch
from ltm.core.session import Session
from ltm.engine.admission import Customs, relieve
from ltm.engine.alerts import AlertDispatcher
from ltm.engine.batches import Batches
from ltm.engine.inputs import REPORTS, TURN, Input, Localise, MakeAlerts, Observer, Request, command_of, reply
from ltm.engine.intake import Intake
from ltm.engine.market import Market
from ltm.engine.perform import Performer, introduced
from ltm.engine.selfcheck import SelfCheck
from ltm.engine.state_dir import FreeSpace, KillSwitch
from ltm.engine.surroundings import Surroundings
from ltm.model.enums import Lifecycle, TradingState
from ltm.model.errors import BrokerConnectionError, JournalError, LtmError, PluginError, SignalError, shown
from ltm.model.market import Quote
from ltm.model.reports import AccountReport, LinkReport
from ltm.ports.broker import Broker, Paced
from ltm.ports.shell import Clock, SignalSource

if TYPE_CHECKING:
    from ltm.model.signal import Signal


@attrs.define(kw_only=True, eq=False)
class Engine:
    """
    One session at work.
    """

    session: Session
    broker: Broker
    clock: Clock
    sources: Sequence[SignalSource]
    make_alerts: MakeAlerts
    localise: Localise
    kill_switch: KillSwitch | None = None
    free_space: Callable[[], FreeSpace] | None = None
    observers: Sequence[Observer] = ()
    set_time: Callable[[datetime], None] | None = None
    """Moves the session's clock to the market's; None where the clock runs by itself."""
    inline: bool = True
    """Whether the broker answers at once, so that effects are performed in their order."""
    spawn: Callable[[Coroutine[Any, Any, None]], None] | None = None
    deadline: Callable[[Awaitable[Any]], Awaitable[Any]] | None = None
    wake: Callable[[], None] = lambda: None
    beat: Callable[[], None] = lambda: None
    """Called after each signal and effect: a session that works off a long batch is not stuck."""
    inputs: deque[Input] = attrs.Factory(deque)
    stopped: bool = attrs.field(default=False, init=False)
    """Whether the session has ended."""
    alerts: AlertDispatcher = attrs.field(init=False)
    performer: Performer = attrs.field(init=False)
    intake: Intake = attrs.field(init=False)
    batches: Batches = attrs.field(init=False)
    surroundings: Surroundings = attrs.field(init=False)
    market: Market = attrs.field(init=False)
    _todo: list[effects.Effect] = attrs.Factory(list)
    _answers: list[Future[None]] = attrs.Factory(list)
    _seen: list[events.AnyEvent] = attrs.Factory(list)
    _check: SelfCheck = attrs.field(init=False)
    _snapshot_at: int = 0
    _stop_by: float | None = None

    def __attrs_post_init__(self) -> None:
        self.market = Market(
            paced=self.broker if isinstance(self.broker, Paced) else None,
            clock=self.clock,
            set_time=self.set_time,
            lost=self._market_lost,
        )
        self.performer = Performer(
            session=self.session,
            broker=self.broker,
            post=self.post,
            clock=self.clock,
            trouble=self._trouble,
            deadline=self.deadline,
        )
        self.intake = Intake(sources=self.sources, refuse=self._refuse, alarm=self._source_failed)
        self.batches = Batches(session=self.session, submit=self.submit)
        self.alerts = self.make_alerts(self.note_delivery, self.sink_trouble)
        self.surroundings = Surroundings(
            alerts=self.alerts, kill_switch=self.kill_switch, free_space=self.free_space
        )
        self._check = SelfCheck(self.session.state)
        self._snapshot_at = self.session.state.sequence
        if self.observers:
            self.session.listener = self._seen.append

    # --- Input ----------------------------------------------------------------------------------

    def post(self, item: Input) -> None:
        """
        Queue one input; from the engine's own thread only.
        """
        self.inputs.append(item)
        self.wake()

    def request(self, command: c.AnyCommand) -> Future[None]:
        """
        Queue a command; the future is done once its records are durable, or holds why not.
        """
        answer: Future[None] = Future()
        self.post(Request(command, answer))
        return answer

    def stop(self, by: str, reason: str = "") -> None:
        """
        Ask the session to end as its terms say.
        """
        self.post(c.Stop(by, reason))

    # --- Start ----------------------------------------------------------------------------------

    async def start(
        self,
        boot: Callable[[datetime], events.BootRecorded],
        changes: tuple[str, ...] = (),
        claim: Callable[[AccountReport], None] | None = None,
    ) -> None:
        """
        Connect, take the session over, and ask the venue for everything: new or recovered alike.

        Args:
            boot: Makes the record of who takes over, given the time.
            changes: What differs from the terms of the run before.
            claim: Is told the account before anything is written; may refuse it.

        Raises:
            BrokerConnectionError: The venue cannot be reached.
            ConfigError: The account is not the session's.
        """
        customs = Customs(session=self.session, post=self.post, refuse=self._refuse)
        account, listed = await introduced(self.broker, customs, claim)
        self._now()
        self._todo += self.session.boot(boot(self.clock.now()), changes)
        self._todo += [effects.DeliverAlert(alert) for alert in self.session.outbox()]
        self.intake.open(self.wake)
        self._todo += self.session.connected(account, listed)
        await self._settle()

    # --- The loop -------------------------------------------------------------------------------

    async def turn(self) -> bool:
        """
        Drain, commit, perform; return whether anything was done, so that more may follow.
        """
        before = self.session.state.sequence
        worked = self.drain()
        if self._todo or self.session.state.sequence != before or self._answers:
            await self._settle()
            return True
        return worked

    async def _settle(self) -> None:
        self.commit()
        await self.perform()

    def drain(self) -> bool:
        """
        Hand queued inputs to the session, and signals that are due.
        """
        self._now()
        if self.session.context.mono >= self.session.context.second_at:
            self._tick()
        relieve(self.inputs, self.session.context)
        worked = bool(self.inputs)
        if worked:
            self._take_inputs()
        return self._poll() or worked

    def _take_inputs(self) -> None:
        # In their order; what comes in a row of one kind is handed over together.
        quotes: list[Quote] = []
        told: list[c.AnyCommand] = []
        for _ in range(min(len(self.inputs), TURN)):
            item = self.inputs.popleft()
            kind = type(item)
            if kind is Quote:
                if told:
                    self._hear(told)
                quotes.append(item)  # type: ignore[arg-type] # its type was just looked at
                continue
            if quotes:
                self._mark(quotes)
                quotes = []
            if kind in REPORTS:
                told.append(c.BrokerReported(item))  # type: ignore[arg-type] # as above
            elif kind is c.SubmitAnswered:
                told.append(item)  # type: ignore[arg-type] # as above
            else:
                if told:
                    self._hear(told)
                self._take(item)
        if quotes:
            self._mark(quotes)
        elif told:
            self._hear(told)

    def _hear(self, told: list[c.AnyCommand]) -> None:
        self._todo += self.session.handle_all(told)
        told.clear()

    def _now(self) -> None:
        self.market.keep_time()
        self.session.at(self.clock.now(), self.clock.monotonic())

    def _tick(self) -> None:
        self._todo += self.session.handle(c.Tick())
        is_killed = self.session.state.trading_state is TradingState.KILLED
        for command in self.surroundings.look(self.clock.monotonic(), is_killed=is_killed):
            self._todo += self.session.handle(command)
        if (broken := self._check.look()) is not None:
            self._todo += self.session.handle(broken)
        if self._stop_by is None and self.session.state.lifecycle is Lifecycle.STOPPING:
            self._stop_by = self.clock.monotonic() + self.market.patience

    def _mark(self, quotes: list[Quote]) -> None:
        self._todo += self.session.mark(quotes)
        if self.session.state.lifecycle is Lifecycle.RUNNING:
            self.batches.take(self.intake.of_quotes(quotes))

    def _poll(self) -> bool:
        found = False
        if self.session.state.lifecycle is Lifecycle.RUNNING:
            found = self.batches.take(self.intake.due(self.session.context.now))
        return self.batches.release() or found

    def submit(self, signal: Signal) -> None:
        """
        Trade on a signal of a source; one that cannot be used is reported, and nothing is lost.
        """
        try:
            self._todo += self.session.handle(c.SubmitSignal(self.localise(signal)))
        except SignalError as error:
            self._refuse(error)
        self.beat()

    def _refuse(self, error: LtmError) -> None:
        for observer in self.observers:
            observer.on_problem(error)

    def note_delivery(self, alert_id: str, sink: str) -> None:
        """
        Take a sink's acknowledgement; from any thread.
        """
        self.post(c.NoteDelivery(alert_id, sink))

    def sink_trouble(self, sink: str, problem: str) -> None:
        """
        Take the news that a sink fails; from any thread. Trading goes on.
        """
        self._refuse(PluginError(f"alert sink {sink}: {problem}", code="LTM-ALR-001"))

    def _source_failed(self, message: str) -> None:
        self._todo += self.session.handle(c.RaiseAlert("critical", "signal_source", message))

    def _trouble(self, what: str, error: Exception) -> None:
        message = f"the broker did not answer about {what}: {shown(str(error))}"
        self._refuse(BrokerConnectionError(message, code="LTM-BRK-010"))

    def _take(self, item: Input) -> None:
        if isinstance(item, Request):
            self._answer(item)
        elif isinstance(item, Quote):
            self._mark([item])
        elif (command := command_of(item)) is not None:
            self._todo += self.session.handle(command)
        else:
            self._trouble("its events", TypeError(f"it delivered {shown(item)}"))

    def _answer(self, request: Request) -> None:
        try:
            self._todo += self.session.handle(request.command)
        except (LtmError, KeyError) as error:
            request.answer.set_exception(error)
        else:
            self._answers.append(request.answer)

    def commit(self) -> None:
        """
        Make everything written down durable: nothing may leave before this returns.

        Raises:
            JournalError: It may not be durable. Nothing is sent any more; open orders are canceled.
        """
        try:
            self.session.journal.commit()
        except JournalError as error:
            self._todo = []
            control.seize(self.session.state, self.clock.now())
            reply(self._answers, error)
            raise
        if recovery.snapshot_due(self.session.state, self._snapshot_at):
            self._save_snapshot()
        reply(self._answers)
        if self._seen:
            seen = self._seen[:]
            self._seen.clear()
            for observer in self.observers:
                for event in seen:
                    observer.on_event(event)

    def _save_snapshot(self) -> None:
        # A snapshot only saves time at the next start: without it the records say the same.
        self._snapshot_at = self.session.state.sequence
        try:
            recovery.save_snapshot(self.session.journal, self.session.state)
        except JournalError as error:
            self._refuse(error)

    async def perform(self) -> None:
        """
        Do what the durable records call for.
        """
        todo, self._todo = self._todo, []
        self.performer.killed = bool(todo) and self.surroundings.killed()
        for effect in todo:
            if isinstance(effect, effects.DeliverAlert):
                self.alerts.deliver(effect.alert)
            elif self.inline or self.spawn is None:
                await self.performer.perform(effect)
            else:
                self.spawn(self.performer.perform(effect))
            self.beat()

    async def advance(self) -> bool:
        """
        Let a broker that owns its market go on to its next moment; return whether there was one.
        """
        return await self.market.advance(watch.urgent(self.session.state, self.session.context))

    def _market_lost(self, reason: str, error: Exception) -> None:
        self._trouble("the market", error)
        if self.session.state.link_up:
            self.post(LinkReport(up=False, at=self.clock.now(), reason=reason))

    # --- The end --------------------------------------------------------------------------------

    @property
    def idle_for_good(self) -> bool:
        """
        Whether the market is over, or every source is exhausted, no entry waits, and nothing at a venue needs care.
        """
        is_done = self.market.paced is None and self.intake.exhausted and not self.batches.waits
        return self.market.over or (is_done and not control.is_needed(self.session.state))

    def ready_to_end(self) -> bool:
        """
        Whether a stopping session has nothing to wait for, or has waited long enough.
        """
        if self.session.state.lifecycle is not Lifecycle.STOPPING:
            return False
        is_late = self._stop_by is not None and self.clock.monotonic() >= self._stop_by
        return is_late or control.is_stopped(self.session.state)

    async def end(self) -> None:
        """
        Write the last records, and let go of the venue and the sources.
        """
        self._now()
        self.intake.close()
        if self.session.state.lifecycle is Lifecycle.STOPPING:
            self.batches.let_go()
            await self.surroundings.last_look()
            self._todo += self.session.finish()
            await self._settle()
            self._save_snapshot()
        self.stopped = True
        await self.broker.disconnect()

    async def abandon(self) -> None:
        """
        Once records are refused: halt, and cancel what is open without a record, since canceling is safe.
        """
        control.seize(self.session.state, self.clock.now())
        await self.performer.cancel_unrecorded()
        await self.broker.disconnect()
