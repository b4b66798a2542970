# SPDX-License-Identifier: Apache-2.0
"""Answers on their way: signs of life before the first token, forms of HTTP, pages of other sites, and what is very long."""

import http.client
import json
import random
import socket
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from lab import ports
from lab.peer import PeerNode
from stub_engine import MODEL, Reply, Request, StubEngine, chunk
from stub_nodes import CHAT, GUARD, Heard, ask, node_with, pair_with
from surroundings import fresh_folder

BODY = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}


class SignsOfLife(unittest.TestCase):
    """A node that gives one each second."""

    SILENCE = 3.2

    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine(cls.answer)
        cls.addClassCleanup(cls.engine.stop)
        cls.pair = pair_with(cls.engine, fresh_folder(cls.__name__), KITH_ROUTING_HEARTBEAT="1")
        cls.addClassCleanup(cls.pair.stop)

    @classmethod
    def answer(cls, request: Request, reply: Reply) -> None:
        if request.words in ("silent", "silent, then an error"):
            time.sleep(cls.SILENCE)
        if request.words.endswith("an error"):
            reply.error(400, "Not like this.", code="not_so", param="messages")
        elif request.words == "progress":
            reply.begin()
            reply.bytes(b": reading the prompt, 40 %\n\n", b":\n\n")
            reply.event(chunk({"role": "assistant", "content": "hel"}))
            reply.bytes(b": half way\n\n")
            reply.event(chunk({"content": "lo"}), chunk({}, "stop"), "[DONE]")
            reply.end()
        else:
            reply.say(request, "hello")

    def everywhere(self, words: str) -> dict[str, "Timed"]:
        with ThreadPoolExecutor(2) as pool:
            heard = pool.map(lambda node: timed_stream(node, words), self.pair.ways.values())
            return dict(zip(self.pair.ways, heard))

    def test_come_before_the_first_token(self):
        for way, heard in self.everywhere("silent").items():
            with self.subTest(way=way):
                self.assertEqual(heard.status, 200)
                comments = [moment for moment, line in heard.lines if line.startswith(":")]
                pieces = [moment for moment, line in heard.lines if "hello" in line]
                print(f"\n    {way}: head {heard.head:.2f} s, comments {[f'{one:.2f}' for one in comments]}, token {pieces}")
                # A second is the aim; that the token takes longer is what is tested.
                self.assertLess(heard.head, self.SILENCE - 0.5)
                self.assertTrue(pieces)
                self.assertGreaterEqual(sum(moment < pieces[0] for moment in comments), 2)
                self.assertTrue(any(line.strip(": ") for _, line in heard.lines if line.startswith(":")), "nothing is said")

    def test_leave_an_error_its_status_as_long_as_nothing_is_out(self):
        for way, node in self.pair.ways.items():
            for stream in (False, True):
                with self.subTest(way=way, stream=stream):
                    heard = ask(node, "an error", stream=stream)
                    self.assertEqual(heard.status, 400, heard)
                    self.assertEqual((heard.error["code"], heard.error["param"]), ("not_so", "messages"))

    def test_are_followed_by_an_error_in_the_stream(self):
        for way, heard in self.everywhere("silent, then an error").items():
            with self.subTest(way=way):
                self.assertEqual(heard.status, 200)
                told = [json.loads(line[5:]) for _, line in heard.lines if line.startswith("data: {")]
                self.assertEqual([one["error"]["message"] for one in told], ["Not like this."])
                self.assertEqual(told[0]["error"]["code"], "not_so")

    def test_of_the_engine_are_passed_on(self):
        for way, node in self.pair.ways.items():
            with self.subTest(way=way):
                heard = ask(node, "progress", stream=True)
                self.assertEqual(heard.text, "hello")
                said = [one for one in heard.comments if one and not one.startswith("answered by ")]
                self.assertEqual(said, ["reading the prompt, 40 %", "half way"])


@dataclass
class Timed:
    """A stream with the seconds after which its head and each of its lines came."""

    status: int
    head: float
    lines: list[tuple[float, str]] = field(default_factory=list)


