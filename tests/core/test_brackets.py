"""
The exits that an entry brings: judged with it, watched once it fills, ended with its position.
"""

from decimal import Decimal

import pytest
from core_desk import Desk, stock
from hypothesis import given, settings
from hypothesis import strategies as st
from test_corporate import declared, dividend, midnight, same, split

from ltm.builtins.config import RiskPerTradeConfig
from ltm.builtins.sizers import Sizer
from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.snapshot import dump, load
from ltm.core.views import positions_of
from ltm.model.enums import OrderStatus, OrderType, Purpose
from ltm.model.errors import InvalidTransition
from ltm.model.market import Quote
from ltm.model.reports import Acked

D = Decimal
STOP, PROFIT = Purpose.STOP_LOSS, Purpose.TAKE_PROFIT


@pytest.fixture
def desk():
    desk = ready()
    yield desk
    desk.check()


def ready(**terms):
    terms.setdefault("allow_short", True)
    desk = Desk(**terms)
    desk.mark("AAA", bid=99, ask=101)
    return desk


def levels(stop=None, profit=None):
    found = {"stop_loss_price": stop, "take_profit_price": profit}
    return {name: D(str(price)) for name, price in found.items() if price is not None}


def enter(desk, stop=95, profit=110, quantity=100, *, action="buy", price=100, **fields):
    """
    A position whose entry brought these exits.
    """
    order_id = desk.order(action, quantity, **levels(stop, profit), **fields)
    desk.fill(order_id, quantity, price)
    return order_id


def exits(desk):
    return [
        (event.draft.purpose, str(event.draft.side), event.draft.quantity)
        for event in desk.all(e.OrderIntended)
        if event.draft.purpose is not Purpose.SIGNAL
    ]


def guarded(desk):
    slot = desk.slot()
    return slot.exit_low, slot.exit_high


# --- Which levels an entry may name ---------------------------------------------------------------

LIMIT = {"order_type": OrderType.LIMIT}
TRIGGER = {"order_type": OrderType.STOP}
BOTH = {"order_type": OrderType.STOP_LIMIT}


@pytest.mark.parametrize(
    ("action", "kind", "bound"),
    [
        ("buy", {}, 99),
        ("buy", {**LIMIT, "limit_price": 98}, 98),
        ("buy", {**LIMIT, "limit_price": 102}, 99),
        ("buy", {**TRIGGER, "trigger_price": 105}, 105),
        ("buy", {**BOTH, "trigger_price": 105, "limit_price": 104}, 104),
    ],
    ids=str,
)
def test_the_stop_of_a_buy_is_below_all_prices_at_which_it_may_fill_or_be_closed(action, kind, bound):
    """
    C02: one tick inside, at the bound, one beyond; the bid counts for what may fill at once.
    """
    tick = D("0.01")
    codes = [ready().codes(action, 10, **kind, **levels(bound + shift)) for shift in (-tick, 0, tick)]

    assert [(), ("bracket_side",), ("bracket_side",)] == codes


@pytest.mark.parametrize(
    ("kind", "bound"),
    [
        ({}, 101),
        ({**LIMIT, "limit_price": 98}, 98),
        ({**LIMIT, "limit_price": 102}, 102),
        ({**TRIGGER, "trigger_price": 105}, 105),
        ({**TRIGGER, "trigger_price": 90}, 101),
        ({**BOTH, "trigger_price": 105, "limit_price": 106}, 106),
    ],
    ids=str,
)
def test_the_profit_of_a_buy_is_above_all_prices_at_which_it_may_fill(kind, bound):
    """
    C02: one tick inside, at the bound, one beyond.
    """
    tick = D("0.01")
    codes = [ready().codes("buy", 10, **kind, **levels(None, bound + shift)) for shift in (tick, 0, -tick)]

    assert [(), ("bracket_side",), ("bracket_side",)] == codes


