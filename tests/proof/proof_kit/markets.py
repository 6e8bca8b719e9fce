"""
The recorded markets, as configurations and signals made from them; the same every time.
"""

import csv
import itertools
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

STRATEGIES = Path(__file__).parents[1] / "strategies"


@attrs.frozen(kw_only=True, eq=False)
class Market:
    """
    One recorded market and the terms it is traded on.
    """

    name: str
    prices: str
    session: dict[str, Any]
    broker: dict[str, Any] = attrs.Factory(dict)
    sectors: str | None = None
    aliases: dict[str, str] = attrs.Factory(dict)
    """What signals call a symbol that has prices under another code."""
    lookback: int = 10
    threshold: str = "0.001"
    quantities: tuple[str, ...] = ("10", "20")
    rows: int | None = None
    """How many rows of the file are used; all of them by default."""
    skip: int = 0
    """How many rows at the beginning are not."""
    rules: dict[str, dict[str, Any]] = attrs.Factory(dict)

    def prices_in(self, data: Path, folder: Path) -> Path:
        """
        The price file, cut if this market uses a part of it only.
        """
        source = data / self.prices
        if self.rows is None:
            return source
        cut = folder / f"{self.name}-prices.csv"
        with source.open(encoding="utf-8") as file:
            head, rest = next(file), itertools.islice(file, self.skip, self.skip + self.rows)
            cut.write_text(head + "".join(rest), encoding="utf-8")
        return cut


US = Market(
    name="us",
    prices="us_equities/minute_2013-10.csv",
    sectors="sectors/us_sp500_gics.csv",
    session={
        "initial_capital": 100_000,
        "max_position_size": 0.3,
        "max_daily_trades": 60,
        "stop_loss_pct": 0.02,
        "take_profit_pct": 0.05,
        "trading_hours": {"start": "09:30", "end": "16:00"},
        "timezone": "America/New_York",
    },
    broker={"commission": {"per_share": 0.005, "minimum": 1}, "timezone": "America/New_York"},
    quantities=("10", "25", "60", "150", "400"),
    rules={
        "sector_concentration": {"max_sector_fraction": 0.4},
        "drawdown": {"max_drawdown": 0.1},
        "daily_loss": {"max_daily_loss": 0.02},
    },
)
US_QUOTES = attrs.evolve(
    US,
    name="us-quotes",
    prices="us_equities/minute_quotes_2013-10.csv",
    broker={**US.broker, "participation": 0.1},
)
US_TRADES = attrs.evolve(US, name="us-trades", prices="us_equities/trades_IBM_2013-10-07.csv", lookback=400)
CN = Market(
    name="cn",
    prices="cn_equities/hour_sse50_2020-03-30_2020-08-31.csv",
    sectors="sectors/cn_equities.csv",
    session={
        "initial_capital": 2_000_000,
        "currency": "CNY",
        "max_position_size": 0.4,
        "max_daily_trades": 20,
        "stop_loss_pct": 0.05,
        "take_profit_pct": 0.10,
        "trading_hours": [{"start": "09:30", "end": "11:30"}, {"start": "13:00", "end": "15:00"}],
        "timezone": "Asia/Shanghai",
    },
    broker={
        "currency": "CNY",
        "lot_size": 100,
        "cash": 2_000_000,
        "timezone": "Asia/Shanghai",
        "commission": {"basis_points": 2.5, "minimum": 5},
    },
    aliases={
        f"{code}.SH": code for code in ("600030", "600036", "600276", "600519", "600585", "601318", "601398")
    },
    lookback=4,
    quantities=("100", "300", "500", "1000"),
    rules={
        "sector_concentration": {"max_sector_fraction": 0.6},
        "drawdown": {"max_drawdown": 0.2},
        "daily_loss": {"max_daily_loss": 0.05},
    },
)
CRYPTO = Market(
    name="crypto",
    prices="crypto/minute_coinbase.csv",
    session={
        "initial_capital": 50_000,
        "max_position_size": 0.5,
        "stop_loss_pct": 0.03,
        "take_profit_pct": 0.04,
    },
    broker={"commission": {"basis_points": 10}},
    lookback=20,
    quantities=("0.01", "0.12345678", "0.5", "1.00000001"),
    rows=4_000,
    rules={
        "sector_concentration": {"max_sector_fraction": 0.9},
        "drawdown": {"max_drawdown": 0.3},
        "daily_loss": {"max_daily_loss": 0.1},
    },
)
FX = Market(
    name="fx",
    prices="fx/minute_EURUSD_2014-05.csv",
    session={"initial_capital": 200_000, "max_position_size": 0.9},
    broker={"commission": {"basis_points": 0.2}, "lot_size": 1_000},
    lookback=15,
    threshold="0.0002",
    quantities=("1000", "5000", "20000"),
    rules={
        "sector_concentration": {"max_sector_fraction": 0.95},
        "drawdown": {"max_drawdown": 0.1},
        "daily_loss": {"max_daily_loss": 0.02},
    },
)
ALL = (US, CN, CRYPTO, FX)


