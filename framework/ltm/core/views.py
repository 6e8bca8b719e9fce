"""
What a session's state looks like to people: the rows of `ltm status` and `ltm positions`.

Pure: the state comes from a replayed journal or from a running session, the latest decisions from the
journal, and the names are those of the command line's JSON.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final

import msgspec

from ltm.core import events as e
from ltm.core.booking import take_profit
from ltm.core.codec import decode
from ltm.core.exposure import group_total, settle_groups, worst_values
from ltm.core.history import readable
from ltm.core.limits import session_readings
from ltm.model.enums import Lifecycle, OrderStatus, TradingState
from ltm.model.identifiers import sequence_of
from ltm.model.numbers import ONE, RULES, ZERO, ratio
from ltm.model.results import Check, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ltm.core.state import Slot, State
    from ltm.ports import Journal

Decisions = dict[tuple[str, str], Check]
"""(rule, symbol) -> what was last written down about it."""

_POSITION: Final = "position_size"
_SECTOR: Final = "sector_concentration"
_NEAR: Final = Decimal("0.9")
_RECENT: Final = 50
_GATES: Final = frozenset(
    {
        "account_gross_exposure",
        "account_open_orders",
        "account_symbol_exposure",
        "bracket",
        "buying_power",
        "clock_skew",
        "exposure",
        "grid",
        "instrument",
        "duplicate_order",
        "listing",
        "max_daily_trades",
        "max_executions",
        "max_exit_rate",
        "max_gross_exposure",
        "max_net_exposure",
        "max_open_orders",
        "max_open_value",
        "max_order_quantity",
        "max_order_rate",
        "max_order_to_fill_ratio",
        "max_order_value",
        "max_positions",
        "max_symbol_open_orders",
        "max_symbol_order_rate",
        "max_traded_value",
        "order_kind",
        "price",
        "price_collar",
        "self_match",
        "session_capital",
        "short",
        "signal",
        "sizer",
        "trading_hours",
        "trading_state",
    }
)
"""Checks of the kernel itself: they look at one order, and leave nothing that could be used up."""


class LimitRow(msgspec.Struct, kw_only=True):
    """
    How much of one limit is used. `state`: ok, near (nine tenths), exceeded, tripped, faulted, unknown.
    """

    rule: str
    symbol: str | None
    measured: Decimal | None
    limit: Decimal | None
    headroom: Decimal | None
    """`limit` less `measured`, in the same unit: a fraction for equity's limits, money for the others."""
    state: str


class StatusRow(msgspec.Struct, kw_only=True):
    """
    One session.
    """

    session_id: str
    model_id: str
    broker: str
    live: bool
    lifecycle: Lifecycle
    trading_state: TradingState
    reasons: list[Reason]
    initial_capital: Decimal
    cash: Decimal
    equity: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    commissions: Decimal
    peak_equity: Decimal
    drawdown: Decimal
    day_start_equity: Decimal
    daily_loss: Decimal
    trading_date: date | None
    orders_today: int
    open_orders: int
    unknown_orders: int
    limits: list[LimitRow]
    reconciled_at: datetime | None
    last_mark_at: datetime | None
    journal_sequence: int


class PositionRow(msgspec.Struct, kw_only=True):
    """
    One instrument that is, or was, held.
    """

    session_id: str
    symbol: str
    quantity: Decimal
    average_entry_price: Decimal | None
    mark_price: Decimal | None
    market_value: Decimal
    unrealized_pnl: Decimal
    realized_pnl: Decimal
    sector: str | None
    stop_loss_price: Decimal | None
    """Where it is closed with a loss: the first of what the session, its trailing stop and the entry's signal say."""
    take_profit_price: Decimal | None


# --- Status -------------------------------------------------------------------------------------


def status_of(state: State, decisions: Decisions) -> StatusRow:
    """
    Return a session's status, with the limits that its latest decisions tell of.
    """
    with localcontext(RULES):
        return _status(state, decisions)


