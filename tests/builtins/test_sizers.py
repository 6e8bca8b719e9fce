"""
The built-in sizers: what they wish, and that they never wish for more than there is room for.
"""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.builtins import hooks
from ltm.builtins.config import (
    ConfidenceWeightedConfig,
    EquityFractionConfig,
    FixedNotionalConfig,
    FixedQuantityConfig,
    RiskPerTradeConfig,
    TargetWeightsConfig,
    VolatilityTargetConfig,
)
from ltm.builtins.sizers import SIZERS
from ltm.model.enums import Action
from ltm.model.errors import ConfigError
from ltm.model.instrument import Instrument
from ltm.model.market import MarkSample
from ltm.model.signal import SignalRecord
from ltm.ports import CannotSize, SamplingSizer, SizingView, TargetSizer

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


def view(
    *,
    equity="100000",
    unit_cost="100",
    headroom=None,
    lot="1",
    stop=None,
    prices=(),
    held="0",
    open_too=None,
    side="buy",
):
    return SizingView(
        now=NOW,
        instrument=Instrument(symbol="AAPL", currency="USD", lot_size=D(lot), aliases=("APC",)),
        side=side,
        equity=D(equity),
        initial_capital=D(100000),
        cash=D(equity),
        position=D(held),
        worst_quantity=None if open_too is None else D(open_too),
        unit_cost=D(unit_cost),
        headroom=None if headroom is None else D(headroom),
        stop_distance=None if stop is None else D(stop),
        samples=tuple(MarkSample(NOW, D(price)) for price in prices),
    )


def asking(confidence):
    """
    The signal with another confidence.
    """
    return SignalRecord(symbol="AAPL", action=Action.BUY, score=D(1), confidence=D(confidence), at=NOW)


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
        ({"headroom": "99", "lot": "100"}, "99"),
        ({"headroom": "0", "lot": "100"}, "0"),
    ],
    ids=str,
)
def test_a_fixed_quantity(facts, expected):
    """
    Always the same, unless a limit leaves less room.
    """
    assert D(expected) == sizer("fixed_quantity", quantity=250).size(SIGNAL, view(**facts))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "50"),
        ({"unit_cost": "100.01"}, "49"),
        ({"unit_cost": "10000"}, "0.5"),
        ({"equity": "-1"}, "50"),
        ({"headroom": "49.9"}, "49"),
        ({"lot": "20"}, "40"),
        ({"unit_cost": "0"}, "0"),
    ],
    ids=str,
)
def test_a_fixed_notional(facts, expected):
    """
    The same amount of money whatever equity is; of less than a lot the kernel makes a denial.
    """
    assert D(expected) == sizer("fixed_notional", notional=5000).size(SIGNAL, view(**facts))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"stop": "5"}, "200"),
        ({"stop": "5.01"}, "199"),
        ({"stop": "4.99"}, "200"),
        ({"stop": "2"}, "500"),
        ({"stop": "1"}, "1000"),
        ({"stop": "0.5"}, "1000"),
        ({"stop": "0.000001"}, "1000"),
        ({"stop": "5", "headroom": "30"}, "30"),
        ({"stop": "5", "lot": "150"}, "150"),
        ({"stop": "5", "equity": "0"}, "0"),
        ({"stop": "5", "equity": "-10"}, "0"),
    ],
    ids=str,
)
def test_risk_per_trade(facts, expected):
    """
    A hundredth of equity is lost at the stop; never more than all of equity is spent.
    """
    assert D(expected) == sizer("risk_per_trade").size(SIGNAL, view(**facts))


def test_risk_per_trade_without_a_stop_says_what_to_set():
    with pytest.raises(CannotSize, match=r"there is no stop .* set session\.stop_loss_pct"):
        sizer("risk_per_trade").size(SIGNAL, view())


@pytest.mark.parametrize("stop", ["0", "-1"])
def test_risk_per_trade_refuses_a_stop_on_the_wrong_side(stop):
    """
    BAD-074: the kernel makes a `sizer_fault` of it.
    """
    with pytest.raises(ValueError, match="the stop must be on the losing side of the price"):
        sizer("risk_per_trade").size(SIGNAL, view(stop=stop))


