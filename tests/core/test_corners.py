"""
The rare cases, one test each: what a session does where two unlikely things meet.
"""

from decimal import Decimal

import pytest
from core_desk import CAPABILITIES, KEY, SELL, Desk, Fixed, Scripted, stock
from core_rules import drawdown

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.commands import AnyCommand
from ltm.core.context import new_context
from ltm.core.control import OPERATIONS, seize
from ltm.core.effects import SendCancel, SubmitOrder, Sweep
from ltm.core.history import Projection
from ltm.core.invariants import violations
from ltm.model.enums import OrderStatus, OrderType, TradingState
from ltm.model.errors import InvalidTransition, SignalError
from ltm.model.identifiers import client_order_id
from ltm.model.reports import Ambiguous, OrderReport, PositionReport
from ltm.model.signal import SignalRecord
from ltm.model.spec import SessionSpec

D = Decimal


def ready(**terms):
    desk = Desk(**terms)
    desk.mark("AAA", 100)
    return desk


def manual(desk, side=SELL):
    return OrderReport(
        symbol="AAA",
        side=side,
        status=OrderStatus.ACCEPTED,
        quantity=D(5),
        filled_quantity=D(0),
        at=desk.now,
        venue_order_id="x",
    )


# --- People ---------------------------------------------------------------------------------------


def test_every_command_is_answered_for():
    """
    The union is closed: what the session itself does not match, an operation does.
    """
    own = {
        c.SubmitSignal,
        c.BrokerReported,
        c.SubmitAnswered,
        c.CancelAnswered,
        c.QueryAnswered,
        c.SweepAnswered,
        c.Tick,
        c.DefineInstrument,
    }

    assert {*AnyCommand.__args__} == own | {*OPERATIONS}


def test_pausing_needs_a_session_that_is_up_and_active():
    """
    BAD-034.
    """
    desk = Desk(start=False)
    with pytest.raises(InvalidTransition, match="cannot pause session demo: it is CREATED"):
        desk.do(c.Pause("me"))
    with pytest.raises(InvalidTransition, match="cannot resume session demo: it is CREATED"):
        desk.do(c.Resume("me"))

    desk.start()
    desk.do(c.Pause("me", "lunch"))
    with pytest.raises(InvalidTransition, match="it is PAUSED"):
        desk.do(c.Pause("me"))

    assert "lunch" == desk.state.latches["operator"].message


def test_resuming_without_a_link_waits_for_it_to_compare():
    """
    REL-4: books and venue are compared after a resume, once it can be.
    """
    desk = ready()
    desk.do(c.Pause("me"))
    desk.link(up=False)

    assert [] == desk.do(c.Resume("me"))

    desk.link(up=True)
    desk.sweep()
    desk.do(c.Pause("me"))

    assert [Sweep] == [type(effect) for effect in desk.do(c.Resume("me"))]


def test_the_shell_may_stop_entries_once_per_cause():
    desk = ready()
    for _ in range(2):
        desk.do(c.Restrict("disk_full", "no space"))

    assert (["disk_full"], ["disk_full"]) == ([*desk.state.latches], desk.alerts())


def test_without_a_journal_the_session_halts_in_memory():
    """
    REL-3.
    """
    desk = ready()
    seize(desk.state, desk.now)

    assert TradingState.HALTED is desk.state.trading_state


def test_lost_records_stop_entries_until_a_person_has_compared():
    """
    REL-3: a repaired journal says what it lost.
    """
    desk = ready()
    desk.session.record(e.RecordLost(at=desk.now))
    for _ in range(2):
        desk.restart()
        desk.start()

    assert (["journal_repaired"], ["journal_repaired"]) == ([*desk.state.latches], desk.alerts())

    desk.do(c.Resume("me", "compared", ("journal_repaired",)))

    assert ({}, 0) == (desk.state.latches, desk.state.lost_count)
    desk.check()


def test_flatten_leaves_foreign_orders_and_flat_instruments_alone():
    desk = ready()
    desk.hold(10)
    desk.sweep(open_orders=(manual(desk),))
    desk.do(c.Flatten("me"))

    assert [] == desk.sent(SendCancel)
    assert [D(5)] == [event.draft.quantity for event in desk.all(e.OrderIntended) if not event.entry]


def test_a_halt_holds_back_what_was_approved_before():
    """
    F43.
    """
    desk = ready()
    desk.signal()
    [submit] = desk.sent(SubmitOrder)
    desk.do(c.Halt("test", "x"))

    assert not desk.session.may_submit(submit)


