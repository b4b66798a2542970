# SPDX-License-Identifier: Apache-2.0
"""Too much, too large, too slow: what a peer port does with those who do not play by the rules."""

import itertools
import os
import random
import socket
import ssl
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from attacked import OnePeerPort
from intruder import (
    Caller, Identity, client_context, dial, frame, fresh_source, h2_preface, kinds_of_frames, read_to_the_end,
)  # fmt: skip
from joiner import base32
from lab import web

GUARD = 30
# A handshake must be done within this time, in seconds, with room for a busy machine.
HANDSHAKE_LIMIT = 15
# Of a request that comes byte by byte.
SLOW_LIMIT = 60
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, CONTINUATION = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7, 0x9
END_STREAM, END_HEADERS = 0x1, 0x4


class HTTP2(OnePeerPort):
    """Frames that no client of good will sends, by somebody who has a certificate and is not known."""

    def connection(self, identity: Identity | None = None) -> ssl.SSLSocket:
        context = client_context(identity or self.stranger)
        connection = context.wrap_socket(dial(self.port, self.source))
        self.addCleanup(connection.close)
        connection.sendall(h2_preface())
        return connection

    def assert_cut_off(self, pieces, limit: float = 10) -> int:
        """Sends until the node hangs up, and returns how many bytes that took."""
        connection, sent = self.connection(), 0
        try:
            for piece in pieces:
                connection.sendall(piece)
                sent += len(piece)
            read_to_the_end(connection, limit)
        except (ssl.SSLError, ConnectionError):
            pass
        return sent

    def test_a_frame_that_is_too_large_ends_the_connection(self):
        body = bytes(1 << 20)
        sent = self.assert_cut_off([frame(DATA, 0, 1, b"", length=0xFF_FFFF), *[body] * 15])
        self.assertLess(sent, 8 << 20)
        self.assert_one_line("peer.refused", "HTTP/2", self.stranger)

    def test_header_fields_without_end_end_the_connection(self):
        """CVE-2024-27316 and its like: frames of header fields that go on and on."""
        field = b"\x00\x04name\x7f\xff\x7d" + b"v" * 16_000
        pieces = [frame(HEADERS, END_STREAM, 1, b"\x82\x87\x84"), *[frame(CONTINUATION, 0, 1, field[:16_000])] * 400]
        sent = self.assert_cut_off(pieces)
        self.assertLess(sent, 4 << 20)
        self.assert_one_line("peer.refused", "HTTP/2", self.stranger)

    def test_a_list_of_header_fields_that_is_too_long_is_refused(self):
        for more in ([("x-long", "v" * 40_000)], [(f"x-{number}", "v") for number in range(500)]):
            with self.subTest(fields=len(more)), Caller(self.port, self.source, self.kin) as caller:
                try:
                    self.assertIn(caller.request("GET", "/peer/v1/models", more=more).status, (400, 413, 431))
                except (ConnectionError, ssl.SSLError):
                    pass  # refused all the more

    def test_streams_that_are_opened_and_reset_at_once_are_not_worked_off(self):
        """CVE-2023-44487: each costs the client nothing."""
        def pieces():
            for number in range(20_000):
                stream = 2 * number + 1
                head = frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x82\x87\x84\x41\x04kith")
                yield head + frame(RESET, 0, stream, (8).to_bytes(4, "big"))

        began = time.monotonic()
        self.send_all(pieces())
        self.assertLess(time.monotonic() - began, GUARD)

    def test_settings_and_pings_without_end_do_no_harm(self):
        self.send_all(frame(SETTINGS, 0, 0, b"") + frame(PING, 0, 0, bytes(8)) for _ in range(20_000))

    def send_all(self, pieces) -> None:
        """Sends as fast as the node reads, reading nothing, until it hangs up or stops reading."""
        connection = self.connection()
        connection.settimeout(3)
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:
            pass  # hung up, or not read any more

    def test_a_body_of_gossip_that_is_too_large_is_refused(self):
        with Caller(self.port, self.source, self.kin) as caller:
            reply = caller.request("POST", "/peer/v1/gossip", bytes(100_000), "application/octet-stream")
            self.assertEqual(reply.status, 413)

    def test_a_large_body_of_a_stranger_is_not_taken_in(self):
        with Caller(self.port, self.source, self.stranger) as caller:
            try:
                reply = caller.request("POST", "/peer/v1/gossip", bytes(64 << 20), "application/octet-stream")
                self.assertEqual(reply.refusal, "stranger")
            except (ConnectionError, ssl.SSLError):
                pass  # cut off in the middle
        self.assert_one_line("peer.refused", "stranger", self.stranger)

    def test_gossip_that_means_nothing_is_refused(self):
        seed = random.randrange(1 << 32)
        generator = random.Random(seed)
        print(f"\n    seed {seed}")
        with Caller(self.port, self.source, self.kin) as caller:
            for _ in range(200):
                body = generator.randbytes(generator.randrange(1, 2_000))
                status = caller.request("POST", "/peer/v1/gossip", body, "application/octet-stream").status
                self.assertTrue(status in (200, 204) or 400 <= status < 500, status)

    def test_operations_that_nobody_signed_are_not_taken_over(self):
        before = self.desk.peers().keys()
        with Caller(self.port, self.source, self.kin) as caller:
            for text in ("", "AAAA", base32(os.urandom(200)), "A" * 100_000):
                reply = caller.post("/peer/v1/operations", {"vector": {}, "operations": [text]})
                self.assertLess(reply.status, 500)
        self.assertEqual(self.desk.peers().keys(), before)


