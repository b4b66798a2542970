# SPDX-License-Identifier: Apache-2.0
"""The web as a hostile page has it: a proxy that serves the page under any name, and through which it reaches this machine."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from lab.ports import LOOPBACK

PAGE = Path(__file__).parent / "hostile" / "page.html"
# Whoever has this name serves the page, and by the next look-up the same name stands for this machine.
REBOUND = "rebound.test"
ATTACK = "/attack"


class HostileWeb:
    """A context manager. `forwarded` counts what reached each port of this machine, by the name that it was asked under."""

    def __init__(self):
        web = self
        self.forwarded: Counter[tuple[str, int]] = Counter()
        self.statuses: Counter[int] = Counter()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def log_message(self, *_):
                pass

            def do_CONNECT(self):
                """What WebSockets go through."""
                port = int(self.path.rpartition(":")[2])
                web.forwarded[("tunnel", port)] += 1
                self.close_connection = True
                try:
                    far = socket.create_connection((LOOPBACK, port), timeout=5)
                except OSError:
                    return self.reply(502, [], b"")
                self.send_response(200)
                self.end_headers()
                with far:
                    back = threading.Thread(target=_copy, args=(far, self.connection), daemon=True)
                    back.start()
                    _copy(self.connection, far)
                    back.join(5)

            def any_method(self):
                address = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if address.hostname not in (REBOUND, LOOPBACK) or address.path == ATTACK:
                    return self.reply(200, [("Content-Type", "text/html; charset=utf-8")], PAGE.read_bytes())
                self.forward(address, body)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = any_method

            def forward(self, address, body: bytes):
                """As the browser sent it: the name in `Host`, and nothing added."""
                web.forwarded[(address.hostname, address.port)] += 1
                target = address.path + (f"?{address.query}" if address.query else "")
                fields = [(name, value) for name, value in self.headers.items() if not name.lower().startswith("proxy-")]
                head = f"{self.command} {target} HTTP/1.1\r\n" + "".join(
                    f"{name}: {value}\r\n" for name, value in fields if name.lower() != "connection"
                )
                try:
                    with socket.create_connection((LOOPBACK, address.port), timeout=5) as far:
                        far.sendall((head + "Connection: close\r\n\r\n").encode("latin-1") + body)
                        answer = b""
                        # What goes on for ever is cut: what was said by then is enough.
                        far.settimeout(2)
                        try:
                            while len(answer) < 1 << 20 and (piece := far.recv(65_536)):
                                answer += piece
                        except TimeoutError:
                            pass
                except OSError:
                    return self.reply(502, [], b"")
                head, _, rest = answer.partition(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                words = lines[0].split(" ")
                if len(words) < 2 or not words[1].isdigit():
                    return self.reply(502, [], b"")
                web.statuses[int(words[1])] += 1
                fields = [tuple(line.split(": ", 1)) for line in lines[1:] if ": " in line]
                framing = ("transfer-encoding", "content-length", "connection", "keep-alive")
                kept = [(name, value) for name, value in fields if name.lower() not in framing]
                self.reply(int(words[1]), kept, rest)

            def reply(self, status: int, fields: list[tuple[str, str]], body: bytes):
                self.send_response_only(status)
                for name, value in fields:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD" and status not in (204, 304):
                    try:
                        self.wfile.write(body)
                    except OSError:
                        self.close_connection = True  # the page has given up on it

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """The page gives up on much of what it has asked for."""

        self._server = Server((LOOPBACK, 0), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> "HostileWeb":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()


def _copy(near: socket.socket, far: socket.socket) -> None:
    try:
        while piece := near.recv(65_536):
            far.sendall(piece)
        far.shutdown(socket.SHUT_WR)
    except OSError:
        pass
