"""
Hosts as they come: locales, encodings, interpreters' switches, and somebody who has the account already.
"""

import json
import os
import subprocess
import sys

import pytest

from ltm.cli.entry import run
from ltm.engine.state_dir import StateDirectory
from ltm.model.errors import SignalError
from ltm.model.signal import Signal

from .conftest import SAMPLE

HOSTS = {
    "-O": {"PYTHONOPTIMIZE": "1"},
    "-OO": {"PYTHONOPTIMIZE": "2"},
    "-W error": {"PYTHONWARNINGS": "error"},
    "hash seed 1": {"PYTHONHASHSEED": "1"},
    "hash seed 2": {"PYTHONHASHSEED": "4294967295"},
    "ascii": {"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0", "LC_ALL": "C"},
    "latin-1": {"PYTHONIOENCODING": "latin-1:strict"},
    "utf-16": {"PYTHONIOENCODING": "utf-16"},
    "turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "german": {"LC_ALL": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8"},
    "no locale": {"LC_ALL": "xx_XX", "PYTHONCOERCECLOCALE": "0"},
    "far zone": {"TZ": "Pacific/Kiritimati"},
    "no home": {"HOME": "/nonexistent"},
}


def ltm(*arguments, environ=None):
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("LTM_", "LC_", "PYTHONIO"))
    }
    return subprocess.run(
        [sys.executable, "-m", "ltm", *map(str, arguments)],
        env=clean | (environ or {}),
        capture_output=True,
        check=False,
        timeout=100,
    )


@pytest.fixture(scope="module")
def plain():
    """
    What the demo says on this machine as it is.
    """
    done = ltm("simulate", SAMPLE / "demo.toml", "--in-memory", "--json")

    assert 0 == done.returncode

    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("environ", HOSTS.values(), ids=HOSTS)
def test_the_demo_is_the_same_on_every_host(environ, plain):
    """
    BAD-117, BAD-118: no decision rests on an assert, a hash's order, a locale, an encoding or the machine's zone.
    """
    done = ltm("simulate", SAMPLE / "demo.toml", "--in-memory", "--json", environ=environ)
    encoding = environ.get("PYTHONIOENCODING", "utf-8").partition(":")[0]

    assert 0 == done.returncode, done.stderr
    assert plain == json.loads(done.stdout.decode(encoding))
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii:strict", "latin-1:strict"])
@pytest.mark.parametrize("command", [["orders"], ["orders", "--json"], ["alerts"], ["status"]], ids=" ".join)
def test_a_stream_that_cannot_show_a_text_still_gets_it(command, encoding, hostile):
    """
    BAD-118: what does not fit into the stream's encoding is escaped, never an error.
    """
    done = ltm("--state-dir", hostile, *command, environ={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})

    assert 0 == done.returncode, done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout


@pytest.mark.parametrize("encoding", ["ascii:strict", "latin-1:strict"])
def test_an_error_about_text_that_the_stream_cannot_show_is_told_all_the_same(encoding, tmp_path):
    """
    BAD-118, BAD-001: exit 2 and one line.
    """
    done = ltm("check", tmp_path / "配置.toml", environ={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})

    assert 2 == done.returncode
    assert done.stderr.startswith(b"error[LTM-CFG-001]: config ")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("action", ["BUİ", "buı", "SELL\u0131", "ꓢELL", "ᴮUY", "ＢＵＹ", "ﬆop"])  # noqa: RUF001 - look-alikes are the point
def test_only_ascii_letters_are_letters_of_an_action(action):
    """
    BAD-117, BAD-051: in Turkish, the small letter of I is another one.
    """
    with pytest.raises(SignalError) as caught:
        Signal(stock_code="AAA", action=action, score=1, confidence=1, timestamp="2026-01-05T15:00:00Z")

    assert "LTM-SIG-051" == caught.value.code


@pytest.mark.parametrize(("action", "found"), [("BUY", "buy"), ("Sell", "sell"), ("hOLD", "hold")])
def test_ascii_case_does_not_matter(action, found):
    """
    BAD-117, BAD-050.
    """
    signal = Signal(stock_code="AAA", action=action, score=1, confidence=1, timestamp="2026-01-05T15:00:00Z")

    assert found == str(signal.action)


# --- An account that is taken (BAD-036) ----------------------------------------------------------

HOOKS = """
import attrs
import msgspec
from ltm import hookimpl
from ltm.brokers.mock.broker import MockBroker
from ltm.brokers.mock.config import MockConfig
from ltm.brokers.mock.door import LocalDoor
from ltm.brokers.mock.exchange import Exchange

class Lasting(MockBroker):
    def __init__(self, config):
        super().__init__(LocalDoor(Exchange(MockConfig(symbols=("ACME",), steps=1))))

    @property
    def capabilities(self):
        return msgspec.structs.replace(super().capabilities, ephemeral=False)

@attrs.frozen
class Nothing:
    "Takes nothing."

@hookimpl
def ltm_register_brokers(register):
    register("lasting", config=Nothing, factory=Lasting)
"""
CONFIG = """
[session]
id = "second"
model_id = "m"
initial_capital = 1_000
max_position_size = 0.3
[broker]
plugin = "lasting"
[risk]
required = ["position_size"]
[plugins]
local = true
"""


def test_a_second_session_on_one_account_does_not_start(tmp_path, capsys):
    """
    BAD-036, F33: exit 5, naming the account by its last characters; nothing was sent, nothing is written.
    """
    (tmp_path / "ltmfile.py").write_text(HOOKS, encoding="utf-8")
    (tmp_path / "ltm.toml").write_text(CONFIG, encoding="utf-8")
    folder = tmp_path / "state"
    state = StateDirectory.open(folder)
    with state.lock_account("lasting", "mock"):
        code = run(["run", str(tmp_path / "ltm.toml"), "--state-dir", str(folder), "--quiet"])
        err = capsys.readouterr().err

    assert 5 == code
    assert "error[LTM-RUN-005]: account ...mock at lasting" in err
    assert f"pid {os.getpid()}" in err or str(os.getpid()) in err
    assert "Traceback" not in err
    assert 0 == run(["run", str(tmp_path / "ltm.toml"), "--state-dir", str(folder), "--quiet"])
