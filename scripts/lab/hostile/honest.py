# SPDX-License-Identifier: Apache-2.0
"""What goes on at the honest nodes meanwhile: writes, restarts, memory; and what must be there at the end."""

from __future__ import annotations

import http.client
import json
import random
import re
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.peer import PeerNode

# Keys of one node, each written again and again.
KEYS = 200
# A write that takes so long, in seconds, is refused.
PATIENCE = 30
# Between two conversations of a node's own.
TALK = 15


@dataclass
class Model:
    """What was acknowledged, and what may have been written: a node that was killed need not have said so."""

    safe: dict[str, Any] = field(default_factory=dict)
    doubtful: dict[str, list] = field(default_factory=lambda: defaultdict(list))
    levels: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    talks: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    durations: list[tuple[float, float, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, what: str) -> None:
        with self.lock:
            self.faults.append(what)

    def allowed(self, key: str) -> list:
        return [*([self.safe[key]] if key in self.safe else []), *self.doubtful[key]]


class Honest:
    """The threads that use, watch and restart the nodes."""

    def __init__(self, nodes: list[PeerNode], model: Model, seed: int, pause: float = 1):
        self.nodes, self.model, self.pause = nodes, model, pause
        self.chance = random.Random(seed)
        self.over = threading.Event()
        # Held while a node is down on purpose: nobody writes to it then.
        self.down = {node.name: threading.Event() for node in nodes}
        self.highest: dict[str, float] = defaultdict(float)
        self.samples: list[tuple[float, dict[str, float]]] = []
        self.starts: list[tuple[str, float]] = []
        self.threads = [threading.Thread(target=self._write, args=(node,), daemon=True) for node in nodes]
        self.threads.append(threading.Thread(target=self._watch, daemon=True))
        self.began = time.monotonic()
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE + 10)

    # Writes

    def _write(self, node: PeerNode) -> None:
        chance = random.Random(f"{node.name} {self.chance.random()}")
        number, talked = 0, time.monotonic()
        due = time.monotonic()
        while not self.over.is_set():
            due += self.pause
            if not self.down[node.name].is_set():
                number += 1
                if number % 10:
                    self._put(node, f"honest-{node.name}-{chance.randrange(KEYS)}", {"count": number, "by": node.name})
                else:
                    self._declare(node, chance.randrange(100) / 10)
                if time.monotonic() - talked > TALK:
                    talked = time.monotonic()
                    self._talk(node, f"honest-{chance.randrange(5)}")
            self.over.wait(max(0, due - time.monotonic()))

    def _put(self, node: PeerNode, key: str, value: Any) -> None:
        with self.model.lock:
            self.model.doubtful[key].append(value)
        if self._sent(node, "PUT", f"/api/context/{key}", {"value": value}):
            with self.model.lock:
                self.model.safe[key] = value
                self.model.doubtful.pop(key, None)

    def _declare(self, node: PeerNode, level: float) -> None:
        with self.model.lock:
            self.model.levels[node.name].append(level)
        if self._sent(node, "PUT", f"/api/levels/honest-{node.name}", {"level": level}):
            with self.model.lock:
                self.model.levels[node.name] = [level]

    def _talk(self, node: PeerNode, name: str) -> None:
        """A conversation that only this node keeps. The engine's time is none of a write's."""
        try:
            answer = node.post("/api/chat", {"message": "honest words", "session": name}, PATIENCE)
        except (OSError, http.client.HTTPException):
            return
        if answer.status == 200:
            with self.model.lock:
                self.model.talks[node.name][name] += 1
        else:
            self.model.fault(f"{node.name} refused to talk: {answer.status} {answer.body[:200]!r}")

    def _sent(self, node: PeerNode, method: str, path: str, body: Any) -> bool:
        pid, began = node.process.pid, time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=PATIENCE)
        try:
            connection.request(method, path, json_bytes(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as failure:
            if not self.down[node.name].is_set() and node.process.pid == pid and node.process.is_running:
                self.model.fault(f"{node.name} did not take {path} in {time.monotonic() - began:.1f} s: {failure!r}")
            return False
        finally:
            connection.close()
        took = time.monotonic() - began
        with self.model.lock:
            self.model.durations.append((began - self.began, took, node.name))
        if answer.status == 200:
            return True
        self.model.fault(f"{node.name} refused {path}: {answer.status} {said[:200]!r}")
        return False

    # Memory

    def _watch(self) -> None:
        while not self.over.wait(3):
            sample = {}
            for node in self.nodes:
                if self.down[node.name].is_set() or not node.process.is_running:
                    continue
                try:
                    status = Path(f"/proc/{node.process.pid}/status").read_text()
                except OSError:
                    continue
                found = {
                    name: int(size) / 1e3 * 1.024
                    for name, size in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.M)
                }
                if len(found) == 2:
                    sample[node.name] = found["VmRSS"]
                    self.highest[node.name] = max(self.highest[node.name], found["VmHWM"])
            self.samples.append((time.monotonic() - self.began, sample))

    # Restarts

    def restart(self) -> None:
        """One of them as after a power cut. The seconds until it can be asked are noted."""
        node = self.chance.choice(self.nodes)
        self.down[node.name].set()
        try:
            node.kill()
            began = time.monotonic()
            node.start(60)
            self.starts.append((node.name, time.monotonic() - began))
        except (RuntimeError, TimeoutError, OSError) as failure:
            self.model.fault(f"{node.name} did not come back from kill -9: {failure}")
        finally:
            self.down[node.name].clear()


def json_bytes(body: Any) -> bytes:
    return json.dumps(body).encode()
