"""
The operator's commands on running processes, from a second process, and what they say where nobody runs.
"""

import json
import os
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from ltm.cli import asking
from ltm.core import events as e
from ltm.engine.clock import process_identity
from ltm.engine.control import address, wire
from ltm.model.enums import Lifecycle
from ltm.model.results import Attestation, PositionCheck

from .conftest import AT, beginning, intended, write
from .place import BUYS, MARKET, PATIENCE, RESTING

# --- A running session ----------------------------------------------------------------------------


def test_a_day_at_the_wheel(hand, place):
    """
    C37, SEC-38, BAD-034: pause, resume, flatten and stop, each done by the process that runs, and journaled.
    """
    place.configure(*BUYS, RESTING)
    child = place.run(orders=3)

    paused = hand("pause", "--reason", "lunch")
    assert (0, "hand: paused: no entries; exits, stop losses and cancels go on") == (
        paused.code,
        paused.out.splitlines()[0],
    )
    assert f"by {address.user_name(os.getuid())}" in paused.out

    again = hand("pause")
    assert (2, "error[LTM-SES-002]: cannot pause session hand: it is PAUSED") == (
        again.code,
        again.err.splitlines()[0],
    )

    assert "trading is active" in hand("resume").out
    assert (2, True) == (hand("resume").code, "it is ACTIVE" in hand("resume").err)

    flat = hand("flatten", "--json", "--reason", "holiday")
    (row,) = flat.json
    assert (0, "flatten", "hand", "reducing", ["operator"]) == (
        flat.code,
        row["action"],
        row["session_id"],
        row["trading_state"],
        row["reasons"],
    )
    assert (True, 0, [], True) == (
        row["attestation"]["given"],
        row["attestation"]["open_orders"],
        row["attestation"]["positions"],
        row["attestation"]["positions_agree"],
    )

    stopped = hand("stop", "--reason", "over")
    assert 0 == stopped.code
    assert ["open orders     0", "positions       equal to the venue: none", "unresolved      none"] == [
        line.strip() for line in stopped.out.splitlines()[3:] if "foreign" not in line
    ]
    assert 0 == child.wait(PATIENCE)
    assert not (place.state / address.NAME).exists()

    asked = [(one.action, one.reason, bool(one.refused)) for one in place.acted()]
    assert [
        ("pause", "lunch", False),
        ("pause", "", True),
        ("resume", "", False),
        ("resume", "", True),
        ("resume", "", True),
        ("flatten", "holiday", False),
        ("stop", "over", False),
    ] == asked


def test_a_corporate_action_reaches_the_session(hand, place):
    """
    REL-4: refused with the reason, or applied at once and journaled with who said so.
    """
    place.configure(*BUYS)
    place.run(orders=2)
    declare = ("corporate-action", "split", "ACME", "2:1", "--reason", "the exchange's notice", "--date")

    refused = hand(*declare, "2036-01-05")
    assert (2, True) == (refused.code, "its date is to come" in refused.err)
    assert "hand: what is held and what works follows it" in hand(*declare, "2026-01-05").out
    applied = next(event for event in place.events() if isinstance(event, e.CorporateActionApplied))
    assert "split ACME 2:1 on 2026-01-05" == str(applied.action)
    acted = place.acted()[-1]
    assert ("corporate-action", "split ACME 2:1 on 2026-01-05") == (acted.action, acted.about)
    assert "the exchange's notice" == applied.reason


def test_a_flow_is_declared_from_another_terminal(hand, place):
    """
    RSK-04: every base is multiplied by (E + F) / E; what would leave no equity is refused.
    """
    place.configure(RESTING)
    place.run(orders=1)
    refused = hand("reconcile", "flow", "-1e9", "--reason", "x")
    assert (2, True) == (refused.code, "flow must leave equity above 0" in refused.err)
    assert "hand: the flow is noted" in hand("reconcile", "flow", "5000", "--reason", "bank").out
    assert "hand: the flow is noted" in hand("reconcile", "flow", "-2500.50", "--reason", "rent").out

    flows = [event for event in place.events() if isinstance(event, e.FlowRecorded)]
    assert ["5000", "-2500.50"] == [str(flow.amount) for flow in flows]
    assert ("reconcile flow", "-2500.5") == (place.acted()[-1].action, place.acted()[-1].about)


