"""
What happened: the closed union of facts a journal holds. Past tense, never changed, never removed.

A field may be added with a default; anything else is a new event. `at` is when we recorded it;
where the venue has a time of its own it is `occurred_at`.
"""

from __future__ import annotations

from ltm.core.events._agreement import (
    ActionRefused,
    CorporateActionApplied,
    DividendsReceived,
    DriftCleared,
    DriftFound,
    ForeignOrderSeen,
    InstrumentBlocked,
    PositionAdjusted,
    PositionIgnored,
    Reconciled,
)
from ltm.core.events._base import Event
from ltm.core.events._orders import (
    CancelIntended,
    CancelRejected,
    DenialOutline,
    FillReplaced,
    IntentOutline,
    OrderAbsent,
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderIntended,
    OrderLate,
    OrderRecalled,
    OrderRejected,
    OrderUnknown,
    ReplaceEnded,
    ReplaceIntended,
    SignalIgnored,
    Unexpected,
    VenueOrderSeen,
)
from ltm.core.events._session import (
    AccountBound,
    AlertAcknowledged,
    AlertDelivered,
    AlertRaised,
    BootRecorded,
    ClosesNoted,
    DayRolled,
    EquitySampled,
    FlattenAsked,
    FlowRecorded,
    InstrumentDefined,
    LifecycleChanged,
    LimitNeared,
    LinkChanged,
    MarksSampled,
    OperatorActed,
    RatesNoted,
    RecordLost,
    RuleFaulted,
    SessionOpened,
    StopsTrailed,
    TermsChanged,
    TradingHalted,
    TradingKilled,
    TradingPaused,
    TradingResumed,
    VenueAttested,
)

SessionEvent = (
    SessionOpened
    | TermsChanged
    | BootRecorded
    | ClosesNoted
    | AccountBound
    | LifecycleChanged
    | LinkChanged
    | LimitNeared
    | TradingPaused
    | FlattenAsked
    | TradingHalted
    | TradingKilled
    | TradingResumed
    | InstrumentDefined
    | RatesNoted
    | EquitySampled
    | MarksSampled
    | StopsTrailed
    | DayRolled
    | FlowRecorded
    | RuleFaulted
    | AlertRaised
    | AlertDelivered
    | AlertAcknowledged
    | RecordLost
    | OperatorActed
    | VenueAttested
    | SignalIgnored
    | OrderDenied
    | Unexpected
    | VenueOrderSeen
    | ForeignOrderSeen
    | PositionAdjusted
    | PositionIgnored
    | DriftFound
    | DriftCleared
    | InstrumentBlocked
    | CorporateActionApplied
    | ActionRefused
    | DividendsReceived
    | Reconciled
)
OrderEvent = (
    OrderIntended
    | OrderAccepted
    | OrderRejected
    | OrderUnknown
    | OrderAbsent
    | OrderLate
    | OrderRecalled
    | OrderFilled
    | FillReplaced
    | CancelIntended
    | CancelRejected
    | ReplaceIntended
    | ReplaceEnded
    | OrderCanceled
    | OrderExpired
)
AnyEvent = SessionEvent | OrderEvent
Outline = IntentOutline | DenialOutline
"""What a state is rebuilt from, of events that hold much more; never written."""

__all__ = [
    "AccountBound",
    "ActionRefused",
    "AlertAcknowledged",
    "AlertDelivered",
    "AlertRaised",
    "AnyEvent",
    "BootRecorded",
    "CancelIntended",
    "CancelRejected",
    "ClosesNoted",
    "CorporateActionApplied",
    "DayRolled",
    "DenialOutline",
    "DividendsReceived",
    "DriftCleared",
    "DriftFound",
    "EquitySampled",
    "Event",
    "FillReplaced",
    "FlattenAsked",
    "FlowRecorded",
    "ForeignOrderSeen",
    "InstrumentBlocked",
    "InstrumentDefined",
    "IntentOutline",
    "LifecycleChanged",
    "LimitNeared",
    "LinkChanged",
    "MarksSampled",
    "OperatorActed",
    "OrderAbsent",
    "OrderAccepted",
    "OrderCanceled",
    "OrderDenied",
    "OrderEvent",
    "OrderExpired",
    "OrderFilled",
    "OrderIntended",
    "OrderLate",
    "OrderRecalled",
    "OrderRejected",
    "OrderUnknown",
    "Outline",
    "PositionAdjusted",
    "PositionIgnored",
    "RatesNoted",
    "Reconciled",
    "RecordLost",
    "ReplaceEnded",
    "ReplaceIntended",
    "RuleFaulted",
    "SessionEvent",
    "SessionOpened",
    "SignalIgnored",
    "StopsTrailed",
    "TermsChanged",
    "TradingHalted",
    "TradingKilled",
    "TradingPaused",
    "TradingResumed",
    "Unexpected",
    "VenueAttested",
    "VenueOrderSeen",
]
