"""
The table `[limits]`: what it takes, and what it says to everything else.
"""

from decimal import Decimal

import pytest

from ltm.model.spec import AccountLimits, Limits, Rate

D = Decimal


def limits(line):
    return f"\n[limits]\n{line}\n"


def test_without_the_table_nothing_is_armed(config):
    assert Limits() == config.check(config.good).sessions[0].spec.limits


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("pre_alerts = []", "pre_alerts", ()),
        ("pre_alerts = [0.5, 0.8]", "pre_alerts", (D("0.5"), D("0.8"))),
        ("max_blind_time = 30", "max_blind_time", 30.0),
        ("price_collar = 0.05", "price_collar", D("0.05")),
        ("price_collar = 0.05\nexit_price_collar = 0.05", "exit_price_collar", D("0.05")),
        ('max_order_rate = "50/10s"', "max_order_rate", Rate(50, 10.0)),
        ('max_symbol_order_rate = "5/s"', "max_symbol_order_rate", Rate(5, 1.0)),
        ('max_exit_rate = "600/m"', "max_exit_rate", Rate(600, 60.0)),
        ('max_cancel_rate = "1000 / h"', "max_cancel_rate", Rate(1000, 3600.0)),
        ('max_executions = "1/0.5s"', "max_executions", Rate(1, 0.5)),
        ("duplicate_window = 5", "duplicate_window", 5.0),
        ("max_duplicates = 2", "max_duplicates", 2),
        ("max_open_orders = 1", "max_open_orders", 1),
        ("max_symbol_open_orders = 100_000", "max_symbol_open_orders", 100_000),
        ("max_order_to_fill_ratio = 20", "max_order_to_fill_ratio", D(20)),
        ('restricted = ["GME", "600519.SH"]', "restricted", ("GME", "600519.SH")),
        ('allowed = ["ACME"]', "allowed", ("ACME",)),
        ("prevent_self_match = true", "prevent_self_match", True),
        ("max_positions = 5", "max_positions", 5),
        ("max_gross_exposure = 1.5", "max_gross_exposure", D("1.5")),
        ("max_net_exposure = 0.5", "max_net_exposure", D("0.5")),
        ("max_open_value = 10_000", "max_open_value", D(10000)),
        ("max_traded_value = 1e6", "max_traded_value", D("1e6")),
        ("link_timeout = 30", "link_timeout", 30.0),
    ],
)
def test_a_limit_reaches_the_sessions_terms(config, line, name, value):
    assert value == getattr(config.check(config.good + limits(line)).sessions[0].spec.limits, name)