def test_what_only_a_person_knows_reaches_the_session(hand, place):
    """
    REL 2.2.1, REL-4, BAD-033: refused with the reason; the session goes on.
    """
    place.configure(RESTING)
    place.run(orders=1)
    answers = {
        "cannot resolve order": hand("orders", "resolve", "l1", "--absent", "--reason", "x"),
        "it has no drift": hand("reconcile", "accept", "--symbol", "ACME", "--reason", "x"),
        "is not blocked": hand("resume", "--symbol", "ACME", "--reason", "x"),
        'no alert "a1" in session hand': hand("alerts", "ack", "a1"),
        'no session "other" runs here; running: hand': hand("pause", "--session", "other"),
        'cannot flatten "ZZZ"': hand("flatten", "--symbol", "ZZZ"),
    }
    for text, answer in answers.items():
        assert (2, True) == (answer.code, text in answer.err), text
        assert "Traceback" not in answer.err

    assert "acknowledged 0 alerts" in hand("alerts", "ack", "--all").out
    assert "hand" in hand("orders", "--session", "hand", "--open").out
    assert 5 == len(place.acted())


def test_one_order_is_replaced_and_canceled_from_another_terminal(hand, place):
    """
    Issue 3 (2), ADR 0014: what became of it decides the exit code; who and why are journaled.
    """
    place.configure(RESTING)
    child = place.run(orders=1)
    first = intents(place)[0]

    replaced = hand("orders", "replace", first, "--limit-price", "2", "--reason", "closer", "--json")
    (row,) = replaced.json
    second = intents(place)[-1]
    assert (0, "orders replace", "done", second, "accepted") == (
        replaced.code,
        row["action"],
        row["order"]["result"],
        row["order"]["replaced_by"],
        row["order"]["replacement_status"],
    )

    denied = hand("orders", "replace", second, "--quantity", "1000000")
    assert (1, f"hand: order {second} is canceled") == (denied.code, denied.out.splitlines()[2])
    assert "  position_size: worst-case position" in denied.out

    gone = hand("orders", "--session", "hand", "cancel", second)
    assert (2, f'error[LTM-SES-002]: no open order "{second}": it is canceled') == (
        gone.code,
        gone.err.splitlines()[0],
    )
    assert ["orders replace", "orders replace", "orders cancel"] == [one.action for one in place.acted()]
    assert 0 == hand("stop").code
    assert 0 == child.wait(PATIENCE)


def test_a_cancel_that_the_venue_does_not_answer_is_exit_code_6(hand, place):
    """
    F14: nobody knows yet.
    """
    place.venue('[[faults]]\nverb = "drop_reply"\nmethod = "cancel"\nprobability = 1\n')
    place.configure(RESTING, broker='socket = "v.sock"\nrequest_timeout = 0.5')
    place.run(orders=1)
    answer = hand("orders", "cancel", intents(place)[0], "--timeout", "0")

    assert 6 == answer.code
    assert "the venue has not answered yet; it is asked until it does" in answer.out


def intents(place):
    return [event.client_order_id for event in place.events() if isinstance(event, e.OrderIntended)]


def test_a_stop_with_orders_that_are_meant_to_stay_names_them(hand, place):
    """
    Ruling 7: `on_stop = "keep"`.
    """
    place.configure(RESTING, on_stop="keep")
    place.run(orders=1)
    answer = hand("stop", "--json")
    (row,) = answer.json

    assert (0, 1, True) == (answer.code, row["attestation"]["open_orders"], row["attestation"]["given"])
    assert [one.client_order_id for one in place.events() if isinstance(one, e.OrderIntended)] == row[
        "attestation"
    ]["left_open"]


def test_a_session_trades_without_its_socket(hand, place, monkeypatch):
    """
    SEC-20: what only serves an operator never stops trading; it is an alert.
    """

    def refuse(directory: Path) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(address, "listen", refuse)
    place.configure(*BUYS, broker=MARKET.replace("100000", "5"))
    answer = hand("run", "--quiet", place.config)
    alerts = [event for event in place.events() if isinstance(event, e.AlertRaised)]

    assert 0 == answer.code
    assert ("control_off", "no requests from other terminals: Address already in use") in [
        (alert.code, alert.message) for alert in alerts
    ]
    assert 2 == place.count("order_filled")


