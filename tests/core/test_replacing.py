"""
Another order in the place of an open one: two steps in the journal, and never two orders for one.
"""

from decimal import Decimal

import pytest
from core_desk import KEY, Desk

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.effects import SendCancel
from ltm.core.invariants import violations
from ltm.core.snapshot import dump, load
from ltm.engine.memory import MemoryJournal
from ltm.model.enums import Lifecycle, OrderStatus, OrderType
from ltm.model.errors import InvalidTransition
from ltm.model.identifiers import client_order_id
from ltm.model.reports import Acked, OrderReport, Refused
from ltm.model.spec import Limits

D = Decimal
CANCELED, ACCEPTED = OrderStatus.CANCELED, OrderStatus.ACCEPTED


@pytest.fixture
def desk():
    desk = ready()
    yield desk
    desk.check()


def ready(**terms):
    desk = Desk(**terms)
    desk.mark("AAA", 100)
    return desk


def resting(desk, quantity=100, price=90, **fields):
    """
    An open limit order, acknowledged.
    """
    return desk.order("buy", quantity, order_type=OrderType.LIMIT, limit_price=price, **fields)


def replace(desk, order_id, **wanted):
    numbers = {name: D(str(value)) for name, value in wanted.items()}
    return desk.do(c.ReplaceOrder(client_order_id=order_id, by="me", **numbers))


def gone(desk, order_id, filled=0):
    desk.do(c.CancelAnswered(order_id, Acked("x")))
    desk.say(order_id, CANCELED, filled)


def refusal(desk, order_id, **wanted):
    before = desk.state.sequence
    with pytest.raises(InvalidTransition) as caught:
        replace(desk, order_id, **wanted)
    assert before == desk.state.sequence
    return caught.value.message


# --- The two steps --------------------------------------------------------------------------------


def test_nothing_is_sent_before_the_old_order_is_gone(desk):
    """
    REL-2: REPLACE_INTENT is in the journal with the cancel; the new order follows the proof that the old one ended.
    """
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)

    assert [e.ReplaceIntended, e.CancelIntended] == [type(event) for event in desk.events[-2:]]
    assert [order_id] == desk.submitted()
    assert [order_id] == [effect.client_order_id for effect in desk.sent(SendCancel)]
    assert [order_id] == desk.state.replacing

    gone(desk, order_id)

    new = desk.get(order_id).replaced_by
    assert [order_id, new] == desk.submitted()
    assert (D(91), D(100), OrderType.LIMIT) == (
        desk.get(new).limit_price,
        desk.get(new).quantity,
        desk.get(new).order_type,
    )
    assert order_id == desk.last(e.OrderIntended).replaces
    assert [] == desk.state.replacing


def test_what_is_not_given_stays_as_it_is(desk):
    """
    A quantity of the whole, prices of the kind, time in force and end.
    """
    order_id = desk.order("buy", 10, order_type=OrderType.STOP_LIMIT, limit_price=106, trigger_price=105)
    replace(desk, order_id, trigger_price=104)
    gone(desk, order_id)

    new = desk.get(desk.get(order_id).replaced_by)
    assert (D(10), D(106), D(104)) == (new.quantity, new.limit_price, new.trigger_price)


def test_a_quantity_counts_what_was_filled(desk):
    """
    F22: 40 of 100 were filled, 150 are wanted: 110 more.
    """
    order_id = resting(desk)
    desk.fill(order_id, 40, 90)
    replace(desk, order_id, quantity=150)
    gone(desk, order_id, 40)

    assert D(110) == desk.get(desk.get(order_id).replaced_by).quantity


def test_fills_until_the_end_are_taken_off(desk):
    """
    REL-2: a fill while the cancel is under way is a normal race.
    """
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    desk.fill(order_id, 30, 90)
    gone(desk, order_id, 30)

    assert D(70) == desk.get(desk.get(order_id).replaced_by).quantity


def test_the_old_order_counts_until_it_is_gone(desk):
    """
    RSK-05: worst case of the old one while it is open, of the new one from its intent on; never of both.
    """
    order_id = resting(desk, 100, 90)
    replace(desk, order_id, limit_price=95)
    desk.mark("AAA", 80)

    assert D(9_000) == desk.state.reserved

    gone(desk, order_id)

    assert D(9_500) == desk.state.reserved


