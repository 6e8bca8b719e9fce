"""
Sizers: what an order should be worth. Each is one function; headroom and lots are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from ltm.model.numbers import ZERO, floor_to

if TYPE_CHECKING:
    from ltm.builtins.config import EquityFractionConfig, FixedQuantityConfig
    from ltm.model.signal import SignalRecord
    from ltm.ports import SizingView

Wish = Callable[[Any, "SignalRecord", "SizingView"], Decimal]
"""Takes config, signal and view, and returns the quantity it would like; what is below zero means none."""


def _equity_fraction(config: EquityFractionConfig, _: SignalRecord, view: SizingView) -> Decimal:
    return view.equity * config.fraction / view.unit_cost if view.unit_cost > ZERO else ZERO


def _fixed_quantity(config: FixedQuantityConfig, _signal: SignalRecord, _view: SizingView) -> Decimal:
    return config.quantity


SIZERS: Final[dict[str, Wish]] = {
    "equity_fraction": _equity_fraction,
    "fixed_quantity": _fixed_quantity,
}


class Sizer:
    """
    A wish of the table above, kept within headroom and rounded down to the lot; never up.
    """

    __slots__ = ("_config", "_name", "_wish")

    def __init__(self, name: str, config: object) -> None:
        self._name = name
        self._config = config
        self._wish = SIZERS[name]

    @property
    def name(self) -> str:
        """
        The name it is configured by.
        """
        return self._name

    def size(self, signal: SignalRecord, view: SizingView) -> Decimal:
        """
        Return the quantity, 0 where there is no room for a lot.
        """
        wish = self._wish(self._config, signal, view)
        if view.headroom is not None and view.headroom < wish:
            wish = view.headroom
        return floor_to(wish, view.instrument.lot_size) if wish > ZERO else ZERO
