# SPDX-License-Identifier: Apache-2.0
"""The thief: a process of its own that speaks to the peer ports of the others with the key of a kin."""

from __future__ import annotations

import multiprocessing
import queue
import random
import signal
import ssl
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

import h2.events
import h2.exceptions
from intruder import Caller, Identity

from . import kin, routes, state
from .connections import Connections
from .forms import Request, Signer, now, told_versions
from .target import Target

MESSAGES = {
    "sync-operations": state.operations, "sync-insights": state.insights, "sync-seen": state.seen,
    "sync-future": state.future, "sync-removals": state.removals, "sync-conflicts": state.conflicts,
    "sync-replicas": state.replicas, "sync-claims": state.claims, "sync-asking": state.asking,
    "sync-sizes": state.sizes,
    "trust-statements": kin.statements, "trust-equivocations": kin.equivocations, "trust-friends": kin.friends_state,
    "trust-bad": kin.bad_statements, "trust-versions": kin.ledger_versions,
    "gossip-members": kin.made_up_members, "gossip-suspicions": kin.suspicions, "gossip-names": kin.names,
    "gossip-questions": kin.questions,
    "sessions": routes.sessions, "hello": routes.hello, "converse": routes.converse, "generate": routes.generate,
    "embed": routes.embed, "count": routes.count, "pass": routes.passing, "models": routes.models,
    "observing": routes.observing, "ordering": routes.ordering, "cell": routes.cell, "cell-filling": routes.filling,
    "pairing": routes.pairing,
}  # fmt: skip
# What a kin may do to the shared state until it is forgotten, and nobody undoes: see docs/threat-model.md.
BEYOND = {"sync-forged": state.forged, "sync-erasing": state.erasing}
SPOILT = "spoilt"
FRAMES = ("resets", "streams", "settings", "continuations", "frames", "noise", "many", "half_open", "unread")
KINDS = [*MESSAGES, SPOILT, *(f"http2-{name}" for name in FRAMES)]
# Connections with requests at once to each node: what may be large is taken of a kin four at a time.
WORKERS = 3
# Seconds that an answer is waited for.
PATIENCE = 15
# A request that takes so many seconds is remembered, for what may have waited for it.
LONG = 0.02


@dataclass
class Limits:
    """What the thief may take of the machine: a share of a core, requests and bytes per second."""

    core: float = 0.5
    requests: float = 60
    bytes: float = 2e6


