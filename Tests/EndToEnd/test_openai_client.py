# SPDX-License-Identifier: Apache-2.0
"""What users of the `openai` package meet: against the real engine, and exactly, against the test engines."""

import base64
import json
import struct
import time
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor

import openai
from openai import OpenAI

from lab import web
from lab.process import install_engine
from stub_nodes import pair_of
from surroundings import KITH, fresh_folder, single_node

PROMPT = [{"role": "user", "content": "Say hello to my neighbour."}]
LONG_PROMPT = [{"role": "user", "content": "Tell me a very long story about a lighthouse and its keeper."}]


def client_of(node) -> OpenAI:
    """Without the package's own retries: they would hide what the node does."""
    return OpenAI(base_url=f"http://127.0.0.1:{node.port}/v1", api_key="unused", max_retries=0, timeout=120)


class OneNode:
    """Starts one node for all tests of a class; to be mixed into a test case."""

    engine = ""
    flags: tuple[str, ...] = ()
    # Whether a node without an engine is asked, whose kin has one.
    is_through_a_kin = False

    @classmethod
    def setUpClass(cls):
        if cls.is_through_a_kin:
            pair = pair_of(cls.engine, fresh_folder(cls.__name__))
            cls.addClassCleanup(pair.stop)
            cls.node, cls.answerer = pair.far, pair.near
        else:
            cls.node = cls.answerer = single_node(cls.__name__, cls.engine, *cls.flags)
            cls.addClassCleanup(cls.node.stop)
            cls.node.start(limit=120)
        cls.client = client_of(cls.node)
        cls.addClassCleanup(cls.client.close)
        cls.model = cls.client.models.list().data[0].id

    def chat(self, messages, **options):
        return self.client.chat.completions.create(model=self.model, messages=messages, **options)

    def assert_usage_adds_up(self, usage):
        self.assertGreater(usage.prompt_tokens, 0)
        self.assertGreater(usage.completion_tokens, 0)
        self.assertEqual(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)


class TheRealEngine(OneNode, unittest.TestCase):
    engine = "embedded"

    @classmethod
    def setUpClass(cls):
        install_engine(KITH)
        super().setUpClass()

    def test_a_chat_gets_an_answer_with_its_usage_and_its_route(self):
        raw = self.client.chat.completions.with_raw_response.create(model=self.model, messages=PROMPT, max_tokens=24)
        answer = raw.parse()
        self.assertEqual(answer.object, "chat.completion")
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertTrue(answer.choices[0].message.content.strip())
        self.assertIn(answer.choices[0].finish_reason, ("stop", "length"))
        self.assertLess(abs(answer.created - time.time()), 120)
        self.assert_usage_adds_up(answer.usage)
        self.assertEqual(web.node_of(raw.headers["x-kith-route"]), self.node.name)

    def test_a_stream_has_one_id_one_role_one_end_and_the_usage_that_was_asked_for(self):
        with self.chat(PROMPT, max_tokens=24, stream=True, stream_options={"include_usage": True}) as stream:
            chunks = list(stream)
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        ends = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
        self.assertEqual(len(ends), 1)
        self.assertEqual([len(chunk.choices) for chunk in chunks], [1] * (len(chunks) - 1) + [0])
        self.assertTrue("".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]).strip())
        self.assert_usage_adds_up(chunks[-1].usage)

    def test_a_stream_without_a_wish_for_usage_has_none(self):
        with self.chat(PROMPT, max_tokens=8, stream=True) as stream:
            chunks = list(stream)
        self.assertTrue(all(len(chunk.choices) == 1 and chunk.usage is None for chunk in chunks))

    def test_a_stop_word_ends_the_answer_before_it(self):
        answer = self.chat(LONG_PROMPT, max_tokens=64, stop=[" "])
        self.assertNotIn(" ", answer.choices[0].message.content)
        self.assertEqual(answer.choices[0].finish_reason, "stop")

    def test_both_names_of_the_token_limit_hold(self):
        for limit in ({"max_tokens": 5}, {"max_completion_tokens": 5}):
            with self.subTest(**limit):
                answer = self.chat(LONG_PROMPT, **limit)
                self.assertEqual(answer.choices[0].finish_reason, "length")
                self.assertLessEqual(answer.usage.completion_tokens, 5)

    def test_a_response_format_shapes_the_answer(self):
        schema = {
            "type": "object",
            "properties": {"colour": {"enum": ["red", "blue"]}},
            "required": ["colour"],
            "additionalProperties": False,
        }
        shape = {"type": "json_schema", "json_schema": {"name": "choice", "schema": schema}}
        answer = self.chat([{"role": "user", "content": "Red or blue?"}], max_tokens=64, response_format=shape)
        self.assertIn(json.loads(answer.choices[0].message.content), [{"colour": "red"}, {"colour": "blue"}])

    def test_a_text_is_continued_plain_and_streamed(self):
        plain = self.client.completions.create(model=self.model, prompt="Once upon a time", max_tokens=12)
        self.assertEqual(plain.object, "text_completion")
        self.assertTrue(plain.choices[0].text.strip())
        self.assertEqual(plain.choices[0].finish_reason, "length")
        self.assert_usage_adds_up(plain.usage)
        with self.client.completions.create(
            model=self.model, prompt="Once upon a time", max_tokens=12, stream=True
        ) as stream:
            chunks = list(stream)
        self.assertTrue("".join(choice.text for chunk in chunks for choice in chunk.choices).strip())
        ends = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
        self.assertEqual(ends, ["length"])

    def test_vectors_as_floats_and_as_base64_agree(self):
        assert_vectors_agree(self, tolerance=1e-3)

    def test_four_abandoned_streams_free_the_engine(self):
        streams = [self.chat(LONG_PROMPT, max_tokens=2000, stream=True) for _ in range(4)]
        for stream in streams:
            next(iter(stream))
            stream.close()
        began = time.monotonic()
        answer = self.client.with_options(timeout=30).chat.completions.create(
            model=self.model, messages=PROMPT, max_tokens=4
        )
        self.assertTrue(answer.choices[0].finish_reason)
        print(f"\n    after four abandoned streams a short answer took {time.monotonic() - began:.2f} s")
        web.wait_until(
            lambda: web.get(self.node.port, "/api/status").json()["engine"]["active"] == 0, 10, "an idle engine"
        )

    def test_sixteen_at_once_are_all_answered_under_their_own_ids(self):
        began = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: self.chat(PROMPT, max_tokens=16), range(16)))
        print(f"\n    16 requests at once took {time.monotonic() - began:.2f} s")
        self.assertEqual(len({answer.id for answer in answers}), 16)
        self.assertTrue(all(answer.choices[0].message.content for answer in answers))


