"""
Corporate actions: position, cost, orders, exit levels and marks move together; profit and limits do not.
"""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from core_desk import D, Desk, stock
from core_rules import four
from hypothesis import given, settings
from hypothesis import strategies as st

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.invariants import violations
from ltm.core.snapshot import state_hash
from ltm.model.corporate import CorporateAction, action_of, actions_of
from ltm.model.enums import OrderStatus, OrderType
from ltm.model.errors import InvalidTransition

TUESDAY = date(2026, 1, 6)


def split(ratio="7:1", symbol="AAA", on="2026-01-06"):
    return action_of(on, symbol, "split", ratio)


def declared(*actions, **terms):
    terms.setdefault("instruments", [stock("AAA"), stock("BBB")])
    terms.setdefault("max_price_age", 86400.0 * 9)
    desk = Desk(corporate_actions=actions, **terms)
    desk.mark("AAA", "645.57")
    return desk


def midnight(desk):
    desk.wait((datetime(2026, 1, 6, tzinfo=UTC) - desk.now).total_seconds())
    desk.pass_time(1)


def held(desk, symbol="AAA"):
    slot = desk.slot(symbol)
    return slot.position, slot.cost


def same(desk):
    assert [] == violations(desk.state)
    assert state_hash(desk.state) == state_hash(desk.replayed())


def test_a_split_leaves_equity_cost_and_limits_as_they_were():
    """
    Apple, 7:1 on 9 June 2014: seven times the shares at a seventh of the price.
    """
    desk = declared(split(), rules=four(fall="0.1", loss="0.1"))
    desk.hold(40, "645.57")
    before = desk.state.equity, desk.state.peak, desk.state.day_base
    midnight(desk)

    assert (D(280), D("645.57") * 40) == held(desk)
    assert D("92.224285714286") == desk.slot().mark
    assert abs(before[0] - desk.state.equity) < D("1E-9")
    assert desk.state.trading_state == "active"
    assert 1 == desk.alerts().count("corporate_action")
    same(desk)


def test_the_new_price_is_no_jump_and_the_old_one_is():
    """
    RSK-02: without the declaration the fall of 86 % would trip every loss limit.
    """
    desk = declared(split(), rules=four(fall="0.1", loss="0.1"))
    desk.hold(40, "645.57")
    midnight(desk)
    desk.mark("AAA", "93.70")

    assert D("93.70") == desk.slot().mark
    assert {} == desk.state.latches
    assert D(280) * (D("93.70") - D("92.224285714286")) < desk.state.equity - D(100_000) + 1


def test_without_a_declaration_the_same_price_trips_the_limits():
    desk = declared(rules=four(fall="0.1", loss="0.1"))
    desk.hold(40, "645.57")
    midnight(desk)
    for _ in range(3):
        desk.wait(2)
        desk.mark("AAA", "93.70")

    assert "drawdown" in desk.state.latches


def test_stop_loss_and_take_profit_move_with_the_split():
    desk = declared(split("2:1"), stop_loss_pct=D("0.05"), take_profit_pct=D("0.10"))
    desk.hold(10, 100, "BBB")
    desk.hold(10, "645.57")
    midnight(desk)

    assert D("645.57") / 2 * D("0.95") == desk.slot().exit_low
    assert D("645.57") / 2 * D("1.10") == desk.slot().exit_high
    assert D(95) == desk.slot("BBB").exit_low
    desk.mark("AAA", 310)
    desk.mark("AAA", 306)
    sold = [order.draft for order in desk.all(e.OrderIntended) if order.draft.purpose == "stop_loss"]
    assert [D(20)] == [draft.quantity for draft in sold]