# --- Nothing takes its place ----------------------------------------------------------------------


def ended(desk):
    return desk.last(e.ReplaceEnded).reason


def test_an_order_that_was_filled_first_is_not_replaced(desk):
    """
    REL-2: the fill won the race.
    """
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    desk.fill(order_id, 100, 90)

    assert "the order was filled before it could be canceled" == ended(desk)
    assert [order_id] == desk.submitted()
    assert "not_replaced" in desk.alerts()


@pytest.mark.parametrize(("filled", "follows"), [(59, True), (60, False), (61, False)])
def test_when_enough_was_filled_nothing_follows(desk, filled, follows):
    """
    60 are wanted: one less than that, exactly that, and one more were filled before the order was gone.
    """
    order_id = resting(desk)
    replace(desk, order_id, quantity=60)
    desk.fill(order_id, filled, 90)
    gone(desk, order_id, filled)

    assert follows == bool(desk.get(order_id).replaced_by)
    assert [] == desk.state.replacing
    assert follows or f"{filled} were filled before it was gone" == ended(desk)


def test_a_cancel_that_is_refused_leaves_the_order_as_it_was(desk):
    """
    REL-2: and a person is told.
    """
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    desk.do(c.CancelAnswered(order_id, Refused("too_late", "it trades")))

    assert "the venue did not cancel it, and it stands as it was" == ended(desk)
    assert (ACCEPTED, D(90)) == (desk.get(order_id).status, desk.get(order_id).limit_price)
    assert "not_replaced" in desk.alerts()


def test_what_is_denied_leaves_nothing_open():
    """
    RSK-07: the new order meets every gate and rule, as if it came from a signal.
    """
    desk = ready(max_order_value=D(10_000))
    order_id = resting(desk, 100, 90)
    replace(desk, order_id, quantity=101)
    gone(desk, order_id)

    refused = desk.last(e.OrderDenied)
    assert (["max_order_value"], order_id) == ([reason.code for reason in refused.reasons], refused.replaces)
    assert {} == desk.state.orders
    assert ("not_replaced", []) == (desk.alerts()[-1], desk.state.replacing)
    desk.check()


def test_one_order_may_stand_where_one_stood():
    """
    C12: the old one is gone before the new one is counted.
    """
    desk = ready(limits=Limits(max_open_orders=1))
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    gone(desk, order_id)

    assert desk.get(order_id).replaced_by
    desk.check()


@pytest.mark.parametrize("what", [c.CancelOrder, c.Kill, c.Flatten, c.Stop])
def test_who_wants_it_gone_wants_nothing_in_its_place(desk, what):
    """
    A cancel, a kill, a stop while the old order is on its way out: the second thought counts.
    """
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    desk.do(what(order_id, "me") if what is c.CancelOrder else what("me"))
    gone(desk, order_id)

    assert [order_id] == desk.submitted()
    assert 1 == len(desk.all(e.CancelIntended))
    assert [] == desk.state.replacing


def test_a_session_that_stops_without_canceling_replaces_nothing():
    """
    `on_stop = "keep"`: what comes after the stop is no order.
    """
    desk = ready(on_stop="keep")
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    desk.do(c.Stop("me"))
    gone(desk, order_id)

    assert "the session stops" == ended(desk)
    assert [order_id] == desk.submitted()
    desk.check()


def test_a_halt_denies_what_would_follow(desk):
    """
    C37: cancels only.
    """
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    desk.do(c.Halt("test", "because"))
    gone(desk, order_id)

    assert ["halted"] == [reason.code for reason in desk.last(e.OrderDenied).reasons]


# --- Exits ----------------------------------------------------------------------------------------


def test_an_exit_is_replaced_by_an_exit():
    """
    RSK-06: limits do not stand in its way, a pause neither.
    """
    desk = ready(max_daily_trades=1)
    desk.hold(100)
    order_id = desk.order("sell", 100, order_type=OrderType.LIMIT, limit_price=110)
    desk.do(c.Pause("me"))
    replace(desk, order_id, limit_price=105)
    gone(desk, order_id)

    new = desk.get(desk.get(order_id).replaced_by)
    assert (D(105), False) == (new.limit_price, new.entry)
    desk.check()


