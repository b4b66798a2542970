# SPDX-License-Identifier: Apache-2.0
"""Machines that sleep and are woken: by their owner, and by a prompt that nobody else can answer.

The machines are network namespaces; the one that sleeps is a program that starts a node a while after its network card has seen
a packet for it, as a computer with Wake-on-LAN does.
"""

import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from lab import web
from lab.netns import Host, Lab, why_not
from lab.peer import PeerNode, befriend
from surroundings import KITH, fresh_folder

GUARD = 20
OBSTACLE = why_not()
ALL_PROTOCOLS = 0x0003


class NetworkCard:
    """What the network card of a sleeping host sees, frame by frame. A context manager.

    Some time after the first packet for it, it calls `boot` in the host's own thread, which lasts: a program ends with the
    thread that started it.
    """

    def __init__(self, host: Host, boot=None, after: float = 0):
        self._host, self._boot, self._after = host, boot, after
        hardware = bytes.fromhex(host.hardware_address.replace(":", ""))
        self._packet = b"\xff" * 6 + hardware * 16
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._socket.bind(("eth0", ALL_PROTOCOLS))
        self._socket.settimeout(0.1)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        # Of each packet that wakes this host, the hardware addresses from which it came and to which it went.
        self.packets: list[tuple[str, str]] = []

    def __enter__(self) -> "NetworkCard":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self._socket.close()

    def _watch(self) -> None:
        boots_at = None
        while not self._ends.is_set():
            try:
                frame = self._socket.recv(4_096)
            except TimeoutError:
                frame = b""
            if self._packet in frame:
                self.packets.append((frame[6:12].hex(":"), frame[:6].hex(":")))
                boots_at = boots_at or time.monotonic() + self._after
            if boots_at and self._boot and time.monotonic() >= boots_at:
                self._host.inside(self._boot)
                self._boot = None


class WithADesk(unittest.TestCase):
    """Some machines, and a desk that sleeps: a host for each, by name, with its engine."""

    engines: dict[str, str]
    settings = {"KITH_WAKE_LIMIT": "30"}

    @classmethod
    def setUpClass(cls):
        if OBSTACLE:
            raise unittest.SkipTest(OBSTACLE)
        folder = fresh_folder(cls.__name__)
        cls.lab = Lab(folder / "hosts", list(cls.engines), mdns=False)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__)
        cls.nodes = [
            PeerNode(KITH, folder / host.name, host.name, host, engine, more_environment=dict(cls.settings))
            for host, engine in zip(cls.lab.hosts, cls.engines.values())
        ]
        *cls.others, cls.desk = cls.nodes
        cls.laptop = cls.others[0]
        cls.prepare()
        for node in cls.nodes:
            node.launch()
        for node in cls.nodes:
            node.wait(path="/health/live")
        befriend(cls.nodes)

    @classmethod
    def prepare(cls) -> None:
        """Before the nodes are started."""

    def setUp(self):
        if not self.desk.process.is_running:
            self.desk.launch()
        for node in self.others:
            web.wait_until(lambda: node.answers_through(self.desk), GUARD, f"{node.name} to be answered by the desk")
            web.wait_until(lambda: self.knows_the_desk(node), GUARD, f"{node.name} to learn how the desk is woken")
        for other in self.others[1:]:
            web.wait_until(lambda: self.laptop.state_of(other) == "up", GUARD, f"{other.name} to be up")

    def knows_the_desk(self, node: PeerNode) -> bool:
        card = f"{self.desk.host.hardware_address} 10.71.7.0/24"
        return any(card in row["cards"] and row["asleep_since"] is None for row in self.notes(node))

    def allows_prompts(self) -> bool:
        return all(row["allows_prompts"] for row in self.notes(self.laptop))

    def notes(self, node: PeerNode) -> list[sqlite3.Row]:
        """What a node remembers of how its kin are woken."""
        base = sqlite3.connect(f"file:{node.folder / 'state' / 'kith.sqlite'}?mode=ro", uri=True, timeout=5)
        base.row_factory = sqlite3.Row
        try:
            return base.execute("SELECT * FROM peer_wake").fetchall()
        finally:
            base.close()

    def put_to_sleep(self) -> None:
        """As systemd's hook does it; the machine is without power then."""
        for node in self.others:
            web.wait_until(lambda: self.desk.state_of(node) == "up", GUARD, f"the desk to know {node.name}")
        self.desk.process.send(signal.SIGUSR1)
        for node in self.others:
            web.wait_until(lambda: node.state_of(self.desk) == "asleep", GUARD, f"{node.name} to know that it sleeps")
        self.desk.kill()

    def ask(self, number: int, of: PeerNode | None = None, **more) -> web.Answer:
        body = {"stream": True, "messages": [{"role": "user", "content": f"good morning {number}"}], **more}
        return (of or self.laptop).post("/v1/chat/completions", body, 2 * GUARD)


