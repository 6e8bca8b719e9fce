"""
Asking the venue what is left there, and writing down what it said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
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
LAST_SECONDS: Final = 10.0
"""How long the end of a session waits for the venue's last word (F30)."""
_BEAT_SECONDS: Final = 0.5


def attest_end(engine: Engine) -> None:
    """
    Have the venue asked what is left before a session's last record: whoever stops it, wants to know.
    """
    engine.surroundings.last_look = partial(_look_last, engine)


async def _look_last(engine: Engine) -> None:
    # Called by the session's own task, which is the writer here: it takes a turn for each command.
    async def hand(command: c.AnyCommand) -> None:
        engine.post(command)
        await engine.turn()

    spec = engine.session.state.spec
    terms = {"keep": spec.on_stop == "keep", "flat": spec.on_stop == "flatten"}
    looking = asyncio.ensure_future(_within(engine, hand, terms))
    while not looking.done():
        engine.beat()  # a venue that takes its time is not a session that hangs
        await asyncio.wait({looking}, timeout=_BEAT_SECONDS)
    engine.surroundings.last_word = looking.result()


async def _within(engine: Engine, hand: Hand, terms: Mapping[str, Any]) -> Attestation:
    try:
        return await look(engine, hand, by=asyncio.get_running_loop().time() + LAST_SECONDS, **terms)
    except TimeoutError:
        why = f"the venue did not answer within {LAST_SECONDS:g} s"
        return await note_silence(engine, hand, why, **terms)


async def look(engine: Engine, hand: Hand, *, by: float | None = None, **terms: Any) -> Attestation:  # noqa: ANN401 - as `attest` takes them
    """
    Ask the venue until books and answer agree, three times at most, and journal the last answer.

    Args:
        engine: Whose venue is asked.
        hand: How to hand the session a command.
        by: The loop's time at which the venue must have answered; None: whenever its calls return.
        terms: What may be left, as in `attest`.

    Raises:
        TimeoutError: It has not.
    """
    found = await _once(engine, hand, by, terms)
    for _ in range(_LOOKS - 1):
        if found.positions_agree is not False:
            break
        await asyncio.sleep(_SETTLE)
        found = await _once(engine, hand, by, terms)
    await hand(c.Attest(found))
    return found


async def _once(engine: Engine, hand: Hand, by: float | None, terms: Mapping[str, Any]) -> Attestation:
    # Only the venue's answer is cut short, never what the session does with it.
    async with asyncio.timeout_at(by):
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
