"""
The venue's side of an order, and the place where orders for one symbol wait.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from ltm.model.enums import OrderStatus, OrderType, Side, TimeInForce
from ltm.model.numbers import COST_GRID, ONE, RULES, ZERO
from ltm.model.order import OrderDraft
from ltm.model.reports import FillReport, OrderReport

if TYPE_CHECKING:
    from ltm.model.instrument import Instrument
    from ltm.model.market import Quote

# On Python 3.11 a member asked of its enum costs ten times what a name costs, and these are asked for every order.
_BUY: Final = Side.BUY
_IOC: Final = TimeInForce.IOC
_ACCEPTED: Final = OrderStatus.ACCEPTED
FOK: Final = TimeInForce.FOK
FILLED: Final = OrderStatus.FILLED
MARKET: Final = OrderType.MARKET


class VenueOrder(msgspec.Struct, eq=False, gc=False):
    """
    One order from its arrival on; it stays known for ever.
    """

    number: int
    client_order_id: str
    draft: OrderDraft
    at: datetime
    venue_order_id: str
    is_buy: bool
    one_chance: bool
    limit: Decimal | None
    trigger: Decimal | None
    """None when there is none, or when it was reached."""
    remaining: Decimal
    open: bool = True
    """Said by a flag too, since asking an enum is slow."""
    rested: bool = False
    """Whether a price was seen that did not reach the limit: from then on it fills at the limit."""
    filled: Decimal = ZERO
    value: Decimal = ZERO
    charged: Decimal = ZERO
    reserved: Decimal = ZERO
    fills: int = 0
    status: OrderStatus = _ACCEPTED
    reason_code: str | None = None
    reason: str | None = None

    def reached_by(self, price: Decimal) -> bool:
        """
        Return whether the order may trade at this price, having taken note of it.
        """
        trigger = self.trigger
        if trigger is not None:
            if price < trigger if self.is_buy else price > trigger:
                return False
            self.trigger = None
        limit = self.limit
        if limit is None or (price <= limit if self.is_buy else price >= limit):
            return True
        self.rested = True
        return False

    def price_within(self, high: Decimal, low: Decimal) -> Decimal | None:
        """
        Return the price at which the range of a bar, whose open did not reach the order, fills it.
        """
        trigger, limit = self.trigger, self.limit
        if trigger is not None:
            if high < trigger if self.is_buy else low > trigger:
                return None
            self.trigger = None
            # What came after the trigger inside the bar is not known, so a limit beyond it has to wait.
            return (
                trigger if limit is None or (trigger <= limit if self.is_buy else trigger >= limit) else None
            )
        if limit is None:
            return None
        return limit if (low <= limit if self.is_buy else high >= limit) else None

    def executed(
        self, quantity: Decimal, price: Decimal, at: datetime, commission: Decimal, currency: str
    ) -> FillReport:
        """
        Take note of one more execution, and return it.
        """
        self.fills += 1
        self.at = at
        return FillReport(
            fill_id=f"{self.client_order_id}-{self.fills}",
            symbol=self.draft.symbol,
            side=self.draft.side,
            quantity=quantity,
            price=price,
            occurred_at=at,
            client_order_id=self.client_order_id,
            venue_order_id=self.venue_order_id,
            commission=commission,
            commission_currency=currency,
        )

    def report(self, multiplier: Decimal = ONE) -> OrderReport:
        """
        Return the order as it stands now.
        """
        draft, average = self.draft, None
        if self.filled:
            average = average_of(self.value, RULES.multiply(self.filled, multiplier))
        return OrderReport(
            symbol=draft.symbol,
            side=draft.side,
            status=self.status,
            quantity=draft.quantity,
            filled_quantity=self.filled,
            at=self.at,
            client_order_id=self.client_order_id,
            venue_order_id=self.venue_order_id,
            order_type=draft.order_type,
            limit_price=self.limit,
            average_fill_price=average,
            reason_code=self.reason_code,
            reason=self.reason,
        )


def arrived(number: int, client_order_id: str, draft: OrderDraft, at: datetime) -> VenueOrder:
    """
    Return an order as it is on its arrival.
    """
    life = draft.time_in_force
    return VenueOrder(
        number,
        client_order_id,
        draft,
        at,
        # Made from the client's id, so that no other run of this venue gives it to another order.
        f"v{client_order_id}",
        draft.side is _BUY,
        life is _IOC or life is FOK,
        draft.limit_price,
        draft.trigger_price,
        draft.quantity,
    )


class Liquidity:
    """
    How much our orders may still take at one price; None: as much as they want.
    """

    __slots__ = ("left",)

    def __init__(self, left: Decimal | None) -> None:
        self.left = left


UNLIMITED: Final = Liquidity(None)


class Book:
    """
    The state of one symbol: last prices, waiting orders in time priority, the position.
    """

    __slots__ = (
        "ask",
        "ask_depth",
        "bid",
        "bid_depth",
        "entry_value",
        "instrument",
        "last",
        "opened",
        "position",
        "quote",
        "selling",
        "volume",
        "waiting",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.waiting: Final[dict[int, VenueOrder]] = {}
        self.bid: Decimal | None = None
        self.ask: Decimal | None = None
        self.bid_depth = UNLIMITED
        self.ask_depth = UNLIMITED
        self.last: Decimal | None = None
        """Price of the last bar, print or middle of the last quote: what a market order is expected to cost."""
        self.opened = 0
        """Number of the last order that was there when the present bar opened."""
        self.volume = UNLIMITED
        self.position = ZERO
        self.entry_value = ZERO
        self.selling = ZERO
        """What the waiting sells still have to sell."""
        self.quote: Quote | None = None


def average_of(value: Decimal, units: Decimal) -> Decimal:
    """
    Return value / units, as it is where that is exact and to 12 places elsewhere.
    """
    average = RULES.divide(value, units)
    return min(average, average.quantize(COST_GRID, context=RULES), key=lambda number: len(str(number)))


def needs_limit(order_type: OrderType) -> bool:
    """
    Return whether orders of this type have a limit price.
    """
    return order_type is OrderType.LIMIT or order_type is OrderType.STOP_LIMIT


def needs_trigger(order_type: OrderType) -> bool:
    """
    Return whether orders of this type have a trigger price.
    """
    return order_type is OrderType.STOP or order_type is OrderType.STOP_LIMIT
