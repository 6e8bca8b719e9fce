"""
What equity is not known without: prices of what is held, and rates of the currencies it is held in (RSK-08, RSK-22).

A price or rate that is old stays the last one: loss rules go on with it. People are told, entries wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm.core import events as e
from ltm.core.gates import is_rate_usable
from ltm.core.orders import Item, raise_alert
from ltm.model.enums import Severity
from ltm.model.numbers import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.context import Context
    from ltm.core.state import State


def watch_rates(state: State, context: Context) -> Iterator[Item]:
    """
    Tell a person, once each time, of a rate that is needed and old, doubted or missing (RSK-08, F42).
    """
    before, context.stale_rates = context.stale_rates, frozenset()
    if not state.foreign or not context.opening()[0]:
        return
    needed = {slot.instrument.currency for slot in state.held()}
    needed |= {currency for currency, amount in state.cash.items() if amount}
    stale = {currency for currency in needed & state.foreign if not is_rate_usable(state, context, currency)}
    context.stale_rates = frozenset(stale)
    for currency in sorted(stale - before):
        rate = state.fx.get(currency)
        pair = f"{currency}/{state.spec.currency}"
        known = f"{plain(rate)} is used on" if rate is not None else "nothing in it has a value"
        message = f"no usable rate {pair}: {known}; entries in {currency} wait"
        yield raise_alert(state, context, Severity.WARNING, "fx_stale", message)


def watch_blindness(state: State, context: Context) -> Iterator[Item]:
    """
    Stop entries until a person has looked once equity has been unknown for long (C07, RSK-08, RSK-22).
    """
    held = {slot.instrument.currency for slot in state.held()}
    blind = context.stale | {f"the rate {name}/{state.spec.currency}" for name in context.stale_rates & held}
    if not blind:
        context.blind_since = None
    elif context.blind_since is None:
        context.blind_since = context.mono
    elif context.mono - context.blind_since > context.max_blind_time and "degraded" not in state.latches:
        waited = context.mono - context.blind_since
        message = f"no usable price of {', '.join(sorted(blind))} for {waited:.0f} s: equity is not known"
        yield e.TradingPaused(at=context.now, code="degraded", message=message)
        yield raise_alert(state, context, Severity.CRITICAL, "degraded", message)
