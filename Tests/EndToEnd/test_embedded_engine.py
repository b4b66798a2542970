# SPDX-License-Identifier: Apache-2.0
"""The embedded engine's process: never left behind, and started again when it dies."""

import os
import signal
import time
import unittest

from lab import web
from lab.process import descendants, install_engine, is_running
from surroundings import KITH, single_node

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
