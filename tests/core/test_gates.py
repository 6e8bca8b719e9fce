"""
The kernel's own gates: every denial code comes from a session, every numeric limit has its three boundary tests.
"""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from core_desk import MONDAY, Desk, Fixed, Scripted, minutes, stock
from core_rules import four

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.codes import DENIALS
from ltm.core.context import blind_time, price_age
from ltm.model.enums import Lifecycle, OrderType, TimeInForce
from ltm.model.reports import Ambiguous, Capabilities, Refused
from ltm.model.results import Deny
from ltm.model.spec import Limits

D = Decimal


def denied(desk, *args, **fields):
    codes = desk.codes(*args, **fields)
    desk.check()
    return codes


def ready(**terms):
    desk = Desk(**terms)
    desk.mark("AAA", 100)
    return desk


# --- The session itself ---------------------------------------------------------------------------


def test_a_session_that_never_started_denies():
    """
    C42: nothing passes before the start.
    """
    desk = Desk(start=False)
    desk.boot()
    desk.connect()

    assert ("not_ready",) == denied(desk)
    assert "orders, fills, positions and cash reconciled" in desk.last(e.OrderDenied).reasons[0].message


def test_before_the_days_base_is_known_nothing_enters():
    """
    RSK-10: the day base is part of being ready.
    """
    desk = Desk(start=False)
    desk.boot()
    desk.connect()
    desk.sweep()
    desk.mark("AAA", 100)

    assert Lifecycle.RUNNING is desk.state.lifecycle
    assert ("not_ready",) == denied(desk)
    assert "day base" in desk.last(e.OrderDenied).reasons[0].message

    desk.tick()

    assert () == denied(desk)


def test_while_the_link_is_down_nothing_enters():
    """
    C39: without a link entries wait, and a person is told.
    """
    desk = ready()
    desk.link(up=False, reason="timeout")

    assert ("not_ready",) == denied(desk)
    assert "broker connected" in desk.last(e.OrderDenied).reasons[0].message
    assert ["link_down"] == desk.alerts()


def test_a_stopped_session_denies():
    """
    BAD-034: a session that is over takes nothing.
    """
    desk = ready()
    desk.do(c.Stop("me"))
    desk.session.finish()

    assert ("session_not_running",) == denied(desk)


@pytest.mark.parametrize(
    ("command", "entry", "way_out"),
    [
        (c.Pause("me"), ("paused",), ()),
        (c.Halt("test", "halted by a test"), ("halted",), ("halted",)),
        (c.Kill("me"), ("killed",), ("killed",)),
    ],
    ids=["paused", "halted", "killed"],
)
def test_trading_states_let_less_and_less_through(command, entry, way_out):
    """
    C36, C37, RSK-06: reducing lets exits pass, halted and killed let nothing pass.
    """
    desk = ready()
    desk.hold(100)
    desk.do(command)

    assert entry == denied(desk, "buy")
    assert way_out == denied(desk, "sell")


@pytest.mark.parametrize(
    ("seconds", "codes"), [(0.9, ("overloaded",)), (1.0, ()), (1.1, ())], ids=["inside", "at", "beyond"]
)
def test_nothing_is_entered_for_a_second_after_too_much_came_in(seconds, codes):
    """
    I-21, F36: entries only; a way out is never barred.
    """
    desk = ready()
    desk.hold(100)
    desk.session.context.crowded_until = desk.session.context.mono + 1.0
    desk.pass_time(seconds)

    assert codes == denied(desk, "buy")
    assert () == denied(desk, "sell")


@pytest.mark.parametrize(("skew", "codes"), [("4.999", ()), ("5", ()), ("5.001", ("clock_skew",))])
def test_the_clocks_may_differ_by_five_seconds(skew, codes):
    """
    C46: at most 5 s, either way.
    """
    for sign in (1, -1):
        desk = ready()
        desk.sweep(account=desk.account(server_time=desk.now + sign * timedelta(seconds=float(skew))))

        assert codes == denied(desk)


# --- The instrument -------------------------------------------------------------------------------


def test_an_unknown_symbol_is_denied_with_a_hint():
    """
    C01, BAD-055, BAD-056: case is not guessed.
    """
    desk = ready()

    assert ("unknown_instrument",) == denied(desk, symbol="aaa")
    assert 'did you mean "AAA"?' in desk.last(e.OrderDenied).reasons[0].message
    assert ("unknown_instrument",) == denied(desk, symbol="QQQ")


