"""
The one place where errors become text and exit codes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

import click

from ltm.cli.root import ReaderGone, invoke
from ltm.cli.settings import Settings
from ltm.model.errors import LtmError, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE: Final = 2
BUG: Final = 1
INTERRUPTED: Final = 130
# A group alone asks for its help; clicks before 8.2 print it themselves.
_NO_ARGUMENTS: Final[tuple[type[Exception], ...]] = tuple(
    kind for kind in [getattr(click.exceptions, "NoArgsIsHelpError", None)] if kind is not None
)


def run(arguments: Sequence[str], *, owns_process: bool = False) -> int:
    """
    Run the command line and return its exit code; errors are told on the standard error stream.

    Args:
        arguments: Without the program's name.
        owns_process: Whether there is nothing else in this process, so that all of it may be guarded.
    """
    settings = Settings()
    settings.owns_process = owns_process
    try:
        code = _code(invoke(arguments, settings))
        sys.stdout.flush()
    except (BrokenPipeError, ReaderGone):
        _forget_stdout()
        return 0
    except (KeyboardInterrupt, click.exceptions.Abort):
        return INTERRUPTED
    except click.ClickException as error:
        return _usage(error, settings)
    except LtmError as error:
        _trace(settings)
        tell(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last resort: a bug is told like any error, and traced on request
        _trace(settings)
        hint = "this is a bug in ltm: run the command again as `ltm --debug ...` and report what it prints"
        tell(LtmError(f"{type(error).__name__}: {shown(str(error))}", hint=hint))
        return BUG
    return code


def _code(answer: object) -> int:
    return answer if isinstance(answer, int) else 0


def tell(error: LtmError) -> None:
    """
    Write an error as `error[CODE]: ... / where: / fix:`, whatever it holds.
    """
    from ltm.cli.output import one_line

    for line in error.render().split("\n"):
        click.echo(one_line(line), err=True)


def _usage(error: click.ClickException, settings: Settings) -> int:
    context = getattr(error, "ctx", None)
    if isinstance(error, _NO_ARGUMENTS) and context is not None:
        click.echo(context.get_help(), err=True)
        return USAGE
    _trace(settings)
    command = context.command_path if context is not None else "ltm"
    message = " ".join(error.format_message().split())
    problem = LtmError(message, code="LTM-CLI-002", where=command, hint=f"{command} --help")
    tell(problem)
    return USAGE


def _trace(settings: Settings) -> None:
    if settings.debug:
        import traceback

        from ltm.model.redaction import redact

        click.echo(redact(traceback.format_exc()), err=True, nl=False)


def _forget_stdout() -> None:
    # What is still buffered would raise again when the interpreter flushes on its way out.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
