"""
What of an account's orders, positions and cash is one session's, where several trade it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ltm.core.account import free_of
from ltm.core.cash import moved
from ltm.core.holdings import in_flight
from ltm.model.enums import Lifecycle
from ltm.model.identifiers import sequence_of
from ltm.model.numbers import ZERO
from ltm.model.reports import PositionReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.commands import SweepAnswered
    from ltm.core.context import Context
    from ltm.core.state import Slot, State
    from ltm.model.reports import AccountReport

_UNKNOWN: Final = Decimal("NaN")
"""A number that nothing is compared with: whoever gets it looks again later."""
_COMING: Final = frozenset({Lifecycle.CREATED, Lifecycle.STARTING, Lifecycle.RECONCILING})


def is_siblings(state: State, context: Context, client_order_id: str | None) -> bool:
    """
    Return whether an order is another session's of the same account.
    """
    if context.account is None or client_order_id is None:
        return False
    keys = (member.session_key for member in context.account.siblings(state))
    return any(sequence_of(key, client_order_id) is not None for key in keys)


def own_part(state: State, context: Context, answer: SweepAnswered) -> SweepAnswered:
    """
    Return what of an account's orders, positions and cash is this session's.

    Where another session is in the middle of something, nobody can tell: the number becomes one that is
    compared with nothing, and is asked for again.
    """
    siblings = context.account.siblings(state) if context.account is not None else []
    if not siblings:
        return answer
    orders, fills, positions, account = answer.open_orders, answer.fills, answer.positions, answer.account
    if orders is not None:
        orders = tuple(one for one in orders if not is_siblings(state, context, one.client_order_id))
    if fills is not None:
        fills = tuple(one for one in fills if not is_siblings(state, context, one.client_order_id))
    if positions is not None:
        positions = tuple(_positions(siblings, positions, answer.siblings))
    if account is not None:
        account = _account(siblings, account, answer.siblings)
    return replace(answer, open_orders=orders, fills=fills, positions=positions, account=account)


def _positions(
    siblings: list[State], reports: tuple[PositionReport, ...], asked: dict[str, int]
) -> Iterator[PositionReport]:
    theirs = {report.symbol: report for report in reports}
    symbols = dict.fromkeys([*theirs, *(symbol for member in siblings for symbol in member.slots)])
    for symbol in symbols:
        report = theirs.get(symbol) or PositionReport(symbol=symbol, quantity=ZERO)
        slots = [(member, slot) for member in siblings if (slot := member.slots.get(symbol)) is not None]
        if all(_is_quiet(member, slot, asked) for member, slot in slots):
            others = sum((slot.position for _, slot in slots), ZERO)
            yield report if not others else replace(report, quantity=report.quantity - others)
        else:
            yield replace(report, quantity=_UNKNOWN)


def _is_quiet(member: State, slot: Slot, asked: dict[str, int]) -> bool:
    if member.lifecycle in _COMING and (slot.position or slot.epoch or slot.orders or not member.agreed):
        return False  # what filled while it was down is not in its books yet
    return not in_flight(slot) and slot.changed_at <= asked.get(member.session_key, 0)


def _account(siblings: list[State], report: AccountReport, asked: dict[str, int]) -> AccountReport:
    quiet = all(_is_quiet(member, slot, asked) for member in siblings for slot in member.slots.values())
    if not quiet or any(member.estimates or member.lifecycle in _COMING for member in siblings):
        return replace(report, cash=_UNKNOWN, available=None if report.available is None else _UNKNOWN)
    # What the others spend from here on is taken off where funds are judged (`venue_funds`).
    available = None if report.available is None else report.available - free_of(siblings)
    cash = report.cash - sum((moved(member) for member in siblings), ZERO)
    return replace(report, cash=cash, available=available)
