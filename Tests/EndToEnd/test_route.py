# SPDX-License-Identifier: Apache-2.0
"""Where prompts go, why, and for how long: explained routes, drain, deadlines and cancellation, on real nodes."""

import json
import subprocess
import time
import unittest

from lab import web
from lab.peer import PeerNode, Refused, befriend, wait_for_state
from lab.process import environment
from surroundings import KITH, fresh_folder

GUARD = 30
# So that an answer lasts as long as a test needs.
SLOW = ["--tokens-per-second", "20"]


class TwoNodes(unittest.TestCase):
    """A desk and a laptop that are kin, one pair for each class; the engines count."""

    ENGINES = {"desk": "count", "laptop": "count"}
    SPEED = SLOW

    @classmethod
    def setUpClass(cls):
        folder = fresh_folder(cls.__name__)
        cls.nodes = [
            PeerNode(KITH, folder / name, name, engine=engine, flags=[] if engine == "none" else cls.SPEED)
            for name, engine in cls.ENGINES.items()
        ]
        for node in cls.nodes:
            cls.addClassCleanup(node.stop)
            node.start(path="/health/live")
        befriend(cls.nodes)
        for node in cls.nodes:
            others = [other for other in cls.nodes if other is not node]
            wait_for_state(others, node, {"up"}, GUARD, time.monotonic())
            cls.await_models(node, others[0])
        cls.desk, cls.laptop = cls.nodes

    @classmethod
    def await_models(cls, node: PeerNode, other: PeerNode) -> None:
        """Until `node` knows what can be asked of `other`."""
        if cls.ENGINES[other.name] != "none":
            web.wait_until(
                lambda: node.peers()[other.known_id]["models"], GUARD, f"{node.name} to know the models of {other.name}"
            )

    def idle(self, node: PeerNode) -> bool:
        engine = node.status()["engine"]
        return engine["active"] + engine["queued"] == 0

    def await_idle(self, node: PeerNode) -> float:
        began = time.monotonic()
        web.wait_until(lambda: self.idle(node), GUARD, f"nothing to run at {node.name}")
        return time.monotonic() - began

    def await_busy(self, node: PeerNode) -> None:
        web.wait_until(lambda: not self.idle(node), GUARD, f"something to run at {node.name}")

    def count_to(self, node: PeerNode, tokens: int, headers=None) -> web.Stream:
        """A stream that has said its first words."""
        body = {"messages": [{"role": "user", "content": "count"}], "max_tokens": tokens}
        stream = web.Stream(node.port, body, headers=headers)
        self.assertEqual(stream.status, 200)
        lines = stream.lines()
        for _ in range(3):
            next(lines)
        return stream