class AMachineThatSleeps(WithADesk):
    """A laptop and a shelf without an engine, and a desk with the only one."""

    engines = {"laptop": "none", "shelf": "none", "desk": "echo"}

    @classmethod
    def prepare(cls) -> None:
        cls.shelf = cls.others[1]

    def test_1_is_shown_asleep_and_woken_by_all_its_neighbours(self):
        self.put_to_sleep()
        told = self.laptop.peers()[self.desk.known_id]
        self.assertRegex(told["reason"], r"^since \d{4}-")
        listed = {model["id"]: model for model in self.laptop.get("/v1/models").json()["data"]}
        self.assertEqual(listed["echo"].get("x_kith"), {"asleep": True})
        with NetworkCard(self.desk.host) as card:
            said = self.laptop.do("wake", "desk", "--no-wait")
            web.wait_until(lambda: len(card.packets) >= 2, 5, "a packet of each neighbour")
        self.assertIn("sent by laptop on 10.71.7.0/24", said)
        self.assertIn("sent by shelf on 10.71.7.0/24", said)
        neighbours = {self.laptop.host.hardware_address, self.shelf.host.hardware_address}
        self.assertEqual(set(card.packets), {(neighbour, "ff:ff:ff:ff:ff:ff") for neighbour in neighbours})

    def test_2_is_waited_for_by_the_owner(self):
        self.put_to_sleep()
        with NetworkCard(self.desk.host, self.desk.launch, after=0.5):
            done = self.laptop.run("wake", "desk", "--timeout", "15s", "--data-dir", self.laptop.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"desk is up, after [\d.]+ s")
        self.assertIn("is up already", self.laptop.do("wake", "desk"))

    def test_3_is_woken_once_by_prompts_that_wait_for_it(self):
        self.put_to_sleep()
        before = self.laptop.log().count("waking")
        with NetworkCard(self.desk.host, self.desk.launch, after=1.5), ThreadPoolExecutor(4) as clients:
            answers = list(clients.map(self.ask, range(4)))
        for number, answer in enumerate(answers):
            self.assertEqual(answer.status, 200, text(answer))
            self.assertIn(": waking a machine", text(answer))
            self.assertIn(f"good morning {number}", "".join(pieces(text(answer))))
        self.assertEqual(self.laptop.log().count("waking") - before, 1)
        took = [int(time) for row in self.notes(self.laptop) for time in row["times"].split()]
        self.assertGreaterEqual(max(took), 1_000, "the time that it takes is learned, from about when it was woken")
        self.put_to_sleep()
        self.laptop.stop()
        self.laptop.start(path="/health/live")
        self.assertEqual(self.laptop.state_of(self.desk), "asleep")
        web.wait_until(lambda: self.laptop.state_of(self.shelf) == "up", GUARD, "the shelf to be up")
        with NetworkCard(self.desk.host, self.desk.launch):
            self.assertEqual(self.ask(5).status, 200, "woken by a node that was started anew")

    def test_7_answers_a_prompt_that_waited_while_it_booted_for_eight_seconds(self):
        self.put_to_sleep()
        recording = self.recording()
        with NetworkCard(self.desk.host, self.desk.launch, after=8):
            # The shelf has not woken it yet, and so does not know how long that usually takes.
            answer = self.ask(6, of=self.shelf)
        self.assertEqual(answer.status, 200, text(answer))
        self.assertIn(": waking a machine", text(answer))
        lines = recording.communicate(timeout=GUARD)[0].splitlines() if recording else []
        seen = "".join(line.partition(": ")[2] for line in lines if line.startswith("\t")).replace(" ", "")
        if recording:
            self.assertIn("ff" * 6 + self.desk.host.hardware_address.replace(":", "") * 16, seen, "what tcpdump has seen")

    def recording(self) -> subprocess.Popen | None:
        """tcpdump, where it is here, until it has seen one packet that wakes a machine at the desk's card."""
        if not shutil.which("tcpdump"):
            return None
        words = ["tcpdump", "-i", "eth0", "-c", "1", "-nn", "-x", "udp port 9"]
        dump = subprocess.Popen(
            self.desk.host.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.desk.host.environment(),
        )  # fmt: skip
        self.addCleanup(dump.communicate)
        self.addCleanup(dump.kill)
        while "listening on" not in dump.stderr.readline():
            self.assertIsNone(dump.poll(), "tcpdump ended")
        return dump

    def test_4_is_not_woken_by_prompts_where_its_owner_says_so(self):
        self.desk.stop()
        self.desk.more_environment["KITH_WAKE_BY_PROMPTS"] = "off"
        self.addCleanup(self.desk.more_environment.pop, "KITH_WAKE_BY_PROMPTS")
        self.setUp()
        web.wait_until(lambda: not self.allows_prompts(), GUARD, "the laptop to learn that prompts do not wake it")
        self.put_to_sleep()
        with NetworkCard(self.desk.host) as card:
            answer = self.ask(1)
        self.assertEqual((answer.status, card.packets), (503, []))
        self.assertIn("desk is asleep: its setting wake.by_prompts lets no prompt wake it", text(answer))

    def test_5_is_woken_over_ipv6_where_there_is_nothing_else(self):
        address = f"{self.desk.host.address}/24 dev eth0"
        self.desk.host.ip(f"address del {address}")
        self.addCleanup(self.desk.host.ip, f"address add {address}")
        network = "fd71:6b69:7468::/64"
        only = f"{self.desk.host.hardware_address} {network}"
        web.wait_until(lambda: only in {row["cards"] for row in self.notes(self.laptop)}, GUARD, "the new address")
        self.put_to_sleep()
        with NetworkCard(self.desk.host) as card:
            self.assertIn(f"sent by laptop on {network}", self.laptop.do("wake", "desk", "--no-wait"))
            # The shelf may not have heard yet that the desk has no other address any more.
            packet = (self.laptop.host.hardware_address, "33:33:00:00:00:01")
            web.wait_until(lambda: packet in card.packets, 5, "the laptop's packet")

    def test_8_goes_to_sleep_by_itself_and_says_so_before(self):
        self.shelf.stop()
        asleep = self.shelf.folder / "asleep"
        self.shelf.more_environment |= {"KITH_SLEEP_WHEN_IDLE": "0.05", "KITH_SLEEP_COMMAND": f"touch,{asleep}"}
        self.shelf.launch()
        web.wait_until(lambda: self.laptop.state_of(self.shelf) == "asleep", GUARD, "the shelf to sleep")
        web.wait_until(asleep.exists, GUARD, "the command that puts it to sleep to run")


