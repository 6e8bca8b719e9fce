"""
The `command` alert sink: what the program is given, what it is not given, and that it can hold nothing up.
"""

import json
import os
import signal
import stat
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from ltm.builtins import command
from ltm.builtins.command import CommandSink
from ltm.builtins.config import CommandConfig
from ltm.engine.alerts import Policy, Route, ThreadedDispatcher
from ltm.engine.clock import SystemClock
from ltm.model.enums import Severity
from ltm.model.errors import ConfigError
from ltm.model.results import Alert

ALERT = Alert(
    alert_id="demo-7",
    session_id="demo",
    severity=Severity.CRITICAL,
    code="drawdown",
    message='equity "1" $(touch owned) `touch owned`; ' + "\u4e2d" * 100,
    raised_at=datetime(2026, 1, 5, 9, 31, tzinfo=UTC),
)
PATIENCE = 20.0

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")


@pytest.fixture
def program(tmp_path):
    """
    Writes a program of the shell, and makes a sink of it.
    """

    def write(text, *arguments, timeout=PATIENCE):
        path = tmp_path / "tell me"
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o700)
        return CommandSink(CommandConfig(program=path, arguments=[*arguments], timeout=timeout))

    return write


def test_the_program_gets_the_alert_as_one_line_of_json(program, tmp_path):
    """
    All of it, and nothing in it is ever read by a shell.
    """
    program("cat > told").deliver(ALERT)

    text = (tmp_path / "told").read_bytes()
    assert text.endswith(b"}\n")
    assert 1 == text.count(b"\n")
    assert ALERT == msgspec.json.decode(text, type=Alert)
    assert not (tmp_path / "owned").exists()


def test_arguments_are_handed_over_as_they_are(program, tmp_path):
    """
    An argument list, no shell: nothing is split, expanded or replaced.
    """
    arguments = ["two words", "$HOME", "*", "", "-x; touch owned", "`id`"]
    program('for one in "$@"; do printf "%s|" "$one"; done > told', *arguments).deliver(ALERT)

    assert arguments == (tmp_path / "told").read_text(encoding="utf-8").split("|")[:-1]
    assert not (tmp_path / "owned").exists()


def test_it_sees_no_secret_of_the_environment(program, tmp_path, monkeypatch):
    """
    SEC-07: an API key that came by the environment does not go to the child, nor does anything else of it.
    """
    monkeypatch.setenv("EXCHANGE_API_SECRET", "canary-5f2a")
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    monkeypatch.setenv("HOME", "/nonexistent/mine")
    program("env > told").deliver(ALERT)

    text = (tmp_path / "told").read_text(encoding="utf-8")
    names = {line.partition("=")[0] for line in text.splitlines()}
    assert "canary-5f2a" not in text
    assert names <= {"HOME", "PATH", "LANG", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "HOME=/nonexistent/mine" in text.splitlines()


def test_without_a_home_there_is_none(program, tmp_path, monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    program('echo "${HOME-none}" > told').deliver(ALERT)

    assert "none\n" == (tmp_path / "told").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("exit 3", "tell me ended with 3"),
        ("echo one; echo 'no network' >&2; echo; exit 1", "tell me ended with 1: no network"),
        ("kill -TERM $$", "tell me ended with -15"),
        (r"printf 'a\033[2Jb\n'; exit 1", r"tell me ended with 1: a\x1b[2Jb"),
    ],
    ids=["code", "what it said last", "signal", "SEC-33 hostile output"],
)
def test_a_program_that_fails_has_not_taken_the_alert(program, text, problem):
    """
    BAD-115: it raises, with what the program said last, so that the alert is offered again.
    """
    with pytest.raises(OSError) as caught:
        program(text).deliver(ALERT)

    assert str(caught.value).endswith(problem)


def test_a_program_that_does_not_listen_may_still_succeed(program):
    """
    It closes its input at once: a broken pipe is no failure of the program.
    """
    program("exec 0<&-; exit 0").deliver(ALERT)


def test_a_program_that_hangs_is_killed_with_all_it_started(program, tmp_path):
    """
    F27: the whole process group ends, also what does not listen to reason.
    """
    sink = program("trap '' TERM INT HUP; sleep 600 & echo $$ $! > pids; echo waiting; wait", timeout=0.5)

    with pytest.raises(TimeoutError, match=r"tell me did not end within 0\.5 s and was killed: waiting"):
        sink.deliver(ALERT)

    for pid in (tmp_path / "pids").read_text(encoding="utf-8").split():
        assert gone(int(pid))


