"""
What a good configuration becomes: terms, chosen plugins, paths, notices, several sessions.
"""

from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from ltm.config import check_config, parse_config, reference_rows
from ltm.config.hours import machine_zone
from ltm.model.errors import PluginErrors
from ltm.model.spec import SessionSpec


def test_the_keys_of_a_session_become_its_spec(config):
    """
    design.md 7, and every key that a user may set besides.
    """
    session = config.check(
        config.session(
            'currency = "CNY"',
            "max_daily_trades = 10",
            "stop_loss_pct = 0.05",
            "take_profit_pct = 0.10",
            'trading_hours = [{ start = "13:00", end = "15:00" }, { start = 09:30:00, end = "11:30" }]',
            'timezone = "Asia/Shanghai"',
            'weekdays = ["fri", "mon"]',
            "entry_cutoff = 5",
            'day_roll = "17:00"',
            'on_stop = "flatten"',
            "max_signal_age = 60",
            "min_confidence = 0.5",
            'naive_timestamps = "session_tz"',
            "max_price_age = 2.5",
            "market_collar = 0.02",
            "bad_tick_pct = 0.1",
            "max_order_quantity = 1_000",
            "max_order_value = 50_000.50",
            "allow_short = true",
            "accept_withdrawal_key = true",
            'foreign_orders = "halt"',
            'foreign_positions = "refuse"',
            "max_exit_retries = 3",
        )
    ).sessions[0]

    assert (
        SessionSpec(
            session_id="demo",
            model_id="lgbm_model_v1",
            broker="mock",
            initial_capital=Decimal(100_000),
            currency="CNY",
            on_stop="flatten",
            max_daily_trades=10,
            stop_loss_pct=Decimal("0.05"),
            take_profit_pct=Decimal("0.10"),
            trading_windows=((570, 690), (780, 900)),
            trading_weekdays=(0, 4),
            entry_cutoff=5,
            timezone="Asia/Shanghai",
            day_roll=1020,
            max_signal_age=60.0,
            min_confidence=Decimal("0.5"),
            max_price_age=2.5,
            market_collar=Decimal("0.02"),
            bad_tick_pct=Decimal("0.1"),
            max_order_quantity=Decimal(1000),
            max_order_value=Decimal("50000.50"),
            allow_short=True,
            accept_withdrawal_key=True,
            foreign_orders="halt",
            foreign_positions="refuse",
            max_exit_retries=3,
        )
        == session.spec
    )
    assert "session_tz" == session.naive_timestamps


def test_what_is_not_said_is_as_the_spec_has_it(config):
    spec = config.check(config.good).sessions[0].spec

    assert (
        SessionSpec(
            session_id="demo", model_id="lgbm_model_v1", broker="mock", initial_capital=Decimal(100_000)
        )
        == spec
    )


def test_sizer_and_alerts_have_defaults_and_signals_may_come_from_elsewhere(config):
    session = config.check(config.good).sessions[0]

    assert ("equity_fraction", ["log"], ()) == (
        session.sizer.name,
        [alert.name for alert in session.alerts],
        session.signals,
    )


def test_the_fraction_of_a_file_is_exact(config):
    """
    Ruling 3: never the float next to it.
    """
    session = config.check(config.good).sessions[0]

    assert [Decimal("0.3"), Decimal("0.4"), Decimal("0.10"), Decimal("0.02")] == [
        attrs.astuple(rule.config)[0] for rule in session.rules
    ]


def test_a_rules_own_limit_goes_before_the_sessions(config):
    text = config.good.replace("[risk.position_size]", "[risk.position_size]\nmax_position_size = 0.2")

    assert Decimal("0.2") == config.check(text).sessions[0].rules[0].config.max_position_size


def test_the_sessions_limit_arms_its_rule_without_a_table(config):
    """
    A limit that somebody wrote down is never without effect.
    """
    session = config.check(config.good.replace("[risk.position_size]", "")).sessions[0]

    assert (
        Decimal("0.3")
        == {rule.name: rule.config for rule in session.rules}["position_size"].max_position_size
    )


def test_paths_start_at_the_file(config, tmp_path):
    text = config.good + '[[signals]]\nplugin = "file"\npath = "/elsewhere/signals.jsonl"\n'

    session = config.check(text, base=tmp_path).sessions[0]

    assert tmp_path / "prices.csv" == session.broker.config.prices
    assert Path("/elsewhere/signals.jsonl") == session.signals[0].config.path


def test_one_time_window_may_cross_midnight_when_that_is_said(config):
    """
    BAD-015.
    """
    hours = 'trading_hours = { start = "22:00", end = "04:00" }'

    spec = config.check(config.session(hours, "overnight = true", 'timezone = "UTC"')).sessions[0].spec

    assert ((1320, 240),) == spec.trading_windows


def test_a_window_may_end_at_midnight(config):
    """
    BAD-013: 24:00 only as end.
    """
    hours = 'trading_hours = { start = "00:00", end = "24:00" }'

    assert ((0, 1440),) == config.check(config.session(hours, 'timezone = "UTC"')).sessions[
        0
    ].spec.trading_windows


