"""
Corporate actions that somebody declared: a split, another symbol, a cash dividend.
"""

from __future__ import annotations

import csv
import re
from datetime import date
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ltm.model.enums import Side
from ltm.model.errors import shown
from ltm.model.identifiers import is_symbol
from ltm.model.numbers import ONE, RULES, ZERO, decimal_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

ActionKind = Literal["split", "rename", "dividend"]

HEADER: Final = ["date", "symbol", "kind", "value"]
_RATIO: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?):(\d{1,9}(?:\.\d{1,9})?)", re.ASCII)
_VALUES: Final = {
    "split": "a ratio new:old above 0, for example 7:1, or 1:10 for a reverse split",
    "rename": "another symbol",
    "dividend": "an amount above 0 for each unit held",
}


class CorporateAction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One action: on the opening of `on`, `denominator` units have become `numerator`, or the symbol another, or each
    unit has paid `amount`.
    """

    on: date
    symbol: str
    kind: ActionKind
    numerator: Decimal = ONE
    denominator: Decimal = ONE
    new_symbol: str = ""
    amount: Decimal = ZERO

    @property
    def key(self) -> str:
        """
        What tells it from every other action: it is applied once.
        """
        return f"{self.on}:{self.kind}:{self.symbol}"

    def __str__(self) -> str:
        value = {
            "split": f"{plain(self.numerator)}:{plain(self.denominator)}",
            "rename": self.new_symbol,
            "dividend": plain(self.amount),
        }[self.kind]
        return f"{self.kind} {self.symbol} {value} on {self.on}"


def action_of(on: str, symbol: str, kind: str, value: str) -> CorporateAction | str:
    """
    Return the action that four texts stand for, or what is wrong with them.
    """
    try:
        day = date.fromisoformat(on)
    except ValueError:
        return f"date must be a date such as 2014-06-09, got {shown(on)}"
    if not is_symbol(symbol):
        return f"symbol must be a symbol, got {shown(symbol)}"
    if kind == "split":
        found = _RATIO.fullmatch(value)
        new, old = (Decimal(found[1]), Decimal(found[2])) if found else (ZERO, ZERO)
        if new > 0 and old > 0 and new != old:
            return CorporateAction(on=day, symbol=symbol, kind="split", numerator=new, denominator=old)
    elif kind == "rename":
        if is_symbol(value) and value != symbol:
            return CorporateAction(on=day, symbol=symbol, kind="rename", new_symbol=value)
    elif kind == "dividend":
        amount = decimal_of(value)
        if amount is not None and amount > 0:
            return CorporateAction(on=day, symbol=symbol, kind="dividend", amount=amount)
    else:
        return f"kind must be split, rename or dividend, got {shown(kind)}"
    return f"value of a {kind} must be {_VALUES[kind]}, got {shown(value)}"


def actions_of(text: str) -> Iterator[tuple[int, CorporateAction | str]]:
    """
    Yield the line and what it declares, or what is wrong with it, of a CSV text date,symbol,kind,value.
    """
    rows = csv.reader(text.splitlines())
    if [cell.strip() for cell in next(rows, [])] != HEADER:
        yield 1, "the header must be date,symbol,kind,value"
        return
    seen: dict[str, int] = {}
    for row in rows:
        if not row:
            continue
        if len(row) != len(HEADER):
            yield rows.line_num, f"a line must have {len(HEADER)} columns, got {len(row)}"
            continue
        action = action_of(*(cell.strip() for cell in row))
        if isinstance(action, CorporateAction):
            first = seen.setdefault(action.key, rows.line_num)
            if first != rows.line_num:
                action = (
                    f"{action.kind} of {action.symbol} on {action.on} is given twice (first at line {first})"
                )
        yield rows.line_num, action


def scaled(value: Decimal, up: Decimal, down: Decimal) -> Decimal:
    """
    Return value x up / down, to as many digits as sums of money have.
    """
    return RULES.divide(RULES.multiply(value, up), down)


def units_of(action: CorporateAction, quantity: Decimal, step: Decimal) -> Decimal:
    """
    Return what a quantity becomes by a split, in whole steps towards zero.
    """
    units = scaled(quantity, action.numerator, action.denominator)
    return RULES.divide(units, step).to_integral_value(ROUND_DOWN) * step


def price_of(action: CorporateAction, price: Decimal, tick: Decimal, side: Side) -> Decimal:
    """
    Return what an order's price becomes by a split: on the grid, and never worse for its owner.
    """
    rounding = ROUND_DOWN if side is Side.BUY else ROUND_UP
    after = scaled(price, action.denominator, action.numerator)
    return RULES.divide(after, tick).to_integral_value(rounding) * tick
