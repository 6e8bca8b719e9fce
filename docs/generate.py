"""
Fills the generated parts of the documentation from the code: `python docs/generate.py`.

A page marks such a part with `<!-- generated: NAME ARGUMENT -->` and `<!-- end -->`; everything else in it is written
by hand. `tests/docs` fails when a committed page differs from what this script makes of it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
import tomllib
import types
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from ltm import hookspecs, ports
from ltm.cli.asking import Outcome
from ltm.cli.kill import Killed
from ltm.cli.root import COMMANDS, cli
from ltm.config import reference_rows
from ltm.core import codes as tables
from ltm.core.history import AlertRow, FillRow, OrderRow
from ltm.core.lifecycle import ORDER_TABLE, SESSION_TABLE, TERMINAL, Fact, NoMove
from ltm.core.story import Result
from ltm.core.summary import Summary
from ltm.core.views import LimitRow, PositionRow, StatusRow
from ltm.engine.control.wire import Ordered
from ltm.model import errors
from ltm.model.offer import KINDS as KIND_NAMES
from ltm.model.results import Attestation, Check, DirectReport, PositionCheck, Reason
from ltm.model.signal_schema import signal_schema
from ltm.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PART = re.compile(r"(<!-- generated: (\w[\w-]*)(?: ([\w. -]+?))? -->\n).*?(<!-- end -->)", re.DOTALL)

# --- Markdown ------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def paragraph(text: str | None) -> str:
    return inspect.cleandoc(text or "")


def sentence(text: str) -> str:
    return " ".join(paragraph(text).partition("\n\n")[0].split())


# --- Configuration -------------------------------------------------------------------------------

KINDS = {
    "broker": "broker",
    "sizer": "position_sizer",
    "rules": "risk_rule",
    "signals": "signal_source",
    "alerts": "alert_sink",
}


def config(part: str) -> str:
    """
    The keys of one table, or of every plugin that may stand in it.
    """
    registry = Registry.discover()
    rows = reference_rows(registry)
    if part not in KINDS:
        return settings(rows, f"{part}.")
    blocks = []
    for offer in registry.offers():
        if offer.kind != KINDS[part]:
            continue
        is_rule = part == "rules"
        table_name = f"[[{part}]]" if part in {"signals", "alerts"} else f"[{part}]"
        place = f"[risk.{offer.name}]" if is_rule else f'{table_name} plugin = "{offer.name}"'
        prefix = f"risk.{offer.name}." if is_rule else f'{part}("{offer.name}").'
        blocks += [f"### `{place}`", f"{offer.summary} From the distribution `{offer.distribution}`."]
        blocks.append(settings(rows, prefix))
    return "\n\n".join(blocks)


def settings(rows: Sequence[Any], prefix: str) -> str:
    own = [row for row in rows if row.name.startswith(prefix) and "." not in row.name.removeprefix(prefix)]
    if not own:
        return "Nothing to set."
    cells = [
        (
            code(row.name.removeprefix(prefix)),
            row.type,
            "required" if row.default is None else code(row.default),
            row.doc,
        )
        for row in own
    ]
    return table(("key", "type", "default", "meaning"), cells)


# --- Hooks and ports -----------------------------------------------------------------------------


def is_hook(name: str) -> bool:
    return name.startswith("ltm_") and hasattr(getattr(hookspecs, name), f"{hookspecs.PROJECT}_spec")


def hooks(_: str) -> str:
    found = [(name, getattr(hookspecs, name)) for name in vars(hookspecs) if is_hook(name)]
    return "\n\n".join(f"### `{name}`\n\n{signature(name, hook)}\n\n{prose(hook)}" for name, hook in found)


def register(_: str) -> str:
    call = hookspecs.Register.__call__
    return f"{signature('register', call)}\n\n{prose(call)}"


def protocol(name: str) -> str:
    """
    One port: what it is and what its members must do.
    """
    port = getattr(ports, name)
    members = {key: value for key, value in vars(port).items() if not key.startswith("_")}
    lines = [f"### `{name}`", prose(port)]
    for key, member in members.items():
        if isinstance(member, property):
            lines.append(f"* `{key}` (property): {sentence(member.fget.__doc__)}")
        elif inspect.isfunction(member):
            lines.append(f"* `{heading(key, member)}`: {sentence(member.__doc__)}")
    lead, *bullets = lines[1:]
    return "\n\n".join([lines[0], lead, "\n".join(bullets)])


def struct(name: str) -> str:
    """
    One message: what it is, and its fields with what is written under them.
    """
    thing = getattr(ports, name)
    body = ast.parse(inspect.getsource(thing)).body[0].body
    rows = []
    for node, below in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign):
            continue
        said = (
            below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else ""
        )
        rows.append((code(ast.unparse(node.target)), code(ast.unparse(node.annotation)), sentence(said)))
    return f"### `{name}`\n\n{prose(thing)}\n\n{table(('field', 'type', 'meaning'), rows)}"


def heading(name: str, function: Callable[..., Any]) -> str:
    shown = inspect.signature(function)
    kept = [
        parameter.replace(annotation=parameter.empty)
        for key, parameter in shown.parameters.items()
        if key != "self"
    ]
    text = f"{name}{shown.replace(parameters=kept, return_annotation=shown.empty)}"
    answer = shown.return_annotation
    if answer not in {shown.empty, None, "None"}:
        text += f" -> {answer}"
    return f"async {text}" if inspect.iscoroutinefunction(function) else text


def signature(name: str, function: Callable[..., Any]) -> str:
    shown = inspect.signature(function)
    kept = [parameter for key, parameter in shown.parameters.items() if key != "self"]
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(shown.replace(parameters=kept)))
    return f"`{name}{text}`"


def prose(thing: object) -> str:
    """
    A docstring with its sections as lists.
    """
    text = paragraph(thing.__doc__).replace("`ltm.ports.", "`")
    lines: list[str] = []
    for line in text.splitlines():
        if line in {"Args:", "Raises:"}:
            lines += ["", {"Args:": "It takes:", "Raises:": "It raises:"}[line], ""]
        elif match := re.match(r"    (\w+): (.*)", line):
            lines.append(f"* `{match[1]}`: {match[2]}")
        elif line.startswith("        "):
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


# --- Codes ---------------------------------------------------------------------------------------


def codes(which: str) -> str:
    known: dict[str, str] = getattr(tables, which.upper())
    return table(("code", "meaning"), [(code(name), text) for name, text in known.items()])


def rule_codes(_: str) -> str:
    """
    The tables in the README of each rule's distribution.
    """
    blocks = []
    for readme in sorted(ROOT.glob("plugins/*/README.md")):
        text = readme.read_text(encoding="utf-8").partition("## Denial codes\n")[2]
        rows = text.strip().partition("\n\n")[0]
        link = f"../../{readme.parent.relative_to(ROOT).as_posix()}/README.md"
        blocks.append(f"### [{readme.parent.name}]({link})\n\n{rows}")
    return "\n\n".join(blocks)


def exceptions(_: str) -> str:
    """
    Every class of error with the exit code that the command line gives it.
    """
    found = [value for name, value in vars(errors).items() if isinstance(value, type) and name[0] != "_"]
    rows = [
        (code(kind.__name__), code(str(kind.exit_code)), sentence(kind.__doc__ or ""))
        for kind in found
        if issubclass(kind, errors.LtmError) and kind is not errors.LtmError
    ]
    return table(("error", "exit code", "meaning"), rows)


# --- Command line --------------------------------------------------------------------------------


def schema_of_signals(_: str) -> str:
    return f"```json\n{json.dumps(signal_schema(), indent=2)}\n```"


def commands(_: str) -> str:
    blocks = [command_text("ltm", cli, level=3)]
    for name, entry in COMMANDS.items():
        module, _, attribute = entry.home.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        blocks.append(command_text(f"ltm {name}", command, level=3))
        for inner, child in getattr(command, "commands", {}).items():
            blocks.append(command_text(f"ltm {name} {inner}", child, level=4))
    return "\n\n".join(blocks)


def command_text(path: str, command: click.Command, *, level: int) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    help_text = "\n".join(line.strip() for line in paragraph(command.help).splitlines())
    parts = ["#" * level + f" `{path}`", f"`{usage}`", help_text]
    rows = [
        (code(record[0]), record[1])
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option)
        # click keeps the option of whoever asked first, with or without -h: the page says it once.
        and "--help" not in parameter.opts
        and (record := parameter.get_help_record(context)) is not None
    ]
    if rows:
        parts.append(table(("option", "meaning"), rows))
    return "\n\n".join(parts)


ROWS: dict[str, type[Any]] = {
    "orders": OrderRow,
    "fills": FillRow,
    "positions": PositionRow,
    "status": StatusRow,
    "alerts": AlertRow,
    "limit": LimitRow,
    "reason": Reason,
    "check": Check,
    "pnl": Result,
    "summary": Summary,
    "outcome": Outcome,
    "ordered": Ordered,
    "killed": Killed,
    "direct": DirectReport,
    "attestation": Attestation,
    "position-check": PositionCheck,
}
LITERALS = {
    "explain": ("cli/explain.py", "story_json"),
    "problem": ("cli/check.py", "_problem_json"),
    "checked": ("cli/check.py", "_session_json"),
    "verify": ("cli/journal.py", "_report_json"),
    "record": ("engine/audit.py", "exported"),
    "plugins": ("registry/listing.py", "Listed"),
}
WORDS: dict[Any, str] = {
    Decimal: "decimal string",
    datetime: "time",
    date: "date",
    int: "whole number",
    bool: "true or false",
    str: "string",
}


def json_fields(name: str) -> str:
    """
    The names of one JSON object, with what each holds; a name without a meaning stops the script.
    """
    meanings = tomllib.loads((DOCS / "reference" / "fields.toml").read_text(encoding="utf-8"))

    def meaning(field: str) -> str:
        return str(meanings.get(name, {}).get(field) or meanings["common"][field])

    if name in ROWS:
        hints = get_type_hints(ROWS[name])
        cells = [(code(field), words(hint), meaning(field)) for field, hint in hints.items()]
        return table(("field", "type", "meaning"), cells)
    return table(("field", "meaning"), [(code(field), meaning(field)) for field in keys_of(*LITERALS[name])])


def words(hint: object) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        inner = [words(argument) for argument in arguments if argument is not types.NoneType]
        return " or ".join(inner) + (" or null" if types.NoneType in arguments else "")
    if origin in {list, tuple}:
        return f"list of {words(arguments[0])}"
    if origin is dict:
        return "object"
    if origin is Literal:
        return "string"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "string"
    return WORDS.get(hint, "object")


def keys_of(file: str, name: str) -> list[str]:
    """
    The keys of the dictionary that a function returns, or the fields of a class, read from the source.
    """
    tree = ast.parse((ROOT / "framework" / "ltm" / file).read_text(encoding="utf-8"))
    found = next(node for node in ast.walk(tree) if getattr(node, "name", None) == name)
    if isinstance(found, ast.ClassDef):
        return [node.target.id for node in found.body if isinstance(node, ast.AnnAssign)]
    answer = next(node.value for node in ast.walk(found) if isinstance(node, ast.Return))
    return [key.value for key in answer.keys]


# --- Plugins ------------------------------------------------------------------------------------------


def plugin_index(_: str) -> str:
    """
    What this project's own distributions offer, by kind.
    """
    rows = []
    for offer in Registry.discover().offers():
        readme = ROOT / "plugins" / offer.distribution / "README.md"
        link = f"[{offer.distribution}](../../{readme.relative_to(ROOT).as_posix()})"
        home = link if readme.is_file() else code(offer.distribution)
        rows.append((code(offer.name), KIND_NAMES[offer.kind], home, offer.summary))
    return table(("name", "kind", "distribution", "what it does"), rows)


# --- State machines ------------------------------------------------------------------------------


def order_table(_: str) -> str:
    rows = []
    for status, moves in ORDER_TABLE.items():
        cells = [
            {NoMove.STALE: "·", NoMove.UNEXPECTED: "!"}.get(moves[fact], str(moves[fact])) for fact in Fact
        ]
        rows.append([f"**{status}**" if status in TERMINAL else str(status), *cells])
    return table(("status", *(str(fact).replace("_", " ") for fact in Fact)), rows)


def session_table(_: str) -> str:
    rows = [(str(state), ", ".join(sorted(following))) for state, following in SESSION_TABLE.items()]
    return table(("life cycle", "can become"), rows)


# --- Pages ---------------------------------------------------------------------------------------

PARTS: dict[str, Callable[[str], str]] = {
    "codes": codes,
    "commands": commands,
    "signal-schema": schema_of_signals,
    "config": config,
    "exceptions": exceptions,
    "hooks": hooks,
    "json": json_fields,
    "order-table": order_table,
    "plugin-index": plugin_index,
    "port": protocol,
    "register": register,
    "rule-codes": rule_codes,
    "session-table": session_table,
    "struct": struct,
}


def pages() -> list[Path]:
    """
    Every page with a generated part.
    """
    return [page for page in sorted(DOCS.rglob("*.md")) if PART.search(page.read_text(encoding="utf-8"))]


def filled(text: str) -> str:
    """
    The text of a page with its generated parts as the code has them now.
    """
    return PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]](part[3] or '')}\n\n{part[4]}", text)


def main() -> None:
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"changed {page.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
