"""
What became of one order that an operator wanted canceled or replaced: told once it is known, or after a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from ltm.core.codec import decode
from ltm.core.events import CancelRejected
from ltm.engine.control import wire
from ltm.engine.results import replacement_of
from ltm.model.enums import OrderStatus
from ltm.model.results import Reason

if TYPE_CHECKING:
    from ltm.core.session import Session
    from ltm.core.state import OrderState
    from ltm.engine.engine import Engine

_UNANSWERED: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})
_GONE: Final = frozenset(
    {OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.ABSENT}
)
_THERE: Final = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED})


def is_settled(engine: Engine, client_order_id: str) -> bool:
    """
    Return whether the venue answered the cancel, and what was to follow is sent and answered, or is not to be.
    """
    state = engine.session.state
    order = state.order(client_order_id)
    if order is None:
        return True
    if client_order_id in state.replacing or (client_order_id in state.orders and order.cancel_pending):
        return False
    new = state.order(order.replaced_by)
    return new is None or new.status not in _UNANSWERED


def outcome_of(engine: Engine, ask: wire.Cancel | wire.Replace, since: int) -> wire.Ordered:
    """
    Return what became of the order.

    Args:
        engine: The session's.
        ask: What was asked for.
        since: The journal's last record before it was done.
    """
    session, name = engine.session, ask.client_order_id
    order = session.find(name)
    if order is None:
        raise KeyError(name)
    new = session.find(order.replaced_by) if order.replaced_by else None
    reasons: tuple[Reason, ...] = ()
    if isinstance(ask, wire.Replace):
        reasons = replacement_of(session, name, since).reasons
    else:
        reasons = _refusal(session, name, since)
    return wire.Ordered(
        session_id=session.state.spec.session_id,
        client_order_id=name,
        status=str(order.status),
        filled_quantity=order.filled,
        replaced_by=None if new is None else new.client_order_id,
        replacement_status=None if new is None else str(new.status),
        reasons=reasons,
        result=_result(order, new, ask) if is_settled(engine, name) else "pending",
    )


def _refusal(session: Session, client_order_id: str, since: int) -> tuple[Reason, ...]:
    for row in session.journal.read(after=since):
        event = decode(row.kind, row.version, row.payload) if row.kind == "cancel_rejected" else None
        if isinstance(event, CancelRejected) and event.client_order_id == client_order_id:
            return (Reason("cancel_rejected", event.reason),)
    return ()


def _result(
    order: OrderState, new: OrderState | None, ask: wire.Cancel | wire.Replace
) -> Literal["done", "failed"]:
    if isinstance(ask, wire.Replace):
        return "done" if new is not None and new.status in _THERE else "failed"
    return "done" if order.status in _GONE else "failed"
