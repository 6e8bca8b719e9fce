"""
Corporate actions at the mock venue: the customer's holding and orders on the morning of the ex-date.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from ltm.model.corporate import action_of
from ltm.model.enums import Side

D = Decimal
DAY = timedelta(days=1)
START_DATE = "2026-01-06"


def act(kind, value, symbol="ACME", on=START_DATE):
    return action_of(on, symbol, kind, value)


def morning(desk, bid=50, ask=50, **how):
    desk.quote(bid, ask, after=DAY, **how)


@pytest.mark.parametrize(
    ("ratio", "held", "paid"),
    [("2:1", 210, 0), ("1:10", 10, 500), ("3:2", 157, "33.33")],
    ids=["split", "reverse", "odd"],
)
def test_a_split_changes_the_holding_and_pays_out_the_fraction(desk_of, ratio, held, paid):
    desk = desk_of(actions=(act("split", ratio),))
    desk.quote(100, 100)
    desk.buy(105)
    cash = desk.cash
    morning(desk)

    assert (D(held), D(paid)) == (desk.position, (desk.cash - cash).quantize(D("0.01")))


def test_what_waits_is_adjusted_and_fills_at_its_new_price(desk_of):
    """
    A buy of 10 at 40 and a sell of 10 at 120.01, two for one.
    """
    desk = desk_of(actions=(act("split", "2:1"),))
    desk.quote(100, 100)
    desk.buy(10)
    buy, sell = desk.limit(Side.BUY, 10, 40), desk.limit(Side.SELL, 10, "120.01")
    stop = desk.order(Side.BUY, 10, kind="stop", trigger=150)
    morning(desk)
    desk.quote("60.00", "60.00")
    assert D(20) == desk.position
    assert [D(20), D("60.01")] == [desk.venue.find(sell).quantity, desk.venue.find(sell).limit_price]

    desk.quote("60.01", "60.01")
    desk.quote(20, 20)
    desk.quote(75, 75)
    assert [(buy, D(20)), (sell, D(20)), (stop, D(20))] == sorted(
        [(name, quantity) for name, quantity, _ in desk.fills if name != "o1"], key=lambda fill: fill[0]
    )


def test_a_dividend_is_paid_for_what_is_held(desk_of):
    desk = desk_of(actions=(act("dividend", "0.5"),))
    desk.quote(100, 100)
    desk.buy(100)
    cash = desk.cash
    morning(desk, 100, 100)
    morning(desk, 100, 100)

    assert D(50) == desk.cash - cash


def test_a_rename_moves_holding_and_orders(desk_of):
    desk = desk_of(symbols=("ACME", "META"), actions=(act("rename", "META"), act("rename", "GONE")))
    desk.quote(100, 100)
    desk.buy(10)
    name = desk.limit(Side.BUY, 10, 90)
    morning(desk, 95, 95, symbol="META")

    assert [("META", D(10))] == [(held.symbol, held.quantity) for held in desk.venue.positions()]
    assert "META" == desk.venue.find(name).symbol
    desk.quote(90, 90, symbol="META")
    assert D(20) == desk.position


def test_a_split_of_what_is_not_traded_or_priced_here_changes_nothing(desk_of):
    desk = desk_of(
        symbols=("ACME", "BOLT"), actions=(act("split", "2:1", "ZZZ"), act("split", "2:1", "BOLT"))
    )
    desk.quote(100, 100)
    desk.buy(10)
    morning(desk)

    assert D(10) == desk.position
