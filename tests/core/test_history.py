"""
Orders, fills and alerts of a whole journal, folded from its events.
"""

from decimal import Decimal

import pytest
from core_desk import KEY, MONDAY, Desk

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.history import OrderRow, Projection
from ltm.model.enums import Action, OrderStatus, Purpose, Side
from ltm.model.order import OrderDraft
from ltm.model.reports import Acked, Ambiguous, NotSent, Refused
from ltm.model.results import Reason
from ltm.model.signal import SignalRecord

S = OrderStatus

D = Decimal


def told(desk: Desk) -> Projection:
    history = Projection("demo")
    history.apply_all(desk.records())
    return history


def only(desk: Desk) -> OrderRow:
    (row,) = told(desk).orders
    return row


@pytest.fixture
def desk() -> Desk:
    """
    A desk with a price.
    """
    made = Desk()
    made.mark(price=100)
    return made


def test_an_order_begins_as_an_intent(desk):
    intent = desk.limit("buy", 10, 99)
    row = only(desk)

    assert (intent.client_order_id, S.INTENDED, D(10), D(0), D(99)) == (
        row.client_order_id,
        row.status,
        row.remaining_quantity,
        row.filled_quantity,
        row.limit_price,
    )
    assert intent.signal_key == row.signal_key


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Acked("v1"), S.ACCEPTED, None),
        (Refused("margin", "no money"), S.REJECTED, "margin"),
        (NotSent("no route"), S.ABSENT, "not_sent"),
        (Ambiguous("timeout"), S.UNKNOWN, "unknown"),
    ],
)
def test_an_answer_is_its_status(desk, outcome, status, code):
    intent = desk.limit("buy", 10, 99)
    desk.answer(intent.client_order_id, outcome)
    row = only(desk)

    assert (status, code) == (row.status, row.reason.code if row.reason else None)
    assert D(10 if status in {S.ACCEPTED, S.UNKNOWN} else 0) == row.remaining_quantity


def test_fills_add_up(desk):
    order = desk.order("buy", 10)
    desk.fill(order, 4, 100, commission=D(1), commission_currency="USD")
    part = only(desk)
    first = (part.status, part.filled_quantity, part.remaining_quantity)
    desk.fill(order, 6, 110, commission=D(2), commission_currency="USD")
    row = only(desk)

    assert (S.PARTIALLY_FILLED, D(4), D(6)) == first
    assert (S.FILLED, D(10), D(0), D(106), D(3)) == (
        row.status,
        row.filled_quantity,
        row.remaining_quantity,
        row.average_fill_price,
        row.commission,
    )
    assert [D(4), D(6)] == [fill.quantity for fill in told(desk).fills]


@pytest.mark.parametrize(("status", "code"), [(S.CANCELED, "canceled"), (S.EXPIRED, "expired")])
def test_an_end_keeps_the_fills(desk, status, code):
    order = desk.order("buy", 10)
    desk.fill(order, 4, 100)
    desk.say(order, status, 4, reason="day over")
    row = only(desk)

    assert (status, D(4), D(0)) == (row.status, row.filled_quantity, row.remaining_quantity)
    assert row.reason is None or row.reason.code == code


def apply(*events: e.AnyEvent) -> Projection:
    history = Projection("demo")
    history.apply_all(events)
    return history


def intended(name: str = "one", quantity: int = 10) -> e.OrderIntended:
    draft = OrderDraft(symbol="AAA", side=Side.BUY, quantity=D(quantity))
    return e.OrderIntended(
        at=MONDAY, client_order_id=name, draft=draft, entry=True, worst_price=D(1), checks=()
    )


def fill(quantity: int, price: int, name: str = "one", fill_id: str = "f") -> e.OrderFilled:
    return e.OrderFilled(
        at=MONDAY,
        client_order_id=name,
        fill_id=fill_id,
        symbol="AAA",
        side=Side.BUY,
        quantity=D(quantity),
        price=D(price),
        commission=D(1),
        commission_currency="USD",
        occurred_at=MONDAY,
    )


def replaced(quantity: int, price: int, fill_id: str = "f") -> e.FillReplaced:
    return e.FillReplaced(
        at=MONDAY,
        client_order_id="one",
        fill_id=fill_id,
        quantity=D(quantity),
        price=D(price),
        commission=D(3),
        commission_currency="EUR",
        reason="corrected",
    )


def test_reasons_of_an_end_are_kept_where_there_are_any():
    silent = apply(intended(), e.OrderCanceled(at=MONDAY, client_order_id="one"))
    told_why = apply(intended(), e.OrderExpired(at=MONDAY, client_order_id="one", reason="day over"))

    assert silent.orders[0].reason is None
    assert Reason("expired", "day over") == told_why.orders[0].reason


def test_a_corrected_fill_is_shown_as_corrected():
    history = apply(intended(), fill(10, 100), replaced(10, 90))

    assert [(D(10), D(90), D(3), "EUR")] == [
        (one.quantity, one.price, one.commission, one.commission_currency) for one in history.fills
    ]
    assert (D(90), D(3)) == (history.orders[0].average_fill_price, history.orders[0].commission)