def test_an_alias_is_resolved_and_an_ambiguous_one_is_not():
    """
    BAD-057: several instruments answer to one code: the exchange has to be given.
    """
    listed = [
        stock("600519.SH", aliases=("600519",)),
        stock("AAPL@NASDAQ", aliases=("AAPL",)),
        stock("AAPL@BMV", aliases=("AAPL",)),
    ]
    desk = Desk(instruments=listed)
    desk.mark("600519.SH", 100)

    assert () == denied(desk, symbol="600519")
    assert "600519.SH" == desk.last(e.OrderIntended).draft.symbol
    assert ("ambiguous_symbol",) == denied(desk, symbol="AAPL")
    assert "AAPL@BMV, AAPL@NASDAQ" in desk.last(e.OrderDenied).reasons[0].message

    desk.do(c.DefineInstrument(stock("AAPL@BMV")))
    desk.mark("AAPL@NASDAQ", 100)

    assert () == denied(desk, symbol="AAPL")

    desk.do(c.DefineInstrument(stock("AAPL@NASDAQ")))

    assert ("unknown_instrument",) == denied(desk, symbol="AAPL")


@pytest.mark.parametrize(
    "listed",
    [stock(tradable=False), stock(lot_size=D(0)), stock(tick_size=D(0)), stock(multiplier=D(0))],
    ids=["suspended", "lot", "tick", "multiplier"],
)
def test_an_instrument_that_cannot_be_traded_is_denied(listed):
    """
    C01, BAD-107: suspended, or with a grid that makes no sense.
    """
    desk = Desk(instruments=[listed])
    desk.mark("AAA", 100)

    assert "not_tradable" in denied(desk, "buy", 100)


def test_a_blocked_instrument_is_denied_until_a_person_unblocks_it():
    """
    REL-2: an overfill blocks entries; exits pass; only a person lifts it.
    """
    desk = ready()
    order_id = desk.order("buy", 100)
    desk.fill(order_id, 101)

    assert ("instrument_blocked",) == denied(desk)
    assert () == denied(desk, "sell", 1)
    assert "overfill" in desk.alerts()

    desk.do(c.Unblock("AAA", "me", "checked"))

    assert () == denied(desk)


