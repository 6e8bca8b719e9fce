"""
Every sizer on a recorded market: it trades, no order is above the headroom it was told, and the books close.
"""

import csv
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from proof_kit import markets
from proof_kit.books import books_of
from proof_kit.rows import Row, fills_of, rows_of

from ltm import app
from ltm.core.recovery import replay
from ltm.core.snapshot import state_hash
from ltm.engine.engine import Engine

MARKET = markets.CRYPTO
SIZERS = {
    "fixed_notional": {"notional": 2_500},
    "risk_per_trade": {"risk": 0.002},
    "confidence_weighted": {"fraction": 0.2, "from_confidence": 0.5},
    "volatility_target": {"target": 0.1, "returns": 30},
}
SIZING = re.compile(
    r"(?P<name>\w+): (?P<wish>[\d.]+) at (?P<unit>[\d.]+) a unit(, headroom (?P<room>[\d.]+).*)?, lot"
)


@pytest.fixture(scope="module", params=SIZERS)
def engine(request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """
    A day and a half of two coins, minute by minute, traded on momentum.
    """
    folder = tmp_path_factory.mktemp("sizing")
    config = markets.write_config(
        folder, data, MARKET, markets.momentum(MARKET), session={"id": request.param}
    )
    table = {"sizer": {"plugin": request.param, **SIZERS[request.param]}}
    config.write_text(config.read_text(encoding="utf-8") + markets.to_toml(table), encoding="utf-8")
    (engine,) = app.simulate(app.load(config).config)
    return engine


def sized(engine: Engine) -> list[dict[str, Any]]:
    orders = [row["payload"] for row in rows_of(engine.session.journal) if row["kind"] == "order_intended"]
    return [order for order in orders if order["entry"]]


def test_it_trades_within_what_it_was_told(engine: Engine) -> None:
    """
    RSK-20: never above headroom, never above the wish, in whole lots.
    """
    orders = sized(engine)

    assert len(orders) > 10
    for order in orders:
        told = SIZING.match(order["sizing"])
        assert told is not None, order["sizing"]
        quantity = Decimal(order["draft"]["quantity"])
        assert told["name"] == engine.session.context.sizer.name
        assert 0 < quantity <= Decimal(told["wish"]) + Decimal("1E-8")
        assert told["room"] is None or quantity <= Decimal(told["room"]) + Decimal("1E-8")
        assert 0 == quantity % Decimal("1E-8")


def test_its_books_follow_from_its_fills_and_its_replay_is_the_same(engine: Engine) -> None:
    """
    I-01, I-17: also with the marks that it looked back at.
    """
    state = engine.session.state
    books = books_of(state.spec.initial_capital, fills_of(rows_of(engine.session.journal)))
    replayed = replay(engine.session.journal, snapshots=False)

    assert books.cash == state.cash_total
    assert replayed is not None
    assert state_hash(state) == state_hash(replayed)
    assert {symbol: slot.samples for symbol, slot in state.slots.items()} == {
        symbol: slot.samples for symbol, slot in replayed.slots.items()
    }


def test_it_measures_up_to_its_own_terms(engine: Engine) -> None:
    """
    Each sizer's promise, worked out again from the record of each order.
    """
    capital = engine.session.state.spec.initial_capital
    costs = [Decimal(order["draft"]["quantity"]) * Decimal(order["worst_price"]) for order in sized(engine)]
    match engine.session.context.sizer.name:
        case "fixed_notional":
            assert all(cost <= 2_500 for cost in costs)
            assert max(costs) > 2_499
        case "risk_per_trade":
            # A stop three percent away loses 0.2 percent of equity: a fifteenth of it may be spent.
            assert all(
                abs(cost * Decimal("0.03") / capital - Decimal("0.002")) < Decimal("0.0002") for cost in costs
            )
        case "confidence_weighted":
            # Confidence 0.9 is four fifths of the way from 0.5 to 1; where cash is short, it is less.
            assert all(cost / capital <= Decimal("0.165") for cost in costs)
            assert max(costs) / capital > Decimal("0.155")
        case _:
            # It starts once there are enough samples, and buys less when prices are wilder.
            kinds = [row["kind"] for row in rows_of(engine.session.journal)]
            assert (
                kinds.index("order_intended")
                > [n for n, kind in enumerate(kinds) if kind == "marks_sampled"][30]
            )
            assert len({cost.quantize(Decimal(10)) for cost in costs}) > 3


# --- Weights ----------------------------------------------------------------------------------------

WEIGHTS = (
    {"AAPL": 0.3, "IBM": 0.3, "BAC": 0.3},
    {"AAPL": 0.1, "IBM": 0.0, "BAC": 0.6},
    {"AAPL": 0.45, "IBM": 0.4, "BAC": 0.1},
)
"""What a model wants, month by month, again and again."""
HOURS = {"trading_hours": {"start": "09:30", "end": "16:00"}, "timezone": "America/New_York"}


def rebalancing(data: Path) -> list[dict[str, Any]]:
    """
    On the first day of each month, of each share a buy up to its weight and a sell down to it, all at one moment.
    """
    with (data / "us_equities/hour_2013.csv").open(encoding="utf-8") as file:
        days = sorted({row["timestamp"][:10] for row in csv.DictReader(file)})
    firsts = [now for before, now in pairwise(days) if before[:7] != now[:7]]
    return [
        {
            "stock_code": symbol,
            "action": action,
            "score": weight,
            "confidence": 1,
            "timestamp": f"{day}T16:00:00Z",
        }
        for number, day in enumerate(firsts)
        for action in ("buy", "sell")
        for symbol, weight in WEIGHTS[number % len(WEIGHTS)].items()
    ]


@pytest.fixture(scope="module")
def weighted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """
    A year of three shares, hour by hour, brought to their weights each month: its records.
    """
    folder = tmp_path_factory.mktemp("weights")
    markets.write_signals(folder / "signals.jsonl", rebalancing(data))
    session = {
        "id": "weights",
        "model_id": "m",
        "initial_capital": 100_000,
        "max_position_size": 0.65,
        "batch_order": "exits_first",
        **HOURS,
    }
    tables: dict[str, Any] = {
        "session": session,
        "broker": {"plugin": "mock", "prices": str(data / "us_equities/hour_2013.csv")},
        "sizer": {"plugin": "target_weights"},
        "risk": {"required": ["position_size"], "position_size": {}},
        "signals": [{"plugin": "file", "path": str(folder / "signals.jsonl")}],
    }
    (folder / "ltm.toml").write_text(markets.to_toml(tables), encoding="utf-8")
    (engine,) = app.simulate(app.load(folder / "ltm.toml").config)
    replayed = replay(engine.session.journal, snapshots=False)

    assert {} == engine.session.state.orders
    assert replayed is not None
    assert state_hash(engine.session.state) == state_hash(replayed)
    return rows_of(engine.session.journal)


def test_a_portfolio_is_brought_to_its_weights(weighted: list[Row]) -> None:
    """
    Nothing is bought above its weight, nothing sold below it, and what is denied is where it should be already.
    """
    intended = [row["payload"] for row in weighted if row["kind"] == "order_intended"]
    denied = [row["payload"] for row in weighted if row["kind"] == "order_denied"]
    entries = [order for order in intended if order["entry"]]

    assert len(entries) >= 15
    assert len(intended) - len(entries) >= 10
    assert {"zero_size", "nothing_to_sell"} == {reason["code"] for one in denied for reason in one["reasons"]}
    for order in entries:
        told = SIZING.match(order["sizing"])
        assert told is not None, order["sizing"]
        assert Decimal(order["draft"]["quantity"]) <= Decimal(told["wish"])


def test_after_each_rebalancing_every_share_is_near_its_weight(weighted: list[Row]) -> None:
    """
    Worked out from the fills alone, at their prices: within the collar of a market order and an hour's move.
    """
    held, price, cash = (
        dict.fromkeys(WEIGHTS[0], Decimal(0)),
        dict.fromkeys(WEIGHTS[0], Decimal(0)),
        Decimal(100_000),
    )
    months: dict[str, tuple[dict[str, Decimal], Decimal]] = {}
    for fill in fills_of(weighted):
        quantity = Decimal(fill["quantity"]) * (1 if fill["side"] == "buy" else -1)
        held[fill["symbol"]] += quantity
        price[fill["symbol"]] = Decimal(fill["price"])
        cash -= quantity * price[fill["symbol"]]
        values = {symbol: held[symbol] * price[symbol] for symbol in held}
        months[fill["occurred_at"][:7]] = values, cash + sum(values.values())

    assert len(months) == 11
    for number, (values, equity) in enumerate(months.values()):
        for symbol, value in values.items():
            assert abs(value / equity - Decimal(str(WEIGHTS[number % 3][symbol]))) < Decimal("0.03")