@pytest.mark.parametrize(
    ("action", "best", "stop"),
    [
        ("7:1", D("94.285714285714"), D("89.571428571428")),
        ("0.66", D("659.34"), D("626.373")),
    ],
)
def test_a_trailing_stop_follows_the_action_and_not_the_fall_that_it_makes(action, best, stop):
    """
    RSK-24: the best price so far, 660, is one of before; taken as it was it would sell at once.
    """
    kind = split(action) if ":" in action else dividend(action)
    desk = declared(kind, trailing_stop_pct=D("0.05"))
    desk.hold(40, "645.57")
    desk.mark("AAA", 660)
    midnight(desk)

    assert (best, stop) == (desk.slot().best, desk.slot().exit_low.quantize(D("1E-12")).normalize())
    assert (best, stop) == (
        desk.replayed().slots["AAA"].best,
        desk.replayed().slots["AAA"].exit_low.quantize(D("1E-12")).normalize(),
    )

    desk.mark("AAA", stop + D("0.5"))

    assert 1 == len(desk.all(e.OrderIntended))

    desk.mark("AAA", stop.quantize(D("0.01"), "ROUND_DOWN"))

    assert "trailing_stop" == desk.last(e.OrderIntended).draft.purpose
    same(desk)


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_a_split_is_applied_once_whatever_dies(through):
    """
    RSK-11: the action is in the journal, so a restart on the ex-date does not split again.
    """
    desk = declared(split())
    desk.hold(40, "645.57")
    midnight(desk)
    desk.restart(through=through)
    desk.boot()
    desk.connect()
    desk.sweep(positions=desk.positions(AAA=280))
    desk.tick()
    desk.wait(1)

    assert D(280) == desk.slot().position
    assert 1 == len([one for one in desk.records() if isinstance(one, e.CorporateActionApplied)])
    same(desk)


def test_a_session_that_was_down_on_the_ex_date_applies_it_when_it_is_back():
    """
    The venue's books are ahead: no drift, no trade.
    """
    desk = declared(split())
    desk.hold(40, "645.57")
    desk.now = datetime(2026, 1, 7, 12, tzinfo=UTC)
    desk.restart()
    desk.boot()
    desk.connect()
    desk.sweep(positions=desk.positions(AAA=280))
    desk.tick()
    desk.wait(6)
    desk.sweep(positions=desk.positions(AAA=280))

    assert D(280) == desk.slot().position
    assert [] == desk.all(e.DriftFound)
    assert desk.state.lifecycle == "running"


def test_an_action_from_before_the_session_is_none_of_its_business():
    desk = declared(split(on="2026-01-05"), split("3:1", on="2025-12-31"))
    desk.hold(40, "645.57")
    midnight(desk)

    assert D(40) == desk.slot().position
    assert [] == desk.all(e.CorporateActionApplied)


def test_what_works_is_adjusted_as_the_venue_adjusts_it():
    """
    A buy of 10 at 640, 4 of it filled, becomes one of 70 at 91.42, 28 of it filled.
    """
    desk = declared(split(), rules=four(fall="0.1", loss="0.1"))
    name = desk.limit("buy", 10, "640").client_order_id
    desk.answer(name)
    desk.fill(name, 4, 640, "f1")
    midnight(desk)
    order = desk.get(name)

    assert (D(70), D(28), D(42)) == (order.quantity, order.filled, order.leaves)
    assert D("91.42") == order.limit_price
    assert D(28) == desk.slot().position
    same(desk)

    desk.fill(name, 4, 640, "f1")
    assert D(28) == desk.slot().position
    desk.fill(name, 42, "91.42", "f2")
    assert OrderStatus.FILLED is desk.get(name).status
    assert D(70) == desk.slot().position
    same(desk)


def test_a_stop_that_sells_is_rounded_up():
    desk = declared(split())
    desk.hold(10, "645.57")
    name = desk.signal("sell", 10, trigger_price="600", order_type=OrderType.STOP).client_order_id
    desk.answer(name)
    midnight(desk)

    assert (D("85.72"), D(70)) == (desk.get(name).trigger_price, desk.get(name).quantity)
    same(desk)


def test_parts_and_what_shall_take_an_orders_place_are_adjusted_too():
    """
    A buy of 10 that the venue works as 6 and 4, and that shall become one of 20 at 630.
    """
    desk = declared(split())
    name = desk.limit("buy", 10, "640").client_order_id
    desk.answer(name)
    for part, quantity in (("p1", 6), ("p2", 4)):
        desk.say(name, OrderStatus.ACCEPTED, 0, venue_order_id=part, quantity=D(quantity))
    desk.do(c.ReplaceOrder(client_order_id=name, by="me", limit_price=D(630), quantity=D(20)))
    midnight(desk)
    order = desk.get(name)

    assert [D(42), D(28)] == [part.quantity for part in order.parts.values()]
    assert (D(140), D(90)) == (order.successor.quantity, order.successor.limit_price)
    same(desk)


