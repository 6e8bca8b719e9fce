"""
What becomes known of an order, in any order: fills are booked once, nothing is guessed, what is open stays open.
"""

from decimal import Decimal

import pytest
from core_desk import CAPABILITIES, Desk, stock

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.effects import DeliverAlert, QueryOrder, SendCancel, SubmitOrder, Sweep
from ltm.core.facts import DUPLICATE
from ltm.model.enums import Action, OrderStatus, Purpose, Severity, TradingState
from ltm.model.errors import InvalidTransition, JournalError, SignalError
from ltm.model.order import Approval
from ltm.model.reports import Acked, Ambiguous, Capabilities, NotSent, Refused
from ltm.model.signal import SignalRecord

D = Decimal
NO_TTL = Capabilities(
    **{**{n: getattr(CAPABILITIES, n) for n in CAPABILITIES.__struct_fields__}, "request_ttl": None}
)


@pytest.fixture
def desk():
    desk = Desk()
    desk.mark("AAA", 100)
    yield desk
    desk.check()


def sent(desk, action="buy", quantity=100, **fields):
    answer = desk.signal(action, quantity, **fields)
    return answer.client_order_id


def lost(desk):
    """
    An order whose outcome nobody knows.
    """
    order_id = sent(desk)
    desk.answer(order_id, Ambiguous("timeout"))
    return order_id


def found(desk, order_id, report=None, fills=(), *, failed=False):
    return desk.do(c.QueryAnswered(order_id, report, tuple(fills), failed=failed))


# --- The usual way, and its races -----------------------------------------------------------------


def test_an_order_is_approved_sent_acknowledged_and_filled(desk):
    """
    REL-1: intent before submit, one submit, and the books follow the fills.
    """
    order_id = sent(desk)
    [submit] = desk.sent(SubmitOrder)

    assert isinstance(submit.approval, Approval)
    assert desk.session.may_submit(submit)
    assert OrderStatus.SUBMITTED is desk.get(order_id).status
    assert not desk.session.may_submit(submit)

    desk.answer(order_id)
    desk.fill(order_id, 40, "99.5", commission=D(1))

    assert (OrderStatus.PARTIALLY_FILLED, D(60)) == (desk.get(order_id).status, desk.get(order_id).leaves)

    desk.fill(order_id, 60, "99.25", commission=D(1))
    order, slot = desk.get(order_id), desk.slot()

    assert (OrderStatus.FILLED, D("99.35"), D(2)) == (
        order.status,
        order.average_fill_price,
        order.commission,
    )
    assert (D(100), D(9935), D("99.35")) == (slot.position, slot.cost, slot.average_entry_price)
    assert (D(0), D(100_000) + 65 - 2) == (desk.state.reserved, desk.state.equity)


def test_the_last_look_before_sending_holds_back_what_must_not_leave(desk):
    """
    F43, K13: after a halt, a kill or a cancel nothing leaves that was approved before.
    """
    one, two = sent(desk), sent(desk)
    first, second = desk.sent(SubmitOrder)
    desk.do(c.CancelOrder(one, "me"))

    assert not desk.session.may_submit(first)

    desk.do(c.Kill("me"))

    assert not desk.session.may_submit(second)

    for order_id in (one, two):
        desk.answer(order_id, NotSent("held back"))

    assert {} == desk.state.orders
    assert not desk.session.may_submit(second)
    assert 0 == desk.state.orders_today


def test_a_fill_before_the_acknowledgement_implies_it(desk):
    """
    F16: the stream may be faster than the answer.
    """
    order_id = sent(desk)
    desk.fill(order_id, 40, venue_order_id="v1")
    desk.answer(order_id, Acked("v1"))

    assert OrderStatus.PARTIALLY_FILLED is desk.get(order_id).status
    assert "v1" == desk.get(order_id).venue_order_id
    assert [] == desk.all(e.OrderAccepted)


def test_a_fill_after_the_cancel_is_booked_and_told(desk):
    """
    F16: venues do that; the money is real.
    """
    order_id = desk.order()
    desk.do(c.CancelOrder(order_id, "me"))
    desk.say(order_id, OrderStatus.CANCELED, reason="by request")
    desk.fill(order_id, 30)

    assert (OrderStatus.CANCELED, D(30), D(30)) == (
        desk.get(order_id).status,
        desk.get(order_id).filled,
        desk.slot().position,
    )
    assert "fill_after_end" in desk.alerts()

    desk.fill(order_id, 70)

    assert OrderStatus.FILLED is desk.get(order_id).status


def test_the_same_fill_twice_is_booked_once(desk):
    """
    I-03, F14: one execution id is applied at most once.
    """
    order_id = desk.order()
    before = len(desk.events)
    for _ in range(3):
        desk.fill(order_id, 40, 100, "x")

    assert D(40) == desk.slot().position
    assert 1 == len(desk.events) - before


