"""
`ltm status`, `positions`, `orders`, `fills`, `alerts`: the stable names of their JSON, and their tables.
"""

import re
from decimal import Decimal

import pytest

from ltm.cli import output

from .conftest import AT, beginning, filled, intended, write

STATUS = (
    "session_id, model_id, broker, live, lifecycle, trading_state, reasons, initial_capital, cash, equity, realized_pnl,"
    " unrealized_pnl, commissions, peak_equity, drawdown, day_start_equity, daily_loss, trading_date, orders_today,"
    " open_orders, unknown_orders, limits, reconciled_at, last_mark_at, journal_sequence"
)
POSITIONS = (
    "session_id, symbol, quantity, average_entry_price, mark_price, market_value, unrealized_pnl, realized_pnl, sector,"
    " stop_loss_price, take_profit_price"
)
ORDERS = (
    "session_id, client_order_id, venue_order_id, symbol, side, order_type, time_in_force, quantity, filled_quantity,"
    " remaining_quantity, limit_price, trigger_price, average_fill_price, commission, status, reason, signal_key,"
    " created_at, updated_at, good_till"
)
FILLS = (
    "session_id, fill_id, client_order_id, venue_order_id, symbol, side, quantity, price, commission,"
    " commission_currency, occurred_at, recorded_at, inferred"
)
ALERTS = "alert_id, session_id, severity, code, message, raised_at, acknowledged_at, delivered_to"
NAMES = {"status": STATUS, "positions": POSITIONS, "orders": ORDERS, "fills": FILLS, "alerts": ALERTS}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
PLAIN = re.compile(r"-?\d+(\.\d+)?")
MONEY = re.compile(
    r"quantity|price|commission$|value|pnl|cash|equity|capital|drawdown|loss|measured|^limit$|headroom"
)


@pytest.mark.parametrize("command", NAMES)
def test_json_has_exactly_the_names_of_the_design(ltm, demo, command):
    """
    Design 8: these names are promised.
    """
    rows = ltm(command, "--json", "--state-dir", demo).json

    assert rows
    for row in rows:
        assert NAMES[command].split(", ") == list(row)


@pytest.mark.parametrize("command", NAMES)
def test_json_values_are_decimal_strings_and_utc_times(ltm, demo, command):
    rows = ltm(command, "--json", "--state-dir", demo).json
    for row in rows:
        for name, value in row.items():
            if name.endswith("_at"):
                assert value is None or STAMP.fullmatch(value), name
            elif MONEY.search(name) and name != "limits":
                assert value is None or PLAIN.fullmatch(value), name


def test_limits_and_reasons_have_their_names(ltm, demo):
    (row,) = ltm("status", "--json", "--state-dir", demo).json

    assert {("rule", "symbol", "measured", "limit", "headroom", "state")} == {
        tuple(one) for one in row["limits"]
    }
    assert {("code", "message", "measured", "limit")} == {tuple(one) for one in row["reasons"]}
    assert {
        "drawdown",
        "daily_loss",
        "max_daily_trades",
        "session_capital",
        "position_size",
        "sector_concentration",
    } == {one["rule"] for one in row["limits"]}
    assert "tripped" == next(one["state"] for one in row["limits"] if one["rule"] == "drawdown")


def test_orders_are_all_orders_and_every_denial(ltm, demo):
    rows = ltm("orders", "--json", "--state-dir", demo).json
    denied = [row for row in rows if row["status"] == "denied"]

    assert {"denied", "filled"} == {row["status"] for row in rows}
    assert all(row["client_order_id"] is None and row["reason"]["code"] for row in denied)
    assert {"position_size", "sector_concentration", "unknown_instrument", "paused"} <= {
        row["reason"]["code"] for row in denied
    }
    assert {("code", "message", "measured", "limit")} == {tuple(row["reason"]) for row in denied}


def test_the_books_of_the_listings_agree(ltm, demo):
    """
    Cash is capital less what fills cost and brought, to the last digit.
    """
    fills = ltm("fills", "--json", "--state-dir", demo).json
    (status,) = ltm("status", "--json", "--state-dir", demo).json
    positions = ltm("positions", "--json", "--state-dir", demo).json
    cash = Decimal(status["initial_capital"])
    held: dict[str, Decimal] = {}
    for fill in fills:
        signed = Decimal(fill["quantity"]) * (1 if fill["side"] == "buy" else -1)
        cash -= signed * Decimal(fill["price"]) + Decimal(fill["commission"])
        held[fill["symbol"]] = held.get(fill["symbol"], Decimal(0)) + signed

    assert Decimal(status["cash"]) == cash
    assert {row["symbol"]: Decimal(row["quantity"]) for row in positions} == {
        symbol: quantity for symbol, quantity in held.items() if quantity
    }


