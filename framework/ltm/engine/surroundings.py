"""
What a session depends on outside: the kill switch, the disk, sinks that hang, what the process uses. Looked at now and then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from ltm.core import commands as c
from ltm.engine.alerts import AlertDispatcher
from ltm.engine.footprint import HARD, SOFT, Use, footprint
from ltm.engine.state_dir import FULL, FreeSpace, KillSwitch
from ltm.model.results import Attestation

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS: Final = 10.0
"""Between two looks at disk and sinks; the kill switch is looked at every second, and before sending."""


async def no_look() -> None:
    """
    Look at nothing before the end: nobody waits for what the venue says.
    """


@attrs.define(kw_only=True, eq=False)
class Surroundings:
    """
    One session's surroundings.
    """

    alerts: AlertDispatcher
    kill_switch: KillSwitch | None
    free_space: Callable[[], FreeSpace] | None
    last_look: Callable[[], Awaitable[None]] = no_look
    """Awaited before a stopping session's last record, while the venue can still be asked what is left."""
    last_word: Attestation | None = None
    """What it said, if it was asked."""
    footprint: Callable[[], Sequence[Use]] = footprint
    """What the process uses; asked where there is a disk to look after as well."""
    _due: float = 0.0
    _low_told: bool = False
    _large_told: list[str] = attrs.Factory(list)

    def killed(self) -> bool:
        """
        Whether somebody set the kill switch (O10).
        """
        return self.kill_switch is not None and self.kill_switch.is_set()

    def look(self, mono: float, *, is_killed: bool) -> Iterator[c.AnyCommand]:
        """
        Yield what the session has to be told.
        """
        if self.kill_switch is not None and not is_killed and self.kill_switch.is_set():
            yield c.Kill("kill switch", self.kill_switch.reason())
        if mono < self._due:
            return
        self._due = mono + SECONDS
        self.alerts.check()
        if self.free_space is not None:
            yield from self._disk(self.free_space())
            for use in self.footprint():
                yield from self._use(use)

    def _use(self, use: Use) -> Iterator[c.AnyCommand]:
        # A plugin that leaks: told once, and no entries before the system takes the process down (F28).
        if use.share >= HARD:
            yield c.Restrict("resources", f"the process uses {use}; restart it")
        elif use.share >= SOFT and use.what not in self._large_told:
            self._large_told.append(use.what)
            yield c.RaiseAlert(
                "warning", "resources_low", f"the process uses {use}; entries stop at {HARD:.0%}"
            )

    def _disk(self, space: FreeSpace) -> Iterator[c.AnyCommand]:
        if space.state == "ok":
            return
        message = f"{space.free_bytes >> 20} MB of disk space are left, entries need {FULL >> 20} MB"
        if space.state == "full":
            yield c.Restrict("disk_full", message)
        elif not self._low_told:
            self._low_told = True
            yield c.RaiseAlert("warning", "disk_low", message)
