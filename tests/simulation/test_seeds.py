"""
Worlds full of faults, each from one seed: whatever happens, nothing is sent twice, nothing is lost, the books close.

`LTM_SIM_SEEDS=1234` or `LTM_SIM_SEEDS=1000..2000` runs these seeds; a failure names the command for its own.
"""

import os
from collections import Counter
from collections.abc import Callable

import pytest
from simkit.world import World, make_world

BATCH = 25

pytestmark = pytest.mark.timeout(600)
AGAIN = "LTM_SIM_SEEDS={seed} make unit ARGS='tests/simulation/test_seeds.py -m slow -k worlds'"


def seeds(default: str) -> range:
    first, _, last = os.environ.get("LTM_SIM_SEEDS", default).partition("..")
    return range(int(first), int(last or int(first) + 1))


def batches(default: str) -> list[range]:
    wanted = seeds(default)
    return [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]


def run_all(wanted: range, note: Callable[[str], None]) -> dict[int, list[str]]:
    """
    Run the worlds of some seeds, and return what was wrong in which.
    """
    found, sums = {}, Counter[str]()
    for seed in wanted:
        world = make_world(seed)
        verdict = world.run().verdict()
        if verdict.problems:
            found[seed] = [AGAIN.format(seed=seed), *verdict.problems[:6]]
        sums.update(
            worlds=1,
            events=world.events,
            crashes=world.crashes,
            sent=verdict.arrived,
            orders=verdict.accepted,
            fills=verdict.fills,
            problems=len(verdict.problems),
        )
    note(
        f"simulation {wanted[0]}..{wanted[-1]}: "
        + " ".join(f"{name}={count}" for name, count in sums.items())
    )
    return found


@pytest.mark.slow
@pytest.mark.parametrize("batch", batches("0..300"), ids=lambda batch: f"{batch[0]}..{batch[-1]}")
def test_worlds_end_well(batch: range, note_figures: Callable[[str], None]) -> None:
    """
    REL-T1, REL-T16, REL-T18: invariants after every event; the venue's log and the journal agree at the end.
    """
    assert {} == run_all(batch, note_figures)


@pytest.mark.soak
@pytest.mark.parametrize("batch", batches("1000..4000"), ids=lambda batch: f"{batch[0]}..{batch[-1]}")
def test_many_more_worlds_end_well(batch: range, note_figures: Callable[[str], None]) -> None:
    """
    REL-T1, as far as the time allows.
    """
    assert {} == run_all(batch, note_figures)


def trace(world: World) -> list[object]:
    return [(record.kind, record.payload) for record in world.journal.records] + list(world.venue.log)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_the_same_seed_is_the_same_world(seed: int) -> None:
    """
    REL-T2: a failure can be looked at again.
    """
    assert trace(make_world(seed).run()) == trace(make_world(seed).run())
