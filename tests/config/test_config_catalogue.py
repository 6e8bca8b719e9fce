"""
The catalogue of bad input, rows BAD-005 to BAD-032 and BAD-040: one problem each, with code, field and text.
"""

import zoneinfo
from decimal import Decimal

import pytest

SESSION_ROWS = [
    # row, line in [session], code, field below session, part of the message
    (
        "BAD-005",
        "max_positon_size = 0.3",
        5,
        "max_positon_size",
        'unknown key "max_positon_size" in [session]; did you mean "max_position_size"?',
    ),
    ("BAD-005 far", "zzz = 1", 5, "zzz", 'unknown key "zzz" in [session]'),
    (
        "BAD-007 text",
        'max_daily_trades = "10"',
        7,
        "max_daily_trades",
        'must be a whole number, got "10" (string)',
    ),
    (
        "BAD-007 10.0",
        "max_daily_trades = 10.0",
        7,
        "max_daily_trades",
        "must be a whole number, got 10.0 (decimal number)",
    ),
    (
        "BAD-007 true",
        "max_daily_trades = true",
        7,
        "max_daily_trades",
        "must be a whole number, got true (boolean)",
    ),
    ("BAD-007 one", "live = 1", 7, "live", "must be true or false, got 1 (whole number)"),
    ("BAD-007 number as text", "model_id = 1", 7, "model_id", "must be a string, got 1 (whole number)"),
    (
        "BAD-007 word",
        'on_stop = "cancl"',
        7,
        "on_stop",
        'must be "keep", "cancel" or "flatten", got "cancl" (string)',
    ),
    ("BAD-007 list", 'weekdays = "mon"', 7, "weekdays", 'must be a list, got "mon" (string)'),
    ("BAD-007 item", 'weekdays = ["mon", "mo"]', 7, "weekdays[1]", 'must be "mon", "tue"'),
    ("BAD-007 time", "timezone = 09:30:00", 7, "timezone", "must be a string, got"),
    ("BAD-007 date", "model_id = 2026-01-01", 7, "model_id", "must be a string, got"),
    ("BAD-007 table", "model_id = { a = 1 }", 7, "model_id", "must be a string, got a table"),
    ("BAD-008", "max_position_size = 30", 8, "max_position_size", "must be between 0 and 1, got 30"),
    ("BAD-009 zero", "max_position_size = 0", 9, "max_position_size", "must be > 0 and <= 1, got 0"),
    ("BAD-009 below", "max_position_size = -0.1", 9, "max_position_size", "must be > 0 and <= 1, got -0.1"),
    (
        "BAD-009 above",
        "max_position_size = 1.0001",
        9,
        "max_position_size",
        "must be > 0 and <= 1, got 1.0001",
    ),
    ("BAD-009 nan", "max_position_size = nan", 9, "max_position_size", "must be a finite number, got nan"),
    ("BAD-009 inf", "max_position_size = -inf", 9, "max_position_size", "must be a finite number, got -inf"),
    (
        "BAD-009 tiny",
        "max_position_size = 1e-400",
        9,
        "max_position_size",
        "must be > 0 and <= 1, got 1E-400",
    ),
    (
        "BAD-010 trail 5",
        "trailing_stop_pct = 5",
        8,
        "trailing_stop_pct",
        "must be between 0 and 1, got 5",
    ),
    (
        "BAD-010 trail 0",
        "trailing_stop_distance = 0",
        25,
        "trailing_stop_distance",
        "must be a positive finite amount, got 0",
    ),
    (
        "BAD-010 two trails",
        "trailing_stop_pct = 0.1\ntrailing_stop_distance = 5",
        28,
        "trailing_stop_distance",
        "must not be given with trailing_stop_pct, got 5",
    ),
    ("BAD-010 5", "stop_loss_pct = 5", 8, "stop_loss_pct", "must be between 0 and 1, got 5"),
    ("BAD-010 0", "stop_loss_pct = 0", 9, "stop_loss_pct", "must be > 0 and < 1, got 0"),
    ("BAD-010 1", "stop_loss_pct = 1", 9, "stop_loss_pct", "must be > 0 and < 1, got 1"),
    ("BAD-010 below", "stop_loss_pct = -0.05", 9, "stop_loss_pct", "must be > 0 and < 1, got -0.05"),
    ("BAD-011 0", "take_profit_pct = 0", 11, "take_profit_pct", "must be > 0, got 0"),
    ("BAD-011 10", "take_profit_pct = 10", 11, "take_profit_pct", "must be at most 5 (500 %), got 10"),
    ("BAD-012 -1", "max_daily_trades = -1", 12, "max_daily_trades", "must be between 0 and 100,000, got -1"),
    (
        "BAD-012 10**9",
        "max_daily_trades = 1_000_000_000",
        12,
        "max_daily_trades",
        "must be between 0 and 100,000",
    ),
    ("BAD-012 10**40", f"max_daily_trades = 1{'0' * 40}", 7, "max_daily_trades", "must be a whole number"),
    *(
        (
            f"BAD-013 {text}",
            f'trading_hours = {{ start = {text}, end = "15:00" }}',
            13,
            "trading_hours.start",
            'must be "HH:MM" (00:00-23:59), got',
        )
        for text in (
            '"9:30"',
            '"09:60"',
            '"24:00"',
            '"0930"',
            '"09:30:00.5"',
            "09:30:30",
            "930",
            '""',
            '"٠٩:٣٠"',
        )
    ),
    (
        "BAD-014",
        'trading_hours = { start = "09:30", end = "09:30" }',
        14,
        "trading_hours",
        "start and end are equal; for all day use 00:00-24:00",
    ),
    (
        "BAD-015",
        'trading_hours = { start = "15:00", end = "09:00" }',
        15,
        "trading_hours",
        "end 09:00 is before start 15:00; set overnight = true if the session crosses midnight",
    ),
    ("BAD-016 no end", 'trading_hours = { start = "15:00" }', 16, "trading_hours.end", "is required"),
    ("BAD-016 no start", 'trading_hours = { end = "15:00" }', 16, "trading_hours.start", "is required"),
    (
        "BAD-016 extra",
        'trading_hours = { start = "09:00", end = "15:00", ende = 1 }',
        16,
        "trading_hours.ende",
        'unknown key "ende" in session.trading_hours; did you mean "end"?',
    ),
    (
        "BAD-016 overlap",
        'trading_hours = [{ start = "09:00", end = "11:31" }, { start = "11:30", end = "15:00" }]',
        16,
        "trading_hours[1]",
        "11:30-15:00 overlaps 09:00-11:31",
    ),
    (
        "BAD-016 past midnight",
        'overnight = true\ntrading_hours = [{ start = "01:00", end = "05:00" }, { start = "20:00", end = "02:00" }]',
        16,
        "trading_hours[1]",
        "20:00-02:00 overlaps 01:00-05:00",
    ),
    (
        "BAD-016 within the night",
        'overnight = true\ntrading_hours = [{ start = "20:00", end = "02:00" }, { start = "21:00", end = "22:00" }]',
        16,
        "trading_hours[1]",
        "21:00-22:00 overlaps 20:00-02:00",
    ),
    ("BAD-016 none", "trading_hours = []", 16, "trading_hours", "must have at least one window"),
    (
        "BAD-016 text",
        'trading_hours = "09:30-15:00"',
        16,
        "trading_hours",
        "must be a table with start and end, got",
    ),
    (
        "BAD-016 overnight",
        'trading_hours = { start = "09:30", end = "15:00", overnight = 1 }',
        7,
        "trading_hours.overnight",
        "must be true or false",
    ),
    (
        "calendar typo",
        'trading_hours = { calendar = "XSHH" }',
        16,
        "trading_hours.calendar",
        'unknown calendar "XSHH"',
    ),
    (
        "calendar number",
        "trading_hours = { calendar = 1 }",
        16,
        "trading_hours.calendar",
        "must be the name of a calendar, got 1",
    ),
    (
        "calendar and windows",
        'trading_hours = { calendar = "XSHG", start = "09:30" }',
        16,
        "trading_hours.start",
        'has a calendar and "start": a calendar stands alone',
    ),
    (
        "calendar and weekdays",
        'trading_hours = { calendar = "XSHG" }\nweekdays = ["mon"]',
        16,
        "weekdays",
        "has no meaning beside a calendar",
    ),
    ("calendar as key", 'calendar = "XSHG"', 16, "calendar", "belongs into trading_hours"),
    *(
        (
            f"BAD-019 {day} = {hours}",
            f'trading_hours = {{ start = "09:30", end = "15:00" }}\ntrading_days = {{ {day} = {hours} }}',
            19,
            field,
            text,
        )
        for day, hours, field, text in (
            ("2026-02-30", '"closed"', "trading_days.2026-02-30", "names dates such as 2026-12-24, got"),
            ("24", '"closed"', "trading_days.24", "names dates such as"),
            (
                "2026-12-24",
                '"09:30-15:01"',
                "trading_days.2026-12-24",
                "on 2026-12-24 closes later than usual",
            ),
            (
                "2026-12-24",
                '"09:30"',
                "trading_days.2026-12-24",
                'must be "HH:MM-HH:MM" or "closed", got "09:30"',
            ),
            ("2026-12-24", '""', "trading_days.2026-12-24", 'must be "HH:MM-HH:MM" or "closed", got ""'),
            ("2026-12-24", "13", "trading_days.2026-12-24", 'must be "HH:MM-HH:MM" or "closed", got 13'),
            ("2026-12-24", '"13:00-09:30"', "trading_days.2026-12-24", "13:00-09:30: end is before start"),
            ("2026-12-24", '"09:30-09:30"', "trading_days.2026-12-24", 'must be "HH:MM-HH:MM" or "closed"'),
            (
                "2026-12-24",
                '"09:30-11:30 11:00-13:00"',
                "trading_days.2026-12-24",
                "overlap or are not in order",
            ),
        )
    ),
    (
        "trading_days type",
        "trading_days = 7",
        19,
        "trading_days",
        "must be a file or a table of date = hours, got 7",
    ),
    (
        "trading_days no file",
        'trading_days = "nowhere.csv"',
        19,
        "trading_days",
        "must be a file that can be read, got",
    ),
    (
        "BAD-017 typo",
        'timezone = "Asia/Shangai"',
        17,
        "timezone",
        'unknown time zone "Asia/Shangai"; did you mean "Asia/Shanghai"?',
    ),
    ("BAD-017 CST", 'timezone = "CST"', 17, "timezone", 'time zone "CST" is ambiguous'),
    ("BAD-017 EST", 'timezone = "EST"', 17, "timezone", 'time zone "EST" is ambiguous'),
    *(
        (f"BAD-017 {name}", f"timezone = {name}", 17, "timezone", "unknown time zone")
        for name in ('"UTC+8"', '""', '"../../etc/passwd"', '"a\\u0000b"', '"America"', '"/etc/localtime"')
    ),
    *(
        (
            f"BAD-025 {value}",
            f"initial_capital = {value}",
            25,
            "initial_capital",
            "must be a positive finite amount, got",
        )
        for value in ("0", "-1", "nan", "inf", '"1e5"', "1e30", "true", "1e999999")
    ),
    *(
        (
            f"BAD-026 {value}",
            f"currency = {value}",
            26,
            "currency",
            "must be an ISO 4217 code or a coin such as USDT, got",
        )
        for value in ('"USDX"', '"usd"', '""')
    ),
    *(
        (
            f"BAD-032 {value}",
            f"id = {value}",
            32,
            "id",
            "session id may use letters, digits, . _ - (1-64), got",
        )
        for value in ('"../x"', '"a/b"', '""', f'"{"x" * 300}"', '"😀"', '"CON"', '" x"', '"a..b"')
    ),
    *(
        (f"BAD-075 {value}", f"model_id = {value}", 75, "model_id", "may use letters, digits")
        for value in ('""', '"a\\nb"')
    ),
    ("day_roll", 'day_roll = "24:00"', 13, "day_roll", 'must be "HH:MM" (00:00-23:59), got "24:00"'),
    ("day_roll number", "day_roll = 17", 7, "day_roll", "must be string or local time, got 17"),
    ("max_signal_age", "max_signal_age = 0", 28, "max_signal_age", "must be > 0 seconds, got 0"),
    ("max_signal_age inf", "max_signal_age = inf", 9, "max_signal_age", "must be a finite number, got inf"),
    ("min_confidence", "min_confidence = 90", 8, "min_confidence", "must be between 0 and 1, got 90"),
    ("entry_cutoff", "entry_cutoff = -1", 28, "entry_cutoff", "must be between 0 and 1439, got -1"),
    (
        "max_order_value",
        "max_order_value = 0",
        25,
        "max_order_value",
        "must be a positive finite amount, got 0",
    ),
    (
        "live with mock",
        "live = true",
        30,
        "live",
        'must be false with broker "mock", which has no real money',
    ),
]


