"""
The kernel's own controls: each gate looks at one thing and writes down what it saw.

A gate answers with a `Check`; its code is "ok" or a denial of `ltm.core.codes`. Gates that the
session's terms do not arm are not in the list at all. Exits meet a shorter list (RSK-06).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from ltm.core.a_shares import market_gates
from ltm.core.account import account_controls
from ltm.core.budgets import buying_power, capital, daily_orders, order_quantity, order_value
from ltm.core.context import Context
from ltm.core.controls import entry_controls, exit_controls
from ltm.core.kinds import order_kind
from ltm.core.market_gates import calendar_known
from ltm.core.state import Slot, State
from ltm.model.enums import Lifecycle, OrderStatus, TradingState
from ltm.model.numbers import plain
from ltm.model.order import OrderDraft
from ltm.model.results import Check
from ltm.model.signal import SignalRecord

if TYPE_CHECKING:
    from ltm.model.instrument import Instrument
    from ltm.model.spec import SessionSpec

SKEW_LIMIT: Final = 5.0
"""Seconds by which our clock may differ from the venue's (C46)."""
# Members by a name of their own: on 3.11 each look into an enum costs four times as much.
_KILLED: Final = TradingState.KILLED
_HALTED: Final = TradingState.HALTED
_REDUCING: Final = TradingState.REDUCING
_RUNNING: Final = Lifecycle.RUNNING


class Candidate(msgspec.Struct, gc=False):
    """
    A draft on its way through the gates, with what has been worked out about it.
    """

    slot: Slot
    draft: OrderDraft
    entry: bool
    unit: Decimal
    """Worst-case value of one unit, session currency."""
    value: Decimal
    """The same of all of it."""
    signal: SignalRecord | None = None


Gate = Callable[[State, Context, Candidate], Check]


def _no(
    rule: str,
    code: str,
    message: str,
    measured: Decimal | None = None,
    limit: Decimal | None = None,
) -> Check:
    return Check(rule, code, measured, limit, None, message)


# --- May anything be sent at all? ---------------------------------------------------------------

_OPEN: Final = Check("trading_state", "ok")


def may_send(state: State, context: Context, *, entry: bool) -> Check:
    """
    Judge the session itself: life cycle, trading state, warm-up (C36, C37, C42).
    """
    trading = state.trading_state
    if trading is _KILLED:
        return _no("trading_state", "killed", _causes(state))
    if trading is _HALTED:
        return _no("trading_state", "halted", _causes(state))
    if state.lifecycle is not _RUNNING:
        exiting = not entry and state.lifecycle in {Lifecycle.RECONCILING, Lifecycle.STOPPING}
        if not exiting:
            code = "not_ready" if state.lifecycle in _COMING else "session_not_running"
            return _no("trading_state", code, _missing(state, context) or f"the session is {state.lifecycle}")
    if not entry:
        return _OPEN
    if trading is _REDUCING:
        return _no("trading_state", "paused", _causes(state))
    if state.reconciled_at is None or not state.link_up or state.trading_date is None:
        return _no("trading_state", "not_ready", _missing(state, context))
    return _hindered(context) or _OPEN


def _hindered(context: Context) -> Check | None:
    # What keeps prices and times from being believed just now.
    if context.clock_skew is not None and abs(context.clock_skew) > SKEW_LIMIT:
        message = f"our clock and the venue's differ by {context.clock_skew:.1f} s, limit {SKEW_LIMIT:.0f} s"
        return _no("clock_skew", "clock_skew", message)
    if context.mono < context.crowded_until:
        return _no("trading_state", "overloaded", "more came in than could be looked at; prices may be old")
    return None


_COMING: Final = frozenset({Lifecycle.CREATED, Lifecycle.STARTING, Lifecycle.RECONCILING})


def _causes(state: State) -> str:
    return "; ".join(f"{latch.code}: {latch.message}" for latch in state.latches.values())


def _missing(state: State, context: Context) -> str:
    missing = []
    if not state.link_up:
        missing.append("broker connected")
    if state.reconciled_at is None:
        missing.append("orders, fills, positions and cash reconciled")
    if context.stale:
        missing.append("a usable price of " + ", ".join(sorted(context.stale)))
    if state.trading_date is None:
        missing.append("day base")
    return "waiting for: " + "; ".join(missing) if missing else ""


