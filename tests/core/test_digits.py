"""
Numbers with more digits than money is counted in: they are dropped where they come in, and nothing later breaks on them.
"""

from decimal import Decimal, localcontext

import pytest
from core_desk import Desk, Scripted, stock

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.exposure import worst_values
from ltm.core.invariants import violations
from ltm.engine.selfcheck import SelfCheck
from ltm.model.enums import OrderType
from ltm.model.market import Quote
from ltm.model.numbers import EXACT
from ltm.model.spec import Limits

D = Decimal
LONG = "100." + "1234567" * 6 + "12347"
YEN = D(1) / D("157.32")


class Thirds(Scripted):
    """
    A grouping rule that counts a third of everything, to 28 digits.
    """

    def groups_of(self, instrument):
        return {"all": D("0." + "3" * 28)}


def working(**limits):
    """
    A desk that holds nothing and works one order, with these limits.
    """
    desk = Desk(max_price_age=1e9, limits=Limits(**limits))
    desk.mark("AAA", 100)
    desk.mark("BBB", 100)
    return desk, desk.order("buy", 77, limit_price=100, order_type=OrderType.LIMIT)


def abroad(symbol="AAA", capital=100_000, **fields):
    """
    A desk with an instrument in yen and the rate that a division gives.
    """
    listed = [stock(symbol, currency="JPY", **fields), stock("JPY/USD")]
    limits = Limits(max_gross_exposure=D("1.5"), max_net_exposure=D("1.5"))
    desk = Desk(max_price_age=1e9, limits=limits, instruments=listed, initial_capital=D(capital))
    desk.mark("JPY/USD", YEN)
    return desk


@pytest.mark.parametrize(
    ("decimals", "dropped"),
    [(17, 0), (18, 0), (19, 1)],
)
@pytest.mark.parametrize("held", [0, 10])
def test_a_price_has_at_most_eighteen_decimals(decimals, dropped, held):
    """
    BAD-100, BAD-077: of what is held and of what is not.
    """
    desk = Desk(max_price_age=1e9)
    desk.mark("AAA", 100)
    if held:
        desk.hold(held)
    desk.mark("AAA", "100." + "1" * decimals)

    assert dropped == desk.session.context.watch.dropped
    assert (desk.slot().mark == 100) is bool(dropped)


@pytest.mark.parametrize(("price", "dropped"), [("99999999999999", 0), ("999999999999999", 0), ("1E+15", 1)])
def test_a_price_is_below_a_thousand_billions(price, dropped):
    """
    BAD-100, BAD-077: as a first price, and as either side of a book.
    """
    desk = Desk(max_price_age=1e9)
    desk.mark("AAA", price)
    desk.mark("BBB", bid=1, ask=price)

    assert 2 * dropped == desk.session.context.watch.dropped


@pytest.mark.parametrize(
    "quote",
    [
        {"price": LONG},
        {"bid": LONG, "ask": "101"},
        {"bid": "99", "ask": LONG},
        {"price": "100", "bid": LONG, "ask": "101"},
        {"price": "100", "bid": "99", "ask": LONG},
        {"price": "100", "bid": LONG},
        {"price": "100", "ask": LONG},
        {"price": "1E-40"},
    ],
    ids=str,
)
def test_a_price_that_is_too_long_is_dropped_though_nothing_is_held(quote):
    """
    BAD-077: open orders are valued at it too; timers, entries and fills go on.
    """
    desk, order = working(max_open_value=D(10**6), max_gross_exposure=D(5))
    desk.mark("AAA", **quote)
    assert (1, D(100)) == (desk.session.context.watch.dropped, desk.slot().mark)

    desk.wait(2)
    desk.fill(order, 77)

    assert () == desk.codes("buy", 1, "BBB")
    desk.check()


def test_no_limit_is_passed_behind_a_price_that_is_too_long():
    """
    C25, BAD-077: what a price makes of an open order counts once there is a sound one again.
    """
    desk, _ = working(max_gross_exposure=D(1))
    desk.mark("AAA", LONG)
    assert () == desk.codes("buy", 1, "BBB")
    desk.mark("AAA", 110)
    desk.mark("AAA", 120)

    assert "max_gross_exposure" in desk.codes("buy", 905, "BBB")
    with localcontext(EXACT):
        worst = sum(max(map(abs, worst_values(slot))) for slot in desk.state.slots.values())
    assert worst < desk.state.equity


@pytest.mark.parametrize("decimals", [1, 12, 13, 18])
def test_a_rate_of_many_digits_and_a_price_of_many_digits_make_money(decimals):
    """
    RSK-08, BAD-077: rates are counted at twelve digits, so that every product of them fits.
    """
    desk = abroad()
    desk.mark("AAA", "1234.5")
    desk.fill(desk.order("buy", 30), 30, "1234.5")
    check = SelfCheck(desk.state)
    desk.session.listener = None
    desk.mark("AAA", "1234." + "123456789012345678"[:decimals])
    desk.mark("JPY/USD", D(1) / D("157.33"))
    desk.wait(2)

    assert D("0.00635606686582") == desk.state.fx["JPY"] == desk.slot("JPY/USD").mark
    assert 0 == desk.session.context.watch.dropped
    assert check.look() is None
    desk.check()


