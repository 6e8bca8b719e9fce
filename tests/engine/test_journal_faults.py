"""
What the journal does when the disk, another process or death gets in its way.
"""

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ltm.engine.journal import JournalStore, SqliteJournal
from ltm.engine.reader import JournalReader
from ltm.model.errors import JournalError
from ltm.ports.shell import Record

COUNT = 12


def record(sequence: int) -> Record:
    return Record(
        sequence, "OrderIntended", 1, "2026-03-02T09:30:00Z", b'{"symbol":"AAPL","quantity":"%d"}' % sequence
    )


def written(path: Path, first: int = 1, last: int = COUNT) -> list[Record]:
    """
    A journal with one commit per record, closed in good order.
    """
    journal = SqliteJournal.open(path, "demo")
    for sequence in range(first, last + 1):
        journal.append([record(sequence)])
        journal.commit()
    found = list(journal.read())
    journal.close()
    return found


def crashed(path: Path, folder: Path) -> list[Record]:
    """
    A copy of a journal's files as kill -9 leaves them, everything still in the write-ahead log.
    """
    journal = SqliteJournal.open(path, "demo")
    for sequence in range(1, COUNT + 1):
        journal.append([record(sequence)])
        journal.commit()
    found = list(journal.read())
    folder.mkdir()
    for file in path.parent.glob(path.name + "*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, folder / file.name)
    journal.close()
    return found


def accepted(path: Path) -> list[Record] | None:
    """
    The records that a start would replay, None when it refuses.
    """
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    try:
        reader = JournalReader(path)
    except JournalError:
        return None
    try:
        reader.check()
        return list(reader.read("demo"))
    except JournalError:
        return None
    finally:
        reader.close()


def spoilt(file: Path, offsets: Iterator[int]) -> Iterator[int]:
    """
    Flip one byte at a time in place, and put it back.
    """
    with file.open("r+b", buffering=0) as handle:
        for offset in offsets:
            handle.seek(offset)
            original = handle.read(1)
            handle.seek(offset)
            handle.write(bytes([original[0] ^ 0x41]))
            yield offset
            handle.seek(offset)
            handle.write(original)


# ---- bytes ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_flipped_byte_of_the_database_is_taken_for_the_truth(tmp_path: Path) -> None:
    """
    REL-T11, F06: every byte of the records, every seventh elsewhere; refused, or not a record differs.
    """
    path = tmp_path / "journal.sqlite3"
    truth = written(path)
    content = path.read_bytes()
    start = content.index(truth[-1].payload) - 200
    end = content.index(truth[0].payload) + 200
    offsets = sorted({*range(start, end), *range(0, len(content), 7)})

    wrong, refused = [], 0
    for offset in spoilt(path, iter(offsets)):
        found = accepted(path)
        refused += found is None
        if found is not None and found != truth:
            wrong.append(offset)

    assert [] == wrong
    assert refused > 1_000
    assert content == path.read_bytes()
    assert truth == accepted(path)


@pytest.mark.slow
def test_no_flipped_byte_of_the_write_ahead_log_loses_a_record_unnoticed(tmp_path: Path) -> None:
    """
    REL-T11: SQLite drops what follows a damaged frame; the witness knows that it had been durable.
    """
    truth = crashed(tmp_path / "journal.sqlite3", tmp_path / "crashed")
    path = tmp_path / "crashed" / "journal.sqlite3"
    log = path.with_name(path.name + "-wal")
    size = log.stat().st_size
    frame = 24 + 4096
    headers = {32 + start + byte for start in range(0, size - 32, frame) for byte in range(24)}
    offsets = sorted({*range(32), *headers, *range(0, size, 211)})

    wrong = []
    for offset in spoilt(log, iter(offsets)):
        found = accepted(path)
        if found is not None and found != truth:
            wrong.append((offset, len(found)))

    assert [] == wrong
    assert truth == accepted(path)


@pytest.mark.slow
def test_a_log_cut_anywhere_leaves_a_prefix_and_the_witness_tells_what_is_gone(tmp_path: Path) -> None:
    """
    F03: without a witness (power loss) a prefix is right, for nothing beyond it was acted on; with one, refuse.
    """
    truth = crashed(tmp_path / "journal.sqlite3", tmp_path / "crashed")
    path = tmp_path / "crashed" / "journal.sqlite3"
    log = path.with_name(path.name + "-wal")
    witness = path.with_name(path.name + "-witness")
    known, content = witness.read_bytes(), log.read_bytes()
    lengths = set()

    for size in {*range(0, len(content), 401), *range(32, len(content), 24 + 4096)}:
        log.write_bytes(content[:size])
        witness.write_bytes(known)

        assert accepted(path) in (None, truth), size
        witness.unlink()
        found = accepted(path)
        assert found is None or truth[: len(found)] == found, size

        lengths.add(len(found or ()))

    assert set(range(COUNT)) <= lengths


def test_a_database_cut_anywhere_is_refused(tmp_path: Path) -> None:
    """
    REL-T11, F06: all truncations of the main file, in steps.
    """
    path = tmp_path / "journal.sqlite3"
    truth = written(path)
    content = path.read_bytes()

    for size in range(0, len(content), 509):
        path.write_bytes(content[:size])
        assert accepted(path) is None, size

    path.write_bytes(content)
    assert truth == accepted(path)


def test_a_torn_witness_bears_no_witness(tmp_path: Path) -> None:
    """
    The witness is not synchronised: a damaged one must not stop a journal that is whole.
    """
    path = tmp_path / "journal.sqlite3"
    truth = written(path)
    witness = path.with_name(path.name + "-witness")
    content = witness.read_bytes()

    for size in range(len(content)):
        witness.write_bytes(content[:size])
        assert truth == accepted(path), size


def test_an_old_copy_of_the_journal_is_refused(tmp_path: Path) -> None:
    """
    F06: a swapped file is found: it ends before what the witness knows.
    """
    path = tmp_path / "journal.sqlite3"
    written(path, 1, 5)
    old = path.read_bytes()
    written(path, 6, 9)
    path.write_bytes(old)

    with pytest.raises(JournalError, match=r"bad record 6: .* the witness file knows 9 records"):
        JournalStore(path)
    assert old == path.read_bytes()


def test_a_snapshot_that_knows_more_than_the_journal_stops_the_start(tmp_path: Path) -> None:
    """
    F06: a snapshot was made after a commit; a journal that ends before it has lost records.
    """
    path = tmp_path / "journal.sqlite3"
    written(path, 1, 5)
    old = path.read_bytes()
    journal = SqliteJournal.open(path, "demo")
    journal.append([record(6)])
    journal.save_snapshot(6, b"state")
    journal.close()
    path.write_bytes(old)
    path.with_name(path.name + "-witness").unlink()

    journal = SqliteJournal.open(path, "demo")
    with pytest.raises(JournalError, match=r"bad record 6: .* the snapshot knows 6 records"):
        journal.load_snapshot()
    journal.close()


def test_a_snapshot_of_another_history_stops_the_start(tmp_path: Path) -> None:
    """
    F06: as many records, but not the same ones.
    """
    path, other = tmp_path / "journal.sqlite3", tmp_path / "other.sqlite3"
    for target, kind in ((path, "OrderIntended"), (other, "OrderDenied")):
        journal = SqliteJournal.open(target, "demo")
        journal.append_raw(1, kind, 1, "", b"{}")
        journal.commit()
        journal.close()
    journal = SqliteJournal.open(other, "demo")
    journal.save_snapshot(1, b"state")
    journal.close()

    journal = SqliteJournal.open(path, "demo")
    with pytest.raises(JournalError, match="the snapshot knows another one"):
        journal.load_snapshot()
    journal.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ('UPDATE record SET payload = \'{"quantity":"9"}\' WHERE sequence = 7', "wrong types"),
        ("UPDATE record SET payload = x'7b7d' WHERE sequence = 7", "does not match its chain"),
        ("UPDATE record SET kind = 'OrderDenied' WHERE sequence = 7", "does not match its chain"),
        ("UPDATE record SET chain = zeroblob(32) WHERE sequence = 7", "does not match its chain"),
        ("UPDATE record SET version = '1.0x' WHERE sequence = 7", "wrong types"),
        ("DELETE FROM record WHERE sequence = 7", "it is missing"),
    ],
    ids=["payload as text", "payload", "kind", "chain", "version", "deleted"],
)
def test_an_edited_record_is_found_and_named(tmp_path: Path, statement: str, problem: str) -> None:
    """
    REL-3: `chain` finds any edit made with SQLite's own tools.
    """
    path = tmp_path / "journal.sqlite3"
    written(path)
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()

    reader = JournalReader(path)
    with pytest.raises(JournalError, match=f"bad record 7: .*{problem}") as refused:
        list(reader.read("demo"))
    reader.close()

    assert 7 == refused.value.got


