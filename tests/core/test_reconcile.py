"""
Agreement with the venue: every situation has its rule, a failed question is no answer, nothing is traded to mend it.
"""

from decimal import Decimal

import pytest
from core_desk import BUY, KEY, SELL, Desk, stock

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core import holdings, lost
from ltm.core.effects import QueryOrder, SendCancel, SubmitOrder, Sweep
from ltm.model.enums import Lifecycle, OrderStatus, Purpose, TradingState
from ltm.model.errors import ConfigError, InvalidTransition
from ltm.model.identifiers import client_order_id
from ltm.model.reports import FillReport, OrderReport, PositionReport

D = Decimal


def ready(**terms):
    desk = Desk(**terms)
    desk.mark("AAA", 100)
    return desk


def begun(**terms):
    """
    A session that waits for its first sweep.
    """
    desk = Desk(start=False, **terms)
    desk.boot()
    desk.connect()
    return desk


def foreign(desk, venue_id="x1", **fields):
    values = {
        "symbol": "AAA",
        "side": BUY,
        "status": OrderStatus.ACCEPTED,
        "quantity": D(50),
        "filled_quantity": D(0),
        "at": desk.now,
        "venue_order_id": venue_id,
        "limit_price": D(90),
        **fields,
    }
    return OrderReport(**values)


def held(symbol="AAA", quantity=100, price=None):
    return PositionReport(symbol=symbol, quantity=D(quantity), average_entry_price=price and D(price))


# --- Getting ready --------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["open_orders", "fills", "positions", "account"])
def test_a_question_that_failed_is_not_an_empty_answer(missing):
    """
    REL-4: stay degraded, ask again soon; a timeout is not success (RSK-10).
    """
    desk = begun()
    desk.sweep(**{missing: None})

    assert (Lifecycle.RECONCILING, None) == (desk.state.lifecycle, desk.state.reconciled_at)
    assert ([], [Sweep]) == ([type(x) for x in desk.wait(4)], [type(x) for x in desk.wait(1)])

    desk.sweep()

    assert Lifecycle.RUNNING is desk.state.lifecycle
    assert 1 == len(desk.all(e.Reconciled))


def test_a_failed_question_does_not_close_orders_or_positions():
    """
    REL-4, pitfall 11: an empty list must never come from an error.
    """
    desk = ready()
    order_id = desk.order()
    desk.hold(10)
    for _ in range(3):
        desk.sweep(open_orders=None, fills=None, positions=None, account=None)
        desk.wait(10)

    assert OrderStatus.ACCEPTED is desk.get(order_id).status
    assert (None, None) == (desk.slot().drift, desk.slot().drift_seen)


def test_sweeps_come_every_thirty_seconds_one_at_a_time():
    """
    REL-4: on by default; while one is under way no second.
    """
    desk = ready()
    desk.sweep()

    assert [] == [x for x in desk.wait(29) if isinstance(x, Sweep)]
    assert [Sweep] == [type(x) for x in desk.wait(1)]

    for _ in range(100):
        assert [] == [x for x in desk.wait(1) if isinstance(x, Sweep)]


def test_after_a_reconnect_everything_is_compared_before_entries():
    """
    RSK-10, X7: the link's return sweeps; entries wait for the answer.
    """
    desk = ready()
    order_id = desk.order("buy", 10)
    desk.link(up=False)
    desk.link(up=False)
    effects = desk.link(up=True)

    assert ([Sweep], ("not_ready",)) == ([type(x) for x in effects], desk.codes())

    desk.link(up=False)
    desk.link(up=True)

    assert 1 == sum(isinstance(x, Sweep) for x in desk.effects[-2:])

    desk.sweep(fills=(desk.fill_report(order_id, 10),), open_orders=())

    assert (OrderStatus.FILLED, ()) == (desk.get(order_id).status, desk.codes())


def test_a_session_belongs_to_one_account_and_one_currency():
    """
    F38, F39, BAD-026.
    """
    desk = ready()
    with pytest.raises(ConfigError, match="belongs to account U1"):
        desk.session.connected(desk.account(account="U2"), ())

    with pytest.raises(ConfigError, match="account reports HKD"):
        desk.session.connected(desk.account(currency="HKD"), ())

    fresh = Desk(start=False)
    fresh.boot()
    with pytest.raises(ConfigError, match="account reports HKD"):
        fresh.session.connected(fresh.account(currency="HKD"), ())

    assert None is fresh.state.account


