"""
The customs of a session: what an adapter says is looked through before anything is decided on it.

An adapter is a plugin, and venues change. A number that is text or a float becomes exactly the decimal that it
shows; whatever is not what the port promises is no answer, and is told (BAD-100 to BAD-110).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs
import msgspec

from ltm.core import commands as c
from ltm.core.session import Session
from ltm.engine.wording import worded
from ltm.model.errors import LtmError, PluginError, shown
from ltm.model.instrument import Instrument
from ltm.model.market import Quote
from ltm.model.reports import (
    AccountReport,
    Acked,
    Ambiguous,
    BrokerEvent,
    FillReport,
    LinkReport,
    NotSent,
    OrderReport,
    Outcome,
    PositionReport,
    Refused,
)

if TYPE_CHECKING:
    from collections import deque

    from ltm.core.context import Context
    from ltm.engine.inputs import Input

T = TypeVar("T", bound=msgspec.Struct)

REPEATS: Final = 60.0
"""Seconds in which the same fault of an adapter is told once."""
CROWD: Final = 10_000
"""Inputs that may wait; with more, prices are thinned out and nothing is entered (I-21)."""
CALM: Final = 1.0
"""Seconds without a crowd after which entries are let in again."""
_KINDS: Final = (OrderReport, FillReport, LinkReport, Instrument)
_OUTCOMES: Final = (Acked, Refused, NotSent, Ambiguous)
_MOST_KEPT: Final = 100


class Unsound(ValueError):
    """
    An answer that is not what the port promises.
    """


def sound(value: object, kind: type[T]) -> T:
    """
    Return what an adapter said, with exact numbers.

    Raises:
        Unsound: It is something else, or a part of it is.
    """
    if type(value) is not kind:
        message = f"the adapter said {shown(value)} instead of {_article(kind)}"
        raise Unsound(message)
    form = _FORMS.get(kind)
    if form is not None and form.is_known(value):
        return worded(value)
    try:
        found = msgspec.convert(msgspec.structs.asdict(value), kind)
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError) as error:
        message = f"the adapter said {_article(kind)} that is none: {error}"
        raise Unsound(message) from None
    for name in kind.__struct_fields__:
        part = getattr(found, name)
        if isinstance(part, datetime) and part.tzinfo is None:
            message = f"the adapter said {_article(kind)} whose {name} has no time zone"
            raise Unsound(message)
    if form is not None:
        form.note(found)
    return worded(found)


class _Form:
    """
    The types that sound messages of one kind had: the next one with the same types need not be converted.

    Only for kinds whose fields hold plain values; what depends on a value is looked at every time.
    """

    def __init__(self, kind: type[msgspec.Struct], time: str) -> None:
        # The zone of its time is a part like the others: where there is none, its type is another.
        self._parts: Final = attrgetter(*kind.__struct_fields__, f"{time}.tzinfo")
        self._known: Final[set[tuple[type, ...]]] = set()

    def is_known(self, value: object) -> bool:
        try:
            return tuple(map(type, self._parts(value))) in self._known
        except AttributeError:  # where the time should be is something that has no zone
            return False

    def note(self, found: object) -> None:
        if len(self._known) < _MOST_KEPT:
            self._known.add(tuple(map(type, self._parts(found))))


_FORMS: Final[dict[type[object], _Form]] = {
    FillReport: _Form(FillReport, "occurred_at"),
    OrderReport: _Form(OrderReport, "at"),
    LinkReport: _Form(LinkReport, "at"),
}


def sound_rows(rows: object, kind: type[T]) -> tuple[T, ...]:
    """
    Return every row of a list.

    Raises:
        Unsound: It is no list, or one row of it is not sound: then nothing is known.
    """
    return tuple(sound(row, kind) for row in _listed(rows))


def sound_orders(rows: object) -> tuple[OrderReport, ...]:
    """
    Return every order of a list.

    Raises:
        Unsound: It is no list, or one row of it is not sound.
    """
    return sound_rows(rows, OrderReport)


def sound_positions(rows: object) -> tuple[PositionReport, ...]:
    """
    Return holdings, one row each.

    Raises:
        Unsound: A quantity is no number, or two rows about one symbol differ.
    """
    found: dict[str, PositionReport] = {}
    for row in sound_rows(rows, PositionReport):
        if not row.quantity.is_finite():
            message = f"the adapter said that {row.quantity} of {row.symbol} is held"
            raise Unsound(message)
        if found.setdefault(row.symbol, row) != row:
            message = f"the adapter said two things about what is held of {shown(row.symbol)}"
            raise Unsound(message)
    return tuple(found.values())


def sound_account(value: object) -> AccountReport:
    """
    Return the account.

    Raises:
        Unsound: It has no name, or its cash is no number.
    """
    found = sound(value, AccountReport)
    if not found.cash.is_finite() or not found.account:
        message = f"the adapter said that account {shown(found.account)} has cash {found.cash}"
        raise Unsound(message)
    return found


def sound_instrument(value: object) -> Instrument:
    """
    Return an instrument with numbers that can be reckoned with; whether they make sense is decided later.

    Raises:
        Unsound: One of them is no number.
    """
    found = sound(value, Instrument)
    for name in found.__struct_fields__:
        part = getattr(found, name)
        if isinstance(part, Decimal) and not part.is_finite():
            message = f"the adapter said that {name} of {shown(found.symbol)} is {part}"
            raise Unsound(message)
    return found


def sound_outcome(value: object) -> Outcome:
    """
    Return what became of a request. Anything but a sound outcome leaves it open (BAD-109).
    """
    if type(value) is Acked and type(value.venue_order_id) is str and value.venue_order_id:
        return value  # as nearly all are
    if not isinstance(value, _OUTCOMES):
        return Ambiguous(f"the adapter answered {shown(value)}")
    try:
        found = sound(value, type(value))
    except Unsound as error:
        return Ambiguous(str(error))
    if isinstance(found, Acked) and not found.venue_order_id:
        return Ambiguous("the adapter answered that the venue has it, without the venue's id")
    return found


@attrs.define(kw_only=True, eq=False)
class Customs:
    """
    Lets through what an adapter delivers by itself, and tells about the rest.
    """

    session: Session
    post: Callable[[Quote | BrokerEvent], None]
    refuse: Callable[[LtmError], None]
    """Is told of what was not let through."""
    _told: dict[str, float] = attrs.Factory(dict)

    def deliver(self, item: object) -> None:
        """
        Take one event of the adapter; never raises.
        """
        if type(item) is Quote:
            # The most frequent of all: three looks at types instead of a conversion.
            for number in (item.price, item.bid, item.ask):
                if number is not None and type(number) is not Decimal:
                    break
            else:
                self.post(item)
                return
        elif (form := _FORMS.get(type(item))) is not None and form.is_known(item):
            self.post(worded(item))  # type: ignore[arg-type] # it is one of the reports that have a form
            return
        try:
            self.post(self._sound(item))
        except Unsound as error:
            self._tell(str(error))
            if not isinstance(item, (Quote, Instrument)):
                # News about an order was lost: everything is compared with the venue at the next tick.
                context = self.session.context
                context.sweep_at = min(context.sweep_at, context.mono)

    def instruments(self, rows: object) -> tuple[Instrument, ...]:
        """
        Return the sound ones of a list; the others are told and not traded (BAD-107).

        Raises:
            Unsound: It is no list.
        """
        found = []
        for row in _listed(rows):
            try:
                found.append(sound_instrument(row))
            except Unsound as error:
                self._tell(str(error))
        return tuple(found)

    def _sound(self, item: object) -> Quote | BrokerEvent:
        kind: Any = type(item)
        if kind is Instrument:
            return sound_instrument(item)
        if kind is not Quote and kind not in _KINDS:
            message = f"the adapter delivered {shown(item)}"
            raise Unsound(message)
        return cast("Quote | BrokerEvent", sound(item, kind))

    def _tell(self, message: str) -> None:
        # A feed can be wrong a thousand times a second; a person needs to read it once (BAD-100).
        now = self.session.context.mono
        if now - self._told.get(message, -REPEATS) < REPEATS:
            return
        if len(self._told) >= _MOST_KEPT:
            self._told.clear()
        self._told[message] = now
        self.refuse(PluginError(message, code="LTM-BRK-012", hint="the adapter needs mending"))


def relieve(inputs: deque[Input], context: Context) -> None:
    """
    Thin out a queue that grew beyond `CROWD`: of each instrument's prices the latest stays, all else stays as it is.
    """
    if len(inputs) <= CROWD:
        return
    # Sinks' threads may add news of deliveries meanwhile: only what is taken out is put back.
    taken = [inputs.popleft() for _ in range(len(inputs))]
    seen: set[str] = set()
    kept: list[Input] = []
    for item in reversed(taken):
        if type(item) is Quote:
            if item.symbol in seen:
                continue
            seen.add(item.symbol)
        kept.append(item)
    message = (
        f"{len(taken):,} inputs waited, limit {CROWD:,}: prices were thinned out, and nothing is entered"
    )
    inputs.extendleft(kept)
    if context.mono >= context.crowded_until:
        inputs.appendleft(c.RaiseAlert("warning", "overloaded", message))
    context.crowded_until = context.mono + CALM


def _listed(rows: object) -> Iterable[object]:
    if not isinstance(rows, Iterable) or isinstance(rows, (str, bytes, Mapping)):
        message = f"the adapter said {shown(rows)} instead of a list"
        raise Unsound(message)
    return rows


def _article(kind: type[object]) -> str:
    name = kind.__name__
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
