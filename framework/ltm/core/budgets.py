"""
The gates about amounts: how many orders, how much of each, and whether it can be paid for.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ltm.core.account import free_of
from ltm.core.together import refused
from ltm.model.numbers import ONE, RULES, ZERO, plain
from ltm.model.results import Check

if TYPE_CHECKING:
    from ltm.core.context import Context
    from ltm.core.gates import Candidate
    from ltm.core.state import State
    from ltm.model.instrument import Instrument


def daily_orders(state: State, _context: Context, _candidate: Candidate) -> Check:
    """
    C09: entry orders sent on the trading date.
    """
    sent, limit = Decimal(state.orders_today), Decimal(state.spec.max_daily_trades or 0)
    if sent >= limit:
        message = f"{sent} entry orders sent on {state.trading_date}, limit {limit}"
        return refused("max_daily_trades", message, sent, limit)
    return Check("max_daily_trades", "ok", sent, limit, limit - sent)


def order_quantity(state: State, _context: Context, candidate: Candidate) -> Check:
    """
    C04: `max_order_quantity`.
    """
    limit, quantity = state.spec.max_order_quantity or ZERO, candidate.draft.quantity
    if quantity > limit:
        message = f"quantity {plain(quantity)} is above max_order_quantity {plain(limit)}"
        return refused("max_order_quantity", message, quantity, limit)
    return Check("max_order_quantity", "ok", quantity, limit, limit - quantity)


def order_value(state: State, _context: Context, candidate: Candidate) -> Check:
    """
    C05: worst-case value against `max_order_value`, market orders included.
    """
    limit, value = state.spec.max_order_value or ZERO, candidate.value
    if value > limit:
        message = f"worst-case value {plain(value)} is above max_order_value {plain(limit)}"
        return refused("max_order_value", message, value, limit)
    return Check("max_order_value", "ok", value, limit, limit - value)


def capital(state: State, _context: Context, candidate: Candidate) -> Check:
    """
    C32: the session's own cash, less what its open buys may still cost, covers worst cost and fee.
    """
    return _funds("session_capital", state.cash_total - state.reserved, state, candidate)


def buying_power(state: State, context: Context, candidate: Candidate) -> Check:
    """
    C29: the funds the venue reported, moved by what happened since, cover worst cost and fee.
    """
    return _funds("buying_power", venue_funds(state, context), state, candidate)


def venue_funds(state: State, context: Context) -> Decimal:
    """
    Return the account's funds as last reported, moved by the session's fills and open buys since.
    """
    free = state.cash_total - state.reserved
    if context.available is None:
        return free
    free += context.available - context.available_cash
    return free if context.account is None else free + free_of(context.account.siblings(state))


def value_room(state: State, context: Context, listed: Instrument) -> tuple[Decimal, str]:
    """
    Return the largest worst-case value that the gates about money let pass, and which of them leaves no more.
    """
    free, power = state.cash_total - state.reserved, venue_funds(state, context)
    value, gate = (free, "session_capital") if free <= power else (power, "buying_power")
    if state.spec.commission_rate:
        value = RULES.divide(value, ONE + state.spec.commission_rate)
    limit = listed.maximum_notional
    if limit is not None and limit <= value:
        value, gate = limit, "notional_range"
    limit = state.spec.max_order_value
    if limit is not None and limit <= value:
        value, gate = limit, "max_order_value"
    return value, gate


def _funds(rule: str, free: Decimal, state: State, candidate: Candidate) -> Check:
    cost = candidate.value * (ONE + state.spec.commission_rate)
    if cost > free:
        message = f"worst-case cost {plain(cost)} is above the free {plain(free)} {state.spec.currency}"
        return refused(rule, message, cost, free)
    return Check(rule, "ok", cost, free, free - cost)
