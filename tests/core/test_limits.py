"""
Limits between orders: warnings on the way, and what prices alone carry over.
"""

from decimal import Decimal

import pytest
from core_desk import Desk
from core_rules import position_size, sector

from ltm.core import events as e
from ltm.model.results import Allow, ExposureLimit
from ltm.model.spec import Limits

D = Decimal


def told(desk):
    desk.tick()
    return [(alert.code, alert.severity) for alert in desk.all(e.AlertRaised)]


def holding(*rules, quantity=100, **terms):
    """
    A session of 100,000 and some of AAA at 100.
    """
    terms.setdefault("max_price_age", 1e9)
    desk = Desk(rules=rules, **terms)
    desk.hold(quantity)
    desk.wait()
    return desk


def at(desk, price):
    desk.mark("AAA", price)
    desk.wait()


class Offers:
    """
    A rule that offers a level, whatever a test says it is.
    """

    name = "offers"

    def __init__(self, limit):
        self.limit = limit

    def check(self, order, snapshot):
        return Allow()

    def headroom(self, order, snapshot):
        return None

    def position_limit(self, instrument):
        if isinstance(self.limit, Exception):
            raise self.limit
        return self.limit


@pytest.mark.parametrize(("price", "passed"), [("109.99", False), ("110", False), ("110.01", True)])
def test_a_position_carried_over_its_limit_is_told_and_not_sold(price, passed):
    """
    RSK-20: a passive breach; no forced sale, entries denied, exits free.
    """
    desk = holding(Offers(ExposureLimit(value=D(11000))))
    orders = len(desk.submitted())
    at(desk, price)

    assert passed is (("passive_breach", "warning") in told(desk))
    assert orders == len(desk.submitted())
    assert () == desk.codes("sell", 1)
    desk.check()


def test_entries_that_add_to_a_passive_breach_are_denied():
    """
    RSK-20: and what reduces it is not (RSK-14).
    """
    desk = holding(position_size("0.3"), quantity=290)
    at(desk, 110)

    assert ("passive_breach", "warning") in told(desk)
    assert ("position_size",) == desk.codes("buy", 1)
    assert () == desk.codes("sell", 10)


def test_one_alert_for_each_crossing_with_five_percent_between():
    """
    RSK-20: a price that hovers around the limit tells nobody twice.
    """
    desk = holding(Offers(ExposureLimit(value=D(10500))), limits=Limits(pre_alerts=()))
    for price in ("105.01", "104.99", "105.01", "99.76", "105.01"):
        at(desk, price)

    assert [("passive_breach", "warning")] == told(desk)

    at(desk, "99.75")
    at(desk, "105.01")

    assert [("passive_breach", "warning")] * 2 == told(desk)
    desk.check()


def test_a_restart_does_not_repeat_the_alert():
    """
    C44, RSK-11: which levels are reached is journaled.
    """
    for how in ("records", "snapshot"):
        desk = holding(Offers(ExposureLimit(value=D(10500))), limits=Limits(pre_alerts=()))
        at(desk, "105.01")
        before = len(told(desk))
        desk.restart(through=how)
        desk.start()
        desk.mark("AAA", "105.01")
        desk.wait()

        assert 1 == before == len(told(desk))


@pytest.mark.parametrize(
    ("limit", "codes"),
    [
        ("14285.72", []),
        ("14285.71", [("limit_near", "info")]),
        ("11111.12", [("limit_near", "info")]),
        ("11111.11", [("limit_near", "warning")]),
        ("10000", [("limit_near", "warning")]),
        ("9999.99", [("passive_breach", "warning")]),
    ],
)
def test_seven_and_nine_tenths_of_a_limit_are_told(limit, codes):
    """
    C44: a note at 70 %, a warning at 90 %; each boundary from both sides.
    """
    desk = holding(Offers(ExposureLimit(value=D(limit))))

    assert codes == told(desk)
    desk.check()


def test_the_shares_at_which_a_person_is_told_can_be_chosen():
    """
    C44: configurable, none included.
    """
    limit = Offers(ExposureLimit(value=D(20000)))

    assert [("limit_near", "warning")] == told(holding(limit, limits=Limits(pre_alerts=(D("0.5"),))))
    assert [] == told(holding(limit, limits=Limits(pre_alerts=())))


def test_a_position_that_is_gone_is_near_no_limit():
    """
    C44: the next one is told anew.
    """
    desk = holding(Offers(ExposureLimit(value=D(10000))))
    desk.fill(desk.order("sell", 100), 100)
    desk.wait()

    assert {} == desk.state.near

    desk.hold(100)
    desk.wait()

    assert [("limit_near", "warning")] * 2 == told(desk)


