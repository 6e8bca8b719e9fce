"""
The `position_size` rule (RSK-20): exact comparisons on the worst case that the kernel hands over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.model.enums import Side
from ltm.model.numbers import ZERO, plain
from ltm.model.results import Allow, Deny, ExposureLimit

if TYPE_CHECKING:
    from decimal import Decimal

    from ltm.model.instrument import Instrument
    from ltm.model.order import OrderDraft
    from ltm.ports import RiskSnapshot
    from ltm_risk_position_size.config import PositionSizeConfig

# On Python 3.11 a member asked of its enum costs several times what a name costs, and rules run for every order.
_BUY: Final = Side.BUY


class PositionSize:
    """
    Allows an entry iff the side it adds to stays, in the worst case, at or below the limit.
    """

    __slots__ = ("_fraction", "_max_notional", "_max_quantity", "_of_capital")

    def __init__(self, config: PositionSizeConfig) -> None:
        self._fraction = config.max_position_size
        self._of_capital = config.denominator == "capital"
        self._max_notional = dict(config.max_notional)
        self._max_quantity = dict(config.max_quantity)

    @property
    def name(self) -> str:
        """
        `position_size`.
        """
        return "position_size"

    def check(self, order: OrderDraft, snapshot: RiskSnapshot) -> Allow | Deny:
        """
        Judge an entry; what only takes from the other side of the position always passes (RSK-14).
        """
        is_buy = order.side is _BUY
        exposure = snapshot.long_after if is_buy else -snapshot.short_after
        grown_from = ZERO
        if snapshot.worst_price <= ZERO:
            # At a negative price a long position has a negative value: only its size can be judged.
            exposure = abs(exposure)
            grown_from = abs(snapshot.long_before if is_buy else snapshot.short_before)
        if exposure <= grown_from:
            return Allow(abs(exposure))
        equity = snapshot.equity
        if equity <= ZERO:
            return Deny("equity_not_positive", f"equity is {plain(equity)}", equity, ZERO)
        limit = self._limit(snapshot)
        if exposure > limit:
            return Deny("position_size", self._message(snapshot, exposure, limit), exposure, limit)
        if self._max_quantity and (most := _own(self._max_quantity, snapshot)) is not None:
            return _check_quantity(snapshot, most, is_buy=is_buy) or Allow(exposure, limit)
        return Allow(exposure, limit)

    def headroom(self, order: OrderDraft, snapshot: RiskSnapshot) -> Decimal | None:
        """
        Return the largest quantity whose worst case still fits, not rounded to a lot.
        """
        if snapshot.worst_price <= ZERO:
            return ZERO
        is_buy = order.side is _BUY
        room = snapshot.short_before if not is_buy else -snapshot.long_before
        # Without equity there is room for what empties the other side, and no more.
        if snapshot.equity > ZERO:
            room += self._limit(snapshot)
        quantity = room / snapshot.worst_price if room > ZERO else ZERO
        most = _own(self._max_quantity, snapshot) if self._max_quantity else None
        if most is None:
            return quantity
        held = snapshot.worst_quantity
        if held is None:
            return ZERO
        return max(ZERO, min(quantity, most - (held if is_buy else -held)))

    def position_limit(self, instrument: Instrument) -> ExposureLimit:
        """
        Return what the kernel compares the position with between orders (passive breach).
        """
        return ExposureLimit(
            of_equity=None if self._of_capital else self._fraction,
            of_capital=self._fraction if self._of_capital else None,
            value=_named(self._max_notional, instrument),
        )

    def _limit(self, snapshot: RiskSnapshot) -> Decimal:
        base = snapshot.initial_capital if self._of_capital else snapshot.equity
        limit = self._fraction * base
        notional = _own(self._max_notional, snapshot) if self._max_notional else None
        return limit if notional is None or limit < notional else notional

    def _message(self, snapshot: RiskSnapshot, exposure: Decimal, limit: Decimal) -> str:
        base = "capital" if self._of_capital else "equity"
        amount = snapshot.initial_capital if self._of_capital else snapshot.equity
        worst = f"worst-case position {plain(exposure)} is above"
        if limit == _own(self._max_notional, snapshot):
            return f"{worst} max_notional {plain(limit)}"
        return f"{worst} {plain(limit)} ({plain(self._fraction)} of {base} {plain(amount)})"


def _own(table: dict[str, Decimal], snapshot: RiskSnapshot) -> Decimal | None:
    return _named(table, snapshot.instrument)


def _named(table: dict[str, Decimal], instrument: Instrument) -> Decimal | None:
    # A limit written for an alias must hold too: the tightest of those that name the instrument.
    names = (instrument.symbol, *instrument.aliases)
    return min((table[name] for name in names if name in table), default=None)


def _check_quantity(snapshot: RiskSnapshot, most: Decimal, *, is_buy: bool) -> Deny | None:
    quantity = snapshot.worst_quantity
    if quantity is None:
        return Deny("position_size", "the worst-case quantity is not known", None, most)
    if not is_buy:
        quantity = -quantity
    if quantity <= most:
        return None
    message = f"worst-case quantity {plain(quantity)} is above max_quantity {plain(most)}"
    return Deny("position_size", message, quantity, most)
