"""
What every command shares: where journals are, whether bugs show their traceback, which plugins may add commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)
_FILE: Final = click.Path(dir_okay=False, path_type=Path)
STATE_DIR_HELP: Final = "Where journals are kept; default: the platform's user state directory."


class Settings:
    """
    The options of `ltm` itself; click's context object.
    """

    __slots__ = ("config", "debug", "env_file", "owns_process", "state_dir")

    def __init__(self) -> None:
        self.debug = False
        self.state_dir: Path | None = None
        self.config: Path | None = None
        self.env_file: Path | None = None
        self.owns_process = False
        """Whether hooks, limits and environment of this process are ours to change."""


def of(context: click.Context) -> Settings:
    """
    Return the settings that a command runs under.
    """
    return context.ensure_object(Settings)


def _take_state_dir(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        of(context).state_dir = value


def _take_debug(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        of(context).debug = True


def _take_config(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        of(context).config = value


def root_options(command: F) -> F:
    """
    Add the options of `ltm` itself.
    """
    for decorate in (
        click.option(
            "--config",
            metavar="FILE",
            type=_FILE,
            envvar="LTM_CONFIG",
            expose_value=False,
            callback=_take_config,
            help="Whose [plugins] table says which plugins may add commands.",
        ),
        click.option(
            "--debug",
            is_flag=True,
            expose_value=False,
            callback=_take_debug,
            help="Show the traceback of an error.",
        ),
        click.option(
            "--state-dir",
            metavar="DIR",
            type=_FOLDER,
            envvar="LTM_STATE_DIR",
            expose_value=False,
            callback=_take_state_dir,
            help=STATE_DIR_HELP,
        ),
    ):
        command = decorate(command)
    return command


def state_dir_option(command: F) -> F:
    """
    Accept `--state-dir` behind the command's name as well.
    """
    return click.option(
        "--state-dir",
        metavar="DIR",
        type=_FOLDER,
        expose_value=False,
        callback=_take_state_dir,
        help=STATE_DIR_HELP,
    )(command)


def _take_env_file(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    of(context).env_file = value


def env_file_option(command: F) -> F:
    """
    Accept `--env-file`.
    """
    return click.option(
        "--env-file",
        metavar="FILE",
        type=_FILE,
        expose_value=False,
        callback=_take_env_file,
        help="Take environment variables from this file of NAME=value lines, closed to other users.",
    )(command)


def session_option(command: F) -> F:
    """
    Accept `--session`.
    """
    return click.option("--session", metavar="ID", help="This session only; default: all of them.")(command)


def json_option(command: F) -> F:
    """
    Accept `--json`.
    """
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)
