"""
The command `ltm`: which sub-commands there are, and where each is imported from when it is called.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from ltm.cli.settings import of, root_options

if TYPE_CHECKING:
    from collections.abc import Sequence


class Entry(NamedTuple):
    """
    One built-in command, without importing it.
    """

    home: str
    """`module:name` of the click command."""
    help: str


COMMANDS: Final = {
    "run": Entry("ltm.cli.run:run", "Trade until the market ends or you stop it."),
    "simulate": Entry("ltm.cli.run:simulate", "Trade in virtual time and report."),
    "check": Entry("ltm.cli.check:check", "Check a configuration without starting anything."),
    "plugins": Entry("ltm.cli.plugins:plugins", "List plugins and show their settings."),
    "new": Entry("ltm.cli.new:new", "Write a plugin to begin with."),
    "signal-schema": Entry("ltm.cli.schema:schema", "Print the JSON Schema of a signal."),
    "status": Entry("ltm.cli.listing:status", "Show sessions, their money and their limits."),
    "positions": Entry("ltm.cli.listing:positions", "Show what is held."),
    "orders": Entry("ltm.cli.listing:orders", "Show orders, the denied ones too."),
    "fills": Entry("ltm.cli.listing:fills", "Show executions."),
    "alerts": Entry("ltm.cli.listing:alerts", "Show alerts and who has them."),
    "pause": Entry("ltm.cli.operate:pause", "Stop entries; exits, stop losses and cancels go on."),
    "resume": Entry("ltm.cli.operate:resume", "Let a session trade again."),
    "stop": Entry("ltm.cli.operate:stop", "End a session, and attest what is left at the venue."),
    "flatten": Entry(
        "ltm.cli.operate:flatten", "Cancel and close everything, and attest what is left at the venue."
    ),
    "kill": Entry("ltm.cli.kill:kill", "Let nothing out but cancels, and cancel what is open."),
    "reconcile": Entry("ltm.cli.operate:reconcile", "Settle differences between the books and the venue."),
    "corporate-action": Entry(
        "ltm.cli.operate:corporate_action", "Tell a running session of a split, a rename or a dividend."
    ),
    "explain": Entry("ltm.cli.explain:explain", "Tell why an order was placed or denied, and what it made."),
    "journal": Entry("ltm.cli.journal:journal", "Verify and export journals."),
    "mock-venue": Entry("ltm.cli.venue:mock_venue", "Run the mock venue as a process of its own."),
}
"""Every built-in command, in the order of `ltm --help`."""


class ReaderGone(Exception):
    """
    Standard output was closed by whoever read it, as `head` does.
    """


class Root(click.Group):
    """
    A group that imports a command when it is called, and asks plugins only for what is not built in.
    """

    def invoke(self, ctx: click.Context) -> object:
        """
        Run the command.

        Raises:
            ReaderGone: The output's reader has gone; click itself would call that a failure.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGone from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """
        Return the built-in commands; those of plugins are in `ltm plugins list`.
        """
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """
        Return a command, or None.
        """
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return plugin_commands(ctx).get(cmd_name)
        module, _, name = entry.home.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """
        Return the command that the arguments name.

        Raises:
            click.UsageError: There is none.
        """
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            from ltm.model.errors import shown, suggestion

            near = suggestion(name, COMMANDS)
            ctx.fail(f"no command {shown(name)}" + (f"; {near}" if near else ""))
        return name, command, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """
        Write the list of commands from the table above, without importing them.
        """
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


def plugin_commands(context: click.Context) -> dict[str, click.Command]:
    """
    Return the sub-commands that plugins add; a built-in one can never be replaced.
    """
    from ltm.config import plugins_of, read_config
    from ltm.registry import Registry

    config = of(context).config
    allow, local = plugins_of(read_config(config)) if config is not None else ((), None)
    taken: dict[str, click.Command] = {name: click.Command(name) for name in COMMANDS}
    scratch = click.Group(commands=dict(taken))
    registry = Registry.discover(allow, local)
    registry.add_commands(scratch)
    return {name: command for name, command in scratch.commands.items() if name not in taken}


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"ltm {version('ltm')}")
    context.exit()


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@root_options
def cli() -> None:
    """
    Live Trading Manager: stands between a model's signals and real accounts.

    Sizes, checks risk, sends, watches, records, and stops trading when it must. Without a
    configuration `ltm run` shows all of it on a simulated market.
    """


def invoke(arguments: Sequence[str], settings: object) -> object:
    """
    Run the command line; whatever goes wrong is raised.
    """
    return cli.main(args=list(arguments), prog_name="ltm", standalone_mode=False, obj=settings)
