"""
Limits between orders: which are nearly used up, and which prices alone have carried over (C44, RSK-20).

Looked at once a second, so that marks pay nothing. Each level reached is an event, told once; it
counts as left only 5 % below, so that a price that hovers tells nobody twice, and a restart neither.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.orders import Item, blame, raise_alert
from ltm.core.risk import AtPlugin, raised
from ltm.model.enums import Lifecycle, Severity
from ltm.model.errors import shown
from ltm.model.numbers import ZERO, plain
from ltm.model.results import PositionLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltm.core.context import Context
    from ltm.core.state import Slot, State
    from ltm.ports.rules import PositionRule

Reading = tuple[str, str, Decimal, Decimal]
"""A limit's name, the symbol it is about or "", what is measured, and the limit."""
_LEFT: Final = Decimal("0.95")


def watch_limits(state: State, context: Context) -> Iterator[Item]:
    """
    Tell a person, once, of each limit that is nearly used up or passed.
    """
    if state.lifecycle is not Lifecycle.RUNNING:
        return
    seen = set()
    yield from _ask_rules(state, context)
    for reading in readings(state, context):
        name, symbol, measured, limit = reading
        key = f"{name}:{symbol}"
        seen.add(key)
        stage = _stage(state, state.near.get(key, 0), measured, limit)
        yield from _move(state, context, reading, stage)
    for key in [key for key in state.near if key not in seen]:
        name, _, symbol = key.partition(":")
        yield e.LimitNeared(at=context.now, limit=name, symbol=symbol, stage=0)


def _stage(state: State, before: int, measured: Decimal, limit: Decimal) -> int:
    shares = state.spec.limits.pre_alerts
    if limit <= 0:
        return len(shares) + 1 if measured > limit else 0
    reached = sum(measured >= limit * share for share in shares)
    kept = sum(measured > limit * share * _LEFT for share in shares)
    if measured > limit:
        reached = len(shares) + 1
    if measured > limit * _LEFT:
        kept = len(shares) + 1
    return max(reached, min(before, kept))


def _move(state: State, context: Context, reading: Reading, stage: int) -> Iterator[Item]:
    name, symbol, measured, limit = reading
    before = state.near.get(f"{name}:{symbol}", 0)
    if stage == before:
        return
    yield e.LimitNeared(at=context.now, limit=name, symbol=symbol, stage=stage)
    if stage < before:
        return
    last = len(state.spec.limits.pre_alerts)
    what = f"{name} of {symbol}" if symbol else name
    if stage > last:
        message = (
            f"{what}: {plain(measured)} is above the limit {plain(limit)}; entries that add to it are denied"
        )
        yield raise_alert(state, context, Severity.WARNING, "passive_breach", message)
    else:
        message = f"{what}: {plain(measured)} of {plain(limit)} is used"
        severity = Severity.WARNING if stage == last else Severity.INFO
        yield raise_alert(state, context, severity, "limit_near", message)


# --- What is measured ---------------------------------------------------------------------------


def readings(state: State, context: Context) -> Iterator[Reading]:
    """
    Return what every armed limit measures now, apart from those on equity.
    """
    for gauge in _GAUGES:
        yield from gauge(state, context)


def _daily_orders(state: State, _context: Context) -> Iterator[Reading]:
    limit = state.spec.max_daily_trades
    if limit:
        yield "max_daily_trades", "", Decimal(state.orders_today), Decimal(limit)


def _positions(state: State, context: Context) -> Iterator[Reading]:
    for name, _ in context.position_rules:
        for slot in state.held():
            limit = context.position_limits.get((name, slot.instrument.symbol))
            if limit is not None and slot.mark is not None:
                yield name, slot.instrument.symbol, abs(slot.market_value), amount_of(state, limit)


_GAUGES: Final[tuple[Callable[[State, Context], Iterator[Reading]], ...]] = (_daily_orders, _positions)


def amount_of(state: State, limit: PositionLimit) -> Decimal:
    """
    Return what a position limit comes to now, session currency.
    """
    amounts = []
    if limit.of_equity is not None:
        amounts.append(max(limit.of_equity * state.equity, ZERO))
    if limit.of_capital is not None:
        amounts.append(limit.of_capital * (state.allocated + state.flows))
    if limit.value is not None:
        amounts.append(limit.value)
    return min(amounts)


# --- Asking rules -------------------------------------------------------------------------------


def _ask_rules(state: State, context: Context) -> Iterator[Item]:
    # Once for each instrument that is held: a rule's answer depends on nothing else.
    for name, rule in context.position_rules:
        for slot in state.held():
            key = (name, slot.instrument.symbol)
            if key in context.position_limits:
                continue
            limit = _limit(rule, slot)
            if isinstance(limit, str):
                context.position_limits[key] = None
                yield from blame(state, context, [(name, limit)])
            else:
                context.position_limits[key] = limit


def _limit(rule: PositionRule, slot: Slot) -> PositionLimit | str | None:
    with AtPlugin():
        try:
            limit: object = rule.position_limit(slot.instrument)
        except BaseException as error:  # noqa: BLE001 - plugin boundary: a rule that fails, stops entries
            return raised(error)
    if limit is None:
        return None
    if type(limit) is PositionLimit:
        given: list[object] = [
            part for part in (limit.of_equity, limit.of_capital, limit.value) if part is not None
        ]
        if given and all(type(part) is Decimal and part.is_finite() and part >= 0 for part in given):
            return limit
    return f"answered {shown(limit)} as position limit"
