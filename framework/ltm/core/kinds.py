"""
Whether the broker has orders of a kind at all, and whether an order carries what its kind needs (C02).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.model.enums import OrderType, TimeInForce
from ltm.model.results import Check

if TYPE_CHECKING:
    from ltm.core.context import Context
    from ltm.core.gates import Candidate
    from ltm.core.state import State
    from ltm.model.order import OrderDraft

_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPPED: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_MARKET: Final = OrderType.MARKET
_DAY: Final = TimeInForce.DAY
_GTD: Final = TimeInForce.GTD


def _no(code: str, message: str) -> Check:
    return Check("order_kind", code, message=message)


def order_kind(_state: State, context: Context, candidate: Candidate) -> Check:
    """
    C02: the broker can place it, and it carries the prices its type needs and no others.
    """
    draft = candidate.draft
    kind = draft.order_type
    plain = kind is _MARKET and draft.limit_price is None and draft.trigger_price is None
    if (
        plain
        and draft.time_in_force is _DAY
        and draft.good_till is None
        and _MARKET in context.capabilities.order_types
    ):
        return _KIND  # as nearly all are: there is nothing about it that could be wrong
    limited = kind in _LIMITED
    stopped = kind in _STOPPED
    if kind not in context.capabilities.order_types:
        return _no("unsupported_order", f"this broker has no {kind} orders")
    if (draft.limit_price is not None) is not limited:
        need = "needs a" if limited else "takes no"
        return _no("unsupported_order", f"a {kind} order {need} limit_price")
    if (draft.trigger_price is not None) is not stopped:
        need = "needs a" if stopped else "takes no"
        return _no("unsupported_order", f"a {kind} order {need} trigger_price")
    return _KIND if draft.time_in_force is _DAY and draft.good_till is None else _life(context, draft)


_KIND: Final = Check("order_kind", "ok")


def _life(context: Context, draft: OrderDraft) -> Check:
    # C02, of everything but a plain day order.
    life = draft.time_in_force
    if life not in context.capabilities.times_in_force:
        return _no("unsupported_order", f"this broker has no {life} orders")
    if (draft.good_till is not None) is not (life is _GTD):
        need = "needs a" if life is _GTD else "takes no"
        return _no("unsupported_order", f"a {life} order {need} good_till")
    if draft.good_till is not None and draft.good_till <= context.now:
        message = f"good_till {draft.good_till:%Y-%m-%d %H:%M:%S} UTC is over"
        return _no("good_till_over", message)
    return _KIND
