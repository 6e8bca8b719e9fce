"""
The state directory: private, local, on a disk with room; and the names of what is in it.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import stat
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import attrs

from ltm.engine.clock import fsync_directory
from ltm.engine.locks import FileLock
from ltm.model.errors import JournalError, shown
from ltm.model.identifiers import check_session_id

LOW: Final = 1 << 30
FULL: Final = 64 << 20
RESERVE: Final = 16 << 20

_NETWORK: Final = frozenset(
    {"afs", "cifs", "fuse.sshfs", "ncpfs", "nfs", "nfs4", "smb2", "smb3", "smbfs", "sshfs"}
)
_MOUNTS: Final = Path("/proc/mounts")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@attrs.frozen
class FreeSpace:
    """
    Room on the disk: below `low` a warning, when `full` no entries.
    """

    free_bytes: int
    state: Literal["ok", "low", "full"]


def free_space_state(path: Path) -> FreeSpace:
    """
    Return how much room the disk of a directory has.
    """
    free = shutil.disk_usage(path).free
    return FreeSpace(free, "full" if free < FULL else "low" if free < LOW else "ok")


class KillSwitch:
    """
    A file that stops a session from sending anything, however the process itself is doing (O10).
    """

    __slots__ = ("_name", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = os.fspath(path)

    def is_set(self) -> bool:
        """
        Return whether the file is there; when that cannot be told, it counts as there.
        """
        try:
            os.lstat(self._name)  # checked before each send: a Path would cost three times as much
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def set(self, reason: str) -> None:
        """
        Make the file.

        Raises:
            JournalError: It cannot be made; the session is not stopped by this.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        try:
            with open(os.open(self.path, flags, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - a Path cannot open a descriptor
                file.write(reason + "\n")
            fsync_directory(self.path.parent)
        except OSError as error:
            message = f"kill flag {shown(str(self.path))} cannot be written: {error.strerror}"
            raise JournalError(message, code="LTM-DIR-005", hint="cancel at the broker by hand") from error

    def reason(self) -> str:
        """
        Return what was given as the reason, "" when there is nothing to read.
        """
        try:
            return self.path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""

    def clear(self) -> None:
        """
        Remove the file, so that a person can let the session trade again.
        """
        self.path.unlink(missing_ok=True)


def kill_flag(directory: Path, session_id: str) -> KillSwitch:
    """
    Return the kill switch of a session.
    """
    return KillSwitch(directory / f"kill-{check_session_id(session_id)}")


class Reserve:
    """
    Space set aside while a session runs, given back when the disk is full so that a restart has room.
    """

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path

    def take(self) -> bool:
        """
        Set the space aside if the system can; return whether it did.
        """
        if not hasattr(os, "posix_fallocate"):
            return False
        try:
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(self.path, flags, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE)
            finally:
                os.close(descriptor)
        except OSError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """
        Give the space back.
        """
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


@attrs.frozen
class StateDirectory:
    """
    A checked state directory. Make one with `open`.
    """

    path: Path

    @classmethod
    def open(cls, path: Path | None = None, *, create: bool = True, mounts: Path = _MOUNTS) -> StateDirectory:
        """
        Check the directory, and make it with mode 0700 when it is not there.

        Args:
            path: The directory; None means the platform's user state directory.
            create: Make it when missing; a command that only looks must not.
            mounts: Where the system lists what is mounted.

        Raises:
            JournalError: It is missing, a symbolic link, somebody else's, open to others, read-only,
                or on a network file system (SEC-02, F07, F34).
        """
        path = path if path is not None else default_path()
        if create:
            _make(path)
        check_private(path, "directory")
        if not os.access(path, os.W_OK | os.X_OK) or not path.stat().st_mode & stat.S_IWUSR:
            raise _refused(path, "be writable", "read-only", f"chmod 700 {shlex.quote(str(path))}")
        kind = network_filesystem(path, mounts)
        if kind is not None:
            hint = "choose a directory on a local disk with --state-dir"
            raise _refused(path, "be on a local disk", f"{kind}, where locks and journals are not safe", hint)
        state = cls(path)
        for file in (state.journal, *path.glob("*.lock")):
            if os.path.lexists(file):
                check_private(file, "file")
        return state

    @property
    def journal(self) -> Path:
        """
        The journal's database.
        """
        return self.path / "journal.sqlite3"

    @property
    def alerts_log(self) -> Path:
        """
        Where critical alerts always go.
        """
        return self.path / "alerts.log"

    @property
    def reserve(self) -> Reserve:
        """
        The space set aside.
        """
        return Reserve(self.path / "reserve")

    def lock_writer(self) -> FileLock:
        """
        Take the right to write the journal: one process per state directory.

        Raises:
            AlreadyRunning: Another process has it.
        """
        return FileLock(self.path / "writer.lock", f"state directory {shown(str(self.path))}")

    def lock_session(self, session_id: str) -> FileLock:
        """
        Take a session.

        Raises:
            AlreadyRunning: It runs already.
        """
        name = f"session-{check_session_id(session_id)}.lock"
        return FileLock(self.path / name, f"session {session_id}")

    def lock_account(self, broker: str, account: str) -> FileLock:
        """
        Take an account at a broker, so that two sessions cannot trade it unnoticed.

        Raises:
            AlreadyRunning: A session trades it already.
        """
        # Account names are the venue's and may be secret or unfit for a file name.
        digest = sha256(f"{broker}\x1f{account}".encode()).hexdigest()[:16]
        return FileLock(self.path / f"account-{digest}.lock", f"account ...{account[-4:]} at {broker}")

    def kill_flag(self, session_id: str) -> KillSwitch:
        """
        Return the kill switch of a session.
        """
        return kill_flag(self.path, session_id)

    def remember_config(self, session_id: str, config: Path) -> None:
        """
        Note which file a session was last started with, for whoever has to reach its broker in a hurry.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        path = self.path / f"config-{check_session_id(session_id)}"
        # It only saves typing: where it cannot be written, the session runs all the same.
        with contextlib.suppress(OSError), open(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - a Path cannot open a descriptor
            file.write(f"{config.absolute()}\n")

    def remembered_config(self, session_id: str) -> Path | None:
        """
        Return the file that a session was last started with, None when that is not known.
        """
        try:
            text = (self.path / f"config-{check_session_id(session_id)}").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return Path(text) if text else None

    def free_space(self) -> FreeSpace:
        """
        Return how much room there is.
        """
        return free_space_state(self.path)


def default_path() -> Path:
    """
    Return the platform's user state directory for ltm.
    """
    import platformdirs

    return platformdirs.user_state_path("ltm", appauthor=False)


def check_private(path: Path, kind: Literal["directory", "file"]) -> None:
    """
    Refuse what is missing, a symbolic link, of the wrong kind, somebody else's, or open to others.

    Raises:
        JournalError: One of these; the hint has the command that mends it.
    """
    quoted = shlex.quote(str(path))
    try:
        found = path.lstat()
    except OSError as error:
        raise _refused(path, "exist", str(error.strerror), "start a session first") from error
    if stat.S_ISLNK(found.st_mode):
        raise _refused(path, f"be a {kind}", "a symbolic link", "name the real one")
    if not (stat.S_ISDIR(found.st_mode) if kind == "directory" else stat.S_ISREG(found.st_mode)):
        raise _refused(path, f"be a {kind}", stat.filemode(found.st_mode), "choose another with --state-dir")
    if not hasattr(os, "getuid"):  # Windows keeps no owner and no mode bits
        return
    if found.st_uid != os.getuid():
        owner = f"a {kind} of user {found.st_uid}"
        raise _refused(path, "belong to you", owner, f"chown {os.getuid()} {quoted}")
    if found.st_mode & _OTHERS:
        wanted = "700" if kind == "directory" else "600"
        mode = f"mode {stat.S_IMODE(found.st_mode):04o}"
        raise _refused(path, "be closed to other users", mode, f"chmod {wanted} {quoted}")


def network_filesystem(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """
    Return the type of the network file system a path is on, None when it is local or nobody can say.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    best, kind = "", ""
    real = str(path.resolve())
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:  # noqa: PLR2004 - device, mount point, type
            continue
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = point in {"/", real} or real.startswith(point + "/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind if kind in _NETWORK else None


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
    except OSError as error:
        hint = "choose another with --state-dir"
        raise _refused(path, "be a directory ltm can make", str(error.strerror), hint) from error


def _refused(path: Path, rule: str, got: str, hint: str) -> JournalError:
    message = f"state directory: {shown(str(path))} must {rule}, got {got}"
    return JournalError(message, code="LTM-DIR-001", field="state directory", got=str(path), hint=hint)