def test_a_busted_fill_is_gone():
    history = apply(intended(), fill(10, 100), replaced(0, 100))

    assert [] == history.fills
    assert (D(0), None) == (history.orders[0].filled_quantity, history.orders[0].average_fill_price)


def test_an_order_that_turned_up_late_is_open_again():
    """
    F18.
    """
    row = apply(
        intended(),
        e.OrderAbsent(at=MONDAY, client_order_id="one", evidence="twice not found"),
        e.OrderLate(at=MONDAY, client_order_id="one", venue_order_id="v1"),
    ).orders[0]

    assert (S.ACCEPTED, "v1", None, D(10)) == (
        row.status,
        row.venue_order_id,
        row.reason,
        row.remaining_quantity,
    )


def test_a_stale_report_moves_nothing():
    row = apply(intended(), fill(10, 100), e.OrderCanceled(at=MONDAY, client_order_id="one")).orders[0]

    assert S.FILLED == row.status


def foreign(quantity: int, filled: int = 0) -> e.ForeignOrderSeen:
    return e.ForeignOrderSeen(
        at=MONDAY,
        client_order_id="theirs",
        venue_order_id="v9",
        symbol="AAA",
        side=Side.SELL,
        quantity=D(quantity),
        filled_quantity=D(filled),
        limit_price=D(101),
    )


def test_a_foreign_order_is_one_row_however_often_it_is_seen():
    history = apply(foreign(10), foreign(8, 3))

    assert [("theirs", D(8), D(3), D(5), None)] == [
        (row.client_order_id, row.quantity, row.filled_quantity, row.remaining_quantity, row.signal_key)
        for row in history.orders
    ]


@pytest.mark.parametrize(
    "event",
    [
        fill(1, 1, "none"),
        replaced(1, 1),
        e.OrderAccepted(at=MONDAY, client_order_id="none", venue_order_id="v"),
        e.AlertDelivered(at=MONDAY, alert_id="none", sink="log"),
        e.AlertAcknowledged(at=MONDAY, alert_id="none", by="me"),
    ],
)
def test_news_of_the_unknown_is_left_out(event):
    """
    A repaired journal may have lost what came before.
    """
    history = apply(event)

    assert ([], [], []) == (history.orders, history.fills, history.alerts)


def test_a_correction_of_an_unknown_fill_is_left_out():
    assert [] == apply(intended(), replaced(1, 1, "other")).fills


def signal(action: Action, **fields) -> SignalRecord:
    return SignalRecord(symbol="AAA", action=action, score=D(1), confidence=D(1), at=MONDAY, **fields)


def test_a_denial_is_an_order_without_an_id(desk):
    denied = desk.signal("sell", 5)
    row = only(desk)

    assert isinstance(denied, e.OrderDenied)
    assert (None, S.DENIED, Side.SELL, D(5), "nothing_to_sell") == (
        row.client_order_id,
        row.status,
        row.side,
        row.quantity,
        row.reason.code,
    )


def test_a_denial_without_signal_or_draft_is_only_counted():
    history = apply(
        e.OrderDenied(at=MONDAY, signal_key="", reasons=()),
        e.OrderDenied(at=MONDAY, signal_key="", reasons=(Reason("lot", "odd"),), signal=signal(Action.BUY)),
        e.OrderDenied(
            at=MONDAY,
            signal_key="",
            reasons=(Reason("lot", "odd"),),
            draft=OrderDraft(symbol="AAA", side=Side.SELL, quantity=D(0), purpose=Purpose.FLATTEN),
        ),
    )

    assert {"unknown": 1, "lot": 2} == dict(history.denials)
    assert [(Side.BUY, None), (Side.SELL, None)] == [(row.side, row.quantity) for row in history.orders]


def test_signals_are_counted_once(desk):
    desk.signal("hold")
    desk.signal("buy", 1)
    desk.signal("sell", 50)
    history = told(desk)

    assert (3, 1) == (history.signals, history.ignored)


def test_alerts_tell_who_has_them(desk):
    desk.do(c.RaiseAlert("warning", "disk_low", "little room"))
    (alert,) = told(desk).alerts
    for sink in ("log", "log", "file"):
        desk.do(c.NoteDelivery(alert.alert_id, sink))
    desk.do(c.AcknowledgeAlert(alert.alert_id, "me"))
    (row,) = told(desk).alerts

    assert ("warning", "disk_low", [], None) == (
        alert.severity,
        alert.code,
        alert.delivered_to,
        alert.acknowledged_at,
    )
    assert (["log", "file"], desk.now) == (row.delivered_to, row.acknowledged_at)


def test_the_deepest_fall_is_kept():
    samples = [(100, 100), (90, 100), (120, 120), (110, 120)]
    history = apply(
        *(
            e.EquitySampled(
                at=MONDAY,
                equity=D(equity),
                peak_equity=D(peak),
                marks={},
                day_peak=D(peak),
                loss_peak=D(peak),
            )
            for equity, peak in samples
        )
    )

    assert D("0.1") == history.max_drawdown


def test_other_events_are_no_rows(desk):
    assert KEY == desk.state.session_key
    assert [] == told(desk).orders
