"""
The `daily_loss` rule: the published vectors, its boundary, and what must hold for any equity (RSK-23).
"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.model.enums import Side
from ltm.model.errors import ConfigError
from ltm.model.instrument import Instrument
from ltm.model.numbers import RULES
from ltm.model.order import OrderDraft
from ltm.model.results import Allow, Deny, EquityFloor
from ltm.ports import EquityBases, EquityRule, GroupingRule, RiskSnapshot, TrippingRule
from ltm_risk_daily_loss import hooks
from ltm_risk_daily_loss.config import DailyLossConfig
from ltm_risk_daily_loss.rule import DailyLoss

D = Decimal
VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "risk_vectors.json"
ORDER = OrderDraft(symbol="AAPL", side=Side.BUY, quantity=D(1))


@pytest.fixture(autouse=True)
def _rules_context():
    with localcontext(RULES):
        yield


def rule(limit="0.1", amount=None):
    return DailyLoss(DailyLossConfig(max_daily_loss=limit and D(limit), max_daily_loss_amount=amount))


def bases(peak, day_start, **more):
    more = {"loss_base": day_start, **more}
    return EquityBases(peak=D(peak), day_start=D(day_start), **{name: D(base) for name, base in more.items()})


def snapshot(equity, base="100000", *, valid=True):
    return RiskSnapshot(
        sequence=1,
        now=datetime(2026, 1, 5, tzinfo=UTC),
        instrument=Instrument(symbol="AAPL", currency="USD"),
        equity=D(equity),
        equity_valid=valid,
        initial_capital=D(100000),
        cash=D(equity),
        bases=EquityBases(peak=D(200000), day_start=D(base), loss_base=D(base)),
        trading_date=date(2026, 1, 5),
        position=D(0),
        mark_price=D(100),
        worst_price=D(100),
        long_before=D(0),
        long_after=D(0),
        short_before=D(0),
        short_after=D(0),
    )


def vectors():
    if not VECTORS.exists():
        return []
    rows = json.loads(VECTORS.read_text(encoding="utf-8"))
    return [row for row in rows if row["rule"] == "daily_loss"]


def fold(rule, start, steps):
    """
    The kernel's part of RSK-04 and RSK-23: the day's base and the latch, step by step.
    """
    equity = base = D(start)
    tripped = False
    for kind, value in steps:
        if kind == "flow":
            flow = D(value)
            base *= (equity + flow) / equity
            equity += flow
        elif kind == "roll":
            base = equity
            tripped = tripped and not rule.unlatches_at_roll
        else:
            equity = D(value)
        tripped = tripped or equity <= rule.equity_floor(bases(D(0), base)).floor
        yield equity, base, tripped


@pytest.mark.skipif(not VECTORS.exists(), reason="shared/vectors is not beside this checkout")
def test_there_are_vectors():
    assert vectors()


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in vectors()])
def test_vector(row):
    """
    RSK-23: equity, loss and latch after each step are those of the published vector.
    """
    given = row["given"]
    judged = rule(given["limit"])
    states = list(fold(judged, given["start"], given["steps"]))

    assert [step["tripped"] for step in row["expect"]] == [tripped for _, _, tripped in states]
    assert [(D(step["equity"]), D(step["measure"])) for step in row["expect"]] == [
        (equity, judged.check(ORDER, snapshot(equity, base)).measured) for equity, base, _ in states
    ]


@pytest.mark.parametrize(
    ("limit", "amount"), [("0.02", None), (None, 2000), ("0.02", 5000), ("0.9", 2000)], ids=str
)
@pytest.mark.parametrize(
    ("equity", "expected"),
    [("98000.01", Allow), ("98000", Deny), ("97999.99", Deny)],
    ids=["inside", "at", "beyond"],
)
def test_the_boundary(limit, amount, equity, expected):
    """
    RSK-23: a loss of exactly the limit trips, as a fraction, in money, and with the tighter of both.
    """
    judged = rule(limit, amount)
    floor = judged.equity_floor(bases(D(110000), D(100000)))
    verdict = judged.check(ORDER, snapshot(equity))

    assert isinstance(verdict, expected)
    assert EquityFloor(D(100000), D(98000)) == floor
    assert (D("0.02") if amount is None else D(2000)) == verdict.limit
    assert isinstance(verdict, Allow) == (verdict.measured < verdict.limit)


def test_a_gain_within_the_day_does_not_raise_the_base():
    """
    RSK-23: from the day's start, not from the day's high.
    """
    judged = rule("0.02")

    assert judged.equity_floor(bases(D(100000), D(100000))) == judged.equity_floor(
        bases(D(150000), D(100000))
    )


@pytest.mark.parametrize("equity", ["0", "-5"])
@pytest.mark.parametrize("base", ["100000", "0", "-1"])
@pytest.mark.parametrize("amount", [None, 10**9])
def test_without_equity_entries_stop(equity, base, amount):
    """
    RSK-23: E <= 0 always trips, however wide the limit.
    """
    judged = rule("0.999" if amount is None else None, amount)

    assert "daily_loss" == judged.check(ORDER, snapshot(equity, base)).code
    assert D(equity) <= judged.equity_floor(bases(D(0), D(base))).floor


def test_an_equity_that_cannot_be_judged_denies():
    """
    RSK-22: while a held instrument has no usable price, entries are denied.
    """
    judged = rule()

    assert "equity_degraded" == judged.check(ORDER, snapshot("100000", valid=False)).code
    assert D(0) == judged.headroom(ORDER, snapshot("100000", valid=False))


def test_a_denial_says_its_numbers():
    """
    RSK-13: the record of a decision can be read without the source.
    """
    verdict = rule().check(ORDER, snapshot("88000"))

    assert "equity 88000 is at or below 90000 (day began with 100000)" == verdict.message
    assert D("0.12") == verdict.measured


def test_a_new_day_lifts_the_stop():
    """
    RSK-12: daily loss unlatches at the next roll.
    """
    assert rule().unlatches_at_roll is True


equities = st.decimals(min_value="-1000", max_value="200000", places=2)
limits = st.decimals(min_value="0.0001", max_value="0.9999", places=4)


amounts = st.none() | st.integers(1, 100000)


@given(equity=equities, base=equities, limit=limits, amount=amounts)
def test_headroom_agrees_with_check(equity, base, limit, amount):
    """
    No room where an entry is denied, no limit where it is allowed; and the floor says the same.
    """
    judged = rule(limit, amount)
    allowed = isinstance(judged.check(ORDER, snapshot(equity, base)), Allow)

    assert (None if allowed else D(0)) == judged.headroom(ORDER, snapshot(equity, base))
    assert allowed == (equity > judged.equity_floor(bases(D(0), base)).floor)


@given(base=equities, higher=equities, limit=limits, amount=amounts)
def test_the_floor_does_not_fall_when_the_base_rises(base, higher, limit, amount):
    """
    The kernel relies on it to look at equity only when equity or a base has moved.
    """
    low, high = sorted((base, higher))
    judged = rule(limit, amount)

    assert judged.equity_floor(bases(D(0), low)).floor <= judged.equity_floor(bases(D(0), high)).floor


@given(equity=equities, base=equities, amount=amounts)
def test_the_same_snapshot_gives_the_same_verdict(equity, base, amount):
    """
    RSK-46: a rule is pure, so that a journal re-evaluates identically.
    """
    judged = rule(amount=amount)
    verdict = judged.check(ORDER, snapshot(equity, base))

    assert verdict == judged.check(ORDER, snapshot(equity, base))
    assert verdict == rule(amount=amount).check(ORDER, snapshot(equity, base))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (10, "max_daily_loss must be between 0 and 1, got 10"),
        (1, "max_daily_loss must be > 0 and < 1, got 1"),
        (0, "max_daily_loss must be > 0 and < 1, got 0"),
        ("0.1", 'max_daily_loss must be a number, got "0.1" (string)'),
        (D("nan"), "max_daily_loss must be a finite number, got NaN"),
    ],
)
def test_a_wrong_limit_is_refused(value, message):
    """
    BAD-007, BAD-008, BAD-009.
    """
    with pytest.raises(ConfigError) as caught:
        DailyLossConfig(max_daily_loss=value)

    assert message == caught.value.message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "max_daily_loss or max_daily_loss_amount is required"),
        (
            {"max_daily_loss_amount": 0},
            "max_daily_loss_amount must be a positive finite amount, got 0",
        ),
        (
            {"max_daily_loss_amount": D("1e30")},
            "max_daily_loss_amount must be a positive finite amount, got 1E+30",
        ),
    ],
)
def test_a_missing_or_wrong_amount_is_refused(settings, message):
    """
    BAD-006, BAD-025.
    """
    with pytest.raises(ConfigError) as caught:
        DailyLossConfig(**settings)

    assert message == caught.value.message


def test_the_rule_is_offered_under_its_name():
    """
    The hook offers a factory that makes the rule, with `DailyLossConfig` as its settings.
    """
    offers = []
    hooks.ltm_register_risk_rules(lambda name, **offer: offers.append((name, offer)))
    [(name, offer)] = offers
    made = offer["factory"](offer["config"](max_daily_loss=0.1))

    assert "daily_loss" == name == made.name
    assert isinstance(made, EquityRule)
    assert not isinstance(made, GroupingRule)


# --- Options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "more", "base"),
    [
        ({}, {}, "100000"),
        ({"trailing": True}, {"loss_peak": "104000"}, "104000"),
        ({"trailing": True}, {"loss_peak": "99000"}, "100000"),
        ({"base": "balance"}, {"day_start_balance": "103000"}, "103000"),
        ({"base": "balance"}, {"day_start_balance": "97000"}, "97000"),
        (
            {"base": "balance", "trailing": True},
            {"day_start_balance": "97000", "loss_peak": "104000"},
            "104000",
        ),
        ({"base": "balance"}, {"day_start_balance": "103000", "overridden": 1}, "100000"),
    ],
)
def test_the_base_is_the_one_that_the_options_name(options, more, base):
    """
    RSK-23: what the floor, the verdict and the headroom are measured from.
    """
    judged = DailyLoss(DailyLossConfig(max_daily_loss=D("0.1"), **options))
    known = bases("200000", "100000", **more)
    at = msgspec.structs.replace(snapshot(D(base) * D("0.9"), "1"), bases=known)
    above = msgspec.structs.replace(at, equity=at.equity + 1)

    assert D(base) == judged.equity_floor(known).base
    assert (Deny, Allow) == (type(judged.check(ORDER, at)), type(judged.check(ORDER, above)))
    assert (D(0), None) == (judged.headroom(ORDER, at), judged.headroom(ORDER, above))


@pytest.mark.parametrize("options", [{"base": "cash"}, {"on_trip": "panic"}])
def test_options_are_refused_when_they_are_none(options):
    """
    BAD-028: each names itself.
    """
    with pytest.raises(ConfigError, match=next(iter(options))):
        DailyLossConfig(max_daily_loss=D("0.1"), **options)


def test_it_says_what_follows_a_trip():
    """
    RSK-23: the kernel reads it through the port.
    """
    judged = DailyLoss(DailyLossConfig(max_daily_loss=D("0.1"), on_trip="kill"))

    assert isinstance(judged, TrippingRule)
    assert ("kill", D(0)) == (judged.on_trip, judged.degraded_haircut)
