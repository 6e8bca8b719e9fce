"""
The story of one decision: what it made is worked out from the records alone.
"""

from decimal import Decimal

import pytest
from core_desk import MONDAY, Desk, stock

from ltm.core import events as e
from ltm.core.codec import KIND_OF, VERSION, encode
from ltm.core.story import Result, Story, story_of
from ltm.engine.memory import MemoryJournal
from ltm.model.enums import Action, OrderStatus, Side
from ltm.model.reports import OrderReport
from ltm.model.signal import SignalRecord

D = Decimal


def story(desk: Desk, wanted: str) -> Story:
    found = story_of(desk.journal, "demo", wanted)
    assert found is not None
    return found


def result(desk: Desk, wanted: str) -> Result:
    return story(desk, wanted).result


def sell(desk: Desk, quantity: int, price: int, symbol: str = "AAA") -> str:
    order = desk.order("sell", quantity, symbol)
    desk.fill(order, quantity, price)
    return order


def test_an_entry_tells_what_its_position_made():
    desk = Desk()
    bought = desk.hold(100, 50)
    sell(desk, 40, 60)
    told = result(desk, bought)

    assert (D(0), D(400), D(60), "USD") == (
        told.realized_pnl,
        told.position_realized_pnl,
        told.position_quantity,
        told.currency,
    )
    assert told.position_closed_at is None


def test_an_exit_tells_what_it_made():
    desk = Desk()
    desk.hold(100, 50)
    part, rest = sell(desk, 40, 60), sell(desk, 60, 45)

    assert [D(400), D(-300)] == [result(desk, name).realized_pnl for name in (part, rest)]
    assert {D(100)} == {result(desk, name).position_realized_pnl for name in (part, rest)}
    assert desk.now == result(desk, rest).position_closed_at


def test_each_position_is_a_story_of_its_own():
    desk = Desk()
    first = desk.hold(10, 50)
    sell(desk, 10, 60)
    second = desk.hold(10, 50)
    sell(desk, 10, 40)

    assert [D(100), D(-100)] == [result(desk, name).position_realized_pnl for name in (first, second)]


def test_an_order_that_turns_a_position_around_ends_one_and_begins_another():
    desk = Desk(allow_short=True)
    bought = desk.hold(10, 50)
    turned = desk.order("sell", 30)
    desk.fill(turned, 30, 60)
    covered = desk.order("buy", 20)
    desk.fill(covered, 20, 55)

    assert (D(100), D(0)) == (
        result(desk, bought).position_realized_pnl,
        result(desk, bought).position_quantity,
    )
    assert (D(100), D(100)) == (result(desk, turned).realized_pnl, result(desk, turned).position_realized_pnl)
    assert (D(100), D(100)) == (
        result(desk, covered).realized_pnl,
        result(desk, covered).position_realized_pnl,
    )


def test_other_instruments_do_not_matter():
    desk = Desk(instruments=[stock("AAA"), stock("BBB")])
    bought = desk.hold(10, 50)
    desk.hold(10, 50, "BBB")
    sell(desk, 10, 90, "BBB")

    assert (D(0), D(10)) == (
        result(desk, bought).position_realized_pnl,
        result(desk, bought).position_quantity,
    )


def correct(desk: Desk, order: str, quantity: int, price: int, fill_id: str) -> None:
    """
    The venue corrects an execution: a replay of the same id with other content.
    """
    event = e.FillReplaced(
        at=desk.now,
        client_order_id=order,
        fill_id=fill_id,
        quantity=D(quantity),
        price=D(price),
        commission=D(2),
        commission_currency="USD",
        reason="corrected",
    )
    desk.session.record(event)


def test_a_correction_changes_what_was_made():
    desk = Desk()
    bought = desk.hold(10, 50)
    sold = desk.order("sell", 10)
    desk.fill(sold, 10, 60, "f-sold")
    correct(desk, sold, 10, 58, "f-sold")

    assert (D(80), D(2)) == (result(desk, sold).realized_pnl, result(desk, sold).commission)
    assert D(80) == result(desk, bought).position_realized_pnl
    assert desk.state.realized == D(80)


