"""
Parameter types: numbers as people type them, and nothing that Python alone would understand (BAD-035).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from decimal import Decimal

    # Generic for type checkers only: the oldest click we take cannot subscript it.
    _DecimalBase = click.ParamType[Decimal]
    _WholeBase = click.ParamType[int]
    _AnyType = click.ParamType[Any]
else:
    _DecimalBase = _WholeBase = click.ParamType


class DecimalType(_DecimalBase):
    """
    An exact, finite number in plain ASCII: no `nan`, no `1_000`, no digits of other scripts.
    """

    name = "number"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Decimal:
        """
        Return the number.
        """
        from ltm.model.numbers import decimal_of

        number = decimal_of(value)
        if number is None:
            _refuse(self, "a number such as 1000 or 0.5", value, param, ctx)
        return number


class WholeType(_WholeBase):
    """
    A whole number in plain ASCII, 0 or more.
    """

    name = "whole number"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """
        Return the number.
        """
        text = str(value)
        if not text.isascii() or not text.isdigit() or len(text) > 19:  # noqa: PLR2004 - below 2**64
            _refuse(self, "a whole number, 0 or more", value, param, ctx)
        return int(text)


def _refuse(
    kind: _AnyType, rule: str, value: object, param: click.Parameter | None, ctx: click.Context | None
) -> NoReturn:
    from ltm.model.errors import shown

    kind.fail(f"must be {rule}, got {shown(value)}", param, ctx)
