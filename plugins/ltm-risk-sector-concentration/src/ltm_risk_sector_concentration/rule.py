"""
The `sector_concentration` rule (RSK-21): gross worst-case exposure per sector, never skipped for want of a sector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.model.enums import Side
from ltm.model.numbers import ONE, ZERO, plain
from ltm.model.results import Allow, Deny, ExposureLimit
from ltm_risk_sector_concentration.sectors import UNKNOWN, read_sectors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from ltm.model.instrument import Instrument
    from ltm.model.order import OrderDraft
    from ltm.ports import GroupExposure, RiskSnapshot
    from ltm_risk_sector_concentration.config import SectorConcentrationConfig

_NAME = "sector_concentration"
# On Python 3.11 a member asked of its enum costs several times what a name costs, and rules run for every order.
_BUY: Final = Side.BUY


class SectorConcentration:
    """
    Allows an entry iff every sector that it adds to stays, in the worst case, at or below the limit.

    Raises:
        ConfigError: The sector file cannot be read or trusted.
    """

    __slots__ = ("_fraction", "_net", "_sectors", "_unknown", "_unknown_fraction")

    def __init__(self, config: SectorConcentrationConfig) -> None:
        self._fraction = config.max_sector_fraction
        self._net = config.net
        self._unknown_fraction = config.max_unknown_fraction or config.max_sector_fraction
        self._unknown: Mapping[str, Decimal] = {UNKNOWN: ONE} if config.unknown == "bucket" else {}
        self._sectors = read_sectors(config.sectors)

    @property
    def name(self) -> str:
        """
        `sector_concentration`.
        """
        return _NAME

    def groups_of(self, instrument: Instrument) -> Mapping[str, Decimal]:
        """
        Return sector -> weight by symbol, else by the first alias that the file names.
        """
        for name in (instrument.symbol, *instrument.aliases):
            if name in self._sectors:
                return self._sectors[name]
        return self._unknown

    def group_limit(self, group: str) -> ExposureLimit:
        """
        Return what the kernel compares a sector with between orders.
        """
        fraction = self._fraction if group != UNKNOWN else self._unknown_fraction
        return ExposureLimit(of_equity=fraction, net=self._net)

    def check(self, order: OrderDraft, snapshot: RiskSnapshot) -> Allow | Deny:  # noqa: ARG002 - the port's
        """
        Judge an entry by the sectors it belongs to; a sector that does not grow never denies (RSK-14).
        """
        measured = None
        allowed = None
        for group in snapshot.groups:
            if group.rule != _NAME:
                continue
            limit = self._limit(group, snapshot.equity)
            before, after = self._exposures(group)
            if after > limit and after > before:
                return self._denial(group, snapshot.equity, after, limit)
            if measured is None or after > measured:
                measured, allowed = after, limit
        if measured is None:
            return Deny("sector_unknown", f"no sector is known for {snapshot.instrument.symbol}")
        return Allow(measured, allowed)

    def headroom(self, order: OrderDraft, snapshot: RiskSnapshot) -> Decimal | None:
        """
        Return the largest quantity that keeps every sector within its limit, not rounded to a lot.
        """
        if self._net:
            return self._net_headroom(order, snapshot)
        room: Decimal | None = None
        for group in snapshot.groups:
            if group.rule != _NAME:
                continue
            left = self._limit(group, snapshot.equity) - group.before
            own = (left if group.weight == ONE else left / group.weight) if left > ZERO else ZERO
            if room is None or own < room:
                room = own
        if room is None or snapshot.worst_price <= ZERO:
            return ZERO
        # The sector holds the worse of both sides: up to that, the order's own side costs nothing.
        exposure = snapshot.long_before if order.side is _BUY else -snapshot.short_before
        worst = max(abs(snapshot.long_before), abs(snapshot.short_before))
        return (worst + room - exposure) / snapshot.worst_price

    def _net_headroom(self, order: OrderDraft, snapshot: RiskSnapshot) -> Decimal:
        # Up to what the sector's larger side may be, or is already, on the side that the order adds to.
        room: Decimal | None = None
        for group in snapshot.groups:
            if group.rule != _NAME:
                continue
            most = max(self._limit(group, snapshot.equity), self._exposures(group)[0])
            side = group.long_before if order.side is _BUY else -group.short_before
            own = (most - side) / group.weight
            if room is None or own < room:
                room = own
        if room is None or snapshot.worst_price <= ZERO:
            return ZERO
        return room / snapshot.worst_price

    def _exposures(self, group: GroupExposure) -> tuple[Decimal, Decimal]:
        # Without and with the order.
        if not self._net:
            return group.before, group.after
        return (
            max(abs(group.long_before), abs(group.short_before)),
            max(abs(group.long_after), abs(group.short_after)),
        )

    def _limit(self, group: GroupExposure, equity: Decimal) -> Decimal:
        if equity <= ZERO:
            return ZERO
        return (self._fraction if group.group != UNKNOWN else self._unknown_fraction) * equity

    def _denial(self, group: GroupExposure, equity: Decimal, after: Decimal, limit: Decimal) -> Deny:
        if equity <= ZERO:
            return Deny("equity_not_positive", f"equity is {plain(equity)}", equity, ZERO)
        fraction = self._fraction if group.group != UNKNOWN else self._unknown_fraction
        message = (
            f"worst-case {'net ' * self._net}exposure of {group.group}, {plain(after)}, is above {plain(limit)} "
            f"({plain(fraction)} of equity {plain(equity)})"
        )
        return Deny(_NAME, message, after, limit)
