"""
Every code block of the READMEs and of `docs/` is carried out, page by page, from top to bottom.

A page gets an empty folder, an empty state directory and one shell for all of its `console` blocks:

* `console`: each `$ command` must succeed, unless the next command is `echo $?`, and the lines below it must occur in
  what it prints, in this order. `...` stands for anything, within a line or instead of lines.
* `toml`, `python`, `csv`, `jsonl` with a title (```` ```toml title="session.toml" ````) are files of that name.
* `python` without a title is run; all such blocks of a page are one program, as in a session at the prompt.
* `toml` and `json` without a title must parse.
* `text` is a drawing or an output, and is left alone.

Commands that need the network or the checkout (`make`, `pip`, `git`, `.venv`) are not run: what they name must exist. A
package that a page has written itself is installed by hand.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")])
INFO = re.compile(r'(?P<language>\w*)(?: title="(?P<title>[\w./-]+)")?[ \t]*\n')
FILES = {"toml", "python", "csv", "jsonl", "json"}
NOT_RUN = {"make", "pip", "git", ".venv/bin/python"}
PATIENCE = 120.0


def blocks(document: Document) -> Iterator[Region]:
    """
    Every fenced block, whatever its language; a new language without a meaning here must not pass unseen.
    """
    for region in RawFencedCodeBlockLexer(info_pattern=INFO)(document):
        region.parsed = region.lexemes
        region.evaluator = carry_out
        yield region


def carry_out(example: Example) -> None:
    language, title = example.parsed["language"], example.parsed["title"]
    text = textwrap.dedent(str(example.parsed["source"]))
    folder: Path = example.namespace["folder"]
    if title is not None:
        assert language in FILES, f"a block of {language} cannot be a file"
        folder.joinpath(title).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(title).write_text(text, encoding="utf-8")
        return
    match language:
        case "console":
            example.namespace["shell"].follow(text)
        case "python":
            example.namespace["program"].append((example.line, text))
        case "toml":
            tomllib.loads(text)
        case "json":
            json.loads(text)
        case "text":
            pass
        case _:
            pytest.fail(f"nobody knows how to try a block of {language or 'no language'}")


class Shell:
    """
    One bash for a whole page, so that `&`, `$!` and variables mean what a reader expects.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._lines: Queue[str | None] = Queue()
        self._count = 0
        self._folder = folder
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def follow(self, block: str) -> None:
        steps = list(steps_of(block))
        for index, (command, expected) in enumerate(steps):
            if shlex.split(command)[0] in NOT_RUN:
                self._pretend(command)
                continue
            code, output = self.run(command)
            shown = index + 1 < len(steps) and steps[index + 1][0] == "echo $?"

            assert shown or code == 0, f"$ {command}\nended with {code}:\n{output}"
            missing = first_missing(expected, output)
            assert missing is None, f"$ {command}\ndid not print {missing!r}, but:\n{output}"

    def _pretend(self, command: str) -> None:
        *words, last = shlex.split(command)
        if words == ["pip", "install"] and self._folder.joinpath(last).is_dir():
            install(self._folder / last, site_of(self._folder))
        else:
            check_names(command)

    def run(self, command: str) -> tuple[int, str]:
        self._count += 1
        mark = f"-- end of command {self._count}:"
        # The exit code is handed on, so that the next command may be `echo $?`.
        script = f'{command}\n_code=$?; printf "\\n{mark} %s\\n" "$_code"; (exit "$_code")\n'
        assert self._process.stdin is not None
        self._process.stdin.write(script)
        self._process.stdin.flush()
        output: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except Empty:
                pytest.fail(f"$ {command}\ntakes longer than {PATIENCE:.0f} s; so far:\n{''.join(output)}")
            assert line is not None, f"$ {command}\nended the shell:\n{''.join(output)}"
            if line.startswith(mark):
                return int(line.removeprefix(mark)), "".join(output)
            output.append(line)

    def close(self) -> None:
        # What a page leaves running in the background belongs to the shell's process group.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                self._lines.put(line)
        except ValueError:
            pass  # closed while reading
        self._lines.put(None)


def steps_of(block: str) -> Iterator[tuple[str, list[str]]]:
    """
    Commands, each with the output that is shown below it.
    """
    command, expected = "", []
    for line in block.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, expected
            command, expected = line.removeprefix("$ ").split("  # ")[0].strip(), []
        elif command.endswith("\\"):
            command = command[:-1] + line.strip()
        elif line.strip():
            expected.append(line.strip())
    assert command, "a console block begins with `$ `"
    yield command, expected


