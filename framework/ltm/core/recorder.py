"""
The writing half of a session: facts go into the journal and into the state, in one order, and effects are put by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core import watch
from ltm.core.codec import KIND_OF, VERSION, decode, encode
from ltm.core.effects import DeliverAlert, Effect, Sweep
from ltm.core.evolve import evolve
from ltm.core.lifecycle import SESSION_TABLE
from ltm.core.snapshot import shadow
from ltm.model.enums import Severity
from ltm.model.errors import InvalidTransition
from ltm.model.identifiers import sequence_of
from ltm.model.results import Alert
from ltm.ports.shell import Journal, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from ltm.core.context import Context
    from ltm.core.orders import Item
    from ltm.core.state import OrderState, State

_ORDINARY: Final = frozenset(
    {e.OrderIntended, e.OrderDenied, e.OrderAccepted, e.OrderFilled, e.SignalIgnored}
)
"""What happens all the time: of what the floors depend on, it moves equity alone."""


class Recorder:
    """
    A session's state, its journal, and what leads from one to the other.
    """

    def __init__(self, state: State, context: Context, journal: Journal) -> None:
        self.state = state
        self.context = context
        self.journal = journal
        self.listener: Callable[[e.AnyEvent], None] | None = None
        """Is told every event as it is written down, before it is durable."""
        self._recalled: dict[str, OrderState] = {}
        self._effects: list[Effect] = []
        self._stamped: datetime | None = None
        self._stamp = ""

    def record(self, event: e.AnyEvent) -> None:
        """
        Write an event down and apply it.

        Raises:
            InvalidTransition: The session cannot go there from where it is.
            JournalError: The journal does not take records any more.
        """
        kind = type(event)
        if kind not in _ORDINARY:
            self._check(event)
        if self._recalled:
            self._remember(event)
        state, at = self.state, event.at
        if at is not self._stamped:
            self._stamped, self._stamp = at, at.isoformat()
        row = Record(state.sequence + 1, KIND_OF[kind], VERSION, self._stamp, encode(event))
        self.journal.append((row,))
        evolve(state, event)
        state.last_at = at
        if self.listener is not None:
            self.listener(event)

    def _check(self, event: e.AnyEvent) -> None:
        # Of the events that are not an order's everyday life: some are not allowed, one has an effect,
        # and any may move what the continuous rules look at.
        self.context.watch.look = True
        if isinstance(event, e.AlertRaised):
            self._effects.append(DeliverAlert(self._alert(event)))
        elif isinstance(event, e.LifecycleChanged) and event.to not in SESSION_TABLE[self.state.lifecycle]:
            message = (
                f"session {self.state.spec.session_id} cannot go from {self.state.lifecycle} to {event.to}"
            )
            raise InvalidTransition(message, field="session", got=self.state.lifecycle)

    def _remember(self, event: e.AnyEvent) -> None:
        # News of an order that had left memory: from here on the records lead to it again.
        order = self._recalled.pop(getattr(event, "client_order_id", ""), None)
        if order is not None:
            recalled = e.OrderRecalled(at=event.at, client_order_id=order.client_order_id, order=order)
            self.record(recalled)

    def _run(self, items: Iterable[Item]) -> None:
        for item in items:
            if type(item) in KIND_OF:
                self.record(item)  # type: ignore[arg-type] # it is an event: KIND_OF has its type
            else:
                if type(item) is Sweep:
                    self.context.sweeping = True
                    self.context.sweep_at = self.context.mono + watch.SWEEP_SECONDS
                self._effects.append(item)  # type: ignore[arg-type] # all else is an effect

    def _taken(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects

    # --- The outbox -----------------------------------------------------------------------------

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

    # --- What the journal remembers -----------------------------------------------------------------

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
