# SPDX-License-Identifier: Apache-2.0
"""Ranking, speech and pictures with the `openai` package: passed to an engine that has them, directly and through a kin."""

import http.client
import io
import json
import unittest

from lab import web
from openai import BadRequestError, NotFoundError, OpenAI
from stub_engine import HungUp, Reply, Request, StubEngine
from stub_nodes import GUARD, pair_with
from surroundings import fresh_folder

MODELS = ("chatter", "whisper-1", "tts-1", "dall-e-2", "bge-reranker")
SOUND = bytes(range(256)) * 4_096
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def answer(request: Request, reply: Reply) -> None:
    match request.path.removeprefix("/v1"):
        case "/audio/speech":
            reply.whole(SOUND, "audio/mpeg")
        case "/audio/transcriptions" if b'name="stream"' in request.body:
            reply.stream(
                {"type": "transcript.text.delta", "delta": "good "}, {"type": "transcript.text.delta", "delta": "day"},
                {"type": "transcript.text.done", "text": "good day"},
            )  # fmt: skip
        case "/audio/transcriptions" | "/audio/translations":
            reply.json({"text": "good day"})
        case "/images/generations" | "/images/edits" | "/images/variations":
            reply.json({"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]})
        case "/rerank":
            reply.json({"model": "bge-reranker", "results": [{"index": 1, "relevance_score": 0.9}]})
        case _:
            reply.error(404, "File Not Found")


class Services(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine(answer, MODELS)
        cls.pair = pair_with(cls.engine, fresh_folder(cls.__name__))
        cls.addClassCleanup(cls.engine.stop)
        cls.addClassCleanup(cls.pair.stop)

    def setUp(self):
        self.engine.answer = answer
        self.engine.forget()

    def clients(self):
        for way, node in self.pair.ways.items():
            with self.subTest(way), OpenAI(
                base_url=f"http://127.0.0.1:{node.port}/v1", api_key="unused", max_retries=0, timeout=GUARD
            ) as client:  # fmt: skip
                yield client

    @property
    def asked(self) -> Request:
        return self.engine.requests[-1]

    def test_speech_comes_back_byte_for_byte_whole_and_as_it_is_made(self):
        for client in self.clients():
            options = {"model": "tts-1", "voice": "alloy", "input": "good day"}
            self.assertEqual(client.audio.speech.create(**options).content, SOUND)
            with client.audio.speech.with_streaming_response.create(**options) as streamed:
                self.assertEqual(streamed.headers["content-type"], "audio/mpeg")
                self.assertEqual(web.node_of(streamed.headers["x-kith-route"]), "near")
                self.assertEqual(b"".join(streamed.iter_bytes()), SOUND)
            self.assertEqual(self.asked.json["model"], "tts-1")

    def test_a_recording_arrives_as_it_was_sent(self):
        for client in self.clients():
            for model in ("whisper-1", "auto"):
                given = client.audio.transcriptions.create(
                    model=model, file=("a.wav", io.BytesIO(SOUND)), language="en", temperature=0.5)
                self.assertEqual(given.text, "good day")
                self.assertIn(SOUND, self.asked.body)
                self.assertIn(b'name="model"\r\n\r\nwhisper-1\r\n', self.asked.body)
                self.assertEqual(int(self.asked.headers["content-length"]), len(self.asked.body))
            given = client.audio.translations.create(model="whisper-1", file=("a.wav", io.BytesIO(SOUND)))
            self.assertEqual((given.text, self.asked.path), ("good day", "/v1/audio/translations"))

    def test_a_transcription_streams(self):
        for client in self.clients():
            events = list(client.audio.transcriptions.create(
                model="whisper-1", file=("a.wav", io.BytesIO(SOUND)), stream=True))
            self.assertEqual([event.type.rsplit(".", 1)[1] for event in events], ["delta", "delta", "done"])

    def test_pictures_are_made_and_changed(self):
        for client in self.clients():
            self.assertEqual(client.images.generate(prompt="a cat").data[0].b64_json, "iVBORw0KGgo=")
            self.assertEqual(self.asked.json, {"prompt": "a cat"})
            client.images.edit(model="dall-e-2", image=("a.png", io.BytesIO(PICTURE)), prompt="a hat")
            self.assertIn(PICTURE, self.asked.body)
            client.images.create_variation(image=("a.png", io.BytesIO(PICTURE)))
            self.assertIn(PICTURE, self.asked.body)

    def test_texts_are_ranked(self):
        body = {"model": "bge-reranker", "query": "q\u00e9", "documents": ["a", "b"], "top_n": 1}
        for node in self.pair.ways.values():
            for path in ("/v1/rerank", "/rerank"):
                given = web.post(node.port, path, body)
                self.assertEqual((given.status, given.json()["results"][0]["index"]), (200, 1))
                self.assertEqual(json.loads(self.asked.body), body)

    def test_an_engine_without_them_is_named_and_left_alone(self):
        self.engine.answer = lambda request, reply: reply.error(404, "File Not Found")
        for client in self.clients():
            for _ in range(2):
                with self.assertRaises(BadRequestError) as refusal:
                    client.audio.speech.create(model="chatter", voice="alloy", input="good day")
                self.assertIn("speech", str(refusal.exception))
        self.assertLessEqual(len(self.engine.requests), 2)
        for client in self.clients():
            with self.assertRaises(NotFoundError):
                client.audio.speech.create(model="gone", voice="alloy", input="good day")

    def test_an_answer_that_breaks_off_is_no_answer(self):
        def break_off(request: Request, reply: Reply) -> None:
            reply.part(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 1000\r\n\r\nID3")
            raise HungUp

        self.engine.answer = break_off
        for node in self.pair.ways.values():
            with self.assertRaises(http.client.HTTPException):
                web.post(node.port, "/v1/audio/speech", {"model": "tts-1", "input": "x"})
        web.wait_until(lambda: self.pair.near.status()["engine"]["active"] == 0, GUARD, "a slot that is free")


if __name__ == "__main__":
    unittest.main()