@pytest.mark.parametrize(
    ("kind", "stop", "profit"),
    [
        ({}, 101, 99),
        ({**LIMIT, "limit_price": 102}, 102, 102),
        ({**LIMIT, "limit_price": 98}, 101, 98),
        ({**TRIGGER, "trigger_price": 95}, 95, 95),
        ({**TRIGGER, "trigger_price": 110}, 110, 99),
    ],
    ids=str,
)
def test_the_exits_of_a_short_sale_are_mirrored(kind, stop, profit):
    """
    C02: the stop above, the profit below; one tick inside, at the bound, one beyond.
    """
    tick = D("0.01")
    stops = [ready().codes("sell", 10, **kind, **levels(stop + shift)) for shift in (tick, 0, -tick)]
    profits = [
        ready().codes("sell", 10, **kind, **levels(None, profit + shift)) for shift in (-tick, 0, tick)
    ]

    assert [(), ("bracket_side",), ("bracket_side",)] == stops == profits


def test_the_denial_names_the_level_and_its_bound(desk):
    """
    BAD-073, in the shape of bad input: field, rule, value.
    """
    answer = desk.signal("buy", 10, **levels(100, 110))

    assert "stop_loss_price must be below 99, where this buy may fill, got 100" == answer.reasons[0].message
    assert (D(100), D(99)) == (answer.reasons[0].measured, answer.reasons[0].limit)
    assert [] == desk.submitted()


@pytest.mark.parametrize(("price", "codes"), [("95.00", ()), ("95.05", ()), ("95.055", ("tick",))])
@pytest.mark.parametrize("name", ["stop", "profit"])
def test_a_level_off_the_grid_is_refused_like_a_limit(price, codes, name):
    """
    C03: nothing is rounded that somebody named.
    """
    desk = ready(instruments=[stock("AAA", tick_size=D("0.05"))])
    shift = D(10) if name == "profit" else D(0)

    assert codes == desk.codes("buy", 10, **levels(**{name: D(price) + shift}))


def test_an_instrument_without_a_grid_is_refused_by_its_own_gate():
    """
    BAD-107: there is nothing to divide by.
    """
    desk = ready(instruments=[stock("AAA", tick_size=D(0))])

    assert ("not_tradable",) == desk.codes("buy", 10, **levels(95))


def test_before_the_first_price_a_limit_is_judged_by_itself():
    """
    C07 denies the order; its levels are judged all the same.
    """
    desk = Desk()
    limit = {**LIMIT, "limit_price": 98}

    assert ("no_price",) == desk.codes("buy", 10, **limit, **levels(97))
    assert ("bracket_side",) == desk.codes("buy", 10, **limit, **levels(98))


@pytest.mark.parametrize("asked", [None, 40, 100])
def test_what_only_closes_a_position_takes_no_levels(desk, asked):
    """
    They belong to an entry; the message says what to leave out.
    """
    desk.hold(100)
    answer = desk.signal("sell", asked, **levels(110))

    assert ["bracket_on_exit"] == [reason.code for reason in answer.reasons]
    assert "leave out stop_loss_price and take_profit_price" in answer.reasons[0].message


# --- Once it fills --------------------------------------------------------------------------------


@pytest.mark.parametrize(("price", "purpose"), [("95.01", []), ("95", [STOP]), ("94.99", [STOP])])
def test_the_stop_closes_the_position(desk, price, purpose):
    """
    RSK-24: one tick inside, at the level, one beyond.
    """
    enter(desk)
    desk.mark("AAA", price)

    assert [(one, "sell", D(100)) for one in purpose] == exits(desk)


@pytest.mark.parametrize(("price", "purpose"), [("109.99", []), ("110", [PROFIT]), ("110.01", [PROFIT])])
def test_the_profit_closes_the_position(desk, price, purpose):
    """
    RSK-24: one tick inside, at the level, one beyond.
    """
    enter(desk)
    desk.mark("AAA", price)

    assert [(one, "sell", D(100)) for one in purpose] == exits(desk)


@pytest.mark.parametrize(("price", "purpose"), [(105, STOP), (90, PROFIT)])
def test_a_short_position_is_closed_the_other_way_round(desk, price, purpose):
    enter(desk, 105, 90, action="sell")
    desk.mark("AAA", price)

    assert [(purpose, "buy", D(100))] == exits(desk)