class ManyConnections(OnePeerPort):
    COUNT = 1_000

    def flood(self, open_one, sources: list[str]) -> list[socket.socket]:
        """Opens connections; those that the node refuses at once are refused and that is that."""
        opened = []
        for number in range(self.COUNT):
            try:
                opened.append(open_one(sources[number % len(sources)]))
            except OSError:
                continue
        for connection in opened:
            self.addCleanup(connection.close)
        return opened

    def assert_all_end(self, connections: list[socket.socket], began: float) -> None:
        for connection in connections:
            read_to_the_end(connection, max(1.0, began + 2 * HANDSHAKE_LIMIT - time.monotonic()))

    def with_a_flood(self, open_one, sources: list[str]) -> None:
        began = time.monotonic()
        opened = self.flood(open_one, sources)
        answered = time.monotonic()
        self.assertTrue(self.laptop.answers_through(self.desk), "kin get no answer during the flood")
        print(
            f"\n    {len(opened)} of {self.COUNT} opened in {answered - began:.1f} s; "
            f"kin answered in {time.monotonic() - answered:.2f} s meanwhile"
        )  # fmt: skip
        self.assert_all_end(opened, began)

    def half_open(self, source: str) -> socket.socket:
        return dial(self.port, source)

    def half_done(self, source: str) -> socket.socket:
        """The client's first flight, and nothing after it."""
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        half = client_context(self.stranger).wrap_bio(into, out)
        try:
            half.do_handshake()
        except ssl.SSLWantReadError:
            pass
        connection = dial(self.port, source)
        connection.sendall(out.read())
        return connection

    def test_that_say_nothing_are_ended(self):
        self.with_a_flood(self.half_open, [self.source])
        self.assert_one_line("peer.handshake_refused", "not finished")

    def test_that_say_nothing_from_many_addresses_are_ended(self):
        self.with_a_flood(self.half_open, [fresh_source() for _ in range(25)])

    def test_that_stop_in_the_middle_of_the_handshake_are_ended(self):
        self.with_a_flood(self.half_done, [self.source])
        self.assert_one_line("peer.handshake_refused", "not finished")

    def test_of_strangers_with_certificates_do_not_keep_kin_out(self):
        context = client_context(self.stranger)

        def whole(source: str) -> socket.socket:
            connection = context.wrap_socket(dial(self.port, source))
            connection.sendall(h2_preface())
            return connection

        sources = [fresh_source() for _ in range(20)]
        with ThreadPoolExecutor(4) as pool:
            opened = list(filter(None, pool.map(lambda n: self.attempt(whole, sources[n % 20]), range(300))))
        for connection in opened:
            self.addCleanup(connection.close)
        self.laptop.stop()
        self.laptop.start()
        web.wait_until(lambda: self.laptop.answers_through(self.desk), GUARD, "kin to connect anew")
        held = 0
        for connection in opened:
            connection.settimeout(0.01)
            try:
                while connection.recv(65536):
                    pass
            except TimeoutError:
                held += 1
            except OSError:
                pass
        print(f"\n    of {len(opened)} connections of strangers the node held {held}")
        self.assertLessEqual(held, 100)

    @staticmethod
    def attempt(open_one, source: str):
        try:
            return open_one(source)
        except OSError:
            return None

    def test_that_are_slow_are_ended(self):
        with ThreadPoolExecutor(2) as pool:
            seconds = list(pool.map(lambda work: work(), [self.drip_a_handshake, self.drip_a_body]))
        print(f"\n    a slow handshake was ended after {seconds[0]:.0f} s, a slow request after {seconds[1]:.0f} s")

    def drip_a_handshake(self) -> float:
        with dial(self.port, fresh_source()) as connection:
            return self.drip(connection, itertools.chain([b"\x16\x03\x01\x02\x00"], itertools.repeat(b"\0")))

    def drip_a_body(self) -> float:
        head = b"\x83\x87\x41\x04kith\x04\x0e/pair/v1/hello"
        with client_context(Identity.made()).wrap_socket(dial(self.port, fresh_source())) as connection:
            connection.sendall(h2_preface() + frame(HEADERS, END_HEADERS, 1, head))
            return self.drip(connection, itertools.repeat(frame(DATA, 0, 1, b" ")))

    def drip(self, connection: socket.socket, pieces) -> float:
        """Sends a piece each quarter of a second until the node hangs up, or answers or resets the stream."""
        began, said = time.monotonic(), b""
        connection.settimeout(0.25)
        for piece in pieces:
            self.assertLess(time.monotonic() - began, SLOW_LIMIT, "a slow connection is still open")
            try:
                connection.sendall(piece)
                received = connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            said += received
            if not received or {HEADERS, RESET, GOAWAY} & set(kinds_of_frames(said)):
                break
        return time.monotonic() - began


if __name__ == "__main__":
    unittest.main()
