"""
`LiveTradingConfig`: the product document's terms of trading, through the checks and texts of a file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from ltm.config import NaiveTimestamps, session_spec
from ltm.model.errors import ConfigError, ConfigErrors, LtmError, shown
from ltm.model.secret import Secret
from ltm.model.spec import OnStop

if TYPE_CHECKING:
    from ltm.config import SessionTerms

Hours = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Number = float | Decimal
_PRODUCT: Final = (
    "max_position_size",
    "max_daily_trades",
    "stop_loss_pct",
    "take_profit_pct",
    "trading_hours",
    "timezone",
    "currency",
    "live",
    "on_stop",
    "naive_timestamps",
)
_STAND_IN: Final = {"id": "session", "model_id": "model", "initial_capital": 1}
"""What a session gets when it starts; here only the rest is checked."""


def _wrapped(value: object) -> object:
    # The caller's own mapping is not kept (SEC-03).
    if not isinstance(value, Mapping):
        return value
    return {key: Secret(item) if isinstance(item, str) else item for key, item in value.items()}


def _copied(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value


@attrs.frozen
class LiveTradingConfig:
    """
    The terms of one live trading session.

    A float counts as its repr: 0.3 is three tenths. None in a limit means that it is not set.

    Args:
        broker: The broker's plugin name, such as "mock".
        credentials: What the broker wants to know; kept as secrets. The mock broker ignores them.
        max_position_size: Largest position as a fraction of equity, above 0 and up to 1.
        max_daily_trades: Entries that may be sent in one trading day; 0 lets none through.
        stop_loss_pct: Close a position that has lost this fraction of its entry price.
        take_profit_pct: Close a position that has gained this fraction of its entry price.
        trading_hours: `{"start": "09:30", "end": "15:00"}` or a list of such windows.
        timezone: IANA name that trading hours and trading date are local to; by default the machine's.
        currency: What money is counted in.
        live: Real money; the manager needs `allow_live=True` as well.
        on_stop: What a stop does: "keep" open orders, "cancel" them, or "flatten" positions as well.
        naive_timestamps: What a signal's timestamp without offset means: "local", "session_tz", "utc" or "reject".
        settings: The broker plugin's own settings, as in the table `[broker]` of a file.
        sizer: The sizer's plugin name, or a mapping as in the table `[sizer]` of a file.
        terms: Any other key of the table `[session]` of a file, such as `{"max_signal_age": 60}`.

    Raises:
        ConfigErrors: Something is wrong; all of it at once. It is a `ValueError`.
    """

    broker: str
    credentials: Mapping[str, str | Secret] = attrs.field(converter=_wrapped)
    max_position_size: Number | None
    max_daily_trades: int | None
    stop_loss_pct: Number | None
    take_profit_pct: Number | None
    trading_hours: Hours | None
    timezone: str | None = attrs.field(default=None, kw_only=True)
    currency: str = attrs.field(default="USD", kw_only=True)
    live: bool = attrs.field(default=False, kw_only=True)
    on_stop: OnStop = attrs.field(default="cancel", kw_only=True)
    naive_timestamps: NaiveTimestamps = attrs.field(default="local", kw_only=True)
    settings: Mapping[str, Any] = attrs.field(factory=dict, converter=_copied, kw_only=True)
    sizer: str | Mapping[str, Any] = attrs.field(default="equity_fraction", kw_only=True)
    terms: Mapping[str, Any] = attrs.field(factory=dict, converter=_copied, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = list(self._shapes())
        if not problems:
            try:
                self.session_terms(_STAND_IN)
            except ConfigErrors as error:
                problems += error.problems
        if problems:
            raise ConfigErrors(problems)

    def session_values(self, values: Mapping[str, object]) -> dict[str, object]:
        """
        Return the table `[session]` that these terms stand for.

        Args:
            values: `id`, `model_id` and `initial_capital` of the session.
        """
        own = {name: getattr(self, name) for name in _PRODUCT}
        table = {**self.terms, **own, **values}
        return {name: value for name, value in table.items() if value is not None}

    def session_terms(self, values: Mapping[str, object]) -> SessionTerms:
        """
        Check a session's terms.

        Raises:
            ConfigErrors: Something is wrong; all of it at once.
        """
        return session_spec(self.session_values(values), broker=self.broker, environ=os.environ)

    def _shapes(self) -> list[LtmError]:
        problems: list[LtmError] = []
        broker: object = self.broker
        if not isinstance(broker, str) or not broker:
            problems.append(_wrong("broker", "must be a broker's name", broker, 'for example "mock"'))
        for name in ("credentials", "settings", "terms"):
            value = getattr(self, name)
            if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
                got = type(value).__name__ if name == "credentials" else value
                problems.append(_wrong(name, "must be a mapping with text as keys", got, "pass a dict"))
        if not problems:
            problems += self._secrets()
            problems += [
                _wrong(f"terms.{name}", "must not be given twice", self.terms[name], f"pass {name}= instead")
                for name in (*_PRODUCT, *_STAND_IN)
                if name in self.terms
            ]
        sizer: object = self.sizer
        if not isinstance(sizer, (str, Mapping)):
            problems.append(
                _wrong("sizer", "must be a sizer's name or a mapping", sizer, 'for example "equity_fraction"')
            )
        return problems

    def _secrets(self) -> list[LtmError]:
        return [
            _wrong(f"credentials.{name}", "must be text", type(value).__name__, "pass a str")
            for name, value in self.credentials.items()
            if not isinstance(value, Secret)
        ]


def _wrong(field: str, rule: str, value: object, hint: str) -> ConfigError:
    return ConfigError(
        f"{field} {rule}, got {shown(value)}", code="LTM-CFG-007", field=field, got=value, hint=hint
    )
