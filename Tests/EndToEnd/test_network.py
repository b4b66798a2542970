# SPDX-License-Identifier: Apache-2.0
"""Real nodes on hosts of their own, with real Avahi daemons: found, paired, cut off, healed. Prints what it measures.

The hosts are network namespaces (see `scripts/lab/netns.py`) without a default route: nothing here needs the internet.
A limit that fails a test only guards against waiting for ever; each time is printed beside what it should be.
"""

import json
import secrets
import shutil
import socket
import time
import unittest
from typing import Callable

from lab import web
from lab.capture import Capture, Recording
from lab.netns import Host, Lab, why_not
from lab.peer import PEER_PORT, PeerNode, Refused, befriend, wait_for_state
from surroundings import KITH, fresh_folder

NAMES = ["aios-laptop", "aios-desktop", "aios-tablet", "aios-visitor"]
OBSTACLE = why_not()

# What should be reached, in seconds.
FOUND_BAR = 5
DEATH_BAR = 3
SILENT_CUT_BAR = 10
RETURN_BAR = 2
FORGOTTEN_BAR = 2
# What fails a test.
GUARD = 60


def verdict(what: str, seconds: float, bar: float) -> None:
    print(f"\n    {what}: {seconds:.2f} s, {'within' if seconds <= bar else 'OVER'} the {bar:g} s it should take")


def seconds_until(check: Callable[[], object], what: str) -> float:
    began = time.monotonic()
    web.wait_until(check, GUARD, what)
    return time.monotonic() - began


@unittest.skipIf(OBSTACLE, OBSTACLE)
class OnALab(unittest.TestCase):
    """Hosts with Avahi, and a node for each that is not started yet."""

    @classmethod
    def setUpClass(cls):
        folder = fresh_folder(cls.__name__)
        cls.lab = Lab(folder / "hosts", NAMES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__)
        engines = ["none", "echo", "echo", "echo"]
        cls.nodes = [
            PeerNode(KITH, folder / host.name, host.name, host, engine)
            for host, engine in zip(cls.lab.hosts, engines)
        ]  # fmt: skip
        cls.laptop, cls.desktop, cls.tablet, cls.visitor = cls.nodes


class TheLaboratory(OnALab):
    """Without a node: what the tests below stand on."""

    def test_hosts_find_each_other_by_name_in_both_families(self):
        for here in self.lab.hosts:
            for there in self.lab.hosts:
                with self.subTest(here=here.name, there=there.name):
                    found = here.mdns.addresses_of(f"{there.name}.local")
                    self.assertEqual(found, {there.address, there.address6})

    def test_no_host_has_a_way_out(self):
        for host in self.lab.hosts:
            for family in ("-4", "-6"):
                self.assertNotIn("default", host.run("ip", family, "route", "show", "table", "all").stdout)

    def test_a_cut_is_a_cut_and_healing_heals(self):
        laptop, desktop, tablet = self.lab.hosts[:3]
        cuts = {
            "unplugged": (laptop.unplug, laptop.plug_in),
            "outgoing": (laptop.silence_outgoing, laptop.heal),
            "incoming": (laptop.silence_incoming, laptop.heal),
            "incoming from one": (lambda: laptop.silence_incoming(desktop), laptop.heal),
        }
        for name, (cut, heal) in cuts.items():
            with self.subTest(cut=name):
                self.assertTrue(self.reaches(laptop, desktop))
                cut()
                self.assertFalse(self.reaches(laptop, desktop))
                self.assertEqual(self.reaches(laptop, tablet), name == "incoming from one")
                heal()
                web.wait_until(lambda: self.reaches(laptop, desktop), 10, "the way to be open again")

    @staticmethod
    def reaches(here: Host, there: Host) -> bool:
        with here.socket() as probe:
            probe.settimeout(0.5)
            try:
                return probe.connect((there.address, 9)) is None
            except ConnectionRefusedError:
                return True  # nobody listens there, and says so
            except OSError:
                return False


