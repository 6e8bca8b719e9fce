"""
What an operator's terminal and a running process say to each other: one JSON line out, JSON lines back.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec

from ltm.model.results import Attestation, Reason

VERSION: Final = 1
LINE_LIMIT: Final = 1 << 16
"""Bytes of a request; what is longer is refused unread."""
SEND_SECONDS: Final = 5.0
"""How long a request may take to arrive."""
MOST_SECONDS: Final = 3600.0
STOP_SECONDS: Final = 60.0
"""How long whoever asked for a stop is kept waiting for the session's end."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Text = Annotated[str, msgspec.Meta(max_length=300)]
Wait = Annotated[float, msgspec.Meta(ge=0, le=MOST_SECONDS)]


class Head(msgspec.Struct):
    """
    All that is read of a request before its version is known.
    """

    version: int = 0


class Ask(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action", tag=str.lower
):
    """
    Base of all requests. Who asks is not in it: the kernel says that.
    """

    version: int = VERSION
    session: Name | None = None
    """None: the only one that runs; for a kill, all of them."""
    reason: Text = ""
    tty: Annotated[str, msgspec.Meta(max_length=64)] = ""


class Pause(Ask, frozen=True):
    """
    Stop entries.
    """


class Resume(Ask, frozen=True, kw_only=True):
    """
    Lift latches; with `symbol` only that instrument's block.
    """

    acknowledge: tuple[Name, ...] = ()
    override: tuple[Name, ...] = ()
    reset_peak: bool = False
    symbol: Name | None = None


class Stop(Ask, frozen=True):
    """
    End the session as its terms say, and say what is left.
    """


class Flatten(Ask, frozen=True, kw_only=True):
    """
    Cancel what is open, close what is held, and say what is left.
    """

    symbol: Name | None = None
    seconds: Wait = 30.0


class Kill(Ask, frozen=True, kw_only=True):
    """
    Halt, cancel everything of ours, and say what is left.
    """

    foreign: bool = False
    seconds: Wait = 10.0


class Resolve(Ask, frozen=True, kw_only=True):
    """
    Say what became of an order; without a venue order id: it does not exist.
    """

    client_order_id: Name
    venue_order_id: Name | None = None


class Accept(Ask, frozen=True, kw_only=True):
    """
    Take the venue's holding for right.
    """

    symbol: Name


class Cancel(Ask, frozen=True, kw_only=True):
    """
    Cancel one order, and say what became of it.
    """

    client_order_id: Name
    seconds: Wait = 10.0


class Replace(Ask, frozen=True, kw_only=True):
    """
    Let another order take the place of an open one, and say what became of both; what is None stays as it is.
    """

    client_order_id: Name
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    seconds: Wait = 10.0


class Flow(Ask, frozen=True, kw_only=True):
    """
    Say that money came or went that is no profit or loss.
    """

    amount: Decimal


class Declare(Ask, frozen=True, kw_only=True):
    """
    Apply a corporate action whose date has come.
    """

    symbol: Name
    kind: Name
    value: Name
    on: Name


class Acknowledge(Ask, frozen=True, kw_only=True):
    """
    Note that alerts have been seen; none named: all that wait.
    """

    alert_ids: tuple[Name, ...] = ()


AnyAsk = (
    Pause
    | Resume
    | Stop
    | Flatten
    | Kill
    | Resolve
    | Cancel
    | Replace
    | Accept
    | Flow
    | Declare
    | Acknowledge
)


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="accepted"):
    """
    It is durable in the journal.
    """

    session_id: str
    by: str
    at: datetime
    lifecycle: str
    trading_state: str
    reasons: tuple[str, ...]
    """Codes of the latches that are on now."""
    sequence: int
    """The journal's last record then."""
    count: int = 1
    """How many things it was done to."""


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="progress"):
    """
    What is still to be waited for.
    """

    session_id: str
    open_orders: int
    positions: int


class Attested(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="attested"):
    """
    What is left at the venue.
    """

    attestation: Attestation


class Ordered(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ordered"):
    """
    What became of one order that was to be canceled or replaced.
    """

    session_id: str
    client_order_id: str
    status: str
    filled_quantity: Decimal
    replaced_by: str | None
    replacement_status: str | None
    reasons: tuple[Reason, ...]
    """Why it was not done, if it was not."""
    result: Literal["done", "failed", "pending"]
    """Pending: the venue has not answered yet, and is asked until it does."""


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="refused"):
    """
    It was not done; the last line.
    """

    code: str
    message: str
    hint: str | None = None
    exit_code: int = 2


class Done(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="done"):
    """
    Nothing more follows.
    """


Answer = Accepted | Progress | Attested | Ordered | Refused | Done

encode: Final = msgspec.json.Encoder().encode
decode_answer: Final = msgspec.json.Decoder(Answer).decode
_decode_ask: Final = msgspec.json.Decoder(AnyAsk).decode
_decode_head: Final = msgspec.json.Decoder(Head).decode


def encode_ask(ask: AnyAsk) -> bytes:
    """
    Return the line of a request; what a terminal typed that is not UTF-8 travels as "?", and stops no kill.
    """
    return json.dumps(msgspec.to_builtins(ask), ensure_ascii=False).encode("utf-8", "replace")


class Unreadable(Exception):
    """
    A request that cannot be understood; the text says why.
    """


def decode_ask(line: bytes) -> AnyAsk:
    """
    Return the request of a line.

    Raises:
        Unreadable: It is of another version, or none.
    """
    try:
        version = _decode_head(line).version
        if version != VERSION:
            message = f"a request must have version {VERSION}, got {version}"
            raise Unreadable(message)
        ask: AnyAsk = _decode_ask(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"a request must be one JSON object that is known here: {error}"
        raise Unreadable(message) from error
    return ask
