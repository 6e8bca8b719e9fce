"""
The three state machines, as tables. Everything that moves a state is in this file.

Rule 1: a state changes only to what a table names.
Rule 2: every pair has an answer; `STALE` and `UNEXPECTED` are answers too, and change nothing.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final

from ltm.model.enums import Lifecycle, OrderStatus, TradingState


class Fact(StrEnum):
    """
    What can become known of an order.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    LATE = "late"
    FILLED_PARTLY = "filled_partly"
    FILLED_WHOLLY = "filled_wholly"
    CANCELED = "canceled"
    EXPIRED = "expired"


class NoMove(Enum):
    """
    Why a fact moves nothing.
    """

    STALE = "stale"
    """Known already, or overtaken: counted, not recorded."""
    UNEXPECTED = "unexpected"
    """Should not happen: recorded as `Unexpected`."""


_S = OrderStatus
_F = Fact
STALE: Final = NoMove.STALE
UNEXPECTED: Final = NoMove.UNEXPECTED

# Before any answer, everything the venue may say is possible, fills before the ack included.
_UNANSWERED: Final[dict[Fact, OrderStatus | NoMove]] = {
    _F.ACCEPTED: _S.ACCEPTED,
    _F.REJECTED: _S.REJECTED,
    _F.UNKNOWN: _S.UNKNOWN,
    _F.ABSENT: _S.ABSENT,
    _F.LATE: UNEXPECTED,
    _F.FILLED_PARTLY: _S.PARTIALLY_FILLED,
    _F.FILLED_WHOLLY: _S.FILLED,
    _F.CANCELED: _S.CANCELED,
    _F.EXPIRED: _S.EXPIRED,
}

ORDER_TABLE: Final[dict[OrderStatus, dict[Fact, OrderStatus | NoMove]]] = {
    _S.DENIED: dict.fromkeys(Fact, UNEXPECTED),  # nothing was sent
    _S.INTENDED: _UNANSWERED,
    _S.SUBMITTED: _UNANSWERED,
    _S.UNKNOWN: {**_UNANSWERED, _F.UNKNOWN: STALE},
    _S.ACCEPTED: {
        _F.ACCEPTED: STALE,
        _F.REJECTED: _S.REJECTED,  # venues do reject after the ack
        _F.UNKNOWN: STALE,  # the stream was faster than the lost reply
        _F.ABSENT: UNEXPECTED,
        _F.LATE: STALE,
        _F.FILLED_PARTLY: _S.PARTIALLY_FILLED,
        _F.FILLED_WHOLLY: _S.FILLED,
        _F.CANCELED: _S.CANCELED,
        _F.EXPIRED: _S.EXPIRED,
    },
    _S.PARTIALLY_FILLED: {
        _F.ACCEPTED: STALE,
        _F.REJECTED: _S.REJECTED,  # the rest is refused, the fills stay
        _F.UNKNOWN: STALE,
        _F.ABSENT: UNEXPECTED,
        _F.LATE: STALE,
        _F.FILLED_PARTLY: _S.PARTIALLY_FILLED,
        _F.FILLED_WHOLLY: _S.FILLED,
        _F.CANCELED: _S.CANCELED,
        _F.EXPIRED: _S.EXPIRED,
    },
    _S.FILLED: {
        _F.ACCEPTED: STALE,
        _F.REJECTED: UNEXPECTED,
        _F.UNKNOWN: STALE,
        _F.ABSENT: UNEXPECTED,
        _F.LATE: STALE,
        _F.FILLED_PARTLY: _S.FILLED,  # overfill: the money is real, book it
        _F.FILLED_WHOLLY: _S.FILLED,
        _F.CANCELED: STALE,  # the fill won the race
        _F.EXPIRED: STALE,
    },
    _S.CANCELED: {
        _F.ACCEPTED: STALE,
        _F.REJECTED: STALE,
        _F.UNKNOWN: STALE,
        _F.ABSENT: UNEXPECTED,
        _F.LATE: STALE,
        _F.FILLED_PARTLY: _S.CANCELED,  # venues do report fills after the cancel
        _F.FILLED_WHOLLY: _S.FILLED,
        _F.CANCELED: STALE,
        _F.EXPIRED: STALE,
    },
    _S.REJECTED: {
        _F.ACCEPTED: UNEXPECTED,
        _F.REJECTED: STALE,
        _F.UNKNOWN: STALE,
        _F.ABSENT: STALE,
        _F.LATE: UNEXPECTED,
        _F.FILLED_PARTLY: _S.REJECTED,
        _F.FILLED_WHOLLY: _S.FILLED,
        _F.CANCELED: STALE,
        _F.EXPIRED: STALE,
    },
    _S.EXPIRED: {
        _F.ACCEPTED: STALE,
        _F.REJECTED: STALE,
        _F.UNKNOWN: STALE,
        _F.ABSENT: UNEXPECTED,
        _F.LATE: STALE,
        _F.FILLED_PARTLY: _S.EXPIRED,
        _F.FILLED_WHOLLY: _S.FILLED,
        _F.CANCELED: STALE,
        _F.EXPIRED: STALE,
    },
    _S.ABSENT: {
        _F.ACCEPTED: UNEXPECTED,  # `OrderLate` has to come first
        _F.REJECTED: STALE,
        _F.UNKNOWN: STALE,
        _F.ABSENT: STALE,
        _F.LATE: _S.ACCEPTED,  # a late request was executed after all (F18)
        _F.FILLED_PARTLY: UNEXPECTED,
        _F.FILLED_WHOLLY: UNEXPECTED,
        _F.CANCELED: STALE,
        _F.EXPIRED: STALE,
    },
}

TERMINAL: Final = frozenset({_S.DENIED, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED, _S.ABSENT})
"""Counts as no longer open in every limit; only late fills and `OrderLate` speak up after it."""

_L = Lifecycle
SESSION_TABLE: Final[dict[Lifecycle, frozenset[Lifecycle]]] = {
    _L.CREATED: frozenset({_L.STARTING}),
    _L.STARTING: frozenset({_L.STARTING, _L.RECONCILING, _L.STOPPING, _L.FAILED}),
    # A crash leaves any of these behind: start-up and recovery are one path.
    _L.RECONCILING: frozenset({_L.STARTING, _L.RUNNING, _L.STOPPING, _L.FAILED}),
    _L.RUNNING: frozenset({_L.STARTING, _L.RECONCILING, _L.STOPPING, _L.FAILED}),
    _L.STOPPING: frozenset({_L.STARTING, _L.STOPPED, _L.FAILED}),
    _L.STOPPED: frozenset({_L.STARTING}),
    _L.FAILED: frozenset({_L.STARTING}),
}

RANK: Final = {
    TradingState.ACTIVE: 0,
    TradingState.REDUCING: 1,
    TradingState.HALTED: 2,
    TradingState.KILLED: 3,
}
"""The trading state is the highest of all latches: it only goes down by lifting them."""


def next_status(status: OrderStatus, fact: Fact) -> OrderStatus | NoMove:
    """
    Return where a fact takes an order, or why it takes it nowhere.
    """
    return ORDER_TABLE[status][fact]
