# SPDX-License-Identifier: Apache-2.0
"""An AIOS cell as the seeds' contract describes it, and as badly as a test wants it.

    python seed_cell.py HOST PORT FOLDER

Writes each level that it takes to FOLDER/writes as a line of JSON. What FOLDER/manner says decides how it answers:
well (as without the file), hang (health included), hang at work, drip (a byte a second), html, wrong type, half (a
body), error (status 500).
"""

import json
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

class Cell(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int, folder: Path):
        super().__init__((host, port), Handler)
        self.folder = folder
        self.level = 3.2
        self.lock = threading.Lock()

    @property
    def manner(self) -> str:
        try:
            return (self.folder / "manner").read_text()
        except FileNotFoundError:
            return "well"

    def take(self, said: dict, key: str | None) -> dict:
        """Notes a level before it answers: what was answered is on disk."""
        with self.lock:
            old, self.level = self.level, float(said["level"])
            with (self.folder / "writes").open("a") as file:
                file.write(json.dumps({**said, "key": key}) + "\n")
            return {"old_level": old, "new_level": self.level, "context_processed": bool(said.get("context"))}

    def handle_error(self, request, client_address):
        pass  # a client that has gone is no news


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Cell

    def do_GET(self) -> None:
        manner = self.server.manner
        if self.path != "/health":
            return self.send(404, {"detail": "Not Found"})
        if manner == "hang":
            return self.hang()
        self.send(200, {
            "status": "healthy", "cell_id": "desktop-primary", "branch": "main",
            "consciousness_level": self.server.level, "services": ["code-assist", "consciousness-sync", "health"],
            "type": "cell",
        })  # fmt: skip

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        match self.server.manner:
            case "hang" | "hang at work": self.hang()
            case "drip": self.drip()
            case "html": self.send_bytes(200, b"<html><body>It works!</body></html>", "text/html")
            case "wrong type": self.send_bytes(200, json.dumps(self.work(said)).encode(), "text/html")
            case "half": self.half()
            case "error": self.send_bytes(500, b"Internal Server Error", "text/plain")
            case _: self.send(200, self.work(said))  # fmt: skip

    def work(self, said: dict) -> dict:
        if self.path == "/sync-consciousness":
            return self.server.take(said, self.headers.get("Idempotency-Key"))
        return {
            "action": said["action"], "code_length": len(said["code"]), "context_keys": list(said.get("context") or {}),
            "suggestions": ["the desktop has looked at it"], "consciousness_level": self.server.level,
        }  # fmt: skip

    def hang(self) -> None:
        time.sleep(60)
        self.close_connection = True

    def drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "100")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b" ")
            time.sleep(1)

    def half(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"action": "analyze", "code_le')
        self.close_connection = True

    def send(self, status: int, body: dict) -> None:
        self.send_bytes(status, json.dumps(body).encode(), "application/json")

    def send_bytes(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    socketserver.TCPServer.request_queue_size = 128
    Cell(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])).serve_forever()
