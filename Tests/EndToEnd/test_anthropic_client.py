# SPDX-License-Identifier: Apache-2.0
"""What users of the `anthropic` package meet: exactly, against the test engines, and with tools, against a stub engine."""

import time
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor

import anthropic
from anthropic import Anthropic

from lab import web
from stub_engine import MODEL, Reply, Request, StubEngine, chunk
from stub_nodes import pair_of, pair_with
from surroundings import fresh_folder, single_node

PROMPT = [{"role": "user", "content": "Say hello to my neighbour."}]
ADD = {
    "name": "add",
    "description": "Adds two numbers.",
    "input_schema": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}},
}
USAGE = {"prompt_tokens": 30, "completion_tokens": 7, "total_tokens": 37, "prompt_tokens_details": {"cached_tokens": 20}}


def client_of(node) -> Anthropic:
    """Without the package's own retries: they would hide what the node does."""
    return Anthropic(base_url=f"http://127.0.0.1:{node.port}", api_key="unused", max_retries=0, timeout=120)


def called(index: int, name: str | None, arguments: str) -> dict:
    """A piece of a call."""
    head = {"id": f"call_{index}", "type": "function"} if name else {}
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    return chunk({"tool_calls": [{"index": index, **head, "function": function}]})


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
        cls.addClassCleanup(cls.client.close)

    def create(self, messages=None, max_tokens=256, **options):
        options = {"model": self.engine, "messages": messages or PROMPT, "max_tokens": max_tokens, **options}
        return self.client.messages.create(**options)

    def stream(self, messages=None, max_tokens=256, **options):
        options = {"model": self.engine, "messages": messages or PROMPT, "max_tokens": max_tokens, **options}
        return self.client.messages.stream(**options)


