"""
What tests of all folders have in common: figures that are worth reading though the test passed.
"""

from collections.abc import Iterator

import pytest

from ltm.model.redaction import KNOWN

FIGURES = "figures"


@pytest.fixture
def note_figures(request: pytest.FixtureRequest):
    """
    Takes a line for the end of the report.
    """

    def note(line: str) -> None:
        request.node.user_properties.append((FIGURES, line))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Print the figures, whichever process the tests ran in.
    """
    lines = [
        line
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        for name, line in report.user_properties
        if name == FIGURES and report.when == "call"
    ]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def _fresh_secrets() -> Iterator[None]:
    """
    No test redacts what another one's secrets were.
    """
    yield
    KNOWN.forget()
