# SPDX-License-Identifier: Apache-2.0
"""A node that starts before its engine does, and one that is stopped while clients still wait for answers."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import ports, web
from lab.family import Family
from lab.peer import PeerNode
from loopback_service import LoopbackService
from stub_engine import MODEL, Reply, Request, StubEngine, chunk
from stub_ollama import Ollama
from surroundings import KITH, fresh_folder, single_node

# What guards a wait.
GUARD = 60
# The folder of the embedded engine, if it was fetched.
ENGINE_DIR = os.environ.get("KITH_ENGINE_DIR")
NOBODY = 65534
# Listens, and says whatever it is sent.
STRANGER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        with server.accept()[0] as connection:
            print(connection.recv(4096), flush=True)
"""


class AnEngineThatComesLate(unittest.TestCase):
    """The node looks for an engine by itself, as it does when nothing is set, and finds none at its start."""

    def start(self, ollama: int, engine_folder: Path) -> PeerNode:
        settings = {"OLLAMA_BASE_URL": f"http://127.0.0.1:{ollama}", "PATH": "/usr/bin:/bin"}
        flags = ["--engine-dir", str(engine_folder), "--mdns", "off"]
        node = PeerNode(KITH, fresh_folder(self._testMethodName), "late", None, "auto", flags, more_environment=settings)
        self.addCleanup(node.stop)
        node.start(path="/health/live")
        refused = web.post(node.port, "/v1/chat/completions", self.question)
        self.assertEqual(refused.status, 503, refused.body)
        self.assertIn(b"kith engine install", refused.body)
        return node

    question = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}

    def wait_for_answer(self, node: PeerNode) -> web.Answer:
        def answer():
            reply = web.post(node.port, "/v1/chat/completions", self.question, timeout=GUARD)
            return reply.status == 200 and reply

        return web.wait_until(answer, GUARD, "an answer")

    def test_ollama_that_starts_after_the_node_is_used(self):
        port = ports.free_port()
        node = self.start(port, fresh_folder("no-engine-here"))
        with Ollama(port):
            self.assertIn(b"hello", self.wait_for_answer(node).body)
            engine = node.status()["engine"]
            self.assertEqual(engine["kind"], "ollama")
            self.assertIn("Ollama answers", engine["reason"])

    @unittest.skipUnless(sys.platform == "linux" and os.geteuid() == 0, "only root can start another user's program")
    def test_a_program_of_another_user_is_not_taken_for_it(self):
        port = ports.free_port()
        node = self.start(port, fresh_folder("no-engine-here"))
        # The system's own Python: another user may not be let into the folder of this one.
        words = ["/usr/bin/python3", "-c", STRANGER, str(port)]
        stranger = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, user=NOBODY, group=NOBODY, extra_groups=[])
        self.addCleanup(stranger.stdout.close)
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        web.wait_until(lambda: "not taken for the engine" in node.log(), GUARD, "the stranger to be noticed")
        self.assertEqual(web.post(node.port, "/v1/chat/completions", self.question).status, 503)
        self.assertEqual(node.log().count("not taken for the engine"), 1)
        stranger.kill()
        self.assertEqual(stranger.stdout.read(), "", "it was sent something")

    @unittest.skipUnless(ENGINE_DIR, "KITH_ENGINE_DIR names no engine")
    def test_one_that_is_installed_while_the_node_runs_is_used_and_ends_with_it(self):
        folder = fresh_folder("engine-that-comes") / "engine"
        node = self.start(ports.free_port(), folder)
        folder.symlink_to(ENGINE_DIR)
        self.wait_for_answer(node)
        self.assertEqual(node.status()["engine"]["kind"], "embedded")
        self.assertEqual(node.process.stop(), 0)


