"""
Rules of the house that no linter knows: what code may not call, where time may come from, what starts quickly.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FRAMEWORK = ROOT / "framework" / "ltm"
SOURCES = sorted([*FRAMEWORK.rglob("*.py"), *ROOT.glob("plugins/*/src/**/*.py")])
SCRIPTS = sorted([*ROOT.glob("docs/**/*.py"), *ROOT.glob("benchmarks/**/*.py")])
CLOCK = FRAMEWORK / "engine" / "clock.py"

BANNED_MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve", "torch", "yaml"}
BANNED_CALLS = {
    "compile",
    "eval",
    "exec",
    "os.popen",
    "os.system",
    "tempfile.mktemp",
}
BANNED_KEYWORDS = {("shell", True), ("verify", False)}

CLOCK_MODULES = {"random", "secrets", "time", "uuid"}
CLOCK_CALLS = {
    "date.today",
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "os.fdatasync",
    "os.fsync",
    "os.getrandom",
    "os.urandom",
}

# One letter in brackets, so that this file does not hold what it looks for.
UNEXPLAINED = re.compile(
    r"# noq[a](?!: [A-Z]+\d+(, [A-Z]+\d+)* - \S)"
    r"|# type: ignor[e](?!\[[a-z-]+(, ?[a-z-]+)*\] # \S)"
    r"|# pragma: no cove[r](?! - \S)"
    r"|NotImplementedErro[r]|TOD[O]|FIXM[E]"
)
MOST_LINES = 400
HEAVY = {"asyncio", "cattrs", "ccxt", "ib_async", "ib_insync"}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dotted(node: ast.expr) -> str:
    """
    `a.b.c` of an expression that is nothing but names, "" of any other.
    """
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def imports_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """
    Every imported module and every imported name of one, with its line.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, str(node.module)
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def calls_of(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def banned_in(tree: ast.Module) -> Iterator[str]:
    for line, module in imports_of(tree):
        if module.partition(".")[0] in BANNED_MODULES or module in BANNED_CALLS:
            yield f"{line}: import {module}"
    for call in calls_of(tree):
        if dotted(call.func) in BANNED_CALLS:
            yield f"{call.lineno}: {dotted(call.func)}()"
        for keyword in call.keywords:
            if (
                isinstance(keyword.value, ast.Constant)
                and (keyword.arg, keyword.value.value) in BANNED_KEYWORDS
            ):
                yield f"{call.lineno}: {keyword.arg}={keyword.value.value}"


def clocks_in(tree: ast.Module) -> Iterator[str]:
    for line, module in imports_of(tree):
        if module in CLOCK_MODULES or module in CLOCK_CALLS:
            yield f"{line}: import {module}"
    for call in calls_of(tree):
        # `datetime.datetime.now` is `datetime.now` too.
        if ".".join(dotted(call.func).split(".")[-2:]) in CLOCK_CALLS:
            yield f"{call.lineno}: {dotted(call.func)}()"


@pytest.mark.parametrize("path", [*SOURCES, *SCRIPTS], ids=name_of)
def test_nothing_runs_text_or_a_shell_or_trusts_a_pickle(path: Path) -> None:
    """
    SEC-30, SEC-27: none of the calls by which text from outside becomes code, and no TLS without a check.
    """
    assert [] == list(banned_in(tree_of(path)))


@pytest.mark.parametrize("path", [path for path in SOURCES if path != CLOCK], ids=name_of)
def test_time_dice_and_the_disks_barrier_come_from_one_module(path: Path) -> None:
    """
    O8: everything else is given them, so that a session can be replayed from a seed.
    """
    assert [] == list(clocks_in(tree_of(path)))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import pickle", ["1: import pickle"]),
        ("from yaml import load", ["1: import yaml", "1: import yaml.load"]),
        ("from os import system", ["1: import os.system"]),
        ("eval(x)", ["1: eval()"]),
        ("run(x, shell=True)", ["1: shell=True"]),
        ("get(x, verify=False)", ["1: verify=False"]),
        ("re.compile(x)", []),
    ],
)
def test_the_search_for_banned_calls_finds_them(code: str, found: list[str]) -> None:
    """
    SEC-30: a search that finds nothing proves nothing unless it can find something.
    """
    assert found == list(banned_in(ast.parse(code)))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import time", ["1: import time"]),
        ("from time import monotonic", ["1: import time"]),
        ("import datetime\ndatetime.datetime.now()", ["2: datetime.datetime.now()"]),
        ("datetime.now(UTC)", ["1: datetime.now()"]),
        ("from os import fsync", ["1: import os.fsync"]),
        ("from datetime import time", []),
        ("clock.now()", []),
    ],
)
def test_the_search_for_clocks_finds_them(code: str, found: list[str]) -> None:
    """
    O8: as above.
    """
    assert found == list(clocks_in(ast.parse(code)))


