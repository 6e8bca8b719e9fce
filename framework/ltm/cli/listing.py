"""
`ltm status`, `positions`, `orders`, `fills` and `alerts`: rows of journals, as tables or JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from ltm.cli.journals import SessionJournal, is_flagged, is_left_behind, open_journals
from ltm.cli.operate import ack, resolve
from ltm.cli.orders import cancel, replace
from ltm.cli.output import Column, as_cell, one_line, print_json, print_table, short_time
from ltm.cli.settings import json_option, of, session_option, state_dir_option
from ltm.core.history import OrderRow, as_json
from ltm.core.lifecycle import TERMINAL
from ltm.core.views import StatusRow, latest_decisions, positions_of, status_of
from ltm.model.enums import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ltm.model.results import Reason

_UP: Final = frozenset({Lifecycle.STARTING, Lifecycle.RECONCILING, Lifecycle.RUNNING, Lifecycle.STOPPING})
_TIMES: Final = ("created_at", "updated_at", "occurred_at", "raised_at", "acknowledged_at")
_POSITIONS: Final = (
    Column("session_id", "session"),
    Column("symbol", "symbol"),
    Column("quantity", "quantity", is_number=True),
    Column("average_entry_price", "entry", is_number=True),
    Column("mark_price", "mark", is_number=True),
    Column("stop_loss_price", "stop", is_number=True),
    Column("take_profit_price", "profit", is_number=True),
    Column("market_value", "value", is_number=True),
    Column("unrealized_pnl", "unrealized", is_number=True),
    Column("realized_pnl", "realized", is_number=True),
    Column("sector", "sector"),
)
_ORDERS: Final = (
    Column("session_id", "session"),
    Column("created_at", "created"),
    Column("id", "order or signal"),
    Column("symbol", "symbol"),
    Column("side", "side"),
    Column("order_type", "type"),
    Column("quantity", "quantity", is_number=True),
    Column("filled_quantity", "filled", is_number=True),
    Column("average_fill_price", "price", is_number=True),
    Column("commission", "commission", is_number=True),
    Column("status", "status"),
    Column("why", "reason"),
)
_FILLS: Final = (
    Column("session_id", "session"),
    Column("occurred_at", "occurred"),
    Column("client_order_id", "order"),
    Column("symbol", "symbol"),
    Column("side", "side"),
    Column("quantity", "quantity", is_number=True),
    Column("price", "price", is_number=True),
    Column("commission", "commission", is_number=True),
    Column("commission_currency", "currency"),
    Column("inferred", "inferred"),
)
_ALERTS: Final = (
    Column("session_id", "session"),
    Column("alert_id", "alert"),
    Column("raised_at", "raised"),
    Column("severity", "severity"),
    Column("code", "code"),
    Column("message", "message"),
    Column("delivered_to", "delivered to"),
    Column("acknowledged_at", "acknowledged"),
)
LIMITS: Final = (
    Column("rule", "limit"),
    Column("symbol", "symbol"),
    Column("measured", "measured", is_number=True),
    Column("limit", "at most", is_number=True),
    Column("headroom", "headroom", is_number=True),
    Column("state", "state"),
)


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    return session_option(json_option(state_dir_option(click.pass_context(command))))


# --- Status -------------------------------------------------------------------------------------


@click.command()
@_common
def status(context: click.Context, session: str | None, as_json: bool) -> None:
    """
    Show sessions, their money and their limits.
    """
    with open_journals(of(context), session) as journals:
        rows = [_status(journal) for journal in journals]
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("no sessions yet: `ltm run` begins one")
    for index, row in enumerate(rows):
        if index:
            click.echo()
        show_status(row)
        if row.lifecycle in _UP and is_left_behind(of(context), row.session_id):
            click.echo("  no process runs it any more: `ltm run` takes it up where it was")
        if is_flagged(of(context), row.session_id):
            click.echo("  its kill flag is set: nothing but cancels leaves until `ltm resume --ack kill`")


def _status(journal: SessionJournal) -> StatusRow:
    state = journal.state()
    return status_of(state, latest_decisions(state, journal))


def show_status(row: StatusRow) -> None:
    """
    Print one session for a person.
    """
    values = as_json(row)
    money = "real money" if row.live else "no real money"
    click.echo(
        one_line(f"{row.session_id}: {row.lifecycle}, trading {row.trading_state} ({row.broker}, {money})")
    )
    for reason in row.reasons:
        click.echo(one_line(f"  {reason.code}: {reason.message}"))
    for left, right in _PAIRS:
        click.echo(one_line(f"  {_pair(values, left)}  {_pair(values, right)}").rstrip())
    print_table(LIMITS, values["limits"])


_PAIRS: Final = (
    ("equity", "cash"),
    ("realized_pnl", "unrealized_pnl"),
    ("peak_equity", "drawdown"),
    ("day_start_equity", "daily_loss"),
    ("initial_capital", "commissions"),
    ("trading_date", "orders_today"),
    ("open_orders", "unknown_orders"),
    ("last_mark_at", "reconciled_at"),
)


def _pair(values: dict[str, Any], key: str) -> str:
    value = values[key]
    text = as_cell(short_time(value) if key.endswith("_at") else value)
    return f"{key.replace('_', ' ').replace('pnl', 'P&L'):<17}{text:<22}"


# --- Rows ---------------------------------------------------------------------------------------


@click.command()
@click.option("--all", "flat", is_flag=True, help="Also positions that were closed.")
@_common
def positions(context: click.Context, session: str | None, as_json: bool, flat: bool) -> None:
    """
    Show what is held.
    """
    with open_journals(of(context), session) as journals:
        rows = [row for journal in journals for row in positions_of(journal.state(), flat=flat)]
    _print(rows, _POSITIONS, as_json=as_json, empty="no positions")


@click.group(invoke_without_command=True, subcommand_metavar="[COMMAND]")
@click.option("--open", "only_open", is_flag=True, help="Only orders that may still fill.")
@click.option("--symbol", metavar="SYMBOL", help="Only orders of this symbol.")
@_common
def orders(
    context: click.Context, session: str | None, as_json: bool, only_open: bool, symbol: str | None
) -> None:
    """
    Show orders, the denied ones too; `ltm explain` tells why.
    """
    if context.invoked_subcommand is not None:
        return
    with open_journals(of(context), session) as journals:
        rows = [row for journal in journals for row in journal.history().orders]
    chosen = [
        row
        for row in rows
        if (symbol is None or row.symbol == symbol) and not (only_open and row.status in TERMINAL)
    ]
    _print(chosen, _ORDERS, as_json=as_json, empty="no orders")


@click.command()
@_common
def fills(context: click.Context, session: str | None, as_json: bool) -> None:
    """
    Show executions.
    """
    with open_journals(of(context), session) as journals:
        rows = [row for journal in journals for row in journal.history().fills]
    _print(rows, _FILLS, as_json=as_json, empty="no fills")


for _command in (resolve, cancel, replace):
    orders.add_command(_command)


@click.group(invoke_without_command=True, subcommand_metavar="[COMMAND]")
@_common
def alerts(context: click.Context, session: str | None, as_json: bool) -> None:
    """
    Show alerts and who has them.
    """
    if context.invoked_subcommand is not None:
        return
    with open_journals(of(context), session) as journals:
        rows = [row for journal in journals for row in journal.history().alerts]
    _print(rows, _ALERTS, as_json=as_json, empty="no alerts")


alerts.add_command(ack)


def _print(rows: Sequence[object], columns: Sequence[Column], *, as_json: bool, empty: str) -> None:
    if as_json:
        print_json(rows)
    else:
        print_table(columns, [_for_people(row) for row in rows], empty=empty)


def _for_people(row: object) -> dict[str, Any]:
    values: dict[str, Any] = as_json(row)
    values.update({key: short_time(values[key]) for key in _TIMES if key in values})
    if isinstance(row, OrderRow):
        values["id"] = row.client_order_id or row.signal_key
        values["why"] = why(row.reason)
    return values


def why(reason: Reason | None) -> str | None:
    """
    Return a reason on one line.
    """
    if reason is None:
        return None
    return reason.code if reason.message in {"", reason.code} else f"{reason.code}: {reason.message}"
