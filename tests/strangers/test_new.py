"""
`ltm new`: what it writes installs, passes lint and types, and has one test that says what to write next.
"""

import json
import sys
from pathlib import Path

import pytest
from wheel_kit import Environment, build, once, run, started

from ltm.cli.entry import run as ltm

KINDS = {
    "broker": ("ltm-broker", "broker"),
    "risk-rule": ("ltm-risk", "risk_rule"),
    "sizer": ("ltm-sizer", "position_sizer"),
    "alert-sink": ("ltm-alert", "alert_sink"),
    "signal-source": ("ltm-signal", "signal_source"),
}
NAMES = {kind: f"{kind}-of_mine" for kind in KINDS} | {
    "sizer": "x",
    "broker": "abcdefghi-" * 3 + "abcdefghij",
}


def project_of(folder: Path, kind: str) -> Path:
    return folder / f"{KINDS[kind][0]}-{NAMES[kind].replace('_', '-')}"


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, ours: list[Path]) -> Path:
    """
    A folder with a project of each kind, and an environment that all of them are installed in as wheels.
    """

    def make(folder: Path) -> None:
        for kind, name in NAMES.items():
            assert 0 == ltm(["new", kind, name, "--into", str(folder)])
        projects = [project_of(folder, kind) for kind in KINDS]
        environment = Environment.make(folder / "environment", also=("apprise", "pytest"))
        environment.install(*ours, *build(*projects, into=folder / "wheels"))

    return once(tmp_path_factory, "written", make)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_is_installed_clean_typed_and_says_what_to_write(kind: str, written: Path) -> None:
    environment, project = Environment(written / "environment"), project_of(written, kind)
    name, own = NAMES[kind].replace("-", "_"), Path(sys.executable)
    config = written / f"{kind}.toml"
    config.write_text(f'[plugins]\nallow = ["{project.name}"]\n')

    (row,) = [
        row
        for row in json.loads(run(environment.ltm, "--config", config, "plugins", "--json", cwd=written))
        if row["distribution"] == project.name
    ]
    assert (name, KINDS[kind][1], "loaded", "ok") == (row["name"], row["kind"], row["status"], row["health"])
    shown = run(environment.ltm, "--config", config, "plugins", "show", project.name, cwd=written)
    assert "example  number  1" in shown

    run(own, "-m", "ruff", "check", "--no-cache", ".", cwd=project)
    run(own, "-m", "ruff", "format", "--check", "--no-cache", ".", cwd=project)
    types = ["--strict", "--python-executable", environment.python, "--cache-dir", written / f"{kind}.cache"]
    run(own, "-m", "mypy", *types, "src", "tests", cwd=project)

    tried = started(environment.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=project)
    assert 1 == tried.returncode
    assert "1 failed, 2 passed" in tried.stdout
    assert "next: write " in tried.stdout
    assert f"in src/{project.name.replace('-', '_')}/{kind.replace('-', '_')}.py" in tried.stdout


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "be lower case letters and digits"),
        ("Mine", "be lower case letters and digits"),
        ("9lives", "be lower case letters and digits"),
        ("a--b", "be lower case letters and digits"),
        ("a_", "be lower case letters and digits"),
        ("../mine", "be lower case letters and digits"),
        ("/mine", "be lower case letters and digits"),
        ("a/b", "be lower case letters and digits"),
        ("a\n", "be lower case letters and digits"),
        ("été", "be lower case letters and digits"),
        ("a" * 41, "be lower case letters and digits"),
        ("class", "not be a word of Python itself"),
        ("drawdown", "not be one that is reserved for ltm-risk-drawdown"),
        ("daily-loss", "not be one that is reserved for ltm-risk-daily-loss"),
        ("mock", "not be one that is reserved for ltm"),
    ],
)
def test_a_bad_name_is_refused_and_nothing_is_written(name, rule, tmp_path, capsys):
    """
    BAD 4.1: the rule, the value, the cure; SEC-11, SEC-32.
    """
    assert 2 == ltm(["new", "risk-rule", name, "--into", str(tmp_path)])

    error = capsys.readouterr().err
    assert f"error[LTM-CLI-003]: name must {rule}" in error
    assert "  fix:   " in error
    assert "Traceback" not in error
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a" * 40, "no_mondays", "no-mondays", "a1", "x"])
def test_a_good_name_is_taken(name, tmp_path):
    assert 0 == ltm(["new", "risk-rule", name, "--into", str(tmp_path)])


def test_what_ltm_offers_itself_is_taken_for_that_kind_only(tmp_path, capsys):
    assert 2 == ltm(["new", "alert-sink", "file", "--into", str(tmp_path)])
    assert "name must not be one that ltm offers itself" in capsys.readouterr().err
    assert 0 == ltm(["new", "sizer", "file", "--into", str(tmp_path)])


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_exists_is_left_alone(kind, tmp_path, capsys):
    place = tmp_path / "ltm-sizer-mine"
    if kind == "folder":
        place.mkdir()
    elif kind == "file":
        place.write_text("mine")
    else:
        place.symlink_to(tmp_path / "nowhere")

    assert 2 == ltm(["new", "sizer", "mine", "--into", str(tmp_path)])

    error = capsys.readouterr().err
    assert "error[LTM-CLI-004]: " in error
    assert "exists already" in error
    assert [place] == list(tmp_path.iterdir())
    assert kind != "folder" or [] == list(place.iterdir())


def test_a_folder_that_cannot_be_written_is_told(tmp_path, capsys, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)

    assert 2 == ltm(["new", "sizer", "mine", "--into", str(tmp_path)])
    assert "cannot be written: Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "told"),
    [("alert-sink", "ltm-alert-mine: an alert sink"), ("risk-rule", "ltm-risk-mine: a risk rule")],
)
def test_what_was_written_is_told_with_what_comes_next(kind, told, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert 0 == ltm(["new", kind, "mine"])

    first, second = capsys.readouterr().out.splitlines()
    project = told.partition(":")[0]
    assert f"{told} that does nothing yet" == first
    assert f"next: pip install -e '{project}[dev]' && pytest {project}" == second


def test_another_kind_is_told_with_those_there_are(tmp_path, capsys):
    assert 2 == ltm(["new", "rule", "mine", "--into", str(tmp_path)])
    assert "'risk-rule'" in capsys.readouterr().err
