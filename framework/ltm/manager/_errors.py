"""
What a manager refuses, and in which words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from ltm.model.enums import Lifecycle
from ltm.model.errors import ConfigError, InvalidTransition, SessionNotFound, shown
from ltm.model.numbers import decimal_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from ltm.core.state import State

T = TypeVar("T")
OVER: Final = frozenset({Lifecycle.STOPPED, Lifecycle.FAILED})
_LISTED: Final = 10


def of(kind: type[T], value: object, name: str) -> T:
    """
    Return an argument of the right type.

    Raises:
        ConfigError: It is of another.
    """
    if isinstance(value, kind):
        return value
    message = f"{name} must be a {kind.__name__}, got {shown(value)}"
    raise ConfigError(message, code="LTM-CFG-007", field=name, hint=f"pass ltm.{kind.__name__}(...)")


def exact(value: object, name: str) -> Decimal:
    """
    Return a number as it is written.

    Raises:
        InvalidTransition: It is none, or not finite.
    """
    number = decimal_of(value)
    if number is None:
        message = f"{name} must be a finite number, got {shown(value)}"
        raise InvalidTransition(message, field=name, got=str(value))
    return number


def not_found(session_id: object, known: Sequence[str]) -> SessionNotFound:
    """
    Return the error about a session that is not there (BAD-033).
    """
    listed = ", ".join(known[:_LISTED]) + (", ..." if len(known) > _LISTED else "")
    message = f"no session {shown(session_id)}; known: {listed or 'none'}"
    hint = "start_live_trading returns the session_id"
    return SessionNotFound(message, field="session_id", got=session_id, hint=hint)


def refused(verb: str, state: State) -> InvalidTransition:
    """
    Return the error that says which state does not allow something.
    """
    message = f"cannot {verb} session {state.spec.session_id}: it is {state.lifecycle.upper()}"
    return InvalidTransition(message, field="session", got=str(state.lifecycle))


def elsewhere(verb: str, state: State) -> InvalidTransition:
    """
    Return the error about a session that no process or another one runs.
    """
    if state.lifecycle in OVER:
        return refused(verb, state)
    message = f"cannot {verb} session {state.spec.session_id}: it is not running in this manager"
    hint = "start_live_trading with this session_id takes it up where it was left"
    return InvalidTransition(message, field="session", got=str(state.lifecycle), hint=hint)


def closed() -> InvalidTransition:
    """
    Return the error of a call that comes too late (BAD-076).
    """
    message = "cannot use this manager any more: it was closed"
    return InvalidTransition(message, code="LTM-SES-003", field="manager", hint="make another one")
