"""
The state of one session: what all its events add up to. Only `ltm.core.evolve` changes it, and
`ltm.core.marks`, which moves prices (and with them equity) between two samples.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import attrs
import msgspec

from ltm.core.bases import Highs
from ltm.core.groups import Group, Totals
from ltm.core.latches import Latch
from ltm.core.lifecycle import RANK, TERMINAL
from ltm.core.outbox import OpenAlert
from ltm.core.pieces import FillState, Guard, Part
from ltm.core.successor import Successor
from ltm.core.tallies import Tallies
from ltm.model.enums import Lifecycle, OrderStatus, OrderType, Purpose, Side, TimeInForce, TradingState
from ltm.model.instrument import Instrument
from ltm.model.market import MarkSample
from ltm.model.numbers import RULES, ZERO
from ltm.model.order import Bracket
from ltm.model.results import Reason
from ltm.model.spec import SessionSpec
from ltm.ports.rules import EquityBases

KEEP_CLOSED: Final = 1024
"""Closed orders kept in memory for late reports; older ones are read back from the journal."""
KEEP_FILLS: Final = 65_536
"""Ids of fills kept of orders that are no longer in memory, so that a sweep need not read them back."""
KEEP_ALERTS: Final = 1000
"""Alerts kept; one that no sink has taken is never dropped (I-18)."""


class OrderState(msgspec.Struct, eq=False):
    """
    One order, from its intent on.
    """

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None
    trigger_price: Decimal | None
    time_in_force: TimeInForce
    purpose: Purpose
    entry: bool
    worst_price: Decimal
    created_at: datetime
    updated_at: datetime
    unit_cost: Decimal = ZERO
    """What one unit still open reserves of the cash, session currency; zero for sells."""
    signal_key: str = ""
    epoch: int = 0
    attempt: int = 0
    status: OrderStatus = OrderStatus.INTENDED
    filled: Decimal = ZERO
    value: Decimal = ZERO
    """Sum of fill quantity times price."""
    commission: Decimal = ZERO
    venue_order_id: str | None = None
    reason: Reason | None = None
    cancel_pending: bool = False
    fills: dict[str, FillState] = msgspec.field(default_factory=dict)
    adopted: Decimal = ZERO
    """What had been filled when the order was taken over; its fills are not in `fills`."""
    before: list[str] = msgspec.field(default_factory=list)
    """The ids of those fills, as far as the venue listed them."""
    counted_on: date | None = None
    """The trading date whose budget of entries the order took from (C09)."""
    parts: dict[str, Part] | None = None
    """By the venue's id, where it works the order in several."""
    names: list[str] | None = None
    """Further ids that the venue has used for it."""
    good_till: datetime | None = None
    successor: Successor | None = None
    """What shall take its place once it is gone."""
    replaced_by: str = ""
    """What took it."""
    bracket: Bracket | None = None
    """The exits that it brings to the position once it fills."""
    # Not journaled: how far the resolver has come.
    queries: int = 0
    query_at: float = 0.0
    asked_at: float | None = None
    not_found_at: float | None = None
    unknown_since: float | None = None
    cancel_at: float = 0.0
    cancels: int = 0
    alarmed: int = 0

    @property
    def leaves(self) -> Decimal:
        """
        What may still fill: counts in every limit while the order is not terminal.
        """
        if self.status in TERMINAL:
            return ZERO
        return max(self.quantity - self.filled, ZERO)

    @property
    def average_fill_price(self) -> Decimal | None:
        """
        The mean price of the fills, rounded for people.
        """
        return RULES.divide(self.value, self.filled).normalize(RULES) if self.filled else None


