"""
What a state looks like to people: status, limits, positions, and the summary of a session.
"""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from core_desk import Desk, Scripted, stock

from ltm.core import commands as c
from ltm.core.history import Projection, as_json
from ltm.core.summary import summarize
from ltm.core.views import (
    LimitRow,
    latest_decisions,
    limits_of,
    note_decision,
    positions_of,
    reasons_of,
    status_of,
)
from ltm.engine.selfcheck import SelfCheck
from ltm.model.enums import Side
from ltm.model.market import Quote
from ltm.model.reports import Ambiguous
from ltm.model.results import Allow, Check
from ltm.model.spec import Limits
from ltm.ports.rules import GroupingRule

D = Decimal


class Sectors(Scripted):
    """
    A grouping rule that knows one sector.
    """

    def groups_of(self, instrument):
        return {"Tech": D(1)} if instrument.symbol == "AAA" else {}


def limit(rows: list[LimitRow], rule: str, symbol: str | None = None) -> LimitRow:
    return next(row for row in rows if (row.rule, row.symbol) == (rule, symbol))


def decisions(desk: Desk) -> dict:
    return latest_decisions(desk.state, desk.journal)


def test_looking_at_a_session_changes_nothing_in_it():
    """
    I-10, RSK-20: prices and rates of many digits, and whoever looks has an ordinary decimal context.
    """
    desk = Desk(
        limits=Limits(max_gross_exposure=D(5)),
        instruments=[stock("AAA", currency="JPY"), stock("JPY/USD")],
        max_price_age=1e9,
    )
    desk.mark("JPY/USD", D(1) / D("157.32"))
    desk.mark("AAA", "1234.5")
    desk.fill(desk.order("buy", 30), 30, "1234.5")
    desk.session.listener = None
    check = SelfCheck(desk.state)
    for price, look in (("1234.6", status_of), ("1234.7", limits_of)):
        desk.pass_time(1)
        desk.session.mark([Quote("AAA", desk.now, D(price), None, None)])
        look(desk.state, {})

        desk.do(c.RaiseAlert("info", "x", "y"))
        assert check.look() is None


def test_status_adds_up():
    desk = Desk()
    desk.hold(100, 50)
    desk.mark(price=55)
    row = status_of(desk.state, {})

    assert (D(95_000), D(100_500), D(500), D(0)) == (
        row.cash,
        row.equity,
        row.unrealized_pnl,
        row.realized_pnl,
    )
    assert ("running", "active", 0, 0) == (
        row.lifecycle,
        row.trading_state,
        row.open_orders,
        row.unknown_orders,
    )
    assert desk.state.sequence == row.journal_sequence


def test_equity_below_its_bases_is_a_fraction_of_them():
    """
    RSK-22, RSK-23: 100,000 fell to 99,000.
    """
    desk = Desk()
    desk.hold(100, 50)
    desk.mark(price=40)
    row = status_of(desk.state, {})

    assert (D("0.01"), D("0.01")) == (row.drawdown, row.daily_loss)


def test_reasons_are_latches_blocks_and_drifts():
    desk = Desk()
    desk.hold(100, 50)
    desk.do(c.Pause("me", "lunch"))
    desk.slot().blocked = "looked odd"
    desk.slot().drift = D(90)

    assert [
        ("operator", "lunch"),
        ("instrument_blocked", "AAA: looked odd"),
        ("drift", "AAA: the venue's position is not ours"),
    ] == [(reason.code, reason.message) for reason in reasons_of(desk.state)]


def test_limits_of_equity_are_measured_now():
    desk = Desk(
        rules=(
            Scripted("drawdown", check=Allow(D(0), D("0.1"))),
            Scripted("daily_loss", check=Allow(D(0), D("0.02"))),
        )
    )
    desk.hold(1000, 50)
    desk.mark(price="48.15")
    rows = limits_of(desk.state, decisions(desk))

    assert (D("0.0185"), D("0.1"), D("0.0815"), "ok") == as_tuple(limit(rows, "drawdown"))
    assert (D("0.0185"), D("0.02"), D("0.0015"), "near") == as_tuple(limit(rows, "daily_loss"))


def as_tuple(row: LimitRow) -> tuple:
    return row.measured, row.limit, row.headroom, row.state


def test_a_daily_loss_in_money_is_measured_in_money():
    desk = Desk(rules=(Scripted("daily_loss", check=Allow(D(0), D(2_000))),))
    desk.hold(100, 50)
    desk.mark(price=40)
    row = limit(limits_of(desk.state, decisions(desk)), "daily_loss")

    assert (D(1_000), D(2_000), D(1_000), "ok") == as_tuple(row)


def test_a_latch_and_a_fault_are_said():
    desk = Desk()
    desk.do(c.Halt("drawdown", "too deep"))
    desk.state.faulted["daily_loss"] = "raised"
    rows = limits_of(desk.state, {})

    assert ("tripped", "faulted") == (limit(rows, "drawdown").state, limit(rows, "daily_loss").state)


def test_rules_that_a_session_does_not_have_are_not_listed():
    desk = Desk(required_rules=())

    assert ["session_capital"] == [row.rule for row in limits_of(desk.state, {})]


def test_entries_of_the_day_are_a_limit():
    """
    C09.
    """
    desk = Desk(max_daily_trades=1)
    desk.hold(100, 50)

    assert (D(1), D(1), D(0), "near") == as_tuple(limit(limits_of(desk.state, {}), "max_daily_trades"))


