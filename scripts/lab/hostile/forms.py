# SPDX-License-Identifier: Apache-2.0
"""The forms in which nodes speak to each other, written a second time and without any check."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joiner import node_id

OCTETS, JSON = "application/octet-stream", "application/json"
LEVEL, CONTEXT, INSIGHT, ALERT, SILENCE = 1, 2, 3, 4, 5

# A log of the shared state: whose, and which of that node's.
Replica = tuple[bytes, int]


@dataclass
class Request:
    """What is sent to a peer port, and how it is left: at its end, in the middle, or before the answer is read."""

    path: str
    body: bytes = b""
    type: str = JSON
    method: str = "POST"
    more: list[tuple[str, str]] = field(default_factory=list)
    # `whole`, `reset` or `half` (of the body; the stream stays open), `unread` (reset once the answer begins).
    way: str = "whole"


def now() -> int:
    return int(time.time() * 1000)


def varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def prefixed(data: bytes) -> bytes:
    return varint(len(data)) + data


# The shared state


@dataclass
class Write:
    """One operation of a log. Without a value it is a removal."""

    sequence: int
    name: str
    value: bytes | None
    kind: int = CONTEXT
    seen: dict[Replica, int] = field(default_factory=dict)
    milliseconds: int | None = None
    source: str = "thief-source"

    @property
    def time(self) -> int:
        return (now() if self.milliseconds is None else self.milliseconds) << 16


@dataclass
class Range:
    replica: Replica
    since: int
    up_to: int
    writes: list[Write] = field(default_factory=list)


@dataclass
class Sync:
    """The body of `POST /peer/v1/state`."""

    versions: dict[Replica, int] = field(default_factory=dict)
    floor: dict[Replica, int] = field(default_factory=dict)
    ranges: list[Range] = field(default_factory=list)
    holdings: list[tuple[Replica, int, list[int]]] | None = None

    def encoded(self) -> bytes:
        table: dict[Replica, int] = {}

        def place(replica: Replica) -> bytes:
            return varint(table.setdefault(replica, len(table)))

        def vector(versions: dict[Replica, int]) -> bytes:
            entries = (place(replica) + varint(sequence) for replica, sequence in versions.items())
            return varint(len(versions)) + b"".join(entries)

        body = [vector(self.versions), vector(self.floor), varint(len(self.ranges))]
        for part in self.ranges:
            body += [place(part.replica), varint(part.since), varint(part.up_to), varint(len(part.writes))]
            for write in part.writes:
                body += [varint(write.sequence), varint(write.time), bytes([write.kind])]
                body += [prefixed(write.name.encode()), prefixed(write.source.encode()), vector(write.seen)]
                body.append(b"\0" if write.value is None else b"\1" + prefixed(write.value))
        if self.holdings is not None:
            body.append(varint(len(self.holdings)))
            for replica, up_to, sequences in self.holdings:
                steps = [b - a for a, b in zip([0, *sequences], sequences)]
                body += [place(replica), varint(up_to), varint(len(steps)), *map(varint, steps)]
        head = [varint(len(table)), *(node + epoch.to_bytes(8, "big") for node, epoch in table)]
        return b"\x6c\x01" + bytes([2 | (self.holdings is not None)]) + b"".join(head + body)

    def request(self, **more) -> Request:
        return Request("/peer/v1/state", self.encoded(), OCTETS, **more)


def told_versions(answer: bytes) -> dict[Replica, int]:
    """What a node says that it knows, of its answer about the shared state."""
    position = 3

    def number() -> int:
        nonlocal position
        value = shift = 0
        while True:
            digit = answer[position]
            position += 1
            value |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                return value

    table = []
    for _ in range(number()):
        table.append((answer[position : position + 32], int.from_bytes(answer[position + 32 : position + 40], "big")))
        position += 40
    return {table[number()]: number() for _ in range(number())}


# Who is kin


@dataclass
class Signer:
    """A key, with the id that belongs to it."""

    key: ec.EllipticCurvePrivateKey

    def __post_init__(self):
        public = self.key.public_key()
        encoding, form = serialization.Encoding, serialization.PublicFormat
        self.point = public.public_bytes(encoding.X962, form.UncompressedPoint)
        digest = hashes.Hash(hashes.SHA256())
        digest.update(public.public_bytes(encoding.DER, form.SubjectPublicKeyInfo))
        self.digest = digest.finalize()
        self.id = node_id(self.digest)

    @classmethod
    def made(cls) -> Signer:
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, file: Path) -> Signer:
        return cls(serialization.load_pem_private_key(file.read_bytes(), None))

    def signature(self, message: bytes) -> bytes:
        numbers = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return b"".join(number.to_bytes(32, "big") for number in numbers)

    def states(
        self, sequence: int, subject: bytes, epoch: int, admits: bool = True, name: str = "thief-friend"
    ) -> dict:
        """A signed statement as it goes over the wire: that the subject is kin, or no longer is."""
        text = b"\x01" + self.point + sequence.to_bytes(8, "big") + now().to_bytes(8, "big") + subject
        text += bytes([1 if admits else 2]) + epoch.to_bytes(8, "big")
        if admits:
            address = b"\x04" + bytes([127, 0, 0, 1]) + (9).to_bytes(2, "big")
            text += len(name).to_bytes(2, "big") + name.encode() + b"\x01" + address
        else:
            text += (0).to_bytes(8, "big")
        signed = text + self.signature(b"kith trust operation 1\n" + text)
        return {"author": self.id, "sequence": sequence, "bytes": base64.b64encode(signed).decode()}


# Who is there


def instance(started: int, salt: int) -> bytes:
    return started.to_bytes(8, "big") + salt.to_bytes(8, "big")


def member(
    node: bytes, state: int, incarnation: int, who: bytes | None = None, accusers: list[bytes] | None = None,
    version: int = 0, payload: bytes | None = None, addresses: list[str] | None = None,
) -> bytes:  # fmt: skip
    flags = state | (8 if who is not None else 0) | (16 if payload is not None else 0)
    accused = accusers or []
    body = node + bytes([flags]) + (who or b"") + varint(incarnation) + varint(len(accused)) + b"".join(accused)
    body += varint(version)
    if payload is not None:
        listed = addresses or []
        body += prefixed(payload) + varint(len(listed)) + b"".join(prefixed(each.encode()) for each in listed)
    return prefixed(body)


def gossip(
    who: bytes, incarnation: int, messages: list[tuple[int, bytes]], members: list[bytes], leaving: bool = False,
    version: int = 1,
) -> Request:  # fmt: skip
    packet = b"\x4b\x01\x01" + who + varint(incarnation) + bytes([leaving]) + varint(version)
    packet += varint(len(messages)) + b"".join(bytes([kind]) + prefixed(body) for kind, body in messages)
    return Request("/peer/v1/gossip", packet + varint(len(members)) + b"".join(members), OCTETS)
