"""
A configuration with its secrets, read by a command: from here on, nothing of them leaves this process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ltm.app import forget_environment, guard_logs, guard_process, load
from ltm.cli.settings import of
from ltm.config import read_env_file

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from ltm.app import Loaded


def guard(context: click.Context) -> None:
    """
    Keep secrets out of what this process writes; as much of it as is ours.
    """
    if of(context).owns_process:
        guard_process()
    else:
        guard_logs()


def loaded_from(context: click.Context, path: Path) -> Loaded:
    """
    Read and check a configuration, with the variables of `--env-file` before those of the environment.

    Raises:
        ConfigError: Something in it or in the file of variables is wrong.
        PluginError: A plugin it names cannot be used.
    """
    guard(context)
    settings = of(context)
    environ = dict(os.environ)
    if settings.env_file is not None:
        environ |= read_env_file(settings.env_file)
    loaded = load(path, environ)
    if settings.owns_process:
        forget_environment(os.environ)
    return loaded