def made_statements_in(tree: ast.Module) -> Iterator[str]:
    """
    Calls that hand a database a statement put together on the spot.
    """
    for call in calls_of(tree):
        name = dotted(call.func).rpartition(".")[2]
        if name in {"execute", "executemany", "executescript"} and call.args:
            first = call.args[0]
            made = isinstance(first, ast.Call) and getattr(first.func, "attr", "") in {"format", "join"}
            if made or isinstance(first, (ast.JoinedStr, ast.BinOp)):
                yield f"{call.lineno}: {name}({ast.unparse(first)})"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_statement_is_made_of_what_came_from_outside(path: Path) -> None:
    """
    SEC-31: SQL is constant, values are parameters.
    """
    assert [] == list(made_statements_in(tree_of(path)))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('c.execute(f"SELECT {x}")', 1),
        ('c.execute("SELECT " + x)', 1),
        ('execute("SELECT %s" % x)', 1),
        ('c.executescript("{}".format(x))', 1),
        ('c.execute("SELECT ?", (x,))', 0),
        ("c.execute(SELECT, (x,))", 0),
    ],
)
def test_the_search_for_made_statements_finds_them(code: str, found: int) -> None:
    """
    SEC-31: as above.
    """
    assert found == len(list(made_statements_in(ast.parse(code))))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_exception_to_a_rule_says_why(path: Path) -> None:
    """
    Style 4 (11): no bare `noqa`, `type: ignore` or `no cover`; nothing is left to be written later.
    """
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)

    assert [] == [f"{number}: {line.strip()}" for number, line in lines if UNEXPLAINED.search(line)]


def test_a_source_file_can_be_read_in_one_sitting() -> None:
    """
    Design 2: no file over 400 lines.
    """
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}

    assert {} == {name: length for name, length in lengths.items() if length > MOST_LINES}


def test_only_the_risk_core_can_make_an_approval() -> None:
    """
    Approval is a type: its seal is made in `model/order.py` and imported by `core/risk.py` alone.
    """
    users = {
        name_of(path)
        for path in SOURCES
        if any(module == "ltm.model.order.SEAL" for _, module in imports_of(tree_of(path)))
    }

    assert {"framework/ltm/core/risk.py"} == users


@pytest.mark.parametrize("folder", ["model", "core"])
def test_no_float_is_made_where_money_is_counted(folder: str) -> None:
    """
    Style 6: money, prices and quantities are Decimal.
    """
    found = [
        f"{name_of(path)}:{call.lineno}"
        for path in sorted((FRAMEWORK / folder).rglob("*.py"))
        for call in calls_of(tree_of(path))
        if dotted(call.func) == "float"
    ]

    assert [] == found


@pytest.mark.parametrize(
    "code",
    ["import ltm", "from ltm.cli.entry import run; run(['--help'])"],
    ids=["import ltm", "ltm --help"],
)
def test_the_start_loads_no_event_loop_and_no_sdk(code: str) -> None:
    """
    Design 10: what every command pays for is small.
    """
    script = f"import sys, json; {code}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    modules = {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}

    assert set() == modules & HEAVY