class TheEchoEngine(OneNode, unittest.TestCase):
    engine = "echo"

    def say(self, content, **options) -> str:
        message = self.create([{"role": "user", "content": content}], **options)
        return "".join(block.text for block in message.content)

    def test_a_message_has_its_parts_and_its_route(self):
        raw = self.client.messages.with_raw_response.create(model="echo", messages=PROMPT, max_tokens=64)
        message = raw.parse()
        self.assertTrue(message.id.startswith("msg_"))
        self.assertEqual((message.type, message.role, message.model), ("message", "assistant", "echo"))
        self.assertEqual([block.type for block in message.content], ["text"])
        self.assertEqual((message.stop_reason, message.stop_sequence), ("end_turn", None))
        self.assertEqual((message.usage.input_tokens, message.usage.output_tokens), (5, 5))
        self.assertEqual(web.node_of(raw.headers["x-kith-route"]), self.answerer.name)

    def test_words_come_back_exactly_plain_and_streamed(self):
        for text in ("one two three", "Grüße, 你好 👩‍👩‍👧", "line\nbreak\ttab", 'quote " and \\ and \u2028 \u2029 \x85'):
            with self.subTest(text=text):
                self.assertEqual(self.say(text), text)
                with self.stream([{"role": "user", "content": text}]) as stream:
                    self.assertEqual("".join(stream.text_stream), text)

    def test_a_stream_adds_up_to_the_message(self):
        with self.stream() as stream:
            events = [event.type for event in stream]
            message = stream.get_final_message()
        self.assertEqual(events[0], "message_start")
        self.assertEqual(events[-3:], ["content_block_stop", "message_delta", "message_stop"])
        self.assertEqual(message.content[0].text, PROMPT[0]["content"])
        self.assertEqual(message.stop_reason, "end_turn")
        self.assertEqual((message.usage.input_tokens, message.usage.output_tokens), (5, 5))

    def test_blocks_of_text_are_one_text(self):
        blocks = [{"type": "text", "text": "alpha "}, {"type": "text", "text": "beta"}]
        blocks[-1]["cache_control"] = {"type": "ephemeral"}
        self.assertEqual(self.say(blocks), "alpha beta")

    def test_system_prompts_are_taken_in_every_form(self):
        for system in ("Be brief.", [{"type": "text", "text": "Be brief."}]):
            with self.subTest(system=system):
                self.assertEqual(self.say("still here", system=system), "still here")
        middle = [*PROMPT, {"role": "system", "content": "Be kind."}]
        self.assertEqual(self.create(middle).content[0].text, PROMPT[0]["content"])

    def test_options_and_unknown_fields_are_taken(self):
        options = {
            "stop_sequences": ["never"], "metadata": {"user_id": "somebody"},
            "extra_body": {
                "temperature": 0.3, "top_p": 0.9, "context_management": {"edits": []}, "unheard_of": {"deeply": [1, None]},
            },
            "extra_headers": {"anthropic-beta": "one-2026-01-01,two-2026-01-01"},
        }  # fmt: skip
        self.assertEqual(self.say("options", **options), "options")
        answer = web.post(self.node.port, "/v1/messages?beta=true", {"max_tokens": 5, "messages": PROMPT})
        self.assertEqual(answer.status, 200)

    def test_tokens_are_estimated(self):
        short = self.client.messages.count_tokens(model="echo", messages=PROMPT).input_tokens
        long = self.client.messages.count_tokens(model="echo", messages=PROMPT, tools=[ADD]).input_tokens
        self.assertGreater(short, 0)
        self.assertGreater(long, short)

    def test_models_are_listed_and_found_by_name(self):
        listed = list(self.client.models.list())
        self.assertEqual(listed[0].id, "echo")
        for model in listed:
            found = self.client.models.retrieve(model.id)
            self.assertEqual((found.id, found.type), (model.id, "model"))
            self.assertTrue(found.created_at)
        with self.assertRaises(anthropic.NotFoundError):
            self.client.models.retrieve("no-such-model")

    def test_an_unknown_model_is_not_found_and_the_known_ones_are_named(self):
        with self.assertRaises(anthropic.NotFoundError) as caught:
            self.create(model="no-such-model")
        self.assertIn("echo", str(caught.exception))
        with self.assertRaises(anthropic.NotFoundError), self.stream(model="no-such-model"):
            pass

    def test_malformed_requests_are_bad_requests(self):
        cases = {
            "no messages": {"messages": []},
            "messages that are a text": {"messages": "hello"},
            "a message without a role": {"messages": [{"content": "hello"}]},
            "a message with an unknown role": {"messages": [{"role": "wizard", "content": "hello"}]},
            "a temperature that is a text": {"messages": PROMPT, "extra_body": {"temperature": "hot"}},
            "a token limit that is a text": {"messages": PROMPT, "max_tokens": "many"},
            "no room for a token": {"messages": PROMPT, "max_tokens": 0},
        }
        for name, body in cases.items():
            with self.subTest(name), self.assertRaises(anthropic.BadRequestError) as caught:
                self.client.messages.create(**{"model": "echo", "max_tokens": 5, **body})
            self.assertEqual(caught.exception.body["type"], "error")
            self.assertEqual(caught.exception.body["error"]["type"], "invalid_request_error")
            self.assertTrue(caught.exception.body["error"]["message"])

    def test_content_that_no_engine_can_use_is_refused(self):
        pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}
        cases = {"a PDF": pdf, "a file": {"type": "container_upload", "file_id": "f"}, "a thing to come": {"type": "thing"}}
        for name, block in cases.items():
            with self.subTest(name), self.assertRaises(anthropic.BadRequestError) as caught:
                self.create([{"role": "user", "content": [block, {"type": "text", "text": "Read it."}]}])
            self.assertEqual(caught.exception.body["error"]["type"], "invalid_request_error")

    def test_who_looks_whether_anybody_is_there_finds_somebody(self):
        self.assertEqual(web.request(self.node.port, "HEAD", "/api/hello").status, 200)

    def test_a_missing_limit_is_a_bad_request(self):
        answer = web.post(self.node.port, "/v1/messages", {"messages": PROMPT})
        self.assertEqual(answer.status, 400)
        self.assertIn("max_tokens", answer.json()["error"]["message"])

    def test_a_prompt_that_is_too_long_is_refused_in_the_words_that_clients_know(self):
        with self.assertRaises(anthropic.BadRequestError) as caught:
            self.say("x " * 9000)
        self.assertEqual(
            caught.exception.body["error"]["message"], "prompt is too long: 9000 tokens > 8192 maximum"
        )

    def test_sixteen_at_once_each_get_their_own_words(self):
        words = [" ".join(uuid.uuid4().hex for _ in range(8)) for _ in range(16)]
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda text: self.create([{"role": "user", "content": text}]), words))
        self.assertEqual([answer.content[0].text for answer in answers], words)
        self.assertEqual(len({answer.id for answer in answers}), 16)


