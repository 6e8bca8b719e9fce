"""
A signal's time becomes UTC, as the session's `naive_timestamps` says; whoever looks on is told what was assumed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import date, tzinfo
from typing import TYPE_CHECKING, Final

import attrs

from ltm.config.hours import machine_zone
from ltm.engine.clock import SystemClock
from ltm.model.errors import LtmError, SignalError
from ltm.model.hours import zone_of
from ltm.model.signal import Assumed, assumed_of

if TYPE_CHECKING:
    from ltm.config import SessionConfig
    from ltm.model.signal import Signal, SignalRecord

_LOG: Final = logging.getLogger("ltm.signals")


@attrs.define(kw_only=True, eq=False)
class Localiser:
    """
    Makes the signals of one session exact (ruling 1).
    """

    session_id: str
    meaning: str
    """The session's `naive_timestamps`."""
    zone: tzinfo | None
    """What a time without offset is read in; None refuses it."""
    tell: Callable[[LtmError], None]
    """Is told of times that were read one of two ways (BAD-062)."""
    _told_naive: bool = False
    _told_folds: set[date] = attrs.Factory(set)

    def __call__(self, signal: Signal) -> SignalRecord:
        """
        Return the signal with its time in UTC.

        Raises:
            SignalError: Its time has no offset and none may be assumed, or there is no such time.
        """
        record = signal.record(self.zone)
        assumed = assumed_of(signal.timestamp, self.zone)
        if assumed is not None:
            self._note(signal.timestamp, record, assumed)
        return record

    def _note(self, timestamp: str, record: SignalRecord, assumed: Assumed) -> None:
        # Once for the session, and once for each night on which clocks go back.
        if not self._told_naive:
            self._told_naive = True
            text = "session %s: timestamps without offset are read as %s time"
            _LOG.info(text, self.session_id, self.meaning)
        if assumed is Assumed.EARLIER and record.at.date() not in self._told_folds:
            self._told_folds.add(record.at.date())
            message = (
                f"timestamp {timestamp} is there twice, since clocks go back: it and its hour are read as"
                f" the earlier time, {record.at.isoformat()}"
            )
            hint = "add the UTC offset to the timestamps"
            self.tell(SignalError(message, code="LTM-SIG-062", field="timestamp", got=timestamp, hint=hint))


def localiser(config: SessionConfig, tell: Callable[[LtmError], None]) -> Localiser:
    """
    Return what makes the signals of a session exact.
    """
    zone: tzinfo | None
    match config.naive_timestamps:
        case "local":
            zone = local_zone()
        case "session_tz":
            zone = zone_of(config.spec.timezone)
        case "utc":
            zone = zone_of("UTC")
        case _:
            zone = None
    return Localiser(session_id=config.spec.session_id, meaning=config.naive_timestamps, zone=zone, tell=tell)


def local_zone() -> tzinfo | None:
    """
    Return the machine's time zone; by its name where that is known, so that it follows DST.
    """
    now = SystemClock().now()
    fixed = now.astimezone().tzinfo
    named = zone_of(machine_zone(os.environ))
    if named is not None and now.astimezone(named).utcoffset() == now.astimezone(fixed).utcoffset():
        return named
    return fixed
