"""
Recovery: from opening the journal of a session that was killed to trading again.

The journal is written by a real session, which is then left as a kill would leave it: no last
snapshot, nothing closed in order. The venue outlives it, so that reconciling has something to compare.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, Options, Spent, main, spent
from workload import Desk, open_desk, signals

from ltm.app.parts import assemble
from ltm.core.recovery import replay
from ltm.engine.drive import run_now
from ltm.engine.journal import JournalStore
from ltm.model.enums import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.state import State

ROUND = 100
PAUSE = 3
"""Minutes between two rounds: a million records are ten days of some 45,000 orders, and no day's fills are more than a
session remembers the ids of (65,536), so that a start need not look for any of them in the journal."""


def written(folder: Path, records: int) -> Desk:
    """
    Trade until the journal holds that many records, or a few less.
    """
    store = JournalStore(folder / "journal.sqlite3")
    # Two records an order, and some of the market's time: days roll, prices are sampled.
    steps = PAUSE * (records // (2 * ROUND) + 1) + 2
    desk = open_desk(folder, store.session, symbols=ROUND, steps=steps, at_once=ROUND)
    state, number = desk.engine.session.state, 0
    while records - state.sequence >= 2 * ROUND + PAUSE:
        desk.feed.waiting.extend(signals(desk, ROUND, number))
        number += ROUND
        desk.work()
        for _ in range(PAUSE):
            desk.next_moment()
    # What a kill leaves: the file as it is.
    store.commit = lambda: None
    return desk


def tail(folder: Path) -> int:
    """
    Return how many records come after the newest snapshot.
    """
    files = sorted((folder / "snapshots").glob("*.snapshot")) if (folder / "snapshots").exists() else []
    newest = int(files[-1].name.split(".")[-2]) if files else 0
    connection = sqlite3.connect(folder / "journal.sqlite3")
    (last,) = connection.execute("SELECT max(sequence) FROM record").fetchone()
    connection.close()
    return last - newest


def essence(state: State) -> tuple[object, ...]:
    """
    Return what must be the same after a kill as before it.
    """
    held = {symbol: (slot.position, slot.cost) for symbol, slot in state.slots.items() if slot.position}
    counted = (state.sequence, state.order_count, state.fill_count, state.orders_today, len(state.signals))
    return (*counted, held, state.cash, state.realized, state.commissions, state.trading_date)


def recovered(folder: Path, desk: Desk) -> tuple[Spent, Spent]:
    """
    Return what it takes until the state is there, and until the session runs.
    """
    stores = []

    def know() -> None:
        store = JournalStore(folder / "journal.sqlite3")
        stores.append(store)
        journal = store.session("bench")
        replayed = replay(journal)
        if replayed is None or essence(replayed) != essence(desk.engine.session.state):
            message = "what was recovered is not what there was"
            raise RuntimeError(message)

    def trade_again() -> None:
        store = JournalStore(folder / "journal.sqlite3")
        stores.append(store)
        ready = assemble(desk.ready.parts, store.session("bench"))
        run_now(ready.start())
        while run_now(ready.engine.turn()):
            pass
        if ready.engine.session.state.lifecycle is not Lifecycle.RUNNING:
            message = "the session does not run again"
            raise RuntimeError(message)
        desk.ready = ready  # what the next kill interrupts

    known = spent(know)
    stores.pop().close()
    running = spent(trade_again)
    stores.pop().close()
    return known, running


def measure(options: Options) -> Iterator[Figure]:
    # The first snapshot comes after 10,000: just before it, everything has to be read.
    yield from recovery(9_900, 0.5, options.runs)
    if options.long:
        yield from recovery(1_000_000, 3.0, options.runs)


def recovery(records: int, target: float, runs: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        desk = written(folder, records)
        after = tail(folder)
        found = [recovered(folder, desk) for _ in range(runs)]
        note = f"{after:,} of them after the last snapshot"
        title = f"recovery of {records:,} records"
        knowing, running = zip(*found, strict=True)
        yield Figure(
            name=f"{title}, state known", unit="s wall", runs=[one.wall for one in knowing], note=note
        )
        title += ", trading again"
        yield Figure(name=title, unit="s wall", runs=[one.wall for one in running], target=target)
        yield Figure(name=title, unit="s CPU", runs=[one.cpu for one in running])


if __name__ == "__main__":
    main(measure)
