"""
A person's hand on the wheel: what is asked for, what is refused, who is written down, and what is left at the venue.
"""

from typing import Any

import pytest

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.attestation import attest
from ltm.core.control import is_flat
from ltm.core.effects import SendCancel, SubmitOrder, Sweep
from ltm.model.enums import OrderStatus, OrderType, Side, TradingState
from ltm.model.errors import InvalidTransition
from ltm.model.reports import Acked, Ambiguous, OrderReport, PositionReport, Refused
from ltm.model.secret import Secret

from .core_desk import MONDAY, D, Desk, stock
from .core_rules import daily_loss, drawdown

ALICE = "alice (uid 1000) on pts/3"


def ready(**more: Any) -> Desk:
    desk = Desk(**more)
    desk.mark("AAA", 100)
    desk.mark("BBB", 20)
    return desk


def ask(desk: Desk, command: c.AnyRequest, action: str, about: str = "", reason: str = "") -> list[Any]:
    return desk.do(c.ByOperator(command, action, ALICE, reason, about))


# --- Who, what and why ----------------------------------------------------------------------------


def test_what_a_person_asks_for_is_written_down_before_it_is_done():
    """
    SEC-38: who, what, when and why.
    """
    desk = ready()
    ask(desk, c.Pause(ALICE, "lunch"), "pause", reason="lunch")
    first, second = desk.records()[-2:]

    assert e.OperatorActed(at=desk.now, action="pause", by=ALICE, reason="lunch") == first
    assert (e.TradingPaused, ALICE) == (type(second), second.by)
    desk.check()


def test_what_is_refused_is_written_down_with_why():
    """
    SEC-38: failures too; BAD-034: and nothing else changes.
    """
    desk = ready()
    with pytest.raises(InvalidTransition, match="it is ACTIVE"):
        ask(desk, c.Resume(ALICE), "resume", "drawdown")
    refusal = desk.last(e.OperatorActed)

    assert refusal is desk.events[-1]
    assert ("resume", "drawdown", "cannot resume session demo: it is ACTIVE") == (
        refusal.action,
        refusal.about,
        refusal.refused,
    )
    desk.check()


def test_a_request_that_changes_nothing_is_written_down_all_the_same():
    """
    SEC-38: a second stop.
    """
    desk = ready()
    desk.do(c.Stop("me"))
    ask(desk, c.Stop(ALICE), "stop")

    assert "" == desk.last(e.OperatorActed).refused


def test_text_of_a_person_cannot_leave_its_line():
    """
    SEC-33.
    """
    desk = ready()
    ask(desk, c.Pause(ALICE), "pause", about="a\nb", reason="x" * 1000 + "\x1b")
    acted = desk.last(e.OperatorActed)

    assert ("a?b", 300) == (acted.about, len(acted.reason))


# --- Resume ---------------------------------------------------------------------------------------


def fallen() -> Desk:
    """
    A session that was worth 100,000 and lost 15 of 100 with everything it has in AAA.
    """
    desk = Desk(rules=[drawdown("0.1"), daily_loss("0.02")], start=False)
    desk.boot()
    desk.connect()
    held = PositionReport(symbol="AAA", quantity=D(1000), average_entry_price=D(100))
    desk.sweep(positions=(held,))
    desk.mark("AAA", 100)
    desk.tick()
    desk.mark("AAA", 85)
    assert {"drawdown", "daily_loss"} == {*desk.state.latches}
    return desk


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (c.Resume("me"), "drawdown, daily_loss must be acknowledged"),
        (
            c.Resume("me", "x", ("drawdown",)),
            "daily_loss must be acknowledged; the day's roll lifts daily_loss by itself",
        ),
        (c.Resume("me", "x", ("drawdown", "daily_loss")), "daily_loss must be acknowledged"),
        (c.Resume("me", "x", override=("drawdown", "daily_loss")), "drawdown must be acknowledged"),
        (c.Resume("me", "", ("drawdown",), override=("daily_loss",)), "lifted for a reason, got none"),
        (c.Resume("me", " ", ("drawdown",), override=("daily_loss",)), "lifted for a reason, got none"),
    ],
    ids=["nothing", "half", "no override", "no acknowledgement", "no reason", "blank reason"],
)
def test_a_trip_is_lifted_by_name_and_for_a_reason(command, why):
    """
    RSK-12, RSK-23: the day's loss needs an override before the roll; the error has the whole command.
    """
    desk = fallen()
    with pytest.raises(InvalidTransition) as error:
        desk.do(command)

    assert why in error.value.message
    assert "--ack drawdown --override daily_loss --reason TEXT" in str(error.value.hint)
    assert {"drawdown", "daily_loss"} == {*desk.state.latches}


