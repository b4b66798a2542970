# SPDX-License-Identifier: Apache-2.0
"""What a thief can say about who is kin, and about who is there.

It forgets nobody: that it may, and pairing again is the owner's answer to it. All addresses are of this machine.
"""

from __future__ import annotations

import base64
import json
from typing import Iterator

from joiner import base32, node_id

from .forms import Request, Signer, gossip, instance, member, now
from .target import Target

PING, ACK, NEGATIVE, PING_REQUEST, DESCRIBE, DIGEST, DIFFERENCES, CLONE = range(1, 9)
# Statements of one message that are read, and epochs that there may be.
BATCH, EPOCHS = 256, 1_000_000
# Made once: a key costs more than a statement.
_friends: list[Signer] = []


def _friend(target: Target) -> Signer:
    if len(_friends) < 100:
        _friends.append(Signer.made())
    return target.chance.choice(_friends)


def _message(statements: list[dict], versions: list[dict] | None = None) -> Request:
    return Request("/peer/v1/operations", json.dumps({"versions": versions or [], "operations": statements}).encode())


def statements(target: Target) -> Iterator[Request]:
    """Of its own: it admits whom it makes up, under numbers and epochs that lead somewhere or nowhere."""
    chance = target.chance
    batch = []
    for _ in range(chance.choice([1, 20, 100])):
        target.stated = 1 + target.stated % 2_100
        epoch = chance.choice([1, 1, 1, 2, EPOCHS, EPOCHS + 1, (1 << 64) - 1])
        subject = chance.choice([_friend(target).digest, chance.randbytes(32), target.thief.digest])
        batch.append(target.thief.states(target.stated, subject, epoch))
    yield _message(batch)


def equivocations(target: Target) -> Iterator[Request]:
    """Other words under the same numbers, and forgettings of those it made up far ahead."""
    chance = target.chance
    numbers = [1 + chance.randrange(2_000) for _ in range(chance.choice([5, 50]))]
    yield _message([target.thief.states(number, chance.randbytes(32), EPOCHS, False) for number in numbers])


def friends_state(target: Target) -> Iterator[Request]:
    """By throw-away authors, some of whom it has admitted: they admit each other and further ones."""
    chance = target.chance
    batch = []
    for _ in range(chance.choice([5, 60])):
        author = _friend(target)
        batch.append(author.states(1 + chance.randrange(2_000), chance.randbytes(32), chance.choice([1, 2, EPOCHS])))
    yield _message(batch)


def bad_statements(target: Target) -> Iterator[Request]:
    """Signatures that are wrong, statements filed under others, and more of them than a message has."""
    chance = target.chance
    good = target.thief.states(1, chance.randbytes(32), 1)
    batch = []
    for _ in range(chance.choice([1, BATCH, BATCH + 1])):
        spoilt = bytearray(base64.b64decode(good["bytes"]))
        if chance.random() < 0.8:
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
        author = chance.choice([good["author"], node_id(chance.choice(target.others))])
        sequence = chance.choice([1, 2, 0, (1 << 64) - 1])
        batch.append({"author": author, "sequence": sequence, "bytes": base64.b64encode(spoilt).decode()})
    yield _message(batch)
    yield _message([{"author": good["author"], "sequence": 1, "bytes": base64.b64encode(bytes(4_097)).decode()}])


def ledger_versions(target: Target) -> Iterator[Request]:
    """What it claims to hold: of everybody everything, or of nodes that nobody knows."""
    chance = target.chance
    digests = [base32(chance.randbytes(32)) for _ in range(chance.choice([0, 1, 16, 17]))]
    count = chance.choice([1, 1_024, 1_025])
    authors = [node_id(each) for each in target.members] + [
        node_id(chance.randbytes(32)) for _ in range(min(count, 200))
    ]
    lines = [
        {"author": authors[n % len(authors)], "last": chance.choice([0, 2_000, (1 << 64) - 1]), "digests": digests}
        for n in range(count)
    ]
    yield _message([], lines)


# Who is there


def _load(target: Target, name: str) -> bytes:
    chance = target.chance
    load = {
        "name": name, "version": "0", "protocols": {"lowest": 1, "highest": 1}, "catalogue": chance.randrange(1 << 63),
        "loading": False, "slots": chance.choice([0, 1, 1 << 40]), "outstanding": 0, "level": chance.random() * 10,
        "isCell": True, "clientAddress": "127.0.0.1:9",
    }  # fmt: skip
    return json.dumps(load).encode()


def _packet(target: Target, messages: list, members: list[bytes], leaving: bool = False) -> Request:
    target.incarnation += 1
    return gossip(instance(target.started, 7), target.incarnation, messages, members, leaving, target.incarnation)


def made_up_members(target: Target) -> Iterator[Request]:
    chance = target.chance
    members = []
    for _ in range(chance.choice([1, 100, 512])):
        payload = _load(target, "thief-ghost") if chance.random() < 0.1 else None
        members.append(
            member(
                chance.randbytes(32),
                chance.randrange(5),
                chance.randrange(1 << 60),
                instance(now(), 1),
                None,
                9,
                payload,
            )
        )
    yield _packet(target, [(DIFFERENCES, b"")], members)


def suspicions(target: Target) -> Iterator[Request]:
    """That honest nodes do not answer, are dead or have left, and that nodes which do not answer accuse them."""
    chance = target.chance
    members = []
    for node in target.others * 8:
        state = chance.choice([2, 3, 4])
        incarnation = chance.choice([0, 1, 2, 900, 1 << 60])
        who = instance(chance.choice([target.started, now() + 86_400_000, 0]), chance.randrange(1 << 64))
        accusers = [chance.choice(target.members) for _ in range(4)] if state == 2 else []
        members.append(member(node, state, incarnation, chance.choice([who, None]), accusers))
    yield _packet(target, [], members)


def names(target: Target) -> Iterator[Request]:
    """That it is called as others are, that others are called as it is, and are elsewhere on this machine."""
    chance = target.chance
    nobody = [f"127.0.0.1:{chance.randrange(1, 1_000)}" for _ in range(chance.choice([1, 16]))]
    own = member(
        target.thief.digest,
        1,
        target.incarnation,
        instance(target.started, 7),
        None,
        target.incarnation,
        _load(target, chance.choice(target.names)),
        nobody,
    )
    lies = [
        member(node, 1, 1, None, None, chance.choice([5, 90_000, 1 << 62]), _load(target, "thief-name"), nobody)
        for node in target.others
    ]
    huge = [member(node, 1, 1, None, None, 1 << 63, bytes(chance.choice([4_096, 4_097])), []) for node in target.others]
    yield _packet(target, [(DIFFERENCES, b"")], [own, *lies])
    yield _packet(target, [], huge)


def questions(target: Target) -> Iterator[Request]:
    """As many messages as a packet holds: pings by way of others, digests, copies of honest nodes."""
    chance = target.chance
    number = bytes([chance.randrange(128)])
    clones = [(CLONE, node + instance(1, 1) + instance(now(), 2)) for node in target.members]
    asked = [
        (PING, number),
        (PING_REQUEST, number + chance.choice(target.others)),
        (PING_REQUEST, number + chance.randbytes(32)),
    ]
    asked += [(DESCRIBE, b""), (DIGEST, b""), (ACK, number), (NEGATIVE, number), (99, b"later")]
    yield _packet(target, [chance.choice(asked) for _ in range(chance.choice([64, 65, 10]))], [])
    yield _packet(target, clones, [])
    yield _packet(target, [(PING, number)], [], leaving=chance.random() < 0.5)
