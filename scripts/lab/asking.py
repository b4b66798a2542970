# SPDX-License-Identifier: Apache-2.0
"""A `kith ask` of the demonstration."""

import codecs
import select
import subprocess
import tempfile
import time
from pathlib import Path

from .process import environment


class Disappointment(Exception):
    """Something that the demonstration promises did not happen."""


class Asking:
    """One `kith ask`, whose answer is shown as it comes."""

    def __init__(self, kith: Path, port: int, question: str, max_tokens: int | None = None):
        limit = [] if max_tokens is None else ["--max-tokens", str(max_tokens)]
        command = [str(kith), "ask", "--url", f"http://127.0.0.1:{port}", *limit, question]
        print(f"  $ kith {' '.join(command[1:-1])} \"{question}\"\n", flush=True)
        self.text = ""
        self.remarks = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._remarks_file = tempfile.TemporaryFile("w+")
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._remarks_file,
            env=environment(),
            start_new_session=True,
        )

    def wait_for_words(self, count: int, limit: float) -> None:
        deadline = time.monotonic() + limit
        while len(self.text.split()) < count:
            if time.monotonic() > deadline:
                raise Disappointment(f"fewer than {count} words came within {limit:g} s")
            if not self._read_piece(deadline):
                raise Disappointment("the answer ended before the node could be killed")

    def finish(self, limit: float) -> int:
        """Shows the rest and what `kith ask` remarks about it; returns its exit status."""
        deadline = time.monotonic() + limit
        try:
            while self._read_piece(deadline):
                pass
            status = self._child.wait(timeout=10)
        finally:
            self.end()
        print()
        self._remarks_file.seek(0)
        self.remarks = self._remarks_file.read()
        for line in self.remarks.splitlines():
            print(f"  {line}", flush=True)
        return status

    def end(self) -> None:
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait(timeout=10)

    def _read_piece(self, deadline: float) -> bool:
        """Shows the next piece of the answer; false at its end."""
        ready, _, _ = select.select([self._child.stdout], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise Disappointment("'kith ask' went silent")
        piece = self._child.stdout.read1(4096)
        text = self._decoder.decode(piece, final=not piece)
        self.text += text
        print(text, end="", flush=True)
        return bool(piece)
