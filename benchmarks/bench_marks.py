"""
Marks: prices of held instruments, equity and armed exits looked at on each.
"""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, Options, main, spent
from workload import Desk, open_desk, signals

from ltm.engine.drive import run_now
from ltm.engine.memory import MemoryJournal
from ltm.model.market import Quote

if TYPE_CHECKING:
    from collections.abc import Iterator

MOMENTS = 2_000
TICK = Decimal("0.01")


def held() -> Desk:
    """
    Return a desk that holds all 50 symbols, exits armed.
    """
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(Path(folder), MemoryJournal, at_once=50)
    desk.feed.waiting.extend(signals(desk, 50))
    desk.work()
    armed = [slot for slot in desk.engine.session.state.held() if slot.exit_armed]
    if len(armed) != 50:
        message = f"{len(armed)} of 50 positions are armed"
        raise RuntimeError(message)
    return desk


def moments(desk: Desk) -> list[list[Quote]]:
    """
    Return quotes of all symbols, moment by moment: some ticks up, some down.
    """
    slots = [desk.engine.session.state.slots[symbol] for symbol in desk.symbols]
    at = desk.engine.session.context.now
    made = []
    for moment in range(MOMENTS):
        quotes = []
        for number, slot in enumerate(slots):
            move = TICK * ((moment * 7 + number * 3) % 11 - 5)
            quotes.append(Quote(slot.instrument.symbol, at, None, slot.bid + move, slot.ask + move))
        made.append(quotes)
    return made


def rate(at_once: int) -> float:
    """
    Return marks per CPU second through `Session.mark`, so many a call.
    """
    desk = held()
    quotes = [quote for moment in moments(desk) for quote in moment]
    batches = [quotes[start : start + at_once] for start in range(0, len(quotes), at_once)]
    session = desk.engine.session

    def work() -> None:
        for batch in batches:
            session.mark(batch)

    dropped = session.context.watch.dropped
    took = spent(work)
    if session.context.watch.dropped != dropped or session.state.fill_count != 50:
        message = "a mark was dropped, or set off an exit"
        raise RuntimeError(message)
    return len(quotes) / took.cpu


def through_engine() -> float:
    """
    Return marks per CPU second through the engine's queue, a moment of 50 at a time.
    """
    desk = held()
    batches = moments(desk)
    engine = desk.engine

    def work() -> None:
        for batch in batches:
            for quote in batch:
                engine.post(quote)
            run_now(engine.turn())

    return MOMENTS * 50 / spent(work).cpu


def measure(options: Options) -> Iterator[Figure]:
    many = range(options.runs)
    name = "marks, 50 held, exits armed"
    target, unit = 400_000, "per CPU s"
    yield Figure(
        name=f"{name}, 50 a call", unit=unit, runs=[rate(50) for _ in many], target=target, better="more"
    )
    yield Figure(name=f"{name}, 1,000 a call", unit=unit, runs=[rate(1_000) for _ in many], better="more")
    yield Figure(name=f"{name}, one a call", unit=unit, runs=[rate(1) for _ in many], better="more")
    yield Figure(
        name=f"{name}, through the queue", unit=unit, runs=[through_engine() for _ in many], better="more"
    )


if __name__ == "__main__":
    main(measure)
