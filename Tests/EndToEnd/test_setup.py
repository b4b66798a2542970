# SPDX-License-Identifier: Apache-2.0
"""From a machine with nothing to a node that runs, and back: setup, up in the background, down, uninstall; word to systemd."""

import json
import os
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from lab import ports, web
from lab.process import environment
from loopback_service import LoopbackService
from surroundings import KITH, fresh_folder

GUARD = 120
ENGINE_DIR = os.environ.get("KITH_ENGINE_DIR", "")


def serving(bodies: dict[str, dict], port: int = 0) -> LoopbackService:
    """A program that answers these paths with JSON."""

    def answer(handler, _):
        body = json.dumps(bodies.get(handler.path, {})).encode()
        handler.send_response(200 if handler.path in bodies else 404)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return LoopbackService(answer, port)


class OnAFreshMachine(unittest.TestCase):
    """A home of its own stands for the machine; nothing of it is shared with this one but the engine."""

    def setUp(self):
        self.home = fresh_folder(self._testMethodName)
        self.port = ports.free_port()
        self.settings = {
            "HOME": str(self.home), "PATH": "/usr/bin:/bin", "KITH_PORT": str(self.port), "KITH_PEER_PORT": "0",
            "KITH_MDNS": "off", "OLLAMA_BASE_URL": f"http://127.0.0.1:{ports.free_port()}",
        }  # fmt: skip
        self.addCleanup(self.kith, "down")

    def kith(self, *words: str, status: int | None = None) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [KITH, *words], env=environment(**self.settings), cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=GUARD,
        )  # fmt: skip
        if status is not None:
            self.assertEqual(done.returncode, status, done.stderr)
        return done

    @property
    def node(self) -> Path:
        return self.home / ".kith"

    def test_the_program_alone_says_the_next_step_in_three_lines(self):
        said = self.kith(status=0).stdout.splitlines()
        self.assertEqual(len(said), 3, said)
        self.assertIn("kith setup", said[1])
        self.assertFalse(self.node.exists(), "nothing was made")

    @unittest.skipUnless(ENGINE_DIR, "KITH_ENGINE_DIR names no engine")
    def test_setup_answers_without_a_question_and_uninstall_leaves_nothing(self):
        self.settings["KITH_ENGINE_DIR"] = ENGINE_DIR
        said = self.kith("setup", "--yes", "--no-service", "--key", "phone", status=0)
        self.assertIn("kith ask", said.stderr)
        self.assertRegex(said.stdout, r"^kith_\S+\n$")
        answer = self.kith("ask", "--max-tokens", "4", "hello", status=0)
        self.assertTrue(answer.stdout.strip())
        again = self.kith("setup", "--yes", status=0)
        self.assertIn("runs on", again.stderr)
        self.assertIn(str(self.node), self.kith("uninstall", status=0).stdout)
        self.assertEqual(self.kith("uninstall", "--node", "--yes").returncode, 1, "a node that runs is not removed")
        self.kith("down", status=0)
        self.kith("uninstall", "--node", "--yes", status=0)
        self.assertFalse(self.node.exists())

    def test_a_node_in_the_background_is_opened_for_other_machines_with_the_flags_it_had(self):
        self.kith("up", "--background", "--engine", "count", "--name", "desk", status=0)
        opened = self.kith("setup", "--yes", "--lan", status=0)
        self.assertNotIn("warning", opened.stderr)
        self.assertRegex(opened.stdout, r"^[A-Z2-7-]{40,80}\n$")
        self.assertIn("desk", self.kith("status", status=0).stdout)
        self.assertEqual(self.kith("ask", "--max-tokens", "3", "hello", status=0).stdout, "1 2 3\n")
        moved = self.kith("setup", "--yes", "--port", "1")
        self.assertEqual(moved.returncode, 64)
        self.assertIn("to move it to port 1: kith down", moved.stderr)

    def test_one_that_was_stopped_is_set_up_again_as_it_was(self):
        self.kith("up", "--background", "--engine", "count", "--name", "desk", status=0)
        self.kith("setup", "--yes", "--lan", status=0)
        self.kith("down", status=0)
        again = self.kith("setup", "--yes", status=0)
        self.assertIn("Ready", again.stderr)
        self.assertIn("desk", self.kith("status", status=0).stdout)
        self.assertNotIn("warning", self.kith("invite", "--tier", "kin", status=0).stderr, "it is open as before")

    def test_a_node_that_nothing_can_answer_for_is_not_called_ready(self):
        self.settings["KITH_ENGINE_DIR"] = str(self.home / "no-engine")
        said = self.kith("setup", "--yes", "--no-engine", status=0).stderr
        self.assertNotIn("Ready", said)
        self.assertIn("kith setup --join", said)

    @unittest.skipUnless(ENGINE_DIR, "KITH_ENGINE_DIR names no engine")
    def test_setup_gives_a_node_that_runs_the_engine_that_it_lacks(self):
        self.settings["KITH_ENGINE_DIR"] = str(self.home / "engine")
        self.kith("up", "--background", status=0)
        self.assertEqual(self.kith("ask", "--max-tokens", "4", "hello").returncode, 4)
        (self.home / "engine").symlink_to(ENGINE_DIR)
        self.assertIn("Ready", self.kith("setup", "--yes", status=0).stderr)
        self.kith("ask", "--max-tokens", "4", "hello", status=0)

    def test_where_a_program_has_the_port_setup_takes_the_next_and_the_name_stays(self):
        self.settings["KITH_ENGINE_DIR"] = str(self.home / "no-engine")
        with socket.create_server(("127.0.0.1", self.port)):
            said = self.kith("setup", "--yes", "--no-service", "--no-engine", status=0).stderr
        self.assertRegex(said, rf"has port {self.port}; the node takes \d+")
        status = self.kith("status", status=0).stdout
        self.assertNotIn(f":{self.port} ", status)
        self.assertNotRegex(status.splitlines()[0], r"^\S+-\d+ ", "it is called as the machine is, without its port")

    def test_a_server_of_models_at_the_usual_port_is_used_and_left_its_port(self):
        self.settings["KITH_ENGINE_DIR"] = str(self.home / "no-engine")
        models = {"object": "list", "data": [{"id": "mine", "object": "model", "owned_by": "me"}]}
        with serving({"/v1/models": models}, self.port) as server:
            self.settings["KITH_ENGINE_SERVERS"] = f"http://127.0.0.1:{server.port}/v1"
            said = self.kith("setup", "--yes", "--no-service", status=0).stderr
            self.assertIn("the engine is here", said)
            self.assertIn("Ready", said)
            self.assertIn("mine", self.kith("status", status=0).stdout)
            self.assertNotIn("none", self.kith("engine", "status", status=0).stdout.splitlines()[0])

    def test_another_node_is_not_passed_by(self):
        self.kith("up", "--background", "--engine", "count", status=0)
        (self.node / "state" / "control.json").rename(self.home / "control.json")
        self.addCleanup((self.home / "control.json").rename, self.node / "state" / "control.json")
        other = self.kith("setup", "--yes", "--no-service", "--no-engine", "--data-dir", str(self.home / "other"), status=1)
        self.assertRegex(other.stderr, r"another kith node \(process \d+.*\) has port \d+; end it with kill \d+")

    def test_an_ollama_without_a_model_is_not_called_ready(self):
        with serving({"/api/version": {"version": "0.9.0"}, "/api/tags": {"models": []}}) as ollama:
            self.settings["OLLAMA_BASE_URL"] = f"http://127.0.0.1:{ollama.port}"
            said = self.kith("setup", "--yes", "--no-service", status=0).stderr
            self.assertNotIn("Ready", said)
            self.assertIn("kith model pull", said)

    def test_what_is_tried_by_hand_does_not_stay(self):
        self.settings["KITH_ENGINE_DIR"] = str(self.home / "no-engine")
        self.kith("setup", "--yes", "--no-service", "--no-engine", status=0)
        self.kith("down", status=0)
        self.kith("key", "create", "--name", "phone", "--scope", "chat", status=0)
        words = [KITH, "up", "--host", "0.0.0.0", "--tls", "--engine", "none"]
        by_hand = subprocess.Popen(words, env=environment(**self.settings), cwd=self.home, stdout=subprocess.DEVNULL)
        try:
            web.wait_until(lambda: self.kith("status").returncode == 0, GUARD, "a node by hand")
        finally:
            by_hand.terminate()
            by_hand.wait(GUARD)
        said = self.kith("setup", "--yes", "--no-service", status=0).stderr
        self.assertIn("starting it as it was\n", said)
        self.assertEqual(web.get(self.port, "/health/live").status, 200)

    def test_uninstall_removes_what_kith_wrote_and_nothing_else(self):
        self.kith("up", "--background", "--engine", "count", status=0)
        self.kith("down", status=0)
        (self.node / "thesis.txt").write_text("mine")
        (self.home / "venv").mkdir()
        self.settings["KITH_ENGINE_DIR"] = str(self.home)
        done = self.kith("uninstall", "--all", "--yes", status=0)
        self.assertIn("stays", done.stderr)
        self.assertEqual(sorted(path.name for path in self.node.iterdir()), ["thesis.txt"])
        self.assertTrue((self.home / "venv").is_dir())

    def test_setup_asks_nobody_who_is_not_there(self):
        refused = self.kith("setup", status=64)
        self.assertIn("--yes", refused.stderr)
        self.assertFalse((self.node / "state").exists())

    def test_a_node_in_the_background_stays_until_down(self):
        started = self.kith("up", "--background", "--engine", "count", status=0)
        self.assertIn(f":{self.port}", started.stderr)
        twice = self.kith("up", "--background", "--engine", "count", status=1)
        self.assertIn("already", twice.stderr)
        self.assertIn("node", (self.node / "state" / "node.log").read_text())
        self.assertEqual(web.get(self.port, "/health/live").status, 200)
        self.assertIn("has stopped", self.kith("down", status=0).stderr)
        self.assertEqual(self.kith("status").returncode, 3)
        self.assertEqual(self.kith("down").returncode, 3)

    def test_one_that_cannot_start_says_why_in_its_own_words(self):
        with socket.create_server(("127.0.0.1", self.port)):
            refused = self.kith("up", "--background", "--engine", "none", status=1)
        self.assertIn(str(self.port), refused.stderr)
        self.assertIn("taken", refused.stderr)

    def test_the_service_manager_hears_when_the_node_is_ready_lives_and_stops(self):
        # Paths of sockets are short.
        name = f"/tmp/kith-notify-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(name)
            self.addCleanup(os.unlink, name)
            manager.settimeout(GUARD)
            given = {**self.settings, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "900000"}
            with open(self.home / "log", "w") as log:
                node = subprocess.Popen(
                    [KITH, "up", "--engine", "none"], env=environment(**given), cwd=self.home, stdin=subprocess.DEVNULL,
                    stderr=log,
                )  # fmt: skip
            self.addCleanup(node.kill)
            self.assertEqual(manager.recv(100), b"READY=1")
            self.assertEqual(web.get(self.port, "/health/live").status, 200)
            self.assertEqual([manager.recv(100) for _ in range(3)], [b"WATCHDOG=1"] * 3)
            # One that hangs says nothing any more.
            node.send_signal(signal.SIGSTOP)
            manager.settimeout(0.1)
            self.words_of(manager)
            time.sleep(1.5)
            self.assertEqual(self.words_of(manager), 0)
            node.send_signal(signal.SIGCONT)
            manager.settimeout(GUARD)
            node.send_signal(signal.SIGTERM)
            while (word := manager.recv(100)) != b"STOPPING=1":
                self.assertEqual(word, b"WATCHDOG=1")
            self.assertEqual(node.wait(GUARD), 0)

    @staticmethod
    def words_of(manager: socket.socket) -> int:
        count = 0
        try:
            while manager.recv(100):
                count += 1
        except TimeoutError:
            return count

    @unittest.skipIf(os.path.isdir("/run/systemd/system"), "this machine has systemd, whose services tests leave alone")
    def test_without_a_service_manager_the_service_says_what_to_do_instead(self):
        refused = self.kith("service", "install", status=1)
        self.assertIn("kith up --background", refused.stderr)


if __name__ == "__main__":
    unittest.main()
