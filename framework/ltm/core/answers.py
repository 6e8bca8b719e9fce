"""
What only a person can tell a session: an order's fate, money that moved, whose position is right, what was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.facts import known
from ltm.core.lifecycle import Fact
from ltm.core.watch import sample_now
from ltm.model.enums import OrderStatus
from ltm.model.errors import InvalidTransition, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from ltm.core.context import Context
    from ltm.core.orders import Item
    from ltm.core.state import State


def resolve(state: State, context: Context, command: c.ResolveOrder) -> Iterator[Item]:
    """
    Take a person's word for what became of an unknown order (REL 2.2.1).

    Raises:
        InvalidTransition: The order is not unknown.
    """
    order = state.orders.get(command.client_order_id)
    if order is None or order.status is not OrderStatus.UNKNOWN:
        what = order.status if order is not None else "not open"
        message = f"cannot resolve order {shown(command.client_order_id)}: it is {what}"
        raise InvalidTransition(message, field="client_order_id", got=command.client_order_id)
    if command.venue_order_id is not None:
        accepted = e.OrderAccepted(
            at=context.now,
            client_order_id=order.client_order_id,
            venue_order_id=command.venue_order_id,
        )
        yield from known(context, order, Fact.ACCEPTED, accepted)
        return
    evidence = f"{command.by} says so: {command.reason}"
    absent = e.OrderAbsent(at=context.now, client_order_id=order.client_order_id, evidence=evidence)
    yield from known(context, order, Fact.ABSENT, absent)


def record_flow(state: State, context: Context, command: c.RecordFlow) -> Iterator[Item]:
    """
    Note money that came or went and is no profit or loss (RSK-04).

    Raises:
        InvalidTransition: The amount is not finite, or would leave no equity.
    """
    if not _fits(state, command.amount) or state.equity + command.amount <= 0:
        message = f"flow must leave equity above 0, got {command.amount} at equity {state.equity}"
        raise InvalidTransition(message, field="amount", got=str(command.amount))
    # The bases move in proportion to equity, so the records have to tell what it was.
    yield from sample_now(state, context)
    yield e.FlowRecorded(at=context.now, amount=command.amount, by=command.by, reason=command.reason)


def _fits(state: State, amount: Decimal) -> bool:
    # Sums of money are exact: an amount with too many digits must not reach the journal (BAD-077).
    try:
        return all(
            (money + amount).is_finite() for money in (state.equity, state.flows, *state.cash.values())
        )
    except ArithmeticError:
        return False


def unblock(state: State, context: Context, command: c.Unblock) -> Iterator[Item]:
    """
    Let entries on an instrument pass again, after a person has looked.

    Raises:
        InvalidTransition: It is not blocked.
    """
    slot = state.slots.get(command.symbol)
    if slot is None or slot.blocked is None:
        message = f"cannot unblock {shown(command.symbol)}: it is not blocked"
        raise InvalidTransition(message, field="symbol", got=command.symbol)
    yield e.InstrumentBlocked(at=context.now, symbol=command.symbol, reason="")


def accept_position(state: State, context: Context, command: c.AcceptPosition) -> Iterator[Item]:
    """
    Adopt the venue's holding where it drifted from ours; a person decides, never the program.

    Raises:
        InvalidTransition: The holdings agree, or there is no price to value the change with.
    """
    slot = state.slots.get(command.symbol)
    if slot is None or slot.drift is None or slot.mark is None:
        why = "has no drift" if slot is None or slot.drift is None else "has no price yet"
        message = f"cannot accept {shown(command.symbol)}: it {why}"
        raise InvalidTransition(message, field="symbol", got=command.symbol)
    change: Decimal = slot.drift - slot.position
    yield e.PositionAdjusted(
        at=context.now,
        symbol=command.symbol,
        quantity=change,
        price=slot.mark,
        reason=f"accepted by {command.by}: {command.reason}",
        rebase_cash=True,
    )


def acknowledge(state: State, context: Context, command: c.AcknowledgeAlert) -> Iterator[Item]:
    """
    Note that a person has seen an alert; twice is harmless.

    Raises:
        InvalidTransition: There is no such alert.
    """
    alert = state.alerts.get(command.alert_id)
    if alert is None:
        message = f"no alert {shown(command.alert_id)} in session {state.spec.session_id}"
        raise InvalidTransition(message, field="alert_id", got=command.alert_id, hint="ltm alerts lists them")
    if alert.acknowledged_at is None:
        yield e.AlertAcknowledged(at=context.now, alert_id=command.alert_id, by=command.by)