@pytest.mark.parametrize("first", [94, 111])
def test_one_cancels_the_other(desk, first):
    """
    RSK-24: whichever comes first closes all of it, and the other finds nothing to close.
    """
    enter(desk)
    desk.mark("AAA", first)
    desk.mark("AAA", 111 if first == 94 else 94)
    desk.wait(5)

    assert 1 == len(exits(desk))

    desk.answer(desk.submitted()[-1])
    desk.fill(desk.submitted()[-1], 100, first)
    desk.mark("AAA", 94)
    desk.mark("AAA", 111)
    desk.wait(5)

    assert (1, D(0), (None, None)) == (len(exits(desk)), desk.slot().position, guarded(desk))


def test_the_record_of_the_exit_says_which_entry_named_it(desk):
    order_id = enter(desk)
    desk.mark("AAA", 94)

    assert (
        f"stop_loss at 95, named by order {order_id}: the whole position" == desk.last(e.OrderIntended).sizing
    )


def test_a_part_that_fills_is_guarded_at_once(desk):
    """
    The rest of the entry is canceled before the exit is sent, and only what is held is sold.
    """
    order_id = desk.order("buy", 100, **LIMIT, limit_price=100, **levels(95, 110))

    assert (None, None) == guarded(desk)

    desk.fill(order_id, 30, 100)

    assert (D(95), D(110)) == guarded(desk)

    desk.mark("AAA", 94)

    assert desk.get(order_id).cancel_pending

    desk.do(c.CancelAnswered(order_id, Acked("x")))
    desk.say(order_id, OrderStatus.CANCELED, 30)
    desk.wait(1)

    assert [(STOP, "sell", D(30))] == exits(desk)


def test_an_entry_that_never_fills_leaves_nothing_behind(desk):
    order_id = desk.order("buy", 100, **LIMIT, limit_price=90, **levels(85, 110))
    desk.do(c.CancelOrder(order_id, "me"))
    desk.do(c.CancelAnswered(order_id, Acked("x")))
    desk.say(order_id, OrderStatus.CANCELED)
    desk.hold(10)

    assert (None, (None, None)) == (desk.slot().guard, guarded(desk))


@pytest.mark.parametrize(
    ("terms", "low", "high"),
    [
        ({"stop_loss_pct": D("0.04")}, 96, 110),
        ({"stop_loss_pct": D("0.06")}, 95, 110),
        ({"take_profit_pct": D("0.09")}, 95, 109),
        ({"take_profit_pct": D("0.11")}, 95, 110),
        ({"trailing_stop_distance": D(4)}, 96, "100.01"),
        ({"trailing_stop_distance": D(6)}, 95, "100.01"),
    ],
    ids=str,
)
def test_of_the_sessions_levels_and_the_signals_the_first_to_be_met_counts(terms, low, high):
    """
    RSK-24: a trailing stop also looks up at each better price.
    """
    desk = ready(**terms)
    enter(desk)

    assert (D(low), D(high)) == guarded(desk)
    desk.check()


@pytest.mark.parametrize(
    ("terms", "low", "high"),
    [
        ({"stop_loss_pct": D("0.04"), "take_profit_pct": D("0.2")}, 90, 104),
        ({"stop_loss_pct": D("0.06"), "take_profit_pct": D("0.09")}, 91, 105),
    ],
    ids=str,
)
def test_the_same_for_a_short_position(terms, low, high):
    desk = ready(**terms)
    enter(desk, 105, 90, action="sell")

    assert (D(low), D(high)) == guarded(desk)
    desk.check()


def test_beside_a_trailing_stop_the_profit_is_still_taken():
    desk = ready(trailing_stop_distance=D(3))
    enter(desk)
    for price in (104, 108, 110):
        desk.mark("AAA", price)

    assert [(PROFIT, "sell", D(100))] == exits(desk)
    assert "take_profit at 110, named by order" in desk.last(e.OrderIntended).sizing
    desk.check()


def test_a_trailing_stop_that_is_met_first_is_not_the_entrys(desk):
    desk = ready(trailing_stop_distance=D(3))
    enter(desk)
    desk.mark("AAA", 97)

    assert "trailing_stop: the whole position" == desk.last(e.OrderIntended).sizing


def test_a_sessions_stop_that_is_met_first_is_not_the_entrys():
    desk = ready(stop_loss_pct=D("0.02"))
    enter(desk)
    desk.mark("AAA", 98)

    assert "stop_loss: the whole position" == desk.last(e.OrderIntended).sizing


# --- Whose levels count ---------------------------------------------------------------------------