@pytest.mark.parametrize(
    ("quantity", "price", "position", "cost"),
    [(100, 101, 100, 10100), (60, 99, 60, 5940), (0, 100, 0, 0)],
    ids=["price", "both", "bust"],
)
def test_the_same_id_with_other_content_corrects(desk, quantity, price, position, cost):
    """
    REL-2, BAD-102: corrections and busts replace what was booked.
    """
    order_id = desk.order()
    desk.fill(order_id, 100, 100, "x")
    desk.fill(order_id, quantity, price, "x")
    slot = desk.slot()

    assert (D(position), D(cost), D(0)) == (slot.position, slot.cost, slot.realized)
    assert D(quantity) == desk.get(order_id).filled
    assert "fill_corrected" in desk.alerts()


@pytest.mark.parametrize(
    ("fixed", "realized", "position", "cost"),
    [
        ((40, "98.5"), -60, 60, 6000),
        ((30, "99"), -30, 70, 7000),
        ((50, "99"), -50, 50, 5000),
        ((100, "99"), -100, 0, 0),
        ((0, "99"), 0, 100, 10000),
    ],
    ids=["price", "less", "more", "all", "bust"],
)
def test_a_corrected_exit_corrects_the_profit(desk, fixed, realized, position, cost):
    """
    I-09: what a fill closed at another price was another profit; the cost of the rest stays.
    """
    desk.hold(100, 100)
    order_id = desk.order("sell", 100)
    desk.fill(order_id, 40, 99, "x")
    desk.fill(order_id, *fixed, "x")
    slot = desk.slot()

    assert (D(position), D(cost)) == (slot.position, slot.cost)
    assert D(realized) == slot.realized == desk.state.realized


def test_a_correction_of_a_fill_that_closed_everything(desk):
    """
    I-09: flat stays flat; only the profit changes.
    """
    desk.hold(100, 100)
    order_id = desk.order("sell", 100)
    desk.fill(order_id, 100, 99, "x")
    desk.fill(order_id, 100, 98, "x")

    assert (D(0), D(0), D(-200)) == (desk.slot().position, desk.slot().cost, desk.slot().realized)

    desk.fill(order_id, 90, 98, "x")

    assert (D(10), D(100_000) - 180 + 10 * 2 - 40 + 20) == (desk.slot().position, desk.state.equity)


def test_a_correction_of_an_open_order_gives_the_reserve_back(desk):
    """
    I-10: what is still open reserves cash, no more and no less.
    """
    order_id = desk.order("buy", 100)
    desk.fill(order_id, 60, 100, "x")
    desk.fill(order_id, 50, 100, "x")

    assert 50 * D(101) == desk.state.reserved

    desk.say(order_id, OrderStatus.CANCELED, 50)

    assert D(0) == desk.state.reserved


def test_an_overfill_is_booked_and_blocks_the_instrument(desk):
    """
    REL-2: the money is real; a person has to look.
    """
    order_id = desk.order("buy", 100)
    desk.fill(order_id, 70)
    desk.fill(order_id, 40)
    desk.fill(order_id, 5)

    assert (D(115), OrderStatus.FILLED) == (desk.slot().position, desk.get(order_id).status)
    assert "filled 5 more" not in desk.slot().blocked
    assert Severity.CRITICAL is desk.last(e.AlertRaised).severity


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": D("NaN")},
        {"quantity": D(-1)},
        {"quantity": D("1E+60")},
        {"price": D("Infinity")},
        {"price": D("sNaN")},
        {"price": D(0)},
        {"price": D(-1)},
        {"price": D("0." + "1" * 49)},
        {"symbol": "BBB"},
        {"side": "sell"},
    ],
    ids=str,
)
def test_a_fill_that_cannot_be_is_not_booked(desk, wrong):
    """
    BAD-102, F21: recorded once, not booked, and a sweep soon finds out what is true.
    """
    order_id = desk.order()
    if wrong.get("side"):
        wrong = {"side": desk.get(desk.hold(1, 100, "BBB")).side.__class__.SELL}
    before = desk.slot().position
    for _ in range(3):
        desk.fill(order_id, **{"quantity": 10, "fill_id": "x", **wrong})

    assert before == desk.slot().position
    assert 1 == len(desk.all(e.Unexpected))
    assert desk.session.context.sweep_at <= desk.mono + 5

    desk.fill(order_id, 100)

    assert before + 100 == desk.slot().position


def test_a_fill_that_was_taken_back_before_we_heard_of_it_never_was(desk):
    """
    REL-4, busts: nothing to book, and nothing to wonder about.
    """
    order_id = desk.order()
    desk.fill(order_id, 0, 100, "x")

    assert ([], [], D(0)) == (desk.all(e.Unexpected), desk.all(e.OrderFilled), desk.slot().position)


@pytest.mark.parametrize(
    ("corrected", "status"), [(99, "partially_filled"), (100, "filled"), (101, "filled")]
)
def test_a_correction_may_fill_an_order_and_more_than_fill_it(desk, corrected, status):
    """
    REL-2, I-02: as an overfill by any other fill: booked, blocked, told.
    """
    order_id = desk.order()
    desk.fill(order_id, 60, 100, "a")
    desk.fill(order_id, corrected, 100, "a")

    assert (status, D(corrected)) == (desk.get(order_id).status, desk.slot().position)
    assert (corrected > 100) is (desk.slot().blocked is not None)
    assert (corrected > 100) is ("overfill" in desk.alerts())
    desk.check()


