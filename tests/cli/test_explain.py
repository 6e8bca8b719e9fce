"""
`ltm explain`: every order and refusal has its story, and the numbers in it are the journal's.
"""

import re
from decimal import Decimal

import pytest

from ltm.core import events as e
from ltm.model.enums import Action, OrderStatus, OrderType, Purpose, Side
from ltm.model.order import OrderDraft
from ltm.model.results import Check, Reason
from ltm.model.signal import SignalRecord

from .conftest import AT, beginning, filled, intended, write

NAMES = [
    "session_id",
    "verdict",
    "signal_key",
    "signal",
    "size",
    "took_microseconds",
    "checks",
    "reasons",
    "order",
    "events",
    "fills",
    "pnl",
]


def signal(action: Action = Action.BUY, **more) -> SignalRecord:
    return SignalRecord(
        symbol="AAA", action=action, score=Decimal("0.7"), confidence=Decimal("0.9"), at=AT, **more
    )


def test_what_a_decision_took_stands_above_its_checks(ltm, tmp_path):
    """
    RSK-13: where time is real, in milliseconds; in virtual time nothing is said.
    """
    decided = intended("buy-one", "20", signal=signal(), took_microseconds=12_345)
    write(tmp_path, "hand", [*beginning(), decided])

    told = ltm("explain", "buy-one", "--state-dir", tmp_path)

    assert "Checks (decided in 12.3 ms)" in told.out


def test_every_order_and_denial_of_a_session_has_its_story(ltm, demo):
    """
    Issue 2: `ltm explain` answers for every order.
    """
    rows = ltm("orders", "--json", "--state-dir", demo).json
    realized = Decimal(0)
    for row in rows:
        answer = ltm("explain", row["client_order_id"] or row["signal_key"], "--json", "--state-dir", demo)
        told = answer.json

        assert NAMES == list(told)
        assert row == told["order"]
        assert told["checks"] or row["reason"]["code"] == "unknown_instrument"
        assert {("rule", "code", "measured", "limit", "headroom", "message")} >= {
            tuple(one) for one in told["checks"]
        }
        assert "denied" == told["verdict"] or told["fills"]
        realized += Decimal(told["pnl"]["realized_pnl"])

    (status,) = ltm("status", "--json", "--state-dir", demo).json

    assert Decimal(status["realized_pnl"]) == realized


def test_an_entry_tells_signal_size_and_every_rule(ltm, demo):
    row = next(row for row in ltm("orders", "--json", "--state-dir", demo).json if row["status"] == "filled")
    told = ltm("explain", row["client_order_id"], "--json", "--state-dir", demo).json
    rules = {check["rule"]: check for check in told["checks"]}

    assert "approved" == told["verdict"]
    assert "buy" == told["signal"]["action"]
    assert told["size"].startswith("equity_fraction: ")
    assert {
        "position_size",
        "sector_concentration",
        "drawdown",
        "daily_loss",
        "price",
        "session_capital",
    } <= set(rules)
    assert all(rules["position_size"][name] for name in ("measured", "limit", "headroom"))
    assert ["order_intended", "order_filled"] == [step["kind"] for step in told["events"]][:2]
    assert sorted(step["sequence"] for step in told["events"]) == [
        step["sequence"] for step in told["events"]
    ]


@pytest.mark.parametrize("ask", ["client order id", "venue order id", "signal key", "start of the key"])
def test_any_of_its_ids_finds_an_order(ltm, demo, ask):
    row = next(row for row in ltm("orders", "--json", "--state-dir", demo).json if row["status"] == "filled")
    wanted = {
        "client order id": row["client_order_id"],
        "venue order id": row["venue_order_id"],
        "signal key": row["signal_key"],
        "start of the key": row["signal_key"][:8],
    }[ask]

    assert row == ltm("explain", wanted, "--json", "--state-dir", demo).json["order"]


