# SPDX-License-Identifier: Apache-2.0
"""A machine with several engines: all of them are the node's, also those that start later, and none keeps another waiting."""

import json
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from lab import ports, web
from lab.peer import PeerNode
from stub_engine import Reply, Request, StubEngine
from stub_ollama import Ollama
from surroundings import KITH, fresh_folder

GUARD = 60


class SeveralEngines(unittest.TestCase):
    """Ollama with `m:latest`, a server with `big`, and one with `small`, which the node finds by itself."""

    def setUp(self):
        self.big = StubEngine(self.answer("from big"), models=("big",))
        self.addCleanup(self.big.stop)
        self.late = ports.free_port()
        self.ollama = ports.free_port()
        service = Ollama(self.ollama)
        service.__enter__()
        self.addCleanup(service.__exit__, None, None, None)
        settings = {
            "OLLAMA_BASE_URL": f"http://127.0.0.1:{self.ollama}", "PATH": "/usr/bin:/bin",
            # With and without the path of the API.
            "KITH_ENGINE_SERVERS": f"http://127.0.0.1:{self.big.port}, http://127.0.0.1:{self.late}/v1",
        }  # fmt: skip
        flags = ["--engine-dir", str(fresh_folder("no-engine-here")), "--mdns", "off"]
        self.node = PeerNode(
            KITH, fresh_folder(self._testMethodName), "several", None, "auto", flags, more_environment=settings
        )
        self.addCleanup(self.node.stop)
        self.node.start()

    @staticmethod
    def answer(words: str):
        return lambda request, reply: reply.say(request, words)

    def ask(self, model: str | None, timeout: float = GUARD) -> web.Answer:
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 8, **({"model": model} if model else {})}
        return web.post(self.node.port, "/v1/chat/completions", body, timeout=timeout)

    def words(self, model: str | None) -> str:
        reply = self.ask(model)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()["choices"][0]["message"]["content"]

    def models(self) -> set[str]:
        listed = web.get(self.node.port, "/v1/models").json()["data"]
        return {model["id"] for model in listed if model["owned_by"] != "kith"}

    def test_the_name_of_a_model_says_which_answers_and_all_are_listed(self):
        self.assertEqual(self.models(), {"m:latest", "big"})
        self.assertEqual(self.words("m"), "hello")
        self.assertEqual(self.words("big"), "from big")
        self.assertEqual(self.words(None), "hello", "the first one's")
        self.assertEqual(self.ask("nosuch").status, 404)
        reason = self.node.status()["engine"]["reason"]
        self.assertIn(f":{self.ollama}", reason)
        self.assertIn(f":{self.big.port}", reason)

    def test_one_that_starts_later_joins_those_that_are_there(self):
        small = StubEngine(self.answer("from small"), models=("small",))
        small.stop()
        small.port = self.late
        small.start()
        self.addCleanup(small.stop)
        web.wait_until(lambda: "small" in self.models(), GUARD, "the late one")
        self.assertEqual([self.words(model) for model in ("m", "big", "small")], ["hello", "from big", "from small"])

    def test_one_that_is_busy_keeps_nobody_from_another(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def slow(request: Request, reply: Reply) -> None:
            gate.wait(GUARD)
            reply.say(request, "at last")

        self.big.answer = slow
        with ThreadPoolExecutor(12) as clients:
            waiting = [clients.submit(self.ask, "big") for _ in range(12)]
            web.wait_until(lambda: len(self.big.requests) == 4, GUARD, "the slots of the busy one to be taken")
            for _ in range(20):
                self.assertEqual(self.words("m"), "hello")
            self.assertEqual(len(self.big.requests), 4, "it is asked no more than it has slots for")
            gate.set()
            self.assertEqual({answer.result().status for answer in waiting}, {200})

    def test_one_that_dies_takes_its_own_models_along_and_no_others(self):
        self.big.stop()
        web.wait_until(lambda: self.ask("big").status in (404, 503), GUARD, "the end of the dead one's model")
        for _ in range(20):
            self.assertEqual(self.words("m"), "hello")
        self.big.start()
        web.wait_until(lambda: self.ask("big").status == 200, GUARD, "its return")

    def test_a_node_of_kith_is_not_taken_for_an_engine_whether_it_has_one_or_not(self):
        before = self.node
        for number in range(2):
            address = f"http://127.0.0.1:{before.port}"
            other = PeerNode(
                KITH, fresh_folder(f"not-an-engine-{number}"), f"other-{number}", None, "auto", ["--mdns", "off"],
                more_environment={
                    "KITH_ENGINE_SERVERS": address, "OLLAMA_BASE_URL": address, "PATH": "/usr/bin:/bin",
                    "KITH_ENGINE_DIR": str(fresh_folder("no-engine-either")),
                },
            )  # fmt: skip
            self.addCleanup(other.stop)
            other.start(path="/health/live")
            self.assertIsNone(other.status()["engine"].get("kind"), json.dumps(other.status()["engine"]))
            before = other

    def test_a_list_in_kith_yaml_says_which_with_which_key_and_for_which_models(self):
        self.node.stop()
        keyed = StubEngine(self.answer("from keyed"), models=("work-large", "work-small", "private"))
        self.addCleanup(keyed.stop)
        self.node.more_environment = {"PATH": "/usr/bin:/bin", "OPENAI_API_KEY": "sk-not-for-them"}
        settings = self.node.folder / "config/kith.yaml"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(f"""
engines:
  - kind: openai
    address: http://127.0.0.1:{self.big.port}
  - kind: openai
    address: http://127.0.0.1:{keyed.port}/v1
    key: sk-work
    models: [work-*]
    model: work-small
  - kind: ollama
    address: 127.0.0.1:{self.ollama}
""")
        self.node.start()
        self.assertEqual(self.models(), {"big", "work-large", "work-small", "m:latest"})
        self.assertEqual(self.words("work-large"), "from keyed")
        self.assertEqual(self.words(None), "from keyed", "its model is the owner's choice")
        self.assertEqual(self.words("big"), "from big")
        self.assertEqual(self.words("m"), "hello")
        self.assertEqual(self.ask("private").status, 404)
        self.assertEqual({request.headers.get("authorization") for request in keyed.requests}, {"Bearer sk-work"})
        self.assertEqual({request.headers.get("authorization") for request in self.big.requests}, {None})
        self.assertNotIn("sk-work", self.node.log())
        settings.write_text("engines: [{kind: openai, adress: 'http://a:1'}]")
        told = self.node.run("doctor", "--data-dir", self.node.folder)
        self.assertIn("did you mean address?", told.stdout + told.stderr)


if __name__ == "__main__":
    unittest.main()
