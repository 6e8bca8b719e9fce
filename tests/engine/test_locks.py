"""
One process per state directory, session and account.
"""

import errno
import fcntl
import itertools
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ltm.engine.clock import ProcessIdentity, boot_id, process_identity
from ltm.engine.locks import FileLock, Holder, is_alive
from ltm.engine.state_dir import StateDirectory
from ltm.model.errors import AlreadyRunning, ConfigError, JournalError


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory.open(tmp_path / "state")


def test_a_lock_is_held_until_released_and_its_file_stays(tmp_path: Path) -> None:
    """
    REL-3: the lock file is never removed.
    """
    path = tmp_path / "session.lock"
    with FileLock(path, "session demo") as lock:
        assert lock.held
    assert not lock.held
    lock.release()

    assert path.exists()
    with FileLock(path, "session demo") as again:
        assert again.held


def test_the_second_one_is_told_who_is_first(tmp_path: Path) -> None:
    """
    F33: exit 5, naming pid, host and start time.
    """
    path = tmp_path / "session.lock"
    me = process_identity()
    with FileLock(path, "session demo"), pytest.raises(AlreadyRunning) as refused:
        FileLock(path, "session demo")

    assert 5 == refused.value.exit_code
    assert Holder(os.getpid(), socket.gethostname(), me.started_at) == refused.value.got
    for part in ("session demo", str(me.pid), me.host, me.started_at):
        assert part in refused.value.message


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    """
    F34: a lock file left by a crash says nothing; the kernel let go of the lock.
    """
    path = tmp_path / "session.lock"
    held = (
        "import os, sys; from pathlib import Path; from ltm.engine.locks import FileLock;"
        "lock = FileLock(Path(sys.argv[1]), 'session demo'); os._exit(9)"
    )
    assert 9 == subprocess.run([sys.executable, "-c", held, str(path)], check=False, timeout=30).returncode
    assert path.read_bytes()

    with FileLock(path, "session demo") as lock:
        assert lock.held
        assert os.getpid() == msgspec.json.decode(path.read_bytes(), type=ProcessIdentity).pid


def test_a_removed_lock_file_is_noticed(tmp_path: Path) -> None:
    """
    F34: after `rm`, a second process gets a lock of its own: the first can tell, by the inode.
    """
    path = tmp_path / "session.lock"
    first = FileLock(path, "session demo")
    path.unlink()
    assert not first.held
    second = FileLock(path, "session demo")

    assert second.held
    assert not first.held

    first.release()
    second.release()


