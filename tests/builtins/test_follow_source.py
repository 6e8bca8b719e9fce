"""
The `file` source that follows a file: whatever happens to the file, each signal is taken once.
"""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ltm.builtins import follow, hooks
from ltm.builtins.config import FileSourceConfig
from ltm.builtins.follow import FollowSource
from ltm.builtins.lines import LONGEST_LINE
from ltm.builtins.sources import FileSource
from ltm.model.errors import ConfigError, SignalError
from ltm.model.market import Quote

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
HEAD = "stock_code,action,score,confidence,timestamp,intent\n"


def line(number, at=NOW, **changes):
    """
    A signal as a line of JSON, told apart by its intent.
    """
    values = {"stock_code": "ACME", "action": "buy", "score": 1, "confidence": 1, "timestamp": at.isoformat()}
    return json.dumps({**values, "intent": number, **changes}) + "\n"


def row(number):
    return f"ACME,buy,1,1,{NOW.isoformat()},{number}\n"


class Followed:
    """
    A file, somebody who writes to it, and the source that follows it; a second passes with each look.
    """

    def __init__(self, folder, name="signals.jsonl", *, made=True):
        self.path = folder / name
        self.now = NOW
        self.woken = 0
        self.rotations = 0
        if made:
            self.path.touch()
        self.source = FollowSource(FileSourceConfig(path=self.path, follow=True))
        self.source.open(self._wake)

    def _wake(self):
        self.woken += 1

    def write(self, text, path=None):
        with (path or self.path).open("ab") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def rotate(self):
        """
        Rename the file and make a new one, as logrotate does; return where the old one is.
        """
        self.rotations += 1
        old = self.path.with_suffix(f".{self.rotations}")
        self.path.rename(old)
        self.path.touch()
        return old

    def look(self, seconds=1.0):
        self.now += timedelta(seconds=seconds)
        return list(self.source.poll(self.now))

    def taken(self, seconds=1.0):
        """
        The intents of the signals that are released now; nothing else may come.
        """
        items = self.look(seconds)
        assert not [item for item in items if isinstance(item, SignalError)]
        return [item.intent for item in items]

    def problems(self, seconds=1.0):
        return [str(item) for item in self.look(seconds) if isinstance(item, SignalError)]


@pytest.fixture
def followed(tmp_path):
    one = Followed(tmp_path)
    yield one
    one.source.close()
    assert one.source.exhausted


def test_a_configuration_chooses_whether_to_follow(tmp_path):
    offers = {}
    hooks.ltm_register_signal_sources(lambda name, **offer: offers.update({name: offer}))
    factory = offers["file"]["factory"]

    assert type(factory(FileSourceConfig(path=tmp_path / "a.jsonl"))) is FileSource
    made = factory(FileSourceConfig(path=tmp_path / "a.jsonl", follow=True))
    assert (FollowSource, "file") == (type(made), made.name)
    assert () == made.on_quote(Quote("ACME", NOW))


def test_what_is_added_is_taken(followed):
    followed.write(line(1) + line(2))

    assert [1, 2] == followed.taken()
    assert [] == followed.taken()
    followed.write(line(3))
    assert [3] == followed.taken()
    assert not followed.source.exhausted


def test_what_was_there_at_the_start_is_taken_too(tmp_path):
    """
    What was written while ltm did not run is not lost; what was traded before is known by its key.
    """
    (tmp_path / "signals.jsonl").write_text(line(1) + line(2), encoding="utf-8")

    assert [1, 2] == Followed(tmp_path).taken()


def test_half_a_line_waits_for_the_other_half(followed):
    """
    Cut anywhere, also inside of a character: nothing is parsed before its end has come.
    """
    text = line(7, stock_code="ACME").encode()
    for index in range(len(text) - 1):
        followed.write(text[index : index + 1])
        assert [] == followed.taken(0.2)
    followed.write(text[-1:])

    assert [7] == followed.taken()