def test_an_unknown_order_blocks_entries_on_its_instrument_only():
    """
    REL-1: while an outcome is unknown, no entry on the same instrument.
    """
    desk = ready()
    desk.mark("BBB", 100)
    answer = desk.signal()
    desk.answer(answer.client_order_id, Ambiguous("timeout"))

    assert ("unknown_order",) == denied(desk)
    assert () == denied(desk, symbol="BBB")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"order_type": OrderType.LIMIT}, "a limit order needs a limit_price"),
        ({"limit_price": 100}, "a market order takes no limit_price"),
        ({"order_type": OrderType.STOP}, "a stop order needs a trigger_price"),
        ({"trigger_price": 100}, "a market order takes no trigger_price"),
        (
            {"order_type": OrderType.STOP_LIMIT, "limit_price": 100},
            "a stop_limit order needs a trigger_price",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_order_carries_the_prices_of_its_kind_and_no_others(fields, message):
    """
    C02: field sanity.
    """
    desk = ready()

    assert ("unsupported_order",) == denied(desk, "buy", 1, **fields)
    assert message == desk.last(e.OrderDenied).reasons[0].message


def test_a_kind_the_broker_has_not_is_denied():
    """
    C02: the broker's abilities decide.
    """
    desk = ready(capabilities=Capabilities(name="plain"))

    assert ("unsupported_order",) == denied(
        desk, "buy", 1, order_type=OrderType.STOP, trigger_price=D(110), time_in_force=TimeInForce.GTC
    )


# --- C03: the grid --------------------------------------------------------------------------------

GRID = {"lot_size": D(100), "minimum_quantity": D(200), "maximum_quantity": D(500)}


@pytest.mark.parametrize(
    ("quantity", "codes"),
    [
        (100, ("quantity_range",)),
        (200, ()),
        (300, ()),
        (400, ()),
        (500, ()),
        (600, ("quantity_range",)),
        (299, ("lot",)),
        (301, ("lot",)),
    ],
)
def test_quantities_are_whole_lots_within_the_venues_range(quantity, codes):
    """
    C03: lot, minimum, maximum: one step inside, at, one step beyond.
    """
    desk = Desk(instruments=[stock(**GRID)])
    desk.mark("AAA", 100)

    assert codes == denied(desk, "buy", quantity)


def test_an_exit_may_be_smaller_than_the_minimum():
    """
    RSK-06: what is left of a position can always be offered for sale.
    """
    desk = Desk(
        instruments=[stock(minimum_quantity=D(10), minimum_notional=D(900), maximum_notional=D(3000))]
    )
    desk.mark("AAA", 100)
    desk.hold(20)
    desk.order("sell", 15)

    assert () == denied(desk, "sell", 5)


@pytest.mark.parametrize(
    ("price", "codes"), [("99.99", ()), ("100", ()), ("99.995", ("tick",)), ("100.001", ("tick",))]
)
def test_prices_are_on_the_tick_grid(price, codes):
    """
    C03: limit and trigger, exactly.
    """
    desk = ready()

    assert codes == denied(desk, "buy", 1, limit_price=D(price), order_type=OrderType.LIMIT)
    assert codes == denied(desk, "buy", 1, trigger_price=D(price), order_type=OrderType.STOP)


@pytest.mark.parametrize(
    ("quantity", "codes"),
    [
        (9, ("notional_range",)),
        (10, ()),
        (11, ()),
        (19, ()),
        (20, ()),
        (21, ("notional_range",)),
    ],
)
def test_values_are_within_the_venues_range(quantity, codes):
    """
    C03: minimum and maximum value of an order.
    """
    desk = Desk(instruments=[stock(minimum_notional=D(1000), maximum_notional=D(2000))])
    desk.mark("AAA", 100)
    got = desk.limit("buy", quantity, 100)

    assert codes == tuple(reason.code for reason in getattr(got, "reasons", ()))


# --- C04, C05, C09, C29, C32 ----------------------------------------------------------------------


@pytest.mark.parametrize(("quantity", "codes"), [(99, ()), (100, ()), (101, ("max_order_quantity",))])
def test_an_order_is_at_most_max_order_quantity(quantity, codes):
    """
    C04: equality passes.
    """
    assert codes == denied(ready(max_order_quantity=D(100)), "buy", quantity)


@pytest.mark.parametrize(
    ("ask", "codes"), [("99.99", ()), ("100", ()), ("100.01", ("max_order_value",))], ids=["in", "at", "over"]
)
def test_an_order_is_worth_at_most_max_order_value(ask, codes):
    """
    C05: market orders included, at the ask plus the collar.
    """
    desk = Desk(max_order_value=D(10100))
    desk.mark("AAA", ask, ask=ask)

    assert codes == denied(desk, "buy", 100)


def test_the_daily_budget_of_entries_is_counted_exactly():
    """
    C09: the limit itself passes, the next one does not, exits are free, definitive rejections come back.
    """
    desk = ready(max_daily_trades=2)
    first = desk.signal()
    desk.hold(10)

    assert ("max_daily_trades",) == denied(desk)
    assert () == denied(desk, "sell")

    desk.answer(first.client_order_id, Refused("margin", "not enough"))

    assert () == denied(desk)
    assert ("max_daily_trades",) == denied(desk)


def test_a_budget_of_zero_lets_nothing_enter():
    """
    BAD-012: 0 is valid and means no entries.
    """
    assert ("max_daily_trades",) == denied(ready(max_daily_trades=0))


@pytest.mark.parametrize(
    ("cash", "codes"),
    [("10101.01", ()), ("10100", ()), ("10099.99", ("session_capital", "buying_power"))],
    ids=["inside", "at", "beyond"],
)
def test_the_sessions_own_capital_covers_the_worst_cost(cash, codes):
    """
    C32: ask plus collar, at the limit it passes.
    """
    desk = ready(initial_capital=D(cash))

    assert codes == denied(desk, "buy", 100)


@pytest.mark.parametrize(
    ("rate", "codes"), [("0.001", ()), ("0.002", ()), ("0.0021", ("session_capital", "buying_power"))]
)
def test_the_fee_is_part_of_the_cost(rate, codes):
    """
    C29, C32: worst cost including the commission.
    """
    desk = ready(initial_capital=D("10120.2"), commission_rate=D(rate))

    assert codes == denied(desk, "buy", 100)


@pytest.mark.parametrize(
    ("available", "codes"),
    [("10101", ()), ("10100", ()), ("10099.99", ("buying_power",))],
    ids=["in", "at", "over"],
)
def test_the_accounts_funds_cover_the_worst_cost(available, codes):
    """
    C29: what the venue said it would still accept orders for.
    """
    desk = ready()
    desk.sweep(account=desk.account(available=D(available)))

    assert codes == denied(desk, "buy", 100)


def test_the_accounts_funds_move_with_our_own_orders():
    """
    C29, RSK-07: orders and fills since the report are taken off, so that two orders see each other.
    """
    desk = ready()
    desk.sweep(account=desk.account(available=D(20300)))
    desk.order("buy", 100)

    assert () == denied(desk, "buy", 100)
    assert ("buying_power",) == denied(desk, "buy", 2)


def test_funds_reported_while_orders_moved_are_not_taken():
    """
    C29: a figure from before an order must not be read as one from after it.
    """
    desk = ready()
    asked = desk.state.sequence
    desk.order("buy", 100)
    desk.sweep(started_sequence=asked, account=desk.account(available=D(10)))

    assert () == denied(desk, "buy", 100)


# --- Prices ---------------------------------------------------------------------------------------


def test_without_a_price_nothing_is_valued():
    """
    Ruling 9, C06: no price, no market order; a limit order has no reference either.
    """
    desk = Desk()

    assert ("no_price",) == denied(desk, "buy", 1)
    assert ("no_price",) == denied(desk, "buy", 1, limit_price=D(100), order_type=OrderType.LIMIT)


@pytest.mark.parametrize(
    ("age", "codes"), [(4.999, ()), (5.0, ()), (5.001, ("stale_price",))], ids=["inside", "at", "beyond"]
)
def test_a_price_is_at_most_five_seconds_old(age, codes):
    """
    C07: measured on the monotonic clock.
    """
    desk = ready()
    desk.pass_time(age)

    assert codes == denied(desk)


@pytest.mark.parametrize(
    ("terms", "abilities", "seconds"),
    [
        ({}, {}, 5.0),
        ({}, {"streaming": False}, 60.0),
        ({}, {"price_interval": 60.0}, 90.0),
        ({}, {"price_interval": 3600.0}, 5400.0),
        ({"max_price_age": 2.0}, {"price_interval": 3600.0}, 2.0),
    ],
)
def test_the_age_follows_how_prices_come(terms, abilities, seconds):
    """
    C07: streaming 5 s, polled 60 s, bars one and a half intervals, or as configured.
    """
    desk = Desk(start=False, **terms)

    assert seconds == price_age(desk.spec, Capabilities(name="x", **abilities))


def test_a_held_instrument_without_a_price_stops_all_entries():
    """
    RSK-22: equity is not known then, and until it is, nothing enters.
    """
    desk = ready()
    desk.hold(100)
    desk.wait(6)
    desk.mark("BBB", 100)

    assert ("degraded",) == denied(desk, symbol="BBB")

    desk.mark("AAA", 100)
    desk.tick()

    assert () == denied(desk, symbol="BBB")


@pytest.mark.parametrize(("seconds", "paused"), [("59.999", False), ("60", False), ("60.001", True)])
def test_equity_unknown_for_more_than_a_minute_pauses_until_a_person_has_looked(seconds, paused):
    """
    RSK-22, RSK-12: latched, told once, and neither a new price nor a restart lifts it.
    """
    desk = ready()
    desk.hold(100)
    desk.wait(6)
    desk.wait(float(seconds))
    desk.wait(0)

    assert ["degraded"] * paused == desk.alerts()

    desk.mark("AAA", 100)
    desk.mark("BBB", 100)
    desk.wait(1)
    desk.restart()
    desk.start()
    desk.mark("AAA", 100)
    desk.mark("BBB", 100)
    desk.tick()

    assert ("paused",) * paused == denied(desk, symbol="BBB")
    assert () == denied(desk, "sell", 10)
    if paused:
        desk.do(c.Resume("me", "looked", ("degraded",)))

        assert () == denied(desk, symbol="BBB")


def test_outside_trading_hours_nobody_minds_an_old_price():
    """
    RSK-22: only in trading hours; the last price of the session stands.
    """
    window = ((minutes("10:00"), minutes("10:01")),)
    desk = ready(trading_windows=window)
    desk.hold(100)
    for _ in range(10):
        desk.wait(60)

    assert [] == desk.alerts()


@pytest.mark.parametrize(
    ("told", "interval", "seconds"), [(None, 0.0, 60.0), (None, 3600.0, 3600.0), (5.0, 3600.0, 5.0)]
)
def test_how_long_equity_may_be_unknown_follows_the_prices(told, interval, seconds):
    """
    RSK-22: a minute by default, one interval where prices come more seldom.
    """
    desk = ready(limits=Limits(max_blind_time=told))

    assert seconds == blind_time(desk.spec, Capabilities(name="x", price_interval=interval))


@pytest.mark.parametrize(
    ("price", "codes"),
    [
        ("119.99", ()),
        ("120", ()),
        ("120.01", ("price_jump",)),
        ("80.01", ()),
        ("80", ()),
        ("79.99", ("price_jump",)),
    ],
)
def test_a_jump_beyond_a_fifth_needs_a_second_look(price, codes):
    """
    RSK-02: exactly 20 % is a move, more is doubted: neither mark, peak nor trip, but a denial.
    """
    desk = Desk(initial_capital=D(1_000_000))
    desk.hold(100, 100)
    before = desk.state.equity
    desk.mark("AAA", price)

    assert codes == denied(desk)
    assert (before if codes else before + 100 * (D(price) - 100)) == desk.state.equity


def test_a_jump_is_confirmed_by_a_second_update_or_by_time():
    """
    RSK-02: a second price near it, or one second.
    """
    desk = ready()
    desk.mark("AAA", 150)
    desk.mark("AAA", 149)

    assert D(149) == desk.slot().mark

    desk.mark("AAA", 300)
    desk.mark("AAA", 100)
    desk.pass_time(1)
    desk.mark("AAA", 200)

    assert (D(200), ()) == (desk.slot().mark, denied(desk, "buy", 1))


def test_a_jump_that_goes_away_is_forgotten():
    """
    RSK-02: the next sound price lifts the doubt at once.
    """
    desk = ready()
    desk.mark("AAA", 100.5)
    desk.mark("AAA", 500)

    assert ("price_jump",) == denied(desk)

    desk.mark("AAA", 101)

    assert () == denied(desk)
    assert (1, D(101)) == (desk.session.context.watch.dropped, desk.slot().mark)


@pytest.mark.parametrize(
    "quote",
    [
        {"price": "NaN"},
        {"price": "sNaN"},
        {"price": "Infinity"},
        {"price": "0"},
        {"price": "-1"},
        {"bid": "101", "ask": "100"},
        {"bid": "0", "ask": "100"},
        {"bid": "-5"},
        {"bid": "NaN", "price": "100"},
        {"ask": "Infinity", "price": "100"},
        {"ask": "sNaN", "bid": "1"},
        {"bid": "100"},
        {},
        {"price": "100." + "1" * 60},
    ],
    ids=str,
)
def test_a_quote_that_cannot_be_is_dropped_and_counted(quote):
    """
    BAD-100: NaN, infinite, zero, negative, crossed, empty, or with more digits than money has.
    """
    desk = Desk()
    desk.hold(100, 100)
    before = (desk.slot().mark, desk.slot().bid, desk.state.equity)
    desk.mark("AAA", **quote)

    assert before == (desk.slot().mark, desk.slot().bid, desk.state.equity)
    assert 1 == desk.session.context.watch.dropped


def test_a_quote_that_is_late_or_of_nothing_we_know_is_dropped():
    """
    BAD-101: out of order, or an unknown symbol.
    """
    desk = ready()
    desk.mark("ZZZ", 100)
    desk.now -= timedelta(seconds=1)
    desk.mark("AAA", 99)

    assert (2, D(100)) == (desk.session.context.watch.dropped, desk.slot().mark)


def test_prices_may_be_negative_where_the_instrument_says_so():
    """
    C02: oil futures did it in 2020.
    """
    desk = Desk(instruments=[stock("CL", allows_negative_price=True, multiplier=D(10))])
    desk.mark("CL", 1)
    desk.hold(1, 1, "CL")
    for _ in range(2):
        desk.mark("CL", -37)

    assert D(100_000) - 380 == desk.state.equity

    desk.mark("CL", bid=-38, ask=-36)
    desk.mark("CL", bid=-38, ask=-36)

    assert D(-37) == desk.slot("CL").mark


def test_the_middle_of_the_book_is_the_price_where_nothing_was_traded():
    """
    RSK-02: last, else mid.
    """
    desk = Desk()
    desk.mark("AAA", bid=99, ask=102)

    assert D("100.5") == desk.slot().mark

    desk.mark("AAA", 101, bid=99, ask=102)

    assert D(101) == desk.slot().mark


# --- C14: trading hours ---------------------------------------------------------------------------

HOURS = {
    "trading_windows": ((minutes("09:30"), minutes("11:30")), (minutes("13:00"), minutes("15:00"))),
    "timezone": "Asia/Shanghai",
    "trading_weekdays": (0, 1, 2, 3, 4),
}


def shanghai(text, day=5):
    return datetime.fromisoformat(f"2026-01-{day:02}T{text}+08:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("clock", "codes"),
    [
        ("09:29:59.999999", ("outside_trading_hours",)),
        ("09:30:00", ()),
        ("09:30:00.000001", ()),
        ("11:29:59.999999", ()),
        ("11:30:00", ("outside_trading_hours",)),
        ("12:59:59.999999", ("outside_trading_hours",)),
        ("13:00:00", ()),
        ("14:59:59.999999", ()),
        ("15:00:00", ("outside_trading_hours",)),
    ],
)
def test_windows_are_half_open(clock, codes):
    """
    C14, RSK-26: start belongs to the window, the end does not; the lunch break is closed.
    """
    desk = Desk(now=shanghai(clock), **HOURS)
    desk.mark("AAA", 100)

    assert codes == denied(desk)


def test_exits_wait_for_the_opening_too_and_weekends_are_closed():
    """
    C14: exits only if the venue is open.
    """
    desk = Desk(now=shanghai("14:59:58", day=9), **HOURS)
    desk.hold(100)
    desk.pass_time(2)

    assert ("outside_trading_hours",) == denied(desk, "sell")
    assert "2026-01-12 01:30 UTC" in desk.last(e.OrderDenied).reasons[0].message


@pytest.mark.parametrize(
    ("clock", "codes"),
    [("14:54:59.999999", ()), ("14:55:00", ("entry_cutoff",)), ("14:55:00.000001", ("entry_cutoff",))],
)
def test_entries_stop_before_the_close(clock, codes):
    """
    RSK-26: an entry must be able to finish; exits may still come.
    """
    desk = Desk(now=shanghai("14:54:00"), entry_cutoff=5, **HOURS)
    desk.hold(100)
    desk.pass_time((shanghai(clock) - desk.now).total_seconds())
    desk.mark("AAA", 100)

    assert codes == denied(desk)
    assert () == denied(desk, "sell")


def test_a_clock_that_goes_back_over_an_opening_closes_it_again():
    """
    F08: hours are those of the clock as it is now.
    """
    desk = Desk(now=shanghai("09:30:00"), **HOURS)
    desk.mark("AAA", 100)

    assert () == denied(desk)

    desk.now = shanghai("09:29:00")

    assert ("outside_trading_hours",) == denied(desk)


# --- C17, RSK-06 ----------------------------------------------------------------------------------


def test_there_is_nothing_to_sell_short():
    """
    Ruling 10: a sell without a position, shorting off.
    """
    assert ("nothing_to_sell",) == denied(ready(), "sell")


@pytest.mark.parametrize(("quantity", "codes"), [(99, ()), (100, ()), (101, ("would_flip",))])
def test_an_exit_never_turns_the_position_around(quantity, codes):
    """
    RSK-06: no silent clipping either.
    """
    desk = ready()
    desk.hold(100)

    assert codes == denied(desk, "sell", quantity)


def test_open_exits_count_as_filled():
    """
    RSK-06: open sells leave that much less to sell, and at the end nothing.
    """
    desk = ready()
    desk.hold(100)
    desk.order("sell", 60)

    assert ("would_flip",) == denied(desk, "sell", 41)
    assert () == denied(desk, "sell")
    assert D(40) == desk.last(e.OrderIntended).draft.quantity
    assert ("exit_working",) == denied(desk, "sell")


def test_a_signal_against_a_short_closes_it_and_beyond_that_enters():
    """
    RSK-06: with shorting on, the opening part meets the rules.
    """
    desk = ready(allow_short=True, rules=four(position="0.1"))
    desk.hold(-100)

    assert () == denied(desk, "buy", 100)
    assert desk.last(e.OrderIntended).entry is False

    desk.fill(desk.last(e.OrderIntended).client_order_id, 100)
    desk.hold(-50)

    assert ("position_size",) == denied(desk, "buy", 160)
    assert () == denied(desk, "buy", 100)
    assert desk.last(e.OrderIntended).entry is True


# --- C19: the signal ------------------------------------------------------------------------------


@pytest.mark.parametrize(("age", "codes"), [(59.9, ()), (60, ()), (60.1, ("stale_signal",))])
def test_a_signal_is_at_most_so_old(age, codes):
    """
    C19: max_signal_age.
    """
    assert codes == denied(ready(max_signal_age=60.0), at=MONDAY - timedelta(seconds=age))


@pytest.mark.parametrize(("ahead", "codes"), [(4.9, ()), (5, ()), (5.1, ("future_signal",))])
def test_a_signal_comes_from_the_future_by_the_skew_at_most(ahead, codes):
    """
    C19, BAD-064.
    """
    assert codes == denied(ready(), at=MONDAY + timedelta(seconds=ahead))


@pytest.mark.parametrize(("confidence", "codes"), [("0.61", ()), ("0.6", ()), ("0.59", ("low_confidence",))])
def test_a_signal_is_confident_enough(confidence, codes):
    """
    C19: the floor itself passes.
    """
    assert codes == denied(ready(min_confidence=D("0.6")), confidence=confidence)


# --- Sizing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (D(0), "zero_size"),
        (D("0.5"), "below_min_lot"),
        (D("NaN"), "sizer_fault"),
        (D(-1), "sizer_fault"),
        (D("Infinity"), "sizer_fault"),
        (D("1E+300"), "sizer_fault"),
        (10, "sizer_fault"),
        (None, "sizer_fault"),
        ("10", "sizer_fault"),
        (1.0, "sizer_fault"),
        (lambda view: 1 // 0, "sizer_fault"),
        (lambda view: sys.exit(1), "sizer_fault"),
    ],
    ids=[
        "zero",
        "half",
        "nan",
        "negative",
        "infinite",
        "huge",
        "int",
        "none",
        "text",
        "float",
        "raises",
        "exits",
    ],
)
def test_a_sizer_that_does_not_answer_with_a_quantity_denies(answer, code):
    """
    F25, BAD-074, RSK-20.
    """
    sizer = Fixed()
    sizer.answer = answer
    desk = ready(sizer=sizer)

    assert code in denied(desk)


