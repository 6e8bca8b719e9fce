"""
The session's own exits: one per position and trigger, retried with patience, given up to a person, never a flip.
"""

import itertools
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from core_desk import BUY, CAPABILITIES, SELL, Desk, minutes, stock
from core_rules import four

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.control import is_stopped
from ltm.core.effects import SendCancel, Sweep
from ltm.model.enums import Lifecycle, OrderStatus, Purpose, TradingState
from ltm.model.errors import InvalidTransition
from ltm.model.reports import Acked, Ambiguous, Capabilities, NotSent, OrderReport, Refused

D = Decimal
STOP = {"stop_loss_pct": D("0.05")}
PROFIT = {"take_profit_pct": D("0.10")}


def holding(quantity=100, price=100, **terms):
    desk = Desk(allow_short=quantity < 0, **terms)
    desk.hold(quantity, price)
    return desk


def exits(desk):
    return [event for event in desk.all(e.OrderIntended) if not event.entry]


def working(desk):
    return [order for order in desk.state.orders.values() if order.purpose is not Purpose.SIGNAL]


def refuse(desk):
    """
    The venue refuses the exit that is on its way.
    """
    [order] = working(desk)
    desk.answer(order.client_order_id, Refused("auction", "not now"))


# --- Triggers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "terms", "price", "purpose"),
    [
        (100, STOP, "95.01", None),
        (100, STOP, "95", Purpose.STOP_LOSS),
        (100, STOP, "94.99", Purpose.STOP_LOSS),
        (100, PROFIT, "109.99", None),
        (100, PROFIT, "110", Purpose.TAKE_PROFIT),
        (100, PROFIT, "110.01", Purpose.TAKE_PROFIT),
        (-100, STOP, "104.99", None),
        (-100, STOP, "105", Purpose.STOP_LOSS),
        (-100, STOP, "105.01", Purpose.STOP_LOSS),
        (-100, PROFIT, "90.01", None),
        (-100, PROFIT, "90", Purpose.TAKE_PROFIT),
        (-100, PROFIT, "89.99", Purpose.TAKE_PROFIT),
        (100, {**STOP, **PROFIT}, "95", Purpose.STOP_LOSS),
        (100, {**STOP, **PROFIT}, "110", Purpose.TAKE_PROFIT),
    ],
)
def test_the_level_itself_triggers(quantity, terms, price, purpose):
    """
    RSK-24: inside, at, beyond, for longs and shorts: the whole position at the market.
    """
    desk = holding(quantity, **terms)
    desk.mark("AAA", price)
    found = [(event.draft.purpose, event.draft.side, event.draft.quantity) for event in exits(desk)]

    assert [(purpose, SELL if quantity > 0 else BUY, D(100))] * (purpose is not None) == found
    desk.check()


def test_the_side_that_an_exit_would_meet_decides():
    """
    RSK-24: bid for a long, ask for a short, where there is a book.
    """
    desk = holding(100, **STOP)
    desk.mark("AAA", 96, bid="94.5", ask=97)

    assert 1 == len(exits(desk))

    other = holding(-100, **STOP)
    other.mark("AAA", 104, bid=103, ask=105)

    assert 1 == len(exits(other))


def test_fees_are_not_part_of_the_entry_price():
    """
    RSK-24: avg_entry excludes fees; partial fills average.
    """
    desk = Desk(**STOP)
    desk.mark("AAA", 100)
    order_id = desk.order("buy", 100)
    desk.fill(order_id, 50, 99, commission=D(500))
    desk.fill(order_id, 50, 101, commission=D(500))
    desk.mark("AAA", "95.01")

    assert [] == exits(desk)

    desk.mark("AAA", 95)

    assert 1 == len(exits(desk))


def test_an_epoch_has_one_exit_however_often_it_triggers():
    """
    RSK-24: one exit per position epoch and trigger; a new position is a new epoch.
    """
    desk = holding(100, **STOP)
    for price in (95, 94, 93, 95, 94):
        desk.mark("AAA", price)
        desk.wait()

    [exit_] = exits(desk)
    assert (1, 1) == (exit_.epoch, exit_.attempt)

    desk.answer(exit_.client_order_id)
    desk.fill(exit_.client_order_id, 100, 94)
    desk.wait()
    desk.hold(100, 94)
    desk.mark("AAA", 89)

    assert [(1, 1), (2, 1)] == [(event.epoch, event.attempt) for event in exits(desk)]
    desk.check()


