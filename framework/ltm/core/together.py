"""
The limits on all instruments together: exposure, positions, open and traded value (C25-C28, C30).

Each reads sums that are kept up as instruments change; what one costs does not grow with their number.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final

from ltm.core.exposure import group_total, times_equity
from ltm.model.enums import Side
from ltm.model.numbers import RULES, ZERO, plain
from ltm.model.results import Check

if TYPE_CHECKING:
    from ltm.core.context import Context
    from ltm.core.gates import Candidate, Gate
    from ltm.core.groups import Totals
    from ltm.core.state import Slot, State
    from ltm.model.spec import Limits

BUY: Final = Side.BUY


def refused(code: str, message: str, measured: Decimal | None = None, limit: Decimal | None = None) -> Check:
    """
    Return a denial of the control that is called like its code.
    """
    return Check(code, code, measured, limit, None, message)


def at_most(code: str, measured: Decimal, limit: Decimal, message: str) -> Check:
    """
    Return what a limit says of what is measured: at the limit it passes.
    """
    if measured > limit:
        return refused(code, f"{message}, limit {plain(limit)}", measured, limit)
    return Check(code, "ok", measured, limit, limit - measured)


def _totals_of(state: State) -> Totals:
    group_total(state.totals)
    return state.totals


def positions(limits: Limits) -> Gate:
    """
    C30: instruments that are held or worked.
    """
    most = Decimal(limits.max_positions or 0)

    def gate(state: State, _context: Context, candidate: Candidate) -> Check:
        count = _totals_of(state).count
        if candidate.slot.worst:
            return Check("max_positions", "ok", Decimal(count), most)
        return at_most("max_positions", Decimal(count + 1), most, f"{count} instruments are held or worked")

    return gate


def gross_exposure(limits: Limits) -> Gate:
    """
    C25: the worst cases of all instruments, against so many times equity.
    """
    times = limits.max_gross_exposure or ZERO

    def gate(state: State, _context: Context, candidate: Candidate) -> Check:
        slot, before = candidate.slot, _totals_of(state).total
        value = candidate.value
        up, down = (value, ZERO) if candidate.draft.side is BUY else (ZERO, value)
        after = before - slot.worst + max(abs(slot.up + up), abs(slot.down - down))
        return _exposure("max_gross_exposure", state, times, before=before, after=after)

    return gate


def net_exposure(limits: Limits) -> Gate:
    """
    C26: longs less shorts, on the side that the order adds to.
    """
    times = limits.max_net_exposure or ZERO

    def gate(state: State, _context: Context, candidate: Candidate) -> Check:
        totals, value = _totals_of(state), candidate.value
        is_buy = candidate.draft.side is BUY
        before = totals.long if is_buy else totals.short
        after = before + value if is_buy else before - value
        return _exposure("max_net_exposure", state, times, before=abs(before), after=abs(after))

    return gate


def _exposure(code: str, state: State, times: Decimal, *, before: Decimal, after: Decimal) -> Check:
    limit = times_equity(state, times)
    if after > limit and after > before:  # what reduces passes, whatever it was (RSK-14)
        equity = f"{plain(times)} times equity {plain(state.equity)}"
        return refused(code, f"worst-case exposure {plain(after)} is above {equity}", after, limit)
    return Check(code, "ok", after, limit, RULES.subtract(limit, after))


def open_value(limits: Limits) -> Gate:
    """
    C27: worst-case value of entries that are open.
    """
    most = limits.max_open_value or ZERO

    def gate(state: State, _context: Context, candidate: Candidate) -> Check:
        value = _totals_of(state).open + abs(candidate.value)
        return at_most("max_open_value", value, most, f"open entries would be worth {plain(value)}")

    return gate


def traded_value(limits: Limits) -> Gate:
    """
    C28: what was traded on the trading date, and what open entries may add.
    """
    most = limits.max_traded_value or ZERO

    def gate(state: State, _context: Context, candidate: Candidate) -> Check:
        pending = _totals_of(state).open + abs(candidate.value)
        value = state.tallies.traded + pending
        return at_most("max_traded_value", value, most, f"the day's trades could be worth {plain(value)}")

    return gate


def headrooms(state: State, slot: Slot, unit: Decimal, *, is_buy: bool) -> dict[str, Decimal | None]:
    """
    Return the largest quantity that each armed limit on sums would let pass.
    """
    limits = state.spec.limits
    totals, rooms = _totals_of(state), dict[str, Decimal | None]()
    with localcontext(RULES):
        if limits.max_gross_exposure is not None:
            # Up to the larger of its sides, an instrument adds nothing to what it counts for already.
            left = times_equity(state, limits.max_gross_exposure) - totals.total + slot.worst
            most = max(left, slot.worst)
            rooms["max_gross_exposure"] = most - slot.up if is_buy else most + slot.down
        if limits.max_net_exposure is not None:
            limit = times_equity(state, limits.max_net_exposure)
            most = max(limit, abs(totals.long if is_buy else totals.short))
            rooms["max_net_exposure"] = most - totals.long if is_buy else most + totals.short
        if limits.max_open_value is not None:
            rooms["max_open_value"] = limits.max_open_value - totals.open
        if limits.max_traded_value is not None:
            rooms["max_traded_value"] = limits.max_traded_value - state.tallies.traded - totals.open
    return {name: max(RULES.divide(room or ZERO, unit), ZERO) for name, room in rooms.items()}
