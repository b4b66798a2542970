# SPDX-License-Identifier: Apache-2.0
"""An engine that speaks OpenAI's API and does what a test tells it, on a port of loopback, over kept connections."""

from __future__ import annotations

import json
import socket
import threading
from typing import Callable

MODEL = "m"
_COMMON = {"id": "chatcmpl-stub", "created": 1_700_000_000, "model": MODEL}


class Request:
    """One that has come whole."""

    def __init__(self, head: bytes, body: bytes):
        first, *fields = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ", 2)
        self.headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        self.body = body
        self.streams = body[:1] == b"{" and b'"stream"' in body and json.loads(body).get("stream") is True

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def words(self) -> str:
        """The text of the last message."""
        return self.json["messages"][-1]["content"]


class HungUp(Exception):
    """The answer ends here, and its connection with it."""


class Reply:
    """The answer to one request; what it says goes out at once."""

    def __init__(self, connection: socket.socket):
        self._connection = connection

    def json(self, answer: object, status: int = 200, **fields: str) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        head = f"HTTP/1.1 {status} Stub\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{named}\r\n"
        self._connection.sendall(head.encode() + body)

    def error(self, status: int, message: str, **fields: object) -> None:
        self.json({"error": {"message": message, "type": "stub_error", **fields}}, status)

    def whole(self, body: bytes, content_type: str) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._connection.sendall(head.encode() + body)

    def begin(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        self._connection.sendall(head)

    def bytes(self, *pieces: bytes) -> None:
        """Each in a chunk of its own."""
        self._connection.sendall(b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces))

    def event(self, *events: object) -> None:
        """Objects, or a text such as `[DONE]`."""
        self.bytes(*(b"data: %b\n\n" % _text(event) for event in events))

    def part(self, raw: bytes) -> None:
        """Bytes as they are."""
        self._connection.sendall(raw)

    def end(self) -> None:
        self._connection.sendall(b"0\r\n\r\n")

    def stream(self, *events: object) -> None:
        """A whole one, with its end."""
        self.begin()
        self.event(*events, "[DONE]")
        self.end()

    def say(self, request: Request, text: str) -> None:
        """Streamed or plain, as was asked for."""
        if request.streams:
            self.stream(chunk({"role": "assistant", "content": text}), chunk({}, "stop"))
        else:
            self.json(completion({"content": text}))


# Told what was asked; what it says is the answer.
Answer = Callable[[Request, Reply], None]


class StubEngine:
    """Answers each `POST` with `answer`, and remembers it. It can be stopped, and started again on the same port."""

    def __init__(self, answer: Answer | None = None, models: tuple[str, ...] = (MODEL,)):
        self.answer: Answer = answer or (lambda request, reply: reply.say(request, "hello"))
        self._models = {"object": "list", "data": [{"id": name, "object": "model", **_OWNED} for name in models]}
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._connections: set[socket.socket] = set()
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def requests(self) -> list[Request]:
        """Every `POST` so far."""
        with self._lock:
            return list(self._requests)

    def forget(self) -> None:
        with self._lock:
            self._requests.clear()

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._welcome, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """As a process that is killed: the port is closed, and every connection."""
        for one in (self._listener, *self._connections):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its other end was faster
            one.close()

    def _welcome(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._connections.add(connection)
        try:
            with connection, connection.makefile("rb") as lines:
                while head := _head(lines):
                    length = int(Request(head, b"").headers.get("content-length") or 0)
                    self._respond(Request(head, lines.read(length)), Reply(connection))
        except (OSError, HungUp, ValueError):
            pass  # the other end has gone, or the test wanted it so
        finally:
            self._connections.discard(connection)

    def _respond(self, request: Request, reply: Reply) -> None:
        if request.method == "POST":
            with self._lock:
                self._requests.append(request)
            self.answer(request, reply)
        elif request.path == "/v1/models":
            reply.json(self._models)
        else:
            reply.error(404, "not here")


_OWNED = {"created": 1_700_000_000, "owned_by": "stub"}


def chunk(delta: dict, finish: str | None = None, **more: object) -> dict:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_COMMON, "object": "chat.completion.chunk", "choices": [choice], **more}


def completion(message: dict, finish: str | None = "stop", **more: object) -> dict:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return {**_COMMON, "object": "chat.completion", "choices": [choice], "usage": usage, **more}


def _head(lines) -> bytes:
    """A request's line and fields; nothing at the connection's end."""
    head = b""
    while (line := lines.readline(65_536)) not in (b"\r\n", b""):
        head += line
    return head.rstrip(b"\r\n")


def _text(event: object) -> bytes:
    return (event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)).encode()