def test_small_lots_at_long_prices_are_counted_at_any_rate():
    """
    RSK-08, BAD-077: eight decimals of quantity, thirteen of price, and a quotient.
    """
    desk = abroad("BTC/JPY", lot_size=D("1E-8"), tick_size=D("1E-13"))
    desk.mark("BTC/JPY", "1234.5550000000001")
    desk.fill(desk.order("buy", "0.12345678", "BTC/JPY"), "0.12345678", "1234.5550000000001")
    desk.session.listener = None
    check = SelfCheck(desk.state)
    check.look()
    desk.pass_time(2)
    desk.mark("JPY/USD", bid=D(1) / D("157.34"), ask=D(1) / D("157.32"))
    desk.tick()
    desk.do(c.RaiseAlert("info", "x", "y"))

    assert check.look() is None
    desk.check()


@pytest.mark.parametrize("price", ["NaN", "sNaN", "Infinity", "1E-40"])
def test_a_rate_that_is_none_is_dropped_like_any_price(price):
    """
    BAD-100.
    """
    desk = abroad()
    desk.pass_time(1)
    desk.session.mark([Quote("JPY/USD", desk.now, D(price), YEN, YEN), Quote("JPY/USD", desk.now, D(price))])

    assert 2 == desk.session.context.watch.dropped
    assert D("0.00635647088736") == desk.state.fx["JPY"]


def test_a_rate_that_makes_too_many_digits_of_what_is_held_changes_nothing():
    """
    RSK-08, BAD-077: it is dropped and counted, and soon counts as stale.
    """
    desk = abroad(capital=100_000_000, lot_size=D("1E-12"), tick_size=D("1E-12"))
    desk.mark("JPY/USD", "0.0064")
    desk.mark("AAA", "1234.5" + "1" * 17)
    desk.fill(desk.order("buy", "1.000000000001"), "1.000000000001", "1234.5")
    books = (desk.state.equity, desk.state.fx["JPY"], desk.slot("JPY/USD").mark, desk.slot().units)
    desk.pass_time(1)
    desk.mark("JPY/USD", "0.00640000000001")

    assert books == (desk.state.equity, desk.state.fx["JPY"], desk.slot("JPY/USD").mark, desk.slot().units)
    assert 1 == desk.session.context.watch.dropped
    desk.check()


def test_what_cannot_be_summed_is_never_taken_for_summed():
    """
    RSK-05, RSK-43: a rule whose weight is a quotient; entries are denied until the sum fits again.
    """
    rule = Thirds("sectors")
    listed = [stock(name, lot_size=D("1E-12")) for name in ("AAA", "BBB")]
    desk = Desk(rules=[rule], max_price_age=1e9, instruments=listed, limits=Limits(max_gross_exposure=D(5)))
    desk.mark("AAA", 100)
    desk.mark("BBB", 100)
    desk.order("buy", "1.000000000001", limit_price=100, order_type=OrderType.LIMIT)
    desk.session.listener = None
    desk.session.mark([Quote("AAA", desk.now, D("100." + "1" * 18))])
    for _ in range(3):
        assert ("out_of_range",) == desk.codes("buy", 1, "BBB")

    desk.session.mark([Quote("AAA", desk.now, D(101))])

    assert () == desk.codes("buy", 1, "BBB")
    with localcontext(EXACT):
        assert D("101.000000000101") * D("0." + "3" * 28) == rule.asked[-1].groups[0].before
    assert [] == violations(desk.state)


def test_a_rate_that_is_rounded_finds_what_it_triggers():
    """
    RSK-02, RSK-24: a pair that is held itself has its stop.
    """
    desk = Desk(max_price_age=1e9, instruments=[stock("EUR/USD")], stop_loss_pct=D("0.05"))
    desk.mark("EUR/USD", 1)
    desk.hold(100, 1, "EUR/USD")
    desk.mark("EUR/USD", D("0.94") + D("1E-25"))

    assert D("0.94") == desk.slot("EUR/USD").mark
    assert "stop_loss" == desk.all(e.OrderIntended)[-1].draft.purpose


def test_a_fill_whose_value_at_the_mark_does_not_fit_is_not_believed():
    """
    BAD-077, BAD-102: it would be in the journal, and no replay could book it.
    """
    desk = Desk(max_price_age=1e9)
    desk.mark("AAA", "100." + "1" * 18)
    order = desk.order("buy", 7, limit_price=100, order_type=OrderType.LIMIT)
    desk.fill(order, D("0.1") + D("1E-27"), 100)

    assert D(0) == desk.slot().position
    assert [order] == [event.client_order_id for event in desk.all(e.Unexpected)]
    desk.fill(order, 7)
    desk.check()
