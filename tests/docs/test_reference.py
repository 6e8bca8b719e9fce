"""
The reference says what the code says, and says all of it.
"""

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from ltm import hookspecs
from ltm.cli.root import COMMANDS
from ltm.config import reference_rows
from ltm.core.codes import ALERTS, DENIALS, OUTCOMES, STOPS
from ltm.registry import Registry

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ltm_docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = generator()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TESTS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in [*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/*/tests/*.py")]
    if path.parent.name != "docs"
)


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """
    What `#...` may name: the headings, as the usual renderers spell them.
    """
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", without_code, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", GENERATOR.pages(), ids=lambda path: path.name)
def test_a_generated_part_is_what_the_code_says_now(path: Path) -> None:
    """
    Run `python docs/generate.py` and commit what it changed.
    """
    text = path.read_text(encoding="utf-8")

    assert GENERATOR.filled(text) == text


@pytest.mark.parametrize("name", [name for name in vars(hookspecs) if GENERATOR.is_hook(name)])
def test_every_hook_is_documented(name: str) -> None:
    """
    Style 6, docs as tests.
    """
    assert f"### `{name}`" in page("hooks.md")


@pytest.mark.parametrize("row", reference_rows(Registry.discover()), ids=lambda row: row.name)
def test_every_key_of_the_configuration_is_documented(row: object) -> None:
    """
    Style 6: with its meaning, and a required one is said to be required.
    """
    name, doc, default = row.name.rpartition(".")[2], row.doc, row.default
    cells = [f"`{name}`", row.type, "required" if default is None else f"`{default}`" if default else "", doc]

    assert doc, f"{row.name} has no documentation"
    assert f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |" in page("config.md")


@pytest.mark.parametrize("code", sorted({*ALERTS, *DENIALS, *OUTCOMES, *STOPS}))
def test_every_code_is_documented(code: str) -> None:
    """
    Style 4 (17).
    """
    assert f"| `{code}` |" in page("denial-codes.md")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """
    Style 6.
    """
    assert f"### `ltm {name}`" in page("cli.md")


PLACES = {
    "Deny": 0,
    "Reason": 0,
    "Check": 1,
    "raise_alert": 3,
    "c.RaiseAlert": 1,
    "c.Halt": 0,
    "c.Restrict": 0,
}
KEYWORDS = {"e.TradingPaused", "e.TradingHalted", "e.TradingKilled"}


def codes_in(path: Path) -> set[str]:
    """
    The codes that a source file gives as reasons, as far as they are written out.
    """
    found: set[object] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        given = [keyword.value for keyword in node.keywords if name in KEYWORDS and keyword.arg == "code"]
        if name in PLACES:
            given += node.args[PLACES[name] :][:1]
        found |= {argument.value for argument in given if isinstance(argument, ast.Constant)}
    return {code for code in found if isinstance(code, str)} - {"ok", "reducing"}


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("plugins/*/src/**/*.py"), *ROOT.glob("framework/ltm/**/*.py")]),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_every_code_that_the_source_gives_is_documented(path: Path) -> None:
    """
    Style 6: no code that a person cannot look up.
    """
    documented = set(re.findall(r"^\| `(\w+)` \|", page("denial-codes.md"), re.MULTILINE))

    assert set() == codes_in(path) - documented


@pytest.mark.parametrize(
    "thing",
    [
        *(name for name in vars(hookspecs) if GENERATOR.is_hook(name)),
        *(f'"{name}"' for name in COMMANDS),
        *(f'"{code}' for code in DENIALS),
        *sorted({row.name.rpartition(".")[2] for row in reference_rows(Registry.discover())}),
    ],
)
def test_what_is_documented_is_tested_somewhere(thing: str) -> None:
    """
    Style 6: every hook, command, denial code and key is at least named by a test other than these.
    """
    assert thing in TESTS


@pytest.mark.parametrize(
    "path",
    sorted([*PAGES, *ROOT.glob("plugins/*/README.md"), *ROOT.glob("framework/ltm/**/*.py")]),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_a_command_that_a_text_names_exists(path: Path) -> None:
    """
    Style 7 (3): examples rot; `ltm frobnicate` in a page, a hint or a comment must not outlive the command.
    """
    named = re.findall(
        r"(?:`|^\$ (?:\w+=\S+ )*)ltm (?:--[\w-]+ [^\s`]+ )*([a-z][a-z-]*)",
        path.read_text(encoding="utf-8"),
        re.MULTILINE,
    )

    assert set() == set(named) - set(COMMANDS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_a_heading_that_exists(path: Path) -> None:
    """
    `tests/test_repository.py` looks at the files, this at what follows `#`.
    """
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target, anchor in re.findall(r"\]\((?!\w+:)([^)#\s]*)#([^)\s]+)\)", text):
        there = path if not target else path.parent / target
        if anchor not in anchors(there.read_text(encoding="utf-8")):
            broken.append(f"{target}#{anchor}")

    assert [] == broken


def test_every_page_can_be_reached_from_the_readme() -> None:
    """
    A page that nothing leads to is a page that nobody reads.
    """
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        here = todo.pop().resolve()
        if here.is_dir():
            todo += here.glob("*.md")
        if here in seen or here.suffix != ".md":
            continue
        seen.add(here)
        links = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", here.read_text(encoding="utf-8"))
        todo += [here.parent / link for link in links]
    pages = {path.resolve() for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "changelog"}

    assert set() == {path.relative_to(ROOT).as_posix() for path in pages - seen}
