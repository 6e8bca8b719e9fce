"""
Figures, their targets, and how a benchmark script runs on its own.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Literal

import attrs

Better = Literal["less", "more"]


@attrs.frozen(kw_only=True)
class Figure:
    """
    One measured number: the median of several runs, and what it was to be.
    """

    name: str
    unit: str
    runs: Sequence[float]
    target: float | None = None
    better: Better = "less"
    note: str = ""

    @property
    def value(self) -> float:
        return median(self.runs)

    @property
    def best(self) -> float:
        """
        The run that others on the machine disturbed least.
        """
        return min(self.runs) if self.better == "less" else max(self.runs)

    @property
    def reached(self) -> bool | None:
        """
        Whether the target is reached, None without one.
        """
        if self.target is None:
            return None
        return self.value <= self.target if self.better == "less" else self.value >= self.target

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": self.value,
            "best": self.best,
            "unit": self.unit,
            "target": self.target,
            "reached": self.reached,
            "runs": list(self.runs),
            "note": self.note,
        }

    def __str__(self) -> str:
        goal = ""
        if self.target is not None:
            sign = "<=" if self.better == "less" else ">="
            goal = f"  ({'reached' if self.reached else 'NOT reached'}: {sign} {shown(self.target)})"
        note = f"  {self.note}" if self.note else ""
        best = f"  best {shown(self.best)}" if len(self.runs) > 1 else ""
        return f"{self.name:<66} {shown(self.value):>9} {self.unit}{best}{goal}{note}"


def shown(value: float) -> str:
    """
    Return a number with three digits or so.
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@attrs.frozen(kw_only=True)
class Options:
    """
    How much is measured.
    """

    long: bool = False
    """Also what takes many minutes: a million orders, a million records."""
    runs: int = 5


def main(measure: Callable[[Options], Iterable[Figure]]) -> None:
    """
    Measure, print each figure as it comes, and write them all as JSON if asked to.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--long", action="store_true", help="also what takes many minutes")
    parser.add_argument("--runs", type=int, default=5, help="runs whose median counts")
    given = parser.parse_args()
    found = []
    for figure in measure(Options(long=given.long, runs=given.runs)):
        print(figure, flush=True)
        found.append(figure.as_json())
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1))


@attrs.define
class Spent:
    """
    What a piece of work took, in seconds.
    """

    cpu: float = 0.0
    wall: float = 0.0


def spent(work: Callable[[], object]) -> Spent:
    """
    Return what a piece of work takes; garbage of before is not on its bill.
    """
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.process_time() - cpu, time.perf_counter() - wall)


def each(count: int, work: Callable[[], float]) -> Iterator[float]:
    """
    Yield the results of doing something several times.
    """
    for _ in range(count):
        yield work()
