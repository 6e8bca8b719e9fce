"""
Events to journal rows and back: canonical JSON, one kind a row, one decoder a kind.
"""

from __future__ import annotations

import re
from typing import Final, TypeVar, get_args

import msgspec

from ltm.core.events import AnyEvent, DenialOutline, IntentOutline, Outline
from ltm.model.errors import JournalError

T = TypeVar("T")
VERSION: Final = 1
_NEWER: Final = "use the ltm that wrote it, or a newer one"
_WORD: Final = re.compile(r"(?<!^)(?=[A-Z])")

KINDS: Final[dict[str, type[AnyEvent]]] = {
    _WORD.sub("_", kind.__name__).lower(): kind for kind in get_args(AnyEvent)
}
KIND_OF: Final[dict[type[AnyEvent], str]] = {kind: name for name, kind in KINDS.items()}
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODERS: Final = {name: msgspec.json.Decoder(kind) for name, kind in KINDS.items()}
_OUTLINES: Final[dict[str, msgspec.json.Decoder[Outline]]] = {
    "order_intended": msgspec.json.Decoder(IntentOutline),
    "order_denied": msgspec.json.Decoder(DenialOutline),
}

encode: Final = _ENCODER.encode
"""Event -> canonical JSON bytes: sorted keys, decimals as text, UTC times, no NaN."""


def decode(kind: str, version: int, payload: bytes) -> AnyEvent:
    """
    Return the event of a journal row.

    Raises:
        JournalError: The row was written by a newer ltm, or is not what it claims to be.
    """
    decoder = _DECODERS.get(kind)
    if decoder is None:
        message = f"journal record kind must be known, got {kind!r}"
        raise JournalError(message, code="LTM-JNL-003", hint=_NEWER)
    return _read(decoder, kind, version, payload)


def outline(kind: str, version: int, payload: bytes) -> AnyEvent | Outline:
    """
    Return of a journal row's event what a state is rebuilt from: several times as fast.

    Raises:
        JournalError: As `decode`, except that what is left out is not looked at.
    """
    decoder = _OUTLINES.get(kind)
    return decode(kind, version, payload) if decoder is None else _read(decoder, kind, version, payload)


def _read(decoder: msgspec.json.Decoder[T], kind: str, version: int, payload: bytes) -> T:
    if version > VERSION:
        message = f"journal record {kind} has version {version}, this ltm reads up to {VERSION}"
        raise JournalError(message, code="LTM-JNL-003", hint=_NEWER)
    try:
        return decoder.decode(payload)
    except msgspec.MsgspecError as error:
        message = f"journal record {kind} cannot be read: {error}"
        raise JournalError(message, code="LTM-JNL-004", hint="ltm journal verify names the record") from error
