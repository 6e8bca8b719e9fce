"""
The armed report: what limits a session trades under, each tested before anything is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ltm.config.tables import settings_of
from ltm.core.armed import Armed, armed
from ltm.core.bench import Subject
from ltm.model.errors import BrokerConnectionError, PluginError
from ltm.model.reports import Capabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltm.config import SessionConfig
    from ltm.ports.broker import Broker
    from ltm.ports.rules import PositionSizer, RiskRule


def armed_report(
    config: SessionConfig, rules: Sequence[RiskRule], sizer: PositionSizer, capabilities: Capabilities
) -> tuple[Armed, ...]:
    """
    Return every limit of a session, judged just inside and just outside.

    Raises:
        PluginError: One of them does not hold.
    """
    settings = {
        chosen.name: ", ".join(f"{name} = {text}" for name, text in settings_of(chosen).items())
        for chosen in config.rules
    }
    subject = Subject(
        spec=config.spec, rules=rules, sizer=sizer, capabilities=capabilities, openings=config.openings
    )
    report = armed(subject, settings)
    broken = [row.limit for row in report if row.proof == "broken"]
    if broken:
        message = (
            f"session {config.spec.session_id}: {', '.join(broken)} must refuse what is beyond its limit"
        )
        hint = "it let pass more than it says; report it to whoever made it, and do not trade with it"
        raise PluginError(message, code="LTM-PLG-030", field="risk", hint=hint)
    return report


def report_of(config: SessionConfig) -> tuple[Armed, ...]:
    """
    Return the same from a configuration alone.

    Raises:
        LtmError: A factory refuses its settings, or a limit does not hold.
    """
    rules = tuple(cast("RiskRule", rule.offer.factory(rule.config)) for rule in config.rules)
    sizer = cast("PositionSizer", config.sizer.offer.factory(config.sizer.config))
    broker = cast("Broker", config.broker.offer.factory(config.broker.config))
    try:
        capabilities = broker.capabilities
    except BrokerConnectionError:
        # Some adapters learn what their venue can do from the venue itself.
        capabilities = Capabilities(name=config.broker.name)
    return armed_report(config, rules, sizer, capabilities)
