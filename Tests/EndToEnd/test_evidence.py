# SPDX-License-Identifier: Apache-2.0
"""What is said of a node stays true: text that a model chose, the audit trail, and a database that lost its last writes."""

import json
import os
import pty
import subprocess
import time
import unittest

from lab import ports, web
from lab.node import Node
from lab.process import environment
from stub_engine import StubEngine, chunk
from surroundings import KITH, fresh_folder, single_node

HOSTILE = "one\x1b[2J\x1b]0;owned\x07 two\r\n\x9b31mthree\u202e"
FORGED = "no room\n2026-01-01T00:00:00+0000 notice kith: [KithNode] all is well\x1b[2J"


def command(node: Node, *words: str, given: str = "") -> subprocess.CompletedProcess:
    return subprocess.run(
        [KITH, *words, "--data-dir", node.directory], input=given.encode(), capture_output=True, timeout=30,
        env=environment(),
    )  # fmt: skip


def end(child: subprocess.Popen) -> None:
    with child:
        child.kill()


def on_a_terminal(node: Node, *words: str) -> str:
    """What a command writes when a terminal reads it, both streams."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [KITH, *words, "--data-dir", node.directory], stdin=subprocess.DEVNULL, stdout=its, stderr=its,
        env=environment(TERM="xterm"),
    ) as child:  # fmt: skip
        os.close(its)
        said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how a terminal ends on Linux
                break
            if not piece:
                break
            said += piece
        child.wait(30)
    os.close(ours)
    return said.decode()


class WhatAModelSays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine()
        cls.addClassCleanup(cls.engine.stop)
        cls.node = single_node(cls.__name__, "openai")
        cls.node.more_environment = {"KITH_ENGINE_OPENAI_BASE_URL": cls.engine.url, "KITH_LOG_LEVEL": "debug"}
        cls.addClassCleanup(cls.node.stop)
        cls.node.start()

    def answer(self, text: str) -> None:
        """In pieces of two characters, so that sequences are cut."""
        pieces = [chunk({"content": text[at : at + 2]}) for at in range(0, len(text), 2)]
        self.engine.answer = lambda request, reply: reply.stream(*pieces, chunk({}, "stop"))

    def test_does_not_act_on_the_terminal(self):
        self.answer(HOSTILE)
        said = on_a_terminal(self.node, "ask", "hello")
        self.assertIn("one␛[2J␛]0;owned␇ two", said)
        for harmful in ("\x1b", "\x07", "\x9b", "\u202e"):
            self.assertNotIn(harmful, said)

    def test_is_written_to_a_pipe_as_it_is(self):
        self.answer(HOSTILE)
        done = command(self.node, "ask", "hello")
        self.assertEqual(done.stdout.decode(), HOSTILE + "\n")

    def test_cannot_forge_a_line_of_the_log(self):
        self.engine.answer = lambda request, reply: reply.error(500, FORGED)
        command(self.node, "ask", "hello")
        log = (self.node.directory / "output.log").read_text()
        self.assertIn("no room 2026-01-01", log)
        self.assertNotIn("\x1b", log)
        self.assertFalse([line for line in log.splitlines() if line.startswith("2026-01-01")])
        told = on_a_terminal(self.node, "logs")
        self.assertNotIn("\x1b[2J", told)


class TheAuditTrail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = single_node(cls.__name__, "none")
        cls.file = cls.node.directory / "audit.log"
        cls.node.more_environment = {"KITH_AUDIT_FILE": str(cls.file)}
        cls.addClassCleanup(cls.node.stop)
        cls.node.start(ready=False)

    def test_says_what_the_owner_did_and_who_was_refused_also_in_its_file_and_as_it_comes(self):
        following = subprocess.Popen(
            [KITH, "audit", "-f", "--json", "-n", "0", "--data-dir", self.node.directory], stdout=subprocess.PIPE,
            env=environment(),
        )  # fmt: skip
        self.addCleanup(end, following)
        key = command(self.node, "key", "create", "--name", "phone", "--scope", "chat").stdout.decode().strip()
        self.assertEqual(command(self.node, "key", "revoke", "phone").returncode, 0)
        refused = web.request(self.node.port, "GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
        self.assertEqual(refused.status, 401)

        def kinds(*flags: str) -> list[str]:
            lines = command(self.node, "audit", "--json", *flags).stdout.decode().splitlines()
            return [json.loads(line)["kind"] for line in lines]

        web.wait_until(lambda: "client.refused" in kinds(), 10, "the line about the refusal")
        self.assertEqual(kinds("--kind", "key"), ["key.created", "key.revoked"])
        self.assertEqual(kinds("--kind", "client.refused", "--source", "127.0.0.1", "--since", "1h"), ["client.refused"])
        self.assertEqual(kinds("--source", "192.0.2.1"), [])
        written = [json.loads(line)["kind"] for line in self.file.read_text().splitlines()]
        self.assertEqual(written, ["key.created", "key.revoked", "client.refused"])
        came = [json.loads(following.stdout.readline())["kind"] for _ in range(3)]
        self.assertEqual(came, written)
        self.assertEqual(command(self.node, "audit", "--kind", "moon").returncode, 64)


class ADatabaseThatLostItsJournal(unittest.TestCase):
    def test_is_told_and_a_revoked_key_stays_revoked(self):
        node = single_node(type(self).__name__, "none")
        self.addCleanup(node.stop)
        key = command(node, "key", "create", "--name", "phone", "--scope", "chat").stdout.decode().strip()
        node.start(ready=False)
        shown = {"Authorization": f"Bearer {key}"}
        self.assertEqual(web.request(node.port, "GET", "/v1/models", headers=shown).status, 200)
        self.assertEqual(command(node, "key", "revoke", "phone").returncode, 0)
        node.kill()
        (node.directory / "state" / "kith.sqlite-wal").unlink()
        node.start(ready=False)
        self.assertEqual(web.request(node.port, "GET", "/v1/models", headers=shown).status, 401)
        self.assertIn("the database has lost its journal", (node.directory / "output.log").read_text())
        told = command(node, "audit", "--json", "--kind", "store.older").stdout.decode()
        self.assertIn("lost its journal", told)
        self.assertIn("lost its journal", command(node, "status").stdout.decode())
        found = json.loads(command(node, "doctor", "--json").stdout)
        self.assertIn("lost its journal", json.dumps(found))


class WhatANodeStartsOn(unittest.TestCase):
    def refused(self, folder, *words: str) -> None:
        begun = time.monotonic()
        done = subprocess.run(
            [KITH, "up", "--engine", "none", "--port", str(ports.free_port()), "--data-dir", folder], capture_output=True,
            timeout=20, env=environment(), stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.assertNotEqual(done.returncode, 0)
        for word in words:
            self.assertIn(word, done.stderr.decode())
        self.assertLess(time.monotonic() - begun, 15)

    def test_is_no_pipe_in_place_of_its_settings(self):
        folder = fresh_folder("APipeForSettings")
        os.mkfifo(folder / ".env")
        self.refused(folder, ".env", "regular file")

    def test_is_no_folder_that_others_can_change(self):
        folder = fresh_folder("AnOpenFolder")
        (folder / "state").mkdir()
        (folder / "state").chmod(0o777)
        self.refused(folder, "can be changed by other users", "chmod go-w")
