"""
The journal as the core sees it: one port, on disk and in memory.
"""

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ltm.engine import database
from ltm.engine.journal import JournalStore, SqliteJournal
from ltm.engine.memory import MemoryJournal
from ltm.engine.reader import JournalReader
from ltm.model.errors import ConfigError, JournalError, SessionNotFound
from ltm.ports.shell import Record

AnyJournal = MemoryJournal | SqliteJournal


def record(sequence: int, payload: bytes = b'{"symbol":"AAPL"}') -> Record:
    return Record(sequence, "OrderIntended", 1, "2026-03-02T09:30:00Z", payload)


def records(first: int, last: int) -> list[Record]:
    return [record(sequence) for sequence in range(first, last + 1)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture(params=["memory", "sqlite"])
def journal(request, path):
    made: AnyJournal = (
        MemoryJournal("demo") if request.param == "memory" else SqliteJournal.open(path, "demo")
    )
    yield made
    made.close()


def written(path: Path, count: int, session_id: str = "demo") -> None:
    journal = SqliteJournal.open(path, session_id)
    journal.append(records(journal.last_sequence() + 1, journal.last_sequence() + count))
    journal.commit()
    journal.close()


# ---- the port ------------------------------------------------------------------------------------------------


def test_what_is_committed_is_read_back_in_order(journal: AnyJournal) -> None:
    """
    REL-3: the journal remembers, in the order of the queue.
    """
    journal.append(records(1, 3))
    journal.append_raw(4, "OrderAccepted", 2, "2026-03-02T09:30:01Z", b"{}")
    journal.commit()

    assert [1, 2, 3, 4] == [found.sequence for found in journal.read()]
    assert [3, 4] == [found.sequence for found in journal.read(after=2)]
    assert ("OrderAccepted", 2, b"{}") == [(r.kind, r.version, r.payload) for r in journal.read()][-1]
    assert 4 == journal.last_sequence()


def test_an_empty_journal_has_nothing_and_commits_nothing(journal: AnyJournal) -> None:
    """
    A drain of the queue without records costs nothing.
    """
    journal.commit()

    assert [] == list(journal.read())
    assert 0 == journal.last_sequence()
    assert journal.load_snapshot() is None


@pytest.mark.parametrize("sequence", [0, 2, 7])
def test_a_sequence_that_is_not_the_next_one_is_refused(journal: AnyJournal, sequence: int) -> None:
    """
    I-14: sequences grow by one.
    """
    with pytest.raises(JournalError, match=f"sequence must be 1, got {sequence}"):
        journal.append([record(sequence)])


def test_memory_and_disk_chain_the_same_records_to_the_same_head(path: Path) -> None:
    """
    A simulation's journal is, byte for byte, the one that a run would have written.
    """
    memory, disk = MemoryJournal("demo"), SqliteJournal.open(path, "demo")
    for journal in (memory, disk):
        journal.append(records(1, 40))
        journal.commit()

    assert list(disk.read()) == list(memory.read())
    assert disk.chain_head() == memory.chain_head()

    disk.close()


def test_the_chain_of_another_session_is_another_one() -> None:
    """
    F06: rows of one session cannot pass for another's.
    """
    heads = set()
    for session_id in ("demo", "demo-2"):
        journal = MemoryJournal(session_id)
        journal.append(records(1, 1))
        heads.add(journal.chain_head())

    assert 2 == len(heads)


def test_a_snapshot_comes_back_with_its_sequence(journal: AnyJournal) -> None:
    """
    Recovery reads a snapshot and the records after it.
    """
    journal.append(records(1, 5))
    journal.save_snapshot(5, b"state")

    assert (5, b"state") == journal.load_snapshot()


# ---- on disk -------------------------------------------------------------------------------------------------


def test_records_survive_closing_and_sequences_go_on(path: Path) -> None:
    """
    REL-3: a restart continues where the last process ended.
    """
    written(path, 3)
    written(path, 2)
    journal = SqliteJournal.open(path, "demo")

    assert 5 == journal.last_sequence()
    assert 5 == len(list(journal.read()))

    journal.close()


def test_what_was_not_committed_is_gone(path: Path) -> None:
    """
    K2: appended and not synchronised is as if it had never been; nothing was sent.
    """
    store = JournalStore(path)
    store.session("demo").append(records(1, 3))
    store.close()

    reader = JournalReader(path)

    assert 0 == reader.last_sequence("demo")

    reader.close()


def test_sessions_of_one_process_share_one_commit(path: Path) -> None:
    """
    REL-3: one synchronisation per drain of the queue, whoever appended.
    """
    store = JournalStore(path)
    first, second = store.session("first"), store.session("second")
    first.append(records(1, 2))
    second.append(records(1, 3))
    first.commit()

    assert store.session("first") is first
    assert ("first", "second") == store.sessions()
    assert 3 == len(list(second.read()))
    assert [] == store.pending

    store.close()


def test_many_records_are_stored_whole_whatever_the_size_of_the_batch(path: Path) -> None:
    """
    Rows go in by the statement of many and by the statement of one.
    """
    journal = SqliteJournal.open(path, "demo")
    for size in (1, 31, 32, 33, 64, 2_100):
        last = journal.last_sequence()
        journal.append(records(last + 1, last + size))
        journal.commit()

    assert list(range(1, 2_262)) == [found.sequence for found in journal.read()]

    journal.close()


def test_the_files_are_for_their_owner_only(path: Path) -> None:
    """
    SEC-02: mode 0600, the write-ahead log, the witness and snapshots included.
    """
    journal = SqliteJournal.open(path, "demo")
    journal.append(records(1, 1))
    journal.save_snapshot(1, b"state")
    modes = {
        found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.rglob("*") if found.is_file()
    }

    assert {0o600} == set(modes.values())
    assert 5 == len(modes)

    journal.close()


def test_the_database_waits_for_the_disk_at_each_commit(path: Path) -> None:
    """
    REL-3: WAL with `synchronous=FULL`; anything less may lose the last commits.
    """
    seen = []

    def connect(where: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(where, isolation_level=None)
        seen.append(connection)
        return connection

    store = JournalStore(path, connect=connect)

    assert ("wal",) == seen[0].execute("PRAGMA journal_mode").fetchone()
    assert (2,) == seen[0].execute("PRAGMA synchronous").fetchone()

    store.close()


def test_a_session_id_that_is_no_identifier_is_refused(path: Path) -> None:
    """
    SEC-32: ids that name files are checked where they come in.
    """
    with pytest.raises(ConfigError, match="letters, digits"):
        SqliteJournal.open(path, "../escape")


def test_only_the_last_two_snapshots_are_kept_and_each_session_has_its_own(path: Path) -> None:
    """
    REL-3: snapshots, at most two of a session; ids that look like each other's files do not mix.
    """
    store = JournalStore(path)
    plain, tricky = store.session("a"), store.session("a.00000000000000000009.snapshot")
    for journal in (plain, tricky):
        journal.append(records(1, 4))
        for sequence in (1, 2, 3, 4):
            journal.save_snapshot(sequence, b"%d" % sequence)

    assert 4 == len(list((path.parent / "snapshots").iterdir()))
    assert (4, b"4") == plain.load_snapshot()
    assert (4, b"4") == tricky.load_snapshot()

    store.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content[: len(content) // 2],
        lambda _: b"",
        lambda content: content.replace(b'"sequence":2', b'"sequence":1'),
    ],
    ids=["a flipped bit", "half written", "empty", "another sequence"],
)
def test_a_broken_snapshot_gives_way_to_the_one_before(path: Path, spoil: Callable[[bytes], bytes]) -> None:
    """
    K11: an old snapshot and a longer tail are as good.
    """
    journal = SqliteJournal.open(path, "demo")
    journal.append(records(1, 2))
    journal.save_snapshot(1, b"older")
    journal.save_snapshot(2, b"newer")
    newest = max((path.parent / "snapshots").iterdir())
    newest.write_bytes(spoil(newest.read_bytes()))

    assert (1, b"older") == journal.load_snapshot()

    journal.close()


def test_a_snapshot_of_an_unknown_record_is_refused(path: Path) -> None:
    """
    A snapshot belongs to a record that is there.
    """
    journal = SqliteJournal.open(path, "demo")
    with pytest.raises(JournalError, match="bad record 3"):
        journal.save_snapshot(3, b"state")
    journal.close()


def test_a_snapshot_that_the_disk_refuses_leaves_the_one_before(path: Path) -> None:
    """
    F04: a snapshot is a convenience; that it fails is said, and costs nothing.
    """
    journal = SqliteJournal.open(path, "demo")
    journal.append(records(1, 2))
    journal.save_snapshot(1, b"older")
    (path.parent / "snapshots" / "demo.tmp").mkdir()  # in the way of the draft

    with pytest.raises(JournalError, match="cannot be written"):
        journal.save_snapshot(2, b"newer")
    assert (1, b"older") == journal.load_snapshot()

    journal.close()


# ---- readers -------------------------------------------------------------------------------------------------


def test_a_reader_follows_a_running_writer_and_cannot_write(path: Path) -> None:
    """
    `ltm status` works beside `ltm run`, and only one connection ever writes.
    """
    journal = SqliteJournal.open(path, "demo")
    reader = JournalReader(path)
    journal.append(records(1, 2))
    journal.commit()

    assert 2 == reader.last_sequence("demo")
    assert list(journal.read()) == list(reader.read("demo"))
    assert ("demo",) == reader.sessions()

    reader.close()
    journal.close()


def test_a_reader_says_when_there_is_no_journal_or_no_such_session(path: Path) -> None:
    """
    A question about nothing gets an answer with a cure.
    """
    with pytest.raises(JournalError, match="must be a file") as missing:
        JournalReader(path)
    written(path, 1)
    reader = JournalReader(path)
    with pytest.raises(SessionNotFound, match='got "other"') as unknown:
        reader.require("other")
    reader.require("demo")
    reader.close()

    assert "--state-dir" in str(missing.value.hint)
    assert "demo" in str(unknown.value.hint)


# ---- what is refused -----------------------------------------------------------------------------------------


def test_a_journal_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    """
    F37: a newer major version is refused with a clear text.
    """
    written(path, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(JournalError, match="must be at most 1, got 2") as refused:
        JournalStore(path)
    assert "LTM-JNL-004" == refused.value.code
    assert 3 == refused.value.exit_code
    assert before == path.read_bytes()


def test_a_database_of_something_else_is_refused(path: Path) -> None:
    """
    Nobody's data becomes a journal by mistake.
    """
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE holiday (name TEXT)")
    connection.close()

    with pytest.raises(JournalError, match="something else"):
        JournalStore(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    """
    F06: refuse, exit 3, file untouched.
    """
    path.write_bytes(b"symbol,price\n" * 100)

    with pytest.raises(JournalError, match="must be intact"):
        JournalStore(path)
    assert b"symbol,price\n" * 100 == path.read_bytes()


def test_a_journal_that_is_a_symbolic_link_is_refused(path: Path, tmp_path: Path) -> None:
    """
    F07, SEC-32: nothing is opened through a link.
    """
    target = tmp_path / "elsewhere"
    target.touch()
    path.symlink_to(target)

    with pytest.raises(JournalError, match="symbolic link"):
        JournalStore(path)


def test_a_journal_in_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """
    F07: refuse at start.
    """
    with pytest.raises(JournalError, match="cannot be used"):
        JournalStore(tmp_path / "missing" / "journal.sqlite3")


def test_an_empty_file_becomes_a_journal(path: Path) -> None:
    """
    K1: a crash between making the file and filling it leaves an empty one.
    """
    path.touch(mode=0o600)
    written(path, 1)

    reader = JournalReader(path)

    assert 1 == reader.last_sequence("demo")

    reader.close()


def test_a_file_system_without_a_write_ahead_log_is_refused(path: Path) -> None:
    """
    REL-3: WAL or nothing.
    """
    with pytest.raises(JournalError, match="no write-ahead log"):
        JournalStore(path, connect=lambda _: sqlite3.connect(":memory:"))


def test_a_file_that_sqlite_cannot_open_is_refused(path: Path) -> None:
    """
    F07: refuse at start, in words.
    """

    def connect(_: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    with pytest.raises(JournalError, match="unable to open") as refused:
        JournalStore(path, connect=connect)
    assert "LTM-JNL-005" == refused.value.code


def test_a_witness_that_is_a_link_is_refused(path: Path) -> None:
    """
    SEC-32: nothing is written through a link.
    """
    path.with_name(path.name + "-witness").symlink_to(path.with_name("elsewhere"))

    with pytest.raises(JournalError, match="cannot be used"):
        JournalStore(path)
    assert not path.with_name("elsewhere").exists()


def test_closing_one_of_several_sessions_leaves_the_others_alone(path: Path) -> None:
    """
    The store belongs to the process, not to a session.
    """
    store = JournalStore(path)
    first, second = store.session("first"), store.session("second")
    first.close()
    second.append(records(1, 1))
    second.commit()

    assert 1 == second.last_sequence()

    store.close()
    store.close()
    with pytest.raises(JournalError, match="it was closed"):
        second.append(records(2, 2))


def test_a_session_whose_last_record_has_no_chain_is_refused(path: Path) -> None:
    """
    F06: nothing is chained to something unreadable.
    """
    written(path, 2)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE record SET chain = 'none' WHERE sequence = 2")
    connection.close()
    path.with_name(path.name + "-witness").unlink()

    with pytest.raises(JournalError, match="bad record 2"):
        SqliteJournal.open(path, "demo")


def test_a_row_that_the_table_refuses_is_not_blamed_on_another_process(path: Path) -> None:
    """
    Only a sequence that is really taken is the fence.
    """
    journal = SqliteJournal.open(path, "demo")
    journal.append_raw(1, None, 1, "", b"{}")
    with pytest.raises(JournalError, match="commit failed: NOT NULL") as refused:
        journal.commit()
    journal.close()

    assert "LTM-JNL-001" == refused.value.code


def test_an_old_sqlite_is_spoken_of() -> None:
    """
    Libraries: 3.7.0 to 3.51.2 can damage a log that two connections write to; `ltm check` warns.
    """
    found = database.advice()

    assert (found is None) is (sqlite3.sqlite_version_info >= (3, 51, 3))
