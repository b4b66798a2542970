# SPDX-License-Identifier: Apache-2.0
"""What a node has acknowledged is there afterwards, whatever happens to the node and to its disk.

`KITH_DURABILITY_ROUNDS` says how many rounds there are, `KITH_DURABILITY_SEED` repeats a run.
"""

import os
import random
import unittest
from pathlib import Path

from lab import ports, web
from lab.disk import Disk, why_not
from lab.node import Mesh, Node
from surroundings import FOLDER, KITH, fresh_folder, single_node
from writers import Writers

ROUNDS = int(os.environ.get("KITH_DURABILITY_ROUNDS") or 6)
# Of each kind of trouble with a disk.
DISK_ROUNDS = max(2, ROUNDS // 3)
# Acknowledged writes of a round at most.
WRITES = 1000


def seed() -> int:
    chosen = int(os.environ.get("KITH_DURABILITY_SEED") or random.randrange(1 << 32))
    print(f"seed {chosen}", flush=True)
    return chosen


class Durability(unittest.TestCase):
    """A node that is written to, killed and started again, its writers going on from where they were."""

    node: Node
    writers: Writers
    random: random.Random
    # Where the node's files are, if not in its folder.
    data: Path | None = None

    def begin(self, node: Node) -> None:
        chosen = seed()
        self.random = random.Random(chosen)
        self.node = node
        self.addCleanup(node.stop)
        self.start()
        self.writers = Writers(node.port, chosen)
        self.addCleanup(self.writers.stop)

    def start(self) -> None:
        self.node.start(ready=False)

    def some(self) -> int:
        return self.random.randint(1, WRITES)

    def killed(self) -> None:
        self.node.kill()
        self.writers.stop()

    def check_after_start(self) -> None:
        self.start()
        self.writers.check()
        state = self.node.directory if self.data is None else self.data
        self.assertEqual(list(state.glob("state/*.damaged-*")), [])


class KilledWhileItWrites(Durability):
    def test_nothing_acknowledged_is_lost(self):
        self.begin(single_node(type(self).__name__, "none"))
        for _ in range(ROUNDS):
            self.writers.start()
            self.writers.wait_for(acknowledged=self.some())
            self.killed()
            self.check_after_start()


class ADiskThatFails(Durability):
    MEGABYTES = 24
    # Characters; what is freed inside the database does not take many of them.
    LONG = 16_000

    @classmethod
    def setUpClass(cls):
        reason = why_not(FOLDER / "trial-disk")
        if reason is not None:
            raise unittest.SkipTest(reason)

    def setUp(self):
        folder = fresh_folder(type(self).__name__)
        self.disk = Disk(folder, self.MEGABYTES)
        self.addCleanup(self.disk.unmount)
        self.data = self.disk.path / "data"
        self.begin(Node(KITH, folder, ports.free_port(), "none", "none-node", ["--data-dir", self.data]))

    def test_a_full_disk_is_said_to_be_full_and_nothing_is_lost(self):
        for number in range(DISK_ROUNDS):
            self.writers.start(self.LONG)
            self.writers.wait_for(acknowledged=self.some() // 10)
            self.disk.fill()
            self.writers.wait_for(refused=self.random.randint(1, 50))
            for status, body in self.writers.refusals:
                self.assertEqual(status, 507, body)
                self.assertIn(b"disk is full", body)
            if number % 2 == 0:
                self.disk.make_room()
                self.writers.wait_for(acknowledged=self.writers.acknowledged + self.some() // 10)
                self.killed()
            else:
                self.killed()
                self.disk.make_room()
            self.check_after_start()

    def test_a_disk_that_can_only_be_read_any_more_loses_nothing(self):
        for _ in range(DISK_ROUNDS):
            self.writers.start()
            self.writers.wait_for(acknowledged=self.some())
            self.node.process.pause()
            self.disk.fail()
            self.node.process.resume()
            self.writers.wait_for(refused=self.random.randint(1, 50))
            for status, body in self.writers.refusals:
                self.assertEqual(status, 503, body)
            self.writers.stop()
            self.writers.check(restarted=False)
            self.killed()
            self.disk.unmount()
            self.disk.mount()
            self.disk.protect()
            with self.assertRaisesRegex(RuntimeError, "cannot use the data folder|for reading only"):
                self.start()
            self.disk.unmount()
            self.disk.mount()
            self.check_after_start()

    def test_a_power_cut_loses_nothing(self):
        for _ in range(DISK_ROUNDS):
            self.writers.start()
            self.writers.wait_for(acknowledged=self.some())
            self.node.process.pause()
            self.disk.cut_power()
            self.killed()
            self.disk.unmount()
            self.disk.mount()
            self.check_after_start()


class ADamagedDatabase(unittest.TestCase):
    """What a node has lost, its kin bring back."""

    def test_the_node_sets_it_aside_and_learns_everything_anew(self):
        nodes = desk, laptop = Mesh(KITH, fresh_folder(type(self).__name__), ["none", "none"]).nodes
        for node in nodes:
            self.addCleanup(node.stop)
            node.start(ready=False)
        desk.admit(laptop)
        for number in range(20):
            self.assertEqual(self.put(nodes[number % 2], f"key-{number}", number), 200)
        self.wait_for_context(laptop, 20)
        laptop.stop()  # and no log beside the database that would still have what is damaged
        database = laptop.directory / "state" / "kith.sqlite"
        with database.open("r+b") as file:
            file.write(b"\xff" * 4096)

        laptop.start(ready=False)
        self.wait_for_context(laptop, 20)
        self.assertEqual(len(list(database.parent.glob("kith.sqlite.damaged-*Z"))), 1)
        self.assertIn("has been set aside", laptop.process.log.read_text())
        self.assertEqual(self.put(laptop, "key-20", 20), 200)
        self.wait_for_context(desk, 21)

    @staticmethod
    def put(node: Node, key: str, value: int) -> int:
        return web.request(node.port, "PUT", f"/api/context/{key}", {"value": value}).status

    def wait_for_context(self, node: Node, count: int) -> None:
        def found() -> bool:
            entries = web.get(node.port, "/api/context").json()["context"]
            values = {entry["key"]: [value["value"] for value in entry["values"]] for entry in entries}
            return values == {f"key-{number}": [number] for number in range(count)}

        web.wait_until(found, 30, f"{count} keys at {node.name}")


if __name__ == "__main__":
    unittest.main()
