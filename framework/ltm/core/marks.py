"""
Prices: the one path that runs hundreds of thousands of times a second.

A mark moves one instrument's contribution to equity and compares four numbers; nothing here grows
with the number of instruments, orders or past events. What it finds worth a look is left to
`ltm.core.watch`.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

import attrs

from ltm.core.exposure import touch
from ltm.core.state import Slot, State
from ltm.model.numbers import ONE, RULES, ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ltm.model.market import Quote

_HALF: Final = Decimal("0.5")
PERSISTS: Final = 1.0
"""Seconds after which a jump that is still quoted counts as real (RSK-02)."""


@attrs.define
class Watch:
    """
    The levels that marks are compared with, and what was noticed since they were last looked at.
    """

    alarm: Decimal = Decimal("-Infinity")
    """Equity at which a continuous rule trips or warns."""
    raised: bool = False
    exits: list[Slot] = attrs.Factory(list)
    peaked: bool = False
    settled: bool = False
    """Peaks count only once the books agree with the venue."""
    dropped: int = 0


def mark_all(  # noqa: C901, PLR0912 - the one hot loop: a call per branch would double its cost
    state: State, watch: Watch, quotes: Iterable[Quote], received: float
) -> bool:
    """
    Apply market updates; return whether something needs a look.

    Args:
        state: Whose prices, equity and peak move.
        watch: Whose levels are compared, and which is told what was noticed.
        quotes: In order. Unknown symbols and unusable prices are dropped and counted (BAD-100).
        received: The monotonic time at which they arrived.
    """
    slots = state.slots
    equity = state.equity
    for quote in quotes:
        slot = slots.get(quote.symbol)
        price, bid, ask = quote.price, quote.bid, quote.ask
        try:
            if bid is not None and ask is not None:
                if not ZERO < bid <= ask:
                    price = None
                elif price is None:
                    price = (bid + ask) * _HALF
            if (
                slot is None
                or price is None
                or not (slot.calm_low <= price <= slot.calm_high or _steady(state, slot, price, received))
            ):
                watch.dropped += 1
                continue
        except InvalidOperation:  # a NaN was compared
            watch.dropped += 1
            continue
        units = slot.units
        if units:
            equity += units * (price - slot.mark)  # type: ignore[operator] # held: it has a mark
            if slot.exit_armed:
                side = (bid if units > 0 else ask) or price
                low, high = slot.exit_low, slot.exit_high
                if (low is not None and side <= low) or (high is not None and side >= high):
                    watch.exits.append(slot)
                    watch.raised = True
            if equity > state.peak:
                if watch.settled:
                    state.peak = equity
                    watch.peaked = True
            elif equity <= watch.alarm:
                watch.raised = True
        slot.mark = price
        slot.bid = bid
        slot.ask = ask
        slot.marked_at = quote.at
        slot.received = received
        if slot.groups and not slot.stale:
            touch(slot)
    state.equity = equity
    return watch.raised


def _steady(state: State, slot: Slot, price: Decimal, received: float) -> bool:
    # Decides about a price outside the calm band, and draws a new band around one that stands.
    if not price.is_finite() or (price <= 0 and not slot.instrument.allows_negative_price):
        return False
    jump = state.spec.bad_tick_pct
    last = slot.mark
    if last is not None and slot.received is not None and abs(price - last) > abs(last) * jump:
        suspect = slot.suspect
        confirmed = suspect is not None and (
            abs(price - suspect) <= abs(suspect) * jump or received - slot.suspect_at >= PERSISTS
        )
        if not confirmed:
            slot.suspect = price
            slot.suspect_at = received
            return False
    slot.suspect = None
    slot.suspect_at = 0.0
    # Any two prices inside the band are less than `jump` apart: no need to compare them.
    reach = RULES.divide(jump, 2 + jump)
    slot.calm_low = RULES.multiply(price, RULES.subtract(ONE, reach))
    slot.calm_high = RULES.multiply(price, RULES.add(ONE, reach))
    if slot.calm_high < slot.calm_low:
        slot.calm_low = slot.calm_high = ZERO
    return True
