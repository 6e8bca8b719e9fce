"""
`ltm plugins`: what is installed, what it offers, how it is set up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from ltm.cli.output import Column, one_line, print_json, print_table
from ltm.cli.settings import json_option, of
from ltm.config import plugins_of, read_config
from ltm.model.errors import ConfigError, PluginError, shown, suggestion
from ltm.model.offer import KINDS, Offer
from ltm.model.schema import field_rows
from ltm.registry import Listed, Registry

if TYPE_CHECKING:
    from pathlib import Path

_LIST: Final = (
    Column("name", "name"),
    Column("kind", "kind"),
    Column("distribution", "distribution"),
    Column("version", "version"),
    Column("status", "status"),
    Column("health", "health"),
    Column("hooks", "hooks"),
    Column("about", "about"),
)
_FIELDS: Final = (
    Column("name", "setting"),
    Column("type", "type"),
    Column("default", "default"),
    Column("doc", "meaning"),
)


def discover(config: Path | None) -> Registry:
    """
    Return the registry that a configuration allows; without one, this project's own plugins.
    """
    return Registry.discover(*plugins_of(read_config(config))) if config is not None else Registry.discover()


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> None:
    """
    List plugins and show their settings.

    Without a sub-command: list. `ltm --config FILE plugins` lists what that configuration allows.
    """
    if context.invoked_subcommand is None:
        _list(context, as_json=as_json)


@plugins.command("list")
@json_option
@click.pass_context
def list_command(context: click.Context, as_json: bool) -> None:
    """
    List what is installed, and why something cannot be used.
    """
    _list(context, as_json=as_json)


def _list(context: click.Context, *, as_json: bool) -> None:
    rows = [attrs.asdict(row) for row in discover(of(context).config).listing()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        row["about"] = row["reason"] or row["summary"]
        row["hooks"] = [hook.removeprefix("ltm_").removeprefix("register_") for hook in row["hooks"]]
        row["kind"] = KINDS.get(row["kind"], "")
    print_table(_LIST, rows)


@plugins.command("show")
@click.argument("name")
@json_option
@click.pass_context
def show_command(context: click.Context, name: str, as_json: bool) -> None:
    """
    Show the settings of everything called NAME, or of all that the distribution NAME offers.
    """
    registry = discover(of(context).config)
    offers = [offer for offer in registry.offers() if offer.name == name]
    offers = offers or [offer for offer in registry.offers() if offer.distribution == name]
    if not offers:
        raise _missing(registry, name)
    if as_json:
        print_json([_offer_json(offer, registry) for offer in offers])
        return
    for index, offer in enumerate(offers):
        if index:
            click.echo()
        click.echo(one_line(f"{offer.name}: {KINDS[offer.kind]}, {offer.distribution} {offer.version}"))
        click.echo(one_line(offer.summary))
        listed = _row_of(offer, registry)
        click.echo(one_line(f"hooks in {listed.file or listed.module}, installation {listed.health}"))
        rows = [attrs.asdict(row) | {"default": _default(row.default)} for row in field_rows(offer.config)]
        print_table(_FIELDS, rows, empty="nothing to set")


def _default(default: str | None) -> str:
    return "(required)" if default is None else default


def _row_of(offer: Offer, registry: Registry) -> Listed:
    return next(row for row in registry.listing() if (row.kind, row.name) == (offer.kind, offer.name))


def _offer_json(offer: Offer, registry: Registry) -> dict[str, Any]:
    listed = _row_of(offer, registry)
    return {
        "name": offer.name,
        "kind": offer.kind,
        "distribution": offer.distribution,
        "version": offer.version,
        "module": offer.module,
        "file": listed.file,
        "hash": listed.hash,
        "health": listed.health,
        "hooks": listed.hooks,
        "summary": offer.summary,
        "fields": [
            {**attrs.asdict(row), "required": row.default is None} for row in field_rows(offer.config)
        ],
    }


def _missing(registry: Registry, name: str) -> ConfigError | PluginError:
    known = sorted({offer.name for offer in registry.offers()})
    idle = [row for row in registry.listing() if name in {row.name, row.distribution} and row.reason]
    if idle:
        message = f"plugin {shown(name)} is {idle[0].status}"
        return PluginError(message, got=name, hint=idle[0].reason)
    near = suggestion(name, known)
    message = f"no plugin {shown(name)}; installed: {', '.join(known)}" + (f"; {near}" if near else "")
    return ConfigError(message, code="LTM-CFG-020", got=name, hint="ltm plugins list shows what there is")
