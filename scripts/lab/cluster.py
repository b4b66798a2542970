# SPDX-License-Identifier: Apache-2.0
"""Nodes that are started together with `kith cluster up`."""

import os
import signal
from pathlib import Path

from . import ports, web
from .process import Process, RunningCommand, environment


class Cluster:
    """A running `kith cluster up`. A context manager: nothing outlives it."""

    def __init__(self, kith: Path, directory: Path, count: int, base_port: int, flags: list[str]):
        self._kith = kith
        self.directory = directory
        self.ports = list(range(base_port, base_port + count))
        self._restarted: dict[int, Process] = {}
        peers = ports.free_block(count, 17_443)
        command = [
            kith, "cluster", "up", "-n", count, "--base-port", base_port, "--base-peer-port", peers,
            "--dir", directory, *flags,
        ]  # fmt: skip
        directory.mkdir(parents=True, exist_ok=True)
        self.process = Process(command, directory / "cluster.log", environment(), directory)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self, limit: float) -> None:
        """Returns once every node can be asked."""
        for port in self.ports:
            self.wait_for(port, limit)

    def wait_for(self, port: int, limit: float) -> None:
        def is_ready() -> bool:
            # With the last node that it started itself, `kith cluster up` has nothing left to watch over and ends.
            if not self.process.is_running and port not in self._restarted:
                raise RuntimeError(f"kith cluster up ended:\n{self.process.tail()}")
            return web.get(port, "/health/ready", timeout=2).status == 200

        try:
            web.wait_until(is_ready, limit, f"the node on port {port}")
        except TimeoutError as failure:
            raise TimeoutError(f"{failure}\n{self.process.tail()}") from None

    def node(self, port: int) -> RunningCommand:
        pid = ports.listener(port)
        if pid is None:
            raise RuntimeError(f"nothing listens on port {port}:\n{self.process.tail()}")
        return RunningCommand.of(pid)

    def restart(self, port: int) -> None:
        """Starts again, alone, the node that was killed, where `--no-restart` keeps `kith cluster up` from doing so."""
        folder = self.directory / f"instance_{port}"
        command = [self._kith, "up", "--data-dir", folder]
        self._restarted[port] = Process(command, folder / "state" / "node.log", environment(), folder)

    def stop(self) -> int:
        """Ctrl-C, as a person would. Returns the exit status; what it leaves behind is killed and raises."""
        for process in self._restarted.values():
            process.stop()
        status = self.process.stop(limit=30)
        left = [(port, pid) for port in self.ports if (pid := ports.listener(port)) is not None]
        for _, pid in left:
            os.kill(pid, signal.SIGKILL)
        if left:
            raise RuntimeError(f"kith cluster up left nodes behind on ports {[port for port, _ in left]}")
        return status
