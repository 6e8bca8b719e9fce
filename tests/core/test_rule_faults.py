"""
Rules are plugins: whatever one does other than answer denies the order and stops entries, and exits still pass.
"""

import decimal
import itertools
from decimal import Decimal

import pytest
from core_desk import Desk, Fixed, Scripted, ScriptedFloor, stock
from core_rules import four

from ltm.core import commands as c
from ltm.core import events as e
from ltm.model.enums import TradingState
from ltm.model.numbers import EXACT, RULES
from ltm.model.results import Allow, Deny, EquityFloor

D = Decimal


def raising(error):
    def answer():
        raise error

    return answer


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError


class Sly(Allow):
    """
    A subclass could compare or encode as it likes.
    """


FAULTS = {
    "raises": raising(ValueError("bad")),
    "raises-what-has-no-text": raising(Unprintable()),
    "exits": raising(SystemExit(1)),
    "interrupts": raising(KeyboardInterrupt()),
    "returns-none": None,
    "returns-true": True,
    "returns-text": "allow",
    "returns-a-class": lambda: Allow,
    "measured-nan": Allow(D("NaN")),
    "limit-infinite": Allow(D(1), D("Infinity")),
    "measured-float": Allow(1.5),
    "deny-with-nan": Deny("position_size", "x", D("sNaN")),
    "code-with-a-line-break": Deny("a\nb", "x"),
    "code-in-capitals": Deny("A", "x"),
    "code-empty": Deny("", "x"),
    "code-a-list": Deny([], "x"),
    "message-none": Deny("position_size", None),
    "subclass": Sly(),
}
ROOM_FAULTS = {
    "raises": raising(ValueError("bad")),
    "exits": raising(SystemExit(1)),
    "interrupts": raising(KeyboardInterrupt()),
    "text": "10",
    "true": True,
    "nan": D("NaN"),
    "infinite": D("Infinity"),
    "int": 10,
}
FLOOR_FAULTS = {
    "raises": raising(ValueError("bad")),
    "exits": raising(SystemExit(1)),
    "interrupts": raising(KeyboardInterrupt()),
    "true": True,
    "number": D(1),
    "nan": EquityFloor(D(1), D("NaN")),
    "float": EquityFloor(1.0, D(1)),
}


def ids(table):
    return [pytest.param(value, id=name) for name, value in table.items()]


def held(rule, **terms):
    """
    A session that holds 100 AAA; the rule answers soundly until it is told otherwise.
    """
    desk = Desk(rules=[rule], **terms)
    desk.hold(100)
    return desk


def assert_stopped(desk, name="scripted", kinds=1):
    assert TradingState.REDUCING is desk.state.trading_state
    assert [f"rule_fault:{name}"] == [*desk.state.latches]
    assert [name] == [*desk.state.faulted]
    assert kinds == desk.alerts().count("rule_fault")
    # Exits do not go through rules.
    assert isinstance(desk.signal("sell"), e.OrderIntended)
    desk.check()


@pytest.mark.parametrize("quantity", [None, 10], ids=["sized", "asked"])
@pytest.mark.parametrize("fault", ids(FAULTS))
def test_a_check_that_is_no_verdict_denies_and_stops_entries(fault, quantity):
    """
    RSK-43, F24, REL-T9: this order denied, the rule marked, entries paused, one critical alert.
    """
    rule = Scripted()
    desk = held(rule)
    rule.answers["check"] = fault

    assert ("rule_fault",) == desk.codes("buy", quantity)
    assert ("paused",) == desk.codes("buy", quantity)
    assert_stopped(desk)


@pytest.mark.parametrize("quantity", [None, 10], ids=["sized", "asked"])
@pytest.mark.parametrize("fault", ids(ROOM_FAULTS))
def test_a_headroom_that_is_none_leaves_no_room(fault, quantity):
    """
    RSK-43: a rule that cannot say what would pass, lets nothing pass.
    """
    rule = Scripted()
    desk = held(rule)
    rule.answers["headroom"] = fault

    assert "rule_fault" in desk.codes("buy", quantity)
    assert_stopped(desk)


