"""
What the mock broker offers to ltm; light, since it is imported to list plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm.brokers.mock.config import MockConfig
from ltm.hookspecs import hookimpl

if TYPE_CHECKING:
    from ltm.hookspecs import Register
    from ltm.ports import Broker


@hookimpl
def ltm_register_brokers(register: Register[Broker]) -> None:
    """
    Offer the broker `mock`.
    """
    register("mock", config=MockConfig, factory=_broker)


def _broker(config: MockConfig) -> Broker:
    from ltm.brokers.mock.broker import open_broker

    return open_broker(config)
