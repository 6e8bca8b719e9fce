"""
Sizers: what an order should be worth. Each is one function; headroom and lots are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from ltm.model.enums import Action
from ltm.model.numbers import ONE, ZERO, floor_to, plain
from ltm.ports.rules import CannotSize, Sampling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltm.builtins.config import (
        ConfidenceWeightedConfig,
        EquityFractionConfig,
        FixedNotionalConfig,
        FixedQuantityConfig,
        RiskPerTradeConfig,
        TargetWeightsConfig,
        VolatilityTargetConfig,
    )
    from ltm.model.market import MarkSample
    from ltm.model.signal import SignalRecord
    from ltm.ports import SizingView

_YEAR: Final = 365 * 86_400

Wish = Callable[[Any, "SignalRecord", "SizingView"], Decimal]
"""Takes config, signal and view, and returns the quantity it would like; what is below zero means none."""


def _worth(amount: Decimal, view: SizingView) -> Decimal:
    # How much of the instrument an amount of money buys.
    return amount / view.unit_cost if view.unit_cost > ZERO else ZERO


def _equity_fraction(config: EquityFractionConfig, _: SignalRecord, view: SizingView) -> Decimal:
    return _worth(view.equity * config.fraction, view)


def _fixed_quantity(config: FixedQuantityConfig, _signal: SignalRecord, _view: SizingView) -> Decimal:
    return config.quantity


def _fixed_notional(config: FixedNotionalConfig, _: SignalRecord, view: SizingView) -> Decimal:
    return _worth(config.notional, view)


def _risk_per_trade(config: RiskPerTradeConfig, _: SignalRecord, view: SizingView) -> Decimal:
    distance = view.stop_distance
    if distance is None:
        message = "there is no stop to work the size out from: set session.stop_loss_pct, or stop_loss_price in signals"
        raise CannotSize(message)
    if not distance > ZERO:
        message = f"the stop must be on the losing side of the price, got a distance of {distance}"
        raise ValueError(message)
    return min(view.equity * config.risk / distance, _worth(view.equity * config.max_fraction, view))


def _confidence_weighted(config: ConfidenceWeightedConfig, signal: SignalRecord, view: SizingView) -> Decimal:
    above = signal.confidence - config.from_confidence
    return _worth(view.equity * config.fraction * above / (ONE - config.from_confidence), view)


def _volatility_target(config: VolatilityTargetConfig, _: SignalRecord, view: SizingView) -> Decimal:
    deviation = max(volatility(config, view.samples), config.min_volatility)
    return _worth(view.equity * min(config.target / deviation, config.max_fraction), view)


def volatility(config: VolatilityTargetConfig, samples: Sequence[MarkSample]) -> Decimal:
    """
    Return the standard deviation of a year's return, as the latest samples suggest.

    The mean return is taken for zero: over so short a time it says nothing, and leaving it out is careful.

    Raises:
        CannotSize: There are too few samples.
    """
    if len(samples) <= config.returns:
        message = f"{len(samples)} of {config.returns + 1} prices have been sampled"
        raise CannotSize(message)
    latest = [sample.price for sample in samples[-config.returns - 1 :]]
    squares = sum(((now / before - ONE) ** 2 for before, now in pairwise(latest)), ZERO)
    a_year = config.periods_per_year or Decimal(_YEAR) / config.interval_seconds
    return (squares / config.returns * a_year).sqrt()


def _target_weights(config: TargetWeightsConfig, signal: SignalRecord, view: SizingView) -> Decimal:
    if view.unit_cost <= ZERO:
        return ZERO
    held, target = _held(view), view.equity * _weight(config, signal, view) / view.unit_cost
    missing = target - held if view.side == Action.BUY else held - target
    if missing <= ZERO:
        message = f"{plain(held)} with open orders is at or beyond the {target:.8f} of its weight"
        raise CannotSize(message)
    if _is_little(config, missing, view):
        message = f"{missing:.8f} to its weight are less than the band of {plain(config.band)} of equity"
        raise CannotSize(message)
    return missing


def target_of(config: TargetWeightsConfig, signal: SignalRecord, view: SizingView) -> Decimal:
    """
    Return the signed quantity that a symbol's weight comes to; what is held, where the difference is within the band.

    Raises:
        ValueError: The signal's score is no weight.
        CannotSize: There is no price to work it out from.
    """
    weight = _weight(config, signal, view)
    if weight == ZERO:
        return ZERO
    if view.unit_cost <= ZERO:
        message = "there is no price to work the weight out from"
        raise CannotSize(message)
    held, target = _held(view), view.equity * weight / view.unit_cost
    return held if _is_little(config, abs(target - held), view) else target


def _held(view: SizingView) -> Decimal:
    return view.position if view.worst_quantity is None else view.worst_quantity


def _is_little(config: TargetWeightsConfig, change: Decimal, view: SizingView) -> bool:
    return change * view.unit_cost < view.equity * config.band


def _weight(config: TargetWeightsConfig, signal: SignalRecord, view: SizingView) -> Decimal:
    if config.weights:
        names = (view.instrument.symbol, signal.symbol, *view.instrument.aliases)
        return next((config.weights[name] for name in names if name in config.weights), ZERO)
    if not -ONE <= signal.score <= ONE:
        message = f"the score must be the symbol's weight, from -1 to 1, got {signal.score}"
        raise ValueError(message)
    return signal.score


SIZERS: Final[dict[str, Wish]] = {
    "equity_fraction": _equity_fraction,
    "fixed_quantity": _fixed_quantity,
    "fixed_notional": _fixed_notional,
    "risk_per_trade": _risk_per_trade,
    "confidence_weighted": _confidence_weighted,
    "volatility_target": _volatility_target,
    "target_weights": _target_weights,
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
        Return the quantity in whole lots, or what is less than one.
        """
        wish = self._wish(self._config, signal, view)
        if view.headroom is not None and view.headroom < wish:
            wish = view.headroom
        if wish <= ZERO:
            return ZERO
        # Less than a lot is left as it is: the kernel says whose doing that is.
        return floor_to(wish, view.instrument.lot_size) or wish


class VolatilityTarget(Sizer):
    """
    A sizer that looks back at marks, which the kernel samples for it.
    """

    __slots__ = ("_sampling",)

    def __init__(self, config: VolatilityTargetConfig) -> None:
        super().__init__("volatility_target", config)
        self._sampling = Sampling(seconds=config.interval_seconds, count=config.returns + 1)

    @property
    def sampling(self) -> Sampling:
        """
        As many marks as it takes for the returns.
        """
        return self._sampling


class TargetWeights(Sizer):
    """
    A sizer that also says how much of a position to keep.
    """

    __slots__ = ("_weights",)

    def __init__(self, config: TargetWeightsConfig) -> None:
        super().__init__("target_weights", config)
        self._weights = config

    def target_position(self, signal: SignalRecord, view: SizingView) -> Decimal:
        """
        Return the signed quantity that the symbol's weight comes to.
        """
        return target_of(self._weights, signal, view)
