"""
One order canceled or replaced from another terminal, and what is said of it.
"""

from typing import TYPE_CHECKING, Any

import pytest

from ltm.core import events as e
from ltm.model.enums import OrderStatus
from ltm.model.reports import Ambiguous, Refused

from .control_kit import DONE, Line, acted, resting, until

if TYPE_CHECKING:
    from .conftest import Bench


class Hand:
    """
    Prepares a resting order, and asks about it.
    """

    def __init__(self, price: float = 1.0) -> None:
        self.price = price
        self.benches: list[Bench] = []
        self.answers: list[list[dict[str, Any]]] = []

    def prepare(self, bench: "Bench") -> None:
        self.benches.append(bench)
        resting(bench, self.price)

    @property
    def state(self) -> Any:
        return self.benches[0].engine.session.state

    @property
    def name(self) -> str:
        [event] = [one for one in self.benches[0].events() if isinstance(one, e.OrderIntended)][:1]
        return event.client_order_id

    async def open(self) -> str:
        await until(lambda: any(one.status is OrderStatus.ACCEPTED for one in self.state.orders.values()))
        return self.name


def told(answers: list[dict[str, Any]]) -> dict[str, Any]:
    accepted, *_, ordered, last = answers

    assert ("accepted", "ordered", DONE) == (accepted["kind"], ordered["kind"], last)

    return ordered


def test_an_order_is_canceled_and_the_end_of_it_told(run):
    """
    SEC-38, issue 3 (2): who and why are in the journal, and the answer waits for the venue's.
    """
    hand = Hand()

    async def talk(line: Line) -> None:
        hand.answers.append(await line.ask("cancel", client_order_id=await hand.open(), reason="a typo"))

    bench = run(talk, prepare=hand.prepare)
    ordered = told(hand.answers[0])
    [record] = [one for one in bench.events() if isinstance(one, e.OperatorActed)]

    assert ("done", "canceled", "0", None, []) == (
        ordered["result"],
        ordered["status"],
        ordered["filled_quantity"],
        ordered["replaced_by"],
        ordered["reasons"],
    )
    assert ("orders cancel", hand.name, "a typo") == (record.action, record.about, record.reason)
    assert OrderStatus.CANCELED is bench.orders()[0].status


def test_an_order_is_replaced_and_both_are_told(run):
    """
    ADR 0014: canceled first, and the new one judged like any other.
    """
    hand = Hand()

    async def talk(line: Line) -> None:
        name = await hand.open()
        hand.answers.append(await line.ask("replace", client_order_id=name, limit_price="2", quantity="7"))

    bench = run(talk, prepare=hand.prepare)
    ordered = told(hand.answers[0])
    old, new = [one for one in bench.events() if isinstance(one, e.OrderIntended)]

    assert ("done", "canceled", new.client_order_id, "accepted", []) == (
        ordered["result"],
        ordered["status"],
        ordered["replaced_by"],
        ordered["replacement_status"],
        ordered["reasons"],
    )
    assert (7, 2) == (new.draft.quantity, new.draft.limit_price)
    assert [("orders replace", f"{old.client_order_id}: quantity 7, limit price 2", "")] == acted(bench)


def test_a_replacement_that_no_limit_lets_pass_is_told_with_the_reasons(run):
    """
    ADR 0014: the order is gone by then, and nothing takes its place.
    """
    hand = Hand()

    async def talk(line: Line) -> None:
        name = await hand.open()
        hand.answers.append(await line.ask("replace", client_order_id=name, quantity="1000000"))

    run(talk, prepare=hand.prepare)
    ordered = told(hand.answers[0])

    assert ("failed", "canceled", None) == (ordered["result"], ordered["status"], ordered["replaced_by"])
    assert "session_capital" in [reason["code"] for reason in ordered["reasons"]]


def test_a_cancel_that_the_venue_refuses_is_a_failure(run):
    """
    F15: the order stands, and the venue's words are told.
    """
    hand = Hand()

    async def refuse(_: Any, *about: Any) -> Any:
        return Refused("too_late", "in the auction")

    async def talk(line: Line) -> None:
        hand.answers.append(await line.ask("cancel", client_order_id=await hand.open()))

    run(talk, prepare=hand.prepare, tamper={"cancel": refuse})
    ordered = told(hand.answers[0])

    assert ("failed", "accepted") == (ordered["result"], ordered["status"])
    assert [("cancel_rejected", "too_late: in the auction")] == [
        (reason["code"], reason["message"]) for reason in ordered["reasons"]
    ]


@pytest.mark.parametrize("action", ["cancel", "replace"])
def test_while_the_venue_does_not_answer_nothing_is_claimed(run, action):
    """
    F14: pending is neither done nor failed; the cancel goes on.
    """
    hand = Hand()

    async def lost(_: Any, *about: Any) -> Any:
        return Ambiguous("timeout")

    async def talk(line: Line) -> None:
        more = {"limit_price": "2"} if action == "replace" else {}
        name = await hand.open()
        hand.answers.append(await line.ask(action, client_order_id=name, seconds=0.05, **more))

    run(talk, prepare=hand.prepare, tamper={"cancel": lost})
    ordered = told(hand.answers[0])

    assert ("pending", "accepted", None) == (ordered["result"], ordered["status"], ordered["replaced_by"])


@pytest.mark.parametrize("action", ["cancel", "replace"])
def test_what_is_not_open_is_refused_and_named(run, action):
    """
    BAD-034: unknown, or ended already.
    """
    hand = Hand()

    async def talk(line: Line) -> None:
        name = await hand.open()
        await line.ask("cancel", client_order_id=name)
        for wrong in ("nobody", name):
            hand.answers.append(await line.ask(action, client_order_id=wrong, **more))

    more = {"quantity": "3"} if action == "replace" else {}
    bench = run(talk, prepare=hand.prepare)
    unknown, ended = hand.answers

    assert ("refused", 'no open order "nobody"') == (unknown[0]["kind"], unknown[0]["message"])
    assert ("refused", f'no open order "{hand.name}": it is canceled') == (
        ended[0]["kind"],
        ended[0]["message"],
    )
    assert ["", 'no open order "nobody"', f'no open order "{hand.name}": it is canceled'] == [
        refused for _, _, refused in acted(bench)
    ]


@pytest.mark.parametrize("number", ["NaN", "-1", "0", "1e400", "sNaN", "0.0000000000001"])
def test_a_number_that_no_order_can_have_changes_nothing(run, number):
    """
    BAD-001, RSK-01: said while the old order still stands.
    """
    hand = Hand()

    async def talk(line: Line) -> None:
        hand.answers.append(await line.ask("replace", client_order_id=await hand.open(), quantity=number))

    bench = run(talk, prepare=hand.prepare)

    assert "refused" == hand.answers[0][0]["kind"]
    assert "quantity must be above 0" in hand.answers[0][0]["message"]
    assert OrderStatus.ACCEPTED is bench.orders()[0].status
