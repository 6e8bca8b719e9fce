"""
How life cycle, latches, day, money and alerts change the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm.core import bases
from ltm.core.booking import set_exit_levels, set_rate
from ltm.core.exposure import join_groups, rate_of, touch
from ltm.core.latches import Latch
from ltm.core.lifecycle import SESSION_TABLE
from ltm.core.outbox import OpenAlert
from ltm.core.state import KEEP_ALERTS, Slot, State
from ltm.core.tallies import note_roll
from ltm.model.enums import Side, TradingState
from ltm.model.errors import JournalError
from ltm.model.numbers import ZERO

if TYPE_CHECKING:
    from ltm.core import events as e
    from ltm.model.instrument import Instrument


def session_opened(state: State, event: e.SessionOpened) -> None:
    del state, event  # the state was made from it: `new_state`


def terms_changed(state: State, event: e.TermsChanged) -> None:
    state.spec = event.spec
    state.arm()
    for slot in state.slots.values():
        set_exit_levels(state, slot)
        join_groups(state, slot)


def boot_recorded(state: State, event: e.BootRecorded) -> None:
    state.boots += 1
    state.manifest = event.manifest
    state.link_up = False
    state.reconciled_at = None


def account_bound(state: State, event: e.AccountBound) -> None:
    state.account = event.account
    if event.cash_base is not None:
        state.cash_base = event.cash_base


def lifecycle_changed(state: State, event: e.LifecycleChanged) -> None:
    if event.to not in SESSION_TABLE[state.lifecycle]:
        message = f"journal moves the session from {state.lifecycle} to {event.to}"
        raise JournalError(message, code="LTM-JNL-005", hint="ltm journal verify names the record")
    state.lifecycle = event.to


def link_changed(state: State, event: e.LinkChanged) -> None:
    state.link_up = event.up
    if not event.up:
        state.reconciled_at = None


def _latch(state: State, latch: Latch) -> None:
    state.latches[latch.code] = latch
    state.settle_trading_state()


def trading_paused(state: State, event: e.TradingPaused) -> None:
    _latch(
        state,
        Latch(
            TradingState.REDUCING,
            event.code,
            event.message,
            event.at,
            event.by,
            event.measured,
            event.limit,
            event.until_roll,
        ),
    )


def flatten_asked(state: State, event: e.FlattenAsked) -> None:
    for symbol in event.symbols or state.slots:
        state.slots[symbol].to_close = True


def trading_halted(state: State, event: e.TradingHalted) -> None:
    _latch(state, Latch(TradingState.HALTED, event.code, event.message, event.at, event.by))


def trading_killed(state: State, event: e.TradingKilled) -> None:
    _latch(state, Latch(TradingState.KILLED, event.code, event.message, event.at, event.by))


def trading_resumed(state: State, event: e.TradingResumed) -> None:
    for code in event.codes:
        state.latches.pop(code, None)
        state.faulted.pop(code.removeprefix("rule_fault:"), None)
    if "journal_repaired" in event.codes:
        state.lost_count = 0
    if event.reset_peak:
        bases.rebase(state)
        state.rebases += 1
    if "unexplained_cash" in event.codes:
        state.cash_base = None  # a person has classified it: compare afresh from here
    if event.second_base is not None:
        bases.override(state, event.second_base)
    for slot in state.slots.values():
        slot.to_close = False
    state.settle_trading_state()


def instrument_defined(state: State, event: e.InstrumentDefined) -> None:
    instrument = event.instrument
    slot = state.slots.get(instrument.symbol)
    if slot is None:
        slot = state.slots[instrument.symbol] = Slot(instrument)
    else:
        _forget_aliases(state, slot.instrument)
        slot.instrument = instrument
        slot.fault = instrument.fault()
    for alias in instrument.aliases:
        state.aliases.setdefault(alias, []).append(instrument.symbol)
    slot.fx = state.fx.get(instrument.currency)
    slot.rate_of = rate_of(instrument, state.spec.currency)
    state.use_currency(instrument.currency)
    join_groups(state, slot)


def _forget_aliases(state: State, instrument: Instrument) -> None:
    for alias in instrument.aliases:
        state.aliases[alias].remove(instrument.symbol)


def rates_noted(state: State, event: e.RatesNoted) -> None:
    for currency, rate in event.rates.items():
        if state.fx.get(currency) != rate:
            set_rate(state, currency, rate)
    state.fx_moved = False


def equity_sampled(state: State, event: e.EquitySampled) -> None:
    for symbol, price in event.marks.items():
        slot = state.slots[symbol]
        slot.mark = price
        touch(slot)
    state.equity = event.equity
    state.peak = event.peak_equity
    state.highs.day_peak, state.highs.loss_peak = event.day_peak, event.loss_peak
    bases.settle(state)
    state.sampled_at = event.at


def marks_sampled(state: State, event: e.MarksSampled) -> None:
    if state.sample_distance != event.seconds:
        # Samples taken at another distance would be read as if they were taken at this one.
        state.sample_distance = event.seconds
        for slot in state.slots.values():
            slot.samples = ()
    for symbol, mark in event.marks.items():
        slot = state.slots[symbol]
        slot.samples = (*slot.samples, mark)[-event.keep :]


def stops_trailed(state: State, event: e.StopsTrailed) -> None:
    for symbol, best in event.best.items():
        slot = state.slots[symbol]
        slot.best = slot.best_noted = best
        set_exit_levels(state, slot)


def day_rolled(state: State, event: e.DayRolled) -> None:
    state.trading_date = event.trading_date
    state.first_date = state.first_date or event.trading_date
    bases.roll(state, event.day_start_equity, event.day_peak)
    state.orders_today = 0
    if state.spec.market:
        for slot in state.slots.values():
            slot.bought = ZERO
            slot.previous_close = None
        _keep_bought(state)
    note_roll(state.tallies)
    for code in [code for code, latch in state.latches.items() if latch.until_roll]:
        del state.latches[code]
    state.settle_trading_state()


def _keep_bought(state: State) -> None:
    # What was executed on the new date and booked before a late roll was bought today all the same (C17).
    for order in (*state.orders.values(), *state.closed.values()):
        if order.side is Side.BUY:
            slot = state.slots[order.symbol]
            slot.bought += sum(
                (fill.quantity for fill in order.fills.values() if fill.traded_on == state.trading_date), ZERO
            )


def closes_noted(state: State, event: e.ClosesNoted) -> None:
    for symbol, close in event.closes.items():
        state.slots[symbol].previous_close = close


def flow_recorded(state: State, event: e.FlowRecorded) -> None:
    # Every stored base moves in proportion, so that money that comes hides no loss (RSK-04).
    before = state.equity
    currency = state.spec.currency
    state.cash[currency] = state.cash.get(currency, ZERO) + event.amount
    state.flows += event.amount
    state.rebases += 1
    state.equity += event.amount
    if before > 0:
        bases.scale(state, before)


def limit_neared(state: State, event: e.LimitNeared) -> None:
    key = f"{event.limit}:{event.symbol}"
    if event.stage:
        state.near[key] = event.stage
    else:
        state.near.pop(key, None)


def rule_faulted(state: State, event: e.RuleFaulted) -> None:
    state.faulted[event.name] = event.detail


def alert_raised(state: State, event: e.AlertRaised) -> None:
    state.alerts[event.alert_id] = OpenAlert(
        event.alert_id, event.severity, event.code, event.message, event.at
    )
    while len(state.alerts) > KEEP_ALERTS:
        done = next((key for key, alert in state.alerts.items() if alert.delivered_to), None)
        if done is None:
            return
        del state.alerts[done]


def alert_delivered(state: State, event: e.AlertDelivered) -> None:
    alert = state.alerts.get(event.alert_id)
    if alert is not None:
        alert.delivered_to.append(event.sink)


def alert_acknowledged(state: State, event: e.AlertAcknowledged) -> None:
    alert = state.alerts.get(event.alert_id)
    if alert is not None:
        alert.acknowledged_at = event.at


def only_told(state: State, event: e.OperatorActed | e.VenueAttested) -> None:
    del state, event  # for people: what came of it has records of its own


def record_lost(state: State, event: e.RecordLost) -> None:
    """
    Count a record that is gone: what it said has to come from the venue.
    """
    del event
    state.lost_count += 1
