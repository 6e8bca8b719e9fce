"""
What a venue wrote, made fit for records: ids and reasons without secrets and without what cannot be printed (SEC-04).

An id stays as long as it is, and two that differ stay two: a fill must not pass for another.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec.structs import replace

from ltm.model.redaction import KNOWN, NAMES, redact
from ltm.model.reports import FillReport, OrderReport

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_TEXTS: Final[dict[object, tuple[str, ...]]] = {
    OrderReport: ("client_order_id", "venue_order_id", "reason_code", "reason"),
    FillReport: ("fill_id", "client_order_id", "venue_order_id", "commission_currency"),
}
_GETTERS: Final[dict[object, Callable[[Any], tuple[str | None, ...]]]] = {
    kind: attrgetter(*names) for kind, names in _TEXTS.items()
}


def worded(report: T) -> T:
    """
    Return a report of an order or a fill as it may be written down; anything else as it is.
    """
    getter = _GETTERS.get(type(report))
    if getter is None:
        return report
    parts = getter(report)
    # Nearly all are as they should be: they are looked at together.
    text = "".join(filter(None, parts))
    telling = ("=" in text or ":" in text) and ("://" in text or NAMES.search(text) is not None)
    if not telling and text.isprintable() and not KNOWN.knows(text):
        return report
    names = _TEXTS[type(report)]
    fit = {name: _fit(part) for name, part in zip(names, parts, strict=True) if part}
    return replace(report, **fit)  # type: ignore[type-var] # only reports come this far


def _fit(text: str) -> str:
    text = redact(text)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
