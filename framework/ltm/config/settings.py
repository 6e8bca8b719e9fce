"""
Ways in and out: files and texts to documents, what to discover, and every key for the reference page.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import attrs

from ltm.config import document as documents
from ltm.config.limits import AccountTable, LimitsTable
from ltm.config.reader import Reader
from ltm.config.session import SessionTable
from ltm.config.tables import Catalogue, PluginsTable, RiskTable
from ltm.model.schema import FieldRow, field_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ltm.config.document import Document
    from ltm.model.offer import Kind

LOCAL: Final = "ltmfile.py"
_PLACES: Final[dict[Kind, str]] = {
    "broker": "broker",
    "position_sizer": "sizer",
    "risk_rule": "risk",
    "signal_source": "signals",
    "alert_sink": "alerts",
}


def read_config(path: Path, environ: Mapping[str, str] | None = None) -> Document:
    """
    Return a configuration file as a document with the environment's overrides, not yet checked.

    Raises:
        ConfigErrors: It cannot be read or is no TOML.
    """
    text, private = documents.read(path)
    document = parse_config(text, name=path.name, base=path.absolute().parent, environ=environ)
    document.private = private
    return document


def parse_config(text: str, *, name: str, base: Path, environ: Mapping[str, str] | None = None) -> Document:
    """
    Return a configuration text, such as the embedded demo's, as a document.

    Raises:
        ConfigErrors: It is no TOML.
    """
    document = documents.parse(text, name, base)
    documents.override(document, os.environ if environ is None else environ)
    return document


def plugins_of(document: Document) -> tuple[tuple[str, ...], Path | None]:
    """
    Return the allow list and the local plugin file, for `Registry.discover`; nothing where they are wrong.
    """
    table = Reader(base=document.base, environ={}).build(
        PluginsTable, document.table.get("plugins", {}), "plugins"
    )
    if table is None:
        return (), None
    return table.allow, document.base / LOCAL if table.local else None


def reference_rows(catalogue: Catalogue) -> tuple[FieldRow, ...]:
    """
    Return one row for each key of the configuration, its path as name, for the reference page.
    """
    rows = (
        _rows("session", SessionTable)
        + _rows("limits", LimitsTable)
        + _rows("accounts", AccountTable)
        + _rows("risk", RiskTable)
    )
    for offer in catalogue.offers():
        place = _PLACES[offer.kind]
        own = f"risk.{offer.name}" if place == "risk" else f'{place}("{offer.name}")'
        rows += _rows(own, offer.config)
    return tuple(rows + _rows("plugins", PluginsTable))


def _rows(path: str, table: type[Any]) -> list[FieldRow]:
    return [attrs.evolve(row, name=f"{path}.{row.name}") for row in field_rows(table)]
