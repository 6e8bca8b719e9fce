"""
`ltm journal verify` and `export` (O1).
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ltm.core import events as e
from ltm.core.recovery import replay, save_snapshot
from ltm.engine.journal import SqliteJournal

from .conftest import AT, beginning, write


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """
    A state directory with a short session.
    """
    return write(tmp_path / "state", "hand", beginning())


def execute(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite3")) as connection, connection:
        connection.execute(statement, values)


def test_a_whole_journal_is_intact(ltm, state):
    answer = ltm("journal", "verify", "--json", "--state-dir", state)
    (session,) = answer.json["sessions"]

    assert (0, True, None) == (answer.code, answer.json["intact"], answer.json["problem"])
    assert ["session_id", "records", "chain_head", "state_hash", "first_bad_sequence", "problem"] == list(
        session
    )
    assert ("hand", len(beginning()), None, None) == (
        session["session_id"],
        session["records"],
        session["first_bad_sequence"],
        session["problem"],
    )
    assert 64 == len(session["state_hash"])
    assert session["state_hash"] in ltm("journal", "verify", "--state-dir", state).out


def test_the_state_hash_is_the_same_for_the_same_records(ltm, state, tmp_path):
    other = write(tmp_path / "other", "hand", beginning())
    hashes = {
        ltm("journal", "verify", "--json", "--state-dir", folder).json["sessions"][0]["state_hash"]
        for folder in (state, other)
    }

    assert 1 == len(hashes)


def test_an_edited_record_is_named_and_ends_with_exit_3(ltm, state):
    execute(state, "UPDATE record SET payload = replace(payload, '10000', '90000') WHERE sequence = 5")
    answer = ltm("journal", "verify", "--json", "--state-dir", state)
    (session,) = answer.json["sessions"]

    assert (3, False) == (answer.code, answer.json["intact"])
    assert (5, 4, None) == (session["first_bad_sequence"], session["records"], session["state_hash"])
    assert "first bad   5" in ltm("journal", "verify", "--state-dir", state).out


def test_records_that_do_not_follow_are_a_problem_too(ltm, tmp_path):
    """
    The chain is whole, but nobody could have written this.
    """
    orphan = e.OrderAccepted(at=AT, client_order_id="none", venue_order_id="v")
    folder = write(tmp_path / "state", "hand", [*beginning(), orphan])
    answer = ltm("journal", "verify", "--json", "--state-dir", folder)

    assert 3 == answer.code
    assert "no earlier record created" in answer.json["sessions"][0]["problem"]


def test_a_snapshot_that_differs_from_the_records_is_a_problem(ltm, state):
    """
    REL-3: a snapshot must be what replaying gives.
    """
    journal = SqliteJournal.open(state / "journal.sqlite3", "hand")
    found = replay(journal)
    assert found
    found.orders_today += 1
    save_snapshot(journal, found)
    journal.close()
    answer = ltm("journal", "verify", "--json", "--state-dir", state)

    assert (3, "the snapshot and the records after it do not add up to what all records do") == (
        answer.code,
        answer.json["sessions"][0]["problem"],
    )


def test_one_session_can_be_verified(ltm, state):
    write(state, "other", beginning("other"))

    assert ["other"] == [
        row["session_id"]
        for row in ltm("journal", "verify", "--session", "other", "--json", "--state-dir", state).json[
            "sessions"
        ]
    ]


@pytest.mark.parametrize("command", [("verify",), ("export", "--format", "jsonl")])
def test_an_unknown_session_is_refused(ltm, state, command):
    """
    BAD-033.
    """
    answer = ltm("journal", *command, "--session", "abc", "--state-dir", state)

    assert 2 == answer.code
    assert 'no session "abc"; known: hand' in answer.err


def test_without_a_journal_there_is_nothing_to_verify(ltm):
    assert [0, 0, 0] == [
        ltm("journal", *words).code for words in (("verify",), ("verify", "--json"), ("export",))
    ]
    assert 2 == ltm("journal", "export", "--session", "x").code


def test_export_prints_one_record_a_line(ltm, state):
    write(state, "other", beginning("other"))
    lines = ltm("journal", "export", "--format", "jsonl", "--state-dir", state).out.splitlines()
    rows = [json.loads(line) for line in lines]
    one = ltm("journal", "export", "--session", "other", "--state-dir", state).out.splitlines()

    assert [*range(1, 8), *range(1, 8)] == [row["sequence"] for row in rows]
    assert {"session_id", "sequence", "kind", "version", "recorded_at", "payload", "chain"} == set(rows[0])
    assert lines[7:] == one


def test_export_stops_at_a_broken_record(ltm, state):
    execute(state, "UPDATE record SET kind = 'other' WHERE sequence = 3")
    answer = ltm("journal", "export", "--state-dir", state)

    assert (3, 2) == (answer.code, len(answer.out.splitlines()))
    assert answer.err.startswith("error[LTM-JNL-")


def test_a_file_that_is_no_journal_is_refused(ltm, tmp_path):
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    file = folder / "journal.sqlite3"
    file.write_bytes(b"not a database at all" * 100)
    file.chmod(0o600)

    for words in (("status",), ("journal", "verify"), ("journal", "export"), ("explain", "x")):
        answer = ltm(*words, "--state-dir", folder)

        assert 3 == answer.code, words
        assert "Traceback" not in answer.err
