"""
What losses are measured from, and what a trip does besides stopping entries: the options of RSK-22 and RSK-23.
"""

import pytest
from core_desk import D, Desk
from core_rules import daily_loss, drawdown

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.effects import SendCancel
from ltm.core.snapshot import dump, load
from ltm.model.enums import OrderStatus, Purpose, TradingState
from ltm.model.reports import PositionReport

DAY = 86_400


def holding(*rules, spare=0, **terms) -> Desk:
    """
    A session whose equity is 1,000 times the mark of AAA, 100 at first, and what is spare.
    """
    terms.setdefault("max_price_age", 1e9)
    desk = Desk(rules=rules, initial_capital=D(100_000) + spare, start=False, **terms)
    desk.boot()
    desk.connect()
    desk.sweep(positions=(held(1000),))
    desk.mark("AAA", 100)
    desk.tick()
    return desk


def held(quantity) -> PositionReport:
    return PositionReport(symbol="AAA", quantity=D(quantity), average_entry_price=D(100))


def see(desk: Desk, *prices) -> Desk:
    for price in prices:
        desk.mark("AAA", price)
    return desk


def night(desk: Desk, *prices) -> Desk:
    """
    Let one trading date end, and see prices on the next.
    """
    desk.wait(DAY)
    return see(desk, *prices)


def stops(desk: Desk) -> list[str]:
    desk.check()
    return [*desk.state.latches]


# --- Since when the peak counts -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "expected"),
    [("98.01", []), ("98", ["drawdown"]), ("97.99", ["drawdown"])],
    ids=["inside", "at", "beyond"],
)
def test_a_peak_of_the_day_forgets_the_days_before(price, expected):
    """
    RSK-22 scope day: 120 was yesterday; 2 % of today's 100 are measured exactly.
    """
    desk = night(see(holding(drawdown("0.2", scope="day")), "120", "100"), "99")

    assert [] == stops(desk)

    desk = night(see(holding(drawdown("0.02", scope="day")), "100"), "99", "100", price)

    assert expected == stops(desk)


def test_a_peak_of_the_session_does_not_forget():
    """
    RSK-22 scope session, the default: the same prices trip.
    """
    for rule in (drawdown("0.1"), drawdown("0.1", scope="session")):
        assert ["drawdown"] == stops(night(see(holding(rule), "120", "110"), "108"))

    assert [] == stops(night(see(holding(drawdown("0.1", scope="day")), "120", "110"), "108"))


@pytest.mark.parametrize(("days", "expected"), [(1, []), (2, []), (3, ["drawdown"]), (4, ["drawdown"])])
def test_a_rolling_peak_reaches_back_over_so_many_trading_dates(days, expected):
    """
    RSK-22 scope rolling:Nd: the high of 120 was two trading dates before today.
    """
    desk = see(holding(drawdown("0.1", scope=f"rolling:{days}d")), "120", "109")
    night(desk, "110")
    night(desk, "107")

    assert expected == stops(desk)


def test_a_peak_at_the_close_is_not_set_by_prices_of_the_day():
    """
    RSK-22 peak_sample day_close: 120 in between sets no peak, 110 at the roll does.
    """
    rule = drawdown("0.1", peak_sample="day_close")
    desk = see(holding(rule), "120", "91", "110")

    assert [] == stops(desk)

    night(desk, "120", "99.01")

    assert [] == stops(desk)
    assert ["drawdown"] == stops(see(desk, "99"))


@pytest.mark.parametrize(("scope", "expected"), [("day", []), ("rolling:2d", ["drawdown"])])
def test_closes_count_as_far_back_as_the_scope_says(scope, expected):
    """
    RSK-22: closes of 110 yesterday and 101 today; 98 is 10 % under the first alone.
    """
    desk = see(holding(drawdown("0.1", peak_sample="day_close", scope=scope)), "110")
    night(desk, "101")
    night(desk, "98")

    assert expected == stops(desk)


