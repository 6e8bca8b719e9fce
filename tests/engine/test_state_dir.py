"""
What a state directory has to be before anything is kept in it.
"""

import os
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from ltm.engine import state_dir
from ltm.engine.state_dir import KillSwitch, StateDirectory, check_private, free_space_state, kill_flag
from ltm.model.errors import ConfigError, JournalError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state"


def test_a_missing_directory_is_made_for_its_owner_only(path: Path) -> None:
    """
    SEC-02: mode 0700, whatever the umask says.
    """
    before = os.umask(0o022)
    try:
        state = StateDirectory.open(path)
    finally:
        os.umask(before)

    assert 0o700 == stat.S_IMODE(path.stat().st_mode)
    assert state == StateDirectory.open(path)
    assert path == state.journal.parent == state.alerts_log.parent


def test_a_command_that_only_looks_makes_nothing(path: Path) -> None:
    """
    F07: a missing directory is said, with a cure.
    """
    with pytest.raises(JournalError, match="must exist"):
        StateDirectory.open(path, create=False)
    assert not path.exists()


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_open_to_others_is_refused_with_the_command_that_mends_it(path: Path, mode: int) -> None:
    """
    SEC-02: no bits for group and others; the text has the chmod command.
    """
    StateDirectory.open(path)
    path.chmod(mode)

    with pytest.raises(JournalError, match=f"got mode {mode:04o}") as refused:
        StateDirectory.open(path)
    assert f"chmod 700 {path}" == refused.value.hint
    assert 3 == refused.value.exit_code


@pytest.mark.parametrize("name", ["journal.sqlite3", "session-demo.lock"])
def test_a_file_open_to_others_is_refused(path: Path, name: str) -> None:
    """
    SEC-02: files are 0600.
    """
    file = StateDirectory.open(path).path / name
    file.touch(mode=0o600)
    StateDirectory.open(path)
    file.chmod(0o644)

    with pytest.raises(JournalError, match="got mode 0644") as refused:
        StateDirectory.open(path)
    assert f"chmod 600 {file}" == refused.value.hint


def test_a_read_only_directory_is_refused(path: Path) -> None:
    """
    F07: also for root, whom no mode stops.
    """
    StateDirectory.open(path)
    path.chmod(0o500)

    with pytest.raises(JournalError, match="must be writable, got read-only") as refused:
        StateDirectory.open(path)
    assert "chmod 700" in str(refused.value.hint)

    path.chmod(0o700)


def test_a_directory_of_somebody_else_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    F07: wrong owner.
    """
    StateDirectory.open(path)
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)

    with pytest.raises(JournalError, match="must belong to you") as refused:
        StateDirectory.open(path)
    assert f"chown {me + 1} {path}" == refused.value.hint


def test_a_symbolic_link_and_a_file_are_refused(path: Path) -> None:
    """
    F07: the real directory, named as such.
    """
    StateDirectory.open(path)
    link, file = path.parent / "link", path.parent / "file"
    link.symlink_to(path)
    file.touch(mode=0o600)

    with pytest.raises(JournalError, match="must be a directory, got a symbolic link"):
        StateDirectory.open(link)
    with pytest.raises(JournalError, match="must be a directory, got -rw-------"):
        StateDirectory.open(file)
    with pytest.raises(JournalError, match="ltm can make, got File exists"):
        StateDirectory.open(file / "below")
    with pytest.raises(JournalError, match="must be a file, got drwx------"):
        check_private(path, "file")


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(path: Path, kind: str) -> None:
    """
    F34: neither flock nor SQLite's write-ahead log can be trusted there; the nearest mount counts.
    """
    mounts = path.parents[1] / "mounts"
    point = str(path.parents[1]).replace(" ", "\\040")
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nhost:/x {point} {kind} rw 0 0\nshort\n", encoding="utf-8")

    with pytest.raises(JournalError, match=f"got {kind}") as refused:
        StateDirectory.open(path, mounts=mounts)
    assert "--state-dir" in str(refused.value.hint)


def test_a_local_disk_below_a_network_one_is_fine_and_so_is_not_knowing(path: Path) -> None:
    """
    F34: only the file system the directory is on counts; a system without a list of mounts cannot be asked.
    """
    mounts = path.parents[1] / "mounts"
    mounts.write_text(f"host:/x / nfs rw 0 0\n/dev/vda {path.parents[1]} ext4 rw 0 0\n", encoding="utf-8")

    assert path == StateDirectory.open(path, mounts=mounts).path
    assert path == StateDirectory.open(path, mounts=mounts.with_name("none")).path


def test_the_default_is_the_platforms_own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    Design 8: `--state-dir` defaults to the platform's user state directory.
    """
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert "ltm" == state_dir.default_path().name


