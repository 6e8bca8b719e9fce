"""
The settings of the built-in sizers, sinks and sources.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from ltm.model.checks import (
    below_one,
    exact,
    exact_values,
    positive,
    positive_by_symbol,
    up_to_one,
    whole,
)
from ltm.model.errors import ConfigError, shown
from ltm.ports.rules import MOST_SAMPLES

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


@attrs.frozen(kw_only=True)
class FixedNotionalConfig:
    """
    Buys for the same amount of money every time, less where a limit leaves less room.

    Args:
        notional: What one order may cost, in the session's currency, above 0.
    """

    notional: Decimal = attrs.field(converter=exact, validator=positive)


@attrs.frozen(kw_only=True)
class RiskPerTradeConfig:
    """
    Buys so much that the stop loss, of the signal or else of the session, costs a fraction of equity; without one nothing.

    Args:
        risk: Part of the session's equity that is lost when the stop is hit, above 0 and below 1.
        max_fraction: Part of equity that one order may cost, however near its stop is.
    """

    risk: Decimal = attrs.field(default=Decimal("0.01"), converter=exact, validator=below_one)
    max_fraction: Decimal = attrs.field(default=Decimal(1), converter=exact, validator=up_to_one)


@attrs.frozen(kw_only=True)
class VolatilityTargetConfig:
    """
    Buys so much that the order moves equity by a fraction a year: much of what is calm, little of what is wild.

    The volatility is that of the marks the session has seen, sampled into its journal. Until there are enough of them,
    and again when `interval_seconds` is changed, nothing is bought.

    Args:
        target: Standard deviation of a year's return that one order adds, as a part of equity, above 0 and up to 1.
        interval_seconds: Seconds between two samples of a price, from 1 to 86400. Where prices come more rarely,
            so do the samples.
        returns: How many returns, from one sample to the next, are looked at: from 2 to 999.
        periods_per_year: How many such intervals a year of trading has, such as 252 for days or 98280 for the minutes
            of a US share; default: as many as go into 365 days, right for what is traded around the clock and careful
            elsewhere.
        min_volatility: A price is never taken for calmer than this, a year, above 0 and up to 1.
        max_fraction: Part of equity that one order may cost, however calm its price is.
    """

    target: Decimal = attrs.field(default=Decimal("0.10"), converter=exact, validator=up_to_one)
    interval_seconds: int = attrs.field(default=60, validator=whole(1, 86_400))
    returns: int = attrs.field(default=60, validator=whole(2, MOST_SAMPLES - 1))
    periods_per_year: Decimal | None = attrs.field(
        default=None, converter=exact, validator=attrs.validators.optional(positive)
    )
    min_volatility: Decimal = attrs.field(default=Decimal("0.05"), converter=exact, validator=up_to_one)
    max_fraction: Decimal = attrs.field(default=Decimal(1), converter=exact, validator=up_to_one)


def _none_or_below_one(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or not 0 <= value < 1:
        message = f"{attribute.name} must be >= 0 and < 1, got {value if isinstance(value, Decimal) else shown(value)}"
        hint = "pass a fraction, for example 0.5"
        raise ConfigError(message, code="LTM-CFG-009", field=attribute.name, got=value, hint=hint)


@attrs.frozen(kw_only=True)
class ConfidenceWeightedConfig:
    """
    Buys for a fraction of equity that grows with the signal's confidence.

    Args:
        fraction: Part of the session's equity that an order of confidence 1 may cost, above 0 and up to 1.
        from_confidence: Confidence at which an order would cost nothing, from 0 to below 1; in between it grows in
            a straight line.
    """

    fraction: Decimal = attrs.field(default=Decimal("0.10"), converter=exact, validator=up_to_one)
    from_confidence: Decimal = attrs.field(default=Decimal(0), converter=exact, validator=_none_or_below_one)


def _weights(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:  # noqa: ANN401 - as it was written
    positive_by_symbol(_, attribute, value)
    total = sum(value.values(), Decimal(0))
    if total > 1:
        message = f"{attribute.name} must add up to 1 at most, got {total}"
        hint = "nothing is bought with borrowed money: scale them down"
        raise ConfigError(message, code="LTM-CFG-009", field=attribute.name, got=str(total), hint=hint)


@attrs.frozen(kw_only=True)
class TargetWeightsConfig:
    """
    Trades a position towards its weight in equity: a buy up to it, a sell down to it.

    Without `weights` the score of a signal is its symbol's weight, from -1 to 1. A sell at a weight of 0 or below closes
    the position. With batch_order = "exits_first" in [session], signals that come together sell before they buy.

    Args:
        weights: Symbol -> weight in equity, above 0 and up to 1 in all; a symbol that is not here has none.
        band: Changes of less than this part of equity are not traded, except to close; from 0 to below 1.
    """

    weights: dict[str, Decimal] = attrs.field(factory=dict, converter=exact_values, validator=_weights)
    band: Decimal = attrs.field(default=Decimal(0), converter=exact, validator=_none_or_below_one)


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


def _up_to_a_minute(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    positive(_, attribute, value)
    if isinstance(value, Decimal) and value > 60:  # noqa: PLR2004 - a minute
        message = f"{attribute.name} must be at most 60 seconds, got {value}"
        raise ConfigError(message, code="LTM-CFG-025", field=attribute.name, got=value, hint="for example 5")


def _no_nul(_: object, attribute: attrs.Attribute[Any], value: list[str]) -> None:
    for index, argument in enumerate(value):
        if "\0" in argument:
            field = f"{attribute.name}[{index}]"
            message = f"{field} must be text without NUL characters, got {shown(argument)}"
            raise ConfigError(message, code="LTM-CFG-007", field=field, got=argument, hint="leave it out")


@attrs.frozen(kw_only=True)
class CommandConfig:
    """
    Runs a program for each alert, with the alert as one line of JSON on its standard input; for Linux and macOS.

    It is started without a shell, and of ltm's environment it sees HOME only. An alert counts as delivered when the
    program ends with 0; otherwise it is offered again. Also in simulations: there it holds up the session.

    Args:
        program: The program's whole path.
        arguments: What it is called with; nothing in them is replaced.
        timeout: Seconds after which it is killed, above 0 and up to 60.
    """

    program: Path
    arguments: list[str] = attrs.field(factory=list, validator=_no_nul)
    timeout: Decimal = attrs.field(default=Decimal(5), converter=exact, validator=_up_to_a_minute)


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
        follow: Go on reading what is added to the file, also when it is rotated, truncated or made again; a file that
            is not there yet is waited for. Signals are then released in the order of their times.
    """

    path: Path = attrs.field(validator=_known_suffix)
    follow: bool = False


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
