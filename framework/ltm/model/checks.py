"""
Validators for the fields of config classes: the rules and texts of BAD-007 to BAD-010 and BAD-025.

They run when an attrs class is built, from a file or by hand, and raise `ConfigError` with the field's name; whoever
read the file adds the path in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from ltm.model.errors import ConfigError, shown, suggestion
from ltm.model.identifiers import is_symbol
from ltm.model.numbers import ONE, as_fraction, decimal_of

if TYPE_CHECKING:
    import attrs

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]

_SMALLEST: Final = Decimal("1E-12")
_LARGEST: Final = Decimal("1E+15")
_FRACTION_HINT: Final = "write a fraction: 5 % is 0.05"


def exact(value: object) -> object:
    """
    Return an int, float or Decimal as an exact `Decimal`; anything else as it is, for a validator to refuse.
    """
    number = None if isinstance(value, str) else decimal_of(value)
    return value if number is None else number


def exact_values(table: object) -> object:
    """
    Return a table with its values made exact; anything else as it is.
    """
    return {key: exact(value) for key, value in table.items()} if isinstance(table, Mapping) else table


def _problem(number: int, field: str, rule: str, value: object, hint: str | None) -> ConfigError:
    message = f"{field} must {rule}, got {_named(value)}"
    return ConfigError(message, code=f"LTM-CFG-{number:03}", field=field, got=value, hint=hint)


def _named(value: object) -> str:
    # A Decimal as it was written; text says that it is text, since it may look like a number.
    if isinstance(value, Decimal):
        return str(value)
    return f"{shown(value)} (string)" if isinstance(value, str) else shown(value)


def _number(field: str, value: object) -> Decimal:
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, (Decimal, float)):
        raise _problem(9, field, "be a finite number", value, None)
    raise _problem(7, field, "be a number", value, "write it without quotes")


def _fraction(field: str, value: object, *, whole: bool) -> None:
    number = _number(field, value)
    if _SMALLEST <= number < ONE or (whole and number == ONE):
        return
    if Decimal("1.5") <= number <= 100:  # noqa: PLR2004 - somebody wrote a percentage
        hint = f"{number} % is written {as_fraction(number)}"
        raise _problem(8, field, "be between 0 and 1", value, hint)
    raise _problem(9, field, f"be > 0 and {'<=' if whole else '<'} 1", value, _FRACTION_HINT)


def up_to_one(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    Accept a fraction above 0 and up to 1.

    Raises:
        ConfigError: It is none.
    """
    _fraction(attribute.name, value, whole=True)


def below_one(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    Accept a fraction above 0 and below 1.

    Raises:
        ConfigError: It is none.
    """
    _fraction(attribute.name, value, whole=False)


def from_zero_below_one(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    Accept a fraction from 0, below 1.

    Raises:
        ConfigError: It is none.
    """
    number = _number(attribute.name, value)
    if not 0 <= number < 1:
        raise _problem(9, attribute.name, "be at least 0 and below 1", value, "for example 0.05")


def _positive(field: str, value: object) -> None:
    number = _number(field, value)
    if not 0 < number <= _LARGEST:
        raise _problem(25, field, "be a positive finite amount", value, "above 0, at most 1e15")


def positive(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    Accept a finite number above 0, at most 1e15.

    Raises:
        ConfigError: It is none.
    """
    _positive(attribute.name, value)


def whole(least: int, most: int) -> Validator:
    """
    Return a validator that accepts a whole number from `least` to `most`.
    """

    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        name = attribute.name
        if isinstance(value, bool) or not isinstance(value, int):
            raise _problem(7, name, "be a whole number", value, "write it without quotes and without a point")
        if not least <= value <= most:
            raise _problem(25, name, f"be from {least} to {most}", value, None)

    return check


def positive_by_symbol(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    Accept a table of symbol -> finite number above 0.

    Raises:
        ConfigError: It is no table, or a symbol or a number in it is none.
    """
    name = attribute.name
    if not isinstance(value, Mapping):
        raise _problem(
            7, name, "be a table of symbol = number", value, f'for example {name} = {{ "AAPL" = 100 }}'
        )
    for symbol, number in value.items():
        if not isinstance(symbol, str) or not is_symbol(symbol):
            raise _problem(
                7, name, "have symbols as its keys", symbol, "letters, digits and . - / : _ ^ = (1-64)"
            )
        _positive(f"{name}.{symbol}", number)


def one_of(*words: str) -> Validator:
    """
    Return a validator that accepts one of these words.
    """

    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value not in words:
            hint = suggestion(value, words) if isinstance(value, str) else None
            known = " or ".join(f'"{word}"' for word in words)
            message = f"{attribute.name} must be {known}, got {shown(value)}"
            raise ConfigError(message, code="LTM-CFG-007", field=attribute.name, got=value, hint=hint)

    return check