@pytest.mark.parametrize(
    ("line", "code", "field", "message"),
    [row[1:] for row in SESSION_ROWS],
    ids=[row[0] for row in SESSION_ROWS],
)
def test_a_bad_key_of_the_session_is_named_with_its_rule(line, code, field, message, config):
    problem = config.problem(config.session(*line.split("\n")))

    assert (f"LTM-CFG-{code:03}", f"session.{field}") == (problem.code, problem.field)
    assert message in problem.message
    assert len(problem.message) < 250
    assert problem.message.isprintable()
    assert problem.hint
    assert problem.line
    assert 2 == problem.exit_code


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("max_position_size = 30", "30 % is written 0.30"),
        ("stop_loss_pct = 5", "5 % is written 0.05"),
        ("take_profit_pct = 10", "10 % is written 0.10; or set i_accept_large_take_profit = true"),
        ("min_confidence = 90", "90 % is written 0.90"),
        ('currency = "usd"', "write USD"),
        ('on_stop = "Cancel"', 'did you mean "cancel"?'),
    ],
    ids=["BAD-008", "BAD-010", "BAD-011", "BAD-058", "BAD-026", "BAD-005"],
)
def test_the_cure_is_what_was_probably_meant(line, hint, config):
    assert hint == config.problem(config.session(line)).hint


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("model_id", "session.model_id"),
        ("id", "session.id"),
        ("initial_capital", "session.initial_capital"),
        ("plugin", "broker.plugin"),
    ],
)
def test_a_missing_key_is_required(key, field, config):
    """
    BAD-006.
    """
    problem = config.problem(config.without(f"{key} ="))

    assert (f"{field} is required", field, "LTM-CFG-006") == (problem.message, problem.field, problem.code)


