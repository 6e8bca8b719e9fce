"""
The shell: nothing leaves before it is durable, no failure becomes an answer, every end is orderly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from ltm.app import driver_of, keep
from ltm.core import commands as c
from ltm.core import events as e
from ltm.engine.drive import run_now
from ltm.engine.results import result_of
from ltm.engine.state_dir import FreeSpace
from ltm.model.enums import Lifecycle, OrderStatus, TradingState
from ltm.model.errors import InvalidTransition, JournalError, PluginError, SignalError
from ltm.model.reports import Acked
from ltm.model.signal import Signal

Make = Callable[..., Any]


def started(make_bench: Make, **more: Any) -> Any:
    bench = make_bench(**more)
    bench.start()
    bench.second(2)
    return bench


def test_a_signal_becomes_a_booked_fill(make_bench: Make) -> None:
    """The whole spine, once: signal, size, rules, journal, venue, fill, position."""
    bench = started(make_bench)

    bench.submit()
    bench.second()

    [order] = bench.orders()
    assert order.status is OrderStatus.FILLED
    assert bench.engine.session.state.slots["AAA"].position == 10
    assert Lifecycle.RUNNING is bench.engine.session.state.lifecycle


def test_an_intent_is_durable_before_its_order_leaves(make_bench: Make) -> None:
    """REL-1, F01: at the call of submit the journal has committed the intent (K3)."""
    seen: list[bool] = []

    async def submit(call: Any, approval: Any) -> Any:
        intents = [
            row.sequence
            for row in bench.journal.read()
            if row.kind == "order_intended" and approval.client_order_id.encode() in row.payload
        ]
        seen.append(bool(intents) and intents[0] <= bench.journal.durable)
        return await call(approval)

    bench = started(make_bench, tamper={"submit": submit})
    for number in range(3):
        bench.submit(intent=number)

    assert seen == [True, True, True]


def test_a_hundred_signals_share_one_commit_before_anything_is_sent(make_bench: Make) -> None:
    """REL-3: one fsync per drain of the queue."""
    bench = started(make_bench, session="max_daily_trades = 1000")
    before = bench.journal.commits
    moment = bench.engine.clock.now()
    for number in range(100):
        signal = Signal(
            stock_code="AAA", action="buy", score=1, confidence=1, timestamp=moment, intent=number, quantity=1
        )
        bench.engine.post(c.SubmitSignal(bench.engine.localise(signal)))

    run_now(bench.engine.turn())

    assert 1 == bench.journal.commits - before
    assert 100 == sum(name == "submit" for name, _ in bench.door.calls)


@pytest.mark.parametrize(
    "answer",
    [
        RuntimeError("boom"),
        TimeoutError(),
        None,
        True,
        "ok",
        ConnectionResetError("reset"),
        KeyError("x"),
    ],
    ids=repr,
)
def test_whatever_the_adapter_does_wrong_the_outcome_is_unknown_and_found_by_asking(
    make_bench: Make, answer: object
) -> None:
    """F26, BAD-109, X1: never rejected, never sent again; the query finds the order the venue has."""

    async def submit(call: Any, approval: Any) -> Any:
        await call(approval)
        if isinstance(answer, Exception):
            raise answer
        return answer

    bench = started(make_bench, tamper={"submit": submit})
    bench.submit()
    [order] = bench.orders()
    statuses = [type(event).__name__ for event in bench.events()]
    bench.second(5)

    assert "OrderUnknown" in statuses or order.status is OrderStatus.FILLED
    assert order.status is OrderStatus.FILLED
    assert 1 == sum(name == "submit" for name, _ in bench.door.calls)
    assert bench.engine.session.state.slots["AAA"].position == 10
    assert order.reason is None


def test_an_order_that_never_arrived_is_proven_absent_and_frees_its_reservation(make_bench: Make) -> None:
    """REL-1 proven absent: not found twice, a settle time apart, positions agreeing."""

    async def submit(_: Any, __: Any) -> Any:
        raise TimeoutError

    bench = started(make_bench, tamper={"submit": submit})
    bench.submit()
    [order] = bench.orders()
    assert order.status is OrderStatus.UNKNOWN
    assert bench.engine.session.state.reserved > 0

    bench.second(20)

    assert order.status is OrderStatus.ABSENT
    assert bench.engine.session.state.reserved == 0


def test_a_task_cancelled_in_mid_submit_leaves_the_order_unknown(make_bench: Make) -> None:
    """F47: the request may have left, so nobody knows."""

    async def submit(_: Any, __: Any) -> Any:
        raise asyncio.CancelledError

    bench = started(make_bench, tamper={"submit": submit})
    with pytest.raises(asyncio.CancelledError):
        bench.submit()
    bench.turn()

    [order] = bench.orders()
    assert order.status is OrderStatus.UNKNOWN


def test_nothing_is_sent_after_a_commit_failed(make_bench: Make) -> None:
    """F04, F05: halted in memory at once, open orders are canceled without a record, exit class 3."""
    bench = started(make_bench)
    bench.submit(quantity=5, order_type="limit", limit_price=Decimal("50.00"))
    bench.journal.fail_at, bench.journal.error = 0, JournalError("disk full")

    with pytest.raises(JournalError):
        bench.submit(intent=9)
    run_now(bench.engine.abandon())

    assert 1 == sum(name == "submit" for name, _ in bench.door.calls)
    assert TradingState.HALTED is bench.engine.session.state.trading_state
    assert "cancel" in [name for name, _ in bench.door.calls]


def test_the_kill_switch_holds_back_what_is_approved_but_not_sent(make_bench: Make, tmp_path: Any) -> None:
    """O10, C36: the flag is looked at before each send, and kills the session at the next second."""
    from ltm.engine.state_dir import kill_flag

    bench = started(make_bench)
    bench.engine.surroundings.kill_switch = kill_flag(tmp_path, "demo")
    bench.engine.surroundings.kill_switch.set("operator saw smoke")

    bench.submit()
    bench.second(2)

    [order] = bench.orders()
    assert order.status is OrderStatus.ABSENT
    assert not [name for name, _ in bench.door.calls if name == "submit"]
    assert TradingState.KILLED is bench.engine.session.state.trading_state


def test_a_source_that_raises_is_dropped_and_the_session_goes_on(make_bench: Make, tmp_path: Any) -> None:
    """A strategy's bug costs its signals, not the session."""
    (tmp_path / "bad_strategy.py").write_text(
        "def trade(quote):\n    raise ZeroDivisionError\n", encoding="utf-8"
    )
    more = '[[signals]]\nplugin = "python"\ncallable = "bad_strategy:trade"\npath = "."\n'
    bench = started(make_bench, more=more)
    bench.submit()
    bench.second(3)

    assert any(isinstance(problem, PluginError) for problem in bench.observer.problems)
    assert "signal_source" in [event.code for event in bench.events() if isinstance(event, e.AlertRaised)]
    assert bench.engine.session.state.slots["AAA"].position == 10


