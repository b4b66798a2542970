# SPDX-License-Identifier: Apache-2.0
"""What strangers, the forgotten and people of bad will can do to a node's peer port: nothing, and it is written down.

Each attempt comes from an address of its own of the loopback network, so that the audit trail tells them apart.
"""

import itertools
import json
import os
import random
import re
import resource
import socket
import ssl
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from intruder import (
    Caller, Identity, client_context, dial, frame, fresh_source, h2_preface, kinds_of_frames,
    outcome_of_handshake, read_to_the_end,
)  # fmt: skip
from joiner import Attempt, Code, base32, from_base32, node_id
from lab import web
from lab.peer import PeerNode, befriend, wait_for_state
from surroundings import KITH, fresh_folder

GUARD = 30
# Seconds until an audit line is on the disk for certain.
AUDIT_PAUSE = 1.5
# Growth of the attacked node's memory over all attempts together, in megabytes.
MEMORY_LIMIT = 50
# A handshake must be done within this time, in seconds, with room for a busy machine.
HANDSHAKE_LIMIT = 15
# Of a request that comes byte by byte.
SLOW_LIMIT = 60
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, CONTINUATION = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7, 0x9
END_STREAM, END_HEADERS = 0x1, 0x4


class OnePeerPort(unittest.TestCase):
    """A node under attack, the desk; the laptop is its kin, and must not notice."""

    pid = None

    @classmethod
    def setUpClass(cls):
        """The same nodes for all classes here: what one attempt spoils, the next would show."""
        if OnePeerPort.pid is None:
            OnePeerPort.start()

    @classmethod
    def start(cls):
        allow_many_files()
        folder = fresh_folder(cls.__name__)

        def node(name: str) -> PeerNode:
            made = PeerNode(KITH, folder / name, name)
            unittest.addModuleCleanup(made.stop)
            return made.start(path="/health/live")

        cls.desk, cls.laptop = node("desk"), node("laptop")
        befriend([cls.desk, cls.laptop])
        wait_for_state([cls.laptop], cls.desk, {"up"}, GUARD, time.monotonic())
        wait_for_state([cls.desk], cls.laptop, {"up"}, GUARD, time.monotonic())
        cls.kin = cls.key_of(node("spare"), "kin")
        cls.kith = cls.key_of(node("friend"), "kith")
        cls.forgotten = cls.key_of(node("lost"), "kin")
        cls.desk.forget("lost")
        cls.stranger = Identity.made()
        cls.port = cls.desk.peer_port
        # What the first connections cost once is not growth.
        for _ in range(20):
            cls.laptop.answers_through(cls.desk)
        cls.memory = cls.desk.resident_megabytes
        cls.pid = cls.desk.process.pid

    @classmethod
    def key_of(cls, node: PeerNode, tier: str) -> Identity:
        """The key of a node that was paired and has left."""
        node.join(cls.desk.invite(tier))
        node.stop()
        return Identity.of(node.folder)

    @classmethod
    def tearDownClass(cls):
        # The laptop broke no rule while all this went on; its like are told from strangers by their address.
        blamed = [line for line in cls.desk.audit("peer.refused") if line["source"] == "127.0.0.1"]
        if blamed and sys.platform == "linux":
            raise AssertionError(f"kin were refused: {blamed}")
        print(f"\n    the node grew from {cls.memory:.1f} MB to {cls.desk.resident_megabytes:.1f} MB")

    def setUp(self):
        self.source = fresh_source()

    def tearDown(self):
        self.assert_unharmed()

    def assert_unharmed(self) -> None:
        self.assertEqual(self.desk.get("/health/live", timeout=5).status, 200)
        self.assertTrue(self.laptop.answers_through(self.desk), "its kin gets no answer")
        self.assertTrue(self.desk.answers_through(self.laptop), "it gets no answer from its kin")
        self.assertEqual(self.desk.process.pid, self.pid)
        self.assertLess(self.desk.resident_megabytes - self.memory, MEMORY_LIMIT, "it takes too much memory")

    def lines(self, source: str | None = None) -> list[dict]:
        return [line for line in self.desk.audit() if line["source"] == (source or self.source)]

    def settled_lines(self) -> list[dict]:
        """Once what waited has been written."""
        time.sleep(AUDIT_PAUSE)
        return self.lines()

    def assert_one_line(self, kind: str, reason: str, subject: Identity | None = None) -> None:
        """Exactly one line for this source. What comes within a minute is counted, and that is written after it."""
        web.wait_until(self.lines, GUARD, f"an audit line for {self.source}")
        if sys.platform != "linux":
            return  # all attempts come from one address there, and are counted together
        lines = self.settled_lines()
        self.assertEqual(len(lines), 1, lines)
        line = lines[0]
        self.assertEqual(line["kind"], kind)
        self.assertRegex(line["reason"], re.compile(reason, re.IGNORECASE))
        if subject is not None:
            self.assertEqual(line["subject"], node_id(subject.digest))
        self.assertTrue(any("audit" in entry and self.source in entry for entry in self.desk.log().splitlines()))

    def refused_in_handshake(self, context: ssl.SSLContext, reason: str) -> None:
        self.assertRegex(outcome_of_handshake(self.port, self.source, context), "^refused")
        self.assert_one_line("peer.handshake_refused", reason)


