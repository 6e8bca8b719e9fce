"""
Corporate actions at the mock venue: what the customer holds and what works changes on the morning of the ex-date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ltm.brokers.mock.orders import UNLIMITED, Book, VenueOrder
from ltm.model.corporate import actions_of, price_of, scaled, units_of
from ltm.model.errors import ConfigError, shown
from ltm.model.numbers import COST_GRID, ONE, RULES, ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal
    from pathlib import Path

    from ltm.brokers.mock.ledger import Ledger
    from ltm.model.corporate import CorporateAction

_CODE: Final = "LTM-CFG-091"
_CURE: Final = "lines such as 2014-06-09,AAPL,split,7:1 below the header date,symbol,kind,value"


def read_actions(path: Path | None) -> tuple[CorporateAction, ...]:
    """
    Return the actions of a file, in order of their dates.

    Raises:
        ConfigError: It cannot be read, or a line of it is wrong.
    """
    if path is None:
        return ()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"corporate_actions must be a file that can be read, got {shown(str(path))}: {error}"
        raise ConfigError(message, code=_CODE, field="corporate_actions", hint=_CURE) from None
    actions = []
    for line, found in actions_of(text):
        if isinstance(found, str):
            where, message = f"{path.name}, line {line}", f"corporate_actions: {found}"
            raise ConfigError(message, code=_CODE, field="corporate_actions", hint=_CURE, where=where)
        actions.append(found)
    return tuple(sorted(actions, key=lambda action: action.on))


def begin_date(
    actions: list[CorporateAction], books: Mapping[str, Book], ledger: Ledger, today: date
) -> None:
    """
    Carry out the actions whose date has come, and forget them.
    """
    while actions and actions[0].on <= today:
        action = actions.pop(0)
        book = books.get(action.symbol)
        if book is None:
            continue
        if action.kind == "split":
            _split(action, book, ledger)
        elif action.kind == "dividend":
            ledger.pay(book, book.position * book.instrument.multiplier * action.amount)
        elif action.new_symbol in books:
            _rename(book, books[action.new_symbol])


def _split(action: CorporateAction, book: Book, ledger: Ledger) -> None:
    new, old = action.numerator, action.denominator
    step = min(book.instrument.lot_size, ONE)
    units = book.position * new
    held = units_of(action, book.position, step)
    rest = units - held * old
    if rest and book.last is not None:
        # The fraction is paid out at the last price, and its part of what the holding cost goes with it.
        value = scaled(rest * book.last * book.instrument.multiplier, ONE, new)
        ledger.pay(book, value.quantize(COST_GRID, context=RULES))
        book.entry_value -= scaled(book.entry_value, rest, units).quantize(COST_GRID, context=RULES)
    book.position = held
    # Nothing is quoted at the new price yet.
    book.bid = book.ask = None
    book.bid_depth = book.ask_depth = UNLIMITED
    if book.last is not None:
        book.last = scaled(book.last, old, new).quantize(COST_GRID, context=RULES)
    for order in book.waiting.values():
        _adjust(action, order, book, step)
    book.selling = sum((order.remaining for order in book.waiting.values() if not order.is_buy), ZERO)


def _adjust(action: CorporateAction, order: VenueOrder, book: Book, step: Decimal) -> None:
    draft, tick = order.draft, book.instrument.tick_size
    changes = {
        name: price_of(action, price, tick, draft.side)
        for name in ("limit_price", "trigger_price")
        if (price := getattr(draft, name)) is not None
    }
    quantity = units_of(action, draft.quantity, step)
    order.draft = replace(draft, quantity=quantity, **changes)
    order.limit = order.draft.limit_price
    if order.trigger is not None:
        order.trigger = order.draft.trigger_price
    order.filled = units_of(action, order.filled, step)
    order.remaining = quantity - order.filled


def _rename(before: Book, after: Book) -> None:
    after.position, after.entry_value, after.selling = before.position, before.entry_value, before.selling
    before.position = before.entry_value = before.selling = ZERO
    for number, order in before.waiting.items():
        order.draft = replace(order.draft, symbol=after.instrument.symbol)
        after.waiting[number] = order
    before.waiting.clear()
