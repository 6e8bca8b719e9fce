"""
What a session's whole journal tells: every order, denied ones included, every fill, every alert.

`State` keeps only what decisions need; here the events are folded once more, in one pass, into rows
with the names of the command line's JSON. Pure: whoever reads the journal hands the events in.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ltm.core import events as e
from ltm.core.lifecycle import TERMINAL, Fact, NoMove, next_status
from ltm.model.enums import Action, OrderStatus, OrderType, Side, TimeInForce
from ltm.model.numbers import RULES, ZERO, plain, ratio
from ltm.model.results import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PLACES: Final = Decimal("1E-8")


class OrderRow(msgspec.Struct, kw_only=True):
    """
    One order, or one refusal of ours: then there is no client order id, since nothing was sent.
    """

    session_id: str
    client_order_id: str | None
    venue_order_id: str | None
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal | None
    filled_quantity: Decimal = ZERO
    remaining_quantity: Decimal = ZERO
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    average_fill_price: Decimal | None = None
    commission: Decimal = ZERO
    status: OrderStatus
    reason: Reason | None = None
    signal_key: str | None = None
    created_at: datetime
    updated_at: datetime
    good_till: datetime | None = None


class FillRow(msgspec.Struct, kw_only=True):
    """
    One execution, as last corrected.
    """

    session_id: str
    fill_id: str
    client_order_id: str
    venue_order_id: str | None
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal
    commission_currency: str
    occurred_at: datetime
    recorded_at: datetime
    inferred: bool


class AlertRow(msgspec.Struct, kw_only=True):
    """
    One alert and who has taken it.
    """

    alert_id: str
    session_id: str
    severity: str
    code: str
    message: str
    raised_at: datetime
    acknowledged_at: datetime | None = None
    delivered_to: list[str] = []


def readable(price: Decimal | None) -> Decimal | None:
    """
    Return a mean price rounded for people: no book is kept with it.
    """
    return None if price is None else price.quantize(_PLACES, context=RULES)


def as_json(value: object) -> Any:  # noqa: ANN401 - what json takes
    """
    Return a row as JSON's own types: numbers of money as plain text, times as UTC with Z.
    """
    if isinstance(value, msgspec.Struct):
        return {name: as_json(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return str(value) if isinstance(value, str) else value


class Projection:
    """
    Folds a session's events into rows, in the order in which things began.

    Args:
        session_id: Whose events they are.
    """

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.orders: list[OrderRow] = []
        self.alerts: list[AlertRow] = []
        self.signals = 0
        self.ignored = 0
        self.denials: Counter[str] = Counter()
        """How often each code came first among the reasons of a denial."""
        self.max_drawdown = ZERO
        self._by_id: dict[str, OrderRow] = {}
        self._value: dict[str, Decimal] = {}
        self._fills: dict[tuple[str, str], FillRow] = {}
        self._alerts: dict[str, AlertRow] = {}
        self._handlers: Final[dict[type[e.AnyEvent], Callable[[Any], None]]] = {
            e.OrderIntended: self._intended,
            e.OrderDenied: self._denied,
            e.SignalIgnored: self._hold,
            e.ForeignOrderSeen: self._foreign,
            e.OrderAccepted: self._accepted,
            e.OrderLate: self._accepted,
            e.OrderRejected: self._rejected,
            e.OrderUnknown: self._unknown,
            e.OrderAbsent: self._absent,
            e.OrderCanceled: self._canceled,
            e.OrderExpired: self._expired,
            e.OrderFilled: self._filled,
            e.FillReplaced: self._replaced,
            e.AlertRaised: self._raised,
            e.AlertDelivered: self._delivered,
            e.AlertAcknowledged: self._acknowledged,
            e.EquitySampled: self._sampled,
        }

    @property
    def fills(self) -> list[FillRow]:
        """
        Every execution that still stands; a busted one, or a guess that became known, is gone.
        """
        return [fill for fill in self._fills.values() if fill.quantity]

    def apply_all(self, events: Iterable[e.AnyEvent]) -> None:
        """
        Take events in the order of the journal.
        """
        for event in events:
            self.apply(event)

    def apply(self, event: e.AnyEvent) -> None:
        """
        Take the next event.
        """
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    # --- Decisions ------------------------------------------------------------------------------

    def _intended(self, event: e.OrderIntended) -> None:
        self.signals += bool(event.signal_key)
        draft = event.draft
        self._keep(
            OrderRow(
                session_id=self.session_id,
                client_order_id=event.client_order_id,
                venue_order_id=None,
                symbol=draft.symbol,
                side=draft.side,
                order_type=draft.order_type,
                time_in_force=draft.time_in_force,
                quantity=draft.quantity,
                remaining_quantity=draft.quantity,
                limit_price=draft.limit_price,
                trigger_price=draft.trigger_price,
                good_till=draft.good_till,
                status=OrderStatus.INTENDED,
                signal_key=event.signal_key or None,
                created_at=event.at,
                updated_at=event.at,
            )
        )

    def _denied(self, event: e.OrderDenied) -> None:
        self.signals += bool(event.signal_key)
        reason = event.reasons[0] if event.reasons else None
        self.denials[reason.code if reason else "unknown"] += 1
        asked = event.draft or event.signal
        if asked is None:
            return
        wished = event.draft.quantity if event.draft else None
        self.orders.append(
            OrderRow(
                session_id=self.session_id,
                client_order_id=None,
                venue_order_id=None,
                symbol=asked.symbol,
                side=event.draft.side if event.draft else _side(event),
                order_type=asked.order_type,
                time_in_force=asked.time_in_force,
                quantity=wished or (event.signal.quantity if event.signal else None),
                limit_price=asked.limit_price,
                trigger_price=asked.trigger_price,
                good_till=asked.good_till,
                status=OrderStatus.DENIED,
                reason=reason,
                signal_key=event.signal_key or None,
                created_at=event.at,
                updated_at=event.at,
            )
        )

    def _hold(self, event: e.SignalIgnored) -> None:
        del event
        self.signals += 1
        self.ignored += 1

    def _foreign(self, event: e.ForeignOrderSeen) -> None:
        row = self._by_id.get(event.client_order_id)
        if row is not None:
            # Somebody changed it at the venue.
            row.quantity, row.filled_quantity = event.quantity, event.filled_quantity
            row.limit_price, row.updated_at = event.limit_price, event.at
            _settle(row)
            return
        row = OrderRow(
            session_id=self.session_id,
            client_order_id=event.client_order_id,
            venue_order_id=event.venue_order_id,
            symbol=event.symbol,
            side=event.side,
            order_type=OrderType.LIMIT if event.limit_price is not None else OrderType.MARKET,
            time_in_force=TimeInForce.GTC,
            quantity=event.quantity,
            filled_quantity=event.filled_quantity,
            limit_price=event.limit_price,
            status=event.status,
            created_at=event.at,
            updated_at=event.at,
        )
        self._keep(row)
        _settle(row)

    def _keep(self, row: OrderRow) -> None:
        self.orders.append(row)
        self._by_id[row.client_order_id or ""] = row

    # --- What became of orders ------------------------------------------------------------------

    def _moved(self, event: e.OrderEvent, fact: Fact, reason: Reason | None = None) -> OrderRow | None:
        row = self._by_id.get(event.client_order_id)
        if row is None:
            return None
        status = next_status(row.status, fact)
        if not isinstance(status, NoMove):
            row.status = status
        row.updated_at = event.at
        row.reason = reason or row.reason
        _settle(row)
        return row

    def _accepted(self, event: e.OrderAccepted | e.OrderLate) -> None:
        fact = Fact.LATE if isinstance(event, e.OrderLate) else Fact.ACCEPTED
        row = self._moved(event, fact)
        if row is not None:
            row.venue_order_id = event.venue_order_id
            row.reason = None

    def _rejected(self, event: e.OrderRejected) -> None:
        self._moved(event, Fact.REJECTED, Reason(event.code, event.message))

    def _unknown(self, event: e.OrderUnknown) -> None:
        self._moved(event, Fact.UNKNOWN, Reason("unknown", event.reason))

    def _absent(self, event: e.OrderAbsent) -> None:
        code = "not_sent" if event.not_sent else "absent"
        self._moved(event, Fact.ABSENT, Reason(code, event.evidence))

    def _canceled(self, event: e.OrderCanceled) -> None:
        self._moved(event, Fact.CANCELED, _told("canceled", event.reason))

    def _expired(self, event: e.OrderExpired) -> None:
        self._moved(event, Fact.EXPIRED, _told("expired", event.reason))

    def _filled(self, event: e.OrderFilled) -> None:
        row = self._by_id.get(event.client_order_id)
        if row is None:
            return
        row.venue_order_id = event.venue_order_id or row.venue_order_id
        self._add(row, event.quantity, event.quantity * event.price, event.commission)
        whole = row.quantity is not None and row.filled_quantity >= row.quantity
        if row.status is OrderStatus.UNKNOWN:
            row.reason = None
        self._moved(event, Fact.FILLED_WHOLLY if whole else Fact.FILLED_PARTLY)
        self._fills[event.client_order_id, event.fill_id] = FillRow(
            session_id=self.session_id,
            fill_id=event.fill_id,
            client_order_id=event.client_order_id,
            venue_order_id=row.venue_order_id,
            symbol=event.symbol,
            side=event.side,
            quantity=event.quantity,
            price=event.price,
            commission=event.commission,
            commission_currency=event.commission_currency,
            occurred_at=event.occurred_at,
            recorded_at=event.at,
            inferred=event.inferred,
        )

    def _replaced(self, event: e.FillReplaced) -> None:
        row = self._by_id.get(event.client_order_id)
        fill = self._fills.get((event.client_order_id, event.fill_id))
        if row is None or fill is None:
            return
        value = event.quantity * event.price - fill.quantity * fill.price
        self._add(row, event.quantity - fill.quantity, value, event.commission - fill.commission)
        row.updated_at = event.at
        _settle(row)
        fill.quantity, fill.price = event.quantity, event.price
        fill.commission, fill.commission_currency = event.commission, event.commission_currency
        fill.recorded_at = event.at

    def _add(self, row: OrderRow, quantity: Decimal, value: Decimal, commission: Decimal) -> None:
        key = row.client_order_id or ""
        self._value[key] = total = self._value.get(key, ZERO) + value
        row.filled_quantity += quantity
        row.commission += commission
        filled = row.filled_quantity
        row.average_fill_price = readable(RULES.divide(total, filled)) if filled else None

    # --- Alerts and equity ----------------------------------------------------------------------

    def _raised(self, event: e.AlertRaised) -> None:
        row = AlertRow(
            alert_id=event.alert_id,
            session_id=self.session_id,
            severity=event.severity,
            code=event.code,
            message=event.message,
            raised_at=event.at,
            delivered_to=[],
        )
        self.alerts.append(row)
        self._alerts[event.alert_id] = row

    def _delivered(self, event: e.AlertDelivered) -> None:
        row = self._alerts.get(event.alert_id)
        if row is not None and event.sink not in row.delivered_to:
            row.delivered_to.append(event.sink)

    def _acknowledged(self, event: e.AlertAcknowledged) -> None:
        row = self._alerts.get(event.alert_id)
        if row is not None:
            row.acknowledged_at = event.at

    def _sampled(self, event: e.EquitySampled) -> None:
        fallen = ratio(event.peak_equity - event.equity, event.peak_equity)
        self.max_drawdown = max(self.max_drawdown, fallen)


def _settle(row: OrderRow) -> None:
    # What may still fill: nothing once the order has ended.
    quantity = row.quantity
    open_ = quantity is not None and row.status not in TERMINAL
    row.remaining_quantity = max((quantity or ZERO) - row.filled_quantity, ZERO) if open_ else ZERO


def _told(code: str, reason: str) -> Reason | None:
    return Reason(code, reason) if reason else None


def _side(event: e.OrderDenied) -> Side:
    return Side.SELL if event.signal is not None and event.signal.action is Action.SELL else Side.BUY
