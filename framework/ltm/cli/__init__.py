"""
The `ltm` command.

Light on purpose: a sub-command's module is imported when it is called, so that `ltm --help` and every
mistyped command answer at once.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """
    Run the command line and leave with its exit code.
    """
    forget_script_folder()
    from ltm.cli.entry import run

    sys.exit(run(sys.argv[1:], owns_process=True))


def forget_script_folder() -> None:
    """
    Take the current or the script's directory off the import path: nothing is loaded from there (SEC-15).
    """
    if not sys.flags.safe_path and sys.path and (not sys.path[0] or os.path.isdir(sys.path[0])):  # noqa: PTH112 - pathlib costs a tenth of `ltm --help`
        del sys.path[0]
