"""
`ltm run` and `ltm simulate`: whole sessions, and the summary at their end.
"""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import click

from ltm.app import Interrupted, PluginObservers, Run, free_id, renamed, unresolved
from ltm.app import simulate as simulate_all
from ltm.cli import logs
from ltm.cli.asking import tell_attestation
from ltm.cli.check import armed_lines
from ltm.cli.demo import load_demo
from ltm.cli.journals import SessionJournal
from ltm.cli.loading import guard, loaded_from
from ltm.cli.output import on_terminal, one_line, print_json
from ltm.cli.report import print_left_behind, print_next_steps, print_summary
from ltm.cli.settings import env_file_option, json_option, of, state_dir_option
from ltm.core.codec import decode
from ltm.core.history import Projection
from ltm.core.summary import summarize
from ltm.engine.journal import JournalStore
from ltm.engine.reader import JournalReader
from ltm.engine.state_dir import StateDirectory
from ltm.model.enums import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltm.app import Confirm, Loaded
    from ltm.cli.live import LiveTable
    from ltm.config import LtmConfig
    from ltm.engine.engine import Engine

UNRESOLVED: Final = 6
INTERRUPTED: Final = 130
_DEMO_SPEED: Final = 15_000
"""Market seconds a second, so that somebody watching the demo sees it happen."""


@click.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--live", is_flag=True, help="Allow real money, for configurations with live = true.")
@click.option(
    "--accept-plugin-change", is_flag=True, help="Trade with plugins whose code changed since the last run."
)
@click.option("--quiet", is_flag=True, help="Print the summary only.")
@env_file_option
@state_dir_option
@click.pass_context
def run(
    context: click.Context, config: Path | None, live: bool, accept_plugin_change: bool, quiet: bool
) -> None:
    """
    Trade until the market ends or you stop it.

    Without CONFIG: the demo, on a simulated market with all risk rules armed. Ctrl-C stops in good
    order, a second one at once.
    """
    watched = on_terminal() and not quiet
    guard(context)
    loaded = _loaded(context, config, watched=watched)
    settings = of(context)
    directory = StateDirectory.open(settings.state_dir)
    _ignore_hangup()
    watch = logs.ConfigWatch(config) if config is not None else None
    plugins = PluginObservers(loaded.registry.observers)
    run_ = Run(
        config=loaded.config,
        directory=directory,
        observers=(plugins,) if watch is None else (plugins, watch),
        allow_live=live,
        source=config,
        tell=lambda line: click.echo(one_line(line), err=True),
        confirm=_confirm(accepted=accept_plugin_change),
    )
    for notice in (*loaded.registry.notices, *loaded.config.notices):
        click.echo(one_line(f"notice: {notice}"), err=True)
    try:
        _execute(run_, watched=watched, quiet=quiet)
    except Interrupted:
        print_left_behind([engine.session.state for engine in run_.engines])
        context.exit(INTERRUPTED)
    if watch is not None and watch.changed:
        click.echo(one_line(f"notice: {watch.notice()}"), err=True)
    _conclude(context, directory, run_.engines)


def _confirm(*, accepted: bool) -> Confirm | None:
    # At a terminal a person is asked; a service has nobody.
    if accepted:
        return lambda _: True
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    return lambda question: click.confirm(one_line(question), err=True)


def _loaded(context: click.Context, config: Path | None, *, watched: bool) -> Loaded:
    if config is not None:
        return loaded_from(context, config)
    return load_demo(speed=_DEMO_SPEED if watched else None)


def _execute(run_: Run, *, watched: bool, quiet: bool) -> None:
    if not watched:
        if quiet:
            logs.set_up_quiet()
        else:
            logs.set_up()
        run_.execute(partial(_begin, run_))
        return
    from ltm.cli.live import LiveTable

    logs.set_up_quiet()
    table = LiveTable()
    try:
        run_.execute(partial(_show, run_, table))
    finally:
        table.end()


def _begin(run_: Run, engines: Sequence[Engine]) -> None:
    logs.tell_limits(run_.armed)
    _log_events(engines)


def _show(run_: Run, table: LiveTable, engines: Sequence[Engine]) -> None:
    for session_id, report in run_.armed.items():
        for line in armed_lines(report):
            click.echo(one_line(f"session {session_id}: {line}"), err=True)
    table.begin(engines)


