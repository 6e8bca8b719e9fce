"""
Exact money whatever decimal context the caller works in (BAD-116).
"""

from __future__ import annotations

import functools
from decimal import getcontext, setcontext
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ltm.model.numbers import EXACT

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def exactly(method: Callable[P, R]) -> Callable[P, R]:
    """
    Let a function compute in the context that never rounds, and leave the caller's as it was.
    """

    @functools.wraps(method)
    def in_context(*args: P.args, **kwargs: P.kwargs) -> R:
        outside = getcontext()
        setcontext(EXACT)
        try:
            return method(*args, **kwargs)
        finally:
            setcontext(outside)

    return in_context
