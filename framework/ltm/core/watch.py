"""
What is looked after between orders: equity floors, stop losses, timers, samples, the day's roll.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.effects import SendCancel, Sweep
from ltm.core.facts import SCHEDULE, query
from ltm.core.orders import Item, Terms, Wish, exit_draft, place_exit, raise_alert
from ltm.model.enums import Lifecycle, OrderStatus, Purpose, Severity, Side, TradingState
from ltm.model.errors import shown
from ltm.model.numbers import ZERO, plain, ratio
from ltm.model.results import EquityFloor

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ltm.core.context import Context
    from ltm.core.state import OrderState, Slot, State
    from ltm.ports.rules import EquityRule

_STAGES: Final = (Decimal("0.7"), Decimal("0.9"))
_BLIND: Final = Decimal("-Infinity")
_OWN_EXITS: Final = frozenset({Purpose.STOP_LOSS, Purpose.TAKE_PROFIT, Purpose.FLATTEN})
SWEEP_SECONDS: Final = 60.0
WARN_AFTER: Final = 10.0
CRITICAL_AFTER: Final = 60.0


# --- Equity floors ------------------------------------------------------------------------------


def watch_equity(state: State, context: Context) -> Iterator[Item]:
    """
    Compare equity with every continuous rule's floor; stop entries where one is reached.

    Also sets the level at which marks call again: the next floor or warning below equity.
    """
    alarm = _BLIND
    for name, rule in context.equity_rules:
        if name in state.latches:
            continue
        floor = _floor(rule, state)
        if isinstance(floor, str):
            yield from _faulted(state, context, name, floor)
            continue
        level = max(floor.floor, ZERO)
        if state.equity <= level and context.watch.settled:
            yield from _trip(state, context, name, floor, until_roll=rule.unlatches_at_roll)
        else:
            warning = yield from _warn(state, context, name, floor)
            alarm = max(alarm, level, warning)
    context.watch.alarm = alarm


def _floor(rule: EquityRule, state: State) -> EquityFloor | str:
    try:
        floor: object = rule.equity_floor(state.peak, state.loss_base)
    except BaseException as error:  # noqa: BLE001 - plugin boundary: a rule that fails, stops entries
        return f"raised {type(error).__name__}: {shown(str(error))}"
    if type(floor) is EquityFloor:
        levels: tuple[object, object] = (floor.base, floor.floor)
        if all(type(level) is Decimal and level.is_finite() for level in levels):
            return floor
    return f"answered {shown(floor)} as floor"


def _faulted(state: State, context: Context, name: str, detail: str) -> Iterator[Item]:
    if name in state.faulted:
        return
    yield e.RuleFaulted(at=context.now, name=name, detail=detail)
    yield e.TradingPaused(at=context.now, code=f"rule_fault:{name}", message=f"rule {name} {detail}")
    yield raise_alert(state, context, Severity.CRITICAL, "rule_fault", f"rule {name} {detail}")


def _trip(
    state: State, context: Context, name: str, floor: EquityFloor, *, until_roll: bool
) -> Iterator[Item]:
    measured = ratio(floor.base - state.equity, floor.base)
    limit = ratio(floor.base - floor.floor, floor.base)
    message = (
        f"equity {plain(state.equity)} is at or below {plain(floor.floor)}"
        f" ({plain(measured)} under {plain(floor.base)}, limit {plain(limit)})"
    )
    yield e.TradingPaused(
        at=context.now, code=name, message=message, measured=measured, limit=limit, until_roll=until_roll
    )
    yield raise_alert(state, context, Severity.CRITICAL, name, message)
    yield from cancel_entries(state, context, name)


def _warn(state: State, context: Context, name: str, floor: EquityFloor) -> Generator[Item, None, Decimal]:
    # Alerts once at 70 % and once at 90 % of the way down (RSK-22), again after a new base.
    room = floor.base - floor.floor
    stage = context.warned.get(name, 0)
    levels = [floor.base - room * share for share in _STAGES]
    reached = sum(state.equity <= level for level in levels)
    if reached > stage and context.watch.settled and room > 0:
        used = ratio(floor.base - state.equity, room)
        message = f"equity {plain(state.equity)} has used {plain(used)} of the {name} limit"
        yield raise_alert(state, context, Severity.WARNING, f"{name}_near", message)
    context.warned[name] = reached if reached >= stage or not reached else stage
    return levels[reached] if reached < len(levels) else _BLIND


def cancel_entries(state: State, context: Context, reason: str) -> Iterator[Item]:
    """
    Cancel every open entry of ours; exits keep working.
    """
    for order in list(state.orders.values()):
        if order.entry and order.purpose is not Purpose.FOREIGN:
            yield from cancel(context, order, reason)


def cancel(context: Context, order: OrderState, reason: str) -> Iterator[Item]:
    """
    Cancel one order, unless that is under way.
    """
    if order.cancel_pending:
        return
    yield e.CancelIntended(at=context.now, client_order_id=order.client_order_id, reason=reason)
    order.cancels = 0
    yield from send_cancel(context, order)


def send_cancel(context: Context, order: OrderState) -> Iterator[Item]:
    """
    Send a cancel, and note when to look again. It may be sent more than once (REL-2).
    """
    order.cancel_at = context.mono + SCHEDULE[min(order.cancels + 2, len(SCHEDULE) - 1)]
    order.cancels += 1
    yield SendCancel(order.client_order_id, order.venue_order_id, order.symbol)


# --- Stop loss, take profit, flatten ------------------------------------------------------------


def watch_exits(state: State, context: Context, terms: Terms, slots: list[Slot]) -> Iterator[Item]:
    """
    Close positions whose stop loss or take profit has triggered, or that shall be flat.
    """
    for slot in slots:
        purpose = _due(slot)
        if purpose is not None and state.lifecycle in _EXITING and state.trading_state not in _STOPPED:
            yield from _exit(state, context, terms, slot, purpose)


_EXITING: Final = frozenset({Lifecycle.RUNNING, Lifecycle.STOPPING})
_STOPPED: Final = frozenset({TradingState.HALTED, TradingState.KILLED})


def _due(slot: Slot) -> Purpose | None:
    if not slot.position:
        slot.flatten = False
        return None
    if slot.flatten:
        return Purpose.FLATTEN
    mark = slot.mark
    side = (slot.bid if slot.position > 0 else slot.ask) or mark
    if side is None or slot.received is None:
        return None
    if slot.exit_low is not None and side <= slot.exit_low:
        return Purpose.STOP_LOSS if slot.position > 0 else Purpose.TAKE_PROFIT
    if slot.exit_high is not None and side >= slot.exit_high:
        return Purpose.TAKE_PROFIT if slot.position > 0 else Purpose.STOP_LOSS
    return None


def _exit(state: State, context: Context, terms: Terms, slot: Slot, purpose: Purpose) -> Iterator[Item]:
    # At most one exit at a time: one whose fate is unknown counts as open (RSK-24).
    working = [order for order in slot.orders.values() if order.purpose is not Purpose.FOREIGN]
    if any(order.purpose in _OWN_EXITS for order in working):
        return
    for order in working:
        yield from cancel(context, order, f"{purpose} of the position")
    away = Side.SELL if slot.position > 0 else Side.BUY
    if any(order.side is away for order in working) or not context.opening()[0]:
        return
    attempt = slot.exit_attempts + 1
    if attempt > 1 and (context.mono < slot.retry_at or not _reread(context, slot)):
        if context.mono >= slot.retry_at:
            yield Sweep(state.sequence)
        return
    if attempt > state.spec.max_exit_retries:
        yield from _give_up(state, context, slot, attempt - 1)
        return
    draft = exit_draft(slot, purpose)
    if draft is not None:
        slot.exit_sent_at = context.mono
        slot.retry_at = context.mono + min(2.0 ** (attempt - 1), 60.0)
        wish = Wish(epoch=slot.epoch, attempt=attempt, sizing=f"{purpose}: the whole position")
        yield from place_exit(state, context, terms, wish, slot=slot, draft=draft, checks=[])


def _reread(context: Context, slot: Slot) -> bool:
    # Before another attempt the position is read from the venue again: it may be flat already.
    return not context.capabilities.positions or slot.swept_at > slot.exit_sent_at


def _give_up(state: State, context: Context, slot: Slot, attempts: int) -> Iterator[Item]:
    if slot.blocked is not None:
        return
    symbol = slot.instrument.symbol
    message = f"{attempts} exits of {symbol} failed; the position of {plain(slot.position)} is left to you"
    yield e.InstrumentBlocked(at=context.now, symbol=symbol, reason=message)
    yield raise_alert(state, context, Severity.CRITICAL, "exit_failed", message)


# --- Time ---------------------------------------------------------------------------------------


def tick(state: State, context: Context) -> Iterator[Item]:
    """
    Do what is due: once a second prices, roll and timers; now and then a sample and a sweep.
    """
    if context.mono < context.second_at:
        return
    context.second_at = context.mono + 1.0
    check_prices(state, context)
    yield from roll(state, context)
    for order in list(state.orders.values()):
        yield from _look_after(state, context, order)
    # Exits that wait for a cancel, a retry or an opening are looked at again.
    context.watch.exits += [slot for slot in state.held() if slot.flatten or slot.exit_armed]
    if context.mono >= context.sample_at:
        yield from sample(state, context)
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


def roll(state: State, context: Context) -> Iterator[Item]:
    """
    Begin a trading date, once; a clock that goes back never re-opens an old one (RSK-09).
    """
    today = context.trading_date()
    if state.trading_date is None:
        yield e.DayRolled(at=context.now, trading_date=today, day_start_equity=state.allocated, basis="first")
    elif today > state.trading_date:
        if context.boot_equity is None:
            base = state.equity
            yield e.DayRolled(at=context.now, trading_date=today, day_start_equity=base, basis="roll")
        elif context.watch.settled:
            base = max(context.boot_equity, state.equity)
            yield e.DayRolled(at=context.now, trading_date=today, day_start_equity=base, basis="late")
            message = f"down at the roll: the day's base is {plain(base)}, the stricter of before and after"
            yield raise_alert(state, context, Severity.WARNING, "late_roll", message)
        else:
            return
    if context.watch.settled:
        context.boot_equity = None


def sample(state: State, context: Context) -> Iterator[Item]:
    """
    Write down prices, equity and peak, so that they survive.
    """
    context.sample_at = context.mono + state.spec.sample_seconds
    marks = {
        symbol: slot.mark
        for symbol, slot in sorted(state.slots.items())
        if slot.mark is not None and (slot.position or slot.orders)
    }
    if state.sampled_at is not None and not marks and not context.watch.peaked:
        return
    context.watch.peaked = False
    yield e.EquitySampled(at=context.now, equity=state.equity, peak_equity=state.peak, marks=marks)


def _look_after(state: State, context: Context, order: OrderState) -> Iterator[Item]:
    if order.purpose is Purpose.FOREIGN:
        return
    if order.status is OrderStatus.UNKNOWN:
        yield from _resolve(state, context, order)
    if order.cancel_pending and context.mono >= order.cancel_at:
        yield from send_cancel(context, order)
        if order.asked_at is None:
            order.asked_at = context.mono
            yield query(order)


def _resolve(state: State, context: Context, order: OrderState) -> Iterator[Item]:
    if order.unknown_since is None:
        order.unknown_since = context.mono
    if order.asked_at is None and context.mono >= order.query_at:
        order.asked_at = context.mono
        yield query(order)
    waited = context.mono - order.unknown_since
    stage = (waited >= WARN_AFTER) + (waited >= CRITICAL_AFTER)
    if stage > order.alarmed:
        order.alarmed = stage
        severity = Severity.CRITICAL if stage > 1 else Severity.WARNING
        message = (
            f"order {order.client_order_id} ({order.side} {plain(order.quantity)} {order.symbol})"
            f" has had an unknown outcome for {waited:.0f} s; it counts as open"
        )
        yield raise_alert(state, context, severity, "order_unknown", message)
