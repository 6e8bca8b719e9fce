"""
Bad input at the API, row by row of the catalogue: the class, the text, and nothing changed by it.
"""

import math
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from ltm import ConfigError, LiveTradingConfig, LtmError, SessionNotFound, Signal, SignalError

GOOD = {
    "broker": "mock",
    "credentials": {"account": "your_account"},
    "max_position_size": 0.3,
    "max_daily_trades": 10,
    "stop_loss_pct": 0.05,
    "take_profit_pct": 0.10,
    "trading_hours": {"start": "09:30", "end": "15:00"},
}
NAN, INF = float("nan"), float("inf")


def refused(call, code, text, *, kind=ConfigError):
    with pytest.raises(kind) as caught:
        call()
    assert isinstance(caught.value, ValueError)
    problem = getattr(caught.value, "problems", [caught.value])[0]
    assert (code, text) == (problem.code, problem.message)
    assert problem.hint
    assert re.match(r"error\[LTM-[A-Z]{3}-\d{3}\]: .+", problem.render())


# --- The session's terms: the same texts as a file's ---------------------------------------------


@pytest.mark.parametrize(
    ("values", "code", "text"),
    [
        ({"max_position_size": 30}, 8, "max_position_size must be between 0 and 1, got 30"),
        ({"max_position_size": 0}, 9, "max_position_size must be > 0 and <= 1, got 0"),
        (
            {"max_position_size": NAN},
            9,
            "max_position_size must be a finite number, got nan (decimal number)",
        ),
        ({"max_position_size": "0.3"}, 7, 'max_position_size must be a number, got "0.3" (string)'),
        ({"max_position_size": True}, 7, "max_position_size must be a number, got true (boolean)"),
        ({"max_daily_trades": "10"}, 7, 'max_daily_trades must be a whole number, got "10" (string)'),
        ({"max_daily_trades": -1}, 12, "max_daily_trades must be between 0 and 100,000, got -1"),
        ({"stop_loss_pct": 5}, 8, "stop_loss_pct must be between 0 and 1, got 5"),
        ({"stop_loss_pct": 1}, 9, "stop_loss_pct must be > 0 and < 1, got 1"),
        ({"take_profit_pct": 0}, 11, "take_profit_pct must be > 0, got 0"),
        (
            {"trading_hours": {"start": "9:30", "end": "15:00"}},
            13,
            'trading_hours.start must be "HH:MM" (00:00-23:59), got "9:30" (string)',
        ),
        (
            {"trading_hours": {"start": "15:00", "end": "09:00"}},
            15,
            "trading_hours: end 09:00 is before start 15:00; set overnight = true if the session crosses midnight",
        ),
        ({"trading_hours": {"start": "09:30"}}, 16, "trading_hours.end is required"),
        (
            {"timezone": "Asia/Shangai"},
            17,
            'timezone: unknown time zone "Asia/Shangai"; did you mean "Asia/Shanghai"?',
        ),
        ({"currency": "usd"}, 26, 'currency must be an ISO 4217 code or a coin such as USDT, got "usd"'),
        (
            {"terms": {"max_signal_agee": 1}},
            5,
            'unknown key "max_signal_agee"; did you mean "max_signal_age"?',
        ),
        ({"terms": {"currency": "EUR"}}, 7, 'terms.currency must not be given twice, got "EUR"'),
        ({"broker": ""}, 7, 'broker must be a broker\'s name, got ""'),
        ({"broker": None}, 7, "broker must be a broker's name, got None"),
        ({"credentials": "secret"}, 7, 'credentials must be a mapping with text as keys, got "str"'),
        ({"credentials": {"key": 7}}, 7, 'credentials.key must be text, got "int"'),
        ({"settings": []}, 7, "settings must be a mapping with text as keys, got []"),
        ({"sizer": 3}, 7, "sizer must be a sizer's name or a mapping, got 3"),
        ({"on_stop": "kep"}, 7, 'on_stop must be "keep", "cancel" or "flatten", got "kep" (string)'),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_terms_are_refused_in_the_words_of_a_file(values, code, text):
    """BAD-005 to BAD-017 and BAD-026 through LiveTradingConfig."""
    refused(lambda: LiveTradingConfig(**{**GOOD, **values}), f"LTM-CFG-{code:03}", text)


def test_all_problems_of_the_terms_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        LiveTradingConfig(**{**GOOD, "max_position_size": 30, "max_daily_trades": "10", "stop_loss_pct": 0})

    assert {"max_position_size", "max_daily_trades", "stop_loss_pct"} == {
        problem.field for problem in caught.value.problems
    }


@pytest.mark.parametrize("capital", [0, -1, NAN, INF, "1e5", 1e30, True, None, [], Decimal("sNaN")], ids=repr)
def test_a_capital_that_is_no_amount_is_refused(desk, capital):
    """BAD-025."""
    with pytest.raises(ConfigError) as caught:
        desk.start(capital=capital)

    text = (
        "initial_capital must be a positive finite amount"
        if capital is not None
        else "initial_capital is required"
    )
    assert caught.value.problems[0].message.startswith(text)
    assert [] == desk.manager.list_sessions()


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "", "a" * 300, "\N{GRINNING FACE}", "CON", " x", 7], ids=ascii
)
def test_a_session_id_that_no_file_could_have_is_refused(desk, name):
    """BAD-032; None means that the manager chooses."""
    with pytest.raises(ConfigError, match=r"session id may use letters, digits, \. _ - \(1-64\), got "):
        desk.manager.start_live_trading("m1", 1000, desk.config(), session_id=name)

    assert [] == desk.manager.list_sessions()


