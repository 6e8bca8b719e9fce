"""
The ports around the shell: clock, journal, alert sinks, signal sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from ltm.model.errors import SignalError
    from ltm.model.market import Quote
    from ltm.model.results import Alert
    from ltm.model.signal import Signal


class Clock(Protocol):
    """
    The only source of time. Intervals are measured with `monotonic` alone (I-19).
    """

    def now(self) -> datetime:
        """
        Return the wall clock, aware UTC.
        """
        ...

    def monotonic(self) -> float:
        """
        Return seconds that never go back.
        """
        ...


class Record(msgspec.Struct, frozen=True, gc=False):
    """
    One row of the journal. `payload` is canonical JSON; `chain` binds it to all rows before it.
    """

    sequence: int
    kind: str
    version: int
    recorded_at: str
    payload: bytes
    chain: bytes = b""


class Journal(Protocol):
    """
    The durable memory of one session. Append, then commit once: nothing may leave before that.
    """

    def append(self, records: Sequence[Record]) -> None:
        """
        Queue records in sequence order for the next commit.

        Raises:
            JournalError: A sequence is not the next one (the fence), or the journal has failed.
        """
        ...

    def commit(self) -> None:
        """
        Make everything appended durable. After an error the journal never accepts records again.

        Raises:
            JournalError: The records may not be durable; nothing may be sent.
        """
        ...

    def read(self, after: int = 0) -> Iterator[Record]:
        """
        Yield the records with a sequence above `after`, in order.
        """
        ...

    def last_sequence(self) -> int:
        """
        Return the last durable or appended sequence, 0 for an empty journal.
        """
        ...

    def save_snapshot(self, sequence: int, state: bytes) -> None:
        """
        Keep a snapshot of the state after `sequence`; older ones may be dropped.
        """
        ...

    def load_snapshot(self) -> tuple[int, bytes] | None:
        """
        Return the newest intact snapshot, or None.
        """
        ...

    def close(self) -> None:
        """
        Release the journal.
        """
        ...


class AlertSink(Protocol):
    """
    Takes alerts somewhere. May block or raise: it runs apart from trading and is retried.
    """

    @property
    def name(self) -> str:
        """
        The sink's plugin name, such as `log`.
        """
        ...

    def deliver(self, alert: Alert) -> None:
        """
        Deliver one alert, or raise; may see an alert again after a restart (same `alert_id`).
        """
        ...


class SignalSource(Protocol):
    """
    Where signals come from. Pulled by the engine, so that a session is the same at any speed.
    """

    @property
    def name(self) -> str:
        """
        The source's plugin name, such as `file`.
        """
        ...

    @property
    def exhausted(self) -> bool:
        """
        Whether no further signal can come.
        """
        ...

    def open(self, wake: Callable[[], None]) -> None:
        """
        Start; `wake` may be called from any thread when something is there to poll.
        """
        ...

    def poll(self, now: datetime) -> Iterable[Signal | SignalError]:
        """
        Return the signals due by `now`, in order, without blocking; a bad one as its error.
        """
        ...

    def on_quote(self, quote: Quote) -> Iterable[Signal]:
        """
        Return the signals that a market update gives rise to.
        """
        ...

    def close(self) -> None:
        """
        Stop; never raises.
        """
        ...
