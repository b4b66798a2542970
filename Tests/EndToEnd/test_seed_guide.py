# SPDX-License-Identifier: Apache-2.0
"""The synth-mind guide, followed to the letter: its requests, its files and its monitor work against kith."""

import json
import re
import subprocess
import types
import unittest

from lab import ports, web
from lab.process import ROOT, Process, environment, install_engine
from surroundings import KITH, fresh_folder, single_node

# As printed in the guide; only the port is another one.
MANUAL_TEST = r"""
curl -X POST http://localhost:8080/api/generate \
  -H "Content-Type: application/json" \
  -d '{
    "prompt": "What is the nature of synthetic consciousness?",
    "temperature": 0.85,
    "max_tokens": 150
  }'
"""
FORMAT_TEST = (
    r"""curl http://localhost:8080/api/generate -X POST -H "Content-Type: application/json" -d '{"prompt":"test"}'"""
)
STATE_TEST = "curl http://localhost:8080/api/state"
MONITOR = """
import requests
import json

instances = [f"http://localhost:{port}" for port in range(8080, 8089)]

for instance in instances:
    state = requests.get(f"{instance}/api/state").json()
    print(f"{instance}:")
    print(f"  Turn count: {state['turn_count']}")
    print(f"  Valence: {state['valence']}")
    print(f"  Sessions: {state.get('sessions', 0)}")
    print()
"""


def run_line(line: str, port: int):
    """The JSON that a line of the guide prints, sent to `port` instead of 8080."""
    command = line.replace("localhost:8080", f"localhost:{port}").strip()
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"{command}\nended with {done.returncode}: {done.stderr.decode()}")
    return json.loads(done.stdout)


class TheGuideWithTheRealEngine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install_engine(KITH)
        cls.node = single_node(cls.__name__, "embedded")
        cls.addClassCleanup(cls.node.stop)
        cls.node.start(limit=120)

    def test_the_manual_test_gets_a_text(self):
        answer = run_line(MANUAL_TEST, self.node.port)
        self.assertIs(answer["success"], True)
        self.assertTrue(answer["response"])
        self.assertEqual(answer["response"], answer["response"].strip())

    def test_the_format_test_gets_a_text(self):
        answer = run_line(FORMAT_TEST, self.node.port)
        self.assertIs(answer["success"], True)
        self.assertTrue(answer["response"])

    def test_the_state_has_what_the_monitor_reads(self):
        state = run_line(STATE_TEST, self.node.port)
        self.assertIsInstance(state["turn_count"], int)
        self.assertIsInstance(state["valence"], (int, float))
        self.assertTrue(-1 <= state["valence"] <= 1)
        self.assertIsInstance(state["sessions"], int)

    def test_the_monitor_runs_as_printed(self):
        code = MONITOR.replace("range(8080, 8089)", f"[{self.node.port}]").replace("import requests\n", "")
        lines: list[str] = []
        answering = types.SimpleNamespace(get=lambda url: web.get(self.node.port, "/" + url.split("/", 3)[3]))
        exec(code, {"requests": answering, "print": lambda text="": lines.append(text)})
        self.assertRegex("\n".join(lines), re.compile(r"Turn count: \d+\n +Valence: -?[\d.e-]+\n +Sessions: \d+"))


