# SPDX-License-Identifier: Apache-2.0
"""What holds while nodes die and come back. Prints what it measures."""

import json
import threading
import time
import unittest
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab import ports, web
from lab.cluster import Cluster
from lab.node import Mesh
from surroundings import KITH, fresh_folder

# A node that came back must be used again within this time, in seconds.
RECOVERY_LIMIT = 5
# Of the test engines, unless they are told otherwise.
SLOTS = 4


@dataclass
class Outcome:
    """How one streamed request ended."""

    kind: str  # "complete", "broken" with an explicit error after it began, "lost" or "wrong"
    node: str | None
    seconds: float
    detail: str = ""


def ask(port: int, words: str, answerer: str | None = None, limit: float = 60) -> Outcome:
    """Streams one request for `words` to come back, from `answerer` if one is named, and judges what came."""
    began = time.monotonic()

    def outcome(kind: str, node: str | None, detail: str = "") -> Outcome:
        return Outcome(kind, node, time.monotonic() - began, detail)

    try:
        body = {"messages": [{"role": "user", "content": words}]}
        stream = web.Stream(port, body, limit, {"x-kith-node": answerer} if answerer else None)
    except OSError as failure:
        return outcome("lost", None, repr(failure))
    with stream:
        if stream.status != 200:
            return outcome("lost", stream.node, f"{stream.status} {stream.response.read()[:300]!r}")
        try:
            return outcome(*judge(stream, words))
        except web.StreamBroken as failure:
            return outcome("lost", stream.node, f"the connection broke without an error event: {failure}")


def judge(stream: web.Stream, words: str) -> tuple[str, str | None, str]:
    said, finish, error, done = "", None, None, False
    for payload in stream.lines():
        if payload == "[DONE]":
            done = True
            continue
        event = json.loads(payload)
        if "error" in event:
            error = event["error"]["message"]
            continue
        for choice in event["choices"]:
            said += choice["delta"].get("content") or ""
            finish = choice["finish_reason"] or finish
    if not words.startswith(said):
        return "wrong", stream.node, f"asked for {words!r}, got {said!r}"
    if error is not None:
        if finish is not None:
            return "wrong", stream.node, f"an error and a finish_reason {finish!r} in one stream"
        return ("broken" if said else "lost"), stream.node, error
    if said == words and finish == "stop" and done:
        return "complete", stream.node, ""
    return "wrong", stream.node, f"{len(said)} of {len(words)} characters, then finish_reason {finish!r}, [DONE]: {done}"


def unique_words(count: int) -> str:
    return " ".join(uuid.uuid4().hex[:8] for _ in range(count))