def test_a_missing_broker_is_required(config):
    """
    BAD-006.
    """
    text = config.good.replace('[broker]\nplugin = "mock"\nprices = "prices.csv"\n', "")

    assert "broker is required" == config.problem(text).message


def test_a_table_that_nobody_knows_is_not_ignored(config):
    """
    BAD-005: tables as well as keys.
    """
    problem = config.problem(config.good + "[alrets]\n")

    assert 'unknown key "alrets"; did you mean "alerts"?' == problem.message


def test_without_time_zone_data_the_cure_is_to_install_it(config, monkeypatch):
    """
    BAD-018.
    """
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    monkeypatch.setattr("ltm.config.hours.zone_of", lambda name: None)
    monkeypatch.setattr(zoneinfo, "available_timezones", set)

    problem = config.problem(config.session('timezone = "Asia/Shanghai"'))

    assert "time zone data not installed: pip install tzdata" == problem.message
    assert 2 == problem.exit_code


@pytest.mark.parametrize(
    ("table", "code", "field", "message"),
    [
        ('plugin = "mok"', 20, "broker.plugin", 'no broker plugin "mok"; installed: ccxt, mock; did you mean "mock"?'),
        ("plugin = 3", 7, "broker.plugin", "broker.plugin must be a string, got 3 (whole number)"),
        ('plugin = "mock"\nspede = 1', 5, "broker.spede", 'unknown key "spede" in [broker]; did you mean "speed"?'),
        ('plugin = "mock"\nspeed = "fast"', 7, "broker.speed", 'broker.speed must be number or "max", got "fast" (string)'),
        ('plugin = "mock"\nseed = 1.5', 7, "broker.seed", "broker.seed must be a whole number, got 1.5 (decimal number)"),
        ('plugin = "mock"\nprices = ["a"]', 7, "broker.prices", "broker.prices must be a path, got a list"),
        ('plugin = "mock"\nprices = ""', 7, "broker.prices", 'broker.prices must be a path, got "" (string)'),
        ('plugin = "ccxt"\nexchange = "x"\ncredentials = 3', 7, "broker.credentials", "broker.credentials must be a table"),
        ('plugin = "ccxt"\nexchange = "x"\ncredentials = {}', 6, "broker.credentials.api_key", "broker.credentials.api_key is required"),
        ('plugin = "ccxt"\nexchange = "x"\ncredentials = { api_key = "" }', 22, "broker.credentials.api_key", 'is required for broker "ccxt"'),
        ('plugin = "ccxt"\nexchange = "x"\ncredentials = { api_key = "changeme" }', 22, "broker.credentials.api_key", 'must be your own, got the placeholder "changeme"'),
        ('plugin = "ccxt"\nexchange = "x"\ncredentials = { api_key = 3 }', 23, "broker.credentials.api_key", "must be { env = ... }"),
        ('plugin = "ccxt"\nexchange = "x"\ncredentials = { api_key = "abcdef" }\nurls = { api = 1 }', 7, "broker.urls.api", "must be a string"),
    ],
    ids=[
        "BAD-020", "BAD-020 number", "BAD-028 unknown", "BAD-028 word", "BAD-028 number", "BAD-028 path", "BAD-028 no path",
        "BAD-028 table", "BAD-022 missing", "BAD-022 empty", "BAD-022 placeholder", "BAD-022 number", "BAD-028 inside",
    ],
)  # fmt: skip
def test_a_bad_broker_is_named_with_its_rule(table, code, field, message, config):
    problem = config.problem(config.broker(*table.split("\n")))

    assert (f"LTM-CFG-{code:03}", field) == (problem.code, problem.field)
    assert message in problem.message


