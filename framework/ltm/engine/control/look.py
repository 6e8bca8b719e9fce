"""
Asking the venue what is left there, and writing down what it said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ltm.core import commands as c
from ltm.core.attestation import attest
from ltm.core.siblings import own_part

if TYPE_CHECKING:
    from ltm.engine.engine import Engine
    from ltm.model.results import Attestation

Hand = Callable[[c.AnyCommand], Awaitable[None]]
"""Hands a command to the session; returns when it has been decided on."""
_LOOKS: Final = 3
_SETTLE: Final = 0.5
"""Seconds between two looks: a fill may be on its way while the holding is counted already."""


async def look(engine: Engine, hand: Hand, **terms: Any) -> Attestation:  # noqa: ANN401 - as `attest` takes them
    """
    Ask the venue until books and answer agree, three times at most, and journal the last answer.

    Args:
        engine: Whose venue is asked.
        hand: How to hand the session a command.
        terms: What may be left, as in `attest`.
    """
    found = await _once(engine, hand, terms)
    for _ in range(_LOOKS - 1):
        if found.positions_agree is not False:
            break
        await asyncio.sleep(_SETTLE)
        found = await _once(engine, hand, terms)
    await hand(c.Attest(found))
    return found


async def _once(engine: Engine, hand: Hand, terms: Mapping[str, Any]) -> Attestation:
    answer = await engine.performer.look(engine.session.state.sequence)
    await hand(answer)
    own = own_part(engine.session.state, engine.session.context, answer)
    return attest(engine.session.state, own, engine.clock.now(), **terms)


async def note_silence(engine: Engine, hand: Hand, why: str, **terms: Any) -> Attestation:  # noqa: ANN401 - as `look`
    """
    Journal that the venue cannot be asked, and why; nothing is attested.
    """
    nothing = c.SweepAnswered(
        started_sequence=engine.session.state.sequence,
        open_orders=None,
        fills=None,
        positions=None,
        account=None,
    )
    found = attest(engine.session.state, nothing, engine.clock.now(), **terms)
    found = msgspec.structs.replace(found, problems=(why, *found.problems))
    await hand(c.Attest(found))
    return found
