"""
How signals, orders and fills change the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.core.booking import amend, charge, move
from ltm.core.brackets import bring, bring_back
from ltm.core.exposure import touch
from ltm.core.lifecycle import TERMINAL, Fact, NoMove, next_status
from ltm.core.pieces import FillState, Part
from ltm.core.state import KEEP_CLOSED, KEEP_FILLS, OrderState, Slot, State
from ltm.core.tallies import note_cancel, note_correction, note_fill, note_intent
from ltm.model.enums import OrderStatus, Side
from ltm.model.errors import JournalError
from ltm.model.numbers import ONE, ZERO
from ltm.model.results import Reason

if TYPE_CHECKING:
    from ltm.core import events as e

_BUY: Final = Side.BUY
_UNKNOWN: Final = OrderStatus.UNKNOWN
_WHOLLY: Final = Fact.FILLED_WHOLLY
_PARTLY: Final = Fact.FILLED_PARTLY


def _find(state: State, client_order_id: str) -> OrderState:
    order = state.order(client_order_id)
    if order is None:
        message = f"journal names order {client_order_id}, which no earlier record created"
        raise JournalError(message, code="LTM-JNL-005", hint="ltm journal verify names the record")
    return order


def _become(state: State, order: OrderState, fact: Fact) -> None:
    status = next_status(order.status, fact)
    if isinstance(status, NoMove):
        message = f"journal moves order {order.client_order_id} from {order.status} by {fact}"
        raise JournalError(message, code="LTM-JNL-005", hint="ltm journal verify names the record")
    slot = state.slots[order.symbol]
    slot.changed_at = state.sequence
    was_terminal = order.status in TERMINAL
    order.status = status
    if not slot.stale:
        touch(slot)
    if status in TERMINAL:
        order.cancel_pending = False
        if not was_terminal:
            if order.unit_cost:
                state.reserved -= order.unit_cost * max(order.quantity - order.filled, ZERO)
            _close(state, slot, order)
    elif was_terminal:
        state.reserved += order.unit_cost * order.leaves
        state.closed.pop(order.client_order_id, None)
        state.orders[order.client_order_id] = order
        slot.orders[order.client_order_id] = order


def _close(state: State, slot: Slot, order: OrderState) -> None:
    state.orders.pop(order.client_order_id, None)
    slot.orders.pop(order.client_order_id, None)
    state.closed[order.client_order_id] = order
    if len(state.closed) > KEEP_CLOSED:
        _, oldest = state.closed.popitem(last=False)
        if oldest.venue_order_id is not None:
            state.venue_ids.pop(oldest.venue_order_id, None)
        for name in oldest.names or ():
            state.venue_ids.pop(name, None)
        state.old_fills.update(dict.fromkeys(oldest.fills))
        while len(state.old_fills) > KEEP_FILLS:
            state.old_fills.popitem(last=False)


def name_venue_order(state: State, order: OrderState, venue_order_id: str | None) -> None:
    if venue_order_id and order.venue_order_id != venue_order_id:
        if order.venue_order_id is not None:
            order.names = [*(order.names or ()), order.venue_order_id]
        order.venue_order_id = venue_order_id
        state.venue_ids[venue_order_id] = order.client_order_id


def _note_name(state: State, order: OrderState, venue_order_id: str | None) -> None:
    # A fill may name a part, or the order as it was called before it was replaced: that renames nothing.
    if order.venue_order_id is None and venue_order_id:
        order.venue_order_id = venue_order_id
        state.venue_ids[venue_order_id] = order.client_order_id
    elif venue_order_id and venue_order_id not in state.venue_ids:
        order.names = [*(order.names or ()), venue_order_id]
        state.venue_ids[venue_order_id] = order.client_order_id


def order_intended(state: State, event: e.OrderIntended | e.IntentOutline) -> None:
    draft = event.draft
    order = OrderState(
        event.client_order_id,
        draft.symbol,
        draft.side,
        draft.quantity,
        draft.order_type,
        draft.limit_price,
        draft.trigger_price,
        draft.time_in_force,
        draft.purpose,
        event.entry,
        event.worst_price,
        event.at,
        event.at,
        signal_key=event.signal_key,
        epoch=event.epoch,
        attempt=event.attempt,
    )
    if draft.good_till is not None:
        order.good_till = draft.good_till
    if draft.bracket is not None:
        order.bracket = draft.bracket
    if event.replaces:
        _replaced(state, event.replaces, event.client_order_id)
    slot = state.slots[draft.symbol]
    if draft.side is _BUY:
        # At a negative price a buy brings cash: it reserves none, and frees none.
        order.unit_cost = max(event.worst_price * slot.instrument.multiplier * (slot.fx or ONE), ZERO)
        state.reserved += order.unit_cost * order.quantity
    state.orders[order.client_order_id] = order
    slot.orders[order.client_order_id] = order
    slot.changed_at = state.sequence
    if not slot.stale:
        touch(slot)
    state.order_count += 1
    if event.signal_key:
        state.signals[event.signal_key] = state.sequence
    if event.entry:
        state.orders_today += 1
        order.counted_on = state.trading_date
    else:
        slot.exit_attempts = max(slot.exit_attempts, event.attempt)
    if state.counts:
        note_intent(state.tallies, state.spec.limits, event)


def order_denied(state: State, event: e.OrderDenied | e.DenialOutline) -> None:
    state.denied_count += 1
    if event.replaces:
        _replaced(state, event.replaces)
    if event.signal_key:
        state.signals[event.signal_key] = state.sequence


def signal_ignored(state: State, event: e.SignalIgnored) -> None:
    state.signals[event.signal_key] = state.sequence


def order_accepted(state: State, event: e.OrderAccepted) -> None:
    order = _find(state, event.client_order_id)
    name_venue_order(state, order, event.venue_order_id)
    order.updated_at = event.at
    order.reason = None
    _become(state, order, Fact.ACCEPTED)


def order_rejected(state: State, event: e.OrderRejected) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = Reason(event.code, event.message)
    _give_back(state, order)
    _become(state, order, Fact.REJECTED)


def _give_back(state: State, order: OrderState) -> None:
    # A definitive rejection without a fill takes nothing of the day's budget of entries (C09).
    if not order.filled and order.counted_on is not None and order.counted_on == state.trading_date:
        state.orders_today -= 1
        order.counted_on = None


def order_unknown(state: State, event: e.OrderUnknown) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = Reason("unknown", event.reason)
    _become(state, order, Fact.UNKNOWN)


def order_absent(state: State, event: e.OrderAbsent) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = Reason("not_sent" if event.not_sent else "absent", event.evidence)
    if event.not_sent:
        _give_back(state, order)
    _become(state, order, Fact.ABSENT)


def order_late(state: State, event: e.OrderLate) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = None
    name_venue_order(state, order, event.venue_order_id)
    _become(state, order, Fact.LATE)


def order_canceled(state: State, event: e.OrderCanceled) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = Reason("canceled", event.reason) if event.reason else order.reason
    _become(state, order, Fact.CANCELED)


def order_expired(state: State, event: e.OrderExpired) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = Reason("expired", event.reason) if event.reason else order.reason
    _become(state, order, Fact.EXPIRED)


def order_recalled(state: State, event: e.OrderRecalled) -> None:
    order = event.order
    state.closed[order.client_order_id] = order
    for name in (order.venue_order_id, *(order.names or ())):
        if name is not None:
            state.venue_ids[name] = order.client_order_id


def order_filled(state: State, event: e.OrderFilled) -> None:
    order = state.orders.get(event.client_order_id) or _find(state, event.client_order_id)
    quantity, price, commission = event.quantity, event.price, event.commission
    if event.venue_order_id != order.venue_order_id:
        _note_name(state, order, event.venue_order_id)
    order.fills[event.fill_id] = FillState(
        quantity,
        price,
        commission,
        event.commission_currency,
        event.estimated,
        event.inferred,
        event.traded_on,
    )
    if order.unit_cost and order.status not in TERMINAL:
        state.reserved -= order.unit_cost * min(quantity, order.leaves)
    order.filled += quantity
    order.value += quantity * price
    order.commission += commission
    order.updated_at = event.at
    if order.status is _UNKNOWN:
        order.reason = None  # a fill says what became of it
    state.fill_count += 1
    state.estimates += event.estimated
    slot = state.slots[order.symbol]
    whole = order.filled >= order.quantity
    _become(state, order, _WHOLLY if whole else _PARTLY)
    if whole and not order.entry:
        slot.exit_attempts = 0  # it did what it was sent for: what is left is a new matter
        slot.retry_at = 0.0
    signed = quantity if order.side is _BUY else -quantity
    slot.net_fills += signed
    if state.spec.market and order.side is _BUY and event.traded_on in {None, state.trading_date}:
        slot.bought += event.quantity
    if state.counts:
        note_fill(state.tallies, quantity * price * slot.instrument.multiplier * (slot.fx or ZERO))
    move(state, slot, signed, price)
    if order.bracket is not None:
        bring(state, slot, order, order.bracket)
    if commission:
        charge(state, slot, commission, event.commission_currency)


def fill_replaced(state: State, event: e.FillReplaced) -> None:
    order = _find(state, event.client_order_id)
    slot = state.slots[order.symbol]
    old = order.fills[event.fill_id]
    sign = ONE if order.side is _BUY else -ONE
    if (old.quantity, old.price) != (event.quantity, event.price):
        guard = slot.guard
        amend(state, slot, sign, old, quantity=event.quantity, price=event.price)
        if guard is not None:
            bring_back(state, slot, guard)
        if order.bracket is not None:
            bring(state, slot, order, order.bracket)
        slot.net_fills += sign * (event.quantity - old.quantity)
        if state.spec.market and order.side is _BUY and old.traded_on in {None, state.trading_date}:
            slot.bought = max(slot.bought + event.quantity - old.quantity, ZERO)
        if order.status not in TERMINAL:
            state.reserved -= order.unit_cost * order.leaves
        order.filled += event.quantity - old.quantity
        if order.status not in TERMINAL:
            state.reserved += order.unit_cost * order.leaves
        before, value = old.quantity * old.price, event.quantity * event.price
        order.value += value - before
        if state.counts:
            scale = slot.instrument.multiplier * (slot.fx or ZERO)
            is_old = order.counted_on is not None and order.counted_on != state.trading_date
            note_correction(state.tallies, before * scale, value * scale, is_old=is_old)
    state.estimates += event.estimated - old.estimated
    charge(state, slot, -old.commission, old.currency)
    charge(state, slot, event.commission, event.commission_currency)
    order.commission += event.commission - old.commission
    order.updated_at = event.at
    order.fills[event.fill_id] = FillState(
        event.quantity,
        event.price,
        event.commission,
        event.commission_currency,
        event.estimated,
        inferred=old.inferred,
        traded_on=old.traded_on,
    )
    touch(slot)
    if order.status not in TERMINAL and order.filled >= order.quantity:
        _become(state, order, _WHOLLY)  # a correction was what it still lacked


def venue_order_seen(state: State, event: e.VenueOrderSeen) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    state.slots[order.symbol].changed_at = state.sequence
    if event.quantity == order.quantity:
        name_venue_order(state, order, event.venue_order_id)
        return
    _note_name(state, order, event.venue_order_id)
    order.parts = order.parts or {}
    order.parts[event.venue_order_id] = Part(event.quantity, event.filled_quantity, event.ended)


def cancel_intended(state: State, event: e.CancelIntended) -> None:
    order = _find(state, event.client_order_id)
    order.cancel_pending = True
    if state.counts:
        note_cancel(state.tallies)
    order.updated_at = event.at


def cancel_rejected(state: State, event: e.CancelRejected) -> None:
    order = _find(state, event.client_order_id)
    order.cancel_pending = False
    order.updated_at = event.at


def replace_intended(state: State, event: e.ReplaceIntended) -> None:
    order = _find(state, event.client_order_id)
    order.successor = event.successor
    order.updated_at = event.at
    state.replacing.append(event.client_order_id)


def replace_ended(state: State, event: e.ReplaceEnded) -> None:
    _replaced(state, event.client_order_id)


def _replaced(state: State, client_order_id: str, by: str = "") -> None:
    # In one record with the decision on what takes its place: no crash can make two of it.
    order = state.order(client_order_id)
    if order is not None:
        order.successor = None
        order.replaced_by = by
    if client_order_id in state.replacing:
        state.replacing.remove(client_order_id)


def unexpected(state: State, event: e.Unexpected) -> None:
    del state, event  # recorded for people; changes nothing
