"""
The venue's own log: one JSON object per line, flushed as it happens, with the market's time and no other.

It says what arrived and what the venue did, whatever its customers know or remember.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from ltm.model.instrument import Instrument
from ltm.model.reports import Acked, BrokerEvent, FillReport, OrderReport, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from ltm.brokers.mock import wire
    from ltm.model.market import Quote


class Truth:
    """
    The log. An earlier one is continued.

    Args:
        path: Where to write.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        # Unbuffered: what the venue did must be readable even if the venue is killed the next moment.
        self._file: Final = path.open("ab", buffering=0)
        self._fills: Final[set[str]] = set()

    def close(self) -> None:
        """
        Close the log.
        """
        self._file.close()

    def note(self, event: str, at: datetime, /, **details: Any) -> None:  # noqa: ANN401 - whatever JSON can say
        """
        Write one line.
        """
        self._file.write(msgspec.json.encode({"event": event, "time": at, **details}) + b"\n")

    def request(self, at: datetime, connection: int, ask: wire.Ask) -> None:
        """
        A request arrived.
        """
        fields: dict[str, Any] = msgspec.to_builtins(ask.request)
        method = fields.pop("type")
        self.note("request", at, connection=connection, number=ask.number, method=method, **fields)

    def outcome(self, at: datetime, client_order_id: str, method: str, outcome: Outcome) -> None:
        """
        The venue took an order or a cancellation, or refused it.
        """
        taken = "accepted" if method == "submit" else "cancel_accepted"
        refused = "refused" if method == "submit" else "cancel_refused"
        details: dict[str, Any] = msgspec.to_builtins(outcome)
        del details["type"]
        event = taken if isinstance(outcome, Acked) else refused
        self.note(event, at, client_order_id=client_order_id, **details)

    def events(self, at: datetime, events: Sequence[Quote | BrokerEvent]) -> None:
        """
        Orders were filled, canceled, or expired; fills were told again, in other words; symbols were halted.
        """
        for event in events:
            if isinstance(event, FillReport):
                self.note(self._kind_of(event), at, **_fields(event))
            elif isinstance(event, OrderReport):
                whose = "" if event.client_order_id is not None else "foreign_"
                self.note(f"{whose}{event.status.value}", at, **_fields(event))
            elif isinstance(event, Instrument):
                self.note("instrument", at, symbol=event.symbol, tradable=event.tradable)

    def _kind_of(self, fill: FillReport) -> str:
        if fill.fill_id in self._fills:
            return "fill_corrected"
        self._fills.add(fill.fill_id)
        return "fill" if fill.client_order_id is not None else "foreign_fill"


def _fields(event: FillReport | OrderReport) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(event)
    del fields["type"]
    return fields