# --- Kill -----------------------------------------------------------------------------------------


def test_a_kill_cancels_and_lasts_until_somebody_acknowledges_it(hand, place):
    """
    C36, RSK-12: latched, confirmed by the venue; lifted by name and with a reason.
    """
    place.configure(RESTING)
    place.run(orders=1)
    killed = hand("kill", "--reason", "panic", "--json")
    (row,) = killed.json
    flag = Path(row["flag"])

    assert (0, "killed", True, 0) == (
        killed.code,
        row["process"],
        row["confirmed"],
        row["attestation"]["open_orders"],
    )
    assert f"panic (by {address.user_name(os.getuid())}" in flag.read_text(encoding="utf-8")

    refused = hand("resume", "--ack", "kill")
    assert (2, True) == (refused.code, "for a reason, got none" in refused.err)
    assert flag.exists()

    assert "trading is active" in hand("resume", "--ack", "kill", "--reason", "a drill").out
    assert not flag.exists()


@pytest.mark.timeout(120)
def test_a_kill_works_on_a_process_that_hangs(hand, place):
    """
    O10, F35: the flag holds it back; --direct cancels at the broker and asks whether it is so.
    """
    place.configure(RESTING, broker='socket = "v.sock"')
    place.venue()
    child = place.run(orders=1)
    child.send_signal(signal.SIGSTOP)

    alone = hand("kill", "--reason", "it hangs")
    assert 6 == alone.code
    assert [
        "hand: kill flag set; nothing but cancels leaves from now on",
        "hand: NOT CONFIRMED, its process does not answer; the flag keeps it from sending",
        "  ltm kill --direct cancels at the broker from here",
    ] == alone.out.splitlines()

    direct = hand("kill", "--direct", "--json")
    (row,) = direct.json
    (order,) = [event for event in place.events() if isinstance(event, e.OrderIntended)]
    assert (0, "silent", True, [order.client_order_id], []) == (
        direct.code,
        row["process"],
        row["confirmed"],
        row["direct"]["canceled"],
        row["direct"]["left_open"],
    )
    truth = [json.loads(line) for line in (place.folder / "truth.jsonl").read_text().splitlines()]
    assert [order.client_order_id] == [row["client_order_id"] for row in truth if row["event"] == "canceled"]

    # Power off; the next process finds the flag, and who set it.
    child.kill()
    child.wait(PATIENCE)
    again = place.start("--state-dir", place.state, "run", "--quiet", place.config)
    place.until(lambda: place.count("trading_killed") > 0, again)

    (event,) = [event for event in place.events() if isinstance(event, e.TradingKilled)]
    assert "the kill switch was used (by " in event.message
    assert 0 == hand("stop").code


def test_the_wrong_configuration_is_no_way_to_a_broker(hand, place):
    """
    F39: another session's, or one whose market is inside its own process.
    """
    place.configure(RESTING)
    place.run(orders=1)
    inside = hand("kill", "--direct")

    assert (4, True) == (inside.code, "has its market inside its own process" in inside.err)

    name, place.name = place.name, "other"
    place.configure(RESTING)
    place.name = name
    other = hand("kill", "--direct", "--config", place.config)

    assert (2, True) == (other.code, "has no session hand; it has: other" in other.err)


# --- Nobody runs ----------------------------------------------------------------------------------


def ended(folder: Path, *more: e.AnyEvent) -> Path:
    over = [e.LifecycleChanged(at=AT, to=to) for to in (Lifecycle.STOPPING, Lifecycle.STOPPED)]
    return write(folder, "hand", [*beginning(), *more, *over])


def attestation(**more: Any) -> Attestation:
    values = {
        "session_id": "hand",
        "asked_at": AT,
        "given": True,
        "open_orders": 0,
        "left_open": (),
        "foreign_orders": 0,
        "positions": (),
        "positions_agree": True,
        "unresolved": (),
        "problems": (),
        **more,
    }
    return Attestation(**values)


