"""
What happened: the closed union of facts a journal holds. Past tense, never changed, never removed.

A field may be added with a default; anything else is a new event. `at` is when we recorded it;
where the venue has a time of its own it is `occurred_at`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from ltm.model.enums import Lifecycle, OrderStatus, Purpose, Severity, Side
from ltm.model.instrument import Instrument
from ltm.model.order import OrderDraft
from ltm.model.results import Check, Reason
from ltm.model.signal import SignalRecord
from ltm.model.spec import SessionSpec


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    Base of all events.
    """

    at: datetime


# --- The session -------------------------------------------------------------------------------


class SessionOpened(Event, frozen=True):
    """
    The first record of a journal: the terms, and the key in every client order id.
    """

    spec: SessionSpec
    session_key: str


class TermsChanged(Event, frozen=True):
    """
    A later run uses other terms (F38).
    """

    spec: SessionSpec
    changes: tuple[str, ...]


class BootRecorded(Event, frozen=True):
    """
    A process took the session over.
    """

    boot_id: str
    process_id: int
    host: str
    version: str
    manifest: tuple[str, ...] = ()


class AccountBound(Event, frozen=True):
    """
    The broker told which account this is; `cash_base` is its cash when the session began.
    """

    account: str
    currency: str
    cash_base: Decimal | None = None


class LifecycleChanged(Event, frozen=True):
    """
    The session went up or down.
    """

    to: Lifecycle
    reason: str = ""


class LinkChanged(Event, frozen=True):
    """
    The connection to the venue went up or down.
    """

    up: bool
    reason: str = ""


class TradingPaused(Event, frozen=True):
    """
    Entries stop; exits go on. Latched under `code` until somebody resumes (RSK-12).
    """

    code: str
    message: str
    by: str = "ltm"
    measured: Decimal | None = None
    limit: Decimal | None = None
    until_roll: bool = False


class TradingHalted(Event, frozen=True):
    """
    Nothing but cancels any more.
    """

    code: str
    message: str
    by: str = "ltm"


class TradingKilled(Event, frozen=True):
    """
    Nothing but cancels, and everything open is being canceled.
    """

    code: str
    message: str
    by: str = "ltm"


class TradingResumed(Event, frozen=True):
    """
    A person, or the day's roll, lifted latches.
    """

    codes: tuple[str, ...]
    by: str
    reason: str = ""
    reset_peak: bool = False
    second_base: Decimal | None = None
    """Equity from which the daily loss is measured again after an override (RSK-23)."""


class InstrumentDefined(Event, frozen=True):
    """
    The venue described an instrument.
    """

    instrument: Instrument


class EquitySampled(Event, frozen=True):
    """
    Prices and equity at a moment; what lies between samples is not kept.
    """

    equity: Decimal
    peak_equity: Decimal
    marks: dict[str, Decimal]


class DayRolled(Event, frozen=True):
    """
    A trading date began. `late`: we were down at the roll (RSK-23).
    """

    trading_date: date
    day_start_equity: Decimal
    basis: Literal["first", "roll", "late"]


class FlowRecorded(Event, frozen=True):
    """
    Money came or went that is no profit or loss (RSK-04).
    """

    amount: Decimal
    by: str
    reason: str


class RuleFaulted(Event, frozen=True):
    """
    A rule or sizer did something other than answer (RSK-43).
    """

    name: str
    detail: str


class AlertRaised(Event, frozen=True):
    """
    Something a person should know; stays in the outbox until a sink has it.
    """

    alert_id: str
    severity: Severity
    code: str
    message: str


class AlertDelivered(Event, frozen=True):
    """
    A sink took an alert.
    """

    alert_id: str
    sink: str


class AlertAcknowledged(Event, frozen=True):
    """
    A person has seen an alert.
    """

    alert_id: str
    by: str


# --- Signals and orders ------------------------------------------------------------------------


class SignalIgnored(Event, frozen=True):
    """
    A `hold`.
    """

    signal_key: str
    signal: SignalRecord


class OrderDenied(Event, frozen=True):
    """
    We refused; nothing was sent.
    """

    signal_key: str
    reasons: tuple[Reason, ...]
    signal: SignalRecord | None = None
    draft: OrderDraft | None = None
    checks: tuple[Check, ...] = ()
    sizing: str = ""


class OrderIntended(Event, frozen=True):
    """
    An approved order; durable before anything leaves. From here on it may have been sent.
    """

    client_order_id: str
    draft: OrderDraft
    entry: bool
    worst_price: Decimal
    checks: tuple[Check, ...]
    signal_key: str = ""
    signal: SignalRecord | None = None
    sizing: str = ""
    epoch: int = 0
    attempt: int = 0


