# SPDX-License-Identifier: Apache-2.0
"""Runs all modules of real clients, two at a time, since most of the time they wait; what one prints comes when it is over.

    python -m lab.lanes FOLDER
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

LANES = 2
# Those that fill the machine, or measure what it does: one after the other, when the rest is over.
ALONE = ["test_cluster", "test_security_load", "test_way_of_the_prompt", "test_network"]
# Those that take longest begin first; of two that let a model work, the second when the first is over.
LONG = [
    "test_page", "test_company", "test_security", "test_pairing", "test_doctor", "test_bridge",
    "test_continued_agents", "test_readme",
]  # fmt: skip


@dataclass
class Outcome:
    module: str
    output: str
    seconds: float
    is_good: bool

    @property
    def count(self) -> int:
        return int((re.search(r"^Ran (\d+) tests?", self.output, re.MULTILINE) or [0, 0])[1])

    @property
    def skipped(self) -> int:
        return int((re.search(r"^OK \(skipped=(\d+)\)|skipped=(\d+)", self.output, re.MULTILINE) or [0, 0])[1] or 0)


def run(module: str) -> Outcome:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "-v", module], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", env=os.environ,
    )  # fmt: skip
    return Outcome(module, done.stdout, time.monotonic() - began, done.returncode == 0)


def main() -> int:
    modules = sorted(path.stem for path in Path(sys.argv[1]).glob("test_*.py"))
    together = [name for name in LONG if name in modules]
    together += [name for name in modules if name not in LONG and name not in ALONE]
    outcomes: list[Outcome] = []

    def note(outcome: Outcome) -> None:
        outcomes.append(outcome)
        print(f"{outcome.output}--- {outcome.module}: {outcome.seconds:.0f} s\n", flush=True)

    began = time.monotonic()
    with ThreadPoolExecutor(LANES) as lanes:
        for done in as_completed([lanes.submit(run, name) for name in together]):
            note(done.result())
    for name in ALONE:
        if name in modules:
            note(run(name))
    bad = [outcome.module for outcome in outcomes if not outcome.is_good]
    count, skipped = sum(one.count for one in outcomes), sum(one.skipped for one in outcomes)
    took = f"{count} tests of {len(outcomes)} modules in {time.monotonic() - began:.0f} s, {skipped} skipped"
    print(f"{took}; FAILED: {', '.join(bad)}" if bad else f"{took}; OK")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
