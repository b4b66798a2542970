# SPDX-License-Identifier: Apache-2.0
"""A terminal that a test types into and reads: tmux, with nothing of the user's."""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import textwrap
from pathlib import Path

from . import web

GUARD = 20
NUMBERS = itertools.count(1)


class Screen:
    """A tmux of our own, with a socket of its own. A context manager."""

    def __init__(self, folder: Path, width: int, height: int, command: list):
        # A server that is told to end is there for a while still.
        self.tmux = ["tmux", "-f", "/dev/null", "-S", str(folder / f"tmux-{next(NUMBERS)}")]
        self.folder, self.width, self.height, self.command = folder, width, height, command

    def __enter__(self) -> "Screen":
        words = shlex.join(str(word) for word in self.command)
        size = ["-x", str(self.width), "-y", str(self.height)]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        start = [*self.tmux, "new-session", "-d", *size, f"trap : INT; {words}; echo ended with $?; cat"]
        subprocess.run(start, check=True, timeout=GUARD, env=environment)
        return self

    def __exit__(self, *_) -> None:
        subprocess.run([*self.tmux, "kill-server"], timeout=GUARD, capture_output=True)

    def type(self, *keys: str) -> None:
        subprocess.run([*self.tmux, "send-keys", *keys], check=True, timeout=GUARD)

    @property
    def text(self) -> str:
        return subprocess.run([*self.tmux, "capture-pane", "-p"], capture_output=True, text=True, timeout=GUARD).stdout

    def wait(self, condition, what: str) -> str:
        try:
            web.wait_until(lambda: condition(self.text), GUARD, what)
        except TimeoutError as failure:
            raise TimeoutError(f"{failure}; the screen says:\n{self.text}") from None
        return self.text


def wrapped(text: str, width: int) -> str:
    """What a terminal of this width does with long lines, but at the words."""
    lines = [textwrap.wrap(line, width) or [""] if len(line) > width else [line.rstrip()] for line in text.splitlines()]
    return "\n".join(line for several in lines for line in several) + "\n"
