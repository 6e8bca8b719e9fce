"""
Marks sampled for sizers that look back: when, which, and that a replay sees the same ones.
"""

from decimal import Decimal

import pytest
from core_desk import MONDAY, Desk, Fixed, stock

from ltm.core import events as e
from ltm.core.snapshot import dump, load
from ltm.model.errors import ConfigError, PluginError
from ltm.model.market import MarkSample
from ltm.ports import CannotSize, Sampling

D = Decimal


class Backward(Fixed):
    """
    A sizer that wants to see marks.
    """

    def __init__(self, seconds=10, count=3, quantity=100):
        super().__init__(quantity)
        self.sampling = Sampling(seconds=seconds, count=count)


def prices(state, symbol="AAA"):
    return [sample.price for sample in state.slots[symbol].samples]


def quoted(desk, *values, seconds=1, symbol="AAA"):
    """
    Quote a price, then look at the clock: once a second unless said otherwise.
    """
    for value in values:
        desk.mark(symbol, value)
        desk.wait(seconds)


def test_nothing_is_sampled_for_a_sizer_that_does_not_look_back():
    """
    A control that is not used costs nothing: no record, no state.
    """
    desk = Desk()
    quoted(desk, *range(100, 130))

    assert [] == desk.all(e.MarksSampled)
    assert () == desk.slot().samples


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(9, [100, 102, 104]), (10, [100, 101, 102]), (11, [100, 101, 102])],
    ids=["a second before", "at the distance", "a second beyond"],
)
def test_samples_are_at_least_the_distance_apart(seconds, expected):
    """
    By the venue's time: a return of less than the distance would look calmer than it is.
    """
    desk = Desk(sizer=Backward(seconds=10, count=9))
    quoted(desk, *range(100, 106), seconds=seconds)

    assert [D(price) for price in expected] == prices(desk.state)[:3]


def test_only_the_latest_are_kept():
    desk = Desk(sizer=Backward(seconds=1, count=3))
    quoted(desk, *range(100, 110))

    assert [D(107), D(108), D(109)] == prices(desk.state)
    assert (3, 1) == (desk.last(e.MarksSampled).keep, desk.last(e.MarksSampled).seconds)
    desk.check()


def test_a_price_that_stands_still_is_not_learnt_from():
    """
    A market that is closed is not calm: no sample without a new price.
    """
    desk = Desk(sizer=Backward(seconds=1, count=9))
    quoted(desk, 100, 101)
    desk.wait(3600)
    desk.wait(3600)

    assert [D(100), D(101)] == prices(desk.state)


