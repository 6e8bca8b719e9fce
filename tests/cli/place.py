"""
A folder in which real sessions run, for those who look at them from another terminal.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from ltm.core import events as e
from ltm.core.codec import decode
from ltm.engine.reader import JournalReader

PATIENCE = 30.0
CONFIG = """
[session]
id = "{name}"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.5
on_stop = "{on_stop}"

[broker]
plugin = "mock"
{broker}

[risk]
required = ["position_size"]

[[signals]]
plugin = "file"
path = "signals.jsonl"
"""
MARKET = 'symbols = ["ACME", "BOLT"]\nsteps = 100000\ninterval_seconds = 1.0'
SIGNAL = {"action": "buy", "score": 1, "confidence": 1, "timestamp": "2026-01-05T14:30:02Z"}
BUYS = [SIGNAL | {"stock_code": name, "quantity": 10} for name in ("ACME", "BOLT")]
RESTING = SIGNAL | {
    "stock_code": "ACME",
    "quantity": 5,
    "order_type": "limit",
    "limit_price": 1.0,
    "time_in_force": "gtc",
    "intent": 7,
}


@attrs.define
class Place:
    """
    A folder with a configuration, a state directory and the processes that run there.
    """

    folder: Path
    name: str = "hand"
    processes: list[subprocess.Popen[str]] = attrs.Factory(list)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def config(self) -> Path:
        return self.folder / "ltm.toml"

    def configure(self, *signals: dict[str, Any], broker: str = MARKET, on_stop: str = "cancel") -> None:
        text = CONFIG.format(name=self.name, broker=f"{broker}\nspeed = 60", on_stop=on_stop)
        self.config.write_text(text, encoding="utf-8")
        rows = "".join(json.dumps(one) + "\n" for one in signals)
        (self.folder / "signals.jsonl").write_text(rows, encoding="utf-8")

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ltm", *map(str, arguments)]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.folder
        )
        self.processes.append(child)
        return child

    def run(self, *, orders: int) -> subprocess.Popen[str]:
        """
        Start the session, and wait until it has sent so many orders and heard of them.
        """
        child = self.start("--state-dir", self.state, "run", "--quiet", self.config)
        self.until(lambda: len(self.heard_of()) >= orders, child)
        return child

    def venue(self, faults: str = "") -> None:
        market = self.folder / "venue.toml"
        market.write_text(CONFIG.format(name="venue", broker=MARKET, on_stop="keep"), encoding="utf-8")
        arguments = ["--socket", "v.sock", "--log", "truth.jsonl", "--config", market]
        if faults:
            (self.folder / "faults.toml").write_text(faults, encoding="utf-8")
            arguments += ["--faults", "faults.toml"]
        child = self.start("mock-venue", *arguments)
        assert child.stdout is not None
        assert child.stdout.readline().startswith("listening")

    def events(self) -> list[e.AnyEvent]:
        path = self.state / "journal.sqlite3"
        if not path.exists():
            return []
        reader = JournalReader(path)
        try:
            if self.name not in reader.sessions():
                return []
            return [decode(row.kind, row.version, row.payload) for row in reader.read(self.name)]
        finally:
            reader.close()

    def heard_of(self) -> set[str]:
        heard = (e.OrderAccepted, e.OrderFilled)
        return {event.client_order_id for event in self.events() if isinstance(event, heard)}

    def count(self, kind: str) -> int:
        return sum(kind == type_name(event) for event in self.events())

    def acted(self) -> list[e.OperatorActed]:
        return [event for event in self.events() if isinstance(event, e.OperatorActed)]

    def until(self, condition: Callable[[], bool], child: subprocess.Popen[str]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert child.poll() is None, child.communicate()
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.02)


def type_name(event: object) -> str:
    name = type(event).__name__
    return "".join("_" + char.lower() if char.isupper() else char for char in name).lstrip("_")
