"""
The invariants in production: books that contradict themselves send nothing any more (REL-5).
"""

from __future__ import annotations

from typing import Final

import attrs

from ltm.core import commands as c
from ltm.core import invariants
from ltm.core.state import State
from ltm.model.enums import TradingState

_NOTHING_LEAVES: Final = frozenset({TradingState.HALTED, TradingState.KILLED})


@attrs.define(eq=False)
class SelfCheck:
    """
    Looks at one session's books, and compares them with the last look.
    """

    state: State
    _witness: invariants.Witness | None = None

    def look(self) -> c.Halt | None:
        """
        Return what the session has to be told, if anything; nothing was recorded since: nothing to look at.
        """
        state = self.state
        if self._witness is not None and self._witness.sequence == state.sequence:
            return None
        broken = invariants.violations(state, self._witness, closed=False)
        self._witness = invariants.witness(state)
        if not broken or state.trading_state in _NOTHING_LEAVES:
            return None
        return c.Halt("invariant", f"after record {state.sequence}: {'; '.join(broken)}")
