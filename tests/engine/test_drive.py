"""
The driver's loop, with an engine that a test makes up: when it looks for the end.
"""

from types import SimpleNamespace

import pytest

from ltm.core.commands import CancelOrder
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


SOURCE = """
[[signals]]
plugin = "file"
path = "signals.csv"
"""
SAID = "stock_code,action,score,confidence,timestamp\nBBB,hold,1,1,2026-01-05T15:00:01Z\n"


@pytest.fixture
def spent(make_bench, tmp_path):
    """
    A session whose source has nothing more to say.
    """
    (tmp_path / "signals.csv").write_text(SAID)
    benches = []

    def start(session: str = ""):
        bench = make_bench(session=session, more=SOURCE)
        benches.append(bench)
        bench.start()
        bench.second(3)
        assert bench.engine.intake.exhausted
        return bench

    yield start
    for bench in benches:
        bench.engine.intake.close()


def is_idle(bench) -> bool:
    """
    Whether it would end at a venue that owns no market.
    """
    market = bench.engine.market
    paced, market.paced = market.paced, None
    found = bench.engine.idle_for_good
    market.paced = paced
    return found


def test_a_position_with_a_stop_keeps_a_session_whose_signals_are_over(spent) -> None:
    """
    RSK-24: stops run here; a session that ended by itself would leave its position without one.
    """
    bench = spent("stop_loss_pct = 0.5")
    assert is_idle(bench)

    bench.submit("AAA", quantity=5)
    bench.second(2)
    assert not is_idle(bench)

    bench.submit("AAA", action="sell", quantity=5)
    bench.second(2)
    assert is_idle(bench)


def test_an_open_order_keeps_a_session_whose_signals_are_over(spent) -> None:
    """
    What was asked for at the end of a file is given the time to be filled.
    """
    bench = spent()
    bench.submit("AAA", order_type="limit", limit_price=50.0, quantity=5)
    assert not is_idle(bench)

    bench.engine.post(CancelOrder(client_order_id=bench.orders()[0].client_order_id, by="operator"))
    bench.second(2)
    assert is_idle(bench)


def test_a_position_that_nobody_watches_does_not_keep_a_session(spent) -> None:
    """
    Without stops there is nothing to stay for: the venue keeps what is held.
    """
    bench = spent()
    bench.submit("AAA", quantity=5)
    bench.second(2)

    assert bench.engine.session.state.slots["AAA"].position
    assert is_idle(bench)
