"""
Whole sessions on recorded markets: the books close to the last digit, and every run is the same run.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from proof_kit import markets
from proof_kit.books import Books, books_of
from proof_kit.markets import Market
from proof_kit.rows import Row, fills_of, rows_in, rows_of

from ltm import app
from ltm.core.recovery import replay
from ltm.core.snapshot import state_hash
from ltm.core.story import story_of
from ltm.engine.engine import Engine
from ltm.engine.state_dir import StateDirectory
from ltm.model.enums import Lifecycle

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RULES = {"position_size", "sector_concentration", "drawdown", "daily_loss"}
TIGHT = {
    "sector_concentration": {"max_sector_fraction": 0.35},
    "drawdown": {"max_drawdown": 0.004},
    "daily_loss": {"max_daily_loss": 0.0015},
}


@attrs.frozen
class Case:
    """
    A market and where its signals come from.
    """

    market: Market
    signals: int = 0
    """How many are read from a file; 0 for the strategy."""
    rules: dict[str, Any] = attrs.Factory(dict)
    least: int = 20
    """Fills without which the case would prove nothing."""


CASES = {
    "us momentum": Case(markets.US, least=100),
    "us signals": Case(markets.US, signals=800, rules=TIGHT),
    "us quotes": Case(markets.US_QUOTES),
    "us quotes signals": Case(markets.US_QUOTES, signals=500),
    "us trades": Case(markets.US_TRADES),
    "cn momentum": Case(markets.CN),
    "cn signals": Case(markets.CN, signals=600),
    "crypto momentum": Case(markets.CRYPTO),
    "crypto signals": Case(markets.CRYPTO, signals=500),
    "fx momentum": Case(markets.FX),
    "fx signals": Case(markets.FX, signals=500),
}


def config_of(case: Case, data: Path, folder: Path) -> Path:
    source = markets.momentum(case.market)
    if case.signals:
        prices = case.market.prices_in(data, folder)
        signals = markets.make_signals(prices, case.market, case.signals)
        assert case.signals == len(signals)
        source = markets.from_file(markets.write_signals(folder / "signals.jsonl", signals))
    return markets.write_config(folder, data, case.market, source, rules=case.rules)


def simulated(config: Path) -> Engine:
    (engine,) = app.simulate(app.load(config).config)
    return engine


def run(config: Path, state: Path) -> list[tuple[str, Any]]:
    directory = StateDirectory.open(state)
    loaded = app.load(config)
    (engine,) = app.Run(config=loaded.config, directory=directory, handle_signals=False).execute()

    assert Lifecycle.STOPPED is engine.session.state.lifecycle
    rows = rows_in(directory.journal, engine.session.state.spec.session_id)
    return [(row["kind"], row["payload"]) for row in rows]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def config(case: Case, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return config_of(case, data, tmp_path_factory.mktemp("books"))


@pytest.fixture(scope="module")
def engine(config: Path) -> Engine:
    """
    The case, simulated to its end.
    """
    return simulated(config)


@pytest.fixture(scope="module")
def rows(engine: Engine) -> list[Row]:
    return rows_of(engine.session.journal)


@pytest.fixture(scope="module")
def books(engine: Engine, rows: list[Row]) -> Books:
    """
    The same session's books, kept again from its fills.
    """
    return books_of(engine.session.state.spec.initial_capital, fills_of(rows))


def test_a_session_ends_in_order_and_has_traded(case: Case, engine: Engine, rows: list[Row]) -> None:
    """
    A proof about nothing would be none.
    """
    state = engine.session.state

    assert Lifecycle.STOPPED is state.lifecycle
    assert case.least <= len(fills_of(rows))
    assert {} == state.orders


def test_cash_positions_profit_and_commissions_follow_from_the_fills(engine: Engine, books: Books) -> None:
    """
    I-01, I-08, I-09, to the last digit.
    """
    state = engine.session.state
    marks = {symbol: slot.mark for symbol, slot in state.slots.items() if slot.mark is not None}

    assert books.cash == state.cash_total
    assert books.positions == {slot.instrument.symbol: slot.position for slot in state.held()}
    assert books.realized == state.realized
    assert books.unrealized(marks) == sum((slot.unrealized for slot in state.held()), Decimal(0))
    assert books.commissions == state.commissions


def test_equity_is_cash_and_holdings_and_capital_and_profit(engine: Engine, books: Books) -> None:
    """
    I-07: the identity is exact, and equity carried along mark by mark is what it says.
    """
    state = engine.session.state
    marks = {symbol: slot.mark for symbol, slot in state.slots.items() if slot.mark is not None}
    held = books.cash + books.value(marks)

    assert held == state.equity
    assert held == state.spec.initial_capital + books.realized + books.unrealized(marks) - books.commissions


def test_the_venue_s_own_account_says_the_same(case: Case, engine: Engine, books: Books) -> None:
    """
    I-08: what the session thinks it has is what the venue says it has.
    """

    async def ask() -> tuple[Any, Any]:
        return await engine.broker.account(), await engine.broker.positions()

    account, positions = asyncio.run(ask())
    began = Decimal(case.market.broker.get("cash", 1_000_000))

    assert books.cash - engine.session.state.spec.initial_capital == account.cash - began
    assert books.positions == {position.symbol: position.quantity for position in positions}


def test_a_replay_of_the_journal_gives_the_same_books(engine: Engine) -> None:
    """
    I-17.
    """
    replayed = replay(engine.session.journal, snapshots=False)

    assert replayed is not None
    assert state_hash(engine.session.state) == state_hash(replayed)


def test_simulate_and_run_write_the_same_journal_again_and_again(
    config: Path, rows: list[Row], tmp_path: Path
) -> None:
    """
    Kinds and payloads are identical, in virtual time and at full speed, in one state directory and in another.
    """
    simulated_rows = [(row["kind"], row["payload"]) for row in rows]

    assert simulated_rows == run(config, tmp_path / "one")
    assert simulated_rows == run(config, tmp_path / "two")


def test_every_entry_has_a_complete_decision_record(rows: list[Row]) -> None:
    """
    RSK-13: whoever was let through was judged by all four rules, with numbers; whoever was not, knows by whom.
    """
    for row in rows:
        payload = row["payload"]
        if row["kind"] == "order_intended" and payload["entry"]:
            checks = {check[0]: check for check in payload["checks"]}
            assert set() == RULES - set(checks), row["sequence"]
            assert all(checks[rule][1] == "ok" and None not in checks[rule][2:4] for rule in RULES)
            assert payload["signal"] or payload["attempt"]
        elif row["kind"] == "order_denied":
            codes = {check[1] for check in payload["checks"]}
            assert payload["reasons"]
            assert {reason["code"] for reason in payload["reasons"]} <= codes
            assert all(reason["message"] for reason in payload["reasons"])


def test_every_order_can_be_explained(engine: Engine, rows: list[Row]) -> None:
    """
    The story of an order has its decision, its steps and the money that came of it.
    """
    intended = [row for row in rows if row["kind"] == "order_intended"]
    journal = engine.session.journal
    name = engine.session.state.spec.session_id
    filled = Counter(fill["client_order_id"] for fill in fills_of(rows))

    for row in intended[:: max(1, len(intended) // 25)]:
        order_id = row["payload"]["client_order_id"]
        story = story_of(journal, name, order_id)

        assert story is not None
        assert row["sequence"] == story.sequence
        assert filled[order_id] == len(story.fills)
        assert story.order is not None
        assert story.order.status in {"filled", "canceled", "expired", "rejected"}


# --- Limits that bite ---------------------------------------------------------------------------


def codes(rows: list[Row]) -> Iterator[str]:
    for row in rows:
        if row["kind"] == "order_denied":
            yield from (reason["code"] for reason in row["payload"]["reasons"])
        elif row["kind"] == "trading_paused":
            yield f"tripped {row['payload']['code']}"


@pytest.fixture(scope="module")
def tight(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """
    More than 500 signals over all symbols, under limits that all of them reach.
    """
    config = config_of(CASES["us signals"], data, tmp_path_factory.mktemp("tight"))
    return rows_of(simulated(config).session.journal)


@pytest.mark.parametrize(
    "code", ["position_size", "sector_concentration", "tripped drawdown", "tripped daily_loss"]
)
def test_each_rule_says_no_at_least_once(code: str, tight: list[Row]) -> None:
    """
    RSK-20 to RSK-23 on recorded prices: a fence that nobody ever runs into is not proven.
    """
    assert Counter(codes(tight))[code]


def test_each_signal_has_exactly_one_answer(tight: list[Row]) -> None:
    """
    Idempotency: 800 signals, 800 answers, each with its own key.
    """
    answers = {"order_intended", "order_denied", "signal_ignored"}
    keys = [key for row in tight if row["kind"] in answers and (key := row["payload"]["signal_key"])]

    assert CASES["us signals"].signals == len(keys) == len(set(keys))
