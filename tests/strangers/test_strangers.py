"""
Three distributions as strangers would write them: found, configured, run, uninstalled again.
"""

import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from wheel_kit import Environment, run, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HERE = Path(__file__).parent
STRANGERS = {
    "ltm-broker-corner": "corner",
    "ltm-risk-order-value": "order_value",
    "ltm-alert-syslog": "syslog",
}
KEY = "a-key-of-the-corner"
CONFIG = """
[session]
id = "corner"
model_id = "strangers"
initial_capital = 100_000
max_position_size = 0.5
on_stop = "cancel"

[broker]
plugin = "corner"
url = "{url}"
key = {{ env = "CORNER_KEY" }}
poll_seconds = 0.05

[risk]
required = ["position_size", "order_value"]

[risk.order_value]
max_value = 5_000

[[signals]]
plugin = "file"
path = "signals.jsonl"

[[alerts]]
plugin = "syslog"
port = {port}

[plugins]
allow = ["ltm-broker-corner", "ltm-risk-order-value==2.1.0", "ltm-alert-*"]
"""


@contextmanager
def exchange(environment: Environment) -> Iterator[str]:
    """
    The stranger's exchange as a process of its own.
    """
    command = [environment.python, "-m", "ltm_broker_corner.server", "--key", KEY]
    command += ["--list", "ACME=100", "--list", "BOLT=50"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=environment.folder)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def ask(url: str, method: str, path: str, body: Any = None) -> Any:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {KEY}"})
        return json.load(connection.getresponse())
    finally:
        connection.close()


@contextmanager
def syslog() -> Iterator[tuple[int, list[str]]]:
    """
    A syslog server, and what it was told.
    """
    heard: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = b""
            while (char := self.rfile.read(1)) not in {b"", b" "}:
                length += char
            heard.append(self.rfile.read(int(length)).decode())

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], heard
        finally:
            server.shutdown()
            thread.join()


def signal(symbol: str, **more: object) -> str:
    now = datetime.now(UTC).isoformat()
    return json.dumps(
        {"stock_code": symbol, "action": "buy", "score": 0.9, "confidence": 0.8, "timestamp": now, **more}
    )


def rows(environment: Environment, folder: Path, *words: str) -> Any:
    return json.loads(run(environment.ltm, *words, "--json", "--state-dir", "state", cwd=folder))


def orders(environment: Environment, folder: Path) -> list[dict[str, Any]]:
    """
    What the journal has of the session's own orders, once there is one.
    """
    if not (folder / "state" / "journal.sqlite3").exists():
        return []
    return [row for row in rows(environment, folder, "orders") if row["signal_key"]]


@contextmanager
def running(environment: Environment, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """
    The session as a process of its own; whatever a test does, it is not left behind.
    """
    command = [environment.ltm, "run", "ltm.toml", "--state-dir", "state"]
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LTM_", "COV"))
    }
    with (folder / "said.txt").open("w") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=kept | {"CORNER_KEY": KEY},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not come to that within {seconds} s"
        time.sleep(0.05)


def listed(environment: Environment, folder: Path) -> dict[str, dict[str, Any]]:
    found = json.loads(run(environment.ltm, "--config", "ltm.toml", "plugins", "--json", cwd=folder))
    return {row["distribution"]: row for row in found}


def test_strangers_are_found_without_being_imported(inhabited: Environment, tmp_path: Path) -> None:
    """
    SEC-10: installed is not allowed; hooks and health are shown all the same.
    """
    found = {
        row["distribution"]: row
        for row in json.loads(run(inhabited.ltm, "plugins", "--json", cwd=tmp_path))
        if row["distribution"] in STRANGERS
    }

    assert set(STRANGERS) == set(found)
    for distribution, row in found.items():
        assert ("not allowed", "ok", "", STRANGERS[distribution]) == (
            row["status"],
            row["health"],
            row["kind"],
            row["name"],
        )
        assert f'add "{distribution}" to plugins.allow' == row["reason"]
        assert Path(row["file"]).is_relative_to(inhabited.folder)
    assert ["ltm_register_brokers"] == found["ltm-broker-corner"]["hooks"]
    assert ["ltm_register_risk_rules"] == found["ltm-risk-order-value"]["hooks"]
    assert ["ltm_register_alert_sinks"] == found["ltm-alert-syslog"]["hooks"]


def test_strangers_show_their_settings(inhabited: Environment, tmp_path: Path) -> None:
    (tmp_path / "ltm.toml").write_text(CONFIG.format(url="http://127.0.0.1:1", port=601))

    found = listed(inhabited, tmp_path)
    shown = run(inhabited.ltm, "--config", "ltm.toml", "plugins", "show", "ltm-broker-corner", cwd=tmp_path)

    assert {"loaded"} == {found[name]["status"] for name in STRANGERS}
    assert "corner: broker, ltm-broker-corner 1.0.0" in shown
    for line in ("url string (required)", "key secret (required)", "poll_seconds number 0.2"):
        assert line in " ".join(shown.split())


