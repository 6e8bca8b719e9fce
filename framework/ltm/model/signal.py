"""
Signals: what a model asks for, checked at the edge and never doubted again.
"""

from __future__ import annotations

import enum
import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from ltm.model.enums import Action, OrderType, TimeInForce
from ltm.model.errors import SignalError, shown, suggestion
from ltm.model.identifiers import is_symbol
from ltm.model.numbers import RULES, as_fraction, decimal_of, plain
from ltm.model.redaction import KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A date and a time, as extended ISO 8601; 3.11's `fromisoformat` alone accepts much more (BAD-060).
_STAMP: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII
)
_SYMBOL_LIMIT: Final = 64
LARGEST: Final = Decimal("1E+15")
SMALLEST: Final = Decimal("1E-12")
MOST_INTENTS: Final = 1 << 31


class SignalRecord(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """
    A checked signal as the core and the journal know it: exact numbers, aware UTC.
    """

    symbol: str
    action: Action
    score: Decimal
    confidence: Decimal
    at: datetime
    intent: int = 0
    quantity: Decimal | None = None
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    good_till: datetime | None = None
    stop_loss_price: Decimal | None = None
    take_profit_price: Decimal | None = None


def _fail(number: int, field: str, rule: str, value: object, hint: str | None = None) -> SignalError:
    message = f"{field} {rule}, got {shown(value)}"
    return SignalError(message, code=f"LTM-SIG-{number:03}", field=field, got=value, hint=hint)


def _symbol(value: object) -> str:
    if isinstance(value, str) and KNOWN.is_one(value):
        # It would be in the journal, at the venue and in every listing.
        raise _fail(54, "stock_code", "must not be one of this configuration's secrets", value)
    if isinstance(value, int) and not isinstance(value, bool):
        hint = "write it in quotes: a number loses its leading zeros"
        raise _fail(53, "stock_code", "must be a non-empty string", value, hint)
    if not isinstance(value, str) or not value:
        raise _fail(53, "stock_code", "must be a non-empty string", value, 'for example "600519"')
    if len(value) > _SYMBOL_LIMIT or not is_symbol(value):
        rule = "may use letters, digits and . - / : _ ^ = (1-64)"
        raise _fail(54, "stock_code", rule, value, "pass the venue's symbol, nothing else")
    return value


def _action(value: object) -> Action:
    if isinstance(value, str) and value.isascii():
        try:
            return Action(value.lower())
        except ValueError:
            pass
    hint = suggestion(value.strip().lower(), [*Action]) if isinstance(value, str) else None
    raise _fail(51, "action", 'must be "buy", "sell" or "hold"', value, hint)


def _number(value: object) -> Decimal | None:
    return None if isinstance(value, str) else decimal_of(value)


def _score(value: object) -> Decimal:
    number = _number(value)
    if number is None:
        raise _fail(59, "score", "must be a finite number", value, "for example 0.85")
    return number


def _confidence(value: object) -> Decimal:
    number = _number(value)
    if number is None or not 0 <= number <= 1:
        percent = number is not None and 1 < number <= 100  # noqa: PLR2004 - a percentage
        hint = f"{number} % is written {as_fraction(number)}" if number is not None and percent else None
        hint = hint or "pass a fraction, for example 0.9"
        raise _fail(58, "confidence", "must be between 0 and 1", value, hint)
    return number


def _timestamp(value: object) -> str:
    if isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, (int, float)):
        hint = "pass ISO 8601 text: an epoch number does not say its unit"
        raise _fail(60, "timestamp", "must be an ISO 8601 date and time", value, hint)
    if not isinstance(value, str) or not _STAMP.fullmatch(value) or _parsed(value) is None:
        hint = 'for example "2026-01-05T09:31:00+08:00"'
        raise _fail(60, "timestamp", "must be an ISO 8601 date and time", value, hint)
    return value


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace(",", ".").replace("z", "Z"))
    except ValueError:
        return None


def _positive(value: object, field: str) -> Decimal | None:
    if value is None:
        return None
    number = _number(value)
    if number is None or number <= 0:
        raise _fail(72, field, "must be a finite number above 0", value)
    # So that products and sums of money stay within the digits of `EXACT` (BAD-077).
    if number > LARGEST or RULES.remainder(number, SMALLEST):
        raise _fail(72, field, "must be at most 1e15 with at most 12 decimals", value)
    return number