def test_positions_can_include_closed_ones(ltm, demo):
    held = ltm("positions", "--json", "--state-dir", demo).json
    every = ltm("positions", "--all", "--json", "--state-dir", demo).json

    assert len(held) < len(every)
    assert {"Technology", "Energy", "Utilities"} == {row["sector"] for row in every}


def test_orders_can_be_narrowed_down(ltm, tmp_path):
    folder = write(
        tmp_path / "state",
        "hand",
        [*beginning(), intended("one", "10"), intended("two", "5"), filled("two", 1, "5", "100")],
    )
    rows = ltm("orders", "--open", "--symbol", "AAA", "--json", "--state-dir", folder).json

    assert [("one", "intended", "10")] == [
        (row["client_order_id"], row["status"], row["remaining_quantity"]) for row in rows
    ]
    assert [] == ltm("orders", "--symbol", "BBB", "--json", "--state-dir", folder).json
    assert "no orders\n" == ltm("orders", "--symbol", "BBB", "--state-dir", folder).out


@pytest.mark.parametrize("command", NAMES)
def test_a_table_has_one_line_for_each_row(ltm, demo, command):
    rows = ltm(command, "--json", "--state-dir", demo).json
    lines = ltm(command, "--state-dir", demo).out.splitlines()

    if command == "status":
        assert "demo: stopped, trading reducing (mock, no real money)" == lines[0]
    else:
        assert len(rows) + 1 == len(lines)
        assert lines[0].startswith("session")


@pytest.mark.parametrize("command", NAMES)
def test_nothing_hostile_leaves_its_line(ltm, hostile, command):
    """
    SEC-33: newlines, escape sequences, bidi and line separators from outside.
    """
    answer = ltm(command, "--state-dir", hostile)
    rows = ltm(command, "--json", "--state-dir", hostile)

    for text in (answer.out, rows.out, answer.err):
        assert not re.search("[\x00\x1b\u202e\u2028]", text)
    if command in {"orders", "alerts"}:
        assert len(rows.json) + 1 == len(answer.out.splitlines())


@pytest.mark.parametrize("command", NAMES)
def test_an_unknown_session_is_named_with_the_known_ones(ltm, demo, command):
    """
    BAD-033.
    """
    answer = ltm(command, "--session", "abc", "--state-dir", demo)

    assert 2 == answer.code
    assert answer.err.startswith('error[LTM-SES-001]: no session "abc"; known: demo\n')


@pytest.mark.parametrize("command", NAMES)
def test_before_the_first_session_there_is_nothing_to_see(ltm, command):
    answer = ltm(command, "--json")

    assert (0, []) == (answer.code, answer.json)
    assert 0 == ltm(command).code
    assert 'no session "x"; known: none' in ltm(command, "--session", "x").err


def test_a_directory_without_a_journal_has_no_sessions(ltm, tmp_path):
    (tmp_path / "empty").mkdir(mode=0o700)

    assert [] == ltm("status", "--json", "--state-dir", tmp_path / "empty").json


def test_a_directory_that_others_can_read_is_refused(ltm, tmp_path):
    """
    BAD-037, SEC-02: exit 3, and the command that mends it.
    """
    (tmp_path / "open").mkdir(mode=0o755)
    answer = ltm("status", "--state-dir", tmp_path / "open")

    assert 3 == answer.code
    assert "chmod 700" in answer.err


def test_several_sessions_are_listed_together(ltm, tmp_path):
    folder = write(tmp_path / "state", "one", beginning("one"))
    write(folder, "two", beginning("two"))

    assert ["one", "two"] == [
        row["session_id"] for row in ltm("status", "--json", "--state-dir", folder).json
    ]
    assert ["two"] == [
        row["session_id"] for row in ltm("status", "--json", "--session", "two", "--state-dir", folder).json
    ]
    assert "\n\ntwo: running" in ltm("status", "--state-dir", folder).out


def test_a_session_of_real_money_says_so(ltm, tmp_path):
    opened, *rest = beginning()
    live = type(opened)(
        at=AT,
        spec=type(opened.spec)(
            **{name: getattr(opened.spec, name) for name in opened.spec.__struct_fields__} | {"live": True}
        ),
        session_key=opened.session_key,
    )
    folder = write(tmp_path / "state", "hand", [live, *rest])

    assert "real money" in ltm("status", "--state-dir", folder).out.splitlines()[0]


def test_a_terminal_gets_a_drawn_table_and_never_markup(ltm, hostile, monkeypatch):
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "400")
    answer = ltm("orders", "--state-dir", hostile)

    assert "order-one" in answer.out
    assert "\u2500" in answer.out
    assert "\x1b[2J" not in answer.out


def test_cells_say_what_is_there():
    assert ["-", "-", "yes", "no", "a, b", "-"] == [
        output.as_cell(value) for value in (None, "", True, False, ["a", "b"], [])
    ]
