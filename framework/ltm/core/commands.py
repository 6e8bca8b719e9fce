"""
What the session is asked to do or told: the closed union of its inputs. Imperative.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from ltm.model.corporate import CorporateAction
from ltm.model.instrument import Instrument
from ltm.model.reports import (
    AccountReport,
    FillReport,
    LinkReport,
    OrderReport,
    Outcome,
    PositionReport,
)
from ltm.model.results import Attestation
from ltm.model.signal import SignalRecord


class Command(msgspec.Struct, frozen=True, gc=False):
    """
    Base of all commands.
    """


class SubmitSignal(Command, frozen=True):
    """
    Trade on a signal.
    """

    signal: SignalRecord


class BrokerReported(Command, frozen=True):
    """
    The broker said something on its own.
    """

    report: OrderReport | FillReport | LinkReport


class SubmitAnswered(Command, frozen=True):
    """
    A submission came back.
    """

    client_order_id: str
    outcome: Outcome


class CancelAnswered(Command, frozen=True):
    """
    A cancel request came back.
    """

    client_order_id: str
    outcome: Outcome


class QueryAnswered(Command, frozen=True):
    """
    The venue was asked about one order. `report` None with `failed` False: definitely not found.
    """

    client_order_id: str
    report: OrderReport | None
    fills: tuple[FillReport, ...] = ()
    failed: bool = False


class SweepAnswered(Command, frozen=True, kw_only=True):
    """
    The venue was asked about everything; None means that question failed, never "empty".
    """

    started_sequence: int
    asked_at: datetime | None = None
    open_orders: tuple[OrderReport, ...] | None
    fills: tuple[FillReport, ...] | None
    positions: tuple[PositionReport, ...] | None
    account: AccountReport | None
    siblings: dict[str, int] = {}
    """How far other sessions of the account had got when it was asked, by session key."""


class Tick(Command, frozen=True):
    """
    Time went on.
    """


class DefineInstrument(Command, frozen=True):
    """
    The venue described an instrument.
    """

    instrument: Instrument


class Pause(Command, frozen=True):
    """
    Stop entries.
    """

    by: str
    reason: str = ""


class Resume(Command, frozen=True):
    """
    Lift latches: the operator's own, and those named in `acknowledge`.
    """

    by: str
    reason: str = ""
    acknowledge: tuple[str, ...] = ()
    reset_peak: bool = False
    override: tuple[str, ...] = ()
    """Latches that would lift by themselves at the day's roll, and shall not be waited for (RSK-23)."""


class Restrict(Command, frozen=True):
    """
    Stop entries because the shell found something, such as a full disk.
    """

    code: str
    message: str


class Halt(Command, frozen=True):
    """
    Nothing but cancels any more.
    """

    code: str
    message: str
    by: str = "ltm"


class Kill(Command, frozen=True):
    """
    Halt and cancel everything of ours; with `foreign` also what is not.
    """

    by: str
    reason: str = ""
    foreign: bool = False


class Stop(Command, frozen=True):
    """
    End the session as `on_stop` says.
    """

    by: str
    reason: str = ""


class Flatten(Command, frozen=True):
    """
    Cancel what is open and close every position; `symbol` None means all.
    """

    by: str
    symbol: str | None = None


class CancelOrder(Command, frozen=True):
    """
    Cancel one order.
    """

    client_order_id: str
    by: str


class ReplaceOrder(Command, frozen=True, kw_only=True):
    """
    Let another order take the place of one that is open; what is None stays as it is.
    """

    client_order_id: str
    by: str
    quantity: Decimal | None = None
    """Of the whole, what the order has filled included."""
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None


class ResolveOrder(Command, frozen=True):
    """
    A person says what became of an unknown order.
    """

    client_order_id: str
    by: str
    reason: str
    venue_order_id: str | None = None
    """None: it does not exist at the venue."""


class RecordFlow(Command, frozen=True):
    """
    Money came or went that is no profit or loss.
    """

    amount: Decimal
    by: str
    reason: str


class AcceptPosition(Command, frozen=True):
    """
    A person accepts the venue's holding where it differs from ours.
    """

    symbol: str
    by: str
    reason: str


class DeclareAction(Command, frozen=True):
    """
    A person declares a corporate action whose date has come.
    """

    action: CorporateAction
    by: str
    reason: str = ""


class Unblock(Command, frozen=True):
    """
    Let entries on a blocked instrument pass again.
    """

    symbol: str
    by: str
    reason: str = ""


class NoteDelivery(Command, frozen=True):
    """
    A sink took an alert.
    """

    alert_id: str
    sink: str


class AcknowledgeAlert(Command, frozen=True):
    """
    A person has seen an alert.
    """

    alert_id: str
    by: str


class ByOperator(Command, frozen=True):
    """
    Do what a person asks for from outside, and write down who, what and why, done or refused (SEC-38).
    """

    command: AnyRequest
    action: str
    by: str
    reason: str = ""
    about: str = ""


class Attest(Command, frozen=True):
    """
    Write down what the venue said is left there.
    """

    attestation: Attestation


class RaiseAlert(Command, frozen=True):
    """
    The shell noticed something that a person should know.
    """

    severity: str
    code: str
    message: str


AnyRequest = (
    Pause
    | Resume
    | Kill
    | Stop
    | Flatten
    | CancelOrder
    | ReplaceOrder
    | ResolveOrder
    | AcceptPosition
    | RecordFlow
    | DeclareAction
    | Unblock
    | AcknowledgeAlert
)
"""What a person may ask for from another terminal."""

AnyCommand = (
    SubmitSignal
    | BrokerReported
    | SubmitAnswered
    | CancelAnswered
    | QueryAnswered
    | SweepAnswered
    | Tick
    | DefineInstrument
    | Pause
    | Resume
    | Restrict
    | Halt
    | Kill
    | Stop
    | Flatten
    | CancelOrder
    | ReplaceOrder
    | ResolveOrder
    | RecordFlow
    | AcceptPosition
    | DeclareAction
    | Unblock
    | NoteDelivery
    | AcknowledgeAlert
    | ByOperator
    | Attest
    | RaiseAlert
)
