# SPDX-License-Identifier: Apache-2.0
"""One request across machines: its trace, its name, the log lines and events about it, on real nodes."""

import json
import secrets
import subprocess
import threading
import unittest

from collector import Collector
from lab import web
from lab.peer import PeerNode, befriend
from lab.streaming import Streamed, stream
from stub_engine import StubEngine
from surroundings import KITH, fresh_folder

GUARD = 30
COUNTING = {"model": "count", "messages": [{"role": "user", "content": "Count, please."}], "max_tokens": 60}
HELLO = {"model": "m", "messages": [{"role": "user", "content": "a word nobody may find in a trace"}]}


class Follower:
    """A command that goes on, and the lines that it has printed."""

    def __init__(self, node: PeerNode, *words: str):
        command = [KITH, *words, "--data-dir", node.folder]
        self._process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=node._environment()
        )
        self.lines: list[str] = []
        self.notes: list[str] = []
        for stream_, kept in ((self._process.stdout, self.lines), (self._process.stderr, self.notes)):
            threading.Thread(target=lambda s=stream_, k=kept: k.extend(iter(s.readline, "")), daemon=True).start()
        self.await_note("following")

    def await_note(self, words: str) -> None:
        web.wait_until(lambda: any(words in note for note in self.notes), GUARD, f"{words!r} in {self.notes}")

    def await_line(self, *words: str) -> str:
        def found() -> str | None:
            return next((line for line in self.lines if all(word in line for word in words)), None)

        return web.wait_until(found, GUARD, f"a line with {words}")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(GUARD)


