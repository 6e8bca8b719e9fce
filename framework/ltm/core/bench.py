"""
A bench for limits: a session in memory that trades nothing, on which each limit is judged just inside
and just outside by the gates and rules that will judge orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import attrs

from ltm.core import events as e
from ltm.core.context import Context, new_context
from ltm.core.evolve import evolve
from ltm.core.exposure import refresh
from ltm.core.gates import Candidate, entry_gates, exit_gates
from ltm.core.state import OrderState, Slot, State, new_state
from ltm.model.enums import Action, Lifecycle, OrderStatus, OrderType, Purpose, Side, TimeInForce
from ltm.model.hours import Openings
from ltm.model.instrument import Instrument
from ltm.model.numbers import ONE, ZERO
from ltm.model.order import OrderDraft
from ltm.model.reports import Capabilities
from ltm.model.signal import SignalRecord
from ltm.model.spec import SessionSpec
from ltm.ports.rules import PositionSizer, RiskRule

GRAIN: Final = Decimal("1E-8")
"""The step between just inside and just outside."""
SYMBOL: Final = "LTM-SELF-TEST"
NOON: Final = datetime(2026, 1, 7, 12, tzinfo=UTC)
MONO: Final = 1e6
NONE: Final = timedelta(0)


@attrs.frozen(kw_only=True)
class Subject:
    """
    What is put on the bench.
    """

    spec: SessionSpec
    rules: Sequence[RiskRule]
    sizer: PositionSizer
    capabilities: Capabilities
    openings: Openings | None = None

    @property
    def now(self) -> datetime:
        """
        The time on the bench: one that the calendar knows.
        """
        return (
            NOON
            if self.openings is None
            else self.openings.since + (self.openings.until - self.openings.since) / 2
        )


@attrs.define(kw_only=True)
class Bench:
    """
    A session that runs, holds nothing, and knows one instrument at a price of 1.
    """

    state: State
    context: Context
    slot: Slot

    def draft(
        self, quantity: Decimal = ONE, side: Side = Side.BUY, limit_price: Decimal | None = None
    ) -> OrderDraft:
        """
        Return an order; with a limit price, a limit order.
        """
        return OrderDraft(
            symbol=self.slot.instrument.symbol,
            side=side,
            quantity=quantity,
            order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
            limit_price=limit_price,
        )

    def candidate(self, draft: OrderDraft | None = None, *, entry: bool = True) -> Candidate:
        """
        Return an order on its way through the gates; one unit of it is worth 1.
        """
        refresh(self.slot)
        asked = draft or self.draft()
        return Candidate(self.slot, asked, entry, ONE, asked.quantity)

    def passes(self, rule: str, candidate: Candidate) -> bool:
        """
        Return what the gates that the terms install say under a name; without such a gate all passes.
        """
        spec = self.context.spec
        gates = entry_gates(spec) if candidate.entry else exit_gates(spec)
        checks = [gate(self.state, self.context, candidate) for gate in gates]
        return all(check.code == "ok" for check in checks if check.rule == rule)

    def signal(self, confidence: Decimal = ONE, age: timedelta = NONE) -> SignalRecord:
        """
        Return a signal.
        """
        return SignalRecord(
            symbol=SYMBOL,
            action=Action.BUY,
            score=ONE,
            confidence=confidence,
            at=self.context.now - age,
            quantity=ONE,
        )

    def order(self, limit_price: Decimal | None = None, side: Side = Side.BUY) -> OrderState:
        """
        Return an open order of which nothing is left.
        """
        return OrderState(
            client_order_id="x",
            symbol=self.slot.instrument.symbol,
            side=side,
            quantity=ZERO,
            order_type=OrderType.LIMIT,
            limit_price=limit_price,
            trigger_price=None,
            time_in_force=TimeInForce.DAY,
            purpose=Purpose.SIGNAL,
            entry=True,
            worst_price=ONE,
            created_at=self.context.now,
            updated_at=self.context.now,
            status=OrderStatus.ACCEPTED,
        )


def bench(subject: Subject, symbol: str = SYMBOL) -> Bench:
    """
    Return a new bench; what one probe does to it, the next does not see.
    """
    spec = subject.spec
    now = subject.now
    context = new_context(spec, subject.rules, subject.sizer, subject.capabilities, subject.openings)
    context.now, context.mono = now, MONO
    state = new_state(spec, "abcdefgh")
    groups = tuple((name, SYMBOL, ONE) for name, _ in context.grouping_rules)
    listed = Instrument(symbol=symbol, currency=spec.currency, lot_size=GRAIN, tick_size=GRAIN, groups=groups)
    evolve(state, e.InstrumentDefined(at=now, instrument=listed))
    state.lifecycle = Lifecycle.RUNNING
    state.reconciled_at, state.link_up = now, True
    state.trading_date = now.date()
    slot = state.slots[symbol]
    slot.mark, slot.received = ONE, MONO
    return Bench(state=state, context=context, slot=slot)