# --- What the day's loss is measured from ---------------------------------------------------------


@pytest.mark.parametrize(
    ("trailing", "price", "expected"),
    [
        (False, "102.9", []),
        (True, "102.91", []),
        (True, "102.9", ["daily_loss"]),
        (True, "102.89", ["daily_loss"]),
    ],
    ids=["not trailing", "inside", "at", "beyond"],
)
def test_profit_of_the_day_raises_the_base_only_when_it_trails(trailing, price, expected):
    """
    RSK-23 trailing: 2 % under the day's high of 105 are 102.9.
    """
    assert expected == stops(see(holding(daily_loss("0.02", trailing=trailing)), "105", price))


def test_a_new_day_forgets_the_high_that_was_trailed():
    """
    RSK-23: the base of a new trading date is its equity.
    """
    desk = night(see(holding(daily_loss("0.02", trailing=True)), "105", "103"), "101")

    assert [] == stops(desk)
    assert ["daily_loss"] == stops(see(desk, "100.94"))


def test_against_the_balance_a_loss_carried_over_midnight_stops_the_new_day_too():
    """
    RSK-23 base balance: the roll lifts the stop, and the floating loss trips it again at once.
    """
    desk = see(holding(daily_loss("0.02", base="balance")), "97")

    assert ["daily_loss"] == stops(desk)

    night(desk, "97")

    assert ["daily_loss"] == stops(desk)
    assert 2 == len([event for event in desk.all(e.TradingPaused) if event.code == "daily_loss"])

    lifted = night(see(holding(daily_loss("0.02")), "97"), "97")

    assert [] == stops(lifted)


def test_the_balance_holds_what_was_realized():
    """
    RSK-23 base balance: after a loss is taken, the next day measures from what is left.
    """
    desk = see(holding(daily_loss("0.05", base="balance")), "97")
    desk.fill(desk.order("sell", 1000), 1000, 97)
    night(desk)

    assert D(97_000) == desk.state.highs.day_balance
    assert [] == stops(desk)


@pytest.mark.parametrize(
    "options", [{}, {"trailing": True}, {"base": "balance"}], ids=["plain", "trailing", "balance"]
)
def test_after_an_override_only_further_loss_counts_and_no_other_limit_is_loosened(options):
    """
    RSK-23: 2 % under the second base of 97 are 95.06; the drawdown still counts from the day's high of 105.
    """
    desk = see(holding(daily_loss("0.02", **options), drawdown("0.08", scope="day")), "105", "97")

    assert ["daily_loss"] == stops(desk)

    desk.do(c.Resume("me", "seen", override=("daily_loss",)))
    desk.sweep(positions=(held(1000),))
    desk.tick()

    assert [] == stops(see(desk, "96.61"))
    assert ["drawdown"] == stops(see(desk, "96.6"))
    assert ["drawdown"] == stops(see(desk, "95.07"))
    assert ["drawdown", "daily_loss"] == stops(see(desk, "95.06"))


# --- What a trip does besides ---------------------------------------------------------------------


def test_a_trip_that_flattens_closes_what_is_held():
    """
    RSK-22 on_trip flatten: exits only, and an exit for all of it at once.
    """
    desk = see(holding(drawdown("0.02", on_trip="flatten")), "98")
    [exit_] = desk.all(e.OrderIntended)

    assert (Purpose.FLATTEN, D(1000), False) == (exit_.draft.purpose, exit_.draft.quantity, exit_.entry)
    assert TradingState.REDUCING is desk.state.trading_state
    assert ["drawdown"] == stops(desk)


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_a_trip_that_flattens_goes_on_after_a_crash(through):
    """
    K13: what the stop began is finished by the next process, since the stop stands in the journal.
    """
    desk = holding(daily_loss("0.02", on_trip="flatten"))
    see(desk, "98")
    [first] = desk.all(e.OrderIntended)
    desk.answer(first.client_order_id)
    desk.fill(first.client_order_id, 300, 98)
    desk.say(first.client_order_id, OrderStatus.CANCELED, 300)
    desk.restart(through=through)
    desk.boot()
    desk.connect()
    desk.sweep(positions=(held(700),))
    see(desk, "98")
    desk.wait(2)  # an exit that ended early asks for the position before the next one
    desk.sweep(positions=(held(700),))
    desk.wait(2)
    rest = desk.all(e.OrderIntended)[-1]

    assert (Purpose.FLATTEN, D(700)) == (rest.draft.purpose, rest.draft.quantity)
    desk.check()


