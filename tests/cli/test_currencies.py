"""
Two currencies in one session on the mock broker, from prices to books that close to the last digit (RSK-08).
"""

import json
from decimal import Decimal

import pytest

from ltm.app import load, simulate
from ltm.core.invariants import violations
from ltm.core.recovery import replay
from ltm.core.snapshot import state_hash

D = Decimal
CONFIG = """
[session]
id = "euros"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.5
[broker]
plugin = "mock"
prices = "quotes.csv"
currencies = { "SAP.DE" = "EUR" }
commission = { basis_points = 3, minimum = 1 }
[risk]
required = ["position_size"]
[[signals]]
plugin = "file"
path = "signals.jsonl"
"""
QUOTES = """timestamp,symbol,bid,ask
2026-01-05T14:30:00Z,EUR/USD,1.0999,1.1001
2026-01-05T14:30:00Z,SAP.DE,199.98,200.02
2026-01-05T14:30:00Z,ACME,99.99,100.01
2026-01-05T14:31:00Z,EUR/USD,1.1049,1.1051
2026-01-05T14:31:00Z,SAP.DE,201.98,202.02
2026-01-05T14:31:00Z,ACME,100.99,101.01
2026-01-05T14:32:00Z,EUR/USD,1.1099,1.1101
2026-01-05T14:32:00Z,SAP.DE,209.98,210.02
2026-01-05T14:32:00Z,ACME,101.99,102.01
2026-01-05T14:33:00Z,EUR/USD,1.1199,1.1201
2026-01-05T14:33:00Z,SAP.DE,206.98,207.02
2026-01-05T14:33:00Z,ACME,102.99,103.01
2026-01-05T14:34:00Z,EUR/USD,1.1149,1.1151
2026-01-05T14:34:00Z,SAP.DE,207.98,208.02
2026-01-05T14:34:00Z,ACME,103.99,104.01
"""
SILENT = """2026-01-05T14:35:00Z,SAP.DE,207.98,208.02
2026-01-05T14:36:00Z,SAP.DE,207.98,208.02
2026-01-05T14:37:00Z,SAP.DE,207.98,208.02
2026-01-05T14:38:00Z,SAP.DE,207.98,208.02
"""


def signal(minute, symbol, action, quantity):
    at = f"2026-01-05T14:{minute}:30Z"
    return {
        "stock_code": symbol,
        "action": action,
        "quantity": quantity,
        "score": 1,
        "confidence": 1,
        "timestamp": at,
    }


@pytest.fixture
def run(tmp_path):
    def go(*signals, quotes=QUOTES, config=CONFIG):
        (tmp_path / "euros.toml").write_text(config)
        (tmp_path / "quotes.csv").write_text(quotes)
        (tmp_path / "signals.jsonl").write_text("".join(json.dumps(one) + "\n" for one in signals))
        return simulate(load(tmp_path / "euros.toml").config)[0]

    return go


ROUND_TRIP = (
    signal(30, "SAP.DE", "buy", 100),
    signal(30, "ACME", "buy", 200),
    signal(31, "SAP.DE", "sell", 40),
    signal(32, "SAP.DE", "sell", 60),
)


def test_the_books_of_two_currencies_close_with_the_venues_to_the_last_digit(run):
    """
    RSK-08: bought at 202.02, sold at 209.98 and 206.98; the profit stays in euros, and its rate moves on.
    """
    engine = run(*ROUND_TRIP)
    state, venue = engine.session.state, engine.broker._door._exchange.venue
    euros = 40 * D("209.98") + 60 * D("206.98") - 100 * D("202.02")
    fees = D("6.06") + D("2.52") + D("3.73")
    dollars = D(100_000) - 200 * D("101.01") - D("6.06")

    assert [] == violations(state)
    assert {"USD": dollars, "EUR": euros - fees} == state.cash
    assert dollars + 200 * D("104.00") + (euros - fees) * D("1.1150") == state.equity
    assert {} == state.latches

    assert state.cash["USD"] - 100_000 == venue.account().cash - 1_000_000
    assert {"EUR": state.cash["EUR"]} == venue._ledger.purse
    assert [("ACME", D(200))] == [(held.symbol, held.quantity) for held in venue.positions()]
    assert D(1_000_000) + state.equity - 100_000 - 200 * D("104.00") == venue.account().available


def test_a_replay_of_two_currencies_gives_the_same_books(run):
    """
    I-17.
    """
    engine = run(*ROUND_TRIP)

    assert state_hash(replay(engine.session.journal)) == state_hash(engine.session.state)


def test_a_feed_of_rates_that_ends_denies_entries_and_is_told(run):
    """
    F42: positions and loss rules go on; nothing new is bought in euros.
    """
    signals = (*ROUND_TRIP[:1], signal(35, "SAP.DE", "buy", 10))
    engine = run(*signals, quotes=QUOTES + SILENT)
    events = [*engine.session.journal.read()]
    kinds = [row.kind for row in events]

    assert 1 == kinds.count("order_denied")
    assert '"fx_stale"' in next(row.payload for row in events if row.kind == "order_denied").decode()
    alerts = [alert.code for alert in engine.session.state.alerts.values()]
    assert "fx_stale" in alerts
    assert D(100) == engine.session.state.slots["SAP.DE"].position


def test_without_any_rate_nothing_is_bought_in_a_currency(run):
    """
    F42, fail closed: by the kernel, and by the venue.
    """
    quotes = "".join(line + "\n" for line in QUOTES.splitlines() if "EUR/USD" not in line)
    engine = run(ROUND_TRIP[0], quotes=quotes)

    denied = [row for row in engine.session.journal.read() if row.kind == "order_denied"]
    assert '"fx_missing"' in denied[0].payload.decode()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('{ "ZZZ" = "EUR" }', "currencies.ZZZ must name a symbol that has prices"),
        ('{ "SAP.DE" = "eur" }', "be a currency code in capitals"),
    ],
)
def test_a_wrong_currency_is_named(ltm, tmp_path, run, table, message):
    run(config=CONFIG)
    (tmp_path / "euros.toml").write_text(CONFIG.replace('{ "SAP.DE" = "EUR" }', table))
    answer = ltm("simulate", tmp_path / "euros.toml")

    assert 2 == answer.code
    assert message in answer.err
