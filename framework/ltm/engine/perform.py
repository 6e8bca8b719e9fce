"""
Effects at the venue: each is one call, and whatever happens to it becomes an answer.

The default of every failure is "nobody knows": an exception, a late answer, a cancelled task or a
wrong type make a submission `Ambiguous`, never "rejected" (REL 2.2.4, F26, F47).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, assert_never

import attrs

from ltm.core import commands as c
from ltm.core import effects
from ltm.core.session import Session
from ltm.engine.admission import (
    Customs,
    Unsound,
    sound,
    sound_account,
    sound_orders,
    sound_outcome,
    sound_positions,
    sound_rows,
)
from ltm.model.enums import Purpose
from ltm.model.errors import BrokerConnectionError, LtmError, shown
from ltm.model.reports import AccountReport, Ambiguous, FillReport, NotSent, OrderReport, Outcome
from ltm.ports.broker import Broker
from ltm.ports.shell import Clock

if TYPE_CHECKING:
    from ltm.model.instrument import Instrument

T = TypeVar("T")
_AtVenue = effects.SubmitOrder | effects.SendCancel | effects.QueryOrder | effects.Sweep
OVERLAP: Final = timedelta(hours=24)
"""How far before the last known moment fills are asked for after a start (REL-4)."""
RECENT: Final = timedelta(minutes=5)
"""The same, later on."""
_FILLS: Final = partial(sound_rows, kind=FillReport)


@attrs.define(kw_only=True, eq=False)
class Performer:
    """
    Calls the broker for one session.
    """

    session: Session
    broker: Broker
    post: Callable[[c.AnyCommand], None]
    clock: Clock
    trouble: Callable[[str, Exception], None]
    """Hears of questions that got no answer."""
    deadline: Callable[[Awaitable[Any]], Awaitable[Any]] | None = None
    """Bounds a call in time; None where the broker answers at once."""
    killed: bool = False
    """Whether the kill switch was found set before these effects (O10)."""

    def perform(self, effect: _AtVenue) -> Coroutine[Any, Any, None]:
        """
        Perform one effect and queue its answer.
        """
        match effect:
            case effects.SubmitOrder():
                return self._submit(effect)
            case effects.SendCancel():
                return self._cancel(effect)
            case effects.QueryOrder():
                return self._query(effect)
            case effects.Sweep():
                return self._sweep(effect)
            case _:
                assert_never(effect)

    async def _submit(self, effect: effects.SubmitOrder) -> None:
        order_id = effect.approval.client_order_id
        if self.killed or not self.session.may_submit(effect):
            self.post(c.SubmitAnswered(order_id, NotSent("trading was stopped before it left")))
            return
        try:
            outcome = await self._outcome(self.broker.submit, effect.approval)
        except BaseException:
            # The task was cancelled in mid-call: it may have left all the same (F47).
            self.post(c.SubmitAnswered(order_id, Ambiguous("interrupted while sending")))
            raise
        self.post(c.SubmitAnswered(order_id, outcome))

    async def _cancel(self, effect: effects.SendCancel) -> None:
        order_id = effect.client_order_id
        outcome = await self._outcome(self.broker.cancel, order_id, effect.venue_order_id, effect.symbol)
        self.post(c.CancelAnswered(order_id, outcome))

    async def _outcome(self, ask: Callable[..., Awaitable[object]], *about: object) -> Outcome:
        try:
            call = ask(*about)
            outcome = await (call if self.deadline is None else self.deadline(call))
        except Exception as error:  # noqa: BLE001 - plugin boundary: an adapter that fails leaves it open
            return Ambiguous(f"{type(error).__name__}: {shown(str(error))}")
        return sound_outcome(outcome)

    async def _query(self, effect: effects.QueryOrder) -> None:
        order_id = effect.client_order_id
        order = self.session.state.order(order_id)
        since = (order.created_at if order is not None else self.clock.now()) - timedelta(minutes=1)
        try:
            report = await self._bounded(
                self.broker.find_order(order_id, effect.venue_order_id, effect.symbol)
            )
            report = None if report is None else sound(report, OrderReport)
            fills = sound_rows(await self._bounded(self.broker.fills(since)), FillReport)
            ours = _of(order_id, report, fills)
        except Exception as error:  # noqa: BLE001 - plugin boundary: no answer is no evidence
            self.trouble(f"query of {order_id}", error)
            self.post(c.QueryAnswered(order_id, None, failed=True))
            return
        self.post(c.QueryAnswered(order_id, report, ours))

    async def _sweep(self, effect: effects.Sweep) -> None:
        self.post(await self.look(effect.sequence))

    async def look(self, sequence: int) -> c.SweepAnswered:
        """
        Ask the venue for everything, and return what it said.

        Args:
            sequence: The journal's last record when the look begins.
        """
        known, now = self.session.context.fills_known_to, self.clock.now()
        since = (self.session.state.last_at or now) - OVERLAP if known is None else known - RECENT
        return c.SweepAnswered(
            started_sequence=sequence,
            asked_at=now,
            siblings=self.session.siblings(),
            open_orders=await self._ask("open orders", self.broker.open_orders, sound_orders),
            fills=await self._ask("fills", partial(self.broker.fills, since), _FILLS),
            positions=await self._ask("positions", self.broker.positions, sound_positions),
            account=await self._ask("account", self.broker.account, sound_account),
        )

    async def _ask(
        self, what: str, ask: Callable[[], Awaitable[object]], admit: Callable[[object], T]
    ) -> T | None:
        # A method may raise before there is anything to wait for.
        try:
            return admit(await self._bounded(ask()))
        except Exception as error:  # noqa: BLE001 - plugin boundary: a failed question is not "empty"
            self.trouble(what, error)
            return None

    async def _bounded(self, call: Awaitable[T]) -> T:
        bounded: Awaitable[T] = call if self.deadline is None else self.deadline(call)
        return await bounded

    async def cancel_unrecorded(self) -> None:
        """
        Cancel what is ours and open, when no record can be written any more.
        """
        for order in list(self.session.state.orders.values()):
            if order.purpose is not Purpose.FOREIGN:
                about = (order.client_order_id, order.venue_order_id, order.symbol)
                await self._outcome(self.broker.cancel, *about)


async def introduced(
    broker: Broker, customs: Customs, claim: Callable[[AccountReport], None] | None
) -> tuple[AccountReport, tuple[Instrument, ...]]:
    """
    Open the link, and return whose account it is and what can be traded there.

    Args:
        broker: Not connected yet.
        customs: Looks through what it delivers.
        claim: Is told the account first; may refuse it.

    Raises:
        LtmError: A `BrokerConnectionError`, or what the adapter itself put in these words.
    """
    account = await reached(broker.connect(customs.deliver), sound_account)
    if claim is not None:
        claim(account)
    return account, await reached(broker.instruments(()), customs.instruments)


async def reached(call: Awaitable[object], admit: Callable[[object], T]) -> T:
    """
    Return what a broker answers; whatever an adapter raises means that it was not reached.

    Args:
        call: The question.
        admit: Looks the answer through.

    Raises:
        LtmError: A `BrokerConnectionError`, or what the adapter itself put in these words.
    """
    try:
        return admit(await call)
    except LtmError:
        raise
    except Unsound as error:
        message, hint = f"the broker cannot be used: {error}", "the adapter needs mending"
        raise BrokerConnectionError(message, code="LTM-BRK-012", hint=hint) from error
    except Exception as error:
        message = f"the broker cannot be reached: {type(error).__name__}: {shown(str(error))}"
        hint = "check host, credentials and network"
        raise BrokerConnectionError(message, code="LTM-BRK-011", hint=hint) from error


def _of(order_id: str, report: OrderReport | None, fills: Sequence[FillReport]) -> tuple[FillReport, ...]:
    venue_id = report.venue_order_id if report is not None else None
    return tuple(
        fill
        for fill in fills
        if fill.client_order_id == order_id
        or (fill.client_order_id is None and venue_id is not None and fill.venue_order_id == venue_id)
    )