def test_each_instrument_has_its_own_samples():
    desk = Desk(sizer=Backward(seconds=10, count=9))
    for number in range(21):
        desk.mark("AAA", 100 + number)
        if number in {5, 20}:
            desk.mark("BBB", 50 + number // 10)
        desk.wait(1)

    assert [D(100), D(110), D(120)] == prices(desk.state)
    assert [D(50), D(52)] == prices(desk.state, "BBB")


def test_a_price_that_is_not_above_zero_is_no_sample():
    """
    There is no return from zero, nor from below.
    """
    desk = Desk(
        sizer=Backward(seconds=1, count=9),
        instruments=[stock("CL", allows_negative_price=True)],
        bad_tick_pct=D(1),
    )
    quoted(desk, 1, "0.5", 0, 0, -1, -1, symbol="CL")

    assert [D(1), D("0.5")] == prices(desk.state, "CL")


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_samples_survive_a_restart(through):
    """
    What must survive kill -9 is in events: the next size is worked out from the same marks.
    """
    desk = Desk(sizer=Backward(seconds=10, count=3))
    quoted(desk, *range(100, 130))
    before = desk.slot().samples
    desk.restart(through=through)

    assert before == desk.slot().samples
    desk.start()
    desk.mark("AAA", 130)
    desk.wait(1)
    assert [D(110), D(120), D(130)] == prices(desk.state)
    desk.check()


def test_a_restart_does_not_shorten_the_distance():
    """
    The first look of a process is at once, and what was sampled just before is not sampled again.
    """
    desk = Desk(sizer=Backward(seconds=10, count=3))
    quoted(desk, 100)
    desk.restart()
    desk.start()
    quoted(desk, 150)

    assert [D(100)] == prices(desk.state)


def test_samples_at_another_distance_are_forgotten():
    """
    Returns of ten seconds must not be read as returns of a minute.
    """
    desk = Desk(sizer=Backward(seconds=10, count=3))
    quoted(desk, *range(100, 130))
    quoted(desk, 50, symbol="BBB")
    desk.sizer = Backward(seconds=60, count=3)
    desk.restart()
    desk.start()
    desk.mark("AAA", 131)
    desk.wait(1)

    assert [D(131)] == prices(desk.state)
    assert () == desk.slot("BBB").samples
    desk.check()


def test_a_snapshot_from_before_there_were_samples_is_read():
    desk = Desk()
    old = dump(desk.state).replace(b',"samples":[]', b"").replace(b',"sample_distance":null', b"")

    assert b"sample" not in old.replace(b"sampled_at", b"").replace(b"sample_seconds", b"")
    assert () == load(old).slots["AAA"].samples
    assert load(old).sample_distance is None


def test_the_sizer_sees_samples_stop_and_open_orders():
    """
    Everything it may look at is in the view; nothing else is needed.
    """
    sizer = Backward(seconds=1, count=2)
    desk = Desk(sizer=sizer, stop_loss_pct=D("0.05"), market_collar=D("0.01"), allow_short=True)
    quoted(desk, 100, 100)
    desk.signal("buy", 30)
    desk.signal("buy")
    desk.mark("BBB", 40)
    desk.order("sell", 10, "BBB")
    desk.signal("sell", symbol="BBB")
    view, short = sizer.seen

    assert (MarkSample(MONDAY, D(100)), D(100)) == (view.samples[0], view.samples[1].price)
    assert (D(0), D(30)) == (view.position, view.worst_quantity)
    assert (D(101), D("5.05")) == (view.unit_cost, view.stop_distance)
    assert (D(-10), D(2)) == (short.worst_quantity, short.stop_distance)


def test_without_a_stop_loss_there_is_no_stop_distance():
    sizer = Fixed()
    desk = Desk(sizer=sizer)
    quoted(desk, 100)
    desk.signal("buy")

    assert sizer.seen[0].stop_distance is None


# --- Sizers that do not know ------------------------------------------------------------------------


class Broken(CannotSize):
    """
    An answer that cannot be told.
    """

    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CannotSize("only 3 of 10\nprices"), ("zero_size", "fixed: only 3 of 10?prices")),
        (CannotSize(), ("zero_size", "fixed: ")),
        (CannotSize(3), ("sizer_fault", 'fixed raised CannotSize: "3"')),
        (Broken("x"), ("sizer_fault", 'fixed raised Broken: ""')),
    ],
    ids=["told", "silent", "no text", "broken"],
)
def test_a_sizer_may_say_why_it_does_not_know(error, expected):
    """
    F25: an answer, not a failure; anything odd about it is a failure.
    """

    def answer(_):
        raise error

    desk = Desk(sizer=Fixed(answer))
    quoted(desk, 100)
    reasons = desk.signal("buy").reasons

    assert [expected] == [(reason.code, reason.message) for reason in reasons]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seconds": 0, "count": 5}, "seconds must be a whole number from 1 to 86400, got 0"),
        ({"seconds": 86_401, "count": 5}, "seconds must be a whole number from 1 to 86400, got 86401"),
        ({"seconds": 1.5, "count": 5}, "seconds must be a whole number from 1 to 86400, got 1.5"),
        ({"seconds": True, "count": 5}, "seconds must be a whole number from 1 to 86400, got True"),
        ({"seconds": 5, "count": 0}, "count must be a whole number from 1 to 1000, got 0"),
        ({"seconds": 5, "count": 1001}, "count must be a whole number from 1 to 1000, got 1001"),
    ],
)
def test_what_a_sizer_wants_to_see_has_bounds(settings, message):
    with pytest.raises(ConfigError) as caught:
        Sampling(**settings)

    assert message == caught.value.message


@pytest.mark.parametrize("settings", [{"seconds": 1, "count": 1}, {"seconds": 86_400, "count": 1000}])
def test_at_its_bounds_it_may_have_it(settings):
    assert settings == {"seconds": Sampling(**settings).seconds, "count": Sampling(**settings).count}


def test_a_sizer_that_asks_in_other_words_does_not_start():
    """
    A plugin that is wrong is named at the start, not at the first order.
    """
    sizer = Fixed()
    sizer.sampling = 60

    with pytest.raises(PluginError, match="sampling of sizer fixed must be a Sampling, got 60"):
        Desk(sizer=sizer)
