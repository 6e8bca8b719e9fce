"""
The `python` signal source: a strategy that sees every market update and answers with signals.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import zlib
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import TYPE_CHECKING, Any, Final

from ltm.model.errors import ConfigError, PluginError, SignalError, shown
from ltm.model.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path
    from types import ModuleType

    from ltm.builtins.config import PythonConfig
    from ltm.model.market import Quote


class PythonSource:
    """
    Calls a strategy with each quote.

    Raises:
        ConfigError: There is no such module or name, or it makes no strategy.
        PluginError: The module or the making of the strategy failed.
    """

    name: Final = "python"

    def __init__(self, config: PythonConfig) -> None:
        self._target = config.callable
        self._strategy = _strategy(config)
        self._closed = False

    @property
    def exhausted(self) -> bool:
        """
        False as long as quotes may come.
        """
        return self._closed

    def open(self, wake: Callable[[], None]) -> None:
        """
        Do nothing: the strategy was made with the source.
        """

    def poll(self, now: datetime) -> Iterable[Signal | SignalError]:  # noqa: ARG002 - the port's
        """
        Return nothing: a strategy speaks when the market does.
        """
        return ()

    def on_quote(self, quote: Quote) -> Iterator[Signal]:
        """
        Yield the strategy's signals.

        Raises:
            SignalError: The strategy made a signal that is malformed.
            PluginError: The strategy failed, or its answer holds no signals.
        """
        try:
            answer = self._strategy(quote)
            if answer is None:
                return
            for signal in (answer,) if isinstance(answer, Signal) else answer:
                if not isinstance(signal, Signal):
                    message = f"it must return signals, got {shown(signal)}"
                    raise TypeError(message)  # noqa: TRY301 - told like any failure of the strategy
                yield signal
        except SignalError:
            raise
        except Exception as error:
            message = f"strategy {self._target} failed on {quote.symbol}: {_told(error)}"
            raise PluginError(message, code="LTM-PLG-076", field="callable") from error

    def close(self) -> None:
        """
        Stop.
        """
        self._closed = True


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _strategy(config: PythonConfig) -> Callable[[Quote], Any]:
    module_name, _, name = config.callable.partition(":")
    target: Any = _module(module_name, config.path)
    for part in name.split("."):
        try:
            target = getattr(target, part)
        except AttributeError:
            raise _wrong(config, f"name something in the module, but {module_name} has no {name}") from None
    if isinstance(target, type) or config.params:
        try:
            target = target(**config.params)
        except Exception as error:
            message = f"strategy {config.callable} could not be made: {_told(error)}"
            raise PluginError(message, code="LTM-PLG-111", field="callable") from error
    strategy = getattr(target, "on_quote", target)
    if not callable(strategy):
        raise _wrong(config, "be a function of a quote, or make one or an object with on_quote")
    return strategy  # type: ignore[no-any-return] # what it returns is checked at each call


def _wrong(config: PythonConfig, rule: str) -> ConfigError:
    message = f"callable must {rule}, got {shown(config.callable)}"
    return ConfigError(message, code="LTM-CFG-020", field="callable", got=config.callable)


def _module(name: str, folder: Path | None) -> ModuleType:
    where = f"in {folder}" if folder else "installed"
    try:
        return importlib.import_module(name) if folder is None else _module_in(name, folder.resolve())
    except ModuleNotFoundError as error:
        if error.name != name:
            raise _unloadable(name, error) from error
        message = f"callable must name a module, but there is no {name} {where}"
        hint = None if folder else "set path to the folder that holds it"
        raise ConfigError(message, code="LTM-CFG-020", field="callable", got=name, hint=hint) from None
    except Exception as error:
        raise _unloadable(name, error) from error


def _unloadable(name: str, error: Exception) -> PluginError:
    return PluginError(f"module {name} failed to load: {_told(error)}", code="LTM-PLG-111", field="callable")


def _module_in(name: str, folder: Path) -> ModuleType:
    file = folder.joinpath(*name.split(".")).with_suffix(".py")
    if not file.is_file():
        raise ModuleNotFoundError(name=name)
    # A name of its own: two sessions may each have a `strategy.py`, and neither may stand in for the other.
    unique = f"_ltm_{zlib.crc32(str(file).encode()):08x}_{file.stem}"
    if unique in sys.modules:
        return sys.modules[unique]
    loader = SourceFileLoader(unique, str(file))
    spec = ModuleSpec(unique, loader, origin=str(file))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    # Last on the path: its neighbours can be imported, and nothing installed is shadowed by them.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    sys.modules[unique] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[unique]
        raise
    return module
