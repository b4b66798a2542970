# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus and Alertmanager as an ordinary user's processes, each in a folder of the test's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from . import ports, web
from .process import Process, environment


def missing() -> str | None:
    """What is not installed, and how to get it; nothing when all is there."""
    absent = [name for name in ("prometheus", "promtool", "prometheus-alertmanager") if shutil.which(name) is None]
    return f"{', '.join(absent)} not found; 'scripts/install-deps --monitoring' installs them" if absent else None


def check(*words: str, given: bytes = b"", folder: Path | None = None) -> str:
    """What promtool has to say of something; empty when nothing is wrong with it."""
    done = subprocess.run(["promtool", "check", *words], input=given, capture_output=True, timeout=30, cwd=folder)
    said = (done.stdout + done.stderr).decode(errors="replace")
    return said if done.returncode != 0 or words[0] == "metrics" else ""


@dataclass
class Server:
    """One of them, on loopback. A context manager: nothing outlives it."""

    folder: Path
    port: int = field(default_factory=ports.free_port)

    name = ""

    def __enter__(self):
        self.process = Process(self.command, self.folder / f"{self.name}.log", environment(), self.folder)
        try:
            web.wait_until(self._answers, 30, f"{self.name} to answer")
        except TimeoutError as failure:
            self.__exit__()
            raise TimeoutError(f"{failure}\n{self.process.tail()}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    @property
    def command(self) -> list:
        raise NotImplementedError

    def _answers(self) -> bool:
        return self.process.is_running and web.get(self.port, "/-/ready", 2).status == 200


@dataclass
class Alertmanager(Server):
    """Reads `alertmanager.yml` in the folder. Alone: it looks for no others like it."""

    name = "prometheus-alertmanager"

    @property
    def command(self) -> list:
        return [
            self.name, f"--config.file={self.folder / 'alertmanager.yml'}", f"--storage.path={self.folder / 'alerts'}",
            f"--web.listen-address={ports.LOOPBACK}:{self.port}", "--cluster.listen-address=", "--log.level=warn",
        ]  # fmt: skip


@dataclass
class Prometheus(Server):
    """Reads `prometheus.yml` in the folder."""

    name = "prometheus"

    @property
    def command(self) -> list:
        return [
            self.name, f"--config.file={self.folder / 'prometheus.yml'}", f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={ports.LOOPBACK}:{self.port}", "--enable-feature=exemplar-storage", "--log.level=warn",
        ]  # fmt: skip

    def query(self, expression: str) -> list[dict]:
        """The series that an expression gives now, each with its labels and its value.

        Raises ValueError for what is no expression.
        """
        return self._ask("/api/v1/query", query=expression)["result"]

    def exemplars(self, selector: str, start: float, end: float) -> list[dict]:
        return self._ask("/api/v1/query_exemplars", query=selector, start=start, end=end)

    def targets(self) -> list[dict]:
        return self._ask("/api/v1/targets")["activeTargets"]

    def _ask(self, path: str, **parameters):
        answer = web.get(self.port, f"{path}?{urllib.parse.urlencode(parameters)}", 10)
        said = json.loads(answer.body)
        if said["status"] != "success":
            raise ValueError(f"{parameters}: {said.get('error')}")
        return said["data"]
