# SPDX-License-Identifier: Apache-2.0
"""What users of the `openai` package's Responses API meet, of the node with the engine and through its kin."""

import functools
import json
import time
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor

import openai
from openai import OpenAI

from lab import web
from stub_engine import MODEL, HungUp, Reply, Request, StubEngine, chunk
from stub_nodes import pair_with
from surroundings import fresh_folder

ADD = {
    "type": "function",
    "name": "add",
    "description": "Adds two numbers.",
    "parameters": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}},
    "strict": False,
}
PATCH = {"type": "custom", "name": "patch", "description": "Changes a file."}
AGENTS = {"type": "namespace", "name": "agents", "description": "Others.", "tools": [{**ADD, "name": "spawn"}]}
PICTURE = "data:image/png;base64,iVBORw0KGgo="
USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 7,
    "total_tokens": 37,
    "prompt_tokens_details": {"cached_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


def client_of(node) -> OpenAI:
    """Without the package's own retries: they would hide what the node does."""
    return OpenAI(base_url=f"http://127.0.0.1:{node.port}/v1", api_key="unused", max_retries=0, timeout=120)


def call(index: int, name: str, arguments: str) -> dict:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


def words_of(request: Request) -> str:
    """What the user said last."""
    said = [message for message in request.json["messages"] if message["role"] == "user"][-1]["content"]
    return said if isinstance(said, str) else "".join(part.get("text", "") for part in said)


def pieces(words: str) -> list[dict]:
    """An answer as the engine streams it: what was said, but for a few words with a meaning of their own."""
    if words == "add":
        return [
            chunk({"role": "assistant", "reasoning_content": "I must add."}),
            chunk({"content": "Let me see."}),
            chunk({"tool_calls": [call(0, "add", '{"x": 1,')]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": ' "y": 2}'}}]}),
            chunk({"tool_calls": [call(1, "patch", '{"input": "*** \\"a\\"\\n"}')]}),
            chunk({"tool_calls": [call(2, "spawn", "{}")]}),
            chunk({}, "tool_calls", usage=USAGE),
        ]
    if words == "refuse":
        return [chunk({"role": "assistant", "refusal": "No."}), chunk({}, "stop", usage=USAGE)]
    if words == "cut":
        return [chunk({"role": "assistant", "content": "half"}), chunk({}, "length", usage=USAGE)]
    said = [chunk({"content": piece}) for piece in words.split(" ", 1)]
    if len(said) == 2:
        said[1]["choices"][0]["delta"]["content"] = " " + words.split(" ", 1)[1]
    return [*said, chunk({}, "stop", usage=USAGE)]


def each_way(test):
    """Makes a test of one client a test of all, each in its own."""

    @functools.wraps(test)
    def tested(self):
        for way, client in self.clients.items():
            with self.subTest(way):
                test(self, client)

    return tested


class AResponse(unittest.TestCase):
    """Each test asks the node that has the engine, and its kin, which has none."""

    SILENCE = 4.5

    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine(cls.answer)
        cls.addClassCleanup(cls.engine.stop)
        cls.pair = pair_with(cls.engine, fresh_folder(cls.__name__), KITH_ROUTING_HEARTBEAT="1")
        cls.addClassCleanup(cls.pair.stop)
        cls.clients = {way: client_of(node) for way, node in cls.pair.ways.items()}
        for client in cls.clients.values():
            cls.addClassCleanup(client.close)

    @classmethod
    def answer(cls, request: Request, reply: Reply) -> None:
        words = words_of(request)
        if words.startswith("break"):
            reply.begin()
            reply.event(chunk({"role": "assistant", "content": "half of it"}))
            if "call" in words:
                reply.event(chunk({"tool_calls": [call(0, "add", '{"x": 1,')]}))
            time.sleep(0.2)
            raise HungUp
        if words == "refused":
            return reply.error(400, "this cannot be", param="messages")
        if words == "busy":
            return reply.error(429, "later")
        if words == "long":
            words = "maximum context length is 10 tokens, the prompt has 20"
            return reply.error(400, words, code="context_length_exceeded")
        if words == "forever":
            reply.begin()
            for number in range(2000):
                reply.event(chunk({"content": f"{number} "}))
                time.sleep(0.01)
        if words == "silent":
            time.sleep(cls.SILENCE)
        reply.stream(*pieces(words))

    def create(self, client: OpenAI, words, **options):
        return client.responses.create(model=MODEL, input=words, **options)

    def events(self, client: OpenAI, words, **options) -> list:
        with self.create(client, words, stream=True, **options) as stream:
            return list(stream)

    def both(self, client: OpenAI, words, **options):
        """The same response, plain and streamed."""
        yield self.create(client, words, **options)
        with client.responses.stream(model=MODEL, input=words, **options) as stream:
            yield stream.get_final_response()

    # Answers

    @each_way
    def test_words_come_back_exactly_plain_and_streamed(self, client):
        for text in ("one two three", "Grüße, 你好 👩‍👩‍👧", 'quote " and \\ and \u2028 \u2029 \x85', "line\nbreak"):
            for response in self.both(client, text):
                self.assertEqual(response.output_text, text)
                self.assertEqual((response.status, response.model, response.error), ("completed", MODEL, None))
                usage = response.usage
                self.assertEqual((usage.input_tokens, usage.output_tokens, usage.total_tokens), (30, 7, 37))
                self.assertEqual(usage.input_tokens_details.cached_tokens, 20)
                self.assertEqual(usage.output_tokens_details.reasoning_tokens, 3)

    @each_way
    def test_events_come_in_order_and_numbered(self, client):
        events = self.events(client, "one two")
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        self.assertEqual(
            [event.type.removeprefix("response.") for event in events],
            [
                "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
                "output_text.delta", "output_text.done", "content_part.done", "output_item.done", "completed",
            ],
        )  # fmt: skip

    @each_way
    def test_every_model_field_of_the_package_is_there(self, client):
        for response in self.both(client, "hi", instructions="Be brief.", metadata={"a": "b"}, user="u"):
            type(response).model_validate(response.model_dump(), strict=False)
            self.assertEqual((response.instructions, response.metadata, response.user), ("Be brief.", {"a": "b"}, "u"))
            self.assertEqual((response.tools, response.tool_choice), ([], "auto"))

    @each_way
    def test_thoughts_text_and_calls_are_items(self, client):
        options = {"tools": [ADD, PATCH, AGENTS, {"type": "web_search"}], "reasoning": {"summary": "auto"}}
        for response in self.both(client, "add", **options):
            kinds = [item.type for item in response.output]
            self.assertEqual(
                kinds, ["reasoning", "message", "function_call", "custom_tool_call", "function_call"]
            )
            thought, message, add, patch, spawn = response.output
            self.assertEqual(thought.summary[0].text, "I must add.")
            self.assertEqual(message.content[0].text, "Let me see.")
            self.assertEqual((add.call_id, add.name, json.loads(add.arguments)), ("call_0", "add", {"x": 1, "y": 2}))
            self.assertEqual((patch.call_id, patch.name, patch.input), ("call_1", "patch", '*** "a"\n'))
            self.assertEqual((spawn.name, spawn.namespace, spawn.arguments), ("spawn", "agents", "{}"))
            self.assertEqual(response.status, "completed")

    @each_way
    def test_what_an_agent_sends_back_reaches_the_engine_in_its_own_words(self, client):
        options = {
            "tools": [ADD, PATCH, AGENTS],
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "tool_choice": "required",
            "parallel_tool_calls": False,
            "max_output_tokens": 64,
            "text": {"format": {"type": "json_object"}},
            "reasoning": {"effort": "low"},
        }
        first = self.create(client, "add", **options)
        self.engine.forget()
        results = [
            {"type": "function_call_output", "call_id": "call_2", "output": "spawned"},
            {"type": "custom_tool_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "ok"}]},
            {"type": "function_call_output", "call_id": "call_0", "output": "3"},
        ]
        items = [
            {"role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]},
            {"role": "user", "content": "add"},
            *[{**item.to_dict(), "content": None} if item.type == "reasoning" else item for item in first.output],
            *results,
            {"role": "user", "content": "go on"},
        ]
        self.create(client, items, instructions="Be brief.", **options)
        (asked,) = (request.json for request in self.engine.requests)
        calls = [("call_0", "add", '{"x": 1, "y": 2}'), ("call_1", "patch", '{"input":"*** \\"a\\"\\n"}')]
        calls.append(("call_2", "spawn", "{}"))
        self.assertEqual(
            asked["messages"],
            [
                {"role": "system", "content": "Be brief.\n\nBe kind."},
                {"role": "user", "content": "add"},
                {
                    "role": "assistant",
                    "content": "Let me see.",
                    "tool_calls": [
                        {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
                        for id, name, arguments in calls
                    ],
                    "reasoning_content": "I must add.",
                },
                {"role": "tool", "content": "spawned", "tool_call_id": "call_2"},
                {"role": "tool", "content": "ok", "tool_call_id": "call_1"},
                {"role": "tool", "content": "3", "tool_call_id": "call_0"},
                {"role": "user", "content": "go on"},
            ],
        )
        self.assertEqual([tool["function"]["name"] for tool in asked["tools"]], ["add", "patch", "spawn"])
        self.assertEqual((asked["tool_choice"], asked["parallel_tool_calls"]), ("required", False))
        self.assertEqual((asked["max_tokens"], asked["reasoning_effort"]), (64, "low"))
        self.assertEqual(asked["response_format"], {"type": "json_object"})

    @each_way
    def test_pictures_reach_the_engine(self, client):
        picture = {"type": "input_image", "image_url": PICTURE, "detail": "low"}
        content = [{"type": "input_text", "text": "see"}, picture]
        self.engine.forget()
        self.assertEqual(self.create(client, [{"role": "user", "content": content}]).output_text, "see")
        (asked,) = (request.json for request in self.engine.requests)
        picture = {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}}
        self.assertEqual(asked["messages"][0]["content"], [{"type": "text", "text": "see"}, picture])

    @each_way
    def test_a_shape_is_parsed(self, client):
        shape = {"type": "json_schema", "name": "colour", "schema": {"type": "object"}, "strict": True}
        self.engine.forget()
        self.create(client, '{"colour":"red"}', text={"format": shape})
        (asked,) = (request.json for request in self.engine.requests)
        told = {"name": "colour", "schema": {"type": "object"}, "strict": True}
        self.assertEqual(asked["response_format"], {"type": "json_schema", "json_schema": told})

    @each_way
    def test_a_refusal_is_a_part_of_its_own(self, client):
        for response in self.both(client, "refuse"):
            self.assertEqual([part.type for part in response.output[0].content], ["refusal"])
            self.assertEqual(response.output[0].content[0].refusal, "No.")

    @each_way
    def test_an_answer_that_was_cut_is_incomplete(self, client):
        last = self.events(client, "cut")[-1]
        self.assertEqual(last.type, "response.incomplete")
        for response in (last.response, self.create(client, "cut")):
            self.assertEqual(response.status, "incomplete")
            self.assertEqual(response.incomplete_details.reason, "max_output_tokens")
            self.assertEqual(response.output_text, "half")

    @each_way
    def test_sixteen_at_once_each_get_their_own_words(self, client):
        words = [" ".join(uuid.uuid4().hex for _ in range(4)) for _ in range(16)]
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda text: self.create(client, text, store=False), words))
        self.assertEqual([answer.output_text for answer in answers], words)
        self.assertEqual(len({answer.id for answer in answers}), 16)

    # What goes wrong

    @each_way
    def test_a_stream_that_breaks_has_failed_and_its_half_call_is_never_done(self, client):
        for words in ("break", "break in a call"):
            events = self.events(client, words, tools=[ADD])
            self.assertEqual(events[-1].type, "response.failed")
            self.assertEqual(events[-1].response.error.code, "server_error")
            done = [event.item.type for event in events if event.type == "response.output_item.done"]
            self.assertNotIn("function_call", done)

    @each_way
    def test_errors_are_those_of_the_package(self, client):
        with self.assertRaises(openai.NotFoundError):
            client.responses.create(model="no-such-model", input="x")
        with self.assertRaises(openai.BadRequestError) as refused:
            self.create(client, "refused")
        self.assertEqual(refused.exception.param, "messages")
        with self.assertRaises(openai.BadRequestError) as background:
            self.create(client, "x", background=True)
        self.assertEqual(background.exception.param, "background")
        with self.assertRaises((openai.RateLimitError, openai.InternalServerError)) as busy:
            self.create(client, "busy")
        self.assertTrue(busy.exception.response.headers["retry-after"])

    @each_way
    def test_a_prompt_that_is_too_long_has_its_code_plain_and_streamed(self, client):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.create(client, "long")
        self.assertEqual(caught.exception.code, "context_length_exceeded")
        last = self.events(client, "long")[-1]
        self.assertEqual((last.type, last.response.error.code), ("response.failed", "context_length_exceeded"))

    @each_way
    def test_an_abandoned_stream_frees_the_engine(self, client):
        with self.create(client, "forever", stream=True) as stream:
            next(event for event in stream if event.type == "response.output_text.delta")
        web.wait_until(
            lambda: web.get(self.pair.near.port, "/api/status").json()["engine"]["active"] == 0, 20, "an idle engine"
        )

    @each_way
    def test_silence_before_the_first_token_is_filled_with_events(self, client):
        types = [event.type for event in self.events(client, "silent")]
        self.assertGreaterEqual(types.count("response.in_progress"), 2)
        self.assertEqual(types[-1], "response.completed")

    def test_a_websocket_is_told_to_come_over_http(self):
        for node in self.pair.ways.values():
            fields = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
            self.assertEqual(web.request(node.port, "GET", "/v1/responses", None, 10, fields).status, 426)

    # What is kept

    @each_way
    def test_a_response_goes_on_from_another_and_can_be_read_and_deleted(self, client):
        first = self.create(client, "first words")
        self.engine.forget()
        with client.responses.stream(model=MODEL, input="second", previous_response_id=first.id) as stream:
            second = stream.get_final_response()
        (asked,) = (request.json for request in self.engine.requests)
        self.assertEqual(
            [(message["role"], message["content"]) for message in asked["messages"]],
            [("user", "first words"), ("assistant", "first words"), ("user", "second")],
        )
        read = client.responses.retrieve(second.id)
        self.assertEqual((read.output_text, read.previous_response_id), ("second", first.id))
        items = list(client.responses.input_items.list(second.id, order="asc", limit=2))
        self.assertEqual([item.role for item in items], ["user", "assistant", "user"])
        with self.assertRaises(openai.BadRequestError):
            client.responses.cancel(second.id)
        client.responses.delete(second.id)
        with self.assertRaises(openai.NotFoundError):
            client.responses.retrieve(second.id)
        with self.assertRaises(openai.BadRequestError) as caught:
            self.create(client, "x", previous_response_id=second.id)
        self.assertEqual(caught.exception.code, "previous_response_not_found")

    def test_what_is_not_to_be_kept_is_not_kept_and_nodes_keep_for_themselves(self):
        near, far = self.clients.values()
        with self.assertRaises(openai.NotFoundError):
            near.responses.retrieve(self.create(near, "x", store=False).id)
        kept = self.create(far, "x")
        self.assertEqual(far.responses.retrieve(kept.id).output_text, "x")
        with self.assertRaises(openai.NotFoundError):
            near.responses.retrieve(kept.id)


if __name__ == "__main__":
    unittest.main()