class TheRoute(TwoNodes):
    SPEED = []

    def test_is_explained_in_a_table_and_as_json_without_asking_anybody(self):
        shown = self.laptop.do("route", "count for me", "--max-tokens", "5")
        self.assertRegex(shown, r"^(desk|laptop) \(count\): the shortest wait, would answer in about ")
        self.assertRegex(shown, r"(?m)^NODE +MODEL +SCORE +BUSY +TOK/S +QUEUE +ANSWER +TRIP ")
        for name in ("desk", "laptop"):
            self.assertRegex(shown, rf"(?m)^{name} +count +\S+ \S+ +0/\d+ ")
        self.assertLess(len(shown.splitlines()), 24)
        found = json.loads(self.laptop.do("route", "count for me", "--node", "desk", "--json"))
        self.assertEqual((found["node"], found["reason"]), ("desk", "pinned"))
        self.assertEqual(found["skipped"], [{"node": "laptop", "reason": "pinned-elsewhere"}])
        self.assertGreater(found["candidates"][0]["estimate"]["round_trip_ms"], 0)
        for node in self.nodes:
            self.assertTrue(self.idle(node))

    def test_that_leads_nowhere_is_explained_too_and_the_status_says_so(self):
        for words, pattern in [
            (["--model", "gone"], r"nobody would be asked: model 'gone' not found"),
            (["--node", "attic"], r"nobody would be asked: no node named 'attic'"),
        ]:
            done = self.laptop.run("route", "hello", *words, "--data-dir", self.laptop.folder)
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertRegex(done.stdout, pattern)

    def test_wrong_flags_are_refused(self):
        for words in [
            ["route"], ["route", "--recent", "hello"], ["route", "--recent", "--limit", "0"],
            ["route", "x", "--node", "a b"], ["drain", "--timeout", "0"], ["ask", "x", "--deadline", "0"],
        ]:  # fmt: skip
            with self.subTest(words=words), self.assertRaises(Refused) as caught:
                self.laptop.do(*words)
            self.assertEqual(caught.exception.status, 64)

    def test_of_the_last_requests_is_listed_and_what_was_said_is_not(self):
        secret = "the heron nests by the weir"
        body = {"messages": [{"role": "user", "content": secret}], "max_tokens": 4}
        for stream in (False, True):
            answer = self.laptop.post("/v1/chat/completions", {**body, "stream": stream}, headers={"x-kith-node": "desk"})
            self.assertEqual(answer.status, 200)
        recent = self.laptop.get("/api/routes/recent?limit=2").json()["requests"]
        self.assertEqual([request["outcome"] for request in recent], ["completed"] * 2)
        self.assertEqual({request["node"] for request in recent}, {"desk"})
        self.assertEqual(recent[0]["usage"]["completion_tokens"], 4)
        self.assertGreaterEqual(recent[0]["duration_ms"], recent[0]["first_token_ms"])
        shown = self.laptop.do("route", "--recent", "--limit", "2")
        self.assertRegex(shown, r"(?m)^ *\d+ s ago +desk +count +by name ")
        self.assertNotIn("heron", shown + json.dumps(recent))

    def test_stands_on_every_answer_of_an_engine_errors_included(self):
        chat = {"messages": [{"role": "user", "content": "count"}], "max_tokens": 3}
        for path, body in [
            ("/v1/chat/completions", chat), ("/v1/chat/completions", {**chat, "stream": True}),
            ("/v1/completions", {"prompt": "1 2", "max_tokens": 3}),
            ("/v1/completions", {"prompt": "1 2", "max_tokens": 3, "stream": True}),
            ("/v1/embeddings", {"input": "text"}),
            ("/api/generate", {"prompt": "count", "max_tokens": 3}), ("/api/chat", {"message": "count"}),
        ]:  # fmt: skip
            for name in ("desk", "laptop"):
                with self.subTest(path=path, name=name, stream="stream" in body):
                    answer = self.laptop.post(path, body, headers={"x-kith-node": name, "x-kith-timeout": "30"})
                    self.assertEqual(answer.status, 200, answer.body)
                    self.assertEqual(answer.node, name)
            with self.subTest(path=path, wrong="node"):
                answer = self.laptop.post(path, body, headers={"x-kith-node": "attic"})
                self.assertEqual(answer.status, 404)
                self.assertIn("skipped=", answer.headers["x-kith-route"])


class ADeadline(TwoNodes):
    def test_breaks_an_answer_off_wherever_it_is_made(self):
        body = {"messages": [{"role": "user", "content": "count"}], "max_tokens": 4000}
        for name, node in (("desk", self.desk), ("laptop", self.laptop)):
            for stream in (False, True):
                with self.subTest(answerer=name, stream=stream):
                    began = time.monotonic()
                    answer = self.laptop.post(
                        "/v1/chat/completions", {**body, "stream": stream},
                        headers={"x-kith-node": name, "x-kith-timeout": "1"},
                    )  # fmt: skip
                    took = time.monotonic() - began
                    print(f"answer of {name} broken off after {took:.3f} s of 1 s, stream {stream}", flush=True)
                    self.assertEqual(answer.status, 200 if stream else 504, answer.body)
                    self.assertIn(b"deadline", answer.body)
                    self.assertEqual(answer.node, name)
                    self.assertLess(took, GUARD)
                    self.await_idle(node)
        for _ in range(3):
            found = json.loads(self.laptop.do("route", "count", "--node", "desk", "--json"))
            self.assertEqual(found["candidates"][0]["estimate"]["breaker"], "closed")

    def test_of_the_command_line_ends_it_with_the_status_of_a_cut_answer(self):
        done = self.laptop.run(
            "ask", "count", "--max-tokens", "4000", "--deadline", "0.5", "--data-dir", self.laptop.folder
        )
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("deadline", done.stderr)
        self.assertTrue(done.stdout.startswith("1 2"))

    def test_that_is_none_is_refused_with_the_name_of_its_header(self):
        for value in ("soon", "0", "-1", "86401", "1e2"):
            answer = self.laptop.post(
                "/api/generate", {"prompt": "x"}, headers={"x-kith-timeout": value}
            )
            self.assertEqual(answer.status, 400)
            self.assertIn("x-kith-timeout", answer.json()["error"])


