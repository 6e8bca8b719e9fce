"""
`RiskManager`: which limits a session has, and which of its alerts matters most.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from ltm.manager._logger import LoggerSystem
from ltm.model.enums import Severity
from ltm.model.errors import ConfigError, shown
from ltm.model.numbers import decimal_of

if TYPE_CHECKING:
    from ltm.core.outbox import OpenAlert
    from ltm.core.state import State
    from ltm.manager._config import LiveTradingConfig

SECTOR_FRACTION: Final = Decimal("0.4")
DRAWDOWN: Final = Decimal("0.10")
DAILY_LOSS: Final = Decimal("0.02")
_RANK: Final = {str(severity): rank for rank, severity in enumerate(Severity)}
_SECTOR: Final = "sector_concentration"


def _table(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, Mapping) and all(isinstance(table, Mapping) for table in value.values()):
        return
    message = f"{field.name} must be a mapping of rule = settings, got {shown(value)}"
    hint = 'for example {"drawdown": {"max_drawdown": 0.05}}'
    raise ConfigError(message, code="LTM-CFG-027", field=field.name, got=value, hint=hint)


def _sectors(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is None or isinstance(value, (str, Path, Mapping)):
        return
    message = f"{field.name} must be a mapping of symbol = sector or a CSV file, got {shown(value)}"
    raise ConfigError(message, code="LTM-CFG-031", field=field.name, got=value, hint="for example a dict")


@attrs.frozen
class RiskManager:
    """
    The limits of every session of a manager.

    The four rules of the product are always armed:

    | rule | limit, unless `rules` says otherwise |
    |---|---|
    | `position_size` | `max_position_size` of the session's `LiveTradingConfig` |
    | `sector_concentration` | 0.4 of equity, or `max_position_size` where that is larger |
    | `drawdown` | 0.10 below the peak |
    | `daily_loss` | 0.02 of the day's first equity |

    A symbol without a sector is never left out: without `sectors` all symbols count as one sector "?" under
    the same limit; with `sectors`, entries in what is not listed there are denied.

    Args:
        logger: Where it is written down for people.
        rules: Rule -> settings, as in the tables `[risk.NAME]` of a file; laid over the limits above.
        sectors: Symbol -> sector, or a CSV file with the columns symbol and sector.
    """

    logger: LoggerSystem | None = None
    rules: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict, validator=_table, kw_only=True)
    sectors: Mapping[str, str] | Path | str | None = attrs.field(
        default=None, validator=_sectors, kw_only=True
    )

    def tables(self, config: LiveTradingConfig) -> dict[str, dict[str, Any]]:
        """
        Return the tables `[risk.NAME]` of a session.
        """
        tables: dict[str, dict[str, Any]] = {
            "position_size": {},
            _SECTOR: self._sector_table(config),
            "drawdown": {"max_drawdown": DRAWDOWN},
            "daily_loss": {"max_daily_loss": DAILY_LOSS},
        }
        for name, settings in self.rules.items():
            tables[name] = {**tables.get(name, {}), **settings}
        return tables

    def notices(self) -> tuple[str, ...]:
        """
        Return what a person should be told about these limits at the start.
        """
        own = self.rules.get(_SECTOR, {})
        if self.sectors is not None or "sectors" in own:
            return ()
        return ('no sectors are given: all symbols count as one sector "?"; pass RiskManager(sectors=...)',)

    def worst_alert(self, state: State) -> dict[str, Any] | None:
        """
        Return the most severe alert that nobody has acknowledged, the latest of several, or None.
        """
        waiting = [alert for alert in state.alerts.values() if alert.acknowledged_at is None]
        if not waiting:
            return None
        worst = max(waiting, key=lambda alert: (_RANK[str(alert.severity)], alert.raised_at))
        return _told(state, worst)

    def _sector_table(self, config: LiveTradingConfig) -> dict[str, Any]:
        # One position as large as allowed must fit into a sector.
        largest = decimal_of(config.max_position_size) or SECTOR_FRACTION
        table: dict[str, Any] = {"max_sector_fraction": max(SECTOR_FRACTION, largest)}
        if self.sectors is None:
            return {**table, "sectors": {}, "unknown": "bucket"}
        return {**table, "sectors": self.sectors}


def _told(state: State, alert: OpenAlert) -> dict[str, Any]:
    latch = state.latches.get(alert.code)
    return {
        "severity": str(alert.severity),
        "message": alert.message,
        "code": alert.code,
        "alert_id": alert.alert_id,
        "session_id": state.spec.session_id,
        "raised_at": alert.raised_at,
        "measured": latch.measured if latch is not None else None,
        "limit": latch.limit if latch is not None else None,
        "trading_state": str(state.trading_state),
    }
