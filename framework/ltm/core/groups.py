"""
Sums over instruments: of a group that a rule limits, and of all of them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from ltm.model.numbers import ZERO

if TYPE_CHECKING:
    from ltm.core.state import Slot  # noqa: TC004 - that module needs this one, and nobody resolves the annotation


@attrs.define(eq=False)
class Group:
    """
    The worst-case exposure of a group of instruments, brought up to date when read.
    """

    total: Decimal = ZERO
    """Gross: longs and shorts add."""
    long: Decimal = ZERO
    """Signed value of all of it if all open buys fill."""
    short: Decimal = ZERO
    """The same if all open sells fill."""
    stale: set[Slot] = attrs.Factory(set)


@attrs.define(eq=False)
class Totals(Group):
    """
    All instruments together.
    """

    open: Decimal = ZERO
    """Worst-case value of all open entries."""
    count: int = 0
    """Instruments that are held or worked."""
