"""
Accounts in a whole run: limits over its sessions, and one lock for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ltm import app
from ltm.app import runs
from ltm.brokers.mock.venue import Venue
from ltm.core import events as e
from ltm.core.codec import decode
from ltm.engine.state_dir import StateDirectory
from ltm.model.errors import AlreadyRunning, ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from ltm.engine.engine import Engine

CONFIG = """
[accounts.main]
max_gross_exposure = 0.0001
[accounts.other]

[[sessions]]
id = "one"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.3
{first}

[[sessions]]
id = "two"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.3
{second}

[broker]
plugin = "mock"
steps = 3
{broker}

[risk]
required = ["position_size"]

[[signals]]
plugin = "file"
path = "signals.jsonl"
"""
SIGNAL = '{"stock_code": "ACME", "action": "buy", "score": 0.9, "confidence": 0.8, "timestamp": "2026-01-05T14:31:00Z"}'


def run_of(folder: Path, first: str = "", second: str = "", broker: str = "") -> app.Run:
    (folder / "signals.jsonl").write_text(SIGNAL + "\n", encoding="utf-8")
    config = folder / "ltm.toml"
    config.write_text(CONFIG.format(first=first, second=second, broker=broker), encoding="utf-8")
    directory = StateDirectory.open(folder / "state")
    return app.Run(config=app.load(config, {}).config, directory=directory, handle_signals=False)


def denials(engine: Engine) -> list[str]:
    rows = engine.session.journal.read()
    events = [decode(row.kind, row.version, row.payload) for row in rows]
    return [reason.code for event in events if isinstance(event, e.OrderDenied) for reason in event.reasons]


def test_an_accounts_limits_reach_every_session(tmp_path: Path) -> None:
    """
    C25, account mode: from the file to the order that is denied.
    """
    run = run_of(tmp_path, 'account = "main"', 'account = "main"')
    seen: list[Engine] = []
    engines = run.execute(seen.extend)
    states = [engine.session.state for engine in engines]

    assert [{"account_gross_exposure"} <= {row.limit for row in rows} for rows in run.armed.values()] == [
        True
    ] * 2
    assert [engine.session.context.account.members for engine in seen] == [states] * 2
    assert [1, 1] == [state.denied_count for state in states]


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Accounts at the mock broker are locked like any other.
    """
    monkeypatch.setattr(runs, "is_simulated", lambda _: False)


@pytest.mark.usefixtures("claimed")
def test_sessions_that_name_an_account_share_its_lock(tmp_path: Path) -> None:
    """
    BAD-036: one lock for all that say so.
    """
    run = run_of(tmp_path, 'account = "main"', 'account = "main"')

    assert 2 == len(run.execute())


@pytest.mark.usefixtures("claimed")
@pytest.mark.parametrize(
    ("first", "second"),
    [("", ""), ('account = "main"', ""), ('account = "main"', 'account = "other"')],
    ids=["none", "one", "another"],
)
def test_sessions_that_do_not_are_refused_the_account(tmp_path: Path, first: str, second: str) -> None:
    """
    BAD-036: exit 5, whichever of the two comes second.
    """
    with pytest.raises(AlreadyRunning) as caught:
        run_of(tmp_path, first, second).execute()

    assert 5 == caught.value.exit_code


@pytest.mark.usefixtures("claimed")
def test_one_name_stands_for_one_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    F39: two accounts under one name would share limits and be compared with each other.
    """
    report = Venue.account
    monkeypatch.setattr(
        Venue, "account", lambda venue: replace(found := report(venue), account=f"{found.cash:f}")
    )
    two = 'account = "main"\n[sessions.broker]\nplugin = "mock"\nsteps = 3\ncash = 5\n'
    with pytest.raises(ConfigError, match="must be connected to one account at the broker"):
        run_of(tmp_path, 'account = "main"', two).execute()
