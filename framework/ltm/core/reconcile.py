"""
Agreement with the venue: orders, fills, positions and cash against the journal (REL-4).

Run at start, on reconnect and periodically; running it twice changes nothing the second time. A
question that failed is not an empty answer, and nothing is ever traded to mend a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from ltm.core import events as e
from ltm.core.cancels import cancel, resend_cancels
from ltm.core.cash import compare_cash, moved
from ltm.core.effects import Sweep
from ltm.core.facts import ask
from ltm.core.fills import SOON, fill_reported
from ltm.core.holdings import compare, in_flight, signed
from ltm.core.intents import watch_intents
from ltm.core.lifecycle import TERMINAL
from ltm.core.lost import skip_lost
from ltm.core.orders import Item, raise_alert
from ltm.core.parts import is_listed, order_told, watch_ended
from ltm.core.state import OrderState, State
from ltm.core.text import clean
from ltm.model.enums import Lifecycle, OrderStatus, Purpose, Severity
from ltm.model.errors import ConfigError
from ltm.model.identifiers import sequence_of, session_key_of
from ltm.model.numbers import ZERO, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from ltm.core.commands import SweepAnswered
    from ltm.core.context import Context
    from ltm.model.reports import AccountReport, FillReport, LinkReport, OrderReport

Recall = Callable[[str], OrderState | None]
"""Reads an order that is no longer in memory back from the journal."""


def swept(state: State, context: Context, recall: Recall, answer: SweepAnswered) -> Iterator[Item]:
    """
    Compare everything with the venue's answers, and let the session run once they are complete.
    """
    context.sweeping = False
    if (answer.open_orders, answer.fills, answer.positions, answer.account) != (None,) * 4:
        context.heard_at = context.mono
    complete = None not in (answer.open_orders, answer.fills, answer.positions, answer.account)
    if not complete:
        context.sweep_at = min(context.sweep_at, context.mono + SOON)
    yield from skip_lost(state, context, answer)
    for fill in answer.fills or ():
        yield from external_fill(state, context, recall, fill)
    if answer.open_orders is not None:
        yield from watch_intents(state, context, recall, answer.open_orders)
        yield from _orders(state, context, recall, answer)
    if answer.positions is not None:
        foreign = partial(_made_by_others, state, recall, answer.fills or ())
        yield from compare(state, context, answer.positions, answer.started_sequence, foreign)
    if answer.account is not None:
        yield from account_reported(state, context, answer.account, answer.started_sequence)
    if not complete or (state.lifecycle is Lifecycle.RECONCILING and _has_doubts(state)):
        return
    # What was not explained yet may have been executed long ago: then all that the venue keeps is asked for.
    context.fills_known_to = None if _has_doubts(state) else answer.asked_at
    if state.reconciled_at is None or state.lifecycle is Lifecycle.RECONCILING:
        yield e.Reconciled(at=context.now, open_orders=len(answer.open_orders or ()))
    if state.lifecycle is Lifecycle.RECONCILING:
        yield e.LifecycleChanged(at=context.now, to=Lifecycle.RUNNING)


def _made_by_others(state: State, recall: Recall, fills: Sequence[FillReport], symbol: str) -> Decimal:
    of_it = (fill for fill in fills if fill.symbol == symbol)
    return sum((signed(fill) for fill in of_it if _is_others(state, recall, fill)), ZERO)


def _is_others(state: State, recall: Recall, fill: FillReport) -> bool:
    if fill.fill_id in state.old_fills:
        return False
    order = find(state, recall, fill.client_order_id, fill.venue_order_id)
    return order is None or order.purpose is Purpose.FOREIGN


def _has_doubts(state: State) -> bool:
    # A difference seen once may be on its way: wait until it is gone, or found to be a drift (RSK-10).
    return any(slot.drift_seen is not None and slot.drift is None for slot in state.slots.values())


# --- Orders and fills ---------------------------------------------------------------------------


def link_reported(state: State, context: Context, report: LinkReport) -> Iterator[Item]:
    """
    Take what the adapter says of its connection: where it says down, no answer but its own word brings it back (C39).
    """
    context.lost_in_silence = False
    if report.up:
        context.heard_at = context.mono
    return link_changed(state, context, report)


def link_changed(state: State, context: Context, report: LinkReport) -> Iterator[Item]:
    """
    Take the connection's going up or down; everything is compared again once it is back (C39).
    """
    if report.up is state.link_up:
        return
    reason = clean(report.reason)
    yield e.LinkChanged(at=context.now, up=report.up, reason=reason)
    context.watch.settled = False
    if report.up:
        yield from resend_cancels(state, context)
        if not context.sweeping:
            yield Sweep(state.sequence)
    else:
        message = f"the link to the venue is down: {reason or 'no reason given'}; entries wait"
        yield raise_alert(state, context, Severity.WARNING, "link_down", message)


def find(
    state: State, recall: Recall, client_order_id: str | None, venue_id: str | None
) -> OrderState | None:
    """
    Return the order of a report: by our id first, else by the venue's.
    """
    order = recall(client_order_id) if client_order_id else None
    if order is None and venue_id and venue_id in state.venue_ids:
        order = recall(state.venue_ids[venue_id])
    return order


def external_fill(state: State, context: Context, recall: Recall, fill: FillReport) -> Iterator[Item]:
    """
    Take a fill that may be ours, known already, or somebody else's.
    """
    if fill.fill_id in state.old_fills:
        return
    order = find(state, recall, fill.client_order_id, fill.venue_order_id)
    if order is not None and order.purpose is not Purpose.FOREIGN:
        yield from fill_reported(state, context, order, fill)


def _orders(state: State, context: Context, recall: Recall, answer: SweepAnswered) -> Iterator[Item]:
    seen = set()
    names = {report.venue_order_id or "" for report in answer.open_orders or ()}
    for report in answer.open_orders or ():
        order = find(state, recall, report.client_order_id, report.venue_order_id)
        if order is None:
            seen.add(_foreign_id(report))
            yield from _foreign(state, context, report, _fills_of(report, answer.fills or ()))
            continue
        if is_listed(order, names):
            seen.add(order.client_order_id)
        if order.purpose is Purpose.FOREIGN:
            yield from _foreign_again(context, order, report)
        else:
            yield from watch_ended(state, context, order, report)
            yield from order_told(state, context, order, report)
    context.revived = {name: since for name, since in context.revived.items() if name in seen}
    for order in list(state.orders.values()):
        if order.client_order_id in seen or state.slots[order.symbol].changed_at > answer.started_sequence:
            continue
        if order.purpose is Purpose.FOREIGN:
            yield e.OrderCanceled(
                at=context.now, client_order_id=order.client_order_id, reason="gone from the venue's list"
            )
        elif order.status in _LISTED:
            # The venue should list it and does not: it ended while nobody listened.
            yield from ask(context, order)


_LISTED: Final = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})


def _foreign_id(report: OrderReport) -> str:
    # What we call an order that is not ours; the same at every sweep.
    return f"foreign-{report.venue_order_id or report.client_order_id}"


def _fills_of(report: OrderReport, fills: tuple[FillReport, ...]) -> tuple[str, ...]:
    return tuple(
        fill.fill_id
        for fill in fills
        if (report.client_order_id and fill.client_order_id == report.client_order_id)
        or (report.venue_order_id and fill.venue_order_id == report.venue_order_id)
    )


def _foreign(state: State, context: Context, report: OrderReport, fills: tuple[str, ...]) -> Iterator[Item]:
    if report.symbol not in state.slots or report.status in TERMINAL or not _is_sound(report):
        return
    own_id = report.client_order_id or ""
    ours = sequence_of(state.session_key, own_id) is not None
    adopt = ours or state.spec.foreign_orders == "adopt"
    name = own_id if ours else _foreign_id(report)
    yield e.ForeignOrderSeen(
        at=context.now,
        client_order_id=name,
        venue_order_id=report.venue_order_id or "",
        symbol=report.symbol,
        side=report.side,
        quantity=report.quantity,
        filled_quantity=report.filled_quantity,
        limit_price=report.limit_price,
        purpose=Purpose.SIGNAL if adopt else Purpose.FOREIGN,
        fills=fills,
    )
    whose = "ours, from a lost journal" if ours else "not ours"
    if not ours and (key := session_key_of(own_id)) is not None:
        whose = f"of another ltm session, or of ours if its journal was lost (key {key})"
    message = (
        f"the venue lists {report.side} {plain(report.quantity)} {report.symbol}"
        f" ({report.venue_order_id}), which is {whose}"
    )
    severity = Severity.CRITICAL if ours else Severity.WARNING
    yield raise_alert(state, context, severity, "foreign_order", message)
    if not ours and state.spec.foreign_orders == "cancel":
        yield from cancel(context, state.orders[name], "foreign orders are canceled")
    elif not ours and state.spec.foreign_orders == "halt":
        yield e.TradingHalted(at=context.now, code="foreign_order", message=message)


def _foreign_again(context: Context, order: OrderState, report: OrderReport) -> Iterator[Item]:
    # It is not ours to book, but what is left of it counts in the worst case.
    told = (report.quantity, report.filled_quantity, report.limit_price)
    if told != (order.quantity, order.filled, order.limit_price) and _is_sound(report):
        yield e.ForeignOrderSeen(
            at=context.now,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id or "",
            symbol=order.symbol,
            side=order.side,
            quantity=report.quantity,
            filled_quantity=report.filled_quantity,
            limit_price=report.limit_price,
        )


def _is_sound(report: OrderReport) -> bool:
    numbers = (report.quantity, report.filled_quantity, report.limit_price or ZERO)
    return all(number.is_finite() for number in numbers)


# --- Cash and clock -----------------------------------------------------------------------------


def bind(state: State, context: Context, report: AccountReport) -> Iterator[Item]:
    """
    Bind the session to its account; a session never moves to another one (F38, F39).

    Raises:
        ConfigError: The account or its currency is not the session's, or the key may do too much.
    """
    if report.currency != state.spec.currency:
        message = (
            f"session currency {state.spec.currency} but account reports {report.currency}"
            " and no fx source is configured"
        )
        raise ConfigError(message, code="LTM-CFG-026", field="session.currency", got=state.spec.currency)
    if report.can_withdraw and not state.spec.accept_withdrawal_key:
        message = "the broker's key must not be allowed to withdraw, got one that may move money out"
        hint = "make a key that may only trade, from your addresses only; or set accept_withdrawal_key = true"
        raise ConfigError(message, code="LTM-CFG-051", field="broker.credentials", hint=hint)
    if state.account is None:
        yield e.AccountBound(at=context.now, account=report.account, currency=report.currency)
    elif state.account != report.account:
        message = (
            f"session {state.spec.session_id} belongs to account {state.account},"
            f" the broker is connected to {report.account}"
        )
        raise ConfigError(message, code="LTM-CFG-039", field="broker", hint="use another session id for it")


def account_reported(state: State, context: Context, report: AccountReport, since: int) -> Iterator[Item]:
    """
    Take the account: bind it once, compare its cash, measure its clock.
    """
    if report.server_time is not None:
        context.clock_skew = (context.now - report.server_time).total_seconds()
    quiet = not any(in_flight(slot) or slot.changed_at > since for slot in state.slots.values())
    if state.cash_base is None and quiet and report.cash.is_finite():
        yield e.AccountBound(
            at=context.now,
            account=report.account,
            currency=report.currency,
            cash_base=report.cash - moved(state),
        )
    if quiet and report.available is not None and report.available.is_finite():
        context.available = report.available + state.reserved
        context.available_cash = state.cash_total
    if quiet and report.cash.is_finite() and report.currency == state.spec.currency:
        yield from compare_cash(state, context, report.cash)
