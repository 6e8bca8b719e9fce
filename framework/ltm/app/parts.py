"""
From a checked session to an engine that is ready to start.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

import attrs

from ltm.app.localise import localiser
from ltm.app.manifest import limits_of, manifest_of, plugin_changes, rule_changes
from ltm.app.report import armed_report
from ltm.config import Chosen, SessionConfig
from ltm.core import events as e
from ltm.core.armed import Armed
from ltm.core.context import new_context
from ltm.core.recovery import changes_of, replay
from ltm.core.session import Session
from ltm.core.state import State, new_state
from ltm.engine.alerts import AlertDispatcher, InlineDispatcher, Route, ThreadedDispatcher
from ltm.engine.clock import ProcessIdentity, SystemClock, VirtualClock, process_identity, random_bits
from ltm.engine.engine import Engine
from ltm.model import identifiers
from ltm.model.errors import ConfigError
from ltm.ports.broker import Broker, Paced
from ltm.ports.rules import PositionSizer, RiskRule
from ltm.ports.shell import AlertSink, Clock, Journal, SignalSource

if TYPE_CHECKING:
    from ltm.engine.inputs import MakeAlerts, Observer, Told
    from ltm.engine.state_dir import StateDirectory
    from ltm.model.errors import LtmError
    from ltm.model.hours import Openings
    from ltm.model.reports import AccountReport

_SIMULATED: Final = ProcessIdentity(pid=0, host="", boot_id="simulated", started_at="")


@attrs.define(kw_only=True)
class Parts:
    """
    Everything that a session's configuration is made into.
    """

    config: SessionConfig
    broker: Broker
    rules: tuple[RiskRule, ...]
    sizer: PositionSizer
    sources: tuple[SignalSource, ...]
    routes: tuple[Route, ...]


def make_parts(config: SessionConfig) -> Parts:
    """
    Call the factories of everything that a session uses.

    Raises:
        LtmError: A factory refuses its settings.
    """
    return Parts(
        config=config,
        broker=cast("Broker", config.broker.offer.factory(config.broker.config)),
        rules=tuple(cast("RiskRule", rule.offer.factory(rule.config)) for rule in config.rules),
        sizer=cast("PositionSizer", config.sizer.offer.factory(config.sizer.config)),
        sources=tuple(cast("SignalSource", one.offer.factory(one.config)) for one in config.signals),
        routes=tuple(_routes(config.alerts)),
    )


def _routes(chosen: Sequence[Chosen]) -> Iterator[Route]:
    names: list[str] = []
    for alert in chosen:
        sink = cast("AlertSink", alert.offer.factory(alert.config))
        names.append(free_id(sink.name, names))
        yield Route(sink=sink, minimum=alert.minimum, name=names[-1])


def free_id(wanted: str, taken: Sequence[str]) -> str:
    """
    Return the id, or with a number behind it when it is taken.
    """
    number, name = 2, wanted
    while name in taken:
        name = f"{wanted}-{number}"
        number += 1
    return name


def is_simulated(broker: Broker) -> bool:
    """
    Return whether the broker's market ends with this process and answers at once.
    """
    return isinstance(broker, Paced) and broker.capabilities.ephemeral


# --- One engine ---------------------------------------------------------------------------------


@attrs.define(kw_only=True)
class Ready:
    """
    An engine with what its start needs.
    """

    engine: Engine
    parts: Parts
    boot: Callable[[datetime], e.BootRecorded]
    changes: tuple[str, ...]
    armed: tuple[Armed, ...]
    manifest: tuple[str, ...]
    """The plugins it runs on."""
    plugin_changes: tuple[str, ...]
    """Those whose code is not what it was in the run before (SEC-13)."""

    async def start(self, claim: Callable[[AccountReport], None] | None = None) -> None:
        """
        Connect, recover, reconcile.

        Args:
            claim: Is told the account before anything is written; may refuse it.
        """
        await self.engine.start(self.boot, self.changes, claim)


def assemble(
    parts: Parts,
    journal: Journal,
    *,
    clock: Clock | None = None,
    observers: Sequence[Observer] = (),
    directory: StateDirectory | None = None,
    inline_alerts: bool | None = None,
) -> Ready:
    """
    Put one session together on a journal, new or with a past.

    Args:
        parts: From `make_parts`.
        journal: Empty, or this session's.
        clock: Default: the market's where the broker owns it, else the machine's.
        observers: Look on.
        directory: Where the kill switch and the local alert file are; None for none.
        inline_alerts: Deliver alerts in the session's thread; default for simulated markets.

    Raises:
        ConfigError: The journal is of a session with other unchangeable terms.
        PluginError: A limit does not hold in the self-test.
        JournalError: The journal cannot be trusted.
    """
    spec = parts.config.spec
    simulated = is_simulated(parts.broker)
    identity = _SIMULATED if simulated else process_identity()
    report = armed_report(parts.config, parts.rules, parts.sizer, parts.broker.capabilities)
    state = replay(journal) or new_state(spec, _session_key(parts, simulated=simulated))
    changes = _adopt_terms(state, parts)
    openings = parts.config.openings
    context = new_context(spec, parts.rules, parts.sizer, parts.broker.capabilities, openings)
    session = Session(state, context, journal)
    set_time: Callable[[datetime], None] | None = None
    if clock is None and isinstance(parts.broker, Paced):
        market_clock = VirtualClock(parts.broker.market_time())
        clock, set_time = market_clock, market_clock.set
    clock = clock or SystemClock()
    _refuse_unknown_days(spec.session_id, openings, clock.now())

    def tell(problem: LtmError) -> None:
        for observer in engine.observers:
            observer.on_problem(problem)

    session.context.timer = clock.monotonic
    engine = Engine(
        session=session,
        broker=parts.broker,
        clock=clock,
        sources=parts.sources,
        make_alerts=_alerts(
            parts, clock, directory, inline=simulated if inline_alerts is None else inline_alerts
        ),
        localise=localiser(parts.config, tell),
        kill_switch=directory.kill_flag(spec.session_id) if directory is not None else None,
        free_space=directory.free_space if directory is not None and not simulated else None,
        observers=tuple(observers),
        set_time=set_time,
    )
    manifest = manifest_of(parts.config)
    changed = plugin_changes(state.manifest, manifest)
    limits = limits_of(report)
    changes += rule_changes(state.manifest, report)

    def boot(now: datetime) -> e.BootRecorded:
        return e.BootRecorded(
            at=now,
            boot_id=identity.boot_id,
            process_id=identity.pid,
            host=identity.host,
            version=version(),
            manifest=manifest + limits,
            by=identity.user,
            accepted=changed,
        )

    return Ready(
        engine=engine,
        parts=parts,
        boot=boot,
        changes=changes,
        armed=report,
        manifest=manifest,
        plugin_changes=changed,
    )


def _refuse_unknown_days(session_id: str, openings: Openings | None, now: datetime) -> None:
    if openings is None or openings.knows(now):
        return
    message = (
        f"session {session_id}: calendar {openings.calendar} is known from {openings.since:%Y-%m-%d %H:%M}"
        f" to {openings.until:%Y-%m-%d %H:%M} UTC only, and it is {now:%Y-%m-%d %H:%M} UTC"
    )
    hint = "pip install --upgrade exchange_calendars, or use windows and trading_days"
    raise ConfigError(message, code="LTM-CFG-016", field="session.trading_hours.calendar", hint=hint)


def _alerts(parts: Parts, clock: Clock, directory: StateDirectory | None, *, inline: bool) -> MakeAlerts:
    def make(delivered: Told, trouble: Told) -> AlertDispatcher:
        if inline:
            return InlineDispatcher(parts.routes, clock=clock, on_delivered=delivered, on_trouble=trouble)
        return ThreadedDispatcher(
            parts.routes,
            clock=SystemClock(),
            on_delivered=delivered,
            on_trouble=trouble,
            local=directory.alerts_log if directory is not None else None,
        )

    return make


def _session_key(parts: Parts, *, simulated: bool) -> str:
    # A simulated session is the same every time; a real one must never share a key with another.
    if not simulated:
        return identifiers.session_key(random_bits(40))
    digest = hashlib.sha256(parts.config.spec.model_id.encode()).digest()
    return identifiers.session_key(int.from_bytes(digest[:5], "big"))


def _adopt_terms(state: State, parts: Parts) -> tuple[str, ...]:
    if not state.sequence:
        return ()
    old, new = state.spec, parts.config.spec
    for name in ("broker", "currency", "initial_capital", "live"):
        if getattr(old, name) != getattr(new, name):
            message = (
                f"session {old.session_id} was begun with {name} {getattr(old, name)},"
                f" got {getattr(new, name)}"
            )
            hint = "give the session another id, or put the old value back"
            raise ConfigError(message, code="LTM-CFG-038", field=f"session.{name}", hint=hint)
    return changes_of(old, new)


def version() -> str:
    """
    Return the installed version of ltm.
    """
    return importlib.metadata.version("ltm")
