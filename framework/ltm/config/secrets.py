"""
References to secrets: where the configuration says that a password, key or token is kept (SEC-01, BAD-023).
"""

from __future__ import annotations

import importlib
import os
import re
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ltm.model.errors import ConfigError, shown
from ltm.model.secret import Secret

if TYPE_CHECKING:
    Failure = tuple[str, str]

_LARGEST: Final = 65_536
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_EXAMPLE: Final = 'for example { env = "LTM_API_KEY" }'


def resolve(reference: object, base: Path, environ: Mapping[str, str]) -> Secret | Failure:
    """
    Return the secret that a reference leads to, or what is wrong and its cure.
    """
    if not isinstance(reference, Mapping) or len(reference) != 1:
        return "must be { env = ... }, { file = ... }, { keyring = ... } or { prompt = ... }", _EXAMPLE
    (source, name), *_ = reference.items()
    if not isinstance(name, str) or not name:
        return f"must name its {shown(source)} in quotes", _EXAMPLE
    match source:
        case "env":
            return _from_environment(name, environ)
        case "file":
            return _from_file(base / Path(name).expanduser())
        case "keyring":
            return _from_keyring(name)
        case "prompt":
            return _from_terminal(name)
        case _:
            return f"must be env, file, keyring or prompt, got {shown(source)}", _EXAMPLE


def _from_environment(name: str, environ: Mapping[str, str]) -> Secret | Failure:
    if value := environ.get(name):
        return Secret(value)
    how = "empty" if name in environ else "not set"
    return f"environment variable {name} is {how}", f"export {name}=..."


def _from_file(path: Path) -> Secret | Failure:
    text = _text_of(path)
    return Secret(text) if isinstance(text, str) else text


def _text_of(path: Path) -> str | Failure:
    try:
        # Opened once, so that what is checked is what is read.
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            fault = _exposed(path, status)
            if fault:
                return fault
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return (
            f"secret file {shown(path.name)} cannot be read: {reason}",
            "name a file that holds nothing else",
        )
    try:
        text = data.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        return f"secret file {shown(path.name)} is not UTF-8", "save it as text"
    if not text or len(data) > _LARGEST:
        return f"secret file {shown(path.name)} is empty or larger than 64 kB", "one secret, one line"
    return text


def _exposed(path: Path, status: os.stat_result) -> Failure | None:
    if not stat.S_ISREG(status.st_mode):
        return f"secret file {shown(path.name)} is no regular file", "name a file that holds nothing else"
    if os.name == "nt":
        # Its modes say nothing about who may read.
        return None
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        message = f"{path.name} is readable by others (mode {mode:04o}); run: chmod 600 {path.name}"
        return message, f"chmod 600 {path}"
    if status.st_uid not in {os.getuid(), 0}:
        return f"{path.name} belongs to another user", f"copy it to a file of your own: {path}"
    return None


def _from_keyring(name: str) -> Secret | Failure:
    service, _, user = name.rpartition("/")
    if not service or not user:
        return 'must be { keyring = "service/name" }', 'for example { keyring = "ltm/api_key" }'
    try:
        keyring: Any = importlib.import_module("keyring")
    except ImportError:
        return "the keyring library is not installed", "pip install keyring, or use env or file"
    try:
        value = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 - back ends raise what they like; without a desktop there is none
        return (
            f"the keyring does not answer: {type(error).__name__}",
            "use env or file on a machine without a desktop",
        )
    if not value:
        return f"the keyring has no password for {shown(name)}", f"keyring set {service} {user}"
    return Secret(value)


def _from_terminal(question: str) -> Secret | Failure:
    if not sys.stdin.isatty():
        return (
            f"nobody is there to be asked for {shown(question)}",
            "start it at a terminal, or use env or file",
        )
    # Imported where it is used: it takes hold of the terminal's settings.
    from getpass import getpass

    safe = "".join(char for char in question if char.isprintable())
    try:
        value = getpass(f"{safe}: ")
    except (EOFError, OSError):
        value = ""
    return (
        Secret(value) if value else (f"no answer was given to {shown(question)}", "type it, then press Enter")
    )


# --- A file of variables ------------------------------------------------------------------------


def read_env_file(path: Path) -> dict[str, str]:
    """
    Return the variables of a file of `NAME=value` lines, as `--env-file` names it; none is ever looked for.

    Raises:
        ConfigError: It cannot be read, others can read it, or a line is something else.
    """
    content = _text_of(path)
    if not isinstance(content, str):
        message, hint = content
        raise ConfigError(message.replace("secret file", "env file"), code="LTM-CFG-023", hint=hint)
    variables: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), 1):
        text = line.strip().removeprefix("export ")
        name, is_there, value = text.partition("=")
        if not text or text.startswith("#"):
            continue
        if not is_there or not _VARIABLE.fullmatch(name):
            message = f"env file {shown(path.name)}, line {number}: must be NAME=value"
            raise ConfigError(message, code="LTM-CFG-023", line=number, hint="for example LTM_API_KEY=...")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        variables[name] = value
    return variables
