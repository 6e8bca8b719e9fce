"""
What code a session runs on: written down at every start, and asked about when it changed (SEC-13).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from ltm.model.errors import PluginError
from ltm.model.spec import Limits, SessionSpec
from ltm.registry.fingerprint import fingerprint

if TYPE_CHECKING:
    from ltm.config import SessionConfig
    from ltm.core.armed import Armed

Confirm = Callable[[str], bool]
"""Asks a person a question, and returns whether the answer was yes."""
_HASH: Final = " sha256:"
_LIMIT: Final = "limit "


def manifest_of(config: SessionConfig) -> tuple[str, ...]:
    """
    Return one line for each plugin that a session uses; with the hash of its code where real money is at stake.
    """
    chosen = (config.broker, config.sizer, *config.rules, *config.signals, *config.alerts)
    known: dict[tuple[str, str], str] = {}
    lines = []
    for one in chosen:
        offer = one.offer
        line = f"{offer.kind} {one.name}: {offer.distribution} {offer.version}"
        if config.spec.live:
            place = (offer.distribution, offer.module)
            if place not in known:
                known[place] = fingerprint(*place)
            line += f" {known[place]}"
        lines.append(line.rstrip())
    return tuple(dict.fromkeys(lines))


def plugin_changes(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """
    Return what differs between two manifests among plugins that are in both, with hashes.
    """
    old = dict(line.split(": ", 1) for line in before if _HASH in line)
    new = dict(line.split(": ", 1) for line in now if _HASH in line)
    return tuple(
        f"{name}: {_short(old[name])} -> {_short(told)}"
        for name, told in new.items()
        if name in old and old[name] != told
    )


def limits_of(report: Sequence[Armed]) -> tuple[str, ...]:
    """
    Return one line for each limit a session trades under.
    """
    return tuple(f"{_LIMIT}{row.limit}: {row.value} ({row.proof})" for row in report)


def rule_changes(before: tuple[str, ...], report: Sequence[Armed]) -> tuple[str, ...]:
    """
    Return which limits of rules differ from those of the run before; the kernel's own are in the terms (F38).
    """
    known = [line.removeprefix(_LIMIT).split(": ", 1) for line in before if line.startswith(_LIMIT)]
    old = {name: value.rpartition(" (")[0] for name, value in known}
    changes = [
        f"{row.limit}: {old.get(row.limit, 'none')} -> {row.value}"
        for row in report
        if old and not row.of_kernel and old.get(row.limit) != row.value
    ]
    terms = {*SessionSpec.__struct_fields__, *Limits.__struct_fields__, *(row.limit for row in report)}
    gone = [f"{name}: {value} -> none" for name, value in old.items() if name not in terms]
    return tuple(changes + gone)


def _short(line: str) -> str:
    head, _, digest = line.partition(_HASH)
    return f"{head} {digest[:12]}"


def accept_changes(session_id: str, changes: tuple[str, ...], confirm: Confirm | None) -> None:
    """
    Go on with changed code only when a person says so.

    Raises:
        PluginError: Nobody did.
    """
    if not changes:
        return
    told = "; ".join(changes)
    if confirm is not None and confirm(f"the code of plugins of {session_id} changed ({told}); run it"):
        return
    message = f"the code of plugins of session {session_id} changed since its last run: {told}"
    hint = "look at what changed, then run it once with --accept-plugin-change"
    raise PluginError(message, code="LTM-PLG-013", hint=hint)
