"""
`ltm mock-venue`: the mock broker's venue as a process of its own, for sessions that name its socket.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from ltm.cli.types import DecimalType, WholeType

if TYPE_CHECKING:
    from decimal import Decimal

    from ltm.brokers.mock.config import MockConfig

_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.command("mock-venue")
@click.option("--socket", metavar="FILE", type=_FILE, required=True, help="Unix socket to listen on.")
@click.option("--log", metavar="FILE", type=_FILE, help="Log of the truth, JSON lines. Required to serve.")
@click.option("--faults", metavar="FILE", type=_FILE, help="What goes wrong, and when (TOML).")
@click.option(
    "--tell", metavar="FILE", type=_FILE, help="Tell the venue on --socket what else goes wrong, and end."
)
@click.option("--seed", metavar="N", type=WholeType(), help="Seed of a synthetic market and of the faults.")
@click.option("--config", metavar="CONFIG", type=_FILE, help="A configuration: its [broker] table is used.")
@click.option("--prices", metavar="FILE", type=_FILE, multiple=True, help="CSV prices; may be repeated.")
@click.option("--cash", metavar="AMOUNT", type=DecimalType(), help="Money in the account at the beginning.")
def mock_venue(
    *,
    socket: Path,
    log: Path | None,
    faults: Path | None,
    tell: Path | None,
    seed: int | None,
    config: Path | None,
    prices: tuple[Path, ...],
    cash: Decimal | None,
) -> None:
    """
    Run the mock venue as a process of its own, until it is told to end.

    A session reaches it with `socket = "..."` in its [broker] table. Without prices its market is made
    from the seed. What goes wrong is said by a fault file, and may be added while it runs.
    """
    if tell is not None:
        _tell(socket, tell)
        return
    if log is None:
        message = "--log is required: the venue writes down what really happened"
        raise click.UsageError(message)
    from ltm.brokers.mock.server import serve

    if config is not None and (prices or cash is not None):
        message = "--config already names the market: leave out --prices and --cash"
        raise click.UsageError(message)
    terms = _from_config(config) if config is not None else _from_options(prices, cash)
    seed = terms.seed if seed is None else seed
    serve(terms, socket, log, faults, seed, ready=lambda: click.echo(f"listening on {socket}"))


def _tell(socket: Path, path: Path) -> None:
    from ltm.brokers.mock.fault_file import read_faults
    from ltm.brokers.mock.remote import tell

    read_faults(path)  # a mistake is named with its file
    for line in tell(socket, path.read_text(encoding="utf-8-sig")):
        click.echo(line)


def _from_options(prices: tuple[Path, ...], cash: Decimal | None) -> MockConfig:
    from ltm.brokers.mock.config import MockConfig

    given: dict[str, Any] = {}
    if prices:
        given["prices"] = list(prices)
    if cash is not None:
        given["cash"] = cash
    return MockConfig(**given)


def _from_config(path: Path) -> MockConfig:
    from ltm.app import load
    from ltm.brokers.mock.config import MockConfig
    from ltm.model.errors import ConfigError

    for session in load(path).config.sessions:
        if isinstance(session.broker.config, MockConfig):
            return attrs.evolve(session.broker.config, socket=None)
    message = f"config {path.name} has no session at the mock broker"
    raise ConfigError(message, code="LTM-CFG-020", field="broker.plugin", hint='set plugin = "mock"')
