"""
The simulation must be able to see: defects planted on purpose are found within a few worlds (REL-T19).

Each is a mistake that somebody has made with money (REL 2.1.2), or would be the easiest to make here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from simkit.disk import SimJournal
from simkit.world import make_world

from ltm.core import booking, control, evolve, exits, facts, reconcile
from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.session import Session
from ltm.engine import perform
from ltm.engine.perform import Performer
from ltm.model.enums import Purpose
from ltm.model.order import OrderDraft
from ltm.model.reports import Ambiguous, NotSent, Refused

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WORLDS = 40
Patch = pytest.MonkeyPatch


def send_again_after_a_timeout(patch: Patch) -> None:
    """X1, X11: a lost answer is taken for a lost order."""
    honest = Performer._submit

    async def submit(self: Performer, effect: Any) -> None:
        await honest(self, effect)
        last = self.session.state.order(effect.approval.client_order_id)
        if last is not None and not last.venue_order_id:
            await self.broker.submit(effect.approval)

    patch.setattr(Performer, "_submit", submit)


def take_a_timeout_for_a_rejection(patch: Patch) -> None:
    """X12, X13: any exception means that the order failed."""
    honest = Performer._outcome

    async def outcome(self: Performer, call: Any) -> Any:
        found = await honest(self, call)
        return Refused("error", found.reason) if isinstance(found, Ambiguous) else found

    patch.setattr(Performer, "_outcome", outcome)


def take_a_timeout_for_not_sent(patch: Patch) -> None:
    """X3: what could not be confirmed did not happen."""
    honest = Performer._outcome

    async def outcome(self: Performer, call: Any) -> Any:
        found = await honest(self, call)
        return NotSent(found.reason) if isinstance(found, Ambiguous) else found

    patch.setattr(Performer, "_outcome", outcome)


def believe_the_first_not_found(patch: Patch) -> None:
    """X2: the venue does not list it yet, so it does not exist."""

    def not_found(state: Any, context: Any, order: Any) -> Iterator[Any]:
        yield e.OrderAbsent(at=context.now, client_order_id=order.client_order_id, evidence="not found")

    patch.setattr(facts, "_not_found", not_found)


def take_a_refused_cancel_for_a_cancel(patch: Patch) -> None:
    """X14: an error that answers a cancel ends the order."""
    honest = facts.cancel_answered

    def answered(context: Any, order: Any, outcome: Any) -> Iterator[Any]:
        if isinstance(outcome, Refused) and order.status in {"accepted", "partially_filled", "unknown"}:
            yield e.OrderCanceled(at=context.now, client_order_id=order.client_order_id)
        else:
            yield from honest(context, order, outcome)

    patch.setattr(facts, "cancel_answered", answered)


def send_before_it_is_durable(patch: Patch) -> None:
    """REL-1: the barrier is only pretended."""
    patch.setattr(SimJournal, "commit", lambda self: None)


def forget_what_was_in_flight(patch: Patch) -> None:
    """K3 to K6: a restart starts afresh."""
    patch.setattr(control, "recover", lambda state, context: iter(()))


def look_for_no_missed_fills(patch: Patch) -> None:
    """X7, X8: what the stream lost stays lost."""
    patch.setattr(reconcile, "external_fill", lambda *_: iter(()))
    patch.setattr(perform, "_of", lambda *_: ())


def book_a_fill_twice(patch: Patch) -> None:
    """X4."""
    honest = evolve._EVOLVE[e.OrderFilled]

    def booked(state: Any, event: Any) -> None:
        honest(state, event)
        if event.quantity == 40:
            honest(state, event)

    patch.setitem(evolve._EVOLVE, e.OrderFilled, booked)


def forget_a_reservation(patch: Patch) -> None:
    """RSK-07: two orders may spend the same money."""
    honest = evolve._EVOLVE[e.OrderIntended]

    def intended(state: Any, event: Any) -> None:
        before = state.reserved
        honest(state, event)
        state.reserved = before

    patch.setitem(evolve._EVOLVE, e.OrderIntended, intended)


def replace_an_order_twice(patch: Patch) -> None:
    """X1 with a successor: that it was decided on is not in the record of the decision."""
    honest = evolve._EVOLVE[e.OrderIntended]

    def intended(state: Any, event: Any) -> None:
        order = state.order(event.replaces) if event.replaces else None
        wanted = None if order is None else order.successor
        honest(state, event)
        if order is not None and wanted is not None:
            order.successor = wanted
            state.replacing.append(event.replaces)

    patch.setitem(evolve._EVOLVE, e.OrderIntended, intended)


def forget_signals(patch: Patch) -> None:
    """X5, F46: what is sent again trades again."""
    patch.setattr(Session, "key_of", lambda self, signal: f"{signal.symbol}-{self.state.sequence}")


def never_ask_again(patch: Patch) -> None:
    """X9, X10: the answer that never comes is waited for, for ever."""
    honest = Session._decide

    def decide(self: Session, command: Any) -> Iterator[Any]:
        return iter(()) if isinstance(command, c.QueryAnswered) else honest(self, command)

    patch.setattr(Session, "_decide", decide)


def let_levels_outlive_their_position(patch: Patch) -> None:
    """RSK-24: the next position is closed where the last one should have been."""
    honest = booking.book

    def book(slot: Any, signed: Any, price: Any) -> Any:
        kept = slot.guard
        realized = honest(slot, signed, price)
        slot.guard = slot.guard or kept
        return realized

    patch.setattr(booking, "book", book)


def send_both_exits(patch: Patch) -> None:
    """RSK-24: neither of the two knows of the other, or that it has been sent."""
    honest = exits._send_exit

    def send(*args: Any) -> Iterator[Any]:
        yield from honest(*args)
        yield from honest(*args[:-1], Purpose.TAKE_PROFIT)

    def draft(state: Any, slot: Any, purpose: Any) -> OrderDraft:
        return OrderDraft(
            symbol=slot.instrument.symbol, side=exits.SELL, quantity=abs(slot.position), purpose=purpose
        )

    patch.setattr(exits, "_send_exit", send)
    patch.setattr(exits, "exit_draft", draft)


@pytest.mark.parametrize(
    "plant",
    [
        send_again_after_a_timeout,
        take_a_timeout_for_a_rejection,
        take_a_timeout_for_not_sent,
        believe_the_first_not_found,
        take_a_refused_cancel_for_a_cancel,
        send_before_it_is_durable,
        forget_what_was_in_flight,
        look_for_no_missed_fills,
        book_a_fill_twice,
        forget_a_reservation,
        replace_an_order_twice,
        forget_signals,
        never_ask_again,
        let_levels_outlive_their_position,
        send_both_exits,
    ],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_defect_is_found(plant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    """
    REL-T15, REL-T19: the mistake of others, made here, does not survive a few worlds.
    """
    plant(monkeypatch)

    assert any(_is_seen(seed) for seed in range(WORLDS))


def _is_seen(seed: int) -> bool:
    world = make_world(seed)
    try:
        return bool(world.run().verdict().problems)
    except Exception:  # noqa: BLE001 - a world that falls apart is seen, too
        return True
