"""
Prices: the one path that runs hundreds of thousands of times a second.

A mark moves one instrument's contribution to equity and compares four numbers; nothing here grows
with the number of instruments, orders or past events. What it finds worth a look is left to
`ltm.core.watch`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Final

import attrs

from ltm.core.bases import raise_peaks
from ltm.core.booking import set_rate
from ltm.core.exposure import touch
from ltm.core.state import Slot, State
from ltm.model.market import Quote
from ltm.model.numbers import COST_GRID, ONE, RULES, ZERO

if TYPE_CHECKING:
    from collections.abc import Iterator

_HALF: Final = Decimal("0.5")
_HIGHEST: Final = Decimal("1E+15")
_LOWEST: Final = Decimal("-1E+15")
_ROOM: Final = Decimal("1E+31")
"""Added to a price of more than 18 decimals, it raises in the context `EXACT`: what such a price is multiplied with would not fit into the digits of money (BAD-077)."""
_RATES: Final = Context(prec=12, traps=[])
"""Exchange rates are quotients, of as many digits as a division gives; money is valued at twelve of them."""
AHEAD: Final = timedelta(minutes=1)
"""How far a price's time may be ahead of our clock; a later one would make all that follow look old (BAD-101)."""
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
    look: bool = True
    """Whether anything else happened that the alarm is worked out from: bases, latches, agreement, a second."""


def mark_all(  # noqa: C901, PLR0912, PLR0915 - the one hot loop: a call per branch would double its cost
    state: State, watch: Watch, quotes: Iterator[Quote], received: float, latest: datetime
) -> bool:
    """
    Apply market updates up to the first that needs a look; return whether there was one.

    Args:
        state: Whose prices, equity and peak move.
        watch: Whose levels are compared, and which is told what was noticed.
        quotes: In order; what is left of them is for the next call. Unknown symbols and unusable prices are dropped and counted (BAD-100, BAD-101).
        received: The monotonic time at which they arrived.
        latest: Prices of a later time are dropped.
    """
    slots = state.slots
    for quote in quotes:
        slot = slots.get(quote.symbol)
        price, bid, ask = quote.price, quote.bid, quote.ask
        try:
            if (
                slot is None
                or quote.at > latest
                or (slot.marked_at is not None and quote.at < slot.marked_at)
            ):
                watch.dropped += 1
                continue
            if bid is not None and ask is not None and ZERO < bid <= ask < _HIGHEST:
                if price is None:
                    price = (bid + ask) * _HALF
                else:
                    _ = bid + ask + _ROOM
            elif bid is not None or ask is not None:
                price = _of_book(slot, price, bid, ask)
            if (
                price is None
                or not price + _ROOM
                or not (slot.calm_low <= price <= slot.calm_high or _steady(state, slot, price, received))
            ):
                watch.dropped += 1
                continue
            if slot.rate_of is not None:
                move_rate(state, watch, slot, price)
            units = slot.units
            if units:
                equity = state.equity + units * (price - slot.mark)  # type: ignore[operator] # held: it has a mark
                if slot.exit_armed:
                    side = (bid if units > 0 else ask) or price
                    low, high = slot.exit_low, slot.exit_high
                    if (low is not None and side <= low) or (high is not None and side >= high):
                        watch.exits.append(slot)
                        watch.raised = True
                if equity > state.high:
                    if watch.settled:
                        # The floors rise with the peak: the first fall from it finds out by how much.
                        raise_peaks(state, equity)
                        watch.alarm = equity
                        watch.peaked = True
                elif equity <= watch.alarm:
                    watch.raised = True
                state.equity = equity
        except (
            ArithmeticError,
            TypeError,
        ):  # a NaN or a naive time was compared, or there are more digits than money is counted in
            rounded = _as_rate(slot, quote)
            if rounded is None:
                watch.dropped += 1
            elif mark_all(state, watch, iter((rounded,)), received, latest):
                return True
            continue
        slot.mark = price
        slot.bid = bid
        slot.ask = ask
        slot.marked_at = quote.at
        slot.received = received
        if slot.groups and not slot.stale:
            touch(slot)
        if watch.raised:
            return True
    return False


def _of_book(slot: Slot, price: Decimal | None, bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
    # The price of a quote with half a book, or one below zero: the last one, else the middle; None if unsound.
    lowest = _LOWEST if slot.instrument.allows_negative_price else ZERO
    if (bid is not None and not lowest < bid < _HIGHEST) or (ask is not None and not lowest < ask < _HIGHEST):
        return None
    for side in (bid, ask):
        _ = (side or ZERO) + _ROOM
    if bid is None or ask is None:
        return price
    if bid > ask:
        return None
    return price if price is not None else (bid + ask) * _HALF


def _as_rate(slot: Slot | None, quote: Quote) -> Quote | None:
    # The price of what is a rate too is rounded rather than dropped: without it all in that currency has no value.
    if slot is None or slot.rate_of is None:
        return None
    told = (quote.price, quote.bid, quote.ask)
    price, bid, ask = (None if one is None else _RATES.plus(one) if one.is_finite() else one for one in told)
    return None if (price, bid, ask) == told else Quote(quote.symbol, quote.at, price, bid, ask)


def move_rate(state: State, watch: Watch, pair: Slot, price: Decimal) -> None:
    """
    Value what is held in a currency at the new price of its pair, if anything is (RSK-08).
    """
    currency = pair.rate_of
    if currency is None or currency not in state.foreign or price <= 0:
        return
    if pair.instrument.currency == currency:
        # The pair says how much of it the session's buys; where the other pair is there, that one counts.
        if f"{currency}/{state.spec.currency}" in state.slots:
            return
        rate = RULES.divide(ONE, price).quantize(COST_GRID, context=RULES)
    else:
        rate = _RATES.plus(price)
    if state.fx.get(currency) == rate:
        return
    set_rate(state, currency, rate)
    state.fx_moved = True
    if state.equity > state.high:
        if watch.settled:
            raise_peaks(state, state.equity)
            watch.alarm = state.equity
            watch.peaked = True
    elif state.equity <= watch.alarm:
        watch.raised = True


def _steady(state: State, slot: Slot, price: Decimal, received: float) -> bool:
    # Decides about a price outside the calm band, and draws a new band around one that stands.
    if not _LOWEST < price < _HIGHEST or (price <= 0 and not slot.instrument.allows_negative_price):
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
            slot.calm_low, slot.calm_high = ONE, ZERO  # the next price is looked at, wherever it is
            return False
    slot.suspect = None
    slot.suspect_at = 0.0
    # Any two prices inside the band are less than `jump` apart: no need to compare them.
    reach = RULES.divide(jump, 2 + jump)
    slot.calm_low = RULES.multiply(price, RULES.subtract(ONE, reach))
    slot.calm_high = RULES.multiply(price, RULES.add(ONE, reach))
    return True