# --- Configuration ------------------------------------------------------------------------------


def momentum(market: Market) -> dict[str, Any]:
    """
    The table of a signal source that trades momentum.
    """
    return {
        "plugin": "python",
        "callable": "momentum:Momentum",
        "path": str(STRATEGIES),
        "params": {"lookback": market.lookback, "threshold": market.threshold, "names": dict(market.aliases)},
    }


def from_file(path: Path) -> dict[str, Any]:
    """
    The table of a signal source that reads a file.
    """
    return {"plugin": "file", "path": str(path)}


def write_config(
    folder: Path,
    data: Path,
    market: Market,
    source: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    session: Mapping[str, Any] | None = None,
    broker: Mapping[str, Any] | None = None,
    rules: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """
    Write the configuration of a session on a market, and return where.
    """
    risk = {name: {**table, **(rules or {}).get(name, {})} for name, table in market.rules.items()}
    risk["sector_concentration"]["sectors"] = str(_sectors_in(market, data, folder))
    venue = {"plugin": "mock", **(broker or {})}
    if "socket" not in venue:
        venue = {**venue_of(market, data, folder), **venue}
    tables: dict[str, Any] = {
        "session": {"id": market.name, "model_id": "momentum", **market.session, **(session or {})},
        "broker": venue,
        "risk": risk,
        "signals": [source] if isinstance(source, Mapping) else list(source),
        "alerts": [{"plugin": "file", "path": str(folder / "alerts.jsonl")}],
    }
    path = folder / "ltm.toml"
    path.write_text(to_toml(tables), encoding="utf-8")
    return path


def _sectors_in(market: Market, data: Path, folder: Path) -> Path:
    if market.sectors is not None:
        return data / market.sectors
    own = folder / "sectors.csv"
    own.write_text("symbol,sector\nBTC/USD,Coins\nETH/USD,Coins\nEUR/USD,Majors\n", encoding="utf-8")
    return own


def venue_of(market: Market, data: Path, folder: Path) -> dict[str, Any]:
    """
    The settings of the mock venue.
    """
    return {"prices": str(market.prices_in(data, folder)), **market.broker}


def to_toml(tables: Mapping[str, Any]) -> str:
    """
    Write tables as TOML: what is inside of a top-level table is written inline.
    """
    lines = []
    for name, table in tables.items():
        head = f"[[{name}]]" if isinstance(table, list) else f"[{name}]"
        for one in table if isinstance(table, list) else [table]:
            lines.append(head)
            lines += [f"{json.dumps(key)} = {_value(value)}" for key, value in one.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return json.dumps(value)


# --- Signals ------------------------------------------------------------------------------------


def make_signals(prices: Path, market: Market, count: int, seed: int = 1) -> list[dict[str, Any]]:
    """
    Draw signals from a price file: at the end of randomly chosen bars, for their symbols, in order of time.

    Most let the sizer decide; some name a quantity, some are limit orders near the price.
    """
    dice = random.Random(seed)
    with prices.open(encoding="utf-8", newline="") as file:
        bars = [row for row in csv.DictReader(file) if _in_hours(row["timestamp"], market)]
    drawn = sorted(dice.sample(range(len(bars)), min(count, len(bars))))
    signals = []
    for number, index in enumerate(drawn):
        bar = bars[index]
        signal: dict[str, Any] = {
            "stock_code": market.aliases.get(bar["symbol"], bar["symbol"]),
            "action": dice.choice(("buy", "buy", "sell")),
            "score": round(dice.uniform(-1, 1), 3),
            "confidence": round(dice.uniform(0.5, 1), 3),
            "timestamp": (_moment(bar["timestamp"]) + timedelta(minutes=1)).isoformat(),
            "intent": number,
        }
        if dice.random() < 0.5:
            signal["quantity"] = float(dice.choice(market.quantities))
        if "close" in bar and dice.random() < 0.3:
            signal |= {"order_type": "limit", "limit_price": float(bar["close"])}
        signals.append(signal)
    return signals


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _in_hours(text: str, market: Market) -> bool:
    # New York was at UTC-4 in October 2013.
    minutes = _moment(text).hour * 60 + _moment(text).minute
    return market.sectors != US.sectors or 13 * 60 + 30 <= minutes < 19 * 60 + 58


def write_signals(path: Path, signals: Iterable[Mapping[str, Any]]) -> Path:
    """
    Write signals as JSON lines.
    """
    path.write_text("".join(json.dumps(signal) + "\n" for signal in signals), encoding="utf-8")
    return path