def test_a_time_zone_is_checked_before_it_comes_here():
    spec = SessionSpec(session_id="d", model_id="m", broker="b", initial_capital=D(1), timezone="CST")
    with pytest.raises(AssertionError, match="was not checked"):
        new_context(spec, (), Fixed(), CAPABILITIES)


# --- Orders ---------------------------------------------------------------------------------------


def test_a_rejection_of_a_filled_order_is_noted_and_not_told_as_one():
    desk = ready()
    order_id = desk.order("buy", 10)
    desk.fill(order_id, 10)
    desk.say(order_id, OrderStatus.REJECTED, 10)

    assert ([], 1) == (desk.alerts(), len(desk.all(e.Unexpected)))
    assert D(0) == desk.get(order_id).leaves


def test_not_found_after_the_end_means_nothing():
    desk = ready()
    order_id = desk.order("buy", 10)
    desk.fill(order_id, 10)
    before = desk.state.sequence
    desk.do(c.QueryAnswered(order_id, None))

    assert before == desk.state.sequence


def test_a_drift_keeps_an_unknown_exit_unknown():
    """
    REL 2.2.1 (c): where the holding is not understood, nothing is proven.
    """
    desk = ready()
    desk.hold(10)
    for _ in range(2):
        desk.sweep(positions=desk.positions(AAA=7))
        desk.wait(5)
    order_id = desk.signal("sell", 5).client_order_id
    desk.answer(order_id, Ambiguous("timeout"))
    for _ in range(4):
        desk.wait(8)
        desk.do(c.QueryAnswered(order_id, None))

    assert OrderStatus.UNKNOWN is desk.get(order_id).status


def test_a_bust_that_was_a_mistake_is_booked_again():
    desk = ready()
    order_id = desk.order("buy", 10)
    for quantity in (10, 0, 10):
        desk.fill(order_id, quantity, 100, "x")

    assert (D(10), D(1000)) == (desk.slot().position, desk.slot().cost)
    desk.check()


def test_an_order_that_never_got_a_venue_id_can_be_recalled():
    desk = ready()
    order_id = desk.signal("buy", 10).client_order_id
    desk.fill(order_id, 10, 100, "x")
    desk.state.closed.pop(order_id)
    desk.fill(order_id, 10, 101, "x")

    assert (D(1010), None) == (desk.slot().cost, desk.get(order_id).venue_order_id)
    desk.check()


def test_old_news_and_new_in_one_sweep_are_told_apart():
    """
    I-17: only the order that something is recorded about comes back.
    """
    desk = ready()
    old, new = desk.order("buy", 10), desk.order("buy", 10)
    desk.fill(old, 10, 100, "old")
    stale = desk.fill_report(old, 10, 100, "old")
    desk.state.closed.pop(old)
    desk.sweep(fills=(stale, desk.fill_report(new, 10, 100, "new")), open_orders=())

    assert (D(20), []) == (desk.slot().position, desk.all(e.OrderRecalled))


def test_an_id_of_ours_that_no_intent_has_leads_nowhere():
    desk = ready()
    order_id = client_order_id(KEY, 3)
    desk.session.record(e.Unexpected(at=desk.now, client_order_id=order_id, status="", report=""))

    assert None is desk.session.recall(order_id)


def test_a_key_that_something_else_used_is_refused():
    desk = ready()
    signal = SignalRecord(symbol="AAA", action="buy", score=D(1), confidence=D(1), at=desk.now)
    desk.state.signals[desk.session.key_of(signal)] = 1
    with pytest.raises(SignalError):
        desk.do(c.SubmitSignal(signal))


def test_a_short_needs_a_price_too():
    desk = Desk(allow_short=True)

    assert ("no_price",) == desk.codes("sell", 1, limit_price=D(100), order_type=OrderType.LIMIT)
    assert ("no_price",) == desk.codes("sell", 1)


def test_what_is_missing_names_the_prices_that_are():
    desk = ready()
    desk.hold(10)
    desk.wait(6)
    desk.link(up=False)
    desk.codes()

    assert "a usable price of AAA" in desk.last(e.OrderDenied).reasons[0].message


# --- Sizes and prices -----------------------------------------------------------------------------


def test_a_lot_of_nothing_rounds_nothing():
    desk = Desk(instruments=[stock(lot_size=D(0))])
    desk.mark("AAA", 100)

    assert ("not_tradable",) == desk.codes()


