"""
The strict walk: every type that a config class may use, taken and refused.
"""

import enum
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import pytest

from ltm.config import parse_config, plugins_of
from ltm.config.reader import Reader
from ltm.model.errors import PluginError
from ltm.model.secret import Secret

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen(kw_only=True)
class Inner:
    number: int = 0


def read(annotation, value, base=Path("/base")):
    config = attrs.make_class("Config", {"x": attrs.field()}, kw_only=True)
    config.__annotations__ = {"x": annotation}
    reader = Reader(base=base, environ={})
    built = reader.build(config, {"x": value}, "table")
    return (built.x if built else None), [problem.message for problem in reader.problems]


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (str, "a", "a"),
        (int, 3, 3),
        (bool, False, False),
        (float, Decimal("0.5"), 0.5),
        (float, 2, 2.0),
        (Decimal, 3, Decimal(3)),
        (Decimal, 0.1, Decimal("0.1")),
        (Decimal | None, None, None),
        (Decimal | Literal["max"], "max", "max"),
        (Decimal | Literal["max"], 60, Decimal(60)),
        (str | list[str], ["a"], ["a"]),
        (Annotated[int, "note"], 3, 3),
        (Literal[1, 2], Decimal("2.0"), 2),
        (Literal[True, 1], 1, 1),
        (Color, "blue", Color.BLUE),
        (Path, "a/b", Path("/base/a/b")),
        (Path, "/a", Path("/a")),
        (time, time(9, 30), time(9, 30)),
        (date, date(2026, 1, 2), date(2026, 1, 2)),
        (datetime, datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2026, 1, 2, 3, tzinfo=UTC)),
        (list, [1, "a"], [1, "a"]),
        (tuple[str, ...], ["a", "b"], ("a", "b")),
        (tuple[str, int], ["a", 1], ("a", 1)),
        (frozenset[str], ["a", "a"], frozenset("a")),
        (set[int], (1, 2), {1, 2}),
        (dict, {"a": 1}, {"a": 1}),
        (Mapping[str, Decimal], {"a": 1}, {"a": Decimal(1)}),
        (Inner, {"number": 3}, Inner(number=3)),
        (Inner, Inner(number=3), Inner(number=3)),
        (tuple[Inner, ...], [{}, {"number": 2}], (Inner(), Inner(number=2))),
        (Secret, Secret("x"), Secret("x")),
        (Secret | None, "x", Secret("x")),
        (Any, {"a": [1]}, {"a": [1]}),
        (object, 3, 3),
    ],
)
def test_a_value_of_the_right_type_is_taken(annotation, value, expected):
    assert (expected, []) == read(annotation, value)
    assert type(expected) is type(read(annotation, value)[0])


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (str, 3, "table.x must be a string, got 3 (whole number)"),
        (int, True, "table.x must be a whole number, got true (boolean)"),
        (bool, "yes", 'table.x must be true or false, got "yes" (string)'),
        (float, "1", 'table.x must be a number, got "1" (string)'),
        (float, Decimal("Infinity"), "table.x must be a finite number, got infinity (decimal number)"),
        (Decimal, None, "table.x must be a number, got None (nothing)"),
        (Decimal | Literal["max"], "min", 'table.x must be number or "max", got "min" (string)'),
        (int | list[int], ["a"], 'table.x[0] must be a whole number, got "a" (string)'),
        (Color, "rot", 'table.x must be "red" or "blue", got "rot" (string)'),
        (Literal[1, 2], 3, "table.x must be 1 or 2, got 3 (whole number)"),
        (Path, "a\0b", 'table.x must be a path, got "a\\x00b" (string)'),
        (time, "09:30", 'table.x must be a local time, got "09:30" (string)'),
        (date, NOON, "table.x must be a date, got 2026-01-02T12:00:00+00:00"),
        (list[int], "ab", 'table.x must be a list, got "ab" (string)'),
        (list[int], {"a": 1}, "table.x must be a list, got a table"),
        (tuple[int, int], [1], "table.x must be a list of 2, got a list"),
        (dict[str, int], [1], "table.x must be a table, got a list"),
        (dict[str, int], {"a": "b"}, 'table.x.a must be a whole number, got "b" (string)'),
        (Inner, 3, "table.x must be a table, got 3 (whole number)"),
        (Inner, {"numbr": 3}, 'unknown key "numbr" in [table.x]; did you mean "number"?'),
        (
            tuple[Inner, ...],
            [{}, {"number": "a"}],
            'table.x[1].number must be a whole number, got "a" (string)',
        ),
        (range, 3, "table.x must be a range, got 3 (whole number)"),
    ],
)
def test_a_value_of_another_type_is_refused(annotation, value, message):
    assert (None, [message]) == read(annotation, value)


def test_a_private_attribute_is_set_by_its_public_name():
    @attrs.frozen(kw_only=True)
    class Config:
        _x: int = 0
        made: int = attrs.field(init=False, default=1)

    reader = Reader(base=Path(), environ={})

    assert Config(x=3) == reader.build(Config, {"x": 3}, "table")
    assert reader.build(Config, {"made": 3}, "table") is None


def test_a_converter_sees_the_value_before_the_validator_does():
    @attrs.frozen(kw_only=True)
    class Config:
        x: str = attrs.field(
            converter=attrs.converters.pipe(str.strip, str.lower), validator=attrs.validators.in_(["a"])
        )

    reader = Reader(base=Path(), environ={})

    assert "a" == reader.build(Config, {"x": " A "}, "table").x
    assert reader.build(Config, {"x": " B "}, "table") is None
    assert "table.x must be in ['a'], got \"b\" (string)" == reader.problems[0].message


def test_a_check_across_fields_waits_for_the_fields():
    """
    A validator that looks at a refused field has nothing to say of its own.
    """

    @attrs.frozen(kw_only=True)
    class Config:
        low: int
        high: int = attrs.field()

        @high.validator
        def _check(self, attribute, value):
            if value < self.low:
                raise ValueError("must be above low")

    reader = Reader(base=Path(), environ={})
    reader.build(Config, {"low": "1", "high": 2}, "")
    reader.build(Config, {"low": 3, "high": 2}, "")

    assert [
        'low must be a whole number, got "1" (string)',
        "high must be above low, got 2 (whole number)",
    ] == [problem.message for problem in reader.problems]


def test_a_bug_in_a_check_is_not_taken_for_an_answer():
    @attrs.frozen(kw_only=True)
    class Config:
        x: int = attrs.field()

        @x.validator
        def _check(self, attribute, value):
            self.nothing.at_all()

    reader = Reader(base=Path(), environ={})

    assert reader.build(Config, {"x": 1}, "table") is None
    assert "table is not valid: " in reader.problems[0].message


def test_a_class_that_cannot_be_read_is_the_plugins_fault():
    with pytest.raises(PluginError, match="must be an attrs class"):
        Reader(base=Path(), environ={}).build(dict, {}, "table")


@pytest.mark.parametrize("entry", ["ltm-risk-foo>=1", "", "a b", "==1", "a==1==2"])
def test_an_entry_of_the_allow_list_that_never_matches_is_refused(entry, config):
    """
    BAD-112.
    """
    text = config.good + f'[plugins]\nallow = ["ok", "{entry}"]\n'

    problem = config.problem(text)

    assert ("LTM-CFG-112", "plugins.allow[1]") == (problem.code, problem.field)
    assert "plugins.allow[1] must be a distribution, a glob or name==version, got" in problem.message
    assert ((), None) == plugins_of(parse_config(text, name="ltm.toml", base=Path(), environ={}))
