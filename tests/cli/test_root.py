"""
`ltm` itself: help, version, usage errors, exit codes, and how little it imports.
"""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ltm.cli.root import COMMANDS
from ltm.cli.types import DecimalType
from ltm.model.errors import LtmError

SHAPE = re.compile(r"error\[[A-Z]+-[A-Z0-9-]+\]: .+\n(  where: .+\n)?  fix:   .+\n")
HEAVY = (
    "asyncio",
    "attrs",
    "cattrs",
    "ccxt",
    "ib_async",
    "ib_insync",
    "ltm.app",
    "ltm.config",
    "ltm.core",
    "ltm.registry",
    "msgspec",
    "pluggy",
    "rich",
    "sqlite3",
)


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("-h",)])
def test_help_and_version_import_next_to_nothing(arguments):
    """
    Design 10: no SDK, no asyncio, no cattrs, and nothing else that is slow.
    """
    program = (
        "import sys\n"
        "from ltm.cli.entry import run\n"
        f"code = run({list(arguments)!r})\n"
        f"found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print(found, file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    # Without the coverage that may watch this process: it would import some of them itself.
    bare = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=bare
    )

    assert (0, "[]") == (done.returncode, done.stderr.strip())


@pytest.mark.parametrize("words", [(), ("journal",)], ids=["ltm", "ltm journal"])
def test_a_group_alone_shows_its_help(ltm, words):
    answer = ltm(*words)

    assert f"Usage: {' '.join(('ltm', *words))} " in answer.err + answer.out
    assert "Commands:\n" in answer.err + answer.out


def test_help_lists_every_command(ltm):
    answer = ltm("--help")

    assert 0 == answer.code
    assert [] == [name for name in COMMANDS if f"  {name} " not in answer.out]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_listed_help_is_the_commands_own(name, ltm):
    """
    `ltm --help` imports no command, so the two texts could part.
    """
    module, _, attribute = COMMANDS[name].home.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    own = command.get_short_help_str(limit=200)

    assert own.startswith(COMMANDS[name].help.rstrip("."))
    assert 0 == ltm(name, "--help").code


def test_version_names_the_installed_one(ltm):
    assert re.fullmatch(r"ltm \d+\.\d+\.\d+\S*\n", ltm("--version").out)


def test_the_module_is_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ltm", "status", "--state-dir", str(tmp_path / "no")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 3 == done.returncode
    assert SHAPE.fullmatch(done.stderr)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("stauts",), 'no command "stauts"; did you mean "status"?'),
        (("status", "--sesion", "x"), "--sesion"),
        (("status", "--session"), "requires an argument"),
        (("explain",), "Missing argument 'ID'"),
        (("journal", "export", "--format", "xml"), "'xml' is not"),
        (("journal", "mend"), "mend"),
        (("check",), "Missing argument 'CONFIG'"),
        (("mock-venue", "--log", "x"), "--socket"),
        (("positions", "too", "many"), "unexpected extra argument"),
        (("st\x1b[2J\natus",), r"st\x1b[2J\natus"),
    ],
    ids=lambda value: (
        " ".join(value).replace("\x1b", "ESC").replace("\n", "NL") if isinstance(value, tuple) else ""
    ),
)
def test_a_usage_error_has_the_shape_of_every_error(ltm, arguments, text):
    """
    BAD-035: exit 2, three lines, no traceback.
    """
    answer = ltm(*arguments)

    assert (2, "") == (answer.code, answer.out)
    assert SHAPE.fullmatch(answer.err)
    assert text in answer.err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--cash", "nan"),
        ("--cash", "inf"),
        ("--cash", "1_000"),
        ("--cash", "\u0661\u0662"),
        ("--cash", "1e9999"),
        ("--cash", "ten"),
        ("--seed", "1_0"),
        ("--seed", "-1"),
        ("--seed", "\u0661"),
        ("--seed", "1.0"),
    ],
)
def test_numbers_are_plain_ascii(ltm, option, value):
    """
    BAD-035: what Python's own conversions would take.
    """
    answer = ltm("mock-venue", "--socket", "s", "--log", "l", option, value)

    assert 2 == answer.code
    assert SHAPE.fullmatch(answer.err)
    assert "must be" in answer.err


