"""
Clocks, identity and randomness: the only doors to the machine's own.
"""

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from ltm.engine import clock

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def test_the_system_clock_is_aware_utc_and_its_intervals_never_go_back() -> None:
    """
    I-19: intervals are measured with `monotonic` alone.
    """
    system = clock.SystemClock()
    readings = [system.monotonic() for _ in range(100)]

    assert timedelta(0) == system.now().utcoffset()
    assert sorted(readings) == readings


def test_a_virtual_clock_moves_only_when_told_and_both_readings_go_in_step() -> None:
    """
    O8: a session on a virtual clock sees no other time.
    """
    virtual = clock.VirtualClock(START)
    virtual.advance(1.5)
    virtual.set(START + timedelta(minutes=1))

    assert START + timedelta(minutes=1) == virtual.now()
    assert 60.0 == virtual.monotonic()


def test_a_virtual_clock_ignores_a_moment_before_its_own() -> None:
    """
    F08: a wall clock that steps back does not take intervals with it.
    """
    virtual = clock.VirtualClock(START)
    virtual.set(START - timedelta(hours=1))

    assert START == virtual.now()
    assert 0.0 == virtual.monotonic()


def test_a_virtual_clock_speaks_utc_whatever_zone_it_was_given() -> None:
    """
    Time in the kernel is aware UTC.
    """
    shanghai = timezone(timedelta(hours=8))
    virtual = clock.VirtualClock(START.astimezone(shanghai))

    assert UTC is virtual.now().tzinfo
    assert START == virtual.now()


def test_a_virtual_clock_refuses_a_naive_start() -> None:
    """
    Ruling 1: naive times have no meaning inside.
    """
    with pytest.raises(ValueError, match="time zone"):
        clock.VirtualClock(datetime(2026, 3, 2))  # noqa: DTZ001 - that is the mistake


def test_a_virtual_clock_refuses_to_advance_backwards() -> None:
    """
    I-19: monotonic time never goes back.
    """
    with pytest.raises(ValueError, match="must not be negative"):
        clock.VirtualClock(START).advance(-1)


def test_a_process_knows_who_it_is() -> None:
    """
    F33: the second process is told pid, host and start time of the first.
    """
    identity = clock.process_identity()

    assert os.getpid() == identity.pid
    assert identity.host
    assert clock.boot_id() == identity.boot_id
    assert timedelta(0) == datetime.fromisoformat(identity.started_at).utcoffset()


def test_random_bits_are_as_many_as_asked_and_differ() -> None:
    """
    REL 2.2.2: a session's key has 40 random bits, so that two journals never collide.
    """
    drawn = {clock.random_bits(40) for _ in range(50)}

    assert 50 == len(drawn)
    assert all(0 <= bits < 1 << 40 for bits in drawn)


def test_a_directory_and_a_file_can_be_made_durable(tmp_path: Path) -> None:
    """
    REL-3: write, fsync, rename, fsync the directory.
    """
    with (tmp_path / "file").open("wb") as file:
        clock.fsync(file.fileno())
    clock.fsync_directory(tmp_path)


def test_a_pause_of_no_time_returns() -> None:
    """
    The one way to block a thread is here too.
    """
    clock.pause(0)
