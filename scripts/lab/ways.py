# SPDX-License-Identifier: Apache-2.0
"""What stands between a client and an engine in a benchmark, and what of it costs processor time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from . import ports
from .load import InstantEngine
from .nginx import Nginx, proxy_configuration
from .node import Node
from .peer import PeerNode, befriend, wait_for_state

# So that an engine that never makes anybody wait is never full.
_ROOM = {"KITH_ENGINE_SLOTS": "1024"}
_GUARD = 60


@dataclass
class Way:
    """Something that can be asked, and the processes whose work it is."""

    name: str
    port: int
    pids: list[int] = field(default_factory=list)
    key: str | None = None


@dataclass
class Ways:
    """Makes them, each in a folder of its own, and ends them, the last first. A context manager."""

    kith: Path
    folder: Path
    engine: InstantEngine
    _running: list = field(default_factory=list)
    _made: int = 0

    def direct(self) -> Way:
        return Way("direct", self.engine.port)

    def nginx(self) -> Way:
        """Passes on each piece as it comes, as a node does."""
        configuration = proxy_configuration(self.engine.port, "proxy_buffering off;")
        proxy = self._run(Nginx(self._folder("nginx"), configuration, ports.free_port()))
        proxy.start()
        return Way("nginx", proxy.port, proxy.pids)

    def node(
        self, kind: str = "openai", scope: str | None = None, settings: dict[str, str] | None = None, name: str = "kith"
    ) -> Way:
        """One node with the engine; with a scope it wants a key, and there is one of that scope."""
        node = self._run(
            Node(
                self.kith, self._folder(f"node-{kind}"), ports.free_port(), kind, f"node-{kind}",
                more_environment={**self._settings(), **(settings or {})},
            )
        )  # fmt: skip
        if scope is not None:
            node.require_key(scope)
        node.start()
        return Way(name, node.port, [node.process.pid], node.key)

    def pair(self) -> Way:
        """A node without an engine, which is asked, and its kin, which has one; both cost."""
        near, far = self._peer("near", "openai"), self._peer("far", "none")
        for one in (near, far):
            one.start(path="/health/live")
        befriend([near, far])
        far.wait(_GUARD)
        return Way("kith", far.port, [near.process.pid, far.process.pid])

    def mesh(self, count: int) -> Way:
        """So many nodes, each of which knows all others; the first is named."""
        nodes = [self._peer(f"node-{number + 1}", "openai") for number in range(count)]
        for node in nodes:
            node.start(path="/health/live")
        befriend(nodes)
        for node in nodes:
            wait_for_state([other for other in nodes if other is not node], node, {"up"}, _GUARD, time.monotonic())
        return Way("kith", nodes[0].port, [node.process.pid for node in nodes])

    def __enter__(self) -> "Ways":
        return self

    def __exit__(self, *_: object) -> None:
        for one in reversed(self._running):
            one.stop()
        self._running.clear()

    def _peer(self, name: str, engine: str) -> PeerNode:
        return self._run(
            PeerNode(
                self.kith, self._folder(name), name, None, engine, ["--mdns", "off"], more_environment=self._settings()
            )
        )

    def _folder(self, name: str) -> Path:
        self._made += 1
        return self.folder / f"{self._made}-{name}"

    def _run(self, one):
        self._running.append(one)
        return one

    def _settings(self) -> dict[str, str]:
        return {
            "OPENAI_BASE_URL": f"{self.engine.url}/v1", "OPENAI_MODEL": "instant", "OPENAI_API_KEY": "unused",
            "OLLAMA_BASE_URL": self.engine.url, "OLLAMA_MODEL": "instant", **_ROOM,
        }  # fmt: skip
