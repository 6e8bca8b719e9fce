"""
What a distribution's code is, as one hash: read from its files, importing nothing (SEC-10, SEC-13).
"""

from __future__ import annotations

from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ltm.registry.source import spec_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEFT_OUT: Final = frozenset({".pyc", ".pth"})


def fingerprint(distribution: str, module: str) -> str:
    """
    Return `sha256:` and the digest of everything that is installed, "" where there is nothing to read.

    Args:
        distribution: Its name. What no index knows, such as a local file, has none.
        module: The plugin's module, or the path of a local file: looked at where no files are listed.
    """
    files = sorted(_files(distribution, module))
    if not files:
        return ""
    whole = sha256()
    for name, path in files:
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        whole.update(f"{name}\x1f{sha256(content).hexdigest()}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def _files(distribution: str, module: str) -> list[tuple[str, Path]]:
    try:
        listed = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        listed = []
    found = [
        (file.as_posix(), Path(str(file.locate())))
        for file in listed
        if ".." not in file.parts
        and not file.parts[0].endswith((".dist-info", ".data"))
        and file.suffix not in _LEFT_OUT
    ]
    # An editable installation lists no code: then it is where the import would find it.
    return found or list(_package(module))


def _package(module: str) -> Iterator[tuple[str, Path]]:
    local = Path(module)
    if local.suffix == ".py":
        if local.is_file():
            yield local.name, local
        return
    spec = spec_of(module)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in Path(folder).rglob("*"):
            if path.is_file() and path.suffix not in _LEFT_OUT:
                yield path.relative_to(folder).as_posix(), path
    if spec is not None and not spec.submodule_search_locations and spec.origin is not None:
        yield Path(spec.origin).name, Path(spec.origin)
