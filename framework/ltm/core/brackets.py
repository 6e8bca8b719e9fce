"""
Brackets: the exits that an entry brings with it. They guard what it has filled, and whichever comes first ends both.

Both are levels of the position, watched here like those of the session: one market order closes all of it, so the
other has nothing left to close. Levels that are on the wrong side of the entry are refused before anything is sized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ltm.core.booking import guard_of, set_exit_levels
from ltm.core.pieces import Guard
from ltm.model.corporate import price_of
from ltm.model.enums import Action, Purpose, Side
from ltm.model.identifiers import sequence_of
from ltm.model.numbers import ONE, RULES, ZERO, plain
from ltm.model.order import Bracket
from ltm.model.results import Check

if TYPE_CHECKING:
    from decimal import Decimal

    from ltm.core.state import OrderState, Slot, State
    from ltm.model.corporate import CorporateAction
    from ltm.model.order import OrderDraft
    from ltm.model.signal import SignalRecord

_BUY: Final = Side.BUY


# --- The wish -----------------------------------------------------------------------------------


def bracket_of(signal: SignalRecord) -> Bracket | None:
    """
    Return the exits that a signal names, None if it names none.
    """
    stop, profit = signal.stop_loss_price, signal.take_profit_price
    if stop is None and profit is None:
        return None
    return Bracket(stop_loss_price=stop, take_profit_price=profit)


def on_exit(quantity: Decimal) -> Check:
    """
    Return the refusal of exits for what only reduces a position: nothing is left for them.
    """
    message = (
        f"this order only closes {plain(quantity)} of the position:"
        " leave out stop_loss_price and take_profit_price, which belong to an entry"
    )
    return Check("bracket", "bracket_on_exit", message=message)


def judge_bracket(slot: Slot, draft: OrderDraft, bracket: Bracket) -> Check:
    """
    Judge the exits of an entry: on the grid, and on either side of all prices at which it may fill.
    """
    named = [
        (name, price)
        for name in ("stop_loss_price", "take_profit_price")
        if (price := getattr(bracket, name)) is not None
    ]
    if slot.fault is not None:
        return _ASKED_LATER  # the gate of the instrument says so, and there is nothing to divide by
    tick = slot.instrument.tick_size
    low, high = _span(slot, draft)
    for name, price in named:
        if price % tick:
            message = f"{name} must be a multiple of {plain(tick)}, got {plain(price)}"
            return Check("bracket", "tick", price, tick, message=message)
        below = (name == "stop_loss_price") is (draft.side is _BUY)
        bound = low if below else high
        if price >= bound if below else price <= bound:
            word = "below" if below else "above"
            message = (
                f"{name} must be {word} {plain(bound)}, where this {draft.side} may fill, got {plain(price)}"
            )
            return Check("bracket", "bracket_side", price, bound, message=message)
    shown = ", ".join(f"{name} {plain(price)}" for name, price in named)
    return Check("bracket", "ok", message=shown)


_ASKED_LATER: Final = Check("bracket", "ok")


def _span(slot: Slot, draft: OrderDraft) -> tuple[Decimal, Decimal]:
    # Between which prices it may fill, and be closed again at once: the named ones, and the market's where that is in reach.
    trigger, limit = draft.trigger_price, draft.limit_price
    prices = [price for price in (trigger, limit) if price is not None]
    is_buy = draft.side is _BUY
    if slot.mark is not None:
        bid = slot.bid if slot.bid is not None else slot.mark
        ask = slot.ask if slot.ask is not None else slot.mark
        if trigger is not None:
            prices.append(max(trigger, ask) if is_buy else min(trigger, bid))
        elif limit is not None:
            prices.append(min(limit, bid) if is_buy else max(limit, ask))
        else:
            prices += [bid, ask]
    return min(prices), max(prices)


def stop_distance(state: State, slot: Slot, signal: SignalRecord, unit: Decimal) -> Decimal | None:
    """
    Return what one unit loses between its entry, at the worst price, and its stop; session currency.

    The signal's own stop counts where it names one, else the session's; None where there is neither.
    """
    stop = signal.stop_loss_price
    if stop is None:
        share = state.spec.stop_loss_pct
        return None if share is None else RULES.multiply(unit, share)
    scale = RULES.multiply(slot.instrument.multiplier, slot.fx if slot.fx is not None else ONE)
    level, limit = RULES.multiply(stop, scale), signal.limit_price
    if signal.action is Action.BUY:
        return RULES.subtract(unit if limit is None else RULES.multiply(limit, scale), level)
    worst = limit
    if worst is None:
        worst = (slot.bid if slot.bid is not None else slot.mark) or ZERO
        if signal.trigger_price is not None:
            worst = min(worst, signal.trigger_price)
        worst = RULES.multiply(worst, ONE - state.spec.market_collar)
    return RULES.subtract(level, RULES.multiply(worst, scale))


# --- The position -------------------------------------------------------------------------------


def bring(state: State, slot: Slot, order: OrderState, bracket: Bracket) -> None:
    """
    Guard the position by the exits of an entry that has filled: those of the latest entry count, for all of it.
    """
    if not slot.position or (slot.position > 0) is not (order.side is _BUY):
        return
    if slot.guard is not None:
        earlier, later = (
            sequence_of(state.session_key, name) or 0
            for name in (slot.guard.client_order_id, order.client_order_id)
        )
        if later <= earlier:
            return
    slot.guard = Guard(
        client_order_id=order.client_order_id,
        side=order.side,
        stop_loss_price=bracket.stop_loss_price,
        take_profit_price=bracket.take_profit_price,
    )
    set_exit_levels(state, slot)


def bring_back(state: State, slot: Slot, kept: Guard) -> None:
    """
    Guard a position that is there again, since the venue took back what had closed it.
    """
    if slot.guard is None and slot.position and (slot.position > 0) is (kept.side is _BUY):
        slot.guard = kept
        set_exit_levels(state, slot)


def named_by(slot: Slot, purpose: Purpose) -> str:
    """
    Return, for people, which entry named the level that an exit has met; empty if none did.
    """
    guard = guard_of(slot)
    if guard is None or purpose not in _LEVELS:
        return ""
    price: Decimal | None = getattr(guard, _LEVELS[purpose])
    if price is None or price not in {slot.exit_low, slot.exit_high}:
        return ""
    return f" at {plain(price)}, named by order {guard.client_order_id}"


_LEVELS: Final = {
    Purpose.STOP_LOSS: "stop_loss_price",
    Purpose.TAKE_PROFIT: "take_profit_price",
}


# --- Corporate actions --------------------------------------------------------------------------


def split_guard(slot: Slot, action: CorporateAction) -> None:
    """
    Carry the exits of a position over a split; those of one that has ended are forgotten.
    """
    guard = slot.guard
    if guard is None:
        return
    tick, away = slot.instrument.tick_size, _AWAY[guard.side]
    stop, profit = (
        None if price is None else price_of(action, price, tick, away)
        for price in (guard.stop_loss_price, guard.take_profit_price)
    )
    slot.guard = _moved(slot, guard, stop, profit)


def split_bracket(order: OrderState, bracket: Bracket, action: CorporateAction, tick: Decimal) -> None:
    """
    Carry the exits that an open order would bring over a split.
    """
    stop, profit = (
        None if price is None else price_of(action, price, tick, _AWAY[order.side])
        for price in (bracket.stop_loss_price, bracket.take_profit_price)
    )
    order.bracket = Bracket(stop_loss_price=stop, take_profit_price=profit)


def pay_guard(slot: Slot, amount: Decimal) -> None:
    """
    Let the exits of a position fall by what is paid, as its price does.
    """
    guard = slot.guard
    if guard is None:
        return
    stop, profit = (
        None if price is None else price - amount
        for price in (guard.stop_loss_price, guard.take_profit_price)
    )
    slot.guard = _moved(slot, guard, stop, profit)


def _moved(slot: Slot, guard: Guard, stop: Decimal | None, profit: Decimal | None) -> Guard | None:
    return replace(guard, stop_loss_price=stop, take_profit_price=profit) if slot.position else None


_AWAY: Final = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}