@pytest.mark.parametrize(
    ("limit", "amount"),
    [
        (ExposureLimit(of_equity=D("0.1")), "10000"),
        (ExposureLimit(of_capital=D("0.1")), "10000"),
        (ExposureLimit(of_equity=D("0.2"), value=D(10000)), "10000"),
        (ExposureLimit(of_equity=D("0.1"), of_capital=D("0.3")), "10000"),
    ],
)
def test_a_limit_is_the_lowest_of_what_a_rule_says(limit, amount):
    """
    RSK-20: fraction of equity, of capital, and money.
    """
    desk = holding(Offers(limit))

    assert f"10000 of {amount} is used" in desk.last(e.AlertRaised).message


@pytest.mark.parametrize(
    "answer",
    [
        ValueError("no idea"),
        ExposureLimit(),
        ExposureLimit(value=D("NaN")),
        ExposureLimit(value=D(-1)),
        ExposureLimit(value=5),
        D(5),
    ],
)
def test_a_rule_that_offers_no_sound_level_stops_entries(answer):
    """
    RSK-43: anything but an answer is a fault; entries wait for a person.
    """
    desk = holding(Offers(answer))

    assert ["rule_fault"] == desk.alerts()
    assert ("paused",) == desk.codes("buy", 1)


def test_a_rule_without_a_limit_for_an_instrument_says_none():
    """
    RSK-20: None is an answer.
    """
    assert [] == told(holding(Offers(None)))


def test_the_position_rule_offers_the_level_it_judges_by():
    """
    RSK-20: equity or capital, and the tightest amount that names the instrument.
    """
    desk = holding()
    listed = desk.slot("AAA").instrument

    assert ExposureLimit(of_equity=D("0.3")) == position_size("0.3").position_limit(listed)
    assert ExposureLimit(of_capital=D("0.3"), value=D(7)) == position_size(
        "0.3", denominator="capital", max_notional={"AAA": D(7)}
    ).position_limit(listed)


class OffersGroups(Offers):
    """
    The same for groups: everything is in one.
    """

    def groups_of(self, instrument):
        return {"all": D(1)}

    def group_limit(self, group):
        return self.limit


@pytest.mark.parametrize(
    ("price", "code"), [("109.99", "limit_near"), ("110", "limit_near"), ("110.01", "passive_breach")]
)
def test_a_group_carried_over_its_limit_is_told(price, code):
    """
    RSK-20, RSK-21: a sector like a position.
    """
    desk = holding(OffersGroups(ExposureLimit(value=D(11000))))
    at(desk, price)

    assert code == told(desk)[-1][0]
    assert "of all" in desk.last(e.AlertRaised).message
    desk.check()


def test_a_group_without_a_limit_is_near_none():
    """
    C44.
    """
    assert [] == told(holding(OffersGroups(None)))


def test_the_sector_rule_offers_the_level_it_judges_by():
    """
    RSK-21: and another one for what has no sector.
    """
    rule = sector("0.4", unknown="bucket", max_unknown_fraction=D("0.1"))

    assert ExposureLimit(of_equity=D("0.4")) == rule.group_limit("tech")
    assert ExposureLimit(of_equity=D("0.1")) == rule.group_limit("?")


@pytest.mark.parametrize(
    ("orders", "codes"),
    [(6, []), (7, ["limit_near"]), (8, ["limit_near"]), (9, ["limit_near"] * 2), (10, ["limit_near"] * 2)],
)
def test_a_budget_of_orders_warns_before_it_is_used_up(orders, codes):
    """
    C44, C09: at seven and at nine of ten; ten are no breach.
    """
    desk = Desk(max_daily_trades=10, max_price_age=1e9)
    desk.mark("AAA", 100)
    for _ in range(orders):
        desk.order("buy", 1)
        desk.wait()

    assert codes == [code for code, _ in told(desk)]


def test_nothing_is_told_while_the_session_does_not_run():
    """
    C44: before the books are compared nothing means anything.
    """
    desk = holding(Offers(ExposureLimit(value=D(10))))
    before = len(told(desk))
    desk.session.fail("a test")
    desk.mark("AAA", 200)
    desk.wait()

    assert before == len(told(desk))


def test_a_limit_of_zero_is_passed_by_anything():
    """
    C44: with a limit of 0 there is nothing to be near to.
    """
    desk = holding(Offers(ExposureLimit(value=D(0))))

    assert [("passive_breach", "warning")] == told(desk)

    desk.fill(desk.order("sell", 100), 100)
    desk.wait()

    assert {} == desk.state.near
