"""
Sizers that think in positions: a signal against a position reduces it to the target instead of closing it.
"""

from decimal import Decimal

import pytest
from core_desk import Desk, Fixed, Scripted, stock

from ltm.core import events as e
from ltm.model.results import Deny
from ltm.ports import CannotSize

D = Decimal


class Keeping(Fixed):
    """
    A sizer that keeps what a test tells it to.
    """

    def __init__(self, keep=0, quantity=100):
        super().__init__(quantity)
        self.keep = D(keep) if isinstance(keep, (int, str)) else keep
        self.asked = []

    def target_position(self, signal, view):
        self.asked.append(view)
        return self.keep(view) if callable(self.keep) else self.keep


def desk_of(keep, held=100, lot="1", **terms):
    desk = Desk(
        sizer=Keeping(keep),
        instruments=[stock("AAA", lot_size=D(lot)), stock("BBB")],
        allow_short=held < 0,
        **terms,
    )
    desk.hold(held)
    return desk


def sold(desk, action="sell", **fields):
    """
    What a signal against the position makes: a quantity, or the code it is denied with.
    """
    answer = desk.signal(action, **fields)
    if isinstance(answer, e.OrderDenied):
        return answer.reasons[0].code
    assert not answer.entry
    return answer.draft.quantity


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (0, 100),
        (40, 60),
        ("99", 1),
        ("99.5", "zero_size"),
        (100, "zero_size"),
        (101, "zero_size"),
        (-40, 100),
        ("33.3", 66),
        (D(100) / 3, 66),
        (D(200) / 3, 33),
    ],
)
def test_a_position_is_reduced_to_its_target(keep, expected):
    """
    What is let go is rounded down; a target on the other side closes the position and goes no further.
    """
    desk = desk_of(keep)

    assert expected == sold(desk)
    desk.check()


@pytest.mark.parametrize(("keep", "expected"), [(-40, 60), (0, 100), (40, 100), (-100, "zero_size")])
def test_a_short_position_is_reduced_likewise(keep, expected):
    """
    Bought back down to its target.
    """
    assert expected == sold(desk_of(keep, held=-100), "buy")


def test_a_quantity_says_more_than_a_target():
    """
    Ruling 10: a signal that names a quantity means it, and the sizer is not asked.
    """
    desk = desk_of(40)

    assert D(7) == sold(desk, quantity=7)
    assert [] == desk.sizer.asked


def test_open_exits_count_as_gone():
    """
    Two signals in a row reduce to the target once.
    """
    desk = desk_of(40)
    assert D(60) == sold(desk)

    assert "zero_size" == sold(desk)
    assert (D(100), D(40)) == (desk.sizer.asked[-1].position, desk.sizer.asked[-1].worst_quantity)


def test_when_open_exits_close_everything_the_sizer_is_not_asked():
    desk = desk_of(0)
    sold(desk)
    asked = len(desk.sizer.asked)

    assert "exit_working" == sold(desk)
    assert asked == len(desk.sizer.asked)


def test_an_odd_rest_is_closed_whole():
    """
    Less than a lot is held, and none of it is to be kept: it goes, as without a target.
    """
    desk = desk_of(0, lot="1")
    desk.instruments = [stock("AAA", lot_size=D(200)), stock("BBB")]
    desk.restart()
    desk.start()
    desk.mark("AAA", 100)

    assert D(100) == desk.slot().position
    answer = desk.signal("sell")
    assert D(100) == answer.draft.quantity


def test_the_record_says_what_was_kept():
    """
    You can see why.
    """
    desk = desk_of(40)

    assert "fixed: keeps 40 of 100 at 100 a unit, lot 1" == desk.signal("sell").sizing
    reason = desk.signal("sell").reasons[0]
    assert "fixed keeps 40 of 40, which leaves less than one lot of 1" == reason.message
    assert (D(40), D(40)) == (reason.measured, reason.limit)


def test_reducing_to_a_target_is_an_exit():
    """
    RSK-06: no limit applies, also while entries are stopped; only the price and the position are looked at.
    """
    rule = Scripted(check=Deny("no", "never"), room=D(0))
    desk = desk_of(40)
    desk.rules = [rule]
    desk.restart(max_daily_trades=1)
    desk.start()
    desk.mark("AAA", 100)

    assert D(60) == sold(desk)
    assert [] == rule.asked


@pytest.mark.parametrize(
    "keep",
    [
        lambda view: D("NaN"),
        lambda view: D("Infinity"),
        lambda view: D("-1E+300"),
        lambda view: 40,
        lambda view: None,
        lambda view: 1 // 0,
    ],
    ids=["nan", "infinite", "huge", "int", "none", "raises"],
)
def test_a_sizer_that_fails_does_not_block_the_way_out(keep):
    """
    F25, BAD-074, RSK-06: nobody knows how much to keep, so all that is left is closed; a signal may still name less.
    """
    desk = desk_of(keep)
    assert D(30) == sold(desk, quantity=30)

    answer = desk.signal("sell")

    assert (False, D(70)) == (answer.entry, answer.draft.quantity)
    assert "all that is left is closed" in answer.sizing
    desk.check()


def test_a_sizer_that_cannot_tell_says_why():
    def unknown(view):
        message = "no idea"
        raise CannotSize(message)

    reason = desk_of(unknown).signal("sell").reasons[0]

    assert ("zero_size", "fixed: no idea") == (reason.code, reason.message)


def test_a_stop_of_the_session_closes_everything():
    """
    RSK-24: stops are no matter of targets.
    """
    desk = desk_of(40, stop_loss_pct=D("0.05"))
    desk.mark("AAA", 94)

    assert D(100) == desk.last(e.OrderIntended).draft.quantity
    assert [] == desk.sizer.asked
