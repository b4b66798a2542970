# SPDX-License-Identifier: Apache-2.0
"""`kith launch` with a stand-in for each program, which says how it was started."""

import json
import stat
import subprocess
import unittest
from pathlib import Path

from lab.node import Node
from lab.process import environment
from surroundings import KITH, single_node

STAND_IN = """#!/usr/bin/env python3
import json, os, signal, sys
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
print(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ), "blocked": len(blocked)}))
sys.exit(7)
"""


class Launching(unittest.TestCase):
    node: Node
    programs: Path

    @classmethod
    def start(cls, folder: str, *flags: str) -> None:
        cls.node = single_node(folder, "echo", *flags)
        cls.programs = cls.node.directory / "programs"
        cls.programs.mkdir()
        for name in ("claude", "codex", "aider"):
            program = cls.programs / name
            program.write_text(STAND_IN)
            program.chmod(0o755)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.node.stop()

    def launch(self, *words: str, **more: str) -> subprocess.CompletedProcess:
        path = f"{self.programs}:/usr/local/bin:/usr/bin:/bin"
        return subprocess.run(
            [KITH, "launch", "--data-dir", self.node.directory, *words], capture_output=True, text=True, timeout=60,
            env={**environment(**more), "PATH": path},
        )  # fmt: skip

    def started(self, *words: str, **more: str) -> dict:
        done = self.launch(*words, **more)
        self.assertEqual(done.returncode, 7, done.stderr)
        return json.loads(done.stdout)


class WithoutKeys(Launching):
    @classmethod
    def setUpClass(cls) -> None:
        cls.start("launch")
        cls.node.start()

    def test_the_program_takes_the_place_of_the_command(self) -> None:
        told = self.started("claude", "--", "-p", "two words", ANTHROPIC_API_KEY="elsewhere", MINE="kept")
        self.assertEqual(told["arguments"], ["-p", "two words"])
        self.assertEqual(told["blocked"], 0)
        given = told["environment"]
        self.assertEqual(given["ANTHROPIC_BASE_URL"], f"http://127.0.0.1:{self.node.port}")
        self.assertEqual(given["ANTHROPIC_MODEL"], "echo")
        self.assertEqual(given["ANTHROPIC_AUTH_TOKEN"], "unused")
        self.assertEqual(given["MINE"], "kept")
        self.assertNotIn("ANTHROPIC_API_KEY", given)
        self.assertFalse((self.node.directory / "state" / "launch").exists())

    def test_a_context_that_is_too_small_is_said(self) -> None:
        done = self.launch("claude")
        self.assertIn("echo holds 8192 tokens, and Claude Code begins with about 12000", done.stderr)
        told = self.started("claude", "--context", "65536")
        self.assertEqual(told["environment"]["CLAUDE_CODE_MAX_CONTEXT_TOKENS"], "65536")

    def test_models_are_those_that_are_offered(self) -> None:
        told = self.started("aider", "--model", "auto", "--small-model", "fast")
        self.assertEqual(told["arguments"][:4], ["--model", "openai/auto", "--weak-model", "openai/fast"])
        refused = self.launch("aider", "--model", "gpt-5")
        self.assertEqual(refused.returncode, 4)
        self.assertIn("no machine offers the model 'gpt-5'; there are echo, auto", refused.stderr)

    def test_what_is_printed_is_what_a_shell_runs(self) -> None:
        printed = self.launch("codex", "--print", "--context", "32768", "--", "exec", "it's $HOME")
        self.assertEqual(printed.returncode, 0, printed.stderr)
        done = subprocess.run(
            ["sh"], input=printed.stdout, capture_output=True, text=True, timeout=60,
            env={"PATH": f"{self.programs}:/usr/bin:/bin"},
        )  # fmt: skip
        told = json.loads(done.stdout)
        self.assertEqual(told["arguments"], self.started(
            "codex", "--context", "32768", "--", "exec", "it's $HOME")["arguments"])  # fmt: skip
        self.assertEqual(told["arguments"][-2:], ["exec", "it's $HOME"])
        self.assertEqual(told["environment"]["KITH_API_KEY"], "unused")

    def test_what_cannot_be_started_is_refused_with_what_to_do(self) -> None:
        for words, status, mentions in (
            (["cluade"], 64, "did you mean claude?"),
            (["opencode"], 1, "install it with: npm install -g opencode-ai"),
            (["claude", "--context", "0"], 64, "--context"),
            (["claude", "--url", "http://127.0.0.1:9"], 64, "--data-dir and --url"),
        ):
            with self.subTest(words=words):
                done = self.launch(*words)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(mentions, done.stderr)


class WithKeys(Launching):
    @classmethod
    def setUpClass(cls) -> None:
        cls.start("launch-keys", "--require-key")
        cls.node.require_key("read")
        cls.node.start()

    def usable(self) -> list[str]:
        listed = json.loads(self.node._command("key", "list", "--json"))
        return [key["id"] for key in listed if key["name"] == "launch-claude" and key["state"] == "usable"]

    def test_each_program_has_one_key_which_is_used_again_and_replaced(self) -> None:
        first = self.launch("claude")
        key = json.loads(first.stdout)["environment"]["ANTHROPIC_AUTH_TOKEN"]
        self.assertNotIn(key, first.stderr)
        self.assertIn("ANTHROPIC_AUTH_TOKEN=…", first.stderr)
        file = self.node.directory / "state" / "launch" / "claude.key"
        self.assertEqual(file.read_text(), key)
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(file.parent.stat().st_mode), 0o700)
        again = self.started("claude")["environment"]["ANTHROPIC_AUTH_TOKEN"]
        self.assertEqual(again, key)
        self.assertEqual(len(self.usable()), 1)

        self.node._command("key", "revoke", "launch-claude")
        replaced = self.started("claude")["environment"]["ANTHROPIC_AUTH_TOKEN"]
        self.assertNotEqual(replaced, key)
        file.unlink()
        fresh = self.started("claude")["environment"]["ANTHROPIC_AUTH_TOKEN"]
        self.assertNotIn(fresh, (key, replaced))
        self.assertEqual(len(self.usable()), 1)

        other = self.started("codex")["environment"]["KITH_API_KEY"]
        self.assertNotEqual(other, fresh)

    def test_a_node_that_is_named_is_shown_the_users_own_key(self) -> None:
        key = self.node._command("key", "create", "--name", "mine", "--scope", "chat").strip()
        for words, status in (
            (["claude", "--model", "echo"], 7),
            (["claude"], 4),  # the key may not ask which model is best
        ):
            done = subprocess.run(
                [KITH, "launch", "--url", f"http://127.0.0.1:{self.node.port}", *words],
                capture_output=True, text=True, timeout=60,
                env={**environment(KITH_KEY=key), "PATH": f"{self.programs}:/usr/local/bin:/usr/bin:/bin"},
            )  # fmt: skip
            self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn("--model names a model", done.stderr)


if __name__ == "__main__":
    unittest.main()