class AStopWhileClientsWait(unittest.TestCase):
    """SIGTERM, as a service's stop sends it, in the middle of answers."""

    def answer(self, request: Request, reply: Reply) -> None:
        reply.begin()
        for number in range(600 if b"long" in request.body else 20):
            reply.event(chunk({"content": f"{number} "}))
            time.sleep(0.05)
        reply.event(chunk({}, "stop"), "[DONE]")
        reply.end()

    def test_short_ones_are_whole_and_long_ones_end_in_words(self):
        engine = StubEngine(self.answer)
        self.addCleanup(engine.stop)
        node = single_node(type(self).__name__, "openai", "--mdns", "off")
        node.more_environment = {"OPENAI_BASE_URL": engine.url, "OPENAI_API_KEY": "unused", "KITH_ENGINE_SLOTS": "8"}
        self.addCleanup(node.stop)
        node.start()
        asked = [
            (path, words)
            for path in ("/v1/chat/completions", "/v1/messages", "/api/chat", "/v1/responses")
            for words in ("short", "long")
        ]

        def ask(path: str, words: str) -> web.Answer:
            body = {"model": MODEL, "stream": True, "max_tokens": 2000}
            said = [{"role": "user", "content": words}]
            body |= {"input": said} if path == "/v1/responses" else {"messages": said}
            return web.post(node.port, path, body, timeout=GUARD)

        with ThreadPoolExecutor(len(asked) + 1) as pool:
            events = pool.submit(web.get, node.port, "/api/events", GUARD)
            answers = {which: pool.submit(ask, *which) for which in asked}
            web.wait_until(lambda: node_active(node.port) == len(asked), GUARD, "all to be answered")
            node.process.send(signal.SIGTERM)
            ends = {which: answer.result().body.decode() for which, answer in answers.items()}
            self.assertEqual(events.result().status, 200)
        self.assertEqual(node.process.wait(GUARD), 0)
        for (path, words), body in ends.items():
            with self.subTest(path=path, words=words):
                self.assertEqual("being stopped" in body, words == "long", body[-300:])

    def test_a_second_signal_ends_them_at_once(self):
        engine = StubEngine(self.answer)
        self.addCleanup(engine.stop)
        node = single_node("stop-at-once", "openai", "--mdns", "off")
        node.more_environment = {"OPENAI_BASE_URL": engine.url, "OPENAI_API_KEY": "unused"}
        self.addCleanup(node.stop)
        node.start()
        body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "long"}]}
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(web.post, node.port, "/v1/chat/completions", body, timeout=GUARD)
            web.wait_until(lambda: node_active(node.port) == 1, GUARD, "an answer under way")
            node.process.send(signal.SIGINT)
            web.wait_until(lambda: "second signal" in node.process.tail(), GUARD, "the node to say that it stops")
            time.sleep(0.2)
            asked = time.monotonic()
            node.process.send(signal.SIGINT)
            self.assertIn("being stopped", answer.result().body.decode())
            self.assertEqual(node.process.wait(GUARD), 0)
        # Much less than the eight seconds that it had.
        self.assertLess(time.monotonic() - asked, 7)

    def test_what_it_answers_for_kin_another_kin_goes_on_with(self):
        sent: list[str] = []
        stopped = []

        def answer_of(kin: PeerNode):
            def answer(request: Request, reply: Reply) -> None:
                reply.begin()
                for number in range(100):
                    reply.event(chunk({"content": f"{number} "}))
                    sent.append(kin.name)
                    if len(sent) == 20:
                        stopped.append(kin)
                        kin.process.send(signal.SIGTERM)
                    # The one to be left says its last pieces in 8 s.
                    time.sleep(0.1 if stopped == [kin] else 0.02)
                reply.event(chunk({}, "stop"), "[DONE]")
                reply.end()

            return answer

        engines = [StubEngine() for _ in range(2)]
        settings = [{"OPENAI_BASE_URL": engine.url, "OPENAI_API_KEY": "unused"} for engine in engines]
        family = Family(KITH, fresh_folder("stopped-kin"), ["openai"] * 2, [[]] * 2, own_settings=settings)
        with family:
            for engine, kin in zip(engines, family.kin):
                self.addCleanup(engine.stop)
                engine.answer = answer_of(kin)
            body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "Count."}]}
            reply = web.post(family.asked.port, "/v1/chat/completions", body, timeout=GUARD)
            self.assertEqual(stopped[0].process.wait(GUARD), 0)
        events = [line[6:] for line in reply.body.decode().splitlines() if line.startswith("data: {")]
        choices = [choice for event in events for choice in json.loads(event).get("choices", [])]
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
        self.assertEqual(text, "".join(f"{number} " for number in range(100)), reply.body[-500:])


def node_active(port: int) -> int:
    return web.get(port, "/api/status").json()["engine"]["active"]


if __name__ == "__main__":
    unittest.main()
