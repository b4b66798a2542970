# SPDX-License-Identifier: Apache-2.0
"""What users of the `ollama` package meet: exactly, against the test engines, and with tools, against a stub engine."""

import base64
import json
import math
import socket
import subprocess
import time
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor

import ollama
from ollama import Client

from lab import ports, web
from lab.process import environment
from stub_engine import MODEL, Reply, Request, StubEngine, chunk, completion
from stub_nodes import pair_of, pair_with
from surroundings import KITH, fresh_folder, single_node

PROMPT = [{"role": "user", "content": "Say hello to my neighbour."}]
WORDS = ("one two three", "Grüße, 你好 👩‍👩‍👧", "line\nbreak\ttab", 'quote " and \\ and \u2028 \u2029 \x85')
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
USAGE = {"prompt_tokens": 30, "completion_tokens": 7, "total_tokens": 37}
SCHEMA = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}


def add(x: int, y: int) -> int:
    """
    Adds two numbers.

    Args:
        x: The first.
        y: The second.
    """
    return x + y


def client_of(node) -> Client:
    return Client(host=f"http://127.0.0.1:{node.port}", timeout=120)


class OneNode:
    """Starts one node for all tests of a class; to be mixed into a test case."""

    engine = ""
    # Whether a node without an engine is asked, whose kin has one.
    is_through_a_kin = False

    @classmethod
    def setUpClass(cls):
        if cls.is_through_a_kin:
            pair = pair_of(cls.engine, fresh_folder(cls.__name__))
            cls.addClassCleanup(pair.stop)
            cls.node, cls.answerer = pair.far, pair.near
        else:
            cls.node = cls.answerer = single_node(cls.__name__, cls.engine)
            cls.addClassCleanup(cls.node.stop)
            cls.node.start(limit=120)
        cls.client = client_of(cls.node)

    def ask(self, text: str, **options):
        return self.client.chat(model=self.engine, messages=[{"role": "user", "content": text}], **options)

    def prompt(self, text: str, **options):
        return self.client.generate(model=self.engine, prompt=text, **options)