class TheSeedSurface(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = single_node(cls.__name__, "echo")
        cls.addClassCleanup(cls.node.stop)
        cls.node.start()

    def post(self, path, body):
        return web.post(self.node.port, path, body)

    def test_a_prompt_comes_back_stripped(self):
        answer = self.post("/api/generate", {"prompt": "  what emerges?\n"})
        self.assertEqual(answer.status, 200)
        self.assertEqual((answer.json()["response"], answer.json()["success"]), ("what emerges?", True))
        self.assertEqual(answer.node, self.node.name)

    def test_the_content_type_may_be_missing(self):
        line = """curl http://localhost:8080/api/generate -H "Content-Type:" -d '{"prompt":"test"}'"""
        self.assertEqual(run_line(line, self.node.port)["response"], "test")

    def test_no_prompt_is_said_in_the_seeds_words(self):
        for body in ({}, {"prompt": ""}, {"prompt": " \n\t"}, {"temperature": 0.5}):
            with self.subTest(body=body):
                answer = self.post("/api/generate", body)
                self.assertEqual(answer.status, 400)
                self.assertLessEqual({"error": "No prompt provided", "success": False}.items(), answer.json().items())

    def test_what_is_not_a_json_object_is_malformed(self):
        for body in (b"{", b"[]", b'"text"', b"", b'{"prompt": "\xff\xfe"}', b'{"prompt": NaN}'):
            with self.subTest(body=body):
                answer = self.post("/api/generate", body)
                self.assertEqual(answer.status, 400)
                self.assertIs(answer.json()["success"], False)
                self.assertTrue(answer.json()["error"])

    def test_wrong_types_and_ranges_name_the_field(self):
        cases = (
            ("prompt", 7),
            ("prompt", ["a"]),
            ("temperature", "hot"),
            ("temperature", 2.5),
            ("temperature", -1),
            ("max_tokens", "many"),
            ("max_tokens", 0),
            ("max_tokens", 1.5),
        )
        for field, value in cases:
            with self.subTest(field=field, value=value):
                answer = self.post("/api/generate", {"prompt": "test", field: value})
                self.assertEqual(answer.status, 422)
                self.assertIs(answer.json()["success"], False)
                self.assertIn(field, answer.json()["error"])

    def test_unknown_paths_and_methods_are_answered_in_json(self):
        missing = web.get(self.node.port, "/api/no-such-route")
        self.assertEqual(missing.status, 404)
        self.assertTrue(missing.json()["error"])
        wrong = web.get(self.node.port, "/api/generate")
        self.assertEqual(wrong.status, 405)
        self.assertIn("POST", wrong.headers["Allow"])
        self.assertTrue(wrong.json()["error"])

    def test_a_conversation_is_kept_and_counted(self):
        before = web.get(self.node.port, "/api/state").json()
        first = self.post("/api/chat", {"message": "good morning"}).json()
        self.assertEqual((first["success"], first["response"]), (True, "good morning"))
        self.assertLessEqual({"valence", "mood_tags", "turn_count"}, first["state"].keys())
        again = self.post("/api/chat", {"message": "and good night", "session": first["session"]}).json()
        self.assertEqual(again["session"], first["session"])
        after = web.get(self.node.port, "/api/state").json()
        self.assertEqual(after["turn_count"], before["turn_count"] + 2)
        self.assertEqual(after["sessions"], before["sessions"] + 1)

    def test_no_message_is_said_in_the_seeds_words(self):
        answer = self.post("/api/chat", {"session": "kitchen"})
        self.assertEqual(answer.status, 400)
        self.assertLessEqual({"error": "No message provided", "success": False}.items(), answer.json().items())

    def test_feedback_moves_the_valence(self):
        def valence():
            return web.get(self.node.port, "/api/state").json()["valence"]

        before = valence()
        self.assertEqual(self.post("/api/feedback", {"score": -1}).status, 200)
        lowered = valence()
        self.assertLess(lowered, before)
        self.assertEqual(self.post("/api/feedback", {"score": 1}).status, 200)
        self.assertGreater(valence(), lowered)
        self.assertEqual(self.post("/api/feedback", {"score": 2}).status, 422)

    def test_health_says_what_the_seeds_say(self):
        health = web.get(self.node.port, "/health").json()
        self.assertEqual(health["status"], "healthy")
        self.assertTrue(health["checks"])
        self.assertTrue(all(isinstance(value, bool) for value in health["checks"].values()))
        self.assertEqual(web.get(self.node.port, "/health/live").json()["status"], "alive")
        self.assertEqual(web.get(self.node.port, "/health/ready").json()["status"], "ready")

    def test_the_api_description_is_served(self):
        self.assertEqual(web.get(self.node.port, "/openapi.yaml").body, (ROOT / "docs" / "openapi.yaml").read_bytes())

    def test_no_line_of_a_stream_holds_a_raw_line_separator(self):
        text = "one\u2028two\u2029three\x85four \u2028\u2029\x85 end"
        with web.Stream(self.node.port, {"messages": [{"role": "user", "content": text}]}) as stream:
            raw = stream.response.read()
        for separator in ("\u2028", "\u2029", "\x85"):
            self.assertNotIn(separator.encode(), raw)
        events = [line[5:].strip() for line in raw.decode().split("\n") if line.startswith("data:")]
        self.assertEqual(events[-1], "[DONE]")
        chunks = [json.loads(event) for event in events[:-1]]
        said = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]]
        self.assertEqual("".join(said), text)


class TheGuidesFiles(unittest.TestCase):
    def test_its_port_variable_and_its_peers_file_start_a_node(self):
        folder = fresh_folder("guide-files")
        port, peer = ports.free_port(), ports.free_port()
        (folder / "config").mkdir()
        (folder / "config" / "peers.txt").write_text(
            f"http://localhost:{peer}/api/generate\n\n# ... (include all other instances except itself)\n"
        )
        (folder / ".env").write_text(
            "# How long to wait before initiating peer communication (in minutes)\nSOCIAL_IDLE_THRESHOLD_MIN=8\n"
        )
        node = Process(
            [KITH, "up", "--engine", "echo"], folder / "output.log", environment(PORT=str(port)), folder
        )
        self.addCleanup(node.stop)
        try:
            web.wait_until(lambda: web.get(port, "/health/ready").status == 200, 30, f"a node on port {port}")
        except TimeoutError as failure:
            self.fail(f"{failure}\n{node.tail()}")
        self.assertEqual(run_line(FORMAT_TEST, port)["response"], "test")
        peers = web.get(port, "/api/status").json()["peers"]
        self.assertEqual([entry["tier"] for entry in peers], ["kith"])


if __name__ == "__main__":
    unittest.main()
