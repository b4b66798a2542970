# SPDX-License-Identifier: Apache-2.0
"""What asks and what answers in benchmarks: small C programs, compiled when they are needed, and wrk."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import ports, web
from .process import ROOT, Process

_SOURCES = Path(__file__).parent / "path"
_CHAT = ROOT / "Benchmarks" / "chat.lua"
# What guards a wait for a program of ours, in seconds.
_GUARD = 60


def compiler() -> str | None:
    return next((found for name in ("cc", "clang", "gcc") if (found := shutil.which(name))), None)


def compiled(name: str, folder: Path) -> Path:
    """The program made of `scripts/lab/path/NAME.c`."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    command = [compiler(), "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, _SOURCES / f"{name}.c"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_GUARD)
    if done.returncode != 0:
        raise RuntimeError(f"{name}.c cannot be compiled:\n{done.stderr}")
    return program


class InstantEngine:
    """An engine that costs next to nothing; what its models do is told in `path/engine.c`. A context manager."""

    def __init__(self, folder: Path):
        self.port = ports.free_port()
        self._process = Process([compiled("engine", folder), self.port], folder / "engine.log", dict(os.environ), folder)

    @property
    def url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self.port}"

    def requests(self) -> int:
        """How many there have been."""
        return web.get(self.port, "/lab/requests").json()

    def __enter__(self) -> "InstantEngine":
        try:
            web.wait_until(lambda: web.get(self.port, "/v1/models", timeout=2).status == 200, 10, "the engine")
        except TimeoutError:
            self._process.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()


@dataclass
class Kept:
    """What came of requests one after the other over kept connections; times in seconds."""

    requests: int
    p50: float
    p99: float


class Clients:
    """Clients that cost little themselves."""

    def __init__(self, folder: Path):
        self._program = compiled("load", folder)
        self._folder = folder

    def ask(self, port: int, connections: int, seconds: float, body: dict, events: int = 0, key: str | None = None) -> Kept:
        """Asks for `seconds`; an answer that is not 200 or has fewer events makes the figures worthless, and raises."""
        file = self._request(body, key)
        command = [self._program, "kept", port, connections, seconds, events, file]
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=seconds + _GUARD
        )  # fmt: skip
        values = dict(line.split() for line in done.stdout.splitlines())
        if done.returncode != 0 or int(values["failures"]) > 0:
            raise RuntimeError(f"the answers of port {port} are no result: {values} {done.stderr.strip()}")
        return Kept(int(values["requests"]), int(values["p50"]) / 1e9, int(values["p99"]) / 1e9)

    def open(
        self, port: int, streams: int, body: dict, key: str | None = None, path: str = "/v1/chat/completions"
    ) -> "OpenStreams":  # fmt: skip
        return OpenStreams([self._program, "open", port, streams, self._request(body, key, path)])

    def _request(self, body: dict, key: str | None, path: str = "/v1/chat/completions") -> Path:
        payload = json.dumps(body, separators=(",", ":")).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + (f"Authorization: Bearer {key}\r\n" if key else "")
            + f"Content-Length: {len(payload)}\r\n\r\n"
        )
        file = self._folder / "request"
        file.write_bytes(head.encode() + payload)
        return file


class OpenStreams:
    """Streams that are open at once. A context manager; with its end they are closed."""

    def __init__(self, command: list):
        self._child = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "OpenStreams":
        if self._child.stdout.readline().strip() != "open":
            self._child.kill()
            raise RuntimeError(f"the streams could not be opened: {self._child.communicate(timeout=_GUARD)[1].strip()}")
        self.events()
        return self

    def events(self) -> int:
        """Pieces that have come in all; raises when a stream is over."""
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        events, ended, failures = map(int, self._child.stdout.readline().split())
        if ended or failures:
            self._child.kill()
            raise RuntimeError(f"{ended} streams have ended: {self._child.communicate(timeout=_GUARD)[1].strip()}")
        return events

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.communicate(timeout=_GUARD)


@dataclass
class Load:
    """What one run of wrk measured; times in milliseconds."""

    requests_per_second: float
    p50: float
    p99: float
    failures: int


def run_wrk(port: int, connections: int, key: str, seconds: int) -> Load:
    """One small chat request, over and over."""
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(_CHAT),
        "-H", f"Authorization: Bearer {key}", f"http://{ports.LOOPBACK}:{port}/v1/chat/completions",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _GUARD)
    values = dict(re.findall(r"^measured (\S+) (\S+)$", done.stdout, re.MULTILINE))
    if done.returncode != 0 or len(values) != 4:
        raise RuntimeError(f"wrk ended with {done.returncode}: {done.stdout}{done.stderr}")
    return Load(
        float(values["requests_per_second"]), float(values["p50"]), float(values["p99"]), int(values["failures"])
    )
