"""
A wish to be flat outlasts what fills late, a crash, and the day: until a person resumes.
"""

from datetime import timedelta
from typing import Any

import pytest

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.control import is_flat, is_stopped
from ltm.model.enums import Lifecycle, OrderStatus, Side, TradingState

from .core_desk import D, Desk
from .core_rules import daily_loss

ALICE = "alice (uid 1000) on pts/3"
CANCELED = OrderStatus.CANCELED


def ready(**more: Any) -> Desk:
    desk = Desk(**more)
    desk.mark("AAA", 100)
    desk.mark("BBB", 20)
    return desk


def closes(desk: Desk, before: int) -> list[tuple[str, Side, Any]]:
    orders = [desk.get(name) for name in desk.submitted()[before:]]
    return [(order.symbol, order.side, order.quantity) for order in orders]


def later(desk: Desk, seconds: int = 5) -> None:
    for _ in range(seconds):
        desk.wait()
        desk.mark("AAA", 100)
        desk.mark("BBB", 20)


# --- An entry whose cancel lost the race ----------------------------------------------------------


@pytest.mark.parametrize("status", ["open", "canceled"])
def test_an_entry_that_fills_after_a_flatten_is_closed(status):
    """
    K15: the cancel was on its way, or even confirmed, when the venue filled it.
    """
    desk = ready()
    entry = desk.order("buy", 100)
    desk.do(c.Flatten(ALICE))
    if status == "canceled":
        desk.say(entry, CANCELED)
        assert is_flat(desk.state)
    desk.fill(entry, 40)
    if status == "open":
        desk.say(entry, CANCELED, 40)
    later(desk)

    assert [("AAA", Side.SELL, D(40))] == closes(desk, 1)
    exit_order = desk.submitted()[-1]
    desk.answer(exit_order)
    desk.fill(exit_order, 40)
    later(desk)
    assert (True, 2) == (is_flat(desk.state), len(desk.submitted()))
    desk.check()


def test_what_fills_in_pieces_after_a_flatten_is_closed_piece_by_piece_and_never_turned_around():
    """
    K15, RSK-06: flat in between is not the end of the wish.
    """
    desk = ready()
    entry = desk.order("buy", 100)
    desk.do(c.Flatten(ALICE))
    for piece in (30, 20):
        desk.fill(entry, piece)
        later(desk)
        exit_order = desk.submitted()[-1]
        assert D(piece) == desk.get(exit_order).quantity
        desk.answer(exit_order)
        desk.fill(exit_order, piece)
        assert not desk.slot().position
    later(desk)

    assert 3 == len(desk.submitted())
    desk.check()


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_an_entry_that_fills_while_nobody_runs_the_session_is_closed_after_the_restart(through):
    """
    K15: killed between the flatten and the fill.
    """
    desk = ready()
    entry = desk.order("buy", 100)
    desk.do(c.Flatten(ALICE))
    desk.restart(through=through)
    desk.boot()
    desk.connect()
    late = desk.fill_report(entry, 100)
    gone = desk.report(entry, OrderStatus.FILLED, 100)
    desk.do(c.QueryAnswered(entry, gone, (late,)))
    desk.sweep()
    later(desk)

    assert [("AAA", Side.SELL, D(100))] == closes(desk, 1)
    desk.check()


def test_one_instrument_is_flattened_and_the_other_kept():
    """
    BAD-034: `ltm flatten --symbol` means that one only, also for what fills late.
    """
    desk = ready()
    one, other = desk.order("buy", 10), desk.order("buy", 10, "BBB")
    desk.do(c.Flatten(ALICE, "AAA"))
    desk.fill(one, 10)
    desk.fill(other, 10, 20)
    later(desk)

    assert [("AAA", Side.SELL, D(10))] == closes(desk, 2)
    desk.check()


def test_whoever_resumes_takes_the_flatten_back():
    """
    K15: what is opened afterwards is not closed.
    """
    desk = ready()
    desk.do(c.Flatten(ALICE))
    desk.do(c.Resume(ALICE))
    desk.hold(100)
    later(desk)

    assert (1, D(100)) == (len(desk.submitted()), desk.slot().position)
    desk.check()


