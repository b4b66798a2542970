# SPDX-License-Identifier: Apache-2.0
"""What strangers, the forgotten and people of bad will can do to a peer port: nothing, and it is written down."""

import json
import os
import random
import ssl
import unittest

from attacked import OnePeerPort
from intruder import Caller, Identity, client_context, dial, fresh_source, h2_preface, read_to_the_end
from joiner import Attempt, Code, base32, node_id

# A handshake must be done within this time, in seconds, with room for a busy machine.
HANDSHAKE_LIMIT = 15


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
        ("POST", "/peer/v1/generate"), ("POST", "/peer/v1/embed"), ("POST", "/peer/v1/count"),
    ]  # fmt: skip
    FOR_PAIRED = [*FOR_KIN, ("POST", "/peer/v1/hello")]
    # A line of the node that asks, and behind it what its client wrote.
    PROMPT = (
        json.dumps({"id": "one", "kind": "chat"}) + "\n"
        + json.dumps({"stream": True, "messages": [{"role": "user", "content": "who is there?"}]})
    ).encode()  # fmt: skip

    def refusals(self, identity: Identity, paths: list[tuple[str, str]]) -> set:
        with Caller(self.port, self.source, identity) as caller:
            self.assertEqual(node_id(caller.server_digest()), self.desk.known_id)
            bodies = {"GET": b"", "POST": self.PROMPT}
            return {caller.request(method, path, bodies[method]).refusal for method, path in paths}

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
        lines = [json.loads(line[5:]) for line in answer.body.splitlines() if line.startswith(b"data:")]
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
        proof = attempt.proof(challenge.json()["nonce"], caller.server_digest())
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
            mixed = {**attempt.proof(first, caller.server_digest()), "challenge": second}
            self.assertEqual(Attempt.send(caller, mixed).status, 403)
        self.assert_one_line("pairing.refused", "wrong_proof")

    def test_with_a_proof_that_another_key_made_is_refused(self):
        """As by somebody in the middle who passes on what the real joiner sends."""
        identity, victim = Identity.made(), Identity.made()
        with Caller(self.port, self.source, identity) as caller:
            attempt = Attempt(Code.read(self.desk.invite()), victim.digest)
            proof = attempt.proof(attempt.hello(caller).json()["nonce"], caller.server_digest())
            self.assertEqual(Attempt.send(caller, proof).status, 403)
        self.assert_one_line("pairing.refused", "wrong_proof")

    def test_with_the_tier_changed_is_refused(self):
        identity = Identity.made()
        code = Code.read(self.desk.invite("kith"))
        code.tier = "kin"
        with Caller(self.port, self.source, identity) as caller:
            attempt = Attempt(code, identity.digest)
            proof = attempt.proof(attempt.hello(caller).json()["nonce"], caller.server_digest())
            self.assertEqual(Attempt.send(caller, proof).status, 403)
        self.assert_one_line("pairing.refused", "wrong_proof")

    def test_with_a_changed_introduction_is_refused(self):
        identity = Identity.made()
        with Caller(self.port, self.source, identity) as caller:
            attempt = Attempt(Code.read(self.desk.invite()), identity.digest)
            proof = attempt.proof(attempt.hello(caller).json()["nonce"], caller.server_digest())
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


if __name__ == "__main__":
    unittest.main()