def test_a_signal_that_cannot_be_used_is_reported_and_leaves_no_record(make_bench: Make) -> None:
    """BAD-061: a naive time in a file session; the journal is as before."""
    bench = started(make_bench)
    before = bench.journal.last_sequence()

    bench.engine.submit(
        Signal(stock_code="AAA", action="buy", score=1, confidence=1, timestamp="2026-01-05T15:00:03")
    )
    bench.turn()

    assert before == bench.journal.last_sequence()
    assert ["LTM-SIG-061"] == [problem.code for problem in bench.observer.problems]


def test_the_same_signal_twice_is_one_order_and_one_result(make_bench: Make) -> None:
    """BAD-065, F46: also after a restart."""
    bench = started(make_bench)
    signal = Signal(stock_code="AAA", action="buy", score=1, confidence=1, timestamp="2026-01-05T15:00:02Z")
    for _ in range(3):
        bench.engine.submit(signal)
        bench.second()
    record = bench.engine.localise(signal)

    first = result_of(bench.engine.session, record)
    again = result_of(bench.engine.session, record, duplicate=True)

    assert 1 == len(bench.orders())
    assert "filled" == first.status
    assert (first.client_order_id, first.signal_key) == (again.client_order_id, again.duplicate_of)


def test_the_same_key_with_other_content_is_refused(make_bench: Make) -> None:
    """BAD-066, the Stripe rule."""
    bench = started(make_bench)
    values = {"stock_code": "AAA", "action": "buy", "confidence": 1, "timestamp": "2026-01-05T15:00:02Z"}
    bench.engine.submit(Signal(score=1, **values))
    bench.engine.submit(Signal(score=2, **values))

    assert ["LTM-SIG-066"] == [problem.code for problem in bench.observer.problems]
    assert isinstance(bench.observer.problems[0], SignalError)


