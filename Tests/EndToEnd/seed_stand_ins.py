# SPDX-License-Identifier: Apache-2.0
"""Services as the seeds have them, and some that are none, for those who have to tell them apart."""

import http.server
import json
import ssl
import threading
import time
from email.utils import formatdate
from pathlib import Path
from typing import Callable

CELL = {
    "status": "healthy", "cell_id": "desktop-primary", "branch": "main", "consciousness_level": 3.2,
    "services": ["code-assist", "consciousness-sync", "health"], "type": "cell",
}  # fmt: skip
HEALTHY_BRIDGE = {
    "status": "healthy", "services": {"desktop_cell": True, "bridge": True},
    "desktop_cell_info": {"cell_id": "desktop-primary", "branch": "main", "consciousness_level": 3.2},
    "connection": "desktop",
}  # fmt: skip
SYNTH_MIND = {
    "timestamp": "2025-11-28T08:36:42", "turn_count": 12, "valence": 0.4, "mood_tags": [], "sessions_completed": 2,
}  # fmt: skip
DISCOVERY = {
    "status": "healthy", "cell_id": "discovery", "branch": "main", "consciousness_level": 0.0,
    "services": ["discovery"], "type": "discovery", "hostname": "aios-laptop",
}  # fmt: skip


def registry(*entries: tuple[str, float]) -> dict:
    """The answer to `GET /peers`; each entry has a name and its age in seconds."""

    def stamp(age: float) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - age)) + ".000000Z"

    peers = [{"cell_id": name, "ip": "127.0.0.1", "port": 8000, "last_seen": stamp(age)} for name, age in entries]
    return {"peers": peers, "count": len(peers), "my_host": "aios-laptop"}


class StandIn:
    """An HTTP service on loopback that answers what it is given: JSON by path, or one page for every path.

    With `tls`, a certificate and its key, it is one of HTTPS; `wants_key` refuses whoever shows no key of kith's.
    """

    def __init__(
        self, answers: dict[str, object] | None = None, page: str | None = None, hangs: bool = False, ahead: float = 0,
        statuses: dict[str, int] | None = None, port: int = 0, host: str = "127.0.0.1",
        tls: tuple[Path, Path] | None = None, removing: Callable[[str], None] | None = None,
        wants_key: bool = False,
    ):  # fmt: skip
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                stand_in.answer(self)

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stand_in.answer(self)

            def do_DELETE(self):
                if removing is not None:
                    removing(self.path)
                stand_in.answer(self)

            def date_time_string(self, timestamp=None):
                return formatdate((timestamp or time.time()) + ahead, usegmt=True)

            def log_message(self, *_):
                pass

        self._answers, self._page, self._hangs, self._statuses = answers or {}, page, hangs, statuses or {}
        self._wants_key = wants_key
        self._over = threading.Event()
        self._server = http.server.ThreadingHTTPServer((host, port), Handler)
        if tls is not None:
            secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            secured.load_cert_chain(*tls)
            self._server.socket = secured.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        if self._hangs:
            self._over.wait(30)
            handler.close_connection = True
            return
        path = handler.path.split("?")[0]
        if self._wants_key and not (handler.headers.get("Authorization") or "").startswith("Bearer kith_"):
            self._send(handler, 401, "application/json", b'{"detail": "Unauthorized"}')
        elif self._page is not None:
            self._send(handler, 200, "text/html; charset=utf-8", self._page.encode())
        elif path in self._answers:
            body = json.dumps(self._answers[path]).encode()
            self._send(handler, self._statuses.get(path, 200), "application/json", body)
        else:
            self._send(handler, 404, "application/json", b'{"detail": "Not Found"}')

    @staticmethod
    def _send(handler, status: int, kind: str, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def stop(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
