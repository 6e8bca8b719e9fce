"""
What follows when equity reaches a continuous rule's floor: entries stop, and what else the rule says (RSK-22, RSK-23).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm.core import events as e
from ltm.core.cancels import cancel_own, cancel_unwanted
from ltm.core.orders import Item, raise_alert
from ltm.model.enums import Lifecycle, Severity
from ltm.model.numbers import plain, ratio
from ltm.ports.rules import TrippingRule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from ltm.core.context import Context
    from ltm.core.state import State
    from ltm.model.results import EquityFloor
    from ltm.ports.rules import EquityRule


def trip(
    state: State, context: Context, name: str, rule: EquityRule, *, floor: EquityFloor, equity: Decimal
) -> Iterator[Item]:
    """
    Stop entries, tell a person, cancel open entries; flatten or kill where the rule says so.
    """
    measured = ratio(floor.base - equity, floor.base)
    limit = ratio(floor.base - floor.floor, floor.base)
    message = (
        f"equity {plain(equity)} is at or below {plain(floor.floor)}"
        f" ({plain(measured)} under {plain(floor.base)}, limit {plain(limit)})"
    )
    action = _action(rule)
    if action == "kill":
        yield e.TradingKilled(at=context.now, code=name, message=message)
    else:
        yield e.TradingPaused(
            at=context.now,
            code=name,
            message=message,
            measured=measured,
            limit=limit,
            until_roll=rule.unlatches_at_roll,
        )
    yield raise_alert(state, context, Severity.CRITICAL, name, message)
    if action == "kill":
        yield from cancel_own(state, context, name)
        return
    yield from cancel_unwanted(state, context, name)
    keep_flattening(state, context)


def keep_flattening(state: State, context: Context) -> None:
    """
    Close what is held while the stop of a rule that flattens stands, or a person's wish does: after a restart too,
    and what was filled only after it.
    """
    ends = flattens_at_end(state)
    for slot in state.held():
        if (ends or slot.to_close) and not slot.flatten:
            slot.flatten = True
            context.watch.exits.append(slot)
    for name, rule in context.equity_rules:
        if name in state.latches and _action(rule) == "flatten":
            for slot in state.held():
                slot.flatten = True
                context.watch.exits.append(slot)


def flattens_at_end(state: State) -> bool:
    """
    Return whether a session is on its way to its end, with nothing held.
    """
    return state.lifecycle is Lifecycle.STOPPING and state.spec.on_stop == "flatten"


def _action(rule: EquityRule) -> str:
    return rule.on_trip if isinstance(rule, TrippingRule) else "pause"
