"""
The driver's loop, with an engine that a test makes up: when it looks for the end.
"""

from types import SimpleNamespace

import pytest

from ltm.engine.drive import work
from ltm.model.enums import Lifecycle


class Busy:
    """
    An engine whose market brings a price at every turn, for as long as anybody asks.
    """

    def __init__(self, *, stops_at: int | None, idle_at: int | None = None) -> None:
        self.market = SimpleNamespace(paced=None, over=False)
        self.session = SimpleNamespace(state=SimpleNamespace(lifecycle=Lifecycle.RUNNING))
        self.stops_at, self.idle_at = stops_at, idle_at
        self.turns, self.stopped_because, self.ended = 0, "", False

    @property
    def idle_for_good(self) -> bool:
        return self.idle_at is not None and self.turns >= self.idle_at

    async def turn(self) -> bool:
        self.turns += 1
        assert self.turns < 1000, "nobody looked for the end"
        if self.turns == self.stops_at:
            self.session.state.lifecycle = Lifecycle.STOPPING
        return True

    def stop(self, by: str, reason: str) -> None:
        self.stopped_because = f"{by}: {reason}"
        self.session.state.lifecycle = Lifecycle.STOPPING

    def ready_to_end(self) -> bool:
        return self.session.state.lifecycle is Lifecycle.STOPPING

    async def advance(self) -> bool:
        return False

    async def end(self) -> None:
        self.ended = True


async def go_on(_: object) -> None:
    """
    No pause: the next price is there already.
    """


@pytest.mark.parametrize("at", [1, 2, 50])
async def test_a_stop_is_carried_out_though_prices_never_cease(at: int) -> None:
    engine = Busy(stops_at=at)

    await work(engine, go_on)  # type: ignore[arg-type] # looks like one

    assert (engine.ended, engine.turns) == (True, at)


async def test_a_session_without_signals_ends_though_prices_never_cease() -> None:
    engine = Busy(stops_at=None, idle_at=3)

    await work(engine, go_on)  # type: ignore[arg-type] # looks like one

    assert engine.ended
    assert "ltm: no more prices or signals" == engine.stopped_because
