"""
The SQLite file behind the journal: its tables, how it is opened, and what its errors become.

One connection writes, and only that one checkpoints; readers open the file read-only. SQLite before
3.51.3 can damage a write-ahead log that two connections write to.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from itertools import chain
from typing import TYPE_CHECKING, Final

from ltm.model.errors import JournalError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Connect = Callable[[Path], sqlite3.Connection]

Row = tuple[int, str, int, str, bytes, bytes]

APPLICATION_ID: Final = 0x6C746D31  # "ltm1", so that `file` and we tell a journal from any other database
MAJOR: Final = 1
"""Major version of the tables; a file with a greater one is refused."""

BUSY_SECONDS: Final = 5.0
_SAFE_VERSION: Final = (3, 51, 3)
_NO_CHECKPOINT_ON_CLOSE: Final = 1006  # SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE

# A table with row ids: without, rows above a quarter of a page spill, and several sessions split pages.
_SCHEMA: Final = (
    """
    CREATE TABLE record (
        session_id  TEXT    NOT NULL,
        sequence    INTEGER NOT NULL,
        kind        TEXT    NOT NULL,
        version     INTEGER NOT NULL,
        recorded_at TEXT    NOT NULL,
        payload     BLOB    NOT NULL,
        chain       BLOB    NOT NULL,
        PRIMARY KEY (session_id, sequence)
    )
    """,
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "INSERT INTO meta VALUES ('clean', '1')",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {MAJOR}",
)

_ROWS: Final = 32  # rows per statement: a third cheaper than one by one, and below every limit on parameters
_INSERT_ONE: Final = "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)"
_INSERT_MANY: Final = _INSERT_ONE + ", (?, ?, ?, ?, ?, ?, ?)" * (_ROWS - 1)
SELECT_AFTER: Final = """
    SELECT sequence, kind, version, recorded_at, payload, chain
    FROM record WHERE session_id = ? AND sequence > ? ORDER BY sequence LIMIT ?
"""
SELECT_COUNT: Final = "SELECT count(*), min(sequence), max(sequence) FROM record WHERE session_id = ?"
SELECT_HOLE: Final = """
    SELECT sequence + 1 FROM record AS here WHERE session_id = ? AND NOT EXISTS (
        SELECT 1 FROM record WHERE session_id = here.session_id AND sequence = here.sequence + 1
    ) ORDER BY sequence LIMIT 1
"""
SELECT_LAST: Final = "SELECT max(sequence) FROM record WHERE session_id = ?"
SELECT_CHAIN: Final = "SELECT chain FROM record WHERE session_id = ? AND sequence = ?"
# A loose scan over the index: `SELECT DISTINCT` would visit every record.
SELECT_SESSIONS: Final = """
    WITH RECURSIVE ids(id) AS (
        SELECT min(session_id) FROM record
        UNION ALL
        SELECT (SELECT min(session_id) FROM record WHERE session_id > id) FROM ids WHERE id IS NOT NULL
    )
    SELECT id FROM ids WHERE id IS NOT NULL
"""
SET_CLEAN: Final = "UPDATE meta SET value = ? WHERE key = 'clean'"


def advice() -> str | None:
    """
    Return what is to be said about this machine's SQLite, None when it is recent enough.
    """
    if sqlite3.sqlite_version_info >= _SAFE_VERSION:
        return None
    safe = ".".join(map(str, _SAFE_VERSION))
    return (
        f"SQLite {sqlite3.sqlite_version} can damage a journal that two connections write to (mended in {safe}); "
        "ltm writes with one: let nothing else write there"
    )


def open_writer(path: Path) -> sqlite3.Connection:
    """
    Open the one writing connection; transactions are begun and committed by hand.
    """
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # Python 3.11 cannot say this; there, closing after a failure checkpoints what an earlier commit made durable.
    if hasattr(connection, "setconfig"):
        connection.setconfig(_NO_CHECKPOINT_ON_CLOSE, True)  # noqa: FBT003 - the signature is SQLite's
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """
    Open a connection that can neither write nor checkpoint.

    Raises:
        JournalError: There is no such file, or it is no journal of a version known here.
    """
    if not path.is_file():
        hint = "start a session first, or name its directory with --state-dir"
        message = f"journal must be a file, got {shown(str(path))}"
        raise JournalError(message, code="LTM-JNL-005", hint=hint)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with translated(path):
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
    try:
        with translated(path):
            check_version(connection, path)
    except JournalError:
        connection.close()
        raise
    return connection


def create_file(path: Path) -> None:
    """
    Create an empty journal file that only its owner can read, unless there is one (SEC-02).
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        if path.is_symlink():
            raise unusable(path, "it is a symbolic link") from None
    except OSError as error:
        raise unusable(path, str(error.strerror)) from error


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """
    Make an opened file a journal: write-ahead log, full synchronisation, tables.
    """
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise unusable(path, f"its file system offers no write-ahead log ({mode})")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = 1")  # macOS: fsync alone does not reach the platter
    if is_empty(connection):
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("COMMIT")


def insert(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """
    Insert rows of all columns, within the transaction that is open.
    """
    whole = len(rows) - len(rows) % _ROWS
    for start in range(0, whole, _ROWS):
        connection.execute(_INSERT_MANY, tuple(chain.from_iterable(rows[start : start + _ROWS])))
    connection.executemany(_INSERT_ONE, rows[whole:])


def is_empty(connection: sqlite3.Connection) -> bool:
    """
    Return whether the database holds no tables at all.
    """
    (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return int(count) == 0


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """
    Refuse a database that is no journal, or one written by a later major version.
    """
    if is_empty(connection):
        return
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (major,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID or major < 1:
        raise unusable(path, "it is a database of something else")
    if major > MAJOR:
        hint = "a newer ltm wrote it: upgrade this one, or give it a --state-dir of its own"
        message = f"journal version must be at most {MAJOR}, got {major} in {shown(str(path))}"
        raise JournalError(message, code="LTM-JNL-004", got=major, hint=hint)


def was_closed(connection: sqlite3.Connection) -> bool:
    """
    Return whether the last writer ended in good order.
    """
    found = connection.execute("SELECT value FROM meta WHERE key = 'clean'").fetchone()
    return found is not None and str(found[0]) == "1"


def check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    """
    Let SQLite look at every page.
    """
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise damaged(path, str(verdict))


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """
    Turn SQLite's errors while reading into `JournalError`.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "unable to open" in str(error):
            raise unusable(path, str(error)) from error
        raise damaged(path, str(error)) from error
    except sqlite3.Error as error:
        raise damaged(path, str(error)) from error


def damaged(path: Path, problem: str) -> JournalError:
    """
    Return the error for a file whose content SQLite or we do not accept.
    """
    return JournalError(
        f"journal {shown(str(path))} must be intact, got: {problem.splitlines()[0]}",
        code="LTM-JNL-003",
        hint="nothing was changed; see `ltm journal verify`, or restore a copy of the state directory",
    )


def unusable(path: Path, problem: str) -> JournalError:
    """
    Return the error for a file that cannot serve as a journal here.
    """
    return JournalError(
        f"journal {shown(str(path))} cannot be used: {problem}",
        code="LTM-JNL-005",
        hint="check the directory's owner, mode and disk, or choose another with --state-dir",
    )
