"""
Sessions of the product document's API: start, pause, resume, stop, and what each of them refuses.
"""

import logging
from decimal import Decimal

import pytest

from ltm import (
    AlreadyRunning,
    BrokerConnectionError,
    ConfigError,
    InvalidTransition,
    JournalError,
    LiveTradingManager,
    PortfolioManager,
    RiskManager,
    SessionNotFound,
    TradingAPIAdapter,
)
from ltm.core import commands as c
from ltm.manager import Portfolio, TradingSession, TradingStatus

PATIENCE = 20.0
FALLING = [100.0, 100.0, 100.0, *[100.0 - 4 * step for step in range(1, 12)], *[56.0] * 60]


# --- Start --------------------------------------------------------------------------------------


def test_a_started_session_is_active_and_told(desk):
    """start_live_trading returns the created TradingSession."""
    session = desk.manager.start_live_trading("lgbm_model_v1", 100_000.0, desk.config())

    assert isinstance(session, TradingSession)
    assert ("lgbm_model_v1", "lgbm_model_v1", "active", "mock") == (
        session.session_id,
        session.model_id,
        session.status,
        session.broker,
    )
    assert (Decimal("100000.0"), False) == (session.initial_capital, session.live)


def test_a_model_id_that_no_file_could_have_still_names_a_session(desk):
    """A model id may hold `/`, `:` and `@`, a session id may not (SEC-32)."""
    names = [desk.start(model_id=name) for name in ("team/alpha:v2@prod", "CON", "a..b")]

    assert ["team-alpha-v2-prod", "session-CON", "a.b"] == names


def test_the_second_session_of_a_model_gets_a_number(desk):
    """A market that ends with its process cannot be taken up again."""
    assert ["m1", "m1-2"] == [desk.start(), desk.start()]
    assert ["m1", "m1-2"] == desk.manager.list_sessions()


def test_a_caller_may_name_the_session(desk):
    session = desk.manager.start_live_trading("m1", 100_000, desk.config(), session_id="mine")

    assert "mine" == session.session_id


@pytest.mark.parametrize(
    "error",
    [ConnectionRefusedError(111, "refused"), BrokerConnectionError("no route"), TimeoutError("late")],
    ids=["the adapter's error", "our error", "a timeout"],
)
def test_a_broker_that_cannot_be_reached_is_a_runtime_error_and_leaves_nothing(make_desk, error):
    """start_live_trading raises RuntimeError if the broker connection fails; locks are given back."""

    async def connect(call, deliver):
        raise error

    desk = make_desk(tamper={"connect": connect})

    with pytest.raises(BrokerConnectionError) as caught:
        desk.start()

    assert isinstance(caught.value, RuntimeError)
    assert [] == desk.manager.list_sessions()
    desk.tamper.clear()
    assert "m1" == desk.start()


def test_a_venue_that_never_answers_is_given_up(make_desk, monkeypatch):
    async def connect(call, deliver):
        import asyncio

        await asyncio.Event().wait()

    monkeypatch.setattr("ltm.manager._live.CONNECT_SECONDS", 0.05)
    desk = make_desk(tamper={"connect": connect})

    with pytest.raises(BrokerConnectionError, match=r"did not answer within 0\.05 s"):
        desk.start()


def test_a_session_that_does_not_agree_with_its_venue_is_reconciling(make_desk, monkeypatch):
    """Timeout is not success (RSK-10): it stays not ready, and signals are denied."""

    async def positions(call):
        raise ConnectionResetError

    monkeypatch.setattr("ltm.manager._live.CONNECT_SECONDS", 0.2)
    desk = make_desk(tamper={"positions": positions})

    session = desk.manager.start_live_trading("m1", 100_000, desk.config())
    result = desk.trade("m1")

    assert "reconciling" == session.status
    assert ("denied", "not_ready") == (result.status, result.reasons[0].code)


def test_two_managers_do_not_share_a_state_directory(make_desk):
    first = make_desk()
    first.start()

    second = LiveTradingManager(
        PortfolioManager(), RiskManager(), TradingAPIAdapter(), state_dir=first.folder / "state"
    )

    with second, pytest.raises(AlreadyRunning):
        second.start_live_trading("m1", 1000, first.config())


