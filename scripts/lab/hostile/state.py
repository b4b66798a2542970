# SPDX-License-Identifier: Apache-2.0
"""What a thief can say about the state that kin share. All that it writes has keys that begin with `thief-`."""

from __future__ import annotations

import json
from typing import Iterator

from .forms import ALERT, CONTEXT, INSIGHT, LEVEL, SILENCE, Range, Replica, Request, Sync, Write, now
from .target import Target

# Operations and bytes of one message that a node reads.
OPERATIONS, BYTES = 8_192, 4 << 20
DAY = 86_400_000


def _value(target: Target, size: int) -> bytes:
    return json.dumps(f"thief-{target.chance.randrange(1 << 30)}" + "x" * target.chance.randrange(size)).encode()


def _log(target: Target, writes: list[Write], up_to: int | None = None) -> Request:
    """The writes as the next of the thief's own log at this node; now and then it begins another log."""
    since = target.written
    for place, write in enumerate(writes):
        write.sequence = since + 1 + place
    target.written = since + len(writes)
    own = target.own_log
    return Sync({own: target.written}, ranges=[Range(own, since, up_to or target.written, writes)]).request()


def operations(target: Target) -> Iterator[Request]:
    """Thousands of keys of every kind."""
    chance = target.chance
    if chance.random() < 0.2:
        target.begin_log()
    kinds = [CONTEXT] * 6 + [LEVEL, INSIGHT, ALERT, SILENCE]
    for _ in range(3):
        writes = []
        for _ in range(chance.choice([1, 50, 500, 2_000])):
            kind = chance.choice(kinds)
            name = f"thief-{chance.randrange(20_000)}"
            value = b"%d" % chance.randrange(10) if kind == LEVEL else _value(target, 60)
            writes.append(Write(0, name, value, kind))
        yield _log(target, writes)


def insights(target: Target) -> Iterator[Request]:
    """Sentences of a culture that nobody learned."""
    writes = []
    for _ in range(target.chance.randrange(1, 100)):
        name = f"{target.chance.randrange(1 << 127):032x}"
        told = {
            "id": name, "text": "thief-wisdom " + "x" * target.chance.randrange(800), "topic": "thief-topic",
            "peer": "thief-peer", "tier": "kin", "exchange": "thief-exchange", "node": target.thief.id,
            "learned_at": now(), "quality": 1, "standing": target.chance.choice(["live", "waiting", "archived"]),
            "reason": "private", "reinforcements": [],
        }  # fmt: skip
        writes.append(Write(0, name, json.dumps(told).encode(), INSIGHT))
    yield _log(target, writes)


def seen(target: Target) -> Iterator[Request]:
    """Writes that claim to have seen as many logs as may be, and one more."""
    chance = target.chance
    for size in (256, chance.choice([255, 257, 1_000])):
        logs = {
            (chance.choice(target.members), chance.randrange(1 << 64)): 1 + chance.randrange(1 << 62)
            for _ in range(size)
        }
        count = chance.choice([1, 20, 200])
        yield _log(target, [Write(0, f"thief-seen-{chance.randrange(200)}", b"1", seen=logs) for _ in range(count)])
        target.begin_log()


def future(target: Target) -> Iterator[Request]:
    """Writes and removals whose time has not come, or never comes."""
    chance = target.chance
    writes = []
    for _ in range(chance.choice([10, 500, 2_000])):
        ahead = chance.choice([200_000, 310_000, 20 * DAY, 100_000 * DAY, -20_000 * DAY])
        value = None if chance.random() < 0.3 else _value(target, 40)
        at = min((1 << 48) - 1, max(0, now() + ahead))
        writes.append(Write(0, f"thief-{chance.randrange(5_000)}", value, milliseconds=at))
    yield _log(target, writes)
    target.begin_log()


def removals(target: Target) -> Iterator[Request]:
    """Removals of what was never there."""
    count = target.chance.choice([100, 2_000])
    yield _log(target, [Write(0, f"thief-gone-{target.chance.randrange(1 << 40)}", None) for _ in range(count)])