def test_at_a_negative_price_value_limits_say_nothing_about_the_size():
    """
    C02: such an order brings money: only quantities bound it.
    """
    desk = Desk(instruments=[stock("CL", allows_negative_price=True)], sizer=Fixed(3), max_order_value=D(10))
    desk.mark("CL", -37)

    assert D(3) == desk.signal("buy", symbol="CL").draft.quantity
    assert "headroom" not in desk.last(e.OrderIntended).sizing


def test_an_instrument_may_belong_to_several_groups():
    """
    RSK-21: weights; each group's sum is kept, whichever of them is read.
    """

    class Both(Scripted):
        def groups_of(self, instrument):
            return {"one": D("0.5"), "two": D("0.5")} if instrument.symbol == "AAA" else {"one": D(1)}

    rule = Both("both")
    desk = Desk(rules=[rule])
    desk.hold(100)
    desk.mark("BBB", 100)
    for price in (101, 102, 103):
        desk.mark("AAA", price)
        desk.codes("buy", 1, "BBB")
    desk.codes("buy", 1)

    desk.do(c.DefineInstrument(stock(lot_size=D(10))))
    desk.codes("buy", 10)

    assert {"one": D("5202.015") + 303, "two": D("5202.015")} == {
        group.group: group.before for group in rule.asked[-1].groups
    }
    desk.check()


def test_samples_may_come_less_often_than_ticks():
    desk = Desk(sample_seconds=10.0, max_price_age=1e9)
    desk.hold(10)
    for _ in range(20):
        desk.wait()

    assert 3 == len(desk.all(e.EquitySampled))


def test_a_falling_rate_can_trip():
    """
    RSK-08, RSK-22: evaluated on every fx update.
    """
    desk = Desk(
        rules=[drawdown("0.01")],
        instruments=[stock("SAP", "EUR"), stock("EUR/USD")],
        max_price_age=1e9,
    )
    desk.mark("EUR/USD", "1.10")
    desk.mark("SAP", 100)
    desk.fill(desk.order("buy", 500, "SAP"), 500, 100)
    desk.mark("SAP", 110)
    desk.mark("EUR/USD", "0.88")

    assert ["drawdown"] == [*desk.state.latches]
    desk.check()


# --- Agreement ------------------------------------------------------------------------------------


def test_a_holding_in_another_currency_is_inherited_in_it():
    desk = Desk(instruments=[stock("SAP", "EUR"), stock("EUR/USD")], start=False, max_price_age=1e9)
    desk.boot()
    desk.connect()
    desk.mark("EUR/USD", "1.10")
    desk.sweep(positions=(PositionReport(symbol="SAP", quantity=D(10), average_entry_price=D(100)),))

    assert (D(-1000), D(0), D(100_000)) == (
        desk.state.cash["EUR"],
        desk.state.outside_cash,
        desk.state.equity,
    )
    desk.check()


def test_cash_seen_again_too_soon_is_seen_once():
    desk = ready()
    for _ in range(3):
        desk.sweep(account=desk.account(cash=desk.venue_cash() + 5))

    assert {} == desk.state.latches


def test_connecting_again_does_not_bring_a_link_up_twice():
    desk = ready()
    before = len(desk.all(e.LinkChanged))
    desk.connect()

    assert before == len(desk.all(e.LinkChanged))


def test_the_books_can_be_checked_without_the_closed_orders():
    desk = ready()
    desk.hold(10)
    next(iter(desk.state.closed.values())).filled = D(3)

    assert [] == violations(desk.state, closed=False)
    assert ["I-02"] == [text[:4] for text in violations(desk.state)]


def test_a_fill_says_in_the_listing_too_what_became_of_an_unknown_order():
    desk = ready()
    order_id = desk.signal("buy", 10).client_order_id
    desk.answer(order_id, Ambiguous("timeout"))
    desk.fill(order_id, 10)
    history = Projection("demo")
    history.apply_all(desk.records())
    [row] = history.orders

    assert (OrderStatus.FILLED, None) == (row.status, row.reason)


def test_a_foreign_order_that_changes_stays_one_row():
    desk = ready()
    report = manual(desk)
    desk.sweep(open_orders=(report,))
    values = {name: getattr(report, name) for name in report.__struct_fields__}
    desk.sweep(open_orders=(OrderReport(**{**values, "filled_quantity": D(2)}),))
    history = Projection("demo")
    history.apply_all(desk.records())

    assert [D(2)] == [row.filled_quantity for row in history.orders]
