"""
What a venue wrote, made fit for records: ids and reasons without secrets and without what cannot be printed (SEC-04).

Reasons are texts, and are redacted as such. Ids stay whole but for known secrets: a fill must not pass for another.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec.structs import replace

from ltm.model.redaction import KNOWN, NAMES, redact, redact_id
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
    fit = {name: _FIT[name](part) for name, part in zip(names, parts, strict=True) if part}
    return replace(report, **fit)  # type: ignore[type-var] # only reports come this far


def _fit(text: str) -> str:
    return redact_id(redact(text))


_FIT: Final[dict[str, Callable[[str], str]]] = {
    "fill_id": redact_id,
    "client_order_id": redact_id,
    "venue_order_id": redact_id,
    "commission_currency": _fit,
    "reason_code": _fit,
    "reason": _fit,
}
