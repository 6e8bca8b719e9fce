"""
The tables of `[accounts]`, and which sessions trade them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
from msgspec import structs

from ltm.config.limits import AccountTable, account_limits_of
from ltm.config.reader import got, join
from ltm.model.errors import suggestion

if TYPE_CHECKING:
    from ltm.config.reader import Reader
    from ltm.config.tables import SessionConfig
    from ltm.model.spec import AccountLimits


class Accounts:
    """
    Every account of a configuration.
    """

    def __init__(self, reader: Reader, document: Mapping[str, object]) -> None:
        self._reader = reader
        self._many = "sessions" in document
        table = document.get("accounts", {})
        self._limits: dict[str, AccountLimits | None] = {}
        if not isinstance(table, Mapping):
            message = f"accounts must be tables, got {got(table)}"
            reader.refuse(7, "accounts", message, hint="write [accounts.NAME]")
            return
        for name, inner in table.items():
            said = reader.build(AccountTable, inner, join("accounts", name))
            self._limits[name] = None if said is None else account_limits_of(said)

    def given_to(self, sessions: Sequence[SessionConfig | None]) -> list[SessionConfig | None]:
        """
        Return the sessions with the limits of their accounts, and keep what does not fit.
        """
        first: dict[str, SessionConfig] = {}
        return [self._one(first, index, session) for index, session in enumerate(sessions)]

    def _one(
        self, first: dict[str, SessionConfig], index: int, session: SessionConfig | None
    ) -> SessionConfig | None:
        if session is None or not session.spec.account:
            return session
        name = session.spec.account
        where = f"sessions[{index}].account" if self._many else "session.account"
        if name not in self._limits:
            near = suggestion(name, self._limits)
            hint = near or f"add a table [accounts.{name}]"
            self._reader.refuse(
                30, where, f'{where} must name a table of [accounts], got "{name}"', hint=hint
            )
            return session
        other = first.setdefault(name, session).spec
        mine = (session.spec.broker, session.spec.currency)
        if mine != (other.broker, other.currency):
            message = (
                f'{where}: sessions of account "{name}" must have one broker and currency,'
                f" got {', '.join(mine)} beside {other.broker}, {other.currency}"
            )
            self._reader.refuse(30, where, message, hint="use an account of its own")
        return attrs.evolve(session, spec=structs.replace(session.spec, account_limits=self._limits[name]))
