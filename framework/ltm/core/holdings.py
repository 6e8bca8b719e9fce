"""
Holdings against the venue's: taken over at the first start, a drift later; nothing is traded to mend it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.fills import SOON
from ltm.core.orders import Item, raise_alert
from ltm.model.enums import OrderStatus, Severity, Side
from ltm.model.numbers import ZERO, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal

    from ltm.core.context import Context
    from ltm.core.state import Slot, State
    from ltm.model.reports import FillReport, PositionReport

REREADS: Final = 5
"""How often in a row positions are asked for again because an instrument moved meanwhile (REL-4)."""
_OVERDUE: Final = 60.0
_SPLITS: Final = (2, 3, 4)


def compare(
    state: State,
    context: Context,
    reports: Sequence[PositionReport],
    since: int,
    foreign: Callable[[str], Decimal],
) -> Iterator[Item]:
    """
    Compare every holding with the venue's.

    Args:
        state: Ours.
        context: The moment.
        reports: Theirs.
        since: The journal's sequence when they were asked: what changed later cannot be compared.
        foreign: What recent fills of orders that are not ours make of an instrument: it may be why.
    """
    moving = False
    theirs = {report.symbol: report for report in reports}
    for symbol, slot in list(state.slots.items()):
        report = theirs.get(symbol)
        quantity = report.quantity if report is not None else ZERO
        if not quantity.is_finite():
            continue
        if slot.changed_at > since:
            # Asked before, told after. An instrument that is never quiet is looked at again soon.
            moving |= context.mono - slot.swept_at >= _OVERDUE
            continue
        if quantity == slot.position + slot.ignored:
            slot.swept_at = context.mono
            slot.drift_seen = slot.apart = None
            if slot.exit_attempts:
                context.watch.exits.append(slot)  # it may have waited for this look
            if slot.drift is not None:
                yield e.DriftCleared(at=context.now, symbol=symbol)
        elif in_flight(slot):
            slot.apart = quantity - slot.ignored
        elif report is not None and not state.agreed:
            yield from _inherit(state, context, slot, report)
        else:
            yield from _drift(state, context, slot, quantity - slot.ignored, foreign)
    context.rereads = context.rereads + 1 if moving else 0
    if 0 < context.rereads <= REREADS:
        context.sweep_at = min(context.sweep_at, context.mono + SOON)


def in_flight(slot: Slot) -> bool:
    """
    Return whether an outcome is open: the venue may be ahead of us then, and no difference counts.
    """
    return any(order.status in _OPEN_QUESTION for order in slot.orders.values())


_OPEN_QUESTION: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})


def _inherit(state: State, context: Context, slot: Slot, report: PositionReport) -> Iterator[Item]:
    symbol, policy = slot.instrument.symbol, state.spec.foreign_positions
    price = report.average_entry_price or slot.mark
    message = f"the account already holds {plain(report.quantity)} {symbol}"
    if policy == "inherit" and price is not None:
        yield e.PositionAdjusted(
            at=context.now, symbol=symbol, quantity=report.quantity, price=price, reason="inherited"
        )
        yield raise_alert(state, context, Severity.INFO, "inherited", f"{message}: taken over")
    elif policy == "ignore":
        yield e.PositionIgnored(at=context.now, symbol=symbol, quantity=report.quantity)
        yield raise_alert(state, context, Severity.INFO, "ignored", f"{message}: left alone")
    else:
        yield e.TradingHalted(at=context.now, code="foreign_position", message=message)
        yield raise_alert(state, context, Severity.CRITICAL, "foreign_position", message)


def _drift(
    state: State, context: Context, slot: Slot, theirs: Decimal, foreign: Callable[[str], Decimal]
) -> Iterator[Item]:
    if slot.drift_seen is None:
        slot.drift_seen = context.mono
        context.sweep_at = min(context.sweep_at, context.mono + SOON)
        return
    if context.mono - slot.drift_seen < SOON or slot.drift == theirs:
        context.sweep_at = min(context.sweep_at, context.mono + SOON)
        return
    symbol = slot.instrument.symbol
    yield e.DriftFound(at=context.now, symbol=symbol, ours=slot.position, theirs=theirs)
    ratio = split_ratio(slot.position, theirs)
    hint = f"; {ratio}, a split?" if ratio is not None else ""
    others = foreign(symbol)
    if others:
        hint += f"; fills of orders that are not ours make {plain(others)}"
    message = (
        f"the venue holds {plain(theirs)} {symbol}, our fills say {plain(slot.position)}{hint};"
        f" entries on {symbol} are blocked"
    )
    yield raise_alert(state, context, Severity.CRITICAL, "drift", message)


def signed(fill: FillReport) -> Decimal:
    """
    Return by how much a fill changes a holding.
    """
    return fill.quantity if fill.side is Side.BUY else -fill.quantity


def split_ratio(ours: Decimal, theirs: Decimal) -> str | None:
    """
    Return the split that would make one holding of the other, such as 2:1, 1:10 or 3:2.
    """
    if ours * theirs <= 0:
        return None
    if not theirs % ours:
        return f"{plain(theirs / ours)}:1"
    if not ours % theirs:
        return f"1:{plain(ours / theirs)}"
    for low in _SPLITS:
        if theirs * low == ours * (low + 1):
            return f"{low + 1}:{low}"
    return None
