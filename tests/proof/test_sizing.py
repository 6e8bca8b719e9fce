"""
Every sizer on a recorded market: it trades, no order is above the headroom it was told, and the books close.
"""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from proof_kit import markets
from proof_kit.books import books_of
from proof_kit.rows import fills_of, rows_of

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
