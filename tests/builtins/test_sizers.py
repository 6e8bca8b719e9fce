"""
The built-in sizers: what they wish, and that they never wish for more than there is room for.
"""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.builtins import hooks
from ltm.builtins.config import EquityFractionConfig, FixedQuantityConfig
from ltm.builtins.sizers import SIZERS
from ltm.model.enums import Action
from ltm.model.errors import ConfigError
from ltm.model.instrument import Instrument
from ltm.model.signal import SignalRecord
from ltm.ports import SizingView

D = Decimal
NOW = datetime(2026, 1, 5, tzinfo=UTC)
SIGNAL = SignalRecord(symbol="AAPL", action=Action.BUY, score=D(1), confidence=D(1), at=NOW)


def sizers():
    """
    What the hook offers, by name.
    """
    offers = {}
    hooks.ltm_register_position_sizers(lambda name, **offer: offers.update({name: offer}))
    return offers


def sizer(name, **settings):
    offer = sizers()[name]
    return offer["factory"](offer["config"](**settings))


def view(*, equity="100000", unit_cost="100", headroom=None, lot="1"):
    return SizingView(
        now=NOW,
        instrument=Instrument(symbol="AAPL", currency="USD", lot_size=D(lot)),
        side="buy",
        equity=D(equity),
        initial_capital=D(100000),
        cash=D(equity),
        position=D(0),
        unit_cost=D(unit_cost),
        headroom=None if headroom is None else D(headroom),
    )


def test_every_sizer_of_the_table_is_offered_under_its_name():
    """
    The table and the hook hold the same names.
    """
    assert set(SIZERS) == set(sizers())
    assert "equity_fraction" == sizer("equity_fraction").name
    assert "fixed_quantity" == sizer("fixed_quantity", quantity=1).name


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "100"),
        ({"unit_cost": "99.99"}, "100"),
        ({"unit_cost": "100.01"}, "99"),
        ({"lot": "100", "unit_cost": "60"}, "100"),
        ({"lot": "0.001", "unit_cost": "30000"}, "0.333"),
        ({"headroom": "40.5"}, "40"),
        ({"headroom": "400"}, "100"),
        ({"headroom": "0"}, "0"),
        ({"equity": "0"}, "0"),
        ({"equity": "-5"}, "0"),
        ({"unit_cost": "0"}, "0"),
        ({"unit_cost": "-30"}, "0"),
    ],
    ids=str,
)
def test_a_fraction_of_equity(facts, expected):
    """
    A tenth of equity by default, down to the lot, within headroom, nothing without equity or price.
    """
    assert D(expected) == sizer("equity_fraction").size(SIGNAL, view(**facts))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "250"),
        ({"headroom": "249.9"}, "249"),
        ({"lot": "100"}, "200"),
        ({"headroom": "99", "lot": "100"}, "0"),
    ],
    ids=str,
)
def test_a_fixed_quantity(facts, expected):
    """
    Always the same, unless a limit leaves less room.
    """
    assert D(expected) == sizer("fixed_quantity", quantity=250).size(SIGNAL, view(**facts))


lots = st.sampled_from(["0.0001", "0.5", "1", "100"])
money = st.decimals(min_value="-1000", max_value="10000000", places=2)


@given(
    equity=money,
    cost=money,
    headroom=st.none() | st.decimals(min_value="0", max_value="100000", places=6),
    lot=lots,
    name=st.sampled_from(["equity_fraction", "fixed_quantity"]),
)
def test_no_sizer_goes_up(equity, cost, headroom, lot, name):
    """
    A size is a multiple of the lot, not negative and within headroom.
    """
    settings = {"quantity": 33} if name == "fixed_quantity" else {}
    size = sizer(name, **settings).size(
        SIGNAL, view(equity=equity, unit_cost=cost, headroom=headroom, lot=lot)
    )

    assert size >= 0
    assert 0 == size % D(lot)
    assert headroom is None or size <= headroom


@pytest.mark.parametrize(
    ("config", "settings", "message"),
    [
        (EquityFractionConfig, {"fraction": 10}, "fraction must be between 0 and 1, got 10"),
        (EquityFractionConfig, {"fraction": 0}, "fraction must be > 0 and <= 1, got 0"),
        (FixedQuantityConfig, {"quantity": 0}, "quantity must be a positive finite amount, got 0"),
        (FixedQuantityConfig, {"quantity": "5"}, 'quantity must be a number, got "5" (string)'),
    ],
)
def test_a_wrong_setting_is_refused(config, settings, message):
    """
    BAD-007, BAD-008, BAD-009.
    """
    with pytest.raises(ConfigError) as caught:
        config(**settings)

    assert message == caught.value.message
