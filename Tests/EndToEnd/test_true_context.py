# SPDX-License-Identifier: Apache-2.0
"""What engines truly read and can do: no prompt is cut in silence, and none goes where it cannot be served."""

import base64
import json
import unittest

from lab import web
from lab.peer import PeerNode, befriend
from loopback_service import LoopbackService
from stub_ollama import ReadingOllama
from surroundings import KITH, fresh_folder
from test_ollama_client import PIXEL

GUARD = 30
NEEDLE = "the word is marigold"


def haystack(tokens: int) -> str:
    """A prompt of so many tokens, at four letters each, whose beginning matters."""
    return f"{NEEDLE}. " + "hay " * (tokens - len(NEEDLE) // 4)


def picture() -> list[dict]:
    url = f"data:image/png;base64,{PIXEL}"
    return [{"type": "text", "text": NEEDLE}, {"type": "image_url", "image_url": {"url": url}}]


class TrueContext(unittest.TestCase):
    """A laptop without an engine; a desk whose Ollama has a long and a short model; an attic whose Ollama sees pictures."""

    def setUp(self):
        folder = fresh_folder(self._testMethodName)
        self.at_desk = ReadingOllama(long=131_072, short=8_192)
        self.at_attic = ReadingOllama(capabilities=("completion", "vision"), seer=8_192)
        for ollama in (self.at_desk, self.at_attic):
            ollama.__enter__()
            self.addCleanup(ollama.__exit__, None, None, None)
        nodes = [
            PeerNode(
                KITH, folder / name, name, None, engine, ["--mdns", "off"],
                more_environment={"OLLAMA_BASE_URL": f"http://127.0.0.1:{port}"},
            )
            for name, engine, port in (
                ("laptop", "none", 9), ("desk", "ollama", self.at_desk.port), ("attic", "ollama", self.at_attic.port),
            )
        ]  # fmt: skip
        self.laptop, self.desk, self.attic = nodes
        for node in nodes:
            self.addCleanup(node.stop)
            node.launch()
        for node in nodes:
            node.wait(path="/health/live")
        befriend(nodes)
        web.wait_until(lambda: len(self.models()) >= 3, GUARD, "the laptop to know all models")

    def models(self) -> set[str]:
        return {model["id"] for model in self.laptop.get("/v1/models").json()["data"]}

    def ask(self, content, model: str | None = "long", max_tokens: int = 16) -> web.Answer:
        body = {"model": model, "max_tokens": max_tokens, "messages": [{"role": "user", "content": content}]}
        return self.laptop.post("/v1/chat/completions", {key: value for key, value in body.items() if value}, GUARD)

    @staticmethod
    def said(answer: web.Answer) -> str:
        return answer.json()["choices"][0]["message"]["content"]

    def test_the_beginning_of_a_long_prompt_is_read_and_nothing_loaded_anew_for_fifty_others(self):
        self.assertEqual(self.said(self.ask(haystack(20_000))), "marigold")
        loads = self.at_desk.loads
        message = {"role": "user", "content": haystack(100)}
        for round in range(50):
            match round % 5:
                case 0:
                    answer = self.ask(haystack(10 + 300 * round))
                case 1:
                    answer = self.ask(haystack(20), max_tokens=2_000)
                case 2:
                    body = {"model": "long", "stream": False, "messages": [message], "options": {"num_ctx": 2_048}}
                    answer = self.laptop.post("/api/chat", body, GUARD)
                case 3:
                    answer = self.laptop.post("/v1/messages", {"model": "long", "max_tokens": 9, "messages": [message]}, GUARD)
                case _:
                    answer = self.laptop.post("/v1/responses", {"model": "long", "input": haystack(4_000)}, GUARD)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertIn(b"marigold", answer.body)
        self.assertEqual(self.at_desk.loads, loads)

    def test_what_is_too_long_for_a_model_is_refused_with_the_numbers_and_goes_to_one_that_fits_where_none_is_named(self):
        refused = self.ask(haystack(20_000), "short")
        self.assertEqual(refused.status, 400, refused.body)
        error = refused.json()["error"]
        self.assertEqual(error["code"], "context_length_exceeded")
        self.assertRegex(error["message"], r"it has about 2\d{4} tokens, and the longest context on offer is 8192 tokens")
        self.assertFalse([asked for asked in self.at_desk.asked if asked["model"].startswith("short")], "nothing was cut")
        placed = self.ask(haystack(20_000), None)
        self.assertEqual((placed.status, self.said(placed)), (200, "marigold"))
        nowhere = self.ask(haystack(200_000), None)
        self.assertEqual(nowhere.status, 400, nowhere.body)
        self.assertIn("131072", nowhere.json()["error"]["message"])

    def test_the_catalogue_says_how_much_is_read(self):
        listed = {model["id"]: model for model in self.laptop.get("/v1/models").json()["data"]}
        lengths = {name.partition(":")[0]: model.get("context_length") for name, model in listed.items()}
        self.assertEqual({name: lengths.get(name) for name in ("long", "short")}, {"long": 131_072, "short": 8_192})

    def test_a_picture_goes_to_a_model_that_sees_and_the_refusal_says_who_has_one(self):
        seen = self.ask(picture(), None)
        self.assertEqual((seen.status, seen.node), (200, "attic"), seen.body)
        images = self.at_attic.asked[-1]["messages"][-1]["images"]
        self.assertEqual(base64.b64decode(images[0]), base64.b64decode(PIXEL))
        refused = self.ask(picture(), "long")
        self.assertEqual(refused.status, 400, refused.body)
        self.assertIn("offers pictures; with them there is seer:latest on attic", refused.json()["error"]["message"])
        self.assertFalse([asked for asked in self.at_desk.asked if "images" in asked["messages"][-1]], "nobody was asked blindly")


class Studio(LoopbackService):
    """What answers at one address, as LM Studio does, or as vLLM."""

    def __init__(self, listed: list[dict], details: list[dict] | None = None):
        self._pages = {"/v1/models": {"object": "list", "data": listed}}
        if details is not None:
            self._pages["/api/v1/models"] = {"models": details}
        self.asked: list[dict] = []
        super().__init__(self._answer)
        self.address = f"http://127.0.0.1:{self.port}/v1"

    def _answer(self, handler, body: bytes) -> None:
        if handler.path == "/v1/chat/completions":
            self.asked.append(json.loads(body))
            choice = {"index": 0, "message": {"role": "assistant", "content": "read"}, "finish_reason": "stop"}
            status, page = 200, {"object": "chat.completion", "model": self.asked[-1]["model"], "choices": [choice]}
        else:
            status, page = (200, self._pages[handler.path]) if handler.path in self._pages else (404, {"error": "no"})
        payload = json.dumps(page).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload)


