# SPDX-License-Identifier: Apache-2.0
"""What an agent puts together of a streamed answer, in each dialect that it can ask in."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Callable, Iterator

from lab import web


@dataclass
class Told:
    """One answer, as far as it came."""

    thoughts: str = ""
    text: str = ""
    # Name and arguments of each call, in order.
    calls: list[list[str]] = field(default_factory=list)
    # Why it ended, in the dialect's own word; nothing for one that did not.
    finish: str | None = None
    # What the answer itself says of its failure.
    error: str | None = None
    # The connection's end, where neither an end nor an error was said.
    broken: str | None = None
    # The nodes that went on with it.
    continued: list[str] = field(default_factory=list)
    # The longest time in which nothing of the answer came, in seconds.
    pause: float = 0.0

    def note(self, event: dict) -> None:
        """What kith itself says in the stream."""
        if told := (event.get("x_kith") or {}).get("continued"):
            self.continued.append(told["node"])


@dataclass(frozen=True)
class Dialect:
    """A dialect for clients."""

    name: str
    path: str
    # The request for a conversation of one question, with tools or a schema of the answer.
    body: Callable[[str, str, list[dict], dict | None], dict]
    # What one event of the stream adds.
    read: Callable[[Told, dict], None]
    # Its word for an answer that calls tools, and for one that does not.
    calls_end: str = "tool_calls"
    text_end: str = "stop"

    def ask(
        self, port: int, model: str, question: str, tools: list[dict], schema: dict | None = None, timeout: float = 60
    ) -> Told:
        """Reads one answer to its end, however it ends."""
        told = Told()
        moment = time.monotonic()
        try:
            body = self.body(model, question, tools, schema)
            with web.Stream(port, body, timeout, path=self.path) as answer:
                if answer.status != 200:
                    told.error = answer.response.read().decode(errors="replace")
                    return told
                for event in _events(answer):
                    before = (told.thoughts, told.text, json.dumps(told.calls), told.finish)
                    told.note(event)
                    if set(event) != {"x_kith"}:
                        self.read(told, event)
                    if before != (told.thoughts, told.text, json.dumps(told.calls), told.finish):
                        told.pause = max(told.pause, time.monotonic() - moment)
                        moment = time.monotonic()
        except (web.StreamBroken, OSError, http.client.HTTPException) as failure:
            told.broken = repr(failure)
        if told.finish is None and told.error is None and told.broken is None:
            told.broken = "it ended without an end and without an error"
        return told


def _events(answer: web.Stream) -> Iterator[dict]:
    """What the stream says: data of events, lines of JSON, and what kith says of itself in comments."""
    for line in answer.raw_lines():
        _, comment, told = line.partition(": x_kith ")
        if comment:
            yield {"x_kith": json.loads(told)}
        elif (line.startswith("data:") and line != "data: [DONE]") or line.startswith("{"):
            yield json.loads(line.removeprefix("data:"))


# OpenAI's chat completions


def _chat_body(model: str, question: str, tools: list[dict], schema: dict | None) -> dict:
    body: dict = {"model": model, "messages": [{"role": "user", "content": question}]}
    if tools:
        body["tools"] = [{"type": "function", "function": tool} for tool in tools]
    if schema:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return body


def _read_chat(told: Told, event: dict) -> None:
    if "error" in event:
        told.error = event["error"]["message"]
        return
    for choice in event["choices"]:
        delta = choice["delta"]
        told.thoughts += delta.get("reasoning_content") or ""
        told.text += delta.get("content") or ""
        for call in delta.get("tool_calls") or []:
            while len(told.calls) <= call["index"]:
                told.calls.append(["", ""])
            function = call.get("function") or {}
            told.calls[call["index"]][0] += function.get("name") or ""
            told.calls[call["index"]][1] += function.get("arguments") or ""
        told.finish = choice["finish_reason"] or told.finish


CHAT = Dialect("chat completions", "/v1/chat/completions", _chat_body, _read_chat)


# Anthropic's messages


def _messages_body(model: str, question: str, tools: list[dict], schema: dict | None) -> dict:
    body: dict = {"model": model, "max_tokens": 4_096, "messages": [{"role": "user", "content": question}]}
    body["thinking"] = {"type": "enabled", "budget_tokens": 1_024}
    if tools:
        body["tools"] = [
            {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}
            for tool in tools
        ]
    if schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    return body


def _read_messages(told: Told, event: dict) -> None:
    kind, delta = event["type"], event.get("delta") or {}
    if kind == "error":
        told.error = event["error"]["message"]
    elif kind == "content_block_start" and event["content_block"]["type"] == "tool_use":
        told.calls.append([event["content_block"]["name"], ""])
    elif kind == "content_block_delta":
        told.thoughts += delta.get("thinking") or ""
        told.text += delta.get("text") or ""
        if "partial_json" in delta:
            told.calls[-1][1] += delta["partial_json"]
    elif kind == "message_delta":
        told.finish = delta.get("stop_reason")


MESSAGES = Dialect("Messages", "/v1/messages", _messages_body, _read_messages, "tool_use", "end_turn")

# OpenAI's responses


def _responses_body(model: str, question: str, tools: list[dict], schema: dict | None) -> dict:
    body: dict = {"model": model, "input": question, "store": False, "reasoning": {"summary": "auto"}}
    if tools:
        body["tools"] = [{"type": "function", **tool} for tool in tools]
    if schema:
        body["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": schema}}
    return body


def _read_responses(told: Told, event: dict) -> None:
    kind, item = event["type"], event.get("item") or {}
    if kind == "response.reasoning_summary_text.delta":
        told.thoughts += event["delta"]
    elif kind == "response.output_text.delta":
        told.text += event["delta"]
    elif kind == "response.output_item.done" and item["type"] == "function_call":
        told.calls.append([item["name"], item["arguments"]])
    elif kind == "response.failed":
        told.error = event["response"]["error"]["message"]
    elif kind in ("response.completed", "response.incomplete"):
        told.finish = event["response"]["status"]


RESPONSES = Dialect("Responses", "/v1/responses", _responses_body, _read_responses, "completed", "completed")


# Ollama's chat


def _ollama_body(model: str, question: str, tools: list[dict], schema: dict | None) -> dict:
    body: dict = {"model": model, "messages": [{"role": "user", "content": question}], "think": True}
    if tools:
        body["tools"] = [{"type": "function", "function": tool} for tool in tools]
    if schema:
        body["format"] = schema
    return body


def _read_ollama(told: Told, event: dict) -> None:
    if "error" in event:
        told.error = event["error"]
        return
    message = event["message"]
    told.thoughts += message.get("thinking") or ""
    told.text += message.get("content") or ""
    for call in message.get("tool_calls") or []:
        told.calls.append([call["function"]["name"], json.dumps(call["function"]["arguments"], ensure_ascii=False)])
    if event["done"]:
        told.finish = event["done_reason"]


OLLAMA = Dialect("Ollama", "/api/chat", _ollama_body, _read_ollama, "stop", "stop")

DIALECTS = [CHAT, MESSAGES, RESPONSES, OLLAMA]