class FoundAndPaired(OnALab):
    """From three nodes that nobody has heard of to one private network. The tablet has no mDNS daemon."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tablet.host.mdns.stop()
        for node in cls.nodes[:3]:
            node.launch()
        for node in cls.nodes[:3]:
            node.wait(path="/health/live")

    def nearby(self, node: PeerNode, other: PeerNode) -> dict | None:
        return next((found for found in node.nearby()["nodes"] if found.get("id") == other.known_id), None)

    def age_of_the_desktop(self) -> float:
        found = self.nearby(self.laptop, self.desktop)
        return found["seen_seconds_ago"] if found else float("inf")

    def test_1_two_nodes_find_each_other_by_mdns(self):
        for here, there in ((self.laptop, self.desktop), (self.desktop, self.laptop)):
            seconds = seconds_until(lambda: self.nearby(here, there), f"{here.name} to find {there.name}")
            verdict(f"{there.name} found by {here.name}", seconds, FOUND_BAR)
            found = self.nearby(here, there)
            self.assertEqual(found["source"], "mdns")
            self.assertIn(f"{there.host.address}:{PEER_PORT}", found["addresses"])

    def test_2_what_is_nearby_is_listed_with_the_command_that_pairs_it(self):
        web.wait_until(lambda: self.nearby(self.laptop, self.desktop), GUARD, "the desktop to be found")
        listed = self.laptop.nearby_report().stdout
        self.assertIn(self.desktop.known_id[:7], listed)
        self.assertIn("kith invite", listed)
        self.assertIn("kith join", listed)

    def test_3_a_host_without_avahi_says_so_plainly(self):
        self.assertRegex(" ".join(self.tablet.nearby()["problems"]), r"(?i)mdns|avahi")
        self.assertRegex(self.tablet.nearby_report().stderr, r"(?i)mdns|avahi")
        self.assertEqual(self.laptop.nearby()["problems"], [])

    def test_4_a_daemon_that_ends_and_comes_back_is_missed_and_used_again(self):
        mdns = self.desktop.host.mdns
        mdns.stop_avahi()
        web.wait_until(lambda: self.desktop.nearby()["problems"], GUARD, "the desktop to miss its daemon")
        # What is not announced any more stays listed for a while, and its age tells.
        web.wait_until(lambda: self.age_of_the_desktop() > 0, GUARD, "the laptop to hear of it no more")
        mdns.start_avahi()
        mdns.wait(GUARD)
        seconds = seconds_until(lambda: self.age_of_the_desktop() == 0, "the desktop to be found again")
        verdict("desktop found again after its mDNS daemon came back", seconds, FOUND_BAR)
        web.wait_until(lambda: not self.desktop.nearby()["problems"], GUARD, "the desktop to be content")

    def test_5_six_words_and_a_code_make_three_nodes_kin(self):
        web.wait_until(lambda: self.nearby(self.laptop, self.desktop), GUARD, "the desktop to be found")
        began = time.monotonic()
        invited = json.loads(self.desktop.do("invite", "--tier", "kin", "--json"))
        words = invited["words"].split()
        self.assertEqual(len(words), 6)
        self.assertLessEqual(len(invited["code"]), 80)
        # As somebody types them who looks at the other screen.
        self.laptop.join(" ".join(word[:4].upper() for word in words))
        # The tablet sees nobody: it is told so, and takes the code.
        with self.assertRaises(Refused) as caught:
            self.tablet.join(invited["words"])
        self.assertIn("sees no other", caught.exception.output)
        self.tablet.join(self.desktop.invite())
        seconds = time.monotonic() - began
        for node in self.nodes[:3]:
            others = [other for other in self.nodes[:3] if other is not node]
            for other in others:
                wait_for_state([node], other, {"up"}, GUARD, time.monotonic())
            self.assertEqual({peer["tier"] for peer in node.peers().values()}, {"kin"})
        print(f"\n    six words and a code took {seconds:.2f} s, and all saw all {time.monotonic() - began:.2f} s after the first")

    def test_6_each_is_answered_by_each_other_that_has_an_engine(self):
        for here in self.nodes[:3]:
            for there in (self.desktop, self.tablet):
                if here is not there:
                    with self.subTest(asked=here.name, answerer=there.name):
                        web.wait_until(lambda: here.answers_through(there), GUARD, "an answer")

    def test_7_paired_nodes_are_no_longer_listed_as_nearby(self):
        self.assertIsNone(self.nearby(self.laptop, self.desktop))

    def test_8_a_name_ending_in_local_leads_to_a_node_whose_address_is_not_known(self):
        found = self.visitor.host.run("getent", "ahosts", "aios-laptop.local", check=False)
        if found.returncode != 0:
            self.skipTest("this machine does not resolve names ending in .local; the package libnss-mdns would")
        config = self.visitor.folder / "config"
        config.mkdir(parents=True)
        (config / "peers.txt").write_text(f"aios-laptop.local:{PEER_PORT}\n")
        self.visitor.flags = ["--mdns", "off"]
        self.visitor.start(path="/health/live")
        self.addCleanup(self.visitor.stop)
        self.visitor.join(self.laptop.invite())
        web.wait_until(lambda: self.laptop.answers_through(self.visitor), GUARD, "an answer of the visitor")
        # Nobody is left who could tell one where the other is, and the visitor is not announced.
        for node in (self.visitor, self.desktop, self.tablet):
            node.stop()
        for number, node in ((71, self.laptop), (72, self.visitor)):
            node.host.move_to(number)
        self.visitor.start(path="/health/live")
        seconds = seconds_until(lambda: self.laptop.answers_through(self.visitor, 2), "an answer of the visitor")
        verdict("the laptop found by its name", seconds, FOUND_BAR)


class AMachineThatIsNotOpen(OnALab):
    """It joins from where nobody listens for others: its word reaches them, and nothing reaches it."""

    def test_is_gone_for_the_other_without_coming_back_with_each_word_until_it_is_opened(self):
        self.tablet.is_open = False
        for node in (self.laptop, self.tablet):
            node.start(path="/health/live")
            self.addCleanup(node.stop)
        self.tablet.join(self.laptop.invite())
        wait_for_state([self.tablet], self.laptop, {"up"}, GUARD, time.monotonic())
        wait_for_state([self.laptop], self.tablet, {"down"}, GUARD, time.monotonic())
        # It may be on its way when it is first found to be gone.
        time.sleep(2)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            self.assertEqual((self.laptop.state_of(self.tablet), self.tablet.state_of(self.laptop)), ("down", "up"))
            time.sleep(0.25)
        self.tablet.stop()
        self.tablet.is_open = True
        self.tablet.start()
        web.wait_until(lambda: self.laptop.answers_through(self.tablet), GUARD, "the laptop to use the tablet")


class CutOffAndBack(OnALab):
    """Three kin, of which the laptop has no engine, and what they know of each other when things go wrong."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kin = cls.nodes[:3]
        for node in cls.kin:
            node.launch()
        for node in cls.kin:
            node.wait(path="/health/live")
        befriend(cls.kin)

    def setUp(self):
        self.wait_until_all_is_well()

    def wait_until_all_is_well(self) -> None:
        for node in self.kin:
            wait_for_state([other for other in self.kin if other is not node], node, {"up"}, GUARD, time.monotonic())
        for here in (self.laptop, self.desktop):
            web.wait_until(lambda: here.answers_through(self.tablet), GUARD, f"{here.name} to use the tablet")

    def report_death(self, node: PeerNode, began: float, bar: float, what: str) -> None:
        others = [other for other in self.kin if other is not node]
        verdict(what, wait_for_state(others, node, {"down"}, GUARD, began), bar)

    def report_return(self, node: PeerNode, what: str) -> None:
        """Measures from now until every other node gets answers from `node` again."""
        began = time.monotonic()
        for here in self.kin:
            if here is not node:
                web.wait_until(lambda: here.answers_through(node, 2), GUARD, f"{here.name} to use {node.name} again")
        verdict(what, time.monotonic() - began, RETURN_BAR)

    def assert_answered(self, limit: float, by: PeerNode) -> None:
        began = time.monotonic()
        done = self.laptop.ask("does anybody answer?")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, "does anybody answer?"), done.stderr)
        self.assertIn(by.name, done.stderr)
        verdict(f"a question meanwhile, answered by {by.name}", time.monotonic() - began, limit)

    def assert_no_ghosts(self) -> None:
        for node in self.kin:
            others = sorted(other.known_id for other in self.kin if other is not node)
            self.assertEqual(sorted(peer["id"] for peer in node.status()["peers"]), others, f"on {node.name}")

    def test_1_a_killed_node_is_known_to_be_dead_and_used_when_it_is_back(self):
        self.tablet.kill()
        began = time.monotonic()
        self.assert_answered(DEATH_BAR, by=self.desktop)
        self.report_death(self.tablet, began, DEATH_BAR, "death by kill -9 known to all")
        self.tablet.start()
        self.report_return(self.tablet, "used by all again after it was ready")
        self.assert_no_ghosts()

    def test_2_a_node_that_says_goodbye_is_known_to_be_gone_at_once(self):
        began = time.monotonic()
        self.tablet.stop()
        seconds = wait_for_state([self.laptop, self.desktop], self.tablet, {"left"}, GUARD, began)
        verdict("goodbye known to all, from the request to stop", seconds, RETURN_BAR)
        self.tablet.start()
        self.report_return(self.tablet, "used by all again after it was ready")

    def test_3_an_unplugged_node_is_known_to_be_gone_and_used_when_it_is_back(self):
        self.tablet.host.unplug()
        self.addCleanup(self.tablet.host.plug_in)
        began = time.monotonic()
        self.assert_answered(SILENT_CUT_BAR, by=self.desktop)
        self.report_death(self.tablet, began, SILENT_CUT_BAR, "an unplugged cable known to all")
        self.tablet.host.plug_in()
        self.report_return(self.tablet, "used by all again after it was plugged in")
        self.assert_no_ghosts()

    def test_4_packets_dropped_one_way_are_noticed_either_way(self):
        host = self.tablet.host
        self.addCleanup(host.heal)
        for name, cut in (("from", host.silence_outgoing), ("to", host.silence_incoming)):
            with self.subTest(way=name):
                self.wait_until_all_is_well()
                cut()
                began = time.monotonic()
                self.assert_answered(SILENT_CUT_BAR, by=self.desktop)
                self.report_death(
                    self.tablet, began, SILENT_CUT_BAR, f"a silent cut of everything {name} a node known to all"
                )
                host.heal()
                self.report_return(self.tablet, "used by all again after the cut healed")

    def test_5_a_way_that_two_nodes_do_not_have_makes_neither_dead_for_the_third(self):
        self.tablet.host.silence_incoming(self.desktop.host)
        self.addCleanup(self.tablet.host.heal)
        deadline = time.monotonic() + SILENT_CUT_BAR
        while time.monotonic() < deadline:
            for node in (self.tablet, self.desktop):
                self.assertNotEqual(self.laptop.state_of(node), "down", f"{node.name} for the laptop")
            time.sleep(0.25)

    def test_6_a_node_frozen_for_20_seconds_is_gone_and_then_back_without_a_ghost(self):
        self.tablet.freeze()
        self.addCleanup(self.tablet.thaw)
        began = time.monotonic()
        self.report_death(self.tablet, began, SILENT_CUT_BAR, "a frozen node known to all")
        time.sleep(max(0, began + 20 - time.monotonic()))
        self.tablet.thaw()
        self.report_return(self.tablet, "used by all again after it thawed")
        for node in (self.laptop, self.desktop):
            wait_for_state([node], self.tablet, {"up"}, GUARD, time.monotonic())
            wait_for_state([self.tablet], node, {"up"}, GUARD, time.monotonic())
        self.assert_no_ghosts()

    def test_7_a_node_that_gets_another_address_is_found_there(self):
        began = time.monotonic()
        self.tablet.host.move_to(self.tablet.host.number + 80)
        for here, there in ((self.laptop, self.tablet), (self.desktop, self.tablet), (self.tablet, self.desktop)):
            web.wait_until(lambda: here.answers_through(there, 2), GUARD, f"{here.name} to use {there.name} again")
        verdict("used again after its address had changed", time.monotonic() - began, SILENT_CUT_BAR)
        self.assert_no_ghosts()

    def test_8_nodes_that_all_get_other_addresses_find_each_other_by_mdns(self):
        began = time.monotonic()
        for node in self.kin:
            node.host.move_to(node.host.number + 40)
        for here, there in ((self.laptop, self.desktop), (self.desktop, self.tablet), (self.tablet, self.desktop)):
            web.wait_until(lambda: here.answers_through(there, 2), GUARD, f"{here.name} to use {there.name} again")
        verdict("used again after every address had changed", time.monotonic() - began, SILENT_CUT_BAR)
        for node in (self.desktop, self.tablet):
            addresses = " ".join(self.laptop.peers()[node.known_id]["addresses"])
            self.assertRegex(addresses, rf"{node.host.address}|{node.host.address6}|fe80")
        self.assert_no_ghosts()

    def test_9_a_lossy_network_makes_nobody_dead(self):
        for node in self.kin:
            node.host.lose(5)
            self.addCleanup(node.host.heal)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for here in self.kin:
                down = [peer["name"] for peer in here.peers().values() if peer["state"] == "down"]
                self.assertEqual(down, [], f"for {here.name}")
            time.sleep(0.25)


