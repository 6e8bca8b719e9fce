"""The exchange: listings, a book with price-time priority for each, accounts with cash and holdings."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import attrs

HOUSE = "house"
TICK = Decimal("0.01")
FEE = Decimal("0.0005")
ZERO = Decimal(0)


class RefusedByExchangeError(Exception):
    """The exchange does not take it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@attrs.define(kw_only=True)
class Order:
    """One order, open or closed."""

    id: str
    owner: str
    client_id: str | None
    symbol: str
    side: str
    type: str
    life: str
    quantity: Decimal
    price: Decimal | None
    at: datetime
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    status: str = "open"

    @property
    def left(self) -> Decimal:
        """What may still be filled."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """Whether anything may still be filled."""
        return self.status in {"open", "partly"}


@attrs.frozen(kw_only=True)
class Fill:
    """One side of an execution."""

    number: int
    order: Order
    quantity: Decimal
    price: Decimal
    at: datetime

    @property
    def fee(self) -> Decimal:
        """What the exchange keeps."""
        return (self.quantity * self.price * FEE).quantize(Decimal("0.0001"))


@attrs.define
class Account:
    """One customer's cash and holdings."""

    cash: Decimal
    holdings: dict[str, Decimal] = attrs.Factory(dict)


class Exchange:
    """Matches orders against what rests in the book, best price first, then oldest first.

    Args:
        listings: Symbols and their prices; the house quotes one tick below and above.
        cash: What each customer begins with.
        clock: The time.
        depth: How much the house offers on either side, anew at every change of price.
    """

    def __init__(
        self,
        listings: dict[str, Decimal],
        cash: Decimal,
        clock: Callable[[], datetime],
        depth: Decimal = Decimal(1000),
    ) -> None:
        self.last = dict(listings)
        self.orders: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.by_client_id: dict[tuple[str, str], Order] = {}
        self._cash, self._clock, self._depth = cash, clock, depth
        self._accounts: dict[str, Account] = {}
        self._numbers = itertools.count(1)
        for symbol in listings:
            self._quote(symbol)

    def account(self, owner: str) -> Account:
        """Return a customer's account."""
        return self._accounts.setdefault(owner, Account(self._cash))

    def best(self, symbol: str, side: str) -> Decimal | None:
        """Return the best price that rests on one side of the book."""
        prices = [order.price for order in self._resting(symbol, side) if order.price is not None]
        return prices[0] if prices else None

    def move(self, symbol: str, price: Decimal) -> None:
        """Let the price change: the house quotes anew, and what it crosses is filled."""
        self._listed(symbol)
        if price <= TICK:
            raise RefusedByExchangeError("bad_price", f"a price is above {TICK}")
        for order in list(self._resting(symbol, "buy") + self._resting(symbol, "sell")):
            if order.owner == HOUSE:
                order.status = "canceled"
        self.last[symbol] = price
        self._quote(symbol)

    def place(  # noqa: PLR0917 - an order has that many parts
        self,
        owner: str,
        client_id: str | None,
        symbol: str,
        side: str,
        type_: str,
        life: str,
        quantity: Decimal,
        price: Decimal | None,
    ) -> Order:
        """Take an order, and match it."""
        self._listed(symbol)
        if side not in {"buy", "sell"} or life not in {"day", "gtc", "ioc"}:
            raise RefusedByExchangeError("bad_order", f"no {side} order of life {life} is taken")
        if type_ not in {"market", "limit"} or (type_ == "limit") != (price is not None):
            raise RefusedByExchangeError("bad_order", f"no {type_} order with price {price} is taken")
        if not (quantity > 0 and quantity == quantity.to_integral_value()):
            raise RefusedByExchangeError("bad_quantity", f"a quantity is whole and above 0, got {quantity}")
        if price is not None and not (price > 0 and price % TICK == 0):
            raise RefusedByExchangeError("bad_price", f"a price is a multiple of {TICK}, got {price}")
        if client_id is not None and (owner, client_id) in self.by_client_id:
            raise RefusedByExchangeError("duplicate", f"the order {client_id} was placed before")
        order = Order(
            id=f"C{next(self._numbers)}",
            owner=owner,
            client_id=client_id,
            symbol=symbol,
            side=side,
            type=type_,
            life=life,
            quantity=quantity,
            price=price,
            at=self._clock(),
        )
        self.orders[order.id] = order
        if client_id is not None:
            self.by_client_id[owner, client_id] = order
        self._match(order)
        return order

    def cancel(self, order: Order) -> None:
        """Take an order out of the book."""
        if not order.is_open:
            raise RefusedByExchangeError("not_open", f"the order is {order.status}")
        order.status, order.at = "canceled", self._clock()

    def _listed(self, symbol: str) -> None:
        if symbol not in self.last:
            raise RefusedByExchangeError("unknown_symbol", f"{symbol} is not listed")

    def _quote(self, symbol: str) -> None:
        for side, price in (("buy", self.last[symbol] - TICK), ("sell", self.last[symbol] + TICK)):
            self.place(HOUSE, None, symbol, side, "limit", "gtc", self._depth, price)

    def _resting(self, symbol: str, side: str) -> list[Order]:
        found = [
            order
            for order in self.orders.values()
            if order.is_open and order.symbol == symbol and order.side == side and order.price is not None
        ]
        sign = -1 if side == "buy" else 1
        # Sorting keeps the order of arrival among equal prices.
        return sorted(found, key=lambda order: sign * (order.price or ZERO))

    def _match(self, order: Order) -> None:
        for other in self._resting(order.symbol, "sell" if order.side == "buy" else "buy"):
            if not order.left or other.price is None:
                break
            if order.price is not None:
                crossed = order.price >= other.price if order.side == "buy" else order.price <= other.price
                if not crossed:
                    break
            if order.owner != other.owner:
                self._execute(order, other, min(order.left, other.left), other.price)
        if order.left and (order.type == "market" or order.life == "ioc"):
            order.status = "canceled"

    def _execute(self, taker: Order, maker: Order, quantity: Decimal, price: Decimal) -> None:
        for order in (taker, maker):
            order.filled += quantity
            order.paid += quantity * price
            order.at = self._clock()
            order.status = "partly" if order.left else "filled"
            fill = Fill(number=len(self.fills) + 1, order=order, quantity=quantity, price=price, at=order.at)
            self.fills.append(fill)
            account = self.account(order.owner)
            signed = quantity if order.side == "buy" else -quantity
            account.cash -= signed * price + fill.fee
            account.holdings[order.symbol] = account.holdings.get(order.symbol, ZERO) + signed
        self.last[taker.symbol] = price