class AClientThatGoes(TwoNodes):
    ENGINES = {"desk": "count", "laptop": "none"}

    def test_stops_the_engine_at_the_node_and_behind_a_kin(self):
        for what, node in (("at the node itself", self.desk), ("through a kin", self.laptop)):
            for _ in range(3):
                with self.subTest(what):
                    stream = self.count_to(node, 8000)
                    self.assertEqual(self.desk.status()["engine"]["active"], 1)
                    stream.close()
                    took = self.await_idle(self.desk)
                    print(f"engine idle {took * 1000:.0f} ms after its client had gone, {what}", flush=True)
                    self.assertLess(took, 10)

    def test_stops_the_engine_of_a_plain_answer_too(self):
        body = {"messages": [{"role": "user", "content": "count"}], "max_tokens": 8000}
        for what, node in (("at the node itself", self.desk), ("through a kin", self.laptop)):
            with self.subTest(what):
                connection = web.loopback(node.port, GUARD)
                connection.request(
                    "POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"}
                )
                self.await_busy(self.desk)
                connection.close()
                took = self.await_idle(self.desk)
                print(f"engine idle {took * 1000:.0f} ms after its client had gone, plain, {what}", flush=True)
                self.assertLess(took, 10)


class ANodeThatDrains(TwoNodes):
    def tearDown(self):
        self.laptop.do("drain", "--off")

    def answerers(self, node: PeerNode, count: int = 4) -> set:
        body = {"messages": [{"role": "user", "content": "count"}], "max_tokens": 1}
        return {node.post("/v1/chat/completions", body).node for _ in range(count)}

    def test_finishes_what_runs_and_leaves_the_rest_to_kin(self):
        stream = self.count_to(self.laptop, 60, {"x-kith-node": "laptop"})
        draining = subprocess.Popen(
            [KITH, "drain", "--data-dir", self.laptop.folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment(),
        )  # fmt: skip
        web.wait_until(lambda: self.laptop.status()["draining"], GUARD, "the laptop to drain")
        self.assertEqual(self.answerers(self.laptop), {"desk"})

        def desk_knows() -> bool:
            return self.desk.peers()[self.laptop.known_id].get("draining", False)

        web.wait_until(desk_knows, GUARD, "the desk to know of it")
        self.assertEqual(self.answerers(self.desk), {"desk"})
        self.assertRegex(self.desk.do("peers"), r"laptop +kin +paused ")
        self.assertIn("kith pause --off", self.laptop.do("status"))
        self.assertRegex(self.desk.do("route", "count"), r"(?m)^laptop +it takes no new prompts \(draining\)$")

        rest = list(stream.lines())
        stream.close()
        self.assertEqual(rest[-1], "[DONE]")
        self.assertIn('" 60"', "".join(rest))
        out, remarks = draining.communicate(timeout=GUARD)
        self.assertEqual(draining.returncode, 0, remarks)
        self.assertEqual(out, "drained: your other machines answer new prompts\n")
        self.assertEqual(remarks, "1 request still runs here\n")

        self.assertEqual(self.laptop.do("drain", "--off"), "this node takes new prompts again\n")
        web.wait_until(lambda: not desk_knows(), GUARD, "the desk to know that it is over")
        self.assertEqual(self.desk.ask("count", "laptop").returncode, 0)

    def test_is_not_waited_for_longer_than_was_said(self):
        stream = self.count_to(self.laptop, 4000, {"x-kith-node": "laptop"})
        with self.assertRaises(Refused) as caught:
            self.laptop.do("drain", "--timeout", "1")
        self.assertEqual(caught.exception.status, 1)
        self.assertIn("1 request still runs here", caught.exception.output)
        self.assertTrue(self.laptop.status()["draining"])
        stream.close()
        self.await_idle(self.laptop)

    def test_takes_prompts_again_after_a_new_start(self):
        self.assertTrue(json.loads(self.laptop.do("drain", "--json"))["draining"])
        self.laptop.stop()
        self.laptop.start()
        self.assertFalse(self.laptop.status()["draining"])
        wait_for_state([self.desk], self.laptop, {"up"}, GUARD, time.monotonic())


if __name__ == "__main__":
    unittest.main()
