"""
The hooks: the page that plugin authors read.

A plugin is a module named by an entry point in the group `ltm`. It implements one or more of the
functions below, decorated with `hookimpl`, and offers what it has to the `register` object::

    from ltm import hookimpl

    LTM_API = 1


    @hookimpl
    def ltm_register_risk_rules(register):
        register("no_mondays", config=NoMondaysConfig, factory=NoMondays)

`LTM_API` says which plugin API the module is written for (`API_VERSION` below). It is read from
the source before anything is imported; a module without it is taken to be written for the first.

Hooks run once, when the program starts. Nothing on the order path is a hook call: what the
factory returns is called directly (`ltm.ports`). A factory imports what it needs itself, so that
listing plugins stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

    from ltm.ports import AlertSink, Broker, PositionSizer, RiskRule, SignalSource

PROJECT: Final = "ltm"
hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)

API_VERSION: Final = 1
"""The plugin API of this version of ltm: the hooks below, `ltm.ports` and `ltm.model`."""
OLDEST_API: Final = 1
"""The oldest one whose plugins still work."""

T_contra = TypeVar("T_contra", contravariant=True)


class Register(Protocol[T_contra]):
    """
    Takes the offers of a plugin, one call each.
    """

    def __call__(
        self, name: str, *, config: type[Any], factory: Callable[[Any], T_contra], summary: str = ""
    ) -> None:
        """
        Offer one thing.

        Args:
            name: What the configuration calls it; lower case, digits, underscores.
            config: An attrs class. Its fields, types, validators and docstrings are the schema,
                the help text of `ltm plugins show` and the error messages.
            factory: Called with one checked `config` object when a session needs the thing.
            summary: One sentence for listings; default: first line of the config's docstring.

        Raises:
            PluginError: The name is malformed, reserved or taken.
        """
        ...


# --- Called once for every allowed plugin, when the program starts ------------------------------


@hookspec
def ltm_register_brokers(register: Register[Broker]) -> None:
    """
    Offer broker adapters; the factory makes one account's `ltm.ports.Broker`.
    """


@hookspec
def ltm_register_risk_rules(register: Register[RiskRule]) -> None:
    """
    Offer risk rules; the factory makes one session's `ltm.ports.RiskRule`.
    """


@hookspec
def ltm_register_position_sizers(register: Register[PositionSizer]) -> None:
    """
    Offer position sizers; the factory makes one session's `ltm.ports.PositionSizer`.
    """


@hookspec
def ltm_register_alert_sinks(register: Register[AlertSink]) -> None:
    """
    Offer alert sinks; the factory makes one `ltm.ports.AlertSink`.
    """


@hookspec
def ltm_register_signal_sources(register: Register[SignalSource]) -> None:
    """
    Offer signal sources; the factory makes one session's `ltm.ports.SignalSource`.
    """


@hookspec
def ltm_add_commands(cli: click.Group) -> None:
    """
    Add sub-commands to the `ltm` command.
    """


# --- Called while a session runs ---------------------------------------------------------------


@hookspec
def ltm_observe(event: object) -> None:
    """
    See every event after it is durable. Read-only and isolated: never a veto, may be late.
    """