def is_gone(pid):
    """
    Whether a process has ended; one that nobody has waited for yet counts, too.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    return text.rpartition(")")[2].split()[0] in {"Z", "X"}


def gone(pid):
    """
    Wait for the end of a process that was killed.
    """
    deadline = time.monotonic() + PATIENCE
    while not is_gone(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return is_gone(pid)


def test_a_program_that_closed_its_output_and_hangs_is_killed_too(program):
    """
    There is nothing to wait for but its end.
    """
    sink = program("exec 0<&- 1>&- 2>&-; exec sleep 600", timeout=0.3)

    with pytest.raises(TimeoutError):
        sink.deliver(ALERT)


def test_what_it_leaves_behind_holds_nothing_up(program, tmp_path):
    """
    A child that goes on with the program's output open: the program itself has ended, and well.
    """
    program("sleep 600 & echo $! > pid").deliver(ALERT)

    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    assert not is_gone(pid)
    os.kill(pid, signal.SIGKILL)


def test_endless_output_is_thrown_away(program):
    """
    Bounded: the last of it is kept, whatever it says, and for however long.
    """
    sink = program("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 1")

    with pytest.raises(OSError, match="ended with 1: the end"):
        sink.deliver(ALERT)
    with pytest.raises(TimeoutError) as caught:
        program("exec yes", timeout=0.3).deliver(ALERT)
    assert len(str(caught.value)) < 1100


def test_a_failure_of_ours_leaves_no_program_behind(program, tmp_path, monkeypatch):
    """
    Whatever goes wrong while it runs, it is ended before that is told.
    """
    sink = program("echo $$ > pid; exec sleep 600")

    def broken(*_):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text(encoding="utf-8"):
            pass
        raise MemoryError

    monkeypatch.setattr(command, "_turn", broken)

    with pytest.raises(MemoryError):
        sink.deliver(ALERT)
    assert gone(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_trading_and_other_sinks_do_not_wait_for_it(program):
    """
    F27, BAD-115: while the program hangs, the next sink has the alert already; afterwards it is offered again.
    """
    other, again, delivered = threading.Event(), threading.Event(), []

    class Other:
        name = "other"

        def deliver(self, alert):
            other.set()

    def trouble(sink, problem):
        delivered.append((sink, problem))
        if len(delivered) > 1:
            again.set()

    sink = program("exec sleep 600", timeout=0.3)
    dispatcher = ThreadedDispatcher(
        [Route(sink=sink), Route(sink=Other())],
        clock=SystemClock(),
        on_trouble=trouble,
        policy=Policy(attempts=2, back_off=0.0),
    )
    dispatcher.deliver(ALERT)

    assert other.wait(PATIENCE)
    assert again.wait(PATIENCE)
    assert {"command"} == {name for name, _ in delivered}
    assert (ALERT,) == dispatcher.pending()
    dispatcher.close(PATIENCE)


# --- Settings ---------------------------------------------------------------------------------------


def refused(**settings):
    with pytest.raises(ConfigError) as caught:
        CommandSink(CommandConfig(**settings))
    return caught.value


def test_a_program_that_cannot_be_run_is_refused_at_the_start(tmp_path):
    """
    Before anything is traded, with the reason.
    """
    plain = tmp_path / "plain"
    plain.write_text("x", encoding="utf-8")
    plain.chmod(0o600)

    assert "No such file or directory" in refused(program=tmp_path / "none").message
    assert "it is no file that may be run" in refused(program=plain).message
    assert "it is no file that may be run" in refused(program=tmp_path).message
    assert ("LTM-CFG-037", "program") == (refused(program=plain).code, refused(program=plain).field)


def test_a_program_that_anybody_may_change_is_refused(tmp_path):
    """
    It would run with the rights of whoever trades.
    """
    path = tmp_path / "open"
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o700 | stat.S_IWOTH)

    assert "anybody on this machine may change it (chmod o-w)" in refused(program=path).message


def test_a_system_without_process_groups_is_told_apart(program, monkeypatch):
    monkeypatch.delattr(os, "killpg")

    with pytest.raises(ConfigError, match="cannot end a program with all that it started"):
        program("exit 0")


def test_a_file_that_turns_out_to_be_no_program_is_a_failed_delivery(tmp_path):
    """
    It could be opened and was marked to be run, and the system does not know how.
    """
    path = tmp_path / "noise"
    path.write_bytes(b"\x00\x01\x02")
    path.chmod(0o700)

    with pytest.raises(OSError, match="Exec format error"):
        CommandSink(CommandConfig(program=path)).deliver(ALERT)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timeout": 0}, "timeout must be a positive finite amount, got 0"),
        ({"timeout": 60.5}, "timeout must be at most 60 seconds, got 60.5"),
        ({"timeout": "5"}, 'timeout must be a number, got "5" (string)'),
        ({"arguments": ["a", "b\0c"]}, "arguments[1] must be text without NUL characters, got"),
    ],
)
def test_a_wrong_setting_is_refused(tmp_path, settings, message):
    assert refused(program=tmp_path, **settings).message.startswith(message)


def test_a_minute_is_still_allowed(program):
    assert "command" == program("exit 0", timeout=60).name


def test_what_the_program_is_given_can_be_read_by_anything(program, tmp_path):
    """
    The names that the documentation gives.
    """
    program("cat > told").deliver(ALERT)

    assert {"alert_id", "session_id", "severity", "code", "message", "raised_at"} == set(
        json.loads((tmp_path / "told").read_text(encoding="utf-8"))
    )
