# SPDX-License-Identifier: Apache-2.0
"""What programs of OpenAI's dialect ask besides the usual: from web pages, without `/v1`, without a limit, several answers."""

import json
import unittest

from lab import web
from openai import BadRequestError, OpenAI
from stub_engine import Reply, Request, StubEngine, completion
from stub_nodes import ask, pair_with
from surroundings import fresh_folder, single_node

PAGE = "http://localhost:3000"
PREFLIGHT = {
    "Origin": PAGE, "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}  # fmt: skip
CHAT = {"messages": [{"role": "user", "content": "hello"}]}


class Pages(unittest.TestCase):
    """A web page on another port of this machine calls the node from a browser."""

    def node(self, name: str, *flags: str):
        node = single_node(f"{type(self).__name__}-{name}", "echo", *flags)
        self.addCleanup(node.stop)
        return node.start()

    def test_is_refused_by_default(self):
        node = self.node("default")
        asked = web.request(node.port, "OPTIONS", "/v1/chat/completions", headers=PREFLIGHT)
        sent = web.request(node.port, "POST", "/v1/chat/completions", CHAT, headers={"Origin": PAGE})
        self.assertEqual((asked.status, sent.status), (204, 403))
        self.assertIn("server.allowed_origins", sent.json()["error"]["message"])
        # Browsers compare it with the page's, and refuse.
        self.assertEqual(asked.headers["Access-Control-Allow-Origin"], f"http://127.0.0.1:{node.port}")
        self.assertNotIn("Access-Control-Allow-Methods", asked.headers)
        self.assertNotIn("Access-Control-Allow-Origin", sent.headers)

    def test_may_ask_and_read_once_it_is_named(self):
        node = self.node("named", "--allowed-origins", f"https://app.example, {PAGE}")
        asked = web.request(node.port, "OPTIONS", "/v1/chat/completions", headers=PREFLIGHT)
        self.assertEqual((asked.status, asked.headers["Access-Control-Allow-Origin"]), (204, PAGE))
        self.assertEqual(asked.headers["Access-Control-Allow-Headers"], "authorization,content-type")
        for body in (CHAT, {**CHAT, "stream": True}, {**CHAT, "model": "gone"}):
            answer = web.request(node.port, "POST", "/v1/chat/completions", body, headers={"Origin": PAGE})
            self.assertEqual(answer.status, 404 if "model" in body else 200)
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], PAGE)
            self.assertEqual(answer.headers["Vary"], "Origin")
            self.assertIn("x-kith-route", answer.headers["Access-Control-Expose-Headers"])
        other = {"Origin": "http://localhost:3001"}
        self.assertEqual(web.request(node.port, "POST", "/v1/chat/completions", CHAT, headers=other).status, 403)


class Wishes(unittest.TestCase):
    """Asked directly and through a kin, whose engine speaks OpenAI's dialect."""

    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine()
        cls.pair = pair_with(cls.engine, fresh_folder(cls.__name__))
        cls.addClassCleanup(cls.engine.stop)
        cls.addClassCleanup(cls.pair.stop)

    def setUp(self):
        self.engine.answer = lambda request, reply: reply.say(request, "hello")
        self.engine.forget()

    def clients(self, path: str = "/v1"):
        for way, node in self.pair.ways.items():
            with self.subTest(way), OpenAI(
                base_url=f"http://127.0.0.1:{node.port}{path}", api_key="unused", max_retries=0
            ) as client:  # fmt: skip
                yield client

    def test_a_base_address_without_the_version_does(self):
        for client in self.clients(""):
            self.assertEqual(client.models.list().data[0].id, "m")
            self.assertEqual(client.models.retrieve("m").id, "m")
            for stream in (False, True):
                answer = client.chat.completions.create(model="m", messages=CHAT["messages"], stream=stream)
                text = (
                    "".join(chunk.choices[0].delta.content or "" for chunk in answer)
                    if stream else answer.choices[0].message.content
                )  # fmt: skip
                self.assertEqual(text, "hello")

    def test_minus_one_is_no_limit_and_no_engine_is_given_it(self):
        for way, node in self.pair.ways.items():
            for stream in (False, True):
                with self.subTest(way, stream=stream):
                    self.assertEqual(ask(node, max_tokens=-1, stream=stream).text, "hello")
                    self.assertNotIn("max_tokens", self.engine.requests[-1].json)
                    self.assertEqual(ask(node, max_tokens=-2, stream=stream).status, 400)

    def test_several_answers_with_probabilities_come_as_the_engine_gives_them(self):
        def answer(request: Request, reply: Reply) -> None:
            probabilities = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]}
            choices = [
                {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop",
                 "logprobs": probabilities}
                for index, text in enumerate("ab")
            ]  # fmt: skip
            reply.json({**completion({"content": "a"}), "choices": choices})

        self.engine.answer = answer
        for client in self.clients():
            given = client.chat.completions.create(
                model="m", messages=CHAT["messages"], n=2, logprobs=True, top_logprobs=1)
            self.assertEqual([choice.message.content for choice in given.choices], ["a", "b"])
            self.assertEqual(given.choices[1].logprobs.content[0].logprob, -0.5)
            self.assertEqual(self.engine.requests[-1].json["n"], 2)

    def test_tokens_are_embedded_where_the_engine_can(self):
        def answer(request: Request, reply: Reply) -> None:
            count = len(request.json["input"]) if isinstance(request.json["input"][0], list) else 1
            data = [{"object": "embedding", "index": index, "embedding": [1.0, 0.5]} for index in range(count)]
            reply.json({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3}})

        self.engine.answer = answer
        for client in self.clients():
            for tokens, count in (([1, 2, 3], 1), ([[1, 2], [3]], 2)):
                given = client.embeddings.create(model="m", input=tokens)
                self.assertEqual([one.embedding for one in given.data], [[1.0, 0.5]] * count)
                self.assertEqual(json.loads(self.engine.requests[-1].body)["input"], tokens)


class AnEngineThatCannot(unittest.TestCase):
    def test_says_so_in_words_and_names_the_field(self):
        node = single_node(type(self).__name__, "echo").start()
        self.addCleanup(node.stop)
        client = OpenAI(base_url=f"http://127.0.0.1:{node.port}/v1", api_key="unused", max_retries=0)
        self.addCleanup(client.close)
        for field, value in (("n", 2), ("logprobs", True)):
            with self.subTest(field), self.assertRaises(BadRequestError) as refusal:
                client.chat.completions.create(model="echo", messages=CHAT["messages"], **{field: value})
            self.assertEqual(refusal.exception.param, field)
        with self.assertRaises(BadRequestError) as refusal:
            client.embeddings.create(model="echo", input=[1, 2, 3])
        self.assertIn("no tokens", str(refusal.exception))


if __name__ == "__main__":
    unittest.main()