class WhatIsNotForOthers(OnALab):
    """Three kin and a visitor, who is kin and then is not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for node in cls.nodes:
            node.launch()
        for node in cls.nodes:
            node.wait(path="/health/live")
        befriend(cls.nodes)
        for node in cls.nodes:
            wait_for_state([other for other in cls.nodes if other is not node], node, {"up"}, GUARD, time.monotonic())

    def test_1_a_recording_of_the_network_does_not_hold_what_was_asked(self):
        canary = f"canary {secrets.token_hex(16)}"
        with Capture(self.lab, self.lab.folder / "asks.pcap") as capture:
            for answerer in (self.desktop, self.tablet):
                done = self.laptop.ask(f"{canary} {'and more ' * 200}", answerer.name)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(canary, done.stdout)
        recording = Recording.read(capture.file)
        carried = recording.bytes_with_port(PEER_PORT)
        self.assertGreater(carried, 8_000, "the recording does not hold the nodes' traffic")
        self.assertEqual(recording.places_of(canary), [])
        print(f"\n    {carried} bytes between the nodes recorded, and no trace of the prompt in them")

    def test_2_the_same_search_finds_what_goes_in_the_clear(self):
        canary = f"canary {secrets.token_hex(16)}"
        with Capture(self.lab, self.lab.folder / "clear.pcap") as capture:
            self.send_in_the_clear(self.laptop.host, self.desktop.host, canary)
        places = Recording.read(capture.file).places_of(canary)
        self.assertIn("plain in the file", places)
        self.assertIn("plain in a stream of packets", places)

    @staticmethod
    def send_in_the_clear(sender: Host, receiver: Host, text: str) -> None:
        """In pieces, so that no one packet holds the whole."""
        message = f"POST / HTTP/1.1\r\nHost: desktop\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
        with receiver.socket() as listener, sender.socket() as connection:
            listener.bind((receiver.address, 8081))
            listener.listen(1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(10)
            connection.connect((receiver.address, 8081))
            accepted, _ = listener.accept()
            with accepted:
                accepted.settimeout(10)
                connection.sendall(message[:-20])
                accepted.recv(65536)
                connection.sendall(message[-20:])
                accepted.recv(65536)
                connection.sendall(text.encode())
                accepted.recv(65536)

    def test_3_a_forgotten_node_is_refused_by_all_and_stays_so_after_their_restart(self):
        kin = self.nodes[:3]
        web.wait_until(lambda: self.visitor.answers_through(self.desktop), GUARD, "the visitor to be answered")
        self.laptop.forget(self.visitor.known_id)
        began = time.monotonic()
        for node in kin:
            web.wait_until(lambda: self.visitor.known_id not in node.peers(), GUARD, f"{node.name} to forget it too")
        verdict("a forgotten node known to all", time.monotonic() - began, FORGOTTEN_BAR)
        self.assert_refused()
        for node in (self.desktop, self.tablet):
            node.stop()
            node.start()
        for node in kin:
            self.assertNotIn(self.visitor.known_id, node.peers())
        self.assert_refused()
        web.wait_until(lambda: self.desktop.answers_through(self.tablet), GUARD, "the others to go on")
        lines = web.wait_until(lambda: self.desktop.audit("peer.refused"), GUARD, "an audit line")
        self.assertEqual({line["subject"] for line in lines}, {self.visitor.known_id})
        sources = {self.visitor.host.address, self.visitor.host.address6}
        self.assertLessEqual({line["source"] for line in lines}, sources)

    def assert_refused(self) -> None:
        for node in (self.desktop, self.tablet):
            self.assertFalse(self.visitor.answers_through(node), f"{node.name} answers the forgotten node")

    def test_4_a_copied_folder_is_named_on_both_with_the_way_out(self):
        self.visitor.stop()
        shutil.rmtree(self.visitor.folder)
        self.tablet.stop()
        shutil.copytree(self.tablet.folder, self.visitor.folder)
        self.tablet.start()
        began = time.monotonic()
        self.visitor.start(path="/health/live")
        for node in (self.tablet, self.visitor):
            web.wait_until(lambda: node.get("/api/identity").json()["cloned"], GUARD, f"{node.name} to notice")
        print(f"\n    both noticed the copy {time.monotonic() - began:.2f} s after its start")
        for node in (self.tablet, self.visitor):
            with self.subTest(node=node.name, host=node.host.name):
                self.assertIn("kith rekey", node.do("id"))
                self.assertIn("kith rekey", node.log())
                web.wait_until(lambda: node.audit("identity.cloned"), GUARD, "an audit line")


if __name__ == "__main__":
    unittest.main()
