"""
Protocols that the outside implements; nothing here does anything.
"""

from ltm.ports.broker import Broker, Deliver, Paced
from ltm.ports.rules import (
    CannotSize,
    EquityBases,
    EquityRule,
    GroupExposure,
    GroupingRule,
    GroupLimitRule,
    PositionRule,
    PositionSizer,
    PositionView,
    RiskRule,
    RiskSnapshot,
    Sampling,
    SamplingSizer,
    SizingView,
    TargetSizer,
    TrippingRule,
)
from ltm.ports.shell import AlertSink, Clock, Journal, Record, SignalSource

__all__ = [
    "AlertSink",
    "Broker",
    "CannotSize",
    "Clock",
    "Deliver",
    "EquityBases",
    "EquityRule",
    "GroupExposure",
    "GroupLimitRule",
    "GroupingRule",
    "Journal",
    "Paced",
    "PositionRule",
    "PositionSizer",
    "PositionView",
    "Record",
    "RiskRule",
    "RiskSnapshot",
    "Sampling",
    "SamplingSizer",
    "SignalSource",
    "SizingView",
    "TargetSizer",
    "TrippingRule",
]
