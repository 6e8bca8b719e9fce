"""
`ltm check` (O5): every problem with code, field and line, or what would be traded under.
"""

import shutil
from pathlib import Path

import pytest

from .conftest import SAMPLE

PROBLEM = ["code", "field", "line", "message", "where", "hint"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """
    The demo's configuration, to be spoiled.
    """
    folder = tmp_path / "config"
    folder.mkdir()
    for name in ("demo.toml", "sectors.csv", "signals.jsonl"):
        shutil.copy(SAMPLE / name, folder)
    return folder / "demo.toml"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")

    assert old in text

    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_sound_configuration_is_summed_up(ltm, config):
    answer = ltm("check", config)

    assert (0, "") == (answer.code, answer.err)
    assert "nothing is wrong" in answer.out.splitlines()[0]
    for text in (
        "session demo (demo_model): 100000 USD, mock, no real money",
        "sizer   equity_fraction: fraction = 0.2",
        'rule    drawdown: max_drawdown = 0.02, scope = "session"',
        'rule    position_size: max_position_size = 0.25, denominator = "equity" (tested)',
        "limit   session_capital: 100000 USD (tested)",
        "signals file",
        "alerts  log",
    ):
        assert text in answer.out


def test_a_sound_configuration_is_summed_up_as_json(ltm, config):
    told = ltm("check", config, "--json").json
    (session,) = told["sessions"]

    assert (["ok", "problems", "notices", "sessions"], True, []) == (list(told), told["ok"], told["problems"])
    assert ("demo", "mock", "100000", False) == (
        session["session_id"],
        session["broker"],
        session["initial_capital"],
        session["live"],
    )
    assert {"position_size", "sector_concentration", "drawdown", "daily_loss"} == {
        rule["name"] for rule in session["rules"]
    }
    assert {"tested"} == {row["proof"] for row in session["armed"]}
    assert {"position_size", "session_capital"} <= {row["limit"] for row in session["armed"]}


def test_every_problem_is_told_at_once(ltm, config):
    """
    Spec 4.1: all of them, not only the first.
    """
    change(config, "max_drawdown = 0.02", "max_drawdown = 2")
    change(config, "max_daily_trades = 60", 'max_daily_trades = "60"')
    change(config, "fraction = 0.2", "fracton = 0.2")
    answer, told = ltm("check", config), ltm("check", config, "--json")

    assert (2, "") == (answer.code, answer.out)
    assert 3 == answer.err.count("error[LTM-CFG-")
    assert (2, False, []) == (told.code, told.json["ok"], told.json["sessions"])
    assert all(PROBLEM == list(problem) for problem in told.json["problems"])
    assert {"session.max_daily_trades", "sizer.fracton", "risk.drawdown.max_drawdown"} == {
        problem["field"] for problem in told.json["problems"]
    }
    assert all(problem["line"] for problem in told.json["problems"])


@pytest.mark.parametrize("name", ["sectors.csv"])
def test_a_file_that_is_not_there_is_found_before_the_start(ltm, config, name):
    (config.parent / name).unlink()
    answer, told = ltm("check", config), ltm("check", config, "--json").json

    assert 2 == answer.code
    assert name in answer.err
    assert ["risk.sector_concentration.sectors"] == [problem["field"] for problem in told["problems"]]
    assert not told["ok"]


def test_a_missing_price_file_is_found_before_the_start(ltm, config):
    change(config, 'plugin = "mock"', 'plugin = "mock"\nprices = "none.csv"')
    answer = ltm("check", config)

    assert 2 == answer.code
    assert "none.csv" in answer.err


def test_an_unknown_broker_is_told_with_the_nearest(ltm, config):
    """
    BAD-020.
    """
    change(config, 'plugin = "mock"', 'plugin = "mok"')
    answer = ltm("check", config)

    assert 2 == answer.code
    assert 'did you mean "mock"?' in answer.err


@pytest.mark.parametrize("name", ["none.toml", "."])
def test_a_file_that_cannot_be_read_is_told(ltm, tmp_path, name):
    """
    BAD-001.
    """
    answer = ltm("check", tmp_path / name)

    assert 2 == answer.code
    assert "cannot be read" in answer.err


def test_an_old_sqlite_is_a_notice(ltm, config, monkeypatch):
    """
    Libraries: 3.7.0 to 3.51.2 can corrupt a WAL with several writers.
    """
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 40, 1))
    old = ltm("check", config, "--json").json["notices"]
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 51, 3))
    new = ltm("check", config, "--json").json["notices"]

    assert 1 == len(old) - len(new)
    assert "fixed in 3.51.3" in old[0]


@pytest.mark.parametrize(
    ("free", "text"), [(10 << 20, "no entries are sent"), (500 << 20, "entries stop below")]
)
def test_a_disk_that_fills_up_is_a_notice(ltm, config, monkeypatch, free, text):
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)

    assert (
        f"notice: only {free >> 20} MB are free where journals are kept; {text}" in ltm("check", config).out
    )
