"""
The index of the catalogues: every row of bad input and of faults has a test that names it, or a reason why not yet.

A row counts as tested when its id stands in a test's own words: a docstring of a test, or a table that tests are made of.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = sorted([*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/test_*.py")])

BAD_INPUT = [f"BAD-{number:03}" for number in (*range(1, 41), *range(50, 81), *range(100, 119))]
FAULTS = [f"F{number}" for number in (*range(24, 30), *range(33, 40), 46, 47, 48)]
SECRETS = [f"SEC-{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 10, 11, 13, 15, 27, 30, 31, 32, 33, 36, 38)]
LATER = {
    "BAD-021": "names of exchanges are the ccxt adapter's, which is not built yet",
    "BAD-079": "there is no HTTP interface yet",
}
"""Rows that belong to what is not built yet. A row here with a test is an error too: the list stays honest."""


def strings_of(tree: ast.Module) -> Iterator[str]:
    """
    Every text of a module but its own docstring, where a test would only be announced.
    """
    first = tree.body[0]
    own = first.value if isinstance(first, ast.Expr) else None
    for node in ast.walk(tree):
        if node is not own and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def named_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return {name for text in strings_of(tree) for name in names_in(text)}


def names_in(text: str) -> Iterator[str]:
    """
    The ids in a text; `F11-F13` and `SEC-01 to SEC-03` name the two ends only, for nobody means all between.
    """
    yield from re.findall(r"\b(?:BAD-\d{3}|SEC-\d{2}|F\d{2})\b", text)


@pytest.fixture(scope="module")
def tested() -> set[str]:
    named: set[str] = set()
    for path in TESTS:
        if path != Path(__file__):
            named |= named_in(path)
    return named


@pytest.mark.parametrize("row", [*BAD_INPUT, *FAULTS, *SECRETS])
def test_every_row_of_the_catalogues_has_a_test_that_names_it(row: str, tested: set[str]) -> None:
    assert (row in LATER) is (row not in tested), LATER.get(row, "no test names it")


def test_the_catalogues_are_complete() -> None:
    """
    As many rows as the catalogues have.
    """
    assert (90, 16) == (len(BAD_INPUT), len(FAULTS))
    assert LATER.keys() <= {*BAD_INPUT, *FAULTS}


def test_the_search_for_rows_finds_them() -> None:
    """
    A search that finds nothing proves nothing unless it can find something.
    """
    tree = ast.parse(
        '"""BAD-001"""\ndef test_x():\n    """\n    BAD-002, F24: words.\n    """\nX = ("SEC-03", 1)'
    )

    assert {"BAD-002", "F24", "SEC-03"} == {name for text in strings_of(tree) for name in names_in(text)}