class TheEchoEngine(OneNode, unittest.TestCase):
    engine = "echo"

    def test_words_come_back_exactly_plain_and_streamed_on_both_routes(self):
        for text in WORDS:
            with self.subTest(text=text):
                self.assertEqual(self.ask(text).message.content, text)
                self.assertEqual("".join(piece.message.content for piece in self.ask(text, stream=True)), text)
                self.assertEqual(self.prompt(text).response, text)
                self.assertEqual("".join(piece.response for piece in self.prompt(text, stream=True)), text)

    def test_an_answer_has_its_parts(self):
        for answer in (self.ask("one two"), list(self.ask("one two", stream=True))[-1], self.prompt("one two")):
            self.assertEqual((answer.model, answer.done, answer.done_reason), ("echo", True, "stop"))
            self.assertEqual((answer.prompt_eval_count, answer.eval_count), (2, 2))
            for took in (answer.total_duration, answer.prompt_eval_duration, answer.eval_duration):
                self.assertGreater(took, 0)
            self.assertIsInstance(answer.load_duration, int)
            self.assertTrue(answer.created_at)

    def test_the_system_prompt_and_options_are_taken(self):
        options = {"temperature": 0.3, "top_p": 0.9, "top_k": 40, "num_ctx": 2048, "stop": ["never"], "seed": 3}
        self.assertEqual(self.ask("options", options=options, keep_alive="5m").message.content, "options")
        self.assertEqual(self.prompt("options", system="Be brief.", options=options).response, "options")
        self.assertEqual(self.prompt("once upon", raw=True).response, "once upon")

    def test_models_are_listed_and_described(self):
        listed = self.client.list().models
        self.assertEqual(listed[0].model, "echo:latest")
        for model in listed:
            self.assertRegex(model.digest, "^[0-9a-f]{64}$")
            self.assertIsNotNone(model.modified_at)
            self.assertIn("completion", self.client.show(model.model).capabilities)
            self.assertEqual(self.client.generate(model=model.model, prompt="hi").response, "hi")
        self.assertEqual(self.client.show("echo").modelinfo["echo.context_length"], 8192)
        self.assertEqual(list(self.client.ps().models), [])
        version = web.get(self.node.port, "/api/version").json()["version"]
        self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        self.assertEqual(web.request(self.node.port, "HEAD", "/", None, 10).status, 200)

    def test_without_a_prompt_a_model_is_there_at_once(self):
        self.assertEqual(self.prompt("").done_reason, "load")
        loaded = self.client.chat(model="echo", messages=[])
        self.assertEqual((loaded.done, loaded.done_reason, loaded.message.content), (True, "load", ""))

    def test_texts_become_unit_vectors(self):
        for given, count in (("a", 1), (["a", "b"], 2), ([], 0)):
            answer = self.client.embed(model="echo", input=given)
            self.assertEqual(len(answer.embeddings), count)
            for vector in answer.embeddings:
                self.assertAlmostEqual(math.sqrt(sum(part * part for part in vector)), 1, places=4)
        self.assertTrue(self.client.embeddings(model="echo", prompt="a").embedding)

    def test_an_unknown_model_is_not_found_in_ollamas_words(self):
        asks = (
            lambda: self.client.chat(model="gone", messages=PROMPT), lambda: self.client.generate("gone", "x"),
            lambda: list(self.client.chat(model="gone", messages=PROMPT, stream=True)),
            lambda: self.client.show("gone"), lambda: self.client.embed("gone", "x"),
        )  # fmt: skip
        for number, ask in enumerate(asks):
            with self.subTest(number), self.assertRaises(ollama.ResponseError) as caught:
                ask()
            self.assertEqual(caught.exception.status_code, 404)
            self.assertIn("model 'gone' not found", caught.exception.error)

    def test_malformed_requests_are_bad_requests(self):
        cases = {
            "messages that are a text": ("/api/chat", {"messages": "hello"}),
            "a message without a role": ("/api/chat", {"messages": [{"content": "hello"}]}),
            "options that are a text": ("/api/chat", {"messages": PROMPT, "options": "hot"}),
            "a temperature that is a text": ("/api/generate", {"prompt": "x", "options": {"temperature": "hot"}}),
            "a suffix": ("/api/generate", {"prompt": "x", "suffix": "y"}),
        }
        for name, (path, body) in cases.items():
            with self.subTest(name):
                answer = web.post(self.node.port, path, {"model": "echo", **body})
                self.assertEqual(answer.status, 400)
                self.assertIsInstance(answer.json()["error"], str)

    def test_what_is_not_managed_here_is_said_and_a_model_that_is_there_is_pulled(self):
        self.assertEqual(self.client.pull("echo").status, "success")
        self.assertEqual([step.status for step in self.client.pull("echo:latest", stream=True)], ["success"])
        for manage in (lambda: self.client.pull("gone"), lambda: self.client.delete("echo"),
                       lambda: self.client.copy("echo", "other")):  # fmt: skip
            with self.assertRaises(ollama.ResponseError) as caught:
                manage()
            self.assertEqual(caught.exception.status_code, 501)
            self.assertIn("engine", caught.exception.error)

    def test_sixteen_at_once_each_get_their_own_words(self):
        words = [" ".join(uuid.uuid4().hex for _ in range(8)) for _ in range(16)]
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda text: self.ask(text).message.content, words))
        self.assertEqual(answers, words)


