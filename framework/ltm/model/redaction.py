"""
What keeps secrets out of every text that leaves: by value, by the name before it, and out of addresses (SEC-04).

The values are those of every `Secret` that was ever made in this process, in the forms in which they travel.
They are known here for as long as the process lives, also after a `Secret` was wiped: an old error may still
hold one.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

STARS: Final = "***"
LEAST: Final = 6
"""Shorter values are left alone: they occur in everything."""
_LONG_LINE: Final = 16
_LONGEST: Final = 1000

NAMES: Final = re.compile(r"key|secret|token|pass|sign(?!al)|auth|cookie|credential", re.IGNORECASE)
"""What the name of something that nobody may read has in it."""
PLACEHOLDERS: Final = frozenset(
    {"your_account", "your_api_key", "your_secret", "xxx", "changeme", "change_me", "todo", "secret", "..."}
)
"""What samples put where a secret belongs. None of them is one."""
_OWN: Final = frozenset({"signal_key", "session_key", "idempotency_key", "key", "keyring"})
_NAME: Final = r"[\w.-]*(?:key|secret|token|pass|sign(?!al)|auth|cookie|credential)[\w.-]*"
_ASSIGNED: Final = re.compile(
    # A query or an environment's `name=value`; JSON and repr, `"name": "value"`; and a header, `Name: value`.
    rf"(?P<name>\b{_NAME})(?P<is>\s?=\s?)(?P<value>[^\s,;&'\"{{}}\[\]()<>]+|'[^']*'|\"[^\"]*\")"
    rf"|(?P<quoted>['\"]{_NAME}['\"]\s*:\s*b?)(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<header>\b(?:[Pp]roxy-)?[Aa]uthorization:\s*|\b(?:[Ss]et-)?[Cc]ookie:\s*|\b[Xx]-[\w-]*[Kk][Ee][Yy]:\s*)[^\r\n]+",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?P<user>[^\s/?#@'\"<>]*@)?(?P<rest>[^\s?#'\"<>]*)(?P<query>\?[^\s#'\"<>]*)?",
    re.IGNORECASE,
)


class Redactor:
    """
    Knows secrets and takes them out of texts.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, value: str) -> None:
        """
        Remember a secret.
        """
        lines = [line.strip() for line in value.splitlines()] if "\n" in value else []
        wanted = {value, value.strip(), *(line for line in lines if len(line) >= _LONG_LINE)}
        wanted = {text for text in wanted if len(text) >= LEAST and text.lower() not in PLACEHOLDERS}
        if wanted <= self._values:
            return
        for text in wanted:
            self._forms.update(form for form in forms(text) if len(form) >= LEAST)
        known = -1
        while known != len(self._forms):
            # Again when another thread has learnt something meanwhile: whoever is last has seen all.
            known = len(self._forms)
            longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        self._values |= wanted

    def forget(self) -> None:
        """
        Know no secrets any more.
        """
        self._values, self._forms, self._pattern = set(), set(), None

    @property
    def is_empty(self) -> bool:
        """
        Whether no secret was ever made.
        """
        return self._pattern is None

    def knows(self, value: str) -> bool:
        """
        Return whether a text holds one of the secrets.
        """
        return self._pattern is not None and self._pattern.search(value) is not None

    def is_one(self, value: str) -> bool:
        """
        Return whether a text is one of the secrets, and nothing else.
        """
        return value in self._values

    def by_value(self, text: str) -> str:
        """
        Return a text without the known secrets.
        """
        return text if self._pattern is None else self._pattern.sub(STARS, text)


KNOWN: Final = Redactor()
"""The secrets of this process. One for all: logs and tracebacks belong to the process, not to a session."""


def redact(text: str) -> str:
    """
    Return a text without known secrets, without what follows a telling name, and with bare addresses.
    """
    text = KNOWN.by_value(text)
    if "://" in text:
        text = _ADDRESS.sub(_bare, text)
    return _ASSIGNED.sub(_starred, text) if NAMES.search(text) else text


def one_line(text: str) -> str:
    """
    Return text without secrets, with control, bidi and other invisible characters escaped, cut at 1000 characters.
    """
    text = redact(text)
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 3] + "..."
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )


def redact_id(text: str) -> str:
    """
    Return an id that somebody else gave, without known secrets and with invisible characters escaped.

    Nothing goes by the name before it, and nothing is cut: of two ids that differ only in `?id=1` and `?id=2`, or in
    what follows `token=`, one would hide the other, and a fill or an order with it.
    """
    text = KNOWN.by_value(text)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def redact_fields(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """
    Return structured data without secrets: what stands under a telling name, and all texts redacted.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {
            redact(str(key)): STARS if _is_telling(key) and item else redact_fields(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact_fields(item) for item in value]
    return value


def forms(text: str) -> Iterator[str]:
    """
    Yield the forms in which a secret travels: as it is, escaped, quoted for addresses, in hex and in base64.
    """
    yield text
    data = text.encode("utf-8", "surrogatepass")
    for quoted in (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text), ascii(text)):
        yield quoted[1:-1]
    yield text.encode("unicode_escape").decode("ascii")
    for quoted in (quote(data), quote(data, safe=""), quote_plus(data)):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)
    yield from (data.hex(), data.hex().upper())
    yield base64.b64encode(data).decode()
    yield base64.urlsafe_b64encode(data).decode()
    # Inside of something longer, such as `user:password`, base64 depends on what stands before it.
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * before + data).decode()[first:last]


def _is_telling(key: object) -> bool:
    return isinstance(key, str) and key not in _OWN and NAMES.search(key) is not None


def _bare(found: re.Match[str]) -> str:
    user = f"{STARS}@" if found["user"] else ""
    query = f"?{STARS}" if found["query"] else ""
    return f"{found['scheme']}{user}{found['rest']}{query}"


def _starred(found: re.Match[str]) -> str:
    if found["header"]:
        return found["header"] + STARS
    if found["quoted"]:
        name = found["quoted"].split(found["quoted"][0])[1]
        return found["quoted"] + f'"{STARS}"' if _is_telling(name) else found[0]
    return f"{found['name']}{found['is']}{STARS}" if _is_telling(found["name"]) else found[0]
