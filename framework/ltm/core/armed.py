"""
The armed report: every limit that is configured, judged just inside and just outside before a session trades.
"""

from __future__ import annotations

from decimal import getcontext, setcontext
from typing import TYPE_CHECKING, Literal

import msgspec

from ltm.core import events as e
from ltm.core.bases import bases_of
from ltm.core.bench import GRAIN, Subject, bench
from ltm.core.probes import is_held, probes_of
from ltm.core.risk import AtPlugin, grown, headrooms, judge, snapshot_of, worst_of
from ltm.core.watch import watch_equity
from ltm.model.enums import Side
from ltm.model.numbers import ONE, RULES, ZERO, floor_to
from ltm.ports.rules import EquityRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from ltm.ports.rules import RiskRule

Proof = Literal["tested", "untested", "broken"]


class Armed(msgspec.Struct, frozen=True, kw_only=True):
    """
    One limit, its value, and what the self-test found.
    """

    limit: str
    value: str
    of_kernel: bool
    """Whether it is a limit of the kernel, not of a rule."""
    proof: Proof
    """`tested`: passes inside and refuses outside; `untested`: there is no number to test; `broken`: it does not hold."""


def armed(subject: Subject, settings: Mapping[str, str]) -> tuple[Armed, ...]:
    """
    Return every limit of a session, tested.

    Args:
        subject: The session's terms and rules.
        settings: By rule, its settings in words.
    """
    outer = getcontext()
    setcontext(RULES.copy())
    try:
        return (*_rules(subject, settings), *_limits(subject))
    finally:
        setcontext(outer)


def _limits(subject: Subject) -> Iterator[Armed]:
    for probe in probes_of(subject):
        proof: Proof = "tested" if is_held(subject, probe) else "broken"
        yield Armed(limit=probe.name, value=probe.value, of_kernel=True, proof=proof)


def _rules(subject: Subject, settings: Mapping[str, str]) -> Iterator[Armed]:
    for rule in subject.rules:
        proof = _floor(subject, rule) if isinstance(rule, EquityRule) else _quantity(subject, rule)
        yield Armed(limit=rule.name, value=settings.get(rule.name, ""), of_kernel=False, proof=proof)


def _quantity(subject: Subject, rule: RiskRule) -> Proof:
    # A rule says itself how much would pass: that much has to, and one step more must not.
    found = bench(subject)
    found.context.rules = ((rule.name, rule),)
    worst = worst_of(found.slot, ONE)
    empty = snapshot_of(found.state, found.context, found.slot, Side.BUY, worst=worst)
    rooms, faults = headrooms(found.context, found.draft(ZERO), empty)
    room = rooms[rule.name]
    if faults or room is None or room <= 0:
        return "untested"

    def passes(quantity: Decimal) -> bool:
        snapshot = grown(empty, found.slot, Side.BUY, worst=worst, quantity=quantity)
        return not judge(found.context, found.draft(quantity), snapshot, rooms)[1]

    inside = floor_to(room, GRAIN)
    if not passes(inside):
        return "untested"  # it has another reason against this order, and its number cannot be told apart
    return "broken" if passes(inside + GRAIN) else "tested"


def _floor(subject: Subject, rule: RiskRule) -> Proof:
    # At its floor a rule on equity stops entries, one step above it does not.
    found = bench(subject)
    with AtPlugin():
        try:
            level = rule.equity_floor(bases_of(found.state)).floor  # type: ignore[attr-defined] # it is an `EquityRule`
        except BaseException:  # noqa: BLE001 - plugin boundary: at work it would stop entries
            return "untested"
    inside, beyond = (_stops(subject, rule, max(level, ZERO) + grain) for grain in (GRAIN, ZERO))
    return "tested" if beyond and not inside else "broken"


def _stops(subject: Subject, rule: RiskRule, equity: Decimal) -> bool:
    found = bench(subject)
    found.state.equity = equity
    items = list(watch_equity(found.state, found.context))
    return any(isinstance(item, e.TradingPaused) and item.code == rule.name for item in items)
