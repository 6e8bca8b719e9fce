"""
Several signals at once: BAD-068 to BAD-071, and the order in which they count.
"""

import asyncio
import time
from decimal import Decimal

import pytest

from ltm import ConfigError, RiskManager, SignalError
from ltm.model.reports import Acked, NotSent


@pytest.fixture
def session(desk):
    return desk.start()


def batch(desk, session, *signals, **more):
    return desk.manager.execute_batch_trades(session, list(signals), **more)


def test_a_batch_gives_one_result_for_each_signal_in_its_order(desk, session):
    results = batch(
        desk,
        session,
        desk.signal("AAA"),
        desk.signal("NOPE"),
        desk.signal("BBB"),
        desk.signal("AAA", "hold"),
    )

    assert [("AAA", "filled"), ("NOPE", "denied"), ("BBB", "filled"), ("AAA", "ignored")] == [
        (result.symbol, result.status) for result in results
    ]


def test_an_empty_batch_is_an_empty_list(desk, session):
    """BAD-068."""
    assert [] == batch(desk, session)


@pytest.mark.parametrize(
    "signals",
    [None, "buy", {"a": 1}, {1, 2}, (item for item in ()), 7],
    ids=["None", "text", "dict", "set", "generator", "number"],
)
def test_what_is_no_list_is_refused(desk, session, signals):
    """BAD-068."""
    before = desk.fingerprint(session)

    with pytest.raises(SignalError, match="signals must be a list of Signal, got ") as caught:
        desk.manager.execute_batch_trades(session, signals)

    assert ("LTM-SIG-068", before) == (caught.value.code, desk.fingerprint(session))


def test_a_bad_item_gets_its_result_and_the_others_go_on(desk, session):
    """BAD-069: status invalid, with the code."""
    results = batch(desk, session, desk.signal("AAA"), {"stock_code": "BBB"}, None, desk.signal("BBB"))

    assert ["filled", "invalid", "invalid", "filled"] == [result.status for result in results]
    assert ("LTM-SIG-067", "signals[1] must be a Signal, got dict") == (
        results[1].reasons[0].code,
        results[1].reasons[0].message,
    )


def test_a_bad_time_in_a_batch_is_named_with_its_place(desk):
    session = desk.start(naive_timestamps="reject")

    [result] = batch(desk, session, desk.signal(timestamp="2026-01-05T15:00:00"))

    assert ("invalid", "AAA", "buy") == (result.status, result.symbol, result.action)
    assert result.reasons[0].message.startswith("signals[0].timestamp must carry a UTC offset here, got ")


def test_all_or_nothing_is_an_option(desk, session):
    """BAD-069: on_invalid = "reject_all": nothing is sent, all problems are listed."""
    old = desk.signal()
    desk.manager.execute_trade(session, old)
    sent, before = len(desk.door.submitted), desk.fingerprint(session)
    again = desk.signal(timestamp=old.timestamp, intent=old.intent, score=0.1)
    twin = desk.signal("BBB")
    other = desk.signal("BBB", timestamp=twin.timestamp, intent=twin.intent, score=0.2)

    with pytest.raises(SignalError) as caught:
        batch(desk, session, desk.signal(), {}, again, twin, other, on_invalid="reject_all")

    assert ["signals[1]", "signals[2]", "signals[4]"] == [problem.field for problem in caught.value.problems]
    assert (sent, before) == (len(desk.door.submitted), desk.fingerprint(session))
    assert ["filled"] == [
        result.status for result in batch(desk, session, desk.signal(), on_invalid="reject_all")
    ]


def test_a_key_used_for_other_content_is_invalid_in_a_batch(desk, session):
    """BAD-066 inside BAD-069."""
    first = desk.signal()
    other = desk.signal(timestamp=first.timestamp, intent=first.intent, score=0.1)

    results = batch(desk, session, first, other)

    assert ["filled", "invalid"] == [result.status for result in results]
    assert "LTM-SIG-066" == results[1].reasons[0].code


def test_a_million_signals_are_refused_at_once(desk, session):
    """BAD-070: in less than a tenth of a second, whatever they are."""
    signals = [None] * 1_000_000
    before = desk.fingerprint(session)
    began = time.process_time()

    with pytest.raises(SignalError, match="batch has 1,000,000 signals, limit 1,000"):
        desk.manager.execute_batch_trades(session, signals)

    assert time.process_time() - began < 0.1
    assert before == desk.fingerprint(session)


def test_buy_and_sell_of_a_symbol_follow_each_other(desk, session):
    """BAD-071: the sell finds the position that the buy before it made."""
    results = batch(desk, session, desk.signal("AAA"), desk.signal("AAA", "sell"), desk.signal("AAA", "sell"))

    assert ["filled", "filled", "denied"] == [result.status for result in results]
    assert results[0].filled_quantity == results[1].filled_quantity


def test_fifty_times_the_same_signal_is_one_order(desk, session):
    """BAD-071, BAD-065."""
    results = batch(desk, session, *[desk.signal()] * 50)

    assert 1 == len(desk.door.submitted)
    assert 1 == len({result.client_order_id for result in results})
    assert [None, *[results[0].signal_key] * 49] == [result.duplicate_of for result in results]