@pytest.mark.parametrize(
    ("can_withdraw", "accepted", "refused"),
    [(True, False, True), (True, True, False), (False, False, False), (None, False, False)],
    ids=["may", "may and meant", "may not", "nobody says"],
)
def test_a_key_that_may_move_money_out_is_refused(can_withdraw, accepted, refused):
    """
    SEC-06: unless that is meant, in words.
    """
    desk = Desk(start=False, accept_withdrawal_key=accepted)
    desk.boot()
    account = desk.account(can_withdraw=can_withdraw)
    if refused:
        with pytest.raises(ConfigError, match="must not be allowed to withdraw"):
            desk.session.connected(account, ())
    else:
        desk.session.connected(account, ())

    assert refused is (desk.state.account is None)


# --- Orders ---------------------------------------------------------------------------------------


def test_our_orders_found_open_stay_as_they_are():
    """
    X6: a sweep drops nothing that works.
    """
    desk = ready()
    order_id = desk.order()
    before = desk.state.sequence
    for _ in range(3):
        desk.sweep()

    assert (before, OrderStatus.ACCEPTED) == (desk.state.sequence, desk.get(order_id).status)


def test_an_order_that_vanished_is_asked_about():
    """
    F20: it ended while nobody listened; the closed-order query tells how.
    """
    desk = ready()
    order_id = desk.order()
    effects = desk.sweep(open_orders=())

    assert [QueryOrder] == [type(x) for x in effects]
    assert [] == desk.sweep(open_orders=())

    desk.do(c.QueryAnswered(order_id, desk.report(order_id, OrderStatus.EXPIRED)))

    assert OrderStatus.EXPIRED is desk.get(order_id).status


def test_an_order_placed_while_the_sweep_ran_is_not_missing():
    """
    REL-4: answers taken before an event say nothing about it.
    """
    desk = ready()
    asked = desk.state.sequence
    desk.order()

    assert [] == desk.sweep(started_sequence=asked, open_orders=())


def test_fills_missed_while_nobody_listened_are_booked_once():
    """
    X7, F15: the periodic sweep finds them; finding them twice changes nothing.
    """
    desk = ready()
    order_id = desk.order()
    fills = (desk.fill_report(order_id, 60, 100, "m1"), desk.fill_report(order_id, 40, 100, "m2"))
    for _ in range(2):
        desk.sweep(fills=fills, positions=desk.positions(AAA=100), open_orders=())

    assert (OrderStatus.FILLED, D(100), 2) == (
        desk.get(order_id).status,
        desk.slot().position,
        desk.state.fill_count,
    )


def test_a_fill_is_matched_by_the_venues_id_where_ours_is_missing():
    """
    REL-4: by our id, else the venue's, else it is foreign.
    """
    desk = ready()
    order_id = desk.order()
    desk.fill(order_id, 10, client_order_id=None, venue_order_id=f"v-{order_id}")
    desk.do(
        c.BrokerReported(desk.fill_report(order_id, 10, client_order_id="theirs", venue_order_id="unknown"))
    )

    assert (D(10), Sweep) == (desk.slot().position, type(desk.effects[-1]))
    desk.check()


@pytest.mark.parametrize("policy", ["observe", "adopt", "cancel", "halt"])
def test_a_foreign_order_is_treated_as_the_terms_say(policy):
    """
    REL-4: shown and counted; adopted; canceled; or trading halts.
    """
    desk = ready(foreign_orders=policy)
    desk.sweep(open_orders=(foreign(desk),))
    order = desk.get("foreign-x1")

    assert (Purpose.SIGNAL if policy == "adopt" else Purpose.FOREIGN) is order.purpose
    assert ["foreign-x1"] * (policy == "cancel") == [
        effect.client_order_id for effect in desk.sent(SendCancel)
    ]
    assert (TradingState.HALTED if policy == "halt" else TradingState.ACTIVE) is desk.state.trading_state
    assert (["foreign_order"], [], D(0)) == (desk.alerts(), desk.sent(SubmitOrder), desk.state.reserved)

    desk.sweep(open_orders=(foreign(desk),))

    assert 1 == len(desk.all(e.ForeignOrderSeen))
    desk.check()


