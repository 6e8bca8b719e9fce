"""
A strict walk from tables to attrs classes: nothing is coerced, and every problem is kept, not only the first.

cattrs could do the walk, but hides validators' texts, coerces scalars and takes 165 ms to import (docs/adr).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from types import NoneType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args, get_origin

import attrs

from ltm.config.secrets import resolve
from ltm.model.errors import ConfigError, LtmError, shown, suggestion
from ltm.model.numbers import decimal_of
from ltm.model.redaction import NAMES
from ltm.model.schema import either, field_rows, members, type_hints, type_words
from ltm.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


T = TypeVar("T")

INVALID: Final = object()
"""Stands for a value that was refused; the problem is kept already."""
_DIGITS: Final = 30
_MOST: Final = 200
_RULES: Final[dict[Any, tuple[str, str]]] = {
    str: ("must be a string", "write it in quotes"),
    bool: ("must be true or false", "without quotes"),
    int: ("must be a whole number", "without quotes and without a decimal point"),
    float: ("must be a number", "write it without quotes"),
    Decimal: ("must be a number", "write it without quotes"),
    Path: ("must be a path", "a string, relative to the configuration file"),
    Secret: ("must be a secret", 'for example { env = "LTM_API_KEY" }'),
    time: ("must be a local time", "for example 09:30:00, without quotes"),
    date: ("must be a date", "for example 2026-01-31, without quotes"),
    datetime: ("must be a date and time", "for example 2026-01-31T09:30:00Z, without quotes"),
}
_NAMES: Final[dict[type[Any], str]] = {
    str: "string",
    bool: "boolean",
    int: "whole number",
    Decimal: "decimal number",
    float: "decimal number",
    NoneType: "nothing",
}


def join(path: str, key: str) -> str:
    """
    Return the path of a key in the table at `path`.
    """
    return f"{path}.{key}" if path else key


def got(value: object) -> str:
    """
    Return a value as its user wrote it, with its type where that may be what is wrong.
    """
    if isinstance(value, bool):
        return f"{str(value).lower()} (boolean)"
    if isinstance(value, Decimal):
        return f"{str(value).lower()[:_DIGITS]} (decimal number)"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    if isinstance(value, (date, time)):
        return value.isoformat()
    text, name = shown(value), _NAMES.get(type(value))
    return f"{text} ({name})" if name else text


@attrs.define(kw_only=True)
class Reader:
    """
    Turns tables into config objects and keeps what was wrong with them.
    """

    base: Path
    environ: Mapping[str, str]
    problems: list[LtmError] = attrs.Factory(list)
    literals: list[str] = attrs.Factory(list)
    """Paths of secrets that the file holds itself (BAD-024)."""

    @property
    def full(self) -> bool:
        """
        Whether there are so many problems that looking for more helps nobody (BAD-038).
        """
        return len(self.problems) >= _MOST

    def refuse(
        self, number: int, path: str, message: str, *, value: object = None, hint: str | None = None
    ) -> None:
        """
        Keep a problem.
        """
        value = None if NAMES.search(path) else value
        self.problems.append(
            ConfigError(message, code=f"LTM-CFG-{number:03}", field=path, got=value, hint=hint)
        )

    def build(
        self, config: type[T], table: object, path: str, others: Callable[[], Mapping[str, str]] = dict
    ) -> T | None:
        """
        Return an object of an attrs class, or None after keeping every problem.

        Args:
            config: The class.
            table: What the file says.
            path: Where it says so.
            others: Returns key -> path of another table that takes it, for the text about an unknown key.
        """
        if not isinstance(table, Mapping):
            self._wrong(path, "must be a table", table, f"write [{path}] above its keys")
            return None
        before = len(self.problems)
        hints = type_hints(config)
        fields = {str(field.alias): field for field in attrs.fields(config) if field.init}  # type: ignore[arg-type] # T is an attrs class
        self._unknown_keys(table, fields, path, others)
        values = self._values(hints, fields, table, path)
        self._validate(fields, values, path)
        if len(self.problems) == before:
            try:
                return config(**values)
            except Exception as error:  # noqa: BLE001 - a plugin's own checks, whatever they raise, are about the input
                self._adopt(error, path, None, table)
        self._cure(self.problems[before:], config, path)
        return None

    def _cure(self, problems: Iterable[LtmError], config: type[Any], path: str) -> None:
        # Where a text brings no cure of its own, the field's documentation says what belongs there.
        open_ones = [problem for problem in problems if problem.hint is None]
        rows = {join(path, row.name): row for row in (field_rows(config) if open_ones else ())}
        for problem in open_ones:
            row = rows.get(problem.field or "")
            problem.hint = (
                f"{row.type}: {row.doc}" if row and row.doc else "ltm plugins show tells what it takes"
            )

    def _unknown_keys(
        self,
        table: Mapping[str, object],
        known: Iterable[str],
        path: str,
        others: Callable[[], Mapping[str, str]],
    ) -> None:
        for key in table:
            if key in known:
                continue
            if self.full:
                break
            hint = suggestion(str(key), known)
            if hint is None and (home := others().get(key)):
                hint = f"it belongs to [{home}]"
            message = (
                f"unknown key {shown(key)}"
                + (f" in [{path}]" if path else "")
                + (f"; {hint}" if hint else "")
            )
            self.refuse(5, join(path, str(key)), message, hint=hint or f"known: {', '.join(sorted(known))}")

    def _values(
        self,
        hints: Mapping[str, Any],
        fields: Mapping[str, attrs.Attribute[Any]],
        table: Mapping[str, object],
        path: str,
    ) -> dict[str, Any]:
        values = {}
        for key, field in fields.items():
            where = join(path, key)
            if key in table:
                value = self.convert(hints.get(field.name, Any), table[key], where, field.metadata)
                if value is not INVALID:
                    values[key] = value
            elif field.default is attrs.NOTHING:
                self.refuse(6, where, f"{where} is required")
        return values

    def _validate(
        self, fields: Mapping[str, attrs.Attribute[Any]], values: Mapping[str, Any], path: str
    ) -> None:
        # One by one, so that each says what is wrong with it; attrs would stop at the first.
        seen = SimpleNamespace(**{fields[key].name: value for key, value in values.items()})
        for key, value in values.items():
            field = fields[key]
            try:
                converter: Any = field.converter
                if converter is not None and not isinstance(converter, attrs.Converter):
                    value = converter(value)  # noqa: PLW2901 - as the validator will see it
                if field.validator is not None:
                    field.validator(seen, field, value)
            except AttributeError:
                # It looks at a field that was refused or left out: building the object will ask again.
                continue
            except Exception as error:  # noqa: BLE001 - as in `build`
                self._adopt(error, path, key, value)

    def _adopt(self, error: Exception, path: str, key: str | None, value: object) -> None:
        where = join(path, key) if key else path
        if isinstance(error, ConfigError) and error.field:
            number = int(error.code[-3:]) if error.code[-3:].isdigit() else 28
            place = join(path, error.field)
            message = error.message
            message = join(path, message) if message.startswith(error.field) else f"{where}: {message}"
            self.refuse(number, place, message, value=error.got, hint=error.hint)
            return
        # attrs' own validators begin with the quoted name and end with the value; more arguments may follow.
        told = str(next(iter(error.args), "")) or type(error).__name__
        text = re.sub(r"^'\w+' ", "", told)
        text = re.sub(r"(: | \(got ).*$", "", " ".join(text.split()), count=1)
        rule = text if text.startswith("must") else f"is not valid: {text}"
        if key is None:
            self.refuse(28, where, f"{where} {rule}")
        else:
            self._wrong(where, rule, value, None, number=28)

    def _wrong(self, path: str, rule: str, value: object, hint: str | None, *, number: int = 7) -> object:
        secret = NAMES.search(path)
        self.refuse(
            number, path, f"{path} {rule}, got {'***' if secret else got(value)}", value=value, hint=hint
        )
        return INVALID

    def convert(
        self, annotation: object, value: object, path: str, told: Mapping[Any, Any] | None = None
    ) -> Any:  # noqa: ANN401 - as the annotation says
        """
        Return a value as its annotation wants it, or `INVALID` after keeping the problem.

        Args:
            annotation: A type.
            value: What the file or the caller says.
            path: Where it says so.
            told: `rule`, `code` and `hint` for the text, instead of the type's own; a field's metadata.
        """
        if value is None and NoneType in get_args(annotation):
            return None
        choices = members(annotation)
        if len(choices) > 1:
            return self._union(choices, annotation, value, path)
        kind = get_origin(choices[0]) or choices[0]
        if kind is Literal:
            return self._word(get_args(choices[0]), value, path)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            word = self._word([member.value for member in kind], value, path)
            return word if word is INVALID else kind(word)
        if kind in {Decimal, float, int}:
            return self._number(kind, value, path, told or {})
        return self._compound(kind, get_args(choices[0]), value, path, told or {})

    def _compound(
        self, kind: object, arguments: tuple[Any, ...], value: object, path: str, told: Mapping[Any, Any]
    ) -> Any:  # noqa: ANN401 - as `convert`
        if kind is Secret:
            return self._secret(value, path)
        if kind is Path and isinstance(value, (str, Path)) and str(value) and "\0" not in str(value):
            return self.base / Path(value).expanduser()
        if isinstance(kind, type) and issubclass(kind, (list, tuple, set, frozenset)):
            return self._list(kind, arguments, value, path)
        if isinstance(kind, type) and attrs.has(kind):
            built = value if isinstance(value, kind) else self.build(kind, value, path)
            return INVALID if built is None else built
        if isinstance(kind, type) and issubclass(kind, Mapping):
            return self._table(arguments, value, path)
        return self._scalar(kind, value, path, told)

    def _scalar(self, kind: Any, value: object, path: str, told: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - as `convert`
        if kind is Any or kind is object:
            return value
        # bool is an int and datetime a date only in Python's eyes.
        if type(value) is kind or (kind not in {bool, date} and isinstance(value, kind)):
            return value
        rule, hint = _RULES.get(kind, (f"must be a {type_words(kind)}", None))
        text = {"rule": rule, "hint": hint, "code": 7, **told}
        return self._wrong(path, text["rule"], value, text["hint"], number=text["code"])

    def _number(self, kind: type[Any], value: object, path: str, told: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - as `convert`
        # Text is no number, though it may look like one; a float counts as its repr (RSK-01).
        number = None if isinstance(value, str) else decimal_of(value)
        if number is not None and number.adjusted() < _DIGITS:
            if kind is not int:
                return number if kind is Decimal else float(number)
            if isinstance(value, int):
                return value
        rule, hint = _RULES[kind]
        code = 7
        if kind is not int and isinstance(value, (Decimal, float, int)) and not isinstance(value, bool):
            rule, hint, code = "must be a finite number", f"at most {_DIGITS} digits", 9
        text = {"rule": rule, "hint": hint, "code": code, **told}
        return self._wrong(path, text["rule"], value, text["hint"], number=text["code"])

    def _word(self, words: Sequence[Any], value: object, path: str) -> Any:  # noqa: ANN401 - as `convert`
        for word in words:
            # True is 1 in Python's eyes, and 1.0 is fine where 1 is.
            if isinstance(word, bool) is isinstance(value, bool) and word == value:
                return word
        near = suggestion(value, [str(word) for word in words]) if isinstance(value, str) else None
        return self._wrong(path, f"must be {either(words)}", value, near)

    def _union(self, choices: Sequence[Any], annotation: object, value: object, path: str) -> Any:  # noqa: ANN401 - as `convert`
        trials = []
        for choice in choices:
            trial = Reader(base=self.base, environ=self.environ)
            result = trial.convert(choice, value, path)
            if not trial.problems:
                self.literals += trial.literals
                return result
            trials.append(trial)
        # A table or list was meant for the alternative that got furthest into it.
        inner = [trial for trial in trials if any(problem.field != path for problem in trial.problems)]
        if inner:
            self.problems += inner[0].problems
            return INVALID
        return self._wrong(path, f"must be {type_words(annotation)}", value, None)

    def _list(self, kind: type[Any], arguments: tuple[Any, ...], value: object, path: str) -> Any:  # noqa: ANN401 - as `convert`
        if isinstance(value, (str, Mapping)) or not isinstance(value, (Sequence, set, frozenset)):
            return self._wrong(path, "must be a list", value, "write it in [ ]")
        fixed = kind is tuple and bool(arguments) and arguments[-1] is not Ellipsis
        if fixed and len(arguments) != len(value):
            return self._wrong(path, f"must be a list of {len(arguments)}", value, None)
        items = []
        for index, item in enumerate(value):
            annotation = arguments[index if fixed else 0] if arguments else Any
            items.append(INVALID if self.full else self.convert(annotation, item, f"{path}[{index}]"))
        return INVALID if INVALID in items else kind(items)

    def _table(self, arguments: tuple[Any, ...], value: object, path: str) -> Any:  # noqa: ANN401 - as `convert`
        if not isinstance(value, Mapping):
            return self._wrong(path, "must be a table", value, "write it in { }")
        inner = arguments[1] if len(arguments) > 1 else Any
        items = {}
        for key, item in value.items():
            items[key] = INVALID if self.full else self.convert(inner, item, join(path, str(key)))
        return INVALID if INVALID in items.values() else items

    def _secret(self, value: object, path: str) -> Any:  # noqa: ANN401 - as `convert`
        if isinstance(value, Secret):
            return value
        if isinstance(value, str):
            self.literals.append(path)
            return Secret(value)
        secret = resolve(value, self.base, self.environ)
        if isinstance(secret, Secret):
            return secret
        message, hint = secret
        self.refuse(23, path, f"{path}: {message}" if message.startswith("must") else message, hint=hint)
        return INVALID
