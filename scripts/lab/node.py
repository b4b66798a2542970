# SPDX-License-Identifier: Apache-2.0
"""Nodes that are started with `kith up`, one by one."""

import secrets
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
    mesh_key: str | None = None
    more_environment: dict[str, str] = field(default_factory=dict)
    process: Process | None = None

    def start(self, limit: float = 60, ready: bool = True) -> "Node":
        """Returns once the node says that it can be asked; with `ready` false, once it listens."""
        (self.directory / "config").mkdir(parents=True, exist_ok=True)
        keys = {"KITH_MESH_KEY": self.mesh_key} if self.mesh_key else {}
        command = [
            self.kith, "up", "--host", ports.LOOPBACK, "--port", self.port, "--engine", self.engine,
            "--data-dir", self.directory, "--name", self.name, *self.flags,
        ]  # fmt: skip
        env = environment(**keys, **self.more_environment)
        self.process = Process(command, self.directory / "output.log", env, self.directory)
        self.wait("/health/ready" if ready else "/health/live", limit)
        return self

    def wait(self, path: str, limit: float) -> None:
        process = self.process

        def answers() -> bool:
            if process is not None and not process.is_running:
                raise RuntimeError(f"{self.name} ended at once:\n{process.tail()}")
            return web.get(self.port, path, timeout=2).status == 200

        try:
            web.wait_until(answers, limit, f"{path} of {self.name} on port {self.port}")
        except TimeoutError as failure:
            raise TimeoutError(f"{failure}\n{process.tail() if process else ''}") from None

    def write_peers(self, peers: list["Node"]) -> None:
        lines = [f"http://{ports.LOOPBACK}:{peer.port} tier=kin" for peer in peers if peer is not self]
        (self.directory / "config").mkdir(parents=True, exist_ok=True)
        (self.directory / "config" / "peers.txt").write_text("".join(f"{line}\n" for line in lines))

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
        key = secrets.token_hex(16)
        self.nodes = [
            Node(
                kith, directory / f"node-{number + 1}", base + number, engine, f"node-{number + 1}",
                [] if engine == "none" else list(flags or []), key,
            )
            for number, engine in enumerate(engines)
        ]  # fmt: skip

    def __enter__(self) -> "Mesh":
        try:
            for node in self.nodes:
                node.write_peers(self.nodes)
                node.start(ready=False)
            for node in self.nodes:
                node.wait("/health/ready", 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.stop()
