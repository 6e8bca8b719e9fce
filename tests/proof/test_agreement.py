"""
Rows of the reconciliation table (REL-4) between two real processes: the session's, and a venue to which things happen.

`tests/engine/test_reconciliation.py` tries every row in one process; here are those that a socket could spoil.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from proof_kit.processes import Scene, finish, ltm_json
from proof_kit.rows import rows_in
from proof_kit.verdict import read_log

pytestmark = pytest.mark.slow

SESSION = """
[session]
id = "agreement"
model_id = "m1"
initial_capital = 100_000
max_position_size = 0.3
on_stop = "keep"
{session}
[broker]
plugin = "mock"
{broker}
[sizer]
plugin = "fixed_quantity"
quantity = 10
[risk]
required = ["position_size"]
[[signals]]
plugin = "file"
path = "signals.jsonl"
"""
MARKET = 'symbols = ["ACME", "BOLT"]\nsteps = 240'


def signal(symbol: str, minute: int) -> str:
    at = f"2026-01-05T14:{minute:02}:00Z"
    return json.dumps({"stock_code": symbol, "action": "buy", "score": 1, "confidence": 1, "timestamp": at})


def run(folder: Path, faults: str, session: str = "") -> tuple[list[dict[str, Any]], list[Any], Any]:
    """
    Run a session to the end of its market; return its records, the venue's log, and its alerts.
    """
    signals = [signal("ACME", 40), signal("BOLT", 45)]
    (folder / "signals.jsonl").write_text("\n".join(signals) + "\n", encoding="utf-8")
    (folder / "faults.toml").write_text(faults, encoding="utf-8")
    config, market = folder / "ltm.toml", folder / "venue.toml"
    door = f'socket = "{folder / "v.sock"}"\nrequest_timeout = 0.2'
    config.write_text(SESSION.format(session=session, broker=door), encoding="utf-8")
    market.write_text(SESSION.format(session=session, broker=MARKET), encoding="utf-8")
    scene = Scene(folder=folder, config=config, market=market, faults=folder / "faults.toml")
    with scene.venue():
        assert finish(scene.start()) in {0, 6}, scene.said()
    rows = rows_in(scene.journal, "agreement")
    alerts = ltm_json("--state-dir", scene.state, "alerts")
    return rows, list(read_log(scene.truth)), [alert["code"] for alert in alerts]


def kinds(rows: list[dict[str, Any]]) -> list[str]:
    return [row["kind"] for row in rows]


def events(log: list[Any]) -> list[str]:
    return [entry["event"] for entry in log]


FOREIGN = '[[faults]]\nverb = "foreign_order"\nsymbol = "ACME"\nside = "buy"\nquantity = 3\nprice = 1\nafter = 1800\n'


@pytest.mark.parametrize("policy", ["observe", "cancel"])
def test_a_foreign_order_over_a_socket(tmp_path: Path, policy: str) -> None:
    """
    Row 2.
    """
    rows, log, alerts = run(tmp_path, FOREIGN, f'foreign_orders = "{policy}"')

    assert "foreign_order" in alerts
    assert 1 == kinds(rows).count("foreign_order_seen")
    assert (policy == "cancel") is ("foreign_canceled" in events(log))


def test_a_drift_over_a_socket_is_told_and_nothing_is_traded(tmp_path: Path) -> None:
    """
    Row 4.
    """
    drift = '[[faults]]\nverb = "drift"\nsymbol = "ACME"\nquantity = 10\nafter = 1800\n'
    rows, log, alerts = run(tmp_path, drift)
    (found,) = [row["payload"] for row in rows if row["kind"] == "drift_found"]

    assert ("10", "20") == (found["ours"], found["theirs"])
    assert "drift" in alerts
    assert 2 == sum(entry["event"] == "request" and entry["method"] == "submit" for entry in log)


def test_a_deposit_over_a_socket_stops_entries(tmp_path: Path) -> None:
    """
    Row 11, RSK-04.
    """
    rows, _, alerts = run(tmp_path, '[[faults]]\nverb = "deposit"\namount = 5000\nafter = 1800\n')
    (paused,) = [row["payload"] for row in rows if row["kind"] == "trading_paused"]

    assert ("unexplained_cash", "5000") == (paused["code"], str(paused["measured"]).split(".")[0])
    assert "unexplained_cash" in alerts


def test_a_fill_that_is_taken_back_over_a_socket(tmp_path: Path) -> None:
    """
    Row 10.
    """
    rows, log, alerts = run(tmp_path, '[[faults]]\nverb = "bust"\nfill = 1\nafter = 1800\n')
    (replaced,) = [row["payload"] for row in rows if row["kind"] == "fill_replaced"]

    assert ("0", "correction") == (replaced["quantity"], replaced["reason"])
    assert "fill_corrected" in alerts
    assert "fill_corrected" in events(log)


def test_a_late_arrival_over_a_socket(tmp_path: Path) -> None:
    """
    F18: executed half an hour of the market's time after its proof of absence.
    """
    late = '[[faults]]\nverb = "late"\nmethod = "submit"\nnth = [1]\nseconds = 1800\n'
    rows, log, alerts = run(tmp_path, late)

    assert {"order_absent", "order_late"} <= set(kinds(rows))
    assert "late_arrival" in alerts
    assert 2 == events(log).count("fill")
    assert 2 == kinds(rows).count("order_filled")
