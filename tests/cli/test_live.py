"""
The live table, drawn without a terminal.
"""

import asyncio
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from ltm.app import Loaded, load, prepare
from ltm.cli.demo import load_demo
from ltm.cli.live import LiveTable, View, progress_of
from ltm.engine.drive import no_pause, run_now, work
from ltm.engine.engine import Engine
from ltm.model.errors import PluginError

from .conftest import HOSTILE


class Idle:
    """
    Looks on, so that the session tells its events.
    """

    def on_event(self, event: object) -> None:
        """
        Do nothing.
        """

    def on_problem(self, problem: object) -> None:
        """
        Do nothing.
        """


def played(loaded: Loaded) -> tuple[Engine, View]:
    """
    A whole session, watched from its first moment.
    """
    (session,) = loaded.config.sessions
    ready = prepare(session, None, observers=(Idle(),))
    view = View(ready.engine)
    ready.engine.observers = (view,)
    run_now(ready.start())
    run_now(work(ready.engine, no_pause))
    return ready.engine, view


def drawn(view: View) -> str:
    console = Console(file=io.StringIO(), width=200, height=80, force_terminal=True)
    console.print(view.render())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def demo() -> tuple[Engine, View]:
    return played(load_demo())


def test_everything_has_its_place(demo):
    """
    Design 8: equity, P&L, positions, orders, headroom of every limit, alerts, progress.
    """
    text = drawn(demo[1])

    for word in (
        "demo  stopped, trading reducing",
        "equity",
        "realized",
        "position",
        "EMBER",
        "Utilities",
        "order",
        "filled",
        "headroom",
        "drawdown",
        "tripped",
        "daily_loss",
        "max_daily_trades",
        "alert",
        "critical",
    ):
        assert word in text, word
    assert 1.0 == progress_of(demo[0])


def test_limits_of_equity_are_known_before_the_first_order():
    (session,) = load_demo().config.sessions
    view = View(prepare(session, None).engine)

    assert "0.02" in drawn(view)
    assert "0.008" in drawn(view)


def test_trouble_is_shown_on_one_line(demo):
    """
    SEC-33.
    """
    demo[1].on_problem(PluginError(HOSTILE))
    text = drawn(demo[1])

    assert "LTM-PLG-000: a\\nb\\x1b[2Jc" in text
    assert "\x1b[2J" not in text


def test_what_comes_from_outside_is_never_markup(tmp_path: Path):
    lines = [
        {
            "stock_code": "ACME",
            "action": "buy",
            "score": 1,
            "confidence": 1,
            "timestamp": "2026-01-05T14:40:00Z",
            "quantity": 1,
        }
    ]
    (tmp_path / "signals.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8"
    )
    config = tmp_path / "ltm.toml"
    config.write_text(
        """
[session]
id = "markup"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.3

[broker]
plugin = "mock"
symbols = ["ACME"]
steps = 30

[risk.sector_concentration]
max_sector_fraction = 0.5
sectors = { ACME = "[red]Tech[/red]" }

[risk.drawdown]
max_drawdown = 0.2

[risk.daily_loss]
max_daily_loss = 0.1

[[signals]]
plugin = "file"
path = "signals.jsonl"
""",
        encoding="utf-8",
    )
    _, view = played(load(config))

    assert "[red]Tech[/red]" in drawn(view)


class Broken(io.StringIO):
    """
    A terminal that was closed.
    """

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")

    def isatty(self) -> bool:
        return True


def table_on(file: io.StringIO) -> None:
    (session,) = load_demo().config.sessions
    engine = prepare(session, None, observers=(Idle(),)).engine
    table = LiveTable(Console(file=file, force_terminal=True, width=120, height=60))

    async def watch() -> None:
        table.begin([engine])
        await asyncio.sleep(0)
        table.end()
        table.end()

    asyncio.run(watch())


def test_a_table_is_drawn_inside_the_loop():
    file = io.StringIO()
    table_on(file)

    assert "headroom" in file.getvalue()


def test_a_terminal_that_closes_takes_only_the_picture_with_it():
    """
    F32.
    """
    table_on(Broken())
