"""
One session: takes a command, decides, writes down, applies, and says what is to be done.

Nothing here waits or does I/O but the journal port. A shell owns the session, hands it commands
one at a time in one order, commits the journal, and only then performs the effects.
"""

from __future__ import annotations

from decimal import getcontext, setcontext
from typing import TYPE_CHECKING

from ltm.core import commands as c
from ltm.core import control, facts, reconcile, watch
from ltm.core import events as e
from ltm.core.cancels import cancel_unwanted
from ltm.core.codec import KIND_OF, VERSION, decode, encode
from ltm.core.effects import DeliverAlert, Effect, SubmitOrder, Sweep
from ltm.core.evolve import evolve
from ltm.core.exits import watch_exits
from ltm.core.fills import fill_reported
from ltm.core.gates import entry_gates, exit_gates
from ltm.core.instruments import define
from ltm.core.lifecycle import SESSION_TABLE
from ltm.core.marks import mark_all
from ltm.core.orders import Item, Terms, decide_signal
from ltm.core.recovery import changes_of
from ltm.core.snapshot import shadow
from ltm.core.text import clean
from ltm.model.enums import Lifecycle, OrderStatus, Purpose, Severity, TradingState
from ltm.model.errors import InvalidTransition, SignalError
from ltm.model.identifiers import sequence_of, signal_key
from ltm.model.numbers import EXACT
from ltm.model.reports import AccountReport, FillReport, LinkReport, OrderReport
from ltm.model.results import Alert
from ltm.ports.shell import Journal, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from ltm.core.context import Context
    from ltm.core.state import OrderState, State
    from ltm.model.instrument import Instrument
    from ltm.model.market import Quote
    from ltm.model.signal import SignalRecord