@pytest.mark.parametrize("text", ["1", "0.5", "1000000", "1e3", "-2.50"])
def test_a_number_is_exact(text):
    assert text == str(DecimalType().convert(text, None, None)) or "1E+3" == str(
        DecimalType().convert(text, None, None)
    )


@pytest.fixture
def failing(monkeypatch):
    """
    Makes `ltm status` raise what the test wants.
    """

    def fail(error: BaseException) -> None:
        def raise_it(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("ltm.cli.listing.open_journals", raise_it)

    return fail


def test_a_bug_is_told_without_a_traceback_unless_asked(ltm, failing):
    failing(ZeroDivisionError("oh\x1b[2J"))
    quiet, loud = ltm("status"), ltm("--debug", "status")

    assert (1, 1) == (quiet.code, loud.code)
    assert SHAPE.fullmatch(quiet.err)
    assert "Traceback" in loud.err


def test_an_error_of_ours_leaves_with_its_exit_code(ltm, failing):
    class Odd(LtmError):
        exit_code = 5

    failing(Odd("one\x1b[2Jline", hint="none"))
    answer = ltm("status")

    assert 5 == answer.code
    assert "one\\x1b[2Jline" in answer.err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.exceptions.Abort()])
def test_an_interrupt_leaves_with_130(ltm, failing, error):
    failing(error)

    assert 130 == ltm("status").code


def test_a_reader_that_goes_away_is_no_error(demo):
    """
    `ltm orders | head -1`.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "ltm", "journal", "export", "--state-dir", str(demo)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert "session_opened" in process.stdout.readline()
        process.stdout.close()

        assert ("", 0) == (process.stderr.read(), process.wait(timeout=60))


def test_the_environment_names_the_state_directory(ltm, demo, monkeypatch):
    monkeypatch.setenv("LTM_STATE_DIR", str(demo))

    assert ["demo"] == [row["session_id"] for row in ltm("status", "--json").json]


@pytest.mark.parametrize("place", ["before", "behind"])
def test_the_state_directory_is_taken_before_and_behind_the_command(ltm, demo, place):
    option = ("--state-dir", demo)
    answer = ltm(*option, "fills", "--json") if place == "before" else ltm("fills", *option, "--json")

    assert answer.json


# --- Commands of plugins --------------------------------------------------------------------------

LOCAL = '''
import click
from ltm import hookimpl


@hookimpl
def ltm_add_commands(cli):
    @cli.command()
    def greet():
        """Greet."""
        click.echo("hello")
'''


@pytest.fixture
def greeting(tmp_path: Path) -> Path:
    """
    A configuration with a local plugin that adds a command.
    """
    (tmp_path / "ltmfile.py").write_text(LOCAL, encoding="utf-8")
    config = tmp_path / "ltm.toml"
    config.write_text("[plugins]\nlocal = true\n", encoding="utf-8")
    return config


def test_a_plugin_adds_a_command(ltm, greeting):
    assert "hello\n" == ltm("--config", greeting, "greet").out
    assert 2 == ltm("greet").code


def test_a_plugin_replaces_no_command(ltm, greeting):
    source = greeting.with_name("ltmfile.py")
    source.write_text(LOCAL.replace("greet", "status"), encoding="utf-8")
    answer = ltm("--config", greeting, "status")

    assert (0, True) == (answer.code, "no sessions yet" in answer.out)
    assert 2 == ltm("--config", greeting, "greet").code


def test_help_needs_no_plugin(ltm, greeting):
    greeting.with_name("ltmfile.py").write_text("raise SystemExit(9)", encoding="utf-8")

    assert 0 == ltm("--config", greeting, "--help").code
    assert os.environ.get("LTM_CONFIG") is None


def test_nothing_is_imported_from_the_current_directory(tmp_path):
    """
    SEC-15: a module beside the user's files never stands in for one of ours.
    """
    for name in ("rich", "ltm_risk_drawdown", "msgspec"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hijacked')\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ltm", "plugins", "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert 0 == done.returncode
    assert "hijacked" not in done.stdout + done.stderr
