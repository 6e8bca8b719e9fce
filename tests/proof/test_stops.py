"""
Ends of a session that somebody wants, and starts that must not be: signals, a second process, a batch cut in two.
"""

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import attrs
import pytest
from proof_kit import markets
from proof_kit.processes import LTM, Log, Scene, finish, kill, ltm, ltm_json, until
from proof_kit.rows import Row, rows_in
from proof_kit.verdict import judge, read_log

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MARKET = attrs.evolve(markets.US, name="stop", skip=400, rows=800, rules={**markets.US.rules})
SESSION = {
    "max_daily_trades": 5_000,
    "max_position_size": 0.9,
    "trading_hours": {"start": "00:00", "end": "23:59"},
}
FAR = "2013-10-04T14:05:00+00:00"


def wish(number: int, **more: Any) -> dict[str, Any]:
    return {
        "stock_code": "BAC",
        "action": "buy",
        "score": 1,
        "confidence": 0.9,
        "timestamp": FAR,
        "intent": number,
        **more,
    }


RESTING = [
    wish(number, quantity=10, order_type="limit", limit_price=1 + number / 100, time_in_force="gtc")
    for number in range(3)
]


def scene_of(
    data: Path, folder: Path, signals: list[dict[str, Any]], *, speed: object = "max", **session: Any
) -> Scene:
    source = markets.from_file(markets.write_signals(folder / "signals.jsonl", signals))
    there = markets.write_config(folder, data, MARKET, source).rename(folder / "venue.toml")
    broker = {"socket": str(folder / "v.sock"), "speed": speed, "request_timeout": 5}
    config = markets.write_config(folder, data, MARKET, source, broker=broker, session={**SESSION, **session})
    return Scene(folder=folder, config=config, market=there)


def journal(scene: Scene) -> list[Row]:
    return rows_in(scene.journal, "stop")


def kinds(rows: list[Row]) -> list[str]:
    return [row["kind"] for row in rows]


def ended_as(rows: list[Row]) -> str:
    return [row["payload"]["to"] for row in rows if row["kind"] == "lifecycle_changed"][-1]


def wait_for_submits(scene: Scene, process: subprocess.Popen[bytes], count: int) -> None:
    log = Log(scene.truth)
    assert until(lambda: log.look() or log.submits >= count, process), scene.said()
    # The reply and the records that follow it.
    time.sleep(0.2)


# --- Signals of the operating system ------------------------------------------------------------


@pytest.mark.parametrize(("on_stop", "canceled"), [("cancel", 3), ("keep", 0)])
def test_sigterm_ends_a_session_in_order(on_stop: str, canceled: int, data: Path, tmp_path: Path) -> None:
    """
    F30: own entries are canceled as `on_stop` says, STOPPED is journaled, exit 0 within 10 s.
    """
    scene = scene_of(data, tmp_path, RESTING, speed=120, on_stop=on_stop)
    with scene.venue():
        process = scene.start()
        wait_for_submits(scene, process, 3)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)

        assert 0 == finish(process), scene.said()
        assert time.monotonic() - began < 10
    rows = journal(scene)
    log = read_log(scene.truth)

    assert "stopped" == ended_as(rows)
    assert canceled == kinds(rows).count("order_canceled")
    assert canceled == sum(entry["event"] == "canceled" for entry in log)
    assert [] == judge(log, rows, ended=on_stop == "cancel").problems


def test_the_first_sigint_is_as_sigterm(data: Path, tmp_path: Path) -> None:
    """
    F31: somebody pressed Ctrl-C once.
    """
    scene = scene_of(data, tmp_path, RESTING, speed=120)
    with scene.venue():
        process = scene.start()
        wait_for_submits(scene, process, 3)
        process.send_signal(signal.SIGINT)

        assert 0 == finish(process), scene.said()
    assert "stopped" == ended_as(journal(scene))


def test_the_second_sigint_ends_it_at_once_and_the_journal_is_intact(data: Path, tmp_path: Path) -> None:
    """
    F31: exit 130, orders left as they are and named; a later start takes them up again.
    """
    scene = scene_of(data, tmp_path, RESTING, speed=120)
    # A venue that lets cancellations wait: the first Ctrl-C is not done when the second comes.
    scene.faults = tmp_path / "faults.toml"
    scene.faults.write_text(
        '[[faults]]\nverb = "drop_reply"\nmethod = "cancel"\nprobability = 1\n', encoding="utf-8"
    )
    with scene.venue():
        process = scene.start()
        wait_for_submits(scene, process, 3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)

        assert 130 == finish(process, 10), scene.said()
        assert 0 == ltm("--state-dir", scene.state, "journal", "verify").returncode
        assert "stopped" != ended_as(journal(scene))
        assert all(
            row["payload"]["client_order_id"] in scene.said()
            for row in journal(scene)
            if row["kind"] == "order_intended"
        )


