"""
The armed report: what it tests, and that a limit which does not hold is found.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import attrs
import pytest
from core_desk import CAPABILITIES, Fixed, Scripted, ScriptedFloor, minutes
from core_rules import four
from msgspec import structs

from ltm.core import bench as bench_module
from ltm.core.armed import armed
from ltm.core.bench import SYMBOL, Subject, bench
from ltm.core.probes import Probe, is_held, probes_of
from ltm.model.hours import Openings
from ltm.model.results import Deny, EquityFloor
from ltm.model.spec import AccountLimits, Limits, Rate, SessionSpec

D = Decimal
LIMITS = {
    "price_collar": D("0.05"),
    "exit_price_collar": D("0.3"),
    "max_order_rate": Rate(50, 10.0),
    "max_symbol_order_rate": Rate(5, 1.0),
    "max_exit_rate": Rate(7, 3.0),
    "max_cancel_rate": Rate(3, 10.0),
    "max_executions": Rate(100, 60.0),
    "duplicate_window": 5.0,
    "max_open_orders": 20,
    "max_symbol_open_orders": 3,
    "max_order_to_fill_ratio": D("20.5"),
    "restricted": ("GME",),
    "allowed": ("GME", "ACME"),
    "prevent_self_match": True,
    "max_positions": 5,
    "max_gross_exposure": D("1.5"),
    "max_net_exposure": D("0.3333"),
    "max_open_value": D(1000),
    "max_traded_value": D(1_000_000),
    "link_timeout": 30.0,
}
TERMS = {
    "max_daily_trades": 10,
    "stop_loss_pct": D("0.3"),
    "take_profit_pct": D("0.1"),
    "trading_windows": ((minutes("09:00"), minutes("15:00")), (minutes("15:00"), minutes("16:40"))),
    "entry_cutoff": 5,
    "min_confidence": D("0.5"),
    "max_signal_age": 60.0,
    "max_order_quantity": D(500),
    "max_order_value": D(10_000),
}


def subject(*rules, limits=None, **terms):
    terms.setdefault("initial_capital", D(100_000))
    spec = SessionSpec(
        session_id="demo", model_id="m", broker="hand", limits=Limits(**(limits or {})), **terms
    )
    return Subject(spec=spec, rules=rules, sizer=Fixed(), capabilities=CAPABILITIES)


def proofs(of):
    return {row.limit: row.proof for row in armed(of, {})}


def test_every_limit_that_is_armed_is_listed_and_holds():
    """
    Issue 3: each judged just inside and just outside by the real gates.
    """
    found = proofs(subject(*four("0.3", "0.4", "0.1", "0.02"), limits=LIMITS, **TERMS))
    expected = {
        *LIMITS,
        *TERMS,
        *("position_size", "sector_concentration", "drawdown", "daily_loss"),
        *("session_capital", "max_price_age", "max_blind_time", "trading_hours"),
    } - {"trading_windows"}

    assert expected == set(found)
    assert {"tested"} == set(found.values())


@pytest.mark.parametrize(
    "terms",
    [
        {"trailing_stop_pct": D("0.02"), "stop_loss_pct": D("0.3"), "take_profit_pct": D("0.1")},
        {"trailing_stop_distance": D("0.5"), "stop_loss_pct": D("0.3"), "take_profit_pct": D("0.1")},
        {"trailing_stop_distance": D(250)},
    ],
    ids=str,
)
def test_each_stop_is_tested_by_itself(terms):
    """
    RSK-24: the nearer of two does not hide the other one.
    """
    found = proofs(subject(**terms))

    assert {*terms} < {*found}
    assert {"tested"} == {found[name] for name in terms}


def test_the_limits_of_an_account_are_tested_too():
    """
    Account > session > symbol: on a session that is alone on it.
    """
    limits = AccountLimits(max_gross_exposure=D(2), max_symbol_exposure=D("0.4"), max_open_orders=30)
    found = proofs(subject(account="main", account_limits=limits))

    assert {"tested"} == {
        found[name] for name in ("account_gross_exposure", "account_symbol_exposure", "account_open_orders")
    }


def test_without_limits_there_is_what_every_session_has():
    """
    Issue 3: the session's own money, and the age of prices.
    """
    assert {"session_capital", "max_price_age", "max_blind_time"} == set(proofs(subject()))


@pytest.mark.parametrize(
    "name", [*LIMITS, "max_order_value", "max_daily_trades", "trading_hours", "max_price_age"]
)
def test_a_gate_that_is_missing_is_found(monkeypatch, name):
    """
    Issue 3: a self-test that cannot fail would be worth nothing.
    """
    monkeypatch.setattr(bench_module, "entry_gates", lambda _: ())
    monkeypatch.setattr(bench_module, "exit_gates", lambda _: ())
    found = proofs(subject(limits=LIMITS, **TERMS))
    no_gates = {"link_timeout", "max_cancel_rate"}

    assert ("tested" if name in no_gates else "broken") == found[name]


def test_a_limit_that_is_off_by_one_step_is_found():
    """
    Issue 3: from both sides, with the smallest step there is.
    """
    true = subject(limits={"max_positions": 5, "max_open_value": D(1000)})
    for wrong in (4, 6):
        (probe,) = (
            one for one in probes_of(subject(limits={"max_positions": wrong})) if one.name == "max_positions"
        )
        assert not is_held(true, probe)
    for wrong in ("999.99999999", "1000.00000001"):
        found = probes_of(subject(limits={"max_open_value": D(wrong)}))
        (probe,) = (one for one in found if one.name == "max_open_value")
        assert not is_held(true, probe)


@pytest.mark.parametrize(
    ("rule", "proof"),
    [
        (Scripted(room=None), "untested"),
        (Scripted(room=D(0)), "untested"),
        (Scripted(room=lambda: 1 / 0), "untested"),
        (Scripted(room=D(7)), "broken"),
        (Scripted(room=D(7), check=Deny("never", "not today")), "untested"),
        (ScriptedFloor(floor=EquityFloor(D(100_000), D(90_000))), "tested"),
        (ScriptedFloor(floor=EquityFloor(D(100_000), D(-5))), "tested"),
        (ScriptedFloor(floor=lambda: 1 / 0), "untested"),
    ],
)
def test_a_rule_is_tested_by_the_number_that_it_offers(rule, proof):
    """
    RSK-43: a rule that lets pass more than it says is broken; one without a number is not tested.
    """
    assert {rule.name: proof} == {
        name: found for name, found in proofs(subject(rule)).items() if name == rule.name
    }


def test_a_floor_that_stops_too_early_is_broken():
    """
    Issue 3: a rule on equity stops at its floor, not above it.
    """

    class Early(ScriptedFloor):
        def equity_floor(self, bases):
            self.calls = getattr(self, "calls", 0) + 1
            return EquityFloor(D(100_000), D(50_000) if self.calls == 1 else D(60_000))

    assert "broken" == proofs(subject(Early()))["floor"]


def test_hours_are_tested_with_and_without_a_cutoff():
    """
    C14, RSK-26.
    """
    found = proofs(subject(trading_windows=((540, 900),)))

    assert ("tested", None) == (found["trading_hours"], found.get("entry_cutoff"))


def test_the_hours_of_a_calendar_are_tested_where_it_knows_them():
    """
    C14: a calendar may end before the day on the bench.
    """
    days = [datetime(1999, 3, day, 1, tzinfo=UTC) for day in range(1, 6)]
    openings = Openings("XSHG", tuple((day, day + timedelta(hours=4)) for day in days))
    one = attrs.evolve(subject(calendar="XSHG"), openings=openings)

    assert "tested" == proofs(one)["trading_hours"]


def test_hours_that_never_close_are_no_limit():
    """
    RSK-26: round the clock, whatever the windows are called.
    """
    windows = ((0, minutes("12:00")), (minutes("12:00"), 1440))

    assert "trading_hours" not in proofs(subject(trading_windows=windows))


def test_a_link_within_the_process_is_not_watched_and_not_listed():
    """
    C39.
    """
    one = subject(limits={"link_timeout": 5.0})
    inside = attrs.evolve(one, capabilities=structs.replace(CAPABILITIES, ephemeral=True))

    assert "link_timeout" in proofs(one)
    assert "link_timeout" not in proofs(inside)


def test_a_list_on_which_nothing_may_be_entered_is_told_as_broken():
    """
    C16: what is allowed is restricted as well.
    """
    found = proofs(subject(limits={"allowed": ("GME",), "restricted": ("GME",)}))

    assert {"broken"} == {found["allowed"], found["restricted"]}


def test_the_settings_of_a_rule_stand_beside_its_name():
    report = armed(subject(*four()), {"drawdown": "max_drawdown = 0.99"})

    assert [("drawdown", "max_drawdown = 0.99", False)] == [
        (row.limit, row.value, row.of_kernel) for row in report if row.limit == "drawdown"
    ]


def test_one_probe_does_not_see_what_another_did():
    """
    Each has a bench of its own.
    """
    one = subject()
    seen = []

    def attempt(found, step):
        seen.append((found.state.orders_today, found.slot.instrument.symbol))
        found.state.orders_today = 99
        return not step

    assert is_held(one, Probe("x", "", attempt, ("A", "B")))
    assert [(0, "A"), (0, "B")] == seen
    assert SYMBOL == bench(one).slot.instrument.symbol
