"""
Habits of the repository that no other tool checks.
"""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(folder for folder in (ROOT / "plugins").iterdir() if folder.is_dir())
RULES = {"position_size", "sector_concentration", "drawdown", "daily_loss"}

# One letter in brackets, so that this file does not hold what it looks for.
INDEX_HOSTS = re.compile(r"pypi[.]org|python[h]osted|anacond[a]\.|artifactor[y]")
INDEX_OPTIONS = re.compile(r"--(extra-)?index-ur[l]|--find-link[s]|--trusted-hos[t]")
MACHINE_PATHS = re.compile(r"(?<![\w.~:/$})-])/(work|root|home|Users)/\w")


def files_of_the_repository() -> list[Path]:
    """
    What git tracks, or in an unpacked archive everything that a checkout would have.
    """
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        candidates = [ROOT / name for name in listed.split("\0") if name]
    else:
        made = re.compile(r"/(\.venv|\.git|\.\w+_cache|\.hypothesis|__pycache__|build|dist)")
        candidates = [
            path for path in ROOT.rglob("*") if not made.search(f"/{path.relative_to(ROOT).as_posix()}")
        ]
    return [path for path in candidates if path.is_file()]


def texts() -> list[tuple[str, str]]:
    """
    Every file that is text, with its name as the repository knows it.
    """
    return [
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="ignore"))
        for path in files_of_the_repository()
    ]


@pytest.mark.parametrize(
    "forbidden",
    [INDEX_HOSTS, INDEX_OPTIONS, MACHINE_PATHS],
    ids=["a package index's host", "an index option of pip", "a path of somebody's machine"],
)
def test_no_file_names(forbidden: re.Pattern[str]) -> None:
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if forbidden.search(line)
    ]

    assert [] == found


def test_the_locks_pin_every_package_by_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        entries = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()

        assert entries
        assert [] == [entry for entry in entries if not re.search(r"^[\w.-]+==\S+ .*--hash=sha256:", entry)]


def test_the_two_locks_agree() -> None:
    small, large = (
        set(re.findall(r"^[\w.-]+==\S+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )

    assert set() == small - large


def test_every_dependency_is_in_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    named = {
        re.split(r"[^\w.-]", entry)[0]
        for entry in [*project["project"]["dependencies"], *groups["build"], *groups["dev"]]
        if isinstance(entry, str)
    }
    locked = set(
        re.findall(r"^([\w.-]+)==", (ROOT / "requirements-dev.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )

    assert set() == named - locked


def test_changelog_fragments_have_names_that_towncrier_reads() -> None:
    name = re.compile(r"(\d+|\+[a-z0-9-]+)\.(feature|bugfix|doc|removal|misc)(\.\d+)?\.md")
    folder = ROOT / "docs" / "changelog"
    fragments = [path.name for path in folder.iterdir() if path.name not in {"README.md", ".gitignore"}]

    assert [] == [fragment for fragment in fragments if not name.fullmatch(fragment)]


def test_decision_records_are_numbered_without_gaps_and_listed() -> None:
    folder = ROOT / "docs" / "adr"
    records = sorted(path.name for path in folder.glob("*.md") if path.name != "README.md")
    index = (folder / "README.md").read_text(encoding="utf-8")

    assert [f"{number:04}" for number in range(1, len(records) + 1)] == [record[:4] for record in records]
    assert [] == [record for record in records if record not in index]


def test_ci_runs_what_everybody_runs() -> None:
    script = ROOT / ".ci" / "run"

    assert script.stat().st_mode & 0o111
    assert script.read_text(encoding="utf-8").rstrip().endswith("exec make test")


@pytest.mark.parametrize("target", ["run", "test"])
def test_a_command_of_the_readme_is_a_target_of_make(target: str) -> None:
    assert f"make {target}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_relative_links_in_markdown_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
    broken = [
        f"{name}: {target}"
        for name, text in texts()
        if name.endswith(".md")
        for target in link.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
        if not (ROOT / name).parent.joinpath(target).exists()
    ]

    assert [] == broken


def test_the_four_rules_are_distributions() -> None:
    offered = {
        rule
        for plugin in PLUGINS
        for rule in tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"][
            "entry-points"
        ]["ltm"]
    }

    assert offered >= RULES


NEEDS = {"risk": ["ltm>=0.1"], "alert": ["apprise>=2.2", "ltm>=0.1"]}
PARTS = {"risk": "rule.py", "alert": "sink.py"}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_every_plugin_has_the_same_shape(plugin: Path) -> None:
    """
    The folder is the distribution's name, the package's name follows from it, and its hooks are where the entry point says.
    """
    package = plugin.name.replace("-", "_")
    kind, _, offered = package.removeprefix("ltm_").partition("_")
    project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))

    assert plugin.name == project["project"]["name"]
    assert {"ltm": {offered: f"{package}.hooks"}} == project["project"]["entry-points"]
    assert NEEDS[kind] == project["project"]["dependencies"]
    assert [f"src/{package}"] == project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    for name in (
        "README.md",
        *(
            f"src/{package}/{file}"
            for file in ("__init__.py", "hooks.py", "config.py", PARTS[kind], "py.typed")
        ),
    ):
        assert (plugin / name).is_file(), name
    assert list((plugin / "tests").glob("test_*.py"))
