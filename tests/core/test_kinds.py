"""
Kinds of orders and how long they stay: what a broker has not, and what an order lacks, is denied before it is sent.
"""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from core_desk import CAPABILITIES, Desk

from ltm.core import events as e
from ltm.core.exposure import worst_price
from ltm.core.history import Projection
from ltm.model.enums import OrderStatus, OrderType, Side, TimeInForce
from ltm.model.order import OrderDraft
from ltm.model.reports import Capabilities

D = Decimal


@pytest.fixture
def desk():
    desk = Desk()
    desk.mark("AAA", 100)
    yield desk
    desk.check()


@pytest.mark.parametrize("life", [TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
def test_a_time_in_force_that_the_broker_has_reaches_it(desk, life):
    """
    C02: it is in the draft that is approved.
    """
    order_id = desk.order(quantity=1, time_in_force=life)

    assert [life] == [
        effect.approval.draft.time_in_force for effect in desk.effects if hasattr(effect, "approval")
    ]
    assert life is desk.get(order_id).time_in_force


@pytest.mark.parametrize("life", [TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD])
def test_a_time_in_force_that_the_broker_has_not_is_denied(life):
    """
    C02: an adapter that says nothing has DAY and GTC only.
    """
    desk = Desk(capabilities=Capabilities(name="plain"))
    desk.mark("AAA", 100)
    till = desk.now + timedelta(hours=1) if life is TimeInForce.GTD else None

    assert ("unsupported_order",) == desk.codes("buy", 1, time_in_force=life, good_till=till)
    assert f"this broker has no {life} orders" == desk.last(e.OrderDenied).reasons[0].message
    assert () == desk.codes("buy", 1, time_in_force=TimeInForce.GTC)
    desk.check()


def test_good_till_belongs_to_gtd_orders(desk):
    """
    C02: and to all of them.
    """
    till = desk.now + timedelta(hours=1)

    assert ("unsupported_order",) == desk.codes("buy", 1, time_in_force=TimeInForce.GTD)
    assert "a gtd order needs a good_till" == desk.last(e.OrderDenied).reasons[0].message
    assert ("unsupported_order",) == desk.codes("buy", 1, good_till=till)
    assert "a day order takes no good_till" == desk.last(e.OrderDenied).reasons[0].message


@pytest.mark.parametrize(("seconds", "codes"), [(-1, ("good_till_over",)), (0, ("good_till_over",)), (1, ())])
def test_a_gtd_order_must_have_time_to_live(desk, seconds, codes):
    """
    C02: one second before now, now, and one after.
    """
    till = desk.now + timedelta(seconds=seconds)

    assert codes == desk.codes("buy", 1, time_in_force=TimeInForce.GTD, good_till=till)


def test_an_order_that_ends_by_itself_says_so(desk):
    """
    GTD: the end is in the listing, survives a restart, and the venue's word ends the order.
    """
    till = desk.now + timedelta(hours=1)
    order_id = desk.order(quantity=1, time_in_force=TimeInForce.GTD, good_till=till)
    desk.say(order_id, OrderStatus.EXPIRED, 0, reason="gtd")
    history = Projection("demo")
    for event in desk.records():
        history.apply(event)

    assert [(till, OrderStatus.EXPIRED)] == [(row.good_till, row.status) for row in history.orders]


@pytest.mark.parametrize(
    ("side", "mark", "worst"),
    [
        (Side.BUY, 100, 106),  # it cannot cost more than its limit
        (Side.BUY, 110, 106),
        (Side.SELL, 100, 106),  # a sell is worth at least what the market pays
        (Side.SELL, 110, 110),
        (Side.SELL, None, 106),
        (Side.BUY, None, 106),
    ],
)
def test_the_worst_price_of_a_stop_limit_order(desk, side, mark, worst):
    """
    RSK-05: limit => limit price; sells => max(mark, limit).
    """
    slot = desk.slot()
    slot.mark = None if mark is None else D(mark)
    draft = OrderDraft(
        symbol="AAA",
        side=side,
        quantity=D(1),
        order_type=OrderType.STOP_LIMIT,
        limit_price=D(106),
        trigger_price=D(105),
    )

    assert D(worst) == worst_price(draft, slot, D("0.01"))
    slot.mark = D(100)


@pytest.mark.parametrize(("quantity", "codes"), [(282, ()), (283, ()), (284, ("max_order_value",))])
def test_a_stop_limit_order_counts_at_its_limit(quantity, codes):
    """
    C05: 30,000 at 106 are 283.01...: one lot inside, the last that fits, one beyond.
    """
    desk = Desk(max_order_value=D(30_000))
    desk.mark("AAA", 100)
    kind = {"order_type": OrderType.STOP_LIMIT, "limit_price": 106, "trigger_price": 105}

    assert codes == desk.codes("buy", quantity, **kind)
    desk.check()


def test_abilities_travel_as_they_are():
    """
    The capabilities of an adapter behind a wire stay what they were.
    """
    assert CAPABILITIES == msgspec.json.decode(msgspec.json.encode(CAPABILITIES), type=Capabilities)
