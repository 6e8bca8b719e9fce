"""The broker `corner`: what `ltm.ports.Broker` asks for, over the exchange's REST interface."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ltm.model.enums import OrderType, TimeInForce
from ltm.model.errors import BrokerConnectionError
from ltm.model.reports import Acked, Ambiguous, Capabilities, LinkReport, NotSent, Refused

from ltm_broker_corner import translate
from ltm_broker_corner.api import Api, NotReachedError, RefusedError, UnansweredError, segment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ltm.model.instrument import Instrument
    from ltm.model.order import Approval
    from ltm.model.reports import AccountReport, FillReport, OrderReport, Outcome, PositionReport
    from ltm.ports import Deliver

    from ltm_broker_corner.config import CornerConfig

UNKNOWN_ORDER = "unknown_order"


class Corner:
    """One account at the Corner Exchange."""

    def __init__(self, config: CornerConfig) -> None:
        self._api = Api(config.url, config.key.reveal(), float(config.timeout_seconds))
        self._every = float(config.poll_seconds)
        self._polling: asyncio.Task[None] | None = None
        self._wanted: set[str] = set()
        self._seen: dict[str, tuple[str, str]] = {}
        self._last_fill = 0
        self._up = True
        self._deliver: Deliver = lambda event: None

    @property
    def capabilities(self) -> Capabilities:
        """What the exchange's documentation promises."""
        return Capabilities(
            name="corner",
            order_types=(OrderType.MARKET, OrderType.LIMIT),
            times_in_force=(TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC),
            client_order_id_unique="forever",
            query_by_client_order_id=True,
            query_includes_closed=True,
            fills_lookback=1e9,
            server_time=True,
            price_interval=self._every,
        )

    async def connect(self, deliver: Deliver) -> AccountReport:
        """Log in, and begin to look for prices and reports."""
        try:
            found = translate.account(await self._ask(self._api.get, "/v1/account"))
            # What happened before now is asked for by `fills` and `open_orders`, and not told again.
            self._last_fill = (await self._ask(self._api.get, "/v1/fills", last="1"))["last"]
        except RefusedError as error:
            raise BrokerConnectionError(f"the exchange refuses the key: {error.message}") from error
        except (NotReachedError, UnansweredError) as error:
            raise BrokerConnectionError(f"the exchange cannot be reached: {error}") from error
        await self._stop_polling()
        self._up = True
        self._deliver = deliver
        self._polling = asyncio.get_running_loop().create_task(self._poll(deliver))
        return found

    async def disconnect(self) -> None:
        """Stop looking."""
        await self._stop_polling()

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        """Return those of the wanted that are listed, and have their prices delivered."""
        rows = [translate.instrument(row) for row in await self._ask(self._api.get, "/v1/instruments")]
        found = [row for row in rows if not symbols or row.symbol in symbols]
        self._wanted |= {row.symbol for row in found}
        # A first price at once, so that nobody has to wait for the next look.
        await self._look_at_prices(self._deliver)
        return found

    async def submit(self, approval: Approval) -> Outcome:
        """Send one order."""
        draft = approval.draft
        body = {
            "client_id": approval.client_order_id,
            "symbol": draft.symbol,
            "side": str(draft.side),
            "type": str(draft.order_type),
            "life": str(draft.time_in_force),
            "quantity": str(draft.quantity),
            "price": None if draft.limit_price is None else str(draft.limit_price),
        }
        return await self._outcome(self._api.post, "/v1/orders", body)

    async def cancel(self, client_order_id: str, venue_order_id: str | None, symbol: str) -> Outcome:
        """Ask to cancel; an order that somebody else placed goes by the exchange's id."""
        return await self._outcome(self._api.delete, _place(client_order_id, venue_order_id))

    async def find_order(
        self, client_order_id: str, venue_order_id: str | None, symbol: str
    ) -> OrderReport | None:
        """Return the order, closed ones too; None is the exchange's own word that it has none."""
        try:
            row = await self._ask(self._api.get, _place(client_order_id, venue_order_id))
        except RefusedError as error:
            if error.code == UNKNOWN_ORDER:
                return None
            raise
        return translate.order(row)

    async def open_orders(self) -> Sequence[OrderReport]:
        """Return every open order of the account."""
        return [translate.order(row) for row in await self._ask(self._api.get, "/v1/orders", open="1")]

    async def fills(self, since: datetime) -> Sequence[FillReport]:
        """Return every execution since then."""
        told = await self._ask(self._api.get, "/v1/fills", since=since.isoformat())
        return [translate.fill(row) for row in told["fills"]]

    async def positions(self) -> Sequence[PositionReport]:
        """Return every holding."""
        return [translate.position(row) for row in await self._ask(self._api.get, "/v1/positions")]

    async def account(self) -> AccountReport:
        """Return cash and the exchange's clock."""
        return translate.account(await self._ask(self._api.get, "/v1/account"))

    async def _ask(self, call: Callable[..., Any], *words: Any, **query: str) -> Any:
        return await asyncio.to_thread(call, *words, **query)

    async def _outcome(self, call: Callable[..., Any], *words: Any) -> Outcome:
        try:
            return Acked(str((await self._ask(call, *words))["id"]))
        except NotReachedError as error:
            return NotSent(str(error))
        except RefusedError as error:
            return Refused(error.code, error.message)
        except (UnansweredError, KeyError, TypeError) as error:
            return Ambiguous(str(error))

    async def _poll(self, deliver: Deliver) -> None:
        while True:
            try:
                await self._look(deliver)
            except (NotReachedError, UnansweredError, RefusedError) as error:
                if self._up:
                    self._up = False
                    deliver(LinkReport(up=False, at=datetime.now(UTC), reason=str(error)))
            else:
                if not self._up:
                    self._up = True
                    deliver(LinkReport(up=True, at=datetime.now(UTC)))
            await asyncio.sleep(self._every)

    async def _look(self, deliver: Deliver) -> None:
        await self._look_at_prices(deliver)
        # Fills before orders: an order that is told as filled has its fills told already.
        orders = await self._ask(self._api.get, "/v1/orders")
        told = await self._ask(self._api.get, "/v1/fills", after=str(self._last_fill))
        for row in told["fills"]:
            deliver(translate.fill(row))
        self._last_fill = told["last"]
        for row in orders:
            now = (row["status"], row["filled"])
            if self._seen.get(row["id"]) != now:
                self._seen[row["id"]] = now
                deliver(translate.order(row))

    async def _look_at_prices(self, deliver: Deliver) -> None:
        for row in await self._ask(self._api.get, "/v1/quotes"):
            if row["symbol"] in self._wanted:
                deliver(translate.quote(row))

    async def _stop_polling(self) -> None:
        polling, self._polling = self._polling, None
        if polling is not None:
            polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await polling


def _place(client_order_id: str, venue_order_id: str | None) -> str:
    if client_order_id:
        return f"/v1/orders/{segment(client_order_id)}"
    return f"/v1/orders/id:{segment(venue_order_id or '')}"
