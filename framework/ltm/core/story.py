"""
The story of one order or refusal: the signal, the size, every check, what happened, what came of it.

Read back from the journal alone, in two passes: one finds the decision, one follows it and books every
fill of the instrument again, so that profit is worked out from the records and not from a total.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final

import msgspec

from ltm.core import events as e
from ltm.core.booking import amend, move
from ltm.core.codec import KIND_OF, decode
from ltm.core.history import FillRow, OrderRow, Projection
from ltm.core.pieces import FillState
from ltm.core.state import Slot, new_state
from ltm.model.enums import Side
from ltm.model.instrument import Instrument
from ltm.model.numbers import EXACT, ONE, ZERO

if TYPE_CHECKING:
    from ltm.ports import Journal
    from ltm.ports.shell import Record

Decision = e.OrderIntended | e.OrderDenied | e.SignalIgnored | e.ForeignOrderSeen
_PREFIX: Final = 8
"""Characters of a signal key that are enough to ask for it."""
_MONEY: Final = frozenset(
    KIND_OF[kind] for kind in (e.InstrumentDefined, e.PositionAdjusted, e.OrderFilled, e.FillReplaced)
)


class Result(msgspec.Struct, kw_only=True):
    """
    What an order made. Money in the instrument's currency; commissions apart.
    """

    currency: str | None = None
    realized_pnl: Decimal = ZERO
    """By this order's own fills: nothing, for one that only opened."""
    commission: Decimal = ZERO
    position_realized_pnl: Decimal = ZERO
    """By the whole position that its first fill was part of, from flat to flat."""
    position_quantity: Decimal = ZERO
    """What is still open of that position."""
    position_opened_at: datetime | None = None
    position_closed_at: datetime | None = None


class Step(msgspec.Struct, kw_only=True):
    """
    One event of the story, with its place in the journal.
    """

    sequence: int
    kind: str
    event: e.AnyEvent


class Story(msgspec.Struct, kw_only=True):
    """
    Everything about one decision.
    """

    session_id: str
    sequence: int
    decision: Decision
    steps: list[Step]
    order: OrderRow | None
    fills: list[FillRow]
    result: Result


def story_of(journal: Journal, session_id: str, wanted: str) -> Story | None:
    """
    Return the story behind a client order id, a venue order id or a signal key, None when there is none.

    Args:
        journal: The session's.
        session_id: Its id.
        wanted: The id; of a signal key its first eight characters are enough.
    """
    found = _find(journal, wanted)
    opened = _opened(journal)
    if found is None or opened is None:
        return None
    teller = _Teller(session_id, opened, *found)
    for row in journal.read(after=0):
        teller.take(row)
    return teller.story()


# --- Finding ------------------------------------------------------------------------------------


def _find(journal: Journal, wanted: str) -> tuple[int, Decision] | None:
    # Text is searched before it is decoded: of a long journal a handful of records hold the id.
    needle = wanted.encode()
    for row in journal.read(after=0):
        if needle not in row.payload:
            continue
        event = decode(row.kind, row.version, row.payload)
        if isinstance(event, Decision) and _is_named(event, wanted):
            return row.sequence, event
        if getattr(event, "venue_order_id", None) == wanted:
            return _find(journal, getattr(event, "client_order_id", ""))
    return None


def _opened(journal: Journal) -> e.SessionOpened | None:
    row = next(iter(journal.read(after=0)), None)
    event = None if row is None else decode(row.kind, row.version, row.payload)
    return event if isinstance(event, e.SessionOpened) else None


def _is_named(decision: Decision, wanted: str) -> bool:
    key = getattr(decision, "signal_key", "")
    short = len(wanted) >= _PREFIX and key.startswith(wanted)
    return short or getattr(decision, "client_order_id", None) == wanted


# --- Telling ------------------------------------------------------------------------------------


class _Span(msgspec.Struct):
    # One position from flat to flat.
    opened_at: datetime
    realized: Decimal = ZERO
    closed_at: datetime | None = None


