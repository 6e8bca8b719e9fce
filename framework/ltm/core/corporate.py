"""
Corporate actions: applied once, when their date has begun, and before anything else is decided on it.

What they change is worked out in `ltm.core.evolve._corporate`, from the journaled mark: position, cost, open
orders and exit levels move together, so that equity, drawdown and the day's loss do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm.core import events as e
from ltm.core.orders import Item, raise_alert
from ltm.core.watch import sample_now
from ltm.model.enums import Severity
from ltm.model.errors import InvalidTransition
from ltm.model.numbers import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.commands import DeclareAction
    from ltm.core.context import Context
    from ltm.core.state import State
    from ltm.model.corporate import CorporateAction


def apply_due(state: State, context: Context) -> Iterator[Item]:
    """
    Apply the declared actions whose date has come since the session began.
    """
    first, today = state.first_date, context.trading_date()
    if first is None:
        return
    for action in state.spec.corporate_actions:
        if first < action.on <= today and action.key not in state.actions and action.symbol in state.slots:
            problem = _problem(state, action)
            if problem:
                yield e.ActionRefused(at=context.now, key=action.key, reason=problem)
                yield e.InstrumentBlocked(at=context.now, symbol=action.symbol, reason=problem)
                yield raise_alert(state, context, Severity.CRITICAL, "corporate_action_failed", problem)
            else:
                yield from _apply(state, context, action, by="configuration", reason="declared")


def _problem(state: State, action: CorporateAction) -> str:
    other = state.slots.get(action.new_symbol)
    if other is not None and (other.position or other.orders):
        return f"{action}: {action.new_symbol} is held or worked already"
    return ""


def _apply(
    state: State, context: Context, action: CorporateAction, *, by: str, reason: str
) -> Iterator[Item]:
    # Prices between samples are in no record: what the action is worked out from has to be.
    yield from sample_now(state, context)
    slot = state.slots[action.symbol]
    before = slot.position
    yield e.CorporateActionApplied(
        at=context.now,
        action=action,
        mark=slot.mark,
        since=context.day.begin_of(action.on),
        by=by,
        reason=reason,
    )
    context.sweep_at = context.mono
    held = f"{plain(before)} held are {plain(slot.position)} now" if before else "nothing of it is held"
    yield raise_alert(state, context, Severity.INFO, "corporate_action", f"{action}: {held}")


def declare(state: State, context: Context, command: DeclareAction) -> Iterator[Item]:
    """
    Apply an action that a person declares while the session runs.

    Raises:
        InvalidTransition: The instrument is unknown, the date is to come, or the action was applied before.
    """
    action = command.action
    why = ""
    if action.symbol not in state.slots:
        why = f"the venue lists no {action.symbol}"
    elif action.key in state.actions:
        why = "it was applied before"
    elif action.on > context.trading_date():
        why = "its date is to come: name it in corporate_actions"
    why = why or _problem(state, action)
    if why:
        message = f"cannot apply {action}: {why}"
        raise InvalidTransition(message, field="action", got=str(action))
    yield from _apply(state, context, action, by=command.by, reason=command.reason)