def test_a_foreign_order_counts_in_the_worst_case_as_long_as_it_lives():
    """
    RSK-05, RSK-06: its leaves count on their side, and change with it.
    """
    desk = ready()
    desk.hold(100)
    desk.sweep(open_orders=(foreign(desk, side=SELL, quantity=D(60)),))

    assert ("would_flip",) == desk.codes("sell", 41)

    desk.sweep(open_orders=(foreign(desk, side=SELL, quantity=D(60), filled_quantity=D(20)),))

    assert (D(40), 2) == (desk.get("foreign-x1").leaves, len(desk.all(e.ForeignOrderSeen)))
    assert () == desk.codes("sell", 60)

    desk.sweep(open_orders=desk.open_orders()[1:])
    assert OrderStatus.CANCELED is desk.get("foreign-x1").status
    desk.check()


def test_a_foreign_order_is_never_canceled_or_booked():
    """
    C36: the kill switch leaves it alone, its fills are somebody else's.
    """
    desk = ready()
    report = foreign(desk, client_order_id="manual-1")
    desk.sweep(open_orders=(report,))
    desk.do(c.Kill("me"))
    fill = FillReport(
        fill_id="z",
        symbol="AAA",
        side=BUY,
        quantity=D(50),
        price=D(90),
        occurred_at=desk.now,
        client_order_id="manual-1",
        venue_order_id="x1",
    )
    effects = desk.do(c.BrokerReported(fill))
    desk.do(c.BrokerReported(foreign(desk, filled_quantity=D(50))))
    desk.sweep(open_orders=(report,), fills=(fill,), positions=())
    desk.wait(10)

    assert ([], D(0), [Sweep]) == (desk.sent(SendCancel), desk.slot().position, [type(x) for x in effects])
    assert D(0) == desk.get("foreign-x1").filled
    desk.check()


def test_a_foreign_order_that_cannot_be_or_is_over_is_left_out():
    desk = ready()
    odd = [
        foreign(desk, "x1", symbol="ZZZ"),
        foreign(desk, "x2", status=OrderStatus.FILLED),
        foreign(desk, "x3", quantity=D("NaN")),
    ]
    desk.sweep(open_orders=tuple(odd))

    assert {} == desk.state.orders

    desk.sweep(open_orders=(foreign(desk, "x4"),))
    desk.sweep(open_orders=(foreign(desk, "x4", filled_quantity=D("NaN")),))

    assert D(50) == desk.get("foreign-x4").leaves


def test_our_own_order_from_a_lost_journal_is_adopted_with_its_id():
    """
    REL-4: the id's key is ours: adopt and tell; what it filled before is in the position we inherit.
    """
    own = client_order_id(KEY, 5000)
    desk = begun()
    report = foreign(desk, "v5", client_order_id=own, filled_quantity=D(20))
    old = FillReport(
        fill_id="old",
        symbol="AAA",
        side=BUY,
        quantity=D(20),
        price=D(90),
        occurred_at=desk.now,
        client_order_id=own,
        commission=D(0),
    )
    desk.sweep(open_orders=(report,), fills=(old,), positions=(held(quantity=20, price=90),))
    desk.sweep(open_orders=(report,), fills=(old,), positions=(held(quantity=20),))

    assert (D(20), D(20), ["journal_repaired", "foreign_order", "inherited"]) == (
        desk.slot().position,
        desk.get(own).filled,
        desk.alerts(),
    )
    assert desk.state.sequence > 5000

    desk.fill(own, 30, 91, "new")

    assert (D(50), OrderStatus.FILLED) == (desk.slot().position, desk.get(own).status)
    desk.check()


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_records_that_the_venue_proves_lost_are_marked_up_to_a_limit(monkeypatch, beyond):
    """
    I-04: an order or a fill of ours from after the journal's last record; far beyond, the copy is the wrong one.
    """
    monkeypatch.setattr(lost, "MOST", 50)
    desk = ready()
    desk.tick()
    own = client_order_id(KEY, desk.state.sequence + 50 + beyond)
    fill = FillReport(
        fill_id="old",
        symbol="AAA",
        side=BUY,
        quantity=D(20),
        price=D(90),
        occurred_at=desk.now,
        client_order_id=own,
        commission=D(0),
    )
    before = desk.state.sequence
    for _ in range(2):
        desk.sweep(fills=(fill,))

    if beyond > 0:
        assert (["journal_behind"], TradingState.HALTED) == ([*desk.state.latches], desk.state.trading_state)
        assert 1 == desk.alerts().count("journal_behind")
        return
    assert before + 50 + beyond == len(desk.all(e.RecordLost)) + before
    assert (["journal_repaired"], 1) == ([*desk.state.latches], desk.alerts().count("journal_repaired"))

    desk.do(c.Resume("me", "looked", ("journal_repaired",)))
    desk.sweep()
    desk.mark("AAA", 100)

    assert own != desk.order()
    desk.check()