def test_a_line_that_never_ends_is_told_once(followed):
    """
    Somebody forgot the newline: the signal waits, and a person is told why.
    """
    followed.write(line(1).rstrip("\n"))

    assert [] == followed.problems(1)
    assert [] == followed.problems(9)
    assert ["the last line has no end: it is taken once it has one"] == followed.problems(1)
    assert [] == followed.problems(60)
    followed.write("\n")
    assert [1] == followed.taken()


def test_a_bad_line_harms_no_other(followed):
    followed.write(line(1) + "{nonsense\n" + "x" * (LONGEST_LINE + 1) + "\n" + line(2))
    items = followed.look() + followed.look()

    wrong = [item for item in items if isinstance(item, SignalError)]
    assert [1, 2] == [item.intent for item in items if item not in wrong]
    assert ["signals.jsonl, line 2", "signals.jsonl, line 3"] == [item.where for item in wrong]


# --- Rotation ---------------------------------------------------------------------------------------


def test_a_rotated_file_is_read_to_its_end(followed):
    """
    Written before the rename and not read yet, after it by a writer that does not know, and to the new file.
    """
    followed.write(line(1))
    assert [1] == followed.taken()
    followed.write(line(2))
    old = followed.rotate()
    followed.write(line(3), old)
    followed.write(line(4))

    assert [2, 3, 4] == followed.taken()
    followed.write(line(5), old)
    followed.write(line(6))
    assert [5, 6] == followed.taken()


@pytest.mark.parametrize(
    ("seconds", "expected"), [(58, [2]), (59, [2]), (61, [])], ids=["in", "at", "beyond"]
)
def test_a_rotated_file_is_let_go_after_a_minute(followed, seconds, expected):
    """
    By then its writer has moved on; files must not be held open for ever.
    """
    old = followed.rotate()
    assert [] == followed.taken()
    followed.taken(seconds)
    followed.write(line(2), old)

    assert expected == followed.taken(1)
    followed.look(61)
    assert 1 == len(followed.source._streams)


def test_a_line_that_is_completed_after_the_rotation_is_whole(followed):
    """
    The writer was in the middle of a line.
    """
    text = line(1)
    followed.write(text[:20])
    assert [] == followed.taken()
    old = followed.rotate()
    followed.write(line(2))
    assert [2] == followed.taken()
    followed.write(text[20:], old)

    assert [1] == followed.taken()


def test_the_last_line_of_a_rotated_file_counts_without_an_end_if_it_is_whole(followed):
    """
    A JSON object shows whether it is.
    """
    followed.write(line(1).rstrip("\n"))
    old = followed.rotate()
    assert [] == followed.taken()
    assert [1] == [item.intent for item in followed.look(61) if not isinstance(item, SignalError)]

    followed.write(line(2)[:30])
    followed.taken()
    followed.rotate()
    followed.look()
    assert ["must be a JSON object" in text for text in followed.problems(61)] == [True]
    assert old.exists()


def test_half_a_row_is_never_taken_for_a_whole_one(tmp_path):
    """
    A quantity of 100 whose last digit is missing is a quantity of 10.
    """
    followed = Followed(tmp_path, "signals.csv")
    followed.write(HEAD + row(1) + row(234).rstrip("\n")[:-1])
    assert [1] == followed.taken()
    followed.rotate()
    followed.look()

    assert ["the last line had no end when the file was rotated away: it is not taken"] == followed.problems(
        61
    )
    followed.source.close()


def test_every_file_of_rows_has_its_own_names(tmp_path):
    """
    A new file begins anew; one without the names of its columns is told, and the next one is read again.
    """
    followed = Followed(tmp_path, "signals.csv")
    followed.write(HEAD + row(1))
    assert [1] == followed.taken()
    followed.rotate()
    followed.write(HEAD + row(2))
    assert [2] == followed.taken()
    followed.rotate()
    followed.write(row(3) + row(4))
    assert 1 == len(followed.problems())
    followed.write(row(5))
    assert [] == followed.taken()
    followed.rotate()
    followed.write(HEAD + row(6))
    assert [6] == followed.taken()
    followed.source.close()