@pytest.mark.parametrize(
    ("settings", "confidence", "expected"),
    [
        ({}, "1", "100"),
        ({}, "0.5", "50"),
        ({}, "0.999", "99"),
        ({}, "0", "0"),
        ({"from_confidence": 0.6}, "0.6", "0"),
        ({"from_confidence": 0.6}, "0.59", "0"),
        ({"from_confidence": 0.6}, "0.7", "25"),
        ({"from_confidence": 0.6}, "1", "100"),
        ({"fraction": 1}, "1", "1000"),
    ],
    ids=str,
)
def test_confidence_weighted(settings, confidence, expected):
    """
    Nothing at the confidence it grows from, all of the fraction at 1, a straight line in between.
    """
    assert D(expected) == sizer("confidence_weighted", **settings).size(asking(confidence), view())


WILD = ("100", "110", "99", "108.9")
"""Returns of plus and minus a tenth."""


@pytest.mark.parametrize(
    ("settings", "facts", "expected"),
    [
        ({"periods_per_year": 1}, {}, "1000"),
        ({"periods_per_year": 1, "target": 0.05}, {}, "500"),
        ({"periods_per_year": 4}, {}, "500"),
        ({"periods_per_year": 400}, {}, "50"),
        ({"periods_per_year": 1, "max_fraction": 0.3}, {}, "300"),
        ({"periods_per_year": 1, "min_volatility": 0.2}, {}, "500"),
        ({"interval_seconds": 86_400}, {}, "52"),
        ({"periods_per_year": 400}, {"prices": ("1", "9", *WILD)}, "50"),
        ({"periods_per_year": 400}, {"headroom": "12.5"}, "12"),
        ({"periods_per_year": 400}, {"lot": "20"}, "40"),
        ({"periods_per_year": 1}, {"prices": ("5", "5", "5", "5")}, "1000"),
        ({"periods_per_year": 1, "target": 0.01}, {"prices": ("5", "5", "5", "5")}, "200"),
        ({"periods_per_year": 400}, {"equity": "-1"}, "0"),
    ],
    ids=str,
)
def test_a_target_of_volatility(settings, facts, expected):
    """
    Ten percent an interval is as many percent a year as the root of the intervals says; what stands still is taken
    for `min_volatility`; only the latest returns count; a year has 365 days unless it is said otherwise.
    """
    one = sizer("volatility_target", returns=3, **settings)

    assert D(expected) == one.size(SIGNAL, view(**{"prices": WILD, **facts}))


@pytest.mark.parametrize(("count", "enough"), [(3, False), (4, True), (5, True)])
def test_a_target_of_volatility_needs_all_its_returns(count, enough):
    """
    One price fewer than it takes, as many, and one more.
    """
    one = sizer("volatility_target", returns=3)
    prices = [D(100) + number for number in range(count)]

    assert (one.sampling.seconds, one.sampling.count) == (60, 4)
    if enough:
        assert one.size(SIGNAL, view(prices=prices)) > 0
        return
    with pytest.raises(CannotSize, match="3 of 4 prices have been sampled"):
        one.size(SIGNAL, view(prices=prices))


def scored(score, action=Action.BUY, symbol="AAPL"):
    """
    The signal with another score.
    """
    return SignalRecord(symbol=symbol, action=action, score=D(score), confidence=D(1), at=NOW)


@pytest.mark.parametrize(
    ("score", "facts", "expected"),
    [
        ("0.2", {}, "200"),
        ("0.2", {"held": "150"}, "50"),
        ("0.2", {"held": "150", "open_too": "190"}, "10"),
        ("0.2", {"held": "199.5"}, "0.5"),
        ("0.2", {"unit_cost": "100.01"}, "199"),
        ("0.2", {"headroom": "20.5"}, "20"),
        ("0.2", {"lot": "150"}, "150"),
        ("1", {}, "1000"),
        ("-0.1", {"side": "sell"}, "100"),
        ("-0.1", {"side": "sell", "held": "-30", "open_too": "-60"}, "40"),
        ("0.2", {"unit_cost": "0"}, "0"),
    ],
    ids=str,
)
def test_a_target_weight_is_traded_up_to(score, facts, expected):
    """
    What is missing to the weight, open orders counted; a short weight likewise, the other way.
    """
    action = Action(facts.get("side", "buy"))

    assert D(expected) == sizer("target_weights").size(scored(score, action), view(**facts))