def test_an_end_that_says_less_than_we_know_is_asked_about(desk):
    """
    REL-4, stream against query: the higher sum wins, the lower is stale.
    """
    order_id = desk.order()
    desk.fill(order_id, 60)
    effects = desk.say(order_id, OrderStatus.CANCELED, 20)

    assert ([QueryOrder], OrderStatus.PARTIALLY_FILLED) == (
        [type(x) for x in effects],
        desk.get(order_id).status,
    )

    desk.do(c.QueryAnswered(order_id, desk.report(order_id, OrderStatus.CANCELED, 60)))

    assert OrderStatus.CANCELED is desk.get(order_id).status
    assert [] == desk.say(order_id, OrderStatus.CANCELED, 20)
    desk.check()


def test_an_order_that_is_filled_there_and_less_here_is_over(desk):
    """
    REL-4, busts; T18: a part was taken back while the rest still worked: nothing more will come.
    """
    order_id = desk.order()
    desk.fill(order_id, 60, 100, "a")
    desk.fill(order_id, 0, 100, "a")
    desk.fill(order_id, 40, 100, "b")
    effects = desk.say(order_id, OrderStatus.FILLED, 40)

    assert [QueryOrder] == [type(x) for x in effects]

    desk.do(c.QueryAnswered(order_id, desk.report(order_id, OrderStatus.FILLED, 40)))

    assert (OrderStatus.CANCELED, D(40)) == (desk.get(order_id).status, desk.slot().position)
    assert "60 of it taken back" in desk.get(order_id).reason.message
    desk.check()


def test_a_commission_that_is_not_known_yet_is_estimated_and_trued_up():
    """
    RSK-03, BAD-103: a careful estimate, then the real one; rebates and other currencies are legal.
    """
    desk = Desk(commission_rate=D("0.001"))
    desk.mark("AAA", 100)
    order_id = desk.order()
    desk.fill(order_id, 50, "99.99", "a", commission=None)
    desk.fill(order_id, 50, "99.99", "b", commission=D("NaN"))

    assert (D(10), 2) == (desk.get(order_id).commission, desk.state.estimates)
    assert desk.get(order_id).fills["a"].estimated

    desk.fill(order_id, 50, "99.99", "a", commission=None)
    desk.fill(order_id, 50, "99.99", "a", commission=D("-0.5"))
    desk.fill(order_id, 50, "99.99", "b", commission=D(2), commission_currency="BNB")

    assert (D("-0.5"), 0) == (desk.state.commissions, desk.state.estimates)
    assert {"USD": D("-0.5"), "BNB": D(2)} == desk.state.fees
    assert D(-2) == desk.state.cash["BNB"]

    desk.fill(order_id, 50, "99.99", "a", commission=D("-0.5"))

    assert 3 == len(desk.all(e.FillReplaced)) + 1
    desk.check()


# --- Refusals and what was never sent -------------------------------------------------------------


def test_a_definitive_refusal_ends_the_order(desk):
    """
    REL 2.2.4: the venue's own word, made fit to read.
    """
    order_id = sent(desk)
    desk.answer(order_id, Refused("margin\n", "not enough\ud800"))

    assert OrderStatus.REJECTED is desk.get(order_id).status
    assert ("margin?", "not enough?") == (desk.get(order_id).reason.code, desk.get(order_id).reason.message)
    assert (D(0), ["order_rejected"]) == (desk.state.reserved, desk.alerts())

    desk.fill(order_id, 10)

    assert (OrderStatus.REJECTED, D(10)) == (desk.get(order_id).status, desk.slot().position)

    desk.answer(order_id)

    assert ["accepted"] == [event.report for event in desk.all(e.Unexpected)]


@pytest.mark.parametrize("known", ["accepted", "duplicate"])
def test_a_refusal_that_contradicts_what_is_known_is_asked_about(desk, known):
    """
    REL 2.2.4: after an accept, or as a duplicate id, "refused" proves nothing: query.
    """
    order_id = sent(desk)
    if known == "accepted":
        desk.say(order_id, OrderStatus.ACCEPTED)
        effects = desk.answer(order_id, Refused("busy", "x"))
        status = OrderStatus.ACCEPTED
    else:
        effects = desk.answer(order_id, Refused(DUPLICATE, "x"))
        status = OrderStatus.UNKNOWN

    assert [QueryOrder] == [type(effect) for effect in effects]
    assert status is desk.get(order_id).status


def test_the_venue_may_reject_after_it_accepted(desk):
    """
    REL-2: with what had been filled until then.
    """
    order_id = desk.order()
    desk.fill(order_id, 40)
    desk.say(order_id, OrderStatus.REJECTED, 40, reason_code="halted", reason="auction")

    assert (OrderStatus.REJECTED, D(40)) == (desk.get(order_id).status, desk.slot().position)
    assert 1 == desk.state.orders_today


