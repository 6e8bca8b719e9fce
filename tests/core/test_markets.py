"""
A market's own rules in a session: its calendar.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from core_desk import D, Desk, stock

from ltm.core import events as e
from ltm.model.hours import Openings


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SECOND = timedelta(seconds=1)
CLOSE = utc("2026-12-31T07:00")
OPENINGS = Openings(
    "XSHG",
    (
        (utc("2026-11-02T01:30"), utc("2026-11-02T03:30")),
        (utc("2026-11-02T05:00"), utc("2026-11-02T07:00")),
        (utc("2026-12-31T01:30"), CLOSE),
    ),
)


def on_calendar(now, **terms):
    desk = Desk(openings=OPENINGS, calendar="XSHG", now=now, max_price_age=86400.0 * 90, **terms)
    desk.mark("AAA", 100)
    return desk


@pytest.mark.parametrize(
    ("moment", "codes"),
    [
        (utc("2026-11-02T01:30"), ()),
        (utc("2026-11-02T03:30") - SECOND, ()),
        (utc("2026-11-02T03:30"), ("outside_trading_hours",)),
        (utc("2026-11-03T01:30"), ("outside_trading_hours",)),
        (CLOSE - SECOND, ()),
        (CLOSE, ("calendar_unknown",)),
        (CLOSE + SECOND, ("calendar_unknown",)),
        (utc("2026-11-02T01:30") - SECOND, ("calendar_unknown",)),
    ],
)
def test_entries_keep_to_the_calendar_and_stop_where_it_ends(moment, codes):
    """
    C14, RSK-26: half-open, with a lunch break and a holiday; what nobody has published is not traded.
    """
    assert codes == on_calendar(moment).codes("buy", 100)


def test_an_exit_beyond_the_calendar_is_left_to_the_venue():
    """
    C14: an exit is not held up because the library is old.
    """
    desk = on_calendar(CLOSE - SECOND, stop_loss_pct=D("0.05"))
    desk.hold(100, 100)
    desk.wait(2)
    desk.mark("AAA", 90)

    assert ["stop_loss"] == [
        event.draft.purpose for event in desk.all(e.OrderIntended) if event.draft.purpose == "stop_loss"
    ]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (timedelta(days=30) + SECOND, 0),
        (timedelta(days=30), 1),
        (timedelta(days=29), 1),
        (timedelta(days=7), 1),
        (timedelta(hours=1), 1),
    ],
)
def test_a_person_is_told_thirty_days_before_the_calendar_ends(before, told):
    desk = on_calendar(CLOSE - before)
    desk.wait(0)

    assert told == len([alert for alert in desk.all(e.AlertRaised) if alert.code == "calendar_ends"])


def test_the_end_of_the_calendar_is_told_three_times():
    """
    30, 7 and 1 days before; not every second in between.
    """
    desk = on_calendar(CLOSE - timedelta(days=31))
    for _ in range(62):
        desk.wait(43_200)

    alerts = [alert for alert in desk.all(e.AlertRaised) if alert.code == "calendar_ends"]
    assert [date(2026, 12, 1), date(2026, 12, 24), date(2026, 12, 30)] == [
        alert.at.date() for alert in alerts
    ]
    assert "known until 2026-12-31 07:00 UTC" in alerts[0].message


def test_terms_that_name_a_calendar_need_one():
    with pytest.raises(AssertionError, match="calendar 'XSHG' was not read"):
        Desk(calendar="XSHG")


def test_a_declared_holiday_and_a_half_day_close_the_session():
    """
    RSK-26: date overrides; outside windows of its own the session is closed on that date alone.
    """
    days = ((date(2026, 1, 5), ((600, 660),)), (date(2026, 1, 6), ()))
    desk = Desk(trading_days=days, instruments=[stock("AAA")])
    desk.mark("AAA", 100)

    assert () == desk.codes("buy", 1)
    desk.now = utc("2026-01-05T11:00")
    assert "outside_trading_hours" in desk.codes("buy", 1)
    desk.now = utc("2026-01-06T10:00")
    assert "outside_trading_hours" in desk.codes("buy", 1)
    desk.now = utc("2026-01-07T10:00")
    desk.mark("AAA", 100)
    assert "outside_trading_hours" not in desk.codes("buy", 1)