def _status(state: State, decisions: Decisions) -> StatusRow:
    spec = state.spec
    unknown = sum(order.status is OrderStatus.UNKNOWN for order in state.orders.values())
    return StatusRow(
        session_id=spec.session_id,
        model_id=spec.model_id,
        broker=spec.broker,
        live=spec.live,
        lifecycle=state.lifecycle,
        trading_state=state.trading_state,
        reasons=reasons_of(state),
        initial_capital=spec.initial_capital,
        cash=state.cash_total,
        equity=state.equity,
        realized_pnl=state.realized,
        unrealized_pnl=sum((slot.unrealized for slot in state.held()), ZERO),
        commissions=state.commissions,
        peak_equity=state.peak,
        drawdown=_fallen(state.equity, state.peak),
        day_start_equity=state.day_base,
        daily_loss=_fallen(state.equity, state.loss_base),
        trading_date=state.trading_date,
        orders_today=state.orders_today,
        open_orders=len(state.orders),
        unknown_orders=unknown,
        limits=limits_of(state, decisions),
        reconciled_at=state.reconciled_at,
        last_mark_at=state.sampled_at,
        journal_sequence=state.sequence,
    )


def reasons_of(state: State) -> list[Reason]:
    """
    Return why a session trades less than it might: latches, and instruments left to a person.
    """
    latches = [
        Reason(latch.code, latch.message, latch.measured, latch.limit) for latch in state.latches.values()
    ]
    blocked = [
        Reason("instrument_blocked", f"{symbol}: {slot.blocked}")
        for symbol, slot in sorted(state.slots.items())
        if slot.blocked
    ]
    drifted = [
        Reason("drift", f"{symbol}: the venue's position is not ours", slot.drift, slot.position)
        for symbol, slot in sorted(state.slots.items())
        if slot.drift is not None
    ]
    return latches + blocked + drifted


def _fallen(equity: Decimal, base: Decimal) -> Decimal:
    return max(ratio(base - equity, base), ZERO)


# --- Limits -------------------------------------------------------------------------------------


def limits_of(state: State, decisions: Decisions) -> list[LimitRow]:
    """
    Return what each limit measures now, as far as state and latest decisions tell.
    """
    settle_groups(state)
    with localcontext(RULES):
        return _limits(state, decisions)


def _limits(state: State, decisions: Decisions) -> list[LimitRow]:
    rows = [_equity_limit(state, name, base, decisions) for name, base in _bases(state).items()]
    if state.spec.max_daily_trades is not None:
        sent, most = Decimal(state.orders_today), Decimal(state.spec.max_daily_trades)
        rows.append(_row(state, "max_daily_trades", None, sent, most))
    rows.append(_row(state, "session_capital", None, state.reserved, state.cash_total))
    armed = list(session_readings(state))
    rows += [_row(state, name, None, measured, limit) for name, _, measured, limit in armed]
    for (rule, symbol), check in sorted(decisions.items()):
        if rule not in _EQUITY_RULES and rule not in _GATES and symbol in state.slots:
            measured = _measured(state, rule, state.slots[symbol], check)
            rows.append(_row(state, rule, symbol, measured, check.limit))
    return rows


_EQUITY_RULES: Final = ("drawdown", "daily_loss")


def _bases(state: State) -> dict[str, Decimal]:
    armed = {"drawdown": state.peak, "daily_loss": state.loss_base}
    seen = {*state.spec.required_rules, *state.latches}
    return {name: base for name, base in armed.items() if name in seen}


def _equity_limit(state: State, rule: str, base: Decimal, decisions: Decisions) -> LimitRow:
    latch = state.latches.get(rule)
    limit = latch.limit if latch is not None else None
    for (name, _), check in decisions.items():
        if name == rule and check.limit is not None:
            limit = check.limit
    # A limit above one is an amount of money (`max_daily_loss_amount`), not a fraction.
    is_amount = limit is not None and limit > ONE
    measured = max(base - state.equity, ZERO) if is_amount else _fallen(state.equity, base)
    return _row(state, rule, None, measured, limit)