def test_the_mock_broker_takes_the_placeholders_of_the_documentation(config):
    """
    BAD-022: the product document writes "your_account".
    """
    text = config.broker(
        'plugin = "mock"', 'account = "your_account"', 'credentials = { account = "your_account" }'
    )

    assert "your_account" == config.check(text, private=False).sessions[0].broker.config.account


@pytest.mark.parametrize(
    ("old", "new", "code", "field", "message"),
    [
        ("max_daily_loss = 0.02", "max_daily_loss = 0.02\nmax_drawdown = 0.1", 5, "risk.daily_loss.max_drawdown", 'unknown key "max_drawdown" in [risk.daily_loss]; it belongs to [risk.drawdown]'),
        ("max_daily_loss = 0.02", "max_daily_loss = 0.02\nlimit = 0.1", 5, "risk.daily_loss.limit", 'unknown key "limit" in [risk.daily_loss]'),
        ("max_drawdown = 0.10", 'max_drawdown = "0.10"', 7, "risk.drawdown.max_drawdown", 'risk.drawdown.max_drawdown must be a number, got "0.10" (string)'),
        ("max_drawdown = 0.10", "max_drawdown = 30", 8, "risk.drawdown.max_drawdown", "must be between 0 and 1, got 30"),
        ("max_daily_loss = 0.02", "max_daily_loss = 2", 28, "risk.daily_loss.max_daily_loss", "risk.daily_loss.max_daily_loss must be < 1, got 2"),
        ("max_drawdown = 0.10", "max_drawdown = 0.10\nwarn = 0.2", 29, "risk.drawdown.warn", "risk.drawdown.warn (0.2) must be below max_drawdown (0.10)"),
        ("[risk.position_size]", "[risk]\ndrawdown_max = 1\n[risk.position_size]", 5, "risk.drawdown_max", 'unknown key "drawdown_max" in [risk]'),
        ("[risk.position_size]", "[risk]\nrequird = []\n[risk.position_size]", 5, "risk.requird", 'unknown key "requird" in [risk]; did you mean "required"?'),
        ("[risk.position_size]", '[risk]\nrequired = "drawdown"\n[risk.position_size]', 7, "risk.required", "risk.required must be a list"),
        ("[risk.position_size]", "[risk]\nrequired = []\n[risk.position_size]", 30, "risk.required", "risk.required must name at least one rule, got []"),
        ("[risk.drawdown]\nmax_drawdown = 0.10\n", "", 30, "risk.drawdown", "risk.drawdown is required: risk.required names the rule"),
        ("[risk.position_size]", '[risk]\nrequired = ["margin"]\n[risk.position_size]', 30, "risk.margin", "risk.margin is required"),
    ],
    ids=[
        "BAD-027 of another rule", "BAD-028 unknown", "BAD-028 text", "BAD-008 in a rule", "attrs' own validator",
        "BAD-029", "BAD-005 no table", "BAD-005 typo", "BAD-007", "BAD-030 RSK-47 none", "RSK-47 not configured", "RSK-47 unknown",
    ],
)  # fmt: skip
def test_a_bad_rule_is_named_with_its_rule(old, new, code, field, message, *, config):
    problem = config.problem(config.good.replace(old, new, 1))

    assert (f"LTM-CFG-{code:03}", field) == (problem.code, problem.field)
    assert message in problem.message