def test_a_correction_of_a_fill_from_before_the_split_is_not_booked():
    """
    It comes in units that are no more; a sweep compares the holding.
    """
    desk = declared(split())
    name = desk.hold(10, "645.57")
    report = desk.fill_report(name, 9, "645.57", "f2")
    midnight(desk)
    desk.do(c.BrokerReported(desk.fill_report(name, 9, "645.57", next(iter(desk.get(name).before)))))

    assert D(70) == desk.slot().position
    assert report.fill_id not in desk.get(name).fills


@pytest.mark.parametrize(
    ("ratio", "position", "after", "paid"),
    [
        ("1:10", 105, 10, "50.00"),
        ("1:10", 100, 10, "0"),
        ("3:2", 101, 151, "33.33"),
        ("1:10", -105, -10, "-50.00"),
    ],
)
def test_a_fraction_is_paid_out_at_the_mark(ratio, position, after, paid):
    """
    105 shares at 10 are ten at 100 and 50 in cash, for a short holding the other way round.
    """
    desk = declared(split(ratio, "BBB"), allow_short=True)
    price = {"1:10": "10", "3:2": "100"}[ratio]
    desk.mark("BBB", price)
    desk.hold(position, price, "BBB")
    cash, equity = desk.state.cash["USD"], desk.state.equity
    midnight(desk)

    assert D(after) == desk.slot("BBB").position
    assert D(paid) == (desk.state.cash["USD"] - cash).quantize(D("0.01"))
    assert abs(desk.state.equity - equity) < D("1E-9")
    same(desk)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 50),
    st.integers(1, 50),
    st.integers(-2000, 2000).filter(bool),
    st.decimals("0.01", "2000", places=2),
)
def test_no_split_changes_what_a_session_is_worth(new, old, position, price):
    """
    A law: for every ratio, holding and price; books add up, and a replay gives the same ones.
    """
    if new == old:
        return
    desk = Desk(
        corporate_actions=(split(f"{new}:{old}"),),
        allow_short=True,
        initial_capital=D(10**9),
        cash=D(10**9),
        max_price_age=86400.0 * 9,
    )
    desk.mark("AAA", price)
    desk.hold(position, price)
    midnight(desk)

    assert abs(desk.state.equity - D(10**9)) < D("1E-6")
    same(desk)


def test_what_was_never_priced_or_held_is_split_all_the_same():
    desk = declared(split(symbol="BBB"), action_of("2026-01-06", "BBB", "dividend", "1"))
    midnight(desk)

    assert (D(0), None) == (desk.slot("BBB").position, desk.slot("BBB").mark)
    assert 2 == desk.alerts().count("corporate_action")
    same(desk)


def test_yesterdays_close_and_what_was_bought_follow():
    """
    C17, C18: a bonus issue of three for ten, and 1 a share.
    """
    share = "600519.SH"
    actions = (
        action_of("2026-01-06", share, "split", "13:10"),
        action_of("2026-01-06", share, "dividend", "1"),
    )
    desk = declared(*actions, instruments=[stock("AAA"), stock(share)], market="cn_a")
    desk.mark(share, 130)
    desk.hold(100, 130, share)
    desk.pass_time((datetime(2026, 1, 6, tzinfo=UTC) - desk.now).total_seconds())
    desk.tick()
    slot = desk.slot(share)

    assert D(130) == slot.position
    assert D(99) == slot.mark
    same(desk)
    desk.do(c.DeclareAction(action_of("2026-01-06", share, "rename", "600520.SH"), by="me"))
    assert slot is desk.slot("600520.SH")
    later = (
        action_of("2026-01-05", "600520.SH", "split", "2:1"),
        action_of("2026-01-05", "600520.SH", "dividend", "1"),
    )
    slot.previous_close = D(99)
    for action in later:
        desk.do(c.DeclareAction(action, by="me"))
    assert (D("48.5"), D("48.5")) == (slot.mark, slot.previous_close)


