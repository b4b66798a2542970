# SPDX-License-Identifier: Apache-2.0
"""A node without an engine, which agents ask, and two kin whose models do the task; the one that answers can be killed."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from lab import web
from lab.peer import PeerNode, befriend
from scripted_model import Place, ScriptedModel
from stub_nodes import GUARD, node_with
from surroundings import KITH

# After which what the killed node had sent has surely come.
TRAVEL = 0.3


class Mesh:
    """A context manager: nothing outlives it."""

    def __init__(self, folder: Path):
        self.models = [ScriptedModel(), ScriptedModel()]
        self.kin = [node_with(model, folder, f"kin-{number}") for number, model in enumerate(self.models, 1)]
        self.asked = PeerNode(KITH, folder / "asked", "asked", None, "none", ["--mdns", "off"])
        for node, model in zip(self.kin, self.models):
            model.watch = lambda place, node=node: self._sent(place, node)
            model.before = self._before
        self.lost: list[PeerNode] = []
        self._lock = threading.Lock()
        self._loss: Place | None = None
        self._silence: float = 0

    def __enter__(self) -> "Mesh":
        try:
            for node in self.kin:
                node.start()
            self.asked.start(path="/health/live")
            befriend([self.asked, *self.kin])
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in (self.asked, *self.kin):
            node.stop()
        for model in self.models:
            model.stop()

    def wait(self) -> None:
        """Returns when each kin answers through the node that is asked."""
        for node in self.kin:
            web.wait_until(lambda: self.asked.answers_through(node), GUARD, f"{node.name} to answer through the other")

    def kill_at(self, place: Place) -> None:
        """Kills the node that sends this piece, as soon as it has; once."""
        self._loss = place

    def be_silent(self, seconds: float) -> None:
        """Keeps the first request of the task waiting for its first byte, once, with nobody else who could be asked."""
        self._silence = seconds
        other = self.kin[1].known_id
        self.lose(self.kin[1])
        web.wait_until(lambda: self.asked.state_of(other) != "up", GUARD, "the other kin to be missed")

    def lose(self, node: PeerNode) -> None:
        self.lost.append(node)
        node.kill()

    def restore(self) -> None:
        """As it was in the beginning, and with nothing remembered."""
        self._loss, self._silence = None, 0
        while self.lost:
            self.lost.pop().start()
        self.wait()
        for model in self.models:
            model.forget()

    def bodies(self) -> list[dict]:
        """What the engines were asked in the course of the task."""
        return [body for model in self.models for body in model.bodies]

    def journal(self) -> list[dict]:
        """The requests that the asked node remembers, the newest first."""
        return self.asked.get("/api/routes/recent").json()["requests"]

    def _sent(self, place: Place, node: PeerNode) -> None:
        with self._lock:
            if place != self._loss:
                return
            self._loss = None
        time.sleep(TRAVEL)
        self.lose(node)

    def _before(self, turn: int) -> None:
        with self._lock:
            pause, self._silence = (self._silence, 0) if turn == 1 else (0, self._silence)
        time.sleep(pause)