def test_a_crash_between_intent_and_answer_is_resolved_at_the_next_start(
    make_bench: Make, survivors: Any
) -> None:
    """K5: the order is at the venue, the journal has the intent only; found, booked once."""

    async def submit(call: Any, approval: Any) -> Any:
        await call(approval)
        raise KeyboardInterrupt

    bench = started(make_bench, tamper={"submit": submit})
    with pytest.raises(KeyboardInterrupt):
        bench.submit()

    after = make_bench(journal=survivors(bench.journal), inner=bench.door.inner)
    after.start()
    after.second(5)

    [order] = after.orders()
    assert order.status is OrderStatus.FILLED
    assert after.engine.session.state.slots["AAA"].position == 10
    assert not [name for name, _ in after.door.calls if name == "submit"]


def test_an_intent_that_was_never_sent_is_absent_after_the_restart(make_bench: Make, survivors: Any) -> None:
    """K3: fsynced, killed before the send."""

    async def submit(_: Any, __: Any) -> Any:
        raise KeyboardInterrupt

    bench = started(make_bench, tamper={"submit": submit})
    with pytest.raises(KeyboardInterrupt):
        bench.submit()
    after = make_bench(journal=survivors(bench.journal), inner=bench.door.inner)
    after.start()
    after.second(20)

    assert [OrderStatus.ABSENT] == [order.status for order in after.orders()]


def test_a_stop_cancels_what_is_open_and_ends_stopped(make_bench: Make) -> None:
    """Ruling 7, F30: on_stop = cancel; positions stay, orders do not."""
    bench = started(make_bench)
    bench.submit(quantity=5, order_type="limit", limit_price=Decimal("50.00"))
    bench.submit(intent=7)
    bench.second()
    bench.engine.stop("test")
    bench.finish()

    state = bench.engine.session.state
    assert bench.engine.stopped
    assert Lifecycle.STOPPED is state.lifecycle
    assert {OrderStatus.CANCELED, OrderStatus.FILLED} == {order.status for order in bench.orders()}
    assert state.slots["AAA"].position == 10


def test_on_stop_keep_leaves_orders_where_they_are(make_bench: Make) -> None:
    """Ruling 7: keep."""
    bench = started(make_bench, session='on_stop = "keep"')
    bench.submit(quantity=5, order_type="limit", limit_price=Decimal("50.00"))
    bench.engine.stop("test")
    bench.finish()

    assert [OrderStatus.ACCEPTED] == [order.status for order in bench.orders()]


def test_on_stop_flatten_closes_every_position_first(make_bench: Make) -> None:
    """Ruling 7: flatten; the session waits for the exits."""
    bench = started(make_bench, session='on_stop = "flatten"')
    bench.submit()
    bench.second()
    bench.engine.stop("test")
    bench.finish()

    assert bench.engine.session.state.slots["AAA"].position == 0
    assert Lifecycle.STOPPED is bench.engine.session.state.lifecycle


def test_the_end_of_the_market_ends_the_session(make_bench: Make) -> None:
    """A replayed market that is over leaves nothing to wait for."""
    bench = make_bench()
    bench.start()
    bench.finish()

    assert Lifecycle.STOPPED is bench.engine.session.state.lifecycle
    assert bench.engine.market.over


def test_a_person_who_asks_the_impossible_gets_the_reason_and_no_record(make_bench: Make) -> None:
    """BAD-034: resume of an active session."""
    bench = started(make_bench)
    before = bench.journal.last_sequence()
    answer = bench.engine.request(c.Resume("me"))
    bench.turn()

    with pytest.raises(InvalidTransition, match="cannot resume session demo: it is ACTIVE"):
        answer.result()
    assert before == bench.journal.last_sequence()


def test_a_request_is_answered_when_its_records_are_durable(make_bench: Make) -> None:
    """Pause: done means written."""
    bench = started(make_bench)
    answer = bench.engine.request(c.Pause("me", "lunch"))
    assert not answer.done()
    bench.turn()

    assert answer.result() is None
    assert bench.journal.durable == bench.journal.last_sequence()
    assert TradingState.REDUCING is bench.engine.session.state.trading_state


