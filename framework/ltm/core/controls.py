"""
The gates of `[limits]`: each is in an order's way only where the terms arm it, and none grows with the
number of instruments, of past events or of open orders elsewhere.

They have the signature of the gates in `ltm.core.gates`, which puts them behind its own. Exits meet the
collar and a rate of their own, nothing else (RSK-06).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.core import together
from ltm.core.tallies import ENTRY, EXIT, RUN, content_of, repeats, tokens
from ltm.core.together import at_most, refused
from ltm.model.enums import Purpose, Side
from ltm.model.numbers import RULES, ZERO, plain
from ltm.model.results import Check

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltm.core.context import Context
    from ltm.core.gates import Candidate, Gate
    from ltm.core.state import OrderState, Slot, State
    from ltm.model.order import OrderDraft
    from ltm.model.spec import Limits, Rate

BUY: Final = Side.BUY
_EXIT_COLLAR: Final = 2
_HALF: Final = Decimal("0.5")


# --- The price and the list ---------------------------------------------------------------------


def price_collar(limits: Limits, *, entry: bool) -> Gate:
    """
    C06: a limit price stays near the market; the limit of a stop order near its trigger.
    """
    width = limits.price_collar or ZERO
    if not entry:
        width = limits.exit_price_collar if limits.exit_price_collar is not None else width * _EXIT_COLLAR

    def gate(_state: State, context: Context, candidate: Candidate) -> Check:
        asked = candidate.draft.limit_price
        reference = candidate.draft.trigger_price or _reference(context, candidate.slot)
        if asked is None or reference is None:
            return _COLLARED  # a market order without a price is refused by the gate on prices
        away = abs(asked - reference)
        if away > width * abs(reference):
            message = f"price {plain(asked)} is more than {plain(width)} away from {plain(reference)}"
            return refused("price_collar", message, asked, reference)
        return Check("price_collar", "ok", asked, reference)

    return gate


_COLLARED: Final = Check("price_collar", "ok")


def _reference(context: Context, slot: Slot) -> Decimal | None:
    # The middle of a fresh book, else the fresh last price.
    if slot.received is None or context.mono - slot.received > context.max_price_age:
        return None
    if slot.bid is not None and slot.ask is not None:
        return (slot.bid + slot.ask) * _HALF
    return slot.mark


def listing(limits: Limits) -> Gate:
    """
    C16: not on the restricted list, and on the allow list if there is one; by any name the instrument has.
    """
    restricted, allowed = frozenset(limits.restricted), frozenset(limits.allowed)

    def gate(_state: State, _context: Context, candidate: Candidate) -> Check:
        listed = candidate.slot.instrument
        names = {listed.symbol, *listed.aliases}
        if not restricted.isdisjoint(names):
            return Check("listing", "restricted", message=f"{listed.symbol} is on the restricted list")
        if allowed and allowed.isdisjoint(names):
            return Check(
                "listing", "not_allowed", message=f"{listed.symbol} is not on the list of allowed ones"
            )
        return _LISTED

    return gate


_LISTED: Final = Check("listing", "ok")


# --- How many, how fast -------------------------------------------------------------------------


def _rate(state: State, context: Context, key: str, code: str, rate: Rate) -> Check:
    left = Decimal(tokens(state.tallies.buckets.get(key), rate, context.now))
    used, most = rate.count - left, Decimal(rate.count)
    if left < 1:
        return refused(code, f"{rate.count} orders within {rate.seconds:g} s are the most", used, most)
    return Check(code, "ok", used, most, left)


def _paced(name: str, bucket: str) -> Callable[[Limits], Gate]:
    # C08, C11: entries and exits have buckets of their own.
    def make(limits: Limits) -> Gate:
        rate: Rate = getattr(limits, name)
        return lambda state, context, _: _rate(state, context, bucket, name, rate)

    return make


def symbol_order_rate(limits: Limits) -> Gate:
    """
    C08: entries on one instrument.
    """
    name = "max_symbol_order_rate"
    rate: Rate = getattr(limits, name)
    return lambda state, context, candidate: _rate(
        state, context, f"{ENTRY} {candidate.draft.symbol}", name, rate
    )


def duplicates(limits: Limits) -> Gate:
    """
    C10: the same entry not again within the window.
    """
    window, most = limits.duplicate_window or 0.0, Decimal(limits.max_duplicates)

    def gate(state: State, context: Context, candidate: Candidate) -> Check:
        sent = Decimal(repeats(state.tallies, content_of(candidate.draft), window, context.now))
        message = f"the same entry was sent {sent} times within {window:g} s"
        return at_most("duplicate_order", sent + 1, most, message)

    return gate


def open_orders(limits: Limits) -> Gate:
    """
    C12: orders that are open, pending or unknown, somebody else's included.
    """
    most = Decimal(limits.max_open_orders or 0)

    def gate(state: State, _context: Context, _candidate: Candidate) -> Check:
        count = len(state.orders)
        return at_most("max_open_orders", Decimal(count + 1), most, f"{count} orders are open")

    return gate


def symbol_open_orders(limits: Limits) -> Gate:
    """
    C12: the same on one instrument.
    """
    most = Decimal(limits.max_symbol_open_orders or 0)

    def gate(_state: State, _context: Context, candidate: Candidate) -> Check:
        count, symbol = len(candidate.slot.orders), candidate.draft.symbol
        message = f"{count} orders on {symbol} are open"
        return at_most("max_symbol_open_orders", Decimal(count + 1), most, message)

    return gate


def order_to_fill_ratio(limits: Limits) -> Gate:
    """
    C13: orders and cancels of the day against its fills.
    """
    most = limits.max_order_to_fill_ratio or ZERO

    def gate(state: State, _context: Context, _candidate: Candidate) -> Check:
        messages, fills = state.tallies.messages + 1, state.tallies.fills + 1
        measured = RULES.divide(Decimal(messages), Decimal(fills))
        if messages > most * fills:
            message = (
                f"{messages} orders and cancels for {fills - 1} fills today, limit {plain(most)} for each"
            )
            return refused("max_order_to_fill_ratio", message, measured, most)
        return Check("max_order_to_fill_ratio", "ok", measured, most)

    return gate


def self_match(_limits: Limits) -> Gate:
    """
    C20: no entry that could trade with an open order of our own on the same instrument.
    """

    def gate(_state: State, _context: Context, candidate: Candidate) -> Check:
        for order in candidate.slot.orders.values():
            if order.side is not candidate.draft.side and _crosses(candidate.draft, order):
                message = f"it could trade with our own order {order.client_order_id}"
                return refused("self_match", message, candidate.draft.limit_price, order.limit_price)
        return _UNMATCHED

    return gate


_UNMATCHED: Final = Check("self_match", "ok")


def _crosses(draft: OrderDraft, order: OrderState) -> bool:
    if order.purpose is Purpose.FOREIGN or order.trigger_price is not None:
        return False
    if draft.limit_price is None or order.limit_price is None:
        return True
    if draft.side is BUY:
        return draft.limit_price >= order.limit_price
    return draft.limit_price <= order.limit_price


# --- The lists ----------------------------------------------------------------------------------

_MAKERS: Final[dict[str, Callable[[Limits], Gate]]] = {
    "price_collar": lambda limits: price_collar(limits, entry=True),
    "restricted": listing,
    "allowed": listing,
    "max_order_rate": _paced("max_order_rate", ENTRY),
    "max_symbol_order_rate": symbol_order_rate,
    "max_executions": _paced("max_executions", RUN),
    "duplicate_window": duplicates,
    "max_open_orders": open_orders,
    "max_symbol_open_orders": symbol_open_orders,
    "max_order_to_fill_ratio": order_to_fill_ratio,
    "prevent_self_match": self_match,
    "max_positions": together.positions,
    "max_gross_exposure": together.gross_exposure,
    "max_net_exposure": together.net_exposure,
    "max_open_value": together.open_value,
    "max_traded_value": together.traded_value,
}


def entry_controls(limits: Limits) -> list[Gate]:
    """
    Return the gates that the limits put in an entry's way, in the order they are written down.
    """
    makers = [maker for name, maker in _MAKERS.items() if getattr(limits, name) not in _UNARMED]
    return [maker(limits) for maker in dict.fromkeys(makers)]


_UNARMED: Final = (None, (), False)


def exit_controls(limits: Limits) -> list[Gate]:
    """
    Return the gates that the limits put in an exit's way: a wider collar, and a rate of its own.
    """
    gates = []
    if limits.price_collar is not None:
        gates.append(price_collar(limits, entry=False))
    if limits.max_exit_rate is not None:
        gates.append(_paced("max_exit_rate", EXIT)(limits))
    return gates
