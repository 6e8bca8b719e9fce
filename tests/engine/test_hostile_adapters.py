"""
Adapters that answer late, lazily, in their own words or not at all: a session outlasts them (F26, F21).
"""

from __future__ import annotations

import asyncio

import pytest

from ltm.engine.control import look
from ltm.model.reports import LinkReport

from .conftest import Door, quotes


def running(make_bench, **options):
    bench = make_bench(prices=quotes(400, "0"), **options)
    bench.start()
    bench.second(2)
    return bench


@pytest.mark.parametrize("question", ["open_orders", "fills", "positions", "account"])
def test_an_answer_that_fails_only_when_it_is_looked_at_is_no_answer(make_bench, question):
    """
    F26: rows made lazily may raise late; the sweep is incomplete, and the next one asks again.
    """
    bench = running(make_bench)
    asked = []

    async def lazy(call, *about):
        del call, about
        asked.append(question)
        return (int("x") for _ in (1,)) if question != "account" else int("x")

    bench.door.tamper[question] = lazy
    bench.second(70)
    failed = len(asked)
    bench.door.tamper.clear()
    bench.second(70)

    assert failed
    assert not bench.engine.session.context.sweeping
    assert bench.engine.session.state.reconciled_at is not None


@pytest.mark.parametrize("method", ["open_orders", "fills", "positions", "account"])
def test_a_method_that_raises_before_it_is_awaited_is_no_answer(make_bench, monkeypatch, method):
    """
    F26: a port's method may be a plain function.
    """
    bench = running(make_bench)

    def broken(*_):
        raise RuntimeError("not today")

    monkeypatch.setattr(Door, method, broken)
    bench.second(70)

    assert not bench.engine.session.context.sweeping


def test_a_submit_that_raises_before_it_is_awaited_leaves_the_outcome_open(make_bench, monkeypatch):
    """
    REL 2.2.4: an exception from the adapter is never a rejection, and never the end of the session.
    """
    bench = running(make_bench)

    def broken(*_):
        raise RuntimeError("not today")

    monkeypatch.setattr(Door, "submit", broken)
    bench.submit()
    bench.turn()
    bench.second()

    assert "order_unknown" in bench.kinds()


def test_a_report_of_an_adapters_own_class_is_a_report(make_bench):
    """
    F21: what counts is what it is, not what it is called.
    """

    class OwnLinkReport(LinkReport, frozen=True):
        pass

    bench = running(make_bench)
    bench.engine.post(OwnLinkReport(up=False, at=bench.engine.clock.now(), reason="gone"))
    bench.turn()

    assert not bench.engine.session.state.link_up


@pytest.mark.parametrize("garbage", [None, "filled", 7, object(), {"fill": 1}])
def test_what_is_no_event_is_told_of_and_ends_nothing(make_bench, garbage):
    """
    F21: nothing is recorded of it.
    """
    bench = running(make_bench)
    before = bench.engine.session.state.sequence
    bench.engine.post(garbage)
    bench.turn()

    assert before == bench.engine.session.state.sequence
    assert bench.engine.session.state.link_up


def test_a_last_look_that_takes_long_is_no_hang(make_bench, monkeypatch):
    """
    RSK-44, F35: while the venue is asked at the end, the session proves life to its watchdog.
    """
    bench = running(make_bench)
    engine, beats, proven = bench.engine, [], asyncio.Event()

    def beat():
        beats.append(1)
        if len(beats) == 20:
            proven.set()

    engine.beat = beat
    monkeypatch.setattr(look, "_BEAT_SECONDS", 0.001)
    look.attest_end(engine)
    engine.stop("me")
    bench.turn()

    async def slow(call, *about):
        await asyncio.wait_for(proven.wait(), 30)
        return await call(*about)

    bench.door.tamper["positions"] = slow
    beats.clear()
    asyncio.run(engine.end())

    assert len(beats) >= 20


def test_a_venue_that_never_answers_the_last_look_keeps_nobody_from_the_end(make_bench, monkeypatch):
    """
    F30: the session ends after ten seconds, and the last word is that nobody knows.
    """
    bench = running(make_bench)
    engine = bench.engine
    monkeypatch.setattr(look, "LAST_SECONDS", 0.01)
    look.attest_end(engine)
    engine.stop("SIGTERM")
    bench.turn()

    async def never(call, *about):
        await asyncio.Event().wait()

    bench.door.tamper["positions"] = never
    asyncio.run(engine.end())
    word = engine.surroundings.last_word

    assert "stopped" == engine.session.state.lifecycle
    assert (False, "the venue did not answer within 0.01 s") == (word.given, word.problems[0])
    assert "venue_attested" in bench.kinds()