def test_real_money_needs_two_keys(desk):
    """`live=True` alone starts nothing."""
    with pytest.raises(ConfigError, match="trades real money") as caught:
        desk.manager.start_live_trading("m1", 1000, desk.config(broker="paper", live=True))

    assert "make the manager with allow_live=True" == caught.value.hint


# --- Pause and resume -----------------------------------------------------------------------------


def test_a_paused_session_lets_exits_through_and_no_entries(desk):
    """Pause means REDUCING; only a person goes up again (C37)."""
    session = desk.start()
    desk.trade(session)

    assert desk.manager.pause_trading(session) is None
    entry, close = desk.trade(session), desk.trade(session, action="sell")
    assert "paused" == desk.manager.get_trading_status(session).status
    assert desk.manager.resume_trading(session) is None
    again = desk.trade(session)

    assert ["denied", "filled", "filled"] == [entry.status, close.status, again.status]
    assert "paused" == entry.reasons[0].code
    assert "active" == desk.manager.get_trading_status(session).status


def test_a_wrong_turn_is_refused_with_the_state_it_was_met_in(desk):
    """BAD-034: pause when paused, resume when active, everything when stopped."""
    session = desk.start()
    manager = desk.manager

    with pytest.raises(InvalidTransition, match="cannot resume session m1: it is ACTIVE"):
        manager.resume_trading(session)
    manager.pause_trading(session)
    before = desk.fingerprint(session)
    with pytest.raises(InvalidTransition, match="cannot pause session m1: it is PAUSED"):
        manager.pause_trading(session)
    assert before == desk.fingerprint(session)
    manager.stop_trading(session)
    before = desk.fingerprint(session)
    for call in (
        manager.pause_trading,
        manager.resume_trading,
        lambda name: manager.execute_trade(name, desk.signal()),
        lambda name: manager.execute_batch_trades(name, [desk.signal()]),
    ):
        with pytest.raises(InvalidTransition, match="session m1: it is STOPPED") as caught:
            call(session)
        assert isinstance(caught.value, ValueError)
    assert before == desk.fingerprint(session)


def test_a_drawdown_pauses_at_the_trip_though_nobody_polls(make_desk, hear):
    """Ruling 5: the pause happens at the trip; the call only reports."""
    rules = {"drawdown": {"max_drawdown": 0.05}, "daily_loss": {"max_daily_loss": 0.5}}
    desk = make_desk(FALLING, risk=RiskManager(rules=rules))
    session = desk.start(sizer={"plugin": "equity_fraction", "fraction": 0.3})
    desk.trade(session)
    paused, raised = hear("TradingPaused"), hear("AlertRaised")

    desk.clock.advance(60)

    assert paused.wait(PATIENCE)
    assert raised.wait(PATIENCE)
    alert = desk.manager.check_risk_alerts(session)
    assert ("critical", "drawdown") == (alert["severity"], alert["code"])
    assert {"severity", "message", "code", "alert_id", "raised_at", "session_id"} <= alert.keys()
    assert alert["measured"] >= alert["limit"] == Decimal("0.05")
    result = desk.trade(session, "BBB")
    assert "denied" == result.status
    assert "paused" in {reason.code for reason in result.reasons}


def test_a_trip_is_lifted_only_by_who_names_it(make_desk, hear):
    """RSK-12: resume needs the code, and the alert is then acknowledged."""
    desk = make_desk(FALLING, risk=RiskManager(rules={"daily_loss": {"max_daily_loss": 0.03}}))
    session = desk.start(sizer={"plugin": "equity_fraction", "fraction": 0.3})
    desk.trade(session)
    paused = hear("TradingPaused")
    desk.clock.advance(60)
    assert paused.wait(PATIENCE)
    desk.trade(session, action="sell")

    codes = [reason.code for reason in desk.manager.get_trading_status(session).reasons]
    with pytest.raises(InvalidTransition, match=r"daily_loss.* must be acknowledged"):
        desk.manager.resume_trading(session)
    desk.manager.resume_trading(session, acknowledge=codes, override="daily_loss", reason="seen")

    assert "active" == desk.manager.get_trading_status(session).status
    left = desk.manager.check_risk_alerts(session)
    assert left is None or left["severity"] != "critical"


