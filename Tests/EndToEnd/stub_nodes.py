# SPDX-License-Identifier: Apache-2.0
"""Nodes whose engine is a stub, and how a test asks them and reads what they say."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab import web
from lab.peer import PeerNode, befriend
from stub_engine import MODEL, StubEngine
from surroundings import KITH

GUARD = 60
CHAT = "/v1/chat/completions"


def node_with(engine: StubEngine, folder: Path, name: str = "near", *flags: str, **settings: str) -> PeerNode:
    """A node that is not started yet."""
    settings = {"OPENAI_BASE_URL": engine.url, "OPENAI_API_KEY": "unused", **settings}
    return PeerNode(
        KITH, folder / name, name, None, "openai", ["--mdns", "off", *flags], more_environment=settings
    )  # fmt: skip


@dataclass
class Pair:
    """A node with the engine, and its kin, which has none; both can be asked."""

    near: PeerNode
    far: PeerNode

    @property
    def ways(self) -> dict[str, PeerNode]:
        return {"directly": self.near, "through a kin": self.far}

    def stop(self) -> None:
        for node in (self.far, self.near):
            node.stop()


def pair_with(engine: StubEngine, folder: Path, *flags: str, **settings: str) -> Pair:
    return _started(node_with(engine, folder, "near", *flags, **settings), folder, settings)


def pair_of(engine: str, folder: Path) -> Pair:
    """With one of the test engines."""
    return _started(PeerNode(KITH, folder / "near", "near", None, engine, ["--mdns", "off"]), folder, {})


def _started(near: PeerNode, folder: Path, settings: dict[str, str]) -> Pair:
    far = PeerNode(KITH, folder / "far", "far", None, "none", ["--mdns", "off"], more_environment=settings)
    pair = Pair(near, far)
    try:
        near.start()
        far.start(path="/health/live")
        befriend([near, far])
        far.wait(GUARD)
    except BaseException:
        pair.stop()
        raise
    return pair


@dataclass
class Heard:
    """An answer that has come whole, streamed or not."""

    status: int
    headers: object
    body: bytes

    @property
    def streamed(self) -> bool:
        return (self.headers.get("content-type") or "").startswith("text/event-stream")

    @property
    def lines(self) -> list[str]:
        """As some clients take them: they also split at the less known ends of lines, such as U+2028."""
        return self.body.decode().splitlines()

    @property
    def comments(self) -> list[str]:
        return [line[1:].strip() for line in self.lines if line.startswith(":")]

    def events(self, **options) -> list:
        """What stands in its `data:` lines, `[DONE]` left out; options go to the JSON parser."""
        told = [line[5:].strip() for line in self.lines if line.startswith("data:")]
        return [json.loads(one, **options) for one in told if one != "[DONE]"]

    @property
    def is_done(self) -> bool:
        return any(line.removeprefix("data:").strip() == "[DONE]" for line in self.lines)

    @property
    def error(self) -> dict | None:
        told = self.events() if self.streamed else [json.loads(self.body or b"{}")]
        return next((one["error"] for one in told if one.get("error")), None)

    @property
    def text(self) -> str:
        if not self.streamed:
            return json.loads(self.body)["choices"][0]["message"]["content"]
        deltas = [choice["delta"] for one in self.events() for choice in one.get("choices") or []]
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def finish(self) -> str | None:
        ends = [choice.get("finish_reason") for one in self.events() for choice in one.get("choices") or []]
        return next((end for end in ends if end), None)

    def __str__(self) -> str:
        return f"{self.status} {dict(self.headers)} {self.body[:600]!r}"


def ask(node: PeerNode, words: str = "hi", headers=None, path: str = CHAT, timeout: float = GUARD, **fields) -> Heard:
    """Asks for an answer of the stub's model, if no other is named."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": words}], **fields}
    return send(node, json.dumps(body).encode(), headers, path, timeout)


def send(node: PeerNode, body: bytes, headers=None, path: str = CHAT, timeout: float = GUARD) -> Heard:
    answer = web.request(node.port, "POST", path, body, timeout, headers)
    return Heard(answer.status, answer.headers, answer.body)


def ask_at_once(node: PeerNode, count: int, **fields) -> list[Heard]:
    """So many clients with the words `0`, `1` and so on."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda number: ask(node, str(number), **fields), range(count)))
