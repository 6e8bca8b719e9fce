"""What this distribution offers to ltm; light, since it is imported to list plugins."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs
from ltm import hookimpl
from ltm.model.checks import exact, positive

if TYPE_CHECKING:
    from ltm.hookspecs import Register
    from ltm.ports import RiskRule

LTM_API = 1


@attrs.frozen(kw_only=True)
class OrderValueConfig:
    """Limits what one order may be worth.

    Args:
        max_value: Largest worst-case value of one order, in the session's currency.
    """

    max_value: Decimal = attrs.field(converter=exact, validator=positive)


@hookimpl
def ltm_register_risk_rules(register: Register[RiskRule]) -> None:
    """Offer the rule `order_value`."""
    register("order_value", config=OrderValueConfig, factory=_rule)


def _rule(config: OrderValueConfig) -> RiskRule:
    from ltm_risk_order_value.rule import OrderValue

    return OrderValue(config.max_value)
