# SPDX-License-Identifier: Apache-2.0
"""An owner who needs a machine for something else: by hand, for a time, and while a program runs."""

import shutil
import subprocess
import unittest

from lab import web
from lab.peer import PeerNode, befriend
from surroundings import KITH, fresh_folder

GUARD = 30
PROGRAM = "a-long-named-game-of-kith"


class APause(unittest.TestCase):
    """A desktop and a laptop with an engine each; the laptop pauses while a game runs."""

    @classmethod
    def setUpClass(cls):
        cls.folder = fresh_folder(cls.__name__)
        cls.desk = PeerNode(KITH, cls.folder / "desk", "desk")
        cls.laptop = PeerNode(
            KITH, cls.folder / "laptop", "laptop", more_environment={"KITH_ENGINE_PAUSE_WHILE": f"nosuch, {PROGRAM}"}
        )
        for node in (cls.desk, cls.laptop):
            cls.addClassCleanup(node.stop)
            node.start()
        befriend([cls.desk, cls.laptop])
        for here, there in ((cls.desk, cls.laptop), (cls.laptop, cls.desk)):
            web.wait_until(lambda: here.answers_through(there), GUARD, f"{there.name} to answer")

    def answerer(self) -> str | None:
        return self.laptop.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}]}).node

    def test_by_hand_sends_prompts_to_the_others_until_it_is_ended(self):
        self.assertEqual(self.answerer(), "laptop")
        self.assertIn("your other machines answer", self.laptop.do("pause"))
        self.assertEqual(self.answerer(), "desk")
        self.assertIn("kith pause --off", self.laptop.do("status"))
        self.assertIn("takes new prompts again", self.laptop.do("pause", "--off"))
        web.wait_until(lambda: self.answerer() == "laptop", GUARD, "the laptop to answer again")

    def test_for_a_time_ends_by_itself(self):
        self.assertIn("paused for 2 s", self.laptop.do("pause", "--for", "2s"))
        self.assertEqual(self.answerer(), "desk")
        web.wait_until(lambda: self.answerer() == "laptop", GUARD, "the pause to end")

    def test_lasts_while_a_program_runs_unless_the_owner_wants_prompts_beside_it(self):
        game = self.folder / PROGRAM
        shutil.copy(shutil.which("sleep"), game)
        for is_overruled in (False, True):
            with self.subTest(is_overruled=is_overruled), subprocess.Popen([game, "60"]) as playing:
                try:
                    web.wait_until(lambda: self.answerer() == "desk", GUARD, "the laptop to make room")
                    if is_overruled:
                        self.laptop.do("pause", "--off")
                        web.wait_until(lambda: self.answerer() == "laptop", GUARD, "prompts beside the game")
                finally:
                    playing.kill()
            web.wait_until(lambda: self.answerer() == "laptop", GUARD, "the laptop to answer again")


if __name__ == "__main__":
    unittest.main()