class TheCountEngine(OneNode, unittest.TestCase):
    engine = "count"

    def test_it_counts_to_the_limit(self):
        message = self.create(max_tokens=7)
        self.assertEqual(message.content[0].text.split(), [str(number) for number in range(1, 8)])
        self.assertEqual(message.stop_reason, "max_tokens")

    def test_a_stop_sequence_ends_the_answer_before_it(self):
        message = self.create(max_tokens=9, stop_sequences=["no such word", "5"])
        self.assertEqual(message.content[0].text.split(), ["1", "2", "3", "4"])
        self.assertIn(message.stop_reason, ("end_turn", "stop_sequence"))

    def test_an_abandoned_stream_frees_the_engine(self):
        with self.stream(max_tokens=8000) as stream:
            next(iter(stream))
        web.wait_until(
            lambda: web.get(self.answerer.port, "/api/status").json()["engine"]["active"] == 0, 10, "an idle engine"
        )


class TheEchoEngineThroughAKin(TheEchoEngine):
    is_through_a_kin = True


class TheCountEngineThroughAKin(TheCountEngine):
    is_through_a_kin = True


class AStubEngine(unittest.TestCase):
    """One that thinks, calls tools, stays silent, and breaks off."""

    SILENCE = 2.5
    is_through_a_kin = False

    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine(cls.answer)
        cls.addClassCleanup(cls.engine.stop)
        pair = pair_with(cls.engine, fresh_folder(cls.__name__), KITH_ROUTING_HEARTBEAT="1")
        cls.addClassCleanup(pair.stop)
        cls.node = pair.far if cls.is_through_a_kin else pair.near
        cls.client = client_of(cls.node)
        cls.addClassCleanup(cls.client.close)

    @classmethod
    def answer(cls, request: Request, reply: Reply) -> None:
        words = request.words
        if words == "add":
            call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"x": 1,'}}
            reply.stream(
                chunk({"role": "assistant", "reasoning_content": "I must add."}),
                chunk({"content": "Let me see."}),
                chunk({"tool_calls": [call]}),
                chunk({"tool_calls": [{"index": 0, "function": {"arguments": ' "y": 2}'}}]}),
                chunk({}, "tool_calls", usage=USAGE),
            )
        elif words == "mix":
            pieces = ((0, "add", '{"x": 1,'), (1, "add", '{"x": 3,'), (0, None, ' "y": 2}'), (1, None, ' "y": 4}'))
            reply.stream(*(called(*piece) for piece in pieces), chunk({}, "tool_calls", usage=USAGE))
        elif words == "break the call":
            reply.begin()
            reply.event(called(0, "add", '{"x": 1,'))
            time.sleep(0.2)
            raise OSError("the engine is lost")
        elif words == "break":
            reply.begin()
            reply.event(chunk({"role": "assistant", "content": "half of it"}))
            time.sleep(0.2)
            raise OSError("the engine is lost")
        else:
            if words == "silent":
                time.sleep(cls.SILENCE)
            reply.stream(chunk({"role": "assistant", "content": "hello"}), chunk({}, "stop", usage=USAGE))

    def asked(self, messages, **options):
        return {"model": MODEL, "max_tokens": 64, "messages": messages, **options}

    def test_thoughts_and_calls_are_blocks_plain_and_streamed(self):
        asked = self.asked(
            [{"role": "user", "content": "add"}], tools=[ADD], thinking={"type": "enabled", "budget_tokens": 1024}
        )
        plain = self.client.messages.create(**asked)
        with self.client.messages.stream(**asked) as stream:
            streamed = stream.get_final_message()
        for name, message in (("plain", plain), ("streamed", streamed)):
            with self.subTest(name):
                self.assertEqual([block.type for block in message.content], ["thinking", "text", "tool_use"])
                thinking, text, call = message.content
                self.assertEqual((thinking.thinking, text.text), ("I must add.", "Let me see."))
                self.assertTrue(thinking.signature)
                self.assertEqual((call.id, call.name, call.input), ("call_1", "add", {"x": 1, "y": 2}))
                self.assertEqual(message.stop_reason, "tool_use")
                usage = message.usage
                self.assertEqual((usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens), (10, 20, 7))

    def test_who_does_not_ask_for_thoughts_gets_text_first(self):
        message = self.client.messages.create(**self.asked([{"role": "user", "content": "add"}], tools=[ADD]))
        self.assertEqual(message.content[0].text, "Let me see.")

    def test_the_engine_is_told_in_its_own_words(self):
        first = self.client.messages.create(
            **self.asked([{"role": "user", "content": "add"}], thinking={"type": "enabled", "budget_tokens": 1024})
        )
        result = {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "3"}]}
        self.engine.forget()
        self.client.messages.create(
            **self.asked(
                [
                    {"role": "user", "content": [{"type": "text", "text": "add"}]},
                    {"role": "assistant", "content": first.content},
                    {"role": "user", "content": [result]},
                ],
                system=[
                    {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.332.abc"},
                    {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
                ],
                tools=[ADD],
                tool_choice={"type": "any", "disable_parallel_tool_use": True},
            )
        )
        (asked,) = (request.json for request in self.engine.requests)
        call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"x":1,"y":2}'}}
        self.assertEqual(
            asked["messages"],
            [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "add"},
                {
                    "role": "assistant", "content": "Let me see.", "tool_calls": [call],
                    "reasoning_content": "I must add.",
                },
                {"role": "tool", "content": "3", "tool_call_id": "call_1"},
            ],
        )  # fmt: skip
        function = {"name": "add", "description": ADD["description"], "parameters": ADD["input_schema"]}
        self.assertEqual(asked["tools"], [{"type": "function", "function": function}])
        self.assertEqual((asked["tool_choice"], asked["parallel_tool_calls"]), ("required", False))

    def test_a_stream_that_breaks_is_an_error_and_no_message(self):
        with self.assertRaises(anthropic.APIStatusError) as caught:
            with self.client.messages.stream(**self.asked([{"role": "user", "content": "break"}])) as stream:
                for _ in stream:
                    pass
        self.assertEqual(caught.exception.body["error"]["type"], "api_error")

    def test_calls_whose_pieces_are_mixed_are_told_one_after_the_other(self):
        with self.client.messages.stream(**self.asked([{"role": "user", "content": "mix"}], tools=[ADD])) as stream:
            message = stream.get_final_message()
        self.assertEqual([block.id for block in message.content], ["call_0", "call_1"])
        self.assertEqual([block.input for block in message.content], [{"x": 1, "y": 2}, {"x": 3, "y": 4}])

    def test_a_call_that_breaks_off_is_not_closed(self):
        asked = self.asked([{"role": "user", "content": "break the call"}], tools=[ADD], stream=True)
        raw = web.post(self.node.port, "/v1/messages", asked)
        events = [line for line in raw.body.decode().splitlines() if line.startswith("event:")]
        if raw.status == 200:
            self.assertEqual(events[-1], "event: error")
        self.assertNotIn("event: content_block_stop", events)
        self.assertNotIn("event: message_stop", events)

    def test_the_engine_is_told_that_a_tool_failed(self):
        turns = [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "add", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "no", "is_error": True}]},
        ]
        self.engine.forget()
        self.client.messages.create(**self.asked(turns, tools=[ADD], thinking={"type": "adaptive"}))
        (asked,) = (request.json for request in self.engine.requests)
        self.assertEqual(
            asked["messages"][-1], {"role": "tool", "content": "The tool failed:\nno", "tool_call_id": "a"}
        )

    def test_silence_before_the_first_token_is_filled_with_comments(self):
        raw = web.post(self.node.port, "/v1/messages", self.asked([{"role": "user", "content": "silent"}], stream=True))
        lines = raw.body.decode().splitlines()
        self.assertGreaterEqual(sum(line.startswith(":") for line in lines), 2)
        self.assertEqual([line for line in lines if line.startswith("event:")][-1], "event: message_stop")


class AStubEngineThroughAKin(AStubEngine):
    is_through_a_kin = True


if __name__ == "__main__":
    unittest.main()
