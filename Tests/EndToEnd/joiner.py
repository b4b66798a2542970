# SPDX-License-Identifier: Apache-2.0
"""The joining side of a pairing, written a second time: what a node must not be talked into is tried with this."""

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass

from intruder import Caller, Reply

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HELLO, _PROOF = "/pair/v1/hello", "/pair/v1/proof"


def base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")


def from_base32(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


def node_id(digest: bytes) -> str:
    """The written form of a node's id: base32, a check character after each 13, in groups of seven."""
    text, digits = "", base32(digest)
    for start in range(0, len(digits), 13):
        run = digits[start : start + 13]
        total = 0
        for position, character in enumerate(reversed(run)):
            value = _ALPHABET.index(character) * (2 if position % 2 == 0 else 1)
            total += value // 32 + value % 32
        text += run + _ALPHABET[(32 - total % 32) % 32]
    return "-".join(text[start : start + 7] for start in range(0, len(text), 7))


@dataclass
class Code:
    """What the joiner needs of a pairing code."""

    prefix: bytes
    secret: bytes
    tier: str

    @classmethod
    def read(cls, text: str) -> "Code":
        data = from_base32(text.replace("-", ""))
        if data[0] >> 4 != 2 or data[1] != len(data) or binascii.crc_hqx(data[:-2], 0xFFFF).to_bytes(2, "big") != data[-2:]:
            raise ValueError("no pairing code")
        secret = hashlib.pbkdf2_hmac("sha256", data[12:20], b"kith pairing 2", 32_768)
        return cls(data[2:12], secret, "kin" if data[0] & 8 else "kith")

    @property
    def invitation(self) -> str:
        return base32(hashlib.sha256(b"kith invitation 2" + self.secret).digest()[:16])


@dataclass
class Attempt:
    """One attempt to join: the two messages that are sent."""

    code: Code
    joiner: bytes
    name: str = "intruder"
    nonce: bytes = b""

    def __post_init__(self):
        self.nonce = self.nonce or os.urandom(32)

    def hello(self, caller: Caller) -> Reply:
        return caller.post(_HELLO, {"invitation": self.code.invitation, "nonce": base32(self.nonce)})

    def proof(self, challenge: str, inviter: bytes) -> dict:
        """`inviter` is the digest of the key that the other side showed in the handshake."""
        inviter_nonce = from_base32(challenge)
        message = b"".join([
            _counted(b"kith pairing 2"), _counted(b"joiner"), inviter, self.joiner, self.nonce, inviter_nonce,
            _counted(self.code.tier.encode()), _counted(self.name.encode()), (0).to_bytes(2, "big"),
        ])  # fmt: skip
        key = _derived(self.code.secret, self.nonce + inviter_nonce)
        mac = hmac.digest(key, message, "sha256")
        introduction = {"name": self.name, "addresses": []}
        return {"challenge": challenge, "mac": base32(mac), "introduction": introduction}

    @staticmethod
    def send(caller: Caller, proof: dict) -> Reply:
        return caller.post(_PROOF, proof)


def _counted(field: bytes) -> bytes:
    return len(field).to_bytes(2, "big") + field


def _derived(secret: bytes, salt: bytes) -> bytes:
    """HKDF with SHA-256 (RFC 5869), one block."""
    extracted = hmac.digest(salt, secret, "sha256")
    return hmac.digest(extracted, b"kith pairing 2\x01", "sha256")
