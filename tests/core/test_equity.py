"""
Equity over time: peaks, floors and warnings, the day's roll, latches, flows, samples, exchange rates, restarts.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from core_desk import Desk, ScriptedFloor, stock
from core_rules import daily_loss, drawdown

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.effects import SendCancel
from ltm.core.invariants import violations
from ltm.core.recovery import replay, save_snapshot, snapshot_due
from ltm.core.state import KEEP_ALERTS
from ltm.core.watch import urgent
from ltm.model.enums import OrderStatus, TradingState
from ltm.model.errors import InvalidTransition, JournalError
from ltm.model.reports import Ambiguous, PositionReport
from ltm.model.results import EquityFloor
from ltm.model.spec import Limits
from ltm.ports.shell import Record

D = Decimal


def holding(*rules, quantity=1000, spare=0, **terms):
    """
    A session worth 100,000 whose equity is 1,000 times the mark of AAA, and what is spare.
    """
    terms.setdefault("max_price_age", 1e9)
    desk = Desk(rules=rules, initial_capital=D(100) * quantity + spare, start=False, **terms)
    desk.boot()
    desk.connect()
    desk.sweep(positions=(PositionReport(symbol="AAA", quantity=D(quantity), average_entry_price=D(100)),))
    desk.mark("AAA", 100)
    desk.tick()
    return desk


# --- Floors and latches ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "price", "trips"),
    [
        (drawdown("0.1"), "99.01", False),
        (drawdown("0.1"), "99", True),
        (drawdown("0.1"), "98.99", True),
        (daily_loss("0.02"), "98.01", False),
        (daily_loss("0.02"), "98", True),
        (daily_loss("0.02"), "97.99", True),
    ],
)
def test_a_floor_trips_exactly_at_the_limit(rule, price, trips):
    """
    RSK-22, RSK-23: at the limit it trips, entries stop at once and open ones are canceled.
    """
    desk = holding(rule)
    desk.mark("AAA", 110)
    desk.mark("AAA", price)

    assert (TradingState.REDUCING if trips else TradingState.ACTIVE) is desk.state.trading_state
    assert [rule.name] * trips == [
        alert.code for alert in desk.all(e.AlertRaised) if alert.severity == "critical"
    ]
    desk.check()


def test_a_trip_cancels_entries_and_leaves_exits():
    """
    RSK-22, C23: protective exits keep working.
    """
    desk = holding(drawdown("0.1"), spare=10)
    desk.mark("AAA", "90.01")
    out = desk.order("sell", 10)
    desk.mark("BBB", 1)
    entry = desk.order("buy", 1, "BBB")
    desk.mark("AAA", "89.99")

    assert [entry] == [effect.client_order_id for effect in desk.sent(SendCancel)]
    assert OrderStatus.ACCEPTED is desk.get(out).status
    assert () == desk.codes("sell", 10)


def test_a_recovery_does_not_unlatch_and_a_restart_neither():
    """
    RSK-12: only a person lifts a drawdown; a roll does not, nor does kill -9.
    """
    desk = holding(drawdown("0.1"))
    desk.mark("AAA", 90)
    desk.mark("AAA", 105)
    for how in ("records", "snapshot"):
        desk.restart(through=how)
        desk.start()

        assert ["drawdown"] == [*desk.state.latches]

    desk.mark("AAA", 105)
    desk.wait(24 * 3600)

    assert ["drawdown"] == [*desk.state.latches]
    desk.check()


def test_a_person_resumes_by_naming_what_they_looked_at():
    """
    RSK-12, BAD-034: --ack CODE; without it the error says which.
    """
    desk = holding(drawdown("0.1"))
    with pytest.raises(InvalidTransition, match="cannot resume session demo: it is ACTIVE"):
        desk.do(c.Resume("me"))

    desk.mark("AAA", 90)
    desk.mark("AAA", 95)
    with pytest.raises(InvalidTransition, match="drawdown must be acknowledged"):
        desk.do(c.Resume("me"))

    desk.do(c.Resume("me", "looked", ("drawdown",)))

    assert {} == desk.state.latches

    desk.mark("AAA", 90)

    assert ["drawdown"] == [*desk.state.latches]
    assert 2 == desk.alerts().count("drawdown")


def test_resuming_below_the_floor_trips_again_unless_the_peak_is_reset():
    """
    RSK-22: the next valid sample trips again, that is intended; a reset re-bases.
    """
    desk = holding(drawdown("0.1"))
    desk.mark("AAA", 85)
    desk.do(c.Resume("me", "looked", ("drawdown",)))

    assert ["drawdown"] == [*desk.state.latches]

    desk.do(c.Resume("me", "looked", ("drawdown",), reset_peak=True))

    assert ({}, D(85_000)) == (desk.state.latches, desk.state.peak)
    assert D(85_000) == desk.replayed().peak

    desk.mark("AAA", "76.5")

    assert ["drawdown"] == [*desk.state.latches]


def test_after_an_override_the_days_loss_counts_from_there():
    """
    RSK-23: a second base, never silently disabled.
    """
    desk = holding(daily_loss("0.02"))
    desk.mark("AAA", 97)
    desk.do(c.Resume("me", "a bad print", override=("daily_loss",)))
    desk.mark("AAA", "95.07")

    assert ({}, D(97_000), D(100_000)) == (desk.state.latches, desk.state.loss_base, desk.state.day_base)

    desk.mark("AAA", "95.06")

    assert ["daily_loss"] == [*desk.state.latches]
    desk.check()


def test_warnings_come_once_at_seventy_and_at_ninety_percent():
    """
    RSK-22, C44: once per base however often the line is crossed, again under a new base.
    """
    desk = holding(drawdown("0.1"))
    told = []
    for price in ("93.01", "93", "94", "92.9", "91.01", "91", "93.5", "90.5", "101", "94", "93.93"):
        desk.mark("AAA", price)
        told.append(desk.alerts().count("drawdown_near"))

    assert [0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3] == told


def test_equity_counts_only_while_books_and_venue_agree():
    """
    RSK-22: peaks need usable, reconciled samples; an unreconciled dip trips nothing until it is confirmed.
    """
    desk = holding(drawdown("0.1"))
    desk.link(up=False)
    desk.mark("AAA", 110)
    desk.mark("AAA", 98)

    assert (D(100_000), {}) == (desk.state.peak, desk.state.latches)

    desk.mark("AAA", 89)

    assert {} == desk.state.latches

    desk.link(up=True)
    desk.sweep()

    assert ["drawdown"] == [*desk.state.latches]


def test_a_profit_taken_raises_the_peak_though_nothing_is_held_any_more():
    """
    RSK-22: evaluated on every fill.
    """
    desk = holding(drawdown("0.1"), quantity=100)
    desk.fill(desk.order("sell", 100), 100, 105)

    assert D(10_500) == desk.state.peak

    desk.wait()

    assert D(10_500) == desk.replayed().peak


def test_a_stale_price_sets_no_peak_and_still_trips():
    """
    RSK-22: the last usable mark stands for trips; a peak needs all prices.
    """
    desk = holding(drawdown("0.1"), max_price_age=5.0, spare=10)
    desk.hold(1, 1, "BBB")
    desk.pass_time(6)
    desk.tick()
    desk.mark("AAA", 110)

    assert D(100_010) == desk.state.peak

    desk.mark("AAA", 95)
    desk.mark("AAA", 89)

    assert ["drawdown"] == [*desk.state.latches]


def test_a_floor_is_not_asked_for_while_nothing_moves():
    """
    Speed: rules are asked for a new floor when a base moves, not at every mark.
    """
    asked = []
    rule = ScriptedFloor(floor=lambda: asked.append(1) or EquityFloor(D(100_000), D(50_000)))
    desk = holding(rule)
    before = len(asked)
    for price in (99, 98, 97, 96):
        desk.mark("AAA", price)
        desk.fill(desk.order("sell", 1), 1, price)

    assert before == len(asked)


# --- The day --------------------------------------------------------------------------------------


def test_the_first_day_begins_with_the_allocated_capital():
    """
    RSK-23: first ever day.
    """
    desk = holding(daily_loss("0.02"))
    [rolled] = desk.all(e.DayRolled)

    assert ("first", D(100_000), date(2026, 1, 5)) == (
        rolled.basis,
        rolled.day_start_equity,
        rolled.trading_date,
    )


def test_a_roll_rebases_and_lifts_the_days_stop_only():
    """
    RSK-12, RSK-23: floating result included; budgets start again; other latches stay.
    """
    desk = holding(daily_loss("0.02"), drawdown("0.02"), max_daily_trades=1)
    desk.mark("AAA", 97)

    assert {"daily_loss", "drawdown"} == {*desk.state.latches}

    desk.wait(14 * 3600)
    rolled = desk.last(e.DayRolled)

    assert ("roll", D(97_000), date(2026, 1, 6)) == (
        rolled.basis,
        rolled.day_start_equity,
        rolled.trading_date,
    )
    assert ["drawdown"] == [*desk.state.latches]
    assert 0 == desk.state.orders_today
    desk.check()


def test_a_roll_that_was_missed_takes_the_stricter_base():
    """
    RSK-23, K16: the last journaled equity or the first valid one after, whichever is more; a warning.
    """
    for price, base in (("99", 100_000), ("101", 101_000)):
        desk = holding(daily_loss("0.02"))
        desk.wait()
        desk.now += timedelta(days=1)
        desk.restart()
        desk.boot()
        desk.connect()
        desk.tick()
        desk.mark("AAA", price)
        desk.tick()

        assert 1 == len(desk.all(e.DayRolled))

        desk.sweep()
        desk.wait()
        rolled = desk.last(e.DayRolled)

        assert ("late", D(base), "late_roll") == (rolled.basis, rolled.day_start_equity, desk.alerts()[-1])
        assert {} == desk.state.latches
        desk.check()


def test_overnight_losses_do_not_trip_yesterdays_base():
    """
    RSK-23: until the new day's base is settled, the old one judges nothing.
    """
    desk = holding(daily_loss("0.02"))
    desk.wait()
    desk.now += timedelta(days=1)
    desk.restart()
    desk.boot()
    desk.connect()
    desk.mark("AAA", 95)
    desk.sweep()

    assert {} == desk.state.latches

    desk.wait()

    assert (D(100_000), ["daily_loss"]) == (desk.state.day_base, [*desk.state.latches])


def test_a_restart_within_the_day_keeps_its_base():
    """
    RSK-23, RSK-11: the journaled base of the trading date.
    """
    desk = holding(daily_loss("0.02"))
    desk.mark("AAA", 99)
    desk.wait()
    desk.restart()
    desk.start()
    desk.mark("AAA", 98)

    assert (1, ["daily_loss"]) == (len(desk.all(e.DayRolled)), [*desk.state.latches])


def test_a_clock_that_goes_back_re_opens_no_date():
    """
    RSK-09, F08: monotone trading date, in one process and over a restart.
    """
    desk = holding(now=datetime(2026, 1, 5, 23, 59, 59, tzinfo=UTC))
    desk.wait(2)
    desk.now -= timedelta(hours=2)
    for _ in range(3):
        desk.mono += 2
        desk.tick()
    desk.restart()
    desk.start()

    assert [date(2026, 1, 5), date(2026, 1, 6)] == [event.trading_date for event in desk.all(e.DayRolled)]

    desk.now += timedelta(hours=2)
    desk.mono += 2
    desk.tick()

    assert date(2026, 1, 6) == desk.state.trading_date


# --- Flows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["-100000", "-100001", "NaN", "Infinity", "1E+60", "0." + "1" * 60])
def test_a_flow_that_cannot_be_is_refused(amount):
    """
    RSK-04, BAD-077: it must leave equity, and be money.
    """
    desk = holding()
    before = desk.state.sequence
    with pytest.raises(InvalidTransition, match="flow must leave equity above 0"):
        desk.do(c.RecordFlow(D(amount), "me", "x"))

    assert before == desk.state.sequence


def test_a_flow_moves_the_bases_by_what_equity_was_then():
    """
    RSK-04, I-17: live and replayed bases are the same, though marks are not journaled one by one.
    """
    desk = holding(drawdown("0.5"))
    desk.mark("AAA", 105)
    desk.mark("AAA", "91.37")
    desk.do(c.RecordFlow(D("50000"), "me", "deposit"))
    again = desk.replayed()

    assert (desk.state.peak, desk.state.day_base, desk.state.equity) == (
        again.peak,
        again.day_base,
        again.equity,
    )
    assert D(105_000) * (D("141370") / D("91370")) == pytest.approx(desk.state.peak)
    desk.check()


def test_without_equity_the_bases_stay():
    desk = Desk(initial_capital=D(0))
    desk.do(c.RecordFlow(D(10), "me", "x"))

    assert (D(10), D(0)) == (desk.state.equity, desk.state.day_base)


# --- Exchange rates -------------------------------------------------------------------------------


def euro(**terms):
    listed = [stock("SAP", "EUR"), stock("EUR/USD", tick_size=D("0.0001")), stock("AAA")]
    desk = Desk(instruments=listed, max_price_age=1e9, **terms)
    desk.mark("EUR/USD", "1.10")
    desk.mark("SAP", 100)
    return desk


def test_a_rate_is_a_mark_like_any_other():
    """
    RSK-08: it moves cash, positions and equity; limits are in session currency.
    """
    desk = euro()
    desk.fill(desk.order("buy", 100, "SAP"), 100, 100, commission=D(5))

    assert (D("99994.50"), D(-10_005)) == (desk.state.equity, desk.state.cash["EUR"])

    desk.mark("EUR/USD", "1.20")
    desk.mark("SAP", 110)

    assert D(100_000) + (D(100) * 110 - 10_005) * D("1.20") == desk.state.equity
    assert D("-0.50") == desk.state.translation
    assert (D("1.20"), D(12_000)) == (desk.slot("SAP").fx, desk.slot("SAP").unrealized * 10)

    desk.fill(desk.order("sell", 100, "SAP"), 100, 110)

    assert (D(1_200), D(995)) == (desk.state.realized, desk.state.cash["EUR"])
    desk.check()


def test_rates_are_written_down_before_they_matter_and_not_at_every_quote():
    """
    I-17: the records tell the rate that every decision and booking was made at.
    """
    desk = euro()
    order_id = desk.order("buy", 100, "SAP")
    for rate in ("1.11", "1.12", "1.13", "1.125"):
        desk.mark("EUR/USD", rate)
    before = len(desk.all(e.RatesNoted))
    desk.fill(order_id, 100, 100)

    assert (before + 1, {"EUR": D("1.125")}) == (len(desk.all(e.RatesNoted)), desk.last(e.RatesNoted).rates)

    desk.mark("EUR/USD", "1.13")
    desk.wait()
    desk.tick()

    assert before + 2 == len(desk.all(e.RatesNoted))
    desk.check()


def test_a_rate_moves_floors_and_peaks():
    """
    RSK-08, RSK-22: evaluated on every fx update; a bad tick of a rate is doubted like any other.
    """
    desk = euro(rules=[drawdown("0.01")])
    desk.fill(desk.order("buy", 500, "SAP"), 500, 100)
    desk.mark("SAP", 101)
    desk.mark("EUR/USD", "1.20")

    assert D(100_600) == desk.state.peak

    desk.mark("SAP", 95)
    desk.mark("EUR/USD", "2")

    assert D("1.20") == desk.state.fx["EUR"]
    assert ["drawdown"] == [*desk.state.latches]

    desk.link(up=False)
    desk.mark("SAP", 110)
    desk.mark("EUR/USD", "1.30")

    assert D(100_600) == desk.state.peak


def test_stops_of_foreign_instruments_note_the_rate_first():
    desk = euro(stop_loss_pct=D("0.05"))
    desk.fill(desk.order("buy", 100, "SAP"), 100, 100)
    desk.mark("EUR/USD", "1.20")
    desk.mark("SAP", 95)
    kinds = [type(event) for event in desk.events[-2:]]

    assert [e.RatesNoted, e.OrderIntended] == kinds
    desk.check()


def test_a_commission_in_a_currency_without_a_rate_counts_once_there_is_one():
    """
    BAD-103: paid in something else: kept apart, valued as soon as it can be.
    """
    desk = Desk(instruments=[stock("AAA"), stock("BNB/USD")], max_price_age=1e9)
    desk.mark("AAA", 100)
    desk.fill(desk.order("buy", 1), 1, 100, commission=D(2), commission_currency="BNB")

    assert (D(100_000), D(-2)) == (desk.state.equity, desk.state.cash["BNB"])

    desk.mark("BNB/USD", 600)

    assert D(100_000) - 1200 == desk.state.equity

    desk.restart(through="snapshot")
    desk.start()
    desk.mark("BNB/USD", 500)

    assert D(100_000) - 1000 == desk.state.equity
    desk.check()


def test_nothing_is_written_about_rates_that_nothing_depends_on():
    """
    A session that trades EUR/USD in dollars holds no euros: its prices are prices.
    """
    desk = euro()
    plain = Desk(instruments=[stock("EUR/USD"), stock("USD/JPY"), stock("EUR/GBP", "GBP")], max_price_age=1e9)
    plain.mark("EUR/USD", "1.1")
    plain.hold(1000, "1.1", "EUR/USD")
    plain.mark("EUR/USD", "1.2")
    plain.tick()

    assert ([], {"USD": D(1)}) == (plain.all(e.RatesNoted), plain.state.fx)
    assert "EUR" in desk.state.fx


def test_a_stale_rate_of_something_held_is_told():
    """
    RSK-08: the last usable rate stands for the loss rules; a person hears of it.
    """
    desk = euro()
    desk.session.context.max_price_age = 5.0
    desk.fill(desk.order("buy", 100, "SAP"), 100, 100)
    for _ in range(20):
        desk.wait(4)
        desk.mark("SAP", 100)

    assert ["fx_stale", "degraded"] == desk.alerts()
    assert "the rate EUR/USD" in desk.last(e.AlertRaised).message


# --- Samples, snapshots, replay -------------------------------------------------------------------


def test_prices_are_sampled_once_a_second_while_they_matter():
    """
    Design 4: marks are cheap; samples of them are journaled.
    """
    desk = Desk()
    desk.mark("AAA", 100)
    for _ in range(5):
        desk.wait()

    assert 1 == len(desk.all(e.EquitySampled))

    desk.hold(10)
    for number in range(5):
        desk.mark("AAA", 100 + number)
        desk.wait()

    assert {"AAA": D(104)} == desk.last(e.EquitySampled).marks
    assert (D(104), D(100_040)) == (desk.replayed().slots["AAA"].mark, desk.replayed().peak)


def test_a_restart_goes_on_where_the_records_end():
    """
    RSK-11: peaks, bases, counters, latches, epochs survive; what was in flight becomes a question.
    """
    desk = holding(drawdown("0.5"), max_daily_trades=5)
    desk.mark("AAA", 110)
    sent = desk.signal("sell", 10).client_order_id
    works = desk.order("sell", 5)
    desk.do(c.Pause("me"))
    desk.wait()
    for how in ("records", "snapshot"):
        desk.restart(through=how)
        desk.boot()

        assert (D(110_000), ["operator"]) == (desk.state.peak, [*desk.state.latches])
        assert (OrderStatus.UNKNOWN, OrderStatus.ACCEPTED) == (desk.get(sent).status, desk.get(works).status)

    desk.check()


def test_a_snapshot_and_its_tail_are_the_whole_journal():
    """
    REL-3: snapshot plus tail gives what all records give; a damaged or foreign one is passed over.
    """
    desk = holding(spare=100)
    desk.hold(10, 1, "BBB")
    save_snapshot(desk.journal, desk.state)
    desk.fill(desk.order("sell", 5), 5, 100)
    whole, quick = replay(desk.journal, snapshots=False), replay(desk.journal)

    assert (whole.sequence, whole.cash, whole.equity) == (quick.sequence, quick.cash, quick.equity)

    for sequence, data in ((desk.state.sequence, b"{}"), (3, desk.journal.load_snapshot()[1])):
        desk.journal.save_snapshot(sequence, data)

        assert whole.sequence == replay(desk.journal).sequence


def test_snapshots_are_due_after_many_records():
    desk = holding()

    assert not snapshot_due(desk.state, 0)

    desk.state.sequence = 10_000

    assert snapshot_due(desk.state, 0)

    desk.state.sequence = 1_000_000

    assert not snapshot_due(desk.state, 950_000)
    assert snapshot_due(desk.state, 900_000)


class Rows:
    def __init__(self, *rows):
        self.rows = rows

    def read(self, after=0):
        return iter(self.rows[after:])

    def load_snapshot(self):
        return None


def rows(desk):
    return [*desk.journal.read()]


def test_an_empty_journal_is_no_session():
    assert None is replay(Rows())


@pytest.mark.parametrize(
    ("index", "kind", "payload", "message"),
    [
        (0, "reconciled", b'{"at":"2026-01-05T10:00:00Z","open_orders":0}', "must begin with"),
        (3, "nonsense", b"{}", "must be known"),
        (3, "reconciled", b"{", "cannot be read"),
        (
            3,
            "order_accepted",
            b'{"at":"2026-01-05T10:00:00Z","client_order_id":"l","venue_order_id":"v"}',
            "no earlier",
        ),
        (
            3,
            "lifecycle_changed",
            b'{"at":"2026-01-05T10:00:00Z","to":"stopped"}',
            "journal moves the session",
        ),
        (3, "drift_cleared", b'{"at":"2026-01-05T10:00:00Z","symbol":"QQQ"}', "does not follow"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_record_that_cannot_be_stops_the_replay(index, kind, payload, message):
    """
    REL-3: named, never skipped.
    """
    good = rows(holding())
    good[index] = Record(index + 1, kind, 1, good[index].recorded_at, payload)
    with pytest.raises(JournalError, match=message):
        replay(Rows(*good))


def test_an_order_cannot_go_where_the_table_does_not_lead():
    """
    REL-2: a journal that says so is not ours.
    """
    desk = Desk()
    desk.mark("AAA", 100)
    order_id = desk.order("buy", 1)
    late = e.OrderLate(at=desk.now, client_order_id=order_id, venue_order_id="v")
    with pytest.raises(JournalError, match="journal moves order"):
        desk.session.record(late)


def test_a_newer_version_of_a_record_is_refused():
    """
    F37.
    """
    good = rows(holding())
    good[2] = Record(3, good[2].kind, 2, good[2].recorded_at, good[2].payload)
    with pytest.raises(JournalError, match="has version 2"):
        replay(Rows(*good))


def test_alerts_that_nobody_took_are_never_dropped():
    """
    I-18: the outbox is bounded by what was delivered.
    """
    desk = Desk()
    desk.session.listener = None
    for number in range(KEEP_ALERTS + 5):
        desk.do(c.RaiseAlert("info", "x", str(number)))

    assert KEEP_ALERTS + 5 == len(desk.state.alerts)

    for alert_id in [*desk.state.alerts][:10]:
        desk.do(c.NoteDelivery(alert_id, "log"))
    desk.do(c.RaiseAlert("info", "x", "y"))

    assert KEEP_ALERTS == len(desk.state.alerts)


def test_the_market_waits_for_what_is_urgent():
    """
    A market that owns its time must not run past a question, a cancel or a doubt.
    """
    desk = holding()
    context = desk.session.context

    assert None is urgent(desk.state, context)

    order_id = desk.signal("sell", 1).client_order_id
    desk.answer(order_id, Ambiguous("x"))

    assert context.second_at == urgent(desk.state, context)

    other = holding()
    other.sweep(positions=other.positions(AAA=1))

    assert other.mono + 5 == urgent(other.state, other.session.context)

    third = holding()
    third.sweep()
    third.sweep(account=third.account(cash=D(5)))

    assert third.mono + 5 == urgent(third.state, third.session.context)


# --- What the invariants see ----------------------------------------------------------------------


def broken(desk):
    """
    Every way to contradict the books, and the name of the invariant that notices.
    """
    state, slot = desk.state, desk.slot()
    order = next(iter(state.orders.values()))
    closed = next(iter(state.closed.values()))
    yield "I-01", lambda: setattr(slot, "net_fills", slot.net_fills + 1)
    yield "I-01", lambda: setattr(desk.slot("BBB"), "cost", D(1))
    yield "I-02", lambda: setattr(order, "filled", D(1))
    yield "I-02", lambda: setattr(order, "quantity", D(-1))
    yield "I-04", lambda: setattr(state, "sequence", 3)
    yield "I-06", lambda: slot.orders.pop(order.client_order_id)
    yield "I-06", lambda: state.orders.pop(order.client_order_id)
    yield "I-06", lambda: setattr(closed, "status", OrderStatus.ACCEPTED)
    yield "I-07", lambda: setattr(state, "equity", state.equity + 1)
    yield "I-07", lambda: setattr(state, "realized", state.realized + 1)
    yield "I-08", lambda: state.cash.update(USD=state.cash["USD"] + 1)
    yield "I-09", lambda: setattr(slot, "realized", slot.realized + 1)
    yield "I-10", lambda: setattr(state, "reserved", D(-1))
    yield "I-10", lambda: setattr(slot, "worst", slot.worst + 1)
    yield "I-10", lambda: setattr(next(iter(state.groups.values())), "total", D(1))
    yield "I-10", lambda: setattr(order, "side", "sell")
    yield "I-10", lambda: setattr(state.totals, "count", 7)
    yield "I-13", lambda: setattr(state, "trading_state", TradingState.HALTED)
    yield "I-13", lambda: state.faulted.update(x="y")
    yield "I-14", lambda: setattr(state, "peak", D(1))
    yield "I-14", lambda: setattr(state, "sequence", 1)
    yield "I-14", lambda: setattr(state, "trading_date", None)
    yield "I-14", lambda: setattr(state, "trading_date", date(2020, 1, 1))


def busy():
    from core_rules import sector

    desk = Desk(rules=[sector()], instruments=[stock("AAA"), stock("BBB")], limits=Limits(max_positions=9))
    desk.hold(10)
    desk.order("buy", 5)
    desk.codes("buy", 1)
    return desk


def test_a_price_after_a_denied_order_contradicts_nothing_without_groups():
    """
    I-10, REL-5: where no limit adds instruments up, the worst case is worked out when it is needed.
    """
    desk = Desk()
    desk.hold(10)
    desk.order("buy", 5)

    assert desk.codes("buy", 1_000_000)

    desk.mark("AAA", 99)

    assert [] == violations(desk.state)


@pytest.mark.parametrize("number", range(23))
def test_an_invariant_sees_what_is_wrong(number):
    """
    REL-5: each contradiction is found and named.
    """
    desk = busy()

    assert [] == violations(desk.state, desk._before)

    name, spoil = [*broken(desk)][number]
    spoil()

    assert name in {text[:4] for text in violations(desk.state, desk._before)}
