# SPDX-License-Identifier: Apache-2.0
"""nginx as an ordinary user's process, in a folder of its own."""

import json
import os
import shutil
from pathlib import Path

from . import ports, web
from .process import Process, descendants

_ANSWER = {
    "id": "chatcmpl-instant",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "instant",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14},
}
_MODELS = {
    "object": "list",
    "data": [{"id": "instant", "object": "model", "created": 1_700_000_000, "owned_by": "nginx"}],
}

# Both processes write only below their own folder and keep connections open.
_FRAME = """
daemon off;
worker_processes auto;
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000000;
    default_type application/json;
{content}
}}
"""


def upstream_configuration() -> str:
    """An upstream that answers at once, with a fixed OpenAI answer."""
    return f"""
    server {{
        listen {ports.LOOPBACK}:PORT;
        location = /v1/chat/completions {{ return 200 '{json.dumps(_ANSWER)}'; }}
        location = /v1/models {{ return 200 '{json.dumps(_MODELS)}'; }}
        location / {{ return 404 '{{"error":{{"message":"not here"}}}}'; }}
    }}"""


def proxy_configuration(upstream_port: int, more: str = "") -> str:
    """`proxy_pass` with connections to the upstream kept open; `more` are further directives for it."""
    return f"""
    upstream instant {{
        server {ports.LOOPBACK}:{upstream_port};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {ports.LOOPBACK}:PORT;
        location / {{
            proxy_pass http://instant;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            {more}
        }}
    }}"""


class Nginx:
    def __init__(self, folder: Path, content: str, port: int):
        self.folder = folder
        self.port = port
        self._content = content.replace("PORT", str(port))
        self._process: Process | None = None

    @staticmethod
    def program() -> str | None:
        """Debian keeps it where an ordinary user's PATH does not look."""
        return shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "nginx.conf"
        configuration.write_text(_FRAME.format(content=self._content))
        command = [self.program(), "-p", f"{self.folder}/", "-c", configuration, "-e", self.folder / "error.log"]
        self._process = Process(command, self.folder / "output.log", dict(os.environ), self.folder)
        web.wait_until(self._answers, 10, f"nginx on port {self.port}; its messages are in {self.folder}")

    def _answers(self) -> bool:
        return web.get(self.port, "/v1/models", timeout=2).status == 200

    @property
    def pids(self) -> list[int]:
        """The master and its workers."""
        return [self._process.pid, *descendants(self._process.pid)]

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def __enter__(self) -> "Nginx":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
