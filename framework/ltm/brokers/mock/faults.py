"""
Faults to order: what goes wrong at the mock venue, and when. `fault_file` reads them.

Some befall a request: its nth, or by chance. The others happen to the account or the market: at a time, after some
seconds of the market, with a request, or as soon as somebody tells a running venue. `docs/how-to/faults.md` has the
table for people.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

import attrs

from ltm.brokers.mock.dice import Dice
from ltm.model.enums import Side

METHODS: Final = (
    "submit",
    "cancel",
    "find",
    "open_orders",
    "fills",
    "positions",
    "account",
    "instruments",
    "advance",
    "login",
)
ANY: Final = "any"
"""Every method but `advance` and `login`, so that a session at least begins."""
_ANY_OF: Final = frozenset(METHODS) - {"advance", "login"}
_EVERY: Final = (*METHODS, ANY)
_SUBMIT: Final = ("submit",)
_CHANGES: Final = ("submit", "cancel")


@attrs.frozen(kw_only=True)
class Verb:
    """
    What a verb needs to be told.
    """

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    methods: tuple[str, ...] = _EVERY
    happens: bool = False
    """Whether it happens to account or market, so that it needs no request to befall."""


def _happens(*needs: str, may: tuple[str, ...] = ()) -> Verb:
    return Verb(needs=needs, may=may, happens=True)


VERBS: Final[dict[str, Verb]] = {
    # The request never reaches the venue.
    "drop_request": Verb(),
    # The venue acts and says nothing; what happened comes with a later reply.
    "drop_reply": Verb(),
    # The request is processed `seconds` of real time later, if its sender still waits.
    "delay": Verb(needs=("seconds",)),
    # The sender hears nothing, and `seconds` of the market's time later the venue acts all the same.
    "late": Verb(needs=("seconds",), methods=_CHANGES),
    # The venue refuses with `code`.
    "reject": Verb(may=("code",), methods=_CHANGES),
    # Every event of the reply comes twice; they come in reverse; fills and order reports are lost.
    "duplicate": Verb(),
    "reorder": Verb(),
    "lose_event": Verb(),
    # The reply is no JSON; all connections are cut instead of the reply.
    "garbage": Verb(),
    "restart": Verb(),
    # Queries do not find the order for `seconds` of the market's time.
    "not_found_for": Verb(needs=("seconds",), methods=_SUBMIT),
    # The order is filled at once and whole, whatever the market does.
    "fill_immediately": Verb(methods=_SUBMIT),
    # The commissions of the order's fills are told `seconds` later, or never.
    "commission_late": Verb(needs=("seconds",), methods=_SUBMIT),
    "commission_never": Verb(methods=_SUBMIT),
    # Nothing trades in `symbol`, for `seconds` or for good.
    "halt_symbol": _happens("symbol", may=("seconds",)),
    # Somebody else sends an order from the account, at the market or at `price`.
    "foreign_order": _happens("symbol", "side", "quantity", may=("price",)),
    # The venue cancels an order by itself; all DAY orders expire.
    "cancel_order": _happens("order"),
    "end_day": _happens(),
    # An order fills `quantity` more than it asked for.
    "overfill": _happens("order", "quantity"),
    # A fill is taken back, or had another price or quantity.
    "bust": _happens("fill"),
    "correct": _happens("fill", may=("price", "quantity")),
    # The holding of `symbol` changes by `quantity`, without any order, fill or money.
    "drift": _happens("symbol", "quantity"),
    # Money comes, goes, or does either (`amount` with a sign) for no known reason.
    "deposit": _happens("amount"),
    "withdraw": _happens("amount"),
    "cash": _happens("amount"),
    # From here on nothing goes wrong any more.
    "calm": _happens(),
}
TRIGGERS: Final = ("method", "probability", "nth", "after", "at")
DETAILS: Final = ("seconds", "code", "symbol", "side", "quantity", "price", "amount", "order", "fill")
KEYS: Final = ("verb", *TRIGGERS, *DETAILS)


@attrs.frozen(kw_only=True)
class Fault:
    """
    One line of the table.
    """

    verb: str
    method: str | None = None
    probability: float = 0.0
    nth: frozenset[int] = frozenset()
    after: float | None = None
    at: datetime | None = None
    seconds: float = 0.0
    code: str = "rejected"
    symbol: str = ""
    side: Side = Side.BUY
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal = Decimal(0)
    order: int | str = 0
    """Which: 1 is the first that arrived, -1 the last, or an id."""
    fill: int | str = 0

    @property
    def happens(self) -> bool:
        """
        Whether it happens to account or market, rather than to a request.
        """
        return VERBS[self.verb].happens

    def concerns(self, method: str) -> bool:
        """
        Return whether requests of a method can suffer from it.
        """
        return method == self.method or (self.method == ANY and method in _ANY_OF)


class Faults:
    """
    The faults in force, and how often each had its chance.

    Args:
        table: What may go wrong.
        seed: Seed of the dice behind `probability`.
    """

    def __init__(self, table: tuple[Fault, ...] = (), seed: int = 0) -> None:
        self._seed: Final = seed
        self._count = 0
        self._table: list[tuple[Fault, Dice]] = []
        self._seen: list[int] = []
        self.add(table)

    def add(self, table: tuple[Fault, ...]) -> None:
        """
        Let more go wrong; the nth request is counted from now on.
        """
        for fault in table:
            self._count += 1
            # One sequence per fault, so that adding a fault does not change what the others do.
            self._table.append((fault, Dice(self._seed * 1_000_003 + self._count)))
            self._seen.append(0)

    def clear(self) -> None:
        """
        Let nothing go wrong any more.
        """
        self._table.clear()
        self._seen.clear()

    def strike(self, method: str) -> tuple[Fault, ...]:
        """
        Return the faults that befall the next request of a method.
        """
        struck = []
        for index, (fault, dice) in enumerate(self._table):
            if not fault.concerns(method):
                continue
            self._seen[index] += 1
            if self._seen[index] in fault.nth or (fault.probability and dice.chance(fault.probability)):
                struck.append(fault)
        return tuple(struck)
