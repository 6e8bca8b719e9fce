"""
What this distribution offers to ltm; light, since it is imported to list plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm import hookimpl
from ltm_risk_position_size.config import PositionSizeConfig

if TYPE_CHECKING:
    from ltm.hookspecs import Register
    from ltm.ports import RiskRule

LTM_API = 1


@hookimpl
def ltm_register_risk_rules(register: Register[RiskRule]) -> None:
    """
    Offer the rule `position_size`.
    """
    register("position_size", config=PositionSizeConfig, factory=_rule)


def _rule(config: PositionSizeConfig) -> RiskRule:
    from ltm_risk_position_size.rule import PositionSize

    return PositionSize(config)