@pytest.mark.parametrize("wanted", ["nothing", "", "l", "\x1b[2J", "a7623430" * 5])
def test_an_unknown_id_is_refused(ltm, demo, wanted):
    answer = ltm("explain", wanted, "--state-dir", demo)

    assert 2 == answer.code
    assert answer.err.startswith("error[LTM-CLI-003]: no order or signal ")


def test_a_trader_can_read_a_denial(ltm, demo):
    rows = ltm("orders", "--json", "--state-dir", demo).json
    key = next(row["signal_key"] for row in rows if (row["reason"] or {}).get("code") == "position_size")
    text = ltm("explain", key, "--state-dir", demo).out

    assert re.search(
        r"^Signal \w{32} in session demo: buy 24 DYNE, market, day: denied \(position_size: ", text
    )
    assert "Size     24, as the signal asked" in text
    assert re.search(r"position_size +DENIED position_size +\d", text)
    assert re.search(r"drawdown +passed +0", text)
    assert text.endswith("Nothing was sent.\n")


def test_a_trader_can_read_a_round_trip(ltm, tmp_path):
    """
    Bought 10 at 100 and 10 at 102, sold 15 at 110: 10 % of the profit is still open.
    """
    sell = Side.SELL
    events = [
        *beginning(),
        intended("buy-one", "20", signal=signal(), sizing="sizer: 20 at 101 a unit"),
        filled("buy-one", 1, "10", "100"),
        filled("buy-one", 2, "10", "102"),
        intended("sell-one", "15", sell, signal=signal(Action.SELL, quantity=Decimal(15))),
        filled("sell-one", 1, "15", "110", sell),
    ]
    folder = write(tmp_path / "state", "hand", events)
    bought = ltm("explain", "buy-one", "--state-dir", folder).out
    sold = ltm("explain", "sell-one", "--state-dir", folder).out

    assert "Size     sizer: 20 at 101 a unit\n" in bought
    assert "realized by this order 0 USD" in bought
    assert "commission 2 USD" in bought
    assert "(opened 2026-03-02T14:30:00Z, 5 still open) realized 135 USD" in bought
    assert "realized by this order 135 USD" in sold
    assert "Size     15, as the signal asked\n" in sold


def test_every_event_of_an_order_is_told(ltm, tmp_path):
    draft = OrderDraft(symbol="AAA", side=Side.SELL, quantity=Decimal(5), purpose=Purpose.STOP_LOSS)
    events = [
        *beginning(),
        intended("buy-one", "5"),
        filled("buy-one", 1, "5", "100"),
        e.OrderIntended(
            at=AT,
            client_order_id="exit-one",
            draft=draft,
            entry=False,
            worst_price=Decimal(90),
            checks=(),
            epoch=1,
        ),
        e.OrderUnknown(at=AT, client_order_id="exit-one", reason="no answer"),
        e.OrderAccepted(at=AT, client_order_id="exit-one", venue_order_id="v-9"),
        e.CancelIntended(at=AT, client_order_id="exit-one", reason="changed my mind"),
        e.CancelRejected(at=AT, client_order_id="exit-one", reason="too late"),
        e.Unexpected(at=AT, client_order_id="exit-one", status="accepted", report="absent"),
        e.OrderFilled(
            at=AT,
            client_order_id="exit-one",
            fill_id="f-1",
            symbol="AAA",
            side=Side.SELL,
            quantity=Decimal(5),
            price=Decimal(90),
            commission=Decimal(1),
            commission_currency="USD",
            occurred_at=AT,
            inferred=True,
        ),
        e.FillReplaced(
            at=AT,
            client_order_id="exit-one",
            fill_id="f-1",
            quantity=Decimal(5),
            price=Decimal(91),
            commission=Decimal("1.5"),
            commission_currency="USD",
            reason="the venue corrected it",
        ),
    ]
    folder = write(tmp_path / "state", "hand", events)
    text = ltm("explain", "v-9", "--state-dir", folder).out

    assert "Signal   none: stop_loss" in text
    assert "Size     5, what was left of the position" in text
    for line in (
        "order_unknown    no answer",
        "order_accepted   venue order v-9",
        "cancel_intended  changed my mind",
        "cancel_rejected  too late",
        "unexpected       absent while accepted",
        "order_filled     5 at 90, inferred",
        "fill_replaced    f-1 is now 5 at 91: the venue corrected it",
        "realized by this order -45 USD",
        "commission 1.5 USD",
    ):
        assert line in text