def test_hours_without_time_zone_are_the_machines_with_a_notice(config):
    """
    Ruling 2.
    """
    checked = config.check(
        config.session('trading_hours = { start = "09:30", end = "15:00" }'), TZ="Asia/Shanghai"
    )

    assert "Asia/Shanghai" == checked.sessions[0].spec.timezone
    assert (
        "session demo: timezone is not given; trading_hours are this machine's Asia/Shanghai",
    ) == checked.notices


@pytest.mark.parametrize(
    ("environ", "target", "expected"),
    [
        ({"TZ": ":Europe/Berlin"}, "/x", "Europe/Berlin"),
        ({"TZ": "CET-1"}, "/usr/share/zoneinfo/America/New_York", "America/New_York"),
        ({}, "/usr/share/zoneinfo/No/Where", "UTC"),
    ],
)
def test_the_machines_zone_is_found(environ, target, expected, tmp_path):
    link = tmp_path / "localtime"
    link.symlink_to(target)

    assert expected == machine_zone(environ, link)


def test_no_entries_at_all_is_a_valid_wish_that_is_told(config):
    """
    BAD-012: 0 is valid.
    """
    checked = config.check(config.session("max_daily_trades = 0"))

    assert 0 == checked.sessions[0].spec.max_daily_trades
    assert ("session demo: max_daily_trades is 0, so nothing will be bought",) == checked.notices


def test_a_large_profit_needs_a_word(config):
    """
    BAD-011: the confirmation key.
    """
    text = config.session("take_profit_pct = 10", "i_accept_large_take_profit = true")

    assert 10 == config.check(text).sessions[0].spec.take_profit_pct


def test_no_limits_need_a_word_and_are_told(config):
    """
    RSK-47: the banner.
    """
    head = config.without("max_position_size").partition("[risk.position_size]")[0]

    checked = config.check(head + "[risk]\nrequired = []\ni_accept_no_limits = true\n")

    assert checked.sessions[0].accept_no_limits
    assert () == checked.sessions[0].rules
    assert () == checked.sessions[0].spec.required_rules
    assert ("session demo: NO LIMIT IS REQUIRED, i_accept_no_limits is set",) == checked.notices


def test_sessions_share_the_tables_that_they_do_not_have(config):
    text = (
        '[[sessions]]\nid = "a"\nmodel_id = "m"\ninitial_capital = 1\nmax_position_size = 0.1\n'
        '[[sessions]]\nid = "b"\nmodel_id = "m"\ninitial_capital = 2\nmax_position_size = 0.2\n'
        '[sessions.broker]\nplugin = "mock"\nseed = 7\n'
        '[[sessions.signals]]\nplugin = "file"\npath = "b.csv"\n'
    ) + config.good.partition("\n\n")[2]

    first, second = config.check(text).sessions

    assert ("a", 0, ()) == (first.spec.session_id, first.broker.config.seed, first.signals)
    assert ("b", 7, "b.csv") == (
        second.spec.session_id,
        second.broker.config.seed,
        second.signals[0].config.path.name,
    )
    assert [Decimal("0.1"), Decimal("0.2")] == [
        session.rules[0].config.max_position_size for session in (first, second)
    ]


def test_problems_of_one_of_several_sessions_are_under_its_own_path(config):
    session = 'model_id = "m"\ninitial_capital = 1\nmax_position_size = 0.1\n'
    text = (
        f'[[sessions]]\nid = "a"\n{session}[[sessions]]\nid = "a/"\n{session}'
        '[[sessions.signals]]\nplugin = "file"\npath = 3\n'
    ) + config.good.partition("\n\n")[2]

    assert [("sessions[1].id", 7), ("sessions[1].signals[0].path", 13)] == [
        (problem.field, problem.line) for problem in config.problems(text)
    ]


def test_what_sessions_share_is_wrong_only_once(config):
    session = 'model_id = "m"\ninitial_capital = 1\nmax_position_size = 0.1\n'
    text = (
        f'[[sessions]]\nid = "a"\n{session}[[sessions]]\nid = "b"\n{session}'
        + config.good.partition("\n\n")[2]
    )

    assert "risk.drawdown.max_drawdown" == config.problem(text.replace("0.10", "3")).field


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[sessions]]\nid = "a"\n[[sessions]]\nid = "a"\n', 'sessions[1].id must be unique, got "a" twice'),
        ("[session]\n[[sessions]]\n", "sessions must be [[sessions]] tables and nothing beside them"),
        ("[sessions]\n", "sessions must be [[sessions]] tables and nothing beside them"),
        ("sessions = [1]\n", "sessions[0] must be a table, got 1 (whole number)"),
        ("session = 1\n", "session must be a table, got 1 (whole number)"),
        ("signals = 1\n[session]\n", "signals must be [[signals]] tables, got 1 (whole number)"),
        ("alerts = [1]\n[session]\n", "alerts[0] must be a table, got 1 (whole number)"),
        ("broker = 1\n[session]\n", "broker must be a table, got 1 (whole number)"),
        ("risk = 1\n[session]\n", "risk must be a table, got 1 (whole number)"),
        ("plugins = 1\n[session]\n", "plugins must be a table, got 1 (whole number)"),
    ],
)
def test_tables_in_the_wrong_shape_are_told(text, message, config):
    terms = 'model_id = "m"\ninitial_capital = 1\nmax_position_size = 0.1\n'
    text = text.replace('id = "a"\n', f'id = "a"\n{terms}')
    rest = config.good.partition("\n\n")[2] if "unique" in message else ""

    assert message in [problem.message for problem in config.problems(text + rest)]


