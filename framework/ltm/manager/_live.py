"""
One running session of a manager: its task, what waits for it, and how signals become results.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Final

import attrs

from ltm.app import Ready, driver_of, is_simulated, keep
from ltm.core import commands as c
from ltm.core.codec import decode
from ltm.engine.results import not_sent, replacement_of, result_of
from ltm.manager._errors import refused
from ltm.model.enums import Lifecycle, OrderStatus
from ltm.model.errors import (
    BrokerConnectionError,
    LtmError,
    SignalError,
    TradeExecutionError,
    shown,
)
from ltm.model.signal import Signal, SignalRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ltm.core.events import AnyEvent
    from ltm.core.state import State
    from ltm.engine.engine import Engine
    from ltm.engine.live import LiveDriver
    from ltm.engine.state_dir import StateDirectory
    from ltm.model.reports import AccountReport
    from ltm.model.results import TradeResult
    from ltm.ports.shell import Clock, Journal

CONNECT_SECONDS: Final = 60.0
"""How long a start waits for the venue and the agreement with it."""
PRICE_SECONDS: Final = 1.0
"""How long a start waits for a first price; a market may be closed."""
GRACE_SECONDS: Final = 5.0
"""How much longer than the engine a caller waits for an order's answer."""
STOP_SECONDS: Final = 60.0
_UNANSWERED: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SUBMITTED})
_ENDED: Final = frozenset({Lifecycle.STOPPING, Lifecycle.STOPPED, Lifecycle.FAILED})
_LOG: Final = logging.getLogger("ltm.manager")


@attrs.frozen
class _Asked:
    # A signal on its way through the engine.
    record: SignalRecord
    key: str
    duplicate: bool
    answer: Future[None]


