"""
What a plugin must look like before any of its hooks is called, and how its failure is told.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from typing import TYPE_CHECKING, Final

from ltm import hookspecs
from ltm.hookspecs import API_VERSION, OLDEST_API
from ltm.model.errors import LtmError, PluginError, shown, suggestion
from ltm.model.redaction import redact
from ltm.registry.source import DECLARATION

if TYPE_CHECKING:
    from pathlib import Path

    from ltm.model.offer import Kind

REGISTERS: Final[dict[str, Kind]] = {
    "ltm_register_brokers": "broker",
    "ltm_register_risk_rules": "risk_rule",
    "ltm_register_position_sizers": "position_sizer",
    "ltm_register_alert_sinks": "alert_sink",
    "ltm_register_signal_sources": "signal_source",
}
"""The hooks that offer something, and what they offer."""
HOOKS: Final = (*REGISTERS, "ltm_add_commands", "ltm_observe")

# Options that let one implementation step before, around or out of sight of the others (RSK-41).
_REFUSED_OPTIONS: Final = ("wrapper", "hookwrapper", "tryfirst", "trylast", "optionalhook")
_LONGEST: Final = 300


def inspect_api(declared: object) -> None:
    """
    Refuse a plugin that is written for an API which this version of ltm does not have.

    Args:
        declared: What its module says; None for nothing, which means the first.

    Raises:
        PluginError: It needs another one.
    """
    if declared is None or (type(declared) is int and OLDEST_API <= declared <= API_VERSION):
        return
    ours = str(API_VERSION) if OLDEST_API == API_VERSION else f"{OLDEST_API} to {API_VERSION}"
    if type(declared) is not int:
        message = f"{DECLARATION} must be a whole number, got {shown(declared)}"
        raise PluginError(message, hint=f"write {DECLARATION} = {API_VERSION}")
    message = f"it is written for plugin API {declared}, and this ltm has {ours}"
    hint = "upgrade ltm" if declared > API_VERSION else "upgrade the plugin"
    raise PluginError(message, hint=hint)


def inspect_hooks(module: object) -> tuple[str, ...]:
    """
    Refuse what pluggy lets pass: misspelled or undecorated hooks, options that reorder, nothing at all.

    Raises:
        PluginError: The module is not what it should be.
    """
    found = [hook for name in dir(module) if (hook := _hook_of(module, name))]
    if not found:
        message = "it implements no hook"
        raise PluginError(message, hint="decorate ltm_register_... with @hookimpl")
    return tuple(hook for hook in HOOKS if hook in found)


def _hook_of(module: object, name: str) -> str | None:
    value = getattr(module, name)
    if not inspect.isroutine(value):
        return None
    options = getattr(value, f"{hookspecs.PROJECT}_impl", None)
    if options is None:
        # A hook from ltm.hookspecs itself may well be imported under its own name.
        if name in HOOKS and value is not getattr(hookspecs, name):
            message = f"{name} is not decorated with @hookimpl"
            raise PluginError(message, hint="put @hookimpl above it, from ltm")
        return None
    hook = str(options.get("specname") or name)
    if hook not in HOOKS:
        near = suggestion(hook, HOOKS)
        message = f"there is no hook {hook}" + (f"; {near}" if near else "")
        raise PluginError(message, hint=f"the hooks are {', '.join(HOOKS)}")
    if refused := [option for option in _REFUSED_OPTIONS if options.get(option)]:
        message = f"{hook} may not be a hookimpl with {refused[0]}"
        raise PluginError(message, hint="write @hookimpl without options")
    return hook


def import_file(path: Path) -> object:
    """
    Import a Python file that is no package's, and return its module.

    Raises:
        PluginError: There is none, or others than its owner can write it.
    """
    if not path.is_file():
        message = f"{path} does not exist"
        raise PluginError(message)
    if path.stat().st_mode & 0o002:
        message = f"{path} can be written by others; run: chmod o-w {path}"
        raise PluginError(message)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        message = f"{path} is no Python file"
        raise PluginError(message)
    module = importlib.util.module_from_spec(spec)
    # The annotations of config classes are looked up there.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def told(error: BaseException) -> str:
    """
    Return an exception as one line without control characters, since it goes to terminals and logs (SEC-33).
    """
    if isinstance(error, LtmError):
        return error.message
    text = " ".join(redact(str(error)).split())[:_LONGEST]
    safe = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )
    return f"{type(error).__name__}: {safe}" if safe else type(error).__name__