@pytest.mark.parametrize(
    ("score", "facts", "message"),
    [
        ("0.2", {"held": "200"}, "200 with open orders is at or beyond the 200.00000000 of its weight"),
        ("0.2", {"held": "100", "open_too": "201"}, "201 with open orders is at or beyond the 200.00000000"),
        ("0", {}, "0 with open orders is at or beyond the 0.00000000 of its weight"),
        ("0.2", {"equity": "-5"}, "0 with open orders is at or beyond the -0.01000000 of its weight"),
        ("-0.2", {}, "0 with open orders is at or beyond the -200.00000000 of its weight"),
    ],
    ids=str,
)
def test_a_buy_at_or_beyond_its_weight_says_so(score, facts, message):
    """
    A signal is never turned around: what is too much is not sold by a buy.
    """
    with pytest.raises(CannotSize, match=message):
        sizer("target_weights").size(scored(score), view(**facts))


@pytest.mark.parametrize(
    ("held", "expected"), [("190.01", None), ("190", "10"), ("189.99", "10.01")], ids=["less", "at", "more"]
)
def test_changes_within_the_band_are_not_traded(held, expected):
    """
    The band is a hundredth of equity, ten shares: less than that is left alone, on the way up and down.
    """
    one = sizer("target_weights", band=0.01)
    facts = view(held=held, lot="0.01")
    above = view(held=400 - D(held), lot="0.01")
    if expected is None:
        with pytest.raises(CannotSize, match=r"less than the band of 0\.01 of equity"):
            one.size(scored("0.2"), facts)
        assert above.position == one.target_position(scored("0.2", Action.SELL), above)
        return

    assert D(expected) == one.size(scored("0.2"), facts)
    assert D(200) == one.target_position(scored("0.2", Action.SELL), above)


@pytest.mark.parametrize(
    ("weights", "symbol", "expected"),
    [
        ({"AAPL": 0.3}, "AAPL", "300"),
        ({"AAPL": 0.3}, "APC", "300"),
        ({"APC": 0.3}, "AAPL", "300"),
        ({"MSFT": 0.3}, "AAPL", "0"),
    ],
    ids=str,
)
def test_weights_of_the_configuration_come_before_the_score(weights, symbol, expected):
    """
    By symbol or alias; a symbol without a weight is closed.
    """
    one = sizer("target_weights", weights=weights)

    assert D(expected) == one.target_position(scored("0.9", Action.SELL, symbol), view(held="500"))


@pytest.mark.parametrize("score", ["1.01", "-1.01", "30", "1E+300"])
def test_a_score_that_is_no_weight_is_a_fault(score):
    """
    BAD-074: thirty is not thirty percent.
    """
    with pytest.raises(ValueError, match="the score must be the symbol's weight, from -1 to 1"):
        sizer("target_weights").size(scored(score), view())
    with pytest.raises(ValueError, match="the score must be the symbol's weight"):
        sizer("target_weights").target_position(scored(score), view())


def test_closing_needs_no_price_and_keeping_does():
    one = sizer("target_weights")

    assert 0 == one.target_position(scored("0", Action.SELL), view(held="5", unit_cost="0"))
    with pytest.raises(CannotSize, match="there is no price to work the weight out from"):
        one.target_position(scored("0.1", Action.SELL), view(held="5", unit_cost="0"))


def test_only_the_sizer_of_weights_keeps_a_part_of_a_position():
    thinking = [name for name in SETTINGS if isinstance(sizer(name, **SETTINGS[name]), TargetSizer)]

    assert ["target_weights"] == thinking


lots = st.sampled_from(["0.0001", "0.5", "1", "100"])
money = st.decimals(min_value="-1000", max_value="10000000", places=2)


SETTINGS = {
    "equity_fraction": {},
    "fixed_quantity": {"quantity": 33},
    "fixed_notional": {"notional": 7_777},
    "risk_per_trade": {},
    "confidence_weighted": {},
    "volatility_target": {"returns": 3, "interval_seconds": 3600},
    "target_weights": {"weights": {"AAPL": 0.5}},
}
"""Every sizer, as it is tried below."""
fractions = st.decimals(min_value="0.01", max_value="1", places=2)
positive = st.decimals(min_value="0.01", max_value="100000", places=2)


