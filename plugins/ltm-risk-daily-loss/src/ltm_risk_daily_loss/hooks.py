"""
What this distribution offers to ltm; light, since it is imported to list plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm import hookimpl
from ltm_risk_daily_loss.config import DailyLossConfig

if TYPE_CHECKING:
    from ltm.hookspecs import Register
    from ltm.ports import RiskRule

LTM_API = 1


@hookimpl
def ltm_register_risk_rules(register: Register[RiskRule]) -> None:
    """
    Offer the rule `daily_loss`.
    """
    register("daily_loss", config=DailyLossConfig, factory=_rule)


def _rule(config: DailyLossConfig) -> RiskRule:
    from ltm_risk_daily_loss.rule import DailyLoss

    return DailyLoss(config)
