"""
The settings of the built-in sizers, sinks and sources.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from ltm.model.checks import exact, positive, up_to_one
from ltm.model.errors import ConfigError, shown

# --- Sizers --------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class EquityFractionConfig:
    """
    Buys for a fraction of equity, less where a limit leaves less room.

    Args:
        fraction: Part of the session's equity that one order may cost, above 0 and up to 1.
    """

    fraction: Decimal = attrs.field(default=Decimal("0.10"), converter=exact, validator=up_to_one)


@attrs.frozen(kw_only=True)
class FixedQuantityConfig:
    """
    Always wishes the same quantity, less where a limit leaves less room.

    Args:
        quantity: Units per order, above 0.
    """

    quantity: Decimal = attrs.field(converter=exact, validator=positive)


# --- Alert sinks ---------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class LogConfig:
    """
    Sends alerts to the logger `ltm.alerts`.
    """


@attrs.frozen(kw_only=True)
class ConsoleConfig:
    """
    Prints alerts on the standard error stream, one line each.
    """


@attrs.frozen(kw_only=True)
class FileSinkConfig:
    """
    Appends alerts to a file, one JSON object per line.

    Args:
        path: The file; made, readable by its owner only, when it is not there.
    """

    path: Path


# --- Signal sources ------------------------------------------------------------------------------


def _known_suffix(_: object, attribute: attrs.Attribute[Path], value: Path) -> None:
    if value.suffix.lower() not in {".jsonl", ".ndjson", ".csv"}:
        message = f"{attribute.name} must end in .jsonl or .csv, got {shown(str(value))}"
        hint = "one signal per line, as JSON or CSV"
        raise ConfigError(message, code="LTM-CFG-007", field=attribute.name, got=str(value), hint=hint)


@attrs.frozen(kw_only=True)
class FileSourceConfig:
    """
    Reads signals from a file, one per line, and releases each at its time.

    Args:
        path: A .jsonl file (one object per line) or a .csv file (names in the first line), with the fields
            stock_code, action, score, confidence, timestamp and the optional ones of a signal.
    """

    path: Path = attrs.field(validator=_known_suffix)


@attrs.frozen(kw_only=True)
class StdinConfig:
    """
    Reads signals from the standard input, one JSON object per line, each released as it arrives.
    """


def _module_and_name(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    module, _colon, name = value.partition(":")
    parts = [*module.split("."), *name.split(".")]
    if not all(part.isidentifier() for part in parts):
        message = f'{attribute.name} must be "module:name", got {shown(value)}'
        hint = 'for example "momentum:Momentum"'
        raise ConfigError(message, code="LTM-CFG-007", field=attribute.name, got=value, hint=hint)


@attrs.frozen(kw_only=True)
class PythonConfig:
    """
    Asks a Python strategy for signals at every market update.

    Args:
        callable: "module:name" of the strategy: a function that takes a quote and returns or yields signals, or a
            class (or, with params, a function) that makes such a function or an object with `on_quote`.
        path: Folder in which the module is; without it the module must be installed. Nothing is ever
            imported from the current directory.
        params: Keyword arguments for making the strategy.
    """

    callable: str = attrs.field(validator=_module_and_name)
    path: Path | None = None
    params: dict[str, Any] = attrs.field(factory=dict)
