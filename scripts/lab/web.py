# SPDX-License-Identifier: Apache-2.0
"""A small HTTP client on loopback that no proxy setting of the machine can divert."""

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any, Callable, Iterator

from .ports import LOOPBACK


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def node(self) -> str | None:
        return node_of(self.headers.get("x-kith-route"))


def node_of(route: str | None) -> str | None:
    """Whose engine made an answer, from its header `x-kith-route`: `node=desk; model="…"; reason=…`."""
    parameters = (part.strip().partition("=") for part in (route or "").split(";"))
    return next((value for name, _, value in parameters if name == "node"), None)


# Makes a connection to a port, with a limit in seconds for each wait on it; it need not be open yet.
Opener = Callable[[int, float], http.client.HTTPConnection]


def loopback(port: int, timeout: float) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)


def request(
    port: int, method: str, path: str, body: Any = None, timeout: float = 30, headers=None, opener: Opener = loopback
) -> Answer:
    """Sends one request; `body` goes as JSON unless it is bytes."""
    connection = opener(port, timeout)
    try:
        response = _send(connection, method, path, body, headers)
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def get(port: int, path: str, timeout: float = 10, opener: Opener = loopback) -> Answer:
    return request(port, "GET", path, timeout=timeout, opener=opener)


def post(port: int, path: str, body: Any, timeout: float = 60, opener: Opener = loopback) -> Answer:
    return request(port, "POST", path, body, timeout, opener=opener)


class StreamBroken(Exception):
    """The connection ended in the middle of a stream: neither an end nor an error was said."""


class Stream:
    """A streamed answer to one `POST`, of `/v1/chat/completions` if nothing else is said."""

    def __init__(
        self, port: int, body: dict, timeout: float = 60, headers=None, path: str = "/v1/chat/completions",
        opener: Opener = loopback,
    ):  # fmt: skip
        self.connection = opener(port, timeout)
        try:
            self.response = _send(self.connection, "POST", path, {**body, "stream": True}, headers)
        except BaseException:
            self.connection.close()
            raise

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def node(self) -> str | None:
        return node_of(self.response.headers.get("x-kith-route"))

    def lines(self) -> Iterator[str]:
        """The payload of each `data:` line, `[DONE]` included."""
        for line in self.raw_lines():
            if line.startswith("data:"):
                yield line[5:].strip()

    def raw_lines(self) -> Iterator[str]:
        """Each line as it comes, without its end."""
        try:
            for line in iter(self.response.readline, b""):
                yield line.decode("utf-8").rstrip("\r\n")
        except (http.client.HTTPException, OSError) as failure:
            raise StreamBroken(str(failure)) from failure

    def close(self) -> None:
        self.response.close()
        self.connection.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def wait_until(check: Callable[[], Any], seconds: float, what: str) -> Any:
    """Asks `check` until it gives something true, and returns that; connection trouble counts as not yet.

    Raises `TimeoutError` that names `what` and the last trouble.
    """
    deadline = time.monotonic() + seconds
    pause = 0.005
    trouble: object = None
    while True:
        try:
            if result := check():
                return result
        except (OSError, http.client.HTTPException, ValueError) as failure:
            trouble = failure
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}" + (f"; last: {trouble!r}" if trouble else ""))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def _send(connection: http.client.HTTPConnection, method: str, path: str, body: Any, headers):
    payload, sent = body, dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        payload = json.dumps(body).encode()
    if payload is not None:
        sent.setdefault("Content-Type", "application/json")
    connection.request(method, path, payload, sent)
    return connection.getresponse()