def test_an_alert_can_be_acknowledged(desk):
    session = desk.start()
    assert desk.manager.check_risk_alerts(session) is None
    desk.live(session).engine.post(c.RaiseAlert("warning", "test", "look"))
    desk.live(session).engine.post(c.RaiseAlert("info", "test", "do not look"))
    desk.manager.pause_trading(session)

    alert = desk.manager.check_risk_alerts(session)
    desk.manager.acknowledge_alert(session, alert["alert_id"])
    after = desk.manager.check_risk_alerts(session)

    assert ("warning", "look") == (alert["severity"], alert["message"])
    assert ("info", "do not look") == (after["severity"], after["message"])
    with pytest.raises(InvalidTransition, match='no alert "x" in session m1'):
        desk.manager.acknowledge_alert(session, "x")


# --- Stop -----------------------------------------------------------------------------------------


def test_the_summary_of_a_stop_is_complete_and_can_be_had_again(desk):
    """Ruling 7 and BAD-034: open orders are canceled, positions kept, both reported; stopping twice is harmless."""
    session = desk.start()
    desk.trade(session)
    working = desk.trade(session, "BBB", order_type="limit", limit_price=40, quantity=10)

    summary = desk.manager.stop_trading(session)

    assert "working" == working.status
    assert (1, 2, 0, "stopped") == (
        summary["fills"],
        summary["orders"],
        len(summary["open_orders"]),
        summary["lifecycle"],
    )
    assert {"filled": 1, "canceled": 1} == summary["orders_by_status"]
    assert ["AAA"] == [row["symbol"] for row in summary["positions"]]
    assert summary == desk.manager.stop_trading(session)
    assert "stopped" == desk.manager.get_trading_status(session).status


def test_a_stop_flattens_where_the_terms_say_so(desk):
    """on_stop = "flatten" closes positions as well."""
    session = desk.start(on_stop="flatten")
    desk.trade(session)

    summary = desk.manager.stop_trading(session)

    assert ([], 2) == (summary["positions"], summary["fills"])


def test_a_stopped_session_is_there_for_the_next_manager(make_desk):
    """The stored summary is the same in another process."""
    desk = make_desk()
    session = desk.start()
    desk.trade(session)
    summary = desk.manager.stop_trading(session)
    desk.manager.close()

    with LiveTradingManager(
        PortfolioManager(), RiskManager(), TradingAPIAdapter(), state_dir=desk.folder / "state"
    ) as later:
        assert [session] == later.list_sessions()
        assert summary == later.stop_trading(session)
        assert summary["cash"] == later.get_current_positions(session).cash
        assert 1 == len(later.get_trade_history(session))
        with pytest.raises(InvalidTransition, match="cannot pause session m1: it is STOPPED"):
            later.pause_trading(session)


def test_a_session_that_another_process_left_running_is_not_stopped_from_here(make_desk, monkeypatch):
    desk = make_desk()
    session = desk.start()
    state = desk.live(session).state
    monkeypatch.setattr(desk.manager._manager, "_sessions", {})
    monkeypatch.setattr(desk.manager._manager._state, "stored", lambda name: (state, None))

    with pytest.raises(InvalidTransition, match="it is not running in this manager"):
        desk.manager.stop_trading(session)
    monkeypatch.undo()


def test_a_market_that_is_over_ends_its_session(make_desk, hear):
    desk = make_desk([100.0] * 5)
    session = desk.start()
    ended = hear("LifecycleChanged")

    desk.clock.advance(400)

    assert ended.wait(PATIENCE)
    assert "stopped" == desk.manager.stop_trading(session)["lifecycle"]
    with pytest.raises(InvalidTransition, match="it is STOPPED"):
        desk.trade(session)


# --- Looking ----------------------------------------------------------------------------------------