def test_a_misspelled_rule_is_named_with_what_there_is(config):
    """
    BAD-027: and since a required rule is then missing, that is told as well.
    """
    missing, named = config.problems(config.good.replace("[risk.drawdown]", "[risk.drawdwn]"))

    assert (
        'no risk rule plugin "drawdwn"; installed: daily_loss, drawdown, position_size, sector_concentration; '
        'did you mean "drawdown"?'
    ) == named.message
    assert ("LTM-CFG-020", "risk.drawdwn") == (named.code, named.field)
    assert "risk.drawdown is required: risk.required names the rule" == missing.message


def test_all_problems_are_told_at_once(config):
    """
    4.1: not only the first.
    """
    text = config.session(
        'id = "a/b"', "initial_capital = 0", 'currency = "usd"', "nonsense = 1", "stop_loss_pct = 5"
    )
    text = text.replace('plugin = "mock"', 'plugin = "mok"').replace("0.02", "nan").replace("0.10", '"x"')

    fields = {problem.field for problem in config.problems(text)}

    assert {
        "session.id", "session.initial_capital", "session.currency", "session.nonsense", "session.stop_loss_pct",
        "broker.plugin", "risk.drawdown.max_drawdown", "risk.daily_loss.max_daily_loss",
    } == fields  # fmt: skip