@pytest.mark.parametrize("fault", ids(FLOOR_FAULTS))
def test_a_floor_that_is_none_stops_entries(fault):
    """
    RSK-43, RSK-22: a continuous rule that fails cannot watch; entries stop.
    """
    rule = ScriptedFloor()
    desk = held(rule)
    rule.answers["floor"] = fault
    desk.fill(desk.order("buy", 1), 1, 99)

    assert_stopped(desk, "floor")
    desk.mark("AAA", 98)
    desk.wait()

    assert 1 == desk.alerts().count("rule_fault")


class Grouper(Scripted):
    def __init__(self, groups):
        super().__init__("grouper")
        self.groups = groups

    def groups_of(self, instrument):
        return self.groups() if callable(self.groups) else self.groups


@pytest.mark.parametrize(
    "groups",
    [raising(KeyError("x")), None, {1: D(1)}, {"tech": 1.0}, {"tech": D("NaN")}, {"tech": D(-1)}],
    ids=["raises", "none", "number", "float", "nan", "negative"],
)
def test_groups_that_are_none_stop_entries(groups):
    """
    RSK-43: what a rule says of an instrument is checked like any other answer.
    """
    desk = Desk(rules=[Grouper(groups)])
    desk.mark("AAA", 100)

    assert ("paused",) == desk.codes()
    assert () == desk.slot().instrument.groups
    assert 1 == desk.alerts().count("rule_fault")


def test_a_person_puts_a_rule_back_to_work():
    """
    RSK-12: the latch is lifted by name, and the rule is asked again.
    """
    rule = Scripted(check=None)
    desk = Desk(rules=[rule])
    desk.mark("AAA", 100)
    desk.codes()
    rule.answers["check"] = Allow()
    desk.do(c.Resume("me", "looked", ("rule_fault:scripted",)))

    assert () == desk.codes()
    assert {} == desk.state.faulted


def test_a_rule_that_was_marked_before_a_restart_stays_marked():
    """
    RSK-12: a restart unlatches nothing.
    """
    desk = Desk(rules=[Scripted(check=None)])
    desk.mark("AAA", 100)
    desk.codes()
    desk.rules = [Scripted()]
    desk.restart()
    desk.start()
    desk.mark("AAA", 100)

    assert ("paused",) == desk.codes()
    assert ["scripted"] == [*desk.state.faulted]


def set_precision():
    decimal.getcontext().prec = 3
    decimal.getcontext().rounding = decimal.ROUND_UP
    return Allow(D(1), D(2))


def set_context():
    decimal.setcontext(decimal.Context(prec=2, traps=[]))
    return Allow(D(1), D(2))


@pytest.mark.parametrize("hostile", [set_precision, set_context])
def test_a_rule_cannot_change_how_anybody_else_computes(hostile):
    """
    BAD-113, F24: the next rule, the kernel and the caller keep their decimal contexts.
    """
    seen = []

    def look():
        now = decimal.getcontext()
        seen.append((now.prec, now.rounding, dict(now.traps)))
        return Allow()

    outer = decimal.getcontext().prec
    desk = Desk(rules=[Scripted("one", hostile, raising(ValueError())), Scripted("two", look)])
    desk.rules[0].answers["headroom"] = lambda: hostile() and None
    desk.mark("AAA", 100)

    assert () == desk.codes("buy", 1)
    assert [(RULES.prec, RULES.rounding, dict(RULES.traps))] == seen
    assert (50, 50, outer) == (RULES.prec, EXACT.prec, decimal.getcontext().prec)


def test_a_sizer_cannot_either():
    """
    BAD-113.
    """
    desk = Desk(sizer=Fixed(lambda view: set_precision() and D(10)))
    desk.mark("AAA", 100)

    assert () == desk.codes()
    assert 50 == RULES.prec