def conflicts(target: Target) -> Iterator[Request]:
    """Thousands of values for one key, none of which has seen another: each from a log of its own, and in one."""
    chance = target.chance
    name = f"thief-conflict-{chance.randrange(3)}"
    for _ in range(20):
        target.begin_log()
        yield _log(target, [Write(0, name, _value(target, 2_000))])
    yield _log(target, [Write(0, name, _value(target, 200)) for _ in range(2_000)])


def replicas(target: Target) -> Iterator[Request]:
    """Logs of nodes that nobody knows, many logs of its own, and empty ones of nodes that are known."""
    chance = target.chance
    strangers = [(chance.randbytes(32), chance.randrange(1 << 64)) for _ in range(chance.choice([10, 1_000, 4_000]))]
    yield Sync(
        {log: 1 for log in strangers}, ranges=[Range(log, 0, 1, [Write(1, "thief-s", b"1")]) for log in strangers]
    ).request()
    own = [(target.thief.digest, chance.randrange(1 << 64)) for _ in range(chance.choice([17, 300]))]
    yield Sync(
        {log: 1 for log in own}, ranges=[Range(log, 0, 1, [Write(1, f"thief-{log[1]}", b"2")]) for log in own]
    ).request()
    known = [(chance.choice(target.members), chance.randrange(1 << 64)) for _ in range(chance.choice([1, 17, 500]))]
    yield Sync({log: 9 for log in known}, ranges=[Range(log, 0, 9) for log in known]).request()


def claims(target: Target) -> Iterator[Request]:
    """Versions and floors that nobody has, and ranges with gaps, also in logs of others."""
    chance = target.chance
    known = dict(target.known)
    yield Sync({log: last + chance.randrange(1, 1 << 40) for log, last in known.items()}).request()
    yield Sync({}, {log: (1 << 63) - 1 for log in known}, holdings=[]).request()
    own = target.own_log
    yield Sync({own: 1 << 62}, ranges=[Range(own, 1 << 61, 1 << 62, [Write(1 << 62, "thief-gap", b"1")])]).request()
    for log, last in list(known.items())[:4]:
        if chance.random() < 0.2:
            yield Sync({log: last + 1_000}, ranges=[Range(log, last, last + chance.choice([1, 1_000]))]).request()
    target.begin_log()


def asking(target: Target) -> Iterator[Request]:
    """Everything, again and again, as one that knows nothing."""
    for _ in range(3):
        yield Sync().request(way=target.chance.choice(["whole", "unread", "reset"]))


def sizes(target: Target) -> Iterator[Request]:
    """Messages as large as may be, and larger; values as large as may be, and larger."""
    chance = target.chance
    largest = chance.choice([65_536, 65_537, 65_000])
    count = chance.choice([1, 20, 62, 66])
    target.begin_log()
    yield _log(
        target,
        [Write(0, f"thief-huge-{chance.randrange(2_000)}", b'"' + b"x" * (largest - 2) + b'"') for _ in range(count)],
    )
    target.begin_log()
    count = chance.choice([OPERATIONS, OPERATIONS + 1])
    yield _log(
        target, [Write(0, f"thief-{chance.randrange(9_999)}", b"0", source="t", milliseconds=1) for _ in range(count)]
    )
    target.begin_log()
    if chance.random() < 0.2:
        yield Request(
            "/peer/v1/state",
            chance.randbytes(1_000) * (BYTES // 1_000 + chance.randrange(2_000)),
            "application/octet-stream",
        )


def forged(target: Target) -> Iterator[Request]:
    """Writes in the name of other kin, in logs that they never began."""
    chance = target.chance
    logs: list[Replica] = [(chance.choice(target.members), chance.randrange(1 << 64)) for _ in range(3)]
    yield Sync(ranges=[Range(log, 0, 1, [Write(1, f"thief-forged-{log[1] % 100}", b"1")]) for log in logs]).request()


def erasing(target: Target) -> Iterator[Request]:
    """The lie that everything was removed long ago."""
    known = dict(target.known)
    yield Sync(known, known, holdings=[(log, last, []) for log, last in known.items()]).request()