def test_a_later_entry_sets_them_anew_for_the_whole_position(desk):
    enter(desk)
    enter(desk, 97, None, quantity=50)

    assert (D(97), None) == guarded(desk)

    desk.mark("AAA", 97)

    assert [(STOP, "sell", D(150))] == exits(desk)


def test_a_later_entry_without_levels_leaves_them(desk):
    enter(desk)
    desk.hold(50)

    assert (D(95), D(110)) == guarded(desk)


def test_the_rest_of_an_earlier_entry_does_not_bring_its_levels_back(desk):
    """
    Two entries fill in turns: those of the later one stand.
    """
    earlier = desk.order("buy", 100, **LIMIT, limit_price=100, **levels(90, 120))
    desk.fill(earlier, 10, 100)
    enter(desk, 97, 110, quantity=50)
    desk.fill(earlier, 90, 100)

    assert (D(97), D(110)) == guarded(desk)


def test_levels_end_with_the_position(desk):
    """
    RSK-24: the next position is not guarded by the exits of the last one.
    """
    enter(desk)
    order_id = desk.order("sell")
    desk.fill(order_id, 100)
    desk.hold(10)
    desk.mark("AAA", 94)
    desk.mark("AAA", 111)

    assert ([], (None, None)) == (exits(desk), guarded(desk))


def test_a_position_that_turns_around_begins_anew(desk):
    """
    The sale's levels guard the short position once there is one, and the long one never.
    """
    enter(desk)
    order_id = desk.order("sell", 150, **levels(105, 90))
    desk.fill(order_id, 60, 100)

    assert (D(95), D(110)) == guarded(desk)

    desk.fill(order_id, 90, 100)

    assert (D(90), D(105)) == guarded(desk)
    assert D(-50) == desk.slot().position


def test_the_rest_that_fills_after_the_exit_is_guarded_too(desk):
    """
    F18: the entry is filled on after its stop has closed what there was; what is held then has the same exits.
    """
    order_id = desk.order("buy", 100, **LIMIT, limit_price=100, **levels(95, 110))
    desk.fill(order_id, 30, 100)
    closing = desk.order("sell")
    desk.fill(closing, 30, 100)

    assert (None, None) == guarded(desk)

    desk.fill(order_id, 70, 100)

    assert (D(95), D(110)) == guarded(desk)


def test_a_fill_that_is_taken_back_takes_the_levels_and_its_correction_brings_them(desk):
    """
    F20: a bust, and the corrected fill.
    """
    order_id = desk.order("buy", 100, **levels(95, 110))
    desk.fill(order_id, 100, 100, "f1")
    desk.fill(order_id, 0, 100, "f1")

    assert (None, None) == guarded(desk)

    desk.fill(order_id, 80, 100, "f1")

    assert (D(95), D(110)) == guarded(desk)


@pytest.mark.parametrize("turned", [False, True])
def test_an_exit_that_the_venue_takes_back_leaves_the_position_guarded(desk, turned):
    """
    F20: the position is there again, and so are its exits, but not on a position of the other side.
    """
    entry = enter(desk)
    desk.mark("AAA", 94)
    closing = desk.submitted()[-1]
    desk.answer(closing)
    desk.fill(closing, 100, 94, "x")
    if turned:
        fill_id = next(iter(desk.get(entry).fills))
        desk.fill(entry, 0, 100, fill_id)

        assert (D(-100), (None, None)) == (desk.slot().position, guarded(desk))
    else:
        desk.fill(closing, 0, 94, "x")

        assert (D(100), (D(95), D(110))) == (desk.slot().position, guarded(desk))


# --- A replacement --------------------------------------------------------------------------------


def gone(desk, order_id, filled=0):
    desk.do(c.CancelAnswered(order_id, Acked("x")))
    desk.say(order_id, OrderStatus.CANCELED, filled)


def test_what_replaces_an_entry_brings_its_levels(desk):
    order_id = desk.order("buy", 100, **LIMIT, limit_price=98, **levels(95, 110))
    desk.do(c.ReplaceOrder(client_order_id=order_id, by="me", limit_price=D(97)))
    gone(desk, order_id)
    new = desk.get(order_id).replaced_by
    desk.answer(new)
    desk.fill(new, 100, 97)

    assert (D(95), D(110)) == guarded(desk)


