# SPDX-License-Identifier: Apache-2.0
"""What went over the lab's bridge, recorded by tcpdump, and the search for a text in it."""

from __future__ import annotations

import base64
import re
import secrets
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from . import web
from .netns import Lab
from .process import Process

_IPV4, _IPV6, _TCP = 0x0800, 0x86DD, 6
_DISCARD = 9


class Capture:
    """A running tcpdump on the bridge. A context manager; read the file after its end."""

    def __init__(self, lab: Lab, file: Path):
        self.file = file
        file.unlink(missing_ok=True)
        self._process: Process | None = None
        self._lab = lab

    def __enter__(self) -> "Capture":
        log = f"{self.file.stem}.tcpdump.log"
        (self._lab.switch.folder / log).unlink(missing_ok=True)
        # Each packet is written as soon as it is seen, whole, by the user who started this; 32 MiB may wait meanwhile.
        words = [
            "tcpdump", "-i", "br0", "-U", "--immediate-mode", "-s", "0", "-B", 32_768, "-Z", "root",
            "-w", self.file,
        ]  # fmt: skip
        self._process = self._lab.switch.start(*words, log=log)
        web.wait_until(lambda: "listening on" in self._process.tail(), 10, "tcpdump to listen")
        return self

    def __exit__(self, *_: object) -> None:
        self._wait_for_what_waits()
        self._process.stop()
        said = self._process.tail()
        if not re.search(r"^0 packets dropped by kernel", said, re.MULTILINE):
            raise RuntimeError(f"the recording has gaps: {said}")

    def _wait_for_what_waits(self) -> None:
        """When it is stopped, tcpdump drops what it has not seen yet: waits until it has seen a last datagram."""
        first, second = self._lab.hosts[:2]
        token = secrets.token_bytes(16)
        with first.socket(kind=socket.SOCK_DGRAM) as sender:
            sender.sendto(token, (second.address, _DISCARD))
        web.wait_until(lambda: token in self.file.read_bytes(), 20, "tcpdump to write what it has seen")


@dataclass
class Segment:
    """A TCP segment that carries something."""

    source: tuple[str, int]
    destination: tuple[str, int]
    sequence: int
    payload: bytes


@dataclass
class Recording:
    """A capture file as bytes, and what TCP carried in it."""

    raw: bytes
    segments: list[Segment]

    @classmethod
    def read(cls, file: Path) -> "Recording":
        raw = file.read_bytes()
        return cls(raw, [segment for frame in _frames(raw) if (segment := _segment(frame))])

    def bytes_with_port(self, port: int) -> int:
        return sum(len(one.payload) for one in self.segments if port in (one.source[1], one.destination[1]))

    def places_of(self, text: str) -> list[str]:
        """Where `text` is found: in the file, in one packet, or across packets; in one of several encodings."""
        streams = self._streams()
        found = []
        for encoding, needle in _encodings(text):
            if needle in self.raw:
                found.append(f"{encoding} in the file")
            if any(needle in segment.payload for segment in self.segments):
                found.append(f"{encoding} in a packet")
            if any(needle in stream for stream in streams):
                found.append(f"{encoding} in a stream of packets")
        return found

    def _streams(self) -> list[bytes]:
        """Each direction of each connection put together; what was sent twice counts once."""
        flows: dict[tuple, dict[int, bytes]] = {}
        for one in self.segments:
            flow = flows.setdefault((one.source, one.destination), {})
            flow[one.sequence] = max(flow.get(one.sequence, b""), one.payload, key=len)
        return [b"".join(flow[sequence] for sequence in sorted(flow)) for flow in flows.values()]


def _encodings(text: str) -> Iterator[tuple[str, bytes]]:
    plain = text.encode()
    yield "plain", plain
    yield "UTF-16", text.encode("utf-16-le")
    yield "hexadecimal", plain.hex().encode()
    for shift in range(3):
        # The first and last characters depend on what stands around the text.
        yield f"base64 at {shift}", base64.b64encode(bytes(shift) + plain)[4:-4]


def _frames(raw: bytes) -> Iterator[bytes]:
    """The Ethernet frames of a pcap file (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html)."""
    order = "<" if raw[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    position = 24
    while position + 16 <= len(raw):
        length = struct.unpack_from(order + "8xI", raw, position)[0]
        yield raw[position + 16 : position + 16 + length]
        position += 16 + length


def _segment(frame: bytes) -> Segment | None:
    kind = int.from_bytes(frame[12:14], "big")
    packet = frame[14:]
    if kind == _IPV4 and len(packet) >= 20 and packet[9] == _TCP:
        end = int.from_bytes(packet[2:4], "big") or len(packet)
        source, destination, segment = packet[12:16], packet[16:20], packet[(packet[0] & 15) * 4 : end]
    elif kind == _IPV6 and len(packet) >= 40 and packet[6] == _TCP:
        end = 40 + int.from_bytes(packet[4:6], "big") if packet[4:6] != b"\0\0" else len(packet)
        source, destination, segment = packet[8:24], packet[24:40], packet[40:end]
    else:
        return None
    if len(segment) < 20:
        return None
    payload = segment[(segment[12] >> 4) * 4 :]
    if not payload:
        return None
    ports = struct.unpack_from(">HH", segment)
    sequence = int.from_bytes(segment[4:8], "big")
    return Segment((source.hex(), ports[0]), (destination.hex(), ports[1]), sequence, payload)
