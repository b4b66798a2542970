# SPDX-License-Identifier: Apache-2.0
"""Every command block of the README and of the pages for people, typed in its order on hosts with nothing on them.

The hosts are network namespaces (`scripts/lab/netns.py`) with a home folder each. Comments of the pages say on which of
them a block is typed (`scripts/lab/docs.py`). What is not typed is printed with the reason. The recording of the first hour
is made of the README too: that its commands work is what `Typed.test_the_readme` tries.
"""

import unittest

from lab import first_hour, tunnel
from lab.docs import Page, read
from lab.netns import Lab, why_not
from lab.process import ENGINE_DIRECTORY, ROOT
from lab.typist import Typist, have_tmux
from surroundings import KITH, fresh_folder

DOCS = ROOT / "docs"
# These say of each of their blocks how it is typed, or why not; other pages do so as soon as one of their blocks does.
OF_PEOPLE = ["one-machine.md", "three-machines.md", "a-friend.md", "away.md"]
# These begin with hosts that have nothing on them; others go on from one of them.
ROOTS = ["README.md", *OF_PEOPLE, "aios.md"]
PAGES = {path.name: read(path) for path in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]}


def obstacle() -> str | None:
    if not have_tmux():
        return "tmux not found; 'scripts/install-deps' installs it"
    if not ENGINE_DIRECTORY.exists():
        return f"there is no engine in {ENGINE_DIRECTORY}; 'make test' installs one"
    return why_not()


def with_those_after(name: str) -> list[Page]:
    """A page, and those that go on with its hosts."""
    return [PAGES[name], *(page for page in PAGES.values() if page.after == name)]


class Marks(unittest.TestCase):
    def test_each_block_of_a_page_says_where_it_is_typed_or_why_not(self):
        for name, page in PAGES.items():
            if page.is_marked or name in ("README.md", *OF_PEOPLE):
                with self.subTest(page=name):
                    self.assertEqual([step.line for step in page.unmarked], [], "lines of blocks without a comment")
            elif page.blocks:
                print(f"\n    {name}: none of its {len(page.blocks)} blocks says where it is typed")

    def test_each_page_that_is_to_be_typed_is_typed(self):
        for name, page in PAGES.items():
            if page.hosts and name not in ROOTS:
                with self.subTest(page=name):
                    self.assertIn(page.after, ROOTS, "it goes on with the hosts of no page that a test begins with")
            elif not page.hosts:
                for step in page.blocks:
                    print(f"\n    {step} not typed: {step.why_not or 'nobody has said how'}", end="")

    def test_the_readme_shows_the_recording_as_it_was_made(self):
        recording = (DOCS / "recording.txt").read_text()
        self.assertIn(f"```text\n{recording}```\n", (ROOT / "README.md").read_text(), "'scripts/record' makes both")

    def test_the_first_hour_is_two_commands_and_three_and_little_typing(self):
        first, second = first_hour.parts(PAGES["README.md"])
        self.assertEqual(len(first.commands), 2, first.commands)
        self.assertEqual(len({step.host for step in first.steps}), 1, "one machine, and one terminal")
        self.assertEqual(len(second.commands), 3, second.commands)
        self.assertEqual(second.pastes, 1)
        self.assertLess(second.typing, 20, "seconds")

    def test_the_recording_of_the_first_hour_is_of_the_commands_that_the_readme_has(self):
        recording = first_hour.RECORDING.read_text()
        typed = [line for line in recording.splitlines() if "$ " in line]
        parts = first_hour.parts(PAGES["README.md"])
        steps = [step for part in parts for step in part.steps]
        expected = [first_hour.line(step, command) for step in steps for command in step.commands]
        self.assertEqual(typed, expected, "'scripts/record first-hour' records anew")
        for part in parts:
            self.assertIn(f"# {part}; ", recording)
        for step in steps:
            for words in step.shows:
                self.assertIn(words, recording)


@unittest.skipIf(obstacle(), obstacle())
class Typed(unittest.TestCase):
    def type(self, name: str) -> None:
        pages = with_those_after(name)
        hosts = list(dict.fromkeys(host for page in pages for host in page.hosts if host != "stopped"))
        print()
        with Lab(fresh_folder(f"Typed-{name}") / "hosts", hosts) as lab, Typist(lab, KITH) as typist:
            for page in pages:
                typist.type_page(page)

    def test_the_readme(self):
        self.type("README.md")

    def test_one_machine(self):
        self.type("one-machine.md")

    def test_three_machines(self):
        self.type("three-machines.md")

    def test_a_friend(self):
        self.type("a-friend.md")

    @unittest.skipIf(tunnel.why_not(), tunnel.why_not())
    def test_away(self):
        self.type("away.md")

    def test_aios(self):
        self.type("aios.md")


if __name__ == "__main__":
    unittest.main()