@attrs.define(eq=False)
class Slot:
    """
    Everything about one instrument.
    """

    instrument: Instrument
    position: Decimal = ZERO
    cost: Decimal = ZERO
    """What the position cost, signed like it, in instrument currency (times multiplier)."""
    realized: Decimal = ZERO
    commission: Decimal = ZERO
    """In session currency."""
    epoch: int = 0
    """Counts the times the position left flat: one stop loss or take profit per epoch."""
    exit_attempts: int = 0
    blocked: str | None = None
    """Why no entry is sent on this instrument (drift, overfill, exits that keep failing)."""
    net_fills: Decimal = ZERO
    """Signed sum of all fills: with `adjusted`, what the position must be (I-01)."""
    adjusted: Decimal = ZERO
    bought: Decimal = ZERO
    """Bought on this trading date, where the market settles tomorrow (C17)."""
    previous_close: Decimal | None = None
    """What the day's price limits are measured from, where the market has any (C18)."""
    ignored: Decimal = ZERO
    """A holding from before the session that is left out of it."""
    drift: Decimal | None = None
    guard: Guard | None = None
    """The exits that an entry brought; kept while flat, for an exit that the venue takes back."""
    to_close: bool = False
    """A person wants this instrument flat; holds until they resume, so that an entry that fills late is closed too."""
    orders: dict[str, OrderState] = attrs.Factory(dict)
    changed_at: int = 0
    """Journal sequence of the last change of position or orders."""
    # Prices: moved by marks, sampled into the journal.
    mark: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    marked_at: datetime | None = None
    received: float | None = None
    fx: Decimal | None = None
    samples: tuple[MarkSample, ...] = ()
    """Marks kept for a sizer that looks back, oldest first."""
    # Derived, rebuilt on load.
    fault: str | None = attrs.field(init=False)
    """What makes the instrument's grid unusable, if anything does."""
    units: Decimal = ZERO
    """position x multiplier x fx: what one unit of price is worth to equity."""
    calm_low: Decimal = ZERO
    calm_high: Decimal = ZERO
    """Between these two a new price cannot be a bad tick."""
    suspect: Decimal | None = None
    suspect_at: float = 0.0
    best: Decimal | None = None
    """The best exit-side price since the position was opened, where its stop trails."""
    best_noted: Decimal | None = None
    """The same as last written down."""
    exit_low: Decimal | None = None
    exit_high: Decimal | None = None
    """Exit-side prices at which stop loss or take profit trigger."""
    worst: Decimal = ZERO
    up: Decimal = ZERO
    down: Decimal = ZERO
    open: Decimal = ZERO
    """What `totals` holds of this instrument."""
    totals: Totals | None = None
    stale: bool = False
    groups: list[tuple[Group, Decimal]] = attrs.Factory(list)
    drift_seen: float | None = None
    swept_at: float = 0.0
    """Monotonic time at which the venue's holding last agreed with ours."""
    apart: Decimal | None = None
    """The venue's holding where it did not when it was last seen."""
    retry_at: float = 0.0
    exit_sent_at: float = 0.0
    reread_at: float = 0.0
    waits_on: date | None = None
    """The trading date on which a person was told that an exit waits for the next (T+1)."""
    flatten: bool = False
    """The position is being closed: a person asked for it, a rule's stop stands, or the session stops so."""
    exit_armed: bool = False
    exit_denials: int = 0
    """How often in a row an exit did not even pass the gates."""
    gave_up: int = 0
    """The epoch in which exits were left to a person."""
    rate_of: str | None = None
    """The currency whose rate into the session's this instrument's price is (RSK-08)."""

    def __attrs_post_init__(self) -> None:
        self.fault = self.instrument.fault()

    @property
    def market_value(self) -> Decimal:
        """
        Signed value at the mark, session currency.
        """
        return self.units * self.mark if self.mark is not None else ZERO

    @property
    def unrealized(self) -> Decimal:
        """
        Profit or loss of the open position at the mark, session currency.
        """
        if self.mark is None or self.fx is None:
            return ZERO
        return (self.position * self.instrument.multiplier * self.mark - self.cost) * self.fx

    @property
    def average_entry_price(self) -> Decimal | None:
        """
        Mean entry price, rounded for people; commissions excluded.
        """
        if not self.position:
            return None
        return RULES.divide(self.cost, self.position * self.instrument.multiplier).normalize(RULES)


