"""
Reading journals beside whoever writes them.
"""

from pathlib import Path

import pytest

from ltm.cli.journals import SessionJournal
from ltm.core.recovery import replay, save_snapshot
from ltm.engine.journal import JournalStore
from ltm.engine.reader import JournalReader
from ltm.model.errors import JournalError, SessionNotFound
from ltm.ports.shell import Record

from .conftest import beginning, write


@pytest.fixture
def reader(tmp_path: Path):
    """
    A reader of a journal with one session.
    """
    folder = write(tmp_path / "state", "hand", beginning())
    made = JournalReader(folder / "journal.sqlite3")
    yield made
    made.close()


def test_a_journal_opened_to_be_read_is_never_written(reader):
    journal = SessionJournal(reader, "hand")
    for attempt in (
        lambda: journal.append((Record(8, "x", 1, "", b""),)),
        journal.commit,
        lambda: journal.save_snapshot(1, b""),
    ):
        with pytest.raises(JournalError, match="opened to be read"):
            attempt()
    journal.close()

    assert len(beginning()) == journal.last_sequence()


def test_a_session_without_records_has_no_state(reader):
    with pytest.raises(SessionNotFound):
        SessionJournal(reader, "none").state()


def test_the_newest_snapshot_shortens_the_reading(reader, tmp_path):
    store = JournalStore(tmp_path / "state" / "journal.sqlite3")
    written = store.session("hand")
    state = replay(written)
    assert state
    save_snapshot(written, state)
    store.close()
    journal = SessionJournal(reader, "hand")

    assert (state.sequence, state.sequence) == (journal.load_snapshot()[0], journal.state().sequence)


def test_listings_work_while_somebody_writes(ltm, tmp_path):
    """
    The writer keeps its lock and its connection; readers take neither.
    """
    folder = write(tmp_path / "state", "hand", beginning())
    store = JournalStore(folder / "journal.sqlite3")
    try:
        assert 0 == ltm("status", "--json", "--state-dir", folder).code
        assert 0 == ltm("journal", "verify", "--state-dir", folder).code
    finally:
        store.close()
