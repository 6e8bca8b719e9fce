"""
What can be asked of the venue, and how question and answer read on a socket: one JSON object per line.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ltm.model.instrument import Instrument
from ltm.model.market import Quote
from ltm.model.order import OrderDraft
from ltm.model.reports import (
    AccountReport,
    Acked,
    Ambiguous,
    BrokerEvent,
    FillReport,
    LinkReport,
    NotSent,
    OrderReport,
    PositionReport,
    Refused,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

LINE_LIMIT: Final = 1 << 24
"""Longest line that either side reads."""


class Submit(msgspec.Struct, frozen=True, gc=False, tag="submit"):
    """
    Send an order.
    """

    client_order_id: str
    draft: OrderDraft


class Cancel(msgspec.Struct, frozen=True, gc=False, tag="cancel", omit_defaults=True):
    """
    Cancel an order; one that is not ours goes by the venue's id.
    """

    client_order_id: str
    venue_order_id: str | None = None


class Find(msgspec.Struct, frozen=True, tag="find", omit_defaults=True):
    """
    Ask for one order; one that is not ours goes by the venue's id.
    """

    client_order_id: str
    venue_order_id: str | None = None


class OpenOrders(msgspec.Struct, frozen=True, tag="open_orders"):
    """
    Ask for all open orders.
    """


class Fills(msgspec.Struct, frozen=True, tag="fills"):
    """
    Ask for the executions since a time.
    """

    since: datetime


class Positions(msgspec.Struct, frozen=True, tag="positions"):
    """
    Ask for the holdings.
    """


class Account(msgspec.Struct, frozen=True, tag="account"):
    """
    Ask for cash and time.
    """


class Login(msgspec.Struct, frozen=True, tag="login"):
    """
    Begin: from now on this customer, and no earlier connection, is served.
    """


class Peek(msgspec.Struct, frozen=True, tag="peek"):
    """
    Ask how the market stands without logging in; what happened is told to the customer alone.
    """


class Tell(msgspec.Struct, frozen=True, tag="tell"):
    """
    Order more faults, in the words of a fault file; nobody has to be logged in for it.
    """

    faults: str


class Instruments(msgspec.Struct, frozen=True, tag="instruments"):
    """
    Ask for instruments by symbol or alias, all of them when empty, and have their prices sent.
    """

    symbols: tuple[str, ...]


class Advance(msgspec.Struct, frozen=True, tag="advance"):
    """
    Let the next moment of the market happen.
    """

    until: datetime | None = None


Request = (
    Submit
    | Cancel
    | Find
    | OpenOrders
    | Fills
    | Positions
    | Account
    | Login
    | Peek
    | Tell
    | Instruments
    | Advance
)

ANSWERS: Final[dict[type[Any], Any]] = {
    Submit: Acked | Refused | NotSent | Ambiguous,
    Cancel: Acked | Refused | NotSent | Ambiguous,
    Find: OrderReport | None,
    OpenOrders: list[OrderReport],
    Fills: list[FillReport],
    Positions: list[PositionReport],
    Account: AccountReport,
    Login: AccountReport,
    Peek: type(None),
    Tell: list[str],
    Instruments: list[Instrument],
    Advance: bool,
}
"""Request -> type of its answer."""


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A line to the venue. Processed after `expires` (monotonic seconds of the machine), it is dropped.
    """

    number: int
    request: Request
    expires: float | None = None


class QuoteSent(msgspec.Struct, frozen=True, tag="Quote"):
    """
    A quote among other events.
    """

    quote: Quote


class InstrumentSent(msgspec.Struct, frozen=True, tag="Instrument"):
    """
    A changed instrument among other events.
    """

    instrument: Instrument


Sent = OrderReport | FillReport | LinkReport | QuoteSent | InstrumentSent


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A line from the venue: what it answers, what happened until then, and the market's time.
    """

    number: int
    time: datetime
    answer: msgspec.Raw = msgspec.Raw(b"null")
    events: tuple[Sent, ...] = ()
    progress: float | None = None
    price_interval: float = 0.0
    error: str | None = None


def method_of(request: Request) -> str:
    """
    Return what a request is called in fault files and logs.
    """
    return type(request).__struct_config__.tag  # type: ignore[return-value] # text in every request of ours


def sent(events: Sequence[Quote | BrokerEvent]) -> tuple[Sent, ...]:
    """
    Return events as they travel.
    """
    return tuple(
        QuoteSent(event)
        if isinstance(event, Quote)
        else InstrumentSent(event)
        if isinstance(event, Instrument)
        else event
        for event in events
    )


def received(event: Sent) -> Quote | BrokerEvent:
    """
    Return an event as it was before it travelled.
    """
    if isinstance(event, QuoteSent):
        return event.quote
    return event.instrument if isinstance(event, InstrumentSent) else event
