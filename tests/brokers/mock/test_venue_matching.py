"""
When and at what price orders meet bars, quotes and prints.
"""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ltm.model.enums import OrderStatus, Side
from ltm.model.hours import TradingDay

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


class TestBars:
    def test_a_market_order_fills_at_the_next_open(self, desk):
        """
        Not at the close that its sender has just seen.
        """
        desk.bar(100, 101, 99, 100.5)
        desk.buy(10)

        assert [] == desk.fills

        desk.bar(100.7, 102, 100, 101)

        assert [("o1", D(10), D("100.7"))] == desk.fills

    def test_an_order_never_trades_in_a_bar_that_was_open_when_it_arrived(self, desk):
        """
        Neither at its open nor in its range, of which the past part is unknown.
        """
        bar = desk.open(100, 105, 95, 100)
        desk.buy(1)
        desk.limit(BUY, 1, 99)
        desk.close(bar)

        assert [] == desk.fills

        desk.bar(98, 99, 97, 98)

        assert [("o1", D(1), D(98)), ("o2", D(1), D(98))] == desk.fills

    def test_fills_come_before_the_close_is_published(self, desk):
        """
        A range belongs to the time before the close.
        """
        desk.limit(BUY, 1, 99)
        desk.bar(100, 100, 98, 99.5)

        assert ["FillReport", "Quote"] == [type(event).__name__ for event in desk.events]
        assert D("99.5") == desk.quotes[0].price

    @pytest.mark.parametrize(
        ("side", "limit", "bar", "price"),
        [
            (BUY, 99, (98, 100, 97, 99), 98),
            (BUY, 99, (100, 101, 99, 100), 99),
            (BUY, 99, (100, 101, 99.01, 100), None),
            (SELL, 101, (102, 103, 101, 102), 102),
            (SELL, 101, (100, 101, 99, 100), 101),
            (SELL, 101, (100, 100.99, 99, 100), None),
        ],
        ids=[
            "open is better",
            "low touches",
            "low misses",
            "open is better for a sell",
            "high touches",
            "high misses",
        ],
    )
    def test_a_limit_fills_at_a_better_open_or_at_itself(self, desk_of, side, limit, bar, price):
        desk = desk_of(allow_short=True)
        desk.limit(side, 1, limit)
        desk.bar(*bar)

        assert ([] if price is None else [D(price)]) == [fill[2] for fill in desk.fills]

    @pytest.mark.parametrize(
        ("side", "trigger", "bar", "price"),
        [
            (BUY, 105, (100, 106, 99, 104), 105),
            (BUY, 105, (107, 108, 106, 107), 107),
            (BUY, 105, (100, 104.99, 99, 104), None),
            (SELL, 95, (100, 101, 94, 96), 95),
            (SELL, 95, (93, 94, 92, 93), 93),
            (SELL, 95, (100, 101, 95.01, 96), None),
        ],
        ids=["range", "gap", "not reached", "range, sell", "gap, sell", "not reached, sell"],
    )
    def test_a_stop_fills_at_the_worse_of_open_and_trigger(self, desk_of, side, trigger, bar, price):
        desk = desk_of(allow_short=True)
        desk.order(side, 1, kind="stop", trigger=trigger)
        desk.bar(*bar)

        assert ([] if price is None else [D(price)]) == [fill[2] for fill in desk.fills]

    def test_a_stop_limit_waits_when_the_trigger_is_beyond_its_limit(self, desk):
        """
        What the range did after the trigger is not known, so the limit is tried from the next bar on.
        """
        desk.buy(1, kind="stop_limit", trigger=105, limit=104)
        desk.bar(100, 106, 99, 103)

        assert [] == desk.fills

        desk.bar(106, 107, 103, 105)

        assert [("o1", D(1), D(104))] == desk.fills

    def test_a_stop_limit_fills_at_its_trigger_when_the_limit_allows(self, desk):
        desk.buy(1, kind="stop_limit", trigger=105, limit=106)
        desk.bar(100, 107, 99, 103)

        assert [("o1", D(1), D(105))] == desk.fills

    def test_ioc_has_the_next_open_and_nothing_else(self, desk):
        desk.limit(BUY, 1, 99, life="ioc")
        desk.bar(100, 101, 98, 100)

        assert [] == desk.fills
        assert [("o1", OrderStatus.CANCELED, "ioc")] == desk.ends

    def test_symbols_without_a_bar_leave_orders_waiting(self, desk_of):
        """
        A missing bar is a halt: nothing happens to the order.
        """
        desk = desk_of(symbols=("ACME", "BOLT"))
        desk.buy(1)
        desk.bar(50, 50, 50, 50, symbol="BOLT")

        assert [] == desk.fills
        assert OrderStatus.ACCEPTED is desk.status("o1")


