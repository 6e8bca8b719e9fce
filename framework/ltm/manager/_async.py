"""
`AsyncLiveTradingManager`: the product document's methods inside a running event loop.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from ltm.app import PluginObservers, accept_changes, guard_logs, prepare
from ltm.config import Document, SessionConfig, check_config
from ltm.core import commands as c
from ltm.engine.clock import SystemClock
from ltm.manager._batch import OnInvalid, Order, check_batch, execute
from ltm.manager._broker import TradingAPIAdapter
from ltm.manager._config import LiveTradingConfig
from ltm.manager._errors import OVER, closed, elsewhere, exact, not_found, of
from ltm.manager._live import LiveSession, events_of
from ltm.manager._logger import LoggerSystem, Watcher
from ltm.manager._portfolio import PortfolioManager, TradingSession, word_of
from ltm.manager._risk import RiskManager
from ltm.manager._state import StateKeeper
from ltm.model.errors import ConfigError, LtmError
from ltm.model.identifiers import check_session_id
from ltm.registry import Registry

if TYPE_CHECKING:
    import os
    from decimal import Decimal

    from ltm.core.history import FillRow
    from ltm.core.state import State
    from ltm.manager._portfolio import Portfolio, TradingStatus
    from ltm.model.results import TradeResult
    from ltm.model.signal import Signal
    from ltm.ports.shell import Clock, Journal

BY: Final = "api"
_LONGEST_NAME: Final = 48
_LOG: Final = logging.getLogger("ltm.manager")


class AsyncLiveTradingManager:
    """
    Runs live trading sessions in the caller's event loop; see `LiveTradingManager` for what each call means.

    Args:
        portfolio_manager: Makes portfolios and summaries.
        risk_manager: The limits of every session.
        trading_api: The broker of every session.
        logger: Where it is written down for people.
        state_dir: Where journals live; by default the platform's user state directory.
        clock: Instead of the machine's.
        allow: Distributions other than this project's whose plugins may be imported, such as "ltm-broker-*".
        allow_live: Let sessions with `live=True` trade real money.
    """

    def __init__(
        self,
        portfolio_manager: PortfolioManager,
        risk_manager: RiskManager,
        trading_api: TradingAPIAdapter,
        logger: LoggerSystem | None = None,
        *,
        state_dir: str | os.PathLike[str] | None = None,
        clock: Clock | None = None,
        allow: Sequence[str] = (),
        allow_live: bool = False,
        accept_plugin_change: bool = False,
    ) -> None:
        self._portfolios: Final = of(PortfolioManager, portfolio_manager, "portfolio_manager")
        self._risk: Final = of(RiskManager, risk_manager, "risk_manager")
        self._api: Final = of(TradingAPIAdapter, trading_api, "trading_api")
        self._logger: Final = logger if logger is None else of(LoggerSystem, logger, "logger")
        self._state: Final = StateKeeper(None if state_dir is None else Path(state_dir))
        self._clock: Final[Clock] = clock or SystemClock()
        self._allow: Final = tuple(allow)
        guard_logs()
        self._allow_live: Final = allow_live
        self._accept_plugin_change: Final = accept_plugin_change
        self._sessions: Final[dict[str, LiveSession]] = {}
        self._starting: Final = asyncio.Lock()
        self._registry: Registry | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- Sessions -------------------------------------------------------------------------------

    async def start_live_trading(
        self,
        model_id: str,
        initial_capital: float | Decimal,
        trading_config: LiveTradingConfig,
        *,
        session_id: str | None = None,
    ) -> TradingSession:
        """
        Start a session, or take up the one with this id where it was left.
        """
        self._require_open()
        config = of(LiveTradingConfig, trading_config, "trading_config")
        async with self._starting:
            checked, notices = self._checked(model_id, initial_capital, config, session_id)
            self._refuse_unasked_money(checked)
            live = self._prepared(checked, notices)
            try:
                await live.begin(self._state.directory, self._clock, self._state.beat, self._rest)
            except BaseException:
                live.resources.close()
                raise
            self._sessions[live.state.spec.session_id] = live
        for notice in notices:
            _LOG.info("session %s: %s", live.state.spec.session_id, notice)
        return _told(live)

    async def stop_trading(self, session_id: str) -> dict[str, Any]:
        """
        Stop a session as its terms say, and return its summary; a stopped one's is returned again.
        """
        live = self._live(session_id)
        if live is None:
            state, journal = self._state.stored(session_id)
            if state.lifecycle not in OVER:
                error = elsewhere("stop", state)
                raise error
            return self._portfolios.summary(state, events_of(journal))
        await live.stop(BY)
        return self._portfolios.summary(live.state, live.events())

    async def pause_trading(self, session_id: str, *, reason: str = "") -> None:
        """
        Stop entries; exits and cancels go on.
        """
        await self._going(session_id, "pause").request(c.Pause(BY, reason))

    async def resume_trading(
        self,
        session_id: str,
        *,
        acknowledge: Sequence[str] = (),
        override: Sequence[str] = (),
        reset_peak: bool = False,
        reason: str = "",
    ) -> None:
        """
        Lift a person's pause, and the trips whose codes the person names.
        """
        live = self._going(session_id, "resume")
        acknowledged, overridden = (
            (codes,) if isinstance(codes, str) else tuple(codes) for codes in (acknowledge, override)
        )
        await live.request(c.Resume(BY, reason, acknowledged, reset_peak, overridden))
        codes = acknowledged + overridden
        for alert in list(live.state.alerts.values()):
            if alert.code in codes and alert.acknowledged_at is None:
                await live.request(c.AcknowledgeAlert(alert.alert_id, BY))

    # --- Trading --------------------------------------------------------------------------------

    async def execute_trade(self, session_id: str, signal: Signal) -> TradeResult:
        """
        Trade on a signal, and return what became of it.
        """
        live = self._going(session_id, "trade in")
        [result] = await live.trade([live.record_of(signal)])
        if isinstance(result, LtmError):
            raise result
        return result

    async def execute_batch_trades(
        self,
        session_id: str,
        signals: Sequence[Signal],
        *,
        on_invalid: OnInvalid = "report",
        order: Order = "given",
    ) -> list[TradeResult]:
        """
        Trade on several signals, each judged against what the ones before it reserved.
        """
        live = self._going(session_id, "trade in")
        return await execute(live, check_batch(signals, on_invalid, order), on_invalid, order)

    async def replace_order(
        self,
        session_id: str,
        client_order_id: str,
        *,
        quantity: float | Decimal | None = None,
        limit_price: float | Decimal | None = None,
        trigger_price: float | Decimal | None = None,
    ) -> TradeResult:
        """
        Let another order take the place of an open one.
        """
        live = self._going(session_id, "replace an order of")
        numbers = {"quantity": quantity, "limit_price": limit_price, "trigger_price": trigger_price}
        wanted = {name: exact(value, name) for name, value in numbers.items() if value is not None}
        return await live.replace(c.ReplaceOrder(client_order_id=client_order_id, by=BY, **wanted))

    # --- Looking --------------------------------------------------------------------------------

    async def get_current_positions(self, session_id: str) -> Portfolio:
        """
        Return what a session holds.
        """
        return self._portfolios.portfolio(self._books(session_id)[0])

    async def get_trading_status(self, session_id: str) -> TradingStatus:
        """
        Return how a session stands.
        """
        return self._portfolios.status(*self._books(session_id))

    async def get_trade_history(self, session_id: str) -> list[FillRow]:
        """
        Return every execution of a session, oldest first.
        """
        state, journal = self._books(session_id)
        return self._portfolios.trade_history(state, events_of(journal))

    async def check_risk_alerts(self, session_id: str) -> dict[str, Any] | None:
        """
        Return the most severe alert that nobody has acknowledged, or None.
        """
        return self._risk.worst_alert(self._books(session_id)[0])

    async def acknowledge_alert(self, session_id: str, alert_id: str) -> None:
        """
        Note that a person has seen an alert; a trip stays until it is resumed.
        """
        live = self._going(session_id, "acknowledge an alert of")
        await live.request(c.AcknowledgeAlert(alert_id, BY))

    async def list_sessions(self) -> list[str]:
        """
        Return the ids of all sessions in the state directory, those of earlier processes too.
        """
        self._require_open()
        return sorted({*self._state.sessions(), *self._sessions})

    # --- The end --------------------------------------------------------------------------------

    async def close(self) -> None:
        """
        Stop every session as its terms say, and let go of the state directory.
        """
        if self._closed:
            return
        self._closed = True
        going = [live for live in self._sessions.values() if not live.ended]
        problems = await asyncio.gather(*(live.stop(BY) for live in going), return_exceptions=True)
        for live, problem in zip(going, problems, strict=True):
            if isinstance(problem, BaseException):
                _LOG.error("session %s did not stop in order: %s", live.state.spec.session_id, problem)
        self._state.close()

    # --- Inside ---------------------------------------------------------------------------------

    def _require_open(self) -> None:
        if self._closed:
            raise closed()

    def _checked(
        self, model_id: str, capital: object, config: LiveTradingConfig, session_id: str | None
    ) -> tuple[SessionConfig, tuple[str, ...]]:
        # The texts about the call's own arguments come first, without a table's name before them.
        values = {"model_id": model_id, "initial_capital": capital}
        terms = config.session_terms({"id": "session", **values})
        name = _name_of(model_id) if session_id is None else check_session_id(session_id)
        if self._registry is None:
            self._registry = Registry.discover(self._allow)
        plugins = self._registry
        sizer = config.sizer if isinstance(config.sizer, Mapping) else {"plugin": config.sizer}
        table = {
            "session": config.session_values({"id": name, **values}),
            "broker": self._api.table(plugins, config, terms.spec.initial_capital, self._clock.now()),
            "sizer": dict(sizer),
            "risk": self._risk.tables(config),
        }
        document = Document(name="LiveTradingConfig", base=Path.cwd(), table=table)
        checked = check_config(document, self._api.catalogue(plugins, config))
        return checked.sessions[0], (*checked.notices, *self._risk.notices())

    def _refuse_unasked_money(self, config: SessionConfig) -> None:
        if config.spec.live and not self._allow_live:
            message = f"session {config.spec.session_id} trades real money (live=True)"
            hint = "make the manager with allow_live=True"
            raise ConfigError(message, code="LTM-CFG-050", field="live", got=True, hint=hint)

    def _prepared(self, config: SessionConfig, notices: tuple[str, ...]) -> LiveSession:
        self._state.open()
        directory = self._state.directory
        hooks = self._registry.observers if self._registry is not None else []
        observers = (Watcher(config.spec.session_id), PluginObservers(hooks))
        with ExitStack() as stack:
            ready = prepare(
                config, self._state.store, observers=observers, directory=directory, clock=self._clock
            )
            accepted = (lambda _: True) if self._accept_plugin_change else None
            accept_changes(config.spec.session_id, ready.plugin_changes, accepted)
            stack.enter_context(directory.lock_session(ready.parts.config.spec.session_id))
            return LiveSession(
                ready=ready, started_at=self._clock.now(), notices=notices, resources=stack.pop_all()
            )

    def _rest(self) -> None:
        if all(live.ended for live in self._sessions.values()):
            self._state.rest()

    def _live(self, session_id: object) -> LiveSession | None:
        self._require_open()
        live = self._sessions.get(session_id) if isinstance(session_id, str) else None
        if live is None:
            known = sorted({*self._state.sessions(), *self._sessions})
            if session_id not in known:
                raise not_found(session_id, known)
        return live

    def _going(self, session_id: str, verb: str) -> LiveSession:
        live = self._live(session_id)
        if live is None:
            raise elsewhere(verb, self._state.stored(session_id)[0])
        live.require_going(verb)
        return live

    def _books(self, session_id: str) -> tuple[State, Journal]:
        live = self._live(session_id)
        return self._state.stored(session_id) if live is None else (live.state, live.journal)


def _name_of(model_id: str) -> str:
    # A model id may hold what a file name must not.
    name = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]", "-", model_id))[:_LONGEST_NAME]
    try:
        return check_session_id(name)
    except ConfigError:
        return check_session_id(f"session-{name}")


def _told(live: LiveSession) -> TradingSession:
    spec = live.state.spec
    return TradingSession(
        session_id=spec.session_id,
        model_id=spec.model_id,
        broker=spec.broker,
        status=word_of(live.state),
        live=spec.live,
        currency=spec.currency,
        initial_capital=spec.initial_capital,
        started_at=live.started_at,
        notices=live.notices,
    )