def test_another_sessions_order_is_named_as_such():
    """
    REL-4: with a new journal our own old orders look like this, too.
    """
    desk = ready()
    desk.sweep(open_orders=(foreign(desk, client_order_id=client_order_id("zzzzzzzz", 7)),))

    assert "of another ltm session, or of ours if its journal was lost (key zzzzzzzz)" in (
        desk.last(e.AlertRaised).message
    )


def test_an_instrument_that_is_never_quiet_is_looked_at_again_a_few_times():
    """
    REL-4: answers taken before an event cannot be compared with what came after it; at most five times in a row.
    """
    desk = ready()
    soon = []
    for _ in range(8):
        desk.wait(61)
        asked = desk.state.sequence
        desk.order(quantity=1, symbol="AAA") if desk.mark("AAA", 100) is None else desk.order(quantity=1)
        desk.sweep(started_sequence=asked)
        soon.append(desk.session.context.sweep_at <= desk.mono + 5)

    assert [True] * 5 + [False] * 3 == soon


# --- Positions ------------------------------------------------------------------------------------


def test_a_holding_from_before_is_inherited_at_its_price():
    """
    REL-4: `inherit`: counts for limits, its profit from before does not.
    """
    desk = begun()
    desk.mark("AAA", 110)
    desk.sweep(positions=(held(price=100), held("BBB", -5, 20)), account=desk.account())

    assert (D(100), D(10000), D(0)) == (desk.slot().position, desk.slot().cost, desk.slot().realized)
    assert D(100_000) + 1000 == desk.state.equity
    assert ([], Lifecycle.RUNNING) == ([*desk.state.latches], desk.state.lifecycle)

    desk.wait(6)
    desk.sweep()

    assert "unexplained_cash" not in desk.state.latches
    desk.check()


def test_a_holding_without_any_price_cannot_be_inherited():
    """
    REL-4: there is nothing to value it with; a person decides.
    """
    desk = begun()
    desk.sweep(positions=(held(),))

    assert (TradingState.HALTED, "foreign_position") == (desk.state.trading_state, desk.alerts()[-1])


def test_a_holding_from_before_can_be_left_out():
    """
    REL-4: `ignore`: excluded from the session, and no drift.
    """
    desk = begun(foreign_positions="ignore")
    desk.sweep(positions=(held(price=100),))
    desk.tick()
    desk.mark("AAA", 100)
    desk.hold(10)
    for _ in range(3):
        desk.sweep(positions=(held(quantity=110),))
        desk.wait(6)
        desk.mark("AAA", 100)

    assert (D(10), D(100), None) == (desk.slot().position, desk.slot().ignored, desk.slot().drift)
    desk.check()


def test_a_holding_from_before_can_be_refused():
    """
    REL-4: `refuse`.
    """
    desk = begun(foreign_positions="refuse")
    desk.sweep(positions=(held(price=100),))

    assert (["foreign_position"], D(0)) == ([*desk.state.latches], desk.slot().position)