def test_a_lock_through_a_link_or_on_nothing_is_refused(tmp_path: Path) -> None:
    """
    SEC-32: opened without following links.
    """
    link = tmp_path / "session.lock"
    link.symlink_to(tmp_path / "elsewhere")
    for path in (link, tmp_path / "missing" / "session.lock"):
        with pytest.raises(JournalError, match="cannot be locked"):
            FileLock(path, "session demo")
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_file_removed_while_locking_is_locked_anew(tmp_path: Path, monkeypatch) -> None:
    """
    F34: the inode is checked after locking; whoever keeps removing the file is said to.
    """
    path = tmp_path / "session.lock"
    system, removals = fcntl.flock, iter([True])

    def flock(descriptor: int, how: int) -> None:
        if next(removals, False):
            path.unlink()
        system(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with FileLock(path, "session demo") as lock:
        assert lock.held
    removals = itertools.repeat(True)
    with pytest.raises(JournalError, match="removed again and again"):
        FileLock(path, "session demo")


def test_a_file_system_that_cannot_lock_is_refused(tmp_path: Path, monkeypatch) -> None:
    """
    F34: no lock, no start.
    """

    def flock(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(JournalError, match="No locks available"):
        FileLock(tmp_path / "session.lock", "session demo")


def test_a_process_that_may_not_be_asked_counts_as_living(monkeypatch) -> None:
    """
    F34: another user's process answers "not permitted", which only the living do.
    """

    def kill(pid: int, number: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "kill", kill)

    assert is_alive(process_identity())


def test_a_holder_that_has_not_signed_is_still_a_holder(tmp_path: Path) -> None:
    """
    F33: between locking and signing, the loser cannot name the winner, and loses all the same.
    """
    path = tmp_path / "session.lock"
    with FileLock(path, "session demo"):
        path.write_bytes(b"")
        with pytest.raises(AlreadyRunning, match="has not given its name"):
            FileLock(path, "session demo")


@pytest.mark.parametrize(
    ("changes", "alive"),
    [
        ({}, True),
        ({"host": "elsewhere"}, True),
        ({"boot_id": "before"}, False),
        ({"pid": 2**22 + 1}, False),
        ({"pid": 1}, True),
    ],
    ids=["myself", "another host", "before a reboot", "no such process", "not mine"],
)
def test_whether_a_process_lives_is_judged_on_this_machine_only(changes, alive: bool) -> None:
    """
    F34: a stale line is told from a living holder; unsure counts as living.
    """
    me = {"pid": os.getpid(), "host": socket.gethostname(), "boot_id": boot_id(), "started_at": ""}

    assert alive is is_alive(ProcessIdentity(**{**me, **changes}))


def test_sessions_and_accounts_lock_apart(state: StateDirectory) -> None:
    """
    REL-3: one lock per session, and one per broker and account, so that two sessions cannot share one unnoticed.
    """
    locks = [
        state.lock_writer(),
        state.lock_session("a"),
        state.lock_session("b"),
        state.lock_account("ib", "DU1234567"),
        state.lock_account("ccxt", "DU1234567"),
    ]
    for again, named in (
        (state.lock_writer, "state directory"),
        (lambda: state.lock_session("a"), "session a"),
        (lambda: state.lock_account("ib", "DU1234567"), r"account \.\.\.4567 at ib"),
    ):
        with pytest.raises(AlreadyRunning, match=named):
            again()
    with pytest.raises(ConfigError):
        state.lock_session("../a")

    assert [] == [found for found in state.path.iterdir() if "DU123" in found.name]

    for lock in locks:
        lock.release()


RACER = """
import sys
from pathlib import Path
from ltm.engine.locks import FileLock
from ltm.model.errors import AlreadyRunning

print("ready", flush=True)
sys.stdin.readline()
try:
    lock = FileLock(Path(sys.argv[1]), "session demo")
except AlreadyRunning as error:
    print("lost", error.got.pid, flush=True)
else:
    print("won", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.slow
def test_of_twenty_processes_exactly_one_gets_the_lock(tmp_path: Path) -> None:
    """
    F33: real processes, started together; each loser names the winner.
    """
    path = tmp_path / "session.lock"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(20)
    ]
    for racer in racers:
        assert "ready\n" == racer.stdout.readline()
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = {racer.pid: racer.stdout.readline().split() for racer in racers}
    for racer in racers:
        racer.communicate("done\n", timeout=30)
    winners = [pid for pid, answer in answers.items() if answer == ["won"]]

    assert 1 == len(winners)
    assert [["lost", str(winners[0])]] * 19 == [answer for answer in answers.values() if answer != ["won"]]


ROUNDS = """
import sys
from pathlib import Path
from ltm.engine.locks import FileLock
from ltm.model.errors import AlreadyRunning

folder = Path(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    try:
        lock = FileLock(folder / f"session-{line.strip()}.lock", "session")
    except AlreadyRunning as error:
        print("lost", error.exit_code, flush=True)
        continue
    print("won", 0, flush=True)
    sys.stdin.readline()
    lock.release()
    print("released", flush=True)
"""


def test_of_two_processes_one_wins_each_of_a_hundred_races(tmp_path: Path) -> None:
    """
    F33: real processes, a fresh lock each time; the other one gets exit class 5.
    """
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", ROUNDS, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for _ in range(2)
    ]
    for racer in racers:
        assert "ready\n" == racer.stdout.readline()
    answers = []
    for number in range(100):
        for racer in racers:
            racer.stdin.write(f"{number}\n")
            racer.stdin.flush()
        said = {racer: racer.stdout.readline().strip() for racer in racers}
        answers.append(sorted(said.values()))
        for racer, answer in said.items():
            if answer == "won 0":
                racer.stdin.write("\n")
                racer.stdin.flush()
                racer.stdout.readline()
    for racer in racers:
        racer.communicate(timeout=30)

    assert [["lost 5", "won 0"]] * 100 == answers