@pytest.mark.parametrize(
    "name", ["", "x" * 10_000, "a\nb", "a b", None, 7, "\x00"], ids=lambda name: ascii(name)[:20]
)
def test_a_model_id_that_is_none_is_refused(desk, name):
    """BAD-075."""
    with pytest.raises(ConfigError, match=r"model_id (may use letters|must be a string|is required)"):
        desk.start(model_id=name)

    assert [] == desk.manager.list_sessions()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"broker": "mok"}, 'no broker plugin "mok"; installed: .*mock.*; did you mean "mock"?'),
        ({"settings": {"symbolz": ["A"]}}, r'unknown key "symbolz" in \[broker\]; did you mean "symbols"\?'),
        ({"sizer": "equity_fracton"}, 'no sizer plugin "equity_fracton"; .*did you mean "equity_fraction"?'),
        ({"sizer": {"plugin": "fixed_quantity"}}, "sizer.quantity is required"),
    ],
    ids=["broker", "setting", "sizer", "sizer's setting"],
)
def test_a_plugin_that_is_not_there_is_named_with_what_is(make_desk, values, text):
    """BAD-020, BAD-028."""
    from ltm import LiveTradingManager, PortfolioManager, RiskManager, TradingAPIAdapter

    desk = make_desk()
    manager = LiveTradingManager(
        PortfolioManager(), RiskManager(), TradingAPIAdapter(), state_dir=desk.folder / "state"
    )
    with manager, pytest.raises(ConfigError, match=text):
        manager.start_live_trading("m1", 1000, desk.config(**values))


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({"drawdon": {"max": 1}}, 'no risk rule plugin "drawdon"; installed: .*; did you mean "drawdown"?'),
        ({"drawdown": {"max_drawdown": 10}}, "risk.drawdown.max_drawdown must be between 0 and 1, got 10"),
        (
            {"drawdown": {"max_daily_loss": 0.1}},
            r'unknown key "max_daily_loss" in \[risk.drawdown\]; it belongs to',
        ),
    ],
    ids=["name", "value", "another rule's"],
)
def test_a_rule_that_cannot_be_is_refused_at_the_start(make_desk, rules, text):
    """BAD-027, BAD-028."""
    from ltm import RiskManager

    desk = make_desk(risk=RiskManager(rules=rules))

    with pytest.raises(ConfigError, match=text):
        desk.start()


# --- Signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["BUY", "Buy", "buy"])
def test_the_case_of_an_action_does_not_matter(desk, action):
    """BAD-050."""
    assert "filled" == desk.trade(desk.start(), action=action).status


