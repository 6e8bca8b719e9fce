"""
Wheels of distributions that strangers could have written, and environments to install them into.
"""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "packaging")]
# Their own tests are run where they are installed.
collect_ignore_glob = ["ltm-*"]

from wheel_kit import PROJECTS, Environment, build, once  # noqa: E402 - found by the line above


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """
    The wheels of this project: ltm and its four rules.
    """
    folder = once(tmp_path_factory, "ours", lambda folder: build(*PROJECTS, into=folder))
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """
    The wheels of the strangers in this folder, by distribution.
    """
    projects = sorted(path.parent for path in HERE.glob("*/pyproject.toml"))
    folder = once(tmp_path_factory, "theirs", lambda folder: build(*projects, into=folder))
    return {path.name.split("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}


@pytest.fixture(scope="session")
def inhabited(
    tmp_path_factory: pytest.TempPathFactory, ours: list[Path], theirs: dict[str, Path]
) -> Environment:
    """
    An environment with ltm, all strangers, and pytest for their tests. Nobody may change it.
    """

    def make(folder: Path) -> None:
        Environment.make(folder, also=("apprise", "pytest", "pytest-asyncio")).install(
            *ours, *theirs.values()
        )

    return Environment(once(tmp_path_factory, "inhabited", make))
