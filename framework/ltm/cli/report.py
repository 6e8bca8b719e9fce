"""
The summary at the end of `ltm run` and `ltm simulate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from ltm.cli.output import Column, one_line, print_table
from ltm.core.history import as_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ltm.core.state import State
    from ltm.core.summary import Summary

_POSITIONS: Final = (
    Column("symbol", "position"),
    Column("quantity", "quantity", is_number=True),
    Column("average_entry_price", "entry", is_number=True),
    Column("mark_price", "mark", is_number=True),
    Column("unrealized_pnl", "unrealized", is_number=True),
    Column("realized_pnl", "realized", is_number=True),
    Column("sector", "sector"),
)
_SHOWN: Final = 10


def print_summary(summary: Summary) -> None:
    """
    Print what became of a session.
    """
    values = as_json(summary)
    state = f"{summary.lifecycle}, trading {summary.trading_state}"
    click.echo(one_line(f"Session {summary.session_id} ({summary.model_id} at {summary.broker}): {state}"))
    for reason in summary.reasons:
        click.echo(one_line(f"  {reason.code}: {reason.message}"))
    click.echo(
        f"  signals    {summary.signals}" + (f" ({summary.ignored} to hold)" if summary.ignored else "")
    )
    click.echo(f"  orders     {summary.orders}{_counted(summary.orders_by_status)}")
    click.echo(one_line(f"  denied     {summary.denied}{_counted(summary.denied_by_code)}"))
    click.echo(f"  fills      {summary.fills}")
    for label, key in _MONEY:
        if key in _SELDOM and values[key] == "0":
            continue
        click.echo(one_line(f"  {label:<11}{values[key]} {summary.currency}"))
    click.echo(f"  max drawdown {values['max_drawdown']}")
    click.echo(f"  alerts     {sum(summary.alerts.values())}{_counted(summary.alerts)}")
    print_table(_POSITIONS, values["positions"], empty="  no positions are open")
    _print_orders("still open", summary.open_orders)
    _print_orders("UNKNOWN OUTCOME, ask your broker", summary.unresolved_orders)


_MONEY: Final = (
    ("equity", "equity"),
    ("realized", "realized_pnl"),
    ("unrealized", "unrealized_pnl"),
    ("commission", "commissions"),
    ("exchange", "translation_pnl"),
    ("flows", "flows"),
)
_SELDOM: Final = frozenset({"translation_pnl", "flows"})


def _counted(counts: dict[str, int]) -> str:
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f" ({listed})" if listed else ""


def _print_orders(label: str, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        click.echo(one_line(f"  {label}: {', '.join(names[:_SHOWN])}{more}"))


def print_next_steps(summaries: Sequence[Summary], state_dir: Path | None, example: str | None) -> None:
    """
    Print which commands to look at next.

    Args:
        summaries: Of all sessions.
        state_dir: As given to `--state-dir`, None for the default.
        example: An order's id or a signal's key worth explaining.
    """
    place = f" --state-dir {state_dir}" if state_dir is not None else ""
    session = f" --session {summaries[0].session_id}" if len(summaries) == 1 else ""
    click.echo("\nLook at next:")
    click.echo(one_line(f"  ltm orders{session}{place}"))
    if example is not None:
        click.echo(one_line(f"  ltm explain {example}{session}{place}"))
    click.echo(one_line(f"  ltm status{session}{place}"))
    click.echo(one_line(f"  ltm journal verify{session}{place}"))


def print_left_behind(states: Sequence[State]) -> None:
    """
    Say what an interrupted run leaves at the venue.
    """
    click.echo("interrupted: the journal is intact, and nothing was canceled", err=True)
    for state in states:
        name = state.spec.session_id
        for order in state.orders.values():
            row = as_json(order.quantity - order.filled)
            text = f"{name}: open order {order.client_order_id}: {order.side} {row} {order.symbol}, {order.status}"
            click.echo(one_line(text), err=True)
        for slot in state.held():
            text = f"{name}: position {as_json(slot.position)} {slot.instrument.symbol}"
            click.echo(one_line(text), err=True)
