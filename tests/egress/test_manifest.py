"""
The manifest of plugins: what real money runs on, and what happens when that code changes (SEC-10, SEC-13, SEC-38).
"""

import os
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from ltm.app.manifest import accept_changes, limits_of, plugin_changes, rule_changes
from ltm.cli.entry import run
from ltm.core.armed import Armed
from ltm.core.codec import decode
from ltm.core.events import BootRecorded
from ltm.engine.reader import JournalReader
from ltm.model.errors import PluginError
from ltm.registry import Registry
from ltm.registry.fingerprint import fingerprint
from ltm.registry.installed import Plugin, is_allowed

PLUGINS = Path(__file__).parent / "leaky.py"
CONFIG = """
[session]
id = "watched"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.3
live = {live}

[broker]
plugin = "leaky"
api_key = {{ env = "LEAKY_KEY" }}
steps = 1

[risk]
required = ["position_size"]

[plugins]
local = true
"""


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    """
    Runs a session with a broker of a local file, whose code a test may change.
    """
    shutil.copy(PLUGINS, tmp_path / "ltmfile.py")
    monkeypatch.setenv("LEAKY_KEY", "canary-7f3a91c2")
    monkeypatch.chdir(tmp_path)

    class Desk:
        code = tmp_path / "ltmfile.py"

        def run(self, *more, live=True):
            text = CONFIG.format(live="true" if live else "false")
            (tmp_path / "ltm.toml").write_text(text, encoding="utf-8")
            flags = ["--live"] if live else []
            arguments = ["run", "ltm.toml", *flags, "--quiet", "--state-dir", "state", *more]
            capsys.readouterr()
            return run([str(part) for part in arguments]), capsys.readouterr().err

        def boots(self):
            reader = JournalReader(tmp_path / "state" / "journal.sqlite3")
            try:
                events = [decode(row.kind, row.version, row.payload) for row in reader.read("watched")]
            finally:
                reader.close()
            return [event for event in events if isinstance(event, BootRecorded)]

    return Desk()


@pytest.fixture(autouse=True)
def _threads(monkeypatch):
    """
    The broker's thread dies on purpose; here nobody needs to see it.
    """
    monkeypatch.setattr("threading.excepthook", lambda _: None)


def test_a_live_start_prints_its_plugins_and_writes_them_down(desk):
    """
    SEC-13: with the hash of their code; SEC-38: and who started it.
    """
    code, err = desk.run()
    (boot,) = desk.boots()
    digest = fingerprint("local file", str(desk.code))

    assert 0 == code
    assert f"watched runs on broker leaky: local file - {digest}" in err
    assert f"broker leaky: local file - {digest}" in boot.manifest
    assert any(line.startswith("risk_rule position_size: ltm-risk-position-size") for line in boot.manifest)
    assert all("sha256:" in line for line in boot.manifest if not line.startswith("limit "))
    assert f"(uid {os.getuid()})" in boot.by


def test_the_same_code_starts_again_without_a_question(desk):
    """
    SEC-13.
    """
    assert 0 == desk.run()[0]
    assert 0 == desk.run()[0]
    assert [(), ()] == [boot.accepted for boot in desk.boots()]


def test_changed_code_does_not_trade_until_somebody_says_so(desk):
    """
    SEC-13: exit 4 and nothing written; with --accept-plugin-change it runs, and that is in the journal.
    """
    desk.run()
    desk.code.write_text(desk.code.read_text() + "\n# one line more\n", encoding="utf-8")
    code, err = desk.run()

    assert 4 == code
    assert "error[LTM-PLG-013]: the code of plugins of session watched changed since its last run:" in err
    assert "broker leaky: local file - " in err
    assert "--accept-plugin-change" in err
    assert "Traceback" not in err
    assert 1 == len(desk.boots())
    assert 0 == desk.run("--accept-plugin-change")[0]

    accepted = desk.boots()[-1].accepted
    assert 1 == len(accepted)
    assert accepted[0].startswith("broker leaky: local file - ")
    assert 0 == desk.run()[0]


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 4)], ids=["yes", "no"])
def test_at_a_terminal_a_person_is_asked(answer, code, desk, monkeypatch):
    """
    SEC-13.
    """
    desk.run()
    desk.code.write_text(desk.code.read_text() + "\n# one line more\n", encoding="utf-8")

    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    asked = []
    monkeypatch.setattr("click.confirm", lambda text, **_: asked.append(text) or answer == "y\n")

    assert code == desk.run()[0]
    assert "the code of plugins of watched changed" in asked[0]


def test_without_real_money_nothing_is_hashed_or_asked(desk):
    """
    SEC-13 is about live starts.
    """
    desk.run(live=False)
    desk.code.write_text(desk.code.read_text() + "\n# one line more\n", encoding="utf-8")
    code, err = desk.run(live=False)

    assert 0 == code
    assert "runs on" not in err
    assert not any("sha256" in line for boot in desk.boots() for line in boot.manifest)


