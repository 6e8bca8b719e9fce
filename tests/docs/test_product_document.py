"""
The product document's examples, each executed as written; only its import lines are ours.
"""

import re
import runpy
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import attrs
import pytest

import ltm

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT.parent / "shared" / "mission" / "live-trading-manager.md"
DEMO = ROOT / "docs" / "examples" / "demo_live_trading_manager.py"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
METHODS = re.compile(r"^#### `(\w+)\(([^)]*)\)`", re.MULTILINE)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    # Logs go to the current folder, journals to the user's state directory.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def document():
    if not DOCUMENT.exists():
        pytest.skip(f"the product document is not at {DOCUMENT.name} beside this checkout")
    return DOCUMENT.read_text(encoding="utf-8")


def blocks(document):
    # As written, but for the lines that import.
    return [
        "".join(line for line in block.splitlines(keepends=True) if not re.match(r"(from|import) ", line))
        for block in BLOCK.findall(document)
    ]


def execute(block, namespace):
    exec(compile(block, DOCUMENT.name, "exec"), namespace)


@pytest.fixture
def namespace():
    """
    What the import lines would bring.
    """
    names = {name: getattr(ltm, name) for name in ltm.__all__}
    yield (names := {**names, "datetime": datetime})
    if "live_trading_manager" in names:
        names["live_trading_manager"].close()
    if "logger_system" in names:
        names["logger_system"].close()


def test_the_basic_example(document, namespace):
    execute(blocks(document)[0], namespace)

    assert "lgbm_model_v1" == namespace["session"].session_id
    assert namespace["result"].status in {"filled", "denied"}
    assert namespace["summary"]["session_id"] == namespace["portfolio"].session_id == "lgbm_model_v1"
    assert (Path("logs") / "ltm.jsonl").stat().st_size


@pytest.mark.parametrize("number", [1, 2, 3], ids=["batch", "risk alerts", "pause and resume"])
def test_an_advanced_example(document, namespace, number, capsys):
    """Each with a session that runs: the basic example has stopped its own."""
    listed = blocks(document)
    execute(listed[0], namespace)
    namespace["session"] = namespace["live_trading_manager"].start_live_trading(
        model_id="lgbm_model_v1", initial_capital=100000.0, trading_config=namespace["trading_config"]
    )

    execute(listed[number], namespace)

    if number == 1:
        printed = capsys.readouterr().out.splitlines()
        assert 3 == len(printed) == len(namespace["results"])
        assert printed[2] == "sell 000001: denied"
    status = namespace["live_trading_manager"].get_trading_status(namespace["session"].session_id)
    assert "active" == status.status


def test_the_configuration_class_has_the_documented_fields(document, namespace):
    block = next(block for block in blocks(document) if "class LiveTradingConfig" in block)
    own: dict = {}
    execute("from dataclasses import dataclass\nfrom typing import Dict\n" + block, own)

    documented = [field.name for field in fields(own["LiveTradingConfig"])]

    assert documented == [field.name for field in attrs.fields(ltm.LiveTradingConfig)][: len(documented)]


def test_every_block_of_the_document_is_executed_here(document):
    assert 5 == len(blocks(document))


def test_every_method_of_the_reference_is_there(document):
    """With the documented parameters, in their order."""
    import inspect

    for name, written in METHODS.findall(document):
        wanted = [part.split("=")[0].strip() for part in written.split(",")]
        method = getattr(ltm.LiveTradingManager, name)
        positional = [
            parameter.name
            for parameter in inspect.signature(method).parameters.values()
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name != "self"
        ]

        assert wanted == positional, name


def test_the_demo_script_runs(capsys):
    """The document's "complete working example": the same calls, at any hour."""
    runpy.run_path(str(DEMO), run_name="__main__")

    printed = capsys.readouterr().out
    for line in (
        "session lgbm_model_v1 is active",
        "buy 600519: filled, 40 filled",
        "the same signal again: filled, and no second order",
        "sell 000001: denied (no position in 000001 to sell, and shorting is off)",
        "while paused: denied, paused",
        "no risk alerts",
        "3 orders, 2 denied",
    ):
        assert line in printed
