"""
The session's own exits: stop loss, take profit, flatten. One at a time, however often it triggers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.booking import trail_level
from ltm.core.brackets import named_by
from ltm.core.cancels import cancel
from ltm.core.effects import Sweep
from ltm.core.exposure import open_quantity
from ltm.core.facts import OWN_EXITS
from ltm.core.orders import BUY, SELL, Item, Terms, Wish, place_exit, raise_alert
from ltm.core.sizing import exit_size
from ltm.core.trailing import exit_side, lift
from ltm.model.enums import Lifecycle, Purpose, Severity, Side, TradingState
from ltm.model.numbers import ZERO, plain
from ltm.model.order import OrderDraft

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from ltm.core.context import Context
    from ltm.core.state import Slot, State


def watch_exits(state: State, context: Context, terms: Terms, slots: list[Slot]) -> Iterator[Item]:
    """
    Close positions whose stop loss or take profit has triggered, or that shall be flat.
    """
    if state.spec.trails:
        for slot in slots:
            lift(state, slot)
    if state.lifecycle not in _EXITING or state.trading_state in _STOPPED:
        return
    for slot in slots:
        purpose = _due(state, slot)
        if purpose is Purpose.FLATTEN or (purpose is not None and state.lifecycle is Lifecycle.RUNNING):
            yield from _exit(state, context, terms, slot, purpose)


_EXITING: Final = frozenset({Lifecycle.RUNNING, Lifecycle.STOPPING})
_STOPPED: Final = frozenset({TradingState.HALTED, TradingState.KILLED})


def _due(state: State, slot: Slot) -> Purpose | None:
    if not slot.position:
        return None
    if slot.flatten:
        return Purpose.FLATTEN
    side = exit_side(slot)
    if side is None:
        return None
    if slot.exit_low is not None and side <= slot.exit_low:
        return _stop(state, slot, side) if slot.position > 0 else Purpose.TAKE_PROFIT
    if slot.exit_high is not None and side >= slot.exit_high:
        return Purpose.TAKE_PROFIT if slot.position > 0 else _stop(state, slot, side)
    return None


def _stop(state: State, slot: Slot, side: Decimal) -> Purpose:
    # Which of the two stops it is: the fixed one, or the one that follows the price.
    if slot.best is None:
        return Purpose.STOP_LOSS
    long = slot.position > 0
    level = trail_level(state.spec, slot.best, long=long)
    return Purpose.TRAILING_STOP if (side <= level if long else side >= level) else Purpose.STOP_LOSS


def _exit(state: State, context: Context, terms: Terms, slot: Slot, purpose: Purpose) -> Iterator[Item]:
    # At most one exit at a time: one whose fate is unknown counts as open (RSK-24).
    working = [order for order in slot.orders.values() if order.purpose is not Purpose.FOREIGN]
    if any(order.purpose in OWN_EXITS for order in working):
        return
    for order in working:
        yield from cancel(context, order, f"{purpose} of the position")
    away = Side.SELL if slot.position > 0 else Side.BUY
    if any(order.side is away for order in working) or context.mono < slot.retry_at:
        return
    if not context.opening()[0]:
        return
    if slot.exit_attempts >= state.spec.max_exit_retries:
        yield from _give_up(state, context, slot)
    elif slot.exit_attempts and not _reread(context, slot):
        if not context.sweeping and context.mono >= slot.reread_at:
            slot.reread_at = context.mono + 1.0
            yield Sweep(state.sequence)
    else:
        yield from _send_exit(state, context, terms, slot, purpose)


def _send_exit(state: State, context: Context, terms: Terms, slot: Slot, purpose: Purpose) -> Iterator[Item]:
    if slot.bought:
        yield from _wait(state, context, slot, purpose)
    draft = exit_draft(state, slot, purpose)
    if draft is None:
        return
    attempt = slot.exit_attempts + 1
    slot.exit_sent_at = context.mono
    sizing = f"{purpose}{named_by(slot, purpose)}: the whole position"
    wish = Wish(epoch=slot.epoch, attempt=attempt, sizing=sizing, started=context.timer())
    yield from place_exit(state, context, terms, wish, slot=slot, draft=draft, checks=[])
    if slot.exit_attempts == attempt:
        slot.exit_denials = 0
    else:
        # Our own gates stand against it: asked again, but not at every mark, and not in silence.
        slot.exit_denials += 1
        if slot.exit_denials == 1:
            message = (
                f"the {purpose} of {slot.instrument.symbol} does not pass the gates; see the denied order"
            )
            yield raise_alert(state, context, Severity.CRITICAL, "exit_denied", message)
    waits = max(attempt - 1, slot.exit_denials)
    slot.retry_at = context.mono + min(2.0**waits, _LONGEST_WAIT)


def _wait(state: State, context: Context, slot: Slot, purpose: Purpose) -> Iterator[Item]:
    # What was bought today stays until tomorrow, when the exit is looked at again; said once a day (C17).
    if slot.waits_on == state.trading_date:
        return
    slot.waits_on = state.trading_date
    symbol, held = slot.instrument.symbol, plain(slot.position)
    message = (
        f"the {purpose} of {symbol} waits with {plain(slot.bought)} of {held}, bought today:"
        " the market lets go of them tomorrow (T+1)"
    )
    yield raise_alert(state, context, Severity.WARNING, "exit_waits", message)


_LONGEST_WAIT: Final = 60.0


def _reread(context: Context, slot: Slot) -> bool:
    # Before another attempt the position is read from the venue again: it may be flat already.
    return not context.capabilities.positions or slot.swept_at > slot.exit_sent_at


def _give_up(state: State, context: Context, slot: Slot) -> Iterator[Item]:
    if slot.gave_up == slot.epoch:
        return
    slot.gave_up = slot.epoch
    symbol, attempts = slot.instrument.symbol, slot.exit_attempts
    message = f"{attempts} exits of {symbol} failed; the position of {plain(slot.position)} is left to you"
    yield e.InstrumentBlocked(at=context.now, symbol=symbol, reason=message)
    yield raise_alert(state, context, Severity.CRITICAL, "exit_failed", message)


def exit_draft(state: State, slot: Slot, purpose: Purpose) -> OrderDraft | None:
    """
    Return the market order that closes what no open order closes yet, None when nothing is left.

    Where the venue holds less than we believe, only that much is sold: an exit must never turn around.
    """
    side = SELL if slot.position > 0 else BUY
    held = abs(slot.position)
    if slot.drift is not None:
        held = min(held, max(slot.drift if slot.position > 0 else -slot.drift, ZERO))
    left = held - open_quantity(slot, side)
    most = slot.instrument.maximum_quantity
    if most is not None and left > most:
        left = most
    left = exit_size(state, slot, left)
    if left <= 0:
        return None
    return OrderDraft(symbol=slot.instrument.symbol, side=side, quantity=left, purpose=purpose)
