"""
Exchange calendars and dates that differ, as a configuration names them (BAD-019, RSK-26).
"""

import sys
from datetime import UTC, date, datetime

import pytest

from ltm.config import session_spec
from ltm.model.errors import ConfigErrors
from ltm.model.hours import FOREVER

VALUES = {"id": "demo", "model_id": "m1", "initial_capital": 100_000}


def terms(**values):
    return session_spec({**VALUES, **values}, broker="mock")


def calendar(name, **values):
    return terms(trading_hours={"calendar": name}, **values)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "moment", "expected"),
    [
        ("XSHG", "2026-09-30T01:30", (True, "2026-09-30T03:30")),
        ("XSHG", "2026-09-30T03:30", (False, "2026-09-30T05:00")),
        ("XSHG", "2026-09-30T07:00", (False, "2026-10-08T01:30")),
        ("XNYS", "2025-11-27T15:00", (False, "2025-11-28T14:30")),
        ("XNYS", "2025-11-28T17:59", (True, "2025-11-28T18:00")),
        ("XNYS", "2026-03-06T14:30", (True, "2026-03-06T21:00")),
        ("XNYS", "2026-03-09T13:30", (True, "2026-03-09T20:00")),
        ("CMES", "2026-01-05T12:00", (True, "2026-01-09T23:00")),
        ("CMES", "2026-01-10T12:00", (False, "2026-01-11T23:00")),
    ],
    ids=[
        "morning",
        "lunch",
        "golden week",
        "thanksgiving",
        "half day",
        "winter time",
        "summer time",
        "over midnight",
        "weekend",
    ],
)
def test_a_calendar_knows_holidays_half_days_breaks_and_evenings(name, moment, expected):
    """
    C14: as the exchanges published them.
    """
    openings = calendar(name).openings

    assert (expected[0], utc(expected[1])) == openings.opening_at(utc(moment))


def test_a_market_that_never_closes_has_one_opening():
    openings = calendar("24/7").openings

    assert 1 == len(openings.spans)
    assert (True, openings.until) == openings.opening_at(utc("2026-01-10T12:00"))


def test_a_calendar_says_how_far_it_is_known():
    """
    XSHG ends with the year that the exchange has published: beyond, nothing is asked of it.
    """
    found = calendar("XSHG")
    openings = found.openings

    assert (f"session demo: calendar XSHG is known until {openings.until:%Y-%m-%d}",) == found.notices
    assert (12, 7) == (openings.until.month, openings.until.hour)
    assert (True, FOREVER) == openings.opening_at(openings.until)
    assert not openings.knows(openings.until)
    assert (True, openings.since) == openings.opening_at(utc("1980-01-01T00:00"))
    assert not openings.knows(utc("1980-01-01T00:00"))


@pytest.mark.parametrize(
    ("values", "zone", "roll"),
    [
        ({"name": "XSHG"}, "Asia/Shanghai", 0),
        ({"name": "CMES"}, "America/Chicago", 17 * 60),
        ({"name": "CMES", "day_roll": "00:00"}, "America/Chicago", 0),
        ({"name": "XNYS", "timezone": "UTC"}, "UTC", 0),
    ],
    ids=["equities", "futures", "said otherwise", "another zone"],
)
def test_zone_and_roll_are_those_of_the_calendar(values, zone, roll):
    """
    RSK-09: equities roll at midnight, futures when the evening's session opens.
    """
    spec = calendar(**values).spec

    assert (zone, roll, values["name"]) == (spec.timezone, spec.day_roll, spec.calendar)


def test_dates_that_differ_replace_those_of_the_calendar():
    days = {"2026-09-29": "closed", "2026-09-30": "09:30-11:30"}
    found = calendar("XSHG", trading_days=days)

    assert (False, utc("2026-09-30T01:30")) == found.openings.opening_at(utc("2026-09-29T02:00"))
    assert (False, utc("2026-10-08T01:30")) == found.openings.opening_at(utc("2026-09-30T03:30"))
    assert ((date(2026, 9, 29), ()), (date(2026, 9, 30), ((570, 690),))) == found.spec.trading_days


def test_a_date_may_not_close_later_than_the_calendar_says():
    """
    BAD-019.
    """
    with pytest.raises(ConfigErrors, match="on 2026-09-30 closes later than usual"):
        calendar("XSHG", trading_days={"2026-09-30": "09:30-15:01"})


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)

    with pytest.raises(ConfigErrors) as caught:
        calendar("XSHG")

    assert "pip install 'ltm[calendars]'" == caught.value.problems[0].hint


@pytest.fixture
def days(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, **values):
        (tmp_path / "days.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        hours = {"start": "18:00", "end": "02:00", "overnight": True}
        return terms(trading_hours=hours, timezone="UTC", trading_days="days.csv", **values)

    return write


def test_a_file_of_dates_is_read(days):
    spec = days("date,hours\n2026-12-25,closed\n\n2026-12-24, 18:00-01:00\n").spec

    assert ((date(2026, 12, 24), ((1080, 60),)), (date(2026, 12, 25), ())) == spec.trading_days


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("date,hours\n2026-12-25,closed\n2026-02-30,closed\n", "days.csv, line 3", "names dates such as"),
        (
            "date,hours\n2026-12-25,closed\n2026-12-25,closed\n",
            "days.csv, line 3",
            "names 2026-12-25 twice (first: days.csv, line 2)",
        ),
        ("date,hours\n2026-12-24,18:00-02:01\n", "days.csv, line 2", "on 2026-12-24 closes later than usual"),
        (
            "date,hours\n2026-12-24,18-19\n",
            "days.csv, line 2",
            'must be "HH:MM-HH:MM" or "closed", got "18-19"',
        ),
        ("date,hours\n2026-12-24\n", "days.csv, line 2", "must have 2 columns on each line, got 1"),
        ("day\n", "days.csv, line 1", "must begin with the header date,hours"),
        ("", "days.csv, line 1", "must begin with the header date,hours"),
        (b"\xff\xfe", "days.csv", "must be UTF-8 text"),
        (b"#" * 1_000_001, "days.csv", "is larger than 1 MB"),
    ],
    ids=[
        "no such day",
        "twice",
        "later than close",
        "no hours",
        "columns",
        "header",
        "empty",
        "bytes",
        "large",
    ],
)
def test_a_bad_line_of_the_file_is_named(days, text, where, message):
    """
    BAD-019.
    """
    with pytest.raises(ConfigErrors) as caught:
        days(text)

    problem = caught.value.problems[0]
    assert ("LTM-CFG-019", where) == (problem.code, problem.where)
    assert message in problem.message
