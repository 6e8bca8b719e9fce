"""
The file as text and as a table: size, encoding, syntax, where each key stands, and the environment's overrides.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from ltm.config.lines import key_lines, longest_path
from ltm.model.errors import ConfigError, ConfigErrors, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT: Final = 1_000_000
_DEEPEST: Final = 32
_OVERRIDE: Final = re.compile(r"LTM_[A-Z0-9_]+?__[A-Z0-9_]+", re.ASCII)
_PLACE: Final = re.compile(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_TWICE: Final = re.compile(r"overwrite|twice|Duplicate|immutable|already", re.IGNORECASE)
_PERCENT: Final = re.compile(r"=\s*([+-]?\d+(?:\.\d+)?)\s*%")
_LAST: Final = re.compile(r"(\.[^.\[]*|\[\d+\]|^[^.\[]+)$")
_BARE_TIME: Final = re.compile(r"[=\[,]\s*\d?\d:\d\d\s*([,\]}#]|$)")
SAMPLE: Final = """[session]
id = "demo"
model_id = "my_model"
initial_capital = 100_000
max_position_size = 0.3

[broker]
plugin = "mock"

[risk.sector_concentration]
max_sector_fraction = 0.4
sectors = "sectors.csv"

[risk.drawdown]
max_drawdown = 0.1

[risk.daily_loss]
max_daily_loss = 0.02"""
"""The shortest file that says everything that must be said, but for the mock broker's prices."""


@attrs.define(kw_only=True)
class Document:
    """
    One configuration, read but not yet checked.
    """

    name: str
    base: Path
    """Relative paths in the file start here."""
    table: dict[str, Any]
    text: str = attrs.field(default="", repr=False)
    private: bool = True
    """Whether only its owner can read the file."""
    overrides: dict[str, str] = attrs.Factory(dict)
    """Path -> environment variable that set it."""
    problems: list[ConfigError] = attrs.Factory(list)
    _lines: dict[str, int] | None = attrs.field(default=None, init=False, repr=False)

    @property
    def lines(self) -> dict[str, int]:
        """
        Return path -> line, scanned when the first problem asks for it.
        """
        if self._lines is None:
            self._lines = key_lines(self.text)
        return self._lines

    def locate(self, path: str) -> tuple[str, int | None]:
        """
        Return where a path was set: in the environment, or the line of it or of what it is in.
        """
        while path:
            if variable := self._variable(path):
                return f"environment, {variable}", None
            if line := self.lines.get(path):
                return f"{self.name}, line {line}", line
            path = _LAST.sub("", path)
        return self.name, None

    def _variable(self, path: str) -> str | None:
        if path in self.overrides or not self.overrides:
            return self.overrides.get(path)
        # A table of which the file says nothing came with the variable that leads through it.
        inner = (f"{path}.", f"{path}[")
        if any(name == path or name.startswith(inner) for name in self.lines):
            return None
        return next((self.overrides[name] for name in self.overrides if name.startswith(inner)), None)


def read(path: Path) -> tuple[str, bool]:
    """
    Return the text of a file, and whether only its owner can read it.

    Raises:
        ConfigErrors: It cannot be read, is too large, or is not UTF-8 (BAD-001, BAD-038).
    """
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
            mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(path.name, f"cannot be read: {reason}", 1) from None
    if len(data) > LIMIT:
        raise _unreadable(path.name, "is larger than 1 MB", 38)
    try:
        # A byte order mark is what Windows editors write; tomllib alone refuses it.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unreadable(path.name, "is not UTF-8", 1) from None
    if "\0" in text:
        raise _unreadable(path.name, "is not UTF-8", 1)
    return text, not mode & 0o077


def _unreadable(name: str, what: str, number: int) -> ConfigErrors:
    hint = "save it as UTF-8 text" if "UTF-8" in what else "name a TOML file that you can read"
    message = f"config {shown(name)} {what}"
    return ConfigErrors([ConfigError(message, code=f"LTM-CFG-{number:03}", hint=hint, where=name)])


def parse(text: str, name: str, base: Path) -> Document:
    """
    Return the document that a text stands for.

    Raises:
        ConfigErrors: It is no TOML (BAD-003, BAD-004), or nested beyond reason (BAD-038).
    """
    if longest_path(text) > _DEEPEST:
        raise _too_deep(name)
    try:
        # Decimal from the digits themselves: 0.3 is three tenths, not the float next to it.
        table = tomllib.loads(text, parse_float=Decimal)
    except RecursionError:
        raise _too_deep(name) from None
    except ValueError as error:
        # TOMLDecodeError, or Python's own refusal of an integer with thousands of digits.
        raise ConfigErrors([_syntax(text, name, str(error))]) from None
    return Document(name=name, base=base, table=table, text=text)


