"""
The limits of `[limits]`: each from one step inside, at it and one beyond; exits never meet them (RSK-06).
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from core_desk import CAPABILITIES, Desk, Fixed, stock
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.effects import SendCancel, Sweep
from ltm.core.exposure import group_total
from ltm.core.tallies import tokens
from ltm.model.enums import OrderStatus, OrderType, Purpose, TradingState
from ltm.model.reports import Capabilities, OrderReport, Refused
from ltm.model.spec import Limits, Rate

D = Decimal
NAMES = ("AAA", "BBB", "CCC", "DDD")


def desk_of(*, terms=None, **limits):
    """
    A session with these limits, and fresh prices of 100.
    """
    chosen = {"max_price_age": 1e9, "instruments": [stock(name) for name in NAMES], **(terms or {})}
    desk = Desk(limits=Limits(**limits), **chosen)
    for name in NAMES:
        desk.mark(name, 100)
    return desk


def codes(desk, *args, **fields):
    found = desk.codes(*args, **fields)
    desk.check()
    return found


def limit(desk, action, quantity, price, symbol="AAA"):
    return codes(desk, action, quantity, symbol, limit_price=price, order_type=OrderType.LIMIT)


# --- C06: price collar ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("104.99", ()),
        ("105", ()),
        ("105.01", ("price_collar",)),
        ("95.01", ()),
        ("95", ()),
        ("94.99", ("price_collar",)),
    ],
)
def test_a_limit_price_stays_near_the_market(price, expected):
    """
    C06: both ways, at the collar it passes.
    """
    assert expected == limit(desk_of(price_collar=D("0.05")), "buy", 1, price)


@pytest.mark.parametrize(
    ("wider", "price", "expected"),
    [
        (None, "90", ()),
        (None, "89.99", ("price_collar",)),
        ("0.2", "80", ()),
        ("0.2", "79.99", ("price_collar",)),
    ],
)
def test_an_exit_has_a_wider_collar(wider, price, expected):
    """
    RSK-06: twice the entry's unless the terms say otherwise.
    """
    desk = desk_of(price_collar=D("0.05"), exit_price_collar=None if wider is None else D(wider))
    desk.hold(10)

    assert expected == limit(desk, "sell", 10, price)


def test_the_collar_is_around_the_middle_of_the_book_if_there_is_one():
    """
    C06: fresh mid, else last.
    """
    desk = desk_of(price_collar=D("0.05"))
    desk.mark("AAA", 100, bid=109, ask=111)

    assert () == limit(desk, "buy", 1, "115.5")
    assert ("price_collar",) == limit(desk, "buy", 1, "115.51")

    desk.mark("AAA", 110, bid=109)

    assert ("price_collar",) == limit(desk, "buy", 1, "115.51")


def test_the_limit_of_a_stop_order_is_measured_from_its_trigger():
    """
    C06: that is where the market will be when it counts.
    """
    desk = desk_of(price_collar=D("0.05"))
    kind = {"order_type": OrderType.STOP_LIMIT, "trigger_price": 110}

    assert () == codes(desk, "buy", 1, limit_price="115.5", **kind)
    assert ("price_collar",) == codes(desk, "buy", 1, limit_price="115.51", **kind)


def test_without_a_fresh_price_only_the_way_out_is_open():
    """
    C06, RSK-06: entries are denied, an exit is not held up by a market that is silent.
    """
    desk = desk_of(price_collar=D("0.05"), terms={"max_price_age": 5.0})
    desk.hold(10)
    desk.pass_time(6)

    assert ("stale_price",) == limit(desk, "buy", 1, 500, "BBB")
    assert () == limit(desk, "sell", 10, 500)

    fresh = Desk(limits=Limits(price_collar=D("0.05")))

    assert "no_price" in limit(fresh, "buy", 1, 100)
    assert ("no_price",) == codes(fresh, "buy", 1)


# --- C16: lists -----------------------------------------------------------------------------------


def test_what_is_restricted_is_not_entered_by_any_of_its_names():
    """
    C16: an alias on the list counts; what is held may go.
    """
    listed = [stock("600519.SH", aliases=("600519",)), stock("AAA")]
    desk = desk_of(terms={"instruments": listed})
    assert () == codes(desk, "buy", 1)

    desk = Desk(instruments=listed, limits=Limits(restricted=("600519",)))
    desk.mark("600519.SH", 100)
    desk.mark("AAA", 100)

    assert ("restricted",) == codes(desk, "buy", 1, "600519.SH")
    assert ("restricted",) == codes(desk, "buy", 1, "600519")
    assert () == codes(desk, "buy", 1, "AAA")


def test_only_what_is_allowed_is_entered_where_there_is_such_a_list():
    """
    C16.
    """
    desk = desk_of(allowed=("AAA",))

    assert () == codes(desk, "buy", 1, "AAA")
    assert ("not_allowed",) == codes(desk, "buy", 1, "BBB")


def test_a_restriction_does_not_hold_up_the_way_out():
    """
    RSK-06: the list came after the position.
    """
    desk = desk_of()
    desk.hold(10)
    desk.restart(limits=Limits(restricted=("AAA",), allowed=("BBB",)))
    desk.start()
    desk.mark("AAA", 100)

    assert ("restricted",) == codes(desk, "buy", 1)
    assert () == codes(desk, "sell", 10)


# --- C08, C11: rates ------------------------------------------------------------------------------


def test_a_bucket_of_orders_fills_evenly():
    """
    C08: two within ten seconds: the third passes five seconds after the first, no microsecond earlier.
    """
    desk = desk_of(max_order_rate=Rate(2, 10.0))

    assert [(), (), ("max_order_rate",)] == [codes(desk, "buy", 1, name) for name in NAMES[:3]]

    desk.pass_time(4.999999)

    assert ("max_order_rate",) == codes(desk, "buy", 1)

    desk.pass_time(0.000001)

    assert () == codes(desk, "buy", 1)
    assert ("max_order_rate",) == codes(desk, "buy", 1, "BBB")


def test_each_instrument_has_a_bucket_of_its_own():
    """
    C08: per session and per symbol.
    """
    desk = desk_of(max_symbol_order_rate=Rate(1, 10.0))

    assert [(), ("max_symbol_order_rate",), ()] == [
        codes(desk, "buy", 1, name) for name in ("AAA", "AAA", "BBB")
    ]


def test_entries_take_nothing_from_the_exits_bucket():
    """
    C08, RSK-06: what a model sends cannot starve its ways out, and these have a limit of their own.
    """
    desk = desk_of(max_order_rate=Rate(3, 60.0), max_exit_rate=Rate(2, 60.0))
    for name in NAMES[:3]:
        desk.hold(10, symbol=name)

    assert ("max_order_rate",) == codes(desk, "buy", 1, "DDD")
    assert [(), (), ("max_exit_rate",)] == [codes(desk, "sell", 10, name) for name in NAMES[:3]]


def test_a_rate_survives_kill_9():
    """
    C08, RSK-11: from the records and from a snapshot.
    """
    for how in ("records", "snapshot"):
        desk = desk_of(max_order_rate=Rate(1, 60.0))
        desk.order("buy", 1)
        desk.restart(through=how)
        desk.start()
        desk.mark("BBB", 100)

        assert ("max_order_rate",) == codes(desk, "buy", 1, "BBB")


def test_a_clock_that_goes_back_holds_nobody_up():
    """
    I-19: a bucket filled in the future counts as full, once.
    """
    desk = desk_of(max_order_rate=Rate(1, 60.0))
    desk.order("buy", 1)
    desk.now -= timedelta(hours=1)

    assert [(), ("max_order_rate",)] == [codes(desk, "buy", 1, name, at=desk.now) for name in ("BBB", "CCC")]


@settings(max_examples=50)
@given(
    st.integers(1, 5),
    st.integers(1, 60),
    st.lists(st.integers(0, 40), min_size=1, max_size=40),
)
def test_no_window_ever_sees_twice_the_rate(count, seconds, gaps):
    """
    C08: a full bucket and what it gains meanwhile is all that a window can hold.
    """
    desk = Desk(limits=Limits(max_order_rate=Rate(count, float(seconds))), max_price_age=1e9)
    desk.mark("AAA", 1)
    sent = []
    for gap in gaps:
        desk.pass_time(gap)
        if not desk.codes("buy", 1):
            sent.append(desk.mono)

    assert all(
        sum(start <= at < start + seconds for at in sent) <= 2 * count
        and sum(start <= at < start + seconds / count for at in sent) <= count + 1
        for start in sent
    )
    desk.check()


def test_a_model_that_repeats_itself_is_switched_off():
    """
    C11: until a person has looked; exits count, and go on.
    """
    desk = desk_of(max_executions=Rate(3, 60.0))
    desk.hold(10)
    assert () == codes(desk, "sell", 5)
    assert () == codes(desk, "buy", 1, "BBB")
    assert ("max_executions",) == codes(desk, "buy", 1, "CCC")
    assert TradingState.REDUCING is desk.state.trading_state
    assert "max_executions" in desk.alerts()

    desk.wait(3600)

    assert ("paused",) == codes(desk, "buy", 1, "CCC")
    assert () == codes(desk, "sell", 5)

    desk.do(c.Resume("me", "looked", ("max_executions",)))

    assert () == codes(desk, "buy", 1, "CCC")


def test_exits_cannot_overdraw_a_bucket_into_being_full():
    """
    C11: they may pass where there is no token left; there is still none afterwards.
    """
    desk = desk_of(max_executions=Rate(1, 60.0))
    desk.hold(10)
    for _ in range(3):
        assert () == codes(desk, "sell", 1)

    assert ("max_executions",) == codes(desk, "buy", 1, "BBB")


def test_cancels_wait_for_their_turn_and_are_never_dropped():
    """
    C08: their own bucket, which no order takes from; every one is sent in the end.
    """
    desk = desk_of(max_cancel_rate=Rate(2, 2.0), max_order_rate=Rate(5, 60.0))
    orders = [desk.order("buy", 1, name) for name in NAMES]
    desk.do(c.Kill("me"))

    assert orders[:2] == [effect.client_order_id for effect in desk.sent(SendCancel)]
    assert all(desk.get(name).cancel_pending for name in orders)

    desk.wait(0.9)
    assert 2 == len(desk.sent(SendCancel))
    desk.wait(0.1)
    assert 3 == len({effect.client_order_id for effect in desk.sent(SendCancel)})
    for _ in range(10):
        desk.wait(1)

    assert set(orders) == {effect.client_order_id for effect in desk.sent(SendCancel)}
    desk.check()


def test_tokens_are_counted_from_one_moment():
    """
    C08: three within three seconds; each second gives one back.
    """
    rate, now = Rate(3, 3.0), Desk(start=False).now

    assert [3, 3, 3, 2, 2, 1, 0, 0, 0, 3] == [
        tokens(now + timedelta(seconds=full) if full is not None else None, rate, now)
        for full in (None, -1, 0, 0.5, 1, 2, 3, 3.1, 6, 6.000001)
    ]


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 30_000_000))
def test_a_clock_set_back_a_little_fills_no_empty_bucket(count, microseconds):
    """
    C08, I-19: by anything up to the bucket's own span; it is full again a span after the clock caught up.
    """
    desk = Desk(limits=Limits(max_order_rate=Rate(count, 30.0)), max_price_age=1e9)
    desk.mark("AAA", 1)
    for _ in range(count):
        desk.order("buy", 1)
    desk.now -= timedelta(microseconds=microseconds)
    assert ("max_order_rate",) == desk.codes("buy", 1)
    assert ("max_order_rate",) == desk.codes("buy", 1)

    desk.pass_time(60)

    assert [()] * count == [desk.codes("buy", 1) for _ in range(count)]
    assert ("max_order_rate",) == desk.codes("buy", 1)
    desk.check()


# --- C10: duplicates ------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "expected"), [("4.999", ("duplicate_order",)), ("5", ()), ("5.001", ())])
def test_the_same_entry_is_denied_within_the_window(seconds, expected):
    """
    C10: and told.
    """
    desk = desk_of(duplicate_window=5.0)
    desk.order("buy", 1)
    desk.pass_time(float(seconds))

    assert expected == codes(desk, "buy", 1)
    assert list(expected) == desk.alerts()


@pytest.mark.parametrize(("most", "passed"), [(1, 1), (2, 2), (3, 3)])
def test_a_number_of_duplicates_may_be_wanted(most, passed):
    """
    C10: more than N times.
    """
    desk = desk_of(duplicate_window=5.0, max_duplicates=most)

    assert passed == sum(not codes(desk, "buy", 1) for _ in range(5))


def test_another_entry_is_no_duplicate():
    """
    C10: symbol, side, type, quantity and prices, all of them; 1.0 is 1.
    """
    desk = desk_of(duplicate_window=5.0, terms={"allow_short": True})
    desk.order("buy", 1)

    assert () == codes(desk, "buy", 1, "BBB")
    assert () == codes(desk, "buy", 2)
    assert () == limit(desk, "buy", 1, 100)
    assert () == limit(desk, "buy", 1, 99)
    assert () == codes(desk, "sell", 1, "CCC")
    assert ("duplicate_order",) == codes(desk, "buy", "1.0")
    assert ("duplicate_order",) == limit(desk, "buy", 1, "100.00")


def test_a_storm_of_duplicates_is_told_once_a_minute():
    """
    C10: one alert says it.
    """
    desk = desk_of(duplicate_window=1000.0)
    for _ in range(5):
        codes(desk, "buy", 1)
    assert ["duplicate_order"] == desk.alerts()

    desk.pass_time(60)
    codes(desk, "buy", 1)

    assert ["duplicate_order"] * 2 == desk.alerts()


def test_duplicates_survive_kill_9_and_old_ones_are_forgotten():
    """
    C10, RSK-11: what is remembered does not grow with the session.
    """
    desk = desk_of(duplicate_window=5.0)
    for name in NAMES:
        desk.order("buy", 1, name)
        desk.pass_time(2)
    for how in ("records", "snapshot"):
        desk.restart(through=how)
        desk.start()
        desk.mark("DDD", 100)

        assert ("duplicate_order",) == codes(desk, "buy", 1, "DDD")
        assert 3 == len(desk.state.tallies.recent)


def test_an_exit_is_no_duplicate():
    """
    RSK-06: selling in equal parts is fine.
    """
    desk = desk_of(duplicate_window=60.0)
    desk.hold(10)

    assert [()] * 3 == [codes(desk, "sell", 2) for _ in range(3)]


# --- C12: open orders -----------------------------------------------------------------------------


@pytest.mark.parametrize(("opened", "expected"), [(1, ()), (2, ()), (3, ("max_open_orders",))])
def test_so_many_orders_may_be_open(opened, expected):
    """
    C12: open, pending or unknown.
    """
    desk = desk_of(max_open_orders=3)
    for name in NAMES[:opened]:
        desk.signal("buy", 1, name)

    assert expected == codes(desk, "buy", 1, "DDD")


def test_an_order_that_ended_makes_room():
    """
    C12: and an exit needs none.
    """
    desk = desk_of(max_open_orders=1)
    desk.hold(10)
    first = desk.order("buy", 1)
    assert ("max_open_orders",) == codes(desk, "buy", 1, "BBB")
    assert () == codes(desk, "sell", 5)

    desk.say(first, OrderStatus.CANCELED)

    assert ("max_open_orders",) == codes(desk, "buy", 1, "BBB")


@pytest.mark.parametrize(("opened", "expected"), [(1, ()), (2, ()), (3, ("max_symbol_open_orders",))])
def test_so_many_orders_may_be_open_on_one_instrument(opened, expected):
    """
    C12: per symbol; another instrument has its own.
    """
    desk = desk_of(max_symbol_open_orders=3)
    for _ in range(opened):
        desk.order("buy", 1)

    assert expected == codes(desk, "buy", 1)
    assert () == codes(desk, "buy", 1, "BBB")


# --- C13: traffic ---------------------------------------------------------------------------------


def test_orders_and_cancels_need_fills():
    """
    C13: (orders + cancels) / (fills + 1) over the day; the order itself counts.
    """
    desk = desk_of(max_order_to_fill_ratio=D(2))
    assert [(), (), ("max_order_to_fill_ratio",)] == [codes(desk, "buy", 1, name) for name in NAMES[:3]]

    desk.do(c.CancelOrder(next(iter(desk.state.orders)), "me"))
    desk.fill(list(desk.state.orders)[1], 1)

    assert () == codes(desk, "buy", 1, "CCC")
    assert ("max_order_to_fill_ratio",) == codes(desk, "buy", 1, "CCC")

    desk.wait(24 * 3600)

    assert () == codes(desk, "buy", 1, "CCC")


# --- C20: self-match ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "expected"), [("104.99", ()), ("105", ("self_match",)), ("105.01", ("self_match",))]
)
def test_an_entry_does_not_trade_with_our_own_order(price, expected):
    """
    C20: a buy at or above our own sell.
    """
    desk = desk_of(prevent_self_match=True, terms={"allow_short": True})
    desk.limit("sell", 1, 105)

    assert expected == limit(desk, "buy", 1, price)


def test_a_short_entry_does_not_trade_with_our_own_bid():
    """
    C20: the other way round, and a market order crosses anything.
    """
    desk = desk_of(prevent_self_match=True, terms={"allow_short": True})
    desk.limit("buy", 1, 95)

    assert ("self_match",) == limit(desk, "sell", 1, 95)
    assert () == limit(desk, "sell", 1, "95.01")
    assert ("self_match",) == codes(desk, "sell", 1)
    assert () == codes(desk, "sell", 1, "BBB")


def test_a_stop_that_waits_is_not_in_the_book():
    """
    C20: nor is somebody else's order ours to mind.
    """
    desk = desk_of(prevent_self_match=True, terms={"allow_short": True})
    desk.signal("sell", 1, order_type=OrderType.STOP, trigger_price=90)
    desk.sweep(
        open_orders=(
            *desk.open_orders(),
            OrderReport(
                symbol="AAA",
                side="sell",
                status=OrderStatus.ACCEPTED,
                quantity=D(1),
                filled_quantity=D(0),
                at=desk.now,
                venue_order_id="theirs",
                limit_price=D(90),
            ),
        )
    )

    assert () == limit(desk, "buy", 1, 100)


# --- C25-C28, C30: everything together ------------------------------------------------------------


@pytest.mark.parametrize(("quantity", "expected"), [(199, ()), (200, ()), (201, ("max_gross_exposure",))])
def test_all_positions_together_stay_within_so_many_times_equity(quantity, expected):
    """
    C25: 0.5 times 100,000 with 30,000 held.
    """
    desk = desk_of(max_gross_exposure=D("0.5"))
    desk.hold(300)

    assert expected == limit(desk, "buy", quantity, 100, "BBB")


def test_shorts_add_to_gross_and_take_from_net():
    """
    C25, C26.
    """
    terms = {"allow_short": True}
    gross = desk_of(max_gross_exposure=D("0.5"), terms=terms)
    net = desk_of(max_net_exposure=D("0.5"), terms=terms)
    for desk in (gross, net):
        desk.hold(300)

    assert ("max_gross_exposure",) == limit(gross, "sell", 201, 100, "BBB")
    assert () == limit(net, "sell", 600, 100, "BBB")


@pytest.mark.parametrize(
    ("action", "quantity", "expected"),
    [
        ("buy", 49, ()),
        ("buy", 50, ()),
        ("buy", 51, ("max_net_exposure",)),
        ("sell", 649, ()),
        ("sell", 650, ()),
        ("sell", 651, ("max_net_exposure",)),
    ],
)
def test_longs_less_shorts_stay_within_so_many_times_equity(action, quantity, expected):
    """
    C26: both worst directions, from 30,000 long.
    """
    desk = desk_of(max_net_exposure=D("0.35"), terms={"allow_short": True})
    desk.hold(300)

    assert expected == limit(desk, action, quantity, 100, "BBB")


def test_open_orders_count_and_are_not_netted():
    """
    RSK-05: a buy and a sell both count at their worst.
    """
    desk = desk_of(max_net_exposure=D("0.3"), terms={"allow_short": True})
    desk.limit("buy", 300, 100)
    desk.limit("sell", 300, 100, "BBB")

    assert ("max_net_exposure",) == limit(desk, "buy", 1, 100, "CCC")
    assert ("max_net_exposure",) == limit(desk, "sell", 1, 100, "CCC")


def test_what_reduces_an_exposure_passes_even_beyond_the_limit():
    """
    RSK-14: tightening a limit never denies what reduces.
    """
    terms = {"allow_short": True}
    desk = desk_of(terms=terms)
    desk.hold(500)
    desk.restart(limits=Limits(max_net_exposure=D("0.1"), max_gross_exposure=D("0.6")))
    desk.start()
    for name in NAMES:
        desk.mark(name, 100)

    assert () == limit(desk, "sell", 100, 100, "BBB")
    assert ("max_net_exposure",) == limit(desk, "buy", 1, 100, "BBB")


def test_without_equity_nothing_adds_to_exposure():
    """
    RSK-20: E <= 0 denies.
    """
    desk = desk_of(max_gross_exposure=D(5), max_net_exposure=D(5), terms={"initial_capital": D(0)})

    assert {"max_gross_exposure", "max_net_exposure"} <= set(codes(desk, "buy", 1))


@pytest.mark.parametrize(("held", "expected"), [(1, ()), (2, ()), (3, ("max_positions",))])
def test_so_many_instruments_may_be_held(held, expected):
    """
    C30: a fourth is one too many; more of what is held is not.
    """
    desk = desk_of(max_positions=3)
    for name in NAMES[:held]:
        desk.hold(1, symbol=name)

    assert expected == codes(desk, "buy", 1, "DDD")
    assert () == codes(desk, "buy", 1, "AAA")


def test_an_open_entry_counts_as_a_position_until_it_ends():
    """
    C30: W_i != 0.
    """
    desk = desk_of(max_positions=1)
    order = desk.order("buy", 1)
    assert ("max_positions",) == codes(desk, "buy", 1, "BBB")

    desk.say(order, OrderStatus.CANCELED)

    assert () == codes(desk, "buy", 1, "BBB")


@pytest.mark.parametrize(("quantity", "expected"), [(49, ()), (50, ()), (51, ("max_open_value",))])
def test_open_entries_are_worth_no_more_than_so_much(quantity, expected):
    """
    C27: short ones as well.
    """
    desk = desk_of(max_open_value=D(10000), terms={"allow_short": True})
    desk.limit("buy", 20, 100)
    desk.limit("sell", 30, 100, "BBB")

    assert expected == limit(desk, "buy", quantity, 100, "CCC")


def test_what_is_filled_is_not_open_any_more():
    """
    C27: nor is an exit an entry.
    """
    desk = desk_of(max_open_value=D(10000))
    order = desk.limit("buy", 100, 100).client_order_id
    desk.answer(order)
    assert ("max_open_value",) == limit(desk, "buy", 1, 100, "BBB")

    desk.fill(order, 40)
    assert ("max_open_value",) == limit(desk, "buy", 41, 100, "BBB")
    assert () == limit(desk, "sell", 40, 100)

    assert () == limit(desk, "buy", 40, 100, "BBB")


@pytest.mark.parametrize(("quantity", "expected"), [(49, ()), (50, ()), (51, ("max_traded_value",))])
def test_a_days_trades_are_worth_no_more_than_so_much(quantity, expected):
    """
    C28: fills of both sides and open entries; the next day begins at nothing.
    """
    desk = desk_of(max_traded_value=D(10000))
    desk.hold(20)
    desk.fill(desk.order("sell", 20), 20)
    desk.limit("buy", 10, 100, "BBB")

    assert expected == limit(desk, "buy", quantity, 100, "CCC")

    for order in list(desk.state.orders):
        desk.answer(order, Refused("no", "not today"))
    desk.wait(24 * 3600)

    assert () == limit(desk, "buy", 100, 100, "CCC")


def test_a_corrected_fill_is_traded_at_its_true_value():
    """
    C28: from 1 to 90 of 100 each: 9,000 were traded, and by one fill.
    """
    desk = desk_of(max_traded_value=D(10000))
    order = desk.order("buy", 90)
    desk.fill(order, 1, fill_id="x")
    desk.fill(order, 90, fill_id="x")

    assert ("max_traded_value",) == limit(desk, "buy", 11, 100, "BBB")
    assert () == limit(desk, "buy", 10, 100, "BBB")
    assert 1 == desk.state.tallies.fills


def test_an_inferred_fill_and_the_real_one_are_traded_once():
    """
    C28, F21.
    """
    desk = desk_of(max_traded_value=D(10000))
    order = desk.order("buy", 50)
    told = desk.report(order, OrderStatus.FILLED, 50, average_fill_price=D(100))
    desk.do(c.QueryAnswered(order, told, ()))
    desk.fill(order, 50, fill_id="real")

    assert ("max_traded_value",) == limit(desk, "buy", 51, 100, "BBB")
    assert () == limit(desk, "buy", 50, 100, "BBB")
    assert 1 == desk.state.tallies.fills


def test_what_an_old_fill_loses_makes_no_room_today():
    """
    C28: what it gains was traded, whenever.
    """
    desk = desk_of(max_traded_value=D(10000))
    order = desk.order("buy", 90)
    desk.fill(order, 50, fill_id="x")
    desk.say(order, OrderStatus.CANCELED, 50)
    desk.wait(24 * 3600)
    for name in NAMES:
        desk.mark(name, 100)
    desk.hold(60, symbol="BBB")
    desk.fill(order, 10, fill_id="x")

    assert ("max_traded_value",) == limit(desk, "buy", 41, 100, "CCC")

    desk.fill(order, 20, fill_id="x")

    assert ("max_traded_value",) == limit(desk, "buy", 31, 100, "CCC")
    assert () == limit(desk, "buy", 30, 100, "CCC")


def test_what_was_traded_survives_kill_9():
    """
    C28, RSK-11.
    """
    for how in ("records", "snapshot"):
        desk = desk_of(max_traded_value=D(10000))
        desk.hold(60)
        desk.restart(through=how)
        desk.start()
        desk.mark("AAA", 100)
        desk.mark("BBB", 100)

        assert ("max_traded_value",) == limit(desk, "buy", 41, 100, "BBB")
        assert () == limit(desk, "buy", 40, 100, "BBB")


def test_a_limit_that_is_armed_later_sees_what_is_there():
    """
    RSK-11: from the first order of the run that arms it, and gone with the run that does not.
    """
    desk = desk_of()
    desk.hold(300)
    desk.order("buy", 100, "BBB")
    desk.restart(limits=Limits(max_gross_exposure=D("0.5"), max_open_value=D(20000)))
    desk.start()
    for name in NAMES:
        desk.mark(name, 100)

    assert ("max_gross_exposure", "max_open_value") == limit(desk, "buy", 101, 100, "CCC")

    desk.restart(limits=Limits())
    desk.start()
    for name in NAMES:
        desk.mark(name, 100)

    assert () == limit(desk, "buy", 101, 100, "CCC")
    assert desk.slot().totals is None


@pytest.mark.parametrize(
    ("limits", "quantity", "reason"),
    [
        ({"max_gross_exposure": D("0.5")}, 200, "max_gross_exposure"),
        ({"max_net_exposure": D("0.4")}, 100, "max_net_exposure"),
        ({"max_open_value": D(31000)}, 310, "max_open_value"),
        ({"max_traded_value": D(35000)}, 50, "max_traded_value"),
    ],
)
def test_the_sizer_is_told_what_is_left(limits, quantity, reason):
    """
    RSK-20: headroom, rounded down to the lot, and then it passes.
    """
    desk = desk_of(**limits, terms={"sizer": Fixed(10000), "market_collar": D("1E-12")})
    desk.hold(300)
    desk.mark("BBB", 100)
    order = desk.order("buy", None, "BBB")

    assert D(quantity) - 1 <= desk.get(order).quantity <= D(quantity)
    assert reason in desk.last(e.OrderIntended).sizing
    assert (reason,) == codes(desk, "buy", 2, "BBB")


def test_a_short_sellers_sizer_is_told_what_is_left():
    """
    RSK-20: the same on the other side.
    """
    terms = {"sizer": Fixed(10000), "allow_short": True}
    gross = desk_of(max_gross_exposure=D("0.5"), terms=terms)
    net = desk_of(max_net_exposure=D("0.35"), terms=terms)
    for desk in (gross, net):
        desk.hold(300)

    assert D(200) == gross.get(gross.order("sell", None, "BBB")).quantity
    assert D(650) == net.get(net.order("sell", None, "BBB")).quantity


def test_a_limit_that_leaves_nothing_says_so():
    """
    RSK-20: below one lot nothing is sent.
    """
    desk = desk_of(max_gross_exposure=D("0.303"))
    desk.hold(300)
    desk.limit("buy", 3, 100)

    assert "below_min_lot" in codes(desk, "buy", None, "BBB")


@settings(max_examples=30, deadline=None)
@example(
    [("AAA", True, 301, True), ("BBB", False, 1, True), ("AAA", True, 100, False), ("BBB", True, 1, False)]
)
@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.booleans(), st.integers(1, 400), st.booleans()), max_size=25
    )
)
def test_whatever_is_sent_no_exposure_is_passed(orders):
    """
    Promise 2: worst cases of all instruments together, with fills and without.

    Exits are never blocked: buying back a short takes away what offset a long, so that an exit alone may carry
    the net side over its limit. What no entry may do is add to it then.
    """
    desk = desk_of(
        max_gross_exposure=D("0.6"),
        max_net_exposure=D("0.4"),
        max_positions=3,
        terms={"allow_short": True, "sizer": Fixed(400)},
    )
    totals = desk.state.totals
    for symbol, is_buy, quantity, filled in orders:
        group_total(totals)
        was = max(abs(totals.long), abs(totals.short))
        answer = desk.signal(
            "buy" if is_buy else "sell", quantity, symbol, limit_price=100, order_type=OrderType.LIMIT
        )
        if isinstance(answer, e.OrderIntended) and filled:
            desk.answer(answer.client_order_id)
            desk.fill(answer.client_order_id, answer.draft.quantity)
        equity, net = desk.state.equity, max(abs(totals.long), abs(totals.short))

        assert totals.total <= D("0.6") * equity
        assert net <= max(D("0.4") * equity, was) or not getattr(answer, "entry", True)
        assert totals.count <= 3
    desk.check()


# --- C44: warnings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ({"max_open_orders": 10}, "max_open_orders"),
        ({"max_order_to_fill_ratio": D(10)}, "max_order_to_fill_ratio"),
        ({"max_gross_exposure": D("0.1")}, "max_gross_exposure"),
        ({"max_net_exposure": D("0.1")}, "max_net_exposure"),
        ({"max_open_value": D(10000)}, "max_open_value"),
        ({"max_traded_value": D(10000)}, "max_traded_value"),
    ],
)
def test_every_limit_warns_before_it_is_used_up(limits, name):
    """
    C44: nine of ten parts are used.
    """
    desk = desk_of(**limits, terms={"market_collar": D("1E-12")})
    for _ in range(9):
        desk.limit("buy", 10, 100)
    desk.wait()

    assert ["limit_near"] == desk.alerts()
    assert desk.last(e.AlertRaised).message.startswith(f"{name}: ")


def test_a_limit_on_positions_warns_with_the_last_one():
    """
    C44.
    """
    desk = desk_of(max_positions=2)
    for name in NAMES[:2]:
        desk.hold(1, symbol=name)
    desk.wait()

    assert ["limit_near"] == desk.alerts()
    assert "max_positions: 2 of 2 is used" == desk.last(e.AlertRaised).message


# --- C39: the link --------------------------------------------------------------------------------


def silent_desk(**more):
    desk = desk_of(link_timeout=10.0, **more)
    desk.sweep()
    desk.mark("AAA", 100)
    return desk


@pytest.mark.parametrize(("seconds", "up"), [("9.999", True), ("10", True), ("10.001", False)])
def test_a_venue_that_says_nothing_counts_as_gone(seconds, up):
    """
    C39: entries wait and a person is told; cancels and exits go on.
    """
    desk = silent_desk()
    desk.wait(float(seconds))

    assert up is desk.state.link_up
    assert ["link_down"] * (not up) == desk.alerts()
    assert (() if up else ("not_ready",)) == codes(desk, "buy", 1)


def test_after_half_the_time_the_venue_is_asked_something():
    """
    C39: an application ping, so that a quiet market is no lost link, and a dead socket is one.
    """
    desk = silent_desk()
    asked = len(desk.sent(Sweep))
    desk.wait(5)
    assert asked == len(desk.sent(Sweep))
    desk.wait(1)
    assert asked + 1 == len(desk.sent(Sweep))
    desk.wait(1)
    assert asked + 1 == len(desk.sent(Sweep))

    desk.sweep()
    desk.wait(9)

    assert desk.state.link_up


def test_a_failed_answer_is_no_sign_of_life_and_any_answer_is():
    """
    C39: the pings go on while it is silent; once it answers everything is compared again.
    """
    desk = silent_desk()
    nothing = dict.fromkeys(("open_orders", "fills", "positions", "account"))
    for _ in range(4):
        desk.wait(6)
        desk.sweep(**nothing)
    assert not desk.state.link_up
    assert ["link_down"] == desk.alerts()

    before = len(desk.sent(Sweep))
    desk.wait(6)
    assert before < len(desk.sent(Sweep))
    desk.sweep()
    desk.wait(1)
    assert desk.state.link_up
    desk.sweep()
    desk.mark("AAA", 100)

    assert () == codes(desk, "buy", 1)


def test_a_price_is_a_sign_of_life():
    """
    C39.
    """
    desk = silent_desk()
    for _ in range(5):
        desk.wait(8)
        desk.mark("AAA", 100)

    assert desk.state.link_up


def test_an_adapter_that_knows_better_is_believed():
    """
    C39: a link that the adapter called down comes back when the adapter says so.
    """
    desk = silent_desk()
    desk.link(up=False)
    desk.wait(20)
    desk.mark("AAA", 100)
    desk.wait(1)
    assert not desk.state.link_up

    desk.link(up=True)
    desk.wait(1)

    assert desk.state.link_up


def test_an_adapter_that_says_so_during_a_silence_is_believed_too():
    """
    C39: an answered ping proves a request's way and back, not the stream; only the adapter knows that one.
    """
    desk = silent_desk()
    desk.wait(10.001)
    desk.link(up=False, reason="stream closed")
    desk.sweep()
    desk.wait(1)
    desk.sweep()
    desk.mark("AAA", 100)
    assert ("not_ready",) == codes(desk, "buy", 1)

    desk.wait(20)
    desk.link(up=True)
    desk.wait(1)
    desk.sweep()
    desk.mark("AAA", 100)

    assert () == codes(desk, "buy", 1)
    assert ["link_down"] == desk.alerts()


@pytest.mark.parametrize(("seconds", "up"), [("9.999", True), ("10", True), ("10.001", False)])
def test_the_silence_begins_with_the_connection(seconds, up):
    """
    C39: a machine that has been up for days has heard of nobody for none of them.
    """
    desk = Desk(start=False, limits=Limits(link_timeout=10.0), max_price_age=1e9)
    desk.pass_time(100_000)
    desk.boot()
    desk.connect()
    desk.wait(float(seconds))

    assert up is desk.state.link_up
    assert ["link_down"] * (not up) == desk.alerts()


def test_a_market_in_this_process_has_no_link_to_lose():
    """
    C39: its time jumps from one day to the next.
    """
    values = {name: getattr(CAPABILITIES, name) for name in CAPABILITIES.__struct_fields__}
    desk = silent_desk(terms={"capabilities": Capabilities(**{**values, "ephemeral": True})})
    desk.wait(100)

    assert desk.state.link_up


# --- C41: intents ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("quantity", "killed"), [(9, False), (10, False), (11, True)])
def test_more_at_the_venue_than_was_intended_stops_everything(quantity, killed):
    """
    C41: kill, and what is ours is canceled.
    """
    desk = desk_of()
    order = desk.order("buy", 10)
    desk.sweep(open_orders=(desk.report(order, OrderStatus.ACCEPTED, quantity=D(quantity)),))

    assert (TradingState.KILLED if killed else TradingState.ACTIVE) is desk.state.trading_state
    assert ["intent_conservation"] * killed == desk.alerts()
    assert [order] * killed == [effect.client_order_id for effect in desk.sent(SendCancel)]
    desk.check()


def test_one_intent_at_the_venue_twice_stops_everything():
    """
    C41: the children of an order sum to no more than it; told once, however often it is seen.
    """
    desk = desk_of()
    order = desk.order("buy", 10)
    parts = [desk.report(order, OrderStatus.ACCEPTED, quantity=D(5), venue_order_id=f"v{n}") for n in (1, 2)]
    desk.sweep(open_orders=tuple(parts))
    assert TradingState.ACTIVE is desk.state.trading_state

    twice = [desk.report(order, OrderStatus.ACCEPTED, venue_order_id=f"v{n}") for n in (1, 2)]
    desk.sweep(open_orders=tuple(twice))
    desk.sweep(open_orders=tuple(twice))

    assert TradingState.KILLED is desk.state.trading_state
    assert ["intent_conservation"] == desk.alerts()


def test_an_order_on_two_pages_is_one_order():
    """
    C41, BAD-110: pages overlap; the larger of what they say of it counts.
    """
    desk = desk_of()
    order = desk.order("buy", 10)
    listed = desk.open_orders()
    desk.sweep(open_orders=listed + listed)
    assert TradingState.ACTIVE is desk.state.trading_state

    sizes = [desk.report(order, OrderStatus.ACCEPTED, quantity=D(size)) for size in (11, 10)]
    desk.sweep(open_orders=tuple(sizes))

    assert TradingState.KILLED is desk.state.trading_state


def test_somebody_elses_orders_and_a_lost_journals_are_no_breach():
    """
    C41, REL-4: they are counted, or adopted.
    """
    desk = desk_of()
    report = desk.report(desk.order("buy", 10), OrderStatus.ACCEPTED)
    values = {name: getattr(report, name) for name in report.__struct_fields__}
    theirs = OrderReport(**{**values, "client_order_id": "web-1", "venue_order_id": "x", "quantity": D(999)})
    lost = OrderReport(**{**values, "client_order_id": "abcdefgh-zzzz", "venue_order_id": "y"})
    odd = OrderReport(**{**values, "quantity": D("NaN")})
    desk.sweep(open_orders=(report, theirs, lost, odd))

    assert TradingState.ACTIVE is desk.state.trading_state
    assert any(order.purpose is Purpose.FOREIGN for order in desk.state.orders.values())


# --- C46: the clock -------------------------------------------------------------------------------


@pytest.mark.parametrize(("skew", "told"), [("0.999", False), ("1", False), ("1.001", True)])
def test_clocks_more_than_a_second_apart_are_told(skew, told):
    """
    C46: warn above 1 s, either way, once; deny above 5 s is in the gates.
    """
    for sign in (1, -1):
        desk = desk_of()
        for _ in range(3):
            at = desk.now + sign * timedelta(seconds=float(skew))
            desk.sweep(account=desk.account(server_time=at))
            desk.wait()
            desk.mark("AAA", 100)

        assert ["clock_skew"] * told == desk.alerts()
        assert () == codes(desk, "buy", 1)


def test_a_clock_that_was_set_right_and_goes_wrong_again_is_told_again():
    """
    C46.
    """
    desk = desk_of()
    for seconds in (2, 0, 2):
        desk.sweep(account=desk.account(server_time=desk.now + timedelta(seconds=seconds)))
        desk.wait()

    assert ["clock_skew"] * 2 == desk.alerts()


def test_a_change_of_limits_is_told_limit_by_limit():
    """
    C43, F38: what was, and what is.
    """
    desk = desk_of(max_order_rate=Rate(2, 10.0))
    desk.restart(limits=Limits(max_order_rate=Rate(5, 1.0), max_positions=3))
    desk.start()

    assert ("limits.max_order_rate: 2/10s -> 5/1s", "limits.max_positions: None -> 3") == desk.last(
        e.TermsChanged
    ).changes


# --- Nothing armed --------------------------------------------------------------------------------


def test_what_is_not_armed_costs_nothing():
    """
    Brief of the limits: no gate, no count, no sum.
    """
    desk = desk_of()
    desk.hold(10)
    terms = desk.session.terms

    assert not [
        gate
        for gate in (*terms.entry, *terms.exit)
        if gate.__module__ in {"ltm.core.controls", "ltm.core.together"}
    ]
    assert (0, 0, {}) == (
        desk.state.tallies.messages,
        desk.state.tallies.fills,
        desk.state.tallies.buckets,
    )
    assert desk.slot().totals is None