def sized(one, confidence, facts):
    """
    The size, 0 where the sizer says that it cannot tell.
    """
    try:
        return one.size(asking(confidence), facts)
    except CannotSize:
        return D(0)


def test_every_sizer_is_tried():
    assert set(SETTINGS) == set(sizers())


@given(
    equity=money,
    cost=money,
    headroom=st.none() | st.decimals(min_value="0", max_value="100000", places=6),
    lot=lots,
    stop=positive,
    prices=st.lists(positive, min_size=4, max_size=8),
    confidence=st.decimals(min_value=0, max_value=1, places=3),
    name=st.sampled_from([*SETTINGS]),
)
def test_no_sizer_goes_up(*, equity, cost, headroom, lot, stop, prices, confidence, name):
    """
    RSK-20: a size is a multiple of the lot, or less than one, not negative, within headroom, and exact.
    """
    facts = view(equity=equity, unit_cost=cost, headroom=headroom, lot=lot, stop=stop, prices=prices)

    size = sized(sizer(name, **SETTINGS[name]), confidence, facts)

    assert type(size) is Decimal
    assert size >= 0
    assert 0 == size % D(lot) or size < D(lot)
    assert headroom is None or size <= headroom


@given(
    equity=positive,
    cost=positive,
    headroom=st.none() | positive,
    lot=lots,
    stop=positive,
    prices=st.lists(positive, min_size=4, max_size=4),
    confidence=fractions,
    more=positive,
    name=st.sampled_from([*SETTINGS]),
)
def test_sizes_move_the_way_their_facts_do(
    *, equity, cost, headroom, lot, stop, prices, confidence, more, name
):
    """
    More equity, headroom or confidence never make an order smaller; a dearer unit or a stop further away never larger.
    """
    facts = {
        "equity": equity,
        "unit_cost": cost,
        "headroom": headroom,
        "lot": lot,
        "stop": stop,
        "prices": prices,
    }
    one = sizer(name, **SETTINGS[name])

    size = sized(one, confidence, view(**facts))

    assert size <= sized(one, confidence, view(**{**facts, "equity": equity + more}))
    assert size <= sized(one, min(confidence + more, D(1)), view(**facts))
    assert size >= sized(one, confidence, view(**{**facts, "unit_cost": cost + more}))
    assert size >= sized(one, confidence, view(**{**facts, "stop": stop + more}))
    assert size <= sized(one, confidence, view(**{**facts, "headroom": None}))
    assert size <= sized(
        one, confidence, view(**{**facts, "headroom": None if headroom is None else headroom + more})
    )


@given(
    first=fractions,
    second=fractions,
    stop=positive,
    prices=st.lists(positive, min_size=4, max_size=4),
    cost=positive,
)
def test_sizes_move_the_way_their_settings_do(first, second, stop, prices, cost):
    """
    A larger fraction, amount, risk or target never makes an order smaller.
    """
    low, high = sorted((first * D("0.99"), second * D("0.99")))
    facts = view(unit_cost=cost, lot="0.0001", stop=stop, prices=prices)
    keys = {
        "equity_fraction": "fraction",
        "fixed_quantity": "quantity",
        "fixed_notional": "notional",
        "risk_per_trade": "risk",
        "confidence_weighted": "fraction",
        "volatility_target": "target",
    }
    assert {*keys, "target_weights"} == set(SETTINGS)
    for name, key in keys.items():
        sizes = [sizer(name, **{**SETTINGS[name], key: value}).size(SIGNAL, facts) for value in (low, high)]

        assert sizes == sorted(sizes)


