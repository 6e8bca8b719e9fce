"""
`ltm signal-schema`: what a signal must look like, for whoever makes them.
"""

from __future__ import annotations

import json

import click

from ltm.model.signal_schema import signal_schema


@click.command("signal-schema")
def schema() -> None:
    """
    Print the JSON Schema of a signal.

    One line of a .jsonl file, or of the standard input, is one such object.
    """
    click.echo(json.dumps(signal_schema(), indent=2))
