"""
Whether an installed distribution is whole: read from its metadata and files, importing nothing (SEC-10).
"""

from __future__ import annotations

import csv
import re
from base64 import urlsafe_b64encode
from hashlib import new
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

WELL: Final = "ok"
_NAME: Final = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})


def health_of(distribution: str) -> str:
    """
    Return "ok", or what is wrong: a requirement that is not installed, files that are not as they were installed.

    Args:
        distribution: Its name. Of what no index knows, such as a local file, nothing is known to be wrong.
    """
    try:
        found = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return WELL
    return "; ".join([*_missing(found), *_touched(found)]) or WELL


def _missing(found: metadata.Distribution) -> Iterator[str]:
    for requirement in found.requires or ():
        what, _, marker = requirement.partition(";")
        name = _NAME.match(what)
        # What depends on an extra or on the platform may be absent for good reason.
        if name is None or marker.strip():
            continue
        try:
            metadata.distribution(name[1])
        except metadata.PackageNotFoundError:
            yield f"needs {name[1]}, which is not installed"


def _touched(found: metadata.Distribution) -> Iterator[str]:
    names = []
    # Not `found.files`, which leaves out what is gone from 3.12 on.
    for path, told, *_ in csv.reader((found.read_text("RECORD") or "").splitlines()):
        mode, _, value = told.partition("=")
        if mode not in _HASHES or path.endswith(".pyc"):
            continue
        try:
            content = Path(str(found.locate_file(path))).read_bytes()
        except OSError:
            names.append(f"{path} (gone)")
            continue
        if urlsafe_b64encode(new(mode, content).digest()).rstrip(b"=").decode() != value:
            names.append(path)
    if names:
        shown = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")  # noqa: PLR2004 - two are enough to look
        yield f"{'files' if len(names) > 1 else 'a file'} changed since the installation: {shown}"