# --- The instrument and the grid ----------------------------------------------------------------


def instrument(state: State, context: Context, candidate: Candidate) -> Check:
    """
    C01: known, tradable, with a sound grid; entries also need no open question about it.
    """
    slot = candidate.slot
    fault = slot.fault
    if fault is not None or not slot.instrument.tradable:
        reason = f"has {fault}" if fault else "is suspended at the venue"
        return _no("instrument", "not_tradable", f"{slot.instrument.symbol} {reason}")
    if not candidate.entry:
        return _KNOWN
    blocked = slot.blocked or (
        f"our position {plain(slot.position)} is not the venue's {plain(slot.drift)}"
        if slot.drift is not None
        else None
    )
    if blocked:
        return _no("instrument", "instrument_blocked", blocked)
    for order in slot.orders.values():
        if order.status is OrderStatus.UNKNOWN:
            message = f"order {order.client_order_id} on {order.symbol} has an unknown outcome"
            return _no("instrument", "unknown_order", message)
    if slot.fx is None:
        message = f"no rate from {slot.instrument.currency} to {state.spec.currency}"
        return _no("instrument", "fx_missing", message)
    if not is_rate_usable(state, context, slot.instrument.currency):
        message = f"the rate from {slot.instrument.currency} to {state.spec.currency} is old or doubted"
        return _no("instrument", "fx_stale", message)
    return _KNOWN


_KNOWN: Final = Check("instrument", "ok")


def is_rate_usable(state: State, context: Context, currency: str) -> bool:
    """
    Return whether the exchange rate of a currency is fresh and undoubted, like any mark (RSK-08).
    """
    if currency == state.spec.currency:
        return True
    own = state.spec.currency
    pair = state.slots.get(f"{currency}/{own}") or state.slots.get(f"{own}/{currency}")
    if pair is None or pair.received is None or pair.suspect is not None:
        return False
    return context.mono - pair.received <= context.max_price_age


def grid(state: State, context: Context, candidate: Candidate) -> Check:
    """
    C03: lot, tick, smallest and largest quantity and value. An exit may be smaller than a minimum.
    """
    slot = candidate.slot
    if slot.fault is not None:
        return _GRID  # the gate before this one has said so, and there is nothing to divide by
    listed = slot.instrument
    draft = candidate.draft
    quantity = draft.quantity
    if quantity % listed.lot_size and (candidate.entry or not state.spec.market):
        message = f"quantity must be a multiple of {plain(listed.lot_size)}, got {plain(quantity)}"
        return _no("grid", "lot", message, quantity, listed.lot_size)
    for price in (draft.limit_price, draft.trigger_price):
        if price is not None and price % listed.tick_size:
            message = f"price must be a multiple of {plain(listed.tick_size)}, got {plain(price)}"
            return _no("grid", "tick", message, price, listed.tick_size)
    return _range(listed, quantity, abs(candidate.value), entry=candidate.entry)


_GRID: Final = Check("grid", "ok")


def _range(listed: Instrument, quantity: Decimal, value: Decimal, *, entry: bool) -> Check:
    if entry and quantity < listed.minimum_quantity:
        message = f"quantity must be at least {plain(listed.minimum_quantity)}, got {plain(quantity)}"
        return _no("grid", "quantity_range", message, quantity, listed.minimum_quantity)
    if listed.maximum_quantity is not None and quantity > listed.maximum_quantity:
        message = f"quantity must be at most {plain(listed.maximum_quantity)}, got {plain(quantity)}"
        return _no("grid", "quantity_range", message, quantity, listed.maximum_quantity)
    if entry and value < listed.minimum_notional:
        message = f"value must be at least {plain(listed.minimum_notional)}, got {plain(value)}"
        return _no("grid", "notional_range", message, value, listed.minimum_notional)
    if entry and listed.maximum_notional is not None and value > listed.maximum_notional:
        message = f"value must be at most {plain(listed.maximum_notional)}, got {plain(value)}"
        return _no("grid", "notional_range", message, value, listed.maximum_notional)
    return Check("grid", "ok", quantity, listed.lot_size)


# --- Prices and hours ---------------------------------------------------------------------------