BAD_SIGNALS = {
    "BAD-051": [
        ("action", value, 51, f'action must be "buy", "sell" or "hold", got {shown}')
        for value, shown in [
            ("BUY ", '"BUY "'),
            ("b", '"b"'),
            ("long", '"long"'),
            ("", '""'),
            (None, "None"),
            (1, "1"),
            ("buy\n", '"buy\\n"'),
        ]
    ],
    "BAD-053": [
        ("stock_code", value, 53, f"stock_code must be a non-empty string, got {value!r}".replace("''", '""'))
        for value in ("", None, 600519)
    ],
    "BAD-054": [
        ("stock_code", value, 54, None)
        for value in (
            "../../etc",
            "'; DROP TABLE orders;--",
            "AAPL\nINFO fake",
            "AAPL\x1b[2J",
            "\N{GRINNING FACE}",
            "AAPL\N{RIGHT-TO-LEFT OVERRIDE}",
            "A\0",
            " 600519",
            "A" * 70,
        )
    ],
    "BAD-058": [("confidence", value, 58, None) for value in (1.7, -0.1, NAN, INF, "0.9", None, True, 90)],
    "BAD-059": [("score", value, 59, None) for value in (NAN, INF, "0.8", None)],
    "BAD-060": [
        ("timestamp", value, 60, None)
        for value in (
            "",
            "yesterday",
            1735689600,
            "1735689600",
            "2026-13-01T00:00:00",
            "2026-02-30T00:00:00",
            "2026-01-05T24:30:00",
            "2026-01-05T10:60:00",
            "2026-01-05T10:00:00+25:00",
            "20260102",
            "2026-W01-1",
            "2026-01-05",
        )
    ],
    "BAD-072": [
        ("quantity", value, 72, None) for value in (0, -1, NAN, INF, 1e300, "100", Decimal("sNaN"), True)
    ],
    "BAD-073": [("limit_price", value, 72, None) for value in (0, -1, NAN, 1e-13)],
}


@pytest.mark.parametrize(
    ("field", "value", "code", "text"),
    [
        pytest.param(*case, id=f"{row} {case[1]!a:.30}")
        for row, cases in BAD_SIGNALS.items()
        for case in cases
    ],
)
def test_a_malformed_signal_is_refused_when_it_is_made(desk, field, value, code, text):
    """It never reaches a session, so nothing can change."""
    with pytest.raises(SignalError) as caught:
        desk.signal(**{{"stock_code": "symbol"}.get(field, field): value})

    assert (f"LTM-SIG-{code:03}", field) == (caught.value.code, caught.value.field)
    assert text in {None, caught.value.message}
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 250


def _half_made():
    return Signal.__new__(Signal)


class Subclass(Signal):
    pass


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        ({"stock_code": "AAA"}, "signal must be a Signal, got dict"),
        (None, "signal must be a Signal, got NoneType"),
        ("buy", "signal must be a Signal, got str"),
        (_half_made(), "signal must be complete, got one without stock_code"),
        (
            Subclass(stock_code="AAA", action="buy", score=1, confidence=1, timestamp="2026-01-05T15:00:00Z"),
            "signal must be a Signal, got Subclass",
        ),
        (Signal, "signal must be a Signal, got type"),
    ],
    ids=["dict", "None", "text", "half-initialised", "subclass", "the class"],
)
def test_what_is_no_signal_is_refused(desk, thing, text):
    """BAD-067: SignalError, and neither journal nor books change."""
    session = desk.start()
    before = desk.fingerprint(session)

    refused(lambda: desk.manager.execute_trade(session, thing), "LTM-SIG-067", text, kind=SignalError)

    assert before == desk.fingerprint(session)


@pytest.mark.parametrize(
    ("timestamp", "code", "text"),
    [
        ("2026-03-08T02:30:00", 62, "timestamp must exist on the clock"),
        ("0001-01-01T00:00:00+14:00", 64, "timestamp must be a representable UTC time"),
    ],
    ids=["BAD-062 gap", "BAD-064 overflow"],
)
def test_a_time_that_cannot_be_is_refused(desk, timestamp, code, text):
    session = desk.start(naive_timestamps="session_tz", timezone="America/New_York")
    before = desk.fingerprint(session)

    with pytest.raises(SignalError, match=text) as caught:
        desk.trade(session, timestamp=timestamp)

    assert f"LTM-SIG-{code:03}" == caught.value.code
    assert before == desk.fingerprint(session)