def test_what_was_provably_not_sent_is_absent_and_costs_no_budget(desk):
    """
    REL 2.2.4: NotSent is proof; the budget of entries comes back.
    """
    order_id = sent(desk)
    desk.answer(order_id, NotSent("connection refused"))

    assert OrderStatus.ABSENT is desk.get(order_id).status
    assert (0, D(0), ["not_sent"]) == (desk.state.orders_today, desk.state.reserved, desk.alerts())


def test_not_sent_about_an_accepted_order_is_not_believed(desk):
    """
    REL-2: the pair has no place; recorded, nothing changed.
    """
    order_id = desk.order()
    desk.answer(order_id, NotSent("confused"))

    assert OrderStatus.ACCEPTED is desk.get(order_id).status
    assert (1, []) == (len(desk.all(e.Unexpected)), desk.alerts())


def test_a_rejection_of_yesterdays_order_does_not_give_back_todays_budget(desk):
    """
    C09: the count is of the trading date.
    """
    order_id = sent(desk)
    desk.wait(24 * 3600)
    desk.mark("AAA", 100)
    sent(desk)
    desk.answer(order_id, Refused("margin", "x"))

    assert 1 == desk.state.orders_today


# --- Unknown --------------------------------------------------------------------------------------


def test_an_unknown_order_is_asked_about_on_a_schedule(desk):
    """
    REL 2.2.1: 0.5, 1, 2, 4 ... seconds; alerts after 10 and 60 s; it counts as open all the time.
    """
    order_id = lost(desk)
    asked = []
    for _ in range(140):
        if any(isinstance(effect, QueryOrder) for effect in desk.wait(0.5)):
            asked.append(desk.mono)
            found(desk, order_id, failed=True)

    assert [1.0, 2.0, 4.0, 8.0, 16.0, 31.0, 61.0] == asked
    assert [Severity.WARNING, Severity.CRITICAL] == [
        alert.severity for alert in desk.all(e.AlertRaised) if alert.code == "order_unknown"
    ]
    assert 100 * D(101) == desk.state.reserved


def test_a_question_that_is_open_is_not_asked_again(desk):
    """
    F22: no tight loop.
    """
    lost(desk)
    for _ in range(30):
        desk.wait(1)

    assert 1 == len(desk.sent(QueryOrder))


@pytest.mark.parametrize(
    ("status", "filled"),
    [
        (OrderStatus.ACCEPTED, 0),
        (OrderStatus.PARTIALLY_FILLED, 40),
        (OrderStatus.FILLED, 100),
        (OrderStatus.CANCELED, 0),
        (OrderStatus.CANCELED, 40),
        (OrderStatus.EXPIRED, 10),
        (OrderStatus.REJECTED, 0),
    ],
)
def test_what_is_found_is_taken_as_found(desk, status, filled):
    """
    REL-1: unknown resolves to open, filled, canceled, expired or rejected, with its fills.
    """
    order_id = lost(desk)
    fills = [desk.fill_report(order_id, filled)] if filled else []
    found(desk, order_id, desk.report(order_id, status, filled, reason="x"), fills)

    assert (status, D(filled), D(filled)) == (
        desk.get(order_id).status,
        desk.get(order_id).filled,
        desk.slot().position,
    )
    assert () == desk.codes()


def test_not_found_once_proves_nothing_twice_with_agreement_does(desk):
    """
    REL 2.2.1, X2: absent needs the request lapsed, two answers a settle time apart, and agreed positions.
    """
    order_id = lost(desk)
    desk.wait(1)
    found(desk, order_id)

    assert OrderStatus.UNKNOWN is desk.get(order_id).status
    assert [Sweep] == [type(effect) for effect in desk.wait(1) if isinstance(effect, Sweep)]

    found(desk, order_id)

    assert OrderStatus.UNKNOWN is desk.get(order_id).status

    desk.wait(5)
    found(desk, order_id)

    assert OrderStatus.UNKNOWN is desk.get(order_id).status  # positions were not compared yet

    desk.sweep()
    desk.wait(8)
    found(desk, order_id)

    desk.mark("AAA", 100)

    assert OrderStatus.ABSENT is desk.get(order_id).status
    assert (D(0), ()) == (desk.state.reserved, desk.codes())
    assert 2 == desk.state.orders_today  # it may have been sent: the budget stays used


def test_a_holding_we_cannot_explain_keeps_the_order_unknown(desk):
    """
    REL 2.2.1 (c): an unexplained position may be its fill.
    """
    order_id = lost(desk)
    desk.wait(1)
    found(desk, order_id)
    desk.sweep(positions=desk.positions(AAA=100))
    desk.wait(8)
    found(desk, order_id)

    assert OrderStatus.UNKNOWN is desk.get(order_id).status


def test_an_answer_in_between_starts_the_proof_again(desk):
    """
    X2: found, then not found: the venue is not to be trusted yet.
    """
    order_id = lost(desk)
    desk.wait(1)
    found(desk, order_id)
    desk.sweep()
    found(desk, order_id, desk.report(order_id, OrderStatus.ACCEPTED))

    assert (OrderStatus.ACCEPTED, None) == (desk.get(order_id).status, desk.get(order_id).not_found_at)


