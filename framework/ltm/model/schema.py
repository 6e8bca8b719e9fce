"""
What a config class says about itself: its fields, their types in plain words, defaults and documentation.
"""

from __future__ import annotations

import ast
import enum
import functools
import inspect
import re
import textwrap
import types
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from ltm.model.errors import PluginError
from ltm.model.numbers import plain
from ltm.model.secret import Secret

_WORDS: Final[Mapping[Any, str]] = {
    str: "string",
    bool: "true or false",
    int: "whole number",
    float: "number",
    Decimal: "number",
    Path: "path",
    Secret: "secret",
    time: "local time",
    date: "date",
    datetime: "date and time",
    Any: "anything",
    types.NoneType: "nothing",
}
_ARGUMENT: Final = re.compile(r"    (\w+)(?: \([^)]*\))?: (.*)")


@attrs.frozen(kw_only=True)
class FieldRow:
    """
    One field of a config class, for people. `default` is None for a field that must be given.
    """

    name: str
    type: str
    default: str | None
    doc: str


def type_hints(config: type[Any]) -> dict[str, Any]:
    """
    Return the types of a config class's fields.

    Raises:
        PluginError: It is no attrs class, or an annotation names something it does not import.
    """
    if not attrs.has(config):
        message = f"config {config!r} must be an attrs class"
        raise PluginError(message, code="LTM-PLG-005", hint="decorate it with @attrs.frozen(kw_only=True)")
    try:
        return dict(_hints(config))
    except (NameError, TypeError, SyntaxError) as error:
        message = f"config {config.__qualname__} has an annotation that cannot be read: {error}"
        hint = "import what annotations name outside of `if TYPE_CHECKING`"
        raise PluginError(message, code="LTM-PLG-005", hint=hint) from error


# Every annotation is compiled anew each time, and sessions are made by the hundred.
_hints: Final = functools.cache(get_type_hints)


def members(annotation: object) -> tuple[Any, ...]:
    """
    Return the alternatives of a union without None, or the annotation itself.
    """
    if get_origin(annotation) in {Union, types.UnionType}:
        return tuple(member for member in get_args(annotation) if member is not types.NoneType)
    return (annotation,)


def type_words(annotation: object) -> str:
    """
    Return an annotation in words that a trader knows, such as `list of string`.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return either(arguments)
    if origin in {Union, types.UnionType}:
        return " or ".join(type_words(member) for member in members(annotation))
    if origin in {list, tuple, set, frozenset} or annotation in {list, tuple, set, frozenset}:
        inner = [argument for argument in arguments if argument is not Ellipsis]
        return f"list of {type_words(inner[0])}" if inner else "list"
    kind = origin or annotation
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return f"table of {type_words(arguments[1])}" if len(arguments) > 1 else "table"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return either([member.value for member in kind])
    if isinstance(kind, type) and attrs.has(kind):
        return "table"
    return _WORDS.get(kind) or str(getattr(kind, "__name__", kind))


def either(words: Iterable[object]) -> str:
    """
    Return `"a", "b" or "c"`.
    """
    *most, last = (f'"{word}"' if isinstance(word, str) else str(word) for word in words)
    return f"{', '.join(most)} or {last}" if most else last


def field_rows(config: type[Any]) -> tuple[FieldRow, ...]:
    """
    Return one row for each field that a configuration may set.
    """
    hints, documented = type_hints(config), _documented(config)
    return tuple(
        FieldRow(
            name=field.name,
            type=type_words(hints.get(field.name, Any)),
            default=_default(field),
            doc=documented.get(field.name, ""),
        )
        for field in attrs.fields(config)
        if field.init
    )


def summary_of(config: type[Any]) -> str:
    """
    Return the first sentence of a config class's docstring.
    """
    text = inspect.cleandoc(config.__doc__ or "")
    return " ".join(text.partition("\n\n")[0].split())


def _default(field: attrs.Attribute[Any]) -> str | None:
    if field.default is attrs.NOTHING:
        return None
    # A factory is called, unless it needs the other fields and so has no value of its own to show.
    factory = getattr(field.default, "factory", None)
    if factory is None:
        return toml_of(field.default)
    return "" if getattr(field.default, "takes_self", False) else toml_of(factory())


def toml_of(value: object) -> str:
    """
    Return a value as one would write it in the file; "" for nothing.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return plain(value) if value.is_finite() else str(value)
        case enum.Enum():
            return toml_of(value.value)
        case str() | Path():
            return f'"{value}"'
        case Mapping():
            inner = ", ".join(f"{key} = {toml_of(item)}" for key, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case list() | tuple() | set() | frozenset():
            return f"[{', '.join(toml_of(item) for item in value)}]"
        case _:
            return str(value)


def _documented(config: type[Any]) -> dict[str, str]:
    # What is written under `Args:` of the class, and under a field itself as a bare string.
    found: dict[str, str] = {}
    for cls in reversed(config.__mro__[:-1]):
        found |= _from_docstring(inspect.cleandoc(cls.__doc__ or "")) | _from_source(cls)
    return found


def _from_docstring(text: str) -> dict[str, str]:
    _, _, section = text.partition("Args:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if line and not line.startswith("    "):
            break
        if argument := _ARGUMENT.match(line):
            name = argument[1]
            found[name] = argument[2]
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found


def _from_source(cls: type[Any]) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError, SyntaxError):
        # No source at hand: a frozen application, or a class made on the fly.
        return {}
    if not isinstance(tree, ast.ClassDef):
        return {}
    found = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(documentation))),
            ):
                found[name] = " ".join(documentation.split())
            case _:
                pass
    return found