def _log_events(engines: Sequence[Engine]) -> None:
    for engine in engines:
        log = logs.EventLog(name_of(engine))
        engine.observers = (*engine.observers, log)


def _ignore_hangup() -> None:
    # A terminal that closes does not end trading (F32); SIGTERM does.
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _conclude(context: click.Context, directory: StateDirectory, engines: Sequence[Engine]) -> None:
    reader = JournalReader(directory.journal)
    try:
        histories = [SessionJournal(reader, name_of(engine)).history() for engine in engines]
    finally:
        reader.close()
    summaries = [
        summarize(engine.session.state, history) for engine, history in zip(engines, histories, strict=True)
    ]
    for summary in summaries:
        print_summary(summary)
    words = [word for engine in engines if (word := engine.surroundings.last_word) is not None]
    for word in words:
        tell_attestation(word)
    print_next_steps(summaries, of(context).state_dir, _example(histories))
    _exit_by_outcome(context, engines, sure=all(word.given for word in words))


def _exit_by_outcome(context: click.Context, engines: Sequence[Engine], *, sure: bool = True) -> None:
    if not sure or any(unresolved(engine) for engine in engines):
        context.exit(UNRESOLVED)


def name_of(engine: Engine) -> str:
    """
    Return the id of an engine's session.
    """
    return engine.session.state.spec.session_id


def _example(histories: Sequence[Projection]) -> str | None:
    # A denied order is the one that people ask about.
    rows = [row for history in histories for row in history.orders]
    denied = [row.signal_key for row in rows if row.status is OrderStatus.DENIED and row.signal_key]
    sent = [row.client_order_id for row in rows if row.client_order_id]
    return next(iter([*denied, *sent]), None)


# --- Simulation ---------------------------------------------------------------------------------


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--in-memory", is_flag=True, help="Keep no journal: `ltm explain` will not know the session.")
@json_option
@env_file_option
@state_dir_option
@click.pass_context
def simulate(context: click.Context, config: Path, in_memory: bool, as_json: bool) -> None:
    """
    Trade in virtual time and report.

    The same code and the same journal as `ltm run`, without waiting: only for brokers that own their
    market, such as the mock. A session whose id is taken gets a number behind it.
    """
    loaded = loaded_from(context, config)
    logs.set_up_quiet()
    observers = (PluginObservers(loaded.registry.observers),)
    settings = of(context)
    with ExitStack() as stack:
        store = None if in_memory else _open_store(stack, settings.state_dir)
        plan = _with_free_ids(loaded.config, store.sessions() if store is not None else ())
        engines = simulate_all(plan, observers=observers)
        if store is not None:
            _keep(store, engines)
    histories = [_in_memory_history(engine) for engine in engines]
    summaries = [
        summarize(engine.session.state, history) for engine, history in zip(engines, histories, strict=True)
    ]
    if as_json:
        print_json(summaries)
    else:
        for summary in summaries:
            print_summary(summary)
        if not in_memory:
            print_next_steps(summaries, settings.state_dir, _example(histories))
    _exit_by_outcome(context, engines)


def _open_store(stack: ExitStack, path: Path | None) -> JournalStore:
    directory = StateDirectory.open(path)
    stack.enter_context(directory.lock_writer())
    store = JournalStore(directory.journal)
    stack.callback(store.close)
    return store


def _with_free_ids(config: LtmConfig, taken: Sequence[str]) -> LtmConfig:
    names = list(taken)
    sessions = []
    for one in config.sessions:
        name = free_id(one.spec.session_id, names)
        names.append(name)
        sessions.append(renamed(one, name))
    return attrs.evolve(config, sessions=tuple(sessions))


def _keep(store: JournalStore, engines: Sequence[Engine]) -> None:
    # Simulated in memory, then written in one transaction: nothing has to be durable before it is "sent".
    for engine in engines:
        store.session(name_of(engine)).append(list(engine.session.journal.read()))
    store.commit()


def _in_memory_history(engine: Engine) -> Projection:
    history = Projection(name_of(engine))
    for row in engine.session.journal.read():
        history.apply(decode(row.kind, row.version, row.payload))
    return history