def test_a_process_that_was_stopped_and_continued_compares_before_it_trades(
    data: Path, tmp_path: Path
) -> None:
    """
    F10, F32: SIGSTOP and SIGCONT are as a lost link, however long; the session goes on.
    """
    scene = scene_of(data, tmp_path, RESTING, speed=120)
    with scene.venue():
        process = scene.start()
        wait_for_submits(scene, process, 3)
        process.send_signal(signal.SIGSTOP)
        time.sleep(12)
        process.send_signal(signal.SIGCONT)

        assert until(lambda: kinds(journal(scene)).count("reconciled") == 2, process), scene.said()
        process.send_signal(signal.SIGTERM)
        assert 0 == finish(process), scene.said()
    links = [row["payload"] for row in journal(scene) if row["kind"] == "link_changed"]

    assert [True, False, True] == [link["up"] for link in links]
    assert re.fullmatch(r"this process stood still for 1\d s", links[1]["reason"])


# --- Starts that must not be --------------------------------------------------------------------


def test_a_second_process_on_the_state_directory_is_refused(data: Path, tmp_path: Path) -> None:
    """
    F33: exit 5, naming who holds it; the first goes on undisturbed.
    """
    scene = scene_of(data, tmp_path, RESTING, speed=120)
    with scene.venue():
        first = scene.start()
        wait_for_submits(scene, first, 3)
        command = [*LTM, "--state-dir", str(scene.state), "run", "--quiet", str(scene.config)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

        assert 5 == second.returncode, second.stderr
        assert str(first.pid) in second.stderr
        assert first.poll() is None
        first.send_signal(signal.SIGTERM)
        assert 0 == finish(first), scene.said()
    assert [] == judge(read_log(scene.truth), journal(scene)).problems


def test_of_many_that_start_at_once_one_runs(data: Path, tmp_path: Path) -> None:
    """
    F33: the lock decides, however close they are.
    """
    scene = scene_of(data, tmp_path, RESTING, speed=120)
    with scene.venue():
        rivals = [scene.start() for _ in range(4)]
        deadline = time.monotonic() + 60
        while sum(rival.poll() is None for rival in rivals) > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        running = [rival for rival in rivals if rival.poll() is None]

        assert 1 == len(running)
        assert [5] * 3 == [rival.returncode for rival in rivals if rival is not running[0]]
        wait_for_submits(scene, running[0], 3)
        running[0].send_signal(signal.SIGTERM)
        assert 0 == finish(running[0]), scene.said()
    assert 1 == kinds(journal(scene)).count("boot_recorded")
    assert [] == judge(read_log(scene.truth), journal(scene)).problems


# --- Signals that come again --------------------------------------------------------------------


def test_signals_read_again_after_a_restart_are_no_new_orders(data: Path, tmp_path: Path) -> None:
    """
    F46: the file is read from its beginning at every start; each of its lines trades once.
    """
    signals = markets.make_signals(MARKET.prices_in(data, tmp_path), MARKET, 200, seed=3)
    scene = scene_of(data, tmp_path, signals)
    with scene.venue():
        assert 0 == finish(scene.start()), scene.said()
        before = journal(scene)
        # The market is over; the session comes up, reads all of it again, and stops.
        assert 0 == finish(scene.start()), scene.said()
        after = journal(scene)

    assert kinds(before).count("order_intended") > 20
    assert 2 == kinds(after).count("boot_recorded")
    for kind in ("order_intended", "order_denied", "order_filled"):
        assert kinds(before).count(kind) == kinds(after).count(kind), kind
    assert [] == judge(read_log(scene.truth), after).problems


def test_a_batch_cut_in_two_by_a_crash_is_answered_item_by_item(data: Path, tmp_path: Path) -> None:
    """
    F45: 1,000 signals at one moment, killed after some were sent: each has one answer, found by its key.
    """
    signals = [wish(number, quantity=1 + number % 3) for number in range(1_000)]
    scene = scene_of(data, tmp_path, signals)
    log = Log(scene.truth)
    with scene.venue():
        process = scene.start()
        assert until(lambda: log.look() or log.submits >= 300, process), scene.said()
        kill(process)
        log.look()
        cut = log.submits
        assert 0 == finish(scene.start(), 60), scene.said()
        orders = ltm_json("--state-dir", scene.state, "orders")
    rows = journal(scene)
    verdict = judge(read_log(scene.truth), rows)

    assert 300 <= cut < 1_000
    assert [] == verdict.problems
    answered = {
        row["payload"]["signal_key"] for row in rows if row["kind"] in {"order_intended", "order_denied"}
    }
    assert 1_000 == len(answered) == len({row["signal_key"] for row in orders})
    assert cut == verdict.arrived
    statuses = {row["status"] for row in orders}
    assert statuses <= {"filled", "absent", "denied", "canceled", "expired"}, json.dumps(sorted(statuses))
