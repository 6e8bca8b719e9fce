"""
Signals that a source releases together: as they stand, or what reduces positions first (RSK-07).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from ltm.core import events as e
from ltm.engine.drive import run_now
from ltm.model.reports import Acked, Ambiguous
from ltm.model.signal import Signal

if TYPE_CHECKING:
    from pathlib import Path

Make = Callable[..., Any]
SOURCE = """
[[signals]]
plugin = "file"
path = "swap.csv"
"""
HEAD = "stock_code,action,score,confidence,timestamp,quantity\n"
# The first of them opens a position; the others come together ten seconds later.
SWAP = HEAD + (
    "AAA,buy,1,1,2026-01-05T15:00:05Z,290\n"
    "BBB,buy,1,1,2026-01-05T15:00:15Z,190\n"
    "BBB,hold,1,1,2026-01-05T15:00:15Z,\n"
    "AAA,sell,1,1,2026-01-05T15:00:15Z,\n"
)


@pytest.fixture
def swap(make_bench: Make, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """
    A session whose limits leave no room for both positions.
    """
    (tmp_path / "swap.csv").write_text(SWAP)
    benches = []

    def start(order: str) -> Any:
        limits = "[limits]\nmax_gross_exposure = 0.5\n"
        bench = make_bench(session=order, more=limits + SOURCE)
        benches.append(bench)
        bench.start()
        bench.second(14)
        assert 290 == bench.engine.session.state.slots["AAA"].position
        return bench

    yield start
    for bench in benches:
        bench.engine.intake.close()


def answers(bench: Any) -> list[str]:
    told = []
    for event in bench.events():
        if isinstance(event, e.OrderIntended):
            told.append(f"{event.draft.side} {event.draft.symbol}")
        elif isinstance(event, e.OrderDenied) and event.signal is not None:
            told.append(f"no {event.signal.action} {event.signal.symbol}")
        elif isinstance(event, e.SignalIgnored):
            told.append("hold")
    return told[1:]


def test_as_given_an_entry_does_not_wait_for_the_exit_behind_it(swap: Callable[..., Any]) -> None:
    """RSK-07: `given` is the default; each is judged against what the ones before it reserved."""
    bench = swap("")
    bench.second(5)

    assert ["no buy BBB", "hold", "sell AAA"] == answers(bench)


def test_exits_first_lets_the_entries_use_what_the_exits_freed(swap: Callable[..., Any]) -> None:
    """RSK-07: `exits_first` on request; the rest keeps its order."""
    bench = swap('batch_order = "exits_first"')
    bench.second(5)

    assert ["sell AAA", "buy BBB", "hold"] == answers(bench)
    assert 190 == bench.engine.session.state.slots["BBB"].position


def test_entries_wait_for_the_answer_to_the_exits(swap: Callable[..., Any]) -> None:
    """RSK-07: while an exit is on its way nothing is freed; that nobody knows is an answer too."""
    bench = swap('batch_order = "exits_first"')
    seen: list[list[str]] = []

    async def submit(call: Any, approval: Any) -> Any:
        seen.append(answers(bench))
        outcome = await call(approval)
        return Ambiguous("timeout") if approval.draft.side == "sell" else outcome

    bench.door.tamper["submit"] = submit
    bench.second(5)

    assert [["sell AAA"], ["sell AAA", "buy BBB", "hold"]] == seen


def test_entries_wait_half_a_minute_for_fills_that_do_not_come(swap: Callable[..., Any]) -> None:
    """RSK-07: an exit that the venue has and does not fill frees nothing; entries are judged as things stand then."""
    bench = swap('batch_order = "exits_first"')

    async def submit(call: Any, approval: Any) -> Any:
        return Acked("v1") if approval.draft.side == "sell" else await call(approval)

    bench.door.tamper["submit"] = submit
    while not answers(bench):
        bench.second()
    bench.second(29)
    assert ["sell AAA"] == answers(bench)
    bench.second()

    assert ["sell AAA", "no buy BBB", "hold"] == answers(bench)


def test_entries_wait_for_the_fills_of_the_exits(swap: Callable[..., Any]) -> None:
    """RSK-07: the answer of the venue frees nothing yet, the fill does."""
    bench = swap('batch_order = "exits_first"')
    held: list[Any] = []

    async def submit(call: Any, approval: Any) -> Any:
        if approval.draft.side == "sell":
            held.append((call, approval))
            return Acked("v1")
        return await call(approval)

    bench.door.tamper["submit"] = submit
    bench.second(6)
    assert ["sell AAA"] == answers(bench)
    [(call, approval)] = held
    run_now(call(approval))
    bench.second(2)

    assert ["sell AAA", "buy BBB", "hold"] == answers(bench)
    assert 190 == bench.engine.session.state.slots["BBB"].position


def test_entries_do_not_wait_for_an_exit_with_a_limit(swap: Callable[..., Any]) -> None:
    """RSK-07: it may rest for days."""
    bench = swap('batch_order = "exits_first"')
    bench.submit("AAA", "sell", order_type="limit", limit_price=500, time_in_force="gtc", quantity=1)
    bench.second(3)

    assert ["sell AAA", "sell AAA", "buy BBB", "hold"] == answers(bench)


def test_entries_that_come_meanwhile_do_not_hold_up_the_first(swap: Callable[..., Any]) -> None:
    """RSK-07: the half minute is counted from the first entry that waits, or none would ever be judged."""
    bench = swap('batch_order = "exits_first"')

    async def submit(call: Any, approval: Any) -> Any:
        return Acked("v1") if approval.draft.side == "sell" else await call(approval)

    bench.door.tamper["submit"] = submit
    while not answers(bench):
        bench.second()
    for number in range(30):
        assert ["sell AAA"] == answers(bench)
        moment = bench.engine.clock.now()
        late = Signal(stock_code="BBB", action="hold", score=1, confidence=1, timestamp=moment, intent=number)
        bench.engine.batches.take([late])
        bench.second()

    assert ["no buy BBB", "hold"] == answers(bench)[1:3]


def test_a_stop_at_the_end_of_the_signals_waits_for_the_entries_that_are_held(
    swap: Callable[..., Any],
) -> None:
    """RSK-07: the venue takes its time, the source has nothing more to say: the last entries are still judged."""
    bench = swap('batch_order = "exits_first"')
    engine = bench.engine
    held: list[Any] = []

    async def submit(call: Any, approval: Any) -> Any:
        if approval.draft.side == "sell":
            held.append((call, approval))
            return Acked("v1")
        return await call(approval)

    bench.door.tamper["submit"] = submit
    while not answers(bench):
        bench.second()
    paced, engine.market.paced = engine.market.paced, None  # as at a venue that owns no market
    assert (True, False) == (engine.intake.exhausted, engine.idle_for_good)
    engine.market.paced = paced
    [(call, approval)] = held
    run_now(call(approval))
    bench.second(2)

    assert ["sell AAA", "buy BBB", "hold"] == answers(bench)
    engine.market.paced = None
    assert engine.idle_for_good


def test_entries_that_are_held_at_the_end_get_their_answer(swap: Callable[..., Any]) -> None:
    """RSK-07, BAD-034: a session that ends under a waiting entry says so, and why."""
    bench = swap('batch_order = "exits_first"')

    async def submit(call: Any, approval: Any) -> Any:
        return Acked("v1") if approval.draft.side == "sell" else await call(approval)

    bench.door.tamper["submit"] = submit
    while not answers(bench):
        bench.second()
    assert ["sell AAA"] == answers(bench)
    bench.engine.stop("me")
    run_now(bench.engine.turn())
    run_now(bench.engine.end())

    assert ["sell AAA", "no buy BBB", "hold"] == answers(bench)
    denied = [event for event in bench.events() if isinstance(event, e.OrderDenied)][-1]
    assert "session_not_running" == denied.reasons[0].code
