"""
The session that the benchmarks trade with, put together as `ltm run` does it.

Four rules, every gate that can be armed, stop loss and take profit, commissions, a seeded market of quotes.
"""

from __future__ import annotations

import csv
from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from ltm.app.parts import Ready, assemble, make_parts
from ltm.app.runs import load
from ltm.engine.drive import run_now
from ltm.model.enums import Lifecycle
from ltm.model.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ltm.engine.engine import Engine
    from ltm.model.market import Quote
    from ltm.ports.shell import Journal

SECTORS = 10
_CONFIG = """\
[session]
id = "bench"
model_id = "bench"
initial_capital = 1_000_000_000
max_position_size = 0.05
max_daily_trades = 100_000
max_order_quantity = 1_000_000
max_order_value = 100_000_000
stop_loss_pct = 0.05
take_profit_pct = 0.10
trading_hours = [{{ start = "00:00", end = "12:00" }}, {{ start = "12:00", end = "24:00" }}]
timezone = "UTC"
min_confidence = 0.5
max_signal_age = 86_400.0

[broker]
plugin = "mock"
cash = 1_000_000_000
seed = 7
symbols = {symbols}
steps = {steps}
commission = {{ per_share = 0.005, minimum = 1.0 }}

[sizer]
plugin = "equity_fraction"
fraction = 0.0001

[risk.sector_concentration]
max_sector_fraction = 0.4
sectors = "sectors.csv"
[risk.position_size]
[risk.drawdown]
max_drawdown = 0.10
[risk.daily_loss]
max_daily_loss = 0.05
"""


class Feed:
    """
    A signal source that hands over what it was given, so many at each look.
    """

    name = "bench"

    def __init__(self, signals: Iterable[Signal] = (), at_once: int = 1) -> None:
        self.waiting = deque(signals)
        self.at_once = at_once

    @property
    def exhausted(self) -> bool:
        return False

    def open(self, wake: Callable[[], None]) -> None:
        del wake

    def poll(self, now: datetime) -> Iterable[Signal]:
        del now
        waiting = self.waiting
        return [waiting.popleft() for _ in range(min(self.at_once, len(waiting)))]

    def on_quote(self, quote: Quote) -> Iterable[Signal]:
        del quote
        return ()

    def close(self) -> None:
        return


@attrs.define
class Desk:
    """
    A running session and the source that feeds it.
    """

    ready: Ready
    feed: Feed
    symbols: list[str]

    @property
    def engine(self) -> Engine:
        return self.ready.engine

    def work(self) -> None:
        """
        Turn until nothing is left to do; the market stands still.
        """
        turn = self.engine.turn
        while run_now(turn()):
            pass

    def next_moment(self) -> None:
        """
        Let the market go on by one quote of every symbol, and take them in.
        """
        run_now(self.engine.advance())
        self.work()


def names(count: int) -> list[str]:
    """
    Return made-up symbols.
    """
    return [f"S{number:03d}" for number in range(count)]


def open_desk(
    folder: Path, journal: Callable[[str], Journal], *, symbols: int = 50, steps: int = 2, at_once: int = 1
) -> Desk:
    """
    Start a session on a journal and bring it to the point where it trades.
    """
    listed = names(symbols)
    with (folder / "sectors.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["symbol", "sector"])
        rows.writerows([name, f"sector {number % SECTORS}"] for number, name in enumerate(listed))
    config = folder / "bench.toml"
    config.write_text(_CONFIG.format(symbols=str(listed).replace("'", '"'), steps=steps))
    feed = Feed(at_once=at_once)
    parts = make_parts(load(config, {}).config.sessions[0])
    parts.sources = (feed,)
    desk = Desk(assemble(parts, journal("bench")), feed, listed)
    run_now(desk.ready.start())
    desk.work()
    desk.next_moment()
    if desk.engine.session.state.lifecycle is not Lifecycle.RUNNING:
        message = "the session does not run"
        raise RuntimeError(message)
    return desk


def signals(desk: Desk, count: int, first: int = 0) -> list[Signal]:
    """
    Return `count` signals from number `first` on: a round of buys over all symbols, then one of sells.
    """
    start = desk.engine.session.context.now - timedelta(hours=1)
    size = len(desk.symbols)
    return [
        Signal(
            stock_code=desk.symbols[number % size],
            action="sell" if number // size % 2 else "buy",
            score=0.9,
            confidence=0.8,
            timestamp=(start + timedelta(microseconds=number)).isoformat(),
        )
        for number in range(first, first + count)
    ]


def require_filled(desk: Desk, orders: int) -> None:
    """
    Refuse to report on a run in which not every signal became a booked fill.
    """
    state = desk.engine.session.state
    if (state.fill_count, state.denied_count) != (orders, 0):
        message = f"{state.fill_count} fills and {state.denied_count} denials of {orders} orders"
        raise RuntimeError(message)
