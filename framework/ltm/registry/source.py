"""
What a plugin's source says of itself, read as text: nothing is imported or run (SEC-10).
"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec

_MARKER: Final = "hookimpl"
DECLARATION: Final = "LTM_API"
"""The name under which a module of hooks says which plugin API it is written for."""


@attrs.frozen(kw_only=True)
class Source:
    """
    A module as its file has it.
    """

    file: str = ""
    """Where it is; "" where no source was found."""
    hooks: tuple[str, ...] = ()
    """The hooks that it implements, as far as they are written out in it."""
    api: object = None
    """What it declares as its plugin API; None: nothing that can be read."""


def source_of(module: str) -> Source:
    """
    Return what the source of an entry point's module says.

    Args:
        module: `package.module`, with or without `:attribute`, or the path of a local file.
    """
    file = _file_of(module)
    if file is None:
        return Source()
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return Source(file=str(file))
    return Source(file=str(file), hooks=tuple(_hooks(tree)), api=_declared(tree))


def spec_of(module: str) -> ModuleSpec | None:
    """
    Return where the outermost package of an entry point's module would be imported from, None for nowhere.
    """
    try:
        # To look for an inner name would import those around it.
        return importlib.util.find_spec(module.partition(":")[0].partition(".")[0].strip())
    except (ImportError, ValueError):
        return None


def _file_of(module: str) -> Path | None:
    local = Path(module)
    if local.suffix == ".py":
        return local if local.is_file() else None
    spec = spec_of(module)
    rest = module.partition(":")[0].strip().split(".")[1:]
    if spec is None:
        return None
    if spec.submodule_search_locations is None:
        return Path(spec.origin) if not rest and spec.has_location and spec.origin else None
    for folder in spec.submodule_search_locations:
        place = Path(folder).joinpath(*rest)
        for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if file.is_file():
                return file
    return None


def _hooks(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for decorator in node.decorator_list:
                call = decorator.func if isinstance(decorator, ast.Call) else decorator
                if ast.unparse(call).rpartition(".")[2] == _MARKER:
                    yield _specified(decorator) or node.name


def _specified(decorator: ast.expr) -> str | None:
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        if keyword.arg == "specname" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def _declared(tree: ast.Module) -> object:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        named = any(isinstance(target, ast.Name) and target.id == DECLARATION for target in targets)
        if named and isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Constant):
            return node.value.value
    return None
