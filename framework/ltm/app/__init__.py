"""
The composition root: a checked configuration and the plugins become engines that run.

Nothing below knows both plugins and the engine; nothing above puts parts together.
"""

from ltm.app.direct import cancel_all_directly
from ltm.app.egress import forget_environment, guard_logs, guard_process, traceback_of
from ltm.app.localise import local_zone
from ltm.app.manifest import Confirm, accept_changes
from ltm.app.onlookers import PluginObservers
from ltm.app.parts import Parts, Ready, assemble, free_id, is_simulated, make_parts, version
from ltm.app.report import report_of
from ltm.app.runs import (
    Interrupted,
    Loaded,
    Run,
    driver_of,
    keep,
    load,
    prepare,
    renamed,
    simulate,
    unresolved,
)

__all__ = [
    "Confirm",
    "Interrupted",
    "Loaded",
    "Parts",
    "PluginObservers",
    "Ready",
    "Run",
    "accept_changes",
    "assemble",
    "cancel_all_directly",
    "driver_of",
    "forget_environment",
    "free_id",
    "guard_logs",
    "guard_process",
    "is_simulated",
    "keep",
    "load",
    "local_zone",
    "make_parts",
    "prepare",
    "renamed",
    "report_of",
    "simulate",
    "traceback_of",
    "unresolved",
    "version",
]
