"""
Text from outside, made fit for a record and for a person's terminal.
"""

from __future__ import annotations

from ltm.model.redaction import redact


def clean(text: str, limit: int = 300) -> str:
    """
    Return at most `limit` characters, on one line, without secrets and what cannot be printed.
    """
    text = redact(text)[:limit]
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
