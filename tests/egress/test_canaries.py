"""
The canary test: whole runs with plugins that tell their secrets, and a search of everything that was written.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

PLUGINS = Path(__file__).parent / "leaky.py"
CANARIES = {
    "LEAKY_KEY": "canary-7f3a91c2",
    "TALKER_TOKEN": 'Kan/ari+e "ü\\%s=& 9d',
}
CONFIG = """
[session]
id = "leaks"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.3
on_stop = "cancel"
live = {live}
max_signal_age = 86_400

[broker]
plugin = "leaky"
api_key = {{ env = "LEAKY_KEY" }}
{broker}

[sizer]
plugin = "fixed_quantity"
quantity = 1

[risk.sector_concentration]
max_sector_fraction = 0.9
sectors = {{ ACME = "Technology" }}

[risk.drawdown]
max_drawdown = 0.5

[risk.daily_loss]
max_daily_loss = 0.5
{more}

[[alerts]]
plugin = "talker"
token = {{ env = "TALKER_TOKEN" }}

[[alerts]]
plugin = "console"

[[alerts]]
plugin = "file"
path = "alerts.jsonl"

[[signals]]
plugin = "file"
path = "signals.jsonl"

[plugins]
local = true
"""
RULE = '[risk.talker]\ntoken = { env = "TALKER_TOKEN" }'
SOURCE = '[[signals]]\nplugin = "talker"\ntoken = { env = "TALKER_TOKEN" }'


def traces(secret):
    """
    What is left of a secret in any form, worked out here and not by the code that hides it.
    """
    data = secret.encode()
    escaped = {secret, repr(secret)[1:-1], ascii(secret)[1:-1], json.dumps(secret)[1:-1]}
    inside = [base64.b64encode(b"x" * before + data).decode()[4:-4] for before in (1, 2, 3)]
    found = {*escaped, quote(secret), quote(secret, safe=""), quote_plus(secret), data.hex(), *inside}
    # The beginning of a secret is a secret as well: texts are cut.
    return {text.encode() for text in found} | {secret.encode()[:9]}


def everything_in(folder):
    """
    Every file, but for those that are there to hold secrets.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in {".env", ".py", ".pyc"}:
            yield path.name, path.read_bytes()


def leaks(streams):
    return [
        (name, trace, data[max(0, at - 60) : at + 60])
        for name, data in streams
        for secret in CANARIES.values()
        for trace in traces(secret)
        if (at := data.find(trace)) >= 0
    ]


@pytest.fixture
def desk(tmp_path):
    """
    A folder with the leaking plugins, their secrets in a file of variables, and signals.
    """
    shutil.copy(PLUGINS, tmp_path / "ltmfile.py")
    (tmp_path / "secrets.env").write_text(
        "# keys\n" + "".join(f"{name}='{value}'\n" for name, value in CANARIES.items()), encoding="utf-8"
    )
    (tmp_path / "secrets.env").chmod(0o600)
    signals = [
        {
            "stock_code": symbol,
            "action": "buy",
            "score": 1,
            "confidence": 1,
            "timestamp": f"2026-01-05T14:30:{second:02}Z",
        }
        for second, symbol in [(2, "ACME"), (4, "ACME"), (6, "ACME"), (8, CANARIES["LEAKY_KEY"])]
    ]
    lines = [json.dumps(signal) for signal in signals]
    lines.append(json.dumps(signals[0] | {"api_key": CANARIES["TALKER_TOKEN"]}))
    (tmp_path / "signals.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def ltm(folder, *arguments, environ=None):
    """
    Run the command line as a process of its own, and return its exit code and streams.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LTM_")}
    command = [sys.executable, "-m", "ltm", "--state-dir", str(folder / "state"), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=clean | (environ or {}), capture_output=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("more", [SOURCE, RULE], ids=["orders", "rule"])
def test_no_secret_is_in_anything_that_a_run_writes(desk, more):
    """
    SEC-05, SEC-04: logs, journal, snapshots, alerts, tables, tracebacks of threads; raw, quoted, hex and base64.
    """
    (desk / "ltm.toml").write_text(CONFIG.format(live="true", broker="", more=more), encoding="utf-8")
    code, out, err = ltm(desk, "run", "--live", "ltm.toml", "--env-file", "secrets.env")

    assert code in {0, 6}, err.decode()
    looks = [
        ltm(desk, *command)
        for command in (
            ["status", "--json"],
            ["orders", "--json"],
            ["orders"],
            ["alerts"],
            ["journal", "export", "--session", "leaks"],
        )
    ]
    streams = [("stdout", out), ("stderr", err), *everything_in(desk / "state")]
    streams += [("alerts.jsonl", (desk / "alerts.jsonl").read_bytes())]
    streams += [(f"look {number}", look[1] + look[2]) for number, look in enumerate(looks)]

    assert [] == leaks(streams)
    # It had something to hide, and hid it in all of these places.
    assert b"***" in err
    assert b"Traceback" in err
    assert b"talker" in err
    assert any(b"***" in data for name, data in streams if name.startswith("journal"))
    assert b"***" in looks[-1][1]


@pytest.mark.parametrize("debug", [[], ["--debug"]], ids=["plain", "debug"])
def test_no_secret_is_in_what_a_failed_start_says(desk, debug):
    """
    SEC-05: not even in the traceback that was asked for; exit 4.
    """
    text = CONFIG.format(live="true", broker="fail_start = true", more="")
    (desk / "ltm.toml").write_text(text, encoding="utf-8")
    code, out, err = ltm(desk, *debug, "run", "--live", "ltm.toml", environ=CANARIES)

    assert 4 == code
    assert [] == leaks([("stdout", out), ("stderr", err), *everything_in(desk / "state")])
    assert b"error[LTM-BRK-011]" in err
    assert bool(debug) is (b"raise BrokerConnectionError" in err)


def test_the_search_finds_a_canary_in_every_form():
    """
    SEC-05: a search that finds nothing proves nothing unless it can find something.
    """
    for secret in CANARIES.values():
        data = secret.encode()
        for text in (
            secret,
            f"key {secret!r}",
            json.dumps({"x": secret}),
            quote(secret, safe=""),
            data.hex(),
            base64.b64encode(data).decode(),
            base64.b64encode(b"user:" + data).decode(),
        ):
            assert leaks([("text", text.encode())])
