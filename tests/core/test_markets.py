"""
A market's own rules in a session: its calendar.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from core_desk import D, Desk, stock

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.a_shares import market_gates
from ltm.core.control import is_stopped
from ltm.model.enums import OrderType
from ltm.model.hours import Openings
from ltm.model.reports import PositionReport


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


# --- A-shares -----------------------------------------------------------------------------------

MAOTAI, SMIC, INDEX = "600519.SH", "688981.SH", "000300.SH"


def in_china(**terms):
    desk = Desk(
        instruments=[stock(MAOTAI), stock(SMIC), stock(INDEX), stock("AAA")],
        market="cn_a",
        now=utc("2026-01-05T02:00"),
        timezone="Asia/Shanghai",
        max_price_age=86400.0 * 9,
        **terms,
    )
    for symbol in (MAOTAI, SMIC, INDEX, "AAA"):
        desk.mark(symbol, 100)
    return desk


def next_day(desk):
    desk.wait(86_400)
    desk.wait(1)


@pytest.mark.parametrize(
    ("quantity", "codes"), [(100, ()), (200, ()), (201, ("t_plus_1", "board_lot")), (300, ("t_plus_1",))]
)
def test_what_was_bought_today_cannot_be_sold_today(quantity, codes):
    """
    C17: 200 of yesterday, 100 of today; one beyond what is free is refused, and so is the whole.
    """
    desk = in_china()
    desk.hold(200, 100, MAOTAI)
    next_day(desk)
    desk.hold(100, 100, MAOTAI)

    assert codes == desk.codes("sell", quantity, MAOTAI)


def test_open_sells_take_from_what_may_be_sold():
    """
    C17: sell quantity and open sells together.
    """
    desk = in_china()
    desk.hold(200, 100, MAOTAI)
    next_day(desk)
    desk.hold(100, 100, MAOTAI)
    desk.order("sell", 100, MAOTAI)

    assert ("t_plus_1",) == desk.codes("sell", 200, MAOTAI)
    assert () == desk.codes("sell", 100, MAOTAI)
    assert ("t_plus_1",) == desk.codes("sell", 100, MAOTAI)


def test_a_signal_to_sell_sells_what_may_be_sold():
    desk = in_china()
    desk.hold(200, 100, MAOTAI)
    next_day(desk)
    desk.hold(100, 100, MAOTAI)

    assert D(200) == desk.signal("sell", symbol=MAOTAI).draft.quantity
    assert ("t_plus_1",) == desk.codes("sell", symbol=MAOTAI)


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_what_was_bought_today_survives_a_restart(through):
    """
    RSK-11: a crash does not make it sellable; the next date does.
    """
    desk = in_china()
    desk.hold(100, 100, MAOTAI)
    desk.restart(through=through)
    desk.start()
    desk.mark(MAOTAI, 100)

    assert ("t_plus_1",) == desk.codes("sell", 100, MAOTAI)
    next_day(desk)
    desk.mark(MAOTAI, 100)
    assert () == desk.codes("sell", 100, MAOTAI)


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_a_fill_of_yesterday_that_is_booked_today_may_be_sold_today(through):
    """
    C17: the day of the execution counts, not that of its record; nor does its correction block anything.
    """
    desk = in_china()
    desk.mark(MAOTAI, 100)
    order = desk.order("buy", 200, MAOTAI)
    yesterday = desk.now
    next_day(desk)
    desk.mark(MAOTAI, 100)
    desk.fill(order, 200, 100, "f", occurred_at=yesterday)
    desk.fill(order, 100, 100, "f", occurred_at=yesterday)
    desk.restart(through=through)
    desk.start()
    desk.mark(MAOTAI, 100)

    assert D(0) == desk.slot(MAOTAI).bought
    assert () == desk.codes("sell", 100, MAOTAI)
    desk.check()


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_a_fill_of_today_that_is_booked_before_a_late_roll_stays_until_tomorrow(through):
    """
    C17, RSK-09: the session was down at the roll, and hears of its fill before it begins the new day.
    """
    desk = in_china()
    desk.hold(100, 100, MAOTAI)
    order = desk.order("buy", 200, MAOTAI)
    desk.pass_time(86_400)
    desk.fill(order, 200, 100)
    desk.restart(through=through)
    desk.start()
    desk.mark(MAOTAI, 100)
    for _ in range(3):
        desk.wait(1)
        desk.sweep()
        desk.mark(MAOTAI, 100)

    assert (D(200), D(300)) == (desk.slot(MAOTAI).bought, desk.slot(MAOTAI).position)
    assert ("t_plus_1",) == desk.codes("sell", 200, MAOTAI)
    assert () == desk.codes("sell", 100, MAOTAI)
    desk.check()


def test_what_was_sold_is_no_purchase_when_a_day_begins():
    """
    C17: only buys of the new date wait for the next one.
    """
    desk = in_china()
    desk.hold(300, 100, MAOTAI)
    next_day(desk)
    desk.mark(MAOTAI, 100)
    desk.fill(desk.order("sell", 100, MAOTAI), 100, 100)
    next_day(desk)
    desk.mark(MAOTAI, 100)

    assert (D(0), D(200)) == (desk.slot(MAOTAI).bought, desk.slot(MAOTAI).position)
    assert () == desk.codes("sell", 200, MAOTAI)
    desk.check()


def test_a_corrected_buy_corrects_what_must_wait():
    desk = in_china()
    order = desk.order("buy", 300, MAOTAI)
    desk.fill(order, 300, 100, "f")
    desk.fill(order, 200, 100, "f")

    assert D(200) == desk.slot(MAOTAI).bought


def test_a_stop_loss_that_has_to_wait_says_so_once_and_goes_the_next_day():
    """
    C17: no denied order at every mark; the exit is sent when the market lets go.
    """
    desk = in_china(stop_loss_pct=D("0.05"))
    desk.hold(150, 100, "AAA")
    desk.hold(200, 100, MAOTAI)
    for price in (94, 93, 92):
        desk.wait(5)
        desk.mark(MAOTAI, price)

    assert (
        1 == desk.alerts().count("exit_waits") if callable(desk.alerts) else desk.alerts.count("exit_waits")
    )
    assert [] == [order for order in desk.all(e.OrderIntended) if order.draft.purpose == "stop_loss"]
    assert [] == desk.all(e.OrderDenied)

    next_day(desk)
    desk.mark(MAOTAI, 92)
    sold = [order.draft for order in desk.all(e.OrderIntended) if order.draft.purpose == "stop_loss"]
    assert [(MAOTAI, D(200))] == [(draft.symbol, draft.quantity) for draft in sold]


def holding(quantity, **terms):
    """
    A session that took over a holding: all of it is settled.
    """
    desk = in_china(start=False, **terms)
    desk.boot()
    desk.connect()
    held = PositionReport(symbol=MAOTAI, quantity=D(quantity), average_entry_price=D(100))
    desk.sweep(positions=(held,))
    desk.tick()
    desk.mark(MAOTAI, 100)
    return desk


def test_an_exit_sells_the_settled_part_at_once_and_the_odd_lot_with_it():
    """
    C17, C03: 150 of yesterday, 100 of today.
    """
    desk = holding(150, stop_loss_pct=D("0.05"))
    desk.hold(100, 100, MAOTAI)
    desk.mark(MAOTAI, 90)
    desk.mark(MAOTAI, 90)

    sold = [order.draft for order in desk.all(e.OrderIntended) if order.draft.purpose == "stop_loss"]
    assert [D(150)] == [draft.quantity for draft in sold]
    assert ["exit_waits"] == [code for code in desk.alerts() if code.startswith("exit")]


def test_a_session_that_flattens_stops_with_what_the_market_holds_back():
    """
    C17: nobody waits for tomorrow to stop; the position stays, and a person is told.
    """
    desk = in_china(on_stop="flatten")
    desk.hold(200, 100, MAOTAI)
    desk.do(c.Stop("a person"))
    desk.wait(1)

    assert is_stopped(desk.state)
    assert "exit_waits" in [alert.code for alert in desk.all(e.AlertRaised)]
    assert D(200) == desk.slot(MAOTAI).position


@pytest.mark.parametrize(
    ("symbol", "quantity", "codes"),
    [
        (MAOTAI, 99, ("lot", "quantity_range")),
        (MAOTAI, 100, ()),
        (MAOTAI, 101, ("lot",)),
        (SMIC, 199, ("quantity_range",)),
        (SMIC, 200, ()),
        (SMIC, 201, ()),
        (INDEX, 1, ()),
        ("AAA", 1, ()),
    ],
)
def test_a_buy_keeps_to_the_lots_of_its_board_on_any_broker(symbol, quantity, codes):
    """
    C03: the venue describes lots of one.
    """
    found = in_china().codes("buy", quantity, symbol)

    assert set(codes) >= set(found)
    assert bool(codes) is bool(found)


def limits(desk, symbol, price, action="buy", quantity=200):
    return desk.codes(action, quantity, symbol, limit_price=price, order_type=OrderType.LIMIT)


@pytest.mark.parametrize(
    ("symbol", "price", "codes"),
    [
        (MAOTAI, "110.01", ("price_band",)),
        (MAOTAI, "110.00", ()),
        (MAOTAI, "109.99", ()),
        (MAOTAI, "90.01", ()),
        (MAOTAI, "90.00", ()),
        (MAOTAI, "89.99", ("price_band",)),
        (SMIC, "120.00", ()),
        (SMIC, "120.01", ("price_band",)),
        (INDEX, "150", ()),
        ("AAA", "150", ()),
    ],
)
def test_a_limit_keeps_to_the_days_price_limits(symbol, price, codes):
    """
    C18: 10 % and 20 % of yesterday's close, exactly.
    """
    desk = in_china()
    next_day(desk)
    desk.mark(symbol, 105)

    assert codes == limits(desk, symbol, price)


def test_a_share_under_risk_warning_has_its_own_band():
    """
    C18: 5 %, as the terms say.
    """
    desk = in_china(price_bands=((MAOTAI, D("0.05")),))
    next_day(desk)

    assert () == limits(desk, MAOTAI, "105.00")
    assert ("price_band",) == limits(desk, MAOTAI, "105.01")


def test_yesterdays_close_survives_a_restart_and_todays_prices_are_none():
    """
    C18: the close is journaled; on the first day there is none, and the venue judges.
    """
    desk = in_china()
    assert () == limits(desk, SMIC, "150")
    next_day(desk)
    desk.restart()
    desk.start()
    desk.mark(MAOTAI, 108)

    assert D(100) == desk.slot(MAOTAI).previous_close
    assert ("price_band",) == limits(desk, MAOTAI, "110.01")


@pytest.mark.parametrize(
    ("quantity", "codes"),
    [
        (49, ("board_lot",)),
        (50, ()),
        (51, ("board_lot",)),
        (100, ()),
        (149, ("board_lot",)),
        (150, ()),
        (None, ()),
    ],
)
def test_an_odd_lot_is_sold_whole(quantity, codes):
    """
    C03: 150 held, after a bonus issue for example; a signal without a quantity sells all.
    """
    assert codes == holding(150).codes("sell", quantity, MAOTAI)


def test_an_unarmed_market_has_no_gates():
    """
    A control that is not configured costs nothing.
    """
    assert () == market_gates(Desk().spec)