def test_a_full_disk_stops_entries_and_says_so_once(make_bench: Make) -> None:
    """REL-3: below 64 MB no entries; below 1 GB one warning."""
    bench = started(make_bench)
    bench.engine.surroundings.free_space = lambda: FreeSpace(500 << 20, "low")
    bench.second(25)
    bench.engine.surroundings.free_space = lambda: FreeSpace(1 << 20, "full")
    bench.second(25)

    codes = [event.code for event in bench.events() if isinstance(event, e.AlertRaised)]
    assert ["disk_low", "disk_full"] == [code for code in codes if code.startswith("disk")]
    assert "disk_full" in bench.engine.session.state.latches


def test_queries_that_fail_are_no_evidence_and_the_session_is_not_ready(make_bench: Make) -> None:
    """REL-4: a failing query is not an empty answer; entries wait, denied with what is missing."""

    async def fail(_: Any, *__: Any) -> Any:
        raise OSError("no route")

    bench = make_bench(tamper={"positions": fail})
    bench.start()
    bench.second(2)
    bench.submit()

    assert Lifecycle.RECONCILING is bench.engine.session.state.lifecycle
    [denied] = [event for event in bench.events() if isinstance(event, e.OrderDenied)]
    assert "not_ready" == denied.reasons[0].code
    assert "LTM-BRK-010" in {problem.code for problem in bench.observer.problems}

    del bench.door.tamper["positions"]
    bench.second(10)

    assert Lifecycle.RUNNING is bench.engine.session.state.lifecycle


def test_an_alert_no_sink_has_taken_goes_out_again_after_a_restart(make_bench: Make, survivors: Any) -> None:
    """I-18, K7: the outbox is the journal."""
    bench = started(make_bench)
    bench.engine.request(c.RaiseAlert("critical", "smoke", "there is smoke"))
    bench.turn()
    [alert] = [event for event in bench.events() if isinstance(event, e.AlertRaised)]
    left = survivors(bench.journal)
    rows = [row for row in left.read() if row.kind != "alert_delivered"]
    assert len(rows) <= len(list(left.read()))
    again = make_bench(journal=_without(left, "alert_delivered"), inner=bench.door.inner)
    again.start()
    again.second(1)

    delivered = [event for event in again.events() if isinstance(event, e.AlertDelivered)]
    assert alert.alert_id in {event.alert_id for event in delivered}


def _without(journal: Any, kind: str) -> Any:
    from ltm.ports.shell import Record

    kept = type(journal)("demo")
    rows = [row for row in journal.read() if row.kind != kind]
    kept.append([Record(n, r.kind, r.version, r.recorded_at, r.payload) for n, r in enumerate(rows, 1)])
    kept.durable = len(rows)
    return kept


def test_a_broker_that_waits_cannot_be_simulated() -> None:
    """`ltm simulate` refuses what needs an event loop."""

    async def wait() -> None:
        await asyncio.sleep(0)

    with pytest.raises(PluginError, match="cannot be simulated"):
        run_now(wait())


def test_a_venue_that_acks_twice_is_believed_once(make_bench: Make) -> None:
    """F14: duplicated answers change nothing."""
    bench = started(make_bench)
    bench.submit()
    [order] = bench.orders()
    before = bench.journal.last_sequence()
    bench.engine.post(c.SubmitAnswered(order.client_order_id, Acked(order.venue_order_id)))
    bench.turn()

    assert before == bench.journal.last_sequence()


def test_books_that_contradict_themselves_halt_the_session(make_bench: Make) -> None:
    """REL-5: an invariant broken by whatever bug sends nothing any more, and says which."""
    bench = started(make_bench)
    bench.submit()
    bench.second(2)
    bench.engine.session.state.slots["AAA"].position += 1
    bench.submit(intent=5)
    bench.second(2)

    state = bench.engine.session.state
    assert TradingState.HALTED is state.trading_state
    assert "I-01 AAA" in state.latches["invariant"].message


class _Step:
    """Waits once; whoever drives the coroutine by hand says when it goes on."""

    def __await__(self) -> Any:
        yield


