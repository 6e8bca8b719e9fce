"""
Kill -9 at random moments, real processes, a venue that loses requests and replies: nothing twice, nothing lost.

`LTM_KILLS` says how many kills (20 by default, over all markets), `LTM_SEED` which ones. `make soak` runs 200.
"""

import csv
import os
import random
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from proof_kit import markets
from proof_kit.books import books_of
from proof_kit.markets import Market
from proof_kit.processes import Log, Scene, finish, kill, ltm, ltm_json, percentile, summary, until
from proof_kit.rows import fills_of, rows_in
from proof_kit.verdict import Verdict, judge, read_log

pytestmark = pytest.mark.slow

Note = Callable[[str], None]
SHARES = {
    attrs.evolve(markets.US, skip=300, rows=2_200): 0.4,
    attrs.evolve(markets.CN, rows=1_800): 0.2,
    attrs.evolve(markets.CRYPTO, rows=1_200): 0.2,
    attrs.evolve(markets.FX, rows=900): 0.2,
}
"""Part of each recorded market, and of the kills."""
FAULTS = """
[[faults]]
verb = "drop_request"
method = "submit"
probability = 0.04
[[faults]]
verb = "drop_reply"
method = "submit"
probability = 0.05
[[faults]]
verb = "delay"
method = "submit"
probability = 0.03
seconds = 0.02
[[faults]]
verb = "delay"
method = "submit"
probability = 0.02
seconds = 0.5
[[faults]]
verb = "garbage"
method = "submit"
probability = 0.01
[[faults]]
verb = "reject"
method = "submit"
probability = 0.01
[[faults]]
verb = "restart"
method = "submit"
probability = 0.01
[[faults]]
verb = "drop_reply"
method = "cancel"
probability = 0.1
[[faults]]
verb = "drop_request"
method = "find"
probability = 0.05
[[faults]]
verb = "drop_reply"
method = "fills"
probability = 0.005
[[faults]]
verb = "duplicate"
method = "any"
probability = 0.05
[[faults]]
verb = "reorder"
method = "any"
probability = 0.05
[[faults]]
verb = "lose_event"
method = "advance"
probability = 0.002
"""


def scene_of(market: Market, data: Path, folder: Path, seed: int, **session: object) -> Scene:
    """
    A market behind a socket with faults, and a session with a signals file and a strategy.
    """
    prices = market.prices_in(data, folder)
    signals = markets.make_signals(prices, market, 300, seed)
    sources = [
        markets.from_file(markets.write_signals(folder / "signals.jsonl", signals)),
        markets.momentum(market),
    ]
    venue = markets.write_config(folder, data, market, sources)
    there = venue.rename(folder / "venue.toml")
    broker = {"socket": str(folder / "v.sock"), "request_timeout": 0.1}
    config = markets.write_config(folder, data, market, sources, broker=broker, session=session)
    faults = folder / "faults.toml"
    faults.write_text(FAULTS, encoding="utf-8")
    return Scene(folder=folder, config=config, market=there, faults=faults, seed=seed)