def test_position_size_is_what_the_position_could_become_now():
    """
    RSK-05: the working order counts.
    """
    desk = Desk(rules=(Scripted("position_size", check=Allow(D(1), D(7_000))),))
    desk.hold(100, 50)
    desk.limit("buy", 50, 50)
    row = limit(limits_of(desk.state, decisions(desk)), "position_size", "AAA")

    assert (D(7_500), D(7_000), D(-500), "exceeded") == as_tuple(row)


def test_a_group_is_measured_as_a_whole():
    rule = Sectors("sector_concentration", check=Allow(D(1), D(40_000)))
    assert isinstance(rule, GroupingRule)
    desk = Desk(rules=(rule,))
    desk.hold(100, 50)
    desk.hold(100, 50, "BBB")
    rows = limits_of(desk.state, decisions(desk))

    assert (D(5_000), D(40_000), D(35_000), "ok") == as_tuple(limit(rows, "sector_concentration", "AAA"))
    assert D(1) == limit(rows, "sector_concentration", "BBB").measured
    assert ["Tech", None] == [row.sector for row in positions_of(desk.state)]


def test_another_rule_is_told_as_it_was_last_written_down():
    desk = Desk(rules=(Scripted("mine", check=Allow(D(3), None)),))
    desk.hold(100, 50)

    assert (D(3), None, None, "unknown") == as_tuple(
        limit(limits_of(desk.state, decisions(desk)), "mine", "AAA")
    )


def test_a_held_instruments_last_decision_is_found_behind_many_others():
    """
    However many signals came since: the order's id says where its record is.
    """
    desk = Desk(rules=(Scripted("mine", check=Allow(D(3), D(9))),))
    desk.hold(100, 50)
    for _ in range(60):
        desk.signal("hold", symbol="BBB")

    assert {("mine", "AAA")} == {place for place in decisions(desk) if place[0] == "mine"}


def test_a_position_without_an_order_of_ours_has_no_decision():
    desk = Desk(start=False)
    desk.boot()
    desk.connect()
    desk.mark(price=50)
    desk.sweep(positions=desk.positions(AAA=10))

    assert {} == {place: check for place, check in decisions(desk).items() if place[1] == "AAA"}


def test_what_is_no_decision_says_nothing():
    found = {}
    note_decision(found, None)
    note_decision(found, Check("rule", "ok"))

    assert {} == found


def test_positions_are_held_ones_unless_asked():
    desk = Desk()
    desk.hold(100, 50)
    desk.hold(10, 20, "BBB")
    order = desk.order("sell", 10, "BBB")
    desk.fill(order, 10, 25)

    assert [("AAA", D(100), D(50))] == [
        (row.symbol, row.quantity, row.average_entry_price) for row in positions_of(desk.state)
    ]
    assert [("AAA", D(0)), ("BBB", D(50))] == [
        (row.symbol, row.realized_pnl) for row in positions_of(desk.state, flat=True)
    ]


def test_a_mean_price_is_rounded_for_people():
    desk = Desk()
    desk.hold(1, 10)
    order = desk.order("buy", 2)
    desk.fill(order, 2, 11)

    assert D("10.66666667") == positions_of(desk.state)[0].average_entry_price


def test_an_instrument_in_a_currency_without_a_rate_is_shown_all_the_same():
    desk = Desk(instruments=[stock("AAA"), stock("EUR1", "EUR")])
    desk.slot("EUR1").position, desk.slot("EUR1").cost, desk.slot("EUR1").realized = D(1), D(5), D(2)

    assert D(2) == positions_of(desk.state)[-1].realized_pnl


def test_a_summary_counts_everything():
    desk = Desk()
    desk.hold(100, 50)
    desk.signal("hold")
    desk.signal("buy", 10, "NONE")
    unknown = desk.signal("buy", 1).client_order_id
    desk.answer(unknown, Ambiguous("no answer"))
    history = Projection("demo")
    history.apply_all(desk.records())
    told = summarize(desk.state, history)

    assert (4, 1, 2, 1, 1) == (told.signals, told.ignored, told.orders, told.denied, told.fills)
    assert {"unknown_instrument": 1} == told.denied_by_code
    assert [unknown] == told.open_orders == told.unresolved_orders
    assert ["AAA"] == [row.symbol for row in told.positions]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (D("1E+3"), "1000"),
        (D("0.10"), "0.1"),
        (datetime(2026, 1, 5, 9, tzinfo=timezone(timedelta(hours=8))), "2026-01-05T01:00:00Z"),
        (datetime(2026, 1, 5, 9, 0, 0, 5, tzinfo=UTC), "2026-01-05T09:00:00.000005Z"),
        (datetime(2026, 1, 5, tzinfo=UTC).date(), "2026-01-05"),
        (Side.BUY, "buy"),
        ({"a": (D(1), None)}, {"a": ["1", None]}),
        (
            Check("rule", "ok"),
            dict.fromkeys(("measured", "limit", "headroom", "message")) | {"rule": "rule", "code": "ok"},
        ),
        (True, True),
        (5, 5),
    ],
)
def test_json_has_plain_numbers_and_utc_times(value, expected):
    """
    Design 8.
    """
    assert expected == as_json(value)
