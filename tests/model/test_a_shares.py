"""
Boards, lots and price limits of mainland China's exchanges.
"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.model.a_shares import BEIJING, CHINEXT, MAIN, STAR, band_of, board_of, wrong_quantity
from ltm.model.enums import Side

D = Decimal


@pytest.mark.parametrize(
    ("symbol", "board"),
    [
        ("600519.SH", MAIN),
        ("600519.SS", MAIN),
        ("600519", MAIN),
        ("688981.SH", STAR),
        ("689009.SH", STAR),
        ("000001.SZ", MAIN),
        ("002594.SZ", MAIN),
        ("300750.SZ", CHINEXT),
        ("301236.SZ", CHINEXT),
        ("430047.BJ", BEIJING),
        ("920002.BJ", BEIJING),
        ("000300.SH", None),
        ("510300.SH", None),
        ("159915.SZ", None),
        ("AAPL", None),
        ("600519.HK", None),
        ("60051.SH", None),
    ],
)
def test_a_code_says_its_board(symbol, board):
    assert board == board_of(symbol)


@pytest.mark.parametrize(
    ("close", "band", "low", "high"),
    [
        ("10.00", "0.10", "9.00", "11.00"),
        ("10.05", "0.10", "9.05", "11.06"),
        ("10.04", "0.05", "9.54", "10.54"),
        ("33.33", "0.20", "26.66", "40.00"),
        ("0.05", "0.10", "0.04", "0.06"),
        ("0.01", "0.10", "0.01", "0.02"),
    ],
    ids=["even", "half a cent up", "five", "twenty", "at least a cent", "never zero"],
)
def test_price_limits_are_rounded_half_up_to_the_cent(close, band, low, high):
    """
    C18.
    """
    assert (D(low), D(high)) == band_of(D(close), D(band))


@pytest.mark.parametrize(
    ("board", "side", "quantity", "held", "fits"),
    [
        (MAIN, Side.BUY, 99, 0, False),
        (MAIN, Side.BUY, 100, 0, True),
        (MAIN, Side.BUY, 101, 0, False),
        (MAIN, Side.BUY, 200, 0, True),
        (STAR, Side.BUY, 199, 0, False),
        (STAR, Side.BUY, 200, 0, True),
        (STAR, Side.BUY, 201, 0, True),
        (CHINEXT, Side.BUY, 150, 0, False),
        (BEIJING, Side.BUY, 101, 0, True),
        (MAIN, Side.SELL, 100, 250, True),
        (MAIN, Side.SELL, 50, 250, True),
        (MAIN, Side.SELL, 150, 250, True),
        (MAIN, Side.SELL, 49, 250, False),
        (MAIN, Side.SELL, 51, 250, False),
        (MAIN, Side.SELL, 50, 200, False),
        (STAR, Side.SELL, 199, 300, False),
        (STAR, Side.SELL, 200, 300, True),
        (STAR, Side.SELL, 199, 199, True),
        (STAR, Side.SELL, 198, 199, False),
    ],
)
def test_lots_of_each_board(board, side, quantity, held, fits):
    """
    C03: one inside, at, one beyond; what is left below a lot goes in one order.
    """
    assert fits is not bool(wrong_quantity(board, side, D(quantity), D(held)))


@given(st.sampled_from([MAIN, STAR, CHINEXT, BEIJING]), st.integers(1, 5000))
def test_all_that_is_held_can_always_be_sold(board, held):
    assert "" == wrong_quantity(board, Side.SELL, D(held), D(held))
