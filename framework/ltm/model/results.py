"""
Answers: verdicts of rules, results of signals, alerts, the summary of a session.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from ltm.model.enums import Severity


class Allow(msgspec.Struct, frozen=True, gc=False, tag=True):
    """
    A rule lets the order pass; `measured` is what it looked at, `limit` what it compared with.
    """

    measured: Decimal | None = None
    limit: Decimal | None = None


class Deny(msgspec.Struct, frozen=True, gc=False, tag=True):
    """
    A rule refuses the order.
    """

    code: str
    message: str
    measured: Decimal | None = None
    limit: Decimal | None = None


class EquityFloor(msgspec.Struct, frozen=True, gc=False):
    """
    The equity at or below which a continuous rule stops entries, and the base it is measured from.
    """

    base: Decimal
    floor: Decimal


class ExposureLimit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    How much a position or a group may be worth: the lowest of what is given, long or short.
    """

    of_equity: Decimal | None = None
    """A fraction of equity."""
    of_capital: Decimal | None = None
    """A fraction of the session's capital."""
    value: Decimal | None = None
    """Money, session currency."""
    net: bool = False
    """Of a group: whether its longs and shorts offset each other."""


Verdict = Allow | Deny


class Check(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """
    One line of a decision record: who judged, what came of it, and the numbers (RSK-13).
    """

    rule: str
    code: str
    """"ok", "reducing", or the denial code."""
    measured: Decimal | None = None
    limit: Decimal | None = None
    headroom: Decimal | None = None
    message: str | None = None


class Reason(msgspec.Struct, frozen=True, gc=False):
    """
    Why an order was denied or rejected.
    """

    code: str
    message: str
    measured: Decimal | None = None
    limit: Decimal | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """
    Something a person should know. `alert_id` is stable across re-delivery.
    """

    alert_id: str
    session_id: str
    severity: Severity
    code: str
    message: str
    raised_at: datetime


class PositionCheck(msgspec.Struct, frozen=True, kw_only=True):
    """
    What one holding is by our fills, and what the venue says; None when it did not say.
    """

    symbol: str
    ours: Decimal
    venue: Decimal | None


class Attestation(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is left at the venue, as the venue itself says: given at the end of a stop, a flatten or a kill.
    """

    session_id: str
    asked_at: datetime
    given: bool
    """Whether nothing is left that should not be there. False: `problems` says what, and a person must look."""
    open_orders: int | None
    """How many of our orders may still be filled, by the venue's list and ours; None: the venue did not say."""
    left_open: tuple[str, ...]
    """Their client order ids."""
    foreign_orders: int | None
    """Open orders in the account that are not ours."""
    positions: tuple[PositionCheck, ...]
    positions_agree: bool | None
    unresolved: tuple[str, ...]
    """Orders of which nobody knows what became."""
    problems: tuple[str, ...]


class DirectReport(msgspec.Struct, frozen=True, kw_only=True):
    """
    What was canceled past the session's own process, as the venue says.
    """

    session_id: str
    asked_at: datetime
    confirmed: bool
    """Whether the venue lists none of these orders any more, and every order of open fate is proven to have ended."""
    canceled: tuple[str, ...]
    left_open: tuple[str, ...]
    foreign_orders: int
    """Open orders that are not this session's, and were left alone."""
    problems: tuple[str, ...] = ()


ResultStatus = Literal[
    "filled", "partial", "working", "denied", "rejected", "unknown", "ignored", "invalid", "duplicate"
]


class TradeResult(msgspec.Struct, frozen=True, kw_only=True):
    """
    What became of one signal (the product document's `execute_trade`).
    """

    status: ResultStatus
    symbol: str
    action: str
    signal_key: str = ""
    client_order_id: str | None = None
    quantity: Decimal = Decimal(0)
    filled_quantity: Decimal = Decimal(0)
    average_fill_price: Decimal | None = None
    commission: Decimal = Decimal(0)
    reasons: tuple[Reason, ...] = ()
    duplicate_of: str | None = None
