"""
Tables and JSON on standard output: rich tables on a terminal, aligned text elsewhere, one line a row always.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from ltm.core.history import as_json
from ltm.model.numbers import RULES, decimal_of, plain
from ltm.model.redaction import KNOWN, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Column", "as_cell", "on_terminal", "one_line", "print_json", "print_table", "short_time"]

_GAP: Final = "  "
_WIDEST: Final = 16
_PLACES: Final = Decimal("1E-8")
"""Tables round long fractions, such as a headroom; JSON never does."""


class Column(NamedTuple):
    """
    One column: the key of the row, what stands above it, and whether it holds numbers.
    """

    key: str
    title: str
    is_number: bool = False


def print_json(value: object) -> None:
    """
    Print rows as JSON; everything outside ASCII is escaped.
    """
    click.echo(KNOWN.by_value(json.dumps(as_json(value), indent=2, allow_nan=False)))


def on_terminal() -> bool:
    """
    Return whether a person looks at standard output.
    """
    return sys.stdout.isatty()


def print_table(
    columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], *, title: str = "", empty: str = "none"
) -> None:
    """
    Print a table.

    Args:
        columns: What to show of each row.
        rows: As `as_json` gives them.
        title: Stands above it.
        empty: Printed instead of a table without rows.
    """
    cells = [[_cell(column, row.get(column.key)) for column in columns] for row in rows]
    if title:
        click.echo(one_line(title))
    if not cells:
        click.echo(empty)
    elif on_terminal():
        _print_rich(columns, cells)
    else:
        _print_plain(columns, cells)


def as_cell(value: object) -> str:
    """
    Return a value on one line, whatever it holds (SEC-33); nothing at all is a dash.
    """
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(as_cell(item) for item in value) or "-"
    return one_line(str(value))


def _cell(column: Column, value: object) -> str:
    text = as_cell(value)
    number = decimal_of(text) if column.is_number and len(text) > _WIDEST else None
    return text if number is None else plain(number.quantize(_PLACES, context=RULES))


def short_time(text: str | None) -> str | None:
    """
    Return an ISO time without fractions of a second, for tables.
    """
    if text is None:
        return None
    head, dot, _ = text.partition(".")
    return head + "Z" if dot else text


def _print_plain(columns: Sequence[Column], cells: list[list[str]]) -> None:
    lines = [[column.title for column in columns], *cells]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        padded = (
            text.rjust(width) if column.is_number else text.ljust(width)
            for text, width, column in zip(line, widths, columns, strict=True)
        )
        click.echo(_GAP.join(padded).rstrip())


def _print_rich(columns: Sequence[Column], cells: list[list[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.title, justify="right" if column.is_number else "left", overflow="fold")
    for line in cells:
        # As Text: what a venue or a model wrote is never markup.
        table.add_row(*(Text(text) for text in line))
    Console().print(table)
