# SPDX-License-Identifier: Apache-2.0
"""What two or three devices of one owner share, by the real command line, on loopback."""

import json
import re
import signal
import subprocess
import threading
import time
import unittest

from lab import web
from lab.peer import PeerNode, Refused, befriend, wait_for_state
from lab.process import environment
from surroundings import KITH, fresh_folder

GUARD = 30


class WithKin(unittest.TestCase):
    """Nodes that are kin, one set for each class."""

    NAMES = ("desk", "laptop")

    @classmethod
    def setUpClass(cls):
        folder = fresh_folder(cls.__name__)
        cls.nodes = [PeerNode(KITH, folder / name, name) for name in cls.NAMES]
        for node in cls.nodes:
            cls.addClassCleanup(node.stop)
            node.start(path="/health/live")
        befriend(cls.nodes)
        for node in cls.nodes:
            others = [other for other in cls.nodes if other is not node]
            wait_for_state(others, node, {"up"}, GUARD, time.monotonic())

    def context(self, node: PeerNode) -> dict[str, list]:
        """The values of each key, the latest first."""
        entries = json.loads(node.do("context", "show", "--json"))
        return {entry["key"]: [value["value"] for value in entry["values"]] for entry in entries}

    def values(self, node: PeerNode, key: str) -> list:
        answer = node.get(f"/api/context/{key}")
        return [value["value"] for value in answer.json()["values"]] if answer.status == 200 else []

    def await_values(self, nodes: list[PeerNode], key: str, values: list) -> None:
        for node in nodes:
            web.wait_until(lambda: self.values(node, key) == values, GUARD, f"{key} to be {values} at {node.name}")

    def standing(self, node: PeerNode, other: PeerNode) -> dict:
        kin = json.loads(node.do("sync", "status", "--json"))["kin"]
        return next(one for one in kin if one["id"] == other.known_id)

    def await_standing(self, node: PeerNode, other: PeerNode, state: str) -> dict:
        def reached() -> bool:
            return self.standing(node, other)["state"] == state

        try:
            web.wait_until(reached, GUARD, f"{other.name} to be {state} for {node.name}")
        except TimeoutError as failure:
            raise TimeoutError(f"{failure}; it is {self.standing(node, other)}") from None
        return self.standing(node, other)


class WhatOneDeviceWrites(WithKin):
    NAMES = ("desk", "laptop", "phone")

    def test_is_seen_at_all_and_cleared_at_all(self):
        desk, laptop, phone = self.nodes
        self.assertIn("branch is main", desk.do("context", "set", "branch", "main"))
        laptop.do("context", "set", "cursor", '{"line": 12}', "--source", "vscode")
        phone.do("context", "set", "ticket", "1234", "--text")
        expected = {"branch": ["main"], "cursor": [{"line": 12}], "ticket": ["1234"]}
        for node in self.nodes:
            web.wait_until(lambda: self.context(node) == expected, GUARD, f"{expected} at {node.name}")
        shown = phone.run("context", "show", "branch", "--data-dir", phone.folder)
        self.assertEqual(shown.stdout, "main\n")
        self.assertIn("by desk", shown.stderr)
        table = phone.do("context", "show")
        self.assertRegex(table, r"cursor +\{\"line\":12\} +vscode +laptop ")
        self.assertNotIn(desk.known_id[:7], table)
        phone.do("context", "clear", "cursor")
        for node in self.nodes:
            web.wait_until(lambda: "cursor" not in self.context(node), GUARD, f"cursor to be gone at {node.name}")
        desk.do("context", "clear", "--yes")
        for node in self.nodes:
            web.wait_until(lambda: self.context(node) == {}, GUARD, f"nothing at {node.name}")

    def test_levels_are_known_by_the_names_of_nodes(self):
        desk, laptop, phone = self.nodes
        desk.do("level", "set", "2.5")
        laptop.do("level", "set", "0.8", "--source", "my editor")
        for node in self.nodes:
            def both() -> bool:
                table = node.do("level", "show")
                return bool(re.search(r"^desk +2\.5 +desk ", table, re.M)) and bool(
                    re.search(r"^my editor +0\.8 +laptop ", table, re.M)
                )

            web.wait_until(both, GUARD, f"both levels at {node.name}")

    def test_what_cannot_be_written_is_refused_with_what_to_do(self):
        desk = self.nodes[0]
        for words, pattern in [
            (["context", "set", "", "x"], r"1 to 128 bytes"),
            (["context", "set", "k" * 129, "x"], r"1 to 128 bytes"),
            (["context", "set", "k", "x" * 65_535], r"65536 bytes"),
            (["context", "show", "nothing"], r"lists the keys"),
            (["context", "clear", ""], r"1 to 128 bytes"),
            (["context", "clear"], r"--yes"),
            (["level", "set", "11"], r"from 0 to 10"),
            (["level", "set", "much"], r"(?i)level"),
            (["session", "send", "nobody", "--to", "laptop"], r"no conversation"),
            (["session", "show", "nobody"], r"no conversation"),
        ]:
            with self.subTest(words=[word[:20] for word in words]):
                with self.assertRaises(Refused) as caught:
                    desk.do(*words)
                self.assertRegex(caught.exception.output, pattern)


