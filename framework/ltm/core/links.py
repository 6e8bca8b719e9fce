"""
The link to the venue and its clock, looked at once a second (C39, C46).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ltm.core.effects import Sweep
from ltm.core.orders import Item, raise_alert
from ltm.core.reconcile import link_changed
from ltm.model.enums import Severity
from ltm.model.reports import LinkReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.context import Context
    from ltm.core.state import State

SKEW_WARNING: Final = 1.0
"""Seconds by which our clock may differ from the venue's before a person is told (C46)."""
_LEFT: Final = 0.95


def watch_link(state: State, context: Context) -> Iterator[Item]:
    """
    Take a venue that says nothing for `link_timeout` as gone; after half of it, ask it something (C39).

    A connection may be dead without either side having noticed: only an answer or a price proves it alive.
    """
    limit = state.spec.limits.link_timeout
    if limit is None or context.capabilities.ephemeral:
        return
    heard = max((slot.received or 0.0 for slot in state.slots.values()), default=0.0)
    silent = context.mono - max(heard, context.heard_at)
    if state.link_up:
        context.lost_in_silence = silent > limit
        if context.lost_in_silence:
            reason = f"nothing was heard for {silent:.0f} s"
            yield from link_changed(state, context, LinkReport(up=False, at=context.now, reason=reason))
    elif context.lost_in_silence and silent <= limit:
        context.lost_in_silence = False
        yield from link_changed(state, context, LinkReport(up=True, at=context.now))
        return
    asked = state.link_up or context.lost_in_silence
    if asked and not context.sweeping and min(silent, context.mono - context.pinged_at) > limit / 2:
        context.pinged_at = context.mono
        yield Sweep(state.sequence)


def watch_clock(state: State, context: Context) -> Iterator[Item]:
    """
    Tell a person, once, that our clock and the venue's differ by more than a second (C46).
    """
    skew = abs(context.clock_skew or 0.0)
    if context.skew_told:
        context.skew_told = skew > SKEW_WARNING * _LEFT
    elif skew > SKEW_WARNING:
        context.skew_told = True
        message = f"our clock and the venue's differ by {skew:.1f} s; above 5 s nothing is entered"
        yield raise_alert(state, context, Severity.WARNING, "clock_skew", message)
