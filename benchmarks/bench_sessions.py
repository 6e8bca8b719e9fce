"""
1, 10 and 100 sessions in one process: each with its own risk state, venue and journal.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, Options, main
from workload import open_desk, require_filled, signals

from ltm.engine.memory import MemoryJournal

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTS = (1, 10, 100)
ORDERS = 10
SYMBOLS = 5


def resident() -> float:
    """
    Return this process's resident memory in kilobytes.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return float(line.split()[1])
    return 0.0


def open_many(count: int) -> dict[str, float]:
    """
    Open that many sessions, let each trade a little, and return what it took.
    """
    with tempfile.TemporaryDirectory() as folder:
        # The first one pays for modules and caches; what comes after it is what a session costs.
        kept = [open_desk(Path(folder), MemoryJournal, symbols=SYMBOLS)]
        before, start = resident(), time.process_time()
        kept += [open_desk(Path(folder), MemoryJournal, symbols=SYMBOLS) for _ in range(count - 1)]
        opened = time.process_time() - start
        held = resident() - before
        for desk in kept:
            desk.feed.waiting.extend(signals(desk, ORDERS))
            desk.work()
            require_filled(desk, ORDERS)
        return {
            "total": resident() / 1024,
            "each": held / max(count - 1, 1),
            "opened": opened / max(count - 1, 1) * 1e3,
            "all": (time.process_time() - start) * 1e3,
        }


def in_a_process(count: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--child", str(count)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def measure(options: Options) -> Iterator[Figure]:
    for count in COUNTS:
        found = [in_a_process(count) for _ in range(options.runs)]
        name = f"{count} session{'s' if count > 1 else ''} in one process"
        yield Figure(name=f"{name}, resident", unit="MB", runs=[one["total"] for one in found])
        if count == 1:
            continue
        yield Figure(
            name=f"{name}, memory of each further one",
            unit="kB",
            runs=[one["each"] for one in found],
            target=100,
            note="with its own venue",
        )
        yield Figure(
            name=f"{name}, opening each further one", unit="ms CPU", runs=[one["opened"] for one in found]
        )
        yield Figure(
            name=f"{name}, all opened and {ORDERS} orders traded by each",
            unit="ms CPU",
            runs=[one["all"] for one in found],
        )


if __name__ == "__main__":
    if "--child" in sys.argv:
        print(json.dumps(open_many(int(sys.argv[-1]))))
    else:
        main(measure)
