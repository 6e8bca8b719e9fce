"""
Whole runs: simulated in the market's own time, or live in asyncio until somebody stops them.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from ltm.app.manifest import Confirm, accept_changes
from ltm.app.parts import Ready, assemble, free_id, is_simulated, make_parts
from ltm.config import LtmConfig, SessionConfig, check_config, plugins_of, read_config
from ltm.core import commands as c
from ltm.core.account import Account
from ltm.core.armed import Armed
from ltm.engine.clock import SystemClock
from ltm.engine.control.look import attest_end
from ltm.engine.control.server import ControlServer
from ltm.engine.drive import no_pause, run_now, work
from ltm.engine.engine import Engine
from ltm.engine.inputs import Observer
from ltm.engine.journal import JournalStore
from ltm.engine.live import LiveDriver
from ltm.engine.memory import MemoryJournal
from ltm.engine.state_dir import StateDirectory
from ltm.engine.watchdog import Watchdog
from ltm.model.enums import OrderStatus
from ltm.model.errors import ConfigError, JournalError, LtmError, shown
from ltm.model.reports import LinkReport
from ltm.ports.broker import Paced
from ltm.registry import Registry

if TYPE_CHECKING:
    from ltm.model.reports import AccountReport
    from ltm.model.spec import SessionSpec
    from ltm.ports.shell import Clock

GRACE: Final = 2.0
"""Seconds that calls under way and alerts get at the very end."""


@attrs.frozen(kw_only=True)
class Loaded:
    """
    A checked configuration and the plugins it was checked against.
    """

    config: LtmConfig
    registry: Registry


def load(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """
    Read and check a configuration file.

    Args:
        path: The file.
        environ: Where its overrides and `{ env = ... }` are looked up; None for the process's environment.

    Raises:
        ConfigError: Something in it is wrong; all of it is listed.
        PluginError: A plugin it names cannot be used.
    """
    document = read_config(path, environ)
    registry = Registry.discover(*plugins_of(document))
    return Loaded(config=check_config(document, registry, environ), registry=registry)


def prepare(
    config: SessionConfig,
    store: JournalStore | None,
    *,
    observers: Sequence[Observer] = (),
    directory: StateDirectory | None = None,
    clock: Clock | None = None,
) -> Ready:
    """
    Make one session's parts and put them together on the store's journal, or on one in memory.

    A market that ends with its process cannot be taken up again: its session gets a free id.

    Args:
        config: Checked.
        store: None for a journal in memory.
        observers: Look on.
        directory: Where the kill switch and the local alert file are; None for none.
        clock: Instead of the machine's; a broker that owns its market has its own all the same.
    """
    parts = make_parts(config)
    if isinstance(parts.broker, Paced):
        clock = None
    if store is None:
        return assemble(parts, MemoryJournal(config.spec.session_id), observers=observers)
    if is_simulated(parts.broker):
        parts.config = renamed(config, free_id(config.spec.session_id, store.sessions()))
    journal = store.session(parts.config.spec.session_id)
    return assemble(parts, journal, clock=clock, observers=observers, directory=directory)


def renamed(config: SessionConfig, session_id: str) -> SessionConfig:
    """
    Return the same session under another id.
    """
    spec = config.spec
    values = {name: getattr(spec, name) for name in spec.__struct_fields__}
    return attrs.evolve(config, spec=type(spec)(**{**values, "session_id": session_id}))


def unresolved(engine: Engine) -> list[str]:
    """
    Return the client order ids whose fate a person has to find out (exit code 6).
    """
    return [
        order.client_order_id
        for order in engine.session.state.orders.values()
        if order.status is OrderStatus.UNKNOWN
    ]


# --- Simulated ----------------------------------------------------------------------------------


def simulate(
    config: LtmConfig, *, store: JournalStore | None = None, observers: Sequence[Observer] = ()
) -> list[Engine]:
    """
    Run every session to its end in the market's own time, without an event loop.

    Raises:
        PluginError: A broker waits for something outside this process.
    """
    engines = []
    for one in config.sessions:
        ready = prepare(one, store, observers=observers)
        run_now(ready.start())
        run_now(work(ready.engine, no_pause))
        engines.append(ready.engine)
    return engines


# --- Live ---------------------------------------------------------------------------------------


class Interrupted(Exception):
    """
    A person wants out at once; the journal is intact, orders stay as they are.
    """


@attrs.define(kw_only=True)
class Run:
    """
    One `ltm run`: all sessions of a configuration on one state directory.
    """

    config: LtmConfig
    directory: StateDirectory
    observers: Sequence[Observer] = ()
    allow_live: bool = False
    source: Path | None = None
    """The file that the configuration was read from."""
    tell: Callable[[str], None] = lambda _: None
    """Is told the plugins that real money runs on, before anything starts."""
    confirm: Confirm | None = None
    """Asks whether changed plugins may run; None: they may not (SEC-13)."""
    handle_signals: bool = True
    """False where somebody else owns the process's signal handlers."""
    engines: list[Engine] = attrs.Factory(list)
    armed: dict[str, tuple[Armed, ...]] = attrs.Factory(dict)
    """By session: its limits, each tested."""
    _stops: int = 0
    _claimed: dict[tuple[str, str], str] = attrs.Factory(dict)
    """By broker and account: the name that the configuration gives it, or nothing."""
    _interrupt: asyncio.Event = attrs.field(init=False)

    def execute(self, started: Callable[[Sequence[Engine]], None] | None = None) -> list[Engine]:
        """
        Run until every session has stopped.

        Args:
            started: Called once, when all sessions are being started.

        Raises:
            AlreadyRunning: Somebody else holds the state directory, a session or an account.
            BrokerConnectionError: A venue cannot be reached.
            ConfigError: Real money is configured and was not allowed for this run.
            PluginError: Code changed since the run before, and nobody agreed.
            JournalError: The journal cannot be trusted or written.
            Interrupted: A person pressed Ctrl-C a second time.
        """
        self._refuse_unasked_money()
        with ExitStack() as stack:
            stack.enter_context(self.directory.lock_writer())
            # Given back before the store closes, so that the last records and a restart have room.
            self.directory.reserve.take()
            store = JournalStore(self.directory.journal)
            stack.callback(store.close)
            stack.callback(self.directory.reserve.release)
            readies = [
                prepare(one, store, observers=self.observers, directory=self.directory)
                for one in self.config.sessions
            ]
            for ready in readies:
                self._look_at_plugins(ready)
                name = ready.parts.config.spec.session_id
                stack.enter_context(self.directory.lock_session(name))
                if self.source is not None:
                    self.directory.remember_config(name, self.source)
            share_accounts(readies)
            self.engines = [ready.engine for ready in readies]
            self.armed = {ready.parts.config.spec.session_id: ready.armed for ready in readies}
            asyncio.run(self._all(readies, stack, started))
        return self.engines

    def _refuse_unasked_money(self) -> None:
        for one in self.config.sessions:
            if one.spec.live and not self.allow_live:
                message = f"session {one.spec.session_id} trades real money (live = true)"
                raise ConfigError(
                    message, code="LTM-CFG-050", field="session.live", hint="run it with: ltm run --live"
                )

    def _look_at_plugins(self, ready: Ready) -> None:
        spec = ready.parts.config.spec
        if spec.live:
            for line in ready.manifest:
                self.tell(f"{spec.session_id} runs on {line}")
        accept_changes(spec.session_id, ready.plugin_changes, self.confirm)

    async def _all(
        self,
        readies: Sequence[Ready],
        stack: ExitStack,
        started: Callable[[Sequence[Engine]], None] | None,
    ) -> None:
        self._interrupt = asyncio.Event()
        if self.handle_signals:
            self._catch_signals()
        loop = asyncio.get_running_loop()

        def stood_still(seconds: float) -> None:
            with suppress(RuntimeError):  # the loop may have ended meanwhile
                loop.call_soon_threadsafe(self._compare_again, seconds)

        watchdog = Watchdog(SystemClock(), stood_still=stood_still)
        stack.callback(watchdog.stop)
        if started is not None:
            started(self.engines)
        server = await self._listen()
        tasks = [asyncio.ensure_future(self._one(ready, stack, watchdog)) for ready in readies]
        everything = asyncio.gather(*tasks)
        interrupted = asyncio.ensure_future(self._interrupt.wait())
        try:
            either: set[asyncio.Future[Any]] = {everything, interrupted}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not everything.done():
                raise Interrupted
            everything.result()
        finally:
            await server.close(GRACE if everything.done() else 0)
            for task in (*tasks, interrupted):
                task.cancel()
            await asyncio.gather(*tasks, interrupted, return_exceptions=True)

    def _compare_again(self, seconds: float) -> None:
        # F10: as after a lost link, everything is compared with the venue before the next entry.
        for engine in self.engines:
            if engine.session.state.link_up and not is_simulated(engine.broker):
                reason, at = f"this process stood still for {seconds:.0f} s", engine.clock.now()
                engine.post(LinkReport(up=False, at=at, reason=reason))
                engine.post(LinkReport(up=True, at=at))

    async def _listen(self) -> ControlServer:
        server = ControlServer(self.engines, self.directory.path)
        try:
            await server.open()
        except OSError as error:
            # Trading does not depend on it: the kill flag and signals still work.
            message = f"no requests from other terminals: {error.strerror or error}"
            for engine in self.engines:
                engine.post(c.RaiseAlert("warning", "control_off", message))
        return server

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop, "SIGTERM")
        loop.add_signal_handler(signal.SIGINT, self.stop, "SIGINT")

    def stop(self, by: str) -> None:
        """
        Ask every session to stop and to attest what is left; the second SIGINT ends the run at once (F30, F31).
        """
        self._stops += by == "SIGINT"
        if self._stops > 1:
            self._interrupt.set()
        for engine in self.engines:
            attest_end(engine)
            engine.stop(by)

    async def _one(self, ready: Ready, stack: ExitStack, watchdog: Watchdog) -> None:
        def claim(account: AccountReport) -> None:
            if not is_simulated(ready.parts.broker):
                self._claim(ready.parts.config.spec, account.account, stack)

        await keep(ready, driver_of(ready, beat=watchdog.beat), claim)

    def _claim(self, spec: SessionSpec, account: str, stack: ExitStack) -> None:
        # One lock for an account, however many sessions name it; none for a session that does not (BAD-036).
        key = (spec.broker, account)
        if spec.account and self._claimed.get(key) == spec.account:
            return
        held = next((other for other, name in self._claimed.items() if name == spec.account), None)
        if spec.account and held is not None:
            message = f'sessions of account "{spec.account}" must be connected to one account at the broker'
            hint = f"session {spec.session_id} is connected to another one"
            raise ConfigError(message, code="LTM-CFG-039", field="session.account", hint=hint)
        stack.enter_context(self.directory.lock_account(*key))
        self._claimed[key] = spec.account


