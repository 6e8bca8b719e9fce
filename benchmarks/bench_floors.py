"""
Floors: what the interpreter, decimals, the codec and the disk cost on their own, on the same machine.

A toy session sizes, judges, books and fills an order with six rules on exact numbers, and does
nothing else: no journal, no identity, no reservations, no venue. What the real one costs more than
the toy is what its promises cost.

What no design can leave out of an entry is measured too, each part alone in a loop: what rules, sizer,
codec, digest and venue need of an order's time before the kernel has done anything.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
import timeit
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from bench_orders import trade
from figures import Figure, Options, main
from workload import open_desk

from ltm.core.codec import decode, encode
from ltm.engine.chain import link
from ltm.engine.journal import JournalStore
from ltm.engine.memory import MemoryJournal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MICRO = 1e6
_A, _B, _C = Decimal("123.45"), Decimal(300), Decimal("0.01")


# --- The toy ------------------------------------------------------------------------------------


@attrs.frozen
class Order:
    """
    A toy's order.
    """

    symbol: str
    buys: bool
    quantity: Decimal
    price: Decimal


@attrs.define
class Toy:
    """
    A session that promises nothing.
    """

    cash: Decimal = Decimal(1_000_000_000)
    equity: Decimal = Decimal(1_000_000_000)
    peak: Decimal = Decimal(1_000_000_000)
    sent: int = 0
    positions: dict[str, Decimal] = attrs.Factory(dict)

    def trade(self, symbol: str, price: Decimal, *, buys: bool) -> None:
        held = self.positions.get(symbol, Decimal(0))
        quantity = self.equity * Decimal("0.0001") // price if buys else held
        order = Order(symbol, buys, quantity, price)
        if all(rule(self, order) for rule in _RULES):
            self.sent += 1
            value = order.quantity * order.price
            self.cash += -value if buys else value
            self.positions[symbol] = held + (order.quantity if buys else -order.quantity)


_RULES: tuple[Callable[[Toy, Order], bool], ...] = (
    lambda _, order: order.quantity > 0,
    lambda toy, order: order.quantity * order.price <= toy.equity * Decimal("0.05"),
    lambda toy, order: not order.buys or order.quantity * order.price <= toy.cash,
    lambda toy, _: toy.equity > toy.peak * Decimal("0.9"),
    lambda toy, _: toy.equity > toy.peak * Decimal("0.95"),
    lambda toy, _: toy.sent < 100_000_000,
)


def toy() -> float:
    """
    Return CPU microseconds per order of a session that promises nothing.
    """
    session, orders = Toy(), 20_000
    names = [f"S{number:03d}" for number in range(50)]
    start = time.process_time()
    for number in range(orders):
        session.trade(names[number % 50], _A, buys=not number // 50 % 2)
    return (time.process_time() - start) / orders * MICRO


# --- The parts ----------------------------------------------------------------------------------


def each(work: Callable[[], object], count: int = 5_000) -> float:
    """
    Return CPU microseconds of one call.
    """
    return timeit.timeit(work, number=count, timer=time.process_time) / count * MICRO


def nothing() -> None:
    return


def traded() -> list:
    """
    Return the records of a session that traded a little.
    """
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(Path(folder), MemoryJournal)
        trade(desk, 100)
    return list(desk.engine.session.journal.read())


def commit(count: int) -> float:
    """
    Return wall microseconds of a bare SQLite commit of so many records, as durable as the journal's.
    """
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "bare.sqlite3", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE record (sequence INTEGER PRIMARY KEY, payload BLOB)")
        took, number, payload = [], 0, b"x" * 800
        for _ in range(200):
            start = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO record VALUES (?, ?)", [(number + row, payload) for row in range(count)]
            )
            connection.execute("COMMIT")
            took.append(time.perf_counter() - start)
            number += count
        connection.close()
        return sorted(took)[len(took) // 2] * MICRO


def append_and_commit(count: int) -> float:
    """
    Return wall microseconds of the journal's own append and commit of so many records.
    """
    rows = traded()[-1:]
    with tempfile.TemporaryDirectory() as folder:
        store = JournalStore(Path(folder) / "journal.sqlite3")
        journal, took, number = store.session("bench"), [], 0
        for _ in range(200):
            start = time.perf_counter()
            for _ in range(count):
                number += 1
                journal.append_raw(number, rows[0].kind, 1, rows[0].recorded_at, rows[0].payload)
            store.commit()
            took.append(time.perf_counter() - start)
        store.close()
        return sorted(took)[len(took) // 2] * MICRO


class Overheard:
    """
    A rule or sizer that notes how it is asked.
    """

    def __init__(self, asked: object, calls: list[Callable[[], object]]) -> None:
        self.name = asked.name  # type: ignore[attr-defined] # rules and sizers have one
        self._asked = asked
        self._calls = calls

    def __getattr__(self, method: str) -> Callable[..., object]:
        def note(*about: object) -> object:
            self._calls.append(partial(getattr(self._asked, method), *about))
            return self._calls[-1]()

        return note


def bare_entry() -> float:
    """
    Return microseconds of the parts of an entry that are not the kernel's.

    Four rules are asked twice and the sizer once, as they were in a real order; the signal gets its key, intent and
    fill are encoded, and the venue takes, fills and answers the order.
    """
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(Path(folder), MemoryJournal)
        session = desk.engine.session
        calls: list[Callable[[], object]] = []
        context = session.context
        context.rules = tuple((name, Overheard(rule, calls)) for name, rule in context.rules)
        context.sizer = Overheard(context.sizer, calls)
        trade(desk, 1)
        intended, filled = (decode(row.kind, 1, row.payload) for row in list(session.journal.read())[-2:])
        venue, numbers = desk.engine.broker._door._exchange.venue, iter(range(1_000_000))  # noqa: SLF001 - in this process
        calls += [
            partial(session.key_of, intended.signal),
            partial(encode, intended),
            partial(encode, filled),
            lambda: (venue.submit(str(next(numbers)), intended.draft), venue.take_events()),
        ]
        return sum(each(call) for call in calls)


def measure(options: Options) -> Iterator[Figure]:
    many = range(options.runs)
    rows = traded()
    entry = next(row for row in rows if b'"entry":true' in row.payload)
    fill = next(row for row in rows if row.kind == "order_filled")
    made = {row.kind: decode(row.kind, row.version, row.payload) for row in (entry, fill)}
    parts: dict[str, Callable[[], object]] = {
        "function call": nothing,
        "attrs.define object of 4": lambda: Toy(_A, _B, _C, 1),
        "attrs.frozen object of 4": lambda: Order("A", buys=True, quantity=_A, price=_B),
        "Decimal multiply and add": lambda: _A * _B + _C,
        "Decimal division to 28 digits": lambda: _A / _B,
        "Decimal compare": lambda: _A < _B,
        "Decimal from text": lambda: Decimal("123.45"),
        "Decimal to text": lambda: str(_A),
        f"encode an entry's intent, {len(entry.payload):,} bytes": lambda: encode(made["order_intended"]),
        f"encode a fill, {len(fill.payload):,} bytes": lambda: encode(made["order_filled"]),
        "decode an entry's intent": lambda: decode("order_intended", 1, entry.payload),
        "hash chain, one record": lambda: link(
            entry.chain, 1, entry.kind, 1, entry.recorded_at, entry.payload
        ),
    }
    for name, work in parts.items():
        yield Figure(name=name, unit="us", runs=[each(work) for _ in many])
    yield Figure(name="toy order: size, six rules, book", unit="us CPU", runs=[toy() for _ in many])
    name = "what an entry needs of rules, sizer, codec, digest and venue, each warm"
    yield Figure(name=name, unit="us", runs=[bare_entry() for _ in many])
    for count in (1, 200):
        name = f"{count} record{'s' if count > 1 else ''}"
        yield Figure(name=f"bare SQLite commit of {name}", unit="us wall", runs=[commit(count) for _ in many])
        yield Figure(
            name=f"journal append and commit of {name}",
            unit="us wall",
            runs=[append_and_commit(count) for _ in many],
        )


if __name__ == "__main__":
    main(measure)
