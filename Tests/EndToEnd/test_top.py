# SPDX-License-Identifier: Apache-2.0
"""`kith top` in a real terminal, at three sizes, beside screens that are stored."""

import os
import re
import shutil
import unittest
from pathlib import Path

from lab import web
from lab.family import Family
from lab.screen import GUARD, Screen
from surroundings import KITH, fresh_folder

SCREENS = Path(__file__).parent / "screens"
# Columns and lines.
SIZES = [(80, 24), (132, 43), (50, 16)]
# Addresses, versions, ages, speeds and their like are other ones in each run; what stands to their left moves with them.
VARYING = [
    (re.compile(r"http://127\.0\.0\.1:\d+"), "ADDRESS"), (re.compile(r"kith \d\S*"), "kith VERSION"),
    (re.compile(r"up \d+ (s|min)"), "up #"),
    (re.compile(r"(?<![\w/-]) *(?<![\w./-])\d+(\.\d+)?( (ms|s|min|h))?(?=  | tokens/s| answers/min|$)"), " #"),
    (re.compile(r" {2,}"), "  "),
]  # fmt: skip


def settled(screen: str) -> str:
    lines = []
    for line in screen.rstrip("\n").split("\n"):
        for pattern, sign in VARYING:
            line = pattern.sub(sign, line)
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


@unittest.skipUnless(shutil.which("tmux"), "tmux not found; 'scripts/install-deps' installs it")
class Top(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = fresh_folder(cls.__name__)
        cls.family = Family(KITH, cls.folder, ["count", "echo"], [["--tokens-per-second", "50"], []])
        cls.addClassCleanup(cls.family.__exit__)
        cls.family.__enter__()
        # What is asked below is all that the screens show: the family has asked while it came together.
        cls.family.asked.stop()
        cls.family.asked.start(path="/health/live")
        web.wait_until(cls.knows_its_kin, GUARD, "the asked node to know its kin's models")
        for node, limit in (("kin-1", 30), ("kin-2", 3)):
            body = {"messages": [{"role": "user", "content": "count for me please"}], "max_tokens": limit}
            answer = cls.family.asked.post("/v1/chat/completions", body, GUARD, {"x-kith-node": node})
            assert answer.status == 200, answer.body

    @classmethod
    def knows_its_kin(cls) -> bool:
        return sum(bool(peer["models"]) and peer["state"] == "up" for peer in cls.family.asked.status()["peers"]) == 2

    def top(self, width: int, height: int) -> Screen:
        return Screen(self.folder, width, height, [KITH, "top", "--data-dir", self.family.asked.folder])

    def test_screens_are_as_stored_at_three_sizes(self):
        for width, height in SIZES:
            with self.subTest(f"{width}×{height}"), self.top(width, height) as screen:
                # Of what ran a moment ago, kin tell with their gossip.
                text = screen.wait(lambda text: "q quit" in text and text.count("0/4") == 2, "a picture in which nothing runs")
                lines = text.rstrip("\n").split("\n")
                self.assertEqual(len(lines), height)
                self.assertLessEqual(max(map(len, lines)), width)
                stored = SCREENS / f"top-{width}x{height}.txt"
                found = settled(text)
                if os.environ.get("KITH_STORE_SCREENS"):
                    stored.parent.mkdir(exist_ok=True)
                    stored.write_text(found)
                self.assertEqual(found, stored.read_text())

    def test_keys_show_sections_and_help_and_the_terminal_is_given_back(self):
        with self.top(80, 24) as screen:
            screen.wait(lambda text: "MACHINE" in text and "MODEL" in text, "all sections")
            screen.type("3")
            screen.wait(lambda text: "REQUEST" in text and "MACHINE  TIER" not in text, "requests alone")
            screen.type("?")
            screen.wait(lambda text: "Any key goes back" in text, "help")
            screen.type("x")
            screen.type("0")
            screen.wait(lambda text: "MACHINE  TIER" in text, "all sections again")
            screen.type("q")
            text = screen.wait(lambda text: "ended with 0" in text, "the end")
            self.assertNotIn("MACHINE", text)

    def test_what_happens_is_seen_and_so_is_a_machine_that_is_lost(self):
        with self.top(100, 30) as screen:
            screen.wait(lambda text: "REQUEST" in text, "the picture")
            self.family.kin[1].kill()
            screen.wait(lambda text: re.search(r"kin-2 +kin +(down|suspect|left)", text), "the loss of kin-2")
            self.family.kin[1].start(path="/health/ready")
            screen.wait(lambda text: re.search(r"kin-2 +kin +up", text), "the return of kin-2")
            self.family.asked.kill()
            screen.wait(lambda text: "does not answer since" in text, "the loss of the node that is watched")
            self.family.asked.start(path="/health/live")
            screen.wait(lambda text: "2 up" in text or "3 up" in text, "its return")


if __name__ == "__main__":
    unittest.main()