def share_accounts(readies: Sequence[Ready]) -> None:
    """
    Let sessions that name one account know each other.
    """
    accounts: dict[str, Account] = {}
    for ready in readies:
        name = ready.parts.config.spec.account
        if name:
            shared = not ready.parts.broker.capabilities.ephemeral
            account = accounts.setdefault(name, Account(shared=shared))
            account.members.append(ready.engine.session.state)
            ready.engine.session.context.account = account


def driver_of(ready: Ready, *, beat: Callable[[], None], clock: Clock | None = None) -> LiveDriver:
    """
    Return what drives a session in the running loop, at the speed that its broker asks for.
    """
    speed = getattr(ready.parts.broker, "speed", None)
    return LiveDriver(
        engine=ready.engine,
        clock=clock or SystemClock(),
        speed=float(speed) if isinstance(speed, (int, float)) else None,
        beat=beat,
    )


async def keep(
    ready: Ready, driver: LiveDriver, claim: Callable[[AccountReport], None] | None = None
) -> None:
    """
    Start a session and keep it going until it has stopped; however it ends, it lets go of the venue.

    Args:
        ready: From `prepare`.
        driver: From `driver_of`.
        claim: Is told the account before anything is written; may refuse it.
    """
    engine = ready.engine
    try:
        await ready.start(claim)
        await work(engine, driver.pause)
    except JournalError:
        await engine.abandon()
        raise
    except LtmError:
        await engine.broker.disconnect()
        raise
    except Exception as error:
        # Last resort (SEC-36): nothing is sent after something nobody foresaw.
        await _halt(engine, error)
        raise
    finally:
        await driver.drain_tasks(GRACE)
        engine.alerts.close(GRACE)


async def _halt(engine: Engine, error: Exception) -> None:
    message = f"stopped by a fault of ltm itself: {type(error).__name__}: {shown(str(error))}"
    engine.inputs.clear()
    engine.post(c.Halt("internal", message))
    await engine.turn()
    await engine.broker.disconnect()