def test_a_resumed_session_re_bases_what_the_person_said():
    """
    RSK-22, RSK-23: the peak when asked to, the day's loss from the point of the override.
    """
    desk = fallen()
    desk.do(c.Resume("me", "bad print", ("drawdown",), reset_peak=True, override=("daily_loss",)))

    assert ({}, D(85_000), D(85_000)) == (desk.state.latches, desk.state.peak, desk.state.loss_base)

    desk.mark("AAA", "83.31")
    assert {} == desk.state.latches

    desk.mark("AAA", "83.3")
    assert {"daily_loss"} == {*desk.state.latches}
    desk.check()


# --- Kill -----------------------------------------------------------------------------------------


def test_a_second_kill_is_written_down_and_tells_nobody_twice():
    """
    C36: latched; who used it again is in the journal.
    """
    desk = ready()
    for _ in range(2):
        ask(desk, c.Kill(ALICE, "enough"), "kill", reason="enough")

    assert (2, ["kill"], TradingState.KILLED) == (
        len(desk.all(e.TradingKilled)),
        desk.alerts(),
        desk.state.trading_state,
    )


def manual(symbol: str = "AAA", **more: Any) -> OrderReport:
    values = {
        "symbol": symbol,
        "side": Side.BUY,
        "status": OrderStatus.ACCEPTED,
        "quantity": D(5),
        "filled_quantity": D(0),
        "at": MONDAY,
        "client_order_id": None,
        "venue_order_id": "theirs",
        "limit_price": D(1),
        **more,
    }
    return OrderReport(**values)


@pytest.mark.parametrize(("foreign", "canceled"), [(False, 1), (True, 2)])
def test_a_kill_cancels_what_is_foreign_only_when_told_to(foreign, canceled):
    """
    REL-4: `--all`.
    """
    desk = ready()
    desk.limit("buy", 10, 90)
    desk.answer(desk.last(e.OrderIntended).client_order_id)
    desk.sweep(open_orders=(*desk.open_orders(), manual()))
    desk.do(c.Kill("me", foreign=foreign))

    assert canceled == len(desk.sent(SendCancel))


@pytest.mark.parametrize("how", ["reconnect", "restart"])
def test_cancels_of_a_kill_without_a_link_go_first_once_it_is_back(how):
    """
    F44: latched, and queued before anything else; K10, K13 for the restart.
    """
    desk = ready()
    order_id = desk.limit("buy", 10, 90).client_order_id
    desk.answer(order_id)
    desk.link(up=False)
    desk.do(c.Kill("me"))
    for effect in desk.sent(SendCancel):
        desk.do(c.CancelAnswered(effect.client_order_id, Ambiguous("no link")))
    desk.effects.clear()
    if how == "reconnect":
        desk.link(up=True)
    else:
        desk.restart()
        desk.boot()
        desk.connect()

    assert [SendCancel, Sweep] == [type(effect) for effect in desk.effects]
    assert order_id == desk.effects[0].client_order_id
    assert TradingState.KILLED is desk.state.trading_state
    desk.check()


@pytest.mark.parametrize(
    ("stop", "leaves"),
    [(c.Pause("me"), True), (c.Kill("me"), False), (c.Stop("me"), False)],
    ids=["pause", "kill", "stop"],
)
def test_whatever_races_an_approval_is_before_it_or_after(stop, leaves):
    """
    F43: in one order the intent precedes the record of the stop, in the other the signal is denied.
    """
    for first in ("signal", "stop"):
        desk = ready()
        if first == "signal":
            answer = desk.signal("buy", 10)
            [submit] = desk.sent(SubmitOrder)
            desk.do(stop)

            assert isinstance(answer, e.OrderIntended)
            assert leaves is desk.session.may_submit(submit)
        else:
            desk.do(stop)

            assert isinstance(desk.signal("buy", 10), e.OrderDenied)
            assert [] == desk.sent(SubmitOrder)
        desk.check()


