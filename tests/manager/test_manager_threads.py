"""
BAD-076: calls from any thread, after the end, and from inside; and the same manager without a thread.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ltm import AsyncLiveTradingManager, InvalidTransition, LiveTradingManager
from ltm.app import PluginObservers
from ltm.manager._logger import Watcher


def test_calls_from_many_threads_take_turns(desk):
    session = desk.start()
    same = desk.signal("AAA", quantity=1)
    signals = [desk.signal("AAA", quantity=1) for _ in range(40)] + [same] * 10

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(lambda signal: desk.manager.execute_trade(session, signal), signals))

    assert {"filled"} == {result.status for result in results}
    assert 41 == len(desk.door.submitted) == len({result.client_order_id for result in results})
    assert 9 == sum(result.duplicate_of is not None for result in results)
    assert 41 == desk.manager.get_current_positions(session).positions["AAA"].quantity


def test_after_the_end_every_call_says_so(desk):
    session = desk.start()
    manager = desk.manager
    manager.close()
    manager.close()

    for call in (
        lambda: manager.execute_trade(session, desk.signal()),
        lambda: manager.get_trading_status(session),
        lambda: manager.stop_trading(session),
        desk.start,
        manager.list_sessions,
    ):
        with pytest.raises(InvalidTransition, match="cannot use this manager any more: it was closed"):
            call()


def test_closing_stops_the_sessions_as_their_terms_say(make_desk):
    desk = make_desk()
    session = desk.start(on_stop="flatten")
    desk.trade(session)

    desk.manager.close()

    assert "lifecycle_changed" == desk.kinds(session)[-1]
    assert 2 == desk.kinds(session).count("order_filled")


def test_a_manager_that_was_never_used_closes(desk):
    with desk.manager as same:
        assert same is desk.manager


def test_a_call_from_inside_is_refused_and_nothing_hangs(desk, monkeypatch):
    """From a hook, an observer or a sink: an error, no deadlock."""
    session = desk.start()
    heard = []

    def on_event(self, event):
        try:
            desk.manager.get_trading_status(session)
        except InvalidTransition as error:
            heard.append(error)

    monkeypatch.setattr(Watcher, "on_event", on_event)
    result = desk.trade(session)

    assert "filled" == result.status
    assert "LTM-SES-004" == heard[0].code
    assert "cannot call the manager from inside itself" in heard[0].message
    monkeypatch.undo()
    assert "active" == desk.manager.get_trading_status(session).status


def test_closing_from_inside_is_refused(desk, monkeypatch):
    session = desk.start()
    heard = []

    def on_event(self, event):
        with pytest.raises(InvalidTransition) as caught:
            desk.manager.close()
        heard.append(caught.value.code)

    monkeypatch.setattr(Watcher, "on_event", on_event)
    desk.trade(session)
    monkeypatch.undo()

    assert {"LTM-SES-004"} == set(heard)


def test_who_waits_while_the_manager_closes_hears_of_it(make_desk):
    waiting = threading.Event()
    gates = []

    async def submit(call, approval):
        gates.append(approval)
        waiting.set()
        await asyncio.sleep(0)
        return await call(approval)

    desk = make_desk(tamper={"submit": submit})
    session = desk.start()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(desk.trade, session)
        assert waiting.wait(10)
        desk.manager.close()
        error = future.exception(10)

    assert error is None or "closed" in error.message


def test_a_plugin_that_only_looks_on_may_fail(desk, caplog):
    """`ltm_observe`: isolated, never a veto."""
    seen = []
    session = desk.start()
    live = desk.live(session)

    def fails(event):
        raise RuntimeError("boom")

    live.engine.observers = (PluginObservers([fails, seen.append]),)
    live.engine.session.listener = live.engine._seen.append
    result = desk.trade(session)

    assert "filled" == result.status
    assert {"OrderIntended", "OrderFilled"} <= {type(event).__name__ for event in seen}
    assert "a plugin's ltm_observe failed" in caplog.text


async def test_the_same_without_a_thread(make_desk):
    """AsyncLiveTradingManager: the same methods, awaited."""
    desk = make_desk(manager=AsyncLiveTradingManager)
    async with desk.manager as manager:
        session = await manager.start_live_trading("m1", 100_000, desk.config())
        name = session.session_id
        result = await manager.execute_trade(name, desk.signal())
        results = await asyncio.gather(
            *(manager.execute_trade(name, desk.signal("BBB", quantity=1)) for _ in range(5))
        )
        await manager.pause_trading(name)
        paused = await manager.get_trading_status(name)
        await manager.resume_trading(name)
        portfolio = await manager.get_current_positions(name)
        alert = await manager.check_risk_alerts(name)
        batch = await manager.execute_batch_trades(name, [desk.signal("AAA", "sell")])
        summary = await manager.stop_trading(name)
        history = await manager.get_trade_history(name)
        sessions = await manager.list_sessions()

    assert ["filled"] * 7 == [one.status for one in (result, *results, *batch)]
    assert ("paused", None, ["m1"]) == (paused.status, alert, sessions)
    assert 5 == portfolio.positions["BBB"].quantity
    assert 7 == summary["fills"] == len(history)
    with pytest.raises(InvalidTransition, match="it was closed"):
        await manager.list_sessions()


async def test_a_caller_that_gives_up_waiting_does_no_harm(make_desk):
    """A cancelled call leaves the engine and its order alone."""
    gate = asyncio.Event()

    async def submit(call, approval):
        await gate.wait()
        return await call(approval)

    desk = make_desk(manager=AsyncLiveTradingManager, tamper={"submit": submit})
    async with desk.manager as manager:
        await manager.start_live_trading("m1", 100_000, desk.config())
        signal = desk.signal()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await manager.execute_trade("m1", signal)
        gate.set()
        result = await manager.execute_trade("m1", signal)

    assert "filled" == result.status
    assert 1 == len(desk.door.submitted)


def test_every_method_is_on_both_faces():
    def public(kind):
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(AsyncLiveTradingManager) == public(LiveTradingManager)


def test_eight_threads_trade_look_and_pause_without_tearing_anything(desk):
    """
    BAD-076, F48: calls from outside the loop are serialised; positions, orders and journal add up afterwards.
    """
    session = desk.start()
    manager = desk.manager
    signals = [desk.signal("AAA", quantity=1) for _ in range(100)]

    def trade(part):
        return [manager.execute_trade(session, signal) for signal in signals[part::5]]

    def look(_):
        for _ in range(50):
            manager.get_trading_status(session)
            manager.get_current_positions(session)
        return []

    def wave(_):
        for _ in range(10):
            manager.pause_trading(session)
            manager.resume_trading(session)
        return []

    works = [(trade, 0), (trade, 1), (look, 0), (trade, 2), (wave, 0), (trade, 3), (look, 1), (trade, 4)]
    with ThreadPoolExecutor(len(works)) as pool:
        under_way = [pool.submit(work, part) for work, part in works]
        results = [result for one in under_way for result in one.result(60)]
    filled = sum(result.status == "filled" for result in results)

    assert 100 == len(results)
    assert {"filled", "denied"} >= {result.status for result in results}
    assert filled == manager.get_current_positions(session).positions["AAA"].quantity
    assert filled == len(desk.door.submitted)
    assert filled == desk.kinds(session).count("order_filled")
