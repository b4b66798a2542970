# SPDX-License-Identifier: Apache-2.0
"""The first hour with kith, as the README has it: what is typed, how long that takes, and a recording of a real run.

    KITH_BINARY=… python -m lab.first_hour    writes docs/first-hour.txt; as root, where hosts can be made
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .docs import Page, Step, read
from .netns import Lab
from .process import ROOT
from .screen import wrapped
from .typist import Typist

README = ROOT / "README.md"
RECORDING = ROOT / "docs" / "first-hour.txt"
# Of somebody who types with care and is not quick.
KEYS_A_SECOND = 5
WIDTH = 100
HEAD = """\
The commands of the README, typed on hosts with nothing on them but kith. Made by 'scripts/record first-hour'.
A key takes 0.2 s, and so do Return and a paste. What is not in these times: to read, to go to the other machine, and
to download the engine (110 MB), whose files are at hand here. ~ stands for a host's home.
"""


@dataclass
class Part:
    """Commands, up to the one that is answered."""

    title: str
    steps: list[Step]

    @property
    def commands(self) -> list[str]:
        return [command for step in self.steps for command in step.commands]

    @property
    def pastes(self) -> int:
        return sum(step.code_from is not None for step in self.steps)

    @property
    def typing(self) -> float:
        """Seconds; each command and each paste has its Return."""
        return (sum(len(command) + 1 for command in self.commands) + 2 * self.pastes) / KEYS_A_SECOND

    def __str__(self) -> str:
        letters = sum(map(len, self.commands))
        pasted = f" and {self.pastes} paste" if self.pastes else ""
        return f"{self.title}: {len(self.commands)} commands, {letters} letters{pasted}, {self.typing:.1f} s of typing"


def parts(page: Page) -> list[Part]:
    """The README's first answer, and that of a second machine."""
    titles, found, steps = ["The first answer", "Two machines"], [], []
    for step in page.steps:
        if step.host:
            steps.append(step)
        if any(words.startswith("answered by") for words in step.shows):
            found.append(Part(titles[len(found)], steps))
            steps = []
    return found


def line(step: Step, command: str) -> str:
    return f"{step.host}$ {command}"


def record(kith: Path, folder: Path) -> str:
    text, page = HEAD, read(README)
    with Lab(folder / "hosts", page.hosts) as lab, Typist(lab, kith, pace=1 / KEYS_A_SECOND, settings={}) as typist:
        for part in parts(page):
            began = time.monotonic()
            shown = [_shown(step, page, typist) for step in part.steps]
            text += f"\n# {part}; {time.monotonic() - began:.1f} s with all that the machines did\n\n" + "\n".join(shown)
    return text


def _shown(step: Step, page: Page, typist: Typist) -> str:
    """What a step has left on its host's screen."""
    terminal = typist.free_terminal(step.host)
    before = len(terminal.text.rstrip().splitlines()) - 1  # the prompt is there already
    typist.type_page(Page(page.path, [step], None))
    lines = "\n".join(terminal.text.rstrip().splitlines()[before:-1])
    return wrapped(lines.replace(str(terminal.home), "~"), WIDTH)


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="kith-record-"))
    try:
        text = record(Path(os.environ["KITH_BINARY"]), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    RECORDING.write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