class TheEchoEngine(OneNode, unittest.TestCase):
    engine = "echo"

    def say(self, text, **options):
        return self.chat([{"role": "user", "content": text}], **options).choices[0].message.content

    def test_words_come_back_exactly_plain_and_streamed(self):
        for text in ("one two three", "Grüße, 你好 👩‍👩‍👧", "line\nbreak\ttab", 'quote " and \\ and \u2028 \u2029 \x85'):
            with self.subTest(text=text):
                self.assertEqual(self.say(text), text)
                with self.chat([{"role": "user", "content": text}], stream=True) as stream:
                    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
                self.assertEqual("".join(pieces), text)

    def test_text_parts_are_read_as_one_text(self):
        parts = [{"type": "text", "text": "alpha "}, {"type": "text", "text": "beta"}]
        self.assertEqual(self.say(parts), "alpha beta")

    def test_unknown_fields_are_ignored(self):
        self.assertEqual(self.say("still here", extra_body={"unheard_of": {"deeply": [1, None]}}), "still here")

    def test_sampling_options_are_taken(self):
        self.assertEqual(self.say("options", temperature=0.3, top_p=0.9, seed=7, stop=["never"]), "options")

    def test_a_prompt_comes_back_from_completions(self):
        plain = self.client.completions.create(model=self.model, prompt="four five six", max_tokens=64)
        self.assertEqual(plain.choices[0].text, "four five six")
        with self.client.completions.create(
            model=self.model, prompt="four five six", max_tokens=64, stream=True
        ) as stream:
            text = "".join(choice.text for chunk in stream for choice in chunk.choices)
        self.assertEqual(text, "four five six")

    def test_models_are_listed_and_found_by_name(self):
        listed = self.client.models.list().data
        self.assertTrue(listed)
        for model in listed:
            found = self.client.models.retrieve(model.id)
            self.assertEqual((found.id, found.object, found.owned_by), (model.id, "model", model.owned_by))
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("no-such-model")

    def test_an_unknown_model_is_not_found_and_the_known_ones_are_named(self):
        for stream in (False, True):
            with self.subTest(stream=stream), self.assertRaises(openai.NotFoundError) as caught:
                self.client.chat.completions.create(model="no-such-model", messages=PROMPT, stream=stream)
            self.assertIn(self.model, str(caught.exception))

    def test_malformed_requests_are_bad_requests(self):
        cases = {
            "no messages": {"messages": []},
            "messages that are a text": {"messages": "hello"},
            "a message without a role": {"messages": [{"content": "hello"}]},
            "a message with an unknown role": {"messages": [{"role": "wizard", "content": "hello"}]},
            "a message that is a number": {"messages": [7]},
            "a temperature that is a text": {"messages": PROMPT, "temperature": "hot"},
            "a token limit that is a text": {"messages": PROMPT, "max_tokens": "many"},
        }
        for name, body in cases.items():
            with self.subTest(name), self.assertRaises(openai.BadRequestError) as caught:
                self.client.chat.completions.create(**{"model": self.model, **body})
            self.assertTrue(caught.exception.body["message"])

    def test_values_out_of_range_are_refused(self):
        # What else an engine takes is the engine's to judge.
        for name, value in (("max_tokens", 0), ("max_completion_tokens", -2)):
            with self.subTest(name), self.assertRaises(openai.APIStatusError) as caught:
                self.chat(PROMPT, **{name: value})
            self.assertIn(caught.exception.status_code, (400, 422))
            self.assertIn(name, str(caught.exception))

    def test_what_is_not_json_is_answered_in_the_dialect(self):
        cases = (b"{", b"[]", b"", b"\xff\xfe", b'"text"', b"NaN")
        for body in cases:
            with self.subTest(body=body):
                answer = web.request(self.node.port, "POST", "/v1/chat/completions", body)
                self.assertEqual(answer.status, 400)
                self.assertTrue(answer.json()["error"]["message"])
        answer = web.get(self.node.port, "/v1/no-such-route")
        self.assertEqual(answer.status, 404)
        self.assertTrue(answer.json()["error"]["message"])

    def test_a_body_over_the_limit_is_refused(self):
        body = {"model": self.model, "messages": [{"role": "user", "content": "x" * 10_000_000}]}
        try:
            self.assertEqual(web.post(self.node.port, "/v1/chat/completions", body).status, 413)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while the body was still on its way
        self.assertEqual(self.say("and goes on"), "and goes on")

    def test_vectors_as_floats_and_as_base64_agree(self):
        assert_vectors_agree(self, tolerance=1e-6)

    def test_sixteen_at_once_each_get_their_own_words(self):
        words = [" ".join(uuid.uuid4().hex for _ in range(8)) for _ in range(16)]
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda text: self.chat([{"role": "user", "content": text}]), words))
        self.assertEqual([answer.choices[0].message.content for answer in answers], words)
        self.assertEqual(len({answer.id for answer in answers}), 16)


