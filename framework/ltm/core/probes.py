"""
How each limit of the kernel is put to the test: what stands just inside it, and what one step beyond.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import attrs
from msgspec import structs

from ltm.core import events as e
from ltm.core.bench import GRAIN, SYMBOL, Bench, Subject, bench
from ltm.core.blindness import watch_blindness
from ltm.core.booking import move
from ltm.core.cancels import send_cancel
from ltm.core.gates import signal_gate
from ltm.core.links import watch_link
from ltm.core.marks import mark_all
from ltm.core.tallies import ENTRY, EXIT, RUN, content_of, step_of
from ltm.model.enums import Side
from ltm.model.market import Quote
from ltm.model.numbers import ONE, RULES, floor_to, plain
from ltm.model.spec import AccountLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from decimal import Decimal

    from ltm.core.context import Context
    from ltm.model.spec import Limits, Rate, SessionSpec

    Attempt = Callable[[Bench, int], bool]

_INSTANT: Final = timedelta(microseconds=1)
_MOMENT: Final = 0.001
_WINDOWS: Final = 50


@attrs.frozen
class Probe:
    """
    One limit: its name, its value in words, and what it lets pass (step 0: inside, step 1: beyond).
    """

    name: str
    value: str
    attempt: Attempt
    symbols: tuple[str, str] = (SYMBOL, SYMBOL)


def is_held(subject: Subject, probe: Probe) -> bool:
    """
    Return whether what is inside a limit passes, and what is beyond it does not.
    """
    inside, beyond = (probe.attempt(bench(subject, probe.symbols[step]), step) for step in (0, 1))
    return inside and not beyond


def probes_of(subject: Subject) -> Iterator[Probe]:
    """
    Return a probe for each limit that the terms arm.
    """
    spec, limits = subject.spec, subject.spec.limits
    yield from _session(spec)
    yield from _times(subject)
    yield from _amounts(spec, limits)
    yield from _counts(limits)
    yield from _rates(limits)
    yield from _prices(limits)
    yield from _names(limits)
    if limits.link_timeout is not None and not subject.capabilities.ephemeral:
        yield Probe("link_timeout", f"{limits.link_timeout:g} s", _silence(limits.link_timeout))


# --- Quantities and amounts ---------------------------------------------------------------------


def _sized(rule: str, limit: Decimal) -> Attempt:
    return lambda found, step: found.passes(rule, found.candidate(found.draft(limit + step * GRAIN)))


def _session(spec: SessionSpec) -> Iterator[Probe]:
    money = RULES.divide(spec.initial_capital, ONE + spec.commission_rate)
    value = f"{plain(spec.initial_capital)} {spec.currency}"
    yield Probe("session_capital", value, _sized("session_capital", floor_to(money, GRAIN)))
    if spec.max_order_quantity is not None:
        limit = spec.max_order_quantity
        yield Probe("max_order_quantity", plain(limit), _sized("max_order_quantity", limit))
    if spec.max_order_value is not None:
        limit = spec.max_order_value
        yield Probe("max_order_value", f"{plain(limit)} {spec.currency}", _sized("max_order_value", limit))
    if spec.max_daily_trades is not None:
        yield Probe("max_daily_trades", str(spec.max_daily_trades), _daily(spec.max_daily_trades))
    if spec.min_confidence > 0:
        yield Probe("min_confidence", plain(spec.min_confidence), _confidence(spec.min_confidence))
    yield from _stops(spec)


def _stops(spec: SessionSpec) -> Iterator[Probe]:
    for name, sign in (("stop_loss_pct", -ONE), ("trailing_stop_pct", -ONE), ("take_profit_pct", ONE)):
        share: Decimal | None = getattr(spec, name)
        if share is not None:
            yield Probe(name, plain(share), _level(name, ONE, sign * share))
    distance = spec.trailing_stop_distance
    if distance is not None:
        level = _level("trailing_stop_distance", distance + distance, -distance)
        yield Probe("trailing_stop_distance", plain(distance), level)


def _amounts(spec: SessionSpec, limits: Limits) -> Iterator[Probe]:
    for name in ("max_gross_exposure", "max_net_exposure"):
        times: Decimal | None = getattr(limits, name)
        if times is not None:
            value = f"{plain(times)} times equity"
            yield Probe(name, value, _sized(name, floor_to(times * spec.initial_capital, GRAIN)))
    account = spec.account_limits or AccountLimits()
    for name, share in (
        ("account_gross_exposure", account.max_gross_exposure),
        ("account_symbol_exposure", account.max_symbol_exposure),
    ):
        if share is not None:
            value = f"{plain(share)} times equity of {spec.account}"
            yield Probe(name, value, _sized(name, floor_to(share * spec.initial_capital, GRAIN)))
    if account.max_open_orders is not None:
        yield Probe(
            "account_open_orders",
            str(account.max_open_orders),
            _open(account.max_open_orders, "account_open_orders"),
        )
    for name in ("max_open_value", "max_traded_value"):
        most: Decimal | None = getattr(limits, name)
        if most is not None:
            yield Probe(name, f"{plain(most)} {spec.currency}", _sized(name, most))


def _level(name: str, bought_at: Decimal, away: Decimal) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        others = {other: None for other in _STOPS if other != name}
        found.state.spec = structs.replace(found.state.spec, **others)  # each stop by itself
        move(found.state, found.slot, ONE, bought_at)
        found.slot.received = None
        inward = GRAIN if away < 0 else -GRAIN
        price = bought_at + away + (0 if step else inward)
        mark_all(
            found.state,
            found.context.watch,
            iter([Quote(SYMBOL, found.context.now, price)]),
            found.context.mono,
            found.context.now,
        )
        return not found.context.watch.exits

    return attempt


_STOPS: Final = ("stop_loss_pct", "take_profit_pct", "trailing_stop_pct", "trailing_stop_distance")


# --- Counts -------------------------------------------------------------------------------------


def _daily(most: int) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        found.state.orders_today = most - 1 + step
        return found.passes("max_daily_trades", found.candidate())

    return attempt


def _counts(limits: Limits) -> Iterator[Probe]:
    if limits.max_open_orders is not None:
        yield Probe(
            "max_open_orders", str(limits.max_open_orders), _open(limits.max_open_orders, "max_open_orders")
        )
    if limits.max_symbol_open_orders is not None:
        most = limits.max_symbol_open_orders
        yield Probe("max_symbol_open_orders", str(most), _open_on_symbol(most))
    if limits.max_positions is not None:
        yield Probe("max_positions", str(limits.max_positions), _positions(limits.max_positions))
    if limits.max_order_to_fill_ratio is not None:
        ratio = limits.max_order_to_fill_ratio
        yield Probe("max_order_to_fill_ratio", plain(ratio), _traffic(ratio))
    if limits.duplicate_window is not None:
        value = f"{limits.max_duplicates} in {limits.duplicate_window:g} s"
        yield Probe("duplicate_window", value, _repeated(limits.max_duplicates))
    if limits.prevent_self_match:
        yield Probe("prevent_self_match", "on", _crossing)


def _open(most: int, rule: str) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        found.state.orders = dict.fromkeys(map(str, range(most - 1 + step)), found.order())
        return found.passes(rule, found.candidate())

    return attempt


def _open_on_symbol(most: int) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        candidate = found.candidate()
        found.slot.orders = dict.fromkeys(map(str, range(most - 1 + step)), found.order())
        return found.passes("max_symbol_open_orders", candidate)

    return attempt


def _positions(most: int) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        candidate = found.candidate()
        found.state.totals.count = most - 1 + step
        return found.passes("max_positions", candidate)

    return attempt


def _traffic(ratio: Decimal) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        # With so many fills that the grid of whole messages is finer than the limit.
        found.state.tallies.fills = 10**8 - 1
        found.state.tallies.messages = int(ratio * 10**8) - 1 + step
        return found.passes("max_order_to_fill_ratio", found.candidate())

    return attempt


def _repeated(most: int) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        found.state.tallies.recent[content_of(found.draft())] = [found.context.now] * (most - 1 + step)
        return found.passes("duplicate_order", found.candidate())

    return attempt


def _crossing(found: Bench, step: int) -> bool:
    candidate = found.candidate(found.draft(limit_price=ONE))
    found.slot.orders["x"] = found.order(limit_price=ONE + (0 if step else GRAIN), side=Side.SELL)
    return found.passes("self_match", candidate)


# --- Rates --------------------------------------------------------------------------------------


def _rates(limits: Limits) -> Iterator[Probe]:
    buckets = (
        ("max_order_rate", ENTRY),
        ("max_symbol_order_rate", f"{ENTRY} {SYMBOL}"),
        ("max_exit_rate", EXIT),
        ("max_executions", RUN),
    )
    for name, bucket in buckets:
        rate: Rate | None = getattr(limits, name)
        if rate is not None:
            yield Probe(name, str(rate), _bucket(name, bucket, rate))
    if limits.max_cancel_rate is not None:
        yield Probe("max_cancel_rate", str(limits.max_cancel_rate), _cancels(limits.max_cancel_rate))


def _bucket(name: str, bucket: str, rate: Rate) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        found.state.tallies.buckets[bucket] = found.context.now + step_of(rate) * (rate.count - 1 + step)
        return found.passes(name, found.candidate(entry=bucket != EXIT))

    return attempt


def _cancels(rate: Rate) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        context = found.context
        context.mono = 0.0
        context.cancel_full_at = rate.seconds / rate.count * (rate.count - 1 + step)
        return bool(list(send_cancel(context, found.order())))

    return attempt


# --- Prices and names ---------------------------------------------------------------------------


def _prices(limits: Limits) -> Iterator[Probe]:
    if limits.price_collar is None:
        return
    wider = limits.exit_price_collar if limits.exit_price_collar is not None else 2 * limits.price_collar
    yield Probe("price_collar", plain(limits.price_collar), _collar(limits.price_collar, entry=True))
    yield Probe("exit_price_collar", plain(wider), _collar(wider, entry=False))


def _collar(width: Decimal, *, entry: bool) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        draft = found.draft(limit_price=ONE + width + step * GRAIN)
        return found.passes("price_collar", found.candidate(draft, entry=entry))

    return attempt


def _names(limits: Limits) -> Iterator[Probe]:
    free = next((name for name in limits.allowed or (SYMBOL,) if name not in limits.restricted), None)
    if limits.restricted:
        value = ", ".join(limits.restricted)
        yield Probe("restricted", value, _listed, (free or limits.restricted[0], limits.restricted[0]))
    if limits.allowed:
        yield Probe("allowed", ", ".join(limits.allowed), _listed, (free or SYMBOL, SYMBOL))


def _listed(found: Bench, _step: int) -> bool:
    return found.passes("listing", found.candidate())


# --- Time ---------------------------------------------------------------------------------------


def _times(subject: Subject) -> Iterator[Probe]:
    spec, context = subject.spec, bench(subject).context
    yield Probe("max_price_age", f"{context.max_price_age:g} s", _old_price)
    yield Probe("max_blind_time", f"{context.max_blind_time:g} s", _blind)
    if spec.max_signal_age is not None:
        yield Probe("max_signal_age", f"{spec.max_signal_age:g} s", _old_signal(spec.max_signal_age))
    close = _close(context)
    if close is not None:
        yield Probe("trading_hours", f"closed at {close:%a %H:%M} UTC", _hours(close, entry=False))
        if spec.entry_cutoff:
            cutoff = timedelta(minutes=spec.entry_cutoff)
            yield Probe("entry_cutoff", f"{spec.entry_cutoff} min", _hours(close - cutoff, entry=True))


def _close(context: Context) -> datetime | None:
    # The next moment at which the session's hours really end; None where they never do.
    at: datetime | None = context.now
    for _ in range(_WINDOWS):
        is_open, at = context.opening()
        if at is None:
            return None
        context.now = at
        if is_open and not context.opening()[0]:
            return at
    return None


def _hours(end: datetime, *, entry: bool) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        found.context.now = end - _INSTANT * (1 - step)
        return found.passes("trading_hours", found.candidate(entry=entry))

    return attempt


def _old_price(found: Bench, step: int) -> bool:
    found.slot.received = 0.0
    found.context.mono = found.context.max_price_age + step * _MOMENT
    return found.passes("price", found.candidate())


def _blind(found: Bench, step: int) -> bool:
    context = found.context
    context.stale, context.blind_since = frozenset({SYMBOL}), 0.0
    context.mono = context.max_blind_time + step * _MOMENT
    return not any(isinstance(item, e.TradingPaused) for item in watch_blindness(found.state, context))


def _old_signal(age: float) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        signal = found.signal(age=timedelta(seconds=age) + _INSTANT * step)
        return signal_gate(found.state, found.context, signal).code == "ok"

    return attempt


def _confidence(least: Decimal) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        signal = found.signal(least - step * GRAIN)
        return signal_gate(found.state, found.context, signal).code == "ok"

    return attempt


def _silence(timeout: float) -> Attempt:
    def attempt(found: Bench, step: int) -> bool:
        context = found.context
        found.slot.received = None
        context.mono = timeout + step * _MOMENT
        return not any(isinstance(item, e.LinkChanged) for item in watch_link(found.state, context))

    return attempt
