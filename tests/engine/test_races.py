"""
A person's command against an approval in flight, at every step of the way (F43).
"""

from typing import TYPE_CHECKING, Any

import pytest

from ltm.core import commands as c
from ltm.core import events as e
from ltm.engine.drive import run_now
from ltm.model.enums import TradingState

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench

STEPS = 12
COMMANDS = {
    "pause": c.Pause("me"),
    "flatten": c.Flatten("me"),
    "kill": c.Kill("me"),
    "halt": c.Halt("test", "x"),
    "stop": c.Stop("me"),
}
ENDS = (e.TradingPaused, e.TradingHalted, e.TradingKilled)


def race(bench: "Bench", command: c.AnyCommand, moment: int) -> None:
    """
    A signal, its decision, its commit and its sending, four times over; the command comes before one of these steps.
    """
    engine = bench.engine

    def signal() -> None:
        engine.submit(bench.signal())

    steps: list[Callable[[], Any]] = [
        signal,
        engine.drain,
        engine.commit,
        lambda: run_now(engine.perform()),
    ]
    for number in range(STEPS):
        if number == moment:
            engine.request(c.ByOperator(command, "test", "me"))
        steps[number % len(steps)]()
    bench.turn()


@pytest.mark.parametrize("moment", range(STEPS))
@pytest.mark.parametrize("name", COMMANDS)
def test_an_intent_is_before_the_stop_or_the_signal_is_denied(make_bench, name, moment):
    """
    F43: linearised by the writer; and after a kill or a halt nothing leaves that was approved before.
    """
    left: list[TradingState] = []

    async def submit(call: Any, approval: Any) -> Any:
        left.append(bench.engine.session.state.trading_state)
        return await call(approval)

    bench = make_bench(tamper={"submit": submit})
    bench.start()
    bench.second(2)
    race(bench, COMMANDS[name], moment)
    events = bench.events()
    (asked,) = [index for index, event in enumerate(events) if isinstance(event, e.OperatorActed)]
    entries = [
        index for index, event in enumerate(events) if isinstance(event, e.OrderIntended) and event.entry
    ]
    denied = [index for index, event in enumerate(events) if isinstance(event, e.OrderDenied)]

    assert all(index < asked for index in entries)
    assert all(index > asked for index in denied)
    assert STEPS // 4 == len(entries) + len(denied)
    assert not {TradingState.KILLED, TradingState.HALTED} & {*left}
    if name in {"kill", "halt"}:
        assert len(left) <= len(entries)
    else:
        assert any(isinstance(event, (*ENDS, e.LifecycleChanged)) for event in events[asked:])
