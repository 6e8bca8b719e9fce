"""
The `command` alert sink: a program of the user's own, given each alert as JSON on its standard input.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import stat
import subprocess
import threading
from typing import TYPE_CHECKING, Final

import msgspec

from ltm.model.errors import ConfigError
from ltm.model.redaction import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from ltm.builtins.config import CommandConfig
    from ltm.model.results import Alert

_KEPT: Final = 4096
"""Bytes of the program's output that are kept, the latest; the rest is thrown away as it comes."""
_CHUNK: Final = 1 << 16
_LOOK: Final = 0.02
"""Seconds between two looks at whether the program has ended, while it says nothing."""
_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


class CommandSink:
    """
    Runs a program for each alert; it has taken the alert when it ends with 0 within its time.

    The program is started without a shell, in its own folder and its own process group, and sees nothing of ltm's
    environment but HOME: the rest may hold keys (SEC-07). Out of time, it is killed with all that it started.

    Raises:
        ConfigError: There is no such program, or anybody could change it.
    """

    name: Final = "command"

    def __init__(self, config: CommandConfig) -> None:
        _check(config.program)
        program = config.program.absolute()
        self._arguments = [str(program), *config.arguments]
        self._folder = program.parent
        self._timeout = float(config.timeout)

    def deliver(self, alert: Alert) -> None:
        """
        Run the program with one alert.

        Raises:
            OSError: It could not be started, took too long, or ended with something other than 0.
        """
        late = threading.Event()
        process = subprocess.Popen(  # noqa: S603 - no shell; the configuration names program and arguments
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            env=_environment(),
            start_new_session=True,
        )
        alarm = threading.Timer(self._timeout, _end, (process, late))
        alarm.daemon = True
        with process:
            alarm.start()
            try:
                said = _converse(process, msgspec.json.encode(alert) + b"\n")
            except BaseException:
                _end(process, late)
                raise
            finally:
                alarm.cancel()
        if late.is_set():
            problem = f"did not end within {self._timeout:g} s and was killed"
            raise TimeoutError(self._told(problem, said))
        if process.returncode:
            raise OSError(self._told(f"ended with {process.returncode}", said))

    def _told(self, problem: str, said: bytes) -> str:
        lines = said.decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return one_line(f"{self._arguments[0]} {problem}" + (f": {last}" if last else ""))


def _check(program: Path) -> None:
    reason = ""
    try:
        found = program.stat()
    except OSError as error:
        reason = str(error.strerror)
    else:
        if not hasattr(os, "killpg"):
            reason = "this system cannot end a program with all that it started"
        elif not stat.S_ISREG(found.st_mode) or not os.access(program, os.X_OK):
            reason = "it is no file that may be run"
        elif found.st_mode & stat.S_IWOTH:
            reason = "anybody on this machine may change it (chmod o-w)"
    if reason:
        message = f"program must be a program that can be run, got {str(program)!a}: {reason}"
        hint = "give its whole path: it is not looked for in PATH, and no shell reads it"
        raise ConfigError(message, code="LTM-CFG-037", field="program", got=str(program), hint=hint)


def _environment() -> dict[str, str]:
    home = {"HOME": os.environ["HOME"]} if "HOME" in os.environ else {}
    return {**home, "PATH": _PATH, "LANG": "C.UTF-8"}


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _converse(process: subprocess.Popen[bytes], text: bytes) -> bytes:
    # Writes and reads until the program has ended, not until its output has: another may hold that open.
    said = b""
    with selectors.DefaultSelector() as selector:
        for stream, event in ((process.stdin, selectors.EVENT_WRITE), (process.stdout, selectors.EVENT_READ)):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream.fileno(), event, stream)
        while process.poll() is None:
            text, said = _turn(selector, text, said, _LOOK)
            if not selector.get_map():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK)
        _, said = _turn(selector, b"", said, 0)
    return said


def _turn(selector: selectors.BaseSelector, text: bytes, said: bytes, seconds: float) -> tuple[bytes, bytes]:
    # Returns what is left to write, and the latest of what was read.
    for key, event in selector.select(seconds):
        if event & selectors.EVENT_WRITE:
            try:
                text = text[os.write(key.fd, text) :] if text else b""
            except OSError:  # it does not want to hear it, which its exit code will tell
                text = b""
            done = not text
        else:
            chunk = os.read(key.fd, _CHUNK)
            said = (said + chunk)[-_KEPT:]
            done = not chunk
        if done:
            selector.unregister(key.fd)
            key.data.close()
    return text, said
