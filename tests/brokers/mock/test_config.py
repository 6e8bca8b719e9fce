"""
The settings of the mock broker: defaults, texts of what is refused, and the venue that comes of them.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from ltm.brokers.mock.broker import MockBroker, open_broker
from ltm.brokers.mock.config import CommissionConfig, MockConfig
from ltm.brokers.mock.exchange import Exchange
from ltm.brokers.mock.hooks import ltm_register_brokers
from ltm.model.errors import ConfigError
from ltm.model.schema import field_rows

D = Decimal
TICKS = "timestamp,symbol,price\n"


@pytest.fixture
def prices(tmp_path):
    """
    Write a file with one print of each symbol.
    """

    def write(*symbols):
        path = tmp_path / "prices.csv"
        rows = "".join(f"2026-01-05T10:00:00Z,{symbol},12.5\n" for symbol in symbols)
        path.write_text(TICKS + rows, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("speed", 0, 'speed must be a finite number above 0 or "max", got 0'),
        ("speed", "fast", 'speed must be a finite number above 0 or "max", got "fast"'),
        ("speed", float("inf"), "speed must be a finite number above 0"),
        ("speed", float("nan"), "speed must be a finite number above 0"),
        ("seed", -1, "seed must be a whole number from 0"),
        ("seed", True, "seed must be a whole number from 0"),
        ("steps", 0, "steps must be a whole number from 1"),
        ("interval_seconds", 0, "interval_seconds must be above 0"),
        ("request_timeout", float("nan"), "request_timeout must be above 0"),
        ("start", datetime(2026, 1, 5), "start must be a date and time with an offset"),  # noqa: DTZ001 - on purpose
        ("symbols", [], "symbols must name at least one symbol"),
        ("symbols", ["A", "A"], "symbols must name at least one symbol, each once"),
        ("symbols", ["../x"], 'symbols must use letters, digits and . - / : _ ^ = (1-64), got "../x"'),
        ("aliases", {"1": "a b"}, "aliases.1 must use letters"),
        ("cash", D(0), "cash must be a positive finite amount"),
        ("currency", "usd", 'currency must be a currency code in capitals, got "usd"'),
        ("lot_size", D(-1), "lot_size must be a positive finite amount"),
        ("lot_size", {"A": D(0)}, "lot_size.A must be a positive finite amount"),
        ("tick_size", "0.01", "tick_size must be a number"),
        ("participation", D(30), "participation must be between 0 and 1, got 30"),
        ("commission_grid", D("0.05"), "commission_grid must be a power of ten, got 0.05"),
        ("timezone", "Asia/Shangai", 'timezone must be a known time zone, got "Asia/Shangai"'),
        ("day_end", "24:00", 'day_end must be "HH:MM" (00:00-23:59), got "24:00"'),
        ("prices", [], "prices must name at least one file"),
    ],
)
def test_a_wrong_setting_is_refused_with_field_rule_and_value(field, value, text):
    """
    BAD-007 to BAD-028 for the mock's own table.
    """
    with pytest.raises(ConfigError) as caught:
        MockConfig(**{field: value})

    assert text in caught.value.message
    assert str(caught.value.field).startswith(field)


@pytest.mark.parametrize("value", [D(-1), D("NaN"), "1"])
def test_commission_is_not_negative(value):
    with pytest.raises(ConfigError, match="minimum must be a finite number, 0 or more"):
        CommissionConfig(minimum=value)


def test_every_setting_is_documented():
    assert [] == [row.name for row in field_rows(MockConfig) if not row.doc]
    assert [] == [row.name for row in field_rows(CommissionConfig) if not row.doc]


def test_the_hook_offers_a_broker_by_name():
    offered = {}
    ltm_register_brokers(lambda name, *, config, factory: offered.update({name: (config, factory)}))
    config, factory = offered["mock"]

    assert isinstance(factory(config()), MockBroker)


def test_listing_it_loads_neither_the_venue_nor_asyncio():
    code = (
        "import sys; before = set(sys.modules); import ltm.brokers.mock.hooks;"
        "heavy = {'asyncio', 'ltm.brokers.mock.venue', 'csv', 'socket'};"
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "framework")}
    told = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)

    assert "[]" == told.stdout.strip()


@pytest.mark.parametrize(
    ("symbol", "currency", "aliases", "lot"),
    [
        ("600519.SH", "CNY", ("600519",), D(1)),
        ("000001.SZ", "CNY", ("000001",), D(1)),
        ("0700.HK", "CNY", ("0700",), D(1)),
        ("BRK.B", "CNY", (), D(1)),
        ("BTC/USDT", "USDT", (), D("1E-8")),
        ("BTC/USDT:USDT", "USDT", (), D("1E-8")),
    ],
)
def test_symbols_say_their_aliases_and_currency(prices, symbol, currency, aliases, lot):
    (instrument,) = Exchange(MockConfig(prices=prices(symbol), currency="CNY")).venue.instruments

    assert (currency, aliases, lot) == (instrument.currency, instrument.aliases, instrument.lot_size)
    assert D("0.01") == instrument.tick_size


def test_settings_are_for_all_symbols_or_for_some(prices):
    config = MockConfig(
        prices=prices("A", "B"),
        lot_size={"A": 100},
        tick_size=D("0.05"),
        minimum_notional=D(10),
        multiplier={"B": 50},
        aliases={"alpha": "A"},
    )
    one, two = Exchange(config).venue.instruments

    assert (D(100), D("0.05"), D(10), D(1), ("alpha",)) == (
        one.lot_size,
        one.tick_size,
        one.minimum_notional,
        one.multiplier,
        one.aliases,
    )
    assert (D(1), D(50)) == (two.lot_size, two.multiplier)


@pytest.mark.parametrize("setting", [{"lot_size": {"C": 1}}, {"aliases": {"x": "C"}}])
def test_a_setting_for_a_symbol_without_prices_is_refused(prices, setting):
    with pytest.raises(ConfigError, match=r'must name a symbol that has prices, got "C"'):
        Exchange(MockConfig(prices=prices("A"), **setting))


def test_bad_prices_are_reported_when_the_broker_is_made(prices):
    path = prices("A B")

    with pytest.raises(ConfigError, match='column "symbol"'):
        open_broker(MockConfig(prices=[path]))


def test_the_defaults_are_a_synthetic_market():
    config = MockConfig()

    assert config == attrs.evolve(config)
    assert (None, "max", None) == (config.prices, config.speed, config.socket)
    assert datetime(2026, 1, 5, 14, 30, tzinfo=UTC) == config.start
    assert isinstance(MockConfig(prices=Path("x")).prices, Path)
