"""
A configuration that works, and plugins to check it against.
"""

from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Literal

import attrs
import pytest

from ltm.config import LtmConfig, check_config, parse_config
from ltm.model.checks import below_one, exact, up_to_one
from ltm.model.errors import ConfigError, LtmError, PluginError, suggestion
from ltm.model.offer import KINDS, Kind, Offer
from ltm.model.secret import Secret

GOOD = """\
[session]
id = "demo"
model_id = "lgbm_model_v1"
initial_capital = 100_000
max_position_size = 0.3

[broker]
plugin = "mock"
prices = "prices.csv"

[risk.position_size]
[risk.sector_concentration]
max_sector_fraction = 0.4
sectors = "sectors.csv"
[risk.drawdown]
max_drawdown = 0.10
[risk.daily_loss]
max_daily_loss = 0.02
"""


@attrs.frozen(kw_only=True)
class MockConfig:
    """
    A market in a file.
    """

    prices: Path | None = None
    speed: Decimal | Literal["max"] = "max"
    seed: int = 0
    account: str = ""
    credentials: dict[str, Secret] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class Keys:
    api_key: Secret
    password: Secret | None = None


@attrs.frozen(kw_only=True)
class ExchangeConfig:
    exchange: str
    credentials: Keys
    urls: dict[str, str] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class PositionConfig:
    max_position_size: Decimal = attrs.field(converter=exact, validator=up_to_one)


@attrs.frozen(kw_only=True)
class SectorConfig:
    max_sector_fraction: Decimal = attrs.field(converter=exact, validator=up_to_one)
    sectors: Path


def _below_limit(instance: object, attribute: object, value: Decimal | None) -> None:
    if value is not None and value >= instance.max_drawdown:
        message = f"warn ({value}) must be below max_drawdown ({instance.max_drawdown})"
        raise ConfigError(message, code="LTM-CFG-029", field="warn", got=value)


@attrs.frozen(kw_only=True)
class DrawdownConfig:
    max_drawdown: Decimal = attrs.field(converter=exact, validator=below_one)
    warn: Decimal | None = attrs.field(default=None, validator=_below_limit)


@attrs.frozen(kw_only=True)
class LossConfig:
    max_daily_loss: Decimal = attrs.field(validator=[attrs.validators.gt(0), attrs.validators.lt(1)])


@attrs.frozen(kw_only=True)
class PathConfig:
    path: Path


@attrs.frozen(kw_only=True)
class NoConfig:
    pass


class Plugins:
    """
    What a registry would offer: these, and one plugin in quarantine.
    """

    CONFIGS: ClassVar = {
        ("broker", "mock"): MockConfig,
        ("broker", "ccxt"): ExchangeConfig,
        ("position_sizer", "equity_fraction"): NoConfig,
        ("risk_rule", "position_size"): PositionConfig,
        ("risk_rule", "sector_concentration"): SectorConfig,
        ("risk_rule", "drawdown"): DrawdownConfig,
        ("risk_rule", "daily_loss"): LossConfig,
        ("signal_source", "file"): PathConfig,
        ("alert_sink", "log"): NoConfig,
        ("alert_sink", "file"): PathConfig,
    }

    def offer(self, kind: Kind, name: str) -> Offer:
        for offer in self.offers():
            if (offer.kind, offer.name) == (kind, name):
                return offer
        if name == "broken":
            raise PluginError(
                'plugin "broken" (dist broken 1.0, entry point broken:it) failed to load: OSError'
            )
        known = self.names(kind)
        near = suggestion(name, known)
        message = f'no {KINDS[kind]} plugin "{name}"; installed: {", ".join(known)}' + (
            f"; {near}" if near else ""
        )
        raise ConfigError(message, code="LTM-CFG-020", got=name)

    def names(self, kind: Kind) -> list[str]:
        return sorted(name for offered, name in self.CONFIGS if offered == kind)

    def offers(self) -> list[Offer]:
        return [
            Offer(
                kind=kind,
                name=name,
                config=config,
                factory=lambda settings: settings,
                summary="",
                distribution="test",
                version="1.0",
                module="test",
            )
            for (kind, name), config in self.CONFIGS.items()
        ]


class Kit:
    """
    What the tests of the configuration share: the text that works, ways to change it, and what comes of it.
    """

    good = GOOD
    plugins = Plugins()

    def check(
        self, text: str, *, base: Path = Path("/nowhere"), private: bool = True, **environ: str
    ) -> LtmConfig:
        document = parse_config(text, name="ltm.toml", base=base, environ=environ)
        document.private = private
        return check_config(document, self.plugins, environ)

    def problems(self, text: str, **options: object) -> list[LtmError]:
        with pytest.raises(LtmError) as caught:
            self.check(text, **options)
        return list(caught.value.problems)

    def problem(self, text: str, **options: object) -> LtmError:
        (only,) = self.problems(text, **options)
        return only

    def session(self, *lines: str) -> str:
        """
        The text that works, with these lines in `[session]` instead of those for the same keys.
        """
        keys = {line.partition("=")[0].strip() for line in lines}
        head, _, rest = GOOD.partition("\n\n")
        kept = [line for line in head.splitlines() if line.partition("=")[0].strip() not in keys]
        return "\n".join([*kept, *lines]) + "\n\n" + rest

    def without(self, key: str) -> str:
        """
        The text that works, without the line of a key.
        """
        return "\n".join(line for line in GOOD.splitlines() if not line.startswith(key))

    def broker(self, *lines: str, live: bool = False) -> str:
        """
        The text that works, with another `[broker]`.
        """
        head, _, rest = self.session(f"live = {str(live).lower()}").partition("[broker]")
        return head + "\n".join(["[broker]", *lines, ""]) + "\n" + rest.partition("\n\n")[2]


@pytest.fixture
def config() -> Kit:
    return Kit()