def test_a_hole_stops_the_start_even_where_nobody_would_read(tmp_path: Path) -> None:
    """
    REL-3: sequences are gapless; checked by counting, without reading every record.
    """
    path = tmp_path / "journal.sqlite3"
    written(path)
    for sequence, gone in ((4, 4), (1, 1)):
        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM record WHERE sequence = ?", (sequence,))
        connection.close()

        with pytest.raises(JournalError, match=f"bad record {gone}: it is missing"):
            JournalStore(path)


# ---- the disk ------------------------------------------------------------------------------------------------


class Disk(sqlite3.Connection):
    """
    A connection whose commits fail for as long as somebody says so.
    """

    failing = False
    commits = 0

    def execute(self, statement: str, *arguments: object) -> sqlite3.Cursor:  # type: ignore[override]
        if statement == "COMMIT":
            Disk.commits += 1
            if Disk.failing:
                raise sqlite3.OperationalError("disk I/O error")
        return super().execute(statement, *arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "always"])
def test_after_a_failed_commit_the_journal_is_dead_for_ever(tmp_path: Path, persistent: bool) -> None:
    """
    F05: fsync is never retried, also when the error would not come again; the record is not there later.
    """
    path = tmp_path / "journal.sqlite3"
    truth = written(path)

    def connect(where: Path) -> sqlite3.Connection:
        return sqlite3.connect(where, isolation_level=None, factory=Disk)

    store = JournalStore(path, connect=connect)
    journal = store.session("demo")
    Disk.failing, Disk.commits = True, 0
    journal.append([record(COUNT + 1)])
    with pytest.raises(JournalError, match=r"must be durable .* disk I/O error"):
        journal.commit()
    Disk.failing = persistent
    for attempt in (
        journal.commit,
        lambda: journal.append([record(COUNT + 2)]),
        lambda: journal.save_snapshot(COUNT, b"state"),
    ):
        with pytest.raises(JournalError, match="takes no more records: commit failed"):
            attempt()
    Disk.failing = False
    store.close()

    assert 1 == Disk.commits
    assert store.failure is not None
    assert truth == accepted(path)


