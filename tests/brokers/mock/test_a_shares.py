"""
The A-share market of the mock venue refuses what the exchange would refuse.
"""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ltm.brokers.mock.config import CommissionConfig, MockConfig
from ltm.brokers.mock.exchange import Exchange
from ltm.model.enums import Side
from ltm.model.hours import TradingDay

SHARE, STAR, INDEX = "600519.SH", "688981.SH", "000300.SH"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def china(desk_of):
    def open_it(**terms):
        day = TradingDay(ZoneInfo("Asia/Shanghai"))
        desk = desk_of(symbols=(SHARE, STAR, INDEX), market="cn_a", day=day, **terms)
        for symbol in (SHARE, STAR, INDEX):
            desk.quote(100, 100, symbol=symbol, after=timedelta(0))
        return desk

    return open_it


def send(desk, side, quantity, symbol=SHARE, limit=None):
    how = {"kind": "limit", "limit": limit} if limit is not None else {}
    outcome = desk.send(side, quantity, symbol=symbol, **how)
    return getattr(outcome, "code", "")


def tomorrow(desk):
    desk.quote(100, 100, symbol=SHARE, after=timedelta(days=1))


def test_t_plus_1_holds_until_the_next_date(china):
    """
    C17: bought at 22:30 Shanghai time, sellable at midnight and not a minute before.
    """
    desk = china()
    assert "" == send(desk, Side.BUY, 200)

    desk.wait(timedelta(minutes=89))
    assert "t_plus_1" == send(desk, Side.SELL, 100)
    desk.wait(MINUTE)
    assert "" == send(desk, Side.SELL, 200)


def test_only_what_was_there_before_is_sold(china):
    desk = china()
    send(desk, Side.BUY, 200)
    tomorrow(desk)
    send(desk, Side.BUY, 100)

    assert "t_plus_1" == send(desk, Side.SELL, 300)
    assert "" == send(desk, Side.SELL, 200)
    assert "t_plus_1" == send(desk, Side.SELL, 100)


@pytest.mark.parametrize(
    ("symbol", "quantity", "code"),
    [
        (SHARE, 99, "board_lot"),
        (SHARE, 100, ""),
        (SHARE, 101, "board_lot"),
        (STAR, 199, "board_lot"),
        (STAR, 200, ""),
        (STAR, 201, ""),
        (INDEX, 1, ""),
        (SHARE, "NaN", "bad_quantity"),
        (SHARE, 0, "bad_quantity"),
    ],
)
def test_buys_keep_to_the_lots_of_the_board(china, symbol, quantity, code):
    """
    C03: one inside, at, one beyond.
    """
    assert code == send(china(), Side.BUY, quantity, symbol)


@pytest.mark.parametrize(
    ("price", "code"),
    [("110.00", ""), ("110.01", "price_band"), ("90.00", ""), ("89.99", "price_band")],
)
def test_limits_keep_to_yesterdays_close(china, price, code):
    """
    C18: the close is the last price of the date before, whatever was traded since midnight.
    """
    desk = china()
    tomorrow(desk)
    desk.quote(107, 107, symbol=SHARE)

    assert code == send(desk, Side.BUY, 100, limit=price)


def test_a_band_of_its_own_goes_before_the_boards(china):
    desk = china(price_bands={SHARE: Decimal("0.05")})
    tomorrow(desk)

    assert "" == send(desk, Side.BUY, 100, limit="105.00")
    assert "price_band" == send(desk, Side.BUY, 100, limit="105.01")


def test_on_the_first_day_there_is_no_close_to_measure_from(china):
    assert "" == send(china(), Side.BUY, 100, limit="999")


def test_stamp_duty_is_paid_on_sells_alone_and_beside_the_minimum(china):
    """
    5 basis points of 20,000 are 10; the commission's own minimum of 5 is not used up by it.
    """
    desk = china(
        commission={"basis_points": Decimal(1), "minimum": Decimal(5), "sell_basis_points": Decimal(5)}
    )
    send(desk, Side.BUY, 200)
    assert Decimal(1_000_000 - 20_000 - 5) == desk.cash

    tomorrow(desk)
    send(desk, Side.SELL, 200)
    assert Decimal(1_000_000 - 5 - 5 - 10) == desk.cash


@pytest.mark.parametrize(
    ("settings", "duty"),
    [
        ({"market": "cn_a"}, 5),
        ({}, 0),
        ({"market": "cn_a", "commission": {"sell_basis_points": 10}}, 10),
    ],
    ids=["the law's", "none elsewhere", "as it was before 2023"],
)
def test_the_market_brings_its_stamp_duty(settings, duty):
    commission = CommissionConfig(**settings.pop("commission", {}))
    exchange = Exchange(MockConfig(commission=commission, **settings))

    assert duty == exchange.venue._terms.commission.sell_basis_points
