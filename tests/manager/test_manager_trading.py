"""
What becomes of a signal: every outcome of the product document's `execute_trade`.
"""

import asyncio
from decimal import Decimal

import pytest

from ltm import InvalidTransition, RiskManager, SignalError, TradeExecutionError
from ltm.model.reports import Ambiguous, NotSent, Refused

PATIENCE = 20.0


def test_a_market_order_fills_at_once_and_the_fill_is_in_the_result(desk):
    """The quantity is worked out: a tenth of the equity at the worst price expected, whole lots."""
    result = desk.trade(desk.start())

    assert ("filled", "AAA", "buy") == (result.status, result.symbol, result.action)
    assert (Decimal(98), Decimal(98), Decimal("100.02")) == (
        result.quantity,
        result.filled_quantity,
        result.average_fill_price,
    )
    assert (result.client_order_id, None, ()) == (
        desk.door.submitted[0].client_order_id,
        result.duplicate_of,
        result.reasons,
    )


def test_an_order_that_waits_is_working(desk):
    result = desk.trade(desk.start(), order_type="limit", limit_price=50, quantity=10)

    assert ("working", Decimal(0), None) == (
        result.status,
        result.filled_quantity,
        result.average_fill_price,
    )


def test_a_hold_is_ignored(desk):
    """BAD-052: no order."""
    session = desk.start()

    result = desk.trade(session, action="hold")

    assert ("ignored", None) == (result.status, result.client_order_id)
    assert [] == desk.door.submitted


def test_a_sell_without_a_position_is_denied_not_sent(desk):
    """Ruling 10: denied nothing_to_sell unless shorting is on."""
    session = desk.start()

    result = desk.trade(session, action="sell")

    assert ("denied", "nothing_to_sell") == (result.status, result.reasons[0].code)
    assert [] == desk.door.submitted


def test_a_sell_closes_the_whole_position(desk):
    """Ruling 10."""
    session = desk.start()
    bought = desk.trade(session)

    sold = desk.trade(session, action="sell")

    assert ("filled", bought.filled_quantity) == (sold.status, sold.filled_quantity)
    assert {} == desk.manager.get_current_positions(session).positions


def test_a_denial_by_a_limit_is_an_answer_with_numbers(desk):
    """Ruling 4: a risk check that fails is no exception."""
    session = desk.start()

    result = desk.trade(session, quantity=400)

    assert "denied" == result.status
    reason = next(reason for reason in result.reasons if reason.code == "position_size")
    assert reason.measured > reason.limit == Decimal(30_000)
    assert "worst-case position" in reason.message


def test_without_a_price_nothing_is_bought(make_desk):
    """Ruling 9: the sizer needs a usable mark."""
    desk = make_desk()
    text = "\n".join(
        line for line in (desk.folder / "prices.csv").read_text().splitlines() if not line.endswith("x")
    )
    late = text.replace("2026-01-05T15:00:00Z,BBB", "2026-01-05T15:59:59Z,CCC", 1).splitlines()
    rows = [late[0], *sorted(late[1:])]
    (desk.folder / "prices.csv").write_text("\n".join(rows) + "\n")

    result = desk.trade(desk.start(), "CCC")

    assert ("denied", "no_price") == (result.status, result.reasons[-1].code)


def test_a_refusal_by_the_venue_is_rejected(make_desk):
    """Ruling 4."""

    async def submit(call, approval):
        return Refused("halted", "the symbol is halted")

    desk = make_desk(tamper={"submit": submit})

    result = desk.trade(desk.start())

    assert ("rejected", "halted", "the symbol is halted") == (
        result.status,
        result.reasons[0].code,
        result.reasons[0].message,
    )


@pytest.mark.parametrize("problem", [Ambiguous("no answer"), OSError("reset"), None], ids=repr)
def test_what_nobody_knows_is_unknown_and_counts_as_open(make_desk, problem):
    """Ruling 4: ambiguous is status unknown, with the client order id; never sent again."""

    async def submit(call, approval):
        if isinstance(problem, Exception):
            raise problem
        return problem

    desk = make_desk(tamper={"submit": submit, "find_order": _never})
    session = desk.start()

    result = desk.trade(session)

    assert "unknown" == result.status
    assert result.client_order_id == desk.door.submitted[0].client_order_id
    assert 1 == desk.manager.get_trading_status(session).unknown_orders
    assert ("denied", "unknown_order") == ((again := desk.trade(session)).status, again.reasons[0].code)


async def _never(call, *arguments):
    raise ConnectionResetError