def test_a_request_that_can_still_be_accepted_proves_nothing():
    """
    REL 2.2.1 (a): the venue's time to live has to pass, on the clock that cannot jump (I-19).
    """
    values = {name: getattr(CAPABILITIES, name) for name in CAPABILITIES.__struct_fields__}
    desk = Desk(capabilities=Capabilities(**{**values, "request_ttl": 30.0, "visibility_lag": 2.0}))
    desk.mark("AAA", 100)
    order_id = lost(desk)
    desk.now = desk.now.replace(year=2027)
    for _ in range(3):
        desk.wait(10)
        found(desk, order_id)

    assert None is desk.get(order_id).not_found_at

    desk.wait(3)
    found(desk, order_id)
    desk.sweep()
    desk.wait(10)
    found(desk, order_id)

    assert OrderStatus.ABSENT is desk.get(order_id).status


@pytest.mark.parametrize("missing", ["request_ttl", "query_includes_closed"])
def test_without_a_promise_of_the_venue_it_stays_for_a_person(missing):
    """
    REL 2.2.1: no TTL, or a query that does not list closed orders: the operator decides.
    """
    values = {name: getattr(CAPABILITIES, name) for name in CAPABILITIES.__struct_fields__}
    lacking = {"request_ttl": None, "query_includes_closed": False}[missing]
    desk = Desk(capabilities=Capabilities(**{**values, missing: lacking}))
    desk.mark("AAA", 100)
    order_id = lost(desk)
    for _ in range(20):
        desk.wait(60)
        found(desk, order_id)
        desk.sweep()

    assert OrderStatus.UNKNOWN is desk.get(order_id).status

    desk.do(c.ResolveOrder(order_id, "me", "phoned them"))

    assert OrderStatus.ABSENT is desk.get(order_id).status

    other = Desk(capabilities=desk.capabilities)
    other.mark("AAA", 100)
    order_id = lost(other)
    other.do(c.ResolveOrder(order_id, "me", "seen there", "v77"))

    assert (OrderStatus.ACCEPTED, "v77") == (other.get(order_id).status, other.get(order_id).venue_order_id)

    for name in (order_id, "nonsense"):
        with pytest.raises(InvalidTransition, match="cannot resolve"):
            other.do(c.ResolveOrder(name, "me", "again"))


@pytest.mark.parametrize("how", ["ack", "report", "fill", "query"])
def test_an_order_proven_absent_may_turn_up_after_all(desk, how):
    """
    F18: late arrival re-opens it, entries pause, a person is told; it is never foreign.
    """
    order_id = sent(desk)
    desk.answer(order_id, NotSent("lied"))
    if how == "ack":
        desk.answer(order_id, Acked("v9"))
    elif how == "report":
        desk.say(order_id, OrderStatus.ACCEPTED)
    elif how == "fill":
        desk.fill(order_id, 100, venue_order_id="v9")
    else:
        report = desk.report(order_id, OrderStatus.FILLED, 100)
        found(desk, order_id, report, [desk.fill_report(order_id, 100)])

    filled = how in {"fill", "query"}
    assert (OrderStatus.FILLED if filled else OrderStatus.ACCEPTED) is desk.get(order_id).status
    assert D(100 if filled else 0) == desk.slot().position
    assert (["late_arrival"], TradingState.REDUCING) == ([*desk.state.latches], desk.state.trading_state)
    assert desk.state.reserved == (0 if filled else 100 * D(101))


def test_a_live_order_that_the_venue_no_longer_knows_is_reported_once(desk):
    """
    X3, F20: it stays open; nobody guesses.
    """
    order_id = desk.order()
    found(desk, order_id)
    found(desk, order_id)

    assert (OrderStatus.ACCEPTED, ["order_vanished"]) == (desk.get(order_id).status, desk.alerts())


def test_an_order_lost_before_its_deadline_is_known_only_to_the_intent(desk):
    """
    REL 2.2.1: "not found" for an order that is still on its way means nothing.
    """
    order_id = sent(desk)
    found(desk, order_id)

    assert OrderStatus.INTENDED is desk.get(order_id).status


# --- Sums and fills -------------------------------------------------------------------------------


def test_a_sum_without_fills_is_asked_about_before_it_is_believed(desk):
    """
    X8: the fills are fetched; the end of the order waits for them.
    """
    order_id = desk.order()
    effects = desk.say(order_id, OrderStatus.CANCELED, 40)

    assert ([QueryOrder], OrderStatus.ACCEPTED) == ([type(x) for x in effects], desk.get(order_id).status)

    found(desk, order_id, desk.report(order_id, OrderStatus.CANCELED, 40), [desk.fill_report(order_id, 40)])

    assert (OrderStatus.CANCELED, D(40)) == (desk.get(order_id).status, desk.slot().position)


