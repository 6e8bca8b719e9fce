"""
Text from outside, made fit for a record and for a person's terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from msgspec.structs import replace

from ltm.model.redaction import redact, redact_id

if TYPE_CHECKING:
    from ltm.core.commands import Command

C = TypeVar("C", bound="Command")
_TOLD: Final = {"by": 300, "reason": 300, "about": 300, "code": 300, "message": 500}


def clean(text: str, limit: int = 300) -> str:
    """
    Return at most `limit` characters, on one line, without secrets and what cannot be printed.
    """
    text = redact(text)[:limit]
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def cleaned(command: C) -> C:
    """
    Return what a person or the shell asks for with every text of theirs made fit for a record (SEC-04, BAD-034).
    """
    told = {name: value for name in _TOLD if (value := getattr(command, name, None))}
    fit = {name: clean(value, _TOLD[name]) for name, value in told.items()}
    if venue_order_id := getattr(command, "venue_order_id", None):
        told["venue_order_id"], fit["venue_order_id"] = venue_order_id, redact_id(venue_order_id)
    return replace(command, **fit) if fit != told else command