class TheCountEngine(OneNode, unittest.TestCase):
    engine = "count"

    def test_the_limit_and_the_stop_hold(self):
        cut = self.prompt("x", options={"num_predict": 7})
        self.assertEqual(cut.response.split(), [str(number) for number in range(1, 8)])
        self.assertEqual(cut.done_reason, "length")
        stopped = self.ask("x", options={"num_predict": 9, "stop": ["5"]})
        self.assertEqual(stopped.message.content.split(), ["1", "2", "3", "4"])
        self.assertEqual(stopped.done_reason, "stop")

    def test_an_abandoned_stream_frees_the_engine(self):
        stream = self.ask("x", stream=True, options={"num_predict": 8000})
        next(stream)
        stream.close()
        web.wait_until(
            lambda: web.get(self.answerer.port, "/api/status").json()["engine"]["active"] == 0, 10, "an idle engine"
        )


def answer(request: Request, reply: Reply) -> None:
    """Says what the words ask for: it thinks, calls tools, looks at pictures, stays silent, and breaks off."""
    content = request.json["messages"][-1]["content"]
    words = content if isinstance(content, str) else content[0]["text"]
    if words == "add":
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"x": 1,'}}
        if not request.streams:
            call["function"]["arguments"] = '{"x": 1, "y": 2}'
            message = {"reasoning_content": "I must add.", "content": "Let me see.", "tool_calls": [call]}
            return reply.json(completion(message, "tool_calls", usage=USAGE))
        reply.stream(
            chunk({"role": "assistant", "reasoning_content": "I must add."}),
            chunk({"content": "Let me see."}),
            chunk({"tool_calls": [call]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": ' "y": 2}'}}]}),
            chunk({}, "tool_calls", usage=USAGE),
        )
    elif words == "break":
        reply.begin()
        reply.event(chunk({"role": "assistant", "content": "half of it"}))
        time.sleep(0.2)
        raise OSError("the engine is lost")
    else:
        if words == "silent":
            time.sleep(3.5)
        reply.say(request, '{"answer": 42}')


class TheEchoEngineThroughAKin(TheEchoEngine):
    is_through_a_kin = True


class TheCountEngineThroughAKin(TheCountEngine):
    is_through_a_kin = True


class AStubEngine(unittest.TestCase):
    """Asked by the node that has it, and through a kin."""

    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine(answer)
        cls.addClassCleanup(cls.engine.stop)
        cls.pair = pair_with(cls.engine, fresh_folder(cls.__name__), KITH_ROUTING_HEARTBEAT="1")
        cls.addClassCleanup(cls.pair.stop)
        cls.clients = {way: client_of(node) for way, node in cls.pair.ways.items()}

    def ways(self):
        for way, client in self.clients.items():
            with self.subTest(way):
                yield client

    def ask(self, client: Client, words: str, **options):
        return client.chat(model=MODEL, messages=[{"role": "user", "content": words}], **options)

    def told(self) -> dict:
        return self.engine.requests[-1].json

    def test_thoughts_and_calls_come_plain_and_streamed(self):
        for client in self.ways():
            plain = self.ask(client, "add", tools=[add], think=True)
            self.assertEqual((plain.message.thinking, plain.message.content), ("I must add.", "Let me see."))
            pieces = list(self.ask(client, "add", tools=[add], think=True, stream=True))
            self.assertEqual("".join(piece.message.thinking or "" for piece in pieces), "I must add.")
            self.assertEqual("".join(piece.message.content or "" for piece in pieces), "Let me see.")
            calls = [call for piece in pieces for call in piece.message.tool_calls or []]
            for (call,) in (plain.message.tool_calls, calls):
                self.assertEqual((call.function.name, call.function.arguments), ("add", {"x": 1, "y": 2}))
                self.assertEqual(add(**call.function.arguments), 3)
            self.assertEqual((pieces[-1].prompt_eval_count, pieces[-1].eval_count), (30, 7))

    def test_the_engine_is_told_of_calls_and_results(self):
        for client in self.ways():
            first = self.ask(client, "add", tools=[add]).message
            client.chat(
                model=MODEL, tools=[add],
                messages=[
                    {"role": "user", "content": "add"}, first,
                    {"role": "tool", "tool_name": "add", "content": "3"}, {"role": "user", "content": "thanks"},
                ],
            )  # fmt: skip
            told = self.told()
            _, assistant, result, _ = told["messages"]
            (call,) = assistant["tool_calls"]
            self.assertEqual(call["function"]["name"], "add")
            self.assertEqual(json.loads(call["function"]["arguments"]), {"x": 1, "y": 2})
            self.assertEqual((result["content"], result["tool_call_id"]), ("3", call["id"]))
            self.assertEqual(told["tools"][0]["function"]["name"], "add")

    def test_who_wants_no_thoughts_sees_none_and_an_effort_reaches_the_engine(self):
        for client in self.ways():
            self.assertIsNone(self.ask(client, "add", think=False).message.thinking)
            self.ask(client, "hi", think="low")
            self.assertEqual(self.told()["reasoning_effort"], "low")
            self.assertNotIn("think", self.told())

    def test_images_and_formats_reach_the_engine(self):
        for client in self.ways():
            seen = client.chat(
                model=MODEL, format=SCHEMA,
                messages=[{"role": "user", "content": "what?", "images": [base64.b64decode(PIXEL)]}],
            )  # fmt: skip
            self.assertEqual(json.loads(seen.message.content), {"answer": 42})
            told = self.told()
            self.assertEqual(told["response_format"]["json_schema"]["schema"], SCHEMA)
            image = told["messages"][0]["content"][1]
            self.assertEqual(image["image_url"]["url"], f"data:image/png;base64,{PIXEL}")
            client.generate(model=MODEL, prompt="hi", format="json", options={"num_predict": 9, "seed": 3, "num_ctx": 99})
            told = self.told()
            self.assertEqual(told["response_format"], {"type": "json_object"})
            self.assertEqual((told["max_tokens"], told["seed"]), (9, 3))
            self.assertNotIn("options", told)

    def test_a_stream_that_breaks_is_an_error_and_no_answer(self):
        for client in self.ways():
            pieces = []
            with self.assertRaises(ollama.ResponseError):
                for piece in self.ask(client, "break", stream=True):
                    pieces.append(piece)
            self.assertFalse(any(piece.done for piece in pieces))

    def test_silence_is_filled_with_pieces_that_add_nothing(self):
        for client in self.ways():
            pieces = list(self.ask(client, "silent", stream=True))
            self.assertGreaterEqual(sum(not piece.message.content and not piece.done for piece in pieces), 2)
            self.assertEqual("".join(piece.message.content for piece in pieces), '{"answer": 42}')


class ThePortOfOllama(unittest.TestCase):
    """A second port, where programs made for Ollama look."""

    def test_it_answers_as_the_first_one_and_says_that_it_runs(self):
        port = ports.free_port()
        node = single_node(type(self).__name__, "echo", "--ollama-port", str(port))
        self.addCleanup(node.stop)
        node.start(limit=120)
        greeting = web.get(port, "/")
        self.assertEqual((greeting.status, greeting.body), (200, b"Ollama is running"))
        self.assertIn(b"kith", web.get(node.port, "/").body)
        client = Client(host=f"http://127.0.0.1:{port}", timeout=60)
        self.assertEqual(client.generate(model="echo", prompt="hi").response, "hi")
        self.assertEqual(web.get(port, "/v1/models").status, 200)

    def test_a_port_that_is_taken_ends_the_start_with_what_to_do(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            command = [KITH, "up", "--data-dir", fresh_folder("ThePortOfOllamaTaken"), "--engine", "echo",
                       "--port", "0", "--peer-port", "0", "--mdns", "off", "--ollama-port", str(port)]  # fmt: skip
            ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment())
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("OLLAMA_HOST=127.0.0.1:", ended.stderr)
        self.assertIn(f"127.0.0.1:{port}", ended.stderr)


if __name__ == "__main__":
    unittest.main()
