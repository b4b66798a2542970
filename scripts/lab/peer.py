# SPDX-License-Identifier: Apache-2.0
"""A node with a peer port, on this machine's loopback or on a host of the lab, and what its owner does with it."""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import ports, web
from .netns import Host
from .process import Process, environment

CONTROL_PORT = 8080
PEER_PORT = 7443


class Refused(Exception):
    """A command of kith ended with another status than 0; the text is what it printed."""

    def __init__(self, command: str, done: subprocess.CompletedProcess):
        self.status = done.returncode
        self.output = done.stdout + done.stderr
        super().__init__(f"kith {command} ended with {done.returncode}: {self.output.strip()}")


@dataclass
class PeerNode:
    """A `kith up` of our own, with its own folder. With a host it is reachable on the lab's network."""

    kith: Path
    folder: Path
    name: str
    host: Host | None = None
    engine: str = "echo"
    flags: list[str] = field(default_factory=list)
    port: int = 0
    peer_port: int = 0
    more_environment: dict[str, str] = field(default_factory=dict)
    # Whether others reach it, where it has a host.
    is_open: bool = True
    process: Process | None = None

    def __post_init__(self):
        # Below the range from which the system takes ports for outgoing connections: a restart needs them again.
        free = 0 if self.host else ports.free_block(2, random.randrange(20_000, 31_000))
        self.port = self.port or free or CONTROL_PORT
        self.peer_port = self.peer_port or (free + 1 if free else PEER_PORT)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # Running

    def launch(self) -> "PeerNode":
        self.folder.mkdir(parents=True, exist_ok=True)
        words = [
            self.kith, "up", "--data-dir", self.folder, "--name", self.name, "--engine", self.engine,
            "--port", self.port, "--peer-port", self.peer_port, *(["--lan"] if self.host and self.is_open else []), *self.flags,
        ]  # fmt: skip
        log = self.folder / "output.log"
        self.process = Process(self._command(words), log, self._environment(), self.folder)
        if self.host is not None:
            self.host.lab.processes.append(self.process)
        return self

    def start(self, limit: float = 60, path: str = "/health/ready") -> "PeerNode":
        """Returns once the node says that it can be asked."""
        self.launch()
        self.wait(limit, path)
        return self

    def wait(self, limit: float = 60, path: str = "/health/ready") -> None:
        def answers() -> bool:
            if not self.process.is_running:
                raise RuntimeError(f"{self.name} ended at once:\n{self.log()[-2000:]}")
            return self.get(path, timeout=2).status == 200

        try:
            web.wait_until(answers, limit, f"{path} of {self.name}")
        except TimeoutError as failure:
            raise TimeoutError(f"{failure}\n{self.log()[-2000:]}") from None

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def freeze(self) -> None:
        """As a suspended virtual machine: nothing runs, and the network does not notice."""
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send(signal.SIGCONT)

    @property
    def resident_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    def log(self) -> str:
        return (self.folder / "output.log").read_text(errors="replace")

    # The owner at the command line

    def run(self, *words, input: str | None = None, timeout: float = 60) -> subprocess.CompletedProcess:
        """One command of kith about this node, whatever comes of it."""
        command = self._command([self.kith, *words])
        return subprocess.run(
            command, input=input or "", capture_output=True, text=True, timeout=timeout, env=self._environment()
        )

    def do(self, *words, input: str | None = None, timeout: float = 60) -> str:
        """One command of kith about this node, which has to work; returns what it printed on standard output."""
        done = self.run(*words, "--data-dir", self.folder, input=input, timeout=timeout)
        if done.returncode != 0:
            raise Refused(" ".join(map(str, words)), done)
        return done.stdout

    def invite(self, tier: str = "kin", *more) -> str:
        """Returns the code, which stands alone on a line."""
        return self.do("invite", "--tier", tier, *more).split()[-1]

    def join(self, code: str) -> str:
        return self.do("join", input=f"{code}\n")

    def forget(self, peer: str) -> str:
        return self.do("forget", peer, "--yes")

    @property
    def id(self) -> str:
        return json.loads(self.do("id", "--json"))["id"]

    def nearby_report(self) -> subprocess.CompletedProcess:
        return self.run("peers", "--nearby", "--url", self.url)

    def ask(self, prompt: str, answerer: str | None = None, timeout: float = 60) -> subprocess.CompletedProcess:
        words = ["ask", "--url", self.url, *(["--node", answerer] if answerer else []), prompt]
        return self.run(*words, timeout=timeout)

    # The node's own word

    def get(self, path: str, timeout: float = 10) -> web.Answer:
        return web.get(self.port, path, timeout, self._opener)

    def post(self, path: str, body: Any, timeout: float = 60, headers=None) -> web.Answer:
        return web.request(self.port, "POST", path, body, timeout, headers, self._opener)

    def status(self) -> dict:
        return self.get("/api/status", timeout=5).json()

    def peers(self) -> dict[str, dict]:
        """The peers that it lists, by id."""
        return {peer["id"]: peer for peer in self.status()["peers"] if peer.get("id")}

    def state_of(self, other: "PeerNode | str") -> str | None:
        peer = self.peers().get(other if isinstance(other, str) else other.known_id)
        return peer and peer["state"]

    def nearby(self) -> dict:
        return self.get("/api/peers/nearby").json()

    def answers_through(self, other: "PeerNode", timeout: float = 5) -> bool:
        """Whether a question put here is answered by the engine of `other`."""
        body = {"messages": [{"role": "user", "content": f"are you there, {time.monotonic()}"}]}
        answer = self.post("/v1/chat/completions", body, timeout, {"x-kith-node": other.name})
        return answer.status == 200 and answer.node == other.name

    @property
    def known_id(self) -> str:
        """The id, asked once: it stays while the folder does."""
        if not hasattr(self, "_id"):
            self._id = self.id
        return self._id

    def audit(self, kind: str | None = None) -> list[dict]:
        """The lines of the audit trail, in their order."""
        file = self.folder / "state" / "kith.sqlite"
        base = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)
        try:
            base.row_factory = sqlite3.Row
            rows = [dict(row) for row in base.execute("SELECT * FROM audit ORDER BY rowid")]
        finally:
            base.close()
        return [row for row in rows if kind is None or row["kind"] == kind]

    # Where it runs

    def _command(self, words: list) -> list[str]:
        return self.host.command(*words) if self.host else [str(word) for word in words]

    def _environment(self) -> dict[str, str]:
        more = self.more_environment
        return self.host.environment(**more) if self.host else environment(**more)

    @property
    def _opener(self) -> web.Opener:
        return self.host.opener if self.host else web.loopback


def wait_for_state(observers: list[PeerNode], other: PeerNode, states: set[str], limit: float, began: float) -> float:
    """Seconds from `began` until every observer has `other` in one of the states."""
    for observer in observers:
        try:
            web.wait_until(
                lambda: observer.state_of(other) in states,
                limit - (time.monotonic() - began),
                f"{other.name} to be {' or '.join(sorted(states))} for {observer.name}",
            )
        except TimeoutError as failure:
            raise TimeoutError(f"{failure}; it is {observer.peers().get(other.known_id)}") from None
    return time.monotonic() - began


def befriend(nodes: list[PeerNode], tier: str = "kin") -> None:
    """One code for each node after the first; whom they have in common introduces the others."""
    for node in nodes[1:]:
        node.join(nodes[0].invite(tier))
