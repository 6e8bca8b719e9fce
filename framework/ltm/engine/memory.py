"""
A journal in memory, for benchmarks and simulations: the same records and chain, no disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltm.engine.chain import genesis, link, out_of_step
from ltm.ports.shell import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class MemoryJournal:
    """
    A journal that lives as long as the process.

    The chain guards records at rest, so here it is computed only when somebody reads.
    """

    __slots__ = ("_chain", "_chained", "_count", "_records", "_session_id", "_snapshot")

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id
        self._records: list[Record] = []
        self._count = 0
        self._chain = genesis(session_id)
        self._chained = 0
        self._snapshot: tuple[int, bytes] | None = None

    def append(self, records: Sequence[Record]) -> None:
        """
        Keep records; their `chain` is filled in when they are read.

        Raises:
            JournalError: A sequence is not the next one.
        """
        count = self._count
        for record in records:
            count += 1
            if record.sequence != count:
                raise out_of_step(self._session_id, record.sequence, count)
        self._records += records
        self._count = count

    def append_raw(self, sequence: int, kind: str, version: int, recorded_at: str, payload: bytes) -> None:
        """
        Keep one record that the caller has no `Record` of.

        Raises:
            JournalError: The sequence is not the next one.
        """
        self.append((Record(sequence, kind, version, recorded_at, payload),))

    def commit(self) -> None:
        """
        Do nothing: memory is as durable as it gets.
        """

    def read(self, after: int = 0) -> Iterator[Record]:
        """
        Yield the records with a sequence above `after`, in order, chained.
        """
        self._link_all()
        yield from self._records[after:]

    def last_sequence(self) -> int:
        """
        Return the last sequence, 0 for an empty journal.
        """
        return self._count

    def chain_head(self) -> bytes:
        """
        Return the chain value of the last record.
        """
        self._link_all()
        return self._chain

    def save_snapshot(self, sequence: int, state: bytes) -> None:
        """
        Keep the snapshot instead of the one before.
        """
        self._snapshot = (sequence, state)

    def load_snapshot(self) -> tuple[int, bytes] | None:
        """
        Return the last snapshot saved, or None.
        """
        return self._snapshot

    def close(self) -> None:
        """
        Do nothing; a closed journal in memory can still be read.
        """

    def _link_all(self) -> None:
        chain = self._chain
        for index in range(self._chained, self._count):
            record = self._records[index]
            chain = link(
                chain, record.sequence, record.kind, record.version, record.recorded_at, record.payload
            )
            self._records[index] = Record(
                record.sequence, record.kind, record.version, record.recorded_at, record.payload, chain
            )
        self._chain, self._chained = chain, self._count
