"""
One session: takes a command, decides, writes down, applies, and says what is to be done.

Nothing here waits or does I/O but the journal port. A shell owns the session, hands it commands
one at a time in one order, commits the journal, and only then performs the effects.
"""

from __future__ import annotations

from decimal import getcontext, setcontext
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from ltm.core import commands as c
from ltm.core import control, facts, reconcile, watch
from ltm.core import events as e
from ltm.core.cancels import cancel_at_start
from ltm.core.corporate import apply_due
from ltm.core.effects import Effect, SubmitOrder, Sweep
from ltm.core.exits import watch_exits
from ltm.core.fills import fill_reported
from ltm.core.gates import entry_gates, exit_gates
from ltm.core.instruments import define
from ltm.core.lifecycle import SESSION_TABLE
from ltm.core.marks import AHEAD, mark_all
from ltm.core.orders import Item, Terms, decide_signal
from ltm.core.parts import order_told
from ltm.core.recorder import Recorder
from ltm.core.recovery import changes_of
from ltm.core.replacing import follow
from ltm.core.siblings import is_siblings, own_part
from ltm.core.text import clean
from ltm.core.trips import flattens_at_end
from ltm.model.enums import Lifecycle, OrderStatus, Purpose, TradingState
from ltm.model.errors import SignalError
from ltm.model.identifiers import signal_key
from ltm.model.numbers import EXACT
from ltm.model.reports import AccountReport, FillReport, LinkReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from ltm.core.context import Context
    from ltm.core.state import OrderState, State
    from ltm.model.instrument import Instrument
    from ltm.model.market import Quote
    from ltm.model.signal import SignalRecord
    from ltm.ports.shell import Journal

# On Python 3.11 a member asked of its enum costs ten times what a name costs.
_FOREIGN: Final = Purpose.FOREIGN
_INTENDED: Final = OrderStatus.INTENDED
_SUBMITTED: Final = OrderStatus.SUBMITTED
_NOTHING_LEAVES: Final = frozenset({TradingState.HALTED, TradingState.KILLED})