def price(state: State, context: Context, candidate: Candidate) -> Check:
    """
    C07: the instrument's price is fresh and undoubted, and all held instruments have one.
    """
    slot = candidate.slot
    if slot.received is None or slot.mark is None:
        return _no("price", "no_price", f"no price of {slot.instrument.symbol} has arrived yet")
    if slot.suspect is not None:
        message = f"price jumped from {plain(slot.mark)} to {plain(slot.suspect)}, not confirmed yet"
        return _no("price", "price_jump", message, slot.suspect, slot.mark)
    age = context.mono - slot.received
    limit = context.price_limit
    measured = Decimal(f"{age:.3f}") if age else _JUST_NOW
    if age > context.max_price_age:
        message = f"price is {plain(measured)} s old, limit {plain(limit)} s"
        return _no("price", "stale_price", message, measured, limit)
    if context.stale:
        names = ", ".join(sorted(context.stale))
        return _no("price", "degraded", f"no usable price of {names}: equity is not known")
    return Check("price", "ok", measured, limit)


_JUST_NOW: Final = Decimal("0.000")


def trading_hours(state: State, context: Context, candidate: Candidate) -> Check:
    """
    C14: inside an opening, and for entries not in the last `entry_cutoff` minutes of it.
    """
    is_open, changes_at = context.opening()
    if not is_open:
        message = f"trading hours open at {changes_at:%Y-%m-%d %H:%M} UTC"
        return _no("trading_hours", "outside_trading_hours", message)
    cutoff = state.spec.entry_cutoff
    if cutoff and candidate.entry and changes_at is not None:
        left = changes_at - context.now
        if left <= timedelta(minutes=cutoff):
            minutes = Decimal(int(left.total_seconds()) // 60)
            message = f"{minutes} minutes before the close, cutoff {cutoff}"
            return _no("trading_hours", "entry_cutoff", message, minutes, Decimal(cutoff))
    return _WITHIN_HOURS


_WITHIN_HOURS: Final = Check("trading_hours", "ok")


# --- The signal ---------------------------------------------------------------------------------


def signal_gate(state: State, context: Context, signal: SignalRecord) -> Check:
    """
    C19: not too old, not from the future, confident enough.
    """
    spec = state.spec
    if signal.confidence < spec.min_confidence:
        message = (
            f"confidence {plain(signal.confidence)} is below min_confidence {plain(spec.min_confidence)}"
        )
        return _no("signal", "low_confidence", message, signal.confidence, spec.min_confidence)
    age = (context.now - signal.at).total_seconds()
    if age < -spec.max_signal_future:
        measured, limit = Decimal(f"{-age:.0f}"), Decimal(str(spec.max_signal_future))
        message = f"timestamp is {measured} s in the future, limit {plain(limit)} s"
        return _no("signal", "future_signal", message, measured, limit)
    if spec.max_signal_age is not None and age > spec.max_signal_age:
        measured, limit = Decimal(f"{age:.0f}"), Decimal(str(spec.max_signal_age))
        message = f"signal is {measured} s old, limit {plain(limit)} s"
        return _no("signal", "stale_signal", message, measured, limit)
    return Check("signal", "ok", signal.confidence, spec.min_confidence)


# --- The lists ----------------------------------------------------------------------------------


def entry_gates(spec: SessionSpec) -> tuple[Gate, ...]:
    """
    Return the gates an entry meets, in the order they are written down.
    """
    gates: list[Gate] = [instrument, order_kind, grid, price]
    if spec.has_hours:
        gates.append(trading_hours)
    if spec.calendar:
        gates.append(calendar_known)
    if spec.max_daily_trades is not None:
        gates.append(daily_orders)
    if spec.max_order_quantity is not None:
        gates.append(order_quantity)
    if spec.max_order_value is not None:
        gates.append(order_value)
    gates += [*market_gates(spec), capital, buying_power, *entry_controls(spec.limits)]
    if spec.account_limits is not None:
        gates += account_controls(spec.account_limits)
    return tuple(gates)


def exit_gates(spec: SessionSpec) -> tuple[Gate, ...]:
    """
    Return the gates an exit meets: what the venue would refuse anyway, and nothing else.
    """
    gates: list[Gate] = [instrument, order_kind, grid]
    if spec.has_hours:
        gates.append(trading_hours)
    return (*gates, *market_gates(spec), *exit_controls(spec.limits))