@attrs.define
class Campaign:
    """
    One market, traded to its end by a session that is killed again and again.
    """

    scene: Scene
    prices: Path
    kills: int
    dice: random.Random
    recoveries: list[float] = attrs.Factory(list)
    killed: int = 0

    def run(self) -> None:
        """
        Kill at moments of the market; one in four during start-up or recovery.
        """
        log = Log(self.scene.truth)
        with self.prices.open(encoding="utf-8", newline="") as file:
            moments = [row["timestamp"] for row in csv.DictReader(file)]
        drawn = sorted(self.dice.sample(range(len(moments) // 50, len(moments) * 19 // 20), self.kills))
        with self.scene.venue():
            for index in drawn:
                self._one(log, moments[index])
            process = self.scene.start()
            self._recovered(log, process)
            assert 0 == finish(process, 120), self.scene.said()
            self._compare_account()

    def _one(self, log: Log, moment: str) -> None:
        process = self.scene.start()
        if self.dice.random() < 0.25:
            time.sleep(self.dice.uniform(0.1, 0.7))
        else:
            self._recovered(log, process)
            assert until(lambda: log.look() or log.time >= moment, process), self.scene.said()
            time.sleep(self.dice.uniform(0, 0.01))
        assert process.poll() is None, self.scene.said()
        kill(process)
        self.killed += 1

    def _recovered(self, log: Log, process: object) -> None:
        log.look()
        before, began = log.advances, time.monotonic()
        assert until(lambda: log.look() or log.advances > before, process), self.scene.said()
        self.recoveries.append(time.monotonic() - began)

    def _compare_account(self) -> None:
        # The session's own account of itself, as a person would ask for it.
        state = self.scene.state
        (status,) = ltm_json("--state-dir", state, "status")
        positions = ltm_json("--state-dir", state, "positions")
        rows = rows_in(self.scene.journal, status["session_id"])
        books = books_of(Decimal(status["initial_capital"]), fills_of(rows))

        assert books.cash == Decimal(status["cash"])
        assert books.commissions == Decimal(status["commissions"])
        assert books.positions == {
            row["symbol"]: Decimal(row["quantity"]) for row in positions if Decimal(row["quantity"])
        }
        assert 0 == status["unknown_orders"] == status["open_orders"]

    def verdict(self, session_id: str) -> Verdict:
        """
        The venue's log against the journal.
        """
        done = ltm("--state-dir", self.scene.state, "journal", "verify")
        assert 0 == done.returncode, done.stdout + done.stderr
        return judge(read_log(self.scene.truth), rows_in(self.scene.journal, session_id))


def campaign(market: Market, data: Path, folder: Path, kills: int, seed: int) -> Campaign:
    scene = scene_of(market, data, folder, seed)
    return Campaign(scene, market.prices_in(data, folder), kills, random.Random(f"{market.name} {seed}"))


def prove(market: Market, data: Path, folder: Path, kills: int, seed: int, *, note: Note) -> None:
    """
    Run a campaign and judge it.
    """
    one = campaign(market, data, folder, kills, seed)
    one.run()
    verdict = one.verdict(market.name)
    figures = {
        "market": market.name,
        "seed": seed,
        "kills": one.killed,
        "orders": verdict.accepted,
        "sent": verdict.arrived,
        "fills": verdict.fills,
        "denied": verdict.denied,
        "duplicated": len(verdict.duplicated),
        "lost": len(verdict.lost),
        "orphan": len(verdict.orphan),
        "recovery_p50": f"{percentile(one.recoveries, 0.5):.2f}s",
        "recovery_p99": f"{percentile(one.recoveries, 0.99):.2f}s",
    }
    note(f"kill -9: {summary(figures)}")

    assert [] == verdict.problems
    assert kills == one.killed
    assert verdict.fills > 10


@pytest.mark.timeout(600)
@pytest.mark.parametrize("market", SHARES, ids=lambda market: market.name)
def test_a_session_killed_again_and_again_loses_and_doubles_nothing(
    market: Market, data: Path, tmp_path: Path, note_figures: Note
) -> None:
    """
    REL-T3, F01, F02: by the venue's own log, 0 orders duplicated, lost or orphaned.
    """
    kills = round(int(os.environ.get("LTM_KILLS", "20")) * SHARES[market])
    prove(market, data, tmp_path, kills, int(os.environ.get("LTM_SEED", "1")), note=note_figures)


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(int(os.environ.get("LTM_KILLS", "200")) // 20))
@pytest.mark.parametrize("market", SHARES, ids=lambda market: market.name)
def test_soak_of_kills(market: Market, round_: int, data: Path, tmp_path: Path, note_figures: Note) -> None:
    """
    REL-T3: the same, with another seed each round; 20 kills a round over all markets.
    """
    prove(market, data, tmp_path, round(20 * SHARES[market]), 1_000 + round_, note=note_figures)
