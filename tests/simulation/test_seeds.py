"""
Worlds full of faults, each from one seed: whatever happens, nothing is sent twice, nothing is lost, the books close.

`LTM_SIM_SEEDS=1234` or `LTM_SIM_SEEDS=1000..2000` runs these seeds; a failure names the command for its own.
"""

import os

import pytest
from simkit.world import World, make_world

BATCH = 20
AGAIN = "LTM_SIM_SEEDS={seed} make unit ARGS='tests/simulation/test_seeds.py -m slow -k worlds'"


def seeds(default: str) -> range:
    first, _, last = os.environ.get("LTM_SIM_SEEDS", default).partition("..")
    return range(int(first), int(last or int(first) + 1))


def batches(default: str) -> list[range]:
    wanted = seeds(default)
    return [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]


def problems_of(seed: int) -> list[str]:
    world = make_world(seed).run()
    problems = world.verdict().problems
    if problems:
        problems.insert(0, AGAIN.format(seed=seed))
    return problems


@pytest.mark.slow
@pytest.mark.parametrize("batch", batches("0..300"), ids=lambda batch: f"{batch[0]}..{batch[-1]}")
def test_worlds_end_well(batch: range) -> None:
    """
    REL-T1, REL-T16, REL-T18: invariants after every event; the venue's log and the journal agree at the end.
    """
    found = {seed: problems[:6] for seed in batch if (problems := problems_of(seed))}

    assert {} == found


@pytest.mark.soak
@pytest.mark.parametrize("batch", batches("1000..11000"), ids=lambda batch: f"{batch[0]}..{batch[-1]}")
def test_many_more_worlds_end_well(batch: range) -> None:
    """
    REL-T1: ten thousand.
    """
    found = {seed: problems[:6] for seed in batch if (problems := problems_of(seed))}

    assert {} == found


def trace(world: World) -> list[object]:
    return [(record.kind, record.payload) for record in world.journal.records] + list(world.venue.log)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_the_same_seed_is_the_same_world(seed: int) -> None:
    """
    REL-T2: a failure can be looked at again.
    """
    assert trace(make_world(seed).run()) == trace(make_world(seed).run())