def test_the_sizer_is_told_what_all_limits_leave():
    """
    RSK-20: headroom of rules and gates, rounded down to the lot and never up.
    """
    sizer = Fixed(10_000)
    desk = Desk(
        sizer=sizer,
        rules=[Scripted(room=D("250.5"))],
        instruments=[stock(lot_size=D("0.5"), maximum_quantity=D(700))],
        max_order_quantity=D(600),
    )
    desk.mark("AAA", 100)
    answer = desk.signal()

    assert (D("250.5"), D("250.5")) == (sizer.seen[0].headroom, answer.draft.quantity)
    assert "fixed: 10000 at 101 a unit, headroom 250.5 (scripted), lot 0.5" == answer.sizing


@pytest.mark.parametrize(
    ("terms", "listed", "quantity", "limiting"),
    [
        ({"max_order_value": D(5_050)}, {}, 50, "max_order_value"),
        ({"max_order_value": D(5_049)}, {}, 49, "max_order_value"),
        ({}, {"maximum_notional": D(4_040)}, 40, "notional_range"),
        ({"max_order_value": D(5_050)}, {"maximum_notional": D(4_040)}, 40, "notional_range"),
        ({"max_order_value": D(3_030)}, {"maximum_notional": D(4_040)}, 30, "max_order_value"),
        ({"commission_rate": D("0.01")}, {}, 980, "session_capital"),
        ({}, {}, 990, "session_capital"),
    ],
)
def test_a_sizer_gets_the_room_that_the_tightest_limit_on_value_leaves(terms, listed, quantity, limiting):
    """
    RSK-20: the worst case of a unit is 101; what the order may be worth leaves so many.
    """
    desk = Desk(sizer=Fixed(10_000), instruments=[stock(**listed)], **terms)
    desk.mark("AAA", 100)
    answer = desk.signal()

    assert D(quantity) == answer.draft.quantity
    assert f"({limiting})" in answer.sizing
    desk.check()


