"""
`ltm run` and `ltm simulate`: the demo, the summary, the log, signals, and the exit codes.
"""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ltm.cli.demo import load_demo
from ltm.engine.state_dir import StateDirectory

from .conftest import SAMPLE, Answer

CONFIG = """
[session]
id = "short"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.3
on_stop = "cancel"

[broker]
plugin = "mock"
{broker}

[risk.sector_concentration]
max_sector_fraction = 0.5
sectors = {{ ACME = "Technology" }}

[risk.drawdown]
max_drawdown = 0.2

[risk.daily_loss]
max_daily_loss = 0.1

[[signals]]
plugin = "file"
path = "signals.jsonl"
"""
SIGNAL = {
    "stock_code": "ACME",
    "action": "buy",
    "score": 1,
    "confidence": 1,
    "timestamp": "2026-01-05T14:30:02Z",
    "quantity": 10,
}
RESTING = SIGNAL | {"order_type": "limit", "limit_price": 1.0, "time_in_force": "gtc"}
BROKER = 'symbols = ["ACME"]\nsteps = {steps}\ninterval_seconds = 1.0\nspeed = {speed}'


@pytest.fixture(autouse=True)
def _hangup() -> Iterator[None]:
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """
    A session of five seconds that buys once.
    """
    return make(tmp_path, BROKER.format(steps=5, speed='"max"'), SIGNAL)


def make(folder: Path, broker: str, *signals: dict[str, Any]) -> Path:
    (folder / "signals.jsonl").write_text(
        "".join(json.dumps(one) + "\n" for one in signals), encoding="utf-8"
    )
    path = folder / "ltm.toml"
    path.write_text(CONFIG.format(broker=broker), encoding="utf-8")
    return path


@contextmanager
def process(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "ltm", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def wait_for(child: subprocess.Popen[str], text: str) -> None:
    """
    Read the log until a record holds the text.
    """
    assert child.stderr
    for line in child.stderr:
        if text in line:
            return
    pytest.fail(f"the log ended without {text}")


def summaries(answer: Answer) -> list[dict[str, Any]]:
    return answer.json


# --- The demo -------------------------------------------------------------------------------------


def test_the_demo_shows_every_rule_at_work(ltm, tmp_path):
    """
    Issue 2: all rules armed, each denies or trips, a summary, and what to look at next.
    """
    state = tmp_path / "state"
    answer = ltm("run", "--state-dir", state)
    denied = {
        row["reason"]["code"] for row in ltm("orders", "--json", "--state-dir", state).json if row["reason"]
    }
    raised = {row["code"] for row in ltm("alerts", "--json", "--state-dir", state).json}

    assert 0 == answer.code
    assert {"position_size", "sector_concentration"} <= denied
    assert {"drawdown", "daily_loss"} <= raised
    assert "Session demo (demo_model at mock): stopped" in answer.out
    (example,) = re.findall(r"^  ltm explain (\S+) --session demo --state-dir", answer.out, re.MULTILINE)
    assert 0 == ltm("explain", example, "--state-dir", state).code


def test_the_log_is_one_json_object_a_line(ltm, tmp_path):
    """
    SEC-33: an event a line, nothing else on the stream.
    """
    answer = ltm("run", "--state-dir", tmp_path / "state")
    lines = [json.loads(line) for line in answer.err.splitlines()]

    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(line) for line in lines))
    assert {"order_intended", "order_filled", "order_denied", "alert_raised"} <= {
        line.get("event") for line in lines
    }
    assert {"info", "warning", "critical"} == {line["level"] for line in lines}


def test_the_demo_can_be_run_again(ltm, tmp_path):
    state = tmp_path / "state"
    codes = [ltm("run", "--quiet", "--state-dir", state).code for _ in range(2)]
    rows = ltm("status", "--json", "--state-dir", state).json

    assert [0, 0] == codes
    assert ["demo", "demo-2"] == [row["session_id"] for row in rows]
    assert rows[0]["equity"] == rows[1]["equity"]


def test_quiet_prints_the_summary_only(ltm, tmp_path):
    answer = ltm("run", "--quiet", "--state-dir", tmp_path / "state")

    assert "" == answer.err
    assert answer.out.startswith("Session demo")


# --- Simulation -----------------------------------------------------------------------------------