def test_a_portfolio_adds_up(desk):
    """get_current_positions returns the Portfolio."""
    session = desk.start()
    result = desk.trade(session, quantity=100)

    portfolio = desk.manager.get_current_positions(session)

    assert isinstance(portfolio, Portfolio)
    assert (Decimal(100), Decimal("100.02")) == (
        portfolio.positions["AAA"].quantity,
        portfolio.positions["AAA"].average_entry_price,
    )
    assert Decimal(100_000) - result.filled_quantity * result.average_fill_price == portfolio.cash
    assert portfolio.total_value == portfolio.cash + portfolio.positions["AAA"].market_value
    assert portfolio.equity == portfolio.initial_capital + portfolio.unrealized_pnl


def test_a_status_tells_the_headroom_of_every_limit(desk):
    """get_trading_status returns the TradingStatus, with the fields of `ltm status`."""
    session = desk.start()
    desk.trade(session)

    status = desk.manager.get_trading_status(session)

    assert isinstance(status, TradingStatus)
    assert ("active", "running", "active", 1) == (
        status.status,
        status.lifecycle,
        status.trading_state,
        status.orders_today,
    )
    assert {"drawdown", "daily_loss", "position_size", "sector_concentration", "max_daily_trades"} <= {
        limit.rule for limit in status.limits
    }


def test_the_history_has_every_fill(desk):
    session = desk.start()
    desk.trade(session)
    desk.trade(session, action="sell")

    assert ["buy", "sell"] == [fill.side for fill in desk.manager.get_trade_history(session)]


@pytest.mark.parametrize(
    "call",
    [
        lambda manager, name: manager.get_current_positions(name),
        lambda manager, name: manager.get_trading_status(name),
        lambda manager, name: manager.get_trade_history(name),
        lambda manager, name: manager.check_risk_alerts(name),
        lambda manager, name: manager.acknowledge_alert(name, "x"),
        lambda manager, name: manager.stop_trading(name),
        lambda manager, name: manager.pause_trading(name),
        lambda manager, name: manager.resume_trading(name),
        lambda manager, name: manager.execute_trade(name, None),
        lambda manager, name: manager.execute_batch_trades(name, []),
    ],
    ids=[
        "get_current_positions",
        "get_trading_status",
        "get_trade_history",
        "check_risk_alerts",
        "acknowledge_alert",
        "stop_trading",
        "pause_trading",
        "resume_trading",
        "execute_trade",
        "execute_batch_trades",
    ],
)
def test_an_unknown_session_is_not_found(desk, call):
    """BAD-033: every documented method raises ValueError, and names the sessions there are."""
    desk.start("s1")
    desk.start("s2")

    for name in ("abc", None, 7, "", "../x", "S1"):
        with pytest.raises(SessionNotFound, match=r"no session .*; known: s1, s2") as caught:
            call(desk.manager, name)
        assert isinstance(caught.value, ValueError)


def test_who_only_asks_makes_no_directory(make_desk):
    desk = make_desk()

    with pytest.raises(SessionNotFound, match='no session "abc"; known: none'):
        desk.manager.get_trading_status("abc")

    assert not (desk.folder / "state").exists()


# --- Failure ----------------------------------------------------------------------------------------


def test_a_journal_that_takes_no_more_records_ends_the_session_and_sends_nothing(desk, caplog, monkeypatch):
    """REL-3: nothing leaves before it is durable; the caller hears why (RuntimeError)."""
    session = desk.start()
    sent = len(desk.door.submitted)
    caplog.set_level(logging.CRITICAL, "ltm.manager")

    def commit():
        raise JournalError("the journal takes no more records: the disk is gone")

    monkeypatch.setattr(desk.live(session).journal._store, "commit", commit)

    with pytest.raises(RuntimeError, match="takes no more records: the disk is gone"):
        desk.trade(session)
    with pytest.raises(RuntimeError, match="takes no more records"):
        desk.trade(session)

    assert sent == len(desk.door.submitted)
    assert "session m1 failed" in caplog.text


@pytest.mark.parametrize(("calendar", "is_open"), [("XNYS", True), ("XSHG", False)])
def test_trading_hours_may_be_an_exchanges_calendar(desk, calendar, is_open):
    """It is ten in the morning in New York, and eleven at night in Shanghai."""
    session = desk.start(trading_hours={"calendar": calendar})
    result = desk.trade(session)

    assert is_open is (result.status != "denied")
    assert is_open is ("outside_trading_hours" not in str(result))
