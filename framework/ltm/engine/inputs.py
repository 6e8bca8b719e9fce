"""
What goes into an engine and who looks on.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from ltm.core import commands as c
from ltm.core import events
from ltm.engine.alerts import AlertDispatcher
from ltm.model.instrument import Instrument
from ltm.model.market import Quote
from ltm.model.reports import BrokerEvent, FillReport, LinkReport, OrderReport
from ltm.model.signal import Signal, SignalRecord

if TYPE_CHECKING:
    from ltm.model.errors import LtmError


@attrs.frozen
class Request:
    """
    A command whose sender waits until its records are durable.
    """

    command: c.AnyCommand
    answer: Future[None]


def command_of(item: object) -> c.AnyCommand | None:
    """
    Return what an input asks of the session, None for what is no input; a report may be of an adapter's own class.
    """
    if isinstance(item, Instrument):
        return c.DefineInstrument(item)
    if isinstance(item, (FillReport, OrderReport, LinkReport)):
        return c.BrokerReported(item)
    return item if isinstance(item, c.Command) else None  # type: ignore[return-value] # every command is of the union


def reply(answers: list[Future[None]], error: Exception | None = None) -> None:
    """
    Tell those who wait that their records are durable, or why they are not; nobody waits afterwards.
    """
    for answer in answers:
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)
    answers.clear()


TURN: Final = 1_000
"""Inputs taken between two commits: bounds how long an order waits behind marks."""
REPORTS: Final = frozenset({FillReport, OrderReport, LinkReport})
Input = Quote | BrokerEvent | c.Command | Request
Told = Callable[[str, str], None]
MakeAlerts = Callable[[Told, Told], AlertDispatcher]
"""Makes a dispatcher from whom to tell of deliveries (alert id, sink) and of trouble (sink, problem)."""
Localise = Callable[[Signal], SignalRecord]


class Observer(Protocol):
    """
    Looks on: a live table, a log. Never decides, and what it raises is its own affair.
    """

    def on_event(self, event: events.AnyEvent) -> None:
        """
        See an event after it is durable.
        """
        ...

    def on_problem(self, problem: LtmError) -> None:
        """
        See a signal that could not be used, or trouble of a part that trading goes on without.
        """
        ...