def test_a_busted_exit_leaves_the_position_open():
    desk = Desk()
    bought = desk.hold(10, 50)
    sold = desk.order("sell", 10)
    desk.fill(sold, 10, 60, "f-sold")
    correct(desk, sold, 0, 60, "f-sold")

    assert desk.state.realized == result(desk, sold).realized_pnl
    assert (D(10), None) == (result(desk, bought).position_quantity, result(desk, bought).position_closed_at)


def test_an_adjustment_by_a_person_counts_in_the_position():
    """
    REL-4: an accepted drift is part of the position.
    """
    desk = Desk()
    bought = desk.hold(10, 50)
    desk.session.record(
        e.PositionAdjusted(at=desk.now, symbol="AAA", quantity=D(-4), price=D(55), reason="accepted by me")
    )

    assert (D(20), D(6)) == (
        result(desk, bought).position_realized_pnl,
        result(desk, bought).position_quantity,
    )


def test_an_order_that_never_filled_made_nothing():
    desk = Desk()
    desk.mark(price=100)
    order = desk.order("buy", 10)
    told = result(desk, order)

    assert (D(0), D(0), None) == (told.realized_pnl, told.commission, told.position_opened_at)


def test_any_id_finds_the_story():
    desk = Desk()
    order = desk.hold(10, 50)
    key = desk.last(e.OrderIntended).signal_key

    assert {order} == {
        story(desk, wanted).order.client_order_id for wanted in (order, f"v-{order}", key, key[:8])
    }
    assert None is story_of(desk.journal, "demo", key[:7])
    assert None is story_of(desk.journal, "demo", "nothing")


def test_a_foreign_order_has_a_story():
    desk = Desk()
    desk.mark(price=50)
    seen = OrderReport(
        symbol="AAA",
        side=Side.BUY,
        status=OrderStatus.ACCEPTED,
        quantity=D(5),
        filled_quantity=D(0),
        at=desk.now,
        venue_order_id="venue-77",
        limit_price=D(49),
    )
    desk.sweep(open_orders=(*desk.open_orders(), seen))
    told = story(desk, "venue-77")

    assert isinstance(told.decision, e.ForeignOrderSeen)
    assert ["foreign_order_seen"] == [step.kind for step in told.steps]


def test_a_denial_and_a_hold_have_stories_without_fills():
    desk = Desk()
    denied = desk.signal("sell", 5)
    held = desk.signal("hold")

    assert ["order_denied"] == [step.kind for step in story(desk, denied.signal_key).steps]
    assert None is story(desk, held.signal_key).order


def test_the_steps_are_the_orders_events_in_sequence():
    desk = Desk()
    order = desk.hold(10, 50)
    sell(desk, 10, 60)
    told = story(desk, order)

    assert ["order_intended", "order_accepted", "order_filled"] == [step.kind for step in told.steps]
    assert sorted(step.sequence for step in told.steps) == [step.sequence for step in told.steps]
    assert told.sequence == told.steps[0].sequence


@pytest.mark.parametrize("multiplier", [1, 50])
def test_the_contract_size_counts(multiplier):
    desk = Desk(instruments=[stock("AAA", multiplier=D(multiplier))])
    desk.hold(1, 50)

    assert D(10 * multiplier) == result(desk, sell(desk, 1, 60)).realized_pnl


def test_a_journal_that_does_not_begin_has_no_stories():
    """
    Only a damaged one lacks its first record.
    """
    journal = MemoryJournal("demo")
    lost = e.LinkChanged(at=MONDAY, up=True, reason="find-me")
    journal.append_raw(1, KIND_OF[type(lost)], VERSION, MONDAY.isoformat(), encode(lost))
    held = e.SignalIgnored(
        at=MONDAY,
        signal_key="key-of-hold",
        signal=SignalRecord(symbol="AAA", action=Action.HOLD, score=D(1), confidence=D(1), at=MONDAY),
    )
    journal.append_raw(2, KIND_OF[type(held)], VERSION, MONDAY.isoformat(), encode(held))

    assert None is story_of(journal, "demo", "key-of-hold")
    assert None is story_of(journal, "demo", "find-me")
