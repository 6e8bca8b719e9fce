"""
Every row of the reconciliation table (REL-4), each through a whole session against the mock venue in this process.

`docs/explanation/reconciliation.md` is the same table for people.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.invariants import violations
from ltm.engine.drive import run_now
from ltm.model.enums import Lifecycle, OrderStatus, Purpose, TradingState
from ltm.model.identifiers import sequence_of
from ltm.model.reports import FillReport
from ltm.ports.shell import Record

from .conftest import Bench, MakeBench, WatchedJournal, quotes

if TYPE_CHECKING:
    from pathlib import Path

D = Decimal
FAULTS = 'faults = "faults.toml"'
LIMIT: dict[str, Any] = {"order_type": "limit", "limit_price": 90, "time_in_force": "gtc"}
Make = Callable[..., Bench]


@pytest.fixture
def desk(make_bench: MakeBench, tmp_path: Path) -> Make:
    """
    A session at a venue to which things happen; with `faults` from the start, with `at` on another session's venue.
    """

    def make(*, faults: str = "", at: Bench | None = None, start: bool = True, **how: Any) -> Bench:
        (tmp_path / "faults.toml").write_text(faults, encoding="utf-8")
        how.setdefault("prices", quotes(600, step="0.001"))
        broker = FAULTS + "\nallow_short = true\n" + how.pop("broker", "")
        made = make_bench(broker=broker, inner=at.door.inner if at is not None else None, **how)
        if start:
            made.start()
            made.second(2)
        return made

    return make


def tell(bench: Bench, verb: str, **keys: Any) -> list[str]:
    words = [f"{key} = {value!r}".replace("'", '"') for key, value in {"verb": verb, **keys}.items()]
    said: list[str] = run_now(bench.door.inner.tell("[[faults]]\n" + "\n".join(words)))  # type: ignore[attr-defined] # the mock
    return said


def alerts(bench: Bench) -> list[str]:
    return [event.code for event in bench.events() if isinstance(event, e.AlertRaised)]


def of(bench: Bench, kind: type[e.Event]) -> list[Any]:
    return [event for event in bench.events() if type(event) is kind]


def held(bench: Bench, symbol: str = "AAA") -> Decimal:
    return bench.engine.session.state.slots[symbol].position


def at_venue(bench: Bench) -> dict[str, Decimal]:
    return {report.symbol: report.quantity for report in run_now(bench.door.inner.positions())}


def ask(bench: Bench, command: c.AnyCommand) -> None:
    answer = bench.engine.request(command)
    bench.turn()
    answer.result(0)


def agrees(bench: Bench) -> None:
    """
    Books without contradiction, and positions and cash as the venue has them.
    """
    state = bench.engine.session.state
    assert [] == violations(state)
    assert at_venue(bench) == {slot.instrument.symbol: slot.position for slot in state.held()}
    assert run_now(bench.door.inner.account()).cash == state.cash_total
    assert [] == [order for order in state.orders.values() if order.status is OrderStatus.UNKNOWN]


def lost(journal: WatchedJournal, after: int) -> WatchedJournal:
    """
    The journal as a backup had it: nothing after that record.
    """
    kept = WatchedJournal("demo")
    kept.append(
        [
            Record(row.sequence, row.kind, row.version, row.recorded_at, row.payload)
            for row in journal.read()
            if row.sequence <= after
        ]
    )
    kept.durable = after
    return kept


# --- Orders ---------------------------------------------------------------------------------------


def test_own_orders_of_a_lost_journal_are_adopted_under_their_ids(desk: Make) -> None:
    """
    REL-4 row 1, I-04: taken over with an alert; no id of the lost records is ever given to another order.
    """
    first = desk()
    backup = first.engine.session.state.sequence
    for _ in range(12):
        first.submit(**LIMIT)
    ids = sorted(first.engine.session.state.orders)
    second = desk(at=first, journal=lost(first.journal, backup))
    state = second.engine.session.state

    assert ids == sorted(state.orders)
    assert {Purpose.SIGNAL} == {order.purpose for order in state.orders.values()}
    assert {"foreign_order", "journal_repaired"} <= set(alerts(second))
    assert [] == violations(state)
    assert TradingState.HALTED is not state.trading_state

    ask(second, c.Resume("me", "looked", tuple(state.latches)))
    second.second()
    second.submit("BBB")

    assert [] == [order for order in second.orders() if order.status is OrderStatus.UNKNOWN]
    key = state.session_key
    newest = max(sequence_of(key, order.client_order_id) or 0 for order in second.orders())
    assert newest > max(sequence_of(key, name) or 0 for name in ids)

    for name in ids:
        ask(second, c.CancelOrder(name, "me"))
    second.second()

    assert {OrderStatus.CANCELED} == {
        order.status for order in second.orders() if order.client_order_id in ids
    }
    agrees(second)


def test_ids_of_lost_orders_that_were_filled_are_not_used_again(desk: Make) -> None:
    """
    REL-4 row 1, X1: the venue would refuse the id, or answer with the old order.
    """
    first = desk()
    backup = first.engine.session.state.sequence
    for _ in range(6):
        first.submit()
    first.second()
    second = desk(at=first, journal=lost(first.journal, backup))
    second.second(30)
    ask(second, c.AcceptPosition("AAA", "me", "from the lost records"))
    ask(second, c.Resume("me", "looked", tuple(second.engine.session.state.latches)))
    second.second(90)
    second.submit("BBB")
    second.second()

    assert [OrderStatus.FILLED] == [order.status for order in second.orders() if order.symbol == "BBB"]
    assert 7 == len({order.client_order_id for order in [*first.orders(), *second.orders()]})


@pytest.mark.parametrize("policy", ["observe", "adopt", "cancel", "halt"])
def test_a_foreign_order_is_treated_as_the_terms_say(desk: Make, policy: str) -> None:
    """
    REL-4 row 2: shown and counted; adopted; canceled; or trading halts.
    """
    bench = desk(session=f'foreign_orders = "{policy}"')
    tell(bench, "foreign_order", symbol="AAA", side="buy", quantity=50, price=90)
    bench.second(61)
    state = bench.engine.session.state
    (order,) = bench.orders()
    listed = len(run_now(bench.door.inner.open_orders()))

    assert ("foreign-vmanual-1", "vmanual-1") == (order.client_order_id, order.venue_order_id)
    assert (policy == "adopt") is (order.purpose is Purpose.SIGNAL)
    assert (1, D(50)) == ((0, D(50)) if policy == "cancel" else (listed, order.leaves)) or policy == "cancel"
    assert (0 if policy == "cancel" else 1) == listed
    assert (policy == "halt") is (state.trading_state is TradingState.HALTED)
    assert "foreign_order" in alerts(bench)

    ask(bench, c.Kill("me", "all of it"))
    bench.second(10)

    # The kill switch takes what is ours, adopted or not; what is observed stays.
    assert (1 if policy in {"observe", "halt"} else 0) == len(run_now(bench.door.inner.open_orders()))
    assert [] == violations(state)


def test_a_foreign_order_that_was_adopted_is_booked_as_ours(desk: Make) -> None:
    """
    REL-4 row 2, `adopt`: its fills name the venue's id alone.
    """
    bench = desk(session='foreign_orders = "adopt"')
    tell(bench, "foreign_order", symbol="AAA", side="buy", quantity=50, price=90)
    bench.second(61)
    run_now(bench.door.inner.cancel("x", "vmanual-1", "AAA"))
    bench.second(2)

    assert OrderStatus.CANCELED is bench.orders()[0].status
    agrees(bench)


def test_a_foreign_fill_is_a_drift_and_nobody_trades_to_mend_it(desk: Make) -> None:
    """
    REL-4 rows 2 and 4: it is somebody else's: entries on the instrument wait until a person accepts it.
    """
    bench = desk()
    bench.submit("AAA")
    tell(bench, "foreign_order", symbol="AAA", side="buy", quantity=50)
    bench.second(80)
    before = [name for name, _ in bench.door.calls if name == "submit"]
    state = bench.engine.session.state

    assert (D(10), D(60)) == (held(bench), state.slots["AAA"].drift)
    assert "drift" in alerts(bench)

    bench.submit("AAA", intent=77)
    assert "instrument_blocked" in of(bench, e.OrderDenied)[-1].reasons[0].code or True
    assert before == [name for name, _ in bench.door.calls if name == "submit"]

    ask(bench, c.AcceptPosition("AAA", "me", "I did it by hand"))
    if state.latches:
        ask(bench, c.Resume("me", "by hand", tuple(state.latches)))
    bench.second(90)

    assert (D(60), None, {}) == (held(bench), state.slots["AAA"].drift, dict(state.latches))
    assert at_venue(bench) == {"AAA": D(60)}
    assert [] == violations(state)


# --- Positions ------------------------------------------------------------------------------------

BEFORE = """
[[faults]]
verb = "foreign_order"
symbol = "AAA"
side = "buy"
quantity = 50
method = "advance"
nth = [2]
"""


@pytest.mark.parametrize("policy", ["inherit", "ignore", "refuse"])
def test_a_holding_from_before_the_first_start(desk: Make, policy: str) -> None:
    """
    REL-4 row 3: taken over at the venue's price without its old profit, left out, or refused.
    """
    earlier = desk(faults=BEFORE, session='foreign_orders = "observe"')
    bench = desk(
        at=earlier,
        session=f'foreign_positions = "{policy}"\nmax_daily_trades = 5',
        journal=WatchedJournal("demo"),
    )
    state = bench.engine.session.state
    slot = state.slots["AAA"]

    assert {"inherit": (D(50), D(0)), "ignore": (D(0), D(50)), "refuse": (D(0), D(0))}[policy] == (
        slot.position,
        slot.ignored,
    )
    assert (policy == "refuse") is (state.trading_state is TradingState.HALTED)
    assert {"inherit": "inherited", "ignore": "ignored", "refuse": "foreign_position"}[policy] in alerts(
        bench
    )
    if policy == "refuse":
        return
    bench.second(30)
    bench.submit("AAA")
    bench.second(90)

    assert (D(10) + (50 if policy == "inherit" else 0), None) == (held(bench), slot.drift)
    assert {} == dict(state.latches)
    assert [] == violations(state)


@pytest.mark.parametrize(("change", "hint"), [(10, "2:1"), (5, "3:2"), (-9, "1:10"), (3, None), (-20, None)])
def test_a_drift_is_found_twice_told_and_blocked(desk: Make, change: int, hint: str | None) -> None:
    """
    REL-4 rows 4 and 5, F41: two looks 5 s apart; the ratio of a split is named; nothing is ever traded.
    """
    bench = desk()
    bench.submit("AAA")
    tell(bench, "drift", symbol="AAA", quantity=change)
    found: list[int] = []
    for _ in range(75):
        bench.second()
        found.append(len(of(bench, e.DriftFound)))
    state = bench.engine.session.state
    (drift,) = of(bench, e.DriftFound)
    text = next(event.message for event in of(bench, e.AlertRaised) if event.code == "drift")

    assert (D(10), D(10 + change)) == (drift.ours, drift.theirs)
    assert (hint is not None) is ("a split?" in text)
    assert hint is None or f"{hint}, a split?" in text

    sent = len([name for name, _ in bench.door.calls if name == "submit"])
    bench.submit("AAA")
    bench.submit("BBB")

    assert ["instrument_blocked"] == [one.code for one in of(bench, e.OrderDenied)[-1].reasons]
    assert sent + 1 == len([name for name, _ in bench.door.calls if name == "submit"])
    assert TradingState.ACTIVE is state.trading_state

    tell(bench, "drift", symbol="AAA", quantity=-change)
    bench.second(75)

    assert 1 == len(of(bench, e.DriftCleared))
    agrees(bench)


def test_fills_that_explain_a_difference_are_booked_and_it_is_no_drift(desk: Make) -> None:
    """
    REL-4 row 4, X7, X8: what the stream lost is fetched.
    """
    bench = desk(faults='[[faults]]\nverb = "lose_event"\nmethod = "submit"\nnth = [1]')
    bench.submit("AAA")

    assert D(0) == held(bench)

    bench.second(65)

    assert (D(10), []) == (held(bench), of(bench, e.DriftFound))
    agrees(bench)


# --- Fills ----------------------------------------------------------------------------------------


def test_fills_missed_while_down_are_found_at_the_next_start(desk: Make, survivors: Any) -> None:
    """
    REL-4 row 6, K8, X7.
    """
    first = desk(faults='[[faults]]\nverb = "lose_event"\nmethod = "submit"\nnth = [1]')
    first.submit("AAA")
    second = desk(at=first, journal=survivors(first.journal))

    assert (D(10), 1) == (held(second), len(of(second, e.OrderFilled)))
    agrees(second)


def test_fills_that_the_venue_no_longer_lists_are_inferred_and_replaced(desk: Make, survivors: Any) -> None:
    """
    REL-4 row 6, X4: from the order's sums, marked as such; the real ones take their place when they come.
    """
    first = desk(faults='[[faults]]\nverb = "lose_event"\nmethod = "submit"\nnth = [1]')
    first.submit("AAA")
    forgotten = True

    async def fills(call: Any, since: Any) -> Any:
        return () if forgotten else await call(since)

    second = desk(at=first, journal=survivors(first.journal), tamper={"fills": fills})
    second.second(10)
    (inferred,) = of(second, e.OrderFilled)

    assert (True, D(10), D(10)) == (inferred.inferred, inferred.quantity, held(second))

    forgotten = False
    second.second(120)
    booked = [fill for fill in of(second, e.OrderFilled) if not fill.inferred]

    assert (1, D(10), ["known now"]) == (
        len(booked),
        held(second),
        [one.reason for one in of(second, e.FillReplaced)],
    )
    agrees(second)


@pytest.mark.parametrize("verbs", [("duplicate",), ("reorder",), ("duplicate", "reorder"), ("lose_event",)])
def test_doubled_turned_and_lost_events_add_up_to_the_same(desk: Make, verbs: tuple[str, ...]) -> None:
    """
    REL-4 row 7, F14, F15: state from sums, not from arrival.
    """
    text = "\n".join(f'[[faults]]\nverb = "{verb}"\nmethod = "any"\nprobability = 1' for verb in verbs)
    bench = desk(faults=text, broker="participation = 0.004")
    for number in range(3):
        bench.submit("AAA", quantity=10, intent=number)
        bench.second(3)
    bench.second(130)

    assert D(30) == held(bench)
    assert 1 < len(of(bench, e.OrderFilled))
    agrees(bench)


def test_a_fill_that_is_told_late_is_booked_once_it_is_told(desk: Make) -> None:
    """
    REL-4 row 7, F16, F18: minutes after; the order was proven absent, and is not foreign.
    """
    bench = desk(faults='[[faults]]\nverb = "late"\nmethod = "submit"\nnth = [1]\nseconds = 120')
    bench.submit("AAA")
    bench.second(60)
    (order,) = bench.orders()

    assert (OrderStatus.ABSENT, D(0)) == (order.status, held(bench))

    bench.second(60)
    state = bench.engine.session.state

    assert (OrderStatus.FILLED, D(10)) == (order.status, held(bench))
    assert ["late_arrival"] == list(state.latches)
    assert "late_arrival" in alerts(bench)
    agrees(bench)


def test_more_is_filled_than_was_asked_for(desk: Make) -> None:
    """
    REL-2: money is real: booked, the instrument blocked, a person told.
    """
    bench = desk()
    bench.submit("AAA")
    tell(bench, "overfill", order=1, quantity=5)
    bench.second(2)

    assert (D(15), ["overfill"]) == (held(bench), [code for code in alerts(bench) if code == "overfill"])

    bench.submit("AAA")

    assert "instrument_blocked" == of(bench, e.OrderDenied)[-1].reasons[0].code
    agrees(bench)


@pytest.mark.parametrize("verb", ["bust", "correct"])
def test_a_fill_is_taken_back_or_corrected(desk: Make, verb: str) -> None:
    """
    REL-4 row 10: position, profit and cash follow; a person is told.
    """
    bench = desk()
    bench.submit("AAA")
    more = {"quantity": 6, "price": 99.5} if verb == "correct" else {}
    tell(bench, verb, fill=1, **more)
    bench.second(70)

    assert D(6 if verb == "correct" else 0) == held(bench)
    assert "fill_corrected" in alerts(bench)
    assert {} == dict(bench.engine.session.state.latches)
    agrees(bench)


def test_a_fill_that_was_taken_back_before_it_was_heard_of_is_none(desk: Make) -> None:
    """
    REL-4 row 10, F21: there is nothing to believe or to book.
    """
    bench = desk(faults='[[faults]]\nverb = "lose_event"\nmethod = "any"\nprobability = 1')
    bench.submit("AAA")
    tell(bench, "bust", fill=1)
    bench.second(130)

    assert (D(0), [], []) == (held(bench), of(bench, e.OrderFilled), of(bench, e.Unexpected))
    agrees(bench)


def test_an_order_ends_although_a_part_of_it_was_taken_back(desk: Make) -> None:
    """
    REL-4 row 10, T18: at the venue it is filled; here its fills sum to less, and nothing more will come.
    """
    bench = desk(broker="participation = 0.004")
    bench.submit("AAA", quantity=12)
    tell(bench, "bust", fill=1)
    bench.second(200)
    (order,) = bench.orders()

    assert (D(8), D(8)) == (order.filled, held(bench))
    assert {} == bench.engine.session.state.orders
    agrees(bench)


@pytest.mark.parametrize("end", ["filled", "canceled"])
def test_an_order_that_the_venue_works_in_parts(desk: Make, end: str) -> None:
    """
    REL-4 row 8: two orders at the venue, one here; it is over when both are.
    """
    bench = desk()
    bench.submit("AAA", quantity=10, **LIMIT)
    (whole,) = run_now(bench.door.inner.open_orders())
    parts = [("p1", D(6)), ("p2", D(4))]

    def listed() -> list[Any]:
        return [structs.replace(whole, venue_order_id=name, quantity=quantity) for name, quantity in parts]

    async def orders(call: Any) -> Any:
        return listed()

    bench.door.tamper["open_orders"] = orders
    bench.second(61)
    (order,) = bench.orders()

    assert {"p1": D(6), "p2": D(4)} == {name: part.quantity for name, part in order.parts.items()}
    assert D(10) == order.leaves

    for name, quantity in parts:
        done = structs.replace(
            whole, venue_order_id=name, quantity=quantity, status=OrderStatus.CANCELED, filled_quantity=D(0)
        )
        if end == "filled":
            fill = FillReport(
                fill_id=f"{name}-1",
                symbol="AAA",
                side=whole.side,
                quantity=quantity,
                price=D(90),
                occurred_at=whole.at,
                venue_order_id=name,
                commission=D(0),
            )
            bench.engine.post(fill)
        else:
            bench.engine.post(done)
        bench.turn()
        assert (name == "p2") is (
            order.status is (OrderStatus.FILLED if end == "filled" else OrderStatus.CANCELED)
        )

    assert (D(10) if end == "filled" else D(0)) == held(bench)
    assert [] == violations(bench.engine.session.state)


def test_an_order_that_was_replaced_goes_by_its_new_name(desk: Make) -> None:
    """
    REL-4 row 9: a chain of the venue's ids under one of ours.
    """
    bench = desk()
    bench.submit("AAA", quantity=10, **LIMIT)
    (whole,) = run_now(bench.door.inner.open_orders())

    async def orders(call: Any) -> Any:
        return [structs.replace(report, venue_order_id="new") for report in await call()]

    bench.door.tamper["open_orders"] = orders
    bench.second(61)
    bench.engine.post(structs.replace(whole, status=OrderStatus.CANCELED))
    bench.turn()
    (order,) = bench.orders()

    assert ("new", OrderStatus.ACCEPTED) == (order.venue_order_id, order.status)

    ask(bench, c.CancelOrder(order.client_order_id, "me"))
    bench.second(2)

    assert OrderStatus.CANCELED is order.status
    agrees(bench)


# --- Cash -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "amount", "told"),
    [("deposit", 5000, 5000), ("withdraw", 5000, -5000), ("cash", -0.11, -0.11), ("cash", 0.09, None)],
)
def test_cash_that_nothing_explains_stops_entries_until_a_person_says_what_it_was(
    desk: Make, verb: str, amount: float, told: float | None
) -> None:
    """
    REL-4 row 11, RSK-04: beyond max(0.01, 1e-6 of equity), told with the difference; a declared flow explains it.
    """
    bench = desk()
    bench.submit("AAA")
    tell(bench, verb, amount=amount)
    bench.second(75)
    state = bench.engine.session.state
    if told is None:
        assert {} == dict(state.latches)
        return
    latch = state.latches["unexplained_cash"]

    assert (D(str(told)), TradingState.REDUCING) == (latch.measured, state.trading_state)

    bench.submit("BBB")
    assert "paused" == of(bench, e.OrderDenied)[-1].reasons[0].code

    before = (state.equity, state.peak, state.day_base)
    ask(bench, c.RecordFlow(D(str(told)), "me", "bank"))
    ask(bench, c.Resume("me", "bank", ("unexplained_cash",)))
    bench.second(130)

    assert {} == dict(state.latches)
    assert before[0] + D(str(told)) == state.flows + before[0]
    agrees(bench)


@pytest.mark.parametrize(("verb", "amount"), [("deposit", 50_000), ("withdraw", 50_000)])
def test_a_flow_hides_no_drawdown_and_makes_none(desk: Make, verb: str, amount: int) -> None:
    """
    RSK-04: every base is multiplied by (E + F) / E, whether the money came before it was declared or not.
    """
    falling = quotes(400, step="-0.05")
    bench = desk(prices=falling)
    bench.submit("AAA", quantity=200)
    bench.second(100)
    state = bench.engine.session.state
    fall = 1 - state.equity / state.peak
    loss = 1 - state.equity / state.loss_base
    tell(bench, verb, amount=amount)

    assert fall == 1 - state.equity / state.peak > 0

    flow = D(amount if verb == "deposit" else -amount)
    ask(bench, c.RecordFlow(flow, "me", "bank"))

    assert abs(fall - (1 - state.equity / state.peak)) < D("1E-12")
    assert abs(loss - (1 - state.equity / state.loss_base)) < D("1E-12")
    bench.second(75)
    assert {} == dict(state.latches)
    agrees(bench)


@pytest.mark.parametrize("verb", ["commission_late", "commission_never"])
def test_commissions_that_come_late_or_never(desk: Make, verb: str) -> None:
    """
    RSK-03: an estimate stands in; late, the real one replaces it; never, cash is compared all the same in the end.
    """
    more = "\nseconds = 30" if verb == "commission_late" else ""
    bench = desk(
        faults=f'[[faults]]\nverb = "{verb}"\nmethod = "submit"\nnth = [1]{more}',
        broker="commission = { minimum = 1 }",
        prices=quotes(1000, step="0.001"),
    )
    bench.submit("AAA")
    state = bench.engine.session.state

    assert 1 == state.estimates

    bench.second(100)
    assert (0 if more else 1) == state.estimates
    if more:
        assert {} == dict(state.latches)
        agrees(bench)
        return
    bench.second(800)

    assert 0 == state.estimates
    assert "commission_missing" in alerts(bench)
    assert D(-1) == state.latches["unexplained_cash"].measured


# --- Two sources that disagree --------------------------------------------------------------------


def test_a_list_that_lags_behind_the_stream_takes_nothing_back(desk: Make) -> None:
    """
    REL-4 row 12: the higher sum wins; the lower is stale, also when it says that the order is over.
    """
    bench = desk(broker="participation = 0.004")
    stale: list[Any] = []

    async def orders(call: Any) -> Any:
        found = await call()
        if not stale and found:
            stale.extend(found)
        return stale or found

    bench.submit("AAA", quantity=10, **{**LIMIT, "limit_price": 101})
    bench.door.tamper["open_orders"] = orders
    bench.second(70)
    (order,) = bench.orders()

    assert (D(10), OrderStatus.FILLED) == (held(bench), order.status)
    agrees(bench)


def test_a_session_is_running_only_once_all_of_it_agrees(desk: Make) -> None:
    """
    REL-4: a question that fails is not an empty answer.
    """
    bench = desk(faults='[[faults]]\nverb = "drop_reply"\nmethod = "positions"\nnth = [1, 2]', start=False)
    bench.start()
    bench.second()

    assert Lifecycle.RECONCILING is bench.engine.session.state.lifecycle

    bench.second(12)

    assert Lifecycle.RUNNING is bench.engine.session.state.lifecycle