FULL_DISK = """
import resource, sys
from pathlib import Path
from ltm.engine.journal import SqliteJournal
from ltm.model.errors import JournalError

journal = SqliteJournal.open(Path(sys.argv[1]), "demo")
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
sequence = journal.last_sequence()
try:
    while True:
        journal.append_raw(sequence + 1, "OrderIntended", 1, "", b'{"note":"' + b"x" * 3_000 + b'"}')
        journal.commit()
        sequence += 1
except JournalError as error:
    print(sequence, error.code, error.exit_code)
try:
    journal.append_raw(journal.last_sequence() + 1, "OrderIntended", 1, "", b"{}")
    journal.commit()
except JournalError as error:
    print("dead")
"""


def test_a_full_disk_ends_the_journal_and_loses_nothing_committed(tmp_path: Path) -> None:
    """
    F04: a short write at the limit of the file size; after space is freed the restart works.
    """
    path = tmp_path / "journal.sqlite3"
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    first, second = done.stdout.splitlines()
    committed, code, exit_code = first.split()

    assert ("LTM-JNL-001", "3", "dead") == (code, exit_code, second)
    journal = SqliteJournal.open(path, "demo")
    assert int(committed) > 5
    assert journal.last_sequence() in (int(committed), int(committed) + 1)
    journal.append_raw(journal.last_sequence() + 1, "OrderIntended", 1, "", b"{}")
    journal.commit()
    journal.close()