class NineNodes(unittest.TestCase):
    """The guide's cluster; its first node has no engine, so that each of its answers is made by another node."""

    @classmethod
    def setUpClass(cls):
        base = ports.free_block(9, 8080)
        if base != 8080:
            print(f"\n    some of the ports 8080 to 8088 are taken; the nine nodes use {base} to {base + 8}")
        flags = ["--engine", "echo", "--tokens-per-second", "100", "--first-node-engine", "none"]
        began = time.monotonic()
        cls.cluster = Cluster(KITH, fresh_folder("nine-nodes"), 9, base, flags)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.wait(60)
        print(f"\n    nine nodes were ready after {time.monotonic() - began:.1f} s")
        cls.names = {port: web.get(port, "/api/status").json()["node"] for port in cls.cluster.ports}
        cls.first = cls.cluster.ports[0]

    def assert_answers(self, port: int, answerer: str | None = None):
        outcome = ask(port, unique_words(6), answerer)
        self.assertEqual(outcome.kind, "complete", f"port {port}: {outcome.detail}")
        return outcome

    def nodes_used_by_the_first(self) -> set[str]:
        """Who answers when as many ask the node without an engine at once as all others have slots; all must be answered."""
        at_once = 8 * SLOTS
        with ThreadPoolExecutor(at_once) as pool:
            outcomes = list(pool.map(lambda _: ask(self.first, unique_words(6)), range(at_once)))
        for outcome in outcomes:
            self.assertEqual(outcome.kind, "complete", outcome.detail)
        return {outcome.node for outcome in outcomes}

    def test_1_each_node_answers_and_says_who_did(self):
        self.assertEqual(len(set(self.names.values())), 9)
        for port in self.cluster.ports:
            outcome = self.assert_answers(port)
            self.assertIn(outcome.node, self.names.values())
        self.assertNotEqual(self.assert_answers(self.first).node, self.names[self.first])

    def test_2_each_node_knows_the_eight_others_by_name(self):
        for port in self.cluster.ports:
            others = set(self.names.values()) - {self.names[port]}

            def known() -> bool:
                peers = web.get(port, "/api/status").json()["peers"]
                return {peer["name"] for peer in peers if peer["state"] == "up"} == others

            web.wait_until(known, 10, f"the node on port {port} to know {sorted(others)}")

    def test_3_every_node_with_an_engine_is_used_by_the_one_without(self):
        used: set[str] = set()
        others = set(self.names.values()) - {self.names[self.first]}
        deadline = time.monotonic() + 30
        while used != others and time.monotonic() < deadline:
            used |= self.nodes_used_by_the_first()
        self.assertEqual(used, others)

    def test_4_each_node_is_answered_by_each_other_that_has_an_engine(self):
        answerers = [self.names[port] for port in self.cluster.ports if port != self.first]
        pairs = [(port, answerer) for port in self.cluster.ports for answerer in answerers]
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda pair: self.assert_answers(*pair), pairs))
        self.assertEqual([outcome.node for outcome in outcomes], [answerer for _, answerer in pairs])

    def test_5_any_node_may_die_and_is_used_again_when_it_is_back(self):
        recoveries = []
        for port in self.cluster.ports:
            with self.subTest(killed=self.names[port]):
                recoveries.append(self.kill_and_restart(port))
        if recoveries:
            times = ", ".join(f"{seconds:.2f}" for seconds in recoveries)
            print(f"\n    seconds from ready again to used again, node by node: {times}")

    def kill_and_restart(self, port: int) -> float:
        process = self.cluster.node(port)
        process.kill()
        began = time.monotonic()
        for other in self.cluster.ports:
            if other != port:
                self.assert_answers(other)
        print(f"\n    {self.names[port]} killed; the other eight answered within {time.monotonic() - began:.2f} s")
        # By `kith cluster up` itself.
        self.cluster.wait_for(port, 60)
        self.assertNotEqual(self.cluster.node(port).pid, process.pid)
        ready = time.monotonic()
        if port == self.first:
            self.assert_answers(port)
        else:
            # Asked for by name: which of eight idle nodes takes what nobody asked for by name is the router's affair.
            while ask(self.first, unique_words(6), self.names[port]).kind != "complete":
                self.assertLess(time.monotonic() - ready, RECOVERY_LIMIT, "it is back but not used")
        seconds = time.monotonic() - ready
        self.assertLess(seconds, RECOVERY_LIMIT)
        return seconds


class AStormOverThreeNodes(unittest.TestCase):
    """16 clients, 500 requests, while the third node is killed and started again, over and over."""

    CLIENTS = 16
    REQUESTS = 500

    def test_no_request_is_lost_and_no_answer_is_mixed_up(self):
        flags = ["--tokens-per-second", "60", "--slots", "8"]
        with Mesh(KITH, fresh_folder("storm"), ["none", "echo", "echo"], flags) as mesh:
            over = threading.Event()
            kills: list[str] = []
            killer = threading.Thread(target=self.kill_and_restart, args=(mesh.nodes[2], over, kills))
            killer.start()
            began = time.monotonic()
            try:
                with ThreadPoolExecutor(self.CLIENTS) as pool:
                    jobs = [
                        pool.submit(ask, mesh.nodes[number % 2].port, unique_words(20))
                        for number in range(self.REQUESTS)
                    ]
                    outcomes = [job.result(timeout=300) for job in jobs]
            finally:
                over.set()
                killer.join(timeout=90)
            seconds = time.monotonic() - began
            self.assertFalse(killer.is_alive(), "the killed node did not come back")
        self.report(outcomes, kills, seconds)
        bad = [outcome for outcome in outcomes if outcome.kind in ("lost", "wrong")]
        self.assertEqual(bad, [], f"{len(bad)} of {len(outcomes)}")
        self.assertGreaterEqual(len([kill for kill in kills if kill == "killed"]), 3, kills)
        self.assertEqual([kill for kill in kills if kill != "killed"], [])

    @staticmethod
    def kill_and_restart(node, over: threading.Event, kills: list[str]) -> None:
        while not over.wait(0.7):
            node.kill()
            kills.append("killed")
            over.wait(0.3)
            try:
                node.start(limit=60)
            except (RuntimeError, TimeoutError) as failure:
                kills.append(str(failure))
                return

    @staticmethod
    def report(outcomes: list[Outcome], kills: list[str], seconds: float) -> None:
        kinds = Counter(outcome.kind for outcome in outcomes)
        nodes = Counter(outcome.node for outcome in outcomes)
        slowest = max(outcome.seconds for outcome in outcomes)
        print(
            f"\n    {len(outcomes)} requests in {seconds:.1f} s while one node was killed {len(kills)} times: "
            f"{dict(kinds)}; answered by {dict(nodes)}; the slowest took {slowest:.2f} s"
        )


if __name__ == "__main__":
    unittest.main()