class OrderAccepted(Event, frozen=True):
    """
    The venue has the order.
    """

    client_order_id: str
    venue_order_id: str


class OrderRejected(Event, frozen=True):
    """
    The venue refused, definitively.
    """

    client_order_id: str
    code: str
    message: str


class OrderUnknown(Event, frozen=True):
    """
    Nobody knows yet; counts as open everywhere until evidence resolves it.
    """

    client_order_id: str
    reason: str


class OrderAbsent(Event, frozen=True):
    """
    Proven not to exist at the venue.
    """

    client_order_id: str
    evidence: str


class OrderLate(Event, frozen=True):
    """
    An order proven absent turned up after all.
    """

    client_order_id: str
    venue_order_id: str


class OrderFilled(Event, frozen=True):
    """
    One execution, applied once. `inferred`: known from the cumulative quantity only.
    """

    client_order_id: str
    fill_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal
    commission_currency: str
    occurred_at: datetime
    venue_order_id: str | None = None
    estimated: bool = False
    """The commission is our estimate until the venue reports it."""
    inferred: bool = False


class FillReplaced(Event, frozen=True):
    """
    A fill was corrected, busted (quantity 0), or an inferred one became known.
    """

    client_order_id: str
    fill_id: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    commission_currency: str
    reason: str
    estimated: bool = False


class CancelIntended(Event, frozen=True):
    """
    We want the order gone; durable before the request leaves.
    """

    client_order_id: str
    reason: str


class CancelRejected(Event, frozen=True):
    """
    The venue refused to cancel, or nobody knows; the order stays as it is.
    """

    client_order_id: str
    reason: str


class OrderCanceled(Event, frozen=True):
    """
    The order ended with what had been filled.
    """

    client_order_id: str
    reason: str = ""


class OrderExpired(Event, frozen=True):
    """
    The venue let the order lapse.
    """

    client_order_id: str
    reason: str = ""


class Unexpected(Event, frozen=True):
    """
    A report that the tables have no place for; recorded, nothing changed.
    """

    client_order_id: str
    status: str
    report: str


# --- Agreement with the venue ------------------------------------------------------------------


class ForeignOrderSeen(Event, frozen=True):
    """
    An order at the venue that is not ours; with another purpose, ours from a lost journal.
    """

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    limit_price: Decimal | None = None
    status: OrderStatus = OrderStatus.ACCEPTED
    entry: bool = True
    purpose: Purpose = Purpose.FOREIGN


class PositionAdjusted(Event, frozen=True):
    """
    A holding changed without a fill of ours: inherited, foreign, or accepted by a person.
    """

    symbol: str
    quantity: Decimal
    """Signed change."""
    price: Decimal
    reason: str
    rebase_cash: bool = False
    """The account's cash moved too, nobody knows by how much: compare it afresh from here."""


class PositionIgnored(Event, frozen=True):
    """
    A holding that was there before the session and is left out of it.
    """

    symbol: str
    quantity: Decimal


class DriftFound(Event, frozen=True):
    """
    The venue's holding is not ours, twice in a row; entries on the instrument are blocked.
    """

    symbol: str
    ours: Decimal
    theirs: Decimal


class DriftCleared(Event, frozen=True):
    """
    The holdings agree again.
    """

    symbol: str


class InstrumentBlocked(Event, frozen=True):
    """
    No entry is sent on an instrument any more; an empty reason lifts it.
    """

    symbol: str
    reason: str


class Reconciled(Event, frozen=True):
    """
    Orders, fills, positions and cash were compared with the venue.
    """

    open_orders: int
    differences: tuple[str, ...] = ()


SessionEvent = (
    SessionOpened
    | TermsChanged
    | BootRecorded
    | AccountBound
    | LifecycleChanged
    | LinkChanged
    | TradingPaused
    | TradingHalted
    | TradingKilled
    | TradingResumed
    | InstrumentDefined
    | EquitySampled
    | DayRolled
    | FlowRecorded
    | RuleFaulted
    | AlertRaised
    | AlertDelivered
    | AlertAcknowledged
    | SignalIgnored
    | OrderDenied
    | Unexpected
    | ForeignOrderSeen
    | PositionAdjusted
    | PositionIgnored
    | DriftFound
    | DriftCleared
    | InstrumentBlocked
    | Reconciled
)
OrderEvent = (
    OrderIntended
    | OrderAccepted
    | OrderRejected
    | OrderUnknown
    | OrderAbsent
    | OrderLate
    | OrderFilled
    | FillReplaced
    | CancelIntended
    | CancelRejected
    | OrderCanceled
    | OrderExpired
)
AnyEvent = SessionEvent | OrderEvent