def test_where_no_process_runs_the_answer_says_what_to_do(hand, place):
    """
    BAD-033, BAD-034: unknown, ended, left behind.
    """
    write(place.state, "hand", beginning())
    left = hand("pause", "--session", "hand")
    unnamed = hand("resume")
    unknown = hand("stop", "--session", "foo")

    assert (2, 2, 2) == (left.code, unnamed.code, unknown.code)
    assert "cannot pause session hand: no process takes requests for it" in left.err
    assert "sessions in its journal: hand" in unnamed.err
    assert 'no session "foo"; known: hand' in unknown.err


def test_a_session_that_a_dead_process_left_is_taken_up_first(hand, place):
    write(place.state, "hand", beginning())
    dead = attrs.asdict(attrs.evolve(process_identity(), pid=4194304))
    lock = place.state / "session-hand.lock"
    lock.write_text(json.dumps(dead), encoding="utf-8")
    lock.chmod(0o600)
    answer = hand("flatten", "--session", "hand")

    assert "ltm run CONFIG takes it up where it was; then ask again" in answer.err


def test_a_stopped_session_tells_its_last_word_again(hand, place):
    """
    BAD-034: stopping twice is harmless; exit code 6 if the venue never confirmed.
    """
    ended(place.state, e.VenueAttested(at=AT, attestation=attestation()))
    paused = hand("pause", "--session", "hand")
    stopped = hand("stop", "--session", "hand")

    assert (2, 0) == (paused.code, stopped.code)
    assert "cannot pause session hand: it is STOPPED" in paused.err
    assert ["hand: it is stopped already", "hand: attested by the venue at 2026-03-02T14:30:00Z"] == (
        stopped.out.splitlines()[:2]
    )


def test_a_last_word_that_is_missing_is_exit_code_6(hand, place):
    check = PositionCheck(symbol="AAA", ours=Decimal(10), venue=None)
    found = attestation(
        given=False,
        open_orders=None,
        foreign_orders=None,
        positions=(check,),
        positions_agree=None,
        unresolved=("l1",),
        problems=("nobody knows what became of l1",),
    )
    ended(place.state, e.VenueAttested(at=AT, attestation=found))
    told = hand("stop", "--session", "hand")
    (row,) = hand("stop", "--session", "hand", "--json").json

    assert 6 == told.code
    assert [
        "hand: NOT CONFIRMED at 2026-03-02T14:30:00Z; look at your broker's own screen",
        "  ! nobody knows what became of l1",
        "  open orders     the venue did not say",
        "  foreign orders  the venue did not say",
        "  positions       the venue did not say: AAA 10 (venue -)",
        "  unresolved      l1",
    ] == told.out.splitlines()[1:]
    assert ("stopped", False) == (row["lifecycle"], row["attestation"]["given"])


def test_a_session_that_ended_without_a_last_word_is_only_named(hand, place):
    ended(place.state)

    assert "hand: it is stopped already\n" == hand("stop", "--session", "hand").out


def test_a_kill_where_nobody_runs_sets_the_flag(hand, place):
    """
    O10: and says what may still be open at the venue.
    """
    ended(place.state)
    quiet = hand("kill", "--session", "hand")

    assert 0 == quiet.code
    assert "  its kill flag is set: nothing but cancels leaves until `ltm resume --ack kill`" in (
        hand("status").out.splitlines()
    )
    assert "no process runs it; the flag holds it back when one starts" in quiet.out
    assert (place.state / "kill-hand").exists()

    write(place.state, "open", [*beginning("open"), intended("order-one", "10")])
    told = hand("kill", "--session", "open")

    assert 6 == told.code
    assert "  ! by the journal these may be open: order-one" in told.out.splitlines()


def test_a_kill_needs_to_know_whom(hand, place):
    """
    BAD-033: a flag of a session that does not exist would be false safety.
    """
    ended(place.state)
    unnamed, unknown = hand("kill"), hand("kill", "--session", "hnad")

    assert (2, 2) == (unnamed.code, unknown.code)
    assert "no session runs here" in unnamed.err
    assert 'no session "hnad"; known: hand' in unknown.err
    assert [] == list(place.state.glob("kill-*"))


