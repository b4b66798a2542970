#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for llama-server: it is started with a file of any content, and answers with its model's name.

A prompt that holds `slow` makes the file `ASKED` beside the model, and is answered word by word for as long as the file `OUT` is not there,
half a minute at most.
"""

import argparse
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_LIMIT = 30


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--alias")
    asked, _ = parser.parse_known_args()
    with asked.model.open("rb") as file:
        begins = file.read(4)
    if begins != b"GGUF":
        raise SystemExit(f"{asked.model} is no GGUF file")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            models = {"object": "list", "data": [{"id": asked.alias, "object": "model", "owned_by": "llamacpp"}]}
            self.whole(models if self.path.endswith("/models") else {"status": "ok"})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            words = body.get("messages", [{}])[-1].get("content", "") if body.get("messages") else ""
            if not body.get("stream"):
                message = {"role": "assistant", "content": asked.alias}
                return self.whole({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            self.event({"content": asked.alias})
            ends = time.monotonic() + (_LIMIT if "slow" in words else 0)
            if "slow" in words:
                (asked.model.parent / "ASKED").touch()
            while time.monotonic() < ends and not (asked.model.parent / "OUT").exists():
                self.event({"content": " on"})
                time.sleep(0.05)
            self.event({}, "stop")
            self.wfile.write(b"data: [DONE]\n\n")

        def event(self, delta: dict, reason: str | None = None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": asked.alias, "choices": [choice]}
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            self.wfile.flush()

        def whole(self, answer: dict) -> None:
            payload = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_):
            pass

    ThreadingHTTPServer(("127.0.0.1", asked.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
