"""The exchange's REST interface: one connection a request, and honesty about what is not known.

A request may fail in two ways. Either nothing of it left this machine, or nobody can say whether the
exchange has it.
"""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

MOST_BYTES = 4_000_000
CLIENT_ERRORS = range(400, 500)


class NotReachedError(Exception):
    """Nothing left this machine."""


class UnansweredError(Exception):
    """Whether the exchange has it is not known."""


class RefusedError(Exception):
    """The exchange's own definitive answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


class Api:
    """Blocking calls; each may be made from any thread."""

    def __init__(self, url: str, key: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port
        self._base = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._timeout = timeout

    def get(self, path: str, **query: str) -> Any:
        """Ask for something."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send something."""
        return self._call("POST", path, json.dumps(body).encode())

    def delete(self, path: str) -> Any:
        """Take something back."""
        return self._call("DELETE", path, None)

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        connection = self._connected()
        try:
            connection.request(method, self._base + path, body=body, headers=self._headers)
            answer = connection.getresponse()
            content = answer.read(MOST_BYTES)
            told = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnansweredError(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if answer.status in CLIENT_ERRORS and isinstance(told, dict) and "code" in told:
            raise RefusedError(answer.status, str(told["code"]), str(told.get("message", "")))
        if answer.status not in {200, 201}:
            raise UnansweredError(f"the exchange answered with {answer.status}")
        return told

    def _connected(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if self._secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout, context=context
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise NotReachedError(f"{type(error).__name__}: {error}") from error
        return connection


def segment(text: str) -> str:
    """Return text as one segment of a path."""
    return quote(text, safe="")