def test_an_exit_survives_a_crash_without_a_twin():
    """
    RSK-24, K3-K6: what may have been sent counts as open; it is asked about, not repeated.
    """
    desk = holding(100, **STOP)
    desk.mark("AAA", 95)
    desk.restart()
    desk.boot()
    desk.connect()
    desk.sweep()
    desk.mark("AAA", 90)
    for _ in range(5):
        desk.wait()
        desk.mark("AAA", 90)

    assert ([OrderStatus.UNKNOWN], 1) == ([order.status for order in working(desk)], len(exits(desk)))
    desk.check()


def test_an_exit_nobody_knows_of_blocks_a_second():
    """
    RSK-24: a second could flip the position; a person is told at once.
    """
    desk = holding(100, **STOP)
    desk.mark("AAA", 95)
    desk.answer(exits(desk)[0].client_order_id, Ambiguous("timeout"))
    for _ in range(100):
        desk.wait()
        desk.mark("AAA", 90)

    assert 1 == len(exits(desk))
    assert "exit_unknown" == desk.alerts()[0]


def test_working_orders_are_canceled_before_the_exit():
    """
    RSK-24: entries go, and exits by signal go first, so that nothing flips.
    """
    desk = holding(100, **STOP)
    entry = desk.order("buy", 10)
    out = desk.order("sell", 60)
    desk.mark("AAA", 95)

    assert {entry, out} == {effect.client_order_id for effect in desk.sent(SendCancel)}
    assert [] == [event for event in exits(desk) if event.draft.purpose is not Purpose.SIGNAL]

    desk.say(entry, OrderStatus.CANCELED)
    desk.fill(out, 60, 95)
    desk.wait()
    [exit_] = [event for event in exits(desk) if event.draft.purpose is Purpose.STOP_LOSS]

    assert D(40) == exit_.draft.quantity
    desk.check()


def test_a_foreign_exit_leaves_less_to_close():
    """
    RSK-06: somebody else's open sells count as filled.
    """
    desk = holding(100, **STOP)
    report = OrderReport(
        symbol="AAA",
        side=SELL,
        status=OrderStatus.ACCEPTED,
        quantity=D(70),
        filled_quantity=D(0),
        at=desk.now,
        venue_order_id="x",
    )
    desk.sweep(open_orders=(report,))
    desk.mark("AAA", 95)

    assert [D(30)] == [event.draft.quantity for event in exits(desk)]

    full = holding(100, **STOP)
    full.sweep(
        open_orders=(
            OrderReport(**{n: getattr(report, n) for n in report.__struct_fields__} | {"quantity": D(100)}),
        )
    )
    full.mark("AAA", 95)

    assert [] == exits(full)


# --- Retries --------------------------------------------------------------------------------------


def test_a_rejected_exit_is_retried_with_patience_and_a_fresh_look():
    """
    RSK-24, F23: 1, 2, 4 ... 60 s, the position read from the venue before each, then a person's turn.
    """
    desk = holding(100, max_exit_retries=5, **STOP)
    desk.mark("AAA", 95)
    sent_at = [desk.mono]
    refuse(desk)
    for _ in range(400):
        effects = desk.wait(0.5)
        desk.mark("AAA", 95)
        if any(isinstance(effect, Sweep) for effect in effects):
            desk.sweep()
        if working(desk):
            sent_at.append(desk.mono)
            refuse(desk)

    assert [1, 2, 3, 4, 5] == [event.attempt for event in exits(desk)]
    assert [1, 2, 4, 8] == [round(b - a) for a, b in itertools.pairwise(sent_at)]
    assert (1, 1) == (desk.alerts().count("exit_failed"), len(desk.all(e.InstrumentBlocked)))
    assert "left to you" in desk.slot().blocked
    assert ("instrument_blocked",) == desk.codes()

    desk.do(c.Unblock("AAA", "me", "auction is over"))
    desk.wait()
    desk.mark("AAA", 95)

    assert 1 == exits(desk)[-1].attempt
    assert 6 == len(exits(desk))
    desk.check()


def test_without_a_fresh_look_no_second_attempt():
    """
    RSK-24: flat at the venue ends the loop; while nobody answers, nothing is sent.
    """
    desk = holding(100, **STOP)
    desk.mark("AAA", 95)
    refuse(desk)
    sweeps = 0
    for _ in range(20):
        effects = desk.wait()
        sweeps += sum(isinstance(effect, Sweep) for effect in effects)

    assert (1, 1) == (len(exits(desk)), sweeps)

    for _ in range(3):
        desk.sweep(positions=desk.positions(AAA=0))
        desk.wait(6)
        desk.mark("AAA", 95)

    assert (1, D(0)) == (len(exits(desk)), desk.slot().drift)


