"""
What the kernel itself offers; light, since it is imported to list plugins.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ltm.builtins import config
from ltm.hookspecs import hookimpl

if TYPE_CHECKING:
    from ltm.hookspecs import Register
    from ltm.ports import AlertSink, PositionSizer, SignalSource

_SIZERS: Final[dict[str, type[object]]] = {
    "equity_fraction": config.EquityFractionConfig,
    "fixed_quantity": config.FixedQuantityConfig,
    "fixed_notional": config.FixedNotionalConfig,
    "risk_per_trade": config.RiskPerTradeConfig,
    "confidence_weighted": config.ConfidenceWeightedConfig,
}


@hookimpl
def ltm_register_position_sizers(register: Register[PositionSizer]) -> None:
    """
    Offer the sizers.
    """
    for name, settings in _SIZERS.items():
        register(name, config=settings, factory=partial(_sizer, name))
    register("volatility_target", config=config.VolatilityTargetConfig, factory=_volatility_target)
    register("target_weights", config=config.TargetWeightsConfig, factory=_target_weights)


@hookimpl
def ltm_register_alert_sinks(register: Register[AlertSink]) -> None:
    """
    Offer the alert sinks.
    """
    register("log", config=config.LogConfig, factory=_log_sink)
    register("console", config=config.ConsoleConfig, factory=_console_sink)
    register("file", config=config.FileSinkConfig, factory=_file_sink)
    register("command", config=config.CommandConfig, factory=_command_sink)


@hookimpl
def ltm_register_signal_sources(register: Register[SignalSource]) -> None:
    """
    Offer the signal sources.
    """
    register("file", config=config.FileSourceConfig, factory=_file_source)
    register("stdin", config=config.StdinConfig, factory=_stdin_source)
    register("python", config=config.PythonConfig, factory=_python_source)


def _sizer(name: str, settings: object) -> PositionSizer:
    from ltm.builtins.sizers import Sizer

    return Sizer(name, settings)


def _volatility_target(settings: config.VolatilityTargetConfig) -> PositionSizer:
    from ltm.builtins.sizers import VolatilityTarget

    return VolatilityTarget(settings)


def _target_weights(settings: config.TargetWeightsConfig) -> PositionSizer:
    from ltm.builtins.sizers import TargetWeights

    return TargetWeights(settings)


def _log_sink(_: config.LogConfig) -> AlertSink:
    from ltm.builtins.sinks import LogSink

    return LogSink()


def _console_sink(_: config.ConsoleConfig) -> AlertSink:
    from ltm.builtins.sinks import ConsoleSink

    return ConsoleSink()


def _file_sink(settings: config.FileSinkConfig) -> AlertSink:
    from ltm.builtins.sinks import FileSink

    return FileSink(settings)


def _command_sink(settings: config.CommandConfig) -> AlertSink:
    from ltm.builtins.command import CommandSink

    return CommandSink(settings)


def _file_source(settings: config.FileSourceConfig) -> SignalSource:
    if settings.follow:
        from ltm.builtins.follow import FollowSource

        return FollowSource(settings)
    from ltm.builtins.sources import FileSource

    return FileSource(settings)


def _stdin_source(_: config.StdinConfig) -> SignalSource:
    from ltm.builtins.sources import StdinSource

    return StdinSource()


def _python_source(settings: config.PythonConfig) -> SignalSource:
    from ltm.builtins.strategy import PythonSource

    return PythonSource(settings)
