"""
`ltm explain ID`: the whole story of an order or a refusal, for a trader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from ltm.cli.journals import open_journals
from ltm.cli.listing import why
from ltm.cli.output import Column, as_cell, one_line, print_json, print_table, short_time
from ltm.cli.settings import json_option, of, session_option, state_dir_option
from ltm.core import events as e
from ltm.core.history import as_json
from ltm.core.story import Decision, Step, Story, story_of
from ltm.model.errors import LtmError, shown
from ltm.model.numbers import plain

if TYPE_CHECKING:
    from decimal import Decimal

_PASSED: Final = frozenset({"ok", "reducing"})
_CHECKS: Final = (
    Column("rule", "check"),
    Column("verdict", "verdict"),
    Column("measured", "measured", is_number=True),
    Column("limit", "limit", is_number=True),
    Column("headroom", "headroom", is_number=True),
    Column("message", "why"),
)
_STEPS: Final = (
    Column("sequence", "record", is_number=True),
    Column("at", "recorded"),
    Column("kind", "event"),
    Column("text", "what"),
)
_FILLS: Final = (
    Column("fill_id", "fill"),
    Column("occurred_at", "occurred"),
    Column("quantity", "quantity", is_number=True),
    Column("price", "price", is_number=True),
    Column("commission", "commission", is_number=True),
    Column("commission_currency", "currency"),
)


class UnknownId(LtmError, ValueError):
    """
    No order, venue order or signal has this id.
    """

    exit_code = 2
    default_code = "LTM-CLI-003"


@click.command()
@click.argument("wanted", metavar="ID")
@session_option
@json_option
@state_dir_option
@click.pass_context
def explain(context: click.Context, wanted: str, session: str | None, as_json: bool) -> None:
    """
    Tell why an order was placed or denied, and what it made.

    ID is a client order id, a venue order id or a signal key, as `ltm orders` shows them; of a signal
    key the first eight characters are enough.
    """
    with open_journals(of(context), session) as journals:
        told = [story_of(journal, journal.session_id, wanted) for journal in journals]
    found = [story for story in told if story is not None]
    if not found:
        message = f"no order or signal {shown(wanted)}"
        hint = "ltm orders lists the ids of all orders, denied ones with their signal's key"
        raise UnknownId(message, field="ID", got=wanted, hint=hint)
    if as_json:
        print_json(story_json(found[0]))
    else:
        _print_story(found[0])
    for other in found[1:]:
        # Simulations of one model number their orders alike.
        click.echo(f"notice: session {other.session_id} knows it too; see --session", err=True)


# --- JSON ---------------------------------------------------------------------------------------


def story_json(story: Story) -> dict[str, Any]:
    """
    Return a story with the names of the command line's JSON.
    """
    decision = story.decision
    return {
        "session_id": story.session_id,
        "verdict": verdict(decision),
        "signal_key": getattr(decision, "signal_key", None) or None,
        "signal": as_json(getattr(decision, "signal", None)),
        "size": getattr(decision, "sizing", "") or None,
        "took_microseconds": getattr(decision, "took_microseconds", None),
        "checks": [as_json(check) for check in getattr(decision, "checks", ())],
        "reasons": [as_json(reason) for reason in getattr(decision, "reasons", ())],
        "order": as_json(story.order),
        "events": [_step_json(step) for step in story.steps],
        "fills": [as_json(fill) for fill in story.fills],
        "pnl": as_json(story.result),
    }


def verdict(decision: Decision) -> str:
    """
    Return what was decided, in one word.
    """
    match decision:
        case e.OrderIntended():
            return "approved"
        case e.OrderDenied():
            return "denied"
        case e.SignalIgnored():
            return "ignored"
        case e.ForeignOrderSeen():
            return "foreign"


def _step_json(step: Step) -> dict[str, Any]:
    values = as_json(step.event)
    recorded = values.pop("at")
    return {"sequence": step.sequence, "recorded_at": recorded, "kind": step.kind, **values}


# --- For people ---------------------------------------------------------------------------------


def _print_story(story: Story) -> None:
    click.echo(one_line(_headline(story)))
    _print_signal(story.decision)
    sizing = getattr(story.decision, "sizing", "")
    click.echo(one_line(f"Size     {sizing or _size_of(story)}"))
    click.echo()
    checks = [
        {**as_json(check), "verdict": _word(check.code)} for check in getattr(story.decision, "checks", ())
    ]
    print_table(_CHECKS, checks, title=_checks_title(story.decision), empty="  none were made")
    click.echo()
    print_table(_STEPS, [_step_row(step) for step in story.steps], title="Events")
    if isinstance(story.decision, e.OrderDenied):
        click.echo("\nNothing was sent.")
    elif not isinstance(story.decision, e.SignalIgnored):
        click.echo()
        fills = [
            {**as_json(fill), "occurred_at": short_time(as_json(fill.occurred_at))} for fill in story.fills
        ]
        print_table(_FILLS, fills, title="Fills", empty="  none")
        click.echo()
        _print_result(story)


def _checks_title(decision: Decision) -> str:
    took = getattr(decision, "took_microseconds", 0)
    return f"Checks (decided in {took / 1000:.1f} ms)" if took else "Checks"


def _headline(story: Story) -> str:
    order = story.order
    if order is None:
        return f"Signal {getattr(story.decision, 'signal_key', '')} in session {story.session_id}: ignored (hold)"
    quantity = as_cell(as_json(order.quantity))
    what = f"{order.side} {quantity} {order.symbol}, {order.order_type}, {order.time_in_force}"
    name = f"Order {order.client_order_id}" if order.client_order_id else f"Signal {order.signal_key}"
    if order.venue_order_id:
        name += f" (at the venue {order.venue_order_id})"
    reason = f" ({why(order.reason)})" if order.reason else ""
    return f"{name} in session {story.session_id}: {what}: {order.status}{reason}"


def _print_signal(decision: Decision) -> None:
    signal = getattr(decision, "signal", None)
    if signal is None:
        purpose = decision.draft.purpose if isinstance(decision, e.OrderIntended) else "foreign"
        click.echo(f"Signal   none: {purpose}")
        return
    at = short_time(as_json(signal.at))
    asked = f", quantity {plain(signal.quantity)}" if signal.quantity is not None else ""
    for name in ("stop_loss_price", "take_profit_price"):
        price: Decimal | None = getattr(signal, name)
        asked += f", {name} {plain(price)}" if price is not None else ""
    text = (
        f"Signal   {signal.action} {signal.symbol} at {at}, score {plain(signal.score)},"
        f" confidence {plain(signal.confidence)}{asked} (key {getattr(decision, 'signal_key', '')})"
    )
    click.echo(one_line(text))


def _size_of(story: Story) -> str:
    signal = getattr(story.decision, "signal", None)
    if signal is not None and signal.quantity is not None:
        return f"{plain(signal.quantity)}, as the signal asked"
    if story.order is not None and story.order.quantity is not None:
        return f"{plain(story.order.quantity)}, what was left of the position"
    return "none was worked out"


def _word(code: str) -> str:
    return "passed" if code == "ok" else code if code in _PASSED else f"DENIED {code}"


def _step_row(step: Step) -> dict[str, Any]:
    at = short_time(as_json(step.event.at))
    return {"sequence": step.sequence, "at": at, "kind": step.kind, "text": _told(step.event)}


def _told(event: e.AnyEvent) -> str:
    match event:
        case e.OrderIntended():
            return f"approved: worst case {plain(event.worst_price)} a unit"
        case e.OrderDenied():
            return "; ".join(str(why(reason)) for reason in event.reasons)
        case e.OrderAccepted() | e.OrderLate() | e.VenueOrderSeen():
            return f"venue order {event.venue_order_id}"
        case e.OrderFilled():
            guess = ", inferred" if event.inferred else ""
            return f"{plain(event.quantity)} at {plain(event.price)}{guess}"
        case e.FillReplaced():
            return f"{event.fill_id} is now {plain(event.quantity)} at {plain(event.price)}: {event.reason}"
        case e.OrderRejected():
            return f"{event.code}: {event.message}"
        case e.Unexpected():
            return f"{event.report} while {event.status}"
        case _:
            return str(getattr(event, "reason", getattr(event, "evidence", "")))


def _print_result(story: Story) -> None:
    result = story.result
    money = result.currency or ""
    click.echo(one_line(f"P&L      realized by this order {_money(result.realized_pnl, money)}"))
    click.echo(one_line(f"         commission {_money(result.commission, money)}"))
    if result.position_opened_at is None:
        return
    opened = short_time(as_json(result.position_opened_at))
    closed = short_time(as_json(result.position_closed_at))
    ended = f"closed {closed}" if closed else f"{plain(result.position_quantity)} still open"
    text = f"its position (opened {opened}, {ended}) realized {_money(result.position_realized_pnl, money)}"
    click.echo(one_line(f"         {text}"))


def _money(amount: Decimal, currency: str) -> str:
    return f"{plain(amount)} {currency}".rstrip()