def test_a_dividend_in_another_currency_is_not_looked_for_in_the_accounts_cash():
    """
    RSK-08: it is worth what the rate makes of it; the account's cash is compared in its own currency only.
    """
    instruments = [stock("AAA", currency="EUR"), stock("BBB"), stock("EUR/USD")]
    desk = declared(dividend(), instruments=instruments)
    desk.mark("EUR/USD", "1.10")
    desk.mark("AAA", "645.57")
    desk.hold(10, "645.57")
    equity = desk.state.equity
    midnight(desk)

    assert (D(0), equity) == (desk.state.dividends, desk.state.equity)
    assert D("4.70") - D(10) * D("645.57") == desk.state.cash["EUR"]
    same(desk)


# --- Dividends ----------------------------------------------------------------------------------


def dividend(amount="0.47", on="2026-01-06"):
    return action_of(on, "AAA", "dividend", amount)


@pytest.mark.parametrize("position", [100, -100])
def test_a_dividend_moves_value_from_price_to_cash(position):
    """
    Neither profit nor an exit level takes the fall of the price for a loss.
    """
    desk = declared(dividend(), allow_short=True, stop_loss_pct=D("0.05"))
    desk.mark("AAA", 100)
    desk.mark("AAA", 100)
    desk.hold(position, 100)
    cash, equity, realized = desk.state.cash["USD"], desk.state.equity, desk.state.realized
    midnight(desk)

    assert D("0.47") * position == desk.state.cash["USD"] - cash
    assert (equity, realized) == (desk.state.equity, desk.state.realized)
    assert D("99.53") == desk.slot().mark == desk.slot().average_entry_price
    same(desk)


def test_the_account_gets_a_dividend_later_and_nobody_is_alarmed():
    """
    RSK-04: short by the dividend until the day of payment; anything else is unexplained.
    """
    desk = declared(dividend())
    desk.mark("AAA", 100)
    desk.mark("AAA", 100)
    desk.hold(100, 100)
    midnight(desk)
    owed = desk.state.dividends
    for _ in range(3):
        desk.wait(60)
        desk.sweep(account=desk.account(cash=desk.venue_cash() - owed))
    assert (D(47), {}) == (owed, desk.state.latches)

    desk.wait(60)
    desk.sweep(account=desk.account(cash=desk.venue_cash()))
    assert (D(0), {}) == (desk.state.dividends, desk.state.latches)
    same(desk)

    for _ in range(3):
        desk.wait(60)
        desk.sweep(account=desk.account(cash=desk.venue_cash() - owed))
    assert ["unexplained_cash"] == list(desk.state.latches)


# --- Symbols ------------------------------------------------------------------------------------


def rename(new="META", on="2026-01-06"):
    return action_of(on, "AAA", "rename", new)


def test_a_new_symbol_that_was_looked_at_leaves_its_groups():
    """
    Nothing is held in it, but its sector's sum may wait for it.
    """
    desk = declared(rename("BBB"), rules=four())
    desk.hold(10, "645.57")
    desk.mark("BBB", 5)
    midnight(desk)

    assert D(10) == desk.slot("BBB").position
    same(desk)
    assert () == desk.codes("buy", 1, "BBB")


@pytest.mark.parametrize("listed", [True, False])
def test_what_is_held_and_what_works_goes_by_the_new_symbol(listed):
    instruments = [
        stock("AAA", aliases=("old",)),
        stock("BBB"),
        *([stock("META", aliases=("new",))] if listed else []),
    ]
    desk = declared(rename(), instruments=instruments, rules=four(fall="0.1", loss="0.1"))
    desk.hold(10, "645.57")
    desk.hold(1, 100, "BBB")
    name = desk.limit("buy", 1, 600).client_order_id
    desk.answer(name)
    midnight(desk)

    assert "AAA" not in desk.state.slots
    assert D(10) == desk.slot("META").position
    assert "META" == desk.get(name).symbol
    assert (
        {"new": ["META"], "old": []} == desk.state.aliases
        if listed
        else ["META"] == desk.state.aliases["old"]
    )
    same(desk)
    desk.fill(name, 1, 600)
    desk.mark("META", 640)
    assert D(11) == desk.slot("META").position
    same(desk)


