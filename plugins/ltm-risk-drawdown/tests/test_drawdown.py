"""
The `drawdown` rule: the published vectors, its boundary, and what must hold for any equity (RSK-22).
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
from ltm_risk_drawdown import hooks
from ltm_risk_drawdown.config import DrawdownConfig
from ltm_risk_drawdown.rule import Drawdown

D = Decimal
VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "risk_vectors.json"
ORDER = OrderDraft(symbol="AAPL", side=Side.BUY, quantity=D(1))


@pytest.fixture(autouse=True)
def _rules_context():
    with localcontext(RULES):
        yield


def rule(limit="0.1"):
    return Drawdown(DrawdownConfig(max_drawdown=D(limit)))


def bases(peak, day_start, **more):
    more = {"loss_base": day_start, **more}
    return EquityBases(peak=D(peak), day_start=D(day_start), **{name: D(base) for name, base in more.items()})


def snapshot(equity, peak="100000", *, valid=True):
    return RiskSnapshot(
        sequence=1,
        now=datetime(2026, 1, 5, tzinfo=UTC),
        instrument=Instrument(symbol="AAPL", currency="USD"),
        equity=D(equity),
        equity_valid=valid,
        initial_capital=D(100000),
        cash=D(equity),
        bases=EquityBases(peak=D(peak), day_start=D(100000), loss_base=D(100000)),
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
    return [row for row in rows if row["rule"] == "drawdown"]


def fold(rule, start, steps):
    """
    The kernel's part of RSK-04 and RSK-22: peak and latch, step by step.
    """
    equity = peak = D(start)
    tripped = False
    for kind, value in steps:
        if kind == "flow":
            flow = D(value)
            peak *= (equity + flow) / equity
            equity += flow
        else:
            equity = D(value)
            peak = max(peak, equity)
        tripped = tripped or equity <= rule.equity_floor(bases(peak, equity)).floor
        yield equity, peak, tripped


@pytest.mark.skipif(not VECTORS.exists(), reason="shared/vectors is not beside this checkout")
def test_there_are_vectors():
    assert vectors()


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in vectors()])
def test_vector(row):
    """
    RSK-22: equity, drawdown and latch after each step are those of the published vector.
    """
    given = row["given"]
    judged = rule(given["limit"])
    states = list(fold(judged, given["start"], given["steps"]))

    assert [step["tripped"] for step in row["expect"]] == [tripped for _, _, tripped in states]
    assert [(D(step["equity"]), D(step["measure"])) for step in row["expect"]] == [
        (equity, judged.check(ORDER, snapshot(equity, peak)).measured) for equity, peak, _ in states
    ]


@pytest.mark.parametrize(
    ("equity", "expected"),
    [("99000.01", Allow), ("99000", Deny), ("98999.99", Deny)],
    ids=["inside", "at", "beyond"],
)
def test_the_boundary(equity, expected):
    """
    RSK-22: exactly 10 % trips a 10 % limit.
    """
    judged = rule()
    floor = judged.equity_floor(bases(D(110000), D(0)))
    verdict = judged.check(ORDER, snapshot(equity, "110000"))

    assert isinstance(verdict, expected)
    assert EquityFloor(D(110000), D(99000)) == floor
    assert (D(equity) > floor.floor) == isinstance(verdict, Allow)
    assert D("0.1") == verdict.limit


@pytest.mark.parametrize("equity", ["0", "-5"])
@pytest.mark.parametrize("peak", ["100000", "0", "-1"])
def test_without_equity_entries_stop(equity, peak):
    """
    RSK-22: E <= 0 always trips, whatever the peak.
    """
    judged = rule("0.999")

    assert "drawdown" == judged.check(ORDER, snapshot(equity, peak)).code
    assert D(equity) <= judged.equity_floor(bases(D(peak), D(0))).floor


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
    verdict = rule().check(ORDER, snapshot("98000", "110000"))

    assert "equity 98000 is at or below 99000 (peak 110000)" == verdict.message
    assert D("0.10909091") == verdict.measured


def test_only_a_person_lifts_the_stop():
    """
    RSK-12: a drawdown latches.
    """
    assert rule().unlatches_at_roll is False


equities = st.decimals(min_value="-1000", max_value="200000", places=2)
limits = st.decimals(min_value="0.0001", max_value="0.9999", places=4)


@given(equity=equities, peak=equities, limit=limits)
def test_headroom_agrees_with_check(equity, peak, limit):
    """
    No room where an entry is denied, no limit where it is allowed; and the floor says the same.
    """
    judged = rule(limit)
    allowed = isinstance(judged.check(ORDER, snapshot(equity, peak)), Allow)

    assert (None if allowed else D(0)) == judged.headroom(ORDER, snapshot(equity, peak))
    assert allowed == (equity > judged.equity_floor(bases(peak, D(0))).floor)


@given(equity=equities, peak=equities, higher=equities, limit=limits)
def test_the_floor_does_not_fall_when_the_peak_rises(equity, peak, higher, limit):
    """
    The kernel relies on it to look at equity only when equity or a base has moved.
    """
    low, high = sorted((peak, higher))
    judged = rule(limit)

    assert judged.equity_floor(bases(low, equity)).floor <= judged.equity_floor(bases(high, equity)).floor


@given(equity=equities, peak=equities)
def test_the_same_snapshot_gives_the_same_verdict(equity, peak):
    """
    RSK-46: a rule is pure, so that a journal re-evaluates identically.
    """
    judged = rule()
    verdict = judged.check(ORDER, snapshot(equity, peak))

    assert verdict == judged.check(ORDER, snapshot(equity, peak))
    assert verdict == rule().check(ORDER, snapshot(equity, peak))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (10, "max_drawdown must be between 0 and 1, got 10"),
        (1, "max_drawdown must be > 0 and < 1, got 1"),
        (0, "max_drawdown must be > 0 and < 1, got 0"),
        ("0.1", 'max_drawdown must be a number, got "0.1" (string)'),
        (D("nan"), "max_drawdown must be a finite number, got NaN"),
    ],
)
def test_a_wrong_limit_is_refused(value, message):
    """
    BAD-007, BAD-008, BAD-009.
    """
    with pytest.raises(ConfigError) as caught:
        DrawdownConfig(max_drawdown=value)

    assert message == caught.value.message


def test_the_rule_is_offered_under_its_name():
    """
    The hook offers a factory that makes the rule, with `DrawdownConfig` as its settings.
    """
    offers = []
    hooks.ltm_register_risk_rules(lambda name, **offer: offers.append((name, offer)))
    [(name, offer)] = offers
    made = offer["factory"](offer["config"](max_drawdown=0.1))

    assert "drawdown" == name == made.name
    assert isinstance(made, EquityRule)
    assert not isinstance(made, GroupingRule)


# --- Options --------------------------------------------------------------------------------------

EARLIER = {
    "day_peak": "104000",
    "close_peak": "103000",
    "day_peaks": ("108000", "112000"),
    "day_starts": ("101000", "102000"),
}


@pytest.mark.parametrize(
    ("options", "peak"),
    [
        ({}, "120000"),
        ({"scope": "day"}, "104000"),
        ({"scope": "rolling:1d"}, "104000"),
        ({"scope": "rolling:2d"}, "108000"),
        ({"scope": "rolling:3d"}, "112000"),
        ({"scope": "rolling:366d"}, "112000"),
        ({"peak_sample": "day_close"}, "103000"),
        ({"peak_sample": "day_close", "scope": "day"}, "100000"),
        ({"peak_sample": "day_close", "scope": "rolling:2d"}, "101000"),
        ({"peak_sample": "day_close", "scope": "rolling:9d"}, "102000"),
    ],
)
def test_the_peak_is_the_one_that_scope_and_sample_name(options, peak):
    """
    RSK-22: what the floor, the verdict and the headroom are measured from.
    """
    judged = Drawdown(DrawdownConfig(max_drawdown=D("0.1"), **options))
    known = EquityBases(peak=D(120000), day_start=D(100000), loss_base=D(1), **exact_bases(EARLIER))
    at = msgspec.structs.replace(snapshot(D(peak) * D("0.9")), bases=known)
    above = msgspec.structs.replace(at, equity=at.equity + 1)

    assert D(peak) == judged.equity_floor(known).base
    assert (Deny, Allow) == (type(judged.check(ORDER, at)), type(judged.check(ORDER, above)))
    assert (D(0), None) == (judged.headroom(ORDER, at), judged.headroom(ORDER, above))


def exact_bases(table):
    return {name: tuple(map(D, base)) if isinstance(base, tuple) else D(base) for name, base in table.items()}


@pytest.mark.parametrize(
    "scope", ["week", "rolling", "rolling:0d", "rolling:367d", "rolling:3", "rolling:03d", "", 7]
)
def test_a_scope_that_is_none_is_refused(scope):
    """
    BAD-028: at load, with what may stand there.
    """
    with pytest.raises(ConfigError, match='scope must be "session", "day" or "rolling:Nd"'):
        DrawdownConfig(max_drawdown=D("0.1"), scope=scope)


@pytest.mark.parametrize(
    "options",
    [
        {"peak_sample": "hourly"},
        {"on_trip": "panic"},
        {"degraded_haircut": D(1)},
        {"degraded_haircut": D("-0.1")},
    ],
)
def test_other_options_are_refused_when_they_are_none(options):
    """
    BAD-028: each names itself.
    """
    with pytest.raises(ConfigError, match=next(iter(options))):
        DrawdownConfig(max_drawdown=D("0.1"), **options)


def test_it_says_what_follows_a_trip():
    """
    RSK-22: the kernel reads both through the port.
    """
    judged = Drawdown(DrawdownConfig(max_drawdown=D("0.1"), on_trip="flatten", degraded_haircut=D("0.25")))

    assert isinstance(judged, TrippingRule)
    assert ("flatten", D("0.25")) == (judged.on_trip, judged.degraded_haircut)