def test_a_replacement_beyond_its_own_stop_is_refused_while_the_order_still_stands(desk):
    order_id = desk.order("buy", 100, **LIMIT, limit_price=98, **levels(95, 110))

    with pytest.raises(InvalidTransition, match="stop_loss_price must be below 95, where this buy may fill"):
        desk.do(c.ReplaceOrder(client_order_id=order_id, by="me", limit_price=D(95)))
    assert not desk.get(order_id).cancel_pending


def test_a_replacement_that_has_become_an_exit_brings_none(desk):
    """
    The position turned around while the old order was being canceled.
    """
    order_id = desk.order("buy", 10, **LIMIT, limit_price=98, **levels(95, 110))
    desk.do(c.ReplaceOrder(client_order_id=order_id, by="me", limit_price=D(97)))
    sale = desk.order("sell", 30)
    desk.fill(sale, 30, 99)
    gone(desk, order_id)
    new = desk.get(desk.get(order_id).replaced_by)

    assert (False, None) == (new.entry, new.bracket)


# --- Whatever dies --------------------------------------------------------------------------------


@pytest.mark.parametrize("through", ["records", "snapshot"])
@pytest.mark.parametrize("filled", [True, False])
def test_they_survive_the_process(desk, through, filled):
    """
    F01, K1 to K16: of a position, and of an entry that fills after the restart.
    """
    order_id = desk.order("buy", 100, **LIMIT, limit_price=100, **levels(95, 110))
    if filled:
        desk.fill(order_id, 100, 100)
    desk.restart(through=through)
    desk.start()
    if not filled:
        desk.fill(order_id, 100, 100)
    desk.mark("AAA", 100)

    assert (D(95), D(110)) == guarded(desk)

    desk.mark("AAA", 95)

    assert [(STOP, "sell", D(100))] == exits(desk)


def test_a_process_that_dies_at_the_trigger_sends_one_exit(desk):
    """
    RSK-24, F01: the intent is in the journal; after the restart nothing is sent a second time.
    """
    enter(desk)
    desk.mark("AAA", 95)
    desk.restart()
    desk.start()
    desk.mark("AAA", 94)
    desk.mark("AAA", 111)
    desk.wait(5)

    assert [(STOP, "sell", D(100))] == exits(desk)


# --- Corporate actions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (split("2:1"), (D("310.03"), D("350.05"))),
        (split("7:1"), (D("88.58"), D("100.02"))),
        (split("1:2"), (D("1240.1"), D("1400.2"))),
        (dividend("0.5"), (D("619.55"), D("699.60"))),
    ],
    ids=str,
)
def test_the_levels_of_a_position_move_with_the_price(action, expected):
    """
    Like the trailing stop: neither is met by the action itself. Off the grid they go to the stop's nearer side.
    """
    desk = declared(action)
    enter(desk, "620.05", "700.10", 40, price="645.57")
    midnight(desk)
    desk.pass_time(1)

    assert expected == guarded(desk)
    assert expected == (desk.replayed().slots["AAA"].exit_low, desk.replayed().slots["AAA"].exit_high)
    assert [] == exits(desk)
    same(desk)


def test_the_levels_of_a_short_position_move_to_the_nearer_side_of_its_stop():
    desk = declared(split("7:1"), allow_short=True)
    enter(desk, "700.10", "620.05", 40, action="sell", price="645.57")
    midnight(desk)

    assert (D("88.57"), D("100.01")) == guarded(desk)
    same(desk)


@pytest.mark.parametrize("name", ["stop", "profit"])
def test_one_level_alone_moves_too(name):
    desk = declared(split("2:1"), dividend("0.5", on="2026-01-07"))
    price = {"stop": "620", "profit": "700"}[name]
    enter(desk, quantity=40, price="645.57", **{"stop": None, "profit": None, name: price})
    midnight(desk)
    midnight(desk)
    desk.wait(86_400)

    assert {D(price) / 2 - D("0.5"), None} == set(guarded(desk))
    same(desk)


def test_the_levels_of_an_open_entry_are_split_with_it():
    desk = declared(split("2:1"))
    life = {"time_in_force": "gtc"}
    order_id = desk.order("buy", 40, **LIMIT, limit_price=600, **levels("560.01"), **life)
    midnight(desk)
    desk.fill(order_id, 80, 300)

    assert (D("280.01"), None) == guarded(desk)
    same(desk)


