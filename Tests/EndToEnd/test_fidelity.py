# SPDX-License-Identifier: Apache-2.0
"""Nothing of what is said is changed on its way: requests at the engine, answers at the client, field by field.

Each row is asked plain and streamed, of the node itself and through a kin, for a model by its name and for `auto`.
"""

import itertools
import json
import unittest
from decimal import Decimal

from fidelity_answers import ERRORS, PLAIN, STREAMS
from fidelity_requests import FIELDS, MESSAGES, USER, WHOLE
from stub_engine import MODEL, Reply, Request, StubEngine, chunk
from stub_nodes import CHAT, Heard, Pair, pair_with, send
from surroundings import fresh_folder

# Whether a number is whole is part of what was said, and so is each of its digits.
EXACTLY = {"parse_float": lambda text: ("float", Decimal(text)), "parse_int": lambda text: ("int", int(text))}
IN_ORDER = {**EXACTLY, "object_pairs_hook": lambda pairs: ("object", pairs)}


def replied(answer: object) -> object:
    """An answer as its reader should find it."""
    return json.loads(json.dumps(answer), **EXACTLY)


def with_model(body: object, model: str) -> object:
    kind, pairs = body
    return kind, [(name, model if name == "model" else value) for name, value in pairs]


class Fidelity(unittest.TestCase):
    maxDiff = 2_000

    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine(cls.answer)
        cls.addClassCleanup(cls.engine.stop)
        cls.pair: Pair = pair_with(cls.engine, fresh_folder(cls.__name__))
        cls.addClassCleanup(cls.pair.stop)

    @staticmethod
    def answer(request: Request, reply: Reply) -> None:
        """The row that the last message names, else a greeting."""
        words = request.words
        kind, _, row = words.partition(": ") if isinstance(words, str) else ("", "", "")
        if kind == "plain":
            reply.json(PLAIN[row])
        elif kind == "stream":
            reply.stream(*STREAMS[row])
        elif kind == "error":
            status, error = ERRORS[row]
            reply.json({"error": error}, status)
        elif kind == "finish error":
            reply.stream(chunk({"role": "assistant", "content": "hel"}), chunk({}, "error"))
        elif kind == "event error":
            reply.begin()
            reply.event(chunk({"role": "assistant", "content": "hel"}), {"error": {"message": "out of memory", "code": "oom"}})
            reply.end()
        else:
            reply.say(request, "hello")

    # Requests

    def test_a_field_of_a_request_reaches_the_engine_as_it_was_written(self):
        for row, fields in FIELDS.items():
            for model, stream in self.kinds():
                body = {"messages": [USER], "model": model, **stream, **fields}
                self.assert_reaches_the_engine(row, json.dumps(body).encode(), model, stream)

    def test_a_message_reaches_the_engine_as_it_was_written(self):
        for row, messages in MESSAGES.items():
            for model, stream in self.kinds():
                body = json.dumps({"model": model, "messages": messages, **stream}, ensure_ascii=False).encode()
                self.assert_reaches_the_engine(row, body, model, stream)

    def test_json_of_any_form_reaches_the_engine_with_the_same_meaning(self):
        for row, written in WHOLE.items():
            for model, stream in self.kinds():
                body = written.replace(b"MODEL", model.encode())
                if stream:
                    body = body.replace(b'"messages"', b'"stream" : true, "messages"', 1)
                self.assert_reaches_the_engine(row, body, model, stream)

    def test_what_is_said_of_streaming_reaches_the_engine_too(self):
        for row, more in {
            "not streamed": {"stream": False},
            "usage": {"stream": True, "stream_options": {"include_usage": True}},
            "no usage": {"stream_options": {"include_usage": False, "include_obfuscation": False}, "stream": True},
        }.items():
            for model in (MODEL, "auto"):
                body = {"model": model, "messages": [USER], **more}
                self.assert_reaches_the_engine(row, json.dumps(body).encode(), model, more)

    def test_a_request_without_a_model_gets_the_engine_s_and_nothing_else(self):
        for way, node in self.pair.ways.items():
            with self.subTest(way=way):
                self.engine.forget()
                heard = send(node, b'{"messages":[{"role":"user","content":"hi"}],"zulu":1,"alpha":2}')
                self.assertEqual(heard.status, 200, heard)
                self.assertEqual(
                    sorted(self.engine.requests[-1].json.items(), key=str),
                    sorted({"messages": [USER], "zulu": 1, "alpha": 2, "model": MODEL}.items(), key=str),
                )

    def kinds(self):
        return itertools.product((MODEL, "auto"), ({}, {"stream": True}))

    def assert_reaches_the_engine(self, row: str, body: bytes, model: str, stream: dict) -> None:
        wanted = with_model(json.loads(body, **IN_ORDER), MODEL)
        for way, node in self.pair.ways.items():
            with self.subTest(row, way=way, model=model, **stream):
                self.engine.forget()
                heard = send(node, body)
                self.assertEqual(heard.status, 200, heard)
                self.assertEqual(heard.text, "hello", heard)
                (request,) = self.engine.requests
                self.assertEqual(request.path, CHAT)
                self.assertEqual(json.loads(request.body, **IN_ORDER), wanted)

    # Answers

    def test_a_plain_answer_reaches_the_client_as_the_engine_gave_it(self):
        for row, answer in PLAIN.items():
            for way, model, heard in self.asked(f"plain: {row}", {}):
                with self.subTest(row, way=way, model=model):
                    self.assertEqual(heard.status, 200, heard)
                    self.assertEqual(json.loads(heard.body, **EXACTLY), replied(answer))

    def test_a_stream_reaches_the_client_chunk_by_chunk_as_the_engine_gave_it(self):
        for row, answer in STREAMS.items():
            more = {"stream_options": {"include_usage": True}} if "usage" in row else {}
            for way, model, heard in self.asked(f"stream: {row}", {"stream": True, **more}):
                with self.subTest(row, way=way, model=model):
                    self.assertEqual(heard.status, 200, heard)
                    self.assertEqual(heard.events(**EXACTLY), replied(answer))
                    self.assertTrue(heard.is_done, heard)

    def test_an_error_before_the_answer_keeps_what_the_engine_said(self):
        for row, (status, error) in ERRORS.items():
            for stream in ({}, {"stream": True}):
                for way, model, heard in self.asked(f"error: {row}", stream):
                    with self.subTest(row, way=way, model=model, **stream):
                        self.assertEqual(heard.status, status, heard)
                        self.assertEqual({name: heard.error.get(name) for name in error}, error)

    def test_a_stream_that_ends_in_an_error_says_so(self):
        for row, message in {"finish error: row": None, "event error: row": "out of memory"}.items():
            for way, model, heard in self.asked(row, {"stream": True}, {"x-kith-continue": "off"}):
                with self.subTest(row, way=way, model=model):
                    self.assertIsNotNone(heard.error, heard)
                    self.assertEqual(heard.text, "hel")
                    self.assertNotIn(heard.finish, ("stop", "length"))
                    self.assertIn(message or "", heard.error["message"])

    def asked(self, words: str, stream: dict, headers=None) -> list[tuple[str, str, Heard]]:
        found = []
        for (way, node), model in itertools.product(self.pair.ways.items(), (MODEL, "auto")):
            body = {"model": model, "messages": [{"role": "user", "content": words}], **stream}
            found.append((way, model, send(node, json.dumps(body).encode(), headers)))
        return found


if __name__ == "__main__":
    unittest.main()
