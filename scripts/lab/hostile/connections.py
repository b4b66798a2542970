# SPDX-License-Identifier: Apache-2.0
"""What a thief can do with connections and frames of HTTP/2. Each returns how it ended, in a word."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Callable

from intruder import Identity, client_context, dial, frame, h2_preface, read_to_the_end

from .target import Target

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS = 0x1, 0x4
# GET / of this authority, in HPACK.
HEAD = b"\x82\x87\x84\x41\x04kith"


class Connections:
    """The thief's sockets. `spend` is told of what is sent, and waits where that is too much."""

    def __init__(self, identity: Identity, source: str, spend: Callable[[int, int], None]):
        self.context = client_context(identity)
        self.source = source
        self.spend = spend
        self.idle: list[socket.socket] = []

    def opened(self, target: Target, timeout: float = 5) -> ssl.SSLSocket:
        raw = dial(target.port, self.source, timeout)
        try:
            return self.context.wrap_socket(raw)
        except BaseException:
            raw.close()
            raise

    def sent(self, target: Target, pieces) -> str:
        """Sends without reading until all is sent or the node hangs up."""
        try:
            with self.opened(target) as connection:
                connection.sendall(h2_preface())
                for piece in pieces:
                    self.spend(len(piece), 0)
                    connection.sendall(piece)
                read_to_the_end(connection, 0.3)
            return "ended"
        except TimeoutError:
            return "still open"
        except (ssl.SSLError, OSError):
            return "cut off"

    # The floods

    def resets(self, target: Target) -> str:
        count = target.chance.choice([100, 2_000])
        cancel = (8).to_bytes(4, "big")
        heads = (
            frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, HEAD) + frame(RESET, 0, 2 * n + 1, cancel)
            for n in range(count)
        )
        return self.sent(target, heads)

    def streams(self, target: Target) -> str:
        """Streams that are opened and say no more."""
        return self.sent(
            target, (frame(HEADERS, END_HEADERS, 2 * n + 1, HEAD) for n in range(target.chance.choice([101, 1_000])))
        )

    def settings(self, target: Target) -> str:
        return self.sent(target, (frame(SETTINGS, 0, 0, b"") + frame(PING, 0, 0, bytes(8)) for _ in range(1_000)))

    def continuations(self, target: Target) -> str:
        field = (b"\x00\x04name\x7f\xff\x7d" + b"v" * 16_000)[:16_000]
        return self.sent(target, [frame(HEADERS, 0, 1, HEAD), *[frame(CONTINUATION, 0, 1, field)] * 50])

    def frames(self, target: Target) -> str:
        """Frames of every kind with anything in them."""
        chance = target.chance
        return self.sent(target, (
            frame(
                chance.randrange(12), chance.randrange(256), chance.randrange(9),
                chance.randbytes(chance.randrange(64)), chance.choice([None, None, None, 0xFF_FFFF]),
            )
            for _ in range(50)
        ))  # fmt: skip

    def noise(self, target: Target) -> str:
        """Bytes that are no TLS."""
        try:
            with dial(target.port, self.source, 3) as connection:
                connection.sendall(target.chance.randbytes(target.chance.randrange(1, 4_000)))
                read_to_the_end(connection, 1)
            return "ended"
        except TimeoutError:
            return "still open"
        except OSError:
            return "cut off"

    def many(self, target: Target) -> str:
        """Connections as many as a kin may have and more, that are left open for a while."""
        count = target.chance.choice([10, 80])
        try:
            for _ in range(count):
                self.spend(4_000, 1)
                connection = self.opened(target, 3)
                connection.sendall(h2_preface())
                self.idle.append(connection)
        except (ssl.SSLError, OSError):
            return "cut off"
        finally:
            while len(self.idle) > 200:
                self.idle.pop(0).close()
        return "still open"

    def half_open(self, target: Target) -> str:
        """Handshakes that never begin."""
        try:
            for _ in range(20):
                self.idle.append(dial(target.port, self.source, 3))
        except OSError:
            return "cut off"
        time.sleep(0.1)
        return "still open"

    def unread(self, target: Target) -> str:
        """Much is asked, and nothing of the answers is read."""
        asked = frame(HEADERS, END_HEADERS | END_STREAM, 1, HEAD[:2] + b"\x04\x0f/peer/v1/models" + HEAD[3:])
        try:
            connection = self.opened(target)
            connection.sendall(h2_preface())
            for number in range(100):
                connection.sendall(asked[:5] + (2 * number + 1).to_bytes(4, "big") + asked[9:])
            self.idle.append(connection)
        except (ssl.SSLError, OSError):
            return "cut off"
        return "still open"

    def close(self) -> None:
        for connection in self.idle:
            connection.close()
