"""
What comes of comparing our books with the venue's.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ltm.core.events._base import Event
from ltm.model.corporate import CorporateAction
from ltm.model.enums import OrderStatus, Purpose, Side


class ForeignOrderSeen(Event, frozen=True):
    """
    An order at the venue that is not ours, new or changed; with another purpose we took it over.
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
    fills: tuple[str, ...] = ()
    """Ids of the fills it had before we took it over."""


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


class CorporateActionApplied(Event, frozen=True):
    """
    A declared corporate action changed what is held, what it cost and what works.
    """

    action: CorporateAction
    mark: Decimal | None
    """The price just before, from which the new one follows."""
    since: datetime
    """When its date began: prices of up to then are in the old units."""
    by: str
    reason: str = ""


class ActionRefused(Event, frozen=True):
    """
    A declared corporate action cannot be applied; a person has to look.
    """

    key: str
    reason: str


class DividendsReceived(Event, frozen=True):
    """
    The account's cash holds all dividends that were booked on their ex-dates.
    """