class TestQuotes:
    def test_a_market_order_fills_at_once_at_bid_or_ask(self, desk):
        desk.quote(99, 101)
        desk.buy(2)
        desk.sell(1)

        assert [("o1", D(2), D(101)), ("o2", D(1), D(99))] == desk.fills

    def test_a_limit_that_crosses_pays_the_quote_and_one_that_waited_its_own_price(self, desk):
        desk.quote(99, 101)
        desk.limit(BUY, 1, 102)
        desk.limit(BUY, 1, 100)
        desk.quote(97, 98)

        assert [("o1", D(1), D(101)), ("o2", D(1), D(100))] == desk.fills

    def test_a_stop_waits_for_the_quote_that_reaches_it(self, desk):
        desk.quote(99, 101)
        desk.buy(1)
        desk.sell(1, kind="stop", trigger=95)
        desk.quote(96, 98)
        desk.quote(94, 96)

        assert [("o1", D(1), D(101)), ("o2", D(1), D(94))] == desk.fills

    def test_an_order_before_the_first_quote_waits_for_it(self, desk):
        desk.buy(1, life="ioc")

        assert [] == desk.fills

        desk.quote(99, 101)

        assert [("o1", D(1), D(101))] == desk.fills

    @pytest.mark.parametrize("life", ["ioc", "fok"])
    def test_one_chance_means_the_present_quote(self, desk, life):
        desk.quote(99, 101)
        desk.limit(BUY, 1, 100, life=life)

        assert [("o1", OrderStatus.CANCELED, life)] == desk.ends


class TestPrints:
    def test_orders_fill_at_the_next_print_at_or_through(self, desk):
        desk.print(100)
        desk.buy(1)
        desk.limit(BUY, 1, 99)

        assert [] == desk.fills

        desk.print(100.5)
        desk.print(98)

        assert [("o1", D(1), D("100.5")), ("o2", D(1), D(99))] == desk.fills

    def test_a_print_is_published_as_the_last_price(self, desk):
        desk.print(100)

        assert [(D(100), None, None)] == [(quote.price, quote.bid, quote.ask) for quote in desk.quotes]


