"""
The `position_size` rule: the published vectors, its boundaries, and what must hold for any order (RSK-20).
"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.model.enums import Side
from ltm.model.errors import ConfigError
from ltm.model.instrument import Instrument
from ltm.model.numbers import RULES
from ltm.model.order import OrderDraft
from ltm.model.results import Allow, Deny
from ltm.ports import EquityBases, EquityRule, GroupingRule, RiskSnapshot
from ltm_risk_position_size import hooks
from ltm_risk_position_size.config import PositionSizeConfig
from ltm_risk_position_size.rule import PositionSize

D = Decimal
VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "risk_vectors.json"
COLLAR = D("0.01")
# Whether an order would flip or only reduces a position is the kernel's answer, given before any rule is asked.
KERNELS = {"sell more than held, no short", "sell split over open sells flips", "buy back short is reducing"}


@pytest.fixture(autouse=True)
def _rules_context():
    with localcontext(RULES):
        yield


def draft(side="buy", quantity="1"):
    return OrderDraft(symbol="AAPL", side=Side(side), quantity=D(quantity))


def snapshot(
    *,
    equity="100000",
    side="buy",
    quantity="0",
    price="100",
    long="0",
    short="0",
    held=None,
    capital="100000",
    instrument=None,
):
    """
    A snapshot whose candidate of this quantity adds to the long or the short side.
    """
    value = D(quantity) * D(price)
    added = D(quantity) if side == "buy" else -D(quantity)
    return RiskSnapshot(
        sequence=1,
        now=datetime(2026, 1, 5, tzinfo=UTC),
        instrument=instrument or Instrument(symbol="AAPL", currency="USD"),
        equity=D(equity),
        equity_valid=True,
        initial_capital=D(capital),
        cash=D(equity),
        bases=EquityBases(peak=D(equity), day_start=D(equity), loss_base=D(equity)),
        trading_date=date(2026, 1, 5),
        position=D(0),
        mark_price=D(price),
        worst_price=D(price),
        long_before=D(long),
        long_after=D(long) + (value if side == "buy" else 0),
        short_before=D(short),
        short_after=D(short) - (value if side == "sell" else 0),
        worst_quantity=None if held is None else D(held) + added,
    )


def rule(limit="0.3", **settings):
    return PositionSize(PositionSizeConfig(max_position_size=D(limit), **settings))


def judge(rule, **facts):
    order = draft(facts.get("side", "buy"), facts.get("quantity", "0"))
    return rule.check(order, snapshot(**facts))


def vectors():
    if not VECTORS.exists():
        return []
    rows = json.loads(VECTORS.read_text(encoding="utf-8"))
    return [row for row in rows if row["rule"] == "position_size"]


def worst_case(given):
    """
    The kernel's part of RSK-05 for one vector: what every open order and the candidate come to when filled.
    """
    mark, position = D(given["mark"]), D(given["p"])
    buys = sum((D(q) * max(mark, D(px)) for q, px in given.get("buys", [])), D(0))
    sells = sum((D(q) * max(mark, D(px)) for q, px in given.get("sells", [])), D(0))
    price = D(given["ask"]) * (1 + COLLAR) if given.get("typ") == "market" else max(mark, D(given["px"]))
    return {"long": position * mark + buys, "short": position * mark - sells, "price": price}


@pytest.mark.skipif(not VECTORS.exists(), reason="shared/vectors is not beside this checkout")
def test_the_vectors_left_to_the_kernel_exist():
    assert set() == KERNELS - {row["name"] for row in vectors()}


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in vectors() if row["name"] not in KERNELS]
)
def test_vector(row):
    """
    RSK-20: the decision and the number it was made on are those of the published vector.
    """
    given = row["given"]
    decision, reason, value = row["expect"]
    verdict = judge(
        rule(given["L"]), equity=given["E"], side=given["side"], quantity=given["q"], **worst_case(given)
    )

    assert ("allow" if isinstance(verdict, Allow) else "deny") == decision
    assert reason == getattr(verdict, "code", "ok")
    if value is not None:
        assert D(value) == verdict.measured
        assert D(given["L"]) * D(given["E"]) == verdict.limit


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(
    ("quantity", "expected"), [("299", Allow), ("300", Allow), ("301", Deny)], ids=["inside", "at", "beyond"]
)
def test_the_boundary_of_the_fraction(side, quantity, expected):
    """
    RSK-20: equality allows, one share more does not, long and short alike.
    """
    assert isinstance(judge(rule(), side=side, quantity=quantity), expected)


@pytest.mark.parametrize(
    ("quantity", "expected"), [("199", Allow), ("200", Allow), ("201", Deny)], ids=["inside", "at", "beyond"]
)
@pytest.mark.parametrize("name", ["AAPL", "US0378331005"], ids=["by symbol", "by alias"])
def test_the_boundary_in_money(quantity, expected, name):
    """
    RSK-20: a symbol's own limit in money holds besides the fraction.
    """
    instrument = Instrument(symbol="AAPL", currency="USD", aliases=("US0378331005",))
    verdict = judge(rule(max_notional={name: 20000}), quantity=quantity, instrument=instrument)

    assert isinstance(verdict, expected)
    assert D(20000) == verdict.limit


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(
    ("quantity", "expected"), [("49", Allow), ("50", Allow), ("51", Deny)], ids=["inside", "at", "beyond"]
)
def test_the_boundary_in_units(side, quantity, expected):
    """
    RSK-20: a symbol's own limit in units looks at the worst-case quantity, whatever its price.
    """
    verdict = judge(rule(max_quantity={"AAPL": 50}), side=side, quantity=quantity, price="0.01", held="0")

    assert isinstance(verdict, expected)


def test_the_limits_of_a_symbol_are_its_own():
    """
    A limit written for one symbol says nothing of another.
    """
    only_tesla = rule(max_notional={"TSLA": 1}, max_quantity={"TSLA": 1})

    assert isinstance(judge(only_tesla, quantity="300"), Allow)
    assert D(300) == only_tesla.headroom(draft(), snapshot())


def test_an_unknown_worst_case_quantity_denies():
    """
    A limit in units that cannot be judged lets nothing through (RSK-43: fail closed).
    """
    limited = rule(max_quantity={"AAPL": 50})

    assert isinstance(judge(limited, quantity="1"), Deny)
    assert D(0) == limited.headroom(draft(), snapshot())


@pytest.mark.parametrize("equity", ["0", "-5"])
@pytest.mark.parametrize("denominator", ["equity", "capital"])
def test_without_equity_nothing_is_opened(equity, denominator):
    """
    RSK-20: E <= 0 denies every entry, whatever the fraction is of.
    """
    broke = rule(denominator=denominator)
    verdict = judge(broke, equity=equity, quantity="1")

    assert "equity_not_positive" == verdict.code
    assert D(0) == broke.headroom(draft(), snapshot(equity=equity))


def test_without_equity_the_other_side_may_still_be_emptied():
    """
    RSK-20: E -5, position 10, sell 10 is allowed.
    """
    facts = {"equity": "-5", "side": "sell", "long": "1000", "short": "1000"}

    assert isinstance(judge(rule(), quantity="10", **facts), Allow)
    assert D(10) == rule().headroom(draft("sell"), snapshot(**facts))
    assert "equity_not_positive" == judge(rule(), quantity="11", **facts).code


def test_capital_as_the_denominator_does_not_follow_equity():
    """
    RSK-20: `denominator = "capital"` is a fixed base.
    """
    fixed = rule(denominator="capital")

    assert isinstance(judge(fixed, equity="50000", quantity="300"), Allow)
    assert "0.3 of capital 100000" in judge(fixed, equity="50000", quantity="301").message


@pytest.mark.parametrize(
    ("settings", "facts", "message"),
    [
        ({}, {"quantity": "301"}, "worst-case position 30100 is above 30000 (0.3 of equity 100000)"),
        (
            {"max_notional": {"AAPL": 50}},
            {"quantity": "1"},
            "worst-case position 100 is above max_notional 50",
        ),
        (
            {"max_quantity": {"AAPL": 5}},
            {"quantity": "6", "held": "0"},
            "worst-case quantity 6 is above max_quantity 5",
        ),
    ],
    ids=["fraction", "money", "units"],
)
def test_a_denial_says_its_numbers(settings, facts, message):
    """
    RSK-13: the record of a decision can be read without the source.
    """
    verdict = judge(rule(**settings), **facts)

    assert "position_size" == verdict.code
    assert message == verdict.message


def test_a_passive_breach_never_denies_what_reduces_it():
    """
    RSK-14: a short side of 50,000 against a limit of 15,000 denies neither buying back nor taking long profit.
    """
    short = {"equity": "50000", "long": "-50000", "short": "-50000"}

    assert isinstance(judge(rule(), side="buy", quantity="500", **short), Allow)
    assert isinstance(judge(rule(), side="sell", quantity="1", **short), Deny)


@pytest.mark.parametrize(
    ("side", "before", "quantity", "expected"),
    [
        ("buy", "-1000", "10", Deny),
        ("sell", "-40000", "100", Allow),
        ("buy", "-40000", "1", Deny),
    ],
    ids=["grows beyond", "shrinks", "grows while over"],
)
def test_a_negative_price_is_judged_by_size(side, before, quantity, expected):
    """
    Where prices may be negative the sign of a value says nothing of its direction: the size decides.
    """
    price = "-3000" if quantity == "10" else "-100"
    verdict = judge(rule(), side=side, quantity=quantity, price=price, long=before, short=before)

    assert isinstance(verdict, expected)
    assert D(0) == rule().headroom(draft(side), snapshot(price=price, long=before, short=before))


amounts = st.decimals(min_value="-50000", max_value="50000", places=2)
prices = st.decimals(min_value="0.01", max_value="5000", places=2)
equities = st.decimals(min_value="-1000", max_value="1000000", places=2)
sides = st.sampled_from(["buy", "sell"])
LOT = D("0.0001")


@given(before=amounts, price=prices, equity=equities, side=sides, most=st.none() | st.integers(1, 500))
def test_headroom_is_what_check_lets_pass(before, price, equity, side, most):
    """
    The quantity that `headroom` names passes; one lot more does not.
    """
    judged = rule(max_quantity={} if most is None else {"AAPL": most})
    held = (before / price).quantize(LOT)
    facts = {"equity": equity, "side": side, "price": price, "long": before, "short": before, "held": held}
    room = judged.headroom(draft(side), snapshot(**facts))
    lots = room - room % LOT
    taken = judge(judged, quantity=lots, **facts) if lots else Allow()
    beyond = judge(judged, quantity=lots + LOT, **facts)

    assert room >= 0
    assert isinstance(taken, Allow)
    assert isinstance(beyond, Deny) or most is not None


@given(before=amounts, price=prices, equity=equities, side=sides, quantity=st.integers(1, 10**6))
def test_only_an_order_that_adds_to_its_side_is_denied(before, price, equity, side, quantity):
    """
    RSK-14: a denial means that the side the order adds to became larger.
    """
    facts = {"equity": equity, "side": side, "price": price, "long": before, "short": before}
    frozen = snapshot(quantity=quantity, **facts)
    verdict = rule().check(draft(side, quantity), frozen)
    grown = frozen.long_after if side == "buy" else -frozen.short_after

    assert isinstance(verdict, Allow) or grown > 0


@given(before=amounts, price=prices, equity=equities, side=sides, quantity=st.integers(1, 10**6))
def test_the_same_snapshot_gives_the_same_verdict(before, price, equity, side, quantity):
    """
    RSK-46: a rule is pure, so that a journal re-evaluates identically.
    """
    judged = rule()
    frozen = snapshot(equity=equity, side=side, quantity=quantity, price=price, long=before, short=before)
    verdict = judged.check(draft(side, quantity), frozen)
    judged.headroom(draft(side, quantity), frozen)

    assert verdict == judged.check(draft(side, quantity), frozen)
    assert verdict == rule().check(draft(side, quantity), frozen)


@given(
    before=amounts,
    price=prices,
    quantity=st.integers(1, 1000),
    loose=st.integers(2, 100),
    tight=st.integers(1, 100),
)
def test_a_tighter_limit_never_allows_more(before, price, quantity, loose, tight):
    """
    RSK-14: what a tight limit allows, a looser one allows too.
    """
    low, high = sorted((D(tight) / 100, D(loose) / 100))
    facts = {"quantity": quantity, "price": price, "long": before}

    assert isinstance(judge(rule(low), **facts), Deny) or isinstance(judge(rule(high), **facts), Allow)


@pytest.mark.parametrize(
    ("value", "message", "code"),
    [
        (30, "max_position_size must be between 0 and 1, got 30", "LTM-CFG-008"),
        (0, "max_position_size must be > 0 and <= 1, got 0", "LTM-CFG-009"),
        (-0.1, "max_position_size must be > 0 and <= 1, got -0.1", "LTM-CFG-009"),
        (1.0001, "max_position_size must be > 0 and <= 1, got 1.0001", "LTM-CFG-009"),
        (D("1e-400"), "max_position_size must be > 0 and <= 1, got 1E-400", "LTM-CFG-009"),
        (float("nan"), "max_position_size must be a finite number, got nan", "LTM-CFG-009"),
        (D("inf"), "max_position_size must be a finite number, got Infinity", "LTM-CFG-009"),
        ("0.3", 'max_position_size must be a number, got "0.3" (string)', "LTM-CFG-007"),
        (True, "max_position_size must be a number, got True", "LTM-CFG-007"),
        (None, "max_position_size must be a number, got None", "LTM-CFG-007"),
    ],
)
def test_a_wrong_limit_is_refused(value, message, code):
    """
    BAD-007, BAD-008, BAD-009.
    """
    with pytest.raises(ConfigError) as caught:
        PositionSizeConfig(max_position_size=value)

    assert (message, code, "max_position_size") == (
        caught.value.message,
        caught.value.code,
        caught.value.field,
    )


def test_a_percentage_gets_its_fraction_as_the_cure():
    """
    BAD-008: 30 % is written 0.30.
    """
    with pytest.raises(ConfigError) as caught:
        PositionSizeConfig(max_position_size=30)

    assert "30 % is written 0.30" == caught.value.hint


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"denominator": "equty"}, 'denominator must be "equity" or "capital", got "equty"'),
        ({"max_notional": 5}, "max_notional must be a table of symbol = number, got 5"),
        ({"max_notional": {"A B": 5}}, 'max_notional must have symbols as its keys, got "A B" (string)'),
        ({"max_notional": {"AAPL": 0}}, "max_notional.AAPL must be a positive finite amount, got 0"),
        ({"max_quantity": {"AAPL": "5"}}, 'max_quantity.AAPL must be a number, got "5" (string)'),
    ],
)
def test_a_wrong_setting_is_refused_when_it_is_read(settings, message):
    """
    BAD-028: at load, not at the first order.
    """
    with pytest.raises(ConfigError) as caught:
        PositionSizeConfig(max_position_size=0.3, **settings)

    assert message == caught.value.message


@pytest.mark.parametrize("value", [0.3, 1, D("1E-12")])
def test_a_limit_is_kept_exactly(value):
    """
    RSK-01: 0.3 is 0.3.
    """
    assert D(str(value)) == PositionSizeConfig(max_position_size=value).max_position_size


def test_the_rule_is_offered_under_its_name():
    """
    The hook offers a factory that makes the rule, with `PositionSizeConfig` as its settings.
    """
    offers = []
    hooks.ltm_register_risk_rules(lambda name, **offer: offers.append((name, offer)))
    [(name, offer)] = offers
    made = offer["factory"](offer["config"](max_position_size=0.3))

    assert "position_size" == name == made.name
    assert isinstance(made, PositionSize)
    assert not isinstance(made, (EquityRule, GroupingRule))