@pytest.mark.parametrize("action", [split("2:1"), dividend()], ids=str)
def test_what_guarded_a_position_that_has_ended_is_forgotten(action):
    desk = declared(action)
    enter(desk, 600, 700, 40, price=645)
    closing = desk.order("sell", 40)
    desk.fill(closing, 40, 645)

    assert desk.slot().guard is not None

    midnight(desk)
    desk.pass_time(1)

    assert None is desk.slot().guard
    same(desk)


# --- What people see ------------------------------------------------------------------------------


def shown(desk):
    (row,) = positions_of(desk.state)
    return row.stop_loss_price, row.take_profit_price


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, (D(95), D(110))),
        ({"stop_loss_pct": D("0.04")}, (D(96), D(110))),
        ({"trailing_stop_distance": D(3)}, (D(97), D(110))),
        ({"take_profit_pct": D("0.05")}, (D(95), D(105))),
    ],
    ids=str,
)
def test_positions_show_where_they_are_closed(terms, expected):
    desk = ready(**terms)
    enter(desk)

    assert expected == shown(desk)


def test_positions_show_it_of_a_short_one_and_nothing_where_nothing_is(desk):
    enter(desk, 105, None, action="sell")

    assert (D(105), None) == shown(desk)

    other = ready()
    other.hold(10)

    assert (None, None) == shown(other)


def test_the_check_of_an_order_lists_its_levels(desk):
    answer = desk.signal("buy", 10, **levels(95, 110))

    assert ["stop_loss_price 95, take_profit_price 110"] == [
        check.message for check in answer.checks if check.rule == "bracket"
    ]


# --- The size of it -------------------------------------------------------------------------------


def risking(**terms):
    return ready(sizer=Sizer("risk_per_trade", RiskPerTradeConfig(risk=D("0.01"))), **terms)


@pytest.mark.parametrize(
    ("terms", "action", "kind", "quantity"),
    [
        ({}, "buy", {"stop_loss_price": D(91)}, 100),
        ({"stop_loss_pct": D("0.01")}, "buy", {"stop_loss_price": D(91)}, 100),
        ({"stop_loss_pct": D("0.10")}, "buy", {"take_profit_price": D(120)}, 99),
        ({}, "buy", {**LIMIT, "limit_price": D(98), "stop_loss_price": D(93)}, 200),
        ({"market_collar": D("0.01")}, "buy", {"stop_loss_price": D(92)}, 99),
        ({}, "sell", {"stop_loss_price": D(109)}, 100),
        ({"market_collar": D("0.01")}, "sell", {"stop_loss_price": D(109)}, 90),
        ({}, "sell", {**LIMIT, "limit_price": D(104), "stop_loss_price": D(109)}, 200),
        ({}, "sell", {**TRIGGER, "trigger_price": D(94), "stop_loss_price": D(104)}, 100),
    ],
    ids=str,
)
def test_risk_per_trade_counts_to_the_signals_own_stop(terms, action, kind, quantity):
    """
    A hundredth of 100,000 is lost between the worst price of the entry and the stop that the signal names.
    """
    desk = risking(**{"market_collar": D(0), **terms})
    answer = desk.signal(action, None, **kind)

    assert quantity == answer.draft.quantity
    desk.check()


@pytest.mark.parametrize("multiplier", [1, 10])
def test_a_multiplier_and_an_exchange_rate_count(multiplier):
    listed = [stock("AAA", "EUR", multiplier=D(multiplier)), stock("EUR/USD")]
    desk = Desk(
        sizer=Sizer("risk_per_trade", RiskPerTradeConfig(risk=D("0.01"))),
        instruments=listed,
        market_collar=D(0),
    )
    desk.mark("EUR/USD", 2)
    desk.mark("AAA", 100)
    answer = desk.signal("buy", None, stop_loss_price=D(95))

    assert D(1000) / 5 / 2 / multiplier == answer.draft.quantity