def test_what_the_limits_leave_may_be_less_than_a_lot():
    """
    RSK-20: below the lot is a denial, with the limits that are to blame.
    """
    desk = ready(rules=[Scripted(check=Deny("position_size", "too large", D(2), D(1)), room=D("0.9"))])

    assert ("below_min_lot", "position_size") == denied(desk)


def test_without_room_a_sizer_that_asks_for_nothing_is_not_to_blame():
    """
    RSK-20: it was told that there is no room.
    """
    desk = ready(sizer=Fixed(0), rules=[Scripted(check=Deny("drawdown", "fallen"), room=D(0))])

    assert ("below_min_lot", "drawdown") == denied(desk)


def test_numbers_that_do_not_fit_are_denied_and_nothing_breaks():
    """
    BAD-077: more digits than money is counted in.
    """
    digits = D("123456789012345.123456789012")
    desk = ready()
    desk.mark("AAA", 100)

    assert ("out_of_range",) == denied(desk, "buy", digits, limit_price=digits, order_type=OrderType.LIMIT)


# --- Currencies -----------------------------------------------------------------------------------


def test_without_a_rate_nothing_in_that_currency_enters():
    """
    RSK-08: missing and stale rates deny. F42.
    """
    desk = Desk(instruments=[stock("SAP", "EUR"), stock("EUR/USD", tick_size=D("0.0001"))])
    desk.mark("SAP", 100)

    assert "fx_missing" in denied(desk, symbol="SAP")

    desk.mark("EUR/USD", "1.10")

    assert () == denied(desk, symbol="SAP")

    desk.pass_time(5.001)
    desk.mark("SAP", 100)

    assert ("fx_stale",) == denied(desk, symbol="SAP")

    desk.mark("EUR/USD", "1.10")
    desk.mark("EUR/USD", "2.10")

    assert ("fx_stale",) == denied(desk, symbol="SAP")


