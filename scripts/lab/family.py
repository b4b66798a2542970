# SPDX-License-Identifier: Apache-2.0
"""A node without an engine, which is asked, and kin with engines, which answer; and ways for these to be lost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from . import web
from .netns import Host
from .peer import PeerNode, befriend

# What guards a wait that should take a second or two.
GUARD = 60


@dataclass
class Family:
    """The first node is the one that is asked. A context manager: nothing outlives it."""

    kith: Path
    folder: Path
    # The engine of each kin, and the flags and settings that go with it.
    engines: list[str]
    flags: list[list[str]]
    settings: dict[str, str] = field(default_factory=dict)
    kin_settings: dict[str, str] = field(default_factory=dict)
    # More of them for each kin.
    own_settings: list[dict[str, str]] | None = None
    # One for the asked node and one for each kin; on loopback without.
    hosts: list[Host] | None = None

    def __post_init__(self):
        hosts = self.hosts or [None] * (len(self.engines) + 1)
        quiet = ["--mdns", "off"]
        own = self.own_settings or [{}] * len(self.engines)
        self.asked = PeerNode(
            self.kith, self.folder / "asked", "asked", hosts[0], "none", quiet, more_environment=self.settings
        )
        self.kin = [
            PeerNode(
                self.kith, self.folder / f"kin-{number}", f"kin-{number}", host, engine, [*quiet, *flags],
                more_environment={**self.kin_settings, **settings},
            )
            for number, (host, engine, flags, settings) in enumerate(zip(hosts[1:], self.engines, self.flags, own), 1)
        ]  # fmt: skip

    @property
    def nodes(self) -> list[PeerNode]:
        return [self.asked, *self.kin]

    def named(self, name: str | None) -> PeerNode:
        return next(node for node in self.kin if node.name == name)

    def __enter__(self) -> "Family":
        try:
            for node in self.nodes:
                node.launch()
            for node in self.nodes:
                node.wait(path="/health/live")
            befriend(self.nodes)
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            if node.process is not None and node.process.is_running:
                node.thaw()
            node.stop()

    def wait(self, limit: float = GUARD) -> None:
        """Returns when every kin answers through the node that is asked."""
        for node in self.kin:
            web.wait_until(lambda: self.is_served_by(node), limit, f"{self.asked.name} to be answered by {node.name}")

    def is_served_by(self, node: PeerNode) -> bool:
        # Not a chat: an engine's cache of prompts is not to hold what one begins with.
        body = {"prompt": "One word", "max_tokens": 1}
        answer = self.asked.post("/v1/completions", body, 10, {"x-kith-node": node.name})
        return answer.status == 200 and answer.node == node.name

    def busy(self) -> PeerNode | None:
        """A kin that is answering now."""
        return next((node for node in self.kin if node.get("/api/status", 2).json()["engine"]["active"] > 0), None)


@dataclass(frozen=True)
class Loss:
    """A way to lose a node, and the way to have it back."""

    name: str
    # Whether the others are told nothing, so that only its silence tells.
    is_silent: bool
    begin: Callable[[PeerNode], None]
    end: Callable[[PeerNode], object]


KILLED = Loss("kill -9", False, PeerNode.kill, lambda node: node.start(path="/health/ready"))
FROZEN = Loss("SIGSTOP", True, PeerNode.freeze, PeerNode.thaw)
CUT = Loss("link cut", True, lambda node: node.host.unplug(), lambda node: node.host.plug_in())


def pause_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
