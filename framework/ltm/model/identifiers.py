"""
Names that travel: session ids, symbols, client order ids, idempotency keys.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from ltm.model.errors import ConfigError, LtmError, shown

_SESSION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_MODEL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}", re.ASCII)
_SYMBOL: Final = re.compile(r"[A-Za-z0-9^_][A-Za-z0-9.\-/:_^=]{0,63}", re.ASCII)
_DEVICES: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL"} | {f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)}
)
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_VALUES: Final = bytes(max(_DIGITS.find(chr(code)), 0) for code in range(256))
_PREFIX: Final = "l"
_KEY_LENGTH: Final = 8


def check_session_id(value: object, field: str = "session id") -> str:
    """
    Return a session id that is safe as a path component (SEC-32), or raise `ConfigError`.
    """
    if (
        not isinstance(value, str)
        or not _SESSION_ID.fullmatch(value)
        or ".." in value
        or value.split(".")[0].upper() in _DEVICES
    ):
        message = f"{field} may use letters, digits, . _ - (1-64), got {shown(value)}"
        raise ConfigError(message, code="LTM-CFG-032", field=field, got=value, hint='for example "demo-1"')
    return value


def check_model_id(value: object, field: str = "model_id") -> str:
    """
    Return a model id, or raise `ConfigError`.
    """
    if not isinstance(value, str) or not _MODEL_ID.fullmatch(value):
        message = f"{field} may use letters, digits, . _ : / @ + - (1-128), got {shown(value)}"
        raise ConfigError(message, code="LTM-CFG-075", field=field, got=value, hint='for example "lgbm_v1"')
    return value


def is_symbol(value: str) -> bool:
    """
    Return whether the text can be a symbol at all (BAD-054).
    """
    return _SYMBOL.fullmatch(value) is not None and ".." not in value


def base36(number: int) -> str:
    """
    Return a non-negative integer in lower-case base 36.
    """
    if number < 36:  # noqa: PLR2004 - the base itself
        return _DIGITS[number]
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text


def client_order_id(session_key: str, sequence: int) -> str:
    """
    Return the id of the order whose intent is journal record `sequence` of a session.

    Layout: `l`, the session's random key (8 base-36 digits, 40 bits), the sequence in base 36,
    one check digit. At most 18 characters, letters and digits only, so that it fits every venue
    known to limit the length; a replayed journal gives the same id (REL 2.2.2).
    """
    body = f"{_PREFIX}{session_key}{base36(sequence)}"
    return body + _check_digit(body)


def sequence_of(session_key: str, order_id: str) -> int | None:
    """
    Return the journal sequence inside one of this session's client order ids, else None.
    """
    head = len(_PREFIX) + _KEY_LENGTH
    if not order_id.startswith(_PREFIX + session_key) or len(order_id) < head + 2:
        return None
    body, check = order_id[:-1], order_id[-1]
    if _check_digit(body) != check or not set(body[head:]) <= set(_DIGITS):
        return None
    sequence = int(body[head:], 36)
    # One id per sequence: leading zeros would make it two.
    return sequence if base36(sequence) == body[head:] else None


def session_key_of(order_id: str) -> str | None:
    """
    Return the key of the session that made a client order id, None when no session did.
    """
    key = order_id[len(_PREFIX) :][:_KEY_LENGTH]
    is_key = len(key) == _KEY_LENGTH and set(key) <= set(_DIGITS)
    return key if is_key and sequence_of(key, order_id) is not None else None


def session_key(random_bits: int) -> str:
    """
    Return the 8-digit key of a new session from 40 random bits.
    """
    if not 0 <= random_bits < 1 << 40:
        message = f"session key must come from 40 bits, got {random_bits}"
        raise LtmError(message)
    return base36(random_bits).rjust(_KEY_LENGTH, "0")


def _check_digit(body: str) -> str:
    # The sum of the digits' values: one wrong digit always shows.
    return _DIGITS[sum(body.encode().translate(_VALUES)) % 36]


def signal_key(*parts: str) -> str:
    """
    Return the idempotency key of a signal: a digest of session, model, symbol, action, time, number.
    """
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
