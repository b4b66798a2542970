# SPDX-License-Identifier: Apache-2.0
"""What a thief can ask of every other route of the peer port."""

from __future__ import annotations

import json
from typing import Iterator

from joiner import base32

from .forms import Request, now
from .target import Target


def _json(path: str, body, **more) -> Request:
    return Request(path, json.dumps(body).encode(), **more)


def _way(target: Target) -> str:
    return target.chance.choice(["whole", "reset", "half", "unread"])


def sessions(target: Target) -> Iterator[Request]:
    """Conversations by the hundred: short, long, again under the same name, and such as no node keeps."""
    chance = target.chance
    for _ in range(chance.choice([10, 40])):
        pairs = chance.choice([1, 1, 1, 20, 200])
        turns = []
        for _ in range(pairs):
            text = "thief-said " + "x" * chance.choice([10, 100, 3_000])
            turns += [
                {"role": "user", "text": text, "at": now()},
                {"role": "assistant", "text": text, "at": now(), "outcome": "completed"},
            ]
        name = f"thief-{chance.randrange(20_000)}"
        count = chance.choice([pairs, pairs, pairs, 1 << 39, 0, -1])
        yield _json(
            "/peer/v1/sessions",
            {"id": name, "createdAt": now(), "lastUsedAt": now(), "turnCount": count, "turns": turns},
        )
    if chance.random() < 0.1:
        turns = [
            {"role": "user", "text": "thief-" + "x" * (1 << 20), "at": 0},
            {"role": "assistant", "text": "y" * (1 << 20), "at": 0, "outcome": "failed"},
        ]
        yield _json(
            "/peer/v1/sessions",
            {"id": "thief-long", "createdAt": 0, "lastUsedAt": 1 << 62, "turnCount": 1, "turns": turns},
        )


def hello(target: Target) -> Iterator[Request]:
    """Greetings under the names of others and of versions that nobody speaks; the last can be talked to again."""
    chance = target.chance
    ports = [f"127.0.0.1:{chance.randrange(1, 1_000)}" for _ in range(chance.choice([0, 1, 64]))]
    for versions in ({"lowest": 7, "highest": 9}, {"lowest": 9, "highest": 1}, {"lowest": 1, "highest": 1}):
        yield _json("/peer/v1/hello", {
            "name": chance.choice(target.names), "version": "v" * chance.choice([1, 5_000]), "protocols": versions,
            "features": ["f"] * chance.choice([0, 500]), "addresses": ports,
            "instance": {"startedAt": now(), "salt": chance.randrange(1 << 63)},
        })  # fmt: skip
    yield _json(
        "/peer/v1/hello",
        {
            "name": "thief",
            "version": "1",
            "protocols": {"lowest": 1, "highest": 1},
            "features": [],
            "instance": {"startedAt": now(), "salt": 7},
            "addresses": [],
        },
    )


def converse(target: Target) -> Iterator[Request]:
    chance = target.chance
    prompt = chance.choice(["what is time?", "", "x" * 60_000, "thief-\u202e\x07", "x" * 70_000])
    yield _json(
        "/peer/v1/converse",
        {"prompt": prompt, "temperature": chance.choice([0.5, -1, 1e308]), "max_tokens": chance.choice([1, 1 << 62])},
        way=_way(target),
    )


def generate(target: Target) -> Iterator[Request]:
    """Prompts that are left half-way, in every way there is."""
    chance = target.chance
    line = {
        "id": f"thief-{chance.randrange(1 << 40)}",
        "kind": chance.choice(["chat", "completion", "nothing"]),
        "maxTokens": chance.choice([None, 1, 1 << 40]),
    }
    text = "thief " * chance.choice([1, 1_000, 100_000])
    body = {"messages": [{"role": "user", "content": text}], "stream": chance.random() < 0.7, "prompt": text}
    asked = json.dumps(line).encode() + chance.choice([b"\n", b"\n", b""]) + json.dumps(body).encode()
    limit = [("x-kith-timeout-ms", chance.choice(["1", "5000", "86400001", "x"]))] if chance.random() < 0.5 else []
    yield Request("/peer/v1/generate", asked, "application/x-kith-question", more=limit, way=_way(target))


def embed(target: Target) -> Iterator[Request]:
    chance = target.chance
    count = chance.choice([1, 100, 5_000])
    yield _json(
        "/peer/v1/embed",
        {
            "id": "thief-e",
            "inputs": ["thief " * chance.choice([1, 100])] * count,
            "inputCount": chance.choice([count, 1 << 40, -1]),
        },
        way=_way(target),
    )