class TestParticipation:
    def test_a_bar_gives_a_part_of_its_volume_in_whole_lots(self, desk_of):
        """
        10 % of 2,550 is 255: two lots of 100; the rest waits for the next open.
        """
        desk = desk_of(participation=D("0.1"), lot_size=D(100))
        desk.buy(500)
        desk.bar(100, 101, 99, 100, volume=2550)
        desk.bar(101, 102, 100, 101, volume=10_000)

        assert [("o1", D(200), D(100)), ("o1", D(300), D(101))] == desk.fills
        assert OrderStatus.FILLED is desk.status("o1")

    def test_orders_share_it_in_the_order_of_arrival(self, desk_of):
        desk = desk_of(participation=D("0.5"))
        desk.buy(30)
        desk.buy(30)
        desk.limit(BUY, 30, 99)
        desk.bar(100, 100, 98, 99, volume=80)

        assert [("o1", D(30), D(100)), ("o2", D(10), D(100))] == desk.fills

    @pytest.mark.parametrize(("volume", "filled"), [(None, 1000), (0, 0)])
    def test_unknown_volume_is_no_limit_and_zero_volume_is_nothing(self, desk_of, volume, filled):
        desk = desk_of(participation=D("0.1"))
        desk.buy(1000)
        desk.bar(100, 100, 100, 100, volume=volume)

        assert D(filled) == desk.position

    def test_a_quote_gives_a_part_of_its_size_once(self, desk_of):
        desk = desk_of(participation=D("0.5"))
        desk.quote(99, 101, 200, 200)
        desk.buy(80)
        desk.buy(80)
        desk.quote(99, 102, 200, 200)

        assert [("o1", D(80), D(101)), ("o2", D(20), D(101)), ("o2", D(60), D(102))] == desk.fills

    def test_ioc_cancels_what_the_quote_does_not_give(self, desk_of):
        desk = desk_of(participation=D("0.5"))
        desk.quote(99, 101, 200, 200)
        desk.buy(150, life="ioc")

        assert [("o1", D(100), D(101))] == desk.fills
        assert [("o1", OrderStatus.CANCELED, "ioc")] == desk.ends

    def test_fok_takes_all_or_nothing(self, desk_of):
        desk = desk_of(participation=D("0.5"))
        desk.quote(99, 101, 200, 200)
        desk.buy(101, life="fok")
        desk.buy(100, life="fok")

        assert [("o2", D(100), D(101))] == desk.fills
        assert [("o1", OrderStatus.CANCELED, "fok")] == desk.ends


class TestExpiry:
    @pytest.mark.parametrize(
        ("low", "end"),
        [(91, OrderStatus.EXPIRED), (90, OrderStatus.FILLED)],
        ids=["not reached", "reached in the last bar"],
    )
    def test_day_ends_with_the_trading_day(self, desk_of, low, end):
        """
        16:00 in New York is 21:00 UTC here; the last bar of the day still counts.
        """
        desk = desk_of(day=TradingDay(ZoneInfo("America/New_York"), 16 * 60))
        desk.limit(BUY, 1, 90, life="day")
        desk.bar(100, 100, 100, 100)
        desk.wait(timedelta(hours=6, minutes=27))
        desk.bar(100, 100, 100, 100)

        assert OrderStatus.ACCEPTED is desk.status("o1")

        desk.bar(100, 100, low, 100)

        assert end is desk.status("o1")

    def test_day_lasts_through_the_day_to_come_when_it_arrives_between_days(self, desk):
        """
        A daily bar is known at midnight; an order placed then, or at the weekend, is for the next bar.
        """
        desk.bar(100, 100, 100, 100)
        desk.buy(1, life="day")
        desk.wait(timedelta(days=3))
        desk.bar(101, 101, 101, 101)

        assert [("o1", D(1), D(101))] == desk.fills

    def test_a_day_order_at_a_quote_belongs_to_the_day_of_that_quote(self, desk):
        desk.quote(99, 101)
        desk.limit(BUY, 1, 100, life="day")
        desk.quote(98, 99, after=timedelta(days=1))

        assert [] == desk.fills
        assert [("o1", OrderStatus.EXPIRED, None)] == desk.ends

    def test_gtc_stays(self, desk):
        desk.limit(BUY, 1, 90)
        desk.wait(timedelta(days=400))
        desk.bar(90, 90, 90, 90)

        assert [("o1", D(1), D(90))] == desk.fills

    def test_gtd_ends_at_its_time(self, desk):
        desk.limit(BUY, 1, 90, life="gtd", till=desk.venue.now + timedelta(minutes=2))
        desk.bar(100, 100, 100, 100)
        desk.bar(100, 100, 100, 100)

        assert [("o1", OrderStatus.EXPIRED, None)] == desk.ends

        desk.bar(80, 80, 80, 80)

        assert [] == desk.fills
