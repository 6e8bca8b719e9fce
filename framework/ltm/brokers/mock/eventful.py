"""
The venue with what real ones do besides matching: halts, other people's orders, corrections, money from nowhere.
"""

from __future__ import annotations

from datetime import timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from ltm.brokers.mock.exactly import exactly
from ltm.brokers.mock.ledger import move, value_of
from ltm.brokers.mock.market import Moment
from ltm.brokers.mock.orders import UNLIMITED, Book, VenueOrder
from ltm.brokers.mock.refusals import expected_price
from ltm.brokers.mock.venue import Venue
from ltm.model.enums import OrderStatus, OrderType, Side, TimeInForce
from ltm.model.errors import ConfigError, shown
from ltm.model.numbers import ZERO
from ltm.model.order import OrderDraft
from ltm.model.reports import Acked, FillReport, OrderReport, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from decimal import Decimal

    from ltm.brokers.mock.terms import Terms
    from ltm.model.instrument import Instrument

T = TypeVar("T")
MANUAL: Final = "manual-"
"""How the venue's own names for other people's orders begin; reports do not carry them."""


class EventfulVenue(Venue):
    """
    One venue with one customer, to whom things happen.
    """

    def __init__(self, instruments: Iterable[Instrument], terms: Terms, now: datetime) -> None:
        super().__init__(instruments, terms, now)
        self._halted: Final[set[str]] = set()
        self._hidden: Final[dict[str, datetime]] = {}
        self._untold: Final[dict[str, float | None]] = {}
        self._charged: Final[dict[int, FillReport]] = {}
        """Fills whose commission was not told at once, as they are in truth."""
        self._due: Final[list[tuple[datetime, int, Callable[[], object]]]] = []
        self._things = 0
        self._manual = 0

    def check(self, symbol: str) -> None:
        """
        Make sure that a symbol, where one is named, is traded here.

        Raises:
            ConfigError: It is not.
        """
        if symbol:
            self._book(symbol)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """
        Let something happen in so many seconds of the market's time.
        """
        self._things += 1
        heappush(self._due, (self.now + timedelta(seconds=seconds), self._things, action))

    def catch_up(self) -> None:
        """
        Let everything happen that is due.
        """
        while self._due and self._due[0][0] <= self.now:
            heappop(self._due)[2]()

    # --- What a request suffers ----------------------------------------------------------------------

    def hide(self, client_order_id: str, seconds: float) -> None:
        """
        Let queries not find an order for a while.
        """
        self._hidden[client_order_id] = self.now + timedelta(seconds=seconds)

    def withhold_commissions(self, client_order_id: str, seconds: float | None) -> None:
        """
        Tell the commissions of an order's fills so much later, or never.
        """
        self._untold[client_order_id] = seconds

    @exactly
    def fill_now(self, client_order_id: str) -> None:
        """
        Fill an order whole, at its limit or the last price.
        """
        order = self._orders[client_order_id]
        book = self._books[order.draft.symbol]
        price = expected_price(order, book)
        if order.open and price is not None:
            self._fill(order, book, price, UNLIMITED)

    def find(self, client_order_id: str, venue_order_id: str | None = None) -> OrderReport | None:
        """
        Return an order as it stands, unless it is hidden.
        """
        return None if self._is_hidden(client_order_id) else super().find(client_order_id, venue_order_id)

    def open_orders(self) -> list[OrderReport]:
        """
        Return every waiting order that is not hidden.
        """
        return [
            report
            for report in super().open_orders()
            if report.client_order_id is None or not self._is_hidden(report.client_order_id)
        ]

    def _is_hidden(self, client_order_id: str) -> bool:
        until = self._hidden.get(client_order_id)
        return until is not None and self.now < until

    # --- What happens to the market -------------------------------------------------------------------

    def halt(self, symbol: str, seconds: float) -> str:
        """
        Stop trading in a symbol, for a while or (0) for good.
        """
        self._set_tradable(symbol, tradable=False)
        if seconds:
            self.later(seconds, lambda: self._set_tradable(symbol, tradable=True))
        return f"{symbol} is halted"

    def _set_tradable(self, symbol: str, *, tradable: bool) -> None:
        book = self._book(symbol)
        (self._halted.discard if tradable else self._halted.add)(symbol)
        book.instrument = msgspec.structs.replace(book.instrument, tradable=tradable)
        self._events.append(book.instrument)

    def advance(self, moment: Moment) -> None:
        """
        Let a moment of the market happen, except where trading is halted.
        """
        super().advance(_without(moment, self._halted) if self._halted else moment)

    @exactly
    def end_day(self) -> str:
        """
        Let every DAY order expire.
        """
        ended = [order for order in self._orders.values() if order.open and order.draft.time_in_force is _DAY]
        for order in ended:
            self._end(order, self._books[order.draft.symbol], OrderStatus.EXPIRED)
        return f"{len(ended)} orders expired"

    # --- What happens to the account -------------------------------------------------------------------

    def manual_order(self, symbol: str, side: Side, quantity: Decimal, price: Decimal | None) -> str:
        """
        Let somebody else send an order from this account.
        """
        self._manual += 1
        draft = OrderDraft(
            symbol=self._book(symbol).instrument.symbol,
            side=side,
            quantity=quantity,
            order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
            limit_price=price,
            time_in_force=TimeInForce.GTC,
        )
        outcome: Outcome = self.submit(f"{MANUAL}{self._manual}", draft)
        return f"order {outcome.venue_order_id}" if isinstance(outcome, Acked) else f"refused: {outcome}"

    @exactly
    def cancel_by_venue(self, reference: int | str) -> str:
        """
        End an order that nobody canceled.
        """
        order = self._pick_order(reference)
        if not order.open:
            return f"{order.venue_order_id} is {order.status} already"
        self._end(order, self._books[order.draft.symbol], OrderStatus.CANCELED, code="by_venue")
        return f"{order.venue_order_id} canceled"

    @exactly
    def overfill(self, reference: int | str, quantity: Decimal) -> str:
        """
        Execute what is left of an order, and then more than it asked for.
        """
        order = self._pick_order(reference)
        book = self._books[order.draft.symbol]
        price = expected_price(order, book)
        if price is None:
            return "no price yet"
        if order.open:
            self._fill(order, book, price, UNLIMITED)
        if order.open or not order.filled:
            return "not enough money, or never worked"
        order.remaining += quantity
        if not order.is_buy:
            book.selling += quantity
        commission = self._ledger.execute(order, book, quantity, price)
        if commission is None:
            order.remaining -= quantity
            return "not enough money"
        self._executed(order, quantity, price, commission)
        return f"fill {self._fills[-1].fill_id}"

    @exactly
    def correct(self, reference: int | str, quantity: Decimal | None, price: Decimal | None) -> str:
        """
        Let a fill have been another, or (quantity 0) none at all; its commission goes back then.
        """
        index = self._pick_fill(reference)
        old = self._fills[index]
        if not old.quantity:
            return f"fill {old.fill_id} was taken back already"
        if quantity and self._orders[_name_of(old)].open:
            return "the order still works: what it lacks would be another matter"
        new = msgspec.structs.replace(
            old,
            quantity=old.quantity if quantity is None else quantity,
            price=old.price if price is None else price,
            commission=ZERO if quantity == 0 else old.commission,
        )
        order = self._orders[_name_of(old)]
        book = self._books[old.symbol]
        sign = 1 if order.is_buy else -1
        before, after = (value_of(book, fill.quantity, fill.price) for fill in (old, new))
        charged = self._charged.get(index, old).commission or ZERO
        refund = charged if quantity == 0 else ZERO
        self._ledger.pay(book, refund - sign * (after - before))
        order.charged -= refund
        order.filled += new.quantity - old.quantity
        order.value += after - before
        move(book, -sign * old.quantity, old.price)
        if new.quantity:
            move(book, sign * new.quantity, new.price)
        self._tell(index, new)
        return f"fill {old.fill_id} is {new.quantity} at {new.price}"

    @exactly
    def drift(self, symbol: str, quantity: Decimal) -> str:
        """
        Change a holding, and nothing else.
        """
        book = self._book(symbol)
        if book.last is None:
            return "no price yet"
        move(book, quantity, book.last)
        return f"{symbol} {book.position} held"

    @exactly
    def move_cash(self, amount: Decimal) -> str:
        """
        Change the account's cash.
        """
        self._ledger.cash += amount
        return f"cash {self._ledger.cash}"

    # --- How it is told --------------------------------------------------------------------------------

    def _executed(self, order: VenueOrder, quantity: Decimal, price: Decimal, commission: Decimal) -> None:
        super()._executed(order, quantity, price, commission)
        name, fill = order.client_order_id, self._fills[-1]
        if name.startswith(MANUAL):
            self._fills[-1] = self._events[-1] = msgspec.structs.replace(fill, client_order_id=None)
        elif name in self._untold:
            seconds, index = self._untold[name], len(self._fills) - 1
            hidden = msgspec.structs.replace(fill, commission=None, commission_currency=None)
            self._fills[-1] = self._events[-1] = hidden
            self._charged[index] = fill
            if seconds is not None:
                self.later(seconds, lambda: self._tell_commission(index))

    def _tell_commission(self, index: int) -> None:
        now, true = self._fills[index], self._charged[index]
        if now.quantity:  # it may have been taken back meanwhile
            told = {"commission": true.commission, "commission_currency": true.commission_currency}
            self._tell(index, msgspec.structs.replace(now, **told))

    def _tell(self, index: int, fill: FillReport) -> None:
        self._fills[index] = fill
        self._events.append(fill)

    def _report(self, order: VenueOrder) -> OrderReport:
        report = super()._report(order)
        is_manual = order.client_order_id.startswith(MANUAL)
        return msgspec.structs.replace(report, client_order_id=None) if is_manual else report

    def _book(self, symbol: str) -> Book:
        book = self._books.get(symbol)
        if book is None:
            nowhere = _nowhere("symbol", symbol, "is traded here")
            raise nowhere
        return book

    def _pick_order(self, reference: int | str) -> VenueOrder:
        if isinstance(reference, str):
            order = self._known(reference, reference)
            found = [] if order is None else [order]
        else:
            arrived = [
                order for order in self._orders.values() if not order.client_order_id.startswith(MANUAL)
            ]
            found = _one(arrived, reference)
        if not found:
            nowhere = _nowhere("order", reference, "arrived")
            raise nowhere
        return found[0]

    def _pick_fill(self, reference: int | str) -> int:
        if isinstance(reference, str):
            found = [index for index, fill in enumerate(self._fills) if fill.fill_id == reference]
        else:
            found = _one(range(len(self._fills)), reference)
        if not found:
            nowhere = _nowhere("fill", reference, "happened")
            raise nowhere
        return found[0]


_DAY: Final = TimeInForce.DAY


def _one(things: Iterable[T], number: int) -> list[T]:
    listed = list(things)
    place = number - 1 if number > 0 else len(listed) + number
    return listed[place : place + 1] if place >= 0 else []


def _name_of(fill: FillReport) -> str:
    return fill.client_order_id or (fill.venue_order_id or "")[1:]


def _without(moment: Moment, halted: set[str]) -> Moment:
    return Moment(
        moment.at,
        tuple(bar for bar in moment.opens if bar.symbol not in halted),
        tuple(bar for bar in moment.closes if bar.symbol not in halted),
        tuple(tick for tick in moment.ticks if tick.symbol not in halted),
    )


def _nowhere(field: str, value: object, what: str) -> ConfigError:
    message = f"{field} must name one that {what}, got {shown(value)}"
    return ConfigError(message, code="LTM-CFG-093", field=field, got=value)