def test_a_file_that_is_moved_away_and_back_is_not_read_again(followed):
    followed.write(line(1))
    assert [1] == followed.taken()
    away = followed.path.with_name("away")
    followed.path.rename(away)
    followed.path.touch()
    assert [] == followed.taken()
    away.replace(followed.path)
    followed.write(line(2))

    assert [2] == followed.taken()
    followed.look(61)
    followed.write(line(3))
    assert [3] == followed.taken()


def test_a_link_that_is_pointed_elsewhere_is_a_rotation(tmp_path):
    (tmp_path / "one").write_text(line(1), encoding="utf-8")
    (tmp_path / "two").write_text(line(2), encoding="utf-8")
    (tmp_path / "signals.jsonl").symlink_to(tmp_path / "one")
    followed = Followed(tmp_path)
    assert [1] == followed.taken()
    (tmp_path / "new").symlink_to(tmp_path / "two")
    (tmp_path / "new").replace(followed.path)

    assert [2] == followed.taken()
    followed.source.close()


# --- Truncation and re-creation ---------------------------------------------------------------------


@pytest.mark.parametrize("more", [0, 1, 5], ids=["shorter", "as long", "longer"])
def test_a_truncated_file_is_another_beginning(followed, more):
    """
    Also when it has grown past the place that was read by the time somebody looks.
    """
    followed.write(line(1) + line(2))
    assert [1, 2] == followed.taken()
    followed.path.write_text("".join(line(number) for number in range(3, 4 + more)), encoding="utf-8")

    assert [*range(3, 4 + more)] == followed.taken()


def test_a_truncated_file_that_is_still_empty_is_another_beginning(followed):
    followed.write(line(1)[:30])
    assert [] == followed.taken()
    os.truncate(followed.path, 0)
    assert [] == followed.taken()
    followed.write(line(2))

    assert [2] == followed.taken()


def test_the_same_lines_again_come_again_and_have_the_same_keys(followed):
    """
    An editor has written the whole file anew: what was traded before is known by its key.
    """
    followed.write(line(1))
    assert [1] == followed.taken()
    fresh = followed.path.with_name("fresh")
    fresh.write_text(line(1) + line(2), encoding="utf-8")
    fresh.replace(followed.path)

    assert [1, 2] == followed.taken()


def test_a_removed_file_is_waited_for(followed):
    """
    What it still held is taken, its absence told once, and what comes in its place is read.
    """
    followed.write(line(1))
    followed.path.unlink()
    items = followed.look()

    assert ["signals.jsonl cannot be read now and is waited for: No such file or directory"] == [
        str(item) for item in items if isinstance(item, SignalError)
    ]
    assert [1] == [item.intent for item in items if not isinstance(item, SignalError)]
    assert [] == followed.look()
    followed.write(line(2))
    assert [2] == followed.taken()
    followed.path.unlink()
    assert 1 == len(followed.problems())


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path):
    followed = Followed(tmp_path, made=False)

    assert 1 == len(followed.problems())
    assert [] == followed.look()
    followed.write(line(1))
    assert [1] == followed.taken()
    followed.source.close()


def test_what_is_no_file_is_waited_for(followed):
    """
    A folder or a pipe in its place: told once, and opening it waits for nobody.
    """
    followed.path.unlink()
    followed.path.mkdir()
    assert ["it is no regular file" in text for text in followed.problems()] == [True]
    assert [] == followed.problems()
    followed.path.rmdir()
    os.mkfifo(followed.path)
    assert [] == followed.problems()
    followed.path.unlink()
    followed.write(line(1))

    assert [1] == followed.taken()


# --- Time -------------------------------------------------------------------------------------------


def test_each_signal_is_released_at_its_time(followed):
    """
    One that is for later holds nothing up; among those that are due, the earlier time is first.
    """
    later, soon = NOW + timedelta(hours=1), NOW - timedelta(minutes=1)
    followed.write(line(1, later) + line(2) + line(3, soon) + line(4))

    assert [3, 2, 4] == followed.taken()
    assert [] == followed.taken(3598)
    assert [1] == followed.taken(1)