def test_simulate_and_run_write_the_same_journal(ltm, config, tmp_path):
    """
    Issue 2: at full speed both give the same records.
    """
    exports = []
    for command in ("run", "simulate"):
        state = tmp_path / command
        assert 0 == ltm(command, config, "--state-dir", state).code
        exports.append(ltm("journal", "export", "--state-dir", state).out)

    assert exports[0] == exports[1]
    assert '"order_filled"' in exports[0]


def test_simulate_reports_as_json(ltm, config, tmp_path):
    answer = ltm("simulate", config, "--json", "--state-dir", tmp_path / "state")
    (summary,) = summaries(answer)

    assert 0 == answer.code
    assert (1, 1, 0, 1) == (summary["signals"], summary["orders"], summary["denied"], summary["fills"])
    assert {"filled": 1} == summary["orders_by_status"]
    assert ["ACME"] == [row["symbol"] for row in summary["positions"]]
    assert [] == summary["unresolved_orders"]


def test_simulate_can_leave_no_trace(ltm, config, tmp_path):
    answer = ltm("simulate", config, "--in-memory", "--state-dir", tmp_path / "state")

    assert 0 == answer.code
    assert "Look at next" not in answer.out
    assert not (tmp_path / "state").exists()


def test_simulate_numbers_a_session_whose_id_is_taken(ltm, config, tmp_path):
    for _ in range(2):
        ltm("simulate", config, "--state-dir", tmp_path / "state")

    assert ["short", "short-2"] == [
        row["session_id"] for row in ltm("status", "--json", "--state-dir", tmp_path / "state").json
    ]


def test_a_session_with_nothing_to_do_has_a_short_summary(ltm, tmp_path):
    hold = SIGNAL | {"action": "hold"}
    config = make(tmp_path, BROKER.format(steps=5, speed='"max"'), hold)
    answer = ltm("simulate", config, "--state-dir", tmp_path / "state")

    assert "signals    1 (1 to hold)" in answer.out
    assert "no positions are open" in answer.out
    assert "ltm explain" not in answer.out


# --- Refusals -------------------------------------------------------------------------------------


def test_a_second_run_on_the_same_directory_is_refused(ltm, config, tmp_path):
    """
    F33: exit 5, naming who runs.
    """
    directory = StateDirectory.open(tmp_path / "state")
    with directory.lock_writer():
        answers = [ltm(command, config, "--state-dir", tmp_path / "state") for command in ("run", "simulate")]

    assert [5, 5] == [answer.code for answer in answers]
    assert all(f"process {os.getpid()} on " in answer.err for answer in answers)


def test_a_broken_configuration_starts_nothing(ltm, config, tmp_path):
    config.write_text(config.read_text(encoding="utf-8").replace("0.2", "2"), encoding="utf-8")
    answer = ltm("run", config, "--state-dir", tmp_path / "state")

    assert 2 == answer.code
    assert "max_drawdown" in answer.err
    assert not (tmp_path / "state" / "journal.sqlite3").exists()


def test_a_venue_that_cannot_be_reached_is_told(ltm, tmp_path):
    config = make(tmp_path, 'socket = "nobody.sock"', SIGNAL)
    answer = ltm("run", "--quiet", config, "--state-dir", tmp_path / "state")

    assert 4 == answer.code
    assert answer.err.startswith("error[LTM-BRK-")


def test_a_market_of_another_process_cannot_be_simulated(ltm, tmp_path):
    config = make(tmp_path, 'socket = "nobody.sock"', SIGNAL)
    answer = ltm("simulate", config, "--state-dir", tmp_path / "state")

    assert answer.code in {2, 4}
    assert "Traceback" not in answer.err


# --- Signals of the system --------------------------------------------------------------------------


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """
    A session in real time with an order that rests far below the market.
    """
    return make(tmp_path, BROKER.format(steps=600, speed=1), RESTING)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_being_told_to_stop_ends_in_good_order(ltm, slow, tmp_path, number):
    """
    F30, F31: own orders are canceled, the stop is journaled, exit 0.
    """
    with process("run", slow, "--state-dir", tmp_path / "state") as child:
        wait_for(child, '"order_accepted"')
        child.send_signal(number)
        out, _ = child.communicate(timeout=30)

    (row,) = ltm("status", "--json", "--state-dir", tmp_path / "state").json
    (order,) = ltm("orders", "--json", "--state-dir", tmp_path / "state").json

    assert 0 == child.returncode
    assert "Session short (m at mock): stopped" in out
    assert ("stopped", "canceled") == (row["lifecycle"], order["status"])


