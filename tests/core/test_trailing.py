"""
A stop that follows the price: watched here, at every mark, and remembered through a restart.
"""

from decimal import Decimal

import pytest
from core_desk import Desk

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.snapshot import dump, load
from ltm.model.enums import Purpose
from ltm.model.reports import Refused

D = Decimal
TEN_PERCENT = {"trailing_stop_pct": D("0.1")}
FIVE = {"trailing_stop_distance": D(5)}


def holding(quantity=100, price=100, **terms):
    desk = Desk(**terms)
    desk.hold(quantity, price)
    return desk


def marks(desk, *prices):
    for price in prices:
        desk.mark("AAA", D(str(price)))


def exits(desk):
    return [
        (event.draft.purpose, event.draft.side, event.draft.quantity)
        for event in desk.all(e.OrderIntended)
        if event.draft.purpose is not Purpose.SIGNAL
    ]


TRAILED = [(Purpose.TRAILING_STOP, "sell", D(100))]


@pytest.mark.parametrize(("price", "stopped"), [("108.01", False), ("108", True), ("107.99", True)])
def test_the_stop_stands_a_fraction_behind_the_best_price(price, stopped):
    """
    RSK-24 with a trail of 10 % behind 120: one tick inside, at the level, one tick beyond.
    """
    desk = holding(**TEN_PERCENT)
    marks(desk, 110, 120, 115, price)

    assert (TRAILED if stopped else []) == exits(desk)
    desk.check()


@pytest.mark.parametrize(("price", "stopped"), [("115.01", False), ("115", True), ("114.99", True)])
def test_the_stop_stands_a_distance_behind_the_best_price(price, stopped):
    """
    RSK-24 with a trail of 5 behind 120: one tick inside, at the level, one tick beyond.
    """
    desk = holding(**FIVE)
    marks(desk, 110, 120, price)

    assert (TRAILED if stopped else []) == exits(desk)
    desk.check()


@pytest.mark.parametrize(("price", "stopped"), [("88.99", False), ("89", True), ("89.01", True)])
def test_a_short_position_is_trailed_from_above(price, stopped):
    """
    RSK-24, mirrored: 5 above the lowest price of 84, where it could be bought back.
    """
    desk = holding(-100, allow_short=True, **FIVE)
    marks(desk, 90, 84, 86, price)

    assert ([(Purpose.TRAILING_STOP, "buy", D(100))] if stopped else []) == exits(desk)
    desk.check()


@pytest.mark.parametrize(("price", "stopped"), [("90.01", False), ("90", True)])
def test_before_the_price_has_moved_it_is_measured_from_the_entry(price, stopped):
    """
    RSK-24: the entry price is the first best one.
    """
    desk = holding(**TEN_PERCENT)
    marks(desk, price)

    assert stopped == bool(exits(desk))
    desk.check()


def test_it_never_goes_back():
    """
    Whatever the price does in between, the stop stays where the best price put it.
    """
    desk = holding(**FIVE)
    marks(desk, 104, 101, 103, 102)

    assert (D(104), D(99)) == (desk.slot().best, desk.slot().exit_low)
    assert [] == exits(desk)
    desk.check()


def test_the_side_on_which_it_could_be_closed_counts():
    """
    RSK-24: the bid of a long position, not the middle.
    """
    desk = holding(**FIVE)
    desk.mark("AAA", bid=109, ask=111)
    desk.mark("AAA", bid=104, ask=110)

    assert D(109) == desk.slot().best
    assert TRAILED == exits(desk)
    desk.check()


@pytest.mark.parametrize(
    ("terms", "prices", "purpose"),
    [
        ({"stop_loss_pct": D("0.02")}, (98,), Purpose.STOP_LOSS),
        ({"stop_loss_pct": D("0.02")}, (110, 105), Purpose.TRAILING_STOP),
        ({"stop_loss_pct": D("0.2")}, (95,), Purpose.TRAILING_STOP),
        ({"take_profit_pct": D("0.1")}, (109, 110), Purpose.TAKE_PROFIT),
        ({"take_profit_pct": D("0.1")}, (109, 104), Purpose.TRAILING_STOP),
    ],
)
def test_the_nearer_of_two_stops_counts_and_a_profit_is_still_taken(terms, prices, purpose):
    """
    RSK-24: each with its own purpose in the records.
    """
    desk = holding(**FIVE, **terms)
    marks(desk, *prices)

    assert [purpose] == [one[0] for one in exits(desk)]
    desk.check()


@pytest.mark.parametrize(
    ("terms", "prices", "purpose"),
    [
        ({"stop_loss_pct": D("0.02")}, (102,), Purpose.STOP_LOSS),
        ({"take_profit_pct": D("0.1")}, (91, 90), Purpose.TAKE_PROFIT),
    ],
)
def test_the_same_for_a_short_position(terms, prices, purpose):
    """
    RSK-24, mirrored.
    """
    desk = holding(-100, allow_short=True, **FIVE, **terms)
    marks(desk, *prices)

    assert [purpose] == [one[0] for one in exits(desk)]
    desk.check()


