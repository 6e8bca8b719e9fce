"""
The `ltm` command.

Light on purpose: a sub-command's module is imported when it is called, so that `ltm --help` and every
mistyped command answer at once.
"""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """
    Run the command line and leave with its exit code.
    """
    from ltm.cli.entry import run

    sys.exit(run(sys.argv[1:]))