class _Cutting:
    """A performer whose first submission is cancelled after so many waits."""

    def __init__(self, inner: Any, waits: int) -> None:
        self.inner, self.waits, self.cut, self.killed = inner, waits, False, False

    async def perform(self, effect: Any) -> None:
        if self.cut or type(effect).__name__ != "SubmitOrder":
            await self.inner.perform(effect)
            return
        self.cut = True
        work = self.inner.perform(effect)
        for _ in range(self.waits):
            work.send(None)
        with pytest.raises(asyncio.CancelledError):
            work.throw(asyncio.CancelledError())


@pytest.mark.parametrize("waits", [1, 2, 3, 4])
@pytest.mark.parametrize("reaches", [True, False], ids=["arrives", "is lost"])
def test_a_submission_cancelled_at_any_await_is_never_sent_again(
    waits: int, reaches: bool, make_bench: Make
) -> None:
    """F47: cancelled before and after the venue got it: the order is unknown, and the venue settles it."""

    async def submit(call: Any, approval: Any) -> Any:
        for _ in range(2):
            await _Step()
        answer = await call(approval) if reaches else Acked("never")
        for _ in range(2):
            await _Step()
        return answer

    bench = started(make_bench, tamper={"submit": submit})
    bench.engine.performer = _Cutting(bench.engine.performer, waits)  # type: ignore[assignment] # stands in for it
    bench.submit(quantity=5, order_type="limit", limit_price=Decimal("50.00"))

    assert "order_unknown" in bench.kinds()

    bench.second(10)
    [order] = bench.orders()

    if reaches and waits > 2:
        assert order.status is OrderStatus.ACCEPTED
    else:
        assert order.status in {OrderStatus.UNKNOWN, OrderStatus.ABSENT}
    assert 1 == sum(name == "submit" for name, _ in bench.door.calls)


async def test_a_fault_of_our_own_halts_before_it_is_told(make_bench: Make) -> None:
    """SEC-36: the last resort; nothing is sent after something nobody foresaw, and the error still comes out."""
    bench = make_bench()
    handle = bench.engine.session.handle
    seconds: list[int] = []

    def broken(command: Any) -> Any:
        if type(command) is c.Tick:
            seconds.append(1)
            if len(seconds) == 5:
                message = "nobody foresaw this"
                raise RuntimeError(message)
        return handle(command)

    object.__setattr__(bench.engine.session, "handle", broken)
    with pytest.raises(RuntimeError, match="nobody foresaw this"):
        await keep(bench.ready, driver_of(bench.ready, beat=lambda: None))

    assert TradingState.HALTED is bench.engine.session.state.trading_state
    assert "internal" in bench.engine.session.state.latches
    assert "disconnect" == bench.door.calls[-1][0]


def test_looser_limits_do_not_lift_a_trip(make_bench: Make, survivors: Any) -> None:
    """BAD-080, F38: terms may be loosened between two runs only; the change is written down, and the trip stays."""
    rows = ["timestamp,symbol,bid,bid_size,ask,ask_size"]
    for second in range(30):
        for symbol, start in (("AAA", 100), ("BBB", 150)):
            bid = start - 2 * second
            rows.append(f"2026-01-05T15:00:{second:02}Z,{symbol},{bid},1000,{bid + 0.02:.2f},1000")
    terms = {"prices": "\n".join(rows) + "\n", "session": "bad_tick_pct = 0.9\nmax_signal_age = 3600"}
    bench = make_bench(**terms, drawdown="0.02")
    bench.start()
    bench.second(2)
    bench.submit(quantity=250)
    bench.second(12)

    assert "drawdown" in bench.engine.session.state.latches

    again = make_bench(**terms, drawdown="0.9", journal=survivors(bench.journal))
    again.start()
    again.second(2)
    again.submit("BBB", quantity=1)

    assert "drawdown" in again.engine.session.state.latches
    assert TradingState.REDUCING is again.engine.session.state.trading_state
    assert "order_denied" == again.kinds()[-1]
    [changed] = [event for event in again.events() if isinstance(event, e.TermsChanged)]

    [told] = changed.changes
    before, _, after = told.partition(" -> ")

    assert before.startswith("drawdown: max_drawdown = 0.02")
    assert after.startswith("max_drawdown = 0.9")
