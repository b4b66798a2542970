# SPDX-License-Identifier: Apache-2.0
"""An answer goes on at another node when the one that gives it is lost, and nothing of it is lost or said twice.

`KITH_CONTINUATION_SEED` repeats a run.
"""

import os
import random
import threading
import time
import unittest
from concurrent.futures import Future, ThreadPoolExecutor

from openai import OpenAI

from lab import web
from lab.family import FROZEN, KILLED, Family, Loss
from lab.peer import PeerNode
from lab.streaming import Streamed, stream
from surroundings import KITH, fresh_folder

TOKENS = 80
SPEED = 80
STALL_LIMIT = 1.5
QUESTION = {"messages": [{"role": "user", "content": "Count, please."}], "max_tokens": TOKENS}
EVERYTHING = " ".join(str(number) for number in range(1, TOKENS + 1))


class AnAnswerThatSurvives(unittest.TestCase):
    """A node without an engine is asked; two kin count."""

    @classmethod
    def setUpClass(cls):
        chosen = int(os.environ.get("KITH_CONTINUATION_SEED") or random.randrange(1 << 32))
        print(f"\n    seed {chosen}", flush=True)
        cls.random = random.Random(chosen)
        settings = {"KITH_ROUTING_STALL_LIMIT": str(STALL_LIMIT), "KITH_LIMITS_DEFAULT_MAX_TOKENS": str(TOKENS)}
        flags = [["--tokens-per-second", str(SPEED)]] * 2
        cls.family = Family(KITH, fresh_folder(cls.__name__), ["count"] * 2, flags, settings)
        cls.family.__enter__()
        cls.addClassCleanup(cls.family.__exit__)
        cls.port = cls.family.asked.port

    def setUp(self):
        self.lost: list[tuple[Loss, PeerNode]] = []
        self.addCleanup(self.have_all_back)

    def lose(self, node: PeerNode, loss: Loss = KILLED) -> None:
        self.lost.append((loss, node))
        loss.begin(node)

    def have_back(self, node: PeerNode) -> None:
        loss = next(loss for loss, lost in self.lost if lost is node)
        self.lost.remove((loss, node))
        loss.end(node)

    def have_all_back(self) -> None:
        for _, node in list(self.lost):
            self.have_back(node)
        self.family.wait()

    def some_token(self) -> int:
        return self.random.randint(1, TOKENS - 20)

    def stream_losing(self, loss: Loss = KILLED, body: dict = QUESTION, **options) -> Streamed:
        """An answer whose kin is lost at a random token."""
        place = self.some_token()

        def watch(so_far: Streamed) -> None:
            if len(so_far.pieces) == place:
                self.lose(self.family.named(so_far.node), loss)

        streamed = stream(self.port, {**body, "stream_options": {"include_usage": True}}, watch, **options)
        self.assertTrue(self.lost, f"the answer was over before its {place}th piece: {streamed}")
        print(f"\n    {loss.name} at piece {place}: the longest pause was {streamed.gap:.2f} s")
        return streamed

    def assert_went_on(self, streamed: Streamed, expected: str = EVERYTHING) -> None:
        self.assertTrue(streamed.is_whole, streamed)
        self.assertEqual(streamed.text, expected)
        self.assertEqual(streamed.finish, "length")
        other = next(node for node in self.family.kin if node is not self.lost[-1][1])
        self.assertEqual([continued.node for continued in streamed.continued], [other.name], streamed)
        for continued in streamed.continued:
            self.assertEqual(continued.after_tokens, len(continued.text.split()), streamed)
            self.assertTrue(continued.reason)

    def assert_said_to_have_failed(self, streamed: Streamed) -> None:
        self.assertTrue(streamed.is_failed, streamed)
        self.assertTrue(EVERYTHING.startswith(streamed.text), streamed)
        self.assertEqual(streamed.continued, [])

    def test_a_stream_is_what_it_would_have_been_with_its_usage(self):
        undisturbed = stream(self.port, {**QUESTION, "stream_options": {"include_usage": True}})
        self.assertTrue(undisturbed.is_whole, undisturbed)
        self.assertEqual(undisturbed.text, EVERYTHING)
        self.assertEqual(undisturbed.usage["completion_tokens"], TOKENS)
        for loss in (KILLED, FROZEN):
            with self.subTest(loss=loss.name):
                streamed = self.stream_losing(loss)
                self.assert_went_on(streamed)
                self.assertEqual(streamed.usage, undisturbed.usage)
                self.have_all_back()

    def test_a_streamed_text_completion_goes_on(self):
        body = {"prompt": "Numbers: 1 2 3", "max_tokens": TOKENS - 3}
        self.assert_went_on(self.stream_losing(body=body, path="/v1/completions"), EVERYTHING.removeprefix("1 2 3"))

    def test_a_plain_answer_goes_on(self):
        answer, other = self.ask_losing("/v1/chat/completions", QUESTION)
        self.assertEqual(answer["choices"][0]["message"]["content"], EVERYTHING)
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")
        self.assertEqual(answer["usage"]["completion_tokens"], TOKENS)
        self.assertEqual(answer["usage"]["total_tokens"], answer["usage"]["prompt_tokens"] + TOKENS)
        self.assertNotIn(other, [node for _, node in self.lost])

    def test_the_answers_of_the_seeds_routes_go_on(self):
        for path, body in (
            ("/api/generate", {"prompt": "Count, please.", "max_tokens": TOKENS}),
            ("/api/chat", {"message": "Count, please."}),
        ):
            with self.subTest(path):
                answer, _ = self.ask_losing(path, body)
                self.assertEqual(answer["response"], EVERYTHING)
                self.have_all_back()

    def ask_losing(self, path: str, body: dict) -> tuple[dict, PeerNode]:
        """Asks for an answer in one piece, and loses who makes it at a random moment; who is left is returned too."""
        with ThreadPoolExecutor(1) as pool:
            job: Future = pool.submit(web.post, self.port, path, body)
            node = web.wait_until(self.family.busy, 10, "a node that answers")
            time.sleep(self.some_token() / SPEED)
            self.assertFalse(job.done(), "the answer was over before its node was lost")
            self.lose(node)
            answer = job.result(timeout=60)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json(), next(other for other in self.family.kin if other is not node)

    def test_a_client_that_does_not_want_it_is_told_of_the_failure(self):
        self.assert_said_to_have_failed(self.stream_losing(headers={"x-kith-continue": "off"}))

    def test_a_node_that_is_not_to_continue_does_not(self):
        usual = self.family.asked.more_environment
        self.addCleanup(self.restart_with, usual)
        self.restart_with({**usual, "KITH_ROUTING_CONTINUE": "false"})
        self.family.wait()
        self.assert_said_to_have_failed(self.stream_losing())

    def restart_with(self, settings: dict[str, str]) -> None:
        asked = self.family.asked
        asked.stop()
        asked.more_environment = settings
        asked.start()

    def test_with_nobody_left_the_failure_is_said(self):
        def watch(so_far: Streamed) -> None:
            if len(so_far.pieces) == place:
                # First the one that would go on, so that it cannot begin to.
                for node in sorted(self.family.kin, key=lambda node: node.name == so_far.node):
                    self.lose(node)

        place = self.some_token()
        self.assert_said_to_have_failed(stream(self.port, QUESTION, watch))

    def test_one_that_was_lost_and_came_back_may_go_on_later(self):
        tokens = 5 * SPEED
        first = threading.Event()
        second: list[PeerNode] = []

        def watch(so_far: Streamed) -> None:
            if len(so_far.pieces) == 20:
                self.lose(self.family.named(so_far.node))
                threading.Thread(target=self.bring_back, args=(self.lost[0][1], first), daemon=True).start()
            elif first.is_set() and so_far.continued and not second:
                second.append(self.family.named(so_far.continued[0].node))
                self.lose(second[0])

        streamed = stream(self.port, {**QUESTION, "max_tokens": tokens}, watch)
        self.assertTrue(second, f"the first one was not back before the end: {streamed}")
        self.assertTrue(streamed.is_whole, streamed)
        self.assertEqual(streamed.text.split(), [str(number) for number in range(1, tokens + 1)])
        self.assertEqual(len({continued.node for continued in streamed.continued}), 2, streamed)

    def bring_back(self, node: PeerNode, done: threading.Event) -> None:
        self.have_back(node)
        web.wait_until(lambda: self.family.is_served_by(node), 30, f"{node.name} to be back")
        done.set()

    def test_the_openai_package_reads_on(self):
        with OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key="unused", max_retries=0) as client:
            raw = client.chat.completions.with_raw_response.create(model="count", stream=True, **QUESTION)
            text, told = "", []
            for number, chunk in enumerate(raw.parse()):
                if number == 10:
                    self.lose(self.family.named(web.node_of(raw.headers["x-kith-route"])))
                text += "".join(choice.delta.content or "" for choice in chunk.choices)
                told.extend([chunk.model_extra["x_kith"]] if "x_kith" in (chunk.model_extra or {}) else [])
        self.assertEqual(text, EVERYTHING)
        self.assertEqual(len(told), 1, told)


if __name__ == "__main__":
    unittest.main()
