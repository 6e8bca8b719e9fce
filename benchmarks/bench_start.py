"""
Start-up: `ltm --help`, and `ltm run` with the embedded demo up to its first order.

The first order is there when the broker's `submit` is called: its intent is durable by then. The
process ends itself at that moment, so that nothing of the run after it is measured.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from figures import Figure, Options, main

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROBE = """
import json, os, sys, time
start, out = float(sys.argv[1]), sys.argv[2]
from ltm.brokers.mock.broker import MockBroker

def resident():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024

async def submit(self, approval):
    times = os.times()
    with open(out, "w") as file:
        json.dump({"wall": time.monotonic() - start, "cpu": times.user + times.system, "rss": resident(),
                   "modules": len(sys.modules)}, file)
    os._exit(0)

MockBroker.submit = submit
sys.argv = ["ltm", "run", "--state-dir", sys.argv[3]]
from ltm.cli import main
main()
"""
# An installed package has its byte code; some machines' environments keep it from being written.
_ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_LTM = Path(sys.executable).with_name("ltm")


@attrs.frozen
class Took:
    """
    What a process took, in seconds.
    """

    cpu: float
    wall: float


def run(*command: str) -> Took:
    """
    Return what a command takes from its start to its end.
    """
    before = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=_ENVIRON)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        message = f"{command} ended with {child.returncode}"
        raise RuntimeError(message)
    return Took(usage.ru_utime + usage.ru_stime, time.perf_counter() - before)


def first_order() -> dict[str, float]:
    """
    Return wall and CPU seconds and resident megabytes of `ltm run` at its first order.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, "-c", _PROBE, str(time.monotonic()), str(out), f"{folder}/state"]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=_ENVIRON
        )
        if not out.exists():
            message = f"no order was sent: {done.stderr[-500:]}"
            raise RuntimeError(message)
        return json.loads(out.read_text())


def installed() -> tuple[int, float]:
    """
    Return how many distributions `pip install ltm` brings, itself included, and their megabytes on disk.
    """
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    wanted, seen = list(project["dependencies"]), set()
    import ltm

    size = sum(_size(path) for path in Path(ltm.__file__).parent.rglob("*.py"))
    while wanted:
        need = wanted.pop()
        name = re.split(r"[^A-Za-z0-9._-]", need)[0].lower()
        if ";" in need or name in seen:  # for other systems, or known already
            continue
        seen.add(name)
        distribution = metadata.distribution(name)
        files = (distribution.locate_file(file) for file in distribution.files or ())
        size += sum(_size(file) for file in files if not str(file).endswith(".pyc"))
        wanted += distribution.requires or ()
    return len(seen) + 1, size / 1e6


def _size(path: object) -> int:
    file = Path(str(path))
    return file.stat().st_size if file.is_file() else 0


def measure(options: Options) -> Iterator[Figure]:
    many = range(options.runs * 3)
    first_order()  # writes the byte code that is missing
    bare = [run(sys.executable, "-c", "pass") for _ in many]
    yield Figure(name="python -c pass", unit="ms CPU", runs=[took.cpu * 1e3 for took in bare])
    helps = [run(str(_LTM), "--help") for _ in many]
    yield Figure(name="ltm --help", unit="ms CPU", runs=[took.cpu * 1e3 for took in helps], target=220)
    yield Figure(name="ltm --help", unit="ms wall", runs=[took.wall * 1e3 for took in helps])
    orders = [first_order() for _ in range(options.runs)]
    yield Figure(
        name="ltm run, start to first order", unit="s wall", runs=[one["wall"] for one in orders], target=0.6
    )
    yield Figure(name="ltm run, start to first order", unit="s CPU", runs=[one["cpu"] for one in orders])
    yield Figure(
        name="ltm run, resident at the first order",
        unit="MB",
        runs=[one["rss"] for one in orders],
        target=60,
        note=f"{orders[0]['modules']} modules",
    )
    count, megabytes = installed()
    yield Figure(name="core install, packages", unit="", runs=[count], target=10)
    yield Figure(name="core install, without byte code", unit="MB", runs=[megabytes], target=15)


if __name__ == "__main__":
    main(measure)