def test_only_plugins_of_both_runs_are_compared():
    """
    SEC-13: another broker is another configuration, not another version of the old one.
    """
    before = ("broker a: d 1 sha256:00", "risk_rule r: e 1 sha256:11", "sizer s: f 1")
    now = ("broker b: d 1 sha256:22", "risk_rule r: e 2 sha256:33", "sizer s: f 2")

    assert ("risk_rule r: e 1 11 -> e 2 33",) == plugin_changes(before, now)
    assert () == plugin_changes(before, before)
    accept_changes("s", (), None)
    with pytest.raises(PluginError):
        accept_changes("s", ("x",), lambda _: False)


# --- Pins (SEC-10) ---------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path, monkeypatch):
    """
    A distribution, installed by hand: code, metadata, and the list of its files.
    """
    (tmp_path / "ltm_broker_foo").mkdir()
    (tmp_path / "ltm_broker_foo" / "__init__.py").write_text("raise SystemExit('imported')\n")
    info = tmp_path / "ltm_broker_foo-1.2.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ltm-broker-foo\nVersion: 1.2.3\n")
    (info / "entry_points.txt").write_text("[ltm]\nfoo = ltm_broker_foo\n")
    (info / "RECORD").write_text(
        "ltm_broker_foo/__init__.py,,\nltm_broker_foo-1.2.3.dist-info/METADATA,,\n../../bin/foo,,\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def found():
    return Plugin(name="foo", module="ltm_broker_foo", distribution="ltm-broker-foo", version="1.2.3")


def test_a_pin_holds_a_plugin_to_its_code(package):
    """
    SEC-10: name, version and hash; one byte of difference keeps it out, and says why.
    """
    digest = fingerprint("ltm-broker-foo", "ltm_broker_foo")
    pin = f"ltm-broker-foo==1.2.3 {digest}"

    assert is_allowed(found(), [pin])
    assert not is_allowed(found(), [pin.replace("1.2.3", "1.2.4")])
    (package / "ltm_broker_foo" / "__init__.py").write_text("raise SystemExit('changed')\n")
    changed = found()

    assert not is_allowed(changed, [pin])
    assert 'its code is not what "ltm-broker-foo==1.2.3" in plugins.allow is pinned to' == changed.reason
    assert is_allowed(found(), ["ltm-broker-foo"])


def test_what_is_not_allowed_is_listed_with_its_hash_and_not_imported(package):
    """
    SEC-10: importing this one would end the process.
    """
    (row,) = [row for row in Registry.discover().listing() if row.distribution == "ltm-broker-foo"]

    assert ("not allowed", "1.2.3") == (row.status, row.version)
    assert fingerprint("ltm-broker-foo", "ltm_broker_foo") == row.hash
    assert row.hash.startswith("sha256:")
    assert metadata.version("ltm-broker-foo") == row.version


def test_a_listed_file_that_is_gone_changes_the_hash(package):
    """
    SEC-13.
    """
    before = fingerprint("ltm-broker-foo", "ltm_broker_foo")
    (package / "ltm_broker_foo" / "__init__.py").unlink()

    assert before != fingerprint("ltm-broker-foo", "ltm_broker_foo")


@pytest.mark.parametrize("module", ["nothing_of_this_name", "missing.py"])
def test_what_is_not_there_has_no_hash(module):
    assert not fingerprint("no-such-distribution", module)


def test_a_single_module_is_hashed_as_it_is(tmp_path, monkeypatch):
    """
    SEC-13: an editable installation of one file.
    """
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "ltm_alone.py").write_text("X = 1\n")
    before = fingerprint("no-such-distribution", "ltm_alone:hooks")
    (tmp_path / "ltm_alone.py").write_text("X = 2\n")

    assert before.startswith("sha256:")
    assert before != fingerprint("no-such-distribution", "ltm_alone:hooks")


# --- Limits (F38) ----------------------------------------------------------------------------------


def armed(limit, value, *, of_kernel=False):
    return Armed(limit=limit, value=value, of_kernel=of_kernel, proof="tested")


def test_what_changed_about_the_limits_of_rules_is_told():
    """
    F38: changed, added and taken away; the kernel's own limits are in the terms already.
    """
    before = limits_of(
        [armed("drawdown", "x = 0.1"), armed("gone", "x = 1"), armed("max_daily_trades", "5", of_kernel=True)]
    )
    now = [
        armed("drawdown", "x = 0.2"),
        armed("new", "x = 3"),
        armed("max_daily_trades", "6", of_kernel=True),
    ]

    assert ("drawdown: x = 0.1 -> x = 0.2", "new: none -> x = 3", "gone: x = 1 -> none") == rule_changes(
        before, now
    )
    assert () == rule_changes((), now)
    assert () == rule_changes(limits_of(now), now)
