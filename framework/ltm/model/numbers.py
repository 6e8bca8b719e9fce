"""
Exact numbers: how text and floats become `Decimal`, and how `Decimal` meets a venue's grid.

Two decimal contexts exist. `RULES` is what sizers and rules compute in; `EXACT` also traps
`Inexact`, so that a sum of money can never be rounded without anybody noticing (BAD-077).
"""

from __future__ import annotations

import re
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
)
from typing import Final

_TRAPS: Final = [InvalidOperation, DivisionByZero, Overflow, FloatOperation]
DIGITS: Final = 50
RULES: Final = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, traps=_TRAPS)
EXACT: Final = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, traps=[*_TRAPS, Inexact])

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
COST_GRID: Final = Decimal("1E-12")
"""Costs taken out of an average are rounded here once; every later sum stays exact."""

# ASCII only: `Decimal` itself accepts Arabic digits and `1_000` (BAD-035).
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def decimal_of(value: object) -> Decimal | None:
    """
    Return the exact, finite `Decimal` of an int, float, Decimal or plain ASCII text, else None.

    A float goes through its repr (RSK-01): 0.3 is `Decimal("0.3")`. A bool is not a number.
    """
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return Decimal(value)
    # Not `repr`: numpy's floats are floats, and have a repr of their own.
    text = float.__repr__(value) if isinstance(value, float) else value
    if not isinstance(text, str) or not _PLAIN.fullmatch(text):
        return None
    return Decimal(text)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """
    Return the largest multiple of `step` that is not above a non-negative `value`.
    """
    return value // step * step


def round_price(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """
    Return the price moved to the tick grid, up or down.
    """
    steps = RULES.divide(price, tick).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
    return RULES.multiply(steps, tick)


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """
    Return numerator / denominator to 8 places, for people; limits never divide (RSK-22).
    """
    if not denominator:
        return ZERO
    return RULES.divide(numerator, denominator).quantize(Decimal("1E-8"), context=RULES)


def plain(value: Decimal) -> str:
    """
    Return the value without exponent and without trailing zeros, as people write it.
    """
    if not value:
        return "0"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_fraction(percentage: Decimal) -> str:
    """
    Return a percentage as the fraction to write instead, with two decimals or more: 30 is `0.30`.
    """
    text = plain(RULES.scaleb(percentage, -2))
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"