def test_a_trip_that_kills_cancels_everything_and_lets_nothing_through():
    """
    RSK-22 on_trip kill: exits too are canceled, and none is sent.
    """
    desk = holding(drawdown("0.02", on_trip="kill"), spare=10)
    out = desk.limit("sell", 10, 120).client_order_id
    desk.answer(out)
    see(desk, "97.9")

    assert TradingState.KILLED is desk.state.trading_state
    assert [out] == [effect.client_order_id for effect in desk.sent(SendCancel)]
    assert ("killed",) == desk.codes("sell", 10)
    assert ["drawdown"] == stops(desk)


@pytest.mark.parametrize(
    ("haircut", "expected"), [("0", []), ("0.049", []), ("0.05", ["drawdown"]), ("0.051", ["drawdown"])]
)
def test_while_a_price_is_missing_some_of_what_is_held_is_taken_for_lost(haircut, expected):
    """
    RSK-22: the last usable mark less a haircut decides whether a degraded session trips.
    """
    desk = holding(drawdown("0.05", degraded_haircut=D(haircut)), max_price_age=5.0)
    desk.wait(1)

    assert [] == stops(desk)

    desk.wait(6)

    assert expected == stops(desk)


# --- They survive ---------------------------------------------------------------------------------


def test_bases_survive_a_crash_and_a_snapshot():
    """
    RSK-11: highs, closes and the second base are in the journal, and in a snapshot too.
    """
    desk = see(holding(drawdown("0.5", scope="rolling:9d"), daily_loss("0.02", trailing=True)), "120", "117")
    night(desk, "125", "121")
    desk.do(c.Resume("me", "seen", override=tuple(desk.state.latches)))
    desk.sweep(positions=(held(1000),))
    desk.wait(61)
    highs = desk.state.highs

    assert (D(125_000), (D(120_000),), (D(100_000),)) == (highs.day_peak, highs.day_peaks, highs.day_starts)
    assert (D(121_000), True) == (highs.loss_peak, highs.overridden)
    assert D(121_000) == desk.state.high

    for state in (load(dump(desk.state)), desk.replayed()):
        assert dump(desk.state) == dump(state)
        assert desk.state.high == state.high


def test_a_flow_moves_every_base_in_proportion():
    """
    RSK-04: money that comes in hides no loss, whatever it is measured from.
    """
    desk = night(see(holding(drawdown("0.9")), "120", "110"), "110")
    desk.do(c.RecordFlow(D(110_000), "me", "a deposit"))
    highs = desk.state.highs

    assert (D(240_000), D(220_000), D(220_000)) == (desk.state.peak, desk.state.day_base, highs.day_peak)
    assert ((D(240_000),), (D(200_000),)) == (highs.day_peaks, highs.day_starts)
    desk.check()


def test_a_reset_of_the_peak_resets_every_peak():
    """
    RSK-22: otherwise a rolling or a daily peak would trip again at once.
    """
    desk = see(holding(drawdown("0.1", scope="rolling:3d")), "120")
    night(desk, "107")

    assert ["drawdown"] == stops(desk)

    desk.do(c.Resume("me", "a new start", acknowledge=("drawdown",), reset_peak=True))
    desk.sweep(positions=(held(1000),))
    desk.wait(2)

    assert [] == stops(desk)
    assert (D(107_000), ()) == (desk.state.highs.day_peak, desk.state.highs.day_peaks)
