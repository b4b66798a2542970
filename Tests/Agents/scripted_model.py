# SPDX-License-Identifier: Apache-2.0
"""An engine whose model does the agents' task, piece by piece."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Callable, Iterator

from stub_engine import Reply, Request, StubEngine, chunk, completion
from task import THOUGHTS, Turn, arguments_text, next_turn

PIECE = 8
PAUSE = 0.01


@dataclass(frozen=True)
class Place:
    """A piece of an answer: the `number`th of a kind, which is `text`, or `call` with the number of the call."""

    turn: int
    kind: str
    number: int


# Told which piece has just been sent; as long as it takes, nothing more is.
Watch = Callable[[Place], None]


class ScriptedModel(StubEngine):
    def __init__(self):
        super().__init__(self._say)
        self.watch: Watch = lambda place: None
        # Called with the turn's number before anything of it is sent.
        self.before: Callable[[int], None] = lambda turn: None
        self._told = threading.Lock()
        self._bodies: list[dict] = []

    @property
    def bodies(self) -> list[dict]:
        """What was asked in the course of the task."""
        with self._told:
            return list(self._bodies)

    def forget(self) -> None:
        super().forget()
        with self._told:
            self._bodies.clear()

    def _say(self, request: Request, reply: Reply) -> None:
        body = request.json
        turn = next_turn(body)
        if turn.number > 0:
            with self._told:
                self._bodies.append(body)
        self.before(turn.number)
        finish = "tool_calls" if turn.calls else "stop"
        usage = {"prompt_tokens": len(request.body) // 4, "completion_tokens": len(turn.text) // 4 + 1}
        usage["total_tokens"] = sum(usage.values())
        if not request.streams:
            reply.json(completion(_message(turn), finish, usage=usage))
            return
        reply.begin()
        reply.event(chunk({"role": "assistant", "content": ""}))
        for place, delta in _pieces(turn):
            reply.event(chunk(delta))
            time.sleep(PAUSE)  # so that each piece travels alone
            self.watch(place)
        reply.event(chunk({}, finish), {**chunk({}), "choices": [], "usage": usage}, "[DONE]")
        reply.end()


def _message(turn: Turn) -> dict:
    calls = [{"id": id, "type": "function", **_function(name, arguments)} for id, name, arguments in turn.calls]
    message = {"content": turn.text, "reasoning_content": THOUGHTS}
    return {**message, "tool_calls": calls} if calls else message


def _function(name: str, arguments: dict) -> dict:
    return {"function": {"name": name, "arguments": arguments_text(arguments)}}


def _pieces(turn: Turn) -> Iterator[tuple[Place, dict]]:
    for number, text in enumerate(_cut(THOUGHTS)):
        yield Place(turn.number, "thought", number), {"reasoning_content": text}
    for number, text in enumerate(_cut(turn.text)):
        yield Place(turn.number, "text", number), {"content": text}
    for index, (id, name, arguments) in enumerate(turn.calls):
        kind = f"call {index + 1}"
        begun = {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
        yield Place(turn.number, kind, 0), {"tool_calls": [begun]}
        for number, text in enumerate(_cut(arguments_text(arguments)), 1):
            yield Place(turn.number, kind, number), {"tool_calls": [{"index": index, "function": {"arguments": text}}]}


def _cut(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