@attrs.define(eq=False, kw_only=True)
class LiveSession:
    """
    A session that this process keeps going, or kept going until it ended.
    """

    ready: Ready
    started_at: datetime
    notices: tuple[str, ...]
    resources: ExitStack
    """Locks; released when the session has ended."""
    _task: asyncio.Task[None] = attrs.field(init=False)
    _turned: asyncio.Event = attrs.Factory(asyncio.Event)
    _in_flight: set[str] = attrs.Factory(set)

    @property
    def engine(self) -> Engine:
        """
        The session's engine.
        """
        return self.ready.engine

    @property
    def state(self) -> State:
        """
        The session's books.
        """
        return self.engine.session.state

    @property
    def journal(self) -> Journal:
        """
        The session's journal.
        """
        return self.engine.session.journal

    @property
    def ended(self) -> bool:
        """
        Whether nobody keeps the session going any more.
        """
        return self._task.done()

    # --- Start and end --------------------------------------------------------------------------

    async def begin(
        self, directory: StateDirectory, clock: Clock, beat: Callable[[], None], rest: Callable[[], None]
    ) -> None:
        """
        Connect and reconcile; return when the session may trade, or when that takes long.

        Args:
            directory: Where the account is locked.
            clock: The machine's.
            beat: Called after every turn.
            rest: Called when the session has ended.

        Raises:
            BrokerConnectionError: The venue cannot be reached.
            LtmError: Whatever else keeps the session from starting.
        """

        def claim(account: AccountReport) -> None:
            if not is_simulated(self.ready.parts.broker):
                broker = self.state.spec.broker
                self.resources.enter_context(directory.lock_account(broker, account.account))

        def turned() -> None:
            beat()
            self._wake()

        # A crash may have left the books of a session that runs: only the boot after it counts.
        boots = self.state.boots
        driver = driver_of(self.ready, beat=turned, clock=clock)
        self._task = asyncio.get_running_loop().create_task(self._run(driver, claim))
        self._task.add_done_callback(self._over)
        self._task.add_done_callback(lambda _: rest())
        running = await self.until(
            lambda: self.state.boots > boots and self.state.lifecycle is Lifecycle.RUNNING, CONNECT_SECONDS
        )
        if running:
            await self.until(self._has_prices, PRICE_SECONDS)
        elif self.state.boots == boots and not self.ended:
            await self._give_up()
        if self.ended:
            self._raise_failure()

    async def _give_up(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        await self.engine.broker.disconnect()
        message = f"broker {self.state.spec.broker} cannot be reached: it did not answer within {CONNECT_SECONDS:g} s"
        raise BrokerConnectionError(message, code="LTM-BRK-011", hint="check host, credentials and network")

    async def _run(self, driver: LiveDriver, claim: Callable[[AccountReport], None]) -> None:
        try:
            await keep(self.ready, driver, claim)
        finally:
            self.resources.close()

    def _over(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        # Of a start that fails its caller hears.
        if error is not None and self.state.reconciled_at is not None:
            _LOG.critical("session %s failed: %s", self.state.spec.session_id, error, exc_info=error)
        self._wake()

    def _has_prices(self) -> bool:
        slots = self.state.slots
        return not slots or any(slot.mark is not None for slot in slots.values())

    def _wake(self) -> None:
        # Whoever waits now looks again; whoever comes later waits for the next turn.
        self._turned.set()
        self._turned.clear()

    async def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """
        Wait until something holds after a turn of the engine; return whether it does.
        """
        try:
            async with asyncio.timeout(seconds):
                while not done() and not self.ended:
                    await self._turned.wait()
        except TimeoutError:
            pass
        return done()

    async def stop(self, by: str) -> None:
        """
        End the session as its terms say, and wait for that.

        Raises:
            LtmError: It ended by a failure.
        """
        if not self.ended:
            self.engine.stop(by)
            await self.until(lambda: self.ended, STOP_SECONDS)
        if self.ended:
            self._raise_failure()

    def _raise_failure(self) -> None:
        error = None if self._task.cancelled() else self._task.exception()
        if error is None:
            return
        if isinstance(error, LtmError):
            raise error
        message = f"session {self.state.spec.session_id} failed: {type(error).__name__}: {shown(str(error))}"
        raise TradeExecutionError(message, hint="see the log; start the session again") from error

    # --- Commands -------------------------------------------------------------------------------

    def require_going(self, verb: str) -> None:
        """
        Raise unless the session is going.

        Raises:
            InvalidTransition: It is stopping or has ended.
            LtmError: It ended by a failure.
        """
        if self.ended:
            self._raise_failure()
        if self.ended or self.state.lifecycle in _ENDED:
            raise refused(verb, self.state)

    async def request(self, command: c.AnyCommand) -> None:
        """
        Hand the session a command, and wait until its records are durable.

        Raises:
            InvalidTransition: The session's state does not allow it.
        """
        await self._durable(self.engine.request(command))

    async def _durable(self, answer: Future[None]) -> None:
        # Not through `until`: a broker that answers inline may keep the engine in its turn.
        waiting = asyncio.wrap_future(answer)
        waiting.add_done_callback(_noted)
        either: set[asyncio.Future[None]] = {waiting, self._task}
        await asyncio.wait(either, timeout=STOP_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            self._raise_failure()
            message = f"session {self.state.spec.session_id} did not answer"
            raise TradeExecutionError(message, hint="the session ended or hangs: see get_trading_status")
        answer.result()

    # --- Signals --------------------------------------------------------------------------------

    def record_of(self, signal: object) -> SignalRecord:
        """
        Return a checked signal with exact numbers and its time in UTC.

        Raises:
            SignalError: It is none, or its time cannot be used.
        """
        if type(signal) is not Signal:
            message = f"signal must be a Signal, got {type(signal).__name__}"
            hint = "make it with ltm.Signal(stock_code=..., action=..., ...)"
            raise SignalError(message, code="LTM-SIG-067", field="signal", hint=hint)
        try:
            return self.engine.localise(signal)
        except AttributeError as error:
            message = f"signal must be complete, got one without {error.name}"
            raise SignalError(message, code="LTM-SIG-067", field="signal", hint="call Signal(...)") from None

    def key_of(self, record: SignalRecord) -> str:
        """
        Return what makes two signals one.
        """
        return self.engine.session.key_of(record)

    def conflict_of(self, record: SignalRecord) -> SignalError | None:
        """
        Return why a signal cannot be decided: its key was used before with other content.
        """
        before = self.engine.session.answered(self.key_of(record))
        return None if before is None or before.signal == record else self.conflict(record)

    @staticmethod
    def conflict(record: SignalRecord) -> SignalError:
        """
        Return the error of a key used twice.
        """
        message = f"signal for {record.symbol} at {record.at.isoformat()} was sent before with other content"
        return SignalError(message, code="LTM-SIG-066", field="signal", hint="give it another intent")

    async def trade(self, records: Sequence[SignalRecord]) -> list[TradeResult | LtmError]:
        """
        Decide on signals in their order, with one commit, and wait until the venue answered each.

        Returns:
            A result for each, or why there is none: it was not sent, or its key was used before.
        """
        asked = [self._ask(record) for record in records]
        return [await self._result(one) for one in asked]

    def _ask(self, record: SignalRecord) -> _Asked:
        key = self.key_of(record)
        duplicate = key in self.state.signals or key in self._in_flight
        self._in_flight.add(key)
        return _Asked(record, key, duplicate, self.engine.request(c.SubmitSignal(record)))

    async def _result(self, asked: _Asked) -> TradeResult | LtmError:
        try:
            await self._durable(asked.answer)
            return await self._outcome(asked)
        except LtmError as error:
            return error
        finally:
            self._in_flight.discard(asked.key)

    async def _outcome(self, asked: _Asked) -> TradeResult:
        session = self.engine.session
        result = result_of(session, asked.record, duplicate=asked.duplicate)
        if result.client_order_id is None:
            return result
        order_id = result.client_order_id
        seconds = self.state.spec.submit_deadline + GRACE_SECONDS

        def answered() -> bool:
            order = self.state.order(order_id)
            return order is None or order.status not in _UNANSWERED

        await self.until(answered, seconds)
        why = not_sent(session, order_id)
        if why is not None:
            message = f"order for {result.symbol} was not sent: {why}"
            raise TradeExecutionError(message, got=order_id, hint="nothing is open; send a new signal")
        return result_of(session, asked.record, duplicate=asked.duplicate)

    async def replace(self, command: c.ReplaceOrder) -> TradeResult:
        """
        Replace an order, and wait until the venue answered cancel and successor.

        Raises:
            InvalidTransition: It cannot be replaced.
        """
        state, order_id, since = self.state, command.client_order_id, self.state.sequence
        await self.request(command)
        seconds = state.spec.submit_deadline + GRACE_SECONDS

        def answered() -> bool:
            order = state.order(order_id)
            new = state.order(order.replaced_by) if order is not None else None
            return order_id not in state.replacing and (new is None or new.status not in _UNANSWERED)

        await self.until(answered, seconds)
        return replacement_of(self.engine.session, order_id, since)

    # --- History --------------------------------------------------------------------------------

    def events(self) -> Iterator[AnyEvent]:
        """
        Yield everything that happened.
        """
        return events_of(self.journal)


def _noted(future: asyncio.Future[None]) -> None:
    # Its exception is raised from the engine's own future; here asyncio only wants it looked at.
    if not future.cancelled():
        future.exception()


def events_of(journal: Journal) -> Iterator[AnyEvent]:
    """
    Yield the events of a journal.
    """
    for row in journal.read():
        yield decode(row.kind, row.version, row.payload)
