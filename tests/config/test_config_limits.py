"""
The table `[limits]`: what it takes, and what it says to everything else.
"""

from decimal import Decimal

import pytest

from ltm.model.spec import Limits

D = Decimal


def limits(line):
    return f"\n[limits]\n{line}\n"


def test_without_the_table_nothing_is_armed(config):
    assert Limits() == config.check(config.good).sessions[0].spec.limits


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("pre_alerts = []", "pre_alerts", ()),
        ("pre_alerts = [0.5, 0.8]", "pre_alerts", (D("0.5"), D("0.8"))),
        ("max_blind_time = 30", "max_blind_time", 30.0),
    ],
)
def test_a_limit_reaches_the_sessions_terms(config, line, name, value):
    assert value == getattr(config.check(config.good + limits(line)).sessions[0].spec.limits, name)


@pytest.mark.parametrize(
    ("line", "number", "key", "part"),
    [
        ("max_blind_tim = 1", 5, "max_blind_tim", 'did you mean "max_blind_time"?'),
        ("max_blind_time = 0", 28, "max_blind_time", "must be > 0 seconds, got 0"),
        ('max_blind_time = "1"', 7, "max_blind_time", "must be a number, got"),
        ("pre_alerts = [0.9, 0.7]", 8, "pre_alerts", "must be rising fractions between 0 and 1"),
        ("pre_alerts = [1]", 8, "pre_alerts", "must be rising fractions between 0 and 1, got [1]"),
        ("pre_alerts = [0]", 8, "pre_alerts", "must be rising fractions between 0 and 1, got [0]"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_path(config, line, number, key, part):
    """
    BAD-005, BAD-007, BAD-028: code, path and text.
    """
    (problem,) = config.problems(config.good + limits(line))

    assert (f"LTM-CFG-{number:03}", f"limits.{key}") == (problem.code, problem.field)
    assert part in problem.message


def test_each_session_may_have_limits_of_its_own(config):
    text = config.good.replace("[session]", "[[sessions]]") + "[limits]\nmax_blind_time = 7\n"
    text += '[[sessions]]\nid = "own"\nmodel_id = "m"\ninitial_capital = 1\nmax_position_size = 0.1\n'
    text += "[sessions.limits]\nmax_blind_time = 9\n"

    assert [7.0, 9.0] == [one.spec.limits.max_blind_time for one in config.check(text).sessions]