class _Teller:
    # Collects one order's events, and books its instrument again on a scratch pad.

    def __init__(self, session_id: str, opened: e.SessionOpened, sequence: int, decision: Decision) -> None:
        self.session_id = session_id
        self.sequence = sequence
        self.decision = decision
        self.steps: list[Step] = []
        self.history = Projection(session_id)
        self.result = Result()
        self.id: str = getattr(decision, "client_order_id", "")
        self.symbol = _symbol_of(decision)
        self.needle = self.id.encode()
        self.pad = new_state(opened.spec, opened.session_key)
        self.slot = Slot(Instrument(symbol=self.symbol, currency=""))
        self.booked: dict[tuple[str, str], tuple[Side, FillState]] = {}
        self.span: _Span | None = None
        self.told: _Span | None = None

    def take(self, row: Record) -> None:
        named = bool(self.id) and self.needle in row.payload
        if row.sequence != self.sequence and not named and not (self.id and row.kind in _MONEY):
            return
        event = decode(row.kind, row.version, row.payload)
        mine = getattr(event, "client_order_id", None) == self.id
        if row.sequence == self.sequence or (mine and not isinstance(event, e.OrderRecalled)):
            self.steps.append(Step(sequence=row.sequence, kind=row.kind, event=event))
            self.history.apply(event)
        with localcontext(EXACT):
            self._book(event)

    def story(self) -> Story:
        told, result = self.told, self.result
        if told is not None:
            result.position_realized_pnl = told.realized
            result.position_quantity = self.slot.position if told.closed_at is None else ZERO
            result.position_opened_at, result.position_closed_at = told.opened_at, told.closed_at
        order = next(iter(self.history.orders), None)
        if order is not None:
            result.commission = order.commission
        return Story(
            session_id=self.session_id,
            sequence=self.sequence,
            decision=self.decision,
            steps=self.steps,
            order=order,
            fills=self.history.fills,
            result=self.result,
        )

    def _book(self, event: e.AnyEvent) -> None:
        match event:
            case e.InstrumentDefined() if event.instrument.symbol == self.symbol:
                self.slot.instrument = event.instrument
                self.result.currency = event.instrument.currency
            case e.PositionAdjusted() if event.symbol == self.symbol:
                self._move(event.quantity, event.price, event.at, ours=False)
            case e.OrderFilled() if event.symbol == self.symbol:
                fill = FillState(event.quantity, event.price, event.commission, event.commission_currency)
                self.booked[event.client_order_id, event.fill_id] = (event.side, fill)
                signed = event.quantity if event.side is Side.BUY else -event.quantity
                self._move(signed, event.price, event.at, ours=event.client_order_id == self.id)
            case e.FillReplaced() if (event.client_order_id, event.fill_id) in self.booked:
                self._amend(event)
            case _:
                pass

    def _move(self, signed: Decimal, price: Decimal, at: datetime, *, ours: bool) -> None:
        slot, span = self.slot, self.span
        was_flat, epoch, realized = not slot.position, slot.epoch, slot.realized
        move(self.pad, slot, signed, price)
        made = slot.realized - realized
        if span is not None and not was_flat:
            span.realized += made
            # Turned around, the old position has ended as surely as by being closed.
            span.closed_at = at if not slot.position or slot.epoch != epoch else None
        if slot.epoch != epoch:
            self.span = _Span(at)
        if ours:
            self.result.realized_pnl += made
            self.told = self.told or (self.span if was_flat else span)

    def _amend(self, event: e.FillReplaced) -> None:
        place = (event.client_order_id, event.fill_id)
        side, fill = self.booked[place]
        slot, realized = self.slot, self.slot.realized
        sign = ONE if side is Side.BUY else -ONE
        amend(self.pad, slot, sign, fill, quantity=event.quantity, price=event.price)
        self.booked[place] = (side, FillState(event.quantity, event.price, ZERO, ""))
        made = slot.realized - realized
        span = self.span = self.span or _Span(event.at)
        span.realized += made
        span.closed_at = None if slot.position else event.at
        if event.client_order_id == self.id:
            self.result.realized_pnl += made


def _symbol_of(decision: Decision) -> str:
    if isinstance(decision, e.OrderIntended):
        return decision.draft.symbol
    return decision.symbol if isinstance(decision, e.ForeignOrderSeen) else ""