def timed_stream(node: PeerNode, words: str) -> Timed:
    connection = http.client.HTTPConnection(ports.LOOPBACK, node.port, timeout=GUARD)
    body = json.dumps({**BODY, "messages": [{"role": "user", "content": words}], "stream": True})
    began = time.monotonic()
    try:
        connection.request("POST", CHAT, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        heard = Timed(response.status, time.monotonic() - began)
        for line in iter(response.readline, b""):
            heard.lines.append((time.monotonic() - began, line.decode().rstrip("\r\n")))
        return heard
    finally:
        connection.close()


class FormsOfHTTP(unittest.TestCase):
    # How long a client waits for what comes next, in seconds.
    PATIENCE = 8

    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine()
        cls.addClassCleanup(cls.engine.stop)
        cls.node = node_with(cls.engine, fresh_folder(cls.__name__))
        cls.addClassCleanup(cls.node.stop)
        cls.node.start()

    def exchange(self, *parts: bytes, until: bytes | None = None) -> bytes:
        """Sends the parts, each when something has come after the one before; returns all that came."""
        came = b""
        with socket.create_connection((ports.LOOPBACK, self.node.port), timeout=self.PATIENCE) as connection:
            for part in parts[:-1]:
                connection.sendall(part)
                came += connection.recv(65_536)
            connection.sendall(parts[-1])
            while piece := connection.recv(65_536):
                came += piece
                if until is not None and until in came:
                    break
        return came

    def request(self, version: str, body: bytes, *fields: str) -> bytes:
        lines = [f"POST {CHAT} HTTP/{version}", "Host: localhost", "Content-Type: application/json", *fields, "", ""]
        return "\r\n".join(lines).encode() + body

    def test_one_of_the_first_days_gets_no_chunks(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                body = json.dumps({**BODY, "stream": stream}).encode()
                head, _, rest = self.exchange(self.request("1.0", body, f"Content-Length: {len(body)}")).partition(b"\r\n\r\n")
                self.assertIn(b" 200 ", head.splitlines()[0])
                self.assertNotIn(b"transfer-encoding", head.lower())
                heard = Heard(200, {"content-type": "text/event-stream" if stream else "application/json"}, rest)
                self.assertEqual(heard.text, "hello")
                self.assertEqual(heard.is_done, stream)

    def test_whoever_waits_to_be_told_to_continue_is_told(self):
        body = json.dumps(BODY).encode()
        head = self.request("1.1", b"", f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close")
        came = self.exchange(head, body, until=b"hello")
        self.assertTrue(came.startswith(b"HTTP/1.1 100 "), came[:200])
        self.assertIn(b"HTTP/1.1 200 ", came)
        self.assertIn(b"hello", came)

    def test_broken_chunks_are_the_client_s_fault(self):
        for name, broken in {
            "no number": b"zz\r\n{}\r\n0\r\n\r\n",
            "no end of line after a chunk": b"2\r\n{}0\r\n\r\n",
            "a number beyond all bounds": b"fffffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        }.items():
            with self.subTest(name):
                came = self.exchange(self.request("1.1", broken, "Transfer-Encoding: chunked"), until=b"\r\n\r\n")
                self.assertTrue(came.startswith(b"HTTP/1.1 400 "), came[:200])
                self.assertEqual(ask(self.node).text, "hello")


class PagesOfOtherSites(unittest.TestCase):
    """What a page in the user's browser may send without asking: a request without a content type."""

    FOREIGN = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
    CELL = {"cell_id": "intruder", "ip": "127.0.0.1", "port": 8000}
    CHANGES = {
        "node": [
            ("POST", CHAT, BODY), ("POST", "/v1/completions", {"model": MODEL, "prompt": "x"}),
            ("POST", "/api/generate", {"prompt": "x"}), ("POST", "/api/chat", {"message": "x"}),
            ("PUT", "/api/levels/intruder", {"level": 3}),
        ],
        "cell": [("POST", "/sync-consciousness", {"level": 3}), ("POST", "/code-assist", {"code": "x = 1"})],
        "bridge": [("POST", "/sync-consciousness", {"level": 3}), ("POST", "/code-assist", {"code": "x = 1"})],
        "discovery": [
            ("POST", "/register", CELL), ("POST", "/heartbeat", {"cell_id": "intruder"}), ("DELETE", "/peer/intruder", None),
        ],
    }  # fmt: skip

    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine()
        cls.addClassCleanup(cls.engine.stop)
        base = ports.free_block(3, random.randrange(20_000, 31_000))
        roles = ["--role", "node,cell,bridge,discovery", "--cell-port", base, "--bridge-port", base + 1]
        folder = fresh_folder(cls.__name__)
        cls.node = node_with(cls.engine, folder, "near", *map(str, roles), "--discovery-port", str(base + 2))
        cls.addClassCleanup(cls.node.stop)
        cls.node.start()
        cls.ports = {"node": cls.node.port, "cell": base, "bridge": base + 1, "discovery": base + 2}

    def status(self, listener: str, method: str, path: str, body: object, fields: dict) -> int:
        connection = http.client.HTTPConnection(ports.LOOPBACK, self.ports[listener], timeout=GUARD)
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode(), fields)
            return connection.getresponse().status
        finally:
            connection.close()

    def test_change_nothing_at_any_listener(self):
        self.engine.forget()
        for listener, changes in self.CHANGES.items():
            for method, path, body in changes:
                for fields in self.FOREIGN:
                    with self.subTest(listener, path=path, **{name.lower(): value for name, value in fields.items()}):
                        self.assertEqual(self.status(listener, method, path, body, fields), 403)
        self.assertEqual(self.engine.requests, [])

    def test_stand_in_nobody_s_way_who_is_no_page_of_another_site(self):
        for fields in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
            for listener, changes in self.CHANGES.items():
                method, path, body = changes[0]
                with self.subTest(listener, fields=fields):
                    body = {**body, "cell_id": "friend"} if listener == "discovery" else body
                    status = self.status(listener, method, path, body, fields)
                    self.assertNotEqual(status, 403)
                    if listener == "node":
                        self.assertEqual(status, 200)


class WhatIsVeryLong(unittest.TestCase):
    PIECE = 105
    LINE = 4 << 20

    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine(cls.answer)
        cls.addClassCleanup(cls.engine.stop)
        cls.pair = pair_with(cls.engine, fresh_folder(cls.__name__))
        cls.addClassCleanup(cls.pair.stop)

    @classmethod
    def answer(cls, request: Request, reply: Reply) -> None:
        if request.words == "line":
            reply.say(request, "x" * cls.LINE)
            return
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "write", "arguments": ""}}
        piece = chunk({"tool_calls": [{"index": 0, "function": {"arguments": "y" * cls.PIECE}}]})
        reply.begin()
        reply.event(chunk({"role": "assistant", "content": None, "tool_calls": [call]}))
        for _ in range(int(request.words) // 100):
            reply.event(*[piece] * 100)
        reply.event(chunk({}, "tool_calls"), "[DONE]")
        reply.end()

    def test_arguments_of_a_tool_call_pass_in_a_time_that_grows_as_they_do(self):
        for way, node in self.pair.ways.items():
            with self.subTest(way=way):
                few, many = (min(self.seconds(node, pieces) for _ in range(2)) for pieces in (2_500, 10_000))
                print(f"\n    {way}: 2,500 pieces in {few:.2f} s, 10,000 in {many:.2f} s")
                # Four times as many take four times as long; were each joined to all before it, sixteen times.
                self.assertLess(many, 10 * few + 1)

    def seconds(self, node: PeerNode, pieces: int) -> float:
        began = time.monotonic()
        heard = ask(node, str(pieces), stream=True)
        took = time.monotonic() - began
        self.assertEqual(heard.status, 200, str(heard)[:600])
        deltas = [choice["delta"] for event in heard.events() for choice in event.get("choices", [])]
        calls = [call["function"] for delta in deltas for call in delta.get("tool_calls") or []]
        self.assertEqual(sum(len(call.get("arguments") or "") for call in calls), pieces * self.PIECE)
        self.assertTrue(heard.is_done)
        return took

    def test_lines_pass(self):
        for way, node in self.pair.ways.items():
            for stream in (False, True):
                with self.subTest(way=way, stream=stream):
                    heard = ask(node, "line", stream=stream)
                    self.assertEqual((heard.status, len(heard.text)), (200, self.LINE))


if __name__ == "__main__":
    unittest.main()