def test_each_signal_sees_what_the_ones_before_it_reserved(desk, session):
    """RSK-07: different symbols share one commit, and the cash they reserve."""
    commits = []
    store = desk.live(session).journal._store
    commit = store.commit
    store.commit = lambda: (commits.append(len(store.pending)), commit())

    results = batch(
        desk,
        session,
        desk.signal("AAA", quantity=250),
        desk.signal("BBB", quantity=500, order_type="limit", limit_price=40),
    )

    assert ["filled", "denied"] == [result.status for result in results]
    assert "sector_concentration" in {reason.code for reason in results[1].reasons}
    assert 1 == sum(count > 1 for count in commits[:1])


def test_exits_may_go_first(desk, session):
    """`order = "exits_first"`: what the exits free, the entries may use; results stay in the given order."""
    desk.trade(session, quantity=290)
    signals = [desk.signal("BBB", quantity=500), desk.signal("AAA", "sell")]

    given = batch(desk, session, *signals)
    desk.trade(session, quantity=290)
    first = batch(
        desk, session, desk.signal("BBB", quantity=500), desk.signal("AAA", "sell"), order="exits_first"
    )

    assert ["denied", "filled"] == [result.status for result in given]
    assert [("BBB", "filled"), ("AAA", "filled")] == [(result.symbol, result.status) for result in first]


def test_a_batch_is_brought_to_its_weights(make_desk):
    """
    The sizer `target_weights`: exits first, then entries, each against what the ones before it reserved.
    """
    desk = make_desk(risk=RiskManager(sectors={"AAA": "one", "BBB": "two"}))
    session = desk.start(sizer="target_weights", max_position_size=0.65)
    batch(desk, session, desk.signal("AAA", score=0.55), desk.signal("BBB", score=0.4))
    swap = [
        desk.signal("BBB", score=0.5),
        desk.signal("AAA", "sell", score=0.3),
        desk.signal("AAA", score=0.3),
    ]

    bought, sold, again = batch(desk, session, *swap, order="exits_first")

    assert (("filled", Decimal(244)), "AAA") == ((sold.status, sold.filled_quantity), sold.symbol)
    assert (("filled", Decimal(198)), "BBB") == ((bought.status, bought.filled_quantity), bought.symbol)
    assert ("denied", "zero_size") == (again.status, again.reasons[0].code)


def test_entries_of_a_batch_share_what_is_there(make_desk):
    """
    RSK-07: weights of 0.6 and 0.6 do not fit: the second gets what the first one left, and no more.
    """
    desk = make_desk(risk=RiskManager(sectors={"AAA": "one", "BBB": "two"}))
    session = desk.start(sizer="target_weights", max_position_size=0.65)

    first, second = batch(desk, session, desk.signal("AAA", score=0.6), desk.signal("BBB", score=0.6))

    spent = [result.filled_quantity * result.average_fill_price for result in (first, second)]
    assert ["filled", "filled"] == [first.status, second.status]
    assert spent[0] > 59_000
    assert 39_000 < spent[1] < 100_000 - spent[0]


def test_entries_of_a_batch_wait_for_the_fills_of_its_exits(make_desk):
    """`order = "exits_first"`: the venue's answer frees nothing yet; the fill does, when it comes."""
    tasks, order = [], []

    async def fill(call, approval):
        for _ in range(20):
            await asyncio.sleep(0)
        order.append("sold")
        await call(approval)

    async def submit(call, approval):
        if approval.draft.side == "sell":
            tasks.append(asyncio.create_task(fill(call, approval)))
            return Acked("v1")
        order.append("bought")
        return await call(approval)

    desk = make_desk(tamper={"submit": submit})
    session = desk.start()
    desk.trade(session, quantity=290)

    bought, sold = batch(
        desk, session, desk.signal("BBB", quantity=500), desk.signal("AAA", "sell"), order="exits_first"
    )

    assert ("working", "filled") == (sold.status, bought.status)
    assert ["bought", "sold", "bought"] == order


@pytest.mark.parametrize("option", [{"order": "random"}, {"on_invalid": None}], ids=["order", "on_invalid"])
def test_an_option_has_the_values_it_has(desk, session, option):
    with pytest.raises(ConfigError, match=f"{next(iter(option))} must be "):
        batch(desk, session, desk.signal(), **option)


def test_one_that_was_not_sent_does_not_hide_the_others(make_desk):
    """The batch has a result for each: what certainly was not sent is rejected there."""

    async def submit(call, approval):
        return NotSent("the line is cut") if approval.draft.symbol == "AAA" else await call(approval)

    desk = make_desk(tamper={"submit": submit})
    session = desk.start()

    results = batch(desk, session, desk.signal("AAA"), desk.signal("BBB"))

    assert ["rejected", "filled"] == [result.status for result in results]
    assert ("LTM-EXE-001", Decimal(0)) == (results[0].reasons[0].code, results[0].filled_quantity)


def test_a_tuple_is_as_good_as_a_list(desk, session):
    assert 1 == len(desk.manager.execute_batch_trades(session, (desk.signal(),)))
