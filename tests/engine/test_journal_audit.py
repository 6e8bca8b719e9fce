"""
`ltm journal verify`, `export` and `repair` on journals that are whole and on journals that are not.
"""

import json
import sqlite3
import stat
from pathlib import Path

import pytest

from ltm.engine.audit import LOST, export, repair, verify
from ltm.engine.journal import JournalStore, SqliteJournal
from ltm.engine.reader import JournalReader
from ltm.model.errors import JournalError, SessionNotFound

COUNT = 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """
    A journal with two sessions of eight records each.
    """
    made = tmp_path / "journal.sqlite3"
    store = JournalStore(made)
    for session_id in ("demo", "other"):
        journal = store.session(session_id)
        for sequence in range(1, COUNT + 1):
            journal.append_raw(
                sequence, "OrderIntended", 1, "2026-03-02T09:30:00Z", b'{"quantity":"%d"}' % sequence
            )
    store.commit()
    store.close()
    return made


def execute(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def test_a_whole_journal_is_intact(path: Path) -> None:
    """
    O1: `ltm journal verify` says how many records, and the head of each chain.
    """
    report = verify(path)
    journal = SqliteJournal.open(path, "demo")

    assert report.intact
    assert [("demo", COUNT), ("other", COUNT)] == [
        (found.session_id, found.records) for found in report.sessions
    ]
    assert journal.chain_head().hex() == report.sessions[0].head

    journal.close()


def test_verify_can_look_at_one_session(path: Path) -> None:
    """
    A damaged neighbour does not make a session bad.
    """
    execute(path, "UPDATE record SET kind = 'x' WHERE session_id = 'other' AND sequence = 2")

    assert verify(path, "demo").intact
    with pytest.raises(SessionNotFound):
        verify(path, "nobody")


@pytest.mark.parametrize(
    ("statement", "records", "first_bad"),
    [
        ("UPDATE record SET payload = x'7b7d' WHERE session_id = 'demo' AND sequence = 5", 4, 5),
        ("DELETE FROM record WHERE session_id = 'demo' AND sequence = 3", 2, 3),
        ("DELETE FROM record WHERE session_id = 'demo' AND sequence > 6", 6, 7),
        ("DELETE FROM record WHERE session_id = 'demo'", 0, 1),
    ],
    ids=["edited", "hole", "end cut off", "all gone"],
)
def test_verify_names_the_first_bad_record(path: Path, statement: str, records: int, first_bad: int) -> None:
    """
    F06: the place is named, for the session it happened to.
    """
    execute(path, statement)
    report = verify(path)
    demo, other = report.sessions

    assert not report.intact
    assert (records, first_bad) == (demo.records, demo.first_bad)
    assert demo.problem is not None
    assert f"bad record {first_bad}" in demo.problem
    assert other.problem is None


def test_verify_tells_damage_of_the_file_from_damage_of_a_session(path: Path) -> None:
    """
    A page that SQLite does not understand belongs to no session.
    """
    content = path.read_bytes()
    path.write_bytes(content[:-4096])

    with pytest.raises(JournalError, match="must be intact"):
        verify(path)


def test_export_yields_every_record_as_json(path: Path) -> None:
    """
    O1: `ltm journal export` for tests from outside.
    """
    lines = [json.loads(json.dumps(row)) for row in export(path, "demo")]

    assert list(range(1, COUNT + 1)) == [line["sequence"] for line in lines]
    assert {"quantity": "3"} == lines[2]["payload"]
    assert {"session_id", "sequence", "kind", "version", "recorded_at", "payload", "chain"} == set(lines[0])
    assert [7, 8] == [row["sequence"] for row in export(path, "demo", after=6)]


def test_export_stops_at_a_bad_record(path: Path) -> None:
    """
    What cannot be trusted is not handed on.
    """
    execute(path, "UPDATE record SET kind = 'x' WHERE session_id = 'demo' AND sequence = 4")
    rows = export(path, "demo")

    assert [1, 2, 3] == [next(rows)["sequence"] for _ in range(3)]
    with pytest.raises(JournalError, match="bad record 4"):
        next(rows)
    with pytest.raises(SessionNotFound):
        next(export(path, "nobody"))


def test_repair_keeps_what_is_whole_and_never_frees_a_sequence(path: Path) -> None:
    """
    REL-3: the intact prefix is copied, the rest quarantined; lost sequences stay taken (client order ids).
    """
    execute(path, "UPDATE record SET payload = x'7b7d' WHERE session_id = 'demo' AND sequence = 5")
    before = path.read_bytes()
    output = path.with_name("repaired.sqlite3")
    outcome = repair(path, output)

    assert before == path.read_bytes()
    assert {"demo": 4, "other": COUNT} == outcome.copied
    assert [("demo", 5, COUNT, 4)] == [
        (loss.session_id, loss.first, loss.last, loss.quarantined) for loss in outcome.lost
    ]
    assert verify(output).intact
    reader = JournalReader(output)
    kinds = [record.kind for record in reader.read("demo")]
    reader.close()
    assert ["OrderIntended"] * 4 + [LOST] * 4 == kinds


def test_repair_quarantines_what_can_still_be_read_for_its_owner_only(path: Path) -> None:
    """
    SEC-02: what is set aside is as private as the journal.
    """
    execute(path, "DELETE FROM record WHERE session_id = 'demo' AND sequence = 5")
    outcome = repair(path, path.with_name("repaired.sqlite3"))
    assert outcome.quarantine is not None
    quarantine = Path(outcome.quarantine)
    rows = [json.loads(line) for line in quarantine.read_text(encoding="ascii").splitlines()]

    assert 0o600 == stat.S_IMODE(quarantine.stat().st_mode)
    assert [6, 7, 8] == [row["sequence"] for row in rows]
    assert b'{"quantity":"6"}' == bytes.fromhex(rows[0]["payload"])


def test_repair_takes_the_witness_word_for_records_that_are_gone(path: Path) -> None:
    """
    REL-3: records of which nothing is left are still lost records.
    """
    execute(path, "DELETE FROM record WHERE session_id = 'demo' AND sequence > 6")
    outcome = repair(path, path.with_name("repaired.sqlite3"))

    assert outcome.quarantine is None
    assert [(7, COUNT, 0)] == [(loss.first, loss.last, loss.quarantined) for loss in outcome.lost]


def test_repair_of_a_whole_journal_is_a_copy(path: Path) -> None:
    """
    Nothing lost, nothing added.
    """
    output = path.with_name("repaired.sqlite3")
    outcome = repair(path, output)

    assert () == outcome.lost
    assert verify(path).sessions == verify(output).sessions


def test_repair_overwrites_nothing(path: Path) -> None:
    """
    A journal is never the output of a repair.
    """
    with pytest.raises(JournalError, match="output must not exist"):
        repair(path, path)
