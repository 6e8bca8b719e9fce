"""
`ltm journal`: is what is written down whole, and what does it say?
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import click

from ltm.cli.journals import SessionJournal, choose, journal_path
from ltm.cli.output import one_line, print_json
from ltm.cli.settings import json_option, of, session_option, state_dir_option
from ltm.core.recovery import replay
from ltm.core.snapshot import state_hash
from ltm.engine.audit import Report, SessionReport, export, verify
from ltm.engine.reader import JournalReader
from ltm.model.errors import JournalError

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = 3


@attrs.frozen(kw_only=True)
class Verified:
    """
    One session: its chain, and what its records add up to.
    """

    chain: SessionReport
    state_hash: str | None
    problem: str | None


@click.group()
def journal() -> None:
    """
    Verify and export journals.
    """


@journal.command("verify")
@session_option
@json_option
@state_dir_option
@click.pass_context
def verify_command(context: click.Context, session: str | None, as_json: bool) -> None:
    """
    Walk every record's chain and replay it; exit 3 when anything is wrong.

    The state hash is the same on every machine that replays the same records.
    """
    path = journal_path(of(context))
    if path is None:
        choose((), session)
        click.echo("[]" if as_json else "no journal yet: `ltm run` begins one")
        return
    report = verify(path, _known(path, session))
    sessions = [_verified(path, one) for one in report.sessions]
    intact = report.intact and all(one.problem is None for one in sessions)
    if as_json:
        print_json(_report_json(report, sessions, intact=intact))
    else:
        _print_report(report, sessions)
    if not intact:
        context.exit(BROKEN)


def _known(path: Path, session: str | None) -> str | None:
    if session is not None:
        reader = JournalReader(path)
        try:
            choose(reader.sessions(), session)
        finally:
            reader.close()
    return session


def _verified(path: Path, chain: SessionReport) -> Verified:
    if chain.problem is not None:
        return Verified(chain=chain, state_hash=None, problem=chain.problem)
    reader = JournalReader(path)
    try:
        journal = SessionJournal(reader, chain.session_id)
        state = replay(journal, snapshots=False)
        digest = state_hash(state) if state is not None else None
        shortened = replay(journal)
        if shortened is not None and state_hash(shortened) != digest:
            problem = "the snapshot and the records after it do not add up to what all records do"
            return Verified(chain=chain, state_hash=digest, problem=problem)
    except JournalError as error:
        return Verified(chain=chain, state_hash=None, problem=error.message)
    finally:
        reader.close()
    return Verified(chain=chain, state_hash=digest, problem=None)


def _report_json(report: Report, sessions: list[Verified], *, intact: bool) -> dict[str, Any]:
    return {
        "path": report.path,
        "intact": intact,
        "problem": report.problem,
        "sessions": [
            {
                "session_id": one.chain.session_id,
                "records": one.chain.records,
                "chain_head": one.chain.head,
                "state_hash": one.state_hash,
                "first_bad_sequence": one.chain.first_bad,
                "problem": one.problem,
            }
            for one in sessions
        ],
    }


def _print_report(report: Report, sessions: list[Verified]) -> None:
    click.echo(one_line(f"{report.path}: {report.problem or 'the file is sound'}"))
    for one in sessions:
        chain = one.chain
        click.echo(one_line(f"{chain.session_id}: {one.problem or 'intact'}"))
        click.echo(f"  records     {chain.records}")
        click.echo(f"  chain head  {chain.head}")
        if one.state_hash is not None:
            click.echo(f"  state hash  {one.state_hash}")
        if chain.first_bad is not None:
            click.echo(f"  first bad   {chain.first_bad}")


@journal.command("export")
@click.option(
    "--format", "form", type=click.Choice(["jsonl"]), default="jsonl", help="One JSON object a line."
)
@session_option
@state_dir_option
@click.pass_context
def export_command(context: click.Context, form: str, session: str | None) -> None:
    """
    Print every record, the oldest first.
    """
    del form  # one so far
    path = journal_path(of(context))
    if path is None:
        choose((), session)
        return
    reader = JournalReader(path)
    try:
        names = choose(reader.sessions(), session)
    finally:
        reader.close()
    for name in names:
        for row in export(path, name):
            click.echo(json.dumps(row, separators=(",", ":"), sort_keys=True))
