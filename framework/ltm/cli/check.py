"""
`ltm check CONFIG`: everything that would keep a session from starting, and what it would trade under.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ltm.cli.output import one_line, print_json
from ltm.cli.settings import Settings, env_file_option, json_option, of, state_dir_option
from ltm.config.tables import settings_of
from ltm.core.history import as_json
from ltm.engine.state_dir import default_path, free_space_state
from ltm.model.errors import ConfigErrors, LtmError, PluginErrors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ltm.app import Loaded
    from ltm.config import Chosen, SessionConfig
    from ltm.core.armed import Armed

Reports = dict[str, "tuple[Armed, ...]"]
_SOUND_SQLITE: Final = (3, 51, 3)
_MEGABYTE: Final = 1 << 20


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@json_option
@env_file_option
@state_dir_option
@click.pass_context
def check(context: click.Context, config: Path, as_json: bool) -> None:
    """
    Check a configuration without starting anything.

    Lists every problem with its code, place and cure (exit 2, or 4 for a plugin that cannot be used);
    without a problem, says what each session would trade under.
    """
    loaded, reports, problems = _checked(context, config)
    notices = [*machine_notices(of(context)), *(loaded.config.notices if loaded else ())]
    if as_json:
        print_json(
            {
                "ok": not problems,
                "problems": [_problem_json(problem) for problem in problems],
                "notices": notices,
                "sessions": [_session_json(one, reports) for one in loaded.config.sessions] if loaded else [],
            }
        )
        if problems:
            context.exit(max(problem.exit_code for problem in problems))
        return
    if problems:
        raise _together(problems)
    if loaded is not None:
        _print_summary(config, loaded, reports, notices)


def _checked(context: click.Context, path: Path) -> tuple[Loaded | None, Reports, list[LtmError]]:
    from ltm.app import report_of
    from ltm.cli.loading import loaded_from

    reports: Reports = {}
    try:
        loaded = loaded_from(context, path)
    except LtmError as error:
        return None, reports, _each(error)
    problems: list[LtmError] = []
    for session in loaded.config.sessions:
        found = list(_parts_problems(session))
        problems += found
        try:
            reports[session.spec.session_id] = () if found else report_of(session)
        except LtmError as error:
            problems.append(error)
            reports[session.spec.session_id] = ()
    return loaded, reports, problems


def _each(error: LtmError) -> list[LtmError]:
    return list(getattr(error, "problems", (error,)))


def _together(problems: list[LtmError]) -> LtmError:
    several = PluginErrors if all(problem.exit_code > 2 for problem in problems) else ConfigErrors  # noqa: PLR2004 - as configured
    return several(problems)


def _parts_problems(session: SessionConfig) -> Iterator[LtmError]:
    # Factories look at files and installed SDKs; none of them connects to anything. Alert sinks are left out:
    # one that writes to a file would make it.
    places = [("broker", session.broker), ("sizer", session.sizer)]
    places += [(f"risk.{rule.name}", rule) for rule in session.rules]
    places += [(f"signals[{index}]", source) for index, source in enumerate(session.signals)]
    for path, chosen in places:
        try:
            chosen.offer.factory(chosen.config)
        except LtmError as error:
            for problem in _each(error):
                problem.field = f"{path}.{problem.field}" if problem.field else path
                problem.where = problem.where or f"session {session.spec.session_id}, {problem.field}"
                yield problem


def _problem_json(problem: LtmError) -> dict[str, Any]:
    return {
        "code": problem.code,
        "field": problem.field,
        "line": problem.line,
        "message": problem.message,
        "where": problem.where,
        "hint": problem.hint,
    }


# --- What it would trade under --------------------------------------------------------------------


def armed_lines(report: Iterable[Armed]) -> Iterator[str]:
    """
    Return one line for each limit: its name, its value, and whether it was put to the test.
    """
    for row in report:
        label = "limit" if row.of_kernel else "rule"
        yield f"{label:<8}{row.limit}: {row.value} ({row.proof})"


def machine_notices(settings: Settings) -> list[str]:
    """
    Return what about this machine a person should know: an old SQLite, a disk that fills up.
    """
    notices = []
    if sqlite3.sqlite_version_info < _SOUND_SQLITE:
        notices.append(
            f"SQLite {sqlite3.sqlite_version} can damage a journal when several connections write at once;"
            " ltm uses one, keep other tools off the file (fixed in 3.51.3)"
        )
    folder = settings.state_dir if settings.state_dir is not None else default_path()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    space = free_space_state(folder)
    if space.state != "ok":
        free = space.free_bytes // _MEGABYTE
        stop = "no entries are sent below 64 MB" if space.state == "full" else "entries stop below 64 MB"
        notices.append(f"only {free} MB are free where journals are kept; {stop}")
    return notices


def _session_json(session: SessionConfig, reports: Reports) -> dict[str, Any]:
    spec = session.spec
    return {
        "session_id": spec.session_id,
        "model_id": spec.model_id,
        "live": spec.live,
        "initial_capital": as_json(spec.initial_capital),
        "currency": spec.currency,
        "broker": spec.broker,
        "sizer": _part_json(session.sizer),
        "rules": [_part_json(rule) for rule in session.rules],
        "armed": [as_json(row) for row in reports[spec.session_id]],
        "signals": [source.name for source in session.signals],
        "alerts": [sink.name for sink in session.alerts],
        "on_stop": spec.on_stop,
        "max_daily_trades": spec.max_daily_trades,
        "timezone": spec.timezone,
    }


def _part_json(chosen: Chosen) -> dict[str, Any]:
    return {"name": chosen.name, "settings": settings_of(chosen)}


def _print_summary(path: Path, loaded: Loaded, reports: Reports, notices: list[str]) -> None:
    click.echo(one_line(f"{path}: nothing is wrong"))
    for session in loaded.config.sessions:
        spec = session.spec
        money = "REAL MONEY" if spec.live else "no real money"
        capital = f"{as_json(spec.initial_capital)} {spec.currency}"
        click.echo(
            one_line(f"session {spec.session_id} ({spec.model_id}): {capital}, {spec.broker}, {money}")
        )
        terms = ", ".join(f"{name} = {text}" for name, text in settings_of(session.sizer).items())
        click.echo(one_line(f"  sizer   {session.sizer.name}: {terms}"))
        for line in armed_lines(reports[spec.session_id]):
            click.echo(one_line(f"  {line}"))
        click.echo(one_line(f"  signals {', '.join(one.name for one in session.signals) or 'none'}"))
        click.echo(one_line(f"  alerts  {', '.join(one.name for one in session.alerts) or 'none'}"))
        click.echo(one_line(f"  stop    {spec.on_stop}"))
    for notice in notices:
        click.echo(one_line(f"notice: {notice}"))
