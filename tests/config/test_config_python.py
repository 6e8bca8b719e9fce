"""
The same terms from Python values, as the product document's `LiveTradingConfig` brings them.
"""

from datetime import time
from decimal import Decimal

import pytest

from ltm.config import session_spec
from ltm.model.errors import ConfigError, ConfigErrors

VALUES = {
    "id": "demo",
    "model_id": "lgbm_model_v1",
    "initial_capital": 100000.0,
    "max_position_size": 0.3,
    "max_daily_trades": 10,
    "stop_loss_pct": 0.05,
    "take_profit_pct": 0.10,
    "trading_hours": {"start": "09:30", "end": "15:00"},
}


def refused(**values):
    with pytest.raises(ConfigErrors) as caught:
        session_spec({**VALUES, **values}, broker="mock")
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == (caught.value.code, caught.value.field)
    assert isinstance(caught.value, ValueError)
    return problem


def test_the_values_of_the_product_document_become_exact_terms():
    """
    Ruling 3: a float counts as its repr.
    """
    terms = session_spec(VALUES, broker="mock", environ={"TZ": "Asia/Shanghai"})

    spec = terms.spec
    assert [Decimal("100000.0"), Decimal("0.05"), Decimal("0.1"), Decimal("0.3")] == [
        spec.initial_capital,
        spec.stop_loss_pct,
        spec.take_profit_pct,
        terms.max_position_size,
    ]
    assert (((570, 900),), "Asia/Shanghai", "mock", 10) == (
        spec.trading_windows,
        spec.timezone,
        spec.broker,
        spec.max_daily_trades,
    )
    assert 1 == len(terms.notices)


def test_what_is_none_is_as_if_left_out():
    terms = session_spec({**VALUES, "trading_hours": None, "max_daily_trades": None}, broker="mock")

    assert ((), None, ()) == (terms.spec.trading_windows, terms.spec.max_daily_trades, terms.notices)


def test_python_times_and_tuples_are_as_good_as_text_and_lists():
    hours = ({"start": time(9, 30), "end": time(11, 30)}, {"start": time(13), "end": "15:00"})

    terms = session_spec({**VALUES, "trading_hours": hours, "timezone": "UTC"}, broker="mock")

    assert ((570, 690), (780, 900)) == terms.spec.trading_windows


@pytest.mark.parametrize(
    ("values", "code", "message"),
    [
        ({"max_daily_trades": "10"}, 7, 'max_daily_trades must be a whole number, got "10" (string)'),
        ({"max_daily_trades": 10.0}, 7, "max_daily_trades must be a whole number, got 10.0 (decimal number)"),
        ({"max_daily_trades": True}, 7, "max_daily_trades must be a whole number, got true (boolean)"),
        ({"max_daily_trades": -1}, 12, "max_daily_trades must be between 0 and 100,000, got -1"),
        ({"max_position_size": 30}, 8, "max_position_size must be between 0 and 1, got 30"),
        ({"max_position_size": float("nan")}, 9, "max_position_size must be a finite number, got nan (decimal number)"),
        ({"max_position_size": 10**5000}, 9, "max_position_size must be a finite number, got <int>"),
        ({"max_position_size": Decimal("sNaN")}, 9, "max_position_size must be a finite number, got snan (decimal number)"),
        ({"max_position_size": object}, 7, "max_position_size must be a number, got <class 'object'>"),
        ({"stop_loss_pct": 1}, 9, "stop_loss_pct must be > 0 and < 1, got 1"),
        ({"take_profit_pct": 0}, 11, "take_profit_pct must be > 0, got 0"),
        ({"trading_hours": {"start": "9:30", "end": "15:00"}}, 13, 'trading_hours.start must be "HH:MM" (00:00-23:59), got "9:30" (string)'),
        ({"trading_hours": {"start": "09:30"}}, 16, "trading_hours.end is required"),
        ({"trading_hours": {"start": "15:00", "end": "09:00"}}, 15, "trading_hours: end 09:00 is before start 15:00; set overnight = true if the session crosses midnight"),
        ({"trading_hours": 930}, 16, "trading_hours must be a table with start and end, got 930 (whole number)"),
        ({"initial_capital": 0}, 25, "initial_capital must be a positive finite amount, got 0"),
        ({"initial_capital": -1}, 25, "initial_capital must be a positive finite amount, got -1"),
        ({"initial_capital": float("inf")}, 25, "initial_capital must be a positive finite amount, got inf (decimal number)"),
        ({"initial_capital": "1e5"}, 25, 'initial_capital must be a positive finite amount, got "1e5" (string)'),
        ({"initial_capital": 1e30}, 25, "initial_capital must be a positive finite amount, got 1e+30 (decimal number)"),
        ({"initial_capital": True}, 25, "initial_capital must be a positive finite amount, got true (boolean)"),
        ({"model_id": ""}, 75, "model_id may use letters, digits"),
        ({"leverage": 3}, 5, 'unknown key "leverage"'),
    ],
)  # fmt: skip
def test_python_values_are_refused_with_the_texts_of_the_file(values, code, message):
    """
    BAD-007 to BAD-016 and BAD-025, as `ConfigError`, which is a `ValueError`.
    """
    problem = refused(**values)

    assert f"LTM-CFG-{code:03}" == problem.code
    assert problem.message.startswith(message)
    assert next(iter(values)) == problem.field.partition(".")[0]
    assert "  fix:" in problem.render()


def test_all_problems_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        session_spec({**VALUES, "initial_capital": 0, "stop_loss_pct": 5}, broker="mock")

    assert {"initial_capital", "stop_loss_pct"} == {problem.field for problem in caught.value.problems}
    assert "initial_capital must be" in str(caught.value)
    assert "stop_loss_pct must be" in str(caught.value)


@pytest.mark.parametrize(
    "stop",
    [
        {"stop_loss_pct": 0.05},
        {"take_profit_pct": 0.05},
        {"trailing_stop_pct": 0.05},
        {"trailing_stop_distance": 5},
    ],
    ids=str,
)
def test_it_is_said_where_stops_are_watched(stop):
    """RSK-24: once at the start; a simulated market ends with the process anyway."""
    values = {"id": "demo", "model_id": "m", "initial_capital": 1000, **stop}
    real, mock = (session_spec(values, broker=broker).notices for broker in ("venue", "mock"))

    assert ("session demo: its stops are watched here, and do not work while ltm is down",) == real
    assert () == mock