def test_a_plugin_that_cannot_be_used_stops_the_start_with_exit_code_4(config):
    """
    RSK-40: all such plugins at once, with their lines.
    """
    text = config.good + '[[signals]]\nplugin = "broken"\n[[alerts]]\nplugin = "broken"\n'

    with pytest.raises(PluginErrors, match="failed to load") as caught:
        config.check(text)

    assert 4 == caught.value.exit_code
    assert [("signals[0].plugin", 20), ("alerts[0].plugin", 22)] == [
        (problem.field, problem.line) for problem in caught.value.problems
    ]


def test_a_plugin_that_cannot_be_used_is_told_among_other_problems(config):
    text = config.session("currency = 1") + '[[signals]]\nplugin = "broken"\n'

    assert ["LTM-CFG-007", "LTM-PLG-000"] == [problem.code for problem in config.problems(text)]


def test_a_config_class_that_fails_in_its_own_way_is_told_as_a_problem(config):
    """
    A plugin's checks are about the input, whatever they raise.
    """

    @attrs.frozen(kw_only=True)
    class Odd:
        text: str = attrs.field(default="", converter=str.strip)
        number: int = attrs.field(default=0)

        @number.validator
        def _check(self, attribute, value):
            if value == 13:
                raise LookupError("unlucky")

        def __attrs_post_init__(self):
            if self.number == 12:
                raise ZeroDivisionError

    plugins = config.plugins
    plugins.CONFIGS = {**plugins.CONFIGS, ("alert_sink", "odd"): Odd}

    def told(number):
        text = config.good + f'[[alerts]]\nplugin = "odd"\nnumber = {number}\n'
        return config.problem(text).message

    assert "alerts[0].number is not valid: unlucky, got 13 (whole number)" == told(13)
    assert "alerts[0] is not valid: ZeroDivisionError" == told(12)


def test_every_key_of_the_configuration_is_in_the_reference(config):
    """
    The reference page is made of these rows, and each has a line of documentation.
    """
    rows = {row.name: row for row in reference_rows(config.plugins)}

    assert ("number", None) == (rows["session.initial_capital"].type, rows["session.initial_capital"].default)
    assert ('"keep", "cancel" or "flatten"', '"cancel"') == (
        rows["session.on_stop"].type,
        rows["session.on_stop"].default,
    )
    assert 'number or "max"' == rows['broker("mock").speed'].type
    assert "risk.drawdown.max_drawdown" in rows
    assert [] == [
        name
        for name, row in rows.items()
        if name.startswith(("session.", "plugins.", "risk.req")) and not row.doc
    ]


def test_the_documented_example_works_with_the_plugins_of_this_checkout(tmp_path):
    """
    design.md 7, through the real registry.
    """
    from ltm.registry import Registry

    registry = Registry.discover()
    example = """
[session]
id = "demo"
model_id = "lgbm_model_v1"
initial_capital = 100_000
currency = "USD"
max_position_size = 0.3
max_daily_trades = 10
stop_loss_pct = 0.05
take_profit_pct = 0.10
trading_hours = { start = "09:30", end = "15:00" }
timezone = "Asia/Shanghai"
live = false
on_stop = "cancel"

[broker]
plugin = "mock"
prices = "prices.csv"
speed = "max"

[sizer]
plugin = "equity_fraction"

[risk.position_size]
[risk.sector_concentration]
max_sector_fraction = 0.4
sectors = "sectors.csv"
[risk.drawdown]
max_drawdown = 0.10
[risk.daily_loss]
max_daily_loss = 0.02

[[signals]]
plugin = "file"
path = "signals.jsonl"

[[alerts]]
plugin = "log"

[plugins]
allow = ["ltm-risk-*"]
"""
    document = parse_config(example, name="ltm.toml", base=tmp_path, environ={})

    session = check_config(document, registry, {}).sessions[0]

    assert ("mock", "equity_fraction") == (session.broker.name, session.sizer.name)
    assert ["position_size", "sector_concentration", "drawdown", "daily_loss"] == [
        rule.name for rule in session.rules
    ]


def test_an_alert_sink_may_be_told_of_serious_alerts_only(config):
    """A threshold per sink, `info` where nothing is said; a word nobody knows is refused with the list."""
    alerts = '[[alerts]]\nplugin = "log"\nminimum = "critical"\n[[alerts]]\nplugin = "log"\n'

    assert ["critical", "info"] == [
        alert.minimum for alert in config.check(config.good + alerts).sessions[0].alerts
    ]