class Session(Recorder):
    """
    A session's state behind its one writer.
    """

    def __init__(self, state: State, context: Context, journal: Journal) -> None:
        super().__init__(state, context, journal)
        # The terms of this run: where they differ from the last run's, `boot` writes that down.
        self.terms = Terms(entry_gates(context.spec), exit_gates(context.spec))
        # What comes with every order; by type, since a `match` asks one class after the other.
        self._everyday: dict[type[c.AnyCommand], Callable[[Any], Iterable[Item]]] = {
            c.SubmitSignal: self._signal,
            c.BrokerReported: self._reported,
            c.SubmitAnswered: self._answered,
        }

    # --- Start and stop -------------------------------------------------------------------------

    def boot(self, boot: e.BootRecorded, changes: tuple[str, ...] = ()) -> list[Effect]:
        """
        Take the session over: new or recovered, the path is the same.
        """
        return self._perform(self._boot(boot, changes))

    def _boot(self, boot: e.BootRecorded, changes: tuple[str, ...]) -> Iterator[Item]:
        state, context = self.state, self.context
        cut_short = flattens_at_end(state)
        if not state.sequence:
            yield e.SessionOpened(at=context.now, spec=state.spec, session_key=state.session_key)
        elif changes := changes or changes_of(state.spec, context.spec):
            yield e.TermsChanged(at=context.now, spec=context.spec, changes=changes)
        yield boot
        yield e.LifecycleChanged(at=context.now, to=Lifecycle.STARTING)
        if cut_short and state.spec.on_stop == "flatten":
            yield from control.take_up_stop(state, context)
        yield from control.recover(state, context)

    def connected(self, account: AccountReport, instruments: Iterable[Instrument]) -> list[Effect]:
        """
        Take the account and its instruments, and begin to reconcile.
        """
        return self._perform(self._connected(account, instruments))

    def _connected(self, account: AccountReport, instruments: Iterable[Instrument]) -> Iterator[Item]:
        state, context = self.state, self.context
        context.heard_at = context.mono
        yield from reconcile.bind(state, context, account)
        for instrument in instruments:
            yield from define(state, context, instrument)
        if not state.link_up:
            yield e.LinkChanged(at=context.now, up=True, reason="connected")
        yield e.LifecycleChanged(at=context.now, to=Lifecycle.RECONCILING)
        yield from cancel_at_start(state, context)
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
        return self.handle_all((command,))

    def handle_all(self, commands: Iterable[c.AnyCommand]) -> list[Effect]:
        """
        Decide on commands that no person waits for, one after the other.

        Raises:
            JournalError: The journal does not take records any more.
        """
        outer = getcontext()
        setcontext(EXACT)
        try:
            for command in commands:
                self._settle(self._decide(command))
        finally:
            setcontext(outer)
            self._recalled.clear()
        # After an exception they stay for the next call: what was written down has to be done.
        return self._taken()

    def _perform(self, items: Iterable[Item]) -> list[Effect]:
        outer = getcontext()
        setcontext(EXACT)
        try:
            self._settle(items)
        finally:
            setcontext(outer)
            self._recalled.clear()
        return self._taken()

    def _settle(self, items: Iterable[Item]) -> None:
        # One command's facts, and then what they set off.
        if items:
            self._run(items)
            state, levels = self.state, self.context.watch
            # Is anything due, did anything happen that floors depend on, or did equity leave the range between them?
            if levels.exits or levels.look or not levels.alarm < state.equity <= state.high:
                self._run(self._after())
        if self.state.replacing:
            self._run(follow(self.state, self.context, self.terms))

    def mark(self, quotes: Iterable[Quote]) -> list[Effect]:
        """
        Take market updates; most change a price and nothing else.
        """
        outer = getcontext()
        setcontext(EXACT)
        try:
            rest, latest = iter(quotes), self.context.now + AHEAD
            while mark_all(self.state, self.context.watch, rest, self.context.mono, latest):
                self._run(self._after())
            if self.context.stale:
                watch.check_prices(self.state, self.context)
                self.context.watch.look = True
        finally:
            setcontext(outer)
        return self._taken()

    # --- Decisions ------------------------------------------------------------------------------

    def _decide(self, command: c.AnyCommand) -> Iterable[Item]:
        # Nothing is decided before the facts of the command before are booked. What decides in one
        # step answers with a tuple; what books and looks again, with a generator.
        if self.state.fx_moved and type(command) is not c.Tick:
            return self._decide_at_rates(command)
        return self._everyday.get(type(command), self._see_to)(command)

    def _decide_at_rates(self, command: c.AnyCommand) -> Iterator[Item]:
        yield from watch.note_rates(self.state, self.context)
        yield from self._everyday.get(type(command), self._see_to)(command)

    def _see_to(self, command: c.AnyCommand) -> Iterable[Item]:
        state, context = self.state, self.context
        context.watch.look = True
        match command:
            case c.CancelAnswered():
                order = self._order(command.client_order_id)
                return facts.cancel_answered(context, order, command.outcome)
            case c.QueryAnswered():
                order = self._order(command.client_order_id)
                return facts.query_answered(
                    state, context, order, command.report, command.fills, failed=command.failed
                )
            case c.SweepAnswered():
                return reconcile.swept(state, context, self.find, own_part(state, context, command))
            case c.Tick():
                return chain(apply_due(state, context), watch.tick(state, context))
            case c.DefineInstrument():
                return define(state, context, command.instrument)
            case _:
                return control.operate(state, context, command)

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

    def _answered(self, command: c.SubmitAnswered) -> Iterable[Item]:
        order = self.state.orders.get(command.client_order_id) or self._order(command.client_order_id)
        return facts.submit_answered(self.state, self.context, order, command.outcome)

    def _reported(self, command: c.BrokerReported) -> Iterable[Item]:
        state, context, report = self.state, self.context, command.report
        if isinstance(report, LinkReport):
            return reconcile.link_reported(state, context, report)
        order = state.orders.get(report.client_order_id or "")
        if order is None:
            order = reconcile.find(state, self.find, report.client_order_id, report.venue_order_id)
        if order is None and is_siblings(state, context, report.client_order_id):
            return ()
        if order is None or order.purpose is _FOREIGN:
            # Somebody else's, or from a lost journal: a sweep finds out which.
            return () if context.sweeping else (Sweep(state.sequence),)
        if isinstance(report, FillReport):
            return fill_reported(state, context, order, report)
        return order_told(state, context, order, report)

    def siblings(self) -> dict[str, int]:
        """
        Return how far the other sessions on the account have got, by session key.
        """
        account = self.context.account
        return {} if account is None else account.sequences(self.state)

    # --- Signals --------------------------------------------------------------------------------

    def key_of(self, signal: SignalRecord) -> str:
        """
        Return the idempotency key of a signal in this session.
        """
        spec = self.state.spec
        number = str(signal.intent)
        return signal_key(
            spec.session_id, spec.model_id, signal.symbol, signal.action, signal.at.isoformat(), number
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

    def _signal(self, command: c.SubmitSignal) -> Iterable[Item]:
        signal = command.signal
        key = self.key_of(signal)
        if key not in self.state.signals:
            return decide_signal(self.state, self.context, self.terms, key, signal)
        before = self.answered(key)
        if before is None or before.signal != signal:
            message = (
                f"signal for {signal.symbol} at {signal.at.isoformat()} was sent before with other content"
            )
            hint = "give it another timestamp or intent"
            raise SignalError(message, code="LTM-SIG-066", field="signal", hint=hint)
        return ()

    # --- Orders ---------------------------------------------------------------------------------

    def may_submit(self, effect: SubmitOrder) -> bool:
        """
        Take the last look before an approved order leaves; a kill or a cancel since then holds it back.
        """
        order = self.state.orders.get(effect.approval.client_order_id)
        if order is None or order.status is not _INTENDED or order.cancel_pending:
            return False
        if self.state.trading_state in _NOTHING_LEAVES:
            return False
        order.status = _SUBMITTED
        return True

    def _order(self, client_order_id: str) -> OrderState:
        order = self.find(client_order_id)
        if order is None:
            message = f"no order {client_order_id} in session {self.state.spec.session_id}"
            raise KeyError(message)
        return order
