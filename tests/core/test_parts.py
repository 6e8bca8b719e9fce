"""
An order under several of the venue's names: worked in parts, replaced under a new id, come back after its end.
"""

from decimal import Decimal

import pytest
from core_desk import SELL, Desk

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.effects import QueryOrder, SendCancel
from ltm.core.evolve import _orders
from ltm.model.enums import OrderStatus

D = Decimal
WORKING, DONE, GONE = OrderStatus.ACCEPTED, OrderStatus.FILLED, OrderStatus.CANCELED


@pytest.fixture
def desk():
    desk = Desk()
    desk.mark("AAA", 100)
    return desk


def part(desk, order_id, name, quantity, *news, **fields):
    filled, status = news[0] if news else 0, news[1] if len(news) > 1 else WORKING
    filled = fields.pop("filled", filled)
    return desk.say(order_id, status, filled, venue_order_id=name, quantity=D(quantity), **fields)


# --- Parts ----------------------------------------------------------------------------------------


def test_an_order_that_is_worked_in_parts_ends_when_all_of_them_have(desk):
    """
    REL-4, split orders: the parent is terminal when all children are.
    """
    order_id = desk.order()
    part(desk, order_id, "p1", 60)
    part(desk, order_id, "p2", 40)
    desk.fill(order_id, 60, 100, client_order_id=None, venue_order_id="p1")
    part(desk, order_id, "p1", 60, 60, DONE)

    assert (OrderStatus.PARTIALLY_FILLED, D(40)) == (desk.get(order_id).status, desk.get(order_id).leaves)

    part(desk, order_id, "p2", 40, 0, GONE)

    assert (GONE, D(60)) == (desk.get(order_id).status, desk.slot().position)
    assert "all 2 parts" in desk.get(order_id).reason.message
    assert 4 == len(desk.all(e.VenueOrderSeen))
    desk.check()


def test_a_part_that_ends_before_the_ack_ends_only_itself(desk):
    """
    REL-4, split orders, REL-1: the stream may be faster than the answer to the request.
    """
    order_id = desk.signal("buy", 100).client_order_id
    part(desk, order_id, "p1", 40, 0, GONE)

    assert (OrderStatus.ACCEPTED, D(100)) == (desk.get(order_id).status, desk.get(order_id).leaves)

    part(desk, order_id, "p2", 60)
    desk.answer(order_id)
    desk.fill(order_id, 60, 100, client_order_id=None, venue_order_id="p2")
    part(desk, order_id, "p2", 60, 60, DONE)

    assert (GONE, D(60)) == (desk.get(order_id).status, desk.slot().position)
    desk.check()


@pytest.mark.parametrize(("status", "asked"), [(WORKING, 0), (GONE, 1)])
def test_the_end_of_a_part_without_a_name_is_asked_about(desk, status, asked):
    """
    REL-4: of which part it tells nobody knows.
    """
    order_id = desk.order()
    desk.say(order_id, status, quantity=D(40), venue_order_id=None)

    assert (OrderStatus.ACCEPTED, D(100)) == (desk.get(order_id).status, desk.get(order_id).leaves)
    assert asked == len(desk.sent(QueryOrder))
    desk.check()


def test_an_order_whose_parts_are_all_filled_is_filled(desk):
    """
    I-15.
    """
    order_id = desk.order()
    part(desk, order_id, "p1", 60)
    part(desk, order_id, "p2", 40)
    for name, quantity in (("p1", 60), ("p2", 40)):
        desk.fill(order_id, quantity, 100, client_order_id=None, venue_order_id=name)
        part(desk, order_id, name, quantity, quantity, DONE)

    assert (DONE, D(100)) == (desk.get(order_id).status, desk.slot().position)
    desk.check()


def test_a_part_is_no_news_twice_and_never_goes_back(desk):
    """
    REL-4: the higher sum wins; what has ended does not begin again.
    """
    order_id = desk.order()
    desk.fill(order_id, 50)
    part(desk, order_id, "p1", 60, 50)
    part(desk, order_id, "p2", 40, 0)
    part(desk, order_id, "p1", 60, 20)
    part(desk, order_id, "p2", 40, 0, GONE)
    part(desk, order_id, "p2", 40, 0)

    assert 3 == len(desk.all(e.VenueOrderSeen))
    assert (D(50), True) == (desk.get(order_id).parts["p1"].filled, desk.get(order_id).parts["p2"].ended)


def test_the_venue_is_asked_where_parts_tell_more_or_less_than_is_known(desk):
    """
    REL-4: more filled than was booked; all known parts ended and more must be there.
    """
    order_id = desk.order()

    assert [QueryOrder] == [type(x) for x in part(desk, order_id, "p1", 60, 10)]

    desk.do(c.QueryAnswered(order_id, desk.report(order_id, WORKING, 10), (desk.fill_report(order_id, 10),)))

    assert [QueryOrder] == [type(x) for x in part(desk, order_id, "p1", 60, 10, GONE)]

    desk.do(c.QueryAnswered(order_id, desk.report(order_id, GONE, 10)))

    assert GONE is desk.get(order_id).status
    desk.check()


