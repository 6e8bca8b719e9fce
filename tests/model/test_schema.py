"""
What config classes say about themselves.
"""

import enum
import types
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Optional

import attrs
import pytest

from ltm.model.errors import PluginError
from ltm.model.schema import FieldRow, field_rows, summary_of, toml_of, type_hints, type_words
from ltm.model.secret import Secret


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen(kw_only=True)
class Base:
    """
    A base that

    does something.
    """

    first: int
    """
    What comes
    first.
    """


@attrs.frozen(kw_only=True)
class Derived(Base):
    """
    One sentence
    over two lines.

    Args:
        second: What comes second,
            on two lines.

        third (str): With a type.

    Raises:
        fourth: Is no argument.
    """

    second: Decimal = Decimal("0.10")
    third: tuple[str, ...] = attrs.Factory(lambda: ("a", "b"))
    fourth: int = attrs.field(default=attrs.Factory(lambda self: self.first, takes_self=True))
    fifth: int = attrs.field(init=False, default=5)

    def method(self) -> None: ...


def test_rows_come_from_types_defaults_and_documentation():
    assert (
        FieldRow(name="first", type="whole number", default=None, doc="What comes first."),
        FieldRow(name="second", type="number", default="0.1", doc="What comes second, on two lines."),
        FieldRow(name="third", type="list of string", default='["a", "b"]', doc="With a type."),
        FieldRow(name="fourth", type="whole number", default="", doc=""),
    ) == field_rows(Derived)


def test_the_summary_is_the_first_sentence():
    assert "One sentence over two lines." == summary_of(Derived)
    assert "" == summary_of(attrs.make_class("Bare", []))


def test_a_class_made_on_the_fly_has_rows_without_documentation():
    """
    There is no source to read, and what is found there may be no class.
    """
    made = attrs.make_class("Made", {"x": attrs.field(default=None)})

    assert (FieldRow(name="x", type="anything", default="", doc=""),) == field_rows(made)


def test_source_that_is_not_there_or_no_class_is_no_error(monkeypatch):
    for text in ("x = 1", "class ("):
        monkeypatch.setattr("inspect.getsource", lambda _, text=text: text)

        assert "" == field_rows(Base)[0].doc


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (str, "string"),
        (Optional[int], "whole number"),  # noqa: UP045 - the old spelling is what is tested
        (int | str | None, "whole number or string"),
        (Path, "path"),
        (Literal["a"], '"a"'),
        (Literal["a", "b", 3], '"a", "b" or 3'),
        (list, "list"),
        (set[Decimal], "list of number"),
        (tuple[Secret, ...], "list of secret"),
        (dict, "table"),
        (Mapping[str, Decimal], "table of number"),
        (Color, '"red" or "blue"'),
        (Base, "table"),
        (Any, "anything"),
        (range, "range"),
        ("Nothing", "Nothing"),
    ],
)
def test_types_are_told_in_plain_words(annotation, words):
    assert words == type_words(annotation)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (Decimal("1.50"), "1.5"),
        (Decimal("Infinity"), "Infinity"),
        (Color.RED, '"red"'),
        ("a", '"a"'),
        (Path("a"), '"a"'),
        ({}, "{}"),
        ({"a": 1}, "{ a = 1 }"),
        ([1, "b"], '[1, "b"]'),
        (2.5, "2.5"),
    ],
)
def test_defaults_are_shown_as_the_file_has_them(value, text):
    assert text == toml_of(value)


def test_what_is_no_attrs_class_is_refused():
    with pytest.raises(PluginError, match="must be an attrs class"):
        type_hints(dict)
    with pytest.raises(PluginError, match="must be an attrs class"):
        type_hints(types.SimpleNamespace())


def test_an_annotation_that_leads_nowhere_is_refused():
    @attrs.frozen
    class Config:
        x: "Nowhere"  # noqa: F821 - that is the point

    with pytest.raises(PluginError, match="annotation that cannot be read"):
        type_hints(Config)