def test_a_session_that_died_before_it_ever_agreed_inherits_all_the_same():
    """
    F02: the first complete comparison is the first, however many starts it took.
    """
    desk = begun()
    desk.restart()
    desk.boot()
    desk.connect()
    desk.sweep(positions=(held(price=100),))

    assert D(100) == desk.slot().position


def test_a_drift_counts_once_it_was_seen_twice():
    """
    REL-4: 5 s apart; entries on the instrument are blocked, nothing is traded to mend it.
    """
    desk = ready()
    desk.mark("BBB", 100)
    desk.hold(100)
    before = len(desk.submitted())
    for seconds, found in ((0, 0), (4.9, 0), (0.1, 1), (60, 1)):
        desk.wait(seconds)
        desk.sweep(positions=desk.positions(AAA=200))

        assert found == len(desk.all(e.DriftFound))
    desk.mark("AAA", 100)
    desk.mark("BBB", 100)
    desk.tick()

    assert (("instrument_blocked",), ()) == (desk.codes(), desk.codes(symbol="BBB"))
    assert before + 1 == len(desk.submitted())
    assert "2:1, a split?" in desk.last(e.AlertRaised).message
    assert "not ours" not in desk.last(e.AlertRaised).message

    desk.sweep(positions=desk.positions(AAA=150))

    assert (2, D(150)) == (len(desk.all(e.DriftFound)), desk.slot().drift)
    desk.check()


@pytest.mark.parametrize(
    ("ours", "theirs", "ratio"),
    [
        (10, 20, "2:1"),
        (10, 15, "3:2"),
        (30, 40, "4:3"),
        (40, 50, "5:4"),
        (10, 1, "1:10"),
        (-10, -20, "2:1"),
        (10, -20, None),
        (10, 11, None),
        (0, 5, None),
        (5, 0, None),
    ],
)
def test_the_ratio_of_a_split_is_recognised(ours, theirs, ratio):
    """
    REL-4: a hint, no more.
    """
    assert ratio == holdings.split_ratio(D(ours), D(theirs))


def test_a_drift_names_the_fills_of_others_and_asks_for_old_ones():
    """
    REL-4: what explains it is searched for as far back as the venue remembers; what is somebody else's is said.
    """
    desk = ready()
    desk.sweep(asked_at=desk.now)

    assert None is not desk.session.context.fills_known_to

    by_hand = [
        FillReport(
            fill_id=f"hand{number}",
            symbol=symbol,
            side=side,
            quantity=D(quantity),
            price=D(90),
            occurred_at=desk.now,
            venue_order_id="m1",
        )
        for number, (symbol, side, quantity) in enumerate(
            [("AAA", BUY, 10), ("AAA", SELL, 3), ("BBB", BUY, 1)]
        )
    ]
    for _ in range(2):
        desk.sweep(positions=desk.positions(AAA=7), fills=tuple(by_hand), asked_at=desk.now)
        if not desk.all(e.DriftFound):
            assert None is desk.session.context.fills_known_to
        desk.wait(5)

    assert "fills of orders that are not ours make 7;" in desk.last(e.AlertRaised).message
    assert None is not desk.session.context.fills_known_to


def test_own_fills_of_orders_that_left_memory_are_not_taken_for_others():
    """
    REL-4: their ids are known, and no journal is read for them.
    """
    desk = ready()
    order_id = desk.hold(10)
    known = desk.fill_report(order_id, 10, 100, "gone")
    desk.state.old_fills["gone"] = None
    desk.state.closed.clear()
    for _ in range(2):
        desk.sweep(positions=desk.positions(AAA=7), fills=(known,))
        desk.wait(5)

    assert "not ours" not in desk.last(e.AlertRaised).message


def test_a_drift_that_goes_away_unblocks():
    """
    REL-4: agreement lifts what disagreement blocked.
    """
    desk = ready()
    desk.sweep(positions=desk.positions(AAA=7))
    desk.sweep()

    assert None is desk.slot().drift_seen

    for _ in range(2):
        desk.sweep(positions=desk.positions(AAA=7))
        desk.wait(5)
    desk.sweep()
    desk.mark("AAA", 100)

    assert (1, 1, ()) == (len(desk.all(e.DriftFound)), len(desk.all(e.DriftCleared)), desk.codes())


