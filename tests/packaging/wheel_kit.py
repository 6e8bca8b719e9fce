"""
Wheels, and environments that hold nothing but what is installed into them; nothing is asked of a package index.
"""

import fcntl
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

import attrs
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECTS = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]


def started(
    *command: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """
    A command run to its end, without the settings of the environment around it.
    """
    settings = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "COV", "PYTEST", "LTM_", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        command,
        cwd=cwd,
        env=settings | dict(env or {}),
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """
    The output of a command that must succeed.
    """
    done = started(*command, cwd=cwd, env=env)

    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def closure(name: str, extra: str = "") -> set[str]:
    """
    The distributions that `name` declares it needs, and those that they need in turn.
    """
    needed = set()
    for line in metadata.requires(name) or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            needed |= {requirement.name, *closure(requirement.name)}
    return needed


def lend(distribution: str, site_packages: Path) -> None:
    """
    Make an installed distribution visible to another environment, by links to its files.
    """
    for file in metadata.files(distribution) or []:
        source = Path(file.locate())
        target = site_packages.joinpath(*file.parts)
        if file.parts[0] != ".." and "__pycache__" not in file.parts and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)


def build(*projects: Path, into: Path) -> list[Path]:
    """
    A wheel of each project.
    """
    into.mkdir(parents=True, exist_ok=True)
    before = set(into.glob("*.whl"))
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check"]
    run(sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", into, *projects, cwd=into)
    return sorted(set(into.glob("*.whl")) - before)


@attrs.frozen
class Environment:
    """
    A fresh virtual environment, in which `ltm` can run and nothing else is installed.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path, *, also: tuple[str, ...] = ()) -> "Environment":
        """
        Make one with what `ltm` declares it needs, and what else is named, lent from this environment.
        """
        venv.create(folder, with_pip=False, symlinks=True)
        made = cls(folder)
        ask = "import site; print(site.getsitepackages()[0])"
        site_packages = Path(run(made.python, "-c", ask, cwd=folder).strip())
        for distribution in sorted(
            {*closure("ltm"), *also, *(one for name in also for one in closure(name))}
        ):
            lend(distribution, site_packages)
        return made

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def ltm(self) -> Path:
        return self.folder / "bin" / "ltm"

    def pip(self, *words: str | Path) -> str:
        """
        What pip does with it.
        """
        command = [sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check"]
        return run(*command, *words, cwd=self.folder)

    def install(self, *wheels: Path) -> None:
        """
        Install wheels, and see that everything they need is there.
        """
        self.pip("install", "--no-index", "--no-deps", "--quiet", *wheels)
        self.pip("check")


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """
    A folder that is filled once for all processes of a test run.
    """
    shared = factory.getbasetemp()
    # With xdist, each process has a folder of its own inside of the run's.
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, ready = shared / name, shared / f"{name}.ready"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            folder.mkdir()
            make(folder)
            ready.touch()
    return folder
