"""
How each event changes the state. Pure in effect: the same events give the same state, always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ltm.core import events as e
from ltm.core.evolve import _agreement, _corporate, _orders, _session

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltm.core.state import State


def evolve(state: State, event: e.AnyEvent | e.Outline) -> None:
    """
    Apply one event, the next in sequence, to the state it belongs to.
    """
    state.sequence += 1
    _EVOLVE[type(event)](state, event)


_EVOLVE: Final[dict[type[e.AnyEvent | e.Outline], Callable[[State, Any], None]]] = {
    e.SessionOpened: _session.session_opened,
    e.TermsChanged: _session.terms_changed,
    e.BootRecorded: _session.boot_recorded,
    e.AccountBound: _session.account_bound,
    e.LifecycleChanged: _session.lifecycle_changed,
    e.LinkChanged: _session.link_changed,
    e.TradingPaused: _session.trading_paused,
    e.FlattenAsked: _session.flatten_asked,
    e.TradingHalted: _session.trading_halted,
    e.TradingKilled: _session.trading_killed,
    e.TradingResumed: _session.trading_resumed,
    e.InstrumentDefined: _session.instrument_defined,
    e.RatesNoted: _session.rates_noted,
    e.EquitySampled: _session.equity_sampled,
    e.MarksSampled: _session.marks_sampled,
    e.StopsTrailed: _session.stops_trailed,
    e.DayRolled: _session.day_rolled,
    e.ClosesNoted: _session.closes_noted,
    e.FlowRecorded: _session.flow_recorded,
    e.LimitNeared: _session.limit_neared,
    e.RuleFaulted: _session.rule_faulted,
    e.AlertRaised: _session.alert_raised,
    e.AlertDelivered: _session.alert_delivered,
    e.AlertAcknowledged: _session.alert_acknowledged,
    e.RecordLost: _session.record_lost,
    e.OperatorActed: _session.only_told,
    e.VenueAttested: _session.only_told,
    e.SignalIgnored: _orders.signal_ignored,
    e.OrderDenied: _orders.order_denied,
    e.DenialOutline: _orders.order_denied,
    e.OrderIntended: _orders.order_intended,
    e.IntentOutline: _orders.order_intended,
    e.OrderAccepted: _orders.order_accepted,
    e.OrderRejected: _orders.order_rejected,
    e.OrderUnknown: _orders.order_unknown,
    e.OrderAbsent: _orders.order_absent,
    e.OrderLate: _orders.order_late,
    e.OrderRecalled: _orders.order_recalled,
    e.OrderFilled: _orders.order_filled,
    e.FillReplaced: _orders.fill_replaced,
    e.CancelIntended: _orders.cancel_intended,
    e.CancelRejected: _orders.cancel_rejected,
    e.ReplaceIntended: _orders.replace_intended,
    e.ReplaceEnded: _orders.replace_ended,
    e.OrderCanceled: _orders.order_canceled,
    e.OrderExpired: _orders.order_expired,
    e.Unexpected: _orders.unexpected,
    e.VenueOrderSeen: _orders.venue_order_seen,
    e.ForeignOrderSeen: _agreement.foreign_order_seen,
    e.PositionAdjusted: _agreement.position_adjusted,
    e.PositionIgnored: _agreement.position_ignored,
    e.DriftFound: _agreement.drift_found,
    e.DriftCleared: _agreement.drift_cleared,
    e.CorporateActionApplied: _corporate.corporate_action_applied,
    e.ActionRefused: _corporate.action_refused,
    e.DividendsReceived: _corporate.dividends_received,
    e.InstrumentBlocked: _agreement.instrument_blocked,
    e.Reconciled: _agreement.reconciled,
}
