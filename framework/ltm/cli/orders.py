"""
`ltm orders cancel` and `ltm orders replace`: a person's hand on one order of a running session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ltm.cli.asking import put, terminal
from ltm.cli.operate import asking, listed, seconds_option
from ltm.cli.types import DecimalType
from ltm.engine.control import wire

if TYPE_CHECKING:
    from decimal import Decimal

_WAIT = "How long to wait for the venue's answer."


@click.command("cancel")
@click.argument("client_order_id", metavar="ID")
@seconds_option(10.0, _WAIT)
@asking()
def cancel(
    context: click.Context,
    *,
    session: str | None,
    reason: str,
    as_json: bool,
    client_order_id: str,
    seconds: float,
) -> None:
    """
    Cancel one open order, and tell what became of it.

    Ends with exit code 1 when it was filled before it could be canceled, or the venue refuses; with 6 while the
    venue does not answer: the cancel is repeated until it does.
    """
    request = wire.Cancel(
        session=session or listed(context),
        reason=reason,
        tty=terminal(),
        client_order_id=client_order_id,
        seconds=seconds,
    )
    put(context, request, "orders cancel", as_json=as_json)


@click.command("replace")
@click.argument("client_order_id", metavar="ID")
@click.option(
    "--quantity", metavar="NUMBER", type=DecimalType(), help="Of the whole, what it has filled included."
)
@click.option("--limit-price", metavar="NUMBER", type=DecimalType(), help="Its new limit price.")
@click.option("--trigger-price", metavar="NUMBER", type=DecimalType(), help="Its new trigger price.")
@seconds_option(10.0, _WAIT)
@asking()
def replace(
    context: click.Context,
    *,
    session: str | None,
    reason: str,
    as_json: bool,
    client_order_id: str,
    quantity: Decimal | None,
    limit_price: Decimal | None,
    trigger_price: Decimal | None,
    seconds: float,
) -> None:
    """
    Let another order take the place of an open one.

    The order is canceled first; once that is proven, what it did not fill is decided on like any new order, by every
    gate and every rule. Ends with exit code 1 when nothing takes its place, with 6 while the venue does not answer.
    """
    if quantity is limit_price is trigger_price is None:
        message = "say what changes: --quantity, --limit-price or --trigger-price"
        raise click.UsageError(message, context)
    request = wire.Replace(
        session=session or listed(context),
        reason=reason,
        tty=terminal(),
        client_order_id=client_order_id,
        quantity=quantity,
        limit_price=limit_price,
        trigger_price=trigger_price,
        seconds=seconds,
    )
    put(context, request, "orders replace", as_json=as_json)