# --- Rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["position", "sectors", "fall", "loss"])
def test_each_of_the_four_rules_denies_under_its_own_code(rule):
    """
    RSK-20..23: the codes of the reference page are those of the rules.
    """
    desk = Desk(rules=four(**{rule: "0.0001"}), instruments=[stock("AAA"), stock("ZZZ")])
    code = {
        "position": "position_size",
        "sectors": "sector_concentration",
        "fall": "drawdown",
        "loss": "daily_loss",
    }[rule]
    desk.mark("AAA", 100)
    if rule in {"fall", "loss"}:
        desk.hold(1)
        desk.slot().blocked = None
        desk.state.latches.clear()
        desk.mark("AAA", 85)
        assert code in desk.state.latches

        desk.state.latches.clear()
        desk.state.settle_trading_state()

    assert code in desk.codes("buy", 1)


def test_an_instrument_without_a_sector_and_a_session_without_equity_are_denied():
    """
    RSK-20, RSK-21.
    """
    desk = Desk(rules=four(), instruments=[stock("ZZZ")])
    desk.mark("ZZZ", 100)

    assert ("sector_unknown",) == denied(desk, "buy", 1, "ZZZ")

    broke = ready(rules=four()[:1], initial_capital=D(0))

    assert "equity_not_positive" in denied(broke, "buy", 1)


def test_a_rule_that_fails_is_a_denial():
    """
    RSK-43.
    """
    assert ("rule_fault",) == denied(ready(rules=[Scripted(check=None)]))


def test_every_code_of_the_reference_is_expected_here():
    """
    A denial code that no test of gates or limits expects would be one that nobody has seen.
    """
    names = ("gates", "controls", "account", "kinds", "markets", "brackets")
    files = [Path(__file__).with_name(f"test_{name}.py") for name in names]
    text = "".join(file.read_text(encoding="utf-8") for file in files)

    assert [] == [code for code in DENIALS if f'"{code}"' not in text]