def _measured(state: State, rule: str, slot: Slot, check: Check) -> Decimal | None:
    # What the project's own rules look at is in the state, as it is now; of others only the record tells.
    if rule == _POSITION:
        return max(abs(value) for value in worst_values(slot))
    named = [name for owner, name, _ in slot.instrument.groups if owner == rule]
    if named:
        return max(group_total(state.groups[rule, name]) for name in named)
    return check.measured


def _row(
    state: State, rule: str, symbol: str | None, measured: Decimal | None, limit: Decimal | None
) -> LimitRow:
    room = limit - measured if limit is not None and measured is not None else None
    return LimitRow(
        rule=rule,
        symbol=symbol,
        measured=measured,
        limit=limit,
        headroom=room,
        state=_word(state, rule, measured, limit),
    )


def _word(state: State, rule: str, measured: Decimal | None, limit: Decimal | None) -> str:
    if rule in state.faulted:
        return "faulted"
    if rule in state.latches:
        return "tripped"
    if measured is None or limit is None:
        return "unknown"
    if measured > limit:
        return "exceeded"
    return "near" if limit > 0 and measured >= limit * _NEAR else "ok"


def latest_decisions(state: State, journal: Journal) -> Decisions:
    """
    Return what was last written down about each rule and symbol.

    Looks at the latest answers to signals and at the last order of everything held or worked, so that it
    costs the same however long the journal is.
    """
    sequences = set(list(state.signals.values())[-_RECENT:])
    for slot in state.slots.values():
        if slot.position or slot.orders:
            sequences |= _last_intent(state, slot.instrument.symbol)
    decisions: Decisions = {}
    for sequence in sorted(sequences):
        note_decision(decisions, _event_at(journal, sequence))
    return decisions


def note_decision(decisions: Decisions, event: object) -> None:
    """
    Keep what an event tells of rules; events that are no decisions tell nothing.
    """
    if isinstance(event, (e.OrderIntended, e.OrderDenied)) and event.draft is not None:
        decisions.update({(check.rule, event.draft.symbol): check for check in event.checks})


def _last_intent(state: State, symbol: str) -> set[int]:
    known = [*state.closed.values(), *state.orders.values()]
    ids = (order.client_order_id for order in known if order.symbol == symbol and order.entry)
    found = [sequence for name in ids if (sequence := sequence_of(state.session_key, name)) is not None]
    return {max(found)} if found else set()


def _event_at(journal: Journal, sequence: int) -> e.AnyEvent | None:
    row = next(iter(journal.read(after=sequence - 1)), None)
    return None if row is None else decode(row.kind, row.version, row.payload)


# --- Positions ----------------------------------------------------------------------------------


def positions_of(state: State, *, flat: bool = False) -> list[PositionRow]:
    """
    Return every position, by symbol.

    Args:
        state: The session.
        flat: Also those that were closed.
    """
    with localcontext(RULES):
        return [
            _position(state, slot)
            for _, slot in sorted(state.slots.items())
            if slot.position or (flat and slot.epoch)
        ]


def _position(state: State, slot: Slot) -> PositionRow:
    return PositionRow(
        session_id=state.spec.session_id,
        symbol=slot.instrument.symbol,
        quantity=slot.position,
        average_entry_price=readable(slot.average_entry_price),
        mark_price=slot.mark,
        market_value=slot.market_value,
        unrealized_pnl=slot.unrealized,
        realized_pnl=slot.realized * (slot.fx if slot.fx is not None else ONE),
        sector=sector_of(slot.instrument.groups),
        stop_loss_price=readable(slot.exit_low if slot.position > 0 else slot.exit_high),
        take_profit_price=readable(take_profit(state, slot)),
    )


def sector_of(groups: Iterable[tuple[str, str, Decimal]]) -> str | None:
    """
    Return the sector that the sector rule puts an instrument in, several joined by a slash.
    """
    names = [name for rule, name, _ in groups if rule == _SECTOR]
    return "/".join(names) or None
