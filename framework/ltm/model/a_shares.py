"""
What the exchanges of mainland China ask of an order in A-shares: boards, lots and daily price limits.

Shanghai, Shenzhen and Beijing agree on T+1 and on odd lots; boards differ in lot and band. Sources and
dates are in `docs/how-to/markets.md`.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import attrs

from ltm.model.enums import Side
from ltm.model.numbers import ONE, RULES, ZERO, plain

TICK: Final = Decimal("0.01")
_CODE: Final = re.compile(r"(\d{6})(?:\.(SH|SS|SZ|BJ))?", re.ASCII)


@attrs.frozen
class Board:
    """
    One board's rules: a buy is `minimum` or more in steps of `step`; prices stay within `band` of the last close.
    """

    name: str
    minimum: Decimal
    step: Decimal
    band: Decimal


MAIN: Final = Board("main board", Decimal(100), Decimal(100), Decimal("0.10"))
STAR: Final = Board("STAR market", Decimal(200), ONE, Decimal("0.20"))
CHINEXT: Final = Board("ChiNext", Decimal(100), Decimal(100), Decimal("0.20"))
BEIJING: Final = Board("Beijing exchange", Decimal(100), ONE, Decimal("0.30"))
_PREFIXES: Final = {
    "SH": {"688": STAR, "689": STAR, "60": MAIN},
    "SZ": {
        "300": CHINEXT,
        "301": CHINEXT,
        "302": CHINEXT,
        "000": MAIN,
        "001": MAIN,
        "002": MAIN,
        "003": MAIN,
    },
    "BJ": {"4": BEIJING, "8": BEIJING, "92": BEIJING},
}


def board_of(symbol: str) -> Board | None:
    """
    Return the board of a share such as 600519.SH; None for an index, a fund, or something that is no A-share.
    """
    found = _CODE.fullmatch(symbol)
    if found is None:
        return None
    code, suffix = found.groups()
    venues = [{"SS": "SH"}.get(suffix, suffix)] if suffix else list(_PREFIXES)
    for venue in venues:
        for prefix, board in _PREFIXES[venue].items():
            if code.startswith(prefix):
                return board
    return None


def band_of(previous_close: Decimal, band: Decimal) -> tuple[Decimal, Decimal]:
    """
    Return the day's lowest and highest price: half a cent rounds up, and a cent up and down is always allowed.
    """
    low, high = (
        RULES.multiply(previous_close, ONE + sign * band).quantize(TICK, ROUND_HALF_UP, RULES)
        for sign in (-ONE, ONE)
    )
    return max(min(low, previous_close - TICK), TICK), max(high, previous_close + TICK)


def wrong_quantity(board: Board, side: Side, quantity: Decimal, held: Decimal) -> str:
    """
    Return what is wrong with an order's quantity, or nothing. What is left below a lot is sold in one go.
    """
    least, step = board.minimum, board.step
    if side is Side.BUY:
        if quantity < least or quantity % step:
            grid = f"a multiple of {plain(step)}" if step > 1 else f"{plain(least)} or more"
            return f"a buy on the {board.name} must be {grid}, got {plain(quantity)}"
        return ""
    if step > 1:
        odd = held % step if held > 0 else ZERO
        fits = quantity % step in {ZERO, odd}
    else:
        fits = quantity >= least or quantity == held
    if fits:
        return ""
    return (
        f"a sell of {plain(quantity)} of {plain(held)} would split an odd lot: below {plain(least)}"
        " all that is left is sold in one order"
    )
