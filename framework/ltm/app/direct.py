"""
The kill switch's own way to the broker, past a process that hangs: cancel, and ask whether it is so (O10, C36).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from ltm.app.parts import is_simulated
from ltm.core.lifecycle import TERMINAL
from ltm.engine.admission import sound, sound_account, sound_orders, sound_outcome
from ltm.engine.clock import SystemClock
from ltm.engine.perform import reached
from ltm.model.enums import OrderStatus, Purpose
from ltm.model.errors import BrokerConnectionError, ConfigError, PluginError, shown
from ltm.model.identifiers import sequence_of
from ltm.model.reports import Acked, OrderReport, Refused
from ltm.model.results import DirectReport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from ltm.config import SessionConfig
    from ltm.core.state import State
    from ltm.model.market import Quote
    from ltm.model.reports import BrokerEvent
    from ltm.ports.broker import Broker

T = TypeVar("T")
CALL_SECONDS: Final = 5.0
"""How long one call to the broker may take."""
ROUND_SECONDS: Final = 0.5
"""Between two looks at what is still open."""


async def cancel_directly(
    config: SessionConfig, state: State, *, foreign: bool, seconds: float
) -> DirectReport:
    """
    Connect to the broker, cancel a session's open orders, and ask until none is left.

    Args:
        config: How to reach the broker.
        state: From the journal: whose orders, and in which account.
        foreign: Cancel everything open in the account.
        seconds: How long to go on asking.

    Raises:
        BrokerConnectionError: The broker cannot be reached, or does not answer.
        ConfigError: The broker is connected to another account.
        PluginError: The session's market is inside its own process.
    """
    broker = cast("Broker", config.broker.offer.factory(config.broker.config))
    if is_simulated(broker):
        message = f"session {state.spec.session_id} has its market inside its own process: nobody else can cancel there"
        raise PluginError(message, code="LTM-CTL-007", hint="end that process; its orders end with it")
    account = await _bounded(reached(broker.connect(_ignore), sound_account))
    try:
        if state.account not in {None, account.account}:
            message = f"session {state.spec.session_id} trades account ...{str(state.account)[-4:]}, this is another one"
            raise ConfigError(
                message, code="LTM-CFG-039", field="broker", hint="name the session's own configuration"
            )
        return await _clear(broker, state, foreign=foreign, seconds=seconds)
    finally:
        await broker.disconnect()


async def _clear(broker: Broker, state: State, *, foreign: bool, seconds: float) -> DirectReport:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    asked: dict[str, str] = {}
    doubts = Doubts(broker, state, loop.time())
    while True:
        everything = [
            one
            for one in await _bounded(reached(broker.open_orders(), sound_orders))
            if one.status not in TERMINAL
        ]
        everything += await doubts.look({_name(one) for one in everything}, loop.time())
        ours = [one for one in everything if _is_ours(state, one)]
        wanted = everything if foreign else ours
        if not (wanted or doubts.left) or loop.time() >= end:
            return DirectReport(
                session_id=state.spec.session_id,
                asked_at=SystemClock().now(),
                confirmed=not (wanted or doubts.left),
                canceled=tuple(name for name in asked if name not in map(_name, wanted)),
                left_open=tuple(map(_name, wanted)),
                foreign_orders=len(everything) - len(ours),
                problems=tuple(
                    f"{_name(one)}: {asked[_name(one)]}" for one in wanted if asked.get(_name(one))
                )
                + tuple(f"{name}: {why}" for name, why in doubts.left.items()),
            )
        for one in wanted:
            asked[_name(one)] = await _cancel(broker, one)
        await asyncio.sleep(ROUND_SECONDS)


class Doubts:
    """
    Orders of which the journal does not know whether the venue has them: a list without them proves nothing (REL-4).
    """

    def __init__(self, broker: Broker, state: State, since: float) -> None:
        self._broker = broker
        self._since = since
        self._orders = [
            order
            for order in state.orders.values()
            if order.status in _UNRESOLVED and order.purpose is not Purpose.FOREIGN
        ]
        self.left: dict[str, str] = {}
        """Which are not proven to have ended, and why."""

    async def look(self, listed: set[str], now: float) -> list[OrderReport]:
        """
        Ask about each that is not listed; return those that are open after all.
        """
        self.left, found = {}, []
        for order in self._orders:
            name = order.client_order_id
            if name in listed:
                continue
            call = self._broker.find_order(name, order.venue_order_id, order.symbol)
            try:
                report = _found(await _bounded(call))
            except Exception as error:  # noqa: BLE001 - plugin boundary: no answer is no evidence
                self.left[name] = f"{type(error).__name__}: {shown(str(error))}"
                continue
            if report is not None and report.status not in TERMINAL:
                found.append(report)
            elif report is None and not self._is_proof(now):
                self.left[name] = f"it is {order.status} in the journal, and the venue may not know it yet"
        return found

    def _is_proof(self, now: float) -> bool:
        # "Not found" proves something where ended orders are found too, once no request can be under way.
        able = self._broker.capabilities
        complete = able.query_by_client_order_id and able.query_includes_closed
        if not complete or able.request_ttl is None:
            return False
        return now - self._since > able.request_ttl + able.visibility_lag


_UNRESOLVED: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})


def _found(answer: object) -> OrderReport | None:
    return None if answer is None else sound(answer, OrderReport)


async def _cancel(broker: Broker, order: OrderReport) -> str:
    # Why the venue does not do it; whether it did is asked afterwards.
    call = broker.cancel(order.client_order_id or _name(order), order.venue_order_id, order.symbol)
    try:
        outcome = sound_outcome(await _bounded(call))
    except Exception as error:  # noqa: BLE001 - plugin boundary: the next look at what is open tells
        return f"{type(error).__name__}: {shown(str(error))}"
    match outcome:
        case Acked():
            return ""
        case Refused():
            return f"{outcome.code}: {outcome.message}"
        case _:
            return outcome.reason


def _is_ours(state: State, order: OrderReport) -> bool:
    own = order.client_order_id or state.venue_ids.get(order.venue_order_id or "", "")
    return sequence_of(state.session_key, own) is not None


def _name(order: OrderReport) -> str:
    return order.client_order_id or f"foreign-{order.venue_order_id}"


def _ignore(event: Quote | BrokerEvent) -> None:
    del event  # what is open is asked, not listened for


async def _bounded(call: Awaitable[T]) -> T:
    try:
        return await asyncio.wait_for(call, CALL_SECONDS)
    except TimeoutError as error:
        message = f"the broker does not answer within {CALL_SECONDS:g} s"
        raise BrokerConnectionError(
            message, code="LTM-BRK-011", hint="cancel on the broker's own screen"
        ) from error


def cancel_all_directly(
    pairs: Sequence[tuple[SessionConfig, State]], *, foreign: bool, seconds: float
) -> list[DirectReport]:
    """
    Do so for several sessions, one after the other.
    """

    async def go() -> list[Any]:
        return [
            await cancel_directly(config, state, foreign=foreign, seconds=seconds) for config, state in pairs
        ]

    return asyncio.run(go())
