"""
Closed vocabularies, spelled as FIX 4.4 and the field spell them.
"""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """
    Direction of an order or a fill (FIX 54).
    """

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """
    How an order may execute (FIX 40).
    """

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"


class TimeInForce(StrEnum):
    """
    How long an order stays (FIX 59).
    """

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"


class OrderStatus(StrEnum):
    """
    Where an order stands in its life; the transitions are in `ltm.core.lifecycle`.
    """

    DENIED = "denied"
    INTENDED = "intended"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    ABSENT = "absent"


class Purpose(StrEnum):
    """
    Why an order exists.
    """

    SIGNAL = "signal"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    TAKE_PROFIT = "take_profit"
    FLATTEN = "flatten"
    FOREIGN = "foreign"


class Lifecycle(StrEnum):
    """
    First axis of a session: is it up?
    """

    CREATED = "created"
    STARTING = "starting"
    RECONCILING = "reconciling"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class TradingState(StrEnum):
    """
    Second axis of a session: what may it send? Only a person goes up again.
    """

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"
    KILLED = "killed"


class Severity(StrEnum):
    """
    How urgent an alert is.
    """

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Action(StrEnum):
    """
    What a signal asks for.
    """

    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"
