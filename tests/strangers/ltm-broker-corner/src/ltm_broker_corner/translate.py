"""The exchange's words in ltm's, and nothing else."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ltm.model.enums import OrderStatus, OrderType, Side
from ltm.model.instrument import Instrument
from ltm.model.market import Quote
from ltm.model.reports import AccountReport, FillReport, OrderReport, PositionReport

_STATUS = {
    "open": OrderStatus.ACCEPTED,
    "partly": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
}


def number(value: Any) -> Decimal | None:
    """Return an amount, which the exchange writes as text."""
    return None if value is None else Decimal(value)


def time(value: str) -> datetime:
    """Return a time, which the exchange writes with its zone."""
    return datetime.fromisoformat(value)


def order(row: dict[str, Any]) -> OrderReport:
    """Return an order as the exchange has it."""
    return OrderReport(
        symbol=row["symbol"],
        side=Side(row["side"]),
        status=_STATUS[row["status"]],
        quantity=Decimal(row["quantity"]),
        filled_quantity=Decimal(row["filled"]),
        at=time(row["at"]),
        client_order_id=row["client_id"],
        venue_order_id=row["id"],
        order_type=OrderType(row["type"]),
        limit_price=number(row["price"]),
        average_fill_price=number(row["average"]),
    )


def fill(row: dict[str, Any]) -> FillReport:
    """Return an execution."""
    return FillReport(
        fill_id=row["id"],
        symbol=row["symbol"],
        side=Side(row["side"]),
        quantity=Decimal(row["quantity"]),
        price=Decimal(row["price"]),
        occurred_at=time(row["at"]),
        client_order_id=row["client_id"],
        venue_order_id=row["order_id"],
        commission=Decimal(row["fee"]),
        commission_currency=row["currency"],
    )


def account(row: dict[str, Any]) -> AccountReport:
    """Return the account."""
    cash = Decimal(row["cash"])
    return AccountReport(
        account=row["account"],
        currency=row["currency"],
        cash=cash,
        available=cash,
        can_withdraw=False,
        paper=bool(row["paper"]),
        server_time=time(row["time"]),
    )


def position(row: dict[str, Any]) -> PositionReport:
    """Return a holding."""
    return PositionReport(symbol=row["symbol"], quantity=Decimal(row["quantity"]))


def instrument(row: dict[str, Any]) -> Instrument:
    """Return what can be traded."""
    return Instrument(
        symbol=row["symbol"],
        currency=row["currency"],
        venue="CORNER",
        tick_size=Decimal(row["tick"]),
        lot_size=Decimal(row["lot"]),
    )


def quote(row: dict[str, Any]) -> Quote:
    """Return a price."""
    return Quote(
        symbol=row["symbol"],
        at=time(row["at"]),
        price=number(row["last"]),
        bid=number(row["bid"]),
        ask=number(row["ask"]),
    )
