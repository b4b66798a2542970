# SPDX-License-Identifier: Apache-2.0
"""A node with many peers and a busy day, as its page sees it: the files come from a real node, everything else is made up.

Peers change, requests run and end, at so many events a second; insights are listed by the thousand.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

from . import web

MODELS = ["llama3.2", "qwen3:8b", "gpt-oss:20b", "smollm2"]


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Crowd(threading.Thread):
    """A context manager: serves on a free port of loopback until it is left."""

    def __init__(self, files_from: int, peers: int, insights: int, rate: float, seed: int = 1):
        super().__init__(daemon=True)
        self.files_from = files_from
        self.rate = rate
        self.random = random.Random(seed)
        self.peers = [self._peer(number) for number in range(peers)]
        self.insights = [self._insight(number) for number in range(insights)]
        self.recent = [self._route(number) for number in range(256)]
        self.port = 0
        self._files: dict[str, web.Answer] = {}
        self._began = threading.Event()
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> "Crowd":
        self.start()
        self._began.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end)

    def run(self) -> None:
        async def begin() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            self._began.set()

        self._loop.create_task(begin())
        self._loop.run_forever()

    # What is said

    def _end(self) -> None:
        """Lets what is served come to its end before the loop does."""
        serving = asyncio.all_tasks(self._loop)
        for task in serving:
            task.cancel()
        asyncio.gather(*serving, return_exceptions=True).add_done_callback(lambda _: self._loop.stop())

    def _peer(self, number: int) -> dict:
        return {
            "id": f"{number:07d}-peer", "name": f"machine-{number:02d}", "address": f"kith://127.0.0.1:{20_000 + number}",
            "addresses": [], "tier": "kin" if number % 4 else "kith", "state": "up", "level": 1.0,
            "models": self.random.sample(MODELS, 2), "active": 0, "slots": 4, "latency_ms": 1.0,
        }  # fmt: skip

    def _insight(self, number: int) -> dict:
        peer = f"machine-{number % 64:02d}"
        insight = {
            "id": f"{number:032x}", "text": f"What is repeated {number} times is remembered, and what is told is kept.",
            "topic": "memory", "peer": peer, "tier": "kith", "exchange": "e", "node": "n", "learned_at": number,
            "quality": 0.7, "standing": "live", "reinforcements": [],
        }  # fmt: skip
        learned = datetime.fromtimestamp(1_760_000_000 + 600 * number, timezone.utc).isoformat()
        return {"insight": insight, "score": 0.5, "times": 1, "learned": learned}

    def _route(self, number: int) -> dict:
        return {
            "id": f"req-{number}", "at": now(), "seconds_ago": 0, "node": self.random.choice(self.peers)["name"],
            "model": MODELS[0], "reason": "shortest-wait", "skipped": [], "continuations": [], "outcome": "completed",
            "first_token_ms": self.random.lognormvariate(4, 1), "duration_ms": 900.0, "tokens_per_second": 40.0,
        }  # fmt: skip

    def _answer(self, path: str, query: dict[str, list[str]]) -> object:
        engine = {"kind": "ollama", "state": "ready", "reason": "", "models": MODELS, "slots": 4, "active": 0, "queued": 0}
        if path == "/api/status":
            return {
                "node": "desk", "version": "0", "address": "", "uptime_seconds": 1, "level": 1, "draining": False,
                "engine": engine, "peers": self.peers, "sessions": 0, "turn_count": 0, "valence": 0,
            }  # fmt: skip
        if path == "/api/page/session":
            return {"kind": "owner", "scopes": ["chat", "assist", "sync", "peer", "read", "admin"]}
        if path == "/api/culture":
            limit = int(query.get("limit", ["50"])[0])
            shelf = query.get("shelf", ["live"])[0]
            return {"total": len(self.insights), "insights": self.insights[:limit] if shelf == "live" else []}
        if path == "/api/companion":
            return {"state": "waiting", "detail": "it waits", "insights": len(self.insights), "insights_waiting": 0, "peers": 4}
        return {
            "/api/routes/recent": {"requests": self.recent}, "/api/peers/nearby": {"nodes": [], "problems": []},
            "/api/companion/history": {"exchanges": []}, "/api/peers/reputation": {"peers": []},
            "/api/companion/refusals": {"counts": {}, "refusals": []}, "/api/levels": {"levels": []},
            "/api/alerts": {"alerts": [], "silences": []}, "/api/bridge": {"mode": None},
            "/api/context": {"context": [], "more": False}, "/api/sessions": {"sessions": []},
            "/api/sync": {"node": "desk", "level": 1, "operations": 0, "quarantined": 0, "versions": {}, "kin": []},
            "/api/vitals": {"answers": {}, "peers": [], "breakers": [], "usage": []},
        }.get(path, {})  # fmt: skip

    async def _events(self, writer: asyncio.StreamWriter) -> None:
        numbers = itertools.count(1)
        running: list[dict] = []
        next_beat = self._loop.time()
        while True:
            number = next(numbers)
            choice = self.random.random()
            if choice < 0.4 or not running:
                kind, fields = "request", {"id": f"live-{number}", "node": self.random.choice(self.peers)["name"], "model": MODELS[0]}
                running.append(fields)
            elif choice < 0.8:
                done = running.pop(0)
                kind, fields = "route", {**self._route(number), "id": done["id"], "node": done["node"]}
            else:
                peer = self.random.choice(self.peers)
                peer.update(latency_ms=self.random.uniform(0.3, 40), active=self.random.randrange(4))
                kind, fields = "mesh", dict(peer)
            data = json.dumps({"kind": kind, "at": now(), **fields})
            writer.write(f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode())
            await writer.drain()
            next_beat += 1 / self.rate
            await asyncio.sleep(max(0, next_beat - self._loop.time()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.decode("latin-1").split("\r\n")[0].split(" ")
                address = urlsplit(target)
                if address.path == "/api/events":
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: begun\n\n")
                    return await self._events(writer)
                if address.path.startswith("/api/"):
                    fields, body = {"Content-Type": "application/json"}, json.dumps(self._answer(address.path, parse_qs(address.query))).encode()
                else:
                    file = await self._loop.run_in_executor(None, self._file, target)
                    fields, body = dict(file.headers.items()), file.body
                    for name in [name for name in fields if name.lower() in ("content-length", "transfer-encoding", "connection")]:
                        del fields[name]
                lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
                writer.write(f"HTTP/1.1 200 OK\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _file(self, target: str) -> web.Answer:
        if target not in self._files:
            self._files[target] = web.request(self.files_from, "GET", target, headers={"Accept": "text/html,*/*"})
        return self._files[target]
