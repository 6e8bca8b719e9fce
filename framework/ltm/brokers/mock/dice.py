"""
Random numbers that are the same on every machine and every Python: SplitMix64.
"""

from __future__ import annotations

from typing import Final

_MASK: Final = (1 << 64) - 1


class Dice:
    """
    A seeded sequence of random integers.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def next(self) -> int:
        """
        Return the next 64 random bits.
        """
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        bits = self._state
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
        return bits ^ (bits >> 31)

    def chance(self, probability: float) -> bool:
        """
        Return True with this probability.
        """
        return (self.next() >> 11) < probability * (1 << 53)

    def bell(self) -> int:
        """
        Return a number around 0 that is nearly normal: the sum of four 16-bit numbers, deviation 37,837.
        """
        bits = self.next()
        return (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48) - 131_070
