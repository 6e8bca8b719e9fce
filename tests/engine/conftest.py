"""
A session on a venue that behaves, with a door in between that a test can make misbehave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from ltm.app import Ready, assemble, make_parts
from ltm.config import SessionConfig, check_config, parse_config
from ltm.core.codec import decode
from ltm.core.events import AnyEvent
from ltm.engine.control import address
from ltm.engine.control.server import ControlServer
from ltm.engine.drive import no_pause, run_now, work
from ltm.engine.memory import MemoryJournal
from ltm.engine.state_dir import KillSwitch
from ltm.model.errors import LtmError
from ltm.model.signal import Signal
from ltm.ports.broker import Broker
from ltm.ports.shell import Record
from ltm.registry import Registry

from .control_kit import Line, Talk, drive

if TYPE_CHECKING:
    from ltm.engine.engine import Engine
    from ltm.model.instrument import Instrument
    from ltm.model.market import Quote
    from ltm.model.order import Approval
    from ltm.model.reports import (
        AccountReport,
        BrokerEvent,
        Capabilities,
        FillReport,
        OrderReport,
        Outcome,
        PositionReport,
    )

CONFIG = """
[session]
id = "demo"
model_id = "m1"
initial_capital = 100_000
max_position_size = 0.3
{session}
[broker]
plugin = "mock"
prices = "prices.csv"
cash = 100_000
{broker}
[sizer]
plugin = "fixed_quantity"
quantity = 10
[risk.sector_concentration]
max_sector_fraction = 0.9
sectors = "sectors.csv"
[risk.drawdown]
max_drawdown = {drawdown}
[risk.daily_loss]
max_daily_loss = 0.5
{more}
"""
START = datetime.fromisoformat("2026-01-05T15:00:00+00:00")


def quotes(count: int = 60, step: str = "0.10") -> str:
    """
    Return a price file with a quote a second for two symbols, rising a little.
    """
    lines = ["timestamp,symbol,bid,bid_size,ask,ask_size"]
    for second in range(count):
        for number, symbol in enumerate(("AAA", "BBB")):
            bid = 100 + number * 50 + second * float(step)
            lines.append(
                f"2026-01-05T15:{second // 60:02}:{second % 60:02}Z,{symbol},{bid:.2f},1000,{bid + 0.02:.2f},1000"
            )
    return "\n".join(lines) + "\n"


@attrs.define
class Door:
    """
    A broker in front of the real one; a test replaces `submit`, `cancel` or a query by name.
    """

    inner: Broker
    tamper: dict[str, Callable[..., Any]] = attrs.Factory(dict)
    calls: list[tuple[str, Any]] = attrs.Factory(list)

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def _through(self, name: str, *arguments: Any) -> Any:
        self.calls.append((name, arguments[0] if arguments else None))
        call = getattr(self.inner, name)
        if name in self.tamper:
            return await self.tamper[name](call, *arguments)
        return await call(*arguments)

    async def connect(self, deliver: Callable[[Quote | BrokerEvent], None]) -> AccountReport:
        return await self._through("connect", deliver)

    async def disconnect(self) -> None:
        await self._through("disconnect")

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        return await self._through("instruments", symbols)

    async def submit(self, approval: Approval) -> Outcome:
        return await self._through("submit", approval)

    async def cancel(self, client_order_id: str, venue_order_id: str | None, symbol: str) -> Outcome:
        return await self._through("cancel", client_order_id, venue_order_id, symbol)

    async def find_order(
        self, client_order_id: str, venue_order_id: str | None, symbol: str
    ) -> OrderReport | None:
        return await self._through("find_order", client_order_id, venue_order_id, symbol)

    async def open_orders(self) -> Sequence[OrderReport]:
        return await self._through("open_orders")

    async def fills(self, since: datetime) -> Sequence[FillReport]:
        return await self._through("fills", since)

    async def positions(self) -> Sequence[PositionReport]:
        return await self._through("positions")

    async def account(self) -> AccountReport:
        return await self._through("account")

    def market_time(self) -> datetime:
        return self.inner.market_time()  # type: ignore[attr-defined] # the mock owns its market

    async def advance(self, until: datetime | None) -> bool:
        return await self.inner.advance(until)  # type: ignore[attr-defined] # as above

    def progress(self) -> float | None:
        return self.inner.progress()  # type: ignore[attr-defined] # as above


@attrs.define
class Problems:
    """
    An observer that remembers.
    """

    events: list[AnyEvent] = attrs.Factory(list)
    problems: list[LtmError] = attrs.Factory(list)

    def on_event(self, event: AnyEvent) -> None:
        self.events.append(event)

    def on_problem(self, problem: LtmError) -> None:
        self.problems.append(problem)


class WatchedJournal(MemoryJournal):
    """
    A journal in memory that counts commits, knows what is durable, and fails when told to.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.commits = 0
        self.durable = 0
        self.fail_at: int | None = None
        self.error: Exception | None = None

    def commit(self) -> None:
        self.commits += 1
        if self.fail_at is not None and self.commits >= self.fail_at and self.error is not None:
            raise self.error
        self.durable = self.last_sequence()