class Session:
    """
    A session's state behind its one writer.
    """

    def __init__(self, state: State, context: Context, journal: Journal) -> None:
        self.state = state
        self.context = context
        self.journal = journal
        # The terms of this run: where they differ from the last run's, `boot` writes that down.
        self.terms = Terms(entry_gates(context.spec), exit_gates(context.spec))
        self._recalled: dict[str, OrderState] = {}
        self.listener: Callable[[e.AnyEvent], None] | None = None
        """Is told every event as it is written down, before it is durable."""
        self._effects: list[Effect] = []
        self._stamp: tuple[datetime | None, str] = (None, "")

    # --- Start and stop -------------------------------------------------------------------------

    def boot(self, boot: e.BootRecorded, changes: tuple[str, ...] = ()) -> list[Effect]:
        """
        Take the session over: new or recovered, the path is the same.
        """
        return self._perform(self._boot(boot, changes))

    def _boot(self, boot: e.BootRecorded, changes: tuple[str, ...]) -> Iterator[Item]:
        state, context = self.state, self.context
        if not state.sequence:
            yield e.SessionOpened(at=context.now, spec=state.spec, session_key=state.session_key)
        elif changes := changes or changes_of(state.spec, context.spec):
            yield e.TermsChanged(at=context.now, spec=context.spec, changes=changes)
        yield boot
        yield e.LifecycleChanged(at=context.now, to=Lifecycle.STARTING)
        yield from control.recover(state, context)

    def connected(self, account: AccountReport, instruments: Iterable[Instrument]) -> list[Effect]:
        """
        Take the account and its instruments, and begin to reconcile.
        """
        return self._perform(self._connected(account, instruments))

    def _connected(self, account: AccountReport, instruments: Iterable[Instrument]) -> Iterator[Item]:
        state, context = self.state, self.context
        yield from reconcile.bind(state, context, account)
        for instrument in instruments:
            yield from define(state, context, instrument)
        if not state.link_up:
            yield e.LinkChanged(at=context.now, up=True, reason="connected")
        yield e.LifecycleChanged(at=context.now, to=Lifecycle.RECONCILING)
        yield from cancel_unwanted(state, context, "trading is restricted")
        yield Sweep(state.sequence)

    def finish(self) -> list[Effect]:
        """
        End a stopping session.
        """
        return self._perform(self._finish())

    def _finish(self) -> Iterator[Item]:
        yield from watch.sample(self.state, self.context)
        yield e.LifecycleChanged(at=self.context.now, to=Lifecycle.STOPPED)

    def fail(self, reason: str) -> list[Effect]:
        """
        End a session that cannot go on.
        """
        if Lifecycle.FAILED not in SESSION_TABLE[self.state.lifecycle]:
            return []
        event = e.LifecycleChanged(at=self.context.now, to=Lifecycle.FAILED, reason=clean(reason))
        return self._perform(iter((event,)))

    # --- Time and input -------------------------------------------------------------------------

    def at(self, now: datetime, mono: float) -> None:
        """
        Tell the session the moment; the shell does so before every command.
        """
        self.context.now = now
        self.context.mono = mono

    def handle(self, command: c.AnyCommand) -> list[Effect]:
        """
        Decide on one command. The effects may be performed once the journal is committed.

        Raises:
            InvalidTransition: A person asked for something that the state does not allow.
            SignalError: The signal's key was used before with other content.
            JournalError: The journal does not take records any more.
        """
        return self._perform(self._decide(command))

    def _perform(self, items: Iterator[Item]) -> list[Effect]:
        outer = getcontext()
        setcontext(EXACT)
        try:
            self._run(items)
            if self.context.watch.exits or not watch.is_calm(self.state, self.context):
                self._run(self._after())
        finally:
            setcontext(outer)
            self._recalled.clear()
            effects, self._effects = self._effects, []
        return effects

    def mark(self, quotes: Iterable[Quote]) -> list[Effect]:
        """
        Take market updates; most change a price and nothing else.
        """
        outer = getcontext()
        setcontext(EXACT)
        try:
            rest = iter(quotes)
            while mark_all(self.state, self.context.watch, rest, self.context.mono):
                self._run(self._after())
            if self.context.stale:
                watch.check_prices(self.state, self.context)
        finally:
            setcontext(outer)
            effects, self._effects = self._effects, []
        return effects

    def record(self, event: e.AnyEvent) -> None:
        """
        Write an event down and apply it.

        Raises:
            InvalidTransition: The session cannot go there from where it is.
            JournalError: The journal does not take records any more.
        """
        if type(event) is e.LifecycleChanged and event.to not in SESSION_TABLE[self.state.lifecycle]:
            message = (
                f"session {self.state.spec.session_id} cannot go from {self.state.lifecycle} to {event.to}"
            )
            raise InvalidTransition(message, field="session", got=self.state.lifecycle)
        if self._recalled:
            self._remember(event)
        stamp, text = self._stamp
        if stamp is not event.at:
            text = event.at.isoformat()
            self._stamp = (event.at, text)
        sequence = self.state.sequence + 1
        row = Record(sequence, KIND_OF[type(event)], VERSION, text, encode(event))
        self.journal.append((row,))
        evolve(self.state, event)
        self.state.last_at = event.at
        if self.listener is not None:
            self.listener(event)
        if type(event) is e.AlertRaised:
            self._effects.append(DeliverAlert(self._alert(event)))

    def _remember(self, event: e.AnyEvent) -> None:
        # News of an order that had left memory: from here on the records lead to it again.
        order = self._recalled.pop(getattr(event, "client_order_id", ""), None)
        if order is not None:
            recalled = e.OrderRecalled(at=event.at, client_order_id=order.client_order_id, order=order)
            self.record(recalled)

    def _run(self, items: Iterator[Item]) -> None:
        for item in items:
            if type(item) in KIND_OF:
                self.record(item)  # type: ignore[arg-type] # it is an event: KIND_OF has its type
            else:
                if type(item) is Sweep:
                    self.context.sweeping = True
                    self.context.sweep_at = self.context.mono + watch.SWEEP_SECONDS
                self._effects.append(item)  # type: ignore[arg-type] # all else is an effect

    def outbox(self) -> list[Alert]:
        """
        Return the alerts that no sink has taken yet; after a restart they go out again (I-18).
        """
        return [
            Alert(
                alert_id=alert.alert_id,
                session_id=self.state.spec.session_id,
                severity=Severity(alert.severity),
                code=alert.code,
                message=alert.message,
                raised_at=alert.raised_at,
            )
            for alert in self.state.alerts.values()
            if not alert.delivered_to
        ]

    def _alert(self, event: e.AlertRaised) -> Alert:
        return Alert(
            alert_id=event.alert_id,
            session_id=self.state.spec.session_id,
            severity=event.severity,
            code=event.code,
            message=event.message,
            raised_at=event.at,
        )

    # --- Decisions ------------------------------------------------------------------------------

    def _decide(self, command: c.AnyCommand) -> Iterator[Item]:
        state, context = self.state, self.context
        if state.fx_moved and type(command) is not c.Tick:
            yield from watch.note_rates(state, context)
        match command:
            case c.SubmitSignal():
                yield from self._signal(command.signal)
            case c.BrokerReported():
                yield from self._reported(command.report)
            case c.SubmitAnswered():
                order = self._order(command.client_order_id)
                yield from facts.submit_answered(state, context, order, command.outcome)
            case c.CancelAnswered():
                order = self._order(command.client_order_id)
                yield from facts.cancel_answered(context, order, command.outcome)
            case c.QueryAnswered():
                order = self._order(command.client_order_id)
                yield from facts.query_answered(
                    state, context, order, command.report, command.fills, failed=command.failed
                )
            case c.SweepAnswered():
                yield from reconcile.swept(state, context, self.find, command)
            case c.Tick():
                yield from watch.tick(state, context)
            case c.DefineInstrument():
                yield from define(state, context, command.instrument)
            case _:
                yield from control.OPERATIONS[type(command)](state, context, command)

    def _after(self) -> Iterator[Item]:
        # What a fact may have set off: a floor reached, an exit due.
        context = self.context
        yield from watch.watch_equity(self.state, context)
        exits = context.watch.exits
        context.watch.raised = False
        if exits:
            context.watch.exits = []
            yield from watch.note_rates(self.state, context)
            yield from watch_exits(self.state, context, self.terms, exits)

    def _reported(self, report: OrderReport | FillReport | LinkReport) -> Iterator[Item]:
        state, context = self.state, self.context
        if isinstance(report, LinkReport):
            yield from reconcile.link_reported(state, context, report)
            return
        order = reconcile.find(state, self.find, report.client_order_id, report.venue_order_id)
        if order is None or order.purpose is Purpose.FOREIGN:
            # Somebody else's, or from a lost journal: a sweep finds out which.
            if not context.sweeping:
                yield Sweep(state.sequence)
        elif isinstance(report, FillReport):
            yield from fill_reported(state, context, order, report)
        else:
            yield from facts.order_reported(state, context, order, report)

    # --- Signals --------------------------------------------------------------------------------

    def key_of(self, signal: SignalRecord) -> str:
        """
        Return the idempotency key of a signal in this session.
        """
        spec = self.state.spec
        return signal_key(
            spec.session_id,
            spec.model_id,
            signal.symbol,
            signal.action,
            signal.at.isoformat(),
            str(signal.intent),
        )

    def answered(self, key: str) -> e.OrderIntended | e.OrderDenied | e.SignalIgnored | None:
        """
        Return the record that answered a signal, None when its key is new.
        """
        sequence = self.state.signals.get(key)
        if sequence is None:
            return None
        event = self.event_at(sequence)
        if isinstance(event, (e.OrderIntended, e.OrderDenied, e.SignalIgnored)):
            return event
        return None

    def _signal(self, signal: SignalRecord) -> Iterator[Item]:
        key = self.key_of(signal)
        if key in self.state.signals:
            before = self.answered(key)
            if before is None or before.signal != signal:
                message = f"signal for {signal.symbol} at {signal.at.isoformat()} was sent before with other content"
                hint = "give it another timestamp or intent"
                raise SignalError(message, code="LTM-SIG-066", field="signal", hint=hint)
            return
        yield from decide_signal(self.state, self.context, self.terms, key, signal)

    # --- Orders ---------------------------------------------------------------------------------

    def may_submit(self, effect: SubmitOrder) -> bool:
        """
        Take the last look before an approved order leaves; a kill or a cancel since then holds it back.
        """
        order = self.state.orders.get(effect.approval.client_order_id)
        if order is None or order.status is not OrderStatus.INTENDED or order.cancel_pending:
            return False
        if self.state.trading_state in {TradingState.HALTED, TradingState.KILLED}:
            return False
        order.status = OrderStatus.SUBMITTED
        return True

    def _order(self, client_order_id: str) -> OrderState:
        order = self.find(client_order_id)
        if order is None:
            message = f"no order {client_order_id} in session {self.state.spec.session_id}"
            raise KeyError(message)
        return order

    def event_at(self, sequence: int) -> e.AnyEvent | None:
        """
        Return one event from the journal, which is made durable first if it has to be.
        """
        if not 0 < sequence <= self.state.sequence:
            return None
        row = next(iter(self.journal.read(after=sequence - 1)), None)
        if row is None:
            self.journal.commit()
            row = next(iter(self.journal.read(after=sequence - 1)))
        return decode(row.kind, row.version, row.payload)

    def find(self, client_order_id: str) -> OrderState | None:
        """
        Return an order, from memory or else from the journal.
        """
        order = self.state.order(client_order_id) or self._recalled.get(client_order_id)
        if order is None:
            order = self.recall(client_order_id)
            if order is not None:
                self._recalled[client_order_id] = order
        return order

    def recall(self, client_order_id: str) -> OrderState | None:
        """
        Return an order as the journal tells it.
        """
        sequence = sequence_of(self.state.session_key, client_order_id)
        if sequence is None:
            return None
        pad: State | None = None
        self.journal.commit()
        for row in self.journal.read(after=sequence - 1):
            event = decode(row.kind, row.version, row.payload)
            if getattr(event, "client_order_id", None) != client_order_id:
                continue
            if isinstance(event, e.OrderIntended):
                pad = shadow(self.state, event.draft.symbol)
            if pad is not None:
                evolve(pad, event)
        return pad.order(client_order_id) if pad is not None else None
