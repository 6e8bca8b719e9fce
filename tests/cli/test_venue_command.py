"""
`ltm mock-venue` as a process of its own (O2).
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import SAMPLE

PRICES = "timestamp,symbol,open,high,low,close,volume\n" + "".join(
    f"2026-03-02T14:3{minute}:00Z,AAA,100,101,99,100,1000\n" for minute in range(3)
)


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ltm", "mock-venue", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def serve_once(*arguments: object) -> tuple[int, str]:
    """
    Start a venue, wait until it listens, end it; return how it ended and what it said.
    """
    with start(*arguments) as process:
        assert process.stdout
        said = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=30), said


def notes(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def test_a_venue_listens_and_ends_when_it_is_told(tmp_path):
    socket, log = tmp_path / "s", tmp_path / "log.jsonl"
    ended = serve_once("--socket", socket, "--log", log, "--seed", 9)

    assert (0, f"listening on {socket}\n") == ended
    assert 9 == notes(log)[0]["seed"]
    assert not socket.exists()


def test_a_venue_takes_prices_and_cash(tmp_path):
    prices = tmp_path / "prices.csv"
    prices.write_text(PRICES, encoding="utf-8")
    log = tmp_path / "log.jsonl"
    code, _ = serve_once("--socket", tmp_path / "s", "--log", log, "--prices", prices, "--cash", "500")

    assert 0 == code
    assert ["AAA"] == notes(log)[0]["symbols"]


def test_a_venue_takes_the_market_of_a_configuration(tmp_path):
    log = tmp_path / "log.jsonl"
    code, _ = serve_once("--socket", tmp_path / "s", "--log", log, "--config", SAMPLE / "demo.toml")

    assert 0 == code
    assert (35, ["ACME", "BOLT", "CRUX", "DYNE", "EMBER"]) == (
        notes(log)[0]["seed"],
        notes(log)[0]["symbols"],
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--config", SAMPLE / "demo.toml", "--cash", "5"), "already names the market"),
        (("--config", SAMPLE / "none.toml"), "cannot be read"),
        (("--prices", SAMPLE / "none.csv"), "none.csv"),
        (("--faults", SAMPLE / "none.toml"), "none.toml"),
        (("--cash", "-1"), "cash must be a positive finite amount"),
    ],
)
def test_a_venue_that_cannot_start_says_why(ltm, tmp_path, arguments, text):
    answer = ltm("mock-venue", "--socket", tmp_path / "s", "--log", tmp_path / "log", *arguments)

    assert 2 == answer.code
    assert text in answer.err


def test_a_configuration_without_a_mock_session_names_no_market(ltm, tmp_path, monkeypatch):
    monkeypatch.setattr("ltm.brokers.mock.config.MockConfig", type("Other", (), {}))
    answer = ltm(
        "mock-venue", "--socket", tmp_path / "s", "--log", tmp_path / "l", "--config", SAMPLE / "demo.toml"
    )

    assert 2 == answer.code
    assert "has no session at the mock broker" in answer.err


def test_a_running_venue_is_told_what_else_goes_wrong(ltm, tmp_path):
    """
    O3: in the words of a fault file; a mistake is named before anybody is asked.
    """
    socket, log, more = tmp_path / "s", tmp_path / "log.jsonl", tmp_path / "more.toml"
    more.write_text('[[faults]]\nverb = "deposit"\namount = 5\n', encoding="utf-8")
    with start("--socket", socket, "--log", log, "--cash", "500") as process:
        assert process.stdout
        process.stdout.readline()
        told = ltm("mock-venue", "--socket", socket, "--tell", more)
        more.write_text('[[faults]]\nverb = "deposit"\namount = -5\n', encoding="utf-8")
        wrong = ltm("mock-venue", "--socket", socket, "--tell", more)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)

    assert (0, "cash 505\n") == (told.code, told.out)
    assert 2 == wrong.code
    assert "faults[0].amount must be above 0, got -5" in wrong.err
    assert ["happened"] == [note["event"] for note in notes(log) if note.get("verb") == "deposit"]


def test_a_venue_that_serves_needs_a_log(ltm, tmp_path):
    answer = ltm("mock-venue", "--socket", tmp_path / "s")

    assert 2 == answer.code
    assert "--log is required" in answer.err


def test_nobody_can_be_told_where_no_venue_listens(ltm, tmp_path):
    more = tmp_path / "more.toml"
    more.write_text("", encoding="utf-8")
    answer = ltm("mock-venue", "--socket", tmp_path / "s", "--tell", more)

    assert 4 == answer.code
    assert "cannot be reached" in answer.err
