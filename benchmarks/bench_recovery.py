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

ROUND = 5_000


def written(folder: Path, records: int) -> Desk:
    """
    Trade until the journal holds that many records, or a few less.
    """
    store = JournalStore(folder / "journal.sqlite3")
    # Two records an order, and a few at the start; the market goes on now and then, so that days roll.
    desk = open_desk(folder, store.session, symbols=100, steps=records // ROUND + 10, at_once=100)
    state, number = desk.engine.session.state, 0
    while (count := min(ROUND, (records - state.sequence) // 2 // 200 * 200)) > 0:
        desk.feed.waiting.extend(signals(desk, count, number))
        number += count
        desk.work()
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
        if replayed is None or replayed.sequence != journal.last_sequence():
            message = "not every record was read"
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