def test_fills_that_the_venue_does_not_list_are_inferred_and_replaced(desk):
    """
    X4: an inferred fill plus the real ones never count twice.
    """
    order_id = desk.order()
    desk.fill(order_id, 40, 100, "a")
    found(desk, order_id, desk.report(order_id, OrderStatus.FILLED, 100, average_fill_price=D("100.6")))
    inferred = desk.last(e.OrderFilled)

    assert (True, D(60), D(101)) == (inferred.inferred, inferred.quantity, inferred.price)
    assert OrderStatus.FILLED is desk.get(order_id).status

    desk.fill(order_id, 20, "101.5", "b")

    assert (D(100), D(100)) == (desk.slot().position, desk.get(order_id).filled)

    desk.fill(order_id, 40, "100.75", "c")

    assert (D(100), D(10060)) == (desk.slot().position, desk.slot().cost)
    assert "overfill" not in desk.alerts()


def test_a_sum_can_be_inferred_at_the_limit_or_the_mark(desk):
    """
    REL-4: without an average price the order's own limit, else the mark.
    """
    by_limit = desk.limit("buy", 10, 99).client_order_id
    found(desk, by_limit, desk.report(by_limit, OrderStatus.FILLED, 10))
    by_mark = sent(desk, quantity=10)
    found(desk, by_mark, desk.report(by_mark, OrderStatus.FILLED, 10))
    odd = sent(desk, quantity=10)
    desk.fill(odd, 5, 100)
    found(desk, odd, desk.report(odd, OrderStatus.FILLED, 10, average_fill_price=D(1)))

    assert [99, 100, 1] == [event.price for event in desk.all(e.OrderFilled) if event.inferred]


def test_without_any_price_a_sum_is_not_booked(desk):
    """
    REL-4: nothing to value it with: it waits.
    """
    order_id = sent(desk, quantity=10)
    desk.slot().mark = None
    found(desk, order_id, desk.report(order_id, OrderStatus.FILLED, 10))
    desk.slot().mark = D(100)

    assert (OrderStatus.ACCEPTED, D(0)) == (desk.get(order_id).status, desk.slot().position)


@pytest.mark.parametrize("filled", ["NaN", "-1", "Infinity"])
def test_a_report_that_cannot_be_is_not_believed(desk, filled):
    """
    F21, BAD-102.
    """
    order_id = desk.order()
    desk.say(order_id, OrderStatus.FILLED, filled)
    found(desk, order_id, desk.report(order_id, OrderStatus.CANCELED, filled))
    desk.say(order_id, OrderStatus.CANCELED, symbol="BBB")

    assert OrderStatus.ACCEPTED is desk.get(order_id).status
    assert desk.all(e.Unexpected)


def test_stale_reports_change_nothing(desk):
    """
    REL-2: known already, or overtaken: not even a record.
    """
    order_id = desk.order()
    desk.fill(order_id, 100)
    before = len(desk.events)
    desk.say(order_id, OrderStatus.ACCEPTED)
    desk.say(order_id, OrderStatus.PARTIALLY_FILLED, 40)
    desk.say(order_id, OrderStatus.CANCELED, 100)
    desk.answer(order_id, Ambiguous("late"))
    desk.answer(order_id)

    assert before == len(desk.events)


# --- Cancels --------------------------------------------------------------------------------------


def test_a_cancel_is_recorded_before_it_is_sent_and_sent_until_it_is_over(desk):
    """
    REL-2: cancel may be re-sent; the end comes as a report.
    """
    order_id = desk.order()
    desk.do(c.CancelOrder(order_id, "me"))
    desk.do(c.CancelOrder(order_id, "me"))

    assert (1, 1) == (len(desk.all(e.CancelIntended)), len(desk.sent(SendCancel)))

    desk.do(c.CancelAnswered(order_id, Acked("v")))
    desk.wait(1)

    assert 1 == len(desk.sent(SendCancel))

    desk.wait(2)

    assert (2, 1) == (len(desk.sent(SendCancel)), len(desk.sent(QueryOrder)))

    found(desk, order_id, desk.report(order_id, OrderStatus.CANCELED))
    desk.do(c.CancelAnswered(order_id, Acked("v")))

    assert (OrderStatus.CANCELED, False) == (desk.get(order_id).status, desk.get(order_id).cancel_pending)


def test_a_cancel_nobody_knows_about_is_sent_again(desk):
    """
    REL-2: a cancel whose outcome is lost is repeated, with growing pauses.
    """
    order_id = desk.order()
    desk.do(c.CancelOrder(order_id, "me"))
    desk.do(c.CancelAnswered(order_id, Ambiguous("timeout")))
    desk.wait(1)

    assert 2 == len(desk.sent(SendCancel))


def test_not_found_on_a_cancel_is_not_canceled(desk):
    """
    REL-2: too late or not found: the venue is asked; the fill may have won.
    """
    order_id = desk.order()
    desk.do(c.CancelOrder(order_id, "me"))
    effects = desk.do(c.CancelAnswered(order_id, Refused("not_found", "too late")))

    assert ([QueryOrder], OrderStatus.ACCEPTED) == ([type(x) for x in effects], desk.get(order_id).status)
    assert not desk.get(order_id).cancel_pending

    found(desk, order_id, desk.report(order_id, OrderStatus.FILLED, 100), [desk.fill_report(order_id, 100)])

    assert OrderStatus.FILLED is desk.get(order_id).status