def _quantity(value: object) -> Decimal | None:
    return _positive(value, "quantity")


def _limit_price(value: object) -> Decimal | None:
    return _positive(value, "limit_price")


def _trigger_price(value: object) -> Decimal | None:
    return _positive(value, "trigger_price")


def _stop_loss_price(value: object) -> Decimal | None:
    return _positive(value, "stop_loss_price")


def _take_profit_price(value: object) -> Decimal | None:
    return _positive(value, "take_profit_price")


def _order_type(value: object) -> OrderType:
    try:
        return OrderType(value)  # type: ignore[arg-type] # the enum itself refuses what it does not know
    except ValueError:
        rule = f"must be one of {', '.join(OrderType)}"
        raise _fail(71, "order_type", rule, value, _near(value, OrderType)) from None


def _time_in_force(value: object) -> TimeInForce:
    try:
        return TimeInForce(value)  # type: ignore[arg-type] # as above
    except ValueError:
        rule = f"must be one of {', '.join(TimeInForce)}"
        raise _fail(71, "time_in_force", rule, value, _near(value, TimeInForce)) from None


def _good_till(value: object) -> str | None:
    if value is None:
        return None
    try:
        return _timestamp(value)
    except SignalError as error:
        raise _fail(60, "good_till", "must be an ISO 8601 date and time", value, error.hint) from None


def _near(value: object, known: Iterable[str]) -> str | None:
    return suggestion(value.lower(), known) if isinstance(value, str) else None


