"""
`ltm signal-schema`.
"""

from ltm.model.signal_schema import signal_schema

from .conftest import Ltm


def test_the_schema_is_printed(ltm: Ltm) -> None:
    """
    As one JSON document, whatever else is installed or configured.
    """
    answer = ltm("signal-schema")

    assert (0, "") == (answer.code, answer.err)
    assert signal_schema() == answer.json