class AMachineThatWouldAnswerSooner(WithADesk):
    """A laptop with a slow engine, and a desk with a fast one."""

    engines = {"laptop": "echo", "desk": "echo"}

    @classmethod
    def prepare(cls) -> None:
        cls.laptop.more_environment["KITH_ENGINE_TEST_TOKENS_PER_SECOND"] = "2"

    def test_is_woken_for_a_long_answer_and_not_for_a_short_one(self):
        self.put_to_sleep()
        with NetworkCard(self.desk.host, self.desk.launch, after=0.5):
            self.laptop.do("wake", "desk", "--timeout", "15s")
        self.setUp()
        self.put_to_sleep()
        with NetworkCard(self.desk.host, self.desk.launch, after=0.5) as card:
            # What is not known is not slow, and so wakes nobody either.
            for number in range(2):
                self.assertEqual(answerer(self.ask(number, max_tokens=3)), "laptop")
            self.assertEqual(card.packets, [])
            self.assertEqual(answerer(self.ask(3)), "desk")
        self.assertTrue(card.packets)


def answerer(answer: web.Answer) -> str | None:
    """Who answered, as the head says it, or a comment, where the head was sent before that was known."""
    told = re.search(r"^: answered by node=(\w+)", text(answer), re.MULTILINE)
    return answer.node or (told[1] if told else None)


def text(answer: web.Answer) -> str:
    return answer.body.decode()


def pieces(text: str):
    """The text of a stream of chat completions."""
    for line in text.splitlines():
        if line.startswith("data: {"):
            for choice in json.loads(line[6:])["choices"]:
                yield choice.get("delta", {}).get("content") or ""


if __name__ == "__main__":
    unittest.main()