def test_an_unknown_order_becomes_known(make_desk, hear):
    """The reply was lost, the order was not: asking finds it, and the same signal then tells."""

    async def submit(call, approval):
        await call(approval)
        raise TimeoutError

    async def lose(call, since):
        return [] if len(desk.door.submitted) == 0 else await call(since)

    desk = make_desk(tamper={"submit": submit, "fills": lose})
    session = desk.start()
    signal = desk.signal()

    first = desk.manager.execute_trade(session, signal)
    again = desk.manager.execute_trade(session, signal)

    assert first.status in {"unknown", "filled"}
    assert first.client_order_id == again.client_order_id
    assert 1 == len(desk.door.submitted)


def test_an_order_that_certainly_was_not_sent_is_a_runtime_error(make_desk):
    """Ruling 4: RuntimeError only if the request certainly was not sent; the same signal says so again."""

    async def submit(call, approval):
        return NotSent("the connection is down")

    desk = make_desk(tamper={"submit": submit})
    session = desk.start()
    signal = desk.signal()

    for _ in range(2):
        with pytest.raises(TradeExecutionError, match=r"was not sent: .*the connection is down") as caught:
            desk.manager.execute_trade(session, signal)
        assert isinstance(caught.value, RuntimeError)
    assert 1 == len(desk.door.submitted)
    assert 0 == desk.manager.get_trading_status(session).open_orders


def test_a_call_does_not_wait_for_ever_for_an_answer(make_desk, monkeypatch):
    """The wait is bounded; what is not answered by then is working, and counts as open."""
    gates = []

    async def submit(call, approval):
        gates.append((asyncio.get_running_loop(), gate := asyncio.Event()))
        await gate.wait()
        return await call(approval)

    monkeypatch.setattr("ltm.manager._live.GRACE_SECONDS", -9.9)
    desk = make_desk(tamper={"submit": submit})
    session = desk.start()

    # The mock broker is asked inline: its engine waits with it, and the caller does not.
    result = desk.trade(session)
    [(loop, gate)] = gates
    loop.call_soon_threadsafe(gate.set)

    assert ("working", Decimal(0)) == (result.status, result.filled_quantity)


def test_the_same_signal_again_is_the_same_result_and_no_order(desk):
    """BAD-065."""
    session = desk.start()
    signal = desk.signal()
    first = desk.manager.execute_trade(session, signal)
    before = desk.fingerprint(session)

    again = desk.manager.execute_trade(session, signal)

    assert (first.client_order_id, first.signal_key) == (again.client_order_id, again.duplicate_of)
    assert (first.status, first.filled_quantity) == (again.status, again.filled_quantity)
    assert 1 == len(desk.door.submitted)
    assert before == desk.fingerprint(session)


def test_a_denial_is_remembered_like_an_order(desk):
    session = desk.start()
    signal = desk.signal(action="sell")
    first = desk.manager.execute_trade(session, signal)
    desk.trade(session)

    again = desk.manager.execute_trade(session, signal)

    assert ("denied", first.reasons, first.signal_key) == (again.status, again.reasons, again.duplicate_of)


def test_a_stop_loss_sells_without_being_asked(make_desk, hear):
    """C33: and the position is gone."""
    desk = make_desk([100.0, 100.0, 100.0, *[98.0 - step / 2 for step in range(20)], *[88.0] * 60])
    session = desk.start(stop_loss_pct=0.05)
    desk.trade(session)
    filled = hear("OrderFilled")

    desk.clock.advance(40)

    assert filled.wait(PATIENCE)
    assert {} == desk.manager.get_current_positions(session).positions
    assert 2 == len(desk.manager.get_trade_history(session))


def test_max_daily_trades_counts_entries(desk):
    """Ruling 6."""
    session = desk.start(max_daily_trades=1)

    first, second, close = desk.trade(session), desk.trade(session), desk.trade(session, action="sell")

    assert ["filled", "denied", "filled"] == [first.status, second.status, close.status]
    assert "max_daily_trades" == second.reasons[0].code


def test_outside_its_hours_a_session_denies(desk):
    """Trading hours are half-open and local to the timezone."""
    session = desk.start(trading_hours={"start": "09:30", "end": "15:00"}, timezone="UTC")

    result = desk.trade(session)

    assert ("denied", "outside_trading_hours") == (result.status, result.reasons[0].code)


def test_a_session_in_a_time_zone_of_its_own(desk):
    """15:00 UTC is 10:00 in New York; the lunch break is a second window."""
    windows = [{"start": "09:30", "end": "11:30"}, {"start": "13:00", "end": "15:00"}]

    result = desk.trade(desk.start(trading_hours=windows, timezone="America/New_York"))

    assert "filled" == result.status


