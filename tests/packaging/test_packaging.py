"""
What a user gets: the five distributions, built and installed into an environment that holds nothing else.
"""

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
PROJECTS = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
RULES = {"position_size", "sector_concentration", "drawdown", "daily_loss"}
BROKERS = {"mock"}


def run(*command: str | Path, cwd: Path) -> str:
    """
    The output of a command that must succeed, started without the settings of the environment around it.
    """
    settings = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV", "PYTEST"))
    }
    done = subprocess.run(
        command, cwd=cwd, env=settings, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )

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


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A folder with a source archive of ltm and a wheel of each project; ltm's wheel is built from the archive.
    """
    folder = tmp_path_factory.mktemp("built")
    for project in PROJECTS:
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, project, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The scripts of a fresh environment: the five wheels, and nothing but what they say they need.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    scripts = folder / "bin"
    site_packages = Path(
        run(scripts / "python", "-c", "import site; print(site.getsitepackages()[0])", cwd=folder).strip()
    )
    for distribution in closure("ltm"):
        lend(distribution, site_packages)
    pip = [sys.executable, "-m", "pip", "--python", scripts / "python", "--disable-pip-version-check"]
    run(*pip, "install", "--no-index", "--no-deps", *sorted(built.glob("*.whl")), cwd=folder)
    run(*pip, "check", cwd=folder)
    return scripts


def test_each_project_gives_a_wheel_and_a_source_archive(built: Path) -> None:
    names = {project.name.replace("-", "_") for project in PROJECTS[1:]} | {"ltm"}

    assert names == {wheel.name.split("-")[0] for wheel in built.glob("*.whl")}
    assert names == {archive.name.split("-")[0] for archive in built.glob("*.tar.gz")}


def test_a_wheel_holds_its_package_its_types_and_its_licence_and_no_tests(built: Path) -> None:
    for wheel in built.glob("*.whl"):
        package = wheel.name.split("-")[0]
        names = zipfile.ZipFile(wheel).namelist()
        folders = {name.split("/")[0] for name in names}

        assert {package, wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"} == folders
        assert f"{package}/py.typed" in names
        assert [] == [name for name in names if "/tests/" in name or "test_" in Path(name).name]
    with zipfile.ZipFile(next(built.glob("ltm-*.whl"))) as wheel:
        assert [name for name in wheel.namelist() if name.endswith("dist-info/licenses/LICENSE")]


def test_the_wheel_holds_every_file_of_the_framework(built: Path) -> None:
    source = ROOT / "framework"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "ltm").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(next(built.glob("ltm-*.whl"))) as wheel:
        assert set() == expected - set(wheel.namelist())


def test_the_source_archive_holds_no_private_things(built: Path) -> None:
    with tarfile.open(next(built.glob("ltm-*.tar.gz"))) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}

    assert {".gitignore", "framework", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"} >= tops


def test_the_command_starts(installed: Path, tmp_path: Path) -> None:
    assert "Usage: ltm" in run(installed / "ltm", "--help", cwd=tmp_path)
    assert "0.1.0" in run(installed / "ltm", "--version", cwd=tmp_path)


def test_python_finds_the_installed_package_and_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import ltm; print(ltm.__file__)", cwd=tmp_path)

    assert Path(where.strip()).is_relative_to(installed.parent)


def test_the_plugins_are_found(installed: Path, tmp_path: Path) -> None:
    listed = json.loads(run(installed / "ltm", "plugins", "list", "--json", cwd=tmp_path))
    names = {
        kind: {plugin["name"] for plugin in listed if plugin["kind"] == kind}
        for kind in ("risk_rule", "broker")
    }

    assert RULES == names["risk_rule"]
    assert BROKERS <= names["broker"]
    assert [] == [plugin for plugin in listed if plugin["status"] != "loaded"]


def test_the_kernel_brings_no_risk_rule(built: Path) -> None:
    """
    The four rules come from their own distributions, not from the kernel.
    """
    with zipfile.ZipFile(next(built.glob("ltm-*.whl"))) as wheel:
        points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
        text = wheel.read(points).decode()

    assert [] == [rule for rule in RULES if rule in text]