def test_strangers_trade(inhabited: Environment, tmp_path: Path) -> None:
    """
    A stranger's broker, rule and sink carry a session of `ltm run` from its start to its end, though its prices
    never fall silent.
    """
    with exchange(inhabited) as url, syslog() as (port, heard):
        (tmp_path / "ltm.toml").write_text(CONFIG.format(url=url, port=port))
        (tmp_path / "signals.jsonl").write_text(
            "\n".join([signal("ACME"), signal("BOLT", quantity=200)]) + "\n"
        )
        foreign = {
            "client_id": None, "symbol": "BOLT", "side": "buy", "type": "limit", "life": "gtc", "quantity": "1", "price": "40",
        }  # fmt: skip
        ask(url, "POST", "/v1/orders", foreign)
        with running(inhabited, tmp_path) as session:
            until(lambda: session.poll() is not None)
        positions = ask(url, "GET", "/v1/positions")
        at_venue = ask(url, "GET", "/v1/orders")

    said = (tmp_path / "said.txt").read_text()
    assert session.returncode == 0, said
    filled, denied = orders(inhabited, tmp_path)
    # 5,000 at the worst price that a buy of ACME can get, by the rule's own headroom.
    assert ("ACME", "filled", filled["quantity"]) == (
        filled["symbol"],
        filled["status"],
        filled["filled_quantity"],
    )
    assert 0 < float(filled["quantity"]) * 100 <= 5000
    assert ("BOLT", "denied", "order_value") == (denied["symbol"], denied["status"], denied["reason"]["code"])
    assert [{"symbol": "ACME", "quantity": filled["quantity"]}] == positions
    assert [("BOLT", "open"), ("ACME", "filled")] == [
        (order["symbol"], order["status"]) for order in at_venue
    ]
    (fill,) = rows(inhabited, tmp_path, "fills")
    assert (filled["client_order_id"], "100.01", "USD") == (
        fill["client_order_id"],
        fill["price"],
        fill["commission_currency"],
    )
    assert float(fill["commission"]) > 0
    assert any('[ltm@32473 session="corner" ' in line for line in heard), heard
    assert KEY not in said + "".join(heard)


def test_uninstalled_strangers_are_missed(tmp_path: Path, ours: list[Path], theirs: dict[str, Path]) -> None:
    """
    RSK-40: what a configuration needs and nobody has installed stops the start with exit 4, and says what to install.
    """
    environment = Environment.make(tmp_path / "environment", also=("apprise",))
    environment.install(*ours, *theirs.values())
    (tmp_path / "ltm.toml").write_text(CONFIG.format(url="http://127.0.0.1:1", port=601))
    (tmp_path / "signals.jsonl").write_text("")
    key = {"CORNER_KEY": KEY}
    assert "nothing is wrong" in run(environment.ltm, "check", "ltm.toml", cwd=tmp_path, env=key)

    environment.pip("uninstall", "--yes", "--quiet", "ltm-risk-order-value")
    done = started(environment.ltm, "run", "ltm.toml", "--state-dir", "state", cwd=tmp_path, env=key)

    assert 4 == done.returncode, done.stderr
    assert (
        'error[LTM-PLG-004]: no risk_rule plugin "order_value"'.replace("risk_rule", "risk rule")
        in done.stderr
    )
    assert "; plugins.allow names ltm-risk-order-value, which is not installed" in done.stderr
    assert "fix:   pip install ltm-risk-order-value" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state" / "journal.sqlite3").exists()

    environment.pip("uninstall", "--yes", "--quiet", "ltm-broker-corner", "ltm-alert-syslog")

    assert set() == set(STRANGERS) & set(listed(environment, tmp_path))


@pytest.mark.parametrize("distribution", STRANGERS)
def test_strangers_pass_their_own_tests(inhabited: Environment, tmp_path: Path, distribution: str) -> None:
    """
    The tests that come with each, where it is installed.
    """
    shutil.copytree(HERE / distribution / "tests", tmp_path / "tests")

    done = started(inhabited.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("distribution", STRANGERS)
def test_strangers_are_clean_and_typed(inhabited: Environment, tmp_path: Path, distribution: str) -> None:
    project = tmp_path / distribution
    shutil.copytree(HERE / distribution, project)
    own = Path(sys.executable)
    types = [
        own,
        "-m",
        "mypy",
        "--strict",
        "--python-executable",
        inhabited.python,
        "--cache-dir",
        tmp_path / "cache",
    ]

    run(own, "-m", "ruff", "check", "--no-cache", project, cwd=project)
    run(own, "-m", "ruff", "format", "--check", "--no-cache", project, cwd=project)
    run(*types, "src", cwd=project)
