# SPDX-License-Identifier: Apache-2.0
"""Where an agent works: folders of its own with two marks to be found, and nothing of this machine's owner."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import task

RUN_LIMIT = 180


@dataclass
class Finished:
    """A program that has ended; the status is `None` where it did not do so in time."""

    status: int | None
    output: str
    errors: str
    seconds: float

    def tail(self) -> str:
        return f"status {self.status} after {self.seconds:.0f} s\n{self.output[-3000:]}\n{self.errors[-2000:]}"


class Workplace:
    def __init__(self, folder: Path):
        self.path, self.home, self.temporary = (folder / name for name in ("work", "home", "tmp"))
        for made in (self.path, self.home, self.temporary):
            made.mkdir(parents=True)
        self.hello, self.alpha, self.beta = (f"{name}-{secrets.token_hex(6)}" for name in ("HELLO", "ALPHA", "BETA"))
        (self.path / "alpha.txt").write_text(f"The first mark is {self.alpha}.\n")
        (self.path / "beta.txt").write_text(f"The second mark is {self.beta}.\n")
        # A repository of its own, so that the agent does not take this project for the one that it works on.
        subprocess.run(["git", "init", "--quiet", self.path], check=True, timeout=60)
        self.prompt = task.prompt(self.path, self.hello)

    @property
    def written(self) -> str | None:
        """What is in the file that the agent was to write."""
        file = self.path / "hello.txt"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else None

    def run(self, command: list, outside: "Outside", **variables: str) -> Finished:
        """Runs a program with no settings but these; everything that it starts ends with it."""
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.home), "TMPDIR": str(self.temporary),
            "LANG": "C.UTF-8", "TERM": "dumb", "HTTP_PROXY": outside.url, "HTTPS_PROXY": outside.url,
            "NO_PROXY": "127.0.0.1,localhost", **variables,
        }  # fmt: skip
        began = time.monotonic()
        child = subprocess.Popen(
            [str(word) for word in command], env=environment, cwd=self.path, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        status = None
        try:
            output, errors = child.communicate(timeout=RUN_LIMIT)
            status = child.returncode
        except subprocess.TimeoutExpired:
            _end_group(child.pid)
            output, errors = child.communicate()
        _end_group(child.pid)
        return Finished(status, output, errors, time.monotonic() - began)


class Outside:
    """The proxy for all that is not this machine: it writes down who was wanted, and lets nobody through."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.wanted: list[str] = []
        threading.Thread(target=self._refuse, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _refuse(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    self.wanted.append(connection.recv(4096).decode("latin-1").partition("\r\n")[0])
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                except OSError:
                    pass  # it left before it said whom it wanted


def _end_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # nothing of the group is left
