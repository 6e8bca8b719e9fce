"""
A secret: text that no log, journal, traceback or copy ever shows (SEC-03).
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Final, NoReturn

from ltm.model.errors import LtmError
from ltm.model.redaction import KNOWN

_SHOWN: Final = "Secret(***)"


class Secret:
    """
    A password, key or token. Only a broker adapter calls `reveal`.

    Args:
        value: The text to keep; None for one that was wiped or pickled.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | None) -> None:
        self._value = value
        if value is not None:
            # From now on no text of ours has it (SEC-04).
            KNOWN.learn(value)

    def reveal(self) -> str:
        """
        Return the text itself.

        Raises:
            LtmError: It was wiped, or went through pickle, which keeps nothing.
        """
        if self._value is None:
            message = "the secret is gone: it was wiped or copied by pickle"
            raise LtmError(message, hint="load the configuration again")
        return self._value

    def wipe(self) -> None:
        """
        Forget the text, once the connection that needed it is up.
        """
        self._value = None

    def __repr__(self) -> str:
        return _SHOWN

    def __format__(self, _: str) -> str:
        return _SHOWN

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        if self._value is None or other._value is None:
            return self._value is other._value
        return compare_digest(self._value.encode(), other._value.encode())

    # A hash of the text would be a way to guess it.
    __hash__ = None  # type: ignore[assignment] # mypy does not know this way to say "unhashable"

    # Copies share the text: whoever wipes one wipes what the others lead to.
    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[None]]:
        return Secret, (None,)

    def __iter__(self) -> NoReturn:
        message = "a Secret is not text; call reveal() where it is handed over"
        raise TypeError(message)