def test_positions_cannot_be_read_from_a_venue_that_has_none():
    """
    2.2.4: without that ability the pause alone has to do.
    """
    values = {name: getattr(CAPABILITIES, name) for name in CAPABILITIES.__struct_fields__}
    desk = holding(100, capabilities=Capabilities(**{**values, "positions": False}), **STOP)
    desk.mark("AAA", 95)
    refuse(desk)
    desk.wait(2)

    assert [1, 2] == [event.attempt for event in exits(desk)]


def test_an_exit_that_was_partly_filled_goes_on_with_the_rest():
    """
    RSK-24: what is left is sent again, as another attempt.
    """
    desk = holding(100, **STOP)
    desk.mark("AAA", 95)
    [first] = exits(desk)
    desk.answer(first.client_order_id)
    desk.fill(first.client_order_id, 30, 95)
    desk.say(first.client_order_id, OrderStatus.CANCELED, 30)
    desk.wait(2)
    desk.sweep()
    desk.wait(2)
    desk.mark("AAA", 95)

    assert [(1, D(100)), (2, D(70))] == [(event.attempt, event.draft.quantity) for event in exits(desk)]


def test_a_position_larger_than_an_order_may_be_goes_out_in_parts():
    """
    C03: an exit keeps to the venue's largest quantity and to whole lots, one after the other.
    """
    desk = Desk(
        instruments=[stock(maximum_quantity=D(60), lot_size=D(10))], initial_capital=D(100_000), **STOP
    )
    desk.hold(60)
    desk.hold(60)
    order_id = desk.order("buy", 10)
    desk.fill(order_id, 5)
    desk.say(order_id, OrderStatus.CANCELED, 5)
    desk.mark("AAA", 95)
    for _ in range(3):
        order = exits(desk)[-1]
        if order.client_order_id in desk.state.orders:
            desk.answer(order.client_order_id)
            desk.fill(order.client_order_id, order.draft.quantity, 95)
            desk.wait()
    desk.mark("AAA", 95)

    assert [60, 60] == [event.draft.quantity for event in exits(desk)]
    assert D(5) == desk.slot().position


def test_an_exit_our_own_gates_refuse_is_asked_again_with_pauses():
    """
    F23: told once, not at every mark, and not forgotten.
    """
    desk = holding(100, **STOP)
    desk.do(c.DefineInstrument(stock(tradable=False)))
    for _ in range(100):
        desk.mark("AAA", 95)
        desk.wait(0.1)

    assert (1, 3) == (desk.alerts().count("exit_denied"), len(desk.all(e.OrderDenied)))

    desk.do(c.DefineInstrument(stock()))
    desk.wait(10)
    desk.mark("AAA", 95)

    assert 1 == len(exits(desk))


def test_a_drift_never_turns_an_exit_into_a_flip():
    """
    REL-4: where the venue holds less, only that much is sold.
    """
    desk = holding(100, **STOP)
    for _ in range(2):
        desk.sweep(positions=desk.positions(AAA=30))
        desk.wait(5)
    desk.mark("AAA", 95)

    assert [D(30)] == [event.draft.quantity for event in exits(desk)]

    short = holding(-100, **STOP)
    for _ in range(2):
        short.sweep(positions=short.positions(AAA=30))
        short.wait(5)
    short.mark("AAA", 105)

    assert [] == exits(short)


# --- When exits may go out ------------------------------------------------------------------------


def test_exits_wait_for_the_opening():
    """
    C14: outside trading hours nothing is sent; the opening is not missed.
    """
    monday = datetime(2026, 1, 5, 14, 59, tzinfo=UTC)
    windows = ((minutes("09:30"), minutes("15:00")),)
    desk = Desk(now=monday, trading_windows=windows, **STOP)
    desk.hold(100)
    desk.wait(60)
    desk.mark("AAA", 90)

    assert [] == exits(desk)

    desk.wait(18 * 3600 + 29 * 60)

    assert [] == exits(desk)

    desk.wait(60)

    assert 1 == len(exits(desk))


@pytest.mark.parametrize(
    ("command", "count"),
    [(c.Pause("me"), 1), (c.Halt("x", "y"), 0), (c.Kill("me"), 0)],
    ids=["reducing", "halted", "killed"],
)
def test_exits_pass_while_reducing_and_not_when_halted(command, count):
    """
    C37.
    """
    desk = holding(100, **STOP)
    desk.do(command)
    desk.mark("AAA", 95)

    assert count == len(exits(desk))


