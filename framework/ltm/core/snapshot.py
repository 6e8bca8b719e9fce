"""
The state as bytes and back, and the hash by which two states are compared.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from ltm.core.bases import Highs, settle
from ltm.core.booking import set_exit_levels
from ltm.core.exposure import join_groups, rate_of
from ltm.core.latches import Latch
from ltm.core.outbox import OpenAlert
from ltm.core.pieces import Guard
from ltm.core.state import OrderState, Slot, State, new_state
from ltm.core.tallies import Tallies
from ltm.model.enums import Lifecycle, OrderStatus
from ltm.model.instrument import Instrument
from ltm.model.market import MarkSample
from ltm.model.numbers import ZERO
from ltm.model.spec import SessionSpec


class SlotImage(msgspec.Struct, kw_only=True):
    """
    What is kept of a `Slot`.
    """

    instrument: Instrument
    position: Decimal
    cost: Decimal
    realized: Decimal
    commission: Decimal
    epoch: int
    exit_attempts: int
    blocked: str | None
    net_fills: Decimal
    adjusted: Decimal
    ignored: Decimal
    drift: Decimal | None
    changed_at: int
    mark: Decimal | None
    fx: Decimal | None
    bought: Decimal = ZERO
    previous_close: Decimal | None = None
    samples: tuple[MarkSample, ...] = ()
    best: Decimal | None = None
    to_close: bool = False
    guard: Guard | None = None


class StateImage(msgspec.Struct, kw_only=True):
    """
    What is kept of a `State`; everything else is worked out again.
    """

    spec: SessionSpec
    session_key: str
    sequence: int
    lifecycle: Lifecycle
    latches: dict[str, Latch]
    link_up: bool
    account: str | None
    cash_base: Decimal | None
    outside_cash: Decimal
    allocated: Decimal
    flows: Decimal
    cash: dict[str, Decimal]
    fees: dict[str, Decimal]
    realized: Decimal
    commissions: Decimal
    translation: Decimal
    reserved: Decimal
    equity: Decimal
    peak: Decimal
    day_base: Decimal
    loss_base: Decimal
    highs: Highs
    trading_date: date | None
    orders_today: int
    venue_ids: dict[str, str]
    old_fills: list[str]
    signals: tuple[list[str], list[int]]
    """Keys and sequences in their order: the map itself would be sorted each time, by far the most of the work."""
    alerts: dict[str, OpenAlert]
    faulted: dict[str, str]
    near: dict[str, int]
    tallies: Tallies
    reconciled_at: datetime | None
    agreed: bool
    estimates: int
    rebases: int
    sampled_at: datetime | None
    last_at: datetime | None
    boots: int
    manifest: tuple[str, ...] = ()
    fill_count: int
    order_count: int
    denied_count: int
    lost_count: int
    fx: dict[str, Decimal]
    slots: list[SlotImage]
    orders: list[OrderState]
    closed: list[OrderState]
    sample_distance: int | None = None
    replacing: list[str] = []
    first_date: date | None = None
    actions: list[str] = []
    dividends: Decimal = ZERO


_SLOT_FIELDS: Final = SlotImage.__struct_fields__
_APART: Final = ("signals", "old_fills", "slots", "orders", "closed")
_STATE_FIELDS: Final = tuple(name for name in StateImage.__struct_fields__ if name not in _APART)
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder(StateImage)


def dump(state: State) -> bytes:
    """
    Return the state as canonical JSON.
    """
    values = {name: getattr(state, name) for name in _STATE_FIELDS}
    image = StateImage(
        **values,
        signals=(list(state.signals), list(state.signals.values())),
        old_fills=list(state.old_fills),
        slots=[
            SlotImage(**{name: getattr(slot, name) for name in _SLOT_FIELDS}) for slot in state.slots.values()
        ],
        orders=list(state.orders.values()),
        closed=list(state.closed.values()),
    )
    return _ENCODER.encode(image)


def load(data: bytes) -> State:
    """
    Return the state of a dump.

    Raises:
        msgspec.ValidationError: The bytes are not a dump of this version.
    """
    image = _DECODER.decode(data)
    state = State(**{name: getattr(image, name) for name in _STATE_FIELDS})
    state.arm()
    settle(state)
    state.signals.update(zip(*image.signals, strict=True))
    state.old_fills.update(dict.fromkeys(image.old_fills))
    for currency in image.cash:
        state.use_currency(currency)
    for kept in image.slots:
        slot = Slot(**{name: getattr(kept, name) for name in _SLOT_FIELDS})
        state.slots[slot.instrument.symbol] = slot
        slot.rate_of = rate_of(slot.instrument, state.spec.currency)
        state.use_currency(slot.instrument.currency)
        for alias in slot.instrument.aliases:
            state.aliases.setdefault(alias, []).append(slot.instrument.symbol)
    for order in image.orders:
        state.orders[order.client_order_id] = order
        state.slots[order.symbol].orders[order.client_order_id] = order
    for order in image.closed:
        state.closed[order.client_order_id] = order
    for slot in state.slots.values():
        slot.units = slot.position * slot.instrument.multiplier * (slot.fx or ZERO)
        set_exit_levels(state, slot)
        join_groups(state, slot)
    # A snapshot may know rates that no record tells yet.
    state.fx_moved = not state.foreign.isdisjoint(state.fx)
    state.settle_trading_state()
    return state


def shadow(state: State, symbol: str) -> State:
    """
    Return an empty state that knows one instrument: a scratch pad to rebuild one order on.
    """
    slot = state.slots[symbol]
    pad = new_state(state.spec, state.session_key)
    pad.fx = dict(state.fx)
    pad.slots[symbol] = Slot(slot.instrument, fx=slot.fx)
    return pad


def state_hash(state: State) -> str:
    """
    Return a digest of the books: everything that events alone determine (I-17).

    Prices between two samples, and what follows from them, are left out: they are not journaled.
    """
    books = {
        "sequence": state.sequence,
        "lifecycle": state.lifecycle,
        "latches": sorted(state.latches),
        "cash": state.cash,
        "realized": state.realized,
        "commissions": state.commissions,
        "fees": state.fees,
        "reserved": state.reserved,
        "flows": state.flows,
        "day": [state.trading_date, state.day_base, state.loss_base, state.orders_today],
        "counts": [state.fill_count, state.order_count, state.denied_count, state.boots],
        "signals": len(state.signals),
        "near": state.near,
        "replacing": state.replacing,
        "tallies": state.tallies,
        "actions": [state.first_date, state.actions, state.dividends],
        "slots": [
            [
                symbol,
                slot.position,
                slot.cost,
                slot.realized,
                slot.commission,
                slot.epoch,
                slot.blocked,
                slot.net_fills,
                slot.samples,
                slot.bought,
                slot.previous_close,
                slot.to_close,
                slot.guard,
            ]
            for symbol, slot in sorted(state.slots.items())
        ],
        "orders": [_books_of(order) for order in state.orders.values()],
        "closed": [_books_of(order) for order in state.closed.values()],
    }
    return hashlib.sha256(_ENCODER.encode(books)).hexdigest()


def _books_of(order: OrderState) -> list[object]:
    # "Submitted" lives in memory only: in the journal it is still the intent.
    sent = order.status is OrderStatus.SUBMITTED
    status = OrderStatus.INTENDED if sent else order.status
    return [
        order.client_order_id,
        status,
        order.filled,
        order.value,
        order.commission,
        order.venue_order_id,
        order.cancel_pending,
        sorted(order.fills),
        order.successor,
        order.replaced_by,
        order.bracket,
    ]
