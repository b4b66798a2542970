# SPDX-License-Identifier: Apache-2.0
"""`kith chat` by a pipe and in a real terminal, and `kith ask` with files and unquoted words."""

import base64
import json
import shutil
import subprocess
import unittest

from lab.family import Family
from lab.screen import GUARD, Screen
from stub_engine import MODEL, StubEngine, chunk
from surroundings import KITH, fresh_folder

# One pixel.
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


class Chat(unittest.TestCase):
    """A node without an engine is asked; one kin counts slowly, the other is a stub that says what it was asked."""

    @classmethod
    def setUpClass(cls):
        cls.folder = fresh_folder(cls.__name__)
        cls.engine = StubEngine()
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.answer = cls.answer
        settings = [{}, {"OPENAI_BASE_URL": cls.engine.url, "OPENAI_API_KEY": "unused"}]
        cls.family = Family(
            KITH, cls.folder, ["count", "openai"], [["--tokens-per-second", "20"], []], own_settings=settings
        )
        cls.addClassCleanup(cls.family.__exit__)
        cls.family.__enter__()

    @staticmethod
    def answer(request, reply):
        if "messages" not in request.json:
            return reply.say(request, "hello")
        messages = request.json["messages"]
        said = messages[-1]["content"]
        kinds = "text" if isinstance(said, str) else "+".join(part["type"] for part in said)
        words = said if isinstance(said, str) else said[0]["text"]
        reply.begin()
        reply.event(chunk({"role": "assistant", "content": f"turn {len(messages)}, {kinds}: {words}"}))
        reply.event(chunk({}, "stop"))
        reply.event("[DONE]")
        reply.end()

    def kith(self, *arguments, text: str | None = None) -> subprocess.CompletedProcess:
        command = [KITH, *arguments, "--data-dir", self.family.asked.folder]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=GUARD)

    def test_lines_of_a_pipe_are_one_conversation_that_is_kept(self):
        done = self.kith("chat", "--session", "kitchen", "--model", MODEL, "--no-culture", text="hello\n\nand more\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "turn 1, text: hello\nturn 3, text: and more\n")
        self.assertIn("kin-2", done.stderr)
        kept = json.loads(self.kith("session", "show", "kitchen", "--json").stdout)
        self.assertIn("and more", json.dumps(kept))
        again = self.kith("chat", "--session", "kitchen", "--model", MODEL, "--no-culture", text="third\n")
        self.assertEqual(again.stdout, "turn 5, text: third\n")
        self.assertIn("and more", again.stderr, "what was said before is shown")

    def test_it_goes_on_at_another_machine_where_it_was_sent(self):
        self.kith("chat", "--session", "garden", "--model", MODEL, "--no-culture", text="hello\n")
        sent = self.kith("session", "send", "garden", "--to", "kin-1")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        command = [KITH, "chat", "--session", "garden", "--model", MODEL, "--no-culture"]
        done = subprocess.run(
            [*command, "--data-dir", self.family.kin[0].folder], input="again\n", capture_output=True, text=True,
            timeout=GUARD,
        )  # fmt: skip
        self.assertEqual(done.stdout, "turn 3, text: again\n", done.stderr)

    @unittest.skipUnless(shutil.which("tmux"), "tmux not found; 'scripts/install-deps' installs it")
    def test_in_a_terminal_an_answer_can_be_stopped_and_commands_are_taken(self):
        command = [KITH, "chat", "--node", "kin-1", "--data-dir", self.family.asked.folder]
        with Screen(self.folder, 100, 40, command) as screen:
            screen.wait(lambda text: "Ctrl-D ends" in text, "the greeting")
            screen.type("count for me", "Enter")
            screen.wait(lambda text: "3 4" in text, "an answer that comes slowly")
            screen.type("C-c")
            screen.wait(lambda text: "stopped" in text, "that it was stopped")
            screen.type("/route", "Enter")
            screen.wait(lambda text: "kin-1 (" in text, "who answered")
            screen.type("/modle", "Enter")
            screen.wait(lambda text: "/help lists them" in text, "a word for a typo")
            screen.type("count again", "Enter")
            screen.wait(lambda text: text.count("3 4") == 2, "another answer")
            screen.type("C-c")
            screen.wait(lambda text: text.count("stopped") == 2, "that it was stopped too")
            screen.type("C-d")
            screen.wait(lambda text: "ended with 0" in text, "the end")

    @unittest.skipUnless(shutil.which("tmux"), "tmux not found; 'scripts/install-deps' installs it")
    def test_at_the_prompt_an_interrupt_ends_it_also_after_answers(self):
        command = [KITH, "chat", "--model", MODEL, "--data-dir", self.family.asked.folder]
        with Screen(self.folder, 100, 40, command) as screen:
            screen.wait(lambda text: "Ctrl-D ends" in text, "the greeting")
            screen.type("hello", "Enter")
            screen.wait(lambda text: "first token after" in text, "the answer")
            screen.type("C-c")
            screen.wait(lambda text: "ended with 130" in text, "the end")

    def test_words_need_no_quotes_and_files_go_with_them(self):
        notes, picture = self.folder / "notes.txt", self.folder / "dot.png"
        notes.write_text("buy milk")
        picture.write_bytes(PNG)
        asked = self.kith("ask", "--model", MODEL, "what", "do", "I", "need", "--file", str(notes), "-f", str(picture))
        self.assertEqual(asked.returncode, 0, asked.stderr)
        self.assertEqual(
            asked.stdout, f"turn 1, text+image_url: what do I need\n\nFile {notes}:\n\nbuy milk\n"
        )
        self.assertIn("answered by kin-2", asked.stderr)
        piped = self.kith("ask", "--model", MODEL, "review:", "-", text="a diff")
        self.assertEqual(piped.stdout, "turn 1, text: review:\n\na diff\n")
        unread = self.kith("ask", "--model", MODEL, "review:", text="a diff")
        self.assertEqual(unread.stdout, "turn 1, text: review:\n")
        self.assertIn("standard input is not read; a - among the words says where it goes", unread.stderr)
        missing = self.kith("ask", "--model", MODEL, "x", "--file", "/nowhere/at/all")
        self.assertEqual((missing.returncode, missing.stdout), (64, ""))
        self.assertIn("there is no file /nowhere/at/all", missing.stderr)


if __name__ == "__main__":
    unittest.main()
