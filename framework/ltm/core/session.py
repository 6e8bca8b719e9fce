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
from ltm.core.codec import KIND_OF, VERSION, decode, encode
from ltm.core.effects import DeliverAlert, Effect, SubmitOrder, Sweep
from ltm.core.evolve import evolve
from ltm.core.gates import entry_gates, exit_gates
from ltm.core.marks import mark_all
from ltm.core.orders import Item, Terms, decide_signal
from ltm.core.snapshot import shadow
from ltm.model.enums import Lifecycle, OrderStatus, Severity, TradingState
from ltm.model.errors import SignalError
from ltm.model.identifiers import sequence_of, signal_key
from ltm.model.instrument import Instrument
from ltm.model.numbers import EXACT
from ltm.model.reports import AccountReport, FillReport, LinkReport, OrderReport
from ltm.model.results import Alert
from ltm.ports.shell import Journal, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from ltm.core.context import Context
    from ltm.core.state import OrderState, State
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
        self.terms = Terms(entry_gates(state.spec), exit_gates(state.spec))
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
        elif changes:
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
            yield from self._define(instrument)
        if not state.link_up:
            yield e.LinkChanged(at=context.now, up=True, reason="connected")
        yield e.LifecycleChanged(at=context.now, to=Lifecycle.RECONCILING)
        if control.restricted(state):
            yield from watch.cancel_entries(state, context, "trading is restricted")
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
        event = e.LifecycleChanged(at=self.context.now, to=Lifecycle.FAILED, reason=reason[:300])
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
            self._run(self._after())
        finally:
            setcontext(outer)
        effects, self._effects = self._effects, []
        return effects

    def mark(self, quotes: Iterable[Quote]) -> list[Effect]:
        """
        Take market updates; most change a price and nothing else.
        """
        outer = getcontext()
        setcontext(EXACT)
        try:
            raised = mark_all(self.state, self.context.watch, quotes, self.context.mono)
            if self.context.stale:
                watch.check_prices(self.state, self.context)
            if raised:
                self._run(self._after())
        finally:
            setcontext(outer)
        effects, self._effects = self._effects, []
        return effects

    def record(self, event: e.AnyEvent) -> None:
        """
        Write an event down and apply it.
        """
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

    def _run(self, items: Iterator[Item]) -> None:
        for item in items:
            if type(item) in KIND_OF:
                self.record(item)  # type: ignore[arg-type] # it is an event: KIND_OF has its type
            else:
                if type(item) is Sweep:
                    self.context.sweeping = True
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
                yield from reconcile.swept(state, context, self.recall, command)
            case c.Tick():
                yield from watch.tick(state, context)
            case c.DefineInstrument():
                yield from self._define(command.instrument)
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
            yield from watch.watch_exits(self.state, context, self.terms, exits)

    def _define(self, instrument: Instrument) -> Iterator[Item]:
        groups = tuple(
            (name, group, weight)
            for name, rule in self.context.grouping_rules
            for group, weight in rule.groups_of(instrument).items()
        )
        values = {field: getattr(instrument, field) for field in instrument.__struct_fields__}
        defined = Instrument(**{**values, "groups": groups})
        slot = self.state.slots.get(instrument.symbol)
        if slot is None or slot.instrument != defined:
            yield e.InstrumentDefined(at=self.context.now, instrument=defined)

    def _reported(self, report: OrderReport | FillReport | LinkReport) -> Iterator[Item]:
        state, context = self.state, self.context
        if isinstance(report, LinkReport):
            if report.up is not state.link_up:
                yield e.LinkChanged(at=context.now, up=report.up, reason=report.reason)
                context.watch.settled = False
                if report.up:
                    yield Sweep(state.sequence)
            return
        order = reconcile.find(state, self.recall, report.client_order_id, report.venue_order_id)
        if order is None:
            # Somebody else's, or from a lost journal: a sweep finds out which.
            if not context.sweeping:
                yield Sweep(state.sequence)
        elif isinstance(report, FillReport):
            yield from facts.fill_reported(state, context, order, report)
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
        Take the last look before an approved order leaves; a kill since then holds it back.
        """
        order = self.state.orders.get(effect.approval.client_order_id)
        if order is None or order.status is not OrderStatus.INTENDED:
            return False
        if self.state.trading_state in {TradingState.HALTED, TradingState.KILLED}:
            return False
        order.status = OrderStatus.SUBMITTED
        return True

    def _order(self, client_order_id: str) -> OrderState:
        order = self.state.order(client_order_id) or self.recall(client_order_id)
        if order is None:
            message = f"no order {client_order_id} in session {self.state.spec.session_id}"
            raise KeyError(message)
        return order

    def event_at(self, sequence: int) -> e.AnyEvent | None:
        """
        Return one event from the journal.
        """
        for row in self.journal.read(after=sequence - 1):
            return decode(row.kind, row.version, row.payload)
        return None

    def recall(self, client_order_id: str) -> OrderState | None:
        """
        Return an order that is no longer in memory, rebuilt from the journal.
        """
        sequence = sequence_of(self.state.session_key, client_order_id)
        if sequence is None:
            return None
        pad: State | None = None
        for row in self.journal.read(after=sequence - 1):
            event = decode(row.kind, row.version, row.payload)
            if getattr(event, "client_order_id", None) != client_order_id:
                continue
            if isinstance(event, e.OrderIntended):
                pad = shadow(self.state, event.draft.symbol)
            if pad is not None:
                evolve(pad, event)
        return pad.order(client_order_id) if pad is not None else None