# --- Flatten, alerts ------------------------------------------------------------------------------


def test_only_what_the_session_knows_can_be_flattened():
    desk = ready()
    with pytest.raises(InvalidTransition, match='cannot flatten "ZZZ": session demo does not know it'):
        desk.do(c.Flatten("me", "ZZZ"))

    assert {} == desk.state.latches


def test_flat_means_nothing_held_and_nothing_open():
    desk = ready()
    desk.hold(10)
    desk.sweep(open_orders=(manual("BBB"),))

    assert (False, False, True, True) == (
        is_flat(desk.state),
        is_flat(desk.state, "AAA"),
        is_flat(desk.state, "BBB"),
        is_flat(desk.state, "ZZZ"),
    )

    desk.limit("buy", 1, 10, "BBB")

    assert not is_flat(desk.state, "BBB")


def test_an_alert_is_acknowledged_once_and_by_its_id():
    desk = ready()
    desk.do(c.RaiseAlert("warning", "note", "text"))
    [name] = desk.state.alerts
    for _ in range(2):
        desk.do(c.AcknowledgeAlert(name, "me"))

    assert 1 == len(desk.all(e.AlertAcknowledged))
    with pytest.raises(InvalidTransition, match='no alert "gone" in session demo'):
        desk.do(c.AcknowledgeAlert("gone", "me"))


def test_an_acknowledgement_outlives_its_alert():
    """
    A repaired journal may have lost the alert itself.
    """
    desk = ready()
    desk.session.record(e.AlertAcknowledged(at=desk.now, alert_id="lost", by="me"))

    assert {} == desk.state.alerts
    desk.check()


# --- What is left ---------------------------------------------------------------------------------


def answered(desk: Desk, **answers: Any) -> c.SweepAnswered:
    values = {
        "started_sequence": desk.state.sequence,
        "open_orders": desk.open_orders(),
        "fills": (),
        "positions": desk.positions(),
        "account": None,
        **answers,
    }
    return c.SweepAnswered(**values)


def test_nothing_left_is_attested_and_journaled():
    desk = ready()
    found = attest(desk.state, answered(desk), desk.now, flat=True)
    desk.do(c.Attest(found))

    assert (True, 0, (), 0, (), True, (), ()) == (
        found.given,
        found.open_orders,
        found.left_open,
        found.foreign_orders,
        found.positions,
        found.positions_agree,
        found.unresolved,
        found.problems,
    )
    assert found == desk.records()[-1].attestation
    desk.check()


def held() -> Desk:
    desk = ready()
    desk.hold(10)
    desk.hold(5, 20, "BBB")
    return desk


@pytest.mark.parametrize(
    ("answers", "more", "problems"),
    [
        ({}, {}, []),
        ({}, {"flat": True}, ["10 AAA are still held", "5 BBB are still held"]),
        ({}, {"flat": True, "symbol": "AAA"}, ["10 AAA are still held"]),
        ({"open_orders": None}, {}, ["the venue did not say which orders are open"]),
        ({"positions": None}, {}, ["the venue did not say what is held"]),
        ({"positions": None}, {"symbol": "ZZZ"}, ["the venue did not say what is held"]),
        (
            {
                "positions": (
                    PositionReport(symbol="AAA", quantity=D(9)),
                    PositionReport(symbol="BBB", quantity=D(5)),
                )
            },
            {},
            ["the venue holds 9 AAA, our fills say 10"],
        ),
        (
            {
                "positions": (
                    PositionReport(symbol="AAA", quantity=D("NaN")),
                    PositionReport(symbol="BBB", quantity=D(5)),
                )
            },
            {},
            ["the venue gave no quantity of AAA"],
        ),
        ({"positions": ()}, {"symbol": "BBB"}, ["the venue holds 0 BBB, our fills say 5"]),
        ({"open_orders": (manual(),)}, {}, []),
        ({"open_orders": (manual(),)}, {"foreign": True}, ["1 orders that are not ours are still open"]),
        ({"open_orders": (manual(status=OrderStatus.CANCELED),)}, {"foreign": True}, []),
        ({"open_orders": (manual(),)}, {"foreign": True, "symbol": "BBB"}, []),
    ],
    ids=[
        "all is well",
        "held",
        "one held",
        "no orders",
        "no positions",
        "no positions at all",
        "differs",
        "NaN",
        "gone",
        "foreign",
        "foreign asked for",
        "foreign but over",
        "foreign elsewhere",
    ],
)
def test_an_attestation_names_everything_that_is_not_as_it_should_be(answers, more, problems):
    """
    A question that failed is not "nothing", and a difference is never glossed over.
    """
    desk = held()
    found = attest(desk.state, answered(desk, **answers), desk.now, **more)

    assert problems == [*found.problems]
    assert found.given is not bool(problems)