def first_missing(expected: list[str], output: str) -> str | None:
    """
    The first expected line that the output does not hold, after those before it.
    """
    rest = [" ".join(line.split()) for line in output.splitlines()]
    for line in expected:
        words = " ".join(line.split())
        if words == "...":
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in words.split("...")))
        found = next((index for index, printed in enumerate(rest) if pattern.fullmatch(printed)), None)
        if found is None:
            return line
        rest = rest[found + 1 :]
    return None


def check_names(command: str) -> None:
    """
    A command that is not run names targets and folders that exist.
    """
    tool, *words = shlex.split(command)
    if tool == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for word in words:
            target = word.replace(".venv", "$(VENV)")
            assert "=" in word or re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), command
    for word in words:
        if word.startswith(("./", "docs/")):
            assert list(ROOT.glob(word.removeprefix("./"))), command


def site_of(folder: Path) -> Path:
    return folder.parent / "site"


def install(project: Path, site: Path) -> None:
    """
    What pip does with a package that needs nothing: copy it, and write down what it is and its entry points.
    """
    table = tomllib.loads(project.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copytree(project / "src", site, dirs_exist_ok=True)
    about = site / f"{table['name'].replace('-', '_')}-{table['version']}.dist-info"
    about.mkdir()
    about.joinpath("METADATA").write_text(
        f"Name: {table['name']}\nVersion: {table['version']}\n", encoding="utf-8"
    )
    points = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in table["entry-points"].items()
    ]
    about.joinpath("entry_points.txt").write_text("\n".join(points), encoding="utf-8")


def environment_of(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LTM_", "PYTEST_"))}
    scripts = sysconfig.get_path("scripts")
    return {
        **kept,
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join([str(site_of(folder)), os.environ.get("PYTHONPATH", "")]).rstrip(
            os.pathsep
        ),
        "LTM_STATE_DIR": str(folder.parent / "state"),
        "NO_COLOR": "1",
        "TERM": "dumb",
    }


def run_program(parts: list[tuple[int, str]], page: Path, folder: Path) -> None:
    """
    All untitled Python blocks of a page, at their own line numbers, so that a traceback names the page's line.
    """
    lines: list[str] = []
    for first, text in parts:
        lines += [""] * (first - len(lines)) + text.splitlines()
    program = folder / f"{page.stem}.page.py"
    program.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=folder,
        env=environment_of(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_shows_is_what_happens(page: Path, tmp_path: Path) -> None:
    """
    Style 4 (25): every code block is executed.
    """
    folder = tmp_path / "page"
    folder.mkdir()
    document = Sybil(parsers=[blocks], patterns=["*.md"]).parse(page)
    program: list[tuple[int, str]] = []
    shell = Shell(folder, environment_of(folder))
    document.namespace.update(folder=folder, program=program, shell=shell)
    try:
        for example in document.examples():
            try:
                example.evaluate()
            except AssertionError as error:
                pytest.fail(f"{page.relative_to(ROOT)}:{example.line}: {error}")
        if program:
            run_program(program, page, folder)
    finally:
        shell.close()


@pytest.mark.parametrize(
    ("expected", "output", "missing"),
    [
        (["a", "b"], "a\nb\n", None),
        (["b", "a"], "a\nb\n", "a"),
        (["a  b"], "a b\n", None),
        (["a...c"], "abc\n", None),
        (["a"], "abc\n", "a"),
        (["...", "b"], "a\nb\n", None),
    ],
    ids=["in order", "not in order", "blanks", "dots", "whole lines", "a line of dots"],
)
def test_what_is_shown_is_looked_for_line_by_line(
    expected: list[str], output: str, missing: str | None
) -> None:
    """
    A page that passes whatever it shows would prove nothing.
    """
    assert missing == first_missing(expected, output)


def test_a_command_that_fails_fails_the_page(tmp_path: Path) -> None:
    shell = Shell(tmp_path, environment_of(tmp_path))
    try:
        with pytest.raises(AssertionError, match="ended with 3"):
            shell.follow("$ (exit 3)\n")
        shell.follow("$ (exit 3)\n$ echo $?\n3\n")
    finally:
        shell.close()
