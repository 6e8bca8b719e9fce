"""
Where each key of a TOML text stands: a scanner for error messages, which never decides what the text means.
"""

from __future__ import annotations

import re
from typing import Final

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY: Final = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")
_HEADER: Final = re.compile(rf"\s*(\[\[?)\s*({_PART}(?:\s*\.\s*{_PART})*)\s*\]\]?\s*(?:#.*)?")
_SPLIT: Final = re.compile(_PART)
# What opens or closes something that may run over lines; whole strings and comments are stepped over.
_TOKEN: Final = re.compile(
    r'"""|\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}]',
)
_PATH: Final = re.compile(r"[\w.-]+")


def key_lines(text: str, *, last: bool = False) -> dict[str, int]:
    """
    Return path -> number of the line that first (or last) gives it, such as `signals[0].path`.
    """
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table, fence, depth = "", "", 0
    for number, row in enumerate(text.split("\n"), 1):
        if not fence and not depth:
            header, key = _HEADER.fullmatch(row.rstrip("\r")), _KEY.match(row)
            path = ""
            if header:
                table = path = _table(header, counts)
                row = ""  # noqa: PLW2901 - its brackets are no array's
            elif key:
                path = ".".join(filter(None, [table, _dotted(key[1])]))
                row = row[key.end() :]  # noqa: PLW2901 - the value
            if path and (last or path not in found):
                found[path] = number
        fence, depth = _after(row, fence, depth)
    return found


def longest_path(text: str) -> int:
    """
    Return how many parts the longest dotted word of a text has; tomllib is quadratic in it.
    """
    squeezed = text.translate({ord(char): None for char in " \t\"'"})
    words = (word for word in _PATH.findall(squeezed) if "." in word)
    return max((len(re.findall(r"[\w-]+", word)) for word in words), default=0)


def _dotted(key: str) -> str:
    return ".".join(part.strip("\"'") for part in _SPLIT.findall(key))


def _table(header: re.Match[str], counts: dict[str, int]) -> str:
    parts = _dotted(header[2]).split(".")
    path = ""
    for index, part in enumerate(parts):
        path = f"{path}.{part}" if path else part
        if index == len(parts) - 1 and header[1] == "[[":
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path += f"[{counts[path]}]"
    return path


def _after(row: str, fence: str, depth: int) -> tuple[str, int]:
    # The open triple quote and the depth of brackets at the end of a row.
    position = 0
    while position < len(row):
        if fence:
            end = row.find(fence, position)
            if end < 0:
                return fence, depth
            position, fence = end + 3, ""
            continue
        token = _TOKEN.search(row, position)
        if token is None:
            break
        position = token.end()
        if token[0] in {'"""', "'''"}:
            fence = token[0]
        elif token[0] in {"[", "{"}:
            depth += 1
        elif token[0] in {"]", "}"}:
            depth = max(0, depth - 1)
    return fence, depth
