"""
From a signal to a booked fill: sized, judged, written down, sent to the mock venue, filled, booked.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import attrs
from figures import Figure, Options, Spent, main, spent
from workload import Desk, open_desk, require_filled, signals

from ltm.engine.journal import JournalStore
from ltm.engine.memory import MemoryJournal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ORDERS = 20_000
SINGLE = 2_000
WINDOW = 20_000
MICRO = 1e6


@attrs.frozen
class Timed:
    """
    What orders cost, and how often the journal was made durable on the way.
    """

    spent: Spent
    orders: int
    commits: int = 0
    committing: float = 0.0

    @property
    def cpu(self) -> float:
        return self.spent.cpu / self.orders * MICRO

    @property
    def wall(self) -> float:
        return self.spent.wall / self.orders * MICRO

    @property
    def beside(self) -> float:
        """
        Wall time of an order without its commits.
        """
        return (self.spent.wall - self.committing) / self.orders * MICRO


def trade(desk: Desk, orders: int) -> Spent:
    """
    Let a desk work off so many signals in a market that stands still.
    """
    desk.feed.waiting.extend(signals(desk, orders))
    took = spent(desk.work)
    require_filled(desk, orders)
    return took


def in_memory(at_once: int) -> Timed:
    with tempfile.TemporaryDirectory() as folder:
        # Two orders for one symbol in one batch would see each other: a batch needs as many symbols.
        desk = open_desk(Path(folder), MemoryJournal, symbols=max(50, at_once), at_once=at_once)
        return Timed(trade(desk, ORDERS), ORDERS)


def on_disk(orders: int, at_once: int) -> Timed:
    with tempfile.TemporaryDirectory() as folder:
        store = JournalStore(Path(folder) / "journal.sqlite3")
        desk = open_desk(Path(folder), store.session, symbols=max(50, at_once), at_once=at_once)
        counted = Commits(store.commit)
        store.commit = counted
        took = trade(desk, orders)
        store.close()
        return Timed(took, orders, counted.count, counted.seconds)


class Commits:
    """
    Counts and times the commits that had something to make durable.
    """

    def __init__(self, commit: Callable[[], None]) -> None:
        self._commit = commit
        self.count = 0
        self.seconds = 0.0

    def __call__(self) -> None:
        self.seconds += spent_on(self._commit)
        self.count += 1


def spent_on(call: Callable[[], None]) -> float:
    import time

    before = time.perf_counter()
    call()
    return time.perf_counter() - before


def running_market(orders: int) -> list[float]:
    """
    Return CPU microseconds per order of each window, in a market that goes on: a round, then a minute.
    """
    with tempfile.TemporaryDirectory() as folder:
        size = 50
        desk = open_desk(Path(folder), MemoryJournal, steps=orders // size + 2, at_once=size)
        windows = []
        for first in range(0, orders, WINDOW):
            wanted = signals(desk, WINDOW, first)
            windows.append(spent(partial(_rounds, desk, wanted, size)).cpu / WINDOW * MICRO)
        require_filled(desk, orders)
        return windows


def _rounds(desk: Desk, wanted: list, size: int) -> None:
    for start in range(0, len(wanted), size):
        desk.feed.waiting.extend(wanted[start : start + size])
        desk.work()
        desk.next_moment()


def measure(options: Options) -> Iterator[Figure]:
    many = range(options.runs)
    name = "signal to booked fill"
    yield Figure(
        name=f"{name}, memory, one at a time",
        unit="us CPU",
        runs=[in_memory(1).cpu for _ in many],
        target=45,
    )
    yield Figure(name=f"{name}, memory, batch of 100", unit="us CPU", runs=[in_memory(100).cpu for _ in many])
    batches = [on_disk(ORDERS, 100) for _ in many]
    per_batch = median(one.commits / one.orders * 100 for one in batches)
    yield Figure(
        name=f"{name}, durable, batch of 100",
        unit="us CPU",
        runs=[one.cpu for one in batches],
        target=90,
        note=f"{per_batch:.1f} commits a batch",
    )
    singles = [on_disk(SINGLE, 1) for _ in many]
    per_order = median(one.commits / one.orders for one in singles)
    yield Figure(
        name=f"{name}, durable, one at a time, beside the commits",
        unit="us wall",
        runs=[one.beside for one in singles],
        target=150,
        note=f"{per_order:.1f} commits an order",
    )
    yield Figure(name=f"{name}, durable, one at a time", unit="us wall", runs=[one.wall for one in singles])
    yield Figure(name=f"{name}, durable, one at a time", unit="us CPU", runs=[one.cpu for one in singles])
    yield from flat(1_000_000 if options.long else 200_000)


def flat(orders: int) -> Iterator[Figure]:
    windows = running_market(orders)
    yield Figure(name=f"order in a running market, per window of {WINDOW:,}", unit="us CPU", runs=windows)
    ratio = median(windows[-3:]) / median(windows[:3])
    yield Figure(name=f"last of {orders:,} orders against the first", unit="times", runs=[ratio], target=1.1)


if __name__ == "__main__":
    main(measure)
