"""
Errors of the whole project; nothing below this module raises a bare `Exception`.

    LtmError
    ├── ConfigError          (ValueError)    a setting is wrong           exit 2
    │   └── ConfigErrors                     several of them at once
    ├── SignalError          (ValueError)    a signal is malformed        exit 2
    │   └── SignalErrors                     several of one batch
    ├── SessionNotFound      (ValueError)    no such session              exit 2
    ├── InvalidTransition    (ValueError)    not possible in this state   exit 2
    ├── JournalError         (RuntimeError)  journal or disk              exit 3
    ├── BrokerConnectionError(RuntimeError)  broker cannot be reached     exit 4
    ├── PluginError          (RuntimeError)  plugin cannot be used        exit 4
    │   └── PluginErrors                     several of them at once
    ├── AlreadyRunning       (RuntimeError)  someone else holds the lock  exit 5
    └── TradeExecutionError  (RuntimeError)  certainly not sent           exit 1

A denial by a risk rule is an answer, not an error: see `ltm.model.results`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from ltm.model.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SHOWN: Final = 64
MISSING: Final = object()
"""Stands for "no value was given", since `None` may be the offending value."""


def shown(value: object) -> str:
    """
    Return an escaped, single-line repr of at most 64 characters.
    """
    try:
        # Before it is cut: the beginning of a secret is part of a secret.
        text = _quoted(redact(value)[: 4 * _SHOWN]) if isinstance(value, str) else redact(ascii(value))
    except Exception:  # noqa: BLE001 - an int of thousands of digits has no repr, nor has a broken class
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _quoted(text: str) -> str:
    # Double quotes as in TOML and JSON, so that a user can paste the value back.
    escaped = "".join(
        char
        if char.isprintable() and char not in '"\\'
        else char.encode("unicode_escape").decode()
        if char not in '"\\'
        else "\\" + char
        for char in text
    )
    return f'"{escaped}"'


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """
    Return `did you mean "X"?` for the known word at most two edits away, or None when there is none.
    """
    # Case and blanks around a word cost nothing: "BUY " is near "buy".
    asked = word.strip().lower()[:_SHOWN]
    limit = min(2, len(asked) - 1)
    near = [
        (distance, abs(len(asked) - len(name)), name)
        for name in known
        if (distance := _edits(asked, name.lower())) <= limit
    ]
    return f'did you mean "{min(near)[2]}"?' if near else None


def _edits(left: str, right: str) -> int:
    # Levenshtein's distance; anything further than two edits is simply far.
    if abs(len(left) - len(right)) > 2:  # noqa: PLR2004 - two edits
        return 3
    row = list(range(len(right) + 1))
    for index, char in enumerate(left, 1):
        above, row[0] = row[0], index
        for column, other in enumerate(right, 1):
            cost = min(row[column] + 1, row[column - 1] + 1, above + (char != other))
            above, row[column] = row[column], cost
    return row[-1]


class LtmError(Exception):
    """
    Base of everything ltm raises on purpose.

    Args:
        message: One line: `<field path> must <rule>, got <value>`.
        code: Stable code such as `LTM-SIG-004`.
        field: Path of the offending field, if there is one.
        got: The offending value; never a secret.
        hint: The cure, in one sentence.
        where: File, item or line the value came from.
        line: Number of that line, if it is known.
    """

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "LTM-000"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        got: object = MISSING,
        hint: str | None = None,
        where: str | None = None,
        line: int | None = None,
    ) -> None:
        message = redact(message)
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.field = field
        self.got = None if got is MISSING else redact(got) if isinstance(got, str) else got
        self.hint = hint and redact(hint)
        self.where = where and redact(where)
        self.line = line

    def render(self) -> str:
        """
        Return the error as the command line prints it: one line, then `where:` and `fix:`.
        """
        lines = [f"error[{self.code}]: {self.message}"]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.hint:
            lines.append(f"  fix:   {self.hint}")
        return "\n".join(lines)


class ConfigError(LtmError, ValueError):
    """
    A setting is missing, malformed or out of range.
    """

    exit_code = 2
    default_code = "LTM-CFG-000"


class _Several(LtmError):
    # Several problems at once, in the order of the file; one alone lends its field, cure and place.

    def __init__(self, problems: Sequence[LtmError]) -> None:
        first, *others = self.problems = tuple(problems)
        super().__init__("\n".join(problem.message for problem in problems), code=first.code)
        if not others:
            self.field, self.got, self.hint = first.field, first.got, first.hint
            self.where, self.line = first.where, first.line

    def render(self) -> str:
        """
        Return all problems, one block each.
        """
        return "\n".join(problem.render() for problem in self.problems)


class ConfigErrors(_Several, ConfigError):
    """
    Every problem of one configuration, in the order of the file.
    """


class SignalError(LtmError, ValueError):
    """
    A signal is malformed, or its key was used before with other content.
    """

    exit_code = 2
    default_code = "LTM-SIG-000"


class SignalErrors(_Several, SignalError):
    """
    Every problem of one batch of signals, in its order.
    """


class SessionNotFound(LtmError, ValueError):
    """
    No session has this id.
    """

    exit_code = 2
    default_code = "LTM-SES-001"


class InvalidTransition(LtmError, ValueError):
    """
    The session's state does not allow the request.
    """

    exit_code = 2
    default_code = "LTM-SES-002"


class JournalError(LtmError, RuntimeError):
    """
    The journal cannot be written, read or trusted.
    """

    exit_code = 3
    default_code = "LTM-JNL-000"


class BrokerConnectionError(LtmError, RuntimeError):
    """
    The broker cannot be reached or refuses the session.
    """

    exit_code = 4
    default_code = "LTM-BRK-000"


class PluginError(LtmError, RuntimeError):
    """
    A configured plugin is missing, broken or not allowed.
    """

    exit_code = 4
    default_code = "LTM-PLG-000"


class PluginErrors(_Several, PluginError):
    """
    Every plugin that one configuration names and that cannot be used.
    """


class AlreadyRunning(LtmError, RuntimeError):
    """
    Another process holds the state directory, the session or the account.
    """

    exit_code = 5
    default_code = "LTM-RUN-005"


class TradeExecutionError(LtmError, RuntimeError):
    """
    An order was certainly not sent, because the connection or the adapter failed.
    """

    exit_code = 1
    default_code = "LTM-EXE-001"
