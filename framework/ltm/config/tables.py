"""
What a checked configuration consists of, and the tables around `[session]`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Protocol

import attrs

from ltm.config.session import NaiveTimestamps
from ltm.model.enums import Severity
from ltm.model.errors import ConfigError, shown
from ltm.model.hours import Openings
from ltm.model.offer import Kind, Offer
from ltm.model.schema import field_rows, toml_of
from ltm.model.spec import DEFAULT_RULES, SessionSpec

_ALLOWED: Final = re.compile(r"[A-Za-z0-9*?._-]+( *== *[A-Za-z0-9.!+_-]+)?( +sha256:[0-9a-f]{64})?", re.ASCII)


class Catalogue(Protocol):
    """
    What the configuration needs to know of plugins; `ltm.registry.Registry` is one.
    """

    def offer(self, kind: Kind, name: str) -> Offer:
        """
        Return an offer, or raise `ConfigError` or `PluginError`.
        """
        ...

    def names(self, kind: Kind) -> list[str]:
        """
        Return the names that can be used for this kind.
        """
        ...

    def offers(self) -> list[Offer]:
        """
        Return everything on offer.
        """
        ...


@attrs.frozen(kw_only=True)
class Chosen:
    """
    A plugin that a session uses, with its checked settings: `offer.factory(config)` makes the thing.
    """

    name: str
    config: Any
    offer: Offer
    minimum: Severity = Severity.INFO
    """Alert sinks only: the least severity it is told about."""


def settings_of(chosen: Chosen) -> dict[str, str]:
    """
    Return a plugin's settings as the file would say them; those that say nothing are left out.
    """
    values = {row.name: toml_of(getattr(chosen.config, row.name)) for row in field_rows(type(chosen.config))}
    return {name: text for name, text in values.items() if text not in {"", "{}", "[]"}}


@attrs.frozen(kw_only=True)
class SessionConfig:
    """
    Everything that one session is made of.
    """

    spec: SessionSpec
    broker: Chosen
    sizer: Chosen
    rules: tuple[Chosen, ...]
    signals: tuple[Chosen, ...]
    alerts: tuple[Chosen, ...]
    naive_timestamps: NaiveTimestamps
    accept_no_limits: bool
    openings: Openings | None = None
    """What the exchange's calendar knows, where the terms name one."""


@attrs.frozen(kw_only=True)
class LtmConfig:
    """
    One checked configuration.
    """

    sessions: tuple[SessionConfig, ...]
    base: Path
    notices: tuple[str, ...]
    allow: tuple[str, ...]
    local: Path | None


def _distributions(_: object, attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    # An entry that can never match would keep out what somebody wants in, without a word.
    for index, entry in enumerate(value):
        if not _ALLOWED.fullmatch(entry):
            field = f"{attribute.name}[{index}]"
            message = f"{field} must be a distribution, a glob or name==version, got {shown(entry)}"
            hint = 'for example "ltm-risk-*" or "ltm-broker-x==1.2"'
            raise ConfigError(message, code="LTM-CFG-112", field=field, got=entry, hint=hint)


@attrs.frozen(kw_only=True)
class PluginsTable:
    """
    What `[plugins]` may say.
    """

    allow: tuple[str, ...] = attrs.field(default=(), validator=_distributions)
    """Distributions whose plugins may be imported: names, globs such as `ltm-risk-*`, either with `==version`, and
    with `sha256:...` of its code as `ltm plugins list --json` shows it."""
    local: bool = False
    """Load the hooks in `ltmfile.py` beside this file; it runs with all your rights."""


@attrs.frozen(kw_only=True)
class RiskTable:
    """
    What `[risk]` may say besides one table for each rule.
    """

    required: tuple[str, ...] = DEFAULT_RULES
    """Rules without which no session starts; with `[]`, `i_accept_no_limits` is needed."""
    i_accept_no_limits: bool = False
    """Say that trading without any required limit is meant."""
