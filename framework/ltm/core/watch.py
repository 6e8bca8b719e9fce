"""
What is looked after between orders: equity floors, stop losses, timers, samples, the day's roll.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.a_shares import note_closes
from ltm.core.bases import bases_of, raise_peaks
from ltm.core.blindness import watch_blindness, watch_rates
from ltm.core.calendar import watch_calendar
from ltm.core.cancels import cancel, is_unwanted, send_cancel
from ltm.core.effects import Sweep
from ltm.core.facts import ask
from ltm.core.limits import watch_limits
from ltm.core.links import watch_clock, watch_link
from ltm.core.orders import Item, blame, raise_alert
from ltm.core.risk import AtPlugin, raised
from ltm.core.samples import sample_marks
from ltm.core.trailing import note_best
from ltm.core.trips import keep_flattening, trip
from ltm.model.enums import OrderStatus, Purpose, Severity
from ltm.model.errors import shown
from ltm.model.numbers import RULES, ZERO, plain, ratio
from ltm.model.results import EquityFloor
from ltm.ports.rules import TrippingRule

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ltm.core.context import Context
    from ltm.core.state import OrderState, State
    from ltm.ports.rules import EquityRule

_STAGES: Final = (Decimal("0.7"), Decimal("0.9"))
_BLIND: Final = Decimal("-Infinity")
SWEEP_SECONDS: Final = 30.0
WARN_AFTER: Final = 10.0
CRITICAL_AFTER: Final = 60.0


# --- Equity floors ------------------------------------------------------------------------------


def watch_equity(state: State, context: Context) -> Iterator[Item]:
    """
    Compare equity with every continuous rule's floor; stop entries where one is reached.

    Also raises the peak after a fill, and sets the level at which marks call again: the next floor or
    warning below equity.
    """
    watch = context.watch
    if state.equity > state.high and watch.settled:
        raise_peaks(state, state.equity)
        watch.peaked = True
    alarm = _BLIND
    for name, rule in context.equity_rules:
        if name in state.latches:
            continue
        floor = _floor(rule, state)
        if isinstance(floor, str):
            yield from blame(state, context, [(name, floor)])
            continue
        level = max(floor.floor, ZERO)
        equity = _believed(state, context, rule)
        if equity <= level and _counts(state, context, rule):
            yield from trip(state, context, name, rule, floor=floor, equity=equity)
        else:
            warning = yield from _warn(state, context, name, floor)
            alarm = max(alarm, level, warning)
    watch.alarm = alarm
    watch.look = False


def _believed(state: State, context: Context, rule: EquityRule) -> Decimal:
    # Equity, less what the rule takes for lost of instruments whose price nobody knows (RSK-22).
    if not context.stale or not isinstance(rule, TrippingRule) or not rule.degraded_haircut:
        return state.equity
    unseen = sum((abs(state.slots[symbol].market_value) for symbol in context.stale), ZERO)
    return state.equity - RULES.multiply(rule.degraded_haircut, unseen)


def _counts(state: State, context: Context, rule: EquityRule) -> bool:
    # Equity means something once the books agree with the venue, the day's loss once its base is settled.
    if state.reconciled_at is None or state.trading_date is None:
        return False
    if not rule.unlatches_at_roll or context.boot_equity is None:
        return True
    return context.trading_date() <= state.trading_date


def _floor(rule: EquityRule, state: State) -> EquityFloor | str:
    with AtPlugin():
        try:
            floor: object = rule.equity_floor(bases_of(state))
        except BaseException as error:  # noqa: BLE001 - plugin boundary: a rule that fails, stops entries
            return raised(error)
    if type(floor) is EquityFloor:
        levels: tuple[object, object] = (floor.base, floor.floor)
        if all(type(level) is Decimal and level.is_finite() for level in levels):
            return floor
    return f"answered {shown(floor)} as floor"


def _warn(state: State, context: Context, name: str, floor: EquityFloor) -> Generator[Item, None, Decimal]:
    # Alerts once at 70 % and once at 90 % of the way down, and again after a new base (RSK-22, C44).
    base, warned = context.warned.get(name, (ZERO, 0))
    stage = warned if base == floor.base else 0
    room = floor.base - floor.floor
    levels = [floor.base - room * share for share in _STAGES]
    reached = sum(state.equity <= level for level in levels)
    if reached > stage and context.watch.settled and room > 0:
        used = ratio(floor.base - state.equity, room)
        message = f"equity {plain(state.equity)} has used {plain(used)} of the {name} limit"
        yield raise_alert(state, context, Severity.WARNING, f"{name}_near", message)
        stage = reached
    context.warned[name] = (floor.base, stage)
    return levels[stage] if stage < len(levels) else _BLIND


# --- Time ---------------------------------------------------------------------------------------


def tick(state: State, context: Context) -> Iterator[Item]:
    """
    Do what is due: once a second prices, roll and timers; now and then a sample and a sweep.
    """
    if context.mono < context.second_at:
        return
    context.second_at = context.mono + 1.0
    check_prices(state, context)
    yield from note_rates(state, context)
    yield from roll(state, context)
    yield from watch_rates(state, context)
    yield from watch_blindness(state, context)
    yield from watch_limits(state, context)
    yield from watch_link(state, context)
    yield from watch_clock(state, context)
    yield from watch_calendar(state, context)
    for order in list(state.orders.values()):
        yield from _look_after(state, context, order)
    keep_flattening(state, context)
    # Exits that wait for a cancel, a retry or an opening are looked at again.
    context.watch.exits += [slot for slot in state.held() if slot.flatten or slot.exit_armed]
    if context.mono >= context.sample_at:
        yield from sample(state, context)
    yield from note_best(state, context)
    if context.sampling is not None:
        yield from sample_marks(state, context, context.sampling)
    if context.mono >= context.sweep_at and state.link_up and not context.sweeping:
        yield Sweep(state.sequence)


def urgent(state: State, context: Context) -> float | None:
    """
    Return the monotonic time before which a market that owns its time must not go on: the next
    question about an unknown order, or the next cancel to repeat. None: nothing waits.
    """
    due = [
        order.query_at if order.status is OrderStatus.UNKNOWN else order.cancel_at
        for order in state.orders.values()
        if order.cancel_pending or order.status is OrderStatus.UNKNOWN
    ]
    if context.cash_seen is not None or any(slot.drift_seen is not None for slot in state.slots.values()):
        due.append(context.sweep_at)
    return max(min(due), context.second_at) if due else None


def check_prices(state: State, context: Context) -> None:
    """
    Work out which held instruments have no usable price (C07), and whether peaks count.
    """
    stale = frozenset[str]()
    if context.opening()[0]:
        limit = context.mono - context.max_price_age
        stale = frozenset(
            slot.instrument.symbol
            for slot in state.slots.values()
            if slot.position and (slot.received is None or slot.received < limit)
        )
    context.stale = stale
    context.watch.settled = state.reconciled_at is not None and state.link_up and not stale


def note_rates(state: State, context: Context) -> Iterator[Item]:
    """
    Write exchange rates down before anything is decided, booked or sampled at them (RSK-08).
    """
    if state.fx_moved:
        rates = {currency: rate for currency, rate in sorted(state.fx.items()) if currency in state.foreign}
        yield e.RatesNoted(at=context.now, rates=rates)


def roll(state: State, context: Context) -> Iterator[Item]:
    """
    Begin a trading date, once; a clock that goes back never re-opens an old one (RSK-09).
    """
    today, before = context.trading_date(), state.trading_date
    if state.trading_date is None:
        yield e.DayRolled(at=context.now, trading_date=today, day_start_equity=state.allocated, basis="first")
    elif today > state.trading_date:
        base, peak = state.equity, state.highs.day_peak
        if context.boot_equity is None:
            yield e.DayRolled(
                at=context.now, trading_date=today, day_start_equity=base, basis="roll", day_peak=peak
            )
        elif context.watch.settled:
            base = max(context.boot_equity, base)
            yield e.DayRolled(
                at=context.now, trading_date=today, day_start_equity=base, basis="late", day_peak=peak
            )
            message = f"down at the roll: the day's base is {plain(base)}, the stricter of before and after"
            yield raise_alert(state, context, Severity.WARNING, "late_roll", message)
        else:
            return
    if state.trading_date != before:
        yield from note_closes(state, context, today)
    if context.watch.settled:
        context.boot_equity = None


def sample(state: State, context: Context) -> Iterator[Item]:
    """
    Write down prices, equity and peak, so that they survive; nothing where nothing moved.
    """
    moved = context.watch.peaked or any(slot.position or slot.orders for slot in state.slots.values())
    if state.sampled_at is None or moved:
        yield from sample_now(state, context)


def sample_now(state: State, context: Context) -> Iterator[Item]:
    """
    Write down prices, equity and peak whatever they are.
    """
    context.sample_at = context.mono + state.spec.sample_seconds
    context.watch.peaked = False
    marks = {
        symbol: slot.mark
        for symbol, slot in sorted(state.slots.items())
        if slot.mark is not None and (slot.position or slot.orders)
    }
    yield from note_rates(state, context)
    yield e.EquitySampled(
        at=context.now,
        equity=state.equity,
        peak_equity=state.peak,
        marks=marks,
        day_peak=state.highs.day_peak,
        loss_peak=state.highs.loss_peak,
    )


def _look_after(state: State, context: Context, order: OrderState) -> Iterator[Item]:
    if order.status is OrderStatus.UNKNOWN and order.purpose is not Purpose.FOREIGN:
        yield from _resolve(state, context, order)
    if context.mono < order.cancel_at:
        return
    if order.cancel_pending:
        yield from send_cancel(context, order)
        yield from ask(context, order)
    elif is_unwanted(state, context, order):
        yield from cancel(context, order, "trading is restricted")


def _resolve(state: State, context: Context, order: OrderState) -> Iterator[Item]:
    if context.mono >= order.query_at:
        yield from ask(context, order)
    waited = context.mono - (order.unknown_since or 0.0)
    stage = (waited >= WARN_AFTER) + (waited >= CRITICAL_AFTER)
    if stage > order.alarmed:
        order.alarmed = stage
        severity = Severity.CRITICAL if stage > 1 else Severity.WARNING
        message = (
            f"order {order.client_order_id} ({order.side} {plain(order.quantity)} {order.symbol})"
            f" has had an unknown outcome for {waited:.0f} s; it counts as open"
        )
        yield raise_alert(state, context, severity, "order_unknown", message)
