# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document, tried on a real node by requests that schemathesis makes up from it, good ones and bad ones."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from lab import ports
from lab.node import Node
from lab.process import environment
from surroundings import KITH, fresh_folder

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.yaml"
# Requests for each operation; more in a run by hand, with another seed.
EXAMPLES = 2
SEED = 17
# That there is nothing to manage, no room, nobody in time: those are meant. A fault, 500, and a bad gateway never are.
SETTINGS = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "501", "503", "504"]
"""
# A stream without an end, and an examination that takes its time.
LEFT_OUT = ["/api/events", "/api/doctor"]


class TheDocument(unittest.TestCase):
    def setUp(self):
        self.folder = fresh_folder("document")
        port = ports.free_block(2, 18_980)
        self.node = Node(KITH, self.folder / "node", port, "echo", "document", [], port + 1)
        self.addCleanup(self.node.stop)
        self.node.start()

    def test_names_every_status_that_is_answered_and_none_is_a_fault(self):
        token = json.loads((self.node.directory / "state" / "control.json").read_text())["token"]
        with tempfile.TemporaryDirectory() as folder:
            settings = Path(folder) / "schemathesis.toml"
            settings.write_text(SETTINGS)
            done = subprocess.run(
                [
                    Path(sys.executable).with_name("st"), "--config-file", settings, "run", DOCUMENT,
                    "--url", f"http://127.0.0.1:{self.node.port}", "--header", f"Authorization: Bearer {token}",
                    "--checks", "not_a_server_error,status_code_conformance", "--phases", "examples,fuzzing",
                    "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--no-shrink", "--continue-on-failure",
                    "--request-timeout", "10", "--warnings", "off", "--suppress-health-check", "all",
                    "--exclude-tag", "registry", *(word for path in LEFT_OUT for word in ("--exclude-path", path)),
                ],
                capture_output=True, text=True, timeout=120, cwd=folder, env=environment(),
            )  # fmt: skip
        self.assertEqual(done.returncode, 0, f"seed {SEED}\n{done.stdout[-8_000:]}{done.stderr[-2_000:]}")
        self.assertNotIn("request failed for a reason that is not known", self.node.process.tail(200))


if __name__ == "__main__":
    unittest.main()
