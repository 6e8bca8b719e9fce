"""The exchange as a process of its own: `python -m ltm_broker_corner.server --key KEY --list ACME=100`."""

from __future__ import annotations

import argparse
import hmac
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ltm_broker_corner.book import TICK, Exchange, Fill, Order, RefusedByExchangeError

CURRENCY = "USD"
MOST_BYTES = 100_000
NOT_FOUND = "unknown_order"
STATUS = {NOT_FOUND: 404, "duplicate": 409, "no_key": 401}


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Venue(ThreadingHTTPServer):
    """The exchange behind HTTP, for whoever has the key; on this machine only."""

    daemon_threads = True

    def __init__(self, exchange: Exchange, key: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.exchange, self.key, self.lock = exchange, key, Lock()
        self.gate: Callable[[str, str], None] = lambda method, path: None
        """Called before each request; what it raises drops the connection."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that break: the customer knows."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Venue
    protocol_version = "HTTP/1.0"

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal quiet."""

    def do_GET(self) -> None:
        """Answer a question."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Take an order, or a price."""
        self._answer("POST")

    def do_DELETE(self) -> None:
        """Cancel an order."""
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        self.server.gate(method, self.path)
        status, told = self._told(method)
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _told(self, method: str) -> tuple[int, Any]:
        try:
            given = self.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self.server.key}".encode()):
                raise RefusedByExchangeError("no_key", "the key is not known")
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST_BYTES))
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            with self.server.lock:
                view = View(self.server.exchange, "customer")
                return 200, view.answer(method, unquote(parts.path), query, json.loads(body or b"{}"))
        except RefusedByExchangeError as error:
            return STATUS.get(error.code, 422), {"code": error.code, "message": str(error)}
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            return 400, {"code": "bad_request", "message": f"{type(error).__name__}: {error}"}


class View:
    """What one customer may ask, and how it is told."""

    def __init__(self, exchange: Exchange, owner: str) -> None:
        self._exchange, self._owner = exchange, owner

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Any:
        """Return what a request is answered with."""
        match method, path.strip("/").split("/"):
            case "GET", ["v1", "account"]:
                return self._account()
            case "GET", ["v1", "instruments"]:
                return [
                    {"symbol": symbol, "currency": CURRENCY, "tick": str(TICK), "lot": "1"}
                    for symbol in self._exchange.last
                ]
            case "GET", ["v1", "quotes"]:
                return [self._quote(symbol) for symbol in self._exchange.last]
            case "GET", ["v1", "positions"]:
                holdings = self._exchange.account(self._owner).holdings.items()
                return [{"symbol": symbol, "quantity": str(held)} for symbol, held in holdings if held]
            case "GET", ["v1", "orders"]:
                return [order_row(order) for order in self._orders() if order.is_open or "open" not in query]
            case "GET", ["v1", "fills"]:
                return self._fills(query)
            case "POST", ["v1", "orders"]:
                return order_row(self._place(body))
            case "POST", ["v1", "prices"]:
                self._exchange.move(str(body["symbol"]), Decimal(body["price"]))
                return self._quote(str(body["symbol"]))
            case "GET", ["v1", "orders", name]:
                return order_row(self._order(name))
            case "DELETE", ["v1", "orders", name]:
                order = self._order(name)
                self._exchange.cancel(order)
                return order_row(order)
            case _:
                raise RefusedByExchangeError("unknown_path", f"there is no {method} {path}")

    def _place(self, body: dict[str, Any]) -> Order:
        client_id, price = body["client_id"], body["price"]
        return self._exchange.place(
            self._owner,
            None if client_id is None else str(client_id),
            str(body["symbol"]),
            str(body["side"]),
            str(body["type"]),
            str(body["life"]),
            Decimal(body["quantity"]),
            None if price is None else Decimal(price),
        )

    def _orders(self) -> list[Order]:
        return [order for order in self._exchange.orders.values() if order.owner == self._owner]

    def _order(self, name: str) -> Order:
        found = self._exchange.by_client_id.get((self._owner, name))
        if name.startswith("id:"):
            found = self._exchange.orders.get(name.removeprefix("id:"))
        if found is None or found.owner != self._owner:
            raise RefusedByExchangeError(NOT_FOUND, f"there is no order {name}")
        return found

    def _fills(self, query: dict[str, str]) -> dict[str, Any]:
        fills = self._exchange.fills
        since = datetime.fromisoformat(query["since"]) if "since" in query else None
        after = len(fills) if "last" in query else int(query.get("after", 0))
        mine = [
            fill_row(fill)
            for fill in fills[after:]
            if fill.order.owner == self._owner and (since is None or fill.at >= since)
        ]
        return {"fills": mine, "last": len(fills)}

    def _account(self) -> dict[str, Any]:
        return {
            "account": self._owner,
            "currency": CURRENCY,
            "cash": str(self._exchange.account(self._owner).cash),
            "paper": True,
            "time": now().isoformat(),
        }

    def _quote(self, symbol: str) -> dict[str, Any]:
        bid, ask = self._exchange.best(symbol, "buy"), self._exchange.best(symbol, "sell")
        return {
            "symbol": symbol,
            "last": str(self._exchange.last[symbol]),
            "bid": None if bid is None else str(bid),
            "ask": None if ask is None else str(ask),
            "at": now().isoformat(),
        }


def order_row(order: Order) -> dict[str, Any]:
    """Return an order as it is told."""
    return {
        "id": order.id,
        "client_id": order.client_id,
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "quantity": str(order.quantity),
        "filled": str(order.filled),
        "price": None if order.price is None else str(order.price),
        "average": str(order.paid / order.filled) if order.filled else None,
        "status": order.status,
        "at": order.at.isoformat(),
    }


def fill_row(fill: Fill) -> dict[str, Any]:
    """Return an execution as it is told."""
    return {
        "id": f"F{fill.number}",
        "order_id": fill.order.id,
        "client_id": fill.order.client_id,
        "symbol": fill.order.symbol,
        "side": fill.order.side,
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "fee": str(fill.fee),
        "currency": CURRENCY,
        "at": fill.at.isoformat(),
    }


def main() -> None:
    """Serve until somebody stops it."""
    parser = argparse.ArgumentParser(prog="python -m ltm_broker_corner.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--key", required=True, help="what customers have to show")
    parser.add_argument("--list", action="append", required=True, metavar="SYMBOL=PRICE", dest="listed")
    parser.add_argument("--cash", type=Decimal, default=Decimal(100_000))
    chosen = parser.parse_args()
    listings = {
        symbol: Decimal(price) for symbol, _, price in (text.partition("=") for text in chosen.listed)
    }
    venue = Venue(Exchange(listings, chosen.cash, now), chosen.key, chosen.port)
    sys.stdout.write(f"listening on {venue.url}\n")
    sys.stdout.flush()
    try:
        venue.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        venue.server_close()


if __name__ == "__main__":
    main()
