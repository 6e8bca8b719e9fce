"""
From a fault file, or from what a running venue is told, to faults: TOML with one table for each, checked key by key.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from ltm.brokers.mock.faults import ANY, DETAILS, KEYS, METHODS, VERBS, Fault
from ltm.model.enums import Side
from ltm.model.errors import ConfigError, shown, suggestion
from ltm.model.identifiers import is_symbol
from ltm.model.numbers import decimal_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LONGEST: Final = 366 * 86_400
_LARGEST: Final = Decimal("1E+15")
_SIDES: Final = tuple(side.value for side in Side)


def read_faults(path: Path) -> tuple[Fault, ...]:
    """
    Return the table of a fault file.

    Raises:
        ConfigError: It cannot be read, or a fault in it makes no sense.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(path), error) from None
    return parse_faults(text, str(path))


def parse_faults(text: str, name: str) -> tuple[Fault, ...]:
    """
    Return the table that a text describes.

    Args:
        text: TOML.
        name: Where it comes from, for messages.

    Raises:
        ConfigError: It is no TOML, or a fault in it makes no sense.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(name, error) from None
    tables = document.pop("faults", [])
    if document or not isinstance(tables, list):
        key = next(iter(document), "faults")
        raise _wrong(name, key, "be [[faults]] tables and nothing else", key)
    return tuple(_fault(name, f"faults[{index}]", table) for index, table in enumerate(tables))


def _fault(name: str, where: str, table: Any) -> Fault:  # noqa: ANN401 - as the file says, still to be checked
    if not isinstance(table, dict):
        raise _wrong(name, where, "be a table", table)
    for key in table:
        if key not in KEYS:
            raise _wrong(name, f"{where}.{key}", f"be one of {', '.join(KEYS)}", key, suggestion(key, KEYS))
    _one_of(name, f"{where}.verb", table.get("verb"), tuple(VERBS))
    _check_trigger(name, where, table)
    _check_details(name, where, table)
    return Fault(**{key: _READ[key](name, f"{where}.{key}", value) for key, value in table.items()})


def _check_trigger(name: str, where: str, table: dict[str, Any]) -> None:
    verb = VERBS[table["verb"]]
    timed = [key for key in ("after", "at") if key in table]
    if not verb.happens and timed:
        rule = (
            f"be left out for {table['verb']}, which befalls a request: give method with probability or nth"
        )
        raise _wrong(name, f"{where}.{timed[0]}", rule, table[timed[0]])
    if verb.happens and "method" not in table:
        for key in ("probability", "nth"):
            if key in table:
                raise _wrong(name, f"{where}.{key}", "come with a method", table[key])
        if len(timed) > 1:
            raise _wrong(name, where, "have either after or at", timed)
        return
    if timed:
        raise _wrong(name, where, "have either a method or a time", sorted(table))
    _one_of(name, f"{where}.method", table.get("method"), (*METHODS, ANY))
    if table["method"] not in verb.methods:
        rule = f"be {' or '.join(verb.methods)} for {table['verb']}"
        raise _wrong(name, f"{where}.method", rule, table["method"])
    if ("probability" in table) is ("nth" in table):
        raise _wrong(name, where, "have either probability or nth", sorted(table))


def _check_details(name: str, where: str, table: dict[str, Any]) -> None:
    verb = VERBS[table["verb"]]
    for key in DETAILS:
        if key in verb.needs and key not in table:
            raise _wrong(name, f"{where}.{key}", f"be given for {table['verb']}", None)
        if key in table and key not in (*verb.needs, *verb.may):
            raise _wrong(name, f"{where}.{key}", f"be left out for {table['verb']}", table[key])
    if table["verb"] == "correct" and not {"price", "quantity"} & table.keys():
        raise _wrong(name, where, "have price or quantity for correct", sorted(table))
    if table["verb"] in {"foreign_order", "overfill", "deposit", "withdraw"}:
        for key in ("quantity", "amount"):
            _positive(name, f"{where}.{key}", table.get(key, 1))
    if table["verb"] == "correct" and "quantity" in table:
        _positive(name, f"{where}.quantity", table["quantity"])


def _one_of(name: str, field: str, value: object, words: tuple[str, ...]) -> None:
    if value not in words:
        hint = suggestion(value, words) if isinstance(value, str) else None
        raise _wrong(name, field, f"be one of {', '.join(words)}", value, hint)


def _text(_: str, __: str, value: str) -> str:
    return value  # checked before, against the words it may be


def _probability(name: str, field: str, value: object) -> float:
    return _number(name, field, value, 1)


def _seconds(name: str, field: str, value: object) -> float:
    return _number(name, field, value, _LONGEST)


def _number(name: str, field: str, value: object, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise _wrong(name, field, f"be a number from 0 to {most}", value)
    return float(value)


def _numbers(name: str, field: str, value: object) -> frozenset[int]:
    if not isinstance(value, list) or not all(type(number) is int and number > 0 for number in value):
        raise _wrong(name, field, "be a list of whole numbers from 1", value)
    return frozenset(value)


def _time(name: str, field: str, value: object) -> datetime:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise _wrong(name, field, "be a date and time with an offset, such as 2026-01-05T14:30:00Z", value)
    return value.astimezone(UTC)


def _word(name: str, field: str, value: object) -> str:
    if not isinstance(value, str) or not value.isidentifier():
        raise _wrong(name, field, "be a word of letters, digits and _", value)
    return value


def _symbol(name: str, field: str, value: object) -> str:
    if not isinstance(value, str) or not is_symbol(value):
        raise _wrong(name, field, "use letters, digits and . - / : _ ^ = (1-64)", value)
    return value


def _side(name: str, field: str, value: str) -> Side:
    _one_of(name, field, value, _SIDES)
    return Side(value)


def _exact(name: str, field: str, value: object) -> Decimal:
    number = None if isinstance(value, (bool, str)) else decimal_of(value)
    if number is None or not number.is_finite() or not number or abs(number) > _LARGEST:
        raise _wrong(name, field, "be a number other than 0, at most 1e15", value)
    return number


def _positive(name: str, field: str, value: object) -> Decimal:
    number = _exact(name, field, value)
    if number < 0:
        raise _wrong(name, field, "be above 0", value)
    return number


def _reference(name: str, field: str, value: object) -> int | str:
    if isinstance(value, str) and value:
        return value
    if type(value) is not int or not value:
        raise _wrong(name, field, "be an id, 1 for the first, 2 for the second, or -1 for the last", value)
    return value


_READ: Final[dict[str, Callable[[str, str, Any], Any]]] = {
    "verb": _text,
    "method": _text,
    "probability": _probability,
    "nth": _numbers,
    "after": _seconds,
    "at": _time,
    "seconds": _seconds,
    "code": _word,
    "symbol": _symbol,
    "side": _side,
    "quantity": _exact,
    "price": _positive,
    "amount": _exact,
    "order": _reference,
    "fill": _reference,
}


def _unreadable(name: str, error: Exception) -> ConfigError:
    message = f"faults must be a TOML file that can be read, got {error}"
    return ConfigError(message, code="LTM-CFG-001", field="faults", where=name)


def _wrong(name: str, field: str, rule: str, value: object, hint: str | None = None) -> ConfigError:
    message = f"{field} must {rule}, got {shown(value)}"
    return ConfigError(message, code="LTM-CFG-093", field=field, got=value, hint=hint, where=name)