def test_exits_wait_until_books_and_venue_agree():
    """
    RSK-10: after a restart first the comparison, then the exit.
    """
    desk = holding(100, **STOP)
    desk.restart()
    desk.boot()
    desk.connect()
    desk.mark("AAA", 90)

    assert [] == exits(desk)

    desk.sweep()
    desk.wait()

    assert 1 == len(exits(desk))


def test_terms_of_a_new_run_arm_the_levels():
    """
    F38: changed terms are written down, and hold at once: levels, gates and all.
    """
    desk = holding(100)
    desk.restart(stop_loss_pct=D("0.02"), max_daily_trades=0)
    desk.start()
    desk.mark("AAA", 99)

    assert ("max_daily_trades",) == desk.codes()
    assert ("max_daily_trades: None -> 0", "stop_loss_pct: None -> 0.02") == desk.last(e.TermsChanged).changes

    desk.mark("AAA", 98)

    assert 1 == len(exits(desk))
    desk.check()


# --- Flatten and stop -----------------------------------------------------------------------------


def test_flatten_cancels_and_closes_and_pauses():
    """
    Design 8: cancel what is open, close every position.
    """
    desk = holding(100)
    desk.hold(50, 20, "BBB")
    entry = desk.order("buy", 10)
    desk.do(c.Flatten("me"))

    assert TradingState.REDUCING is desk.state.trading_state
    assert [entry] == [effect.client_order_id for effect in desk.sent(SendCancel)]
    assert {"AAA", "BBB"} == {event.draft.symbol for event in exits(desk)}

    for order in exits(desk):
        desk.answer(order.client_order_id)
        desk.fill(order.client_order_id, order.draft.quantity, 20 if order.draft.symbol == "BBB" else 100)
    desk.wait()

    assert not any(slot.flatten for slot in desk.state.slots.values())
    desk.check()


def test_flatten_of_one_instrument_leaves_the_others():
    desk = holding(100)
    desk.hold(50, 20, "BBB")
    desk.do(c.Pause("me"))
    desk.do(c.Flatten("me", "BBB"))

    assert ["BBB"] == [event.draft.symbol for event in exits(desk)]

    refuse(desk)
    desk.do(c.Resume("me"))
    for _ in range(5):
        desk.sweep()
        desk.wait(3)

    assert 1 == len(exits(desk))


@pytest.mark.parametrize(("action", "error"), [(c.Halt("x", "y"), "HALTED"), (c.Stop("me"), "STOPPING")])
def test_flatten_needs_a_session_that_may_send(action, error):
    desk = holding(100)
    desk.do(action)
    with pytest.raises(InvalidTransition, match=error):
        desk.do(c.Flatten("me"))


@pytest.mark.parametrize("policy", ["keep", "cancel", "flatten"])
def test_a_session_ends_as_its_terms_say(policy):
    """
    Ruling 7, F30: keep, cancel, or flatten; stopping twice is harmless; no new exits but the flattening.
    """
    desk = holding(100, on_stop=policy, **STOP)
    entry = desk.order("buy", 10)
    late = desk.signal("buy", 1).client_order_id
    desk.do(c.Stop("me"))
    desk.do(c.Stop("me"))
    desk.mark("AAA", 90)

    assert (Lifecycle.STOPPING, 1) == (desk.state.lifecycle, len(desk.all(e.LifecycleChanged)) - 3)
    assert ({entry, late} if policy != "keep" else set()) == {
        x.client_order_id for x in desk.sent(SendCancel)
    }
    assert not is_stopped(desk.state)

    desk.answer(late, NotSent("stopping"))
    if policy == "keep":
        assert is_stopped(desk.state)
    else:
        assert not is_stopped(desk.state)

        desk.do(c.CancelAnswered(entry, Acked("v")))
        desk.say(entry, OrderStatus.CANCELED)
    desk.wait(2)
    assert (policy == "flatten") is (len(exits(desk)) == 1)
    if policy == "flatten":
        assert not is_stopped(desk.state)

        desk.answer(exits(desk)[0].client_order_id)
        desk.fill(exits(desk)[0].client_order_id, 100, 90)
    assert is_stopped(desk.state)

    desk.session.finish()

    assert Lifecycle.STOPPED is desk.state.lifecycle
    desk.check()


def test_a_session_that_cannot_go_on_fails_once():
    desk = holding(100, rules=four())
    desk.session.fail("journal")
    assert Lifecycle.FAILED is desk.state.lifecycle
    assert [] == desk.session.fail("again")

    with pytest.raises(InvalidTransition, match="cannot go from failed to stopped"):
        desk.session.finish()