class ARequestAcrossMachines(unittest.TestCase):
    """A desk whose engine is a stub, and two kin that count."""

    @classmethod
    def setUpClass(cls):
        folder = fresh_folder(cls.__name__)
        cls.engine = StubEngine()
        cls.addClassCleanup(cls.engine.stop)
        cls.collector = Collector()
        cls.addClassCleanup(cls.collector.stop)
        # Once it is busy, and once more: what it was not given comes again.
        cls.collector.refusals = [(503, {"retry-after": "0"}), (429, {})]
        settings = {
            "KITH_LOG_LEVEL": "debug", "KITH_LOG_FORMAT": "json", "OTEL_EXPORTER_OTLP_ENDPOINT": cls.collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-collector-key=sesame", "KITH_ENGINE_OPENAI_BASE_URL": cls.engine.url,
        }  # fmt: skip
        quiet = ["--mdns", "off"]
        cls.desk = PeerNode(KITH, folder / "desk", "desk", engine="openai", flags=quiet, more_environment=settings)
        cls.kin = [
            PeerNode(
                KITH, folder / name, name, engine="count", flags=[*quiet, "--tokens-per-second", "60"],
                more_environment=settings,
            )
            for name in ("laptop", "phone")
        ]  # fmt: skip
        nodes = [cls.desk, *cls.kin]
        for node in nodes:
            cls.addClassCleanup(node.stop)
            node.launch()
        for node in nodes:
            node.wait(path="/health/live")
        befriend(nodes)
        cls.await_kin()

    @classmethod
    def await_kin(cls) -> None:
        for node in cls.kin:
            web.wait_until(
                lambda: (cls.desk.peers().get(node.known_id) or {}).get("models"), GUARD, f"{node.name} at the desk"
            )

    def name(self) -> tuple[str, str, dict[str, str]]:
        """A request's name, its trace, and the fields that say both."""
        request, trace = f"run-{secrets.token_hex(4)}", secrets.token_hex(16)
        parent = f"00-{trace}-{secrets.token_hex(8)}-01"
        return request, trace, {"x-request-id": request, "traceparent": parent, "tracestate": "other=1"}

    def trace(self, request: str) -> dict:
        return json.loads(self.desk.do("trace", request, "--json"))

    def test_a_break_is_told_with_both_attempts_and_what_the_kin_did(self):
        request, trace, fields = self.name()
        lost: list[PeerNode] = []

        def watch(so_far: Streamed) -> None:
            if len(so_far.pieces) == 20 and not lost:
                lost.append(next(node for node in self.kin if node.name == so_far.node))
                lost[0].kill()

        streamed = stream(self.desk.port, COUNTING, watch, headers=fields)
        self.assertTrue(streamed.is_whole, streamed)
        other = next(node for node in self.kin if node is not lost[0])
        found = self.trace(request)
        self.assertEqual(found["trace"], trace)
        self.assertEqual(found["request"], request)
        self.assertEqual([missing["node"] for missing in found["missing"]], [lost[0].name])
        spans = {span["id"]: span for span in found["spans"]}
        named = {}
        for span in found["spans"]:
            named.setdefault(span["name"], []).append(span)
        top = named["POST /v1/chat/completions"][0]
        self.assertEqual(top["parent"], fields["traceparent"].split("-")[2])
        self.assertEqual(top["attributes"]["gen_ai.usage.output_tokens"], 60)
        first, second = named["attempt"]
        self.assertEqual((first["attributes"]["kith.node"], first["status"]), (lost[0].name, "error"))
        self.assertEqual((second["attributes"]["kith.node"], second["status"]), (other.name, "ok"))
        self.assertTrue(all(any(event["name"] == "first token" for event in one["events"]) for one in (first, second)))
        self.assertEqual(spans[second["parent"]]["name"], "continuation")
        serve, engine = named["serve"][0], named["chat count"][0]
        self.assertEqual((serve["node"], serve["parent"]), (other.name, second["id"]))
        self.assertEqual((engine["node"], engine["parent"]), (other.name, serve["id"]))
        self.assertGreaterEqual(serve["start_ms"], second["start_ms"])
        self.assertLessEqual(
            serve["start_ms"] + serve["duration_ms"], second["start_ms"] + second["duration_ms"] + 1
        )  # fmt: skip
        text = self.desk.do("trace", request)
        for words in (trace, "continuation", f"failed: interrupted, to {lost[0].name}", "serve", "chat count"):
            self.assertIn(words, text)
        self.assertIn(f"{lost[0].name} does not tell its part", text)
        self.assertIn(request, self.desk.do("trace"))
        self.await_collected(trace, {("desk", "continuation"), (other.name, "serve"), (other.name, "chat count")})
        lost[0].start(path="/health/live")
        self.await_kin()

    def await_collected(self, trace: str, wanted: set[tuple[str, str]]) -> None:
        def came() -> bool:
            return wanted <= {(span.node, span.name) for span in self.collector.of(trace)}

        try:
            web.wait_until(came, GUARD, f"{wanted} at the collector")
        finally:
            self.assertEqual(self.collector.complaints, [])

    def test_the_engine_is_told_the_name_and_the_trace(self):
        request, trace, fields = self.name()
        for headers in (fields, {**fields, "x-kith-continue": "on", "accept-language": "en"}):
            answer = self.desk.post("/v1/chat/completions", HELLO, headers=headers)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(answer.headers["x-request-id"], request)
            asked = self.engine.requests[-1]
            self.assertEqual(asked.headers["x-request-id"], request)
            version, told, span, flags = asked.headers["traceparent"].split("-")
            self.assertEqual((version, told, flags), ("00", trace, "01"))
            self.assertNotEqual(span, fields["traceparent"].split("-")[2])
            self.assertEqual(asked.headers["tracestate"], "other=1")
        found = self.trace(request)
        self.assertIn("chat m", {span["name"] for span in found["spans"]})
        self.assertNotIn("nobody may find", json.dumps(found))

    def test_what_is_no_name_and_no_trace_is_replaced(self):
        for path, body in (
            ("/v1/chat/completions", HELLO), ("/api/chat", {"model": "m", **HELLO, "stream": False}),
        ):  # fmt: skip
            with self.subTest(path):
                headers = {"x-request-id": "not a name", "traceparent": "00-0-0-00"}
                answer = self.desk.post(path, body, headers=headers)
                self.assertEqual(answer.status, 200, answer.body)
                name = answer.headers["x-request-id"]
                self.assertRegex(name, r"^[0-9a-f]{32}$")
                self.assertEqual(self.engine.requests[-1].headers["x-request-id"], name)
                self.assertEqual(self.trace(name)["trace"], name)
        errors = self.desk.post("/v1/chat/completions", {**HELLO, "model": "none such"})
        self.assertEqual(errors.status, 404)
        self.assertRegex(errors.headers["x-request-id"], r"^[0-9a-f]{32}$")
        self.assertEqual(self.desk.get("/api/traces/unknown-request").status, 404)

    def test_logs_and_events_follow_a_kin_and_a_restart(self):
        kin = self.kin[0]
        logs = Follower(self.desk, "logs", "-f", "-n", "5", "--node", kin.name)
        self.addCleanup(logs.stop)
        events = Follower(self.desk, "events", "--kinds", "route")
        self.addCleanup(events.stop)
        request, _, fields = self.name()
        answer = self.desk.post("/v1/chat/completions", {**COUNTING, "max_tokens": 3}, headers={
            **fields, "x-kith-node": kin.name,
        })  # fmt: skip
        self.assertEqual(answer.status, 200, answer.body)
        logs.await_line("a kin was answered", f"request={request}")
        events.await_line("route", kin.name, "completed", request)
        for node in (self.desk, kin):
            lines = [json.loads(line) for line in node.log().splitlines()]
            told = [line for line in lines if line["metadata"].get("request") == request]
            self.assertTrue(told, f"no line of {node.name} names {request}")
            self.assertTrue(all({"time", "level", "label", "message"} <= line.keys() for line in lines))
        shown = [json.loads(line) for line in self.desk.do("logs", "--json", "--level", "debug").splitlines()]
        self.assertTrue(any(line["metadata"].get("request") == request for line in shown))
        self.assertIn(self.desk.get("/api/logs").status, (401, 403))
        self.desk.stop()
        events.await_note("waiting for the node")
        self.desk.start(path="/health/live")
        events.await_note("the node is back")
        name = self.desk.post("/v1/chat/completions", HELLO).headers["x-request-id"]
        events.await_line("route", name)
        self.await_kin()
