"""
How long decisions take: written down with them, and told of when signals have to wait (RSK-13, RSK-44).
"""

from __future__ import annotations

import pytest
from core_desk import D, Desk, Scripted

from ltm.core import events as e
from ltm.model.results import Allow, Deny


class Stopwatch:
    """
    A timer that only a rule's work moves.
    """

    def __init__(self):
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def desk_whose_rule_takes(seconds: float, verdict=None) -> Desk:
    watch = Stopwatch()

    def check():
        watch.now += seconds
        return verdict or Allow()

    desk = Desk(rules=[Scripted(check=check)])
    desk.session.context.timer = watch
    desk.mark("AAA", 100)
    return desk


def slow_alerts(desk: Desk) -> int:
    return sum(isinstance(event, e.AlertRaised) and event.code == "slow_rules" for event in desk.events)


def test_an_approved_order_says_how_long_its_decision_took():
    """
    RSK-13: the duration stands in the decision record.
    """
    desk = desk_whose_rule_takes(0.0125)

    assert 12_500 == desk.signal("buy", 10).took_microseconds


def test_a_denied_order_says_how_long_its_decision_took():
    """
    RSK-13: a denial is a decision too.
    """
    desk = desk_whose_rule_takes(0.002, Deny("no", "not today", D(1), D(0)))

    assert 2_000 == desk.signal("buy", 10).took_microseconds


def test_where_time_is_virtual_a_decision_takes_none_of_it():
    """
    The same session gives the same records, however fast the machine is.
    """
    desk = Desk()
    desk.mark("AAA", 100)

    assert 0 == desk.signal("buy", 10).took_microseconds


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.049, 0), (0.05, 0), (0.051, 1)], ids=["inside", "at the limit", "beyond"]
)
def test_a_decision_longer_than_the_soft_limit_is_told_of_and_stands(seconds, told):
    """
    RSK-44: 50 ms are a warning, not a denial.
    """
    desk = desk_whose_rule_takes(seconds)
    desk.session.context.timer.now = 0.0  # so that the difference is the float itself

    assert isinstance(desk.signal("buy", 10), e.OrderIntended)
    assert told == slow_alerts(desk)


def test_slow_decisions_in_a_row_are_told_of_once_a_minute():
    """
    RSK-44: a slow rule is one piece of news.
    """
    desk = desk_whose_rule_takes(0.2)
    for _ in range(3):
        desk.signal("buy", 10)
        desk.wait(5)

    assert 1 == slow_alerts(desk)

    desk.wait(60)
    desk.mark("AAA", 100)
    desk.signal("buy", 10)

    assert 2 == slow_alerts(desk)
