"""
`ltm kill`: the flag first, then the process, then, when told to, the broker itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from ltm.cli.asking import UNRESOLVED, directory_of, gather, terminal
from ltm.cli.entry import tell
from ltm.cli.journals import open_journals, running_sessions
from ltm.cli.operate import asking, seconds_option
from ltm.cli.output import one_line, print_json, short_time
from ltm.cli.settings import of
from ltm.core.history import as_json as jsonable
from ltm.engine.clock import SystemClock
from ltm.engine.control import address, client, wire
from ltm.engine.state_dir import StateDirectory, kill_flag
from ltm.model.enums import Purpose
from ltm.model.errors import ConfigError, JournalError, LtmError, SessionNotFound
from ltm.model.results import Attestation, DirectReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ltm.cli.settings import Settings
    from ltm.config import SessionConfig
    from ltm.core.state import State

_PATIENCE: Final = 3.0
"""Seconds until a process that does not answer counts as hanging: somebody is waiting who wants to sleep again."""
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


class Killed(msgspec.Struct, kw_only=True):
    """
    What came of it for one session, as `--json` shows it.
    """

    session_id: str
    flag: str | None = None
    """The file that keeps it from sending; None when it could not be written."""
    process: str = "silent"
    """`killed`, `silent` or `none`."""
    confirmed: bool = False
    """Whether the venue says that nothing of it is open any more."""
    attestation: Attestation | None = None
    direct: DirectReport | None = None
    problems: list[str] = []


@click.command()
@click.option("--all", "foreign", is_flag=True, help="Also cancel open orders that are not the session's.")
@click.option("--direct", is_flag=True, help="Cancel at the broker from here, past a process that hangs.")
@click.option(
    "--config",
    metavar="FILE",
    type=_FILE,
    help="Configuration for --direct; default: the one the session was started with.",
)
@seconds_option(10.0)
@asking()
def kill(
    context: click.Context,
    *,
    session: str | None,
    reason: str,
    as_json: bool,
    foreign: bool,
    direct: bool,
    config: Path | None,
    seconds: float,
) -> None:
    """
    Let nothing out but cancels, and cancel what is open.

    Works on a process that hangs, too. Without --session: every session that runs. It stays killed, also after a restart, until somebody
    says `ltm resume --ack kill --reason TEXT`. Ends with exit code 6 when the venue does not confirm that
    nothing is open.
    """
    settings = of(context)
    directory = directory_of(settings)
    rows = {name: Killed(session_id=name) for name in _chosen(settings, directory, session)}
    _set_flags(directory, rows.values(), reason, quiet=as_json)
    request = wire.Kill(session=session, reason=reason, tty=terminal(), foreign=foreign, seconds=seconds)
    _tell_process(directory, request, rows, quiet=as_json)
    if direct:
        _go_directly(
            context, config or settings.config, rows, foreign=foreign, seconds=seconds, quiet=as_json
        )
    _judge(settings, rows.values(), quiet=as_json, foreign=foreign, direct=direct)
    if as_json:
        print_json([*rows.values()])
    if not all(row.confirmed for row in rows.values()):
        context.exit(UNRESOLVED)


def _chosen(settings: Settings, directory: Path, session: str | None) -> Sequence[str]:
    running = running_sessions(directory)
    if session is None:
        if not running:
            message = "no session runs here; name one to keep it from sending when it starts"
            raise SessionNotFound(message, field="session", hint="ltm status lists all sessions")
        return running
    if session not in running:
        try:
            with open_journals(settings, session):
                pass
        except JournalError as error:
            # A journal that cannot be read must not stand between a person and the switch.
            tell(error)
    return [session]


# --- The flag -------------------------------------------------------------------------------------


def _set_flags(directory: Path, rows: Iterable[Killed], reason: str, *, quiet: bool) -> None:
    place = terminal()
    by = address.user_name(address.own_uid()) + (f" on {place}" if place else "")
    when = short_time(jsonable(SystemClock().now()))
    for row in rows:
        switch = kill_flag(directory, row.session_id)
        try:
            switch.set(one_line(f"{reason or 'the kill switch was used'} (by {by} at {when})"))
        except JournalError as error:
            tell(error)
            row.problems.append(error.message)
            continue
        row.flag = str(switch.path)
        if not quiet:
            click.echo(one_line(f"{row.session_id}: kill flag set; nothing but cancels leaves from now on"))


# --- The process ----------------------------------------------------------------------------------


def _tell_process(directory: Path, request: wire.Kill, rows: dict[str, Killed], *, quiet: bool) -> None:
    try:
        answers = client.ask(directory, request, patience=_PATIENCE)
        for outcome in gather(answers, "kill", quiet=quiet):
            row = rows.setdefault(outcome.session_id, Killed(session_id=outcome.session_id))
            row.process, row.attestation = "killed", outcome.attestation
            row.confirmed = outcome.attestation is not None and outcome.attestation.given
    except client.NobodyListens:
        for row in rows.values():
            row.process = "none"
    except client.NoAnswer:
        pass  # each row says so, and what to do
    except LtmError as error:
        tell(error)


# --- The broker -----------------------------------------------------------------------------------


def _go_directly(
    context: click.Context,
    path: Path | None,
    rows: dict[str, Killed],
    *,
    foreign: bool,
    seconds: float,
    quiet: bool,
) -> None:
    from ltm.app import cancel_all_directly
    from ltm.cli.loading import loaded_from

    pairs: list[tuple[SessionConfig, State]] = []
    for name in rows:
        source = path or StateDirectory(directory_of(of(context))).remembered_config(name)
        if source is None:
            message = f"--direct needs the configuration of session {name}: --config FILE"
            raise click.UsageError(message, context)
        sessions = {one.spec.session_id: one for one in loaded_from(context, source).config.sessions}
        if name not in sessions:
            message = f"{source} has no session {name}; it has: {', '.join(sessions)}"
            raise ConfigError(message, code="LTM-CTL-008", field="session", hint="name its own configuration")
        pairs.append((sessions[name], _state_of(of(context), name)))
    for report in cancel_all_directly(pairs, foreign=foreign, seconds=seconds):
        row = rows[report.session_id]
        row.direct = report
        row.confirmed = report.confirmed
        row.problems += report.problems
        if not quiet:
            _tell_direct(report)


def _state_of(settings: Settings, session: str) -> State:
    with open_journals(settings, session) as journals:
        return journals[0].state()


def _tell_direct(report: DirectReport) -> None:
    when = short_time(jsonable(report.asked_at))
    doubt = "orders are still open" if report.left_open else "nobody knows what became of some orders"
    verdict = "none of its orders is open" if report.confirmed else f"NOT CONFIRMED, {doubt}"
    click.echo(one_line(f"{report.session_id}: asked the broker directly at {when}: {verdict}"))
    click.echo(one_line(f"  canceled        {', '.join(report.canceled) or 'none'}"))
    click.echo(one_line(f"  still open      {', '.join(report.left_open) or 'none'}"))
    click.echo(one_line(f"  foreign orders  {report.foreign_orders}"))
    for problem in report.problems:
        click.echo(one_line(f"  ! {problem}"))


# --- The verdict ----------------------------------------------------------------------------------


def _judge(settings: Settings, rows: Iterable[Killed], *, quiet: bool, foreign: bool, direct: bool) -> None:
    for row in rows:
        if row.process == "none" and not direct:
            row.confirmed = not foreign and row.flag is not None and not _may_be_open(settings, row)
        if not quiet and not direct:
            for line in _advice(row):
                click.echo(one_line(line))


def _may_be_open(settings: Settings, row: Killed) -> bool:
    try:
        state = _state_of(settings, row.session_id)
    except LtmError as error:
        row.problems.append(error.message)
        return True
    own = [name for name, one in state.orders.items() if one.purpose is not Purpose.FOREIGN]
    if own:
        row.problems.append(f"by the journal these may be open: {', '.join(own)}")
    return bool(own)


def _advice(row: Killed) -> Iterable[str]:
    if row.process == "none":
        yield f"{row.session_id}: no process runs it; the flag holds it back when one starts"
    elif row.process == "silent":
        flag = "the flag keeps it from sending" if row.flag else "and there is no flag: end that process"
        yield f"{row.session_id}: NOT CONFIRMED, its process does not answer; {flag}"
    yield from (f"  ! {problem}" for problem in row.problems)
    if not row.confirmed:
        yield "  ltm kill --direct cancels at the broker from here"
