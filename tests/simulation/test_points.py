"""
Every operation on disk and network, one after the other: the process dies there, or the disk fails there.

The scenario is the same short one each time; what differs is the point at which it is interrupted.
"""

import functools
from collections.abc import Callable

import pytest
from simkit.schedule import Crash
from simkit.world import World, make_short_world

from ltm.model.enums import TradingState
from ltm.model.errors import JournalError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PARTS = 8
DISK = frozenset({"append", "commit"})


@functools.cache
def names(*, concurrent: bool) -> tuple[str, ...]:
    """
    What each point of the undisturbed scenario is.
    """
    found: list[str] = []
    world = make_short_world(1, concurrent=concurrent)
    world.hook = lambda number, what: found.append(what)
    verdict = world.run().verdict()
    assert [] == verdict.problems
    assert verdict.fills > 3
    return tuple(found)


def crash_at(*numbers: int) -> Callable[[int, str], None]:
    def hook(number: int, what: str) -> None:
        if number in numbers:
            raise Crash

    return hook


def problems_of(world: World) -> list[str]:
    return world.run().verdict().problems


@pytest.mark.parametrize("concurrent", [True, False], ids=["side by side", "one by one"])
@pytest.mark.parametrize("part", range(PARTS))
def test_a_process_may_die_at_any_point(part: int, concurrent: bool) -> None:
    """
    F01, K1 to K16, at 100 % of the points: the next process finds out, and nothing is doubled or lost.
    """
    found = {}
    count = len(names(concurrent=concurrent))
    for number in range(1 + part, count + 1, PARTS if concurrent else 3 * PARTS):
        world = make_short_world(1, concurrent=concurrent)
        world.hook = crash_at(number)
        if problems := problems_of(world):
            found[f"{number} {names(concurrent=concurrent)[number - 1]}"] = problems[:4]
        assert 1 == world.crashes

    assert {} == found


@pytest.mark.parametrize("gap", [1, 2, 5, 9, 14, 22, 40])
def test_a_process_may_die_again_while_it_recovers(gap: int) -> None:
    """
    F02, ioN depth 2: a crash during recovery is one more crash.
    """
    found = {}
    count = len(names(concurrent=True))
    for number in range(gap, count, 13):
        world = make_short_world(1)
        world.hook = crash_at(number, number + gap)
        if problems := problems_of(world):
            found[number] = problems[:4]
        assert 2 >= world.crashes >= 1

    assert {} == found


@pytest.mark.parametrize("part", range(PARTS))
def test_the_disk_may_fail_at_any_operation(part: int) -> None:
    """
    F04, F05: HALTED at once, nothing is sent any more, the process ends, and after a restart all is well.
    """
    found: dict[str, list[str]] = {}
    points = names(concurrent=True)
    disk = [number for number, what in enumerate(points, 1) if what in DISK]
    for number in disk[part::PARTS]:
        world = make_short_world(1)
        after: list[str] = []
        world.hook = functools.partial(_fail_at, world, number, after)
        problems = problems_of(world)
        # Everything that this process did after its disk had failed; cancels are safe, and allowed.
        problems += [f"{what} after the disk had failed" for what in after if what == "submit"]
        if problems or world.halted != 1:
            found[f"{number} {points[number - 1]}"] = [f"ended {world.halted} times", *problems[:4]]

    assert {} == found


def _fail_at(world: World, number: int, after: list[str], now: int, what: str) -> None:
    if now == number:
        after.append("failed")
        raise JournalError("no space left on device")
    if after and world.crashes == 0 and world.engine is not None:
        after.append(what)
        # Not asserted here: an adapter that raises is nothing special to the engine.
        if world.engine.session.state.trading_state is not TradingState.HALTED:
            world.problems.append(f"{what} while {world.engine.session.state.trading_state}")
