"""
The faults of one seed: which kinds, how often. Not all at once: what is quiet today storms tomorrow.
"""

import random

import attrs

KINDS = {
    "lose_request": (0.02, 0.3),
    "lose_reply": (0.02, 0.3),
    "slow_request": (0.05, 0.5),
    "slow_reply": (0.05, 0.5),
    "raise_before": (0.01, 0.1),
    "raise_after": (0.01, 0.1),
    "garbage_answer": (0.01, 0.1),
    "not_sent": (0.01, 0.1),
    "refuse": (0.01, 0.1),
    "fail_query": (0.05, 0.5),
    "lag_query": (0.1, 0.8),
    "delay_event": (0.1, 0.9),
    "double_event": (0.05, 0.5),
    "lose_event": (0.02, 0.3),
    "garbage_event": (0.01, 0.1),
    "cut_link": (0.002, 0.02),
    "crash_commit": (0.001, 0.02),
    "crash_committed": (0.001, 0.02),
    "crash_send": (0.005, 0.1),
    "crash_sent": (0.005, 0.1),
    "crash_anytime": (0.001, 0.01),
    "refuse_connection": (0.05, 0.5),
    "late_request": (0.01, 0.1),
    "long_lag": (0.02, 0.2),
}
"""Kind -> least and greatest probability, at each occasion, where the kind occurs at all."""
FATE = {
    "fill_immediately": (0.05, 0.3),
    "commission_late": (0.1, 0.6),
    "foreign_order": (0.2, 0.8),
    "bust": (0.1, 0.5),
    "correct": (0.1, 0.5),
    "overfill": (0.1, 0.4),
    "drift": (0.1, 0.4),
    "money": (0.1, 0.4),
    "halt_symbol": (0.1, 0.5),
    "cancel_order": (0.1, 0.6),
    "end_day": (0.05, 0.3),
}
"""What venues do to orders, fills and accounts by themselves (F16, F20, F41, REL-4): the same numbers."""
DISTURBING = frozenset({"foreign_order", "drift", "money"})
"""What nothing of ours explains: a person has to look before all agrees again."""
LIES = frozenset({"late_request", "long_lag"})
"""What contradicts the venue's own promises: F17, F18. Only some seeds have a venue that lies."""


@attrs.define
class Weather:
    """
    What goes wrong in one world.
    """

    dice: random.Random
    odds: dict[str, float]
    calm: bool = False

    def strikes(self, kind: str) -> bool:
        odds = self.odds.get(kind)
        return odds is not None and not self.calm and self.dice.random() < odds


def weather_of(seed: int) -> Weather:
    """
    Draw five to all kinds of faults.
    """
    dice = random.Random(f"weather {seed}")
    honest = [kind for kind in KINDS if kind not in LIES]
    kinds = dice.sample(honest, dice.randint(5, len(honest)))
    if dice.random() < 0.15:
        kinds += sorted(LIES)
    if dice.random() < 0.6:
        kinds += dice.sample(sorted(FATE), dice.randint(1, 5))
    return Weather(dice, {kind: dice.uniform(*{**KINDS, **FATE}[kind]) for kind in kinds})
