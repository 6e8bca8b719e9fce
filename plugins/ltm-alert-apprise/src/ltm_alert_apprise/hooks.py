"""
What this distribution offers to ltm; light, since it is imported to list plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm import hookimpl
from ltm_alert_apprise.config import AppriseConfig

if TYPE_CHECKING:
    from ltm.hookspecs import Register
    from ltm.ports import AlertSink


@hookimpl
def ltm_register_alert_sinks(register: Register[AlertSink]) -> None:
    """
    Offer the sink `apprise`.
    """
    register("apprise", config=AppriseConfig, factory=_sink)


def _sink(config: AppriseConfig) -> AlertSink:
    from ltm_alert_apprise.service import opened
    from ltm_alert_apprise.sink import AppriseSink

    return AppriseSink(config, opened(config.url, own_host=config.own_host))
