"""
Validators for config classes: what they accept, and the texts of what they refuse.
"""

from decimal import Decimal

import attrs
import pytest

from ltm.model.checks import (
    below_one,
    exact,
    exact_values,
    one_of,
    positive,
    positive_by_symbol,
    up_to_one,
    whole,
)
from ltm.model.errors import ConfigError

D = Decimal
HUGE = "1E+16"


@attrs.frozen(kw_only=True)
class Sample:
    part: Decimal = attrs.field(default=D("0.5"), converter=exact, validator=up_to_one)
    less: Decimal = attrs.field(default=D("0.5"), converter=exact, validator=below_one)
    amount: Decimal = attrs.field(default=D(1), converter=exact, validator=positive)
    table: dict[str, Decimal] = attrs.field(
        factory=dict, converter=exact_values, validator=positive_by_symbol
    )
    count: int = attrs.field(default=2, validator=whole(2, 9))
    word: str = attrs.field(default="a", validator=one_of("a", "be", "see"))


@pytest.mark.parametrize(
    ("settings", "message", "code", "hint"),
    [
        ({"part": 30}, "part must be between 0 and 1, got 30", 8, "30 % is written 0.30"),
        ({"less": D("2.5")}, "less must be between 0 and 1, got 2.5", 8, "2.5 % is written 0.025"),
        ({"part": D("1.01")}, "part must be > 0 and <= 1, got 1.01", 9, "write a fraction: 5 % is 0.05"),
        ({"part": 101}, "part must be > 0 and <= 1, got 101", 9, "write a fraction: 5 % is 0.05"),
        ({"less": 1}, "less must be > 0 and < 1, got 1", 9, "write a fraction: 5 % is 0.05"),
        ({"less": 0}, "less must be > 0 and < 1, got 0", 9, "write a fraction: 5 % is 0.05"),
        ({"part": D("1E-400")}, "part must be > 0 and <= 1, got 1E-400", 9, "write a fraction: 5 % is 0.05"),
        ({"part": float("nan")}, "part must be a finite number, got nan", 9, None),
        ({"amount": D("-Infinity")}, "amount must be a finite number, got -Infinity", 9, None),
        ({"count": 1}, "count must be from 2 to 9, got 1", 25, None),
        ({"count": 10}, "count must be from 2 to 9, got 10", 25, None),
        (
            {"count": 2.0},
            "count must be a whole number, got 2.0",
            7,
            "write it without quotes and without a point",
        ),
        (
            {"count": True},
            "count must be a whole number, got True",
            7,
            "write it without quotes and without a point",
        ),
        ({"part": "1"}, 'part must be a number, got "1" (string)', 7, "write it without quotes"),
        ({"part": False}, "part must be a number, got False", 7, "write it without quotes"),
        ({"amount": 0}, "amount must be a positive finite amount, got 0", 25, "above 0, at most 1e15"),
        (
            {"amount": D(HUGE)},
            f"amount must be a positive finite amount, got {HUGE}",
            25,
            "above 0, at most 1e15",
        ),
        (
            {"table": {"A": -1}},
            "table.A must be a positive finite amount, got -1",
            25,
            "above 0, at most 1e15",
        ),
        (
            {"table": {5: 1}},
            "table must have symbols as its keys, got 5",
            7,
            "letters, digits and . - / : _ ^ = (1-64)",
        ),
        (
            {"table": []},
            "table must be a table of symbol = number, got []",
            7,
            'for example table = { "AAPL" = 100 }',
        ),
        ({"word": "sea"}, 'word must be "a" or "be" or "see", got "sea"', 7, 'did you mean "see"?'),
        ({"word": 5}, 'word must be "a" or "be" or "see", got 5', 7, None),
    ],
    ids=str,
)
def test_what_is_refused(settings, message, code, hint):
    """
    BAD-007 to BAD-010, BAD-025.
    """
    with pytest.raises(ConfigError) as caught:
        Sample(**settings)

    assert (message, f"LTM-CFG-{code:03}", hint) == (
        caught.value.message,
        caught.value.code,
        caught.value.hint,
    )
    assert caught.value.field in message


@pytest.mark.parametrize(
    "settings",
    [
        {"part": 1},
        {"part": D("1E-12")},
        {"less": 0.999},
        {"amount": 10**15},
        {"table": {"600519.SH": 0.5}},
        {"word": "see"},
    ],
    ids=str,
)
def test_what_is_accepted(settings):
    """
    RSK-01: and kept exactly.
    """
    [(name, value)] = settings.items()
    kept = getattr(Sample(**settings), name)

    assert kept == (
        value if isinstance(value, str) else exact_values(value) if name == "table" else D(str(value))
    )
