"""
`ltm pause`, `resume`, `stop`, `flatten`, `orders resolve`, `reconcile accept`, `reconcile flow`, `corporate-action`,
`alerts ack`: the hand on the wheel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from ltm.cli.asking import Outcome, ended, finish, put, tell_attestation, terminal
from ltm.cli.output import one_line
from ltm.cli.settings import json_option, of, state_dir_option
from ltm.cli.types import DecimalType
from ltm.engine.control import wire
from ltm.model.corporate import action_of

if TYPE_CHECKING:
    from decimal import Decimal

Command = Callable[..., Any]
SESSION_HELP: Final = "The session; not needed where only one runs."


def asking(*, reason: bool = False) -> Callable[[Command], Command]:
    """
    Add the options of every request.

    Args:
        reason: Whether there has to be a reason.
    """

    def decorate(command: Command) -> Command:
        for option in (
            click.option("--session", metavar="ID", help=SESSION_HELP),
            _reason_option(required=reason),
            json_option,
            state_dir_option,
            click.pass_context,
        )[::-1]:
            command = option(command)
        return command

    return decorate


def _reason_option(*, required: bool) -> Callable[[Command], Command]:
    if not required:
        return click.option("--reason", metavar="TEXT", default="", help="Why, for the journal.")
    return click.option(
        "--reason", metavar="TEXT", required=True, callback=_some_reason, help="Why, for the journal."
    )


def _some_reason(context: click.Context, _: click.Parameter, value: str) -> str:
    if not value.strip():
        message = "--reason must say why"
        raise click.UsageError(message, context)
    return value


def seconds_option(
    default: float, what: str = "How long to wait before the venue is asked what is left."
) -> Callable[[Command], Command]:
    """
    Accept `--timeout`.
    """
    return click.option(
        "--timeout",
        "seconds",
        metavar="SECONDS",
        type=click.FloatRange(0, wire.MOST_SECONDS),
        default=default,
        show_default=True,
        help=what,
    )


@click.command()
@asking()
def pause(context: click.Context, *, session: str | None, reason: str, as_json: bool) -> None:
    """
    Stop entries; exits, stop losses and cancels go on.
    """
    request = wire.Pause(session=session, reason=reason, tty=terminal())
    put(context, request, "pause", as_json=as_json)


@click.command()
@click.option("--ack", "acknowledge", metavar="CODE", multiple=True, help="A trip that you have looked at.")
@click.option(
    "--override",
    metavar="CODE",
    multiple=True,
    help="A trip not to wait for until the day's roll: daily_loss.",
)
@click.option("--reset-peak", is_flag=True, help="Measure the drawdown from today's equity on.")
@click.option("--symbol", metavar="SYMBOL", help="Lift only the block on this instrument.")
@asking()
def resume(
    context: click.Context,
    *,
    session: str | None,
    reason: str,
    as_json: bool,
    acknowledge: tuple[str, ...],
    override: tuple[str, ...],
    reset_peak: bool,
    symbol: str | None,
) -> None:
    """
    Let a session trade again.

    Lifts your own pause as it is. A limit that tripped is lifted by its code and for a reason, so that
    somebody has looked at it: --ack drawdown --reason "...".
    """
    if symbol is not None and (acknowledge or override or reset_peak):
        message = "--symbol lifts one instrument's block and nothing else"
        raise click.UsageError(message, context)
    if symbol is not None:
        _some_reason(context, context.command.params[0], reason)
    request = wire.Resume(
        session=session,
        reason=reason,
        tty=terminal(),
        acknowledge=acknowledge,
        override=override,
        reset_peak=reset_peak,
        symbol=symbol,
    )
    put(context, request, "resume", as_json=as_json)


@click.command()
@asking()
def stop(context: click.Context, *, session: str | None, reason: str, as_json: bool) -> None:
    """
    End a session, and attest what is left at the venue.

    What it does with orders and positions is its `on_stop`. Ends with exit code 6 when that cannot be attested.
    """
    request = wire.Stop(session=session, reason=reason, tty=terminal())
    before = ended(of(context), session) if session is not None else None
    if before is None:
        put(context, request, "stop", as_json=as_json)
        return
    state, attestation = before
    outcome = Outcome(
        action="stop",
        session_id=state.spec.session_id,
        by="",
        lifecycle=state.lifecycle,
        trading_state=state.trading_state,
        reasons=tuple(state.latches),
        journal_sequence=state.sequence,
        attestation=attestation,
    )
    if not as_json:
        click.echo(one_line(f"{session}: it is {state.lifecycle} already"))
        if attestation is not None:
            tell_attestation(attestation)
    finish(context, [outcome], as_json=as_json)


@click.command()
@click.option("--symbol", metavar="SYMBOL", help="Only this instrument.")
@seconds_option(30.0)
@asking()
def flatten(
    context: click.Context,
    *,
    session: str | None,
    reason: str,
    as_json: bool,
    symbol: str | None,
    seconds: float,
) -> None:
    """
    Cancel and close everything, and attest what is left at the venue.

    The session stays, without entries, until you resume it. Ends with exit code 6 when it cannot be
    attested that nothing is left.
    """
    request = wire.Flatten(session=session, reason=reason, tty=terminal(), symbol=symbol, seconds=seconds)
    put(context, request, "flatten", as_json=as_json)


# --- Answers that only a person has ---------------------------------------------------------------


@click.command("resolve")
@click.argument("client_order_id", metavar="ID")
@click.option("--absent", is_flag=True, help="The venue certainly does not have it and never will.")
@click.option("--venue-id", "venue_order_id", metavar="ID", help="The venue has it, under this id.")
@asking(reason=True)
def resolve(
    context: click.Context,
    *,
    session: str | None,
    reason: str,
    as_json: bool,
    client_order_id: str,
    absent: bool,
    venue_order_id: str | None,
) -> None:
    """
    Say what became of an order whose outcome is unknown.

    Only after you have looked at the broker's own screen: --absent frees what the order reserves.
    """
    if absent is (venue_order_id is not None):
        message = "say either --absent or --venue-id ID"
        raise click.UsageError(message, context)
    request = wire.Resolve(
        session=session or listed(context),
        reason=reason,
        tty=terminal(),
        client_order_id=client_order_id,
        venue_order_id=venue_order_id,
    )
    put(context, request, "orders resolve", as_json=as_json)


def listed(context: click.Context) -> str | None:
    """
    Return the session that a group was given: `ltm orders --session S resolve ID` means it too.
    """
    session: str | None = context.parent.params.get("session") if context.parent is not None else None
    return session


@click.group()
def reconcile() -> None:
    """
    Settle differences between the books and the venue.
    """


@reconcile.command("accept")
@click.option("--symbol", metavar="SYMBOL", required=True, help="The instrument.")
@asking(reason=True)
def accept(context: click.Context, *, session: str | None, reason: str, as_json: bool, symbol: str) -> None:
    """
    Take the venue's holding for right where it drifted from ours.

    Writes an adjustment at the current price and lets entries on the instrument pass again. Nothing is
    traded.
    """
    request = wire.Accept(session=session, reason=reason, tty=terminal(), symbol=symbol)
    put(context, request, "reconcile accept", as_json=as_json)


@reconcile.command("flow", context_settings={"ignore_unknown_options": True})
@click.argument("amount", metavar="AMOUNT", type=DecimalType())
@asking(reason=True)
def flow(context: click.Context, *, session: str | None, reason: str, as_json: bool, amount: Decimal) -> None:
    """
    Declare money that came (above 0) or went (below 0) and is no profit or loss.

    Peak and day base are multiplied by (E + F) / E, so that a deposit hides no drawdown and a withdrawal makes none.
    """
    request = wire.Flow(session=session, reason=reason, tty=terminal(), amount=amount)
    put(context, request, "reconcile flow", as_json=as_json)


@click.command("corporate-action")
@click.argument("kind", type=click.Choice(["split", "rename", "dividend"]))
@click.argument("symbol", metavar="SYMBOL")
@click.argument("value", metavar="VALUE")
@click.option("--date", "on", metavar="DATE", required=True, help="The ex-date, such as 2014-06-09.")
@asking(reason=True)
def corporate_action(
    context: click.Context,
    *,
    session: str | None,
    reason: str,
    as_json: bool,
    kind: str,
    symbol: str,
    value: str,
    on: str,
) -> None:
    """
    Tell a running session of a split, a rename or a dividend.

    Position, cost, open orders and exit levels follow it at once, and profit does not. VALUE is a ratio new:old
    (7:1), the new symbol, or an amount for each unit. A date to come belongs into `corporate_actions`.
    """
    found = action_of(on, symbol, kind, value)
    if isinstance(found, str):
        raise click.UsageError(found, context)
    request = wire.Declare(
        session=session, reason=reason, tty=terminal(), symbol=symbol, kind=kind, value=value, on=on
    )
    put(context, request, "corporate-action", as_json=as_json)


@click.command("ack")
@click.argument("alert_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that nobody has acknowledged.")
@asking()
def ack(
    context: click.Context,
    *,
    session: str | None,
    reason: str,
    as_json: bool,
    alert_ids: tuple[str, ...],
    everything: bool,
) -> None:
    """
    Note that you have seen alerts. A trip stays until it is resumed.
    """
    if everything is bool(alert_ids):
        message = "name alerts by their ids, or say --all"
        raise click.UsageError(message, context)
    request = wire.Acknowledge(
        session=session or listed(context), reason=reason, tty=terminal(), alert_ids=alert_ids
    )
    put(context, request, "alerts ack", as_json=as_json)
