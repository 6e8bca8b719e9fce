"""
What a plugin offers: a name, the schema of its settings, and a way to make the thing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import attrs

Kind = Literal["broker", "risk_rule", "position_sizer", "alert_sink", "signal_source"]

KINDS: Final[dict[Kind, str]] = {
    "broker": "broker",
    "risk_rule": "risk rule",
    "position_sizer": "sizer",
    "alert_sink": "alert sink",
    "signal_source": "signal source",
}
"""Every kind of plugin, and what people call it."""


@attrs.frozen(kw_only=True)
class Offer:
    """
    One thing that the configuration can name.
    """

    kind: Kind
    name: str
    config: type[Any]
    """An attrs class; `ltm.config` builds it from the plugin's table."""
    factory: Callable[[Any], Any]
    """Takes one checked `config` object."""
    summary: str
    distribution: str
    version: str
    module: str
