# SPDX-License-Identifier: Apache-2.0
"""A node whose peer port is attacked, and what must hold after each attempt.

Each attempt comes from an address of its own of the loopback network, so that the audit trail tells them apart.
"""

import re
import resource
import ssl
import sys
import time
import unittest

from intruder import Identity, fresh_source, outcome_of_handshake
from joiner import node_id
from lab import web
from lab.peer import PeerNode, befriend, wait_for_state
from surroundings import KITH, fresh_folder

LIMIT = 30
# Seconds until an audit line is on the disk for certain.
AUDIT_PAUSE = 1.5
# Growth of the attacked node's memory over all attempts together, in megabytes.
MEMORY_LIMIT = 50


class OnePeerPort(unittest.TestCase):
    """A node under attack, the desk; the laptop is its kin, and must not notice."""

    desk: PeerNode | None = None

    @classmethod
    def setUpClass(cls):
        """The same nodes for all classes of a file: what one attempt spoils, the next would show."""
        if OnePeerPort.desk is None or not OnePeerPort.desk.process.is_running:
            OnePeerPort.start()

    @classmethod
    def start(cls):
        allow_many_files()
        folder = fresh_folder("one-peer-port")

        def node(name: str) -> PeerNode:
            made = PeerNode(KITH, folder / name, name)
            unittest.addModuleCleanup(made.stop)
            return made.start(path="/health/live")

        cls.desk, cls.laptop = node("desk"), node("laptop")
        befriend([cls.desk, cls.laptop])
        wait_for_state([cls.laptop], cls.desk, {"up"}, LIMIT, time.monotonic())
        wait_for_state([cls.desk], cls.laptop, {"up"}, LIMIT, time.monotonic())
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
        web.wait_until(self.lines, LIMIT, f"an audit line for {self.source}")
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


def allow_many_files(wanted: int = 8_192) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
