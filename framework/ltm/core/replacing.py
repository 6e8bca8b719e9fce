"""
Another order in the place of one that is open: the old one is canceled, and only what is proven gone is followed.

Two steps, each in the journal. `ReplaceIntended` says what is wanted and comes with the cancel. Once the order has
ended, what it did not fill is decided on like any other order, by every gate and every rule, and the record of that
decision closes the matter: whenever the process dies, there is at most one order more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ltm.core import events as e
from ltm.core.brackets import judge_bracket
from ltm.core.cancels import begin_cancel, open_order
from ltm.core.exposure import open_quantity, reduces
from ltm.core.facts import OWN_EXITS
from ltm.core.gates import Candidate, grid
from ltm.core.kinds import order_kind
from ltm.core.orders import Item, Wish, denied, place_entry, place_exit, raise_alert
from ltm.core.successor import Successor
from ltm.model.enums import Lifecycle, OrderStatus, Purpose, Severity, Side
from ltm.model.errors import InvalidTransition
from ltm.model.numbers import ONE, ZERO, plain
from ltm.model.order import OrderDraft
from ltm.model.results import Check
from ltm.model.signal import LARGEST, SMALLEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from ltm.core.commands import ReplaceOrder
    from ltm.core.context import Context
    from ltm.core.orders import Terms
    from ltm.core.state import OrderState, State

_WORKING: Final = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})
_STARTS: Final = frozenset({Lifecycle.STARTING, Lifecycle.RECONCILING})
_GONE: Final = frozenset({OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})


# --- The wish -----------------------------------------------------------------------------------


def replace_order(state: State, context: Context, command: ReplaceOrder) -> Iterator[Item]:
    """
    Begin to replace an open order: cancel it, and remember what shall follow.

    Raises:
        InvalidTransition: The order cannot be replaced, or what shall follow is not possible.
    """
    order = open_order(state, command.client_order_id)
    why = _irreplaceable(state, order)
    if why is not None:
        message = f"cannot replace order {order.client_order_id}: {why}"
        raise InvalidTransition(message, field="client_order_id", got=command.client_order_id)
    successor = Successor(
        order.quantity if command.quantity is None else command.quantity,
        order.limit_price if command.limit_price is None else command.limit_price,
        order.trigger_price if command.trigger_price is None else command.trigger_price,
    )
    _require_sound(state, context, order, successor)
    yield e.ReplaceIntended(
        at=context.now, client_order_id=order.client_order_id, successor=successor, by=command.by
    )
    yield from begin_cancel(context, order, "replaced")


def _irreplaceable(state: State, order: OrderState) -> str | None:
    if order.purpose is Purpose.FOREIGN:
        return "it is not ours"
    if order.purpose in OWN_EXITS:
        return f"it is the session's own {order.purpose}"
    if order.cancel_pending:
        return "it is being canceled"
    if order.status not in _WORKING:
        return f"it is {order.status}"
    if state.lifecycle is not Lifecycle.RUNNING:
        return f"the session is {state.lifecycle}"
    return None


def _require_sound(state: State, context: Context, order: OrderState, successor: Successor) -> None:
    # What no gate would let pass is said now, while the old order still stands.
    for name in ("quantity", "limit_price", "trigger_price"):
        value: Decimal | None = getattr(successor, name)
        if value is not None and not (value.is_finite() and 0 < value <= LARGEST and not value % SMALLEST):
            message = f"{name} must be above 0, at most 1e15, with at most 12 decimals, got {value}"
            raise InvalidTransition(message, field=name, got=str(value))
    if successor == Successor(order.quantity, order.limit_price, order.trigger_price):
        message = f"a replacement of order {order.client_order_id} must differ from it"
        raise InvalidTransition(message, field="quantity", got=plain(successor.quantity))
    if successor.quantity <= order.filled:
        message = f"quantity must be above the {plain(order.filled)} filled, got {plain(successor.quantity)}"
        raise InvalidTransition(message, field="quantity", got=plain(successor.quantity))
    draft = _draft(order, successor)
    slot = state.slots[order.symbol]
    candidate = Candidate(slot, draft, entry=False, unit=ONE, value=draft.quantity)
    checks = [order_kind(state, context, candidate), grid(state, context, candidate)]
    if draft.bracket is not None:
        checks.append(judge_bracket(slot, draft, draft.bracket))
    for check in checks:
        if check.code != "ok":
            message = f"cannot replace order {order.client_order_id}: {check.message}"
            raise InvalidTransition(message, field="client_order_id", got=order.client_order_id)


def _draft(order: OrderState, successor: Successor) -> OrderDraft:
    return OrderDraft(
        symbol=order.symbol,
        side=order.side,
        quantity=successor.quantity - order.filled,
        order_type=order.order_type,
        limit_price=successor.limit_price,
        trigger_price=successor.trigger_price,
        time_in_force=order.time_in_force,
        good_till=order.good_till,
        bracket=order.bracket,
    )


# --- What follows -------------------------------------------------------------------------------


def follow(state: State, context: Context, terms: Terms) -> Iterator[Item]:
    """
    Decide on what takes the place of orders that are gone now.
    """
    for order_id in list(state.replacing):
        order = state.order(order_id)
        successor = None if order is None else order.successor
        if order is None or successor is None:
            yield e.ReplaceEnded(at=context.now, client_order_id=order_id, reason="the order is not known")
        elif order_id in state.orders:
            if not order.cancel_pending:
                yield from _end(state, context, order, "the venue did not cancel it, and it stands as it was")
        elif not _too_early(state, order):
            yield from _succeed(state, context, terms, order, successor)


def _too_early(state: State, order: OrderState) -> bool:
    # After a restart nothing is decided before the books agree and a price is there.
    return state.lifecycle in _STARTS or state.slots[order.symbol].received is None


def _succeed(
    state: State, context: Context, terms: Terms, order: OrderState, successor: Successor
) -> Iterator[Item]:
    why = ""
    if state.lifecycle is not Lifecycle.RUNNING:
        why = "the session stops"
    elif order.status not in _GONE:
        why = f"the order was {order.status} before it could be canceled"
    elif successor.quantity <= order.filled:
        why = f"{plain(order.filled)} were filled before it was gone"
    if why:
        yield from _end(state, context, order, why)
        return
    yield from _decided(state, context, terms, order, _draft(order, successor))
    if not order.replaced_by:
        message = f"order {order.client_order_id} was canceled, and what should replace it was denied"
        yield raise_alert(state, context, Severity.WARNING, "not_replaced", message)


def _end(state: State, context: Context, order: OrderState, why: str) -> Iterator[Item]:
    yield e.ReplaceEnded(at=context.now, client_order_id=order.client_order_id, reason=why)
    message = f"order {order.client_order_id} was not replaced: {why}"
    yield raise_alert(state, context, Severity.WARNING, "not_replaced", message)


def _decided(
    state: State, context: Context, terms: Terms, order: OrderState, draft: OrderDraft
) -> Iterable[Item]:
    slot, side = state.slots[order.symbol], order.side
    wish = Wish(sizing=f"what is left to replace {order.client_order_id}", replaces=order.client_order_id)
    wish.started = context.timer()
    left = abs(slot.position) - open_quantity(slot, side) if reduces(slot, side) else ZERO
    if draft.quantity <= left:
        draft = replace(draft, bracket=None)  # the position has turned around meanwhile
        return place_exit(state, context, terms, wish, slot=slot, draft=draft, checks=[])
    if side is Side.SELL and not state.spec.allow_short:
        message = (
            f"selling {plain(draft.quantity)} with {plain(left)} free to sell would turn the position short"
        )
        check = Check("short", "would_flip", draft.quantity, left, message=message)
        return (denied(context, wish, [check], draft),)
    return place_entry(state, context, terms, wish, slot=slot, draft=draft, checks=[])
