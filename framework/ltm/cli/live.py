"""
The live table of `ltm run` on a terminal: money, positions, orders, headroom of every limit, alerts.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ltm.cli.listing import why
from ltm.cli.output import as_cell, short_time
from ltm.core.bases import bases_of
from ltm.core.history import as_json
from ltm.core.views import Decisions, limits_of, note_decision, positions_of, status_of
from ltm.model.enums import Lifecycle
from ltm.model.numbers import ratio
from ltm.model.redaction import one_line
from ltm.model.results import Check
from ltm.ports import Paced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ltm.core import events as e
    from ltm.core.state import OrderState, State
    from ltm.engine.engine import Engine
    from ltm.model.errors import LtmError

EVERY: Final = 0.25
"""Seconds between two pictures."""
_MOST: Final = 10
_STYLES: Final = {
    "ok": "green",
    "near": "yellow",
    "exceeded": "red",
    "tripped": "bold red",
    "faulted": "bold red",
}


class View:
    """
    One session as the live table shows it (`engine.Observer`).

    Args:
        engine: Looked at between its turns, never from another thread.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.problem = ""
        self.decisions: Decisions = {}
        state, context = engine.session.state, engine.session.context
        for name, rule in context.equity_rules:
            floor = rule.equity_floor(bases_of(state))
            limit = ratio(floor.base - floor.floor, floor.base)
            self.decisions[name, ""] = Check(name, "ok", None, limit)

    def on_event(self, event: e.AnyEvent) -> None:
        """
        Keep what decisions say about limits.
        """
        note_decision(self.decisions, event)

    def on_problem(self, problem: LtmError) -> None:
        """
        Keep the latest trouble.
        """
        self.problem = f"{problem.code}: {problem.message}"

    def render(self) -> Group:
        """
        Return the picture of this moment.
        """
        state = self.engine.session.state
        parts: list[Any] = [_headline(state, self.engine), _money(state, self.decisions)]
        parts += [_positions(state), _orders(state), _limits(state, self.decisions), _alerts(state)]
        if self.problem:
            parts.append(Text(one_line(self.problem), style="yellow"))
        done = progress_of(self.engine)
        if done is not None:
            parts.append(ProgressBar(total=1.0, completed=done, width=60))
        return Group(*(part for part in parts if part is not None))


class LiveTable:
    """
    Redraws all sessions four times a second, inside the loop that drives them.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._views: list[View] = []
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, engines: Sequence[Engine]) -> None:
        """
        Start drawing; inside the running loop.
        """
        self._views = [View(engine) for engine in engines]
        for engine, view in zip(engines, self._views, strict=True):
            engine.observers = (*engine.observers, view)
        self._safely(self._live.start)
        self._tick()

    def end(self) -> None:
        """
        Stop drawing and leave the terminal as it was.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._safely(self._live.stop)

    def _tick(self) -> None:
        if self._views:
            self._safely(self._draw)
        self._timer = asyncio.get_running_loop().call_later(EVERY, self._tick)

    def _draw(self) -> None:
        self._live.update(Group(*(view.render() for view in self._views)), refresh=True)

    def _safely(self, draw: Any) -> None:  # noqa: ANN401 - one of our own two
        # A terminal that has gone takes the picture with it, not the trading (F32). Where it is a pipe, rich
        # would end the whole process.
        try:
            draw()
        except (OSError, SystemExit):
            self._views = []


def progress_of(engine: Engine) -> float | None:
    """
    Return how far through its data a session's market is, None when that has no end.
    """
    return engine.broker.progress() if isinstance(engine.broker, Paced) else None


# --- Parts ----------------------------------------------------------------------------------------


def _headline(state: State, engine: Engine) -> Text:
    at = short_time(as_json(engine.clock.now()))
    running = state.lifecycle is Lifecycle.RUNNING and not state.latches
    text = f"{state.spec.session_id}  {state.lifecycle}, trading {state.trading_state}  {at}"
    return Text(one_line(text), style="bold green" if running else "bold yellow")


def _money(state: State, decisions: Decisions) -> Table:
    row = as_json(status_of(state, decisions))
    table = _grid("equity", "cash", "realized", "unrealized", "commissions", "peak", "orders today")
    keys = ("equity", "cash", "realized_pnl", "unrealized_pnl", "commissions", "peak_equity", "orders_today")
    table.add_row(*(Text(as_cell(row[key])) for key in keys))
    return table


def _positions(state: State) -> Table | None:
    rows = positions_of(state)
    table = _grid("position", "quantity", "entry", "mark", "value", "unrealized", "sector")
    keys = (
        "symbol",
        "quantity",
        "average_entry_price",
        "mark_price",
        "market_value",
        "unrealized_pnl",
        "sector",
    )
    for row in rows[:_MOST]:
        values = as_json(row)
        table.add_row(*(Text(as_cell(values[key])) for key in keys))
    return table if rows else None


def _orders(state: State) -> Table | None:
    recent = [*list(state.closed.values())[-4:], *list(state.orders.values())[-_MOST:]]
    table = _grid("order", "symbol", "side", "quantity", "filled", "status", "reason")
    for order in recent:
        table.add_row(*_cells(_order(order)))
    return table if recent else None


def _order(order: OrderState) -> Iterable[object]:
    return (
        order.client_order_id,
        order.symbol,
        order.side,
        as_json(order.quantity),
        as_json(order.filled),
        order.status,
        why(order.reason),
    )


def _limits(state: State, decisions: Decisions) -> Table | None:
    rows = limits_of(state, decisions)
    table = _grid("limit", "symbol", "measured", "at most", "headroom", "state")
    for row in rows[: 2 * _MOST]:
        values = [as_json(getattr(row, name)) for name in ("rule", "symbol", "measured", "limit", "headroom")]
        table.add_row(*_cells(values), Text(row.state, style=_STYLES.get(row.state, "dim")))
    return table if rows else None


def _alerts(state: State) -> Table | None:
    latest = list(state.alerts.values())[-3:]
    table = _grid("alert", "severity", "message")
    for alert in latest:
        table.add_row(*_cells((short_time(as_json(alert.raised_at)), alert.severity, alert.message)))
    return table if latest else None


def _cells(values: Iterable[object]) -> list[Text]:
    # As Text: what a venue or a model wrote is never markup.
    return [Text(as_cell(value), overflow="ellipsis", no_wrap=True) for value in values]


def _grid(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in titles:
        table.add_column(title)
    return table
