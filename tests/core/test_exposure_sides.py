"""
Both sides of a group: signed sums that follow positions and orders, for rules that let longs and shorts offset (RSK-21).
"""

import pytest
from core_desk import D, Desk
from core_rules import sector

from ltm.core import events as e
from ltm.core.snapshot import dump, load


def pair(**terms) -> Desk:
    desk = Desk(rules=[sector("0.4", net=True)], allow_short=True, max_price_age=1e9, **terms)
    desk.mark("AAA", 100)
    desk.mark("BBB", 100)
    desk.hold(-300, symbol="BBB")
    return desk


@pytest.mark.parametrize(("quantity", "codes"), [(699, ()), (700, ()), (701, ("sector_concentration",))])
def test_a_short_makes_room_for_a_long_of_the_same_sector(quantity, codes):
    """
    RSK-21 net: 30,000 short, 40 % of 100,000: 70,000 may be bought, to the share.
    """
    desk = pair(market_collar=D(0))

    assert codes == desk.codes("buy", quantity)
    desk.check()


def test_gross_the_same_sector_is_full_long_before():
    """
    RSK-21: without `net` they add.
    """
    desk = Desk(rules=[sector("0.4")], allow_short=True, market_collar=D(0))
    desk.mark("AAA", 100)
    desk.mark("BBB", 100)
    desk.hold(-300, symbol="BBB")

    assert ("sector_concentration",) == desk.codes("buy", 101)
    assert () == desk.codes("buy", 100)


def test_both_sides_follow_orders_fills_and_marks_and_survive():
    """
    I-10: open buys widen one side, open sells the other; nothing is netted before it fills (RSK-05).
    """
    desk = pair()
    bought = desk.limit("buy", 100, 90).client_order_id
    desk.answer(bought)
    sold = desk.limit("sell", 50, 110, symbol="BBB").client_order_id
    desk.answer(sold)
    group = desk.state.groups["sector_concentration", "tech"]
    desk.check()

    assert (D(-20_000), D(-35_500)) == (group.long, group.short)

    desk.mark("BBB", 110)
    desk.fill(sold, 50, 110)
    desk.check()

    assert (D(-28_500), D(-38_500)) == (group.long, group.short)
    assert dump(desk.state) == dump(load(dump(desk.state)))
    assert isinstance(desk.last(e.OrderFilled), e.OrderFilled)
