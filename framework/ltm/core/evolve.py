"""
How each event changes the state. Pure in effect: the same events give the same state, always.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ltm.core import events as e
from ltm.core.booking import charge, move, set_exit_levels
from ltm.core.exposure import join_groups, touch
from ltm.core.lifecycle import SESSION_TABLE, TERMINAL, Fact, NoMove, next_status
from ltm.core.state import (
    KEEP_ALERTS,
    KEEP_CLOSED,
    FillState,
    Latch,
    OpenAlert,
    OrderState,
    Slot,
    State,
)
from ltm.model.enums import OrderType, Purpose, Side, TimeInForce, TradingState
from ltm.model.errors import JournalError
from ltm.model.instrument import Instrument
from ltm.model.numbers import COST_GRID, ONE, RULES, ZERO
from ltm.model.results import Reason


def evolve(state: State, event: e.AnyEvent) -> None:
    """
    Apply one event, the next in sequence, to the state it belongs to.
    """
    state.sequence += 1
    _EVOLVE[type(event)](state, event)


# --- Orders ------------------------------------------------------------------------------------


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
    touch(slot)
    if status in TERMINAL:
        order.cancel_pending = False
        if not was_terminal:
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
        oldest = next(iter(state.closed))
        venue_id = state.closed.pop(oldest).venue_order_id
        if venue_id is not None:
            state.venue_ids.pop(venue_id, None)


def _name_venue_order(state: State, order: OrderState, venue_order_id: str | None) -> None:
    if venue_order_id and order.venue_order_id != venue_order_id:
        order.venue_order_id = venue_order_id
        state.venue_ids[venue_order_id] = order.client_order_id


def _order_intended(state: State, event: e.OrderIntended) -> None:
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
    slot = state.slots[draft.symbol]
    if draft.side is Side.BUY:
        order.unit_cost = event.worst_price * slot.instrument.multiplier * (slot.fx or ONE)
        state.reserved += order.unit_cost * order.quantity
    state.orders[order.client_order_id] = order
    slot.orders[order.client_order_id] = order
    slot.changed_at = state.sequence
    touch(slot)
    state.order_count += 1
    if event.signal_key:
        state.signals[event.signal_key] = state.sequence
    if event.entry:
        state.orders_today += 1
    else:
        slot.exit_attempts = max(slot.exit_attempts, event.attempt)


def _order_denied(state: State, event: e.OrderDenied) -> None:
    state.denied_count += 1
    if event.signal_key:
        state.signals[event.signal_key] = state.sequence


def _signal_ignored(state: State, event: e.SignalIgnored) -> None:
    state.signals[event.signal_key] = state.sequence


def _order_accepted(state: State, event: e.OrderAccepted) -> None:
    order = _find(state, event.client_order_id)
    _name_venue_order(state, order, event.venue_order_id)
    order.updated_at = event.at
    _become(state, order, Fact.ACCEPTED)


def _order_rejected(state: State, event: e.OrderRejected) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = Reason(event.code, event.message)
    # A definitive rejection without a fill gives the day's budget back (C09).
    if order.entry and not order.filled and order.purpose is not Purpose.FOREIGN:
        state.orders_today = max(state.orders_today - 1, 0)
    _become(state, order, Fact.REJECTED)


def _order_unknown(state: State, event: e.OrderUnknown) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = Reason("unknown", event.reason)
    _become(state, order, Fact.UNKNOWN)


def _order_absent(state: State, event: e.OrderAbsent) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = Reason("absent", event.evidence)
    _become(state, order, Fact.ABSENT)


def _order_late(state: State, event: e.OrderLate) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    _name_venue_order(state, order, event.venue_order_id)
    _become(state, order, Fact.LATE)


def _order_canceled(state: State, event: e.OrderCanceled) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = Reason("canceled", event.reason) if event.reason else order.reason
    _become(state, order, Fact.CANCELED)


def _order_expired(state: State, event: e.OrderExpired) -> None:
    order = _find(state, event.client_order_id)
    order.updated_at = event.at
    order.reason = Reason("expired", event.reason) if event.reason else order.reason
    _become(state, order, Fact.EXPIRED)


def _order_filled(state: State, event: e.OrderFilled) -> None:
    order = _find(state, event.client_order_id)
    _name_venue_order(state, order, event.venue_order_id)
    order.fills[event.fill_id] = FillState(
        event.quantity,
        event.price,
        event.commission,
        event.commission_currency,
        event.estimated,
        event.inferred,
    )
    if order.status not in TERMINAL:
        state.reserved -= order.unit_cost * min(event.quantity, order.leaves)
    order.filled += event.quantity
    order.value += event.quantity * event.price
    order.commission += event.commission
    order.updated_at = event.at
    state.fill_count += 1
    slot = state.slots[order.symbol]
    signed = event.quantity if order.side is Side.BUY else -event.quantity
    whole = order.filled >= order.quantity
    _become(state, order, Fact.FILLED_WHOLLY if whole else Fact.FILLED_PARTLY)
    move(state, slot, signed, event.price)
    charge(state, slot, event.commission, event.commission_currency)


def _fill_replaced(state: State, event: e.FillReplaced) -> None:
    order = _find(state, event.client_order_id)
    slot = state.slots[order.symbol]
    old = order.fills[event.fill_id]
    sign = ONE if order.side is Side.BUY else -ONE
    if (old.quantity, old.price) != (event.quantity, event.price):
        if old.quantity:
            move(state, slot, -sign * old.quantity, old.price)
        if event.quantity:
            move(state, slot, sign * event.quantity, event.price)
        if order.status not in TERMINAL:
            state.reserved -= order.unit_cost * order.leaves
        order.filled += event.quantity - old.quantity
        if order.status not in TERMINAL:
            state.reserved += order.unit_cost * order.leaves
        order.value += event.quantity * event.price - old.quantity * old.price
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
    )
    touch(slot)


def _cancel_intended(state: State, event: e.CancelIntended) -> None:
    order = _find(state, event.client_order_id)
    order.cancel_pending = True
    order.updated_at = event.at


def _cancel_rejected(state: State, event: e.CancelRejected) -> None:
    order = _find(state, event.client_order_id)
    order.cancel_pending = False
    order.updated_at = event.at


def _foreign_order_seen(state: State, event: e.ForeignOrderSeen) -> None:
    slot = state.slots[event.symbol]
    order = OrderState(
        event.client_order_id,
        event.symbol,
        event.side,
        event.quantity,
        OrderType.LIMIT if event.limit_price is not None else OrderType.MARKET,
        event.limit_price,
        None,
        TimeInForce.GTC,
        event.purpose,
        event.entry,
        event.limit_price or slot.mark or ZERO,
        event.at,
        event.at,
        status=event.status,
        filled=event.filled_quantity,
    )
    state.orders[order.client_order_id] = order
    slot.orders[order.client_order_id] = order
    _name_venue_order(state, order, event.venue_order_id)
    slot.changed_at = state.sequence
    touch(slot)


def _unexpected(state: State, event: e.Unexpected) -> None:
    del state, event  # recorded for people; changes nothing


# --- The session -------------------------------------------------------------------------------


def _session_opened(state: State, event: e.SessionOpened) -> None:
    del state, event  # the state was made from it: `new_state`


def _terms_changed(state: State, event: e.TermsChanged) -> None:
    state.spec = event.spec
    for slot in state.slots.values():
        set_exit_levels(state, slot)


def _boot_recorded(state: State, event: e.BootRecorded) -> None:
    del event
    state.boots += 1
    state.link_up = False
    state.reconciled_at = None


def _account_bound(state: State, event: e.AccountBound) -> None:
    state.account = event.account
    if event.cash_base is not None:
        state.cash_base = event.cash_base


def _lifecycle_changed(state: State, event: e.LifecycleChanged) -> None:
    if event.to not in SESSION_TABLE[state.lifecycle]:
        message = f"journal moves the session from {state.lifecycle} to {event.to}"
        raise JournalError(message, code="LTM-JNL-005", hint="ltm journal verify names the record")
    state.lifecycle = event.to


def _link_changed(state: State, event: e.LinkChanged) -> None:
    state.link_up = event.up
    if not event.up:
        state.reconciled_at = None


def _latch(state: State, latch: Latch) -> None:
    state.latches[latch.code] = latch
    state.settle_trading_state()


def _trading_paused(state: State, event: e.TradingPaused) -> None:
    _latch(
        state,
        Latch(
            TradingState.REDUCING,
            event.code,
            event.message,
            event.at,
            event.by,
            event.measured,
            event.limit,
            event.until_roll,
        ),
    )


def _trading_halted(state: State, event: e.TradingHalted) -> None:
    _latch(state, Latch(TradingState.HALTED, event.code, event.message, event.at, event.by))


def _trading_killed(state: State, event: e.TradingKilled) -> None:
    _latch(state, Latch(TradingState.KILLED, event.code, event.message, event.at, event.by))


def _trading_resumed(state: State, event: e.TradingResumed) -> None:
    for code in event.codes:
        state.latches.pop(code, None)
        state.faulted.pop(code.removeprefix("rule_fault:"), None)
    if event.reset_peak:
        state.peak = state.equity
    if event.second_base is not None:
        state.loss_base = event.second_base
    state.settle_trading_state()


def _instrument_defined(state: State, event: e.InstrumentDefined) -> None:
    instrument = event.instrument
    slot = state.slots.get(instrument.symbol)
    if slot is None:
        slot = state.slots[instrument.symbol] = Slot(instrument)
    else:
        _forget_aliases(state, slot.instrument)
        slot.instrument = instrument
    for alias in instrument.aliases:
        state.aliases.setdefault(alias, []).append(instrument.symbol)
    slot.fx = state.fx.get(instrument.currency)
    join_groups(state, slot)


def _forget_aliases(state: State, instrument: Instrument) -> None:
    for alias in instrument.aliases:
        state.aliases[alias].remove(instrument.symbol)


def _equity_sampled(state: State, event: e.EquitySampled) -> None:
    for symbol, price in event.marks.items():
        slot = state.slots[symbol]
        slot.mark = price
        touch(slot)
    state.equity = event.equity
    state.peak = event.peak_equity
    state.sampled_at = event.at


def _day_rolled(state: State, event: e.DayRolled) -> None:
    state.trading_date = event.trading_date
    state.day_base = state.loss_base = event.day_start_equity
    state.orders_today = 0
    for code in [code for code, latch in state.latches.items() if latch.until_roll]:
        del state.latches[code]
    state.settle_trading_state()


def _flow_recorded(state: State, event: e.FlowRecorded) -> None:
    # Every stored base moves in proportion, so that money that comes hides no loss (RSK-04).
    before = state.equity
    currency = state.spec.currency
    state.cash[currency] = state.cash.get(currency, ZERO) + event.amount
    state.flows += event.amount
    state.equity += event.amount
    if before > 0:
        for name in ("peak", "day_base", "loss_base"):
            base = RULES.divide(RULES.multiply(getattr(state, name), state.equity), before)
            setattr(state, name, base.quantize(COST_GRID, context=RULES))


def _rule_faulted(state: State, event: e.RuleFaulted) -> None:
    state.faulted[event.name] = event.detail


def _alert_raised(state: State, event: e.AlertRaised) -> None:
    state.alerts[event.alert_id] = OpenAlert(
        event.alert_id, event.severity, event.code, event.message, event.at
    )
    while len(state.alerts) > KEEP_ALERTS:
        done = next((key for key, alert in state.alerts.items() if alert.delivered_to), None)
        if done is None:
            return
        del state.alerts[done]


def _alert_delivered(state: State, event: e.AlertDelivered) -> None:
    alert = state.alerts.get(event.alert_id)
    if alert is not None:
        alert.delivered_to.append(event.sink)


def _alert_acknowledged(state: State, event: e.AlertAcknowledged) -> None:
    alert = state.alerts.get(event.alert_id)
    if alert is not None:
        alert.acknowledged_at = event.at


def _position_adjusted(state: State, event: e.PositionAdjusted) -> None:
    # The session pays for it as for a fill; the account does not, or in a way nobody knows.
    slot = state.slots[event.symbol]
    move(state, slot, event.quantity, event.price)
    state.outside_cash += event.quantity * event.price * slot.instrument.multiplier
    if event.rebase_cash:
        state.cash_base = None
    slot.drift = slot.drift_seen = None


def _position_ignored(state: State, event: e.PositionIgnored) -> None:
    state.slots[event.symbol].ignored = event.quantity


def _drift_found(state: State, event: e.DriftFound) -> None:
    slot = state.slots[event.symbol]
    slot.drift = event.theirs
    slot.changed_at = state.sequence


def _drift_cleared(state: State, event: e.DriftCleared) -> None:
    slot = state.slots[event.symbol]
    slot.drift = slot.drift_seen = None


def _instrument_blocked(state: State, event: e.InstrumentBlocked) -> None:
    state.slots[event.symbol].blocked = event.reason or None


def _reconciled(state: State, event: e.Reconciled) -> None:
    state.reconciled_at = event.at


_EVOLVE: Final[dict[type[e.AnyEvent], Callable[[State, Any], None]]] = {
    e.SessionOpened: _session_opened,
    e.TermsChanged: _terms_changed,
    e.BootRecorded: _boot_recorded,
    e.AccountBound: _account_bound,
    e.LifecycleChanged: _lifecycle_changed,
    e.LinkChanged: _link_changed,
    e.TradingPaused: _trading_paused,
    e.TradingHalted: _trading_halted,
    e.TradingKilled: _trading_killed,
    e.TradingResumed: _trading_resumed,
    e.InstrumentDefined: _instrument_defined,
    e.EquitySampled: _equity_sampled,
    e.DayRolled: _day_rolled,
    e.FlowRecorded: _flow_recorded,
    e.RuleFaulted: _rule_faulted,
    e.AlertRaised: _alert_raised,
    e.AlertDelivered: _alert_delivered,
    e.AlertAcknowledged: _alert_acknowledged,
    e.SignalIgnored: _signal_ignored,
    e.OrderDenied: _order_denied,
    e.OrderIntended: _order_intended,
    e.OrderAccepted: _order_accepted,
    e.OrderRejected: _order_rejected,
    e.OrderUnknown: _order_unknown,
    e.OrderAbsent: _order_absent,
    e.OrderLate: _order_late,
    e.OrderFilled: _order_filled,
    e.FillReplaced: _fill_replaced,
    e.CancelIntended: _cancel_intended,
    e.CancelRejected: _cancel_rejected,
    e.OrderCanceled: _order_canceled,
    e.OrderExpired: _order_expired,
    e.Unexpected: _unexpected,
    e.ForeignOrderSeen: _foreign_order_seen,
    e.PositionAdjusted: _position_adjusted,
    e.PositionIgnored: _position_ignored,
    e.DriftFound: _drift_found,
    e.DriftCleared: _drift_cleared,
    e.InstrumentBlocked: _instrument_blocked,
    e.Reconciled: _reconciled,
}
