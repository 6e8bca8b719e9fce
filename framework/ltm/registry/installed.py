"""
What is installed and who may be imported; reads metadata, imports nothing (SEC-10).
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal

import attrs

from ltm.model.offer import Offer
from ltm.registry.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GROUP: Final = "ltm"
OWN: Final = {
    "position_size": "ltm-risk-position-size",
    "sector_concentration": "ltm-risk-sector-concentration",
    "drawdown": "ltm-risk-drawdown",
    "daily_loss": "ltm-risk-daily-loss",
    "apprise": "ltm-alert-apprise",
    "mock": GROUP,
    "ib": GROUP,
    "ccxt": GROUP,
}
"""Reserved names, and the distributions of this project that they belong to (SEC-11)."""

_GLOB: Final = re.compile(r"[*?\[]")

Status = Literal["loaded", "not allowed", "quarantined"]


@attrs.define(kw_only=True)
class Plugin:
    """
    One entry point, built-in module or local file, and how it fared.
    """

    name: str
    module: str
    distribution: str
    version: str
    status: Status = "loaded"
    reason: str = ""
    hint: str = ""
    """What to do about the reason."""
    hooks: tuple[str, ...] = ()
    """What it implements; of one that was not let in, what its source says."""
    offers: list[Offer] = attrs.Factory(list)

    def __str__(self) -> str:
        return f'plugin "{self.name}" (dist {self.distribution} {self.version}, entry point {self.module})'


def entry_points() -> Iterator[tuple[Plugin, metadata.EntryPoint]]:
    """
    Yield every entry point of the group `ltm`, in the order of distributions and names.
    """
    found = []
    for point in metadata.entry_points(group=GROUP):
        if point.dist is not None:
            plugin = Plugin(
                name=point.name,
                module=point.value,
                distribution=canonical(point.dist.name),
                version=point.dist.version,
            )
            found.append((plugin, point))
    yield from sorted(found, key=lambda pair: (pair[0].distribution, pair[0].name))


def canonical(distribution: str) -> str:
    """
    Return a distribution's name as package indexes compare it.
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()


def version_of(distribution: str) -> str:
    """
    Return the installed version, `-` for a source tree that is not installed.
    """
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "-"


def absent(allow: Iterable[str], plugins: Iterable[Plugin]) -> list[str]:
    """
    Return the distributions that an allow list names in full and that are not installed.
    """
    here = {plugin.distribution for plugin in plugins}
    named = [canonical(entry.partition("sha256:")[0].partition("==")[0].strip()) for entry in allow]
    return [name for name in named if name and not _GLOB.search(name) and name not in here]


def is_allowed(plugin: Plugin, allow: Iterable[str]) -> bool:
    """
    Return whether a plugin may be imported: this project's own always, others when the list says so.
    """
    if plugin.distribution in OWN.values():
        return True
    for entry in allow:
        what, _, digest = entry.partition("sha256:")
        pattern, _, version = (part.strip() for part in what.partition("=="))
        if not fnmatchcase(plugin.distribution, canonical(pattern)):
            continue
        if version not in {"", plugin.version}:
            plugin.reason = f"plugins.allow has version {version} of it, installed is {plugin.version}"
            continue
        if not digest or fingerprint(plugin.distribution, plugin.module) == f"sha256:{digest}":
            return True
        plugin.reason = f'its code is not what "{entry.partition(" ")[0]}" in plugins.allow is pinned to'
    return False
