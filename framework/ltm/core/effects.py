"""
What the shell has to do once the records are durable.
"""

from __future__ import annotations

import msgspec

from ltm.model.order import Approval
from ltm.model.results import Alert


class SubmitOrder(msgspec.Struct, frozen=True, gc=False):
    """
    Call the broker's `submit`, once.
    """

    approval: Approval


class SendCancel(msgspec.Struct, frozen=True, gc=False):
    """
    Call the broker's `cancel`.
    """

    client_order_id: str
    venue_order_id: str | None
    symbol: str


class QueryOrder(msgspec.Struct, frozen=True, gc=False):
    """
    Ask the venue about one order and its fills.
    """

    client_order_id: str
    venue_order_id: str | None
    symbol: str


class Sweep(msgspec.Struct, frozen=True, gc=False):
    """
    Ask the venue about everything; events up to `sequence` were known when it was asked.
    """

    sequence: int


class DeliverAlert(msgspec.Struct, frozen=True, gc=False):
    """
    Hand an alert to the sinks.
    """

    alert: Alert


Effect = SubmitOrder | SendCancel | QueryOrder | Sweep | DeliverAlert