@pytest.mark.parametrize(
    ("line", "number", "key", "part"),
    [
        ("max_blind_tim = 1", 5, "max_blind_tim", 'did you mean "max_blind_time"?'),
        ("max_blind_time = 0", 28, "max_blind_time", "must be > 0 seconds, got 0"),
        ('max_blind_time = "1"', 7, "max_blind_time", "must be a number, got"),
        ("price_collar = 5", 8, "price_collar", "must be between 0 and 1, got 5"),
        ("exit_price_collar = 0.1", 29, "exit_price_collar", "needs price_collar"),
        (
            "price_collar = 0.1\nexit_price_collar = 0.09",
            29,
            "exit_price_collar",
            "must be at least price_collar, 0.1, got 0.09",
        ),
        ("price_collar = 0.1\nexit_price_collar = 1", 9, "exit_price_collar", "must be > 0 and < 1, got 1"),
        ('max_order_rate = "50"', 28, "max_order_rate", 'must be orders per time, got "50"'),
        ('max_order_rate = "0/s"', 28, "max_order_rate", "must be orders per time"),
        ('max_order_rate = "5/0s"', 28, "max_order_rate", "must be orders per time"),
        ("max_order_rate = 50", 7, "max_order_rate", "must be a string, got 50"),
        ("duplicate_window = -1", 28, "duplicate_window", "must be > 0 seconds, got -1"),
        ("max_duplicates = 0", 12, "max_duplicates", "must be between 1 and 100,000, got 0"),
        (
            "max_open_orders = 100_001",
            12,
            "max_open_orders",
            "must be between 1 and 100,000, got 100001",
        ),
        ("max_positions = 1.5", 7, "max_positions", "must be a whole number"),
        ('restricted = ["ok", ""]', 28, "restricted[1]", "must be a symbol"),
        (
            'restricted = ["A", "B", "C"]\nallowed = ["C", "D", "A"]',
            29,
            "allowed",
            'allowed and restricted both name "C", "A"',
        ),
        ('allowed = "ACME"', 7, "allowed", "must be a list"),
        ("max_gross_exposure = 0", 25, "max_gross_exposure", "must be a positive finite amount"),
        ("link_timeout = 0", 28, "link_timeout", "must be > 0 seconds, got 0"),
        ("pre_alerts = [0.9, 0.7]", 8, "pre_alerts", "must be rising fractions between 0 and 1"),
        ("pre_alerts = [1]", 8, "pre_alerts", "must be rising fractions between 0 and 1, got [1]"),
        ("pre_alerts = [0]", 8, "pre_alerts", "must be rising fractions between 0 and 1, got [0]"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_path(config, line, number, key, part):
    """
    BAD-005, BAD-007, BAD-028: code, path and text.
    """
    (problem,) = config.problems(config.good + limits(line))

    assert (f"LTM-CFG-{number:03}", f"limits.{key}") == (problem.code, problem.field)
    assert part in problem.message


def test_each_session_may_have_limits_of_its_own(config):
    text = config.good.replace("[session]", "[[sessions]]") + "[limits]\nmax_blind_time = 7\n"
    text += '[[sessions]]\nid = "own"\nmodel_id = "m"\ninitial_capital = 1\nmax_position_size = 0.1\n'
    text += "[sessions.limits]\nmax_blind_time = 9\n"

    assert [7.0, 9.0] == [one.spec.limits.max_blind_time for one in config.check(text).sessions]


# --- Accounts -------------------------------------------------------------------------------------

TWO = """
[[sessions]]
id = "b"
model_id = "m"
initial_capital = 1
max_position_size = 0.1
account = "main"
"""


def on_account(config, accounts, *, name="main"):
    first = config.good.replace("[session]", f'[[sessions]]\naccount = "{name}"')
    return first + TWO + accounts


def test_sessions_of_one_account_get_its_limits(config):
    """
    Account > session > symbol.
    """
    checked = config.check(on_account(config, "[accounts.main]\nmax_gross_exposure = 1.5\n"))

    assert [AccountLimits(max_gross_exposure=D("1.5"))] * 2 == [
        one.spec.account_limits for one in checked.sessions
    ]
    assert ["main"] * 2 == [one.spec.account for one in checked.sessions]


@pytest.mark.parametrize(
    ("accounts", "name", "place", "part"),
    [
        ("[accounts.main]\n", "mein", "30 sessions[0].account", "must name a table of [accounts]"),
        (
            "[accounts.main]\nmax_open_orders = 0\n",
            "main",
            "12 accounts.main.max_open_orders",
            "between 1 and",
        ),
        ("[accounts.main]\nmax = 1\n", "main", "05 accounts.main.max", "unknown key"),
        ("", "main", "30 sessions[0].account", 'got "main"'),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(config, accounts, name, place, part):
    """
    BAD-005, BAD-030: with its code and path.
    """
    problem = config.problems(on_account(config, accounts, name=name))[0]

    assert f"LTM-CFG-0{place}" == f"{problem.code} {problem.field}"
    assert part in problem.message


def test_accounts_are_tables(config):
    problem = config.problems("accounts = 1\n" + config.good)[0]

    assert ("LTM-CFG-007", "accounts") == (problem.code, problem.field)


def test_a_single_session_is_named_as_such(config):
    (problem,) = config.problems(config.session('account = "none"'))

    assert "session.account" == problem.field
    assert "add a table [accounts.none]" == problem.hint


def test_an_account_has_one_broker_and_one_currency(config):
    """
    Equity of several currencies does not add up.
    """
    text = on_account(config, "[accounts.main]\n").replace('id = "b"', 'id = "b"\ncurrency = "EUR"')
    (problem,) = config.problems(text)

    assert "sessions[1].account" == problem.field
    assert "got mock, EUR beside mock, USD" in problem.message
