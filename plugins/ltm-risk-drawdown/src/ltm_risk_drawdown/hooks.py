"""
What this distribution offers to ltm; light, since it is imported to list plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm import hookimpl
from ltm_risk_drawdown.config import DrawdownConfig

if TYPE_CHECKING:
    from ltm.hookspecs import Register
    from ltm.ports import RiskRule

LTM_API = 1


@hookimpl
def ltm_register_risk_rules(register: Register[RiskRule]) -> None:
    """
    Offer the rule `drawdown`.
    """
    register("drawdown", config=DrawdownConfig, factory=_rule)


def _rule(config: DrawdownConfig) -> RiskRule:
    from ltm_risk_drawdown.rule import Drawdown

    return Drawdown(config)
