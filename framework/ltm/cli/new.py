"""
`ltm new KIND NAME`: a distribution that installs, passes lint and types, and has one test that says what to write.
"""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from ltm.cli.output import one_line
from ltm.model.errors import ConfigError, shown
from ltm.registry.installed import OWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ltm.model.offer import Kind


class _Kind(NamedTuple):
    offered: Kind
    prefix: str
    hook: str
    port: str
    table: str
    # The property that tells the plugin's name.
    named: str = "name"


_KINDS: Final = {
    "broker": _Kind(
        "broker",
        "ltm-broker",
        "ltm_register_brokers",
        "Broker",
        '[broker]\nplugin = "$name"',
        "capabilities.name",
    ),
    "risk-rule": _Kind("risk_rule", "ltm-risk", "ltm_register_risk_rules", "RiskRule", "[risk.$name]"),
    "sizer": _Kind(
        "position_sizer",
        "ltm-sizer",
        "ltm_register_position_sizers",
        "PositionSizer",
        '[sizer]\nplugin = "$name"',
    ),
    "alert-sink": _Kind(
        "alert_sink", "ltm-alert", "ltm_register_alert_sinks", "AlertSink", '[[alerts]]\nplugin = "$name"'
    ),
    "signal-source": _Kind(
        "signal_source",
        "ltm-signal",
        "ltm_register_signal_sources",
        "SignalSource",
        '[[signals]]\nplugin = "$name"',
    ),
}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*", re.ASCII)
_LONGEST: Final = 40


@click.command()
@click.argument("kind", type=click.Choice(list(_KINDS)))
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="The folder to make it in; default: the current one.",
    metavar="DIR",
)
def new(kind: str, name: str, into: Path) -> None:
    """
    Write a plugin to begin with.

    A distribution of its own: it installs, passes lint and types, and one of its tests fails and says what to
    write next. Nothing that exists is overwritten.
    """
    chosen = _KINDS[kind]
    _check(chosen, name)
    distribution = f"{chosen.prefix}-{name.replace('_', '-')}"
    project = into / distribution
    written = _files(kind, chosen, name.replace("-", "_"), distribution)
    _write(project, written)
    article = "an" if kind[0] in "aeiou" else "a"
    click.echo(one_line(f"{project}: {article} {kind.replace('-', ' ')} that does nothing yet"))
    click.echo(one_line(f"next: pip install -e '{project}[dev]' && pytest {project}"))


def _check(chosen: _Kind, name: str) -> None:
    rule, hint = "", 'for example "no_mondays"'
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        rule = f"be lower case letters and digits in words parted by _ or - (1-{_LONGEST}), beginning with a letter"
    elif keyword.iskeyword(name):
        rule = "not be a word of Python itself"
    elif (taken := name.replace("-", "_")) in OWN:
        rule, hint = f"not be one that is reserved for {OWN[taken]}", "choose another name"
    elif taken in _offered(chosen.offered):
        rule, hint = "not be one that ltm offers itself", "choose another name"
    if rule:
        message = f"name must {rule}, got {shown(name)}"
        raise ConfigError(message, code="LTM-CLI-003", field="name", got=name, hint=hint)


def _offered(kind: Kind) -> list[str]:
    from ltm.registry import Registry

    return Registry.discover().names(kind)


def _files(kind: str, chosen: _Kind, name: str, distribution: str) -> dict[str, str]:
    # Path inside of the project -> its text.
    package = distribution.replace("-", "_")
    words = {
        "kind": kind.replace("-", " "),
        "name": name,
        "distribution": distribution,
        "package": package,
        "module": kind.replace("-", "_"),
        "hook": chosen.hook,
        "port": chosen.port,
        "named": chosen.named,
        "table": Template(chosen.table).substitute(name=name),
    }
    words["common"] = _filled("test-common", words)
    return {
        "pyproject.toml": _filled("pyproject", words),
        "README.md": _filled("readme", words),
        f"src/{package}/__init__.py": _filled("init", words),
        f"src/{package}/py.typed": "",
        f"src/{package}/hooks.py": _filled("hooks", words),
        f"src/{package}/{words['module']}.py": _filled(kind, words),
        f"tests/test_{name}.py": _filled(f"{kind}-test", words),
    }


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = files("ltm.cli").joinpath("templates", f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(words)


def _write(project: Path, written: Mapping[str, str]) -> None:
    try:
        # What exists, a link that leads nowhere included, is an error here: nothing is ever overwritten.
        project.mkdir()
        for name, text in written.items():
            place = project / name
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("x", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError:
        message = f"{project} exists already"
        hint = "choose another name, or another folder with --into"
        raise ConfigError(message, code="LTM-CLI-004", got=str(project), hint=hint) from None
    except OSError as error:
        message = f"{project} cannot be written: {error.strerror}"
        raise ConfigError(
            message, code="LTM-CLI-004", got=str(project), hint="choose another folder with --into"
        ) from None