def test_a_new_position_begins_anew():
    """
    RSK-24: the best price of the position before is none of this one's.
    """
    desk = holding(**FIVE)
    marks(desk, 120)
    order_id = desk.order("sell")
    desk.fill(order_id, 100, 118)

    assert None is desk.slot().best

    desk.hold(50, 110)

    assert (D(110), D(105)) == (desk.slot().best, desk.slot().exit_low)
    desk.check()


def test_turned_around_it_begins_anew():
    """
    RSK-24: from long to short in one fill.
    """
    desk = holding(allow_short=True, **FIVE)
    marks(desk, 120)
    order_id = desk.order("sell", 150)
    desk.fill(order_id, 150, 118)

    assert (D(118), D(123)) == (desk.slot().best, desk.slot().exit_high)
    desk.check()


def test_more_of_a_position_keeps_its_best_price():
    """
    RSK-24: the stop does not move away from the price because something was added.
    """
    desk = holding(**FIVE)
    marks(desk, 120)
    desk.hold(50, 117)

    assert D(120) == desk.slot().best
    desk.check()


def test_an_unconfirmed_jump_does_not_move_it():
    """
    RSK-02: a bad tick is no best price.
    """
    desk = holding(**FIVE)
    marks(desk, 150, 101)

    assert D(101) == desk.slot().best
    assert [] == exits(desk)
    desk.check()


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_the_best_price_survives_the_process(through):
    """
    RSK-11: written down at most once a second, not at every mark, and taken up again.
    """
    desk = holding(**FIVE)
    marks(desk, 110, 112, 115)
    assert [] == desk.all(e.StopsTrailed)
    desk.wait()
    desk.wait()
    assert [{"AAA": D(115)}] == [event.best for event in desk.all(e.StopsTrailed)]

    desk.restart(through=through)
    desk.boot()
    desk.connect()
    desk.sweep()
    desk.wait()  # held, and without a price yet
    marks(desk, 110)

    assert TRAILED == exits(desk)
    desk.check()


def test_what_does_not_trail_is_not_written_down():
    """
    A control that is not configured costs nothing.
    """
    desk = holding(stop_loss_pct=D("0.5"))
    marks(desk, 110, 120)
    desk.wait()

    assert [] == desk.all(e.StopsTrailed)
    assert None is desk.slot().best
    desk.check()


def test_a_mark_below_the_best_price_calls_nobody():
    """
    The hot path: only a better price than any before, or the stop itself, is looked at.
    """
    desk = holding(**FIVE)
    marks(desk, 110)
    seen = []
    desk.session._after = lambda: seen.append(desk.slot().mark) or iter(())
    marks(desk, 109, 108, 110, 106)

    assert [] == seen


def test_a_pause_does_not_stop_it():
    """
    C37: exits pass, and the stop goes on following.
    """
    desk = holding(**FIVE)
    desk.do(c.Pause("me"))
    marks(desk, 120, 115)

    assert TRAILED == exits(desk)
    desk.check()


def test_while_halted_it_follows_and_sends_nothing():
    """
    C37: cancels only; once trading resumes the stop stands where the best price put it.
    """
    desk = holding(**FIVE)
    desk.do(c.Halt("test", "because"))
    marks(desk, 120, 114)

    assert (D(120), []) == (desk.slot().best, exits(desk))

    desk.do(c.Resume("me", "looked", acknowledge=("test",)))
    desk.wait()

    assert TRAILED == exits(desk)
    desk.check()


def test_one_exit_at_a_time_and_again_after_a_rejection():
    """
    RSK-24: like any other exit of the session.
    """
    desk = holding(**FIVE)
    marks(desk, 120, 115, 114)
    [first] = [event.client_order_id for event in desk.all(e.OrderIntended)[1:]]
    desk.answer(first, Refused("busy", "try again"))
    desk.pass_time(5)
    desk.sweep()
    marks(desk, 113)

    assert 2 * TRAILED == exits(desk)
    desk.check()


def test_switched_off_between_two_runs_it_is_forgotten():
    """
    F38: the terms of the new run count.
    """
    desk = holding(**FIVE)
    marks(desk, 120)
    desk.restart(trailing_stop_distance=None, stop_loss_pct=D("0.1"))
    desk.boot()
    desk.connect()
    desk.sweep()

    assert (None, D(90)) == (desk.slot().best, desk.slot().exit_low)
    desk.check()


def test_the_best_price_is_in_the_snapshot():
    """
    I-17.
    """
    desk = holding(**FIVE)
    marks(desk, 120)
    kept = load(dump(desk.state)).slots["AAA"]

    assert (D(120), D(115)) == (kept.best, kept.exit_low)