def test_a_naive_time_can_be_refused(desk):
    """BAD-061: an option."""
    session = desk.start(naive_timestamps="reject")

    with pytest.raises(SignalError, match="timestamp must carry a UTC offset here"):
        desk.trade(session, timestamp="2026-01-05T15:00:00")


def test_a_naive_time_is_this_machines_and_told_once(desk, caplog):
    """Ruling 1: one notice per session."""
    caplog.set_level("INFO", "ltm.signals")
    session = desk.start()
    local = desk.clock.now().astimezone().replace(tzinfo=None)

    results = [desk.trade(session, timestamp=(local + timedelta(seconds=n)).isoformat()) for n in range(3)]

    assert ["filled"] * 3 == [result.status for result in results]
    assert 1 == caplog.text.count("timestamps without offset are read as local time")


def test_a_time_that_is_there_twice_is_the_earlier_one_and_told_once_a_night(desk, caplog):
    """BAD-062: the fold of daylight saving, and the hours around it."""
    session = desk.start(naive_timestamps="session_tz", timezone="America/New_York")

    for timestamp in (
        "2025-11-02T00:59:59",
        "2025-11-02T01:00:00",
        "2025-11-02T01:59:59",
        "2025-11-02T02:00:00",
        "2025-11-02T01:30:00-05:00",
        "2024-11-03T01:30:00",
    ):
        desk.trade(session, timestamp=timestamp)

    told = [record.getMessage() for record in caplog.records if "clocks go back" in record.getMessage()]
    assert ["2025-11-02T05:00:00+00:00", "2024-11-03T05:30:00+00:00"] == [text[-25:] for text in told]


@pytest.mark.parametrize(
    ("symbol", "code", "text"),
    [
        ("NOPE", "unknown_instrument", 'the venue lists no "NOPE"'),
        ("aaa", "unknown_instrument", 'the venue lists no "aaa"; did you mean "AAA"?'),
    ],
    ids=["BAD-055", "BAD-056"],
)
def test_an_unknown_symbol_is_denied_not_guessed(desk, symbol, code, text):
    result = desk.trade(session := desk.start(), symbol)

    assert ("denied", code, text) == (result.status, result.reasons[0].code, result.reasons[0].message)
    assert [] == desk.door.submitted
    assert 0 == desk.manager.get_trading_status(session).open_orders


@pytest.mark.parametrize(
    ("shift", "code"),
    [(-3600, "stale_signal"), (7200, "future_signal"), (60 * 86_400, "future_signal")],
    ids=["BAD-063", "BAD-064", "BAD-064 far"],
)
def test_a_signal_out_of_its_time_is_denied(desk, shift, code):
    session = desk.start(terms={"max_signal_age": 60})

    result = desk.trade(session, timestamp=(desk.clock.now() + timedelta(seconds=shift)).isoformat())

    assert ("denied", code) == (result.status, result.reasons[0].code)


def test_a_lot_is_kept(make_desk):
    """BAD-072: 101 with lot 100, 0.5 where whole shares are traded."""
    desk = make_desk()
    session = desk.start(settings={"lot_size": Decimal(100)})

    odd, half = desk.trade(session, quantity=101), desk.trade(session, quantity=0.5)

    assert ("denied", "quantity must be a multiple of 100, got 101") == (odd.status, odd.reasons[0].message)
    assert "lot" in {reason.code for reason in half.reasons}


def test_a_tick_is_kept(desk):
    """BAD-073."""
    result = desk.trade(desk.start(), order_type="limit", limit_price=12.345, quantity=1)

    assert ("denied", "tick", "price must be a multiple of 0.01, got 12.345") == (
        result.status,
        result.reasons[0].code,
        result.reasons[0].message,
    )


