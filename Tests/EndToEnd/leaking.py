# SPDX-License-Identifier: Apache-2.0
"""An engine that gives away whatever is in its prompt, peers that write down what reaches them, and the search for secrets."""

import base64
import codecs
import itertools
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler

from lab.ports import LOOPBACK
from loopback_service import LoopbackService


def letters(text: str) -> str:
    """Letters and digits only, in small letters."""
    return "".join(each for each in text.lower() if each.isalnum())


def initials(text: str) -> str:
    return letters("".join(word[0] for word in re.findall(r"\w+", text)))


DISGUISES = {
    "plain": lambda text: text,
    "spelled": lambda text: " ".join(letters(text)),
    "reversed": lambda text: text[::-1],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "rotated": lambda text: codecs.encode(text, "rot13"),
    "first letters": lambda text: " ".join(letter + "amber" for letter in initials(text)),
}


def hunt(text: str, secrets: list[str]) -> set[tuple[str, str]]:
    """The secrets in a text, each with how it was hidden."""
    lower, compact, firsts = text.lower(), letters(text), initials(text)
    found = set()
    for secret in secrets:
        whole = letters(secret)
        places = {
            "plain": secret.lower() in lower,
            "spelled": whole in compact,
            "reversed": whole[::-1] in compact,
            "hexadecimal": secret.encode().hex() in compact,
            "rotated": codecs.encode(whole, "rot13") in compact and codecs.encode(whole, "rot13") != whole,
            "first letters": len(whole) > 5 and whole in firsts,
        }
        for skip in range(3):  # wherever it stands in what was encoded, all but its ends looks the same
            part = secret.encode()[skip:]
            part = part[: len(part) - len(part) % 3]
            places["base64"] = places.get("base64", False) or base64.b64encode(part).decode() in text
        found |= {(secret, name) for name, is_there in places.items() if is_there}
    return found


class LeakingEngine(LoopbackService):
    """Speaks OpenAI's dialect, keeps every prompt, and answers with all of it, each time disguised in another way."""

    def __init__(self):
        super().__init__(self._answer)
        self.prompts: list[str] = []
        self._disguises = itertools.cycle(DISGUISES)

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/v1"

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if handler.command == "GET":
            return self._send(handler, "application/json", json.dumps({"data": [{"id": "leak"}]}).encode())
        request = json.loads(body)
        prompt = "\n".join(message["content"] for message in request["messages"])
        self.prompts.append(prompt)
        said = DISGUISES[next(self._disguises)](prompt)[:4_000]
        if not request.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
            whole = {"id": "l", "object": "chat.completion", "created": 1, "model": "leak", "choices": [choice]}
            return self._send(handler, "application/json", json.dumps(whole).encode())
        pieces = [{"delta": {"role": "assistant", "content": said}}, {"delta": {}, "finish_reason": "stop"}]
        chunk = {"id": "l", "object": "chat.completion.chunk", "created": 1, "model": "leak"}
        lines = [f"data: {json.dumps({**chunk, 'choices': [{'index': 0, **piece}]})}\n\n" for piece in pieces]
        self._send(handler, "text/event-stream", "".join(lines + ["data: [DONE]\n\n"]).encode())

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, kind: str, body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


class RecordingPeer:
    """A service of the seed's kind below HTTP: keeps every byte that any connection brings. A context manager."""

    def __init__(self, says):
        self.received = bytearray()
        self.connections = 0
        self._says = says
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/api/generate"

    def __enter__(self) -> "RecordingPeer":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                self._exchange(connection)

    def _exchange(self, connection: socket.socket) -> None:
        self.connections += 1
        request = b""
        try:
            while not self._is_whole(request) and (piece := connection.recv(65_536)):
                request += piece
                self.received += piece
            body = json.dumps({"response": self._says(), "success": True}).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            connection.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)
        except OSError:
            pass  # what came counts, whatever became of the rest

    @staticmethod
    def _is_whole(request: bytes) -> bool:
        head, end, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        return bool(end) and length is not None and len(body) >= int(length[1])
