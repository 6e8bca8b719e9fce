"""
How others lost money (REL 2.1.2, X1 to X14): each story is shown on a naive client, and then not with a session (REL-T15).

The naive client is what the story tells, in a few lines, at the same venue with the same fault.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ltm.brokers.mock.broker import MockBroker, open_broker
from ltm.brokers.mock.config import MockConfig
from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.invariants import violations
from ltm.engine.drive import run_now
from ltm.model.enums import OrderStatus, OrderType, Side, TimeInForce
from ltm.model.order import SEAL, Approval, OrderDraft
from ltm.model.reports import Acked, FillReport, NotSent, Refused
from ltm.model.signal import Signal

from .conftest import Bench, MakeBench, quotes

if TYPE_CHECKING:
    from pathlib import Path

D = Decimal
LIMIT: dict[str, Any] = {"order_type": "limit", "limit_price": 90, "time_in_force": "gtc"}


class Naive:
    """
    A client that takes every answer, and every silence, at its word.
    """

    def __init__(self, broker: MockBroker) -> None:
        self.broker = broker
        self.position = D(0)
        self.believed: dict[str, str] = {}
        self._count = 0
        run_now(broker.connect(self._hear))
        run_now(broker.instruments(()))
        self.wait()

    def _hear(self, event: Any) -> None:
        if isinstance(event, FillReport):
            self.position += event.quantity if event.side is Side.BUY else -event.quantity

    def wait(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            run_now(self.broker.advance(None))

    def send(self, side: Side = Side.BUY, quantity: int = 10, limit: int | None = None) -> tuple[str, Any]:
        self._count += 1
        draft = OrderDraft(
            symbol="AAA",
            side=side,
            quantity=D(quantity),
            order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            limit_price=None if limit is None else D(limit),
            time_in_force=TimeInForce.GTC,
        )
        name = f"n{self._count}"
        return name, run_now(self.broker.submit(Approval(SEAL, draft, name, None)))

    def buy(self, **how: Any) -> str:
        """
        Send, and believe that anything but an acknowledgement is a failure.
        """
        name, outcome = self.send(**how)
        self.believed[name] = "working" if isinstance(outcome, Acked) else "failed"
        return name

    @property
    def truth(self) -> Decimal:
        return sum((held.quantity for held in run_now(self.broker.positions())), D(0))

    def working(self) -> set[str | None]:
        return {report.client_order_id for report in run_now(self.broker.open_orders())}


Make = Callable[..., tuple[Naive, Bench]]


@pytest.fixture
def both(make_bench: MakeBench, tmp_path: Path) -> Make:
    """
    The naive client and a running session, each at a venue of its own with the same market and the same faults.
    """

    def make(faults: str = "", **how: Any) -> tuple[Naive, Bench]:
        (tmp_path / "faults.toml").write_text(faults, encoding="utf-8")
        text = how.pop("prices", quotes(400, step="0.001"))
        bench = make_bench(broker='faults = "faults.toml"', prices=text, **how)
        config = MockConfig(prices=tmp_path / "prices.csv", cash=D(100_000), faults=tmp_path / "faults.toml")
        bench.start()
        bench.second(2)
        return Naive(open_broker(config)), bench

    return make


def fault(verb: str, method: str = "submit", **keys: Any) -> str:
    keys = {"nth": [1]} | keys if "probability" not in keys else keys
    lines = [f'[[faults]]\nverb = "{verb}"\nmethod = "{method}"']
    lines += [f"{key} = {value!r}".replace("'", '"') for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def sent(bench: Bench) -> int:
    return sum(name == "submit" for name, _ in bench.door.calls)


def is_right(bench: Bench) -> None:
    """
    What the session believes is what the venue has.
    """
    state = bench.engine.session.state
    theirs = {report.symbol: report.quantity for report in run_now(bench.door.inner.positions())}
    working = {report.client_order_id for report in run_now(bench.door.inner.open_orders())}

    assert theirs == {slot.instrument.symbol: slot.position for slot in state.held()}
    assert working == set(state.orders)
    assert [] == violations(state)


def test_x1_a_timeout_is_no_failure(both: Make) -> None:
    """
    Re-entered after a timeout, the order is there twice.
    """
    naive, bench = both(fault("drop_reply"))
    while naive.believed.get(naive.buy()) == "failed":
        pass

    assert D(20) == naive.truth

    bench.submit("AAA")
    bench.second(15)

    assert (1, D(10)) == (sent(bench), bench.orders()[0].filled)
    is_right(bench)


def test_x2_not_found_is_no_proof(both: Make) -> None:
    """
    The query lags; dropped and placed again, the order is there twice.
    """
    faults = (
        fault("drop_reply") + fault("not_found_for", seconds=30) + fault("lose_event", "any", probability=1)
    )
    naive, bench = both(faults)
    name, _ = naive.send()
    if run_now(naive.broker.find_order(name, None, "AAA")) is None:
        naive.send()

    assert D(20) == naive.truth

    bench.submit("AAA")
    bench.second(60)

    assert 1 == sent(bench)
    is_right(bench)


def test_x3_an_order_without_answer_is_not_rejected_after_some_tries(both: Make) -> None:
    """
    Called rejected after five unanswered questions, it works on unseen.
    """
    naive, bench = both(fault("drop_reply") + fault("drop_reply", "find", nth=[1, 2, 3, 4, 5]))
    name, _ = naive.send(limit=90)
    naive.believed[name] = "rejected"

    assert {name} == naive.working()

    bench.submit("AAA", **LIMIT)
    bench.second(60)

    assert [OrderStatus.ACCEPTED] == [order.status for order in bench.orders()]
    is_right(bench)


def test_x4_an_inferred_fill_and_the_real_one_are_one(both: Make) -> None:
    """
    Booked from the order's sum, and again when the fill came.
    """
    naive, bench = both(fault("drop_reply"))
    name, _ = naive.send()
    report = run_now(naive.broker.find_order(name, None, "AAA"))
    naive.position += report.filled_quantity if report is not None else 0

    assert D(20) == naive.position != naive.truth

    hide = True

    async def fills(call: Any, since: Any) -> Any:
        return () if hide else await call(since)

    mute = fault("lose_event", "any", probability=1) + fault("lose_event", "advance", probability=1)
    run_now(bench.door.inner.tell(mute))  # type: ignore[attr-defined] # the mock
    bench.door.tamper["fills"] = fills
    bench.submit("AAA")
    bench.second(10)

    assert [True] == [event.inferred for event in bench.events() if isinstance(event, e.OrderFilled)]

    hide = False
    bench.second(70)

    assert D(10) == bench.orders()[0].filled
    is_right(bench)


def test_x5_a_restart_makes_no_orders(both: Make, make_bench: MakeBench, survivors: Any) -> None:
    """
    What is sent again at each start trades again at each start.
    """
    naive, bench = both()
    for _ in range(3):
        naive.buy()  # "the signal of today"

    assert D(30) == naive.truth

    signal = Signal(
        stock_code="AAA", action="buy", score=1, confidence=1, timestamp=bench.engine.clock.now(), intent=1
    )
    bench.engine.submit(signal)
    bench.turn()
    for _ in range(3):
        bench = make_bench(inner=bench.door.inner, journal=survivors(bench.journal))
        bench.start()
        bench.second(2)
        bench.engine.submit(signal)
        bench.turn()

    assert 1 == len(bench.orders())
    is_right(bench)


def test_x6_a_start_drops_no_working_order(both: Make, make_bench: MakeBench, survivors: Any) -> None:
    naive, bench = both()
    name = naive.buy(limit=90)
    again = Naive(naive.broker)

    assert ({}, {name}) == (again.believed, again.working())

    bench.submit("AAA", **LIMIT)
    second = make_bench(inner=bench.door.inner, journal=survivors(bench.journal))
    second.start()
    second.second(2)

    assert [OrderStatus.ACCEPTED] == [order.status for order in second.engine.session.state.orders.values()]
    is_right(second)


def test_x7_fills_during_a_disconnect_are_found(both: Make) -> None:
    naive, bench = both(fault("restart"))
    naive.buy()
    naive.wait(60)

    assert (D(0), D(10)) == (naive.position, naive.truth)

    bench.submit("AAA")
    bench.second(60)

    assert D(10) == bench.orders()[0].filled
    is_right(bench)


def test_x8_one_fill_that_never_came_sells_nothing_twice(both: Make) -> None:
    """
    A liquidation that is not seen to be done is done again, and again.
    """
    falling = quotes(300, step="-0.05")
    naive, bench = both(
        fault("lose_event", nth=[2]), prices=falling, session="stop_loss_pct = 0.01\nmax_exit_retries = 3"
    )
    naive.buy()
    tries = 0
    while naive.position > 0 and tries < 5:
        naive.send(Side.SELL)
        tries += 1

    assert (5, D(10), D(0)) == (tries, naive.position, naive.truth)

    bench.submit("AAA")
    bench.second(120)

    assert 2 == sent(bench)
    is_right(bench)


def test_x9_a_placement_that_was_dropped_is_not_waited_for_for_ever(both: Make) -> None:
    naive, bench = both(fault("drop_request"))
    name, _ = naive.send()
    naive.believed[name] = "submitted"
    naive.wait(120)

    assert ("submitted", None) == (naive.believed[name], run_now(naive.broker.find_order(name, None, "AAA")))

    bench.submit("AAA")
    bench.second(30)

    assert [OrderStatus.ABSENT] == [order.status for order in bench.orders()]
    is_right(bench)


def test_x10_a_code_that_no_table_has_is_asked_about(both: Make) -> None:
    """
    The adapter does not know the code, so nothing ever moves the order.
    """
    known = {"insufficient_funds": "rejected"}
    naive, bench = both(fault("reject", code="c10017"))
    name, outcome = naive.send()
    naive.believed[name] = known.get(outcome.code, "submitted")

    assert "submitted" == naive.believed[name]

    async def submit(call: Any, approval: Any) -> Any:
        answer = await call(approval)
        if isinstance(answer, Refused) and answer.code not in known:
            raise KeyError(answer.code)
        return answer

    bench.door.tamper["submit"] = submit
    bench.submit("AAA")
    bench.second(30)

    assert [OrderStatus.ABSENT] == [order.status for order in bench.orders()]
    is_right(bench)


def test_x11_an_order_is_written_down_before_it_is_sent(
    both: Make, make_bench: MakeBench, survivors: Any
) -> None:
    """
    Sent first and saved later, a crash in between leaves an order that nobody knows.
    """
    naive, bench = both()
    name, _ = naive.send(limit=90)  # and here it dies, before it saved anything

    assert {name} == naive.working() - Naive(naive.broker).believed.keys()

    async def dies(call: Any, approval: Any) -> Any:
        await call(approval)
        raise KeyboardInterrupt

    bench.door.tamper["submit"] = dies
    with pytest.raises(KeyboardInterrupt):
        bench.submit("AAA", **LIMIT)
    second = make_bench(inner=bench.door.inner, journal=survivors(bench.journal))
    second.start()
    second.second(5)

    assert [OrderStatus.ACCEPTED] == [order.status for order in second.orders()]
    is_right(second)


@pytest.mark.parametrize("error", [ConnectionResetError, ValueError, RuntimeError, TimeoutError])
def test_x12_x13_an_exception_is_no_answer(both: Make, error: type[Exception]) -> None:
    """
    Any exception marks the order as failed, or invalid, though it is there.
    """
    naive, bench = both()

    async def submit(call: Any, approval: Any) -> Any:
        await call(approval)
        raise error

    name, _ = naive.send()
    naive.believed[name] = "error"  # what its except clause says

    assert ("error", D(10)) == (naive.believed[name], naive.truth)

    bench.door.tamper["submit"] = submit
    bench.submit("AAA")
    bench.second(5)

    assert [OrderStatus.FILLED] == [order.status for order in bench.orders()]
    is_right(bench)


def test_x14_an_error_that_answers_a_cancel_ends_no_order(both: Make) -> None:
    naive, bench = both(fault("reject", "cancel", code="busy"))
    name = naive.buy(limit=90)
    outcome = run_now(naive.broker.cancel(name, None, "AAA"))
    naive.believed[name] = "canceled" if not isinstance(outcome, NotSent) else "working"

    assert ("canceled", {name}) == (naive.believed[name], naive.working())

    bench.submit("AAA", **LIMIT)
    (order,) = bench.orders()
    bench.engine.request(c.CancelOrder(order.client_order_id, "me"))
    bench.turn()

    assert OrderStatus.ACCEPTED is order.status
    is_right(bench)
