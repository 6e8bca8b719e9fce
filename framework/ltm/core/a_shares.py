"""
The A-share market's rules as the kernel keeps them on any broker: T+1 (C17), lots (C03) and price limits (C18).

A session arms them with `market = "cn_a"`. The exchange is asked nothing that it would refuse, and an exit
that has to wait for tomorrow waits, instead of being refused again and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ltm.core import events as e
from ltm.core.exposure import open_quantity
from ltm.model.a_shares import TICK, band_of, board_of, wrong_quantity
from ltm.model.enums import Side
from ltm.model.numbers import ZERO, plain
from ltm.model.results import Check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from decimal import Decimal

    from ltm.core.context import Context
    from ltm.core.gates import Candidate, Gate
    from ltm.core.state import Slot, State
    from ltm.model.instrument import Instrument
    from ltm.model.spec import SessionSpec

CN_A: Final = "cn_a"


def adapted(spec: SessionSpec, instrument: Instrument) -> Instrument:
    """
    Return an instrument with its board's lot, where the venue describes a finer one.
    """
    board = board_of(instrument.symbol) if spec.market == CN_A else None
    if board is None:
        return instrument
    return replace(
        instrument,
        lot_size=max(instrument.lot_size, board.step),
        minimum_quantity=max(instrument.minimum_quantity, board.minimum),
        tick_size=max(instrument.tick_size, TICK),
    )


def sellable(state: State, slot: Slot) -> Decimal | None:
    """
    Return how much of a holding may still be sold today; None where no market rule limits it.
    """
    if state.spec.market != CN_A or board_of(slot.instrument.symbol) is None:
        return None
    return max(slot.position - slot.bought - open_quantity(slot, Side.SELL), ZERO)


def is_waiting(state: State, slot: Slot) -> bool:
    """
    Return whether nothing of a holding may be sold before tomorrow.
    """
    free = sellable(state, slot)
    return free is not None and slot.position > 0 and not free and not open_quantity(slot, Side.SELL)


# --- Gates --------------------------------------------------------------------------------------


def settled(state: State, context: Context, candidate: Candidate) -> Check:
    """
    C17: what was bought today cannot be sold today.
    """
    slot, quantity = candidate.slot, candidate.draft.quantity
    free = sellable(state, slot)
    if candidate.draft.side is Side.BUY or free is None:
        return _SETTLED
    if quantity > free:
        message = (
            f"{plain(free)} of {slot.instrument.symbol} may be sold today, got {plain(quantity)};"
            f" {plain(slot.bought)} were bought today (T+1)"
        )
        return Check("t_plus_1", "t_plus_1", quantity, free, None, message)
    return Check("t_plus_1", "ok", quantity, free, free - quantity)


_SETTLED: Final = Check("t_plus_1", "ok")


def board_lot(state: State, context: Context, candidate: Candidate) -> Check:
    """
    C03: an odd lot is sold whole.
    """
    slot, draft = candidate.slot, candidate.draft
    board = board_of(slot.instrument.symbol)
    if board is None or draft.side is Side.BUY:
        return _LOT  # the instrument's own lot and minimum are the board's: `adapted`
    held = slot.position - open_quantity(slot, Side.SELL)
    wrong = wrong_quantity(board, draft.side, draft.quantity, held)
    return Check("board_lot", "board_lot", draft.quantity, board.minimum, None, wrong) if wrong else _LOT


_LOT: Final = Check("board_lot", "ok")


def price_band(state: State, context: Context, candidate: Candidate) -> Check:
    """
    C18: a limit within the day's price limits; where no close of yesterday is known, the venue judges.
    """
    slot, price = candidate.slot, candidate.draft.limit_price
    board, before = board_of(slot.instrument.symbol), slot.previous_close
    if board is None or price is None or before is None:
        return _BAND
    band = dict(state.spec.price_bands).get(slot.instrument.symbol, board.band)
    low, high = band_of(before, band)
    if low <= price <= high:
        return _BAND
    message = (
        f"{plain(price)} is outside today's price limits {plain(low)} to {plain(high)},"
        f" {plain(band)} around yesterday's close {plain(before)}"
    )
    return Check("price_band", "price_band", price, high if price > high else low, None, message)


_BAND: Final = Check("price_band", "ok")


def market_gates(spec: SessionSpec) -> tuple[Gate, ...]:
    """
    Return the gates that a market puts in the way of entries and exits alike: the venue would refuse anyway.
    """
    return (settled, board_lot, price_band) if spec.market == CN_A else ()


# --- The roll -----------------------------------------------------------------------------------


def note_closes(state: State, context: Context, today: date) -> Iterator[e.ClosesNoted]:
    """
    Write down the last prices of the day before: today's price limits are measured from them.
    """
    if state.spec.market != CN_A:
        return
    closes = {
        symbol: slot.mark
        for symbol, slot in sorted(state.slots.items())
        if slot.mark is not None
        and slot.marked_at is not None
        and context.day.date_at(slot.marked_at) < today
        and board_of(symbol) is not None
    }
    yield e.ClosesNoted(at=context.now, closes=closes)
