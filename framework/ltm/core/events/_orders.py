"""
What happens to signals and to the orders that came of them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from ltm.core.events._base import Event
from ltm.core.state import OrderState
from ltm.core.successor import Successor
from ltm.model.enums import Side
from ltm.model.order import OrderDraft
from ltm.model.results import Check, Reason
from ltm.model.signal import SignalRecord


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
    took_microseconds: int = 0
    """How long the decision took; 0 in virtual time (RSK-13)."""
    replaces: str = ""
    """The order that was canceled to be replaced by it."""


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
    took_microseconds: int = 0
    """How long the decision took; 0 in virtual time (RSK-13)."""
    replaces: str = ""
    """The order that was canceled to be replaced by this one."""


class IntentOutline(Event, frozen=True):
    """
    What of an `OrderIntended` the state needs: what the decision was made on is for people.
    """

    client_order_id: str
    draft: OrderDraft
    entry: bool
    worst_price: Decimal
    signal_key: str = ""
    epoch: int = 0
    attempt: int = 0
    replaces: str = ""


class DenialOutline(Event, frozen=True):
    """
    The same of an `OrderDenied`.
    """

    signal_key: str
    replaces: str = ""


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
    not_sent: bool = False
    """Provably nothing left, so that it takes nothing of the day's budget (C09)."""


class OrderLate(Event, frozen=True):
    """
    An order proven absent turned up after all.
    """

    client_order_id: str
    venue_order_id: str


class OrderRecalled(Event, frozen=True):
    """
    News came of an order that was no longer in memory: this is how the records before left it.
    """

    client_order_id: str
    order: OrderState


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
    traded_on: date | None = None
    """The trading date of `occurred_at`, where the market settles tomorrow (C17)."""


class VenueOrderSeen(Event, frozen=True):
    """
    The venue works an order of ours under another of its ids: a part of it, or all of it since it was replaced.
    """

    client_order_id: str
    venue_order_id: str
    quantity: Decimal
    filled_quantity: Decimal
    ended: bool


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


class ReplaceIntended(Event, frozen=True):
    """
    We want another order instead: this one is canceled first, and nothing is sent before it is gone.
    """

    client_order_id: str
    successor: Successor
    by: str


class ReplaceEnded(Event, frozen=True):
    """
    Nothing takes the order's place: why.
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