@pytest.mark.parametrize(
    "context",
    [
        decimal.Context(prec=5, rounding=decimal.ROUND_UP),
        decimal.Context(prec=1, traps=[decimal.Inexact, decimal.Rounded]),
        decimal.Context(prec=28, Emax=3, Emin=-3, traps=[]),
    ],
    ids=["five-digits", "traps-everything", "tiny-exponents"],
)
def test_the_hosts_decimal_context_does_not_matter(context):
    """
    BAD-116: a whole session under a hostile context gives the same journal as under the default.
    """

    def session():
        return Desk(rules=four(), instruments=[stock(), stock("BBB")], stop_loss_pct=D("0.05"), start=False)

    def run(desk):
        desk.start()
        desk.mark("AAA", "100.37")
        order_id = desk.order("buy", 333)
        desk.fill(order_id, 111, "100.41", "a", commission=D("0.37"))
        desk.fill(order_id, 222, "100.43", "b", commission=D("0.73"))
        desk.mark("AAA", "99.97")
        desk.wait()
        desk.do(c.RecordFlow(D("1234.56"), "me", "deposit"))
        desk.fill(desk.order("sell", 100), 100, "99.99", "c")
        desk.mark("AAA", "94.01")
        desk.sweep()
        return [(row.kind, row.payload) for row in desk.journal.read()], desk.state.equity

    expected = run(session())
    hostile = session()
    with decimal.localcontext(context):
        found = run(hostile)

    assert expected == found


def test_messages_of_rules_are_made_fit_for_a_record():
    """
    BAD-114: cut, on one line, and with nothing that cannot be encoded.
    """
    desk = Desk(rules=[Scripted(check=Deny("custom", "x\nINFO fake\ud800" + "y" * 10_000_000))])
    desk.mark("AAA", 100)
    answer = desk.signal()
    [reason] = answer.reasons

    assert ("custom", 300, "x?INFO fake?yyy") == (reason.code, len(reason.message), reason.message[:15])
    desk.check()


def test_all_rules_are_asked_about_the_same_moment_whatever_the_others_say():
    """
    RSK-45: no short circuit, one snapshot for all.
    """
    rules = [Scripted("one", Deny("one", "no")), Scripted("two", Deny("two", "no")), Scripted("three")]
    desk = Desk(rules=rules)
    desk.mark("AAA", 100)

    assert ("one", "two") == desk.codes("buy", 1)
    assert 1 == len({id(rule.asked[0]) for rule in rules})


@pytest.mark.parametrize("quantity", [100, 101])
def test_the_order_of_the_rules_does_not_change_the_verdict(quantity):
    """
    RSK-45: any permutation, the same answer.
    """
    answers = set()
    for order in itertools.permutations(four(position="0.1")):
        desk = Desk(rules=order)
        desk.mark("AAA", 100)
        answers.add(tuple(sorted(desk.limit("buy", quantity, 100).__class__.__name__)))

    assert 1 == len(answers)


def test_what_rules_see_of_the_book():
    """
    RSK-05, RSK-42: positions, open orders, worst cases; computed when asked for.
    """
    rule = Scripted(check=lambda: seen.append(rule.asked[-1].positions()) or Allow())
    seen = []
    desk = Desk(rules=[rule], allow_short=True)
    desk.hold(100)
    desk.limit("buy", 50, 110)
    desk.limit("sell", 20, 90)
    desk.hold(-10, 50, "BBB")
    desk.signal("buy", 5)
    view = rule.asked[-1]
    aaa, bbb = seen[-1]

    assert ("AAA", D(100), D(15500), D(8000)) == (aaa.symbol, aaa.quantity, aaa.worst_long, aaa.worst_short)
    assert ("BBB", D(-10), D(-500), D(-500)) == (bbb.symbol, bbb.quantity, bbb.worst_long, bbb.worst_short)
    assert (D(15500), D(16005), D(8000), D(8000)) == (
        view.long_before,
        view.long_after,
        view.short_before,
        view.short_after,
    )
    assert (D(155), 2, view.sequence) == (view.worst_quantity, view.open_orders, desk.state.sequence - 1)