@given(
    first=st.decimals(min_value="0", max_value="1", places=3),
    second=st.decimals(min_value="0", max_value="1", places=3),
    held=st.decimals(min_value=0, max_value=2000, places=2),
    cost=st.decimals(min_value=1, max_value=500, places=2),
    lot=lots,
    band=st.sampled_from([D(0), D("0.01"), D("0.2")]),
)
def test_weights_are_approached_and_never_passed(*, first, second, held, cost, lot, band):
    """
    A buy ends at or below its weight, a sell keeps what is above it; a larger weight never means fewer shares.
    """
    one = sizer("target_weights", band=band)
    facts = view(held=held, unit_cost=cost, lot=lot)
    ends = []
    for weight in sorted((first, second)):
        bought = D(0)
        with suppress(CannotSize):
            bought = one.size(scored(weight), facts)
        kept = one.target_position(scored(weight, Action.SELL), facts)

        assert bought == 0 or held + bought <= 100_000 * weight / cost
        assert kept >= min(held, 100_000 * weight / cost)
        assert 0 == bought % D(lot) or bought < D(lot)
        ends.append(held + bought)
    assert ends == sorted(ends)


@given(
    prices=st.lists(positive, min_size=4, max_size=4),
    factor=st.decimals(min_value="1", max_value="9", places=1),
)
def test_a_wilder_price_is_bought_less(prices, factor):
    """
    All returns times a factor: never more is bought, and about that much less where no limit of its own cuts in.
    """
    one = sizer("volatility_target", returns=3, min_volatility=D("1E-12"))
    wilder = [D(100)]
    for before, now in pairwise(prices):
        wilder.append(wilder[-1] * (1 + (now / before - 1) * factor))
    if min(wilder) <= 0:
        return
    calm, wild = (one.size(SIGNAL, view(prices=series, lot="0.0001")) for series in (prices, wilder))

    assert wild <= calm + D("1E-20")
    if D("0.01") < calm < 1000:
        assert abs(calm / factor - wild) <= D("0.0002")


def test_only_the_sizer_that_looks_back_has_marks_sampled():
    """
    The others cost no record and no state.
    """
    looking = [name for name in SETTINGS if isinstance(sizer(name, **SETTINGS[name]), SamplingSizer)]

    assert ["volatility_target"] == looking


@pytest.mark.parametrize(
    ("config", "settings", "message"),
    [
        (EquityFractionConfig, {"fraction": 10}, "fraction must be between 0 and 1, got 10"),
        (EquityFractionConfig, {"fraction": 0}, "fraction must be > 0 and <= 1, got 0"),
        (FixedNotionalConfig, {"notional": 0}, "notional must be a positive finite amount, got 0"),
        (RiskPerTradeConfig, {"risk": 1}, "risk must be > 0 and < 1, got 1"),
        (RiskPerTradeConfig, {"risk": 2}, "risk must be between 0 and 1, got 2"),
        (RiskPerTradeConfig, {"max_fraction": 1.1}, "max_fraction must be > 0 and <= 1, got 1.1"),
        (ConfidenceWeightedConfig, {"from_confidence": 1}, "from_confidence must be >= 0 and < 1, got 1"),
        (
            ConfidenceWeightedConfig,
            {"from_confidence": -0.1},
            "from_confidence must be >= 0 and < 1, got -0.1",
        ),
        (VolatilityTargetConfig, {"target": 0}, "target must be > 0 and <= 1, got 0"),
        (VolatilityTargetConfig, {"returns": 1}, "returns must be from 2 to 999, got 1"),
        (VolatilityTargetConfig, {"returns": 1000}, "returns must be from 2 to 999, got 1000"),
        (VolatilityTargetConfig, {"returns": True}, "returns must be a whole number, got True"),
        (VolatilityTargetConfig, {"interval_seconds": 0}, "interval_seconds must be from 1 to 86400, got 0"),
        (
            VolatilityTargetConfig,
            {"interval_seconds": 1.5},
            "interval_seconds must be a whole number, got 1.5",
        ),
        (
            VolatilityTargetConfig,
            {"periods_per_year": 0},
            "periods_per_year must be a positive finite amount, got 0",
        ),
        (TargetWeightsConfig, {"weights": {"A": 0}}, "weights.A must be a positive finite amount, got 0"),
        (TargetWeightsConfig, {"weights": {"A": 0.6, "B": 0.5}}, "weights must add up to 1 at most, got 1.1"),
        (TargetWeightsConfig, {"band": 1}, "band must be >= 0 and < 1, got 1"),
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
