# SPDX-License-Identifier: Apache-2.0
"""How nodes come to trust each other and cease to, by the real command line, on loopback."""

import json
import shutil
import socket
import ssl
import stat
import subprocess
import threading
import time
import unittest

from intruder import Identity
from lab import ports, web
from lab.cluster import Cluster
from lab.peer import PeerNode, Refused, befriend, wait_for_state
from surroundings import KITH, fresh_folder

GUARD = 30


class WithNodes(unittest.TestCase):
    """A folder for each test, and nodes that do not outlive it."""

    def setUp(self):
        self.folder = fresh_folder(f"{type(self).__name__}-{self._testMethodName}")

    def node(self, name: str, *flags: str, engine: str = "echo", start: bool = True) -> PeerNode:
        node = PeerNode(KITH, self.folder / name, name, engine=engine, flags=list(flags))
        self.addCleanup(node.stop)
        return node.start(path="/health/live") if start else node

    def pair(self, *names: str) -> list[PeerNode]:
        nodes = [self.node(name) for name in names]
        befriend(nodes)
        for node in nodes:
            wait_for_state([other for other in nodes if other is not node], node, {"up"}, GUARD, time.monotonic())
        for here in nodes:
            for there in nodes:
                if here is not there:
                    web.wait_until(lambda: here.answers_through(there), GUARD, f"{there.name} to answer {here.name}")
        return nodes

    def assert_refused(self, node: PeerNode, words: list[str], pattern: str, input: str | None = None) -> Refused:
        with self.assertRaises(Refused) as caught:
            node.do(*words, input=input)
        self.assertRegex(caught.exception.output, pattern)
        return caught.exception

    def assert_audited(self, node: PeerNode, *kinds: str) -> None:
        """Each kind once; lines are on the disk within a second or so."""
        for kind in kinds:
            web.wait_until(lambda: node.audit(kind), GUARD, f"an audit line {kind}")
            self.assertEqual(len(node.audit(kind)), 1, node.audit(kind))

    def assert_strangers(self, *nodes: PeerNode) -> None:
        for node in nodes:
            self.assertEqual(node.peers(), {}, node.name)