class WhatTwoWriteApart(WithKin):
    def test_is_shown_twice_until_one_value_is_chosen(self):
        desk, laptop = self.nodes
        desk.do("context", "set", "branch", "before")
        self.await_values(self.nodes, "branch", ["before"])
        self.assertEqual(self.await_standing(desk, laptop, "in_step")["behind_by"], 0)

        laptop.stop()
        desk.do("context", "set", "branch", "main")
        self.await_standing(desk, laptop, "unreachable")
        self.assertRegex(desk.do("sync", "status"), r"laptop +unreachable since \d\d:\d\d UTC, behind by 1")
        desk.stop()
        laptop.start(path="/health/live")
        laptop.do("context", "set", "branch", "feature")
        self.assertEqual(self.values(laptop, "branch"), ["feature"])
        self.assertEqual(self.standing(laptop, desk)["state"], "unreachable")

        desk.start(path="/health/live")
        self.await_values(self.nodes, "branch", ["feature", "main"])
        for node in self.nodes:
            shown = node.do("context", "show")
            self.assertRegex(shown, r"branch +feature +laptop +laptop ")
            self.assertRegex(shown, r"branch +main +desk +desk ")
            self.assertIn("kith context set branch VALUE", shown)

        self.assertEqual(laptop.do("context", "set", "branch", "main"), "branch is main\n")
        self.await_values(self.nodes, "branch", ["main"])
        for here, there in ((desk, laptop), (laptop, desk)):
            self.await_standing(here, there, "in_step")
            self.assertRegex(here.do("sync", "status"), rf"{there.name} +in step ")
            self.assertNotIn("CONFLICT", here.do("context", "show"))


class AFollower(WithKin):
    def setUp(self):
        self.lines: list[str] = []
        self.notes: list[str] = []

    def watch(self, node: PeerNode, *flags: str) -> subprocess.Popen:
        words = [str(KITH), "context", "watch", "--data-dir", str(node.folder), *flags]
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        readers = []
        for pipe, lines in ((process.stdout, self.lines), (process.stderr, self.notes)):
            reader = threading.Thread(target=lambda pipe=pipe, lines=lines: lines.extend(iter(pipe.readline, "")))
            reader.start()
            readers.append(reader)

        def close():
            process.kill()
            process.wait()
            for reader in readers:
                reader.join(GUARD)
            process.stdout.close()
            process.stderr.close()

        self.addCleanup(close)
        self.await_line(self.notes, "watching")
        return process

    def await_line(self, lines: list[str], words: str) -> str:
        web.wait_until(lambda: any(words in line for line in lines), GUARD, f"'{words}' in {lines}")
        return next(line for line in lines if words in line)

    def test_sees_changes_of_both_devices_goes_on_after_a_restart_and_ends_with_ctrl_c(self):
        desk, laptop = self.nodes
        desk.do("context", "set", "old", "1")
        watch = self.watch(desk)
        desk.do("context", "set", "file", "a.swift")
        self.assertIn("file = a.swift (by desk, ", self.await_line(self.lines, "file ="))
        laptop.do("context", "set", "line", "12", "--source", "vim")
        self.assertIn("(by vim at laptop, ", self.await_line(self.lines, "line = 12"))
        laptop.do("context", "clear", "line")
        self.await_line(self.lines, "line removed")

        desk.stop()
        self.await_line(self.notes, "waiting for the node")
        laptop.do("context", "set", "meanwhile", "yes")
        desk.start(path="/health/live")
        self.await_line(self.notes, "the node is back")
        self.await_line(self.lines, "meanwhile = yes")
        self.assertFalse([line for line in self.lines if line.startswith("old")], self.lines)
        self.assertIsNone(watch.poll())
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(GUARD), 0)

    def test_gets_json_line_by_line(self):
        desk, laptop = self.nodes
        self.watch(desk, "--json")
        laptop.do("context", "set", "json", "[1, 2]")
        change = json.loads(self.await_line(self.lines, '"json"'))
        self.assertEqual((change["key"], change["removed"]), ("json", False))
        self.assertEqual(change["entry"]["values"][0]["value"], [1, 2])
        self.assertEqual(change["entry"]["values"][0]["node"], "laptop")

    def test_of_the_events_keeps_a_stopping_node_no_longer_than_anybody(self):
        laptop = self.nodes[1]
        connection = web.loopback(laptop.port, GUARD)
        self.addCleanup(connection.close)
        connection.request("GET", "/api/events")
        response = connection.getresponse()
        self.assertEqual(response.headers["content-type"], "text/event-stream")
        self.assertTrue(response.readline().startswith(b":"))
        laptop.stop()
        rest = response.read()
        self.assertTrue(rest.endswith(b"\n"), rest)
        laptop.start(path="/health/live")