class TheHandshake(OnePeerPort):
    def test_without_a_certificate_is_refused(self):
        self.refused_in_handshake(client_context(None), "no certificate")

    def test_of_tls_1_2_is_refused(self):
        context = client_context(self.stranger)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.refused_in_handshake(context, "tls")

    def test_with_an_rsa_key_is_refused(self):
        self.refused_in_handshake(client_context(Identity.made("RSA")), "certificate|P-256|refused")

    def test_with_a_key_of_another_curve_is_refused(self):
        self.refused_in_handshake(client_context(Identity.made("P-384")), "certificate|P-256|refused")

    def test_with_a_certificate_that_another_key_signed_is_refused(self):
        self.refused_in_handshake(client_context(Identity.signed_by_another()), "certificate")

    def test_that_offers_only_http_1_is_refused(self):
        context = client_context(self.stranger)
        context.set_alpn_protocols(["http/1.1"])
        self.refused_in_handshake(context, "HTTP/2")

    def test_that_offers_no_protocol_is_refused(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(self.stranger.certificate, self.stranger.key)
        self.refused_in_handshake(context, "HTTP/2")

    def test_is_not_there_for_plain_http(self):
        self.assert_hung_up(b"POST /peer/v1/generate HTTP/1.1\r\nHost: desk\r\nContent-Length: 2\r\n\r\n{}")
        self.assert_one_line("peer.handshake_refused", "TLS")

    def test_is_not_there_for_http_2_in_the_clear(self):
        self.assert_hung_up(h2_preface())
        self.assert_one_line("peer.handshake_refused", "TLS")

    def test_is_not_there_for_noise(self):
        generator = random.Random(7443)
        for length in (1, 5, 100, 20_000):
            with self.subTest(length=length):
                self.source = fresh_source()
                self.assert_hung_up(b"\x16\x03\x01" + generator.randbytes(length), at_once=False)
                self.assert_one_line("peer.handshake_refused", "handshake")

    def assert_hung_up(self, sent: bytes, at_once: bool = True) -> None:
        with dial(self.port, self.source) as connection:
            connection.sendall(sent)
            said, _ = read_to_the_end(connection, 5 if at_once else HANDSHAKE_LIMIT)
        self.assertNotIn(b"HTTP/", said)
        self.assertLess(len(said), 100)


class WhoMayAsk(OnePeerPort):
    """After the handshake: by what the node knows of the key."""

    FOR_KIN = [
        ("POST", "/peer/v1/gossip"), ("POST", "/peer/v1/operations"), ("GET", "/peer/v1/models"),
        ("POST", "/peer/v1/generate"), ("POST", "/peer/v1/embed"),
    ]  # fmt: skip
    FOR_PAIRED = [*FOR_KIN, ("POST", "/peer/v1/hello")]
    PROMPT = json.dumps({
        "id": "one", "kind": "chat", "streams": True, "sampling": {"stop": []}, "extensions": {},
        "messages": [{"role": "user", "content": "who is there?"}],
    }).encode()  # fmt: skip

    def refusals(self, identity: Identity, paths: list[tuple[str, str]]) -> set:
        with Caller(self.port, self.source, identity) as caller:
            self.assertEqual(node_id(caller.server_digest()), self.desk.known_id)
            return {caller.request(method, path, self.PROMPT if method == "POST" else b"").refusal for method, path in paths}

    def test_a_stranger_may_nothing(self):
        self.assertEqual(self.refusals(self.stranger, self.FOR_PAIRED), {"stranger"})
        self.assert_one_line("peer.refused", "stranger", self.stranger)

    def test_a_stranger_finds_nothing_of_the_node_s_other_surfaces(self):
        paths = ["/", "/health/live", "/api/status", "/v1/models", "/api/identity", "/api/invitations", "/metrics"]
        with Caller(self.port, self.source, Identity.made()) as caller:
            for path in paths:
                with self.subTest(path=path):
                    self.assertIn(caller.get(path).status, (403, 404))

    def test_a_forgotten_node_may_nothing(self):
        self.assertEqual(self.refusals(self.forgotten, self.FOR_PAIRED), {"forgotten"})
        self.assert_one_line("peer.refused", "forgotten", self.forgotten)

    def test_a_kith_may_not_what_is_for_kin(self):
        self.assertEqual(self.refusals(self.kith, self.FOR_KIN), {"kin_only"})
        self.assert_one_line("peer.refused", "kin_only", self.kith)

    def test_kin_may(self):
        with Caller(self.port, self.source, self.kin) as caller:
            self.assertEqual(caller.get("/peer/v1/models").status, 200)
            answer = caller.request("POST", "/peer/v1/generate", self.PROMPT)
        self.assertEqual(answer.status, 200, answer.body)
        lines = [json.loads(line) for line in answer.body.splitlines()]
        said = "".join(line["delta"]["text"] for line in lines if "delta" in line)
        self.assertEqual(said, "who is there?")
        self.assertEqual(self.settled_lines(), [])

    def test_a_refusal_does_not_quote_what_was_asked(self):
        secret = os.urandom(16).hex()
        with Caller(self.port, self.source, Identity.made()) as caller:
            answer = caller.post("/peer/v1/generate", {"messages": [{"role": "user", "content": secret}]})
        self.assertEqual(answer.refusal, "stranger")
        self.assertNotIn(secret, answer.body.decode() + self.desk.log() + str(self.settled_lines()))


class Pairing(OnePeerPort):
    def join(self, caller: Caller, identity: Identity, code: str) -> tuple:
        attempt = Attempt(Code.read(code), identity.digest)
        challenge = attempt.hello(caller)
        self.assertEqual(challenge.status, 200, challenge.body)
        proof = attempt.proof(challenge.json()["nonce"])
        return attempt, proof, attempt.send(caller, proof)

    def leave(self, identity: Identity) -> None:
        self.desk.forget(node_id(identity.digest))

    def test_works_for_a_joiner_that_is_written_a_second_time(self):
        identity = Identity.made()
        self.addCleanup(self.leave, identity)
        with Caller(self.port, self.source, identity) as caller:
            _, _, accepted = self.join(caller, identity, self.desk.invite())
            self.assertEqual(accepted.status, 200, accepted.body)
            self.assertEqual(caller.get("/peer/v1/models").status, 200)
        self.assertEqual([line["kind"] for line in self.settled_lines()], ["pairing.accepted"])

    def test_with_a_stolen_code_that_has_been_used_is_refused(self):
        owner, thief = Identity.made(), Identity.made()
        self.addCleanup(self.leave, owner)
        code = self.desk.invite()
        with Caller(self.port, fresh_source(), owner) as caller:
            self.join(caller, owner, code)
        with Caller(self.port, self.source, thief) as caller:
            refused = Attempt(Code.read(code), thief.digest).hello(caller)
            self.assertEqual(refused.status, 403, refused.body)
            self.assertIn(b"used", refused.body)
            self.assertEqual(caller.get("/peer/v1/models").refusal, "stranger")
        kinds = {line["kind"] for line in self.settled_lines()}
        self.assertEqual(kinds, {"pairing.refused", "peer.refused"})

    def test_by_messages_that_were_recorded_is_refused(self):
        owner, thief = Identity.made(), Identity.made()
        self.addCleanup(self.leave, owner)
        with Caller(self.port, fresh_source(), owner) as caller:
            attempt, proof, accepted = self.join(caller, owner, self.desk.invite())
            self.assertEqual(accepted.status, 200, accepted.body)
        with Caller(self.port, self.source, thief) as caller:
            self.assertEqual(attempt.hello(caller).status, 403)
            self.assertEqual(Attempt.send(caller, proof).status, 403)
        self.assertEqual({line["kind"] for line in self.settled_lines()}, {"pairing.refused"})
        self.assertNotIn(node_id(thief.digest), self.desk.peers())

    def test_by_the_owner_s_own_messages_sent_again_is_refused(self):
        owner = Identity.made()
        self.addCleanup(self.leave, owner)
        with Caller(self.port, fresh_source(), owner) as caller:
            _, proof, _ = self.join(caller, owner, self.desk.invite())
        with Caller(self.port, self.source, owner) as caller:
            self.assertEqual(Attempt.send(caller, proof).status, 403)
        self.assert_one_line("pairing.refused", "replayed")

    def test_with_a_proof_for_another_challenge_is_refused(self):
        identity = Identity.made()
        code = self.desk.invite()
        with Caller(self.port, self.source, identity) as caller:
            attempt = Attempt(Code.read(code), identity.digest)
            first, second = (attempt.hello(caller).json()["nonce"] for _ in range(2))
            mixed = {**attempt.proof(first), "challenge": second}
            self.assertEqual(Attempt.send(caller, mixed).status, 403)
        self.assert_one_line("pairing.refused", "wrong_proof")

    def test_with_a_proof_that_another_key_made_is_refused(self):
        """As by somebody in the middle who passes on what the real joiner sends."""
        identity, victim = Identity.made(), Identity.made()
        with Caller(self.port, self.source, identity) as caller:
            attempt = Attempt(Code.read(self.desk.invite()), victim.digest)
            proof = attempt.proof(attempt.hello(caller).json()["nonce"])
            self.assertEqual(Attempt.send(caller, proof).status, 403)
        self.assert_one_line("pairing.refused", "wrong_proof")

    def test_with_the_tier_changed_is_refused(self):
        identity = Identity.made()
        code = Code.read(self.desk.invite("kith"))
        code.tier = "kin"
        with Caller(self.port, self.source, identity) as caller:
            attempt = Attempt(code, identity.digest)
            proof = attempt.proof(attempt.hello(caller).json()["nonce"])
            self.assertEqual(Attempt.send(caller, proof).status, 403)
        self.assert_one_line("pairing.refused", "wrong_proof")

    def test_with_a_changed_introduction_is_refused(self):
        identity = Identity.made()
        with Caller(self.port, self.source, identity) as caller:
            attempt = Attempt(Code.read(self.desk.invite()), identity.digest)
            proof = attempt.proof(attempt.hello(caller).json()["nonce"])
            proof["introduction"] = {"name": "laptop", "addresses": []}
            self.assertEqual(Attempt.send(caller, proof).status, 403)
        self.assert_one_line("pairing.refused", "wrong_proof")

    def test_is_not_open_to_guessing(self):
        statuses, identity = [], Identity.made()
        with Caller(self.port, self.source, identity) as caller:
            for _ in range(40):
                body = {"invitation": base32(os.urandom(16)), "nonce": base32(os.urandom(32))}
                reply = caller.post("/pair/v1/hello", body)
                statuses.append(reply.body)
                self.assertIn(reply.status, (403, 429))
        self.assertTrue(any(b"too_many" in body for body in statuses), statuses[-1])
        lines = self.settled_lines()
        self.assertLessEqual(len(lines), 2, "more than one line for each reason")
        self.assertEqual({line["kind"] for line in lines}, {"pairing.refused"})

    def test_by_nonsense_is_refused(self):
        generator = random.Random(16)
        bodies = [
            b"", b"{}", b"[]", b"null", b'{"invitation":1,"nonce":2}', b'{"invitation":"A","nonce":"B"}', b"\xff" * 64,
            b'{"invitation":"' + b"A" * 26 + b'","nonce":"' + b"!" * 52 + b'"}', b"[" * 10_000, b"{" * 4_000,
            *(generator.randbytes(64) for _ in range(10)),
        ]  # fmt: skip
        with Caller(self.port, self.source, Identity.made()) as caller:
            for path in ("/pair/v1/hello", "/pair/v1/proof"):
                for body in bodies:
                    reply = caller.request("POST", path, body)
                    self.assertTrue(400 <= reply.status < 500, (path, body[:40], reply.status))


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


def allow_many_files(wanted: int = 8_192) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    unittest.main()
