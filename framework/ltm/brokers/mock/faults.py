"""
Faults to order: which request of the mock venue goes wrong, and how.

A fault file is TOML, one table per fault, tried in the order of the file::

    [[faults]]
    verb = "drop_reply"
    method = "submit"
    probability = 0.1  # or nth = [3, 7]: the third and the seventh such request

`drop_request` the request never reaches the venue · `drop_reply` the venue acts and says nothing; what happened comes
with a later reply · `delay` the request is processed `seconds` later, if its sender still waits · `reject` the venue
refuses with `code` · `duplicate` every event of the reply comes twice · `reorder` the events come in reverse ·
`lose_event` fills and order reports of the reply are lost · `garbage` the reply is no JSON · `restart` all connections
are cut instead of the reply.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final

import attrs

from ltm.brokers.mock.dice import Dice
from ltm.model.errors import ConfigError, shown, suggestion

if TYPE_CHECKING:
    from pathlib import Path

VERBS: Final = (
    "drop_request",
    "drop_reply",
    "delay",
    "reject",
    "duplicate",
    "reorder",
    "lose_event",
    "garbage",
    "restart",
)
METHODS: Final = (
    "submit",
    "cancel",
    "find",
    "open_orders",
    "fills",
    "positions",
    "account",
    "instruments",
    "advance",
    "login",
)
ANY: Final = "any"
"""Every method but `advance` and `login`, so that a session at least begins."""
_KEYS: Final = ("verb", "method", "probability", "nth", "seconds", "code")
_LONGEST: Final = 3600


@attrs.frozen(kw_only=True)
class Fault:
    """
    One line of the table.
    """

    verb: str
    method: str
    probability: float = 0.0
    nth: frozenset[int] = frozenset()
    seconds: float = 0.0
    code: str = "rejected"

    def concerns(self, method: str) -> bool:
        """
        Return whether requests of a method can suffer from it.
        """
        return method == self.method or (self.method == ANY and method not in {"advance", "login"})


class Faults:
    """
    The faults in force, and how often each had its chance.

    Args:
        table: What may go wrong.
        seed: Seed of the dice behind `probability`.
    """

    def __init__(self, table: tuple[Fault, ...] = (), seed: int = 0) -> None:
        self._table: Final = table
        self._seen: Final = [0] * len(table)
        # One sequence per fault, so that adding a fault does not change what the others do.
        self._dice: Final = [Dice(seed * 1_000_003 + number) for number, _ in enumerate(table, 1)]

    def strike(self, method: str) -> tuple[Fault, ...]:
        """
        Return the faults that befall the next request of a method.
        """
        struck = []
        for index, fault in enumerate(self._table):
            if not fault.concerns(method):
                continue
            self._seen[index] += 1
            if self._seen[index] in fault.nth or (
                fault.probability and self._dice[index].chance(fault.probability)
            ):
                struck.append(fault)
        return tuple(struck)


def read_faults(path: Path) -> tuple[Fault, ...]:
    """
    Return the table of a fault file.

    Raises:
        ConfigError: It cannot be read, or a fault in it makes no sense.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"faults must be a TOML file that can be read, got {error}"
        raise ConfigError(message, code="LTM-CFG-001", field="faults", where=str(path)) from None
    tables = document.pop("faults", [])
    if document or not isinstance(tables, list):
        name = next(iter(document), "faults")
        raise _wrong(path, name, "be [[faults]] tables and nothing else", name)
    return tuple(_fault(path, f"faults[{index}]", table) for index, table in enumerate(tables))


def _fault(path: Path, where: str, table: Any) -> Fault:  # noqa: ANN401 - as the file says, still to be checked
    if not isinstance(table, dict):
        raise _wrong(path, where, "be a table", table)
    for key in table:
        if key not in _KEYS:
            raise _wrong(path, f"{where}.{key}", f"be one of {', '.join(_KEYS)}", key, suggestion(key, _KEYS))
    for key, words in (("verb", VERBS), ("method", (*METHODS, ANY))):
        word = table.get(key)
        if word not in words:
            hint = suggestion(word, words) if isinstance(word, str) else None
            raise _wrong(path, f"{where}.{key}", f"be one of {', '.join(words)}", word, hint)
    if table["verb"] == "reject" and table["method"] not in {"submit", "cancel"}:
        raise _wrong(path, f"{where}.method", "be submit or cancel for reject", table["method"])
    if ("probability" in table) is ("nth" in table):
        raise _wrong(path, where, "have either probability or nth", sorted(table))
    return Fault(
        verb=table["verb"],
        method=table["method"],
        probability=_number(path, f"{where}.probability", table.get("probability", 0), 1),
        nth=_numbers(path, f"{where}.nth", table.get("nth", [])),
        seconds=_number(path, f"{where}.seconds", table.get("seconds", 0), _LONGEST),
        code=_text(path, f"{where}.code", table.get("code", "rejected")),
    )


def _number(path: Path, field: str, value: object, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise _wrong(path, field, f"be a number from 0 to {most}", value)
    return float(value)


def _numbers(path: Path, field: str, value: object) -> frozenset[int]:
    if not isinstance(value, list) or not all(type(number) is int and number > 0 for number in value):
        raise _wrong(path, field, "be a list of whole numbers from 1", value)
    return frozenset(value)


def _text(path: Path, field: str, value: object) -> str:
    if not isinstance(value, str) or not value.isidentifier():
        raise _wrong(path, field, "be a word of letters, digits and _", value)
    return value


def _wrong(path: Path, field: str, rule: str, value: object, hint: str | None = None) -> ConfigError:
    message = f"{field} must {rule}, got {shown(value)}"
    return ConfigError(message, code="LTM-CFG-093", field=field, got=value, hint=hint, where=str(path))
