# SPDX-License-Identifier: Apache-2.0
"""The embedded engine's process: never left behind, and started again when it dies."""

import http.client
import json
import os
import pathlib
import signal
import time
import unittest

from lab import web
from lab.process import descendants, install_engine, is_running
from surroundings import KITH, single_node

EVIL = {"Origin": "https://evil.example", "Host": "evil.example"}
PROMPT = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}


class TheEngineProcess(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install_engine(KITH)

    def setUp(self):
        self.node = single_node(self._testMethodName, "embedded")
        self.addCleanup(self.node.stop)
        self.node.start(limit=120)
        self.assertEqual(self.answer_status(), 200)
        self.engine = descendants(self.node.process.pid)
        self.assertTrue(self.engine, "the engine should be a child process")

    def answer_status(self) -> int:
        return web.post(self.node.port, "/v1/chat/completions", PROMPT).status

    def assert_engine_ends(self):
        began = time.monotonic()
        web.wait_until(lambda: not any(is_running(pid) for pid in self.engine), 15, f"{self.engine} to end")
        print(f"\n    the engine ended {time.monotonic() - began:.2f} s after its node")

    def test_it_ends_with_a_node_that_is_stopped(self):
        self.node.process.stop()
        self.assert_engine_ends()

    def test_it_ends_with_a_node_that_is_killed(self):
        self.node.kill()
        self.assert_engine_ends()

    def listening(self) -> set[int]:
        """The ports on which the engine's processes listen."""
        sockets = set()
        for pid in self.engine:
            for descriptor in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
                try:
                    sockets.add(os.readlink(descriptor))
                except FileNotFoundError:
                    pass  # closed meanwhile
        lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {int(one[1].split(":")[1], 16) for one in lines if one[3] == "0A" and f"socket:[{one[9]}]" in sockets}

    @unittest.skipUnless(os.path.exists("/proc/net/tcp"), "the engine's port is found as Linux tells it")
    def test_its_port_tells_a_page_nothing(self):
        body = json.dumps({**PROMPT, "prompt": "Say hello.", "content": "x", "cache_prompt": True})
        for port in self.listening():
            for path in ("/", "/health", "/v1/health", "/models", "/v1/models", "/props", "/slots", "/metrics", "/api/tags",
                         "/v1/chat/completions", "/completion", "/v1/embeddings", "/tokenize", "/apply-template"):  # fmt: skip
                for method in ("GET", "POST", "OPTIONS"):
                    with self.subTest(method=method, path=path):
                        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                        connection.request(method, path, body if method == "POST" else None, EVIL)
                        answer = connection.getresponse()
                        text = answer.read().decode()
                        self.assertIn(answer.status, (200,) if method == "OPTIONS" else (401, 404))
                        self.assertIn(answer.headers.get("Access-Control-Allow-Origin") or "", ("", "null"))
                        self.assertNotEqual(answer.headers.get("Access-Control-Allow-Credentials"), "true")
                        for word in ("cached", "gguf", "smollm", "status"):
                            self.assertNotIn(word, text.lower())
                        connection.close()
        self.assertTrue(self.listening())

    def test_it_is_started_again_when_it_dies(self):
        for pid in self.engine:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it ended with its parent
        began = time.monotonic()
        web.wait_until(lambda: self.answer_status() == 200, 60, "an answer from a new engine")
        print(f"\n    a killed engine was back after {time.monotonic() - began:.2f} s")
        self.assertTrue(set(descendants(self.node.process.pid)) - set(self.engine))


if __name__ == "__main__":
    unittest.main()