@pytest.mark.parametrize(
    ("free", "expected"), [(2 << 30, "ok"), ((1 << 30) - 1, "low"), ((64 << 20) - 1, "full")]
)
def test_room_on_the_disk_is_ok_low_or_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, expected: str
) -> None:
    """
    REL-3: warn below 1 GB, no entries below 64 MB.
    """
    state = StateDirectory.open(tmp_path / "state")

    assert free_space_state(state.path).free_bytes > 0

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))

    assert (free, expected) == (state.free_space().free_bytes, state.free_space().state)


def test_the_reserve_takes_room_and_gives_it_back(tmp_path: Path) -> None:
    """
    REL-3: 16 MB set aside, so that a full disk leaves room to restart.
    """
    reserve = StateDirectory.open(tmp_path / "state").reserve

    assert reserve.take()
    assert 16 << 20 == reserve.path.stat().st_size
    assert 0o600 == stat.S_IMODE(reserve.path.stat().st_mode)

    reserve.release()
    reserve.release()

    assert not reserve.path.exists()


def test_a_reserve_that_cannot_be_taken_is_no_reason_to_stop(tmp_path: Path) -> None:
    """
    REL-3: the reserve is a courtesy.
    """
    assert not state_dir.Reserve(tmp_path / "missing" / "reserve").take()


def test_a_kill_flag_is_set_read_and_cleared(tmp_path: Path) -> None:
    """
    O10: `ltm kill` takes effect through a file, even if the manager hangs.
    """
    state = StateDirectory.open(tmp_path / "state")
    switch = state.kill_flag("demo")

    assert not switch.is_set()
    assert "" == switch.reason()

    kill_flag(state.path, "demo").set("operator: runaway strategy")

    assert switch.is_set()
    assert "operator: runaway strategy" == switch.reason()
    assert not state.kill_flag("other").is_set()
    assert 0o600 == stat.S_IMODE((state.path / "kill-demo").stat().st_mode)

    switch.clear()
    switch.clear()

    assert not switch.is_set()


def test_a_kill_flag_that_cannot_be_looked_at_counts_as_set(tmp_path: Path) -> None:
    """
    O10: fail closed.
    """
    (tmp_path / "file").touch()
    (tmp_path / "kill-demo").symlink_to(tmp_path / "nowhere")

    assert KillSwitch(tmp_path / "file" / "kill-demo").is_set()
    assert KillSwitch(tmp_path / "kill-demo").is_set()


def test_a_kill_flag_that_cannot_be_set_says_what_else_to_do(tmp_path: Path) -> None:
    """
    O10: the operator must not believe in a kill that did not happen.
    """
    with pytest.raises(JournalError, match="cannot be written") as refused:
        kill_flag(tmp_path / "missing", "demo").set("now")
    with pytest.raises(ConfigError):
        kill_flag(tmp_path, "../demo")

    assert "by hand" in str(refused.value.hint)


def test_the_configuration_of_a_session_is_remembered(tmp_path: Path) -> None:
    """
    O10: whoever has to reach its broker in a hurry need not look for it.
    """
    state = StateDirectory.open(tmp_path / "state")
    config = tmp_path / "ltm.toml"

    assert None is state.remembered_config("demo")

    state.remember_config("demo", config)

    assert config == state.remembered_config("demo")
    assert 0o600 == (state.path / "config-demo").stat().st_mode & 0o777

    (state.path / "config-demo").write_bytes(b"")

    assert None is state.remembered_config("demo")

    (state.path / "config-demo").unlink()
    (state.path / "config-demo").symlink_to(config)
    state.remember_config("demo", config)

    assert not config.exists()