@attrs.define(eq=False)
class State:
    """
    Everything about one session.
    """

    spec: SessionSpec
    session_key: str
    sequence: int = 0
    lifecycle: Lifecycle = Lifecycle.CREATED
    latches: dict[str, Latch] = attrs.Factory(dict)
    trading_state: TradingState = TradingState.ACTIVE
    link_up: bool = False
    account: str | None = None
    cash_base: Decimal | None = None
    """The account's cash when the session began."""
    outside_cash: Decimal = ZERO
    """Changes of the account's cash that are none of the session's business."""
    allocated: Decimal = ZERO
    flows: Decimal = ZERO
    cash: dict[str, Decimal] = attrs.Factory(dict)
    """By currency: capital, flows, fills and commissions of this session."""
    fees: dict[str, Decimal] = attrs.Factory(dict)
    """Commissions by the currency they were paid in."""
    realized: Decimal = ZERO
    commissions: Decimal = ZERO
    translation: Decimal = ZERO
    """What changes of exchange rates were worth to cash and costs in other currencies."""
    reserved: Decimal = ZERO
    """Worst-case cost of what open buys may still fill, session currency (I-10)."""
    equity: Decimal = ZERO
    peak: Decimal = ZERO
    day_base: Decimal = ZERO
    loss_base: Decimal = ZERO
    """What the daily loss is measured from: `day_base`, or the second base after an override."""
    highs: Highs = attrs.Factory(Highs)
    trading_date: date | None = None
    first_date: date | None = None
    """The trading date on which the session began: corporate actions up to it are none of its business."""
    actions: list[str] = attrs.Factory(list)
    """Keys of the corporate actions that were applied, or could not be."""
    dividends: Decimal = ZERO
    """Booked on the ex-date, and not yet in the account's cash; session currency."""
    orders_today: int = 0
    slots: dict[str, Slot] = attrs.Factory(dict)
    aliases: dict[str, list[str]] = attrs.Factory(dict)
    orders: dict[str, OrderState] = attrs.Factory(dict)
    """Every order that is not terminal."""
    closed: OrderedDict[str, OrderState] = attrs.Factory(OrderedDict)
    """The most recent terminal orders."""
    venue_ids: dict[str, str] = attrs.Factory(dict)
    old_fills: OrderedDict[str, None] = attrs.Factory(OrderedDict)
    replacing: list[str] = attrs.Factory(list)
    """Orders that wait to be gone, so that their successors can be decided on."""
    signals: dict[str, int] = attrs.Factory(dict)
    """Idempotency key -> journal sequence of the answer."""
    alerts: dict[str, OpenAlert] = attrs.Factory(dict)
    faulted: dict[str, str] = attrs.Factory(dict)
    near: dict[str, int] = attrs.Factory(dict)
    """`limit:symbol` -> how many of its warning levels are reached (C44)."""
    reconciled_at: datetime | None = None
    agreed: bool = False
    """Whether books and venue were ever compared completely."""
    estimates: int = 0
    """Fills whose commission is still our estimate: until then cash cannot be compared."""
    rebases: int = 0
    """Flows and resets so far: only they may lower the peak (I-14)."""
    sampled_at: datetime | None = None
    sample_distance: int | None = None
    """Seconds between the `samples` of each instrument."""
    last_at: datetime | None = None
    boots: int = 0
    manifest: tuple[str, ...] = ()
    fill_count: int = 0
    order_count: int = 0
    denied_count: int = 0
    lost_count: int = 0
    """Records lost to damage and not yet looked at by a person."""
    tallies: Tallies = attrs.Factory(Tallies)
    # Derived, rebuilt on load.
    high: Decimal = ZERO
    """Equity above it raises a peak: the lower of the day's and the daily loss's."""
    bases: EquityBases | None = None
    counts: bool = False
    """Whether `tallies` are kept."""
    totals: Totals = attrs.Factory(Totals)
    """Kept where a limit looks at all instruments together."""
    groups: dict[tuple[str, str], Group] = attrs.Factory(dict)
    fx: dict[str, Decimal] = attrs.Factory(dict)
    foreign: set[str] = attrs.Factory(set)
    """Currencies in use other than the session's: only their rates matter."""
    fx_moved: bool = False
    """Whether a rate has moved since the rates were last written down."""

    def order(self, client_order_id: str) -> OrderState | None:
        """
        Return an order that is still in memory.
        """
        return self.orders.get(client_order_id) or self.closed.get(client_order_id)

    @property
    def cash_total(self) -> Decimal:
        """
        Cash in session currency at today's exchange rates.
        """
        if not self.foreign:
            return self.cash[self.spec.currency]
        return sum((amount * self.fx.get(currency, ZERO) for currency, amount in self.cash.items()), ZERO)

    def use_currency(self, currency: str) -> None:
        """
        Note that something is held or paid in a currency.
        """
        if currency != self.spec.currency:
            self.foreign.add(currency)

    def settle_trading_state(self) -> None:
        """
        Derive the trading state from the latches.
        """
        states = (latch.state for latch in self.latches.values())
        self.trading_state = max(states, key=RANK.__getitem__, default=TradingState.ACTIVE)

    def arm(self) -> None:
        """
        Keep what the limits of the terms look at.
        """
        self.counts = self.spec.limits.counts
        self.totals = Totals()

    def held(self) -> list[Slot]:
        """
        Return the instruments with a position.
        """
        return [slot for slot in self.slots.values() if slot.position]


def new_state(spec: SessionSpec, session_key: str) -> State:
    """
    Return the state of a session in which nothing has happened.
    """
    capital = spec.initial_capital
    state = State(
        spec=spec,
        session_key=session_key,
        allocated=capital,
        cash={spec.currency: capital},
        fx={spec.currency: Decimal(1)},
        equity=capital,
        peak=capital,
        day_base=capital,
        loss_base=capital,
        highs=Highs(day_peak=capital, loss_peak=capital, close_peak=capital, day_balance=capital),
        high=capital,
    )
    state.arm()
    return state
