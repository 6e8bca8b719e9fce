"""
Trading hours and the trading date, through every change of the clocks from 2020 to 2035 (RSK-09, RSK-26, REL-T10).
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.model.hours import TradingDay, TradingHours, Window, instant_of, minutes_of, usable_zone, zone_of

ZONES = [
    "America/New_York",
    "America/Chicago",
    "Europe/London",
    "America/Santiago",
    "Asia/Beirut",
    "Australia/Lord_Howe",
]
ROLLS = [0, 30, 17 * 60, 2 * 60 + 30, 23 * 60 + 30]
START, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@cache
def transitions(name):
    """
    Every instant from 2020 to 2035 at which a zone's clocks jump.
    """
    zone, found = ZoneInfo(name), []
    before, step = START, timedelta(hours=6)
    while before < END:
        low, high = before, before + step
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            while high - low > SECOND:
                middle = (low + (high - low) / 2).replace(microsecond=0)
                same = middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high)
        before += step
    return found


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("roll", ROLLS, ids=lambda roll: f"roll {roll // 60:02}:{roll % 60:02}")
def test_a_date_rolls_exactly_once_around_every_change_of_the_clocks(name, roll):
    """
    REL-T10, RSK-09: each roll opens the next date, none is left out, and nothing between two rolls changes it.
    """
    day = TradingDay(ZoneInfo(name), roll)

    assert len(transitions(name)) >= 30
    for transition in transitions(name):
        now = transition - timedelta(days=2)
        for _ in range(4):
            rolled = day.next_roll(now)
            assert rolled > now
            assert day.date_at(rolled) == day.date_at(rolled - SECOND) + timedelta(days=1)
            assert day.date_at(now) == day.date_at(rolled - SECOND)
            assert timedelta(hours=22) <= day.next_roll(rolled) - rolled <= timedelta(hours=26)
            now = rolled


@pytest.mark.parametrize("name", ZONES)
def test_the_date_never_goes_back(name):
    """
    RSK-09: looked at every quarter of an hour around each change of the clocks.
    """
    day = TradingDay(ZoneInfo(name))
    for transition in transitions(name):
        moments = [transition + timedelta(minutes=15 * step) for step in range(-100, 100)]
        dates = [day.date_at(moment) for moment in moments]

        assert {timedelta(0), timedelta(days=1)} == {after - before for before, after in pairwise(dates)}


def test_midnight_falls_into_gaps():
    """
    RSK-09: 16 times in these zones and years, so that the tests above have met them.
    """
    gaps = [
        transition
        for name in ("America/Santiago", "Asia/Beirut")
        for transition in transitions(name)
        if instant_of(transition.astimezone(ZoneInfo(name)).date(), 0, ZoneInfo(name)) == transition
        and transition.astimezone(ZoneInfo(name)).hour == 1
    ]

    assert len(gaps) >= 16


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "day", "minutes", "expected"),
    [
        ("America/New_York", "2026-03-08", 90, "2026-03-08T06:30"),
        ("America/New_York", "2026-03-08", 120, "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08", 150, "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08", 180, "2026-03-08T07:00"),
        ("America/New_York", "2026-11-01", 90, "2026-11-01T05:30"),
        ("America/New_York", "2026-11-01", 120, "2026-11-01T07:00"),
        ("Australia/Lord_Howe", "2026-10-04", 130, "2026-10-03T15:30"),
        ("UTC", "2028-02-29", 1440, "2028-03-01T00:00"),
        ("Pacific/Apia", "2011-12-30", 600, "2011-12-30T10:00"),
    ],
    ids=[
        "before a gap",
        "gap begins",
        "in a gap",
        "gap ends",
        "in a fold",
        "after a fold",
        "half an hour",
        "leap day",
        "a day without",
    ],
)
def test_a_local_time_is_one_instant(name, day, minutes, expected):
    """
    RSK-09: in a gap the first instant after it, in a fold the first of the two.
    """
    assert utc(expected) == instant_of(date.fromisoformat(day), minutes, ZoneInfo(name))


@pytest.mark.parametrize(
    ("roll", "moment", "expected"),
    [
        (0, "2026-01-05T15:59:59", "2026-01-05"),
        (0, "2026-01-05T16:00:00", "2026-01-06"),
        (17 * 60, "2026-01-05T08:59:59", "2026-01-05"),
        (17 * 60, "2026-01-05T09:00:00", "2026-01-06"),
        (6 * 60, "2026-01-05T21:59:59", "2026-01-05"),
        (6 * 60, "2026-01-05T22:00:00", "2026-01-06"),
    ],
)
def test_the_date_of_an_instant(roll, moment, expected):
    """
    RSK-09: in Shanghai; an evening's roll opens the next calendar date, a morning's the same.
    """
    assert date.fromisoformat(expected) == TradingDay(ZoneInfo("Asia/Shanghai"), roll).date_at(utc(moment))


@pytest.mark.parametrize("roll", [0, 6 * 60, 17 * 60])
@pytest.mark.parametrize("name", ZONES)
def test_a_date_begins_at_the_roll_that_opens_it(name, roll):
    """
    RSK-09: the instant before is of the date before.
    """
    day = TradingDay(ZoneInfo(name), roll)
    for offset in range(0, 3000, 7):
        date_of = date(2024, 1, 1) + timedelta(days=offset)
        begin = day.begin_of(date_of)

        assert (date_of, date_of - timedelta(days=1)) == (day.date_at(begin), day.date_at(begin - SECOND))


SHANGHAI = TradingHours((Window(570, 690), Window(780, 900)), ZoneInfo("Asia/Shanghai"), frozenset(range(5)))


@pytest.mark.parametrize(
    ("moment", "is_open", "changes"),
    [
        ("2026-01-05T01:29:59", False, "2026-01-05T01:30"),
        ("2026-01-05T01:30:00", True, "2026-01-05T03:30"),
        ("2026-01-05T03:29:59", True, "2026-01-05T03:30"),
        ("2026-01-05T03:30:00", False, "2026-01-05T05:00"),
        ("2026-01-05T05:00:00", True, "2026-01-05T07:00"),
        ("2026-01-05T07:00:00", False, "2026-01-06T01:30"),
        ("2026-01-09T07:00:00", False, "2026-01-12T01:30"),
        ("2026-01-11T12:00:00", False, "2026-01-12T01:30"),
    ],
)
def test_windows_are_half_open(moment, is_open, changes):
    """
    RSK-26: [start, end), with a lunch break and a weekend.
    """
    assert (is_open, utc(changes)) == SHANGHAI.opening_at(utc(moment))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-01-05T16:00", False),
        ("2026-01-05T23:00", True),
        ("2026-01-06T21:59", True),
        ("2026-01-06T22:00", False),
        ("2026-01-10T12:00", True),
        ("2026-01-11T12:00", False),
    ],
)
def test_an_overnight_window_belongs_to_the_day_it_begins(moment, is_open):
    """
    RSK-26: Sunday's is left out here, Friday's ends on Saturday.
    """
    hours = TradingHours((Window(17 * 60, 16 * 60),), ZoneInfo("America/Chicago"), frozenset(range(5)))

    assert is_open == hours.opening_at(utc(moment))[0]


def test_around_the_clock_is_always_open():
    """
    Back-to-back windows leave no hole, at any change of the clocks.
    """
    for name in ZONES:
        hours = TradingHours((Window(0, 1440),), ZoneInfo(name))
        for transition in transitions(name)[:4]:
            for minutes in range(-1500, 1500, 30):
                assert hours.opening_at(transition + timedelta(minutes=minutes))[0]


def test_a_window_inside_a_gap_does_not_open_that_day():
    """
    RSK-09: 02:00 to 03:00 does not exist when the clocks go forward, and must not last till the next day.
    """
    hours = TradingHours((Window(120, 180),), ZoneInfo("America/New_York"))

    assert (False, utc("2026-03-09T06:00")) == hours.opening_at(utc("2026-03-08T07:00"))
    assert (False, utc("2026-03-09T06:00")) == hours.opening_at(utc("2026-03-08T12:00"))
    assert (True, utc("2026-03-09T07:00")) == hours.opening_at(utc("2026-03-09T06:30"))


def test_one_day_a_week_is_enough():
    """
    The next opening may be a week away.
    """
    hours = TradingHours((Window(540, 600),), ZoneInfo("UTC"), frozenset({0}))

    assert (False, utc("2026-01-12T09:00")) == hours.opening_at(utc("2026-01-05T10:00"))
    assert (False, utc("2026-01-12T09:00")) == hours.opening_at(utc("2026-01-09T10:00"))


@given(
    moment=st.integers(0, 500_000_000).map(lambda seconds: START + seconds * SECOND),
    name=st.sampled_from(ZONES),
    start=st.integers(0, 1439),
    length=st.integers(1, 1439),
)
def test_nothing_changes_before_it_is_said_to(moment, name, start, length):
    """
    `opening_at` names the next instant at which its answer may be another.
    """
    end = start + length
    hours = TradingHours((Window(start, end if end <= 1440 else end - 1440),), ZoneInfo(name))
    is_open, changes = hours.opening_at(moment)

    assert changes > moment
    assert is_open == hours.opening_at(max(moment, changes - SECOND))[0]
    assert is_open != hours.opening_at(changes)[0]


@pytest.mark.parametrize(
    ("text", "expected"), [("00:00", 0), ("09:30", 570), ("23:59", 1439), ("24:00", 1440)]
)
def test_a_time_of_day(text, expected):
    """
    BAD-013: HH:MM, and 24:00 as an end.
    """
    assert expected == minutes_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "9:30",
        "09:60",
        "24:01",
        "25:00",
        "0930",
        "09:30:00",
        "",
        "09:30 ",
        "\u0660\u0669:\u0663\u0660",
        "-1:30",
    ],
)
def test_no_time_of_day(text):
    """
    BAD-013.
    """
    assert minutes_of(text) is None


def test_a_window_reads_as_it_is_written():
    """
    For messages.
    """
    assert "09:30-24:00" == str(Window(570, 1440))


@pytest.mark.parametrize("name", ["UTC", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_a_time_zone(name):
    """
    BAD-017: by its IANA name.
    """
    assert name == zone_of(name).key


@pytest.mark.parametrize(
    "name",
    [
        "Asia/Shangai",
        "UTC+8",
        "CST",
        "EST",
        "",
        "../../etc/passwd",
        "/etc/passwd",
        "a\0/b",
        "America",
        "America/",
        "x/" * 5000,
    ],
    ids=lambda name: repr(name)[:30],
)
def test_no_time_zone(name):
    """
    BAD-017: abbreviations are ambiguous, paths are refused.
    """
    assert zone_of(name) is None


NEW_YEAR = TradingHours(
    (Window(570, 900),),
    ZoneInfo("Asia/Shanghai"),
    frozenset(range(5)),
    {
        date(2026, 1, 5): (),
        date(2026, 1, 6): (Window(570, 690),),
        date(2026, 1, 10): (Window(600, 660),),
        **{date(2026, 2, 2) + timedelta(days=offset): () for offset in range(30)},
    },
)


@pytest.mark.parametrize(
    ("moment", "is_open", "changes"),
    [
        ("2026-01-05T02:00", False, "2026-01-06T01:30"),
        ("2026-01-06T03:29", True, "2026-01-06T03:30"),
        ("2026-01-06T03:30", False, "2026-01-07T01:30"),
        ("2026-01-10T02:00", True, "2026-01-10T03:00"),
        ("2026-01-30T07:00", False, "2026-03-04T01:30"),
    ],
    ids=["closed", "half day", "after it", "an open saturday", "a month without an opening"],
)
def test_dates_may_have_hours_of_their_own(moment, is_open, changes):
    """
    RSK-26: holidays and half days without a calendar.
    """
    assert (is_open, utc(changes)) == NEW_YEAR.opening_at(utc(moment))


def test_where_nothing_ever_opens_it_is_closed():
    closed = {date(2026, 1, 1) + timedelta(days=offset): () for offset in range(900)}
    hours = TradingHours((Window(0, 1440),), ZoneInfo("UTC"), days=closed)
    is_open, changes = hours.opening_at(utc("2026-06-01T00:00"))

    assert not is_open
    assert changes > utc("2027-06-01T00:00")


def test_a_zone_that_was_not_checked_is_a_fault_of_ours():
    with pytest.raises(AssertionError, match="time zone Nowhere was not checked"):
        usable_zone("Nowhere")