class Budget:
    """Waits where more would be taken than the limits allow; used by several threads."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.at = time.monotonic()
        self.lock = threading.Lock()
        self.work = time.process_time()

    def spend(self, size: int, requests: int = 1) -> None:
        with self.lock:
            cost = max(requests / self.limits.requests, size / self.limits.bytes)
            worked = time.process_time() - self.work
            self.work += worked
            self.at = max(self.at, time.monotonic() - 1) + max(cost, worked / self.limits.core)
            pause = self.at - time.monotonic()
        if pause > 0.001:
            time.sleep(min(pause, 5))


class Leaver(Caller):
    """A connection on which requests can be left before their end."""

    def leave(self, asked: Request) -> str:
        stream = self.h2.get_next_available_stream_id()
        headers = [
            (":method", asked.method),
            (":scheme", "https"),
            (":authority", "kith"),
            (":path", asked.path),
            *asked.more,
        ]
        if asked.body:
            headers += [("content-type", asked.type), ("content-length", str(len(asked.body)))]
        unread = asked.way == "unread"
        self.h2.send_headers(stream, headers, end_stream=not asked.body and unread)
        if asked.body:
            part = (
                asked.body[: self._room(stream)]
                if unread
                else asked.body[: min(self._room(stream), len(asked.body) // 2)]
            )
            self.h2.send_data(stream, part, end_stream=unread and len(part) == len(asked.body))
        self._send()
        if asked.way == "half":
            return "left half-way"
        if unread:
            self._take(0.2)
        self.h2.reset_stream(stream, 8)
        self._send()
        return "left"

    def _take(self, limit: float) -> None:
        """Reads what comes within the time, so that the connection goes on."""
        self.socket.settimeout(limit)
        try:
            for event in self.h2.receive_data(self.socket.recv(65536)):
                if isinstance(event, h2.events.ConnectionTerminated):
                    raise ConnectionError("the node ended the connection")
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(PATIENCE)


@dataclass
class Attack:
    """All that the process of the thief knows."""

    folder: object
    ports: dict[str, int]
    members: list[bytes]
    seed: int
    kinds: list[str]
    limits: Limits = field(default_factory=Limits)

    def run(self, over, told) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.over, self.answers, self.bytes, self.lock = over, Counter(), Counter(), threading.Lock()
        self.long: deque[tuple[float, float, str, str]] = deque(maxlen=200_000)
        self.identity = Identity.of(self.folder)
        signer = Signer.read(self.identity.key)
        self.budget = Budget(self.limits)
        began, chance = time.process_time(), random.Random(self.seed)
        at = time.monotonic()
        started = now()
        threads = []
        for name, port in [*self.ports.items()] * WORKERS:
            target = Target(
                name,
                port,
                random.Random(chance.random()),
                signer,
                self.members,
                [*self.ports, "thief"],
                started=started,
            )
            threads.append(threading.Thread(target=self._attack, args=(target,), daemon=True))
            threads[-1].start()
        while not over.wait(1):
            pass
        for thread in threads:
            thread.join(PATIENCE + 5)
        share = (time.process_time() - began) / (time.monotonic() - at)
        with self.lock:
            told.put((self.answers, self.bytes, share, list(self.long)))

    def _attack(self, target: Target) -> None:
        connections = Connections(self.identity, "127.0.0.1", self.budget.spend)
        caller = None
        while not self.over.is_set():
            kind = target.chance.choice(self.kinds)
            if kind.startswith("http2-"):
                self.budget.spend(0)
                began = time.monotonic()
                self._note(kind, getattr(connections, kind[6:])(target), 0, began, target.name)
                continue
            try:
                for asked in self._requests(kind, target):
                    if self.over.is_set():
                        break
                    self.budget.spend(len(asked.body))
                    caller = caller or Leaver(target.port, "127.0.0.1", self.identity, PATIENCE)
                    began = time.monotonic()
                    self._note(kind, self._send(caller, asked, target), len(asked.body), began, target.name)
                if target.chance.random() < 0.05 and caller:
                    caller, _ = None, caller.socket.close()
            except (OSError, ssl.SSLError, h2.exceptions.ProtocolError) as failure:
                self._note(kind, f"no answer: {type(failure).__name__}")
                if caller:
                    caller.socket.close()
                caller = None
                time.sleep(0.1)
        connections.close()

    def _requests(self, kind: str, target: Target):
        if kind != SPOILT:
            return (MESSAGES | BEYOND)[kind](target)
        kept = MESSAGES[target.chance.choice(self.spoilable)](target)
        return (self._spoilt(asked, target.chance) for asked in kept)

    # Their valid messages are worth spoiling.
    spoilable = [
        "sync-operations", "sync-seen", "sync-replicas", "trust-statements", "gossip-members", "gossip-suspicions",
        "sessions", "generate", "embed", "count", "pass", "cell", "hello",
    ]  # fmt: skip

    @staticmethod
    def _spoilt(asked: Request, chance: random.Random) -> Request:
        body = bytearray(asked.body[:400_000])
        if chance.random() < 0.4:
            del body[chance.randrange(len(body) + 1) :]
        if body and chance.random() < 0.8:
            for _ in range(chance.choice([1, 3, 30])):
                body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.2:
            body[chance.randrange(len(body) + 1) :] = chance.randbytes(chance.randrange(2_000))
        return Request(asked.path, bytes(body), asked.type, asked.method)

    def _send(self, caller: Leaver, asked: Request, target: Target) -> str:
        if asked.way != "whole":
            return caller.leave(asked)
        reply = caller.request(asked.method, asked.path, asked.body, asked.type, asked.more)
        if asked.path == "/peer/v1/state" and reply.status == 200:
            target.known = told_versions(reply.body)
        return str(reply.status) if reply.refusal is None else f"403 {reply.refusal}"

    def _note(self, kind: str, how: str, size: int = 0, began: float = 0, node: str = "") -> None:
        with self.lock:
            self.answers[kind, how] += 1
            self.bytes[kind] += size
            if began and time.monotonic() - began > LONG:
                self.long.append((began, time.monotonic(), kind, node))


class Thief:
    """The process, from outside."""

    def __init__(self, attack: Attack):
        # Forked before this process has threads of its own.
        context = multiprocessing.get_context("fork")
        self.over, self.told = context.Event(), context.Queue()
        self.process = context.Process(target=attack.run, args=(self.over, self.told), daemon=True)
        self.process.start()

    def end(self) -> tuple[Counter, Counter, float, list[tuple[float, float, str, str]]]:
        """How what it sent was answered, the bytes of each kind, its share of a core, and what took long."""
        self.over.set()
        try:
            return self.told.get(timeout=PATIENCE + 30)
        except queue.Empty:
            return Counter({("all", "the thief itself did not end"): 1}), Counter(), 0.0, []

    def stop(self) -> None:
        self.over.set()
        self.process.kill()
