"""
Ends of a run that somebody asked for: by a signal of the system, and by a power cut in the middle of one.
"""

import signal
import time

import pytest

from ltm.core import events as e
from ltm.model.enums import Lifecycle, Side

from .place import BUYS, PATIENCE, RESTING, Place

pytestmark = pytest.mark.slow
AWAY = 'socket = "v.sock"\nrequest_timeout = 0.5'


def last_words(place: Place) -> list[e.VenueAttested]:
    return [event for event in place.events() if isinstance(event, e.VenueAttested)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_with_what_the_venue_says_is_left(place, number):
    """
    F30, F31: as `ltm stop` does; open orders 0, positions equal to the venue, nothing unresolved.
    """
    place.configure(*BUYS, RESTING)
    child = place.run(orders=3)
    child.send_signal(number)
    said, _ = child.communicate(timeout=PATIENCE)
    (word,) = last_words(place)

    assert 0 == child.returncode
    assert (True, 0, True, ()) == (
        word.attestation.given,
        word.attestation.open_orders,
        word.attestation.positions_agree,
        word.attestation.unresolved,
    )
    assert "hand: attested by the venue at" in said
    assert "positions       equal to the venue: ACME 10, BOLT 10" in said


def test_a_signal_whose_end_nobody_confirms_is_exit_code_6(place):
    """
    F30: a venue that says nothing any more keeps nobody from ending, and the answer is not "all is well".
    """
    later = list(range(2, 500))
    place.venue(
        "".join(
            f'[[faults]]\nverb = "drop_reply"\nmethod = "{method}"\nnth = {later}\n'
            for method in ("positions", "open_orders")
        )
    )
    place.configure(*BUYS, broker=AWAY, on_stop="keep")
    child = place.run(orders=2)
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    said, _ = child.communicate(timeout=PATIENCE)
    (word,) = last_words(place)

    assert (6, False) == (child.returncode, word.attestation.given)
    assert "NOT CONFIRMED" in said
    assert "  ! the venue did not say what is held" in said
    assert time.monotonic() - began < 20
    assert "stopped" == [event.to for event in place.events() if isinstance(event, e.LifecycleChanged)][-1]


def test_a_stop_that_flattens_goes_on_after_a_power_cut_and_nothing_is_bought(place, hand):
    """
    K15: killed while its exits were on their way, of which the venue never heard; the next process closes
    what is held, sends no entry, and waits for a person.
    """
    place.venue('[[faults]]\nverb = "drop_request"\nmethod = "submit"\nnth = [3, 4]\n')
    place.configure(*BUYS, broker=AWAY, on_stop="flatten")
    child = place.run(orders=2)
    place.until(lambda: place.count("order_filled") == 2, child)
    child.send_signal(signal.SIGTERM)
    place.until(lambda: place.count("order_intended") == 4, child)
    child.kill()
    child.communicate()

    assert (
        Lifecycle.STOPPING == [event.to for event in place.events() if type(event) is e.LifecycleChanged][-1]
    )

    again = place.start("--state-dir", place.state, "run", "--quiet", place.config)
    place.until(lambda: place.count("order_filled") == 4, again)
    held = hand("positions", "--json").json
    (status,) = hand("status", "--json").json
    stopped = hand("stop")
    orders = [event for event in place.events() if isinstance(event, e.OrderIntended)]

    assert [] == [row for row in held if row["quantity"] != "0"]
    assert ("reducing", ["operator"]) == (
        status["trading_state"],
        [reason["code"] for reason in status["reasons"]],
    )
    assert [Side.BUY] * 2 == [one.draft.side for one in orders if one.entry]
    assert 0 == stopped.code, stopped.out
    assert "positions       equal to the venue: none" in stopped.out