@settings(max_examples=60, deadline=None)
@given(
    action=st.sampled_from(["buy", "sell"]),
    away=st.integers(1, 4000),
    limit=st.none() | st.integers(8000, 12_000),
    risk=st.integers(1, 200),
    lot=st.sampled_from([1, 7, 100]),
    session=st.none() | st.integers(1, 50),
)
def test_no_more_equity_is_at_risk_than_is_configured(action, away, limit, risk, lot, session):  # noqa: PLR0917 - what is drawn
    """
    Whatever the stop: filled at its worst and closed at the stop, the entry loses at most the configured fraction.
    """
    share, collar = D(risk).scaleb(-4), D("0.01")
    desk = ready(
        sizer=Sizer("risk_per_trade", RiskPerTradeConfig(risk=share)),
        instruments=[stock("AAA", lot_size=D(lot))],
        market_collar=collar,
        stop_loss_pct=None if session is None else D(session).scaleb(-2),
    )
    is_buy = action == "buy"
    price = None if limit is None else D(limit).scaleb(-2)
    worst = price or (D(101) * (1 + collar) if is_buy else D(99) * (1 - collar))
    bound = min(price or D(99), D(99)) if is_buy else max(price or D(101), D(101))
    stop = bound - D(away).scaleb(-2) if is_buy else bound + D(away).scaleb(-2)
    kind = {} if price is None else {**LIMIT, "limit_price": price}
    answer = desk.signal(action, None, stop_loss_price=stop, **kind)

    quantity = answer.draft.quantity if isinstance(answer, e.OrderIntended) else D(0)
    assert quantity * abs(worst - stop) <= share * desk.state.equity
    assert not quantity % lot
    if share * desk.state.equity >= lot * (abs(worst - stop) + 1):
        assert quantity, answer


# --- Whatever comes -------------------------------------------------------------------------------

PRICES = st.integers(70, 130)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), PRICES),
        st.tuples(st.just("enter"), st.sampled_from(["buy", "sell"]), st.integers(1, 60)),
        st.tuples(st.just("fill"), st.integers(1, 80)),
        st.tuples(st.just("cancel"), st.none()),
        st.tuples(st.just("wait"), st.integers(1, 70)),
        st.tuples(st.just("die"), st.sampled_from(["records", "snapshot"])),
    ),
    max_size=40,
)


def play(desk, step):
    match step:
        case ("mark", price):
            desk.mark("AAA", price)
        case ("enter", action, quantity):
            mark, sign = desk.slot().mark, 1 if action == "buy" else -1
            desk.signal(action, quantity, **levels(mark - 5 * sign, mark + 5 * sign))
        case ("fill", quantity):
            for order in list(desk.state.orders.values())[:1]:
                desk.answer(order.client_order_id)
                desk.fill(order.client_order_id, min(D(quantity), order.leaves), desk.slot().mark)
        case ("cancel", _):
            for order in list(desk.state.orders.values())[:1]:
                desk.answer(order.client_order_id)
                desk.do(c.CancelAnswered(order.client_order_id, Acked("x")))
                desk.say(order.client_order_id, OrderStatus.CANCELED, order.filled)
        case ("wait", seconds):
            desk.wait(seconds)
            desk.session.mark([Quote("AAA", desk.now, desk.slot().mark)])
        case ("die", through):
            mark = desk.slot().mark
            desk.restart(through=through)
            desk.start()
            desk.mark("AAA", mark)


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
def test_the_two_exits_never_close_more_than_the_position(steps):
    """
    I-11, RSK-24: whatever marks, fills, cancels and deaths come, own exits in flight are one, and end at flat at worst;
    and only an order of the position as it is may name its levels.
    """
    desk = ready(max_price_age=1e9)
    desk.mark("AAA", 100)
    for step in steps:
        play(desk, step)
        slot = desk.slot()
        own = [order for order in slot.orders.values() if order.purpose is not Purpose.SIGNAL]
        assert len(own) <= 1
        for order in own:
            assert order.leaves <= abs(slot.position)
            assert (order.side == "sell") == (slot.position > 0)
        if slot.position and slot.guard is not None and slot.exit_armed:
            named = desk.get(slot.guard.client_order_id)
            assert (named.side == "buy") == (slot.position > 0)
            assert named.filled
            assert slot.exit_low is None or slot.exit_high is None or slot.exit_low < slot.exit_high
        if not slot.position:
            assert (None, None) == guarded(desk)
    desk.check()
    assert load(dump(desk.state)).slots["AAA"].guard == desk.slot().guard