def test_a_start_waits_until_a_difference_is_explained_or_a_drift():
    """
    RSK-10: ready only with no unresolved drift.
    """
    desk = ready()
    desk.restart()
    desk.boot()
    desk.connect()
    desk.sweep(positions=desk.positions(AAA=7))

    assert Lifecycle.RECONCILING is desk.state.lifecycle

    desk.wait(5)
    desk.sweep(positions=desk.positions(AAA=7))

    assert (Lifecycle.RUNNING, D(7)) == (desk.state.lifecycle, desk.slot().drift)


def test_a_person_may_accept_what_the_venue_holds():
    """
    REL-4: `accept` writes an adjustment; cash is compared afresh from there.
    """
    desk = ready()
    for _ in range(2):
        desk.sweep(positions=desk.positions(AAA=7))
        desk.wait(5)
    desk.do(c.AcceptPosition("AAA", "me", "spin-off"))

    assert (D(7), None, D(100_000)) == (desk.slot().position, desk.slot().drift, desk.state.equity)

    desk.cash -= 12345
    desk.sweep(account=desk.account())
    desk.wait(6)
    desk.sweep(account=desk.account())

    assert {} == desk.state.latches
    for symbol in ("AAA", "ZZZ"):
        with pytest.raises(InvalidTransition, match="has no drift"):
            desk.do(c.AcceptPosition(symbol, "me", "again"))
    desk.check()


def test_a_drift_without_a_price_cannot_be_accepted():
    desk = ready()
    for _ in range(2):
        desk.sweep(positions=desk.positions(BBB=7))
        desk.wait(5)
    with pytest.raises(InvalidTransition, match="has no price"):
        desk.do(c.AcceptPosition("BBB", "me", "x"))


def test_while_an_outcome_is_open_no_difference_counts():
    """
    REL-4: no drift with in-flight fills; an answer of NaN is none.
    """
    desk = ready()
    desk.signal()
    for _ in range(3):
        desk.sweep(positions=desk.positions(AAA=100))
        desk.wait(6)

    assert None is desk.slot().drift_seen

    desk.sweep(positions=(held(quantity="NaN"), held("BBB", "NaN")))

    assert (None, None) == (desk.slot().drift_seen, desk.slot("BBB").drift_seen)


# --- Cash -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("off", "trips"), [("0.09", False), ("0.1", False), ("0.11", True), ("-0.11", True)])
def test_cash_that_nothing_explains_stops_entries(off, trips):
    """
    REL-4, RSK-04: beyond max(0.01, 1e-6 of equity), seen twice, until a person classifies it.
    """
    desk = ready()
    for _ in range(2):
        desk.sweep(account=desk.account(cash=desk.venue_cash() + D(off)))
        desk.wait(5)
        desk.sweep(account=desk.account(cash=desk.venue_cash() + D(off)))

    assert trips is ("unexplained_cash" in desk.state.latches)


def test_the_tolerance_is_a_cent_at_least():
    desk = ready(initial_capital=D(100))
    for off, trips in (("0.01", False), ("0.02", True)):
        for _ in range(3):
            desk.sweep(account=desk.account(cash=desk.venue_cash() + D(off)))
            desk.wait(5)

        assert trips is ("unexplained_cash" in desk.state.latches)


def test_a_declared_flow_explains_the_cash():
    """
    RSK-04: a deposit that was declared is no mystery; one that was acknowledged is a new base.
    """
    desk = ready()
    desk.sweep(account=desk.account(cash=desk.cash + 500))
    desk.do(c.RecordFlow(D(500), "me", "deposit"))
    desk.wait(6)
    desk.sweep(account=desk.account(cash=desk.cash + 500))

    assert ({}, None) == (desk.state.latches, desk.session.context.cash_seen)

    for _ in range(2):
        desk.sweep(account=desk.account(cash=desk.cash + 777))
        desk.wait(6)

    assert ["unexplained_cash"] == [*desk.state.latches]

    desk.do(c.Resume("me", "interest", ("unexplained_cash",)))
    for _ in range(2):
        desk.sweep(account=desk.account(cash=desk.cash + 777))
        desk.wait(6)

    assert {} == desk.state.latches
    desk.check()