def _intent(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MOST_INTENTS:
        raise _fail(67, "intent", "must be a whole number from 0", value)
    return value


@attrs.frozen(kw_only=True)
class Signal:
    """
    One wish of a model, with the product document's field names.

    Args:
        stock_code: The venue's symbol, or one of the instrument's aliases.
        action: "buy", "sell" or "hold"; ASCII case does not matter.
        score: The model's score, any finite number; recorded, not interpreted by the kernel.
        confidence: 0 to 1; see `min_confidence`.
        timestamp: ISO 8601 date and time; without an offset see `naive_timestamps`.
        intent: Tells two wishes of one model for one symbol at one time apart.
        quantity: Asks for an exact amount instead of the sizer's.
        order_type: "market", "limit", "stop" or "stop_limit".
        limit_price: The worst price of a "limit" or "stop_limit" order.
        trigger_price: Where a "stop" or "stop_limit" order wakes up.
        time_in_force: "day", "gtc", "ioc", "fok" or "gtd".
        good_till: When a "gtd" order ends; written like `timestamp`, and after it.
        stop_loss_price: Where the position that an entry makes is closed with a loss.
        take_profit_price: Where it is closed with a profit; whichever comes first ends both.

    Raises:
        SignalError: A field is malformed.
    """

    stock_code: str = attrs.field(converter=_symbol)
    action: Action = attrs.field(converter=_action)
    score: Decimal = attrs.field(converter=_score)
    confidence: Decimal = attrs.field(converter=_confidence)
    timestamp: str = attrs.field(converter=_timestamp)
    intent: int = attrs.field(default=0, converter=_intent)
    quantity: Decimal | None = attrs.field(default=None, converter=_quantity)
    order_type: OrderType = attrs.field(default=OrderType.MARKET, converter=_order_type)
    limit_price: Decimal | None = attrs.field(default=None, converter=_limit_price)
    trigger_price: Decimal | None = attrs.field(default=None, converter=_trigger_price)
    time_in_force: TimeInForce = attrs.field(default=TimeInForce.DAY, converter=_time_in_force)
    good_till: str | None = attrs.field(default=None, converter=_good_till)
    stop_loss_price: Decimal | None = attrs.field(default=None, converter=_stop_loss_price)
    take_profit_price: Decimal | None = attrs.field(default=None, converter=_take_profit_price)

    def __attrs_post_init__(self) -> None:
        if self.stop_loss_price is not None or self.take_profit_price is not None:
            _require_bracket(self)

    def record(self, zone: tzinfo | None) -> SignalRecord:
        """
        Return the signal with its time in UTC.

        Args:
            zone: What a timestamp without offset means; None refuses it (ruling 1).

        Raises:
            SignalError: A time has no offset and none may be assumed, does not exist on that
                day (DST gap), cannot be expressed in UTC, or `good_till` is not after the timestamp.
        """
        return SignalRecord(
            symbol=self.stock_code,
            action=self.action,
            score=self.score,
            confidence=self.confidence,
            at=(at := utc_of(self.timestamp, zone)),
            intent=self.intent,
            quantity=self.quantity,
            order_type=self.order_type,
            limit_price=self.limit_price,
            trigger_price=self.trigger_price,
            time_in_force=self.time_in_force,
            good_till=None if self.good_till is None else _end(self.good_till, at, zone),
            stop_loss_price=self.stop_loss_price,
            take_profit_price=self.take_profit_price,
        )


def _require_bracket(signal: Signal) -> None:
    # Exits belong to an entry, and the position lies between them.
    stop, profit = signal.stop_loss_price, signal.take_profit_price
    field, rule, hint = "stop_loss_price", "", None
    if signal.action is Action.HOLD:
        field = field if stop is not None else "take_profit_price"
        rule, hint = "must not be given with a hold", "exits belong to an entry"
    elif stop is not None and profit is not None:
        is_buy = signal.action is Action.BUY
        if stop >= profit if is_buy else stop <= profit:
            side = "below" if is_buy else "above"
            rule = f"of a {signal.action} must be {side} its take_profit_price {plain(profit)}"
    if rule:
        price: Decimal = getattr(signal, field)
        message = f"{field} {rule}, got {plain(price)}"
        raise SignalError(message, code="LTM-SIG-073", field=field, got=price, hint=hint)


def _end(good_till: str, at: datetime, zone: tzinfo | None) -> datetime:
    end = utc_of(good_till, zone, "good_till")
    if end <= at:
        raise _fail(71, "good_till", "must be after the timestamp", good_till)
    return end


FIELDS: Final = tuple(field.name for field in attrs.fields(Signal))
REQUIRED: Final = ("stock_code", "action", "score", "confidence", "timestamp")


def utc_of(timestamp: str, zone: tzinfo | None, field: str = "timestamp") -> datetime:
    """
    Return the instant of a checked ISO 8601 text in UTC; `zone` is what no offset means.

    Of a local time that is there twice the earlier one is taken, and `assumed_of` tells (BAD-062).
    """
    moment = _parsed(timestamp)
    if moment is None:
        return utc_of(_timestamp(timestamp), zone, field)
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        if zone is None:
            hint = 'add the offset, for example "+08:00" or "Z", or set naive_timestamps'
            raise _fail(61, field, "must carry a UTC offset here", timestamp, hint)
        moment = moment.replace(tzinfo=zone)
    try:
        instant = moment.astimezone(UTC)
        back = instant.astimezone(moment.tzinfo)
    except OverflowError:
        raise _fail(64, field, "must be a representable UTC time", timestamp) from None
    if back.replace(tzinfo=None) != moment.replace(tzinfo=None):
        hint = "that local time is skipped by daylight saving; add the UTC offset"
        raise _fail(62, field, "must exist on the clock", timestamp, hint)
    return instant


class Assumed(enum.Enum):
    """
    What had to be assumed about a time without an offset.
    """

    ZONE = "zone"
    """That it is meant in the session's zone."""
    EARLIER = "earlier"
    """Also that it is the earlier of two, since clocks go back (BAD-062)."""


def assumed_of(timestamp: str, zone: tzinfo | None) -> Assumed | None:
    """
    Return what `utc_of` assumed of a time that it has accepted; None for one with an offset.
    """
    moment = None if zone is None else _parsed(timestamp)
    if moment is None or moment.tzinfo is not None:
        return None
    first, second = (moment.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return Assumed.ZONE if first == second else Assumed.EARLIER


def signal_from_mapping(values: Mapping[str, Any]) -> Signal:
    """
    Return a signal from a JSON object or CSV row with the document's field names.

    Raises:
        SignalError: A field is missing, unknown or malformed.
    """
    for name in values:
        if name not in FIELDS:
            rule = f"must be one of {', '.join(FIELDS)}"
            raise _fail(67, "field name", rule, name, _near(name, FIELDS))
    for name in REQUIRED:
        if name not in values:
            message = f"{name} is required"
            raise SignalError(message, code="LTM-SIG-067", field=name, hint="add the field")
    return Signal(**values)