# ---- processes -----------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from ltm.engine.journal import SqliteJournal

journal = SqliteJournal.open(Path(sys.argv[1]), "demo")
sequence = journal.last_sequence()
batch = int(sys.argv[2])
while True:
    for _ in range(batch):
        sequence += 1
        journal.append_raw(sequence, "OrderIntended", 1, "", b'{"note":"' + b"x" * 300 + b'"}')
    journal.commit()
    if sequence % 40 == 0:
        journal.save_snapshot(sequence, b"%d" % sequence)
    print(sequence, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 40])
def test_what_a_killed_process_reported_is_there(tmp_path: Path, batch: int) -> None:
    """
    F01, F02: kill -9 at eight moments, each time on the journal of the one killed before.
    """
    path = tmp_path / "journal.sqlite3"
    for lines in (1, 2, 3, 17, 50, 5, 120, 9):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(batch)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        reported = 0
        for _ in range(lines):
            reported = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        # What it still said before it died counts too.
        said = [int(line) for line in process.stdout.read().split("\n")[:-1]]
        process.stdout.close()
        process.wait(timeout=30)

        journal = SqliteJournal.open(path, "demo")
        last = journal.last_sequence()
        snapshot = journal.load_snapshot()

        assert last >= max([reported, *said])
        assert 0 == last % batch
        assert list(range(1, last + 1)) == [found.sequence for found in journal.read()]
        assert snapshot is None or b"%d" % snapshot[0] == snapshot[1]

        journal.close()


RIVAL = """
import sys
from pathlib import Path
from ltm.engine.journal import SqliteJournal
from ltm.model.errors import JournalError

journal = SqliteJournal.open(Path(sys.argv[1]), "demo")
print(journal.last_sequence(), flush=True)
sys.stdin.readline()
journal.append_raw(journal.last_sequence() + 1, "OrderIntended", 1, "", b"{}")
try:
    journal.commit()
    print("sent")
except JournalError as error:
    print(error.code, error.message)
"""


def test_of_two_processes_that_own_a_session_one_cannot_append(tmp_path: Path) -> None:
    """
    REL-3: the primary key is the fence: what cannot be appended is never sent.
    """
    path = tmp_path / "journal.sqlite3"
    written(path)
    rival = subprocess.Popen(
        [sys.executable, "-c", RIVAL, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert rival.stdout is not None
    assert f"{COUNT}\n" == rival.stdout.readline()
    truth = written(path, COUNT + 1, COUNT + 1)
    said, _ = rival.communicate("go\n", timeout=30)

    assert said.startswith("LTM-JNL-002 ")
    assert f"another process has written sequence {COUNT + 1} of session demo" in said
    assert truth == accepted(path)


def test_the_fence_names_the_session_whose_sequence_was_taken(tmp_path: Path) -> None:
    """
    Of several sessions in one commit, the one that lost its sequence is the one to look at.
    """
    path = tmp_path / "journal.sqlite3"
    mine, theirs = JournalStore(path), JournalStore(path)
    quiet, contested, taken = mine.session("a"), mine.session("demo"), theirs.session("demo")
    taken.append([record(1)])
    taken.commit()
    quiet.append([record(1)])
    contested.append([record(1)])

    with pytest.raises(JournalError, match="has written sequence 1 of session demo"):
        mine.commit()

    mine.close()
    theirs.close()


def test_a_process_that_ends_in_order_leaves_no_log_behind(tmp_path: Path) -> None:
    """
    A state directory can be copied as it is once nothing runs.
    """
    path = tmp_path / "journal.sqlite3"
    written(path)

    log = path.with_name(path.name + "-wal")

    assert not log.exists() or 0 == log.stat().st_size
