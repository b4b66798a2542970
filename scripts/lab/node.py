# SPDX-License-Identifier: Apache-2.0
"""Nodes that are started with `kith up`, one by one."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import ports, web
from .process import Process, environment


@dataclass
class Node:
    """A `kith up` of our own, with its own folder."""

    kith: Path
    directory: Path
    port: int
    engine: str
    name: str
    flags: list[str] = field(default_factory=list)
    peer_port: int = 0
    more_environment: dict[str, str] = field(default_factory=dict)
    key: str | None = None
    process: Process | None = None

    def start(self, limit: float = 60, ready: bool = True) -> "Node":
        """Returns once the node says that it can be asked; with `ready` false, once it listens."""
        (self.directory / "config").mkdir(parents=True, exist_ok=True)
        command = [
            self.kith, "up", "--host", ports.LOOPBACK, "--port", self.port, "--engine", self.engine,
            "--peer-port", self.peer_port, "--data-dir", self.directory, "--name", self.name, *self.flags,
        ]  # fmt: skip
        env = environment(**self.more_environment)
        self.process = Process(command, self.directory / "output.log", env, self.directory)
        self.wait("/health/ready" if ready else "/health/live", limit)
        return self

    def wait(self, path: str, limit: float) -> None:
        process = self.process

        def answers() -> bool:
            if process is not None and not process.is_running:
                raise RuntimeError(f"{self.name} ended at once:\n{process.tail()}")
            return web.request(self.port, "GET", path, timeout=2, headers=self.headers).status == 200

        try:
            web.wait_until(answers, limit, f"{path} of {self.name} on port {self.port}")
        except TimeoutError as failure:
            raise TimeoutError(f"{failure}\n{process.tail() if process else ''}") from None

    def admit(self, joiner: "Node") -> None:
        """Pairs both as kin, as a person would: the code goes from one command to the other through a pipe."""
        code = self._command("invite", "--tier", "kin", "--expires", "1m")
        joiner._command("join", given=code)

    @property
    def headers(self) -> dict[str, str]:
        """What a request to this node shows."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def require_key(self, scope: str) -> None:
        """To be called before the start: from then on nobody is answered without the key that this makes."""
        self.key = self._command("key", "create", "--name", "lab", "--scope", scope).strip()
        self.flags.append("--require-key")

    def _command(self, *words: str, given: str = "") -> str:
        done = subprocess.run(
            [self.kith, *words, "--data-dir", self.directory], input=given, capture_output=True, text=True,
            timeout=60, env=environment(),
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"kith {' '.join(words)} for {self.name} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()


class Mesh:
    """Some nodes of one owner that know each other. A context manager: nothing outlives it."""

    def __init__(self, kith: Path, directory: Path, engines: list[str], flags: list[str] | None = None):
        base = ports.free_block(len(engines), 18_080)
        peers = ports.free_block(len(engines), 17_443)
        self.nodes = [
            Node(
                kith, directory / f"node-{number + 1}", base + number, engine, f"node-{number + 1}",
                [] if engine == "none" else list(flags or []), peers + number,
            )
            for number, engine in enumerate(engines)
        ]  # fmt: skip

    def __enter__(self) -> "Mesh":
        try:
            for node in self.nodes:
                node.start(ready=False)
            for node in self.nodes[1:]:
                self.nodes[0].admit(node)
            for node in self.nodes:
                node.wait("/health/ready", 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.stop()
