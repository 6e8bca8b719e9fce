"""
A desk: one venue, one symbol, and short words for what can happen there.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ltm.brokers.mock.market import Bar, BookTop, Moment, Print
from ltm.brokers.mock.terms import Commission, Terms
from ltm.brokers.mock.venue import Venue
from ltm.model.enums import OrderStatus, OrderType, Side, TimeInForce
from ltm.model.hours import TradingDay
from ltm.model.instrument import Instrument
from ltm.model.market import Quote
from ltm.model.order import SEAL, Approval, OrderDraft
from ltm.model.reports import FillReport, OrderReport, Outcome

START = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHARED = Path(__file__).parents[3].parent / "shared"


def number(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


class Desk:
    """
    One venue that trades `ACME` (and whatever else is asked for), one minute per bar.
    """

    def __init__(
        self, *, cash: object = 1_000_000, symbols: tuple[str, ...] = ("ACME",), **terms: Any
    ) -> None:
        grid = {name: terms.pop(name) for name in list(terms) if name in Instrument.__struct_fields__}
        commission = Commission(**terms.pop("commission", {}))
        day = terms.pop("day", TradingDay(ZoneInfo("UTC")))
        self.terms = Terms(cash=Decimal(str(cash)), currency="USD", day=day, commission=commission, **terms)
        listed = [Instrument(**{"symbol": symbol, "currency": "USD", **grid}) for symbol in symbols]
        self.venue = Venue(listed, self.terms, START)
        self.events: list[object] = []
        self.count = 0

    # --- the customer

    def order(self, side: Side, quantity: object, **how: Any) -> str:
        outcome = self.send(side, quantity, **how)

        assert type(outcome).__name__ == "Acked", outcome
        return f"o{self.count}"

    def send(self, side: Side, quantity: object, **how: Any) -> Outcome:
        self.count += 1
        draft = OrderDraft(
            symbol=how.get("symbol", "ACME"),
            side=side,
            quantity=Decimal(str(quantity)),
            order_type=OrderType(how.get("kind", "market")),
            limit_price=number(how.get("limit")),
            trigger_price=number(how.get("trigger")),
            time_in_force=TimeInForce(how.get("life", "gtc")),
            good_till=how.get("till"),
        )
        outcome = self.venue.submit(how.get("name", f"o{self.count}"), draft)
        self.events += self.venue.take_events()
        return outcome

    def buy(self, quantity: object, **how: Any) -> str:
        return self.order(Side.BUY, quantity, **how)

    def sell(self, quantity: object, **how: Any) -> str:
        return self.order(Side.SELL, quantity, **how)

    def limit(self, side: Side, quantity: object, price: object, **how: Any) -> str:
        return self.order(side, quantity, kind="limit", limit=price, **how)

    def cancel(self, name: str) -> Outcome:
        outcome = self.venue.cancel(name)
        self.events += self.venue.take_events()
        return outcome

    # --- the market

    def open(self, *prices: object, volume: object = None, symbol: str = "ACME") -> Bar:
        opened, high, low, close = (Decimal(str(price)) for price in prices)
        now = self.venue.now
        bar = Bar(symbol, now, now + MINUTE, opened, high, low, close, number(volume))
        self.happen(Moment(now, opens=(bar,)))
        return bar

    def close(self, bar: Bar) -> None:
        self.happen(Moment(bar.end, closes=(bar,)))

    def bar(self, *prices: object, **how: Any) -> None:
        self.close(self.open(*prices, **how))

    def quote(
        self, bid: object, ask: object, bid_size: object = None, ask_size: object = None, **how: Any
    ) -> None:
        self.wait(how.get("after", MINUTE))
        now = self.venue.now
        tick = BookTop(
            how.get("symbol", "ACME"),
            now,
            Decimal(str(bid)),
            Decimal(str(ask)),
            number(bid_size),
            number(ask_size),
        )
        self.happen(Moment(now, ticks=(tick,)))

    def print(self, price: object, size: object = None) -> None:
        self.wait(MINUTE)
        self.happen(
            Moment(self.venue.now, ticks=(Print("ACME", self.venue.now, Decimal(str(price)), number(size)),))
        )

    def wait(self, time: timedelta) -> None:
        self.venue.now += time

    def happen(self, moment: Moment) -> None:
        self.venue.advance(moment)
        self.events += self.venue.take_events()

    # --- what came of it

    @property
    def fills(self) -> list[tuple[str, Decimal, Decimal]]:
        return [
            (str(event.client_order_id), event.quantity, event.price)
            for event in self.events
            if isinstance(event, FillReport)
        ]

    @property
    def ends(self) -> list[tuple[str, OrderStatus, str | None]]:
        return [
            (str(event.client_order_id), event.status, event.reason_code)
            for event in self.events
            if isinstance(event, OrderReport)
        ]

    @property
    def quotes(self) -> list[Quote]:
        return [event for event in self.events if isinstance(event, Quote)]

    def status(self, name: str) -> OrderStatus:
        report = self.venue.find(name)

        assert report is not None
        return report.status

    @property
    def cash(self) -> Decimal:
        return self.venue.account().cash

    @property
    def available(self) -> Decimal | None:
        return self.venue.account().available

    @property
    def position(self) -> Decimal:
        return sum((held.quantity for held in self.venue.positions()), Decimal(0))


@pytest.fixture(name="desk_class", scope="session")
def desk_class_for_properties():
    return Desk


@pytest.fixture(name="desk_of")
def desk_class():
    return Desk


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def shared():
    """
    The folder with real data, where there is one.
    """
    if not SHARED.exists():
        pytest.skip("the folder `shared` with real data is not beside this checkout")
    return SHARED


@pytest.fixture
def approve():
    """
    Make approvals as the risk core would.
    """

    def approval(name: str, side: str = "buy", quantity: object = 100, **how: Any) -> Approval:
        draft = OrderDraft(
            **{"symbol": "ACME", "side": Side(side), "quantity": Decimal(str(quantity)), **how},
        )
        return Approval(SEAL, draft, name, None)

    return approval


@pytest.fixture
def run():
    """
    Step a coroutine that never suspends.
    """

    def step(coroutine: Any) -> Any:
        try:
            coroutine.send(None)
        except StopIteration as done:
            return done.value
        pytest.fail("it suspended")

    return step
