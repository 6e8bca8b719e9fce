"""
Text from outside, made fit for a record and for a person's terminal.
"""

from __future__ import annotations


def clean(text: str, limit: int = 300) -> str:
    """
    Return at most `limit` characters, on one line, without what cannot be printed or encoded.
    """
    text = text[:limit]
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