@pytest.mark.slow
def test_a_hangup_does_not_end_trading(slow, tmp_path):
    """
    F32: the terminal closes, the session goes on.
    """
    with process("run", slow, "--state-dir", tmp_path / "state") as child:
        wait_for(child, '"order_accepted"')
        child.send_signal(signal.SIGHUP)
        wait_for(child, '"equity_sampled"')
        child.terminate()
        child.communicate(timeout=30)

    assert 0 == child.returncode


@pytest.mark.slow
def test_a_reader_that_goes_away_does_not_end_trading(ltm, slow, tmp_path):
    """
    F32: nobody reads standard output or the log any more.
    """
    with process("run", slow, "--state-dir", tmp_path / "state") as child:
        wait_for(child, '"order_accepted"')
        assert child.stdout
        assert child.stderr
        child.stdout.close()
        child.stderr.close()
        before = ltm("status", "--json", "--state-dir", tmp_path / "state").json[0]["journal_sequence"]
        while (
            ltm("status", "--json", "--state-dir", tmp_path / "state").json[0]["journal_sequence"] == before
        ):
            assert child.poll() is None
        child.terminate()

        assert 0 == child.wait(timeout=30)


@pytest.mark.slow
def test_a_second_interrupt_leaves_at_once_and_says_what_stays(ltm, tmp_path):
    """
    F31: exit 130, the journal intact, open orders printed. The venue hears no cancel, so the first takes long.
    """
    faults = tmp_path / "faults.toml"
    faults.write_text(
        '[[faults]]\nverb = "drop_request"\nmethod = "cancel"\nprobability = 1.0\n', encoding="utf-8"
    )
    slow = make(tmp_path, 'socket = "s"\nspeed = 1\nrequest_timeout = 0.5', RESTING)
    venue = ("mock-venue", "--socket", tmp_path / "s", "--log", tmp_path / "log", "--faults", faults)
    state = tmp_path / "state"
    with process(*venue) as market, process("run", slow, "--state-dir", state) as child:
        assert market.stdout
        assert "listening" in market.stdout.readline()
        wait_for(child, '"order_accepted"')
        child.send_signal(signal.SIGINT)
        wait_for(child, '"cancel_intended"')
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=30)

    assert 130 == child.returncode
    assert "interrupted: the journal is intact" in err
    assert "open order " in err
    assert 0 == ltm("journal", "verify", "--state-dir", state).code


@pytest.mark.slow
def test_an_order_of_unknown_outcome_needs_a_person(ltm, tmp_path):
    """
    Spec 4.1: exit 6. The venue hears no order and answers no question about it until the market ends.
    """
    later = list(range(2, 500))
    faults = tmp_path / "faults.toml"
    faults.write_text(
        "".join(
            f'[[faults]]\nverb = "drop_request"\nmethod = "{method}"\n{when}\n'
            for method, when in (
                ("submit", "probability = 1.0"),
                ("find", "probability = 1.0"),
                ("open_orders", f"nth = {later}"),
                ("fills", f"nth = {later}"),
            )
        ),
        encoding="utf-8",
    )
    market = make(tmp_path, BROKER.format(steps=8, speed='"max"'), SIGNAL).rename(tmp_path / "market.toml")
    config = make(tmp_path, 'socket = "s"\nrequest_timeout = 0.05', SIGNAL)
    state = tmp_path / "state"
    with process(
        "mock-venue",
        "--socket",
        tmp_path / "s",
        "--log",
        tmp_path / "log",
        "--faults",
        faults,
        "--config",
        market,
    ) as venue:
        assert venue.stdout
        assert "listening" in venue.stdout.readline()
        answer = ltm("run", "--quiet", config, "--state-dir", state)

    (order,) = ltm("orders", "--json", "--state-dir", state).json

    assert 6 == answer.code
    assert f"UNKNOWN OUTCOME, ask your broker: {order['client_order_id']}" in answer.out
    assert "unknown" == order["status"]
    assert 1 == ltm("status", "--json", "--state-dir", state).json[0]["unknown_orders"]


# --- On a terminal ----------------------------------------------------------------------------------