class ServersOfOpenAIsKind(unittest.TestCase):
    """One node beside an LM Studio, with a model that sees and one that is not loaded, and a vLLM."""

    def setUp(self):
        loaded = [{"id": "seer", "config": {"context_length": 4_096}}]
        self.studio = Studio(
            [{"id": name, "owned_by": "organization_owner"} for name in ("seer", "cold")],
            [
                {"type": "llm", "key": "seer", "loaded_instances": loaded, "capabilities": {"vision": True}},
                {"type": "llm", "key": "cold", "loaded_instances": [], "capabilities": {"vision": False}},
            ],
        )
        self.vllm = Studio([{"id": "wide", "owned_by": "vllm", "max_model_len": 65_536}])
        for server in (self.studio, self.vllm):
            server.__enter__()
            self.addCleanup(server.__exit__, None, None, None)
        folder = fresh_folder(self._testMethodName)
        found = {
            "KITH_ENGINE_SERVERS": f"{self.studio.address}, {self.vllm.address}", "PATH": "/usr/bin:/bin",
            "OLLAMA_BASE_URL": "http://127.0.0.1:9", "KITH_ENGINE_DIR": str(folder / "no-engine"),
        }  # fmt: skip
        self.node = PeerNode(KITH, folder / "node", "node", None, "auto", ["--mdns", "off"], more_environment=found)
        self.addCleanup(self.node.stop)
        self.node.start()

    def ask(self, content, model: str | None = None) -> web.Answer:
        body = {"max_tokens": 16, "messages": [{"role": "user", "content": content}]}
        return self.node.post("/v1/chat/completions", body | ({"model": model} if model else {}), GUARD)

    def test_what_each_says_of_its_models_decides_where_a_prompt_goes(self):
        listed = {model["id"]: model for model in self.node.get("/v1/models").json()["data"]}
        lengths = {name: listed[name].get("context_length") for name in ("seer", "cold", "wide")}
        self.assertEqual(lengths, {"seer": 4_096, "cold": None, "wide": 65_536})
        self.assertEqual(self.ask(picture()).status, 200)
        self.assertEqual(self.studio.asked[-1]["model"], "seer")
        refused = self.ask(picture(), "cold")
        self.assertEqual((refused.status, "seer on node" in refused.json()["error"]["message"]), (400, True), refused.body)
        refused = self.ask(haystack(20_000), "seer")
        self.assertEqual((refused.status, "4096 tokens" in refused.json()["error"]["message"]), (400, True), refused.body)
        self.assertEqual(self.ask(haystack(20_000), "wide").status, 200)
        self.assertEqual(len(self.vllm.asked), 1)


if __name__ == "__main__":
    unittest.main()
