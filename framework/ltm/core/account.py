"""
Several sessions of one process on one account, and its limits.

All of them live in one thread, and a session decides in one step: what one reserves, the next one sees
(RSK-07). Everything here is read from the sessions' own states, so it survives whatever they survive.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from ltm.core.exposure import group_total
from ltm.core.state import State
from ltm.model.enums import Side
from ltm.model.numbers import RULES, ZERO, plain
from ltm.model.results import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.context import Context
    from ltm.core.gates import Candidate, Gate
    from ltm.core.state import Slot
    from ltm.model.spec import AccountLimits


@attrs.define(eq=False)
class Account:
    """
    The sessions that trade one account, and whether they share it at the venue too.
    """

    members: list[State] = attrs.Factory(list)
    shared: bool = True
    """False for markets within the process: each session has its own there."""

    def siblings(self, state: State) -> list[State]:
        """
        Return the other sessions with which the venue's answers are shared.
        """
        return [member for member in self.members if member is not state] if self.shared else []

    def sequences(self, state: State) -> dict[str, int]:
        """
        Return how far each of them has got: what changes later, an answer may or may not know.
        """
        return {member.session_key: member.sequence for member in self.siblings(state)}


def free_of(members: list[State]) -> Decimal:
    """
    Return what sessions have left of their cash.
    """
    return sum((member.cash_total - member.reserved for member in members), ZERO)


# --- Limits -------------------------------------------------------------------------------------


def _members(state: State, context: Context) -> list[State]:
    return context.account.members if context.account is not None else [state]


def _equity(members: list[State]) -> Decimal:
    return max(sum((member.equity for member in members), ZERO), ZERO)


def _grown(candidate: Candidate) -> Decimal:
    # By how much an order makes its instrument's worst case larger.
    slot, value = candidate.slot, candidate.value
    up, down = (value, ZERO) if candidate.draft.side is Side.BUY else (ZERO, value)
    return max(abs(slot.up + up), abs(slot.down - down)) - slot.worst


def _gross(members: list[State]) -> Decimal:
    return sum((group_total(member.totals) for member in members), ZERO)


def _in(members: list[State], symbol: str) -> Decimal:
    _gross(members)  # brings every instrument up to date
    return sum((slot.worst for member in members if (slot := member.slots.get(symbol))), ZERO)


def _judge(code: str, before: Decimal, added: Decimal, limit: Decimal, words: str) -> Check:
    after = before + added
    if after > limit and added > 0:  # what reduces passes, whatever it was (RSK-14)
        message = f"{words} of the account {plain(after)} is above {plain(limit)}"
        return Check(code, code, after, limit, None, message)
    return Check(code, "ok", after, limit, limit - after)


def account_controls(limits: AccountLimits) -> list[Gate]:
    """
    Return the gates that an account's limits put in the way of its sessions' entries (C12, C25, C21).
    """

    def gross(state: State, context: Context, candidate: Candidate) -> Check:
        members, times = _members(state, context), limits.max_gross_exposure or ZERO
        before = _gross(members)
        most = RULES.multiply(times, _equity(members))
        return _judge("account_gross_exposure", before, _grown(candidate), most, "worst-case exposure")

    def symbol(state: State, context: Context, candidate: Candidate) -> Check:
        members, share = _members(state, context), limits.max_symbol_exposure or ZERO
        name = candidate.draft.symbol
        before, most = _in(members, name), RULES.multiply(share, _equity(members))
        return _judge("account_symbol_exposure", before, _grown(candidate), most, f"exposure in {name}")

    def orders(state: State, context: Context, _candidate: Candidate) -> Check:
        count = sum(len(member.orders) for member in _members(state, context))
        most = Decimal(limits.max_open_orders or 0)
        return _judge("account_open_orders", Decimal(count), Decimal(1), most, "open orders")

    found: list[tuple[object, Gate]] = [
        (limits.max_gross_exposure, gross),
        (limits.max_symbol_exposure, symbol),
        (limits.max_open_orders, orders),
    ]
    return [gate for limit, gate in found if limit is not None]


def account_headrooms(
    state: State, context: Context, slot: Slot, unit: Decimal, *, is_buy: bool
) -> dict[str, Decimal | None]:
    """
    Return the largest quantity that each limit of the account would let pass.
    """
    limits, members = state.spec.account_limits, _members(state, context)
    if limits is None:
        return {}
    rooms = {}
    if limits.max_gross_exposure is not None:
        left = RULES.multiply(limits.max_gross_exposure, _equity(members)) - _gross(members)
        rooms["account_gross_exposure"] = left
    if limits.max_symbol_exposure is not None:
        left = RULES.multiply(limits.max_symbol_exposure, _equity(members)) - _in(
            members, slot.instrument.symbol
        )
        rooms["account_symbol_exposure"] = left
    # Up to the larger of its sides, an instrument adds nothing to what it counts for already.
    own = slot.worst - slot.up if is_buy else slot.worst + slot.down
    return {name: max(RULES.divide(max(left, ZERO) + own, unit), ZERO) for name, left in rooms.items()}


def account_readings(account: Account) -> Iterator[tuple[str, str, Decimal, Decimal]]:
    """
    Return what an account's limits measure now; its first session tells of them (C44).
    """
    members = account.members
    limits = members[0].spec.account_limits
    if limits is None:
        return
    if limits.max_gross_exposure is not None:
        most = RULES.multiply(limits.max_gross_exposure, _equity(members))
        yield "account_gross_exposure", "", _gross(members), most
    if limits.max_symbol_exposure is not None:
        most = RULES.multiply(limits.max_symbol_exposure, _equity(members))
        for name in dict.fromkeys(slot.instrument.symbol for member in members for slot in member.held()):
            yield "account_symbol_exposure", name, _in(members, name), most
    if limits.max_open_orders is not None:
        count = sum(len(member.orders) for member in members)
        yield "account_open_orders", "", Decimal(count), Decimal(limits.max_open_orders)