def test_between_two_looks_there_is_a_pause(followed):
    """
    It is asked at every moment of a busy market, and a tenth of a second is soon enough.
    """
    assert [] == followed.taken()
    followed.write(line(1))

    assert [] == followed.taken(0.099)
    assert [1] == followed.taken(0.001)


def test_a_clock_that_is_set_back_stops_nothing(followed):
    followed.write(line(1, NOW - timedelta(days=1)))
    followed.taken()
    followed.write(line(2, NOW - timedelta(days=1)))

    assert [2] == followed.taken(-3600)


def test_a_long_file_is_read_piece_by_piece(followed):
    """
    A session does not stand still while a backlog is read; it is told that there is more.
    """
    followed.write("".join(line(number) for number in range(2000)))
    first = followed.taken(0.0)

    assert 0 < len(first) < 2000
    assert followed.woken
    rest = []
    while len(first) + len(rest) < 2000:
        rest += followed.taken(0.0)
    assert [*range(2000)] == first + rest


def test_a_flood_of_signals_for_later_is_bounded(followed, monkeypatch):
    """
    Nothing is read until some of them were released, and nothing is lost.
    """
    monkeypatch.setattr(follow, "_WAITING", 3)
    later = NOW + timedelta(hours=1)
    followed.write("".join(line(number, later) for number in range(3)))
    followed.taken()
    followed.write(line(3))

    assert [] == followed.taken()
    assert [0, 1, 2] == followed.taken(3600)
    assert [3] == followed.taken()


def test_a_closed_source_gives_nothing(followed):
    followed.write(line(1, NOW + timedelta(hours=1)))
    followed.taken()
    followed.source.close()

    assert followed.source.exhausted
    assert [] == followed.source._waiting


# --- The start --------------------------------------------------------------------------------------


def refused(path):
    with pytest.raises(ConfigError) as caught:
        FollowSource(FileSourceConfig(path=path, follow=True)).open(lambda: None)
    return caught.value.message


def test_a_path_that_can_never_be_read_is_refused(tmp_path):
    """
    A folder that is not there is a misspelling; a file that is not there yet may come.
    """
    (tmp_path / "folder.jsonl").mkdir()

    assert "its folder is not there" in refused(tmp_path / "none" / "signals.jsonl")
    assert "it is no regular file" in refused(tmp_path / "folder.jsonl")


# --- Anything ---------------------------------------------------------------------------------------


class Clumsy(Followed):
    """
    Writes signals as badly as can be, and counts them. What would lose them for everybody is left out: to truncate
    what nobody has read yet, and to take a file away before anybody has seen it.
    """

    def __init__(self, folder):
        super().__init__(folder)
        self.written = 0
        self.got = []
        self.rest = ""
        self.old = self.path

    def whole(self):
        self.write(self.rest or self._next())
        self.rest = ""

    def half(self):
        if not self.rest:
            text = self._next()
            cut = len(text) * (self.written % 9 + 1) // 11
            self.write(text[:cut])
            self.rest = text[cut:]

    def late(self):
        """
        Write to the file that was rotated away.
        """
        if self.old != self.path:
            self.write(self._next(), self.old)

    def away(self):
        self.watch()
        self.whole()
        self.old = self.rotate()

    def again(self):
        self.watch()
        self.whole()
        self.path.unlink()
        self.path.touch()

    def shorter(self):
        self.whole()
        self.watch()
        os.truncate(self.path, 0)

    def watch(self):
        self.got += self.look()

    def glance(self):
        self.got += self.look(0.05)

    def _next(self):
        self.written += 1
        return line(self.written - 1)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.sampled_from(["whole", "half", "late", "away", "again", "shorter", "watch", "glance"]), max_size=40
    )
)
def test_whatever_happens_to_the_file_each_signal_comes_once(tmp_path_factory, steps):
    """
    Written in pieces, rotated, removed and made again, truncated, in any order: no signal is lost or taken twice.
    """
    clumsy = Clumsy(tmp_path_factory.mktemp("any"))
    for step in [*steps, "whole", "watch", "watch"]:
        getattr(clumsy, step)()
    clumsy.source.close()

    assert [*range(clumsy.written)] == sorted(item.intent for item in clumsy.got)
