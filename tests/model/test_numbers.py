"""
Exact numbers: what becomes one, and how it meets a grid (RSK-01).
"""

from decimal import Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.model.numbers import EXACT, RULES, as_fraction, decimal_of, floor_to, plain, ratio, round_price

D = Decimal


class NumpyLikeFloat(float):
    """
    A float with a repr of its own, as numpy has.
    """

    def __repr__(self):
        return "np.float64(0.3)"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.3, "0.3"),
        (0.1 + 0.2, "0.30000000000000004"),
        (NumpyLikeFloat(0.3), "0.3"),
        (1e22, "1E+22"),
        (7, "7"),
        (10**40, "1" + "0" * 40),
        (D("1.50"), "1.50"),
        ("1.5", "1.5"),
        ("-.5", "-0.5"),
        ("+5.", "5"),
        ("1e-7", "1E-7"),
    ],
)
def test_a_number_is_taken_as_it_is_written(value, expected):
    """
    RSK-01: a float goes through its repr, never through its binary value.
    """
    assert D(expected).as_tuple() == decimal_of(value).as_tuple() or D(expected) == decimal_of(value)


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        None,
        float("nan"),
        float("inf"),
        D("NaN"),
        D("sNaN"),
        D("-Infinity"),
        "",
        " 1",
        "1_000",
        "\u0661\u0662",
        "1e9999",
        "0x10",
        "nan",
        "Infinity",
        [1],
        frozenset(),
        b"1",
    ],
    ids=repr,
)
def test_what_is_no_number_is_none(value):
    """
    BAD-035, BAD-058, BAD-072: Decimal itself would accept several of these.
    """
    assert decimal_of(value) is None


grids = st.sampled_from([D("0.01"), D("0.05"), D("0.00000001"), D(1), D(100), D("0.3")])
amounts = st.decimals(min_value=0, max_value=10**12, places=9)


@given(value=amounts, step=grids)
def test_a_quantity_goes_down_to_the_lot(value, step):
    """
    RSK-01: to the next multiple, never up.
    """
    lots = floor_to(value, step)

    assert 0 == lots % step
    assert lots <= value < lots + step


@given(price=amounts, tick=grids)
def test_a_price_goes_to_the_tick(price, tick):
    """
    RSK-01: a buy limit down, a sell limit up.
    """
    down, up = round_price(price, tick, up=False), round_price(price, tick, up=True)

    assert 0 == down % tick == up % tick
    assert down <= price <= up
    assert up - down in {0, tick}


def test_a_ratio_is_for_people():
    """
    RSK-22: eight places; dividing by nothing is nothing.
    """
    assert D("0.33333333") == ratio(D(1), D(3))
    assert D(0) == ratio(D(1), D(0))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0E-8", "0"),
        ("-0.0", "0"),
        ("1E+3", "1000"),
        ("1.500", "1.5"),
        ("100", "100"),
        ("-2.0", "-2"),
        ("1E-9", "0.000000001"),
    ],
)
def test_a_number_is_shown_as_people_write_it(value, expected):
    """
    No exponent, no trailing zeros.
    """
    assert expected == plain(D(value))


@pytest.mark.parametrize(
    ("percentage", "expected"),
    [("30", "0.30"), ("90", "0.90"), ("100", "1.00"), ("12.5", "0.125"), ("5", "0.05")],
)
def test_a_percentage_is_shown_as_the_fraction_to_write(percentage, expected):
    """
    BAD-008, BAD-058: 30 % is written 0.30.
    """
    assert expected == as_fraction(D(percentage))


def test_helpers_do_not_follow_the_hosts_context():
    """
    BAD-116: what the application has set up for itself changes nothing.
    """
    with localcontext(prec=3):
        assert D("0.12345679") == ratio(D(10), D("81.0000005"))
        assert D("12345.67") == round_price(D("12345.674"), D("0.01"), up=False)
        assert "0.12345" == as_fraction(D("12.345"))


def test_money_is_never_rounded_unnoticed():
    """
    BAD-077: a sum that does not fit is an error, in sizes it is rounded.
    """
    with localcontext(EXACT), pytest.raises(Inexact):
        D(1) / D(3)
    with localcontext(RULES):
        assert 50 == len((D(1) / D(3)).as_tuple().digits)
