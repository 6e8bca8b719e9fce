"""
`TradingAPIAdapter`: from a `LiveTradingConfig` to the broker that a session trades at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

import attrs

from ltm.config import Catalogue
from ltm.model.errors import ConfigError, shown
from ltm.model.offer import Kind, Offer
from ltm.model.schema import members, type_hints
from ltm.model.secret import Secret
from ltm.ports.broker import Broker

if TYPE_CHECKING:
    from datetime import datetime

    from ltm.manager._config import LiveTradingConfig

MakeBroker = Callable[[Mapping[str, Any]], Broker]

SYMBOLS: Final = (
    "600519",
    "300750",
    "000001",
    "AAPL",
    "MSFT",
    "NVDA",
    "ACME",
    "BOLT",
    "CRUX",
    "DYNE",
    "EMBER",
)
"""What the mock broker's synthetic market quotes unless `settings` say otherwise."""
_STEPS: Final = 10_000_000
_INTERVAL: Final = 5.0
_METHODS: Final = ("connect", "disconnect", "instruments", "submit", "cancel", "find_order")


@attrs.frozen(kw_only=True)
class _Given:
    # A broker that was handed over has no settings to check.
    pass


def _check_broker(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is None or callable(value) or _is_broker(value):
        return
    message = f"{field.name} must be a broker or a callable that makes one, got {shown(value)}"
    raise ConfigError(message, code="LTM-CFG-020", field=field.name, hint="see ltm.ports.Broker")


def _is_broker(value: object) -> TypeGuard[Broker]:
    return not isinstance(value, type) and all(hasattr(value, name) for name in _METHODS)


def _check_settings(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Mapping):
        message = f"{field.name} must be a mapping, got {shown(value)}"
        raise ConfigError(message, code="LTM-CFG-007", field=field.name, got=value, hint="pass a dict")


@attrs.frozen
class TradingAPIAdapter:
    """
    Connects sessions to brokers. By default the plugin that the session's `LiveTradingConfig` names.

    The mock broker needs nothing: without settings it makes up a market that runs in real time from now on,
    quotes `SYMBOLS`, and has as much cash as the session. `settings={"symbols": [...]}` names others,
    `{"prices": "prices.csv"}` replays a file, `{"socket": ...}` trades at `ltm mock-venue`.

    Args:
        broker: Instead of a plugin: an object with the methods of `ltm.ports.Broker`, for one session at a time,
            or a callable that makes one from the settings and `credentials`.
        settings: The plugin's own settings, as in the table `[broker]` of a file; those of the session's
            `LiveTradingConfig` go before them.
    """

    broker: Broker | MakeBroker | None = attrs.field(default=None, validator=_check_broker)
    settings: Mapping[str, Any] = attrs.field(factory=dict, validator=_check_settings, kw_only=True)

    def catalogue(self, plugins: Catalogue, config: LiveTradingConfig) -> Catalogue:
        """
        Return the plugins, with the broker that was handed over among them.
        """
        if self.broker is None:
            return plugins
        return _WithBroker(plugins, self._offer(self.broker, config))

    def table(
        self, plugins: Catalogue, config: LiveTradingConfig, capital: object, now: datetime
    ) -> dict[str, Any]:
        """
        Return the table `[broker]` of a session.

        Raises:
            ConfigError: No plugin has the broker's name.
            PluginError: It cannot be used.
        """
        if self.broker is not None:
            return {"plugin": config.broker}
        given = {**self.settings, **config.settings}
        if config.broker == "mock":
            return {"plugin": "mock", **_market(given, config, capital, now), **given}
        offer = plugins.offer("broker", config.broker)
        return {"plugin": config.broker, **_credentials(offer.config, config), **given}

    def _offer(self, broker: Broker | MakeBroker, config: LiveTradingConfig) -> Offer:
        def make(_: object) -> Broker:
            if _is_broker(broker):
                return broker
            return cast("MakeBroker", broker)(
                {**self.settings, **config.settings, "credentials": config.credentials}
            )

        return Offer(
            kind="broker",
            name=config.broker,
            config=_Given,
            factory=make,
            summary="handed to TradingAPIAdapter",
            distribution="python",
            version="-",
            module=getattr(broker, "__module__", "python"),
        )


def _market(
    given: Mapping[str, Any], config: LiveTradingConfig, capital: object, now: datetime
) -> dict[str, Any]:
    # In real time, since the caller is a person or a program outside of the market.
    if "socket" in given:
        return {"speed": 1}
    account = {"speed": 1, "cash": capital, "currency": config.currency}
    if "prices" in given:
        return account
    zone = {"timezone": config.timezone} if config.timezone is not None else {}
    return {
        **account,
        **zone,
        "symbols": list(SYMBOLS),
        "start": now,
        "steps": _STEPS,
        "interval_seconds": _INTERVAL,
    }


def _credentials(schema: type[Any], config: LiveTradingConfig) -> dict[str, Any]:
    # One table of that name where the plugin has it, else each under its own name.
    hints = type_hints(schema)
    if "credentials" in hints:
        return {"credentials": dict(config.credentials)} if config.credentials else {}
    return {
        name: _as_wanted(hints.get(name), secret)
        for name, secret in config.credentials.items()
        if isinstance(secret, Secret)
    }


def _as_wanted(hint: object, secret: Secret) -> str | Secret:
    # An account number is text where the plugin says so; what it does not know is a secret.
    return secret.reveal() if str in members(hint) else secret


@attrs.frozen
class _WithBroker:
    _plugins: Catalogue
    _broker: Offer

    def offer(self, kind: Kind, name: str) -> Offer:
        if (kind, name) == (self._broker.kind, self._broker.name):
            return self._broker
        return self._plugins.offer(kind, name)

    def names(self, kind: Kind) -> list[str]:
        return self._plugins.names(kind)

    def offers(self) -> list[Offer]:
        return self._plugins.offers()