def test_sectors_are_judged_by_the_map(make_desk):
    desk = make_desk(
        risk=RiskManager(
            sectors={"AAA": "tech"}, rules={"sector_concentration": {"max_sector_fraction": 0.3}}
        )
    )
    session = desk.start()

    results = [desk.trade(session, quantity=98) for _ in range(4)]
    stranger = desk.trade(session, "BBB")

    assert ["filled", "filled", "filled", "denied"] == [result.status for result in results]
    assert {"position_size", "sector_concentration"} == {reason.code for reason in results[3].reasons}
    assert ("denied", "sector_unknown") == (stranger.status, stranger.reasons[-1].code)


def test_without_a_map_all_symbols_are_one_sector(desk):
    """The rule is never silently off: four tenths of equity at most in what has no sector."""
    session = desk.start()

    sizes = {"AAA": 98, "BBB": 196}
    results = [
        desk.trade(session, symbol, quantity=sizes[symbol]) for symbol in ("AAA", "BBB", "AAA", "BBB", "AAA")
    ]

    assert ["filled"] * 4 == [result.status for result in results[:4]]
    assert "denied" == results[4].status
    assert ["sector_concentration"] == [reason.code for reason in results[4].reasons]


def test_a_signal_whose_key_was_used_for_other_content_is_refused(desk):
    """BAD-066."""
    session = desk.start()
    signal = desk.signal()
    desk.manager.execute_trade(session, signal)
    before = desk.fingerprint(session)

    other = desk.signal(timestamp=signal.timestamp, intent=signal.intent, confidence=0.1)
    with pytest.raises(SignalError, match="was sent before with other content") as caught:
        desk.manager.execute_trade(session, other)

    assert "LTM-SIG-066" == caught.value.code
    assert before == desk.fingerprint(session)


# --- Replacing ------------------------------------------------------------------------------------


def replace(desk, session, result, **wanted):
    return desk.manager.replace_order(session, result.client_order_id, **wanted)


def test_an_order_that_waits_can_be_replaced(desk):
    """REL-2: the old one is gone, the new one has an id of its own and is judged anew."""
    session = desk.start()
    waiting = desk.trade(session, order_type="limit", limit_price=50, quantity=10)

    result = replace(desk, session, waiting, limit_price=200, quantity=20.0)

    assert ("filled", "AAA", "buy", Decimal(20)) == (
        result.status,
        result.symbol,
        result.action,
        result.filled_quantity,
    )
    assert result.client_order_id != waiting.client_order_id
    assert [waiting.client_order_id, result.client_order_id] == [
        approval.client_order_id for approval in desk.door.submitted
    ]


def test_a_replacement_that_is_denied_says_why(desk):
    """RSK-07: then nothing is open any more."""
    session = desk.start()
    waiting = desk.trade(session, order_type="limit", limit_price=50, quantity=10)

    result = replace(desk, session, waiting, quantity=5_000)

    assert ("denied", waiting.client_order_id) == (result.status, result.client_order_id)
    assert "position_size" in {reason.code for reason in result.reasons}
    assert not desk.live(session).state.orders


def test_a_replacement_that_came_too_late_says_so(desk):
    """REL-2: the venue no longer cancels it."""
    session = desk.start()
    waiting = desk.trade(session, order_type="limit", limit_price=50, quantity=10)

    async def cancel(call, *arguments):
        return Refused("too_late", "it trades")

    desk.door.tamper["cancel"] = cancel
    result = replace(desk, session, waiting, quantity=11)

    assert ("working", waiting.client_order_id, ["not_replaced"]) == (
        result.status,
        result.client_order_id,
        [reason.code for reason in result.reasons],
    )


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({}, "must differ from it"),
        ({"quantity": "many"}, 'quantity must be a finite number, got "many"'),
        ({"quantity": float("nan")}, "quantity must be a finite number, got nan"),
        ({"limit_price": True}, "limit_price must be a finite number, got True"),
        ({"trigger_price": 5}, "a limit order takes no trigger_price"),
    ],
    ids=str,
)
def test_a_replacement_that_is_none_changes_nothing(desk, wanted, text):
    """BAD-072: an error that a caller may catch as ValueError."""
    session = desk.start()
    waiting = desk.trade(session, order_type="limit", limit_price=50, quantity=10)
    before = desk.fingerprint(session)

    with pytest.raises(ValueError, match=text):
        replace(desk, session, waiting, **wanted)

    assert before == desk.fingerprint(session)


def test_an_order_that_is_not_there_cannot_be_replaced(desk):
    """BAD-033."""
    with pytest.raises(InvalidTransition, match='no open order "nothing"'):
        desk.manager.replace_order(desk.start(), "nothing", quantity=1)
