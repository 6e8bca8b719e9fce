"""
What is left at the venue, as the venue itself says: the last word on a stop, a flatten or a kill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.core.lifecycle import TERMINAL
from ltm.model.enums import OrderStatus, Purpose, TradingState
from ltm.model.identifiers import sequence_of
from ltm.model.numbers import ZERO, plain
from ltm.model.results import Attestation, PositionCheck

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ltm.core.commands import SweepAnswered
    from ltm.core.state import OrderState, State
    from ltm.model.reports import OrderReport

_SHOWN: Final = 5
_STUCK: Final = frozenset({TradingState.HALTED, TradingState.KILLED})


def attest(
    state: State,
    answer: SweepAnswered,
    asked_at: datetime,
    *,
    symbol: str | None = None,
    keep: bool = False,
    flat: bool = False,
    foreign: bool = False,
) -> Attestation:
    """
    Return what is left, from the venue's answer and the books after they took it.

    Args:
        state: After the answer was handled.
        answer: The venue's; a question that failed is no "nothing".
        asked_at: When.
        symbol: Look at one instrument only.
        keep: Open orders are meant to be there.
        flat: Nothing may be held.
        foreign: Orders of others must be gone as well.
    """
    left = [order for order in state.orders.values() if _is_meant(order, symbol)]
    names = [order.client_order_id for order in left]
    reports = [one for one in answer.open_orders or () if symbol in {None, one.symbol} and _is_open(one)]
    theirs = [one for one in reports if _name(state, one) is None]
    names += [name for one in reports if (name := _name(state, one)) is not None and name not in names]
    positions = tuple(_positions(state, answer, symbol))
    unresolved = tuple(order.client_order_id for order in left if order.status is OrderStatus.UNKNOWN)
    agree = None if answer.positions is None else all(one.ours == one.venue for one in positions)
    problems = [
        *_order_problems(answer, names, unresolved, keep=keep),
        *_position_problems(answer, positions),
        *(_held(state, symbol) if flat else ()),
    ]
    if foreign and theirs:
        problems.append(f"{len(theirs)} orders that are not ours are still open")
    return Attestation(
        session_id=state.spec.session_id,
        asked_at=asked_at,
        given=not problems,
        open_orders=None if answer.open_orders is None else len(names),
        left_open=tuple(names),
        foreign_orders=None if answer.open_orders is None else len(theirs),
        positions=positions,
        positions_agree=agree,
        unresolved=unresolved,
        problems=tuple(problems),
    )


def _is_meant(order: OrderState, symbol: str | None) -> bool:
    return order.purpose is not Purpose.FOREIGN and symbol in {None, order.symbol}


def _is_open(report: OrderReport) -> bool:
    return report.status not in TERMINAL


def _name(state: State, report: OrderReport) -> str | None:
    # Our name of an order that the venue lists; None for somebody else's.
    known = state.orders.get(state.venue_ids.get(report.venue_order_id or "", ""))
    if known is not None:
        return known.client_order_id if known.purpose is not Purpose.FOREIGN else None
    own = report.client_order_id or ""
    return own if sequence_of(state.session_key, own) is not None else None


def _positions(state: State, answer: SweepAnswered, symbol: str | None) -> Iterator[PositionCheck]:
    reports = {one.symbol: one.quantity for one in answer.positions or ()}
    for name, slot in sorted(state.slots.items()):
        ours, theirs = slot.position + slot.ignored, reports.get(name, ZERO)
        if symbol in {None, name} and (ours or theirs):
            told = answer.positions is not None and theirs.is_finite()
            yield PositionCheck(symbol=name, ours=ours, venue=theirs if told else None)


def _order_problems(
    answer: SweepAnswered, names: list[str], unresolved: tuple[str, ...], *, keep: bool
) -> Iterator[str]:
    if answer.open_orders is None:
        yield "the venue did not say which orders are open"
    if unresolved:
        yield f"nobody knows what became of {_some(unresolved)}"
    still = [name for name in names if name not in unresolved]
    if still and not keep:
        yield f"still open: {_some(still)}"


def _position_problems(answer: SweepAnswered, positions: tuple[PositionCheck, ...]) -> Iterator[str]:
    if answer.positions is None:
        yield "the venue did not say what is held"
        return
    for one in positions:
        if one.venue is None:
            yield f"the venue gave no quantity of {one.symbol}"
        elif one.venue != one.ours:
            yield f"the venue holds {plain(one.venue)} {one.symbol}, our fills say {plain(one.ours)}"


def _held(state: State, symbol: str | None) -> Iterator[str]:
    stuck = (
        f", and no exit leaves while trading is {state.trading_state}"
        if state.trading_state in _STUCK
        else ""
    )
    for slot in state.held():
        if symbol in {None, slot.instrument.symbol}:
            yield f"{plain(slot.position)} {slot.instrument.symbol} are still held{stuck}"


def _some(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
