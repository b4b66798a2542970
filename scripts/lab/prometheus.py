# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus as an ordinary user's process, in a folder of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from . import ports, web
from .process import Process, environment


def missing() -> str | None:
    """What is not installed, and how to get it; nothing when all is there."""
    absent = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not found; 'scripts/install-deps --monitoring' installs them" if absent else None


def check(*words: str, given: bytes = b"", folder: Path | None = None) -> str:
    """What promtool has to say of something; empty when nothing is wrong with it."""
    done = subprocess.run(["promtool", "check", *words], input=given, capture_output=True, timeout=30, cwd=folder)
    said = (done.stdout + done.stderr).decode(errors="replace")
    return said if done.returncode != 0 or words[0] == "metrics" else ""


@dataclass
class Prometheus:
    """Listens on loopback. A context manager: nothing outlives it."""

    folder: Path
    # The name of its configuration in the folder.
    configuration: str = "prometheus.yml"

    def __enter__(self) -> "Prometheus":
        self.port = ports.free_port()
        command = [
            "prometheus", f"--config.file={self.folder / self.configuration}", f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={ports.LOOPBACK}:{self.port}", "--enable-feature=exemplar-storage", "--log.level=warn",
        ]  # fmt: skip
        self.process = Process(command, self.folder / "prometheus.log", environment(), self.folder)
        try:
            web.wait_until(self._answers, 30, "Prometheus to answer")
        except TimeoutError as failure:
            self.__exit__()
            raise TimeoutError(f"{failure}\n{self.process.tail()}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def _answers(self) -> bool:
        return self.process.is_running and web.get(self.port, "/-/ready", 2).status == 200

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
