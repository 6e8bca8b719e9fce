"""
Orders before they are sent: the draft that rules judge and the approval that a broker takes.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from ltm.model.enums import OrderType, Purpose, Side, TimeInForce
from ltm.model.errors import LtmError


class Bracket(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """
    Where the position that an entry makes shall be closed: whichever of the two prices comes first.
    """

    stop_loss_price: Decimal | None = None
    take_profit_price: Decimal | None = None


class OrderDraft(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """
    An order that nobody has approved yet.
    """

    symbol: str
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    purpose: Purpose = Purpose.SIGNAL
    good_till: datetime | None = None
    bracket: Bracket | None = None


class _Seal:
    """
    Held by `ltm.core.risk` alone; without it no approval can be made.
    """


SEAL: Final = _Seal()


class Approval:
    """
    An order that passed every gate and every rule; the only thing a broker may be given.

    Only `ltm.core.risk` can make one, so sending an unchecked order does not type-check.
    """

    __slots__ = ("client_order_id", "draft", "send_by")

    def __init__(
        self, seal: _Seal, draft: OrderDraft, client_order_id: str, send_by: datetime | None
    ) -> None:
        if seal is not SEAL:
            message = "an approval is made by the risk core only"
            raise LtmError(message)
        self.draft: Final = draft
        self.client_order_id: Final = client_order_id
        self.send_by: Final = send_by

    def __repr__(self) -> str:
        return f"Approval({self.client_order_id!r}, {self.draft!r})"
