# SPDX-License-Identifier: Apache-2.0
"""Clients that ask for marked answers, half of which leave before they have them; and what became of each answer."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field

from . import ports
from .marked_engine import whole_text

# A request that takes longer hangs, in seconds.
HANGING = 60
# Ways to leave; the last says that it will send nothing more, and still reads for a while.
LEAVINGS = ["in the head", "after the request", "in the answer", "half-closed"]
# How an answer may end. All but the first two are faults.
ENDS = ["whole", "left by the client", "cut", "mixed up", "refused", "hanging"]
_RESET = struct.pack("ii", 1, 0)


class Wrong(Exception):
    """An answer that is not what was asked for; the first word of `ENDS`, and what came instead."""

    def __init__(self, end: str, detail: str):
        self.end, self.detail = end, detail
        super().__init__(f"{end}: {detail}")


class _Left(Exception):
    """The client has had enough."""


@dataclass
class Tally:
    ends: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    numbers: int = 0

    def next_number(self) -> int:
        self.numbers += 1
        return self.numbers

    @property
    def lost(self) -> int:
        return sum(self.ends[end] for end in ENDS[2:])

    def end(self, end: str, detail: str = "") -> None:
        self.ends[end] += 1
        if detail and len(self.faults) < 100:
            self.faults.append(f"{end}: {detail}")


class Worker:
    """One client after the other; a connection on which an answer was whole is often used again."""

    def __init__(self, port: int, chance: random.Random, tally: Tally, share: float):
        self._port, self._chance, self._tally, self._share = port, chance, tally, share
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        # Whether the node has said that it closes the connection after this answer.
        self._is_last = False

    async def work(self, over: asyncio.Event, pause: float) -> None:
        try:
            while not over.is_set():
                await self._ask_once()
                await asyncio.sleep(self._chance.uniform(0, 2 * pause))
        finally:
            self._close()

    async def _ask_once(self) -> None:
        number = self._tally.next_number()
        leaving = self._chance.choice(LEAVINGS) if self._chance.random() < self._share else None
        said = f"request {number} of a client that " + (f"leaves {leaving}" if leaving else "stays")
        try:
            await asyncio.wait_for(self._ask(number, leaving), HANGING)
            self._tally.end("whole")
        except _Left:
            self._close()
            self._tally.end("left by the client")
        except Wrong as wrong:
            self._close()
            self._tally.end(wrong.end, f"{said}: {wrong.detail[:300]}")
        except asyncio.TimeoutError:
            self._close()
            self._tally.end("hanging", f"{said}: no end after {HANGING} s")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, KeyError) as failure:
            self._close()
            # Whoever said that nothing more will come may be hung up on.
            if leaving == "half-closed":
                self._tally.end("left by the client")
            else:
                self._tally.end("cut", f"{said}: {failure!r}")

    async def _ask(self, number: int, leaving: str | None) -> None:
        wish = self._wish(number)
        streams = self._chance.random() < 0.7
        head, body = _request(wish, streams)
        await self._connect()
        if leaving == "in the head":
            self._writer.write(head[: self._chance.randrange(1, len(head))])
            await self._leave_after(0.02)
        self._writer.write(head + body)
        if leaving == "after the request":
            await self._leave_after(self._chance.choice([0, 0, 0.02]))
        if leaving == "half-closed":
            self._writer.write_eof()
            # It leaves for certain, but reads so long what comes, which has to be right as far as it goes.
            await self._read_for(self._chance.uniform(0, 0.3), wish, streams)
            raise _Left
        if leaving and not streams:
            await self._leave_after(0.5)
        stop = self._chance.randrange(wish["pieces"]) if leaving else None
        await self._read(wish, streams, stop)
        if leaving:
            raise _Left
        if self._is_last or self._chance.random() < 0.3:
            self._close()

    async def _read_for(self, seconds: float, wish: dict, streams: bool) -> None:
        try:
            await asyncio.wait_for(self._read(wish, streams, None), seconds)
        except asyncio.TimeoutError:
            pass

    async def _leave_after(self, seconds: float) -> None:
        await asyncio.sleep(self._chance.uniform(0, seconds))
        raise _Left

    def _wish(self, number: int) -> dict:
        kind = self._chance.random()
        pieces = self._chance.randint(1, 5) if kind < 0.6 else self._chance.randint(20, 300)
        pause = self._chance.uniform(0.1, 1.5) if kind > 0.85 else 0
        return {
            "number": number, "pieces": pieces, "pause": pause, "pause_at": self._chance.randrange(pieces),
            "burst": self._chance.choice([1, 7, 50]),
        }  # fmt: skip

    async def _connect(self) -> None:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(ports.LOOPBACK, self._port)

    def _close(self) -> None:
        if self._writer is None:
            return
        if self._chance.random() < 0.5:
            # As a process that is killed: what was under way is not waited for.
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()
        self._reader = self._writer = None

    async def _read(self, wish: dict, streams: bool, stop: int | None) -> None:
        """Returns when the answer is whole and right; with `stop`, when so many pieces of it have come."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        self._is_last = "\r\nconnection: close\r\n" in head
        if status != 200:
            raise Wrong("refused", f"{status} {(await self._plain_body(head)).decode(errors='replace')}")
        expected = whole_text(wish["number"], wish["pieces"])
        if not streams:
            answer = json.loads(await self._plain_body(head))
            if answer["choices"][0]["message"]["content"] != expected:
                raise Wrong("mixed up", str(answer))
            return
        text, finish, came, is_done = "", None, 0, False
        async for event in self._events(head):
            if event == "[DONE]":
                is_done = True
                continue
            told = json.loads(event)
            if "error" in told:
                raise Wrong("cut", f"after {came} of {wish['pieces']} pieces: {told['error']}")
            for choice in told["choices"]:
                finish = choice.get("finish_reason") or finish
                if piece := choice["delta"].get("content"):
                    text += piece
                    came += 1
            if not expected.startswith(text):
                raise Wrong("mixed up", f"{text[-100:]!r} in an answer to {wish['number']}")
            if stop is not None and came > stop:
                return
        if text != expected or finish != "stop" or not is_done:
            raise Wrong("cut", f"{came} of {wish['pieces']} pieces, finish_reason {finish!r}, [DONE] {is_done}")

    async def _plain_body(self, head: str) -> bytes:
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        if "content-length" in fields:
            return await self._reader.readexactly(int(fields["content-length"]))
        return b"".join([piece async for piece in self._chunks()])

    async def _events(self, head: str):
        """The payload of each `data:` line; comments are passed over."""
        left = b""
        pieces = self._chunks() if "chunked" in head else _once(await self._plain_body(head))
        async for piece in pieces:
            *lines, left = (left + piece).split(b"\n")
            for line in lines:
                if line.startswith(b"data:"):
                    yield line[5:].strip().decode()

    async def _chunks(self):
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readuntil(b"\r\n")


async def _once(body: bytes):
    yield body


def _request(wish: dict, streams: bool) -> tuple[bytes, bytes]:
    message = {"role": "user", "content": json.dumps(wish)}
    body = json.dumps({"model": "marked", "stream": streams, "messages": [message]}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body