def test_entries_stay_away_after_a_flatten_until_a_person_resumes_whatever_the_roll_lifts():
    """
    RSK-12: a tripped daily loss ends with the day, a person's flatten does not.
    """
    desk = ready(rules=[daily_loss("0.02")], max_price_age=1e6)
    desk.hold(200)
    desk.mark("AAA", 85)
    assert {"daily_loss"} == {*desk.state.latches}
    desk.do(c.Flatten(ALICE))
    desk.wait(timedelta(days=1).total_seconds())
    desk.mark("AAA", 85)
    desk.wait()

    assert ({"operator"}, TradingState.REDUCING) == ({*desk.state.latches}, desk.state.trading_state)
    desk.check()


# --- A stop that flattens -------------------------------------------------------------------------


def stopping(**more: Any) -> Desk:
    desk = ready(on_stop="flatten", **more)
    desk.hold(100)
    desk.do(c.Stop("SIGTERM"))
    return desk


def test_a_stop_that_flattens_closes_what_fills_while_it_stops():
    """
    F30: an entry whose cancel lost the race keeps the session from its end until it is closed.
    """
    desk = ready(on_stop="flatten")
    entry = desk.order("buy", 100)
    desk.do(c.Stop("SIGTERM"))
    desk.fill(entry, 100)
    assert not is_stopped(desk.state)
    later(desk)

    assert [("AAA", Side.SELL, D(100))] == closes(desk, 1)
    desk.answer(desk.submitted()[-1])
    desk.fill(desk.submitted()[-1], 100)
    assert is_stopped(desk.state)
    desk.check()


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_a_stop_that_flattens_goes_on_after_a_crash_with_exits_only(through):
    """
    K15: the position is read again, the remaining exits leave, and nothing else does.
    """
    desk = stopping()
    desk.restart(through=through)
    desk.boot()
    first = desk.last(e.FlattenAsked)
    assert ((), "ltm", "stop_cut_short") == (first.symbols, first.by, desk.alerts()[-1])
    desk.connect()
    # The exit of before is asked about; the venue never had it.
    (exit_order,) = [name for name, order in desk.state.orders.items() if not order.entry]
    desk.sweep()
    desk.do(c.QueryAnswered(exit_order, None))
    before = len(desk.submitted())
    for _ in range(20):
        later(desk, 1)
        if exit_order in desk.state.orders:
            desk.do(c.QueryAnswered(exit_order, None))
        desk.sweep()

    assert [("AAA", Side.SELL, D(100))] == closes(desk, before)
    assert ("paused",) == desk.codes("buy", 10)
    desk.answer(desk.submitted()[-1])
    desk.fill(desk.submitted()[-1], 100)
    later(desk)
    assert (D(0), TradingState.REDUCING) == (desk.slot().position, desk.state.trading_state)
    desk.do(c.Resume(ALICE))
    assert () == desk.codes("buy", 10)
    desk.check()


@pytest.mark.parametrize(("before", "now"), [("flatten", "cancel"), ("cancel", "flatten"), ("keep", "keep")])
def test_a_crash_in_another_stop_begins_as_always(before, now):
    """
    K15: only a stop that flattened then, and would now, is taken up.
    """
    desk = ready(on_stop=before)
    desk.hold(100)
    desk.do(c.Stop("SIGTERM"))
    desk.restart(on_stop=now)
    desk.start()

    assert (Lifecycle.RUNNING, {}) == (desk.state.lifecycle, desk.state.latches)
    assert not desk.all(e.FlattenAsked)
    desk.check()


def test_a_stop_that_came_to_its_end_leaves_no_wish_behind():
    """
    F30: the next start trades again.
    """
    desk = stopping()
    desk.answer(desk.submitted()[-1])
    desk.fill(desk.submitted()[-1], 100)
    desk.session.finish()
    desk.restart()
    desk.start()
    desk.mark("AAA", 100)

    assert () == desk.codes("buy", 10)
    desk.check()