def test_a_rejected_order_and_an_absent_one_are_told(ltm, tmp_path):
    events = [
        *beginning(),
        intended("one", "5"),
        e.OrderRejected(at=AT, client_order_id="one", code="margin", message="not enough"),
        intended("two", "5"),
        e.OrderAbsent(at=AT, client_order_id="two", evidence="not sent: refused"),
        e.OrderLate(at=AT, client_order_id="two", venue_order_id="v-2"),
    ]
    folder = write(tmp_path / "state", "hand", events)
    one, two = (ltm("explain", name, "--state-dir", folder).out for name in ("one", "two"))

    assert "rejected (margin: not enough)" in one
    assert "order_rejected  margin: not enough" in one
    assert "Fills\n  none" in one
    assert "order_absent    not sent: refused" in two
    assert "venue order v-2" in two


def test_a_hold_and_a_foreign_order_are_told(ltm, tmp_path):
    events = [
        *beginning(),
        e.SignalIgnored(at=AT, signal_key="key-of-hold", signal=signal(Action.HOLD)),
        e.ForeignOrderSeen(
            at=AT,
            client_order_id="foreign-1",
            venue_order_id="v-1",
            symbol="AAA",
            side=Side.BUY,
            quantity=Decimal(3),
            filled_quantity=Decimal(1),
            limit_price=Decimal(99),
        ),
        e.OrderDenied(
            at=AT,
            signal_key="",
            reasons=(Reason("not_tradable", "suspended"),),
            draft=OrderDraft(symbol="AAA", side=Side.SELL, quantity=Decimal(1), purpose=Purpose.FLATTEN),
            checks=(Check("instrument", "not_tradable"),),
        ),
    ]
    folder = write(tmp_path / "state", "hand", events)
    hold = ltm("explain", "key-of-hold", "--state-dir", folder)
    foreign = ltm("explain", "foreign-1", "--state-dir", folder)
    kinds = [
        ltm("explain", name, "--json", "--state-dir", folder).json["verdict"]
        for name in ("key-of-hold", "v-1")
    ]

    assert hold.out.startswith("Signal key-of-hold in session hand: ignored (hold)\n")
    assert "none was worked out" in hold.out
    assert foreign.out.startswith(
        "Order foreign-1 (at the venue v-1) in session hand: buy 3 AAA, limit, gtc: accepted"
    )
    assert "Signal   none: foreign" in foreign.out
    assert ["ignored", "foreign"] == kinds
    assert [OrderStatus.ACCEPTED, OrderType.LIMIT] == [
        ltm("orders", "--json", "--state-dir", folder).json[0][name] for name in ("status", "order_type")
    ]


def test_two_sessions_with_the_same_id_are_both_named(ltm, tmp_path):
    folder = write(tmp_path / "state", "one", [*beginning("one"), intended("same", "1")])
    write(folder, "two", [*beginning("two"), intended("same", "2")])
    answer = ltm("explain", "same", "--state-dir", folder)

    assert "in session one" in answer.out
    assert "notice: session two knows it too; see --session\n" == answer.err
    assert "in session two" in ltm("explain", "same", "--session", "two", "--state-dir", folder).out


def test_nothing_hostile_leaves_its_line(ltm, hostile):
    """
    SEC-33.
    """
    for name in ("order-one", "order-two"):
        for arguments in ((), ("--json",)):
            text = ltm("explain", name, *arguments, "--state-dir", hostile).out

            assert text
            assert not re.search("[\x00\x1b\u202e\u2028]", text)
