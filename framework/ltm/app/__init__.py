"""
The composition root: a checked configuration and the plugins become engines that run.

Nothing below knows both plugins and the engine; nothing above puts parts together.
"""

from ltm.app.parts import Parts, Ready, assemble, is_simulated, local_zone, make_parts, version
from ltm.app.runs import Interrupted, Loaded, Run, free_id, load, prepare, renamed, simulate, unresolved

__all__ = [
    "Interrupted",
    "Loaded",
    "Parts",
    "Ready",
    "Run",
    "assemble",
    "free_id",
    "is_simulated",
    "load",
    "local_zone",
    "make_parts",
    "prepare",
    "renamed",
    "simulate",
    "unresolved",
    "version",
]
