"""
A journal that forgets what was never committed, as a disk does when the power goes.
"""

from collections.abc import Callable, Iterator, Sequence

import attrs

from ltm.model.errors import JournalError
from ltm.ports.shell import Record


@attrs.define(eq=False)
class SimJournal:
    """
    The journal port over a list. `before` is called ahead of every operation, with its name, and may raise.
    """

    records: list[Record] = attrs.Factory(list)
    durable: int = 0
    commits: int = 0
    before: Callable[[str], None] = lambda _: None
    after_commit: Callable[[], None] = lambda: None
    snapshot: tuple[int, bytes] | None = None
    dead: bool = False

    def append(self, records: Sequence[Record]) -> None:
        self._ask("append")
        for record in records:
            assert record.sequence == len(self.records) + 1, "the fence"
            self.records.append(record)

    def commit(self) -> None:
        self._ask("commit")
        self.durable = len(self.records)
        self.commits += 1
        self.after_commit()

    def read(self, after: int = 0) -> Iterator[Record]:
        # As on a disk: another process sees what is durable, and so does this one.
        yield from self.records[after : self.durable]

    def last_sequence(self) -> int:
        return len(self.records)

    def save_snapshot(self, sequence: int, state: bytes) -> None:
        self._ask("save_snapshot")
        assert sequence <= self.durable, "a snapshot knows more than the disk"
        self.snapshot = (sequence, state)

    def load_snapshot(self) -> tuple[int, bytes] | None:
        return self.snapshot

    def close(self) -> None:
        """
        Nothing to release.
        """

    def lose_power(self) -> None:
        """
        Forget what was not committed; the next process finds a disk that works.
        """
        del self.records[self.durable :]
        self.dead = False

    def _ask(self, operation: str) -> None:
        if self.dead:
            raise JournalError("the disk has failed")
        try:
            self.before(operation)
        except JournalError:
            # A disk that failed once is not trusted again (REL-3); a snapshot is worth nothing.
            self.dead = operation != "save_snapshot"
            raise