def test_a_new_symbol_that_is_held_already_needs_a_person():
    desk = declared(rename("BBB"))
    desk.hold(10, 100, "BBB")
    desk.hold(10, "645.57")
    midnight(desk)
    desk.wait(5)

    assert D(10) == desk.slot().position
    assert desk.slot().blocked is not None
    assert 1 == desk.alerts().count("corporate_action_failed")
    same(desk)


# --- Declared by a person -----------------------------------------------------------------------


def test_a_person_declares_what_nobody_did():
    """
    REL-4: the venue's holding has drifted by the ratio; declared, the books agree again.
    """
    desk = declared()
    desk.hold(40, "645.57")
    for _ in range(3):
        desk.wait(6)
        desk.sweep(positions=desk.positions(AAA=280))
    assert D(280) == desk.slot().drift
    assert "7:1, a split?" in desk.last(e.AlertRaised).message

    desk.do(c.DeclareAction(split(on="2026-01-05"), by="me", reason="seen"))
    desk.sweep(positions=desk.positions(AAA=280))
    assert (D(280), None) == (desk.slot().position, desk.slot().drift)
    assert ("me", "seen") == (
        desk.last(e.CorporateActionApplied).by,
        desk.last(e.CorporateActionApplied).reason,
    )
    same(desk)


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (split(symbol="ZZZ", on="2026-01-05"), "the venue lists no ZZZ"),
        (split(on="2026-01-06"), "its date is to come"),
        (split(on="2026-01-04"), "it was applied before"),
    ],
)
def test_what_cannot_be_applied_is_refused_with_the_reason(action, why):
    desk = declared()
    desk.do(c.DeclareAction(split(on="2026-01-04"), by="me"))

    with pytest.raises(InvalidTransition, match=why):
        desk.do(c.DeclareAction(action, by="me"))


# --- Text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("2014-02-30", "AAPL", "split", "7:1"), 'date must be a date such as 2014-06-09, got "2014-02-30"'),
        (("2014-06-09", "A PL", "split", "7:1"), "symbol must be a symbol"),
        (("2014-06-09", "AAPL", "spilt", "7:1"), "kind must be split, rename or dividend"),
        (("2014-06-09", "AAPL", "split", "7"), "value of a split must be a ratio new:old above 0"),
        (("2014-06-09", "AAPL", "split", "0:1"), "value of a split must be a ratio"),
        (("2014-06-09", "AAPL", "split", "1:1"), "value of a split must be a ratio"),
        (("2014-06-09", "AAPL", "rename", "AAPL"), "value of a rename must be another symbol"),
        (("2014-06-09", "AAPL", "rename", ""), "value of a rename must be another symbol"),
        (("2014-06-09", "AAPL", "dividend", "-1"), "value of a dividend must be an amount above 0"),
        (("2014-06-09", "AAPL", "dividend", "NaN"), "value of a dividend must be an amount above 0"),
    ],
)
def test_a_bad_declaration_is_named_with_its_rule(texts, message):
    found = action_of(*texts)

    assert isinstance(found, str)
    assert message in found


def test_a_file_names_each_bad_line():
    text = "date,symbol,kind,value\n2014-06-09,AAPL,split,7:1\n\n2014-06-09,AAPL,split,2:1\n2014-06-09,AAPL\n"
    text += "2014-06-09,AAPL,split,7\n"

    assert [
        (2, CorporateAction(on=date(2014, 6, 9), symbol="AAPL", kind="split", numerator=Decimal(7))),
        (4, "split of AAPL on 2014-06-09 is given twice (first at line 2)"),
        (5, "a line must have 4 columns, got 2"),
        (
            6,
            'value of a split must be a ratio new:old above 0, for example 7:1, or 1:10 for a reverse split, got "7"',
        ),
    ] == list(actions_of(text))
    assert [(1, "the header must be date,symbol,kind,value")] == list(actions_of("nothing"))


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (split("1:10"), "split AAA 1:10 on 2026-01-06"),
        (rename(), "rename AAA META on 2026-01-06"),
        (dividend(), "dividend AAA 0.47 on 2026-01-06"),
    ],
)
def test_an_action_says_what_it_is(action, text):
    assert text == str(action)