@pytest.mark.parametrize(
    ("variable", "value", "code", "field"),
    [
        ("LTM_RISK__DRAWDOWN__MAX_DRAWDOWN", "abc", 7, "risk.drawdown.max_drawdown"),
        ("LTM_RISK__DRAWDOWN__LIMIT", "abc", 5, "risk.drawdown.limit"),
        ("LTM_SESSION__MAX_DAILY_TRADES", "ten", 7, "session.max_daily_trades"),
        ("LTM_SESSION__MAX_DAILY_TRADES", "1\nx = 2", 7, "session.max_daily_trades"),
        ("LTM_SESSION__ID__X", "1", 5, None),
        ("LTM_RSIK__DRAWDOWN__MAX_DRAWDOWN", "0.2", 5, "rsik"),
    ],
)
def test_junk_in_the_environment_is_told_like_junk_in_the_file(variable, value, code, field, config):
    """
    BAD-040.
    """
    problem = config.problem(config.good, **{variable: value})

    assert (f"LTM-CFG-{code:03}", field) == (problem.code, problem.field)
    assert f"environment, {variable}" == problem.where
    assert f"  where: environment, {variable}" in problem.render()


def test_a_table_that_only_the_environment_has_is_placed_there(config):
    """
    BAD-040: what is missing in it, too.
    """
    text = config.good.replace("[risk.drawdown]\nmax_drawdown = 0.10\n", "")

    problem = config.problem(text, LTM_RISK__DRAWDOWN__WARN="0.05")

    assert "risk.drawdown.max_drawdown is required" == problem.message
    assert "environment, LTM_RISK__DRAWDOWN__WARN" == problem.where


def test_the_environment_goes_before_the_file(config):
    """
    BAD-040: a limit may be tightened without touching the file.
    """
    checked = config.check(
        config.good + '[[signals]]\nplugin = "file"\npath = "a"\n',
        LTM_RISK__DRAWDOWN__MAX_DRAWDOWN="0.05",
        LTM_SESSION__MODEL_ID="other",
        LTM_SIGNALS__0__PATH="/b",
        LTM_STATE_DIR="is none of these",
    ).sessions[0]

    rules = {rule.name: rule.config for rule in checked.rules}
    assert Decimal("0.05") == rules["drawdown"].max_drawdown
    assert "other" == checked.spec.model_id
    assert "/b" == str(checked.signals[0].config.path)


def test_the_environment_reaches_every_session(config):
    """
    BAD-040.
    """
    sessions = "".join(
        f'[[sessions]]\nid = "{name}"\nmodel_id = "m"\ninitial_capital = 1\nmax_position_size = 1\n'
        for name in "ab"
    )
    text = sessions + config.good.partition("\n\n")[2]

    checked = config.check(text, LTM_SESSION__MAX_DAILY_TRADES="3", LTM_BROKER__SEED="7")

    assert [3, 3] == [session.spec.max_daily_trades for session in checked.sessions]
    assert [7, 7] == [session.broker.config.seed for session in checked.sessions]
