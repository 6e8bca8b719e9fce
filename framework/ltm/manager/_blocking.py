"""
`LiveTradingManager`: the same as `AsyncLiveTradingManager` from any thread, with a loop in a thread of its own.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from ltm.manager._async import AsyncLiveTradingManager
from ltm.manager._errors import closed
from ltm.model.errors import InvalidTransition

if TYPE_CHECKING:
    import os
    from collections.abc import Coroutine, Sequence
    from decimal import Decimal

    from ltm.core.history import FillRow
    from ltm.manager._batch import OnInvalid, Order
    from ltm.manager._broker import TradingAPIAdapter
    from ltm.manager._config import LiveTradingConfig
    from ltm.manager._logger import LoggerSystem
    from ltm.manager._portfolio import Portfolio, PortfolioManager, TradingSession, TradingStatus
    from ltm.manager._risk import RiskManager
    from ltm.model.results import TradeResult
    from ltm.model.signal import Signal
    from ltm.ports.shell import Clock

T = TypeVar("T")


class LiveTradingManager:
    """
    Runs live trading sessions in a thread of its own. Every method may be called from any thread.

    Calls wait for their answer, never for a fill: what has not been filled when the venue answers is
    "working" in the result, and `get_current_positions` tells later.

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
        self._manager: Final = AsyncLiveTradingManager(
            portfolio_manager,
            risk_manager,
            trading_api,
            logger,
            state_dir=state_dir,
            clock=clock,
            allow=allow,
            allow_live=allow_live,
            accept_plugin_change=accept_plugin_change,
        )
        self._lock: Final = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- Sessions -------------------------------------------------------------------------------

    def start_live_trading(
        self,
        model_id: str,
        initial_capital: float | Decimal,
        trading_config: LiveTradingConfig,
        *,
        session_id: str | None = None,
    ) -> TradingSession:
        """
        Start a session, or take up the one with this id where it was left.

        Args:
            model_id: The model whose signals are traded.
            initial_capital: The money the session may use, in its currency.
            trading_config: Its terms.
            session_id: Names the session and its journal; by default made from the model's id. At the mock broker
                in process, whose market ends with it, a name that is taken gets a number.

        Returns:
            The session, active; or "reconciling" if agreeing with the venue takes more than a minute.

        Raises:
            ValueError: A parameter is invalid; all problems at once (`ConfigError`).
            RuntimeError: The broker cannot be reached (`BrokerConnectionError`), a plugin cannot be used, the
                journal cannot be trusted, or the session runs already.
        """
        return self._call(
            self._manager.start_live_trading(model_id, initial_capital, trading_config, session_id=session_id)
        )

    def stop_trading(self, session_id: str) -> dict[str, Any]:
        """
        Stop a session as its `on_stop` says, and return its summary.

        A session that has stopped stays stopped, and its summary is returned again. By default open orders are
        canceled and positions kept; both are in the summary.

        Raises:
            ValueError: There is no such session (`SessionNotFound`), or another process was running it when it
                ended (`InvalidTransition`).
        """
        return self._call(self._manager.stop_trading(session_id))

    def pause_trading(self, session_id: str, *, reason: str = "") -> None:
        """
        Stop entries; exits, stop losses and cancels go on.

        Raises:
            ValueError: There is no such session (`SessionNotFound`), or it is not active (`InvalidTransition`).
        """
        self._call(self._manager.pause_trading(session_id, reason=reason))

    def resume_trading(
        self,
        session_id: str,
        *,
        acknowledge: Sequence[str] = (),
        override: Sequence[str] = (),
        reset_peak: bool = False,
        reason: str = "",
    ) -> None:
        """
        Lift a pause.

        Args:
            session_id: The session.
            acknowledge: Codes of the trips that a person has looked at, such as ["drawdown"]. A session that a
                limit has paused resumes only when all of them are named.
            override: The same for trips that the day's roll lifts by itself, such as ["daily_loss"]: not to wait for it.
            reset_peak: Measure the drawdown from today's equity on.
            reason: Why, for the journal; needed with `acknowledge` and `override`.

        Raises:
            ValueError: There is no such session (`SessionNotFound`); it is not paused, or trips are not
                acknowledged (`InvalidTransition`).
        """
        self._call(
            self._manager.resume_trading(
                session_id, acknowledge=acknowledge, override=override, reset_peak=reset_peak, reason=reason
            )
        )

    # --- Trading --------------------------------------------------------------------------------

    def execute_trade(self, session_id: str, signal: Signal) -> TradeResult:
        """
        Trade on a signal, and return what became of it.

        The same signal again is the same result, marked `duplicate_of`, and no order. A denial by a limit is a
        result with status "denied" and its reasons. When nobody knows whether the venue has the order, the
        status is "unknown": it counts as open, and the session finds out.

        Raises:
            ValueError: There is no such session (`SessionNotFound`), the signal is invalid (`SignalError`), or the
                session has stopped (`InvalidTransition`).
            RuntimeError: The order was certainly not sent (`TradeExecutionError`), or the session has failed.
        """
        return self._call(self._manager.execute_trade(session_id, signal))

    def execute_batch_trades(
        self,
        session_id: str,
        signals: Sequence[Signal],
        *,
        on_invalid: OnInvalid = "report",
        order: Order = "given",
    ) -> list[TradeResult]:
        """
        Trade on up to 1,000 signals, each judged against what the ones before it reserved.

        Args:
            session_id: The session.
            signals: In the order in which they count.
            on_invalid: "report" gives an invalid item a result with status "invalid" and goes on with the others;
                "reject_all" sends nothing and raises with all problems.
            order: "exits_first" sends what reduces positions first, and the rest when that is answered.

        Returns:
            One result for each item, in the order of `signals`.

        Raises:
            ValueError: There is no such session, the batch is no list or too long, or see `on_invalid`.
        """
        return self._call(
            self._manager.execute_batch_trades(session_id, signals, on_invalid=on_invalid, order=order)
        )

    def replace_order(
        self,
        session_id: str,
        client_order_id: str,
        *,
        quantity: float | Decimal | None = None,
        limit_price: float | Decimal | None = None,
        trigger_price: float | Decimal | None = None,
    ) -> TradeResult:
        """
        Let another order take the place of an open one; what is not given stays as it is.

        The old order is canceled first. What it has not filled once it is gone becomes a new order, with an id of
        its own and judged by every gate and rule; if it is denied, nothing is open any more.

        Args:
            session_id: The session.
            client_order_id: The order to replace.
            quantity: Of the whole, what the order has filled included.
            limit_price: For orders that have one.
            trigger_price: For orders that have one.

        Returns:
            The new order's result; "denied" with the reasons; or the old order's as it stands, with the reason
            `not_replaced`, when it was filled before it could be canceled or the venue did not cancel it.

        Raises:
            ValueError: There is no such session, the order is not open, or a number is not possible; nothing was
                changed (`SessionNotFound`, `InvalidTransition`).
        """
        return self._call(
            self._manager.replace_order(
                session_id,
                client_order_id,
                quantity=quantity,
                limit_price=limit_price,
                trigger_price=trigger_price,
            )
        )

    # --- Looking --------------------------------------------------------------------------------

    def get_current_positions(self, session_id: str) -> Portfolio:
        """
        Return what a session holds.

        Raises:
            ValueError: There is no such session (`SessionNotFound`).
        """
        return self._call(self._manager.get_current_positions(session_id))

    def get_trading_status(self, session_id: str) -> TradingStatus:
        """
        Return how a session stands, with the headroom of its limits.

        Raises:
            ValueError: There is no such session (`SessionNotFound`).
        """
        return self._call(self._manager.get_trading_status(session_id))

    def get_trade_history(self, session_id: str) -> list[FillRow]:
        """
        Return every execution of a session, oldest first.

        Raises:
            ValueError: There is no such session (`SessionNotFound`).
        """
        return self._call(self._manager.get_trade_history(session_id))

    def check_risk_alerts(self, session_id: str) -> dict[str, Any] | None:
        """
        Return the most severe alert that nobody has acknowledged, or None.

        The pause of a critical alert happens when a limit is reached, whether or not anybody asks.

        Returns:
            A dict with `severity` ("critical", "warning" or "info"), `message`, `code`, `alert_id`, `session_id`,
            `raised_at`, `measured`, `limit` and `trading_state`.

        Raises:
            ValueError: There is no such session (`SessionNotFound`).
        """
        return self._call(self._manager.check_risk_alerts(session_id))

    def acknowledge_alert(self, session_id: str, alert_id: str) -> None:
        """
        Note that a person has seen an alert; a trip stays until it is resumed.

        Raises:
            ValueError: There is no such session or alert.
        """
        self._call(self._manager.acknowledge_alert(session_id, alert_id))

    def list_sessions(self) -> list[str]:
        """
        Return the ids of all sessions in the state directory, those of earlier processes too.
        """
        return self._call(self._manager.list_sessions())

    # --- The end --------------------------------------------------------------------------------

    def close(self) -> None:
        """
        Stop every session as its `on_stop` says, and end the thread. May be called twice.
        """
        self._refuse_inside()
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()

    async def _end(self) -> None:
        await self._manager.close()
        # Whoever still waits for an answer gets one: that it is over.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _call(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            self._refuse_inside()
            future = asyncio.run_coroutine_threadsafe(call, self._running())
        except BaseException:
            call.close()
            raise
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise closed() from None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise closed()
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="ltm-manager", daemon=True
                )
                self._thread.start()
            return self._loop

    def _refuse_inside(self) -> None:
        # The thread that would have to answer is the one that asks.
        if self._thread is threading.current_thread():
            message = "cannot call the manager from inside itself (a hook, an observer, a sink)"
            hint = "hand it to another thread, for example through a queue"
            raise InvalidTransition(message, code="LTM-SES-004", field="manager", hint=hint)