def test_a_part_that_should_be_listed_and_is_not_is_asked_about(desk):
    """
    F20.
    """
    order_id = desk.order()
    part(desk, order_id, "p1", 60)
    part(desk, order_id, "p2", 40)
    one = desk.report(order_id, WORKING, venue_order_id="p1", quantity=D(60))
    two = desk.report(order_id, WORKING, venue_order_id="p2", quantity=D(40))

    assert [] == desk.sweep(open_orders=(one, two))
    assert [QueryOrder] == [type(x) for x in desk.sweep(open_orders=(one,))]


def test_parts_survive_a_restart(desk):
    """
    I-17: from records and from a snapshot; fills by a part's id still find their order.
    """
    order_id = desk.order()
    part(desk, order_id, "p1", 60)
    for through in ("records", "snapshot"):
        desk.restart(through=through)
        desk.boot()
        desk.connect()
        desk.sweep()

        assert D(60) == desk.get(order_id).parts["p1"].quantity
    desk.fill(order_id, 10, 100, client_order_id=None, venue_order_id="p1")

    assert D(10) == desk.slot().position
    desk.check()


def test_every_name_is_forgotten_with_its_order(monkeypatch):
    """
    Nothing grows with the length of a session.
    """
    monkeypatch.setattr(_orders, "KEEP_CLOSED", 1)
    desk = Desk()
    desk.mark("AAA", 100)
    order_id = desk.order(quantity=2)
    part(desk, order_id, "p1", 1)
    part(desk, order_id, "new", 2)
    desk.fill(order_id, 2, 100, venue_order_id="another")

    assert {"p1", "new", "another", f"v-{order_id}"} <= set(desk.state.venue_ids)

    desk.fill(desk.order(quantity=1), 1)

    assert 1 == len(desk.state.venue_ids)


# --- New names ------------------------------------------------------------------------------------


def test_an_order_that_was_replaced_at_the_venue_keeps_our_id(desk):
    """
    REL-4, replaced: a chain of the venue's ids under one of ours; what the old one says is over.
    """
    order_id = desk.order()
    part(desk, order_id, "new", 100)
    part(desk, order_id, f"v-{order_id}", 100, 0, GONE)

    assert ("new", WORKING) == (desk.get(order_id).venue_order_id, desk.get(order_id).status)

    desk.fill(order_id, 30, 100, client_order_id=None, venue_order_id="new")
    desk.fill(order_id, 20, 100, client_order_id=None, venue_order_id=f"v-{order_id}")
    part(desk, order_id, "new", 100, 50, GONE)

    assert (GONE, D(50)) == (desk.get(order_id).status, desk.slot().position)
    desk.check()


def test_a_report_that_cannot_be_names_no_part_and_no_order(desk):
    """
    F21.
    """
    order_id = desk.order()
    for wrong in ({"symbol": "BBB"}, {"side": SELL}, {"filled": "NaN"}, {"filled": -1}):
        part(desk, order_id, "p1", 60, **wrong)
    part(desk, order_id, "p1", "NaN")

    assert ([], None) == (desk.all(e.VenueOrderSeen), desk.get(order_id).parts)


# --- Orders that come back ------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "found"), [(4.9, False), (5, True), (5.1, True)])
def test_what_the_venue_works_after_its_end_is_canceled_and_told(desk, seconds, found):
    """
    I-06, RSK-05: its leaves count in no limit: seen twice, five seconds apart.
    """
    order_id = desk.order()
    listed = desk.report(order_id, WORKING, 20)
    desk.fill(order_id, 20)
    desk.say(order_id, GONE, 20)
    desk.sweep(open_orders=(listed,))
    desk.wait(seconds)
    desk.sweep(open_orders=(listed,))

    assert ([order_id] if found else []) == [effect.client_order_id for effect in desk.sent(SendCancel)]
    assert found is ("order_revived" in desk.alerts())
    assert found is (desk.slot().blocked is not None)
    if found:
        assert "still works 80 AAA" in desk.slot().blocked
        desk.sweep(open_orders=(listed,))
        assert (1, 2) == (desk.alerts().count("order_revived"), len(desk.sent(SendCancel)))
    desk.check()


def test_an_order_that_is_listed_late_once_is_nothing(desk):
    """
    A list may be older than an end.
    """
    order_id = desk.order()
    listed = desk.report(order_id, WORKING)
    desk.say(order_id, GONE)
    for answer in ((listed,), (), (listed,)):
        desk.sweep(open_orders=answer)
        desk.wait(6)

    assert "order_revived" not in desk.alerts()
