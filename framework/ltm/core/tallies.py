"""
What armed limits count of orders and fills: rates, repeats, the day's traffic. All of it follows from
events, so it survives kill -9; a session that arms no such limit counts nothing.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import attrs

from ltm.model.numbers import ZERO, plain

if TYPE_CHECKING:
    from ltm.core import events as e
    from ltm.model.order import OrderDraft
    from ltm.model.spec import Limits, Rate

ENTRY: Final = "entry"
EXIT: Final = "exit"
RUN: Final = "run"


@attrs.define(eq=False)
class Tallies:
    """
    What was counted so far.
    """

    buckets: dict[str, datetime] = attrs.Factory(dict)
    """By bucket: when it will be full again. One moment is all that a token bucket has to remember."""
    recent: dict[str, list[datetime]] = attrs.Factory(dict)
    """By content of an entry: when it was sent, within `duplicate_window`; the latest content last."""
    messages: int = 0
    """Orders and cancels of the trading date."""
    fills: int = 0
    traded: Decimal = ZERO
    """Absolute value of the trading date's fills, session currency."""


def step_of(rate: Rate) -> timedelta:
    """
    Return how long a bucket takes to gain one token, rounded up.
    """
    return timedelta(microseconds=math.ceil(rate.seconds * 1_000_000 / rate.count))


def tokens(full_at: datetime | None, rate: Rate, now: datetime) -> int:
    """
    Return how many tokens a bucket holds. One that would be full much later than any spending explains was
    filled before the clock went back far: it counts as full, once.
    """
    step = step_of(rate)
    if full_at is None or _is_full(full_at, step, rate, now):
        return rate.count
    return max(rate.count - -(-(full_at - now) // step), 0)


def _is_full(full_at: datetime, step: timedelta, rate: Rate, now: datetime) -> bool:
    # A clock that is set back a little, as time servers do every day, must not fill what is empty.
    return full_at <= now or full_at - now > 2 * step * rate.count


def _spend(tallies: Tallies, key: str, rate: Rate | None, now: datetime) -> None:
    if rate is None:
        return
    step, full_at = step_of(rate), tallies.buckets.get(key)
    if full_at is None or _is_full(full_at, step, rate, now):
        full_at = now
    tallies.buckets[key] = min(full_at + step, now + step * rate.count)


def content_of(draft: OrderDraft) -> str:
    """
    Return what makes two entries the same (C10).
    """
    numbers = (draft.quantity, draft.limit_price, draft.trigger_price)
    told = " ".join("-" if number is None else plain(number) for number in numbers)
    return f"{draft.symbol} {draft.side} {draft.order_type} {told}"


def repeats(tallies: Tallies, content: str, window: float, now: datetime) -> int:
    """
    Return how often an entry was sent within the window.
    """
    since = timedelta(seconds=window)
    return sum(abs(now - at) < since for at in tallies.recent.get(content, ()))


def note_intent(tallies: Tallies, limits: Limits, event: e.OrderIntended | e.IntentOutline) -> None:
    """
    Count an order.
    """
    tallies.messages += 1
    _spend(tallies, RUN, limits.max_executions, event.at)
    if not event.entry:
        _spend(tallies, EXIT, limits.max_exit_rate, event.at)
        return
    _spend(tallies, ENTRY, limits.max_order_rate, event.at)
    _spend(tallies, f"{ENTRY} {event.draft.symbol}", limits.max_symbol_order_rate, event.at)
    if limits.duplicate_window is not None:
        _remember(tallies.recent, content_of(event.draft), event.at, limits.duplicate_window)


def _remember(recent: dict[str, list[datetime]], content: str, now: datetime, window: float) -> None:
    # The oldest stand first: what has left the window is forgotten as new ones come.
    since = timedelta(seconds=window)
    times = [at for at in recent.pop(content, ()) if abs(now - at) < since]
    recent[content] = [*times, now]
    while abs(now - recent[first := next(iter(recent))][-1]) >= since:
        del recent[first]


def note_cancel(tallies: Tallies) -> None:
    """
    Count a cancel.
    """
    tallies.messages += 1


def note_fill(tallies: Tallies, value: Decimal) -> None:
    """
    Count a fill and what it was worth.
    """
    tallies.fills += 1
    tallies.traded += abs(value)


def note_correction(tallies: Tallies, before: Decimal, value: Decimal, *, is_old: bool) -> None:
    """
    Count what a fill was worth in truth; one that never was is none. What an old one loses frees nothing today.
    """
    more = abs(value) - abs(before)
    if more > ZERO or not is_old:
        tallies.traded = max(tallies.traded + more, ZERO)
        tallies.fills = max(tallies.fills - (not value), 0)


def note_roll(tallies: Tallies) -> None:
    """
    Begin another trading date.
    """
    tallies.messages = tallies.fills = 0
    tallies.traded = ZERO