@pytest.mark.parametrize(("quantity", "passes"), [(99, True), (100, True), (101, False)])
def test_a_larger_exit_must_not_turn_the_position_around(desk, quantity, passes):
    """
    RSK-06 would_flip: 100 are held.
    """
    desk.hold(100)
    order_id = desk.order("sell", 50, order_type=OrderType.LIMIT, limit_price=110)
    replace(desk, order_id, quantity=quantity)
    gone(desk, order_id)

    assert passes == bool(desk.get(order_id).replaced_by)
    assert passes or ["would_flip"] == [reason.code for reason in desk.last(e.OrderDenied).reasons]


def test_with_shorting_on_the_part_beyond_flat_is_an_entry():
    """
    RSK-06.
    """
    desk = ready(allow_short=True)
    desk.hold(100)
    order_id = desk.order("sell", 50, order_type=OrderType.LIMIT, limit_price=110)
    replace(desk, order_id, quantity=150)
    gone(desk, order_id)

    assert desk.get(desk.get(order_id).replaced_by).entry
    desk.check()


# --- What cannot be replaced ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "must differ from it"),
        ({"quantity": 100}, "must differ from it"),
        ({"quantity": 0}, "quantity must be above 0"),
        ({"quantity": -5}, "quantity must be above 0"),
        ({"quantity": "NaN"}, "quantity must be above 0"),
        ({"quantity": "1e16"}, "quantity must be above 0, at most 1e15"),
        (
            {"limit_price": "0.0000000000001"},
            "limit_price must be above 0, at most 1e15, with at most 12 decimals",
        ),
        ({"quantity": 99.5}, "quantity must be a multiple of 1"),
        ({"limit_price": 90.001}, "price must be a multiple of 0.01"),
        ({"trigger_price": 90}, "a limit order takes no trigger_price"),
    ],
    ids=str,
)
def test_what_no_gate_would_pass_is_refused_while_the_old_order_stands(desk, wanted, message):
    """
    C02, C03: nothing is canceled for it.
    """
    order_id = resting(desk)

    assert message in refusal(desk, order_id, **wanted)
    assert ACCEPTED is desk.get(order_id).status


@pytest.mark.parametrize(("quantity", "fits"), [(39, False), (40, False), (41, True)])
def test_the_whole_must_be_more_than_what_was_filled(desk, quantity, fits):
    """
    One less than the 40 that were filled, exactly them, one more.
    """
    order_id = resting(desk)
    desk.fill(order_id, 40, 90)

    if fits:
        replace(desk, order_id, quantity=quantity)
        assert [order_id] == desk.state.replacing
    else:
        assert f"quantity must be above the 40 filled, got {quantity}" == refusal(
            desk, order_id, quantity=quantity
        )


def test_only_a_working_order_of_the_models_is_replaced():
    """
    REL-2: not one that nobody knows, is gone, foreign, the session's own, or being canceled.
    """
    desk = ready(stop_loss_pct=D("0.05"))
    assert 'no open order "nothing"' == refusal(desk, "nothing", quantity=1)
    intended = desk.signal("buy", 1).client_order_id
    assert refusal(desk, intended, quantity=2).endswith("it is intended")
    desk.answer(intended)
    desk.fill(intended, 1)
    assert refusal(desk, intended, quantity=2).startswith("no open order")
    order_id = resting(desk, 10)
    desk.do(c.CancelOrder(order_id, "me"))
    assert refusal(desk, order_id, quantity=11).endswith("it is being canceled")
    gone(desk, order_id)
    desk.mark("AAA", 90)
    [own] = desk.state.orders
    desk.answer(own)
    assert refusal(desk, own, quantity=2).endswith("it is the session's own stop_loss")
    desk.check()


