"""
Faults of venues, each through a whole session at the mock venue in this process (F11 to F23, F40, F41).

The same faults at random are in `tests/simulation`, over a socket in `tests/brokers/mock` and `tests/proof`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.invariants import violations
from ltm.engine.drive import run_now
from ltm.model.enums import Lifecycle, OrderStatus, TradingState

from .conftest import Bench, MakeBench, quotes

if TYPE_CHECKING:
    from pathlib import Path

D = Decimal
LIMIT: dict[str, Any] = {"order_type": "limit", "limit_price": 90, "time_in_force": "gtc"}
Make = Callable[..., Bench]


def fault(verb: str, method: str = "submit", **keys: Any) -> str:
    keys = {"nth": [1]} | keys if "probability" not in keys else keys
    lines = [f'[[faults]]\nverb = "{verb}"\nmethod = "{method}"']
    lines += [f"{key} = {value!r}".replace("'", '"') for key, value in keys.items()]
    return "\n".join(lines) + "\n"


@pytest.fixture
def desk(make_bench: MakeBench, tmp_path: Path) -> Make:
    """
    A running session at a venue with these faults.
    """

    def make(faults: str = "", **how: Any) -> Bench:
        (tmp_path / "faults.toml").write_text(faults, encoding="utf-8")
        how.setdefault("prices", quotes(600, step="0.001"))
        bench = make_bench(broker='faults = "faults.toml"\n' + how.pop("broker", ""), **how)
        bench.start()
        bench.second(2)
        return bench

    return make


def tell(bench: Bench, text: str) -> None:
    run_now(bench.door.inner.tell(text))  # type: ignore[attr-defined] # the mock


def alerts(bench: Bench) -> list[str]:
    return [event.code for event in bench.events() if isinstance(event, e.AlertRaised)]


def sent(bench: Bench, method: str = "submit") -> int:
    return sum(name == method for name, _ in bench.door.calls)


def held(bench: Bench) -> Decimal:
    return bench.engine.session.state.slots["AAA"].position


def denials(bench: Bench) -> list[str]:
    return [event.reasons[0].code for event in bench.events() if isinstance(event, e.OrderDenied)]


def ends_well(bench: Bench) -> None:
    state = bench.engine.session.state
    theirs = {report.symbol: report.quantity for report in run_now(bench.door.inner.positions())}

    assert theirs == {slot.instrument.symbol: slot.position for slot in state.held()}
    assert [] == violations(state)
    assert not any(order.status is OrderStatus.UNKNOWN for order in state.orders.values())


@pytest.mark.parametrize(
    ("verb", "status"), [("drop_request", OrderStatus.ABSENT), ("drop_reply", OrderStatus.FILLED)]
)
def test_f11_a_partition_before_or_after_the_send_is_resolved_by_asking(
    desk: Make, verb: str, status: OrderStatus
) -> None:
    bench = desk(fault(verb))
    bench.submit("AAA")
    (order,) = bench.orders()

    assert OrderStatus.UNKNOWN is order.status

    bench.submit("AAA")
    assert ["unknown_order"] == denials(bench)

    bench.second(15)

    assert (status, 1) == (order.status, sent(bench))
    ends_well(bench)


def test_f16_a_lost_answer_to_a_cancel_is_no_cancel_until_the_venue_says_so(desk: Make) -> None:
    bench = desk(fault("drop_reply", "cancel") + fault("lose_event", "find", probability=1))
    bench.submit("AAA", **LIMIT)
    (order,) = bench.orders()
    bench.engine.request(c.CancelOrder(order.client_order_id, "me"))
    bench.turn()

    assert (OrderStatus.ACCEPTED, True) == (order.status, order.cancel_pending)

    bench.second(10)

    assert OrderStatus.CANCELED is order.status
    ends_well(bench)


def test_f16_a_fill_after_the_cancel_was_asked_for_is_booked(desk: Make) -> None:
    bench = desk()

    async def cancel(call: Any, *arguments: Any) -> Any:
        tell(bench, '[[faults]]\nverb = "overfill"\norder = 1\nquantity = 1')
        return await call(*arguments)

    bench.submit("AAA", **LIMIT)
    (order,) = bench.orders()
    bench.door.tamper["cancel"] = cancel
    bench.engine.request(c.CancelOrder(order.client_order_id, "me"))
    bench.second(5)

    assert (OrderStatus.FILLED, D(11)) == (order.status, held(bench))
    assert "overfill" in alerts(bench)
    ends_well(bench)


def test_f17_an_order_that_is_not_found_although_it_is_there_is_never_sent_again(desk: Make) -> None:
    """
    X2: what it filled keeps its absence from being proven.
    """
    bench = desk(
        fault("drop_reply") + fault("not_found_for", seconds=120) + fault("lose_event", "any", probability=1)
    )
    bench.submit("AAA")
    bench.second(100)
    (order,) = bench.orders()

    assert (OrderStatus.FILLED, 1, D(10)) == (order.status, sent(bench), held(bench))
    ends_well(bench)


def test_f18_a_request_that_is_executed_minutes_later_is_adopted(desk: Make) -> None:
    bench = desk(fault("late", seconds=180))
    bench.submit("AAA", **LIMIT)
    bench.second(170)
    (order,) = bench.orders()

    assert OrderStatus.ABSENT is order.status

    bench.second(80)
    state = bench.engine.session.state

    assert (OrderStatus.ACCEPTED, 1) == (order.status, sent(bench))
    assert (["late_arrival"], TradingState.REDUCING) == (list(state.latches), state.trading_state)
    assert [] == [event for event in bench.events() if isinstance(event, e.ForeignOrderSeen)]
    ends_well(bench)


@pytest.mark.parametrize("code", ["insufficient_funds", "a_code_that_nobody_has_seen"])
def test_f19_a_definitive_refusal_ends_the_order_whatever_its_code(desk: Make, code: str) -> None:
    bench = desk(fault("reject", code=code))
    bench.submit("AAA")
    (order,) = bench.orders()

    assert (OrderStatus.REJECTED, code) == (order.status, order.reason.code)
    assert "order_rejected" in alerts(bench)

    bench.submit("AAA")
    assert D(10) == held(bench)
    ends_well(bench)


def test_f19_a_refusal_that_says_the_id_was_used_proves_that_the_request_arrived(desk: Make) -> None:
    bench = desk()

    async def submit(call: Any, approval: Any) -> Any:
        await call(approval)
        return await call(approval)

    bench.door.tamper["submit"] = submit
    bench.submit("AAA")
    (order,) = bench.orders()

    assert (OrderStatus.FILLED, D(10)) == (order.status, held(bench))
    ends_well(bench)


def test_f20_a_venue_that_restarts_without_its_day_orders_is_reconciled(desk: Make) -> None:
    bench = desk()
    bench.submit("AAA", **{**LIMIT, "time_in_force": "day"})
    bench.submit("AAA", **LIMIT)
    tell(bench, fault("end_day", "account") + fault("restart", "account"))
    bench.second(70)
    day, until_canceled = sorted(bench.orders(), key=lambda order: order.created_at)

    assert {OrderStatus.EXPIRED, OrderStatus.ACCEPTED} == {day.status, until_canceled.status}
    assert ["link_down"] == [code for code in alerts(bench) if code == "link_down"]
    assert Lifecycle.RUNNING is bench.engine.session.state.lifecycle
    ends_well(bench)


@pytest.mark.parametrize("method", ["submit", "find", "open_orders", "positions", "fills", "account"])
def test_f21_a_reply_that_cannot_be_read_answers_nothing(desk: Make, method: str) -> None:
    bench = desk(fault("garbage", method, nth=[2]) + fault("garbage"))
    bench.submit("AAA")
    bench.second(80)

    assert D(10) == held(bench)
    assert Lifecycle.RUNNING is bench.engine.session.state.lifecycle
    ends_well(bench)


def test_f22_a_venue_that_refuses_every_cancel_is_asked_less_and_less_often(desk: Make) -> None:
    bench = desk(fault("drop_request", "cancel", probability=1))
    bench.submit("AAA", **LIMIT)
    (order,) = bench.orders()
    bench.engine.request(c.CancelOrder(order.client_order_id, "me"))
    bench.second(200)

    assert 4 <= sent(bench, "cancel") <= 12

    tell(bench, '[[faults]]\nverb = "calm"')
    bench.second(70)

    assert OrderStatus.CANCELED is order.status
    ends_well(bench)


def test_f23_an_exit_that_is_refused_again_and_again_is_left_to_a_person(desk: Make) -> None:
    """
    RSK-24, X8: bounded, with the position read in between, and then the instrument is blocked.
    """
    bench = desk(session="stop_loss_pct = 0.01", prices=quotes(500, step="-0.05"))
    bench.submit("AAA")
    tell(bench, fault("reject", probability=1, code="tired"))
    bench.second(450)

    assert 3 <= sent(bench) <= 12
    assert "exit_failed" in alerts(bench)
    assert bench.engine.session.state.slots["AAA"].blocked is not None

    before = sent(bench)
    bench.second(40)
    assert before == sent(bench)
    ends_well(bench)


def test_f40_orders_and_open_questions_outlive_the_trading_day_and_counters_do_not(desk: Make) -> None:
    """
    C09, RSK-09: the day rolls at 15:05 in these terms.
    """
    bench = desk(
        fault("drop_reply", nth=[2]), session='day_roll = "15:05"\ntimezone = "UTC"\nmax_daily_trades = 2'
    )
    tell(
        bench,
        fault("drop_request", "find", probability=1) + fault("drop_request", "open_orders", probability=1),
    )
    bench.submit("AAA", **LIMIT)
    bench.submit("BBB", **{**LIMIT, "limit_price": 140})
    bench.submit("AAA", **LIMIT)
    state = bench.engine.session.state

    assert ["max_daily_trades"] == denials(bench)[-1:]

    first = state.trading_date
    bench.second(310)

    assert first is not None
    assert state.trading_date != first
    assert [OrderStatus.ACCEPTED, OrderStatus.UNKNOWN] == [order.status for order in state.orders.values()]

    bench.submit("AAA", **LIMIT)

    assert 1 == state.orders_today
    tell(bench, '[[faults]]\nverb = "calm"')
    bench.second(70)
    ends_well(bench)


def test_f41_nothing_is_sent_to_a_halted_instrument_until_it_trades_again(desk: Make) -> None:
    bench = desk()
    tell(bench, '[[faults]]\nverb = "halt_symbol"\nsymbol = "AAA"\nseconds = 20')
    bench.second()
    bench.submit("AAA")
    bench.submit("BBB")

    assert (["not_tradable"], 1) == (denials(bench), sent(bench))

    bench.second(25)
    bench.submit("AAA")

    assert D(10) == held(bench)
    ends_well(bench)
