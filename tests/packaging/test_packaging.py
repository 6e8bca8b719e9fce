"""
What a user gets: the six distributions, built and installed into an environment that holds nothing else.
"""

import json
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from wheel_kit import PROJECTS, ROOT, Environment, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RULES = {"position_size", "sector_concentration", "drawdown", "daily_loss"}
BROKERS = {"mock"}


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
    The scripts of a fresh environment: the six wheels, and nothing but what they say they need.
    """
    environment = Environment.make(tmp_path_factory.mktemp("installed"), also=("apprise",))
    environment.install(*sorted(built.glob("*.whl")))
    return environment.folder / "bin"


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
        for kind in ("risk_rule", "broker", "alert_sink")
    }

    assert RULES == names["risk_rule"]
    assert BROKERS <= names["broker"]
    assert "apprise" in names["alert_sink"]
    assert [] == [plugin for plugin in listed if plugin["status"] != "loaded"]


def test_the_kernel_brings_no_risk_rule(built: Path) -> None:
    """
    The four rules come from their own distributions, not from the kernel.
    """
    with zipfile.ZipFile(next(built.glob("ltm-*.whl"))) as wheel:
        points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
        text = wheel.read(points).decode()

    assert [] == [rule for rule in RULES if rule in text]
