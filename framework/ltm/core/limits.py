"""
Limits between orders: which are nearly used up, and which prices alone have carried over (C44, RSK-20).

Looked at once a second, so that marks pay nothing. Each level reached is an event, told once; it
counts as left only 5 % below, so that a price that hovers tells nobody twice, and a restart neither.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import partial
from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.account import account_readings
from ltm.core.exposure import group_total, times_equity
from ltm.core.orders import Item, blame, raise_alert
from ltm.core.risk import AtPlugin, raised
from ltm.model.enums import Lifecycle, Severity
from ltm.model.errors import shown
from ltm.model.numbers import RULES, plain
from ltm.model.results import ExposureLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltm.core.context import Context
    from ltm.core.state import State

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
    with localcontext(RULES):
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
    yield from _daily_orders(state)
    yield from _positions(state, context)
    yield from _groups(state, context)
    yield from session_readings(state)
    if context.account is not None and context.account.members[0] is state:
        yield from account_readings(context.account)


def session_readings(state: State) -> Iterator[Reading]:
    """
    Return what the limits of `[limits]` measure now.
    """
    yield from _counts(state)
    if state.spec.sums:
        yield from _sums(state)


def _daily_orders(state: State) -> Iterator[Reading]:
    limit = state.spec.max_daily_trades
    if limit:
        yield "max_daily_trades", "", Decimal(state.orders_today), Decimal(limit)


def _positions(state: State, context: Context) -> Iterator[Reading]:
    for name, _ in context.position_rules:
        for slot in state.held():
            limit = context.exposure_limits.get((name, slot.instrument.symbol))
            if limit is not None and slot.mark is not None:
                yield name, slot.instrument.symbol, abs(slot.market_value), amount_of(state, limit)


def _groups(state: State, context: Context) -> Iterator[Reading]:
    for name, _ in context.group_rules:
        for (owner, group_name), group in state.groups.items():
            limit = context.exposure_limits.get((name, group_name)) if owner == name else None
            if limit is not None:
                gross = group_total(group)
                measured = max(abs(group.long), abs(group.short)) if limit.net else gross
                yield name, group_name, measured, amount_of(state, limit)


def _counts(state: State) -> Iterator[Reading]:
    limits, tallies = state.spec.limits, state.tallies
    if limits.max_open_orders:
        yield "max_open_orders", "", Decimal(len(state.orders)), Decimal(limits.max_open_orders)
    if limits.max_order_to_fill_ratio is not None:
        measured = RULES.divide(Decimal(tallies.messages), Decimal(tallies.fills + 1))
        yield "max_order_to_fill_ratio", "", measured, limits.max_order_to_fill_ratio


def _sums(state: State) -> Iterator[Reading]:
    limits, totals = state.spec.limits, state.totals
    gross = group_total(totals)
    if limits.max_positions:
        yield "max_positions", "", Decimal(totals.count), Decimal(limits.max_positions)
    if limits.max_gross_exposure is not None:
        yield "max_gross_exposure", "", gross, times_equity(state, limits.max_gross_exposure)
    if limits.max_net_exposure is not None:
        net = max(abs(totals.long), abs(totals.short))
        yield "max_net_exposure", "", net, times_equity(state, limits.max_net_exposure)
    if limits.max_open_value is not None:
        yield "max_open_value", "", totals.open, limits.max_open_value
    if limits.max_traded_value is not None:
        yield "max_traded_value", "", state.tallies.traded + totals.open, limits.max_traded_value


def amount_of(state: State, limit: ExposureLimit) -> Decimal:
    """
    Return what a limit of a rule comes to now, session currency.
    """
    amounts = []
    if limit.of_equity is not None:
        amounts.append(times_equity(state, limit.of_equity))
    if limit.of_capital is not None:
        amounts.append(RULES.multiply(limit.of_capital, state.allocated + state.flows))
    if limit.value is not None:
        amounts.append(limit.value)
    return min(amounts)


# --- Asking rules -------------------------------------------------------------------------------


def _ask_rules(state: State, context: Context) -> Iterator[Item]:
    # Once for each instrument that is held, and each group: a rule's answer depends on nothing else.
    known = context.exposure_limits
    for name, rule in context.position_rules:
        for slot in state.held():
            key = (name, slot.instrument.symbol)
            if key not in known:
                yield from _ask(state, context, key, partial(rule.position_limit, slot.instrument))
    for name, ruler in context.group_rules:
        for key in state.groups:
            if key[0] == name and key not in known:
                yield from _ask(state, context, key, partial(ruler.group_limit, key[1]))


def _ask(
    state: State, context: Context, key: tuple[str, str], question: Callable[[], object]
) -> Iterator[Item]:
    limit = _limit(question)
    context.exposure_limits[key] = None if isinstance(limit, str) else limit
    if isinstance(limit, str):
        yield from blame(state, context, [(key[0], limit)])


def _limit(question: Callable[[], object]) -> ExposureLimit | str | None:
    with AtPlugin():
        try:
            limit = question()
        except BaseException as error:  # noqa: BLE001 - plugin boundary: a rule that fails, stops entries
            return raised(error)
    if limit is None:
        return None
    if type(limit) is ExposureLimit:
        parts: list[object] = [limit.of_equity, limit.of_capital, limit.value]
        given = [part for part in parts if part is not None]
        if given and all(type(part) is Decimal and part.is_finite() and part >= 0 for part in given):
            return limit
    return f"answered {shown(limit)} as a limit"