def test_cash_waits_for_commissions_and_answers():
    """
    REL-4: while a commission is our guess, or something is in flight, cash is not compared.
    """
    desk = ready(commission_rate=D("0.001"))
    order_id = desk.order()
    desk.fill(order_id, 100, 100, "x", commission=None)
    for _ in range(3):
        desk.sweep(account=desk.account(cash=desk.venue_cash() - 3))
        desk.wait(5)

    assert {} == desk.state.latches

    desk.fill(order_id, 100, 100, "x", commission=D(3))
    desk.mark("AAA", 100)
    desk.signal("buy", 1)
    for _ in range(3):
        desk.sweep(account=desk.account(cash=desk.venue_cash() - 300))
        desk.wait(5)

    assert {} == desk.state.latches


@pytest.mark.parametrize(("seconds", "settled"), [(599, False), (600, True), (601, True)])
def test_a_commission_that_never_comes_hides_no_difference_for_ever(seconds, settled):
    """
    RSK-03, RSK-04: after ten minutes our estimate stands, and cash is compared; should it come after all, it is booked.
    """
    desk = ready()
    order_id = desk.order()
    desk.fill(order_id, 100, 100, "x", commission=None)
    desk.sweep(account=desk.account(cash=desk.venue_cash() - 3))
    desk.wait(seconds)
    desk.sweep(account=desk.account(cash=desk.venue_cash() - 3))

    assert (0 if settled else 1) == desk.state.estimates
    assert settled is ("commission_missing" in desk.alerts())
    assert {} == desk.state.latches

    desk.wait(5)
    desk.sweep(account=desk.account(cash=desk.venue_cash() - 3))

    assert (settled or seconds == 599 - 5) is ("unexplained_cash" in desk.state.latches)

    desk.fill(order_id, 100, 100, "x", commission=D(3))

    assert (D(3), 0) == (desk.state.commissions, desk.state.estimates)
    desk.check()


def test_estimates_of_orders_that_left_memory_hide_nothing():
    """
    RSK-04.
    """
    desk = ready()
    order_id = desk.order()
    desk.fill(order_id, 100, 100, "x", commission=None)
    del desk.state.closed[order_id]
    for _ in range(2):
        desk.sweep(account=desk.account(cash=desk.venue_cash() - 3))
        desk.wait(5)

    assert "unexplained_cash" in desk.state.latches


@pytest.mark.parametrize("figure", [{"cash": D("NaN")}, {"available": D("NaN")}])
def test_account_figures_that_are_no_numbers_are_not_taken(figure):
    """
    BAD-106.
    """
    desk = begun()
    desk.sweep(account=desk.account(**figure))

    assert (None, ()) == (desk.session.context.available, tuple(desk.state.latches))
    assert (None is desk.state.cash_base) is ("cash" in figure)


# --- Instruments ----------------------------------------------------------------------------------


def test_an_instrument_may_change_its_grid_but_not_its_terms_while_held():
    """
    F41: what is held was booked on the old terms: blocked, and told once.
    """
    desk = ready()
    desk.do(c.DefineInstrument(stock(lot_size=D(10))))

    assert D(10) == desk.slot().instrument.lot_size

    desk.hold(100)
    desk.do(c.DefineInstrument(stock(lot_size=D(10))))
    desk.do(c.DefineInstrument(stock(multiplier=D(10))))
    desk.do(c.DefineInstrument(stock(currency="EUR")))

    assert (D(1), "USD", ["instrument_changed"]) == (
        desk.slot().instrument.multiplier,
        desk.slot().instrument.currency,
        desk.alerts(),
    )

    desk.do(c.DefineInstrument(stock("BBB", multiplier=D(10))))

    assert D(10) == desk.slot("BBB").instrument.multiplier
    desk.check()


def test_only_a_blocked_instrument_can_be_unblocked():
    desk = ready()
    for symbol in ("AAA", "ZZZ"):
        with pytest.raises(InvalidTransition, match="is not blocked"):
            desk.do(c.Unblock(symbol, "me"))