def test_what_is_held_after_a_kill_is_said_to_stay():
    """
    C37: nothing but cancels leaves.
    """
    desk = held()
    desk.do(c.Kill("me"))

    assert (
        "10 AAA are still held, and no exit leaves while trading is killed"
        == attest(desk.state, answered(desk), desk.now, flat=True).problems[0]
    )


def test_open_orders_are_counted_by_the_venues_list_and_ours():
    """
    An order that we think is over and the venue lists is left, and so is one that it does not list yet.
    """
    desk = ready()
    ours = desk.limit("buy", 10, 90).client_order_id
    desk.answer(ours)
    gone = desk.order("buy", 10, order_type=OrderType.LIMIT, limit_price=91)
    listed = desk.report(gone, OrderStatus.ACCEPTED, venue_order_id="v-other")
    desk.say(gone, OrderStatus.CANCELED)
    found = attest(desk.state, answered(desk, open_orders=(listed, manual())), desk.now)

    assert (2, 1, [ours, gone]) == (found.open_orders, found.foreign_orders, [*found.left_open])
    assert [f"still open: {ours}, {gone}"] == [*found.problems]
    assert attest(desk.state, answered(desk), desk.now, keep=True).given
    assert attest(desk.state, answered(desk), desk.now, symbol="BBB").given


def test_an_order_that_the_venue_lists_under_its_own_id_is_ours_if_we_know_it():
    desk = ready()
    order_id = desk.limit("buy", 10, 90).client_order_id
    desk.answer(order_id)
    desk.sweep(open_orders=(*desk.open_orders(), manual()))
    found = attest(
        desk.state,
        answered(desk, open_orders=(manual(venue_order_id=f"v-{order_id}"), manual())),
        desk.now,
    )

    assert (1, 1, [order_id]) == (found.open_orders, found.foreign_orders, [*found.left_open])


def test_an_order_whose_fate_is_open_stands_in_the_way():
    """
    Exit code 6 of the command line; many are not all spelled out.
    """
    desk = ready(instruments=[stock("AAA"), stock("BBB")])
    names = [desk.limit("buy", 1, 90).client_order_id for _ in range(6)]
    for name in names:
        desk.answer(name, Ambiguous("timeout"))
    found = attest(desk.state, answered(desk), desk.now, keep=True)

    assert names == [*found.unresolved] == [*found.left_open]
    assert [f"nobody knows what became of {', '.join(names[:5])} and 1 more"] == [*found.problems]


# --- What people say ------------------------------------------------------------------------------

ODD = "f\udcfcr \n Zq9K7vX2K7vX2K7v"


@pytest.mark.parametrize(
    ("command", "kind", "field"),
    [
        (c.Pause("me", ODD), e.TradingPaused, "message"),
        (c.Pause(ODD), e.TradingPaused, "by"),
        (c.Restrict("disk", ODD), e.TradingPaused, "message"),
        (c.Halt("h", ODD), e.TradingHalted, "message"),
        (c.Kill("me", ODD), e.TradingKilled, "message"),
        (c.Stop("me", ODD), e.LifecycleChanged, "reason"),
        (c.Flatten(ODD), e.TradingPaused, "by"),
        (c.RecordFlow(D(1), "me", ODD), e.FlowRecorded, "reason"),
        (c.ByOperator(c.Kill("me", ODD), "kill", "me", ODD), e.OperatorActed, "reason"),
        (c.ByOperator(c.Kill("me", ODD), "kill", "me", ODD), e.TradingKilled, "message"),
    ],
)
def test_what_a_person_says_is_made_fit_for_the_journal_and_stops_nothing(command, kind, field):
    """
    SEC-04, C36: no secret, and no character that is no text, keeps a session from being killed or paused.
    """
    Secret("Zq9K7vX2K7vX2K7v")
    desk = ready()
    desk.do(command)

    assert "f?r ? ***" in getattr(desk.last(kind), field)
    assert not [row for row in desk.journal.read() if b"Zq9K7vX2" in row.payload]
    desk.check()


