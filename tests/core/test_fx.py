"""
Several currencies: rates are marks like any other (RSK-08, F42).
"""

from core_desk import D, Desk, stock
from core_rules import drawdown

from ltm.core import events as e
from ltm.model.enums import OrderStatus

PAIR = stock("EUR/USD", tick_size=D("0.0001"))


def desk_of(**terms):
    desk = Desk(instruments=[stock("SAP", "EUR"), stock("AAA"), PAIR], max_price_age=5.0, **terms)
    desk.mark("EUR/USD", "1.10")
    desk.mark("SAP", 100)
    desk.mark("AAA", 100)
    return desk


def told(desk):
    return [alert.message for alert in desk.all(e.AlertRaised) if alert.code == "fx_stale"]


def go_on(desk, seconds, *, rate=None, price=100):
    for _ in range(seconds):
        desk.wait(1)
        for symbol in ("SAP", "AAA"):
            desk.mark(symbol, price)
        if rate is not None:
            desk.mark("EUR/USD", rate)


def test_a_rate_that_goes_silent_denies_entries_in_its_currency_alone():
    """
    F42: at five seconds it is fresh, a second later entries in euros wait; dollars trade on.
    """
    desk = desk_of()
    go_on(desk, 5)
    assert () == desk.codes("buy", 1, "SAP")
    go_on(desk, 1)
    assert ("fx_stale",) == desk.codes("buy", 2, "SAP")
    assert () == desk.codes("buy", 1, "AAA")


def test_a_person_is_told_once_for_each_silence():
    """
    F42: `fx_stale` when it is needed and old; again only after it had come back.
    """
    desk = desk_of()
    go_on(desk, 20)
    assert [] == told(desk)

    go_on(desk, 1, rate="1.10")
    desk.hold(10, 100, "SAP")
    go_on(desk, 20)
    assert ["no usable rate EUR/USD: 1.1 is used on; entries in EUR wait"] == told(desk)
    go_on(desk, 5, rate="1.11")
    go_on(desk, 20)
    assert 2 == len(told(desk))


def test_loss_rules_go_on_with_the_last_rate():
    """
    RSK-08: the rate is old, the fall of the price in euros counts all the same.
    """
    desk = desk_of(rules=(drawdown("0.02"),))
    go_on(desk, 1, rate="1.10")
    desk.hold(300, 100, "SAP")
    go_on(desk, 10)
    go_on(desk, 3, price=93)

    assert "drawdown" in desk.state.latches
    assert D(100_000) - 300 * 7 * D("1.10") == desk.state.equity


def test_exits_in_a_currency_without_a_rate_are_sent():
    desk = desk_of(stop_loss_pct=D("0.05"))
    go_on(desk, 1, rate="1.10")
    desk.hold(100, 100, "SAP")
    go_on(desk, 30)
    desk.mark("SAP", 94)

    sold = [order.draft for order in desk.all(e.OrderIntended) if order.draft.purpose == "stop_loss"]
    assert [("SAP", D(100))] == [(draft.symbol, draft.quantity) for draft in sold]


def test_money_in_a_currency_needs_its_rate_though_nothing_is_held_in_it():
    """
    A profit left in euros is part of equity.
    """
    desk = desk_of()
    go_on(desk, 1, rate="1.10")
    desk.hold(100, 100, "SAP")
    name = desk.order("sell", 100, "SAP")
    desk.fill(name, 100, 101)
    assert OrderStatus.FILLED is desk.get(name).status
    go_on(desk, 10)

    assert D(100) == desk.state.cash["EUR"]
    assert 1 == len(told(desk))
    assert "degraded" not in desk.state.latches


def test_a_commission_in_a_currency_without_any_rate_is_told():
    desk = desk_of()
    name = desk.order("buy", 1, "AAA")
    desk.fill(name, 1, 100, commission=D("0.01"), commission_currency="BNB")
    desk.wait(1)

    assert ["no usable rate BNB/USD: nothing in it has a value; entries in BNB wait"] == told(desk)


def yen(**more):
    pairs = [stock("USD/JPY", "JPY", tick_size=D("0.001")), *more.pop("pairs", ())]
    return Desk(instruments=[stock("SONY", "JPY"), *pairs], max_price_age=1e9, **more)


def test_a_pair_that_is_quoted_the_other_way_round_is_a_rate_too():
    """
    RSK-08: at 160 yen a dollar a yen is 0.00625.
    """
    desk = yen()
    desk.mark("SONY", 3200)
    assert "fx_missing" in desk.codes("buy", 100, "SONY")

    desk.mark("USD/JPY", 160)
    desk.hold(100, 3200, "SONY")
    assert (D("0.00625"), D(100_000)) == (desk.state.fx["JPY"], desk.state.equity)
    desk.mark("USD/JPY", 150)
    desk.mark("SONY", 3300)
    assert D("0.006666666667") == desk.state.fx["JPY"]
    assert D(100_000) + 100 * 100 * D("0.006666666667") == desk.state.equity
    desk.check()


def test_of_two_pairs_the_one_that_is_priced_in_the_sessions_currency_counts():
    desk = yen(pairs=[stock("JPY/USD", tick_size=D("0.000001"))])
    desk.mark("JPY/USD", "0.00625")
    desk.mark("USD/JPY", 100)

    assert D("0.00625") == desk.state.fx["JPY"]
