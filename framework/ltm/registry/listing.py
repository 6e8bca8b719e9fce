"""
What `ltm plugins list` shows of every plugin, whether or not it was let in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ltm.registry.fingerprint import fingerprint
from ltm.registry.health import health_of
from ltm.registry.installed import Status
from ltm.registry.source import source_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ltm.model.offer import Kind, Offer
    from ltm.registry.installed import Plugin


@attrs.frozen(kw_only=True)
class Listed:
    """
    One line of `ltm plugins list`. `kind` is empty for a plugin that was not imported.
    """

    name: str
    kind: str
    distribution: str
    version: str
    status: Status
    reason: str
    health: str
    """"ok", or what is wrong with the installation: something missing, files that were changed."""
    hooks: tuple[str, ...]
    """What it implements; of one that was not imported, what its source says."""
    summary: str
    module: str
    file: str
    """Where the source of the hooks is."""
    hash: str
    """Of its code, as `plugins.allow` can pin it."""


class Listing:
    """
    Rows of plugins, each distribution looked at once.

    Args:
        conflicts: Offers that two distributions make, and what is said of them.
    """

    def __init__(self, conflicts: Mapping[tuple[Kind, str], str]) -> None:
        self._conflicts = conflicts
        self._hashes: dict[tuple[str, str], str] = {}
        self._healths: dict[str, str] = {}

    def rows(self, plugin: Plugin) -> Iterator[Listed]:
        """
        Yield one row for each offer, or one for a plugin without.
        """
        if plugin.status != "loaded" or not plugin.offers:
            yield self._row(plugin, None)
            return
        for offer in plugin.offers:
            yield self._row(plugin, offer)

    def _row(self, plugin: Plugin, offer: Offer | None) -> Listed:
        conflict = self._conflicts.get((offer.kind, offer.name), "") if offer else ""
        source = source_of(plugin.module)
        return Listed(
            name=offer.name if offer else plugin.name,
            kind=offer.kind if offer else "",
            distribution=plugin.distribution,
            version=plugin.version,
            status="quarantined" if conflict else plugin.status,
            reason=conflict or plugin.reason,
            health=self._health(plugin.distribution),
            hooks=plugin.hooks or source.hooks,
            summary=offer.summary if offer else "",
            module=plugin.module,
            file=source.file,
            hash=self._hash(plugin),
        )

    def _hash(self, plugin: Plugin) -> str:
        place = (plugin.distribution, plugin.module)
        if place not in self._hashes:
            self._hashes[place] = fingerprint(*place)
        return self._hashes[place]

    def _health(self, distribution: str) -> str:
        if distribution not in self._healths:
            self._healths[distribution] = health_of(distribution)
        return self._healths[distribution]