def test_a_kill_does_not_need_a_journal_that_can_be_read(hand, place):
    """
    O10: whatever is broken, the switch works; what cannot be confirmed is exit code 6.
    """
    place.state.mkdir(mode=0o700)
    path = place.state / "journal.sqlite3"
    path.write_bytes(b"not a journal" * 1000)
    path.chmod(0o600)
    answer = hand("kill", "--session", "hand")

    assert 6 == answer.code
    assert "error[LTM-JNL" in answer.err
    assert (place.state / "kill-hand").exists()


def test_a_flag_that_cannot_be_written_is_said(hand, place):
    """
    F06: the other ways are tried all the same.
    """
    ended(place.state)
    (place.state / "kill-hand").mkdir()
    answer = hand("kill", "--session", "hand", "--json")

    assert 6 == answer.code
    assert "error[LTM-DIR-005]" in answer.err
    assert (None, False) == (answer.json[0]["flag"], answer.json[0]["confirmed"])


def test_a_direct_kill_needs_a_configuration(hand, place):
    """
    Of a session that this ltm has never run.
    """
    ended(place.state)
    answer = hand("kill", "--session", "hand", "--direct")

    assert (2, True) == (answer.code, "--direct needs the configuration of session hand" in answer.err)
    assert (place.state / "kill-hand").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["orders", "replace", "id"], "say what changes: --quantity, --limit-price or --trigger-price"),
        (["orders", "replace", "id", "--quantity", "ten"], "must be a number such as 1000 or 0.5"),
        (["orders", "resolve", "l1", "--reason", "x"], "say either --absent or --venue-id ID"),
        (["orders", "resolve", "l1", "--absent", "--venue-id", "v", "--reason", "x"], "say either --absent"),
        (["orders", "resolve", "l1", "--absent"], "Missing option '--reason'"),
        (["reconcile", "accept", "--symbol", "AAA"], "Missing option '--reason'"),
        (["reconcile", "accept", "--symbol", "AAA", "--reason", " "], "--reason must say why"),
        (["reconcile", "flow", "5"], "Missing option '--reason'"),
        (["reconcile", "flow", "five", "--reason", "x"], "five"),
        (["alerts", "ack"], "name alerts by their ids, or say --all"),
        (["alerts", "ack", "a1", "--all"], "name alerts by their ids, or say --all"),
        (["resume", "--symbol", "AAA"], "--reason must say why"),
        (
            ["resume", "--symbol", "AAA", "--ack", "kill", "--reason", "x"],
            "one instrument's block and nothing",
        ),
        (["flatten", "--timeout", "-1"], "0<=x<=3600"),
        (["kill", "--timeout", "3601"], "0<=x<=3600"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_request_that_makes_no_sense_is_a_usage_error(hand, arguments, text):
    answer = hand(*arguments)

    assert (2, True) == (answer.code, text in answer.err)


def test_without_a_state_directory_nobody_can_be_asked(hand):
    answer = hand("pause")

    assert (3, True) == (answer.code, "must exist" in answer.err)


def test_the_terminal_is_named_if_there_is_one(monkeypatch):
    """
    SEC-38.
    """
    parent, child = os.openpty()
    try:
        real = os.ttyname
        monkeypatch.setattr(os, "ttyname", lambda descriptor: real(child if descriptor == 1 else 999))

        assert real(child).removeprefix("/dev/") == asking.terminal()
    finally:
        os.close(parent)
        os.close(child)


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ((), []),
        (("drawdown",), ["  it tripped again at once: --reset-peak measures it from now on"]),
        (("mine",), ["  it tripped again at once"]),
    ],
    ids=["lifted", "drawdown", "another rule"],
)
def test_a_trip_that_comes_back_at_once_is_said(capsys, reasons, told):
    """
    RSK-22: intended, and easy to overlook.
    """
    answer = wire.Accepted(
        session_id="hand",
        by="me",
        at=AT,
        lifecycle="running",
        trading_state="reducing" if reasons else "active",
        reasons=reasons,
        sequence=7,
    )
    asking.gather([answer], "resume", quiet=False)

    assert told == capsys.readouterr().out.splitlines()[3:]
