"""
Why the venue refuses an order: its grid, its permissions, the customer's funds.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ltm.brokers.mock.ledger import Ledger, value_of
from ltm.brokers.mock.orders import MARKET, Book, VenueOrder, needs_limit, needs_trigger
from ltm.model.enums import OrderStatus, TimeInForce
from ltm.model.reports import Refused

if TYPE_CHECKING:
    from ltm.brokers.mock.a_shares import AShares
    from ltm.brokers.mock.terms import Terms
    from ltm.model.instrument import Instrument
    from ltm.model.order import OrderDraft

_GTD: Final = TimeInForce.GTD
_LARGEST: Final = Decimal("1E+15")


def expected_price(order: VenueOrder, book: Book) -> Decimal | None:
    """
    Return the worst price to expect of an order, None when nothing is known yet.
    """
    if order.limit is not None:
        return order.limit
    price = (book.ask if order.is_buy else book.bid) or book.last
    if order.trigger is None or price is None:
        return order.trigger or price
    return max(order.trigger, price) if order.is_buy else min(order.trigger, price)


def refusal(
    order: VenueOrder, book: Book, ledger: Ledger, terms: Terms, market: AShares | None = None
) -> Refused | None:
    """
    Return the first reason to refuse an order; None when there is none, and then its cash is reserved.
    """
    draft, instrument = order.draft, book.instrument
    return (
        _not_tradable(instrument, ledger, terms)
        or _bad_quantity(draft.quantity, instrument)
        or _bad_prices(draft, instrument)
        or _bad_life(order)
        or (None if market is None else market.refusal(order, book))
        or _not_covered(order, book, ledger, terms)
    )


def refuse(order: VenueOrder, why: Refused) -> Refused:
    """
    End an order that never becomes one.
    """
    order.status = OrderStatus.REJECTED
    order.open = False
    order.reason_code, order.reason = why.code, why.message
    return why


def _not_tradable(instrument: Instrument, ledger: Ledger, terms: Terms) -> Refused | None:
    if not instrument.tradable:
        return Refused("not_tradable", f"{instrument.symbol} cannot be traded now")
    if ledger.rate(instrument.currency) is None:
        message = (
            f"{instrument.symbol} trades in {instrument.currency}, the account holds {terms.currency},"
            f" and {instrument.currency}/{terms.currency} has no price"
        )
        return Refused("wrong_currency", message)
    return None


def _bad_quantity(quantity: Decimal, instrument: Instrument) -> Refused | None:
    # NaN compares false and raises where it is asked for order, so it has to go first.
    if not (quantity.is_finite() and 0 < quantity <= _LARGEST):
        return Refused("bad_quantity", f"quantity must be above 0 and at most 1e15, got {quantity}")
    if quantity % instrument.lot_size:
        return Refused("lot_size", f"quantity must be a multiple of {instrument.lot_size}, got {quantity}")
    most = instrument.maximum_quantity
    if quantity < instrument.minimum_quantity or (most is not None and quantity > most):
        limits = f"{instrument.minimum_quantity} to {most if most is not None else 'any'}"
        return Refused("quantity_limits", f"quantity must be in {limits}, got {quantity}")
    return None


def _bad_prices(draft: OrderDraft, instrument: Instrument) -> Refused | None:
    if draft.order_type is MARKET and draft.limit_price is None and draft.trigger_price is None:
        return None
    wanted = (
        ("limit_price", draft.limit_price, needs_limit(draft.order_type)),
        ("trigger_price", draft.trigger_price, needs_trigger(draft.order_type)),
    )
    for name, price, needed in wanted:
        if (price is not None) is not needed:
            rule = "have" if needed else "not have"
            return Refused("bad_price", f"a {draft.order_type} order must {rule} a {name}")
        if price is None:
            continue
        if not (price.is_finite() and 0 < price <= _LARGEST):
            return Refused("bad_price", f"{name} must be above 0 and at most 1e15, got {price}")
        if price % instrument.tick_size:
            return Refused("tick_size", f"{name} must be a multiple of {instrument.tick_size}, got {price}")
    return None


def _bad_life(order: VenueOrder) -> Refused | None:
    draft, life = order.draft, order.draft.time_in_force
    if (draft.good_till is not None) is not (life is _GTD):
        return Refused("bad_time_in_force", "good_till belongs to gtd orders, and to all of them")
    if draft.good_till is not None and draft.good_till <= order.at:
        return Refused("bad_time_in_force", f"good_till must be in the future, got {draft.good_till}")
    if order.one_chance and needs_trigger(draft.order_type):
        return Refused("bad_time_in_force", f"a {draft.order_type} order cannot be {life}")
    return None


def _not_covered(order: VenueOrder, book: Book, ledger: Ledger, terms: Terms) -> Refused | None:
    price, instrument = expected_price(order, book), book.instrument
    if price is not None and instrument.minimum_notional:
        value = value_of(book, order.remaining, price)
        if value < instrument.minimum_notional:
            message = f"an order must be worth at least {instrument.minimum_notional}, got {value}"
            return Refused("minimum_notional", message)
    if not order.is_buy:
        if terms.allow_short or order.remaining <= book.position - book.selling:
            return None
        message = f"{book.position} held, {book.selling} of it in open sells, got a sell of {order.remaining}"
        return Refused("short_selling", message)
    if price is None:
        return None
    cost = ledger.worst_case(order, book, price)
    if not ledger.affords(order, cost):
        message = f"{cost} needed with commission, {ledger.available} available"
        return Refused("insufficient_funds", message)
    ledger.reserve(order, cost)
    return None
