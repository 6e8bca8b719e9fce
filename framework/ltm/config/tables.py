"""
What a checked configuration consists of, and the tables around `[session]`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import attrs

from ltm.config.session import NaiveTimestamps
from ltm.model.offer import Kind, Offer
from ltm.model.spec import DEFAULT_RULES, SessionSpec


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


@attrs.frozen(kw_only=True)
class PluginsTable:
    """
    What `[plugins]` may say.
    """

    allow: tuple[str, ...] = ()
    """Distributions whose plugins may be imported: names, globs such as `ltm-risk-*`, either with `==version`."""
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