def test_somebody_elses_order_is_left_alone(desk):
    """
    REL-5: a foreign order.
    """
    report = OrderReport(
        symbol="AAA",
        side="buy",
        status=ACCEPTED,
        quantity=D(5),
        filled_quantity=D(0),
        at=desk.now,
        venue_order_id="theirs",
        order_type=OrderType.LIMIT,
        limit_price=D(90),
    )
    desk.sweep(open_orders=(report,))
    [name] = desk.state.orders

    assert refusal(desk, name, quantity=6).endswith("it is not ours")


def test_a_session_that_is_not_running_replaces_nothing():
    """
    C37.
    """
    desk = ready(on_stop="keep")
    order_id = resting(desk)
    desk.do(c.Stop("me"))

    assert refusal(desk, order_id, quantity=101).endswith("the session is stopping")
    desk.check()


# --- Crashes --------------------------------------------------------------------------------------


def cut_after(desk, kind):
    """
    Lose every record after the first of a kind.
    """
    rows = list(desk.journal.read())
    last = next(row.sequence for row in rows if row.kind == kind)
    desk.journal = MemoryJournal("demo")
    desk.journal.append(rows[:last])


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_a_crash_after_the_wish_does_not_lose_it(desk, through):
    """
    K10: the cancel is sent again, and the successor decided on once, when the books agree and a price is there.
    """
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    desk.restart(through=through)
    desk.boot()
    desk.connect()

    assert [order_id] == desk.state.replacing

    gone(desk, order_id)

    assert "" == desk.get(order_id).replaced_by  # the books do not agree yet

    desk.sweep()

    assert (Lifecycle.RUNNING, "") == (desk.state.lifecycle, desk.get(order_id).replaced_by)

    desk.mark("AAA", 100)
    desk.wait()

    assert desk.get(order_id).replaced_by
    assert 2 == len(desk.submitted())


def test_a_crash_between_the_end_and_the_decision_makes_one_successor(desk):
    """
    K12: the end is in the journal, the decision is not.
    """
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    gone(desk, order_id)
    cut_after(desk, "order_canceled")
    desk.restart()
    desk.boot()
    desk.connect()
    desk.sweep()
    desk.mark("AAA", 100)
    desk.wait()

    new = desk.get(order_id).replaced_by
    assert ACCEPTED is not desk.get(new).status
    assert [order_id] == [event.replaces for event in desk.records() if getattr(event, "replaces", "")]


def test_a_crash_after_the_decision_makes_no_second_one(desk):
    """
    K3: from the successor's intent on it may have been sent, and is asked about like any other.
    """
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    gone(desk, order_id)
    new = desk.get(order_id).replaced_by
    desk.restart()
    desk.boot()
    desk.connect()
    desk.sweep()
    desk.mark("AAA", 100)
    desk.wait()

    assert [] == desk.state.replacing
    assert OrderStatus.UNKNOWN is desk.get(new).status
    assert [order_id, new] == desk.submitted()


def test_a_torn_journal_that_lost_the_cancel_leaves_the_order(desk):
    """
    K2: the wish is there, its cancel is not: nothing was sent, and a person is told.
    """
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    cut_after(desk, "replace_intended")
    desk.restart()
    desk.boot()

    assert "the venue did not cancel it, and it stands as it was" == ended(desk)
    assert not desk.get(order_id).cancel_pending


def test_an_order_that_left_memory_is_not_waited_for(desk):
    """
    Nothing waits for ever.
    """
    desk.state.replacing.append(client_order_id(KEY, 1))
    desk.tick()

    assert [] == desk.state.replacing
    assert "the order is not known" == ended(desk)


def test_what_is_waited_for_is_in_the_snapshot(desk):
    """
    I-17.
    """
    order_id = resting(desk)
    replace(desk, order_id, quantity=50)
    kept = load(dump(desk.state))

    assert ([order_id], D(50)) == (kept.replacing, kept.orders[order_id].successor.quantity)


def test_books_that_wait_for_nothing_are_found():
    """
    I-06: an order has a successor if and only if the session waits for it to be gone.
    """
    desk = ready()
    order_id = resting(desk)
    replace(desk, order_id, limit_price=91)
    desk.state.replacing.clear()

    assert [f"I-06 {order_id}"] == [text[: len(f"I-06 {order_id}")] for text in violations(desk.state)]
