"""
What became of a signal, in the product document's words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from ltm.core import events as e
from ltm.core.codec import decode
from ltm.model.enums import OrderStatus
from ltm.model.numbers import ZERO
from ltm.model.results import Reason, ResultStatus, TradeResult

if TYPE_CHECKING:
    from ltm.core.session import Session
    from ltm.core.state import OrderState
    from ltm.model.signal import SignalRecord

_WORDS: dict[OrderStatus, ResultStatus] = {
    OrderStatus.INTENDED: "working",
    OrderStatus.SUBMITTED: "working",
    OrderStatus.UNKNOWN: "unknown",
    OrderStatus.ACCEPTED: "working",
    OrderStatus.PARTIALLY_FILLED: "partial",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELED: "partial",
    OrderStatus.EXPIRED: "partial",
    OrderStatus.REJECTED: "rejected",
    OrderStatus.ABSENT: "rejected",
}


def result_of(session: Session, signal: SignalRecord, *, duplicate: bool = False) -> TradeResult:
    """
    Return the answer to a signal that the session has seen; a duplicate gets the same one.

    Raises:
        KeyError: The session has not seen the signal.
    """
    key = session.key_of(signal)
    event = session.answered(key)
    if event is None:
        raise KeyError(key)
    first = key if duplicate else None
    if isinstance(event, e.SignalIgnored):
        return TradeResult(
            status="ignored",
            symbol=signal.symbol,
            action=signal.action,
            signal_key=key,
            duplicate_of=first,
        )
    if isinstance(event, e.OrderDenied):
        return TradeResult(
            status="denied",
            symbol=event.draft.symbol if event.draft is not None else signal.symbol,
            action=signal.action,
            signal_key=key,
            quantity=event.draft.quantity if event.draft is not None else ZERO,
            reasons=event.reasons,
            duplicate_of=first,
        )
    order = session.state.order(event.client_order_id) or session.recall(event.client_order_id)
    if order is None:
        raise KeyError(event.client_order_id)
    return _of_order(order, signal.action, key, first)


def replacement_of(session: Session, client_order_id: str, since: int) -> TradeResult:
    """
    Return what became of the wish to replace an order.

    Args:
        session: The session.
        client_order_id: The order that was to be replaced; it is in memory.
        since: The journal's last record before the wish.
    """
    order = session.state.order(client_order_id)
    if order is None:
        raise KeyError(client_order_id)
    new = session.state.order(order.replaced_by) if order.replaced_by else None
    if new is not None:
        return _of_order(new, str(new.side), "", None)
    result = _of_order(order, str(order.side), "", None)
    for row in session.journal.read(after=since):
        event = decode(row.kind, row.version, row.payload)
        if isinstance(event, e.OrderDenied) and event.replaces == client_order_id:
            return structs.replace(result, status="denied", reasons=event.reasons)
        if isinstance(event, e.ReplaceEnded) and event.client_order_id == client_order_id:
            return structs.replace(result, reasons=(Reason("not_replaced", event.reason),))
    return structs.replace(result, reasons=(Reason("replacing", "the venue has not yet canceled it"),))


def not_sent(session: Session, client_order_id: str) -> str | None:
    """
    Return why an order certainly never left this machine, None when it did or may have.
    """
    order = session.state.order(client_order_id) or session.recall(client_order_id)
    if order is None or order.reason is None or order.status is not OrderStatus.ABSENT:
        return None
    return order.reason.message if order.reason.code == "not_sent" else None


def _of_order(order: OrderState, action: str, key: str, first: str | None) -> TradeResult:
    status: ResultStatus = _WORDS[order.status]
    if order.status in {OrderStatus.CANCELED, OrderStatus.EXPIRED} and not order.filled:
        status = "rejected"
    reasons: tuple[Reason, ...] = () if order.reason is None else (order.reason,)
    return TradeResult(
        status=status,
        symbol=order.symbol,
        action=action,
        signal_key=key,
        client_order_id=order.client_order_id,
        quantity=order.quantity,
        filled_quantity=order.filled,
        average_fill_price=order.average_fill_price,
        commission=order.commission,
        reasons=reasons,
        duplicate_of=first,
    )