def on_terminal(*arguments: object) -> tuple[int, str]:
    """
    Run a command with a terminal of its own; return how it ended and what was drawn.
    """
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "ltm", *map(str, arguments)]
    environment = os.environ | {"COLUMNS": "150", "LINES": "60", "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdout=follower, stderr=follower, env=environment) as child:
        os.close(follower)
        drawn = b""
        with suppress(OSError):
            while piece := os.read(leader, 65536):
                drawn += piece
        code = child.wait(timeout=60)
    os.close(leader)
    return code, drawn.decode(errors="replace")


@pytest.mark.slow
def test_a_terminal_gets_a_live_table_and_a_progress_bar(tmp_path):
    """
    Design 8: equity, positions, orders, headroom of every limit, alerts.
    """
    config = make(tmp_path, BROKER.format(steps=60, speed=40), SIGNAL, RESTING | {"stock_code": "GONE"})
    code, drawn = on_terminal("run", config, "--state-dir", tmp_path / "state")

    assert 0 == code
    for text in (
        "short",
        "equity",
        "realized",
        "position",
        "ACME",
        "headroom",
        "drawdown",
        "daily_loss",
        "\u2501",
    ):
        assert text in drawn, text
    assert "Look at next" in drawn
    assert '"event"' not in drawn


def test_tables_are_drawn_on_a_terminal(demo):
    code, drawn = on_terminal("positions", "--state-dir", demo)

    assert 0 == code
    assert "\u2500" in drawn


def test_the_demo_can_be_copied(ltm, tmp_path):
    """
    Its folder is a sample: it runs from anywhere.
    """
    for name in ("demo.toml", "sectors.csv", "signals.jsonl"):
        shutil.copy(SAMPLE / name, tmp_path)

    assert 0 == ltm("check", tmp_path / "demo.toml").code


def test_the_demo_is_the_same_at_any_speed():
    """
    Only the pace differs: on a terminal it lasts long enough to be watched.
    """
    fast, slow = load_demo(), load_demo(speed=15_000)
    (left,), (right,) = fast.config.sessions, slow.config.sessions

    assert ("max", 15_000) == (left.broker.config.speed, right.broker.config.speed)
    assert left.spec == right.spec


@pytest.mark.slow
def test_a_configuration_changed_meanwhile_is_a_notice(slow, tmp_path):
    """
    BAD-039.
    """
    with process("run", slow, "--state-dir", tmp_path / "state") as child:
        wait_for(child, '"order_accepted"')
        slow.write_text("nonsense", encoding="utf-8")
        wait_for(child, "was changed")
        child.terminate()
        _, err = child.communicate(timeout=30)

    assert 0 == child.returncode
    assert "notice: config ltm.toml was changed: it takes effect at the next start" in err


@pytest.mark.slow
def test_status_says_when_nobody_runs_a_session_any_more(ltm, slow, tmp_path):
    """
    After kill -9 the journal still says running.
    """
    state = tmp_path / "state"
    with process("run", slow, "--state-dir", state) as child:
        wait_for(child, '"order_accepted"')
        alive = ltm("status", "--state-dir", state).out
        child.kill()
        child.wait(timeout=30)
    dead = ltm("status", "--state-dir", state).out

    assert "short: running" in alive
    assert "no process runs it" not in alive
    assert "no process runs it any more" in dead


NAIVE = """
from ltm import Signal


def at_every_price(quote):
    hour = 1 if quote.at.second % 2 else 3
    text = f"2025-11-02T0{hour}:30:{quote.at.second:02}"
    return Signal(stock_code=quote.symbol, action="buy", score=1, confidence=1, timestamp=text)
"""


def test_what_was_assumed_about_the_times_of_a_strategy_is_told_once(tmp_path: Path) -> None:
    """
    Ruling 1 and BAD-062: no offset, and an hour that was there twice; the log says so, and how to mend it.
    """
    path = make(tmp_path, BROKER.format(steps=6, speed='"max"'))
    text = path.read_text(encoding="utf-8")
    text = text.replace(
        "initial_capital", 'naive_timestamps = "session_tz"\ntimezone = "America/New_York"\ninitial_capital'
    ).replace(
        'plugin = "file"\npath = "signals.jsonl"',
        'plugin = "python"\ncallable = "naive:at_every_price"\npath = "."',
    )
    path.write_text(text, encoding="utf-8")
    (tmp_path / "naive.py").write_text(NAIVE, encoding="utf-8")

    with process("run", path, "--state-dir", tmp_path / "state") as child:
        _, err = child.communicate(timeout=60)

    lines = [json.loads(line) for line in err.splitlines()]
    told = [line for line in lines if "without offset" in line["message"]]
    folds = [line for line in lines if "clocks go back" in line["message"]]
    assert ["info"] == [line["level"] for line in told]
    assert ["LTM-SIG-062"] == [line["code"] for line in folds]
    assert "add the UTC offset to the timestamps" == folds[0]["hint"]