class TheEchoEngineThroughAKin(TheEchoEngine):
    is_through_a_kin = True


class TheCountEngine(OneNode, unittest.TestCase):
    engine = "count"

    def count(self, **options):
        return self.chat(PROMPT, **options).choices[0]

    def test_it_counts_to_the_limit(self):
        for limit in ({"max_tokens": 7}, {"max_completion_tokens": 7}):
            with self.subTest(**limit):
                self.assertEqual(self.count(**limit).message.content.split(), [str(n) for n in range(1, 8)])

    def test_a_stop_word_ends_the_answer_before_it(self):
        for stop in ("5", ["no such word", "5"]):
            with self.subTest(stop=stop):
                choice = self.count(max_tokens=9, stop=stop)
                self.assertEqual(choice.message.content.split(), ["1", "2", "3", "4"])
                self.assertEqual(choice.finish_reason, "stop")


def assert_vectors_agree(test: OneNode, tolerance: float) -> None:
    """The same texts as floats, as the package asks on its own, and as base64 decoded by hand."""
    texts = ["kith and kin", "a lighthouse"]

    def embed(**options):
        answer = test.client.embeddings.create(model=test.model, input=texts, **options)
        test.assertEqual([item.index for item in answer.data], [0, 1])
        return [item.embedding for item in answer.data]

    floats, usual, encoded = embed(encoding_format="float"), embed(), embed(encoding_format="base64")
    for number, vector in enumerate(floats):
        raw = base64.b64decode(encoded[number], validate=True)
        decoded = struct.unpack(f"<{len(raw) // 4}f", raw)
        test.assertEqual(len(vector), len(decoded))
        test.assertEqual(len(vector), len(usual[number]))
        for a, b, c in zip(vector, decoded, usual[number]):
            test.assertAlmostEqual(a, b, delta=tolerance)
            test.assertAlmostEqual(a, c, delta=tolerance)
    test.assertNotEqual(floats[0], floats[1])


if __name__ == "__main__":
    unittest.main()