def test_a_resume_a_resolution_and_an_acceptance_say_no_secrets_either():
    """
    SEC-04.
    """
    Secret("Zq9K7vX2K7vX2K7v")
    desk = ready()
    desk.do(c.Pause("me"))
    desk.do(c.Resume("me", ODD))
    order = desk.order("buy", 10, limit_price=1, order_type=OrderType.LIMIT)
    lost = desk.signal("buy", 10).client_order_id
    desk.answer(lost, Ambiguous("silence"))
    desk.do(c.ResolveOrder(lost, "me", ODD))
    desk.do(c.CancelOrder(order, ODD))

    assert "f?r ? ***" == desk.last(e.TradingResumed).reason
    assert "me says so: f?r ? ***" == desk.last(e.OrderAbsent).evidence
    assert not [row for row in desk.journal.read() if b"Zq9K7vX2" in row.payload]
    desk.check()


def test_what_the_venue_says_is_redacted_before_it_is_cut():
    """
    SEC-04: a secret across the end of what an alert holds leaves nothing of itself; the venue's id is a text too.
    """
    Secret("Zq9K7vX2K7vX2K7v")
    desk = ready()
    refused = desk.signal("buy", 10).client_order_id
    desk.answer(refused, Refused("x", "A" * 190 + " Zq9K7vX2K7vX2K7v"))
    named = desk.signal("buy", 10).client_order_id
    desk.answer(named, Acked("v-Zq9K7vX2K7vX2K7v"))

    assert desk.last(e.AlertRaised).message.endswith("A ***")
    assert "v-***" == desk.last(e.OrderAccepted).venue_order_id
    assert not [row for row in desk.journal.read() if b"Zq9K" in row.payload]


# --- What was asked for survives ------------------------------------------------------------------


def asked_to_close(**more: Any) -> Desk:
    # The process ends before the first exit was answered; the venue refuses it, so that another is due.
    desk = ready(**more)
    desk.hold(100)
    desk.hold(10, 20, "BBB")
    desk.do(c.Flatten(ALICE, "AAA"))
    desk.answer(desk.submitted()[-1], Refused("busy", "later"))
    desk.check()
    return desk


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_a_flatten_goes_on_after_a_crash(through):
    """
    F-K15: what remains is closed, and nothing that nobody asked for.
    """
    desk = asked_to_close()
    before = len(desk.submitted())
    desk.restart(through=through)
    desk.start()
    desk.mark("AAA", 100)
    desk.mark("BBB", 20)
    for _ in range(5):
        desk.wait()
        desk.sweep()
    (again,) = desk.submitted()[before:]

    assert ("AAA", Side.SELL, 100) == ((order := desk.get(again)).symbol, order.side, order.quantity)
    desk.check()
    desk.answer(again)
    desk.fill(again, 100)
    desk.wait(5)
    assert (D(0), D(10), before + 1) == (
        desk.slot().position,
        desk.slot("BBB").position,
        len(desk.submitted()),
    )
    desk.check()


@pytest.mark.parametrize("through", ["records", "snapshot"])
def test_a_flatten_that_was_taken_back_is_not_taken_up_again(through):
    """
    F-K15: whoever resumes wants to keep what is held; and what is opened anew is not closed.
    """
    desk = asked_to_close()
    desk.do(c.Resume(ALICE))
    before = len(desk.submitted())
    desk.restart(through=through)
    desk.start()
    desk.mark("AAA", 100)
    desk.wait(30)
    desk.wait(30)

    assert before == len(desk.submitted())
    desk.check()