def test_a_fraction_of_hundred_digits_is_money_all_the_same(desk):
    """BAD-077: what is beyond the digits of money is denied or refused, never rounded unseen."""
    session = desk.start()
    before = desk.manager.get_current_positions(session)

    result = desk.trade(session, quantity=1e15, order_type="limit", limit_price=1e12)

    assert "denied" == result.status
    assert before == desk.manager.get_current_positions(session)


@pytest.mark.parametrize("wish", [NAN, -1, None, "x", Decimal("NaN"), INF], ids=repr)
def test_a_sizer_that_answers_nonsense_denies(desk, wish, monkeypatch):
    """BAD-074."""
    session = desk.start()
    sizer = desk.live(session).engine.session.context.sizer
    monkeypatch.setattr(type(sizer), "size", lambda *_: wish)

    result = desk.trade(session)

    assert ("denied", "sizer_fault") == (result.status, next(r.code for r in result.reasons))
    assert math.isfinite(len(result.reasons))


@pytest.mark.parametrize(
    ("sizer", "signal", "code", "text"),
    [
        (
            "target_weights",
            {"score": 30},
            "sizer_fault",
            "the score must be the symbol's weight, from -1 to 1, got 30",
        ),
        ("target_weights", {"score": 1e300}, "sizer_fault", "the score must be the symbol's weight"),
        ("target_weights", {"score": -0.1}, "zero_size", "is at or beyond the"),
        ("risk_per_trade", {}, "zero_size", "set session.stop_loss_pct"),
        ("volatility_target", {}, "zero_size", "of 61 prices have been sampled"),
        ("confidence_weighted", {"confidence": 0}, "zero_size", "confidence_weighted asked for nothing"),
        (
            {"plugin": "fixed_notional", "notional": 99.99},
            {},
            "below_min_lot",
            "fixed_notional leaves 0.98980204, less than one lot of 1",
        ),
    ],
    ids=[
        "thirty percent",
        "huge score",
        "other side",
        "no stop",
        "no history",
        "no confidence",
        "too little money",
    ],
)
def test_a_sizer_without_an_answer_says_why(desk, sizer, signal, code, text):
    """F25, BAD-074: denied, with what is wrong or missing, and no record but the denial."""
    session = desk.start(sizer=sizer)

    result = desk.trade(session, **signal)

    reason = next(reason for reason in result.reasons if reason.code == code)
    assert "denied" == result.status
    assert text in reason.message
    assert [] == desk.door.submitted


def test_a_target_that_fails_closes_what_a_sell_does_not_name(desk):
    """F25, RSK-06: nobody knows how much to keep, and no sizer blocks the way out."""
    session = desk.start(sizer="target_weights")
    desk.trade(session, score=0.2)

    named = desk.trade(session, action="sell", score=30, quantity=5)
    rest = desk.trade(session, action="sell", score=30)

    assert ("filled", 5) == (named.status, named.filled_quantity)
    assert "filled" == rest.status
    assert {} == desk.manager.get_current_positions(session).positions


def test_arguments_of_the_wrong_kind_are_named(desk):
    from ltm import LiveTradingManager, PortfolioManager, RiskManager, TradingAPIAdapter

    good = {
        "portfolio_manager": PortfolioManager(),
        "risk_manager": RiskManager(),
        "trading_api": TradingAPIAdapter(),
    }
    for name in good:
        with pytest.raises(ConfigError, match=f"{name} must be a "):
            LiveTradingManager(**{**good, name: None})
    with pytest.raises(ConfigError, match="logger must be a LoggerSystem, got 3"):
        LiveTradingManager(**good, logger=3)
    with pytest.raises(ConfigError, match="trading_config must be a LiveTradingConfig, got "):
        desk.manager.start_live_trading("m1", 1000, {"broker": "mock"})


def test_every_error_is_one_of_ours_and_a_value_error(desk):
    """4.1: LtmError with code, field, got and hint."""
    with pytest.raises(SessionNotFound) as caught:
        desk.manager.pause_trading("abc")

    error = caught.value
    assert isinstance(error, LtmError)
    assert isinstance(error, ValueError)
    assert ("LTM-SES-001", "session_id", "abc") == (error.code, error.field, error.got)
    assert error.hint
