"""
What happens to a session as a whole: life cycle, latches, day, money, alerts.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from ltm.core.events._base import Event
from ltm.model.enums import Lifecycle, Severity
from ltm.model.instrument import Instrument
from ltm.model.market import MarkSample
from ltm.model.results import Attestation
from ltm.model.spec import SessionSpec


class SessionOpened(Event, frozen=True):
    """
    The first record of a journal: the terms, and the key in every client order id.
    """

    spec: SessionSpec
    session_key: str


class TermsChanged(Event, frozen=True):
    """
    A later run uses other terms (F38).
    """

    spec: SessionSpec
    changes: tuple[str, ...]


class BootRecorded(Event, frozen=True):
    """
    A process took the session over.
    """

    boot_id: str
    process_id: int
    host: str
    version: str
    manifest: tuple[str, ...] = ()
    by: str = ""
    """Who started it: user, uid and terminal (SEC-38)."""
    accepted: tuple[str, ...] = ()
    """Plugins whose code changed since the run before, which a person agreed to (SEC-13)."""


class AccountBound(Event, frozen=True):
    """
    The broker told which account this is; `cash_base` is its cash when the session began.
    """

    account: str
    currency: str
    cash_base: Decimal | None = None


class LifecycleChanged(Event, frozen=True):
    """
    The session went up or down.
    """

    to: Lifecycle
    reason: str = ""


class LinkChanged(Event, frozen=True):
    """
    The connection to the venue went up or down.
    """

    up: bool
    reason: str = ""


class TradingPaused(Event, frozen=True):
    """
    Entries stop; exits go on. Latched under `code` until somebody resumes (RSK-12).
    """

    code: str
    message: str
    by: str = "ltm"
    measured: Decimal | None = None
    limit: Decimal | None = None
    until_roll: bool = False


class FlattenAsked(Event, frozen=True):
    """
    A person wants these instruments flat; that stands until trading is resumed, so that what fills late goes too (F-K15).
    """

    symbols: tuple[str, ...]
    """None named: all there are."""
    by: str


class TradingHalted(Event, frozen=True):
    """
    Nothing but cancels any more.
    """

    code: str
    message: str
    by: str = "ltm"


class TradingKilled(Event, frozen=True):
    """
    Nothing but cancels, and everything open is being canceled.
    """

    code: str
    message: str
    by: str = "ltm"


class TradingResumed(Event, frozen=True):
    """
    A person, or the day's roll, lifted latches.
    """

    codes: tuple[str, ...]
    by: str
    reason: str = ""
    reset_peak: bool = False
    second_base: Decimal | None = None
    """Equity from which the daily loss is measured again after an override (RSK-23)."""


class OperatorActed(Event, frozen=True):
    """
    A person asked for something from outside: who, what and why, and whether it was refused (SEC-38).
    """

    action: str
    by: str
    reason: str = ""
    about: str = ""
    """The order, symbol, alert or codes that it was about."""
    refused: str = ""
    """Why it was not done; empty when it was."""


class VenueAttested(Event, frozen=True):
    """
    The venue was asked whether anything of the session is left there.
    """

    attestation: Attestation


class InstrumentDefined(Event, frozen=True):
    """
    The venue described an instrument.
    """

    instrument: Instrument


class RatesNoted(Event, frozen=True):
    """
    Exchange rates into the session's currency, before something is decided or booked at them.
    """

    rates: dict[str, Decimal]


class EquitySampled(Event, frozen=True):
    """
    Prices and equity at a moment; what lies between samples is not kept.
    """

    equity: Decimal
    peak_equity: Decimal
    marks: dict[str, Decimal]
    day_peak: Decimal
    loss_peak: Decimal
    """The highest equity since the roll, and since the daily loss was last overridden."""


class MarksSampled(Event, frozen=True):
    """
    Marks that a sizer will look at: those of instruments whose last sample is old enough.
    """

    seconds: int
    """How far apart an instrument's samples are at least; samples taken otherwise are forgotten."""
    keep: int
    marks: dict[str, MarkSample]


class StopsTrailed(Event, frozen=True):
    """
    The best prices since positions were opened, where stops follow them; sampled like prices.
    """

    best: dict[str, Decimal]


class DayRolled(Event, frozen=True):
    """
    A trading date began. `late`: we were down at the roll (RSK-23).
    """

    trading_date: date
    day_start_equity: Decimal
    basis: Literal["first", "roll", "late"]
    day_peak: Decimal | None = None
    """The highest equity of the date that ended."""


class FlowRecorded(Event, frozen=True):
    """
    Money came or went that is no profit or loss (RSK-04).
    """

    amount: Decimal
    by: str
    reason: str


class LimitNeared(Event, frozen=True):
    """
    So many of a limit's warning levels are reached now; zero: none any more (C44, RSK-20).
    """

    limit: str
    symbol: str
    """Empty where the limit is on the session as a whole."""
    stage: int


class RuleFaulted(Event, frozen=True):
    """
    A rule or sizer did something other than answer (RSK-43).
    """

    name: str
    detail: str


class AlertRaised(Event, frozen=True):
    """
    Something a person should know; stays in the outbox until a sink has it.
    """

    alert_id: str
    severity: Severity
    code: str
    message: str


class AlertDelivered(Event, frozen=True):
    """
    A sink took an alert.
    """

    alert_id: str
    sink: str


class AlertAcknowledged(Event, frozen=True):
    """
    A person has seen an alert.
    """

    alert_id: str
    by: str


class RecordLost(Event, frozen=True):
    """
    Stands where a damaged record was, in a repaired journal: sequences, and ids made of them, stay.
    """


class ClosesNoted(Event, frozen=True):
    """
    The last prices of the day before, by symbol: what a market's price limits are measured from.
    """

    closes: dict[str, Decimal]
