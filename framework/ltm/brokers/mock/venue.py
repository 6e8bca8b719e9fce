"""
The matching core: orders in, prices in, outcomes and events out.

It has no clock, no dice and no I/O: its time is that of the last moment it was given, so the same inputs always give
the same events in the same order. The rules of matching:

* An order takes part in bars that open after it arrived, and in no other: a market order fills at the next open, a
  limit at that open or, once the range reached it, at its limit, a stop at the worse of open and trigger.
* At a quote, orders fill at once on arrival at the present bid or ask, later when a quote reaches them. At prints,
  they fill at the first print after arrival that reaches them. A limit that once had to wait fills at its limit.
* `participation` bounds what all orders together get of a bar's volume, a quote's or a print's size, in whole lots;
  the rest waits for the next. What is not known is not bounded.
* IOC and FOK have one chance: the present quote, or else the first price after arrival.
* DAY ends with the trading day of the first quote, print or open that it could meet. A bar that opened within the
  order's life is matched in full before the order expires.
* The account must cover a buy at the worst price that can be expected when it arrives, and at the real one when it
  fills; a fill that it cannot pay for cancels the order.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from ltm.brokers.mock.a_shares import CN_A, AShares
from ltm.brokers.mock.corporate import begin_date
from ltm.brokers.mock.exactly import exactly
from ltm.brokers.mock.ledger import Ledger, average_entry_price
from ltm.brokers.mock.market import Bar, BookTop, Moment, Print
from ltm.brokers.mock.orders import FILLED, FOK, UNLIMITED, Book, Liquidity, VenueOrder, arrived
from ltm.brokers.mock.refusals import expected_price, refusal, refuse
from ltm.model.enums import OrderStatus, TimeInForce
from ltm.model.market import Quote
from ltm.model.numbers import ZERO, floor_to
from ltm.model.reports import (
    AccountReport,
    Acked,
    BrokerEvent,
    FillReport,
    OrderReport,
    Outcome,
    PositionReport,
    Refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from ltm.brokers.mock.terms import Terms
    from ltm.model.instrument import Instrument
    from ltm.model.order import OrderDraft

_HALF: Final = Decimal("0.5")


class Venue:
    """
    One venue with one customer.

    Args:
        instruments: What is traded here.
        terms: How.
        now: When the venue opens its doors.
    """

    def __init__(self, instruments: Iterable[Instrument], terms: Terms, now: datetime) -> None:
        self._market: Final = AShares(terms.day, terms.price_bands) if terms.market == CN_A else None
        self._books: Final = {instrument.symbol: Book(instrument) for instrument in instruments}
        self._terms: Final = terms
        self._ledger: Final = Ledger(terms, self._books)
        self._actions: Final = list(terms.actions)
        self._orders: Final[dict[str, VenueOrder]] = {}
        self._fills: Final[list[FillReport]] = []
        self._expiries: Final[list[tuple[datetime, int, VenueOrder]]] = []
        self._undated: list[VenueOrder] = []
        self._day_end: datetime | None = None
        self._events: list[Quote | BrokerEvent] = []
        self._number = 0
        self.now = now

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """
        Everything that is traded here.
        """
        return tuple(book.instrument for book in self._books.values())

    def instrument(self, symbol: str) -> Instrument:
        """
        Return what is traded here under a symbol.
        """
        return self._books[symbol].instrument

    @property
    def has_events(self) -> bool:
        """
        Whether `take_events` would return any.
        """
        return bool(self._events)

    def take_events(self) -> list[Quote | BrokerEvent]:
        """
        Return what happened since the last call, in order.
        """
        events, self._events = self._events, []
        return events

    # --- Requests of the customer ------------------------------------------------------------------

    @exactly
    def submit(self, client_order_id: str, draft: OrderDraft) -> Outcome:
        """
        Take in one order, and let it meet the present quote. An id that ever arrived is refused for ever.
        """
        earlier = self._orders.get(client_order_id)
        if earlier is not None:
            message = f"{client_order_id} arrived before, as {earlier.venue_order_id}"
            return Refused("duplicate_client_order_id", message)
        self._number += 1
        order = arrived(self._number, client_order_id, draft, self.now)
        self._orders[client_order_id] = order
        book = self._books.get(draft.symbol)
        if book is None:
            return refuse(order, Refused("unknown_symbol", f"{draft.symbol} is not traded here"))
        refused = refusal(order, book, self._ledger, self._terms, self._market)
        if refused is not None:
            return refuse(order, refused)
        if not order.is_buy:
            book.selling += order.remaining
        book.waiting[order.number] = order
        if book.bid is not None:
            self._meet_quote(order, book)
        if order.open:
            self._start_life(order, book)
        return Acked(order.venue_order_id)

    @exactly
    def cancel(self, client_order_id: str, venue_order_id: str | None = None) -> Outcome:
        """
        End an open order.
        """
        order = self._known(client_order_id, venue_order_id)
        if order is None:
            return Refused("unknown_order", f"no order {client_order_id} ever arrived")
        if not order.open:
            return Refused("too_late", f"the order is {order.status} already")
        self._end(order, self._books[order.draft.symbol], OrderStatus.CANCELED)
        return Acked(order.venue_order_id)

    def find(self, client_order_id: str, venue_order_id: str | None = None) -> OrderReport | None:
        """
        Return an order as it stands, refused and finished ones too; None when it never arrived.
        """
        order = self._known(client_order_id, venue_order_id)
        return None if order is None else self._report(order)

    def _known(self, client_order_id: str, venue_order_id: str | None) -> VenueOrder | None:
        # By the customer's id, else by ours, which is made of it.
        name = (venue_order_id or "")[1:]
        return self._orders.get(client_order_id) or self._orders.get(name)

    def open_orders(self) -> list[OrderReport]:
        """
        Return every waiting order, symbol by symbol in time priority.
        """
        return [self._report(order) for book in self._books.values() for order in book.waiting.values()]

    def fills(self, since: datetime) -> Sequence[FillReport]:
        """
        Return every execution since then, oldest first.
        """
        start = bisect_left(self._fills, since, key=lambda fill: fill.occurred_at)
        return self._fills[start:]

    def positions(self) -> list[PositionReport]:
        """
        Return every holding that is not zero.
        """
        return [
            PositionReport(
                symbol=symbol, quantity=book.position, average_entry_price=average_entry_price(book)
            )
            for symbol, book in self._books.items()
            if book.position
        ]

    def account(self) -> AccountReport:
        """
        Return cash, what of it is free, and the market's time.
        """
        return AccountReport(
            account=self._terms.account,
            currency=self._terms.currency,
            cash=self._ledger.cash,
            available=self._ledger.available,
            paper=True,
            server_time=self.now,
        )

    def quotes(self, symbols: Iterable[str]) -> list[Quote]:
        """
        Return the last update of each of these symbols that has one.
        """
        found = (self._books[symbol].quote for symbol in symbols)
        return [quote for quote in found if quote is not None]

    # --- The market goes on --------------------------------------------------------------------------

    @exactly
    def advance(self, moment: Moment) -> None:
        """
        Let a moment of the market happen.
        """
        at = self.now = moment.at
        for bar in moment.closes:
            if self._books[bar.symbol].waiting:
                self._close_bar(bar)
        if self._expiries and self._expiries[0][0] <= at:
            self._expire(at)
        for bar in moment.closes:
            self._publish_close(bar)
        if not (moment.opens or moment.ticks):
            return
        self._begin_day(at)
        for bar in moment.opens:
            self._open_bar(bar)
        for tick in moment.ticks:
            if isinstance(tick, Print):
                self._print(tick)
            else:
                self._quote(tick)

    def _begin_day(self, at: datetime) -> None:
        if self._day_end is None or at >= self._day_end:
            begin_date(self._actions, self._books, self._ledger, self._terms.day.date_at(at))
            self._day_end = self._terms.day.next_roll(at)
        for order in self._undated:
            heappush(self._expiries, (self._day_end, order.number, order))
        self._undated.clear()

    def _start_life(self, order: VenueOrder, book: Book) -> None:
        life = order.draft.time_in_force
        if life is TimeInForce.GTD and order.draft.good_till is not None:
            heappush(self._expiries, (order.draft.good_till, order.number, order))
        elif life is TimeInForce.DAY:
            if book.bid is not None and self._day_end is not None and self.now < self._day_end:
                heappush(self._expiries, (self._day_end, order.number, order))
            else:
                self._undated.append(order)

    def _expire(self, at: datetime) -> None:
        while self._expiries and self._expiries[0][0] <= at:
            when, _, order = heappop(self._expiries)
            if order.open:
                self._end(order, self._books[order.draft.symbol], OrderStatus.EXPIRED, at=when)

    def _open_bar(self, bar: Bar) -> None:
        book = self._books[bar.symbol]
        book.opened = self._number
        if not book.waiting:
            return
        book.volume = self._share(bar.volume, book)
        for order in tuple(book.waiting.values()):
            if order.reached_by(bar.open):
                self._fill(order, book, bar.open, book.volume)
            if order.one_chance:
                self._end_chance(order, book)

    def _close_bar(self, bar: Bar) -> None:
        book = self._books[bar.symbol]
        for order in tuple(book.waiting.values()):
            if order.number > book.opened:
                return
            price = order.price_within(bar.high, bar.low)
            if price is not None:
                self._fill(order, book, price, book.volume)

    def _publish_close(self, bar: Bar) -> None:
        book = self._books[bar.symbol]
        book.last = bar.close
        self._publish(book, Quote(bar.symbol, bar.end, bar.close, bar.bid, bar.ask))

    def _print(self, tick: Print) -> None:
        book = self._books[tick.symbol]
        book.last = tick.price
        self._publish(book, Quote(tick.symbol, tick.at, tick.price))
        if not book.waiting:
            return
        volume = self._share(tick.size, book)
        for order in tuple(book.waiting.values()):
            self._meet(order, book, tick.price, volume)

    def _quote(self, tick: BookTop) -> None:
        book = self._books[tick.symbol]
        book.bid, book.ask = tick.bid, tick.ask
        book.last = (tick.bid + tick.ask) * _HALF
        book.bid_depth = self._share(tick.bid_size, book)
        book.ask_depth = self._share(tick.ask_size, book)
        self._publish(book, Quote(tick.symbol, tick.at, None, tick.bid, tick.ask))
        for order in tuple(book.waiting.values()):
            self._meet_quote(order, book)

    def _publish(self, book: Book, quote: Quote) -> None:
        book.quote = quote
        if self._market is not None and book.last is not None:
            self._market.saw(quote.symbol, book.last, quote.at)
        self._events.append(quote)

    def _share(self, size: Decimal | None, book: Book) -> Liquidity:
        part = self._terms.participation
        if part is None or size is None:
            return UNLIMITED
        return Liquidity(floor_to(size * part, book.instrument.lot_size))

    # --- Executions ------------------------------------------------------------------------------------

    def _meet_quote(self, order: VenueOrder, book: Book) -> None:
        price = book.ask if order.is_buy else book.bid
        if price is not None:
            self._meet(order, book, price, book.ask_depth if order.is_buy else book.bid_depth)

    def _meet(self, order: VenueOrder, book: Book, price: Decimal, depth: Liquidity) -> None:
        waited = order.rested
        if order.reached_by(price):
            # Somebody came to an order that was waiting: it trades at its own price.
            better = order.limit if waited and order.limit is not None else price
            self._fill(order, book, better, depth)
        if order.one_chance:
            self._end_chance(order, book)

    def _end_chance(self, order: VenueOrder, book: Book) -> None:
        if order.open:
            self._end(order, book, OrderStatus.CANCELED, code=order.draft.time_in_force)

    def _fill(self, order: VenueOrder, book: Book, price: Decimal, depth: Liquidity) -> None:
        quantity, left = order.remaining, depth.left
        if left is not None and left < quantity:
            if not left or order.draft.time_in_force is FOK:
                return
            quantity = left
        commission = self._ledger.execute(order, book, quantity, price)
        if commission is None:
            self._end(order, book, OrderStatus.CANCELED, code="insufficient_funds")
            return
        if left is not None:
            depth.left = left - quantity
        self._executed(order, quantity, price, commission)
        if order.remaining:
            order.status = OrderStatus.PARTIALLY_FILLED
            self._reserve_rest(order, book)
        else:
            order.status = FILLED
            order.open = False
            del book.waiting[order.number]
            if order.is_buy:
                self._ledger.reserve(order, ZERO)

    def _executed(self, order: VenueOrder, quantity: Decimal, price: Decimal, commission: Decimal) -> None:
        if self._market is not None and order.is_buy:
            self._market.bought(order.draft.symbol, quantity, self.now)
        currency = self._books[order.draft.symbol].instrument.currency
        fill = order.executed(quantity, price, self.now, commission, currency)
        self._fills.append(fill)
        self._events.append(fill)

    def _reserve_rest(self, order: VenueOrder, book: Book) -> None:
        if order.is_buy and (price := expected_price(order, book)) is not None:
            self._ledger.reserve(order, self._ledger.worst_case(order, book, price))

    def _end(
        self,
        order: VenueOrder,
        book: Book,
        status: OrderStatus,
        *,
        code: str | None = None,
        at: datetime | None = None,
    ) -> None:
        del book.waiting[order.number]
        if order.is_buy:
            self._ledger.reserve(order, ZERO)
        else:
            book.selling -= order.remaining
        order.status = status
        order.open = False
        order.at = at or self.now
        order.reason_code = code
        self._events.append(self._report(order))

    def _report(self, order: VenueOrder) -> OrderReport:
        book = self._books.get(order.draft.symbol)
        return order.report() if book is None else order.report(book.instrument.multiplier)
