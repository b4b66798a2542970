# SPDX-License-Identifier: Apache-2.0
"""An HTTP service of a test's own, on loopback."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lab.ports import LOOPBACK


class LoopbackService:
    """Has `answer` write the answer to each request, of which it is given the handler and the body. A context manager."""

    def __init__(self, answer, port: int = 0):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer(b"")

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            do_DELETE = do_POST

            def answer(self, body: bytes):
                try:
                    answer(self, body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # whoever asked has heard enough

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