def _too_deep(name: str) -> ConfigErrors:
    message = f"config {shown(name)} is nested too deeply"
    return ConfigErrors(
        [ConfigError(message, code="LTM-CFG-038", where=name, hint="tables need three levels")]
    )


def _syntax(text: str, name: str, told: str) -> ConfigError:
    found = _PLACE.fullmatch(told)
    rows = text.split("\n")
    number = int(found[2]) if found and found[2] else len(rows)
    column = int(found[3]) if found and found[3] else 1
    row = rows[number - 1] if number <= len(rows) else ""
    where = f"{name}, line {number}"
    if found and _TWICE.search(found[1]) and (twice := _given_twice(text, number)):
        key, first = twice
        message = f"line {number}: key {shown(key)} given twice (first at line {first})"
        hint = "keep one of the two"
        return ConfigError(message, code="LTM-CFG-004", field=key, where=where, line=number, hint=hint)
    reason, hint = (found[1] if found else told), "text is written in quotes, lists in [ ], tables in { }"
    if percent := _PERCENT.search(row):
        # The sign itself, not the end of the line where the parser gave up.
        column = row.index("%", percent.start()) + 1
        fraction = Decimal(percent[1]).scaleb(-2)
        reason, hint = f"percentages are written as fractions: {fraction:f}", f"write {fraction:f}"
    elif _BARE_TIME.search(row):
        reason, hint = "times are written in quotes", 'for example "09:30"'
    message = f"line {number}, column {column}: not valid TOML; {_lowered(reason)}"
    return ConfigError(message, code="LTM-CFG-003", where=where, line=number, hint=hint)


def _lowered(reason: str) -> str:
    # The parser quotes what it met; a control character in there must not reach the terminal.
    safe = "".join(char if char.isprintable() else "?" for char in reason[:200])
    return safe[:1].lower() + safe[1:]


def _given_twice(text: str, number: int) -> tuple[str, int] | None:
    upto = "\n".join(text.split("\n")[:number])
    earlier, latest = key_lines(upto), key_lines(upto, last=True)
    return next(
        (
            (path.rpartition(".")[2], earlier[path])
            for path, line in latest.items()
            if line == number > earlier[path]
        ),
        None,
    )


def override(document: Document, environ: Mapping[str, str]) -> None:
    """
    Lay `LTM_TABLE__KEY=value` variables over the table (BAD-040); `value` is TOML, or else plain text.
    """
    for variable in sorted(environ):
        if not _OVERRIDE.fullmatch(variable):
            continue
        parts = variable.removeprefix("LTM_").lower().split("__")
        for root, keys, prefix in _targets(document, parts):
            path = _put(root, keys, _value(environ[variable]))
            if path is None:
                message = f'unknown key "{".".join(parts)}"'
                where = f"environment, {variable}"
                document.problems.append(
                    ConfigError(message, code="LTM-CFG-005", where=where, hint="unset it")
                )
            else:
                document.overrides[prefix + path] = variable


def _targets(document: Document, parts: list[str]) -> list[tuple[dict[str, Any], list[str], str]]:
    # With [[sessions]], what is about a session goes to every session, and what is about a table to that table,
    # whether each session has its own or all share one.
    sessions = document.table.get("sessions")
    if parts[0] in {"plugins", "sessions"} or not isinstance(sessions, list):
        return [(document.table, parts, "")]
    every = [(item, f"sessions[{index}].") for index, item in enumerate(sessions) if isinstance(item, dict)]
    if parts[0] == "session":
        return [(item, parts[1:], prefix) for item, prefix in every]
    own = [(item, parts, prefix) for item, prefix in every if parts[0] in item]
    return own if own and parts[0] not in document.table else [*own, (document.table, parts, "")]


def _put(root: dict[str, Any], keys: list[str], value: object) -> str | None:
    # Return the path it has now, None when it leads through something that has no keys.
    here: Any = root
    path = ""
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(here, list) and key.isdigit() and int(key) < len(here):
            path += f"[{key}]"
            here[int(key)] = value if last else here[int(key)]
            here = here[int(key)]
        elif isinstance(here, dict):
            path += f".{key}" if path else key
            here[key] = value if last else here.get(key, {})
            here = here[key]
        else:
            return None
    return path


def _value(text: str) -> object:
    try:
        table = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except (ValueError, RecursionError):
        return text
    return table["value"] if table.keys() == {"value"} else text
