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
from ltm.core.booking import book
from ltm.core.codec import KIND_OF, decode
from ltm.core.history import FillRow, OrderRow, Projection
from ltm.core.state import Slot
from ltm.model.enums import Side
from ltm.model.instrument import Instrument
from ltm.model.numbers import EXACT, ZERO

if TYPE_CHECKING:
    from ltm.ports import Journal
    from ltm.ports.shell import Record

Decision = e.OrderIntended | e.OrderDenied | e.SignalIgnored | e.ForeignOrderSeen
_PREFIX: Final = 8
"""Characters of a signal key that are enough to ask for it."""
_DECISIONS: Final = frozenset(
    KIND_OF[kind] for kind in (e.OrderIntended, e.OrderDenied, e.SignalIgnored, e.ForeignOrderSeen)
)
_MONEY: Final = frozenset(
    KIND_OF[kind] for kind in (e.OrderFilled, e.FillReplaced, e.PositionAdjusted, e.InstrumentDefined)
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
    if found is None:
        return None
    sequence, decision = found
    teller = _Teller(session_id, sequence, decision)
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
    # Collects one order's events, and books its instrument from the first fill on.

    def __init__(self, session_id: str, sequence: int, decision: Decision) -> None:
        self.session_id = session_id
        self.sequence = sequence
        self.decision = decision
        self.steps: list[Step] = []
        self.history = Projection(session_id)
        self.result = Result()
        self.id: str = getattr(decision, "client_order_id", "")
        self.symbol = decision.draft.symbol if isinstance(decision, e.OrderIntended) else self._symbol()
        self.needle = self.id.encode()
        self.slot = Slot(Instrument(symbol=self.symbol, currency=""))
        self.fills: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
        self.span: _Span | None = None
        self.told: _Span | None = None

    def _symbol(self) -> str:
        return self.decision.symbol if isinstance(self.decision, e.ForeignOrderSeen) else ""

    def take(self, row: Record) -> None:
        ours = bool(self.id) and self.needle in row.payload
        if row.sequence == self.sequence or ours or (self.id and row.kind in _MONEY):
            event = decode(row.kind, row.version, row.payload)
            if row.sequence == self.sequence or getattr(event, "client_order_id", None) == self.id:
                self.steps.append(Step(sequence=row.sequence, kind=row.kind, event=event))
                self.history.apply(event)
            if getattr(event, "symbol", self.symbol) == self.symbol:
                with localcontext(EXACT):
                    self._book(event)

    def story(self) -> Story:
        told, result = self.told, self.result
        if told is not None:
            result.position_realized_pnl = told.realized
            result.position_quantity = self.slot.position if told.closed_at is None else ZERO
            result.position_opened_at, result.position_closed_at = told.opened_at, told.closed_at
        return Story(
            session_id=self.session_id,
            sequence=self.sequence,
            decision=self.decision,
            steps=self.steps,
            order=next(iter(self.history.orders), None),
            fills=self.history.fills,
            result=self.result,
        )

    def _book(self, event: e.AnyEvent) -> None:
        match event:
            case e.InstrumentDefined() if event.instrument.symbol == self.symbol:
                self.slot.instrument = event.instrument
                self.result.currency = event.instrument.currency
            case e.PositionAdjusted():
                self._move(event.quantity, event.price, event.at, ours=False)
            case e.OrderFilled():
                sign = 1 if event.side is Side.BUY else -1
                ours = event.client_order_id == self.id
                self.fills[event.client_order_id, event.fill_id] = (sign * event.quantity, event.price)
                self.result.commission += event.commission if ours else ZERO
                self._move(sign * event.quantity, event.price, event.at, ours=ours)
            case e.FillReplaced():
                self._replace(event)
            case _:
                pass

    def _replace(self, event: e.FillReplaced) -> None:
        place = (event.client_order_id, event.fill_id)
        if place not in self.fills:
            return
        signed, price = self.fills[place]
        ours = event.client_order_id == self.id
        corrected = event.quantity if signed > 0 else -event.quantity
        self.fills[place] = (corrected, event.price)
        if ours:
            self.result.commission = self.history.orders[0].commission
        if (signed, price) == (corrected, event.price):
            return
        for quantity, at_price in ((-signed, price), (corrected, event.price)):
            if quantity:
                # Taking a fill back may pass through flat: it is still the same position.
                if self.span is not None:
                    self.span.closed_at = None
                self._move(quantity, at_price, event.at, ours=ours, again=True)

    def _move(
        self, signed: Decimal, price: Decimal, at: datetime, *, ours: bool, again: bool = False
    ) -> None:
        slot, span = self.slot, self.span
        was_flat, epoch = not slot.position, slot.epoch
        made = book(slot, signed, price)
        if ours:
            self.result.realized_pnl += made
        if span is not None and (again or not was_flat):
            span.realized += made
            turned = slot.epoch != epoch and not was_flat
            span.closed_at = at if turned or not slot.position else None
        opened = slot.position and slot.epoch != epoch and not (again and was_flat and span is not None)
        if opened:
            self.span = _Span(at)
        if ours and self.told is None:
            self.told = self.span if was_flat else span
