# SPDX-License-Identifier: Apache-2.0
"""Answers with thoughts, tool calls and schemas go on when the node that gives them is killed, wherever that happens.

`KITH_BREAKS=all` kills a node at every piece of every answer in every dialect and prints what came of it (`make test-breaks`).
"""

import json
import os
import random
import time
import unittest
from concurrent.futures import Future, ThreadPoolExecutor

from agent_clients import DIALECTS, Dialect, Told
from lab import web
from lab.family import KILLED, Family
from lab.report import percentile
from stub_engine import MODEL, HungUp, Reply, Request, StubEngine, chunk
from surroundings import KITH, fresh_folder

THOUGHTS = ["First I ", "have to ", "look. "]
TEXT = ["I read ", "both \u2014 ", "files ", "now."]
CALLS = [("read_file", ['{"path"', ': "alpha ', 'ü.txt"}']), ("read_file", ['{"path"', ': "beta', '.txt"}'])]
JSON = ['{"co', 'lour": "re', 'd \\"ish\\""', ', "n": 1', "2}"]
TOOLS = [
    {
        "name": "read_file",
        "description": "Reads a file.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    }
]
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["colour", "n"],
    "additionalProperties": False,
}
# Seconds between two pieces.
PACE = 0.02
EVERY = os.environ.get("KITH_BREAKS") == "all"


def agent_pieces() -> list[dict]:
    """An answer that thinks, says something and calls two tools."""
    pieces = [chunk({"role": "assistant", "content": None})]
    pieces += [chunk({"reasoning_content": thought}) for thought in THOUGHTS]
    pieces += [chunk({"content": text}) for text in TEXT]
    for index, (name, arguments) in enumerate(CALLS):
        call = {"index": index, "id": f"call_{random.randrange(1 << 32)}", "type": "function"}
        pieces.append(chunk({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]}))
        pieces += [
            chunk({"tool_calls": [{"index": index, "function": {"arguments": argument}}]}) for argument in arguments
        ]
    return [*pieces, chunk({}, "tool_calls")]


def schema_pieces() -> list[dict]:
    """An answer to a JSON schema."""
    pieces = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": text}) for text in JSON)]
    return [*pieces, chunk({}, "stop")]