class AConversation(WithKin):
    def talk(self, node: PeerNode, session: str, message: str) -> None:
        answer = node.post("/api/chat", {"message": message, "session": session})
        self.assertEqual(answer.status, 200, answer.body)

    def listed(self, node: PeerNode) -> dict[str, int]:
        return {one["id"]: one["turn_count"] for one in json.loads(node.do("session", "list", "--json"))}

    def test_moves_with_all_its_turns_and_goes_on_at_the_other(self):
        desk, laptop = self.nodes
        for word in ("one", "two"):
            self.talk(desk, "the kitchen", word)
        before = json.loads(desk.do("session", "show", "the kitchen", "--json"))["turns"]
        self.assertIn("sent the kitchen to laptop", desk.do("session", "send", "the kitchen", "--to", "laptop"))
        self.assertNotIn("the kitchen", self.listed(desk))
        self.assertEqual(self.listed(laptop)["the kitchen"], 2)
        self.assertEqual(json.loads(laptop.do("session", "show", "the kitchen", "--json"))["turns"], before)
        self.talk(laptop, "the kitchen", "three")
        laptop.do("session", "send", "the kitchen", "--to", desk.known_id)
        self.assertNotIn("the kitchen", self.listed(laptop))
        self.assertEqual(self.listed(desk)["the kitchen"], 3)
        self.assertIn("three", desk.do("session", "show", "the kitchen"))
        self.assertRegex(desk.do("session", "list"), r"the kitchen +3 .* desk")

    def test_stays_when_the_other_has_one_of_that_name_or_is_away(self):
        desk, laptop = self.nodes
        self.talk(desk, "garden", "mine")
        self.talk(laptop, "garden", "yours")
        with self.assertRaises(Refused) as caught:
            desk.do("session", "send", "garden", "--to", "laptop")
        self.assertRegex(caught.exception.output, r"conversation of that name; it stays here")
        self.assertIn("mine", desk.do("session", "show", "garden"))
        self.assertNotIn("mine", laptop.do("session", "show", "garden"))
        laptop.stop()
        with self.assertRaises(Refused) as caught:
            desk.do("session", "send", "garden", "--to", "laptop")
        self.assertRegex(caught.exception.output, r"laptop cannot be reached: .*still here")
        self.assertIn("mine", desk.do("session", "show", "garden"))
        laptop.start(path="/health/live")

    def test_is_told_to_its_owner_only(self):
        desk = self.nodes[0]
        self.talk(desk, "private", "secret")
        for path in ("/api/sessions", "/api/sessions/private"):
            answer = desk.get(path)
            self.assertEqual(answer.status, 403)
            self.assertNotIn(b"secret", answer.body)


if __name__ == "__main__":
    unittest.main()
