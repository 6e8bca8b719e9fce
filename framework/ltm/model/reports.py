"""
What a broker tells us: outcomes of requests, order and fill reports, the account.

The four outcomes of a submission are the heart of promise one. `Refused` needs the venue's own
definitive answer and `NotSent` needs proof that nothing left; everything else is `Ambiguous`.

Messages hold plain values only, so the garbage collector need not look at them (`gc=False`).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from ltm.model.enums import OrderStatus, OrderType, Side, TimeInForce
from ltm.model.instrument import Instrument


class Acked(msgspec.Struct, frozen=True, gc=False, tag=True):
    """
    The venue has the order (or the cancel request).
    """

    venue_order_id: str


class Refused(msgspec.Struct, frozen=True, gc=False, tag=True):
    """
    The venue definitively refused.
    """

    code: str
    message: str


class NotSent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """
    Provably nothing left this machine.
    """

    reason: str


class Ambiguous(msgspec.Struct, frozen=True, gc=False, tag=True):
    """
    Nobody knows yet.
    """

    reason: str


Outcome = Acked | Refused | NotSent | Ambiguous


class OrderReport(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """
    An order as the venue sees it now. `filled_quantity` is cumulative.
    """

    symbol: str
    side: Side
    status: OrderStatus
    quantity: Decimal
    filled_quantity: Decimal
    at: datetime
    client_order_id: str | None = None
    venue_order_id: str | None = None
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    average_fill_price: Decimal | None = None
    reason_code: str | None = None
    reason: str | None = None


class FillReport(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """
    One execution. `commission` None means not known yet; negative is a rebate.
    """

    fill_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    occurred_at: datetime
    client_order_id: str | None = None
    venue_order_id: str | None = None
    commission: Decimal | None = None
    commission_currency: str | None = None


class LinkReport(msgspec.Struct, frozen=True, gc=False, tag=True):
    """
    The connection to the venue went up or down.
    """

    up: bool
    at: datetime
    reason: str = ""


class PositionReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """
    A holding as the venue sees it; quantity is signed.
    """

    symbol: str
    quantity: Decimal
    average_entry_price: Decimal | None = None


class AccountReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """
    The account as the venue sees it. `server_time` None means the venue does not tell.
    """

    account: str
    currency: str
    cash: Decimal
    available: Decimal | None = None
    """Funds the venue would still accept orders for; None when it does not say."""
    can_withdraw: bool | None = None
    """Whether the key may move money out; None when the venue does not say (SEC-06)."""
    paper: bool = False
    server_time: datetime | None = None


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an adapter promises; the conformance kit checks each (REL 2.2.4).
    """

    name: str
    order_types: tuple[OrderType, ...] = (OrderType.MARKET, OrderType.LIMIT)
    times_in_force: tuple[TimeInForce, ...] = (TimeInForce.DAY, TimeInForce.GTC)
    client_order_id_unique: Literal["forever", "open", "none"] = "none"
    query_by_client_order_id: bool = False
    query_includes_closed: bool = False
    request_ttl: float | None = None
    """Seconds after which the venue can no longer accept a late request; None: no such promise."""
    visibility_lag: float = 0.0
    fills_lookback: float = 86_400.0
    native_stop: bool = False
    cancel_all: bool = False
    cancel_on_disconnect: bool = False
    fill_ids: Literal["stable", "none"] = "stable"
    positions: bool = True
    cash: bool = True
    server_time: bool = False
    ephemeral: bool = False
    """Whether the venue itself ends with this process, as a simulation in memory does."""
    streaming: bool = True
    price_interval: float = 0.0
    """Seconds between price updates where they come in steps (bars, polling); 0: continuous."""


BrokerEvent = OrderReport | FillReport | LinkReport | Instrument
