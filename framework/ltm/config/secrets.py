"""
References to secrets: where the configuration says that a password, key or token is kept (SEC-01, BAD-023).
"""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ltm.model.errors import shown
from ltm.model.secret import Secret

if TYPE_CHECKING:
    Failure = tuple[str, str]

_LARGEST: Final = 65_536
_EXAMPLE: Final = 'for example { env = "LTM_API_KEY" }'


def resolve(reference: object, base: Path, environ: Mapping[str, str]) -> Secret | Failure:
    """
    Return the secret that a reference leads to, or what is wrong and its cure.
    """
    if not isinstance(reference, Mapping) or len(reference) != 1:
        return "must be { env = ... }, { file = ... } or { keyring = ... }", _EXAMPLE
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
        case _:
            return f"must be env, file or keyring, got {shown(source)}", _EXAMPLE


def _from_environment(name: str, environ: Mapping[str, str]) -> Secret | Failure:
    if value := environ.get(name):
        return Secret(value)
    how = "empty" if name in environ else "not set"
    return f"environment variable {name} is {how}", f"export {name}=..."


def _from_file(path: Path) -> Secret | Failure:
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
    return Secret(text)


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
