"""
Real processes: the venue, the session, and the hand that kills it.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

LTM = (sys.executable, "-m", "ltm")
PATIENCE = 60.0


def ltm(*arguments: object) -> subprocess.CompletedProcess[str]:
    """
    Run a command of `ltm` to its end.
    """
    command = [*LTM, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def ltm_json(*arguments: object) -> Any:
    """
    What a command of `ltm` says with `--json`.
    """
    done = ltm(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Log:
    """
    The venue's log, read as it grows.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self.time = ""
        """The market's."""
        self.advances = 0
        self.submits = 0

    def look(self) -> None:
        """
        Read what is new.
        """
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._place)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._place += len(line)
                entry = json.loads(line)
                self.time = entry["time"]
                if entry["event"] == "request":
                    self.advances += entry["method"] == "advance"
                    self.submits += entry["method"] == "submit"


@attrs.define
class Scene:
    """
    A folder with everything that a session at a venue behind a socket needs.
    """

    folder: Path
    config: Path
    """The session's."""
    market: Path
    """The venue's."""
    faults: Path | None = None
    seed: int = 1
    started: list[subprocess.Popen[bytes]] = attrs.Factory(list)

    @property
    def socket(self) -> Path:
        return self.folder / "v.sock"

    @property
    def truth(self) -> Path:
        return self.folder / "truth.jsonl"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def journal(self) -> Path:
        return self.state / "journal.sqlite3"

    @contextlib.contextmanager
    def venue(self) -> Iterator[subprocess.Popen[bytes]]:
        """
        The venue, until it is no longer needed; no session is left behind.
        """
        options = ["--socket", self.socket, "--log", self.truth, "--seed", self.seed, "--config", self.market]
        if self.faults is not None:
            options += ["--faults", self.faults]
        command = [*LTM, "mock-venue", *(str(option) for option in options)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith(b"listening"), "the venue did not start"
            yield process
        finally:
            for session in self.started:
                kill(session)
            process.terminate()
            process.wait(PATIENCE)
            process.stdout.close()

    def start(self) -> subprocess.Popen[bytes]:
        """
        Start the session.
        """
        errors = (self.folder / "stderr.txt").open("ab")
        command = [*LTM, "--state-dir", str(self.state), "run", "--quiet", str(self.config)]
        with errors:
            process = subprocess.Popen(command, stdout=errors, stderr=errors)
        self.started.append(process)
        return process

    def said(self) -> str:
        """
        The end of what the session's processes printed.
        """
        path = self.folder / "stderr.txt"
        return path.read_text(encoding="utf-8", errors="replace")[-3000:] if path.exists() else ""


def kill(process: subprocess.Popen[bytes]) -> None:
    """
    End a process as a power cut would.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)


def finish(process: subprocess.Popen[bytes], seconds: float = PATIENCE) -> int:
    """
    Wait for a process to end by itself, and return its exit code.
    """
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill(process)
        raise


def until(condition: Any, process: subprocess.Popen[bytes], seconds: float = PATIENCE) -> bool:
    """
    Wait until something is so; False when the process ended before.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.002)
    message = f"it did not come to that within {seconds} s"
    raise AssertionError(message)


def percentile(values: list[float], share: float) -> float:
    """
    The value below which that share of them lies.
    """
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def summary(figures: Mapping[str, object]) -> str:
    """
    Figures on one line.
    """
    return " ".join(f"{name}={value}" for name, value in figures.items())