@attrs.define
class Bench:
    """
    One session on a bench: parts, journal, door, engine.
    """

    folder: Path
    config: SessionConfig
    journal: WatchedJournal
    door: Door
    observer: Problems
    ready: Ready

    @property
    def engine(self) -> Engine:
        return self.ready.engine

    def start(self) -> None:
        run_now(self.ready.start())

    def turn(self) -> None:
        while run_now(self.engine.turn()):
            pass

    def second(self, count: int = 1) -> None:
        """
        Let the market go on so many seconds, and everything that follows.
        """
        self.turn()
        for _ in range(count):
            run_now(self.engine.advance())
            self.turn()

    def finish(self) -> None:
        run_now(work(self.engine, no_pause))

    def signal(self, symbol: str = "AAA", action: str = "buy", **more: Any) -> Signal:
        number = more.pop("intent", len(self.engine.session.state.signals))
        return Signal(
            stock_code=symbol,
            action=action,
            score=1,
            confidence=1,
            timestamp=self.engine.clock.now(),
            intent=number,
            **more,
        )

    def submit(self, symbol: str = "AAA", action: str = "buy", **more: Any) -> None:
        self.engine.submit(self.signal(symbol, action, **more))
        self.turn()

    def kinds(self) -> list[str]:
        return [record.kind for record in self.journal.read()]

    def events(self) -> list[AnyEvent]:
        return [decode(row.kind, row.version, row.payload) for row in self.journal.read()]

    def orders(self) -> list[Any]:
        state = self.engine.session.state
        return [*state.orders.values(), *state.closed.values()]


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[MakeBench]:
    """
    Make a session; call it again with `journal` for the session after a crash.
    """

    def make(
        *,
        session: str = "",
        broker: str = "",
        more: str = "",
        drawdown: str = "0.5",
        prices: str | None = None,
        journal: WatchedJournal | None = None,
        inner: Broker | None = None,
        tamper: dict[str, Callable[..., Any]] | None = None,
    ) -> Bench:
        (tmp_path / "prices.csv").write_text(prices or quotes(), encoding="utf-8")
        (tmp_path / "sectors.csv").write_text("symbol,sector\nAAA,tech\nBBB,bank\n", encoding="utf-8")
        text = CONFIG.format(session=session, broker=broker, more=more, drawdown=drawdown)
        document = parse_config(text, name="ltm.toml", base=tmp_path)
        config = check_config(document, Registry.discover()).sessions[0]
        parts = make_parts(config)
        door = Door(inner or parts.broker, tamper or {})
        parts.broker = door
        observer = Problems()
        kept = journal or WatchedJournal("demo")
        ready = assemble(parts, kept, observers=(observer,), inline_alerts=True)
        return Bench(tmp_path, config, kept, door, observer, ready)

    return make


def survivors(journal: WatchedJournal) -> WatchedJournal:
    """
    Return what a crash leaves of a journal: the committed records.
    """
    kept = WatchedJournal("demo")
    rows: list[Record] = [row for row in journal.read() if row.sequence <= journal.durable]
    kept.append([Record(r.sequence, r.kind, r.version, r.recorded_at, r.payload) for r in rows])
    kept.durable = len(rows)
    return kept


@pytest.fixture(name="survivors")
def _survivors() -> Callable[[WatchedJournal], WatchedJournal]:
    return survivors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def run(make_bench: MakeBench, folder: Path) -> Callable[..., Any]:
    """
    Runs sessions and their control server while somebody talks to it; returns the benches.
    """

    def go(
        talk: Talk,
        *,
        benches: Sequence[Bench] | None = None,
        owner: int | None = None,
        prepare: Callable[..., None] = lambda bench: None,
        **more: Any,
    ) -> Any:
        made = benches or [make_bench(**more)]

        async def main() -> None:
            for bench in made:
                await bench.ready.start()
                bench.engine.kill_switch = bench.engine.surroundings.kill_switch = KillSwitch(
                    folder / f"kill-{bench.engine.session.state.spec.session_id}"
                )
                await bench.engine.turn()
                await bench.engine.advance()
                await bench.engine.turn()
                prepare(bench)
            control = ControlServer([bench.engine for bench in made], folder, owner)
            await control.open()
            tasks = [asyncio.ensure_future(drive(bench.engine)) for bench in made]
            try:
                await talk(Line(folder))
            finally:
                await control.close(1)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(asyncio.wait_for(main(), 20))
        assert not (folder / address.NAME).exists()
        return made[0]

    return go
