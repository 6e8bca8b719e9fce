"""
A manager dies, the next one takes its session up: at a venue in a process of its own, whose log is the truth.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ltm import (
    AlreadyRunning,
    BrokerConnectionError,
    InvalidTransition,
    LiveTradingConfig,
    LiveTradingManager,
    PortfolioManager,
    RiskManager,
    Signal,
    TradingAPIAdapter,
)

pytestmark = [
    pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets"),
    pytest.mark.slow,
]
VENUE = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from ltm.brokers.mock.config import MockConfig
from ltm.brokers.mock.server import serve

folder = Path(sys.argv[1])
config = MockConfig(
    symbols=["AAA", "BBB"], steps=100_000, interval_seconds=1, start=datetime.fromisoformat(sys.argv[2]), cash=100_000
)
serve(config, folder / "s", folder / "venue.jsonl", ready=lambda: print("ready", flush=True))
"""
DIES = """
import os, signal, sys
from test_manager_restart import manager_of, config_of, signal_of

manager = manager_of(sys.argv[1])
session = manager.start_live_trading("m1", 100_000, config_of(sys.argv[1]))
result = manager.execute_trade(session.session_id, signal_of(sys.argv[2]))
print(result.status, result.client_order_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def manager_of(folder):
    return LiveTradingManager(
        PortfolioManager(), RiskManager(), TradingAPIAdapter(), state_dir=Path(folder) / "state"
    )


def config_of(folder, **values):
    return LiveTradingConfig(
        broker="mock",
        credentials={},
        max_position_size=0.3,
        max_daily_trades=10,
        stop_loss_pct=None,
        take_profit_pct=None,
        trading_hours=None,
        settings={"socket": Path(folder) / "s"},
        **values,
    )


def signal_of(timestamp, **values):
    return Signal(
        **{
            "stock_code": "AAA",
            "action": "buy",
            "score": 1,
            "confidence": 1,
            "timestamp": timestamp,
            **values,
        }
    )


@pytest.fixture
def now():
    return datetime.now(UTC).isoformat()


@pytest.fixture
def venue(tmp_path, now):
    """
    A venue that outlives its customers; returns its folder.
    """
    command = [sys.executable, "-c", textwrap.dedent(VENUE), str(tmp_path), now]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield tmp_path
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def submissions(folder):
    """
    Every order that arrived, by the venue's own log.
    """
    lines = [json.loads(line) for line in (folder / "venue.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        line["client_order_id"]
        for line in lines
        if line["event"] == "request" and line.get("method") == "submit"
    ]


def test_a_killed_manager_is_taken_up_and_nothing_is_sent_twice(venue, now):
    """REL-1: the session is there, the position too, and the same signal is the same result with no new order."""
    here = str(Path(__file__).parent)
    dead = subprocess.run(
        [sys.executable, "-c", DIES, str(venue), now],
        cwd=venue,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([here, *sys.path])},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    status, order_id = dead.stdout.split()
    assert ("filled", -signal.SIGKILL) == (status, dead.returncode)

    with manager_of(venue) as manager:
        assert ["m1"] == manager.list_sessions()
        with pytest.raises(InvalidTransition, match="it is not running in this manager"):
            manager.execute_trade("m1", signal_of(now))
        session = manager.start_live_trading("m1", 100_000, config_of(venue))
        again = manager.execute_trade(session.session_id, signal_of(now))
        portfolio = manager.get_current_positions("m1")
        summary = manager.stop_trading("m1")

    assert ("m1", "active") == (session.session_id, session.status)
    assert ("filled", order_id, again.signal_key) == (again.status, again.client_order_id, again.duplicate_of)
    assert again.filled_quantity == portfolio.positions["AAA"].quantity > Decimal(0)
    assert [order_id] == submissions(venue)
    assert (1, 1) == (summary["orders"], summary["fills"])


def test_a_paused_session_is_paused_after_a_restart(venue, now):
    """RSK-12: a restart never unlatches."""
    with manager_of(venue) as first:
        first.start_live_trading("m1", 100_000, config_of(venue))
        first.pause_trading("m1", reason="lunch")

    with manager_of(venue) as second:
        session = second.start_live_trading("m1", 100_000, config_of(venue))
        denied = second.execute_trade("m1", signal_of(now))
        second.resume_trading("m1")
        bought = second.execute_trade("m1", signal_of(now, intent=1))

    assert "paused" == session.status
    assert ["denied", "filled"] == [denied.status, bought.status]


def test_one_account_is_one_sessions(venue):
    """A session that runs is not started twice, and no other takes its account."""
    with manager_of(venue) as manager:
        manager.start_live_trading("m1", 100_000, config_of(venue))
        with pytest.raises(AlreadyRunning, match="session m1"):
            manager.start_live_trading("m1", 100_000, config_of(venue))
        with pytest.raises(AlreadyRunning, match="account"):
            manager.start_live_trading("m2", 100_000, config_of(venue))

        assert ["m1"] == manager.list_sessions()
        assert "active" == manager.get_trading_status("m1").status
    assert [] == submissions(venue)


def test_a_venue_that_is_not_there_is_a_connection_error(tmp_path):
    """RuntimeError if the broker connection fails."""
    with manager_of(tmp_path) as manager:
        with pytest.raises(BrokerConnectionError, match="the mock venue cannot be reached"):
            manager.start_live_trading("m1", 100_000, config_of(tmp_path))
        assert [] == manager.list_sessions()


def test_other_terms_than_the_sessions_are_refused(venue):
    """What cannot change is named; the session stays as it was."""
    with manager_of(venue) as manager:
        manager.start_live_trading("m1", 100_000, config_of(venue))
        manager.stop_trading("m1")
        with pytest.raises(ValueError, match="session m1 was begun with initial_capital 100000, got 5"):
            manager.start_live_trading("m1", 5, config_of(venue))

        assert "stopped" == manager.get_trading_status("m1").status