def test_a_fill_wins_the_race_against_the_cancel(desk):
    """
    F16.
    """
    order_id = desk.order()
    desk.do(c.CancelOrder(order_id, "me"))
    desk.fill(order_id, 60)
    desk.fill(order_id, 40)
    desk.say(order_id, OrderStatus.CANCELED, 100)

    assert (OrderStatus.FILLED, False) == (desk.get(order_id).status, desk.get(order_id).cancel_pending)

    with pytest.raises(InvalidTransition, match="no open order"):
        desk.do(c.CancelOrder(order_id, "me"))


def test_what_must_be_gone_is_canceled_until_it_is_gone(desk):
    """
    K13, C36: a kill keeps canceling what the venue would not cancel, and what turns up later.
    """
    first, second = desk.order(), lost(desk)
    desk.do(c.Kill("me"))

    assert {first, second} == {effect.client_order_id for effect in desk.sent(SendCancel)}

    desk.do(c.CancelAnswered(first, Refused("busy", "later")))
    found(desk, first, desk.report(first, OrderStatus.ACCEPTED))
    desk.wait(3)

    assert 2 == sum(effect.client_order_id == first for effect in desk.sent(SendCancel))


# --- Orders that have left memory -----------------------------------------------------------------


def test_news_of_an_order_that_has_left_memory_finds_it_in_the_journal(desk):
    """
    I-17: the records lead to it again, so that a replay can follow them.
    """
    order_id = desk.order("buy", 10)
    desk.fill(order_id, 10, 100, "old", venue_order_id="v-old")
    desk.state.closed.pop(order_id)
    desk.state.venue_ids.pop("v-old")
    stale = len(desk.events)
    desk.say(order_id, OrderStatus.FILLED, 10)

    assert stale == len(desk.events)

    desk.fill(order_id, 10, 100, "old", commission=D(1))

    assert [e.OrderRecalled, e.FillReplaced] == [type(event) for event in desk.events[stale:]]
    assert (D(1), order_id) == (desk.get(order_id).commission, desk.state.venue_ids["v-old"])


def test_memory_keeps_the_latest_closed_orders_only(monkeypatch):
    """
    Cost per order does not grow with the length of the session; old fills are still recognised.
    """
    monkeypatch.setattr("ltm.core.evolve._orders.KEEP_CLOSED", 3)
    monkeypatch.setattr("ltm.core.evolve._orders.KEEP_FILLS", 4)
    desk = Desk()
    desk.mark("AAA", 100)
    first = desk.order("buy", 1)
    desk.fill(first, 1, 100, "first", venue_order_id="v1")
    report = desk.fill_report(first, 1, 100, "first", venue_order_id="v1")
    for _ in range(3):
        desk.answer(sent(desk, quantity=1), Refused("x", "y"))

    assert (3, None) == (len(desk.state.closed), desk.get(first))
    assert "v1" not in desk.state.venue_ids

    before = desk.state.sequence
    desk.sweep(fills=(report,))

    assert before == desk.state.sequence

    desk.fill(first, 1, 100, "second")

    assert D(2) == desk.get(first).filled

    desk.do(c.Unblock("AAA", "me"))
    for number in range(8):
        order_id = desk.order("buy", 1)
        desk.fill(order_id, 1, 100, f"n{number}")

    assert ["n0", "n1", "n2", "n3"] == [*desk.state.old_fills]
    desk.check()


# --- Idempotency ----------------------------------------------------------------------------------


def record(desk, **fields):
    values = {
        "symbol": "AAA",
        "action": Action.BUY,
        "score": D(1),
        "confidence": D(1),
        "at": desk.now,
        **fields,
    }
    return SignalRecord(**values)


@pytest.mark.parametrize(
    "fields", [{}, {"action": Action.HOLD}, {"quantity": D(10**9)}], ids=["sent", "hold", "denied"]
)
def test_the_same_signal_twice_is_one_answer(desk, fields):
    """
    BAD-065, F46: one order, the same record as the answer, before and after a restart.
    """
    signal = record(desk, **fields)
    desk.do(c.SubmitSignal(signal))
    key = desk.session.key_of(signal)
    answer, before = desk.session.answered(key), len(desk.events)
    desk.do(c.SubmitSignal(signal))

    assert (before, answer) == (len(desk.events), desk.session.answered(key))
    assert len(desk.submitted()) <= 1

    desk.restart()
    desk.boot()
    before = len(desk.events)
    desk.do(c.SubmitSignal(signal))

    assert before == len(desk.events)


def test_the_same_key_with_other_content_is_an_error(desk):
    """
    BAD-066: the Stripe rule; nothing is recorded.
    """
    desk.do(c.SubmitSignal(record(desk)))
    before = len(desk.events)

    with pytest.raises(SignalError, match="was sent before with other content"):
        desk.do(c.SubmitSignal(record(desk, score=D(2))))

    assert before == len(desk.events)

    desk.do(c.SubmitSignal(record(desk, score=D(2), intent=1)))

    assert 2 == len(desk.submitted())