def count(target: Target) -> Iterator[Request]:
    size = target.chance.choice([1, 100_000])
    request = {
        "id": "thief-c",
        "kind": "chat",
        "messages": [{"role": "user", "content": [{"text": "thief " * size}]}],
        "sampling": {},
        "extensions": {},
    }
    yield _json("/peer/v1/count", request, way=_way(target))


def passing(target: Target) -> Iterator[Request]:
    chance = target.chance
    line = {
        "id": "thief-p",
        "service": chance.choice(["/rerank", "/audio/speech", "/audio/transcriptions", "/models"]),
        "contentType": chance.choice(["application/json", "multipart/form-data; boundary=b"]),
    }
    body = chance.choice([b'{"model": "m", "input": "thief"}', b"--b\r\n" * 2_000, chance.randbytes(200_000)])
    yield Request(
        "/peer/v1/pass", json.dumps(line).encode() + b"\n" + body, "application/x-kith-passage", way=_way(target)
    )


def models(target: Target) -> Iterator[Request]:
    for _ in range(5):
        yield Request("/peer/v1/models", method="GET", way=target.chance.choice(["whole", "unread"]))


def observing(target: Target) -> Iterator[Request]:
    """Traces of nothing, and logs that are followed and left."""
    chance = target.chance
    yield Request("/peer/v1/trace/" + chance.choice(["x", "a" * 32, "../../etc", "%00", "t" * 9_000]), method="GET")
    for query in (
        "n=1000&level=trace",
        "n=-1",
        "n=99999999999999999999",
        "follow=1",
        "follow=1&level=trace",
        "level=thief",
    ):
        yield Request(f"/peer/v1/logs?{query}", method="GET", way="unread" if "follow" in query else "whole")


def ordering(target: Target) -> Iterator[Request]:
    """Models that are to be got and removed under names that are none, by deeds that nobody knows."""
    chance = target.chance
    names = ["", "thief", "../../etc/passwd", "http://127.0.0.1:1/x", "x" * 9_000, "a\n\u001b[2J", "auto", 7, None]
    for deed in ("list", "show", "load", "unload", "remove", "copy", "cancel", "thief"):
        order = {
            "deed": deed, "name": chance.choice(names), "force": chance.choice([True, "yes", None]),
            "for_seconds": chance.choice([None, -1, 1 << 70]), "as": chance.choice(names),
        }  # fmt: skip
        yield _json("/peer/v1/model-orders", order, way=_way(target))
    yield _json("/peer/v1/model-pulls", {"name": chance.choice(names)}, way=_way(target))


def cell(target: Target) -> Iterator[Request]:
    """The role cell: its health, code to look at, and levels. What is synced has the thief's source."""
    chance = target.chance
    yield Request("/peer/v1/cell/health", method="GET")
    context = chance.choice(
        [None, {}, {"thief-key": "x" * 60_000}, {f"thief-{n}": n for n in range(500)}, {"thief": [[[[[]]]]] * 50}]
    )
    yield _json(
        "/peer/v1/cell/code-assist",
        {
            "code": "thief " * chance.choice([1, 10_000, 180_000]),
            "context": context,
            "action": chance.choice(["analyze", "thief"]),
        },
        way=_way(target),
    )
    for level in (chance.random() * 10, 11, -1, 1e308):
        key = [("idempotency-key", f"thief-{chance.randrange(1 << 40)}")]
        yield _json(
            "/peer/v1/cell/sync-consciousness", {"level": level, "context": context, "source": "thief-source"}, more=key
        )


def filling(target: Target) -> Iterator[Request]:
    """As much as one synchronisation of a cell takes, under new keys: the node writes it, in its own name."""
    for _ in range(3):
        context = {f"thief-{target.chance.randrange(1 << 40)}": "x" * 16_000 for _ in range(60)}
        yield _json("/peer/v1/cell/sync-consciousness", {"level": 1, "context": context, "source": "thief-source"})


def pairing(target: Target) -> Iterator[Request]:
    """Pairing with codes that nobody gave; few, as they are counted."""
    chance = target.chance
    invitation = base32(chance.randbytes(16))
    yield _json("/pair/v1/hello", {"invitation": invitation, "nonce": base32(chance.randbytes(32))})
    yield _json(
        "/pair/v1/proof",
        {
            "challenge": base32(chance.randbytes(32)),
            "mac": base32(chance.randbytes(32)),
            "introduction": {"name": "thief", "addresses": []},
        },
    )
