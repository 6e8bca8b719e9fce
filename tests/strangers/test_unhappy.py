"""
Distributions with which something is wrong, each built, installed, and told to a user as it should be.
"""

import json
import textwrap
from pathlib import Path

import pytest
from wheel_kit import Environment, build, once, run, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROJECT = """
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "1.0"
dependencies = ["ltm>=0.1"]

[project.entry-points.ltm]
{point} = "{package}"

[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""
RULE = """
import attrs
from ltm import hookimpl

LTM_API = 1

@attrs.frozen
class Config:
    "Does nothing."

@hookimpl
def ltm_register_risk_rules(register):
    register("{offer}", config=Config, factory=lambda config: None)
"""
# Distribution -> (what its entry point and its rule are called, its module).
UNHAPPY = {
    "ltm-risk-twin-one": ("twin", RULE),
    "ltm-risk-twin-two": ("twin", RULE),
    "ltm-risk-impostor": ("drawdown", RULE),
    "ltm-risk-broken": ("broken", "import a_package_that_is_nowhere\n" + RULE),
    "ltm-risk-tomorrow": (
        "tomorrow",
        "from ltm.ports import Telepathy\n" + RULE.replace("API = 1", "API = 2"),
    ),
    "ltm-risk-typo": ("typo", RULE.replace("risk_rules", "risk_rule")),
    "ltm-risk-stranger": ("unasked", "raise SystemExit('imported')\n"),
}
CONFIG = """
[session]
id = "unhappy"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.3

[broker]
plugin = "mock"
steps = 3

[risk]
required = ["position_size"]
{table}

[plugins]
allow = [{allow}]
"""


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory, ours: list[Path]) -> Environment:
    """
    An environment with all of them in it. Nobody may change it.
    """

    def make(folder: Path) -> None:
        projects = []
        for name, (offer, source) in UNHAPPY.items():
            package = name.replace("-", "_")
            project = folder / "projects" / name
            (project / package).mkdir(parents=True)
            (project / "pyproject.toml").write_text(PROJECT.format(name=name, point=offer, package=package))
            (project / package / "__init__.py").write_text(textwrap.dedent(source.replace("{offer}", offer)))
            projects.append(project)
        wheels = build(*projects, into=folder / "wheels")
        Environment.make(folder / "environment", also=("apprise",)).install(*ours, *wheels)

    return Environment(once(tmp_path_factory, "crowded", make) / "environment")


def configured(folder: Path, *allowed: str, rule: str = "") -> None:
    allow = ", ".join(f'"{name}"' for name in allowed)
    table = f"[risk.{rule}]" if rule else ""
    (folder / "ltm.toml").write_text(CONFIG.format(table=table, allow=allow))


@pytest.mark.parametrize(
    ("allowed", "rule", "code", "told", "cure"),
    [
        (
            ("ltm-risk-twin-*",), "twin", "LTM-PLG-002",
            'risk rule "twin" is offered by both ltm-risk-twin-one and ltm-risk-twin-two', "uninstall one of them",
        ),
        (
            ("ltm-risk-broken",), "broken", "LTM-PLG-001",
            "ModuleNotFoundError: No module named 'a_package_that_is_nowhere'", "mend or uninstall it",
        ),
        (
            ("ltm-risk-tomorrow",), "tomorrow", "LTM-PLG-001",
            "it is written for plugin API 2, and this ltm has 1", "upgrade ltm",
        ),
        (
            ("ltm-risk-typo",), "typo", "LTM-PLG-001",
            'there is no hook ltm_register_risk_rule; did you mean "ltm_register_risk_rules"?', "the hooks are ltm_register_",
        ),
        (
            (), "unasked", "LTM-PLG-003",
            "(dist ltm-risk-stranger 1.0, entry point ltm_risk_stranger) is installed but not allowed",
            'add "ltm-risk-stranger" to plugins.allow',
        ),
        (
            ("ltm-risk-absent==1.0",), "absent", "LTM-PLG-004",
            'no risk rule plugin "absent"; installed: ', "pip install ltm-risk-absent",
        ),
    ],
    ids=["duplicate name", "import error", "wrong API", "typo in a hook", "not allowed", "missing"],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_configured_plugin_that_cannot_be_used_stops_the_start(
    crowded: Environment,
    tmp_path: Path,
    command: str,
    *,
    allowed: tuple[str, ...],
    rule: str,
    code: str,
    told: str,
    cure: str,
) -> None:
    """
    RSK-40, BAD-111, BAD-112: exit code 4, what is wrong, where it comes from, what to do; no traceback, no journal.
    """
    configured(tmp_path, *allowed, rule=rule)
    words = ["--state-dir", "state"] if command == "run" else []

    done = started(crowded.ltm, command, "ltm.toml", *words, cwd=tmp_path)

    assert 4 == done.returncode, done.stderr
    assert f"error[{code}]: " in done.stderr
    assert told in done.stderr
    assert f"  fix:   {cure}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state" / "journal.sqlite3").exists()


def test_a_reserved_name_stays_with_its_owner(crowded: Environment, tmp_path: Path) -> None:
    """
    SEC-11: an impostor is put in quarantine, and the rule of this project is the one that trades.
    """
    configured(tmp_path, "ltm-risk-impostor")
    listed = json.loads(run(crowded.ltm, "--config", "ltm.toml", "plugins", "--json", cwd=tmp_path))

    assert [("ltm-risk-impostor", "quarantined"), ("ltm-risk-drawdown", "loaded")] == [
        (row["distribution"], row["status"]) for row in listed if row["name"] == "drawdown"
    ]
    (reason,) = [row["reason"] for row in listed if row["distribution"] == "ltm-risk-impostor"]
    assert 'the name "drawdown" is reserved for the distribution ltm-risk-drawdown' in reason


def test_unhappy_plugins_that_nobody_configured_stop_nothing(crowded: Environment, tmp_path: Path) -> None:
    """
    BAD-111: all else works; each is told once at the start.
    """
    configured(tmp_path, "ltm-risk-b*", "ltm-risk-t*")

    done = started(crowded.ltm, "run", "ltm.toml", "--quiet", "--state-dir", "state", cwd=tmp_path)

    assert 0 == done.returncode, done.stderr
    for name in ("ltm-risk-broken", "ltm-risk-tomorrow", "ltm-risk-typo"):
        assert name in done.stderr
    assert "ltm-risk-stranger" not in done.stderr