class AgentsThatSurvive(unittest.TestCase):
    """A node without an engine is asked; two kin have engines that always answer the same."""

    @classmethod
    def setUpClass(cls):
        seed = int(os.environ.get("KITH_CONTINUATION_SEED") or random.randrange(1 << 32))
        print(f"\n    seed {seed}", flush=True)
        cls.random = random.Random(seed)
        cls.engines = [StubEngine() for _ in range(2)]
        for engine in cls.engines:
            cls.addClassCleanup(engine.stop)
        settings = [{"OPENAI_BASE_URL": engine.url, "OPENAI_API_KEY": "unused"} for engine in cls.engines]
        cls.family = Family(
            KITH, fresh_folder(cls.__name__), ["openai"] * 2, [[]] * 2, own_settings=settings
        )
        cls.family.__enter__()
        cls.addClassCleanup(cls.family.__exit__)

    def await_both(self) -> None:
        """Returns when either kin could answer: one that has just come back may still be left alone for a moment."""
        question = {"model": MODEL, "messages": [{"role": "user", "content": "Which words?"}]}
        both = {kin.name for kin in self.family.kin}

        def can_answer() -> bool:
            explained = self.family.asked.post("/api/routes/explain", question, 10).json()
            return {candidate["node"] for candidate in explained["candidates"]} == both

        self.family.wait()
        web.wait_until(can_answer, 90, "both kin to be candidates")

    def ask_losing(self, dialect: Dialect, pieces: list[dict], place: int, **wanted) -> Told:
        """An answer whose kin is killed before piece `place`; has the kin back afterwards."""
        lost = []

        def answer_of(kin):
            def answer(request: Request, reply: Reply) -> None:
                reply.begin()
                for number, piece in enumerate(pieces):
                    if number == place and not lost:
                        lost.append(kin)
                        kin.kill()
                        raise HungUp
                    reply.event(piece)
                    time.sleep(PACE)
                reply.event("[DONE]")
                reply.end()

            return answer

        for engine, kin in zip(self.engines, self.family.kin):
            engine.answer = answer_of(kin)
        told = dialect.ask(self.family.asked.port, MODEL, "Which words are in the files?", **wanted)
        self.assertTrue(lost, f"nobody was asked: {told}")
        for engine in self.engines:
            engine.answer = lambda request, reply: reply.say(request, "hello")
        KILLED.end(lost[0])
        return told

    def assert_whole(self, told: Told, dialect: Dialect) -> None:
        self.assertEqual((told.error, told.broken), (None, None), told)
        self.assertEqual(told.thoughts, "".join(THOUGHTS), told)
        self.assertEqual(told.text, "".join(TEXT), told)
        expected = [[name, json.loads("".join(arguments))] for name, arguments in CALLS]
        self.assertEqual([[name, json.loads(arguments)] for name, arguments in told.calls], expected, told)
        self.assertEqual(told.finish, dialect.calls_end, told)

    def places(self, pieces: list[dict], some: list[range]) -> list[int]:
        return list(range(len(pieces))) if EVERY else [self.random.choice(places) for places in some]

    def report(self, dialect: Dialect, what: str, answers: list[Told]) -> None:
        if not answers:
            return
        pauses = [told.pause for told in answers]
        print(
            f"\n    {dialect.name}, {what}: {len(answers)} answers went on, none lost, none doubled; "
            f"longest pause {percentile(pauses, 0.5):.2f} s in the middle, {max(pauses):.2f} s at most",
            flush=True,
        )

    def test_an_agent_gets_its_thoughts_its_text_and_its_calls_once(self):
        pieces = agent_pieces()
        text, first = len(THOUGHTS) + 1, len(THOUGHTS) + len(TEXT) + 1
        some = [range(2, text), range(text + 1, first), range(first + 1, first + 4), range(first + 5, len(pieces))]
        for dialect in DIALECTS:
            answers = []
            for place in self.places(pieces, some):
                with self.subTest(dialect=dialect.name, place=place):
                    self.await_both()
                    told = self.ask_losing(dialect, pieces, place, tools=TOOLS)
                    self.assert_whole(told, dialect)
                    # Before the first piece nothing has to be continued: somebody else is asked.
                    self.assertEqual(len(told.continued), 1 if place > 1 else 0, told)
                    answers.append(told)
            self.report(dialect, "thoughts, text and two calls", answers)

    def test_an_answer_to_a_schema_goes_on(self):
        pieces = schema_pieces()
        for dialect in DIALECTS:
            answers = []
            for place in self.places(pieces, [range(2, len(pieces))]):
                with self.subTest(dialect=dialect.name, place=place):
                    self.await_both()
                    told = self.ask_losing(dialect, pieces, place, tools=[], schema=SCHEMA)
                    self.assertEqual((told.error, told.broken), (None, None), told)
                    self.assertEqual(told.text, "".join(JSON), told)
                    self.assertEqual(told.finish, dialect.text_end, told)
                    answers.append(told)
            self.report(dialect, "a schema", answers)

    def test_a_node_that_drains_hands_its_answers_over_at_once(self):
        pieces = [chunk({"role": "assistant"}), *(chunk({"content": f"{number} "}) for number in range(150))]
        sent: dict[str, int] = {}
        drains: list[Future] = []

        def answer_of(kin):
            def answer(request: Request, reply: Reply) -> None:
                reply.begin()
                for piece in [*pieces, chunk({}, "stop")]:
                    reply.event(piece)
                    sent[kin.name] = sent.get(kin.name, 0) + 1
                    if sent == {kin.name: 20}:
                        drains.append(background.submit(kin.do, "drain"))
                    # The one to be left says its last 131 pieces in 13 s: time for a command on a busy machine.
                    time.sleep(0.1 if list(sent) == [kin.name] and drains else PACE)
                reply.event("[DONE]")
                reply.end()

            return answer

        background = ThreadPoolExecutor()
        self.addCleanup(background.shutdown)
        self.family.wait()
        for engine, kin in zip(self.engines, self.family.kin):
            engine.answer = answer_of(kin)
        told = DIALECTS[0].ask(self.family.asked.port, MODEL, "Count.", [])
        drained = next(kin for kin in self.family.kin if kin.name not in told.continued)
        drains[0].result()
        drained.do("drain", "--off")
        self.assertEqual(told.text, "".join(f"{number} " for number in range(150)), told)
        self.assertEqual(told.finish, "stop", told)
        self.assertEqual(len(told.continued), 1, told)
        self.assertLess(sent[drained.name], len(pieces), "it was left only when its answer was over")


if __name__ == "__main__":
    unittest.main()