class ACode(WithNodes):
    def test_makes_two_nodes_kin_that_answer_for_each_other(self):
        desk, laptop = self.pair("desk", "laptop")
        for here, there in ((desk, laptop), (laptop, desk)):
            peer = here.peers()[there.known_id]
            self.assertEqual((peer["name"], peer["tier"]), (there.name, "kin"))
            web.wait_until(lambda: here.answers_through(there), GUARD, f"{there.name} to answer for {here.name}")

    def test_stands_alone_on_standard_output(self):
        desk = self.node("desk")
        done = desk.run("invite", "--tier", "kin", "--data-dir", desk.folder)
        self.assertEqual(len(done.stdout.split()), 1, done.stdout)
        self.assertIn("kith join", done.stderr)

    def test_is_read_through_what_a_clipboard_makes_of_it(self):
        desk, laptop = self.node("desk"), self.node("laptop")
        code = desk.invite()
        half = len(code) // 2
        laptop.join(f"  {code[:half].lower()}\r\n   {code[half:]}  ")
        self.assertIn(desk.known_id, laptop.peers())

    def test_is_not_taken_as_an_argument(self):
        desk, laptop = self.node("desk"), self.node("laptop")
        self.assert_refused(laptop, ["join", desk.invite()], "history")
        self.assert_strangers(desk, laptop)

    def test_works_once(self):
        desk, laptop, other = self.node("desk"), self.node("laptop"), self.node("other")
        code = desk.invite()
        laptop.join(code)
        self.assert_refused(other, ["join"], r"(?i)used|refused", input=code)
        self.assertNotIn(other.known_id, desk.peers())
        self.assert_audited(desk, "pairing.accepted", "pairing.refused")

    def test_ends_with_its_time(self):
        desk, laptop = self.node("desk"), self.node("laptop")
        code = desk.invite("kin", "--expires", "10s")
        time.sleep(11)
        self.assert_refused(laptop, ["join"], r"(?i)expired", input=code)
        self.assert_strangers(desk, laptop)

    def test_ends_with_the_node_that_made_it(self):
        desk, laptop = self.node("desk"), self.node("laptop")
        code = desk.invite()
        desk.stop()
        self.assert_refused(laptop, ["join"], r"(?i)reach", input=code)
        desk.start(path="/health/live")
        self.assert_refused(laptop, ["join"], "knows no such invitation", input=code)
        self.assert_strangers(desk, laptop)

    def test_with_any_one_character_changed_is_no_code(self):
        desk, laptop = self.node("desk"), self.node("laptop")
        code = desk.invite()
        for position in range(0, len(code), max(1, len(code) // 12)):
            if not code[position].isalnum():
                continue
            changed = code[:position] + ("A" if code[position] != "A" else "B") + code[position + 1 :]
            with self.subTest(position=position):
                self.assert_refused(laptop, ["join"], r"(?i)code", input=changed)
        self.assert_strangers(desk, laptop)
        laptop.join(code)

    def test_of_nonsense_is_no_code(self):
        laptop = self.node("laptop")
        for text in ("hello", "-" * 80, "A" * 3000, "𝔎𝔦𝔱𝔥", "../../etc/passwd", '{"code": 1}'):
            with self.subTest(text=text[:20]):
                self.assert_refused(laptop, ["join"], r"(?i)code", input=text)

    def test_cannot_be_guessed_for_long(self):
        desk = self.node("desk")
        codes = {desk.invite() for _ in range(4)}
        self.assertEqual(len(codes), 4)
        self.assertTrue(all(len(code) <= 80 for code in codes), codes)
        joiner = self.node("joiner")
        outputs = []
        for _ in range(40):
            done = joiner.run("join", "--data-dir", joiner.folder, input="K" * 60)
            self.assertNotEqual(done.returncode, 0)
            outputs.append(done.stdout + done.stderr)
        self.assertEqual(len(outputs), 40)
        self.assert_strangers(desk, joiner)

    def test_of_the_node_itself_is_refused(self):
        desk = self.node("desk")
        self.assert_refused(desk, ["join"], "this very node", input=desk.invite())
        self.assert_strangers(desk)

    def test_joins_a_node_that_is_kin_already_without_harm(self):
        desk, laptop = self.pair("desk", "laptop")
        laptop.join(desk.invite())
        self.assertEqual(list(laptop.peers()), [desk.known_id])
        self.assertTrue(laptop.answers_through(desk))


class ManInTheMiddle(WithNodes):
    """Another certificate at the address that a code names."""

    def test_is_recognised_and_told_nothing(self):
        desk, laptop = self.node("desk"), self.node("laptop")
        code = desk.invite()
        desk.stop()
        with Interceptor(desk.peer_port) as interceptor:
            began = time.monotonic()
            refusal = self.assert_refused(laptop, ["join"], r"(?i)another node", input=code)
            self.assertLess(time.monotonic() - began, GUARD)
        self.assertGreater(interceptor.connections, 0, "nobody came to the man in the middle")
        self.assertEqual(interceptor.heard, b"", "the joining node went on after it saw the certificate")
        self.assertNotIn(code, refusal.output)
        self.assert_strangers(laptop)

    def test_does_not_get_kin_to_talk_to_it(self):
        desk, laptop = self.pair("desk", "laptop")
        desk.stop()
        with Interceptor(desk.peer_port) as interceptor:
            web.wait_until(lambda: interceptor.connections > 0, GUARD, "the laptop to try its kin's address")
            self.assertFalse(laptop.answers_through(desk))
            time.sleep(2)
        self.assertEqual(interceptor.heard, b"")
        desk.start()
        web.wait_until(lambda: laptop.answers_through(desk), GUARD, "the real one to be used again")


class Interceptor:
    """A TLS server with a certificate of its own that notes what clients tell it. A context manager."""

    def __init__(self, port: int):
        self.heard = b""
        self.connections = 0
        identity = Identity.made()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(identity.certificate, identity.key)
        self._context.set_alpn_protocols(["h2"])
        self._listener = socket.create_server((ports.LOOPBACK, port))
        self._listener.settimeout(0.1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Interceptor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=30)
        self._listener.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            connection.settimeout(1)
            try:
                with self._context.wrap_socket(connection, server_side=True) as secured:
                    while piece := secured.recv(65536):
                        self.heard += piece
            except OSError:
                pass  # the client hung up, as it should


class WhoIsTrusted(WithNodes):
    def test_two_codes_make_three_nodes_know_each_other(self):
        nodes = self.pair("one", "two", "three")
        for here in nodes:
            self.assertEqual(set(here.peers()), {other.known_id for other in nodes if other is not here})

    def test_kith_get_no_prompts_and_give_none(self):
        desk, friend = self.node("desk", engine="none"), self.node("friend")
        friend.join(desk.invite("kith"))
        for here, there in ((desk, friend), (friend, desk)):
            self.assertEqual(here.peers()[there.known_id]["tier"], "kith")
            wait_for_state([here], there, {"up"}, GUARD, time.monotonic())
            self.assertFalse(here.answers_through(there))
        asked = desk.ask("a private question", timeout=60)
        self.assertNotEqual(asked.returncode, 0)
        self.assertNotIn("a private question", asked.stdout + friend.log())

    def test_kith_of_one_are_not_introduced_to_the_others(self):
        desk, laptop = self.pair("desk", "laptop")
        friend = self.node("friend")
        friend.join(desk.invite("kith"))
        time.sleep(3)
        self.assertEqual(set(friend.peers()), {desk.known_id})
        peer = laptop.peers().get(friend.known_id)
        self.assertIn(peer and peer["tier"], (None, "kith"))

    def test_a_change_of_tier_holds_at_once(self):
        desk, laptop = self.pair("desk", "laptop")
        self.assertTrue(desk.answers_through(laptop))
        desk.do("tier", "laptop", "kith")
        self.assertEqual(desk.peers()[laptop.known_id]["tier"], "kith")
        self.assertFalse(laptop.answers_through(desk))
        self.assertFalse(desk.answers_through(laptop))
        self.assert_audited(desk, "peer.tier_changed")

    def test_a_new_name_is_used_here_and_survives_a_restart(self):
        desk, laptop = self.pair("desk", "laptop")
        desk.do("rename", "laptop", "travel")
        self.assertEqual(desk.peers()[laptop.known_id]["name"], "travel")
        desk.stop()
        desk.start()
        self.assertEqual(desk.peers()[laptop.known_id]["name"], "travel")

    def test_a_forgotten_node_is_refused_at_once_by_all_and_after_a_restart(self):
        one, two, three = self.pair("one", "two", "three")
        one.forget("three")
        self.assertNotIn(three.known_id, one.peers())
        web.wait_until(lambda: three.known_id not in two.peers(), GUARD, "the other to hear of it")
        for node in (one, two):
            self.assertFalse(three.answers_through(node))
        two.stop()
        two.start()
        self.assertNotIn(three.known_id, two.peers())
        self.assertFalse(three.answers_through(two))
        self.assert_audited(one, "peer.forgotten")

    def test_a_forgotten_node_can_be_paired_again(self):
        desk, laptop = self.pair("desk", "laptop")
        desk.forget("laptop")
        laptop.join(desk.invite())
        web.wait_until(lambda: laptop.answers_through(desk), GUARD, "an answer")
        web.wait_until(lambda: desk.answers_through(laptop), GUARD, "an answer")

    def test_what_is_asked_of_an_unknown_peer_is_refused_by_name(self):
        desk = self.node("desk")
        for words in (["forget", "nobody", "--yes"], ["rename", "nobody", "body"], ["tier", "nobody", "kith"]):
            with self.subTest(command=words[0]):
                self.assert_refused(desk, words, "nobody")

    def test_trust_survives_a_restart_of_both(self):
        desk, laptop = self.pair("desk", "laptop")
        for node in (desk, laptop):
            node.stop()
        for node in (desk, laptop):
            node.start()
        web.wait_until(lambda: laptop.answers_through(desk), GUARD, "an answer")

    def test_a_node_that_is_not_running_cannot_be_asked_for_a_code(self):
        desk = self.node("desk", start=False)
        desk.folder.mkdir()
        self.assertEqual(self.assert_refused(desk, ["invite", "--tier", "kin"], "kith setup").status, 3)


class AnIdentity(WithNodes):
    def files(self, node: PeerNode):
        folder = node.folder / "state" / "identity"
        return folder, [file for file in folder.iterdir() if file.is_file()]

    def test_stays_over_restarts_and_only_its_owner_can_read_it(self):
        desk = self.node("desk")
        before = desk.id
        folder, files = self.files(desk)
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE((folder / "key.pem").stat().st_mode), 0o600)
        desk.stop()
        desk.start(path="/health/live")
        self.assertEqual(desk.id, before)
        self.assertTrue(files)

    def test_that_is_damaged_or_gone_is_refused_and_never_replaced(self):
        desk = self.node("desk")
        before = desk.id
        desk.stop()
        key = desk.folder / "state" / "identity" / "key.pem"
        whole = key.read_bytes()
        for name, content in (("empty", b""), ("cut off", whole[:60]), ("nonsense", b"hello\n"), ("gone", None)):
            with self.subTest(key=name):
                key.unlink() if content is None else key.write_bytes(content)
                desk.launch()
                web.wait_until(lambda: not desk.process.is_running, GUARD, "the node to refuse")
                self.assertIn("kith rekey", desk.process.tail())
                self.assertEqual(key.read_bytes() if key.exists() else None, content)
        key.write_bytes(whole)
        key.chmod(0o600)
        desk.start(path="/health/live")
        self.assertEqual(desk.id, before)

    def test_is_renewed_by_rekey_after_which_the_node_is_a_stranger(self):
        desk, laptop = self.pair("desk", "laptop")
        before = laptop.id
        laptop.stop()
        laptop.do("rekey", "--yes")
        laptop.start(path="/health/live")
        self.assertNotEqual(laptop.id, before)
        self.assertFalse(desk.answers_through(laptop))
        self.assertFalse(laptop.answers_through(desk))
        laptop.join(desk.invite())
        web.wait_until(lambda: laptop.answers_through(desk), GUARD, "an answer")

    def test_that_runs_twice_is_named_on_both(self):
        desk, laptop, third = self.pair("desk", "laptop", "third")
        laptop.stop()
        copy = self.node("copy", start=False)
        shutil.copytree(laptop.folder, copy.folder)
        laptop.start()
        copy.start(path="/health/live")
        for node in (laptop, copy):
            web.wait_until(lambda: json.loads(node.do("id", "--json"))["cloned"], GUARD, f"{node.name} to notice")
            self.assertIn("kith rekey", node.do("id"))
        copy.stop()
        copy.do("rekey", "--yes")
        copy.start(path="/health/live")
        self.assertNotEqual(copy.id, laptop.id)


class AKeyForClients(WithNodes):
    def test_is_shown_once_listed_without_its_secret_and_revoked_at_once(self):
        desk = self.node("desk")
        shown = desk.do("key", "create", "--name", "phone", "--scope", "chat,read").split()[-1]
        listed = desk.do("key", "list")
        self.assertIn("phone", listed)
        self.assertNotIn(shown, listed)
        for file in (desk.folder / "state").rglob("*"):
            if file.is_file():
                self.assertNotIn(shown.encode(), file.read_bytes(), file.name)
        for headers in ({"Authorization": f"Bearer {shown}"}, {"X-API-Key": shown}):
            self.assertEqual(self.ask(desk, headers), 200)
        desk.do("key", "revoke", "phone")
        self.assertEqual(self.ask(desk, {"Authorization": f"Bearer {shown}"}), 401)
        self.assert_audited(desk, "key.created", "key.revoked")

    def ask(self, node: PeerNode, headers: dict) -> int:
        body = {"messages": [{"role": "user", "content": "hello"}]}
        return node.post("/v1/chat/completions", body, headers=headers).status

    def test_is_needed_on_any_other_address_than_loopback(self):
        desk = self.node("desk", "--host", "0.0.0.0", start=False)
        desk.launch()
        web.wait_until(lambda: not desk.process.is_running, GUARD, "the node to refuse")
        said = desk.process.tail()
        self.assertRegex(said, "kith key create")
        self.assertRegex(said, "(?i)tls")


class AClusterPairsItself(unittest.TestCase):
    def test_its_nodes_are_kin_and_answer_for_each_other(self):
        base = ports.free_block(3, 18_180)
        folder = fresh_folder(type(self).__name__)
        with Cluster(KITH, folder, 3, base, ["--engine", "echo", "--first-node-engine", "none"]) as cluster:
            cluster.wait(60)

            def all_are_kin() -> bool:
                lists = [web.get(port, "/api/status").json()["peers"] for port in cluster.ports]
                return all([(peer["tier"], peer["state"]) for peer in peers] == [("kin", "up")] * 2 for peers in lists)

            web.wait_until(all_are_kin, GUARD, "all to be kin of all")
            body = {"messages": [{"role": "user", "content": "hello"}]}
            answer = web.post(base, "/v1/chat/completions", body)
            self.assertEqual(answer.status, 200, answer.body)
            log = subprocess.run(["cat", cluster.process.log], capture_output=True, text=True, timeout=10).stdout
            self.assertNotIn("KITH1", log)


if __name__ == "__main__":
    unittest.main()