def test_keys_nobody_used_have_no_answer(desk):
    assert None is desk.session.answered("nothing")
    assert None is desk.session.event_at(0)
    assert None is desk.session.event_at(10**6)


def test_the_journal_is_made_durable_where_an_answer_is_not_yet(desk):
    """
    A duplicate in the same drain finds the first one's answer, which nothing has committed yet.
    """
    rows, committed = desk.journal, []

    class Buffered:
        def append(self, records):
            rows.append(records)

        def commit(self):
            committed.append(rows.last_sequence())

        def read(self, after=0):
            return (row for row in rows.read(after) if committed and row.sequence <= committed[-1])

    desk.session.journal = Buffered()
    signal = record(desk)
    desk.do(c.SubmitSignal(signal))
    desk.do(c.SubmitSignal(signal))

    assert 1 == len(committed)


def test_answers_about_orders_nobody_knows_are_refused(desk):
    for order_id in ("foreign", "labcdefghzzzz"):
        with pytest.raises(KeyError, match="no order"):
            desk.answer(order_id)


def test_a_journal_that_takes_no_more_records_leaves_the_books_as_they_were(desk):
    """
    REL-3: no record, no change, no effect.
    """

    def fail(records):
        message = "disk full"
        raise JournalError(message)

    append, desk.session.journal.__class__.append = (
        desk.session.journal.__class__.append,
        lambda self, r: fail(r),
    )
    sequence, effects = desk.state.sequence, len(desk.effects)
    try:
        with pytest.raises(JournalError):
            sent(desk)
    finally:
        desk.session.journal.__class__.append = append

    assert (sequence, {}) == (desk.state.sequence, desk.state.orders)
    assert effects == len(desk.effects)


def test_an_alert_goes_out_with_its_record(desk):
    """
    I-18: in the outbox until a sink has it.
    """
    desk.do(c.RaiseAlert("warning", "note", "text"))
    [effect] = desk.sent(DeliverAlert)

    assert ("demo", "note", [effect.alert]) == (
        effect.alert.session_id,
        effect.alert.code,
        desk.session.outbox(),
    )

    desk.do(c.NoteDelivery(effect.alert.alert_id, "log"))
    desk.do(c.AcknowledgeAlert(effect.alert.alert_id, "me"))
    desk.do(c.NoteDelivery("gone", "log"))
    kept = desk.state.alerts[effect.alert.alert_id]

    assert ([], ["log"], desk.now) == (desk.session.outbox(), kept.delivered_to, kept.acknowledged_at)


def test_an_unknown_exit_is_critical_at_once(desk):
    """
    RSK-24.
    """
    other = Desk(stop_loss_pct=D("0.05"), instruments=[stock()])
    other.hold(100)
    other.mark("AAA", 95)
    [order] = other.state.orders.values()
    other.answer(order.client_order_id, Ambiguous("timeout"))

    assert (Purpose.STOP_LOSS, "exit_unknown") == (order.purpose, other.alerts()[-1])
    other.check()


def test_one_look_at_the_positions_is_enough_until_the_answers_have_settled(desk):
    """
    REL 2.2.1: not found twice, a settle time apart; in between no further sweep is asked for.
    """
    order_id = desk.signal().client_order_id
    desk.answer(order_id, Ambiguous("timeout"))
    desk.wait(1)
    desk.do(c.QueryAnswered(order_id, None))
    desk.wait(1)
    desk.sweep()
    desk.wait(1)
    later = desk.session.context.sweep_at
    desk.do(c.QueryAnswered(order_id, None))

    assert (OrderStatus.UNKNOWN, later) == (desk.get(order_id).status, desk.session.context.sweep_at)


def test_an_order_that_only_a_person_can_resolve_is_told_once(desk):
    """
    REL 2.2.1 (c): the venue's holding moved, so "not found" proves nothing; it may be this order's fill.
    """
    order_id = desk.signal().client_order_id
    desk.answer(order_id, Ambiguous("timeout"))
    for _ in range(4):
        desk.wait(6)
        desk.do(c.QueryAnswered(order_id, None))
        desk.sweep(positions=desk.positions(AAA=7))

    assert 1 == desk.alerts().count("order_unproven")
    assert "holds 7 where our fills say 0" in next(
        alert.message for alert in desk.all(e.AlertRaised) if alert.code == "order_unproven"
    )
    assert OrderStatus.UNKNOWN is desk.get(order_id).status

    desk.do(c.ResolveOrder(order_id, "me", "I looked"))

    assert OrderStatus.ABSENT is desk.get(order_id).status
    desk.check()


def test_what_was_to_be_done_is_not_lost_when_the_next_command_raises():
    """
    I-18: the alert of a rejection goes out with the next call, though the command behind it was no good.
    """
    desk = Desk()
    desk.mark("AAA", 100)
    order = desk.signal("buy", 10).client_order_id
    rejected = c.SubmitAnswered(order, Refused("no_funds", "not today"))

    with pytest.raises(KeyError):
        desk.session.handle_all([rejected, c.SubmitAnswered("nobody's", Acked("v"))])

    assert [] != [effect for effect in desk.tick() if isinstance(effect, DeliverAlert)]
