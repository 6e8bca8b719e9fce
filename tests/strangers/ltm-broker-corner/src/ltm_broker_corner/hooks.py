"""What this distribution offers to ltm; light, since it is imported to list plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm import hookimpl

from ltm_broker_corner.config import CornerConfig

if TYPE_CHECKING:
    from ltm.hookspecs import Register
    from ltm.ports import Broker

LTM_API = 1


@hookimpl
def ltm_register_brokers(register: Register[Broker]) -> None:
    """Offer the broker `corner`."""
    register("corner", config=CornerConfig, factory=_broker)


def _broker(config: CornerConfig) -> Broker:
    from ltm_broker_corner.broker import Corner

    return Corner(config)
