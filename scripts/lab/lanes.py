# SPDX-License-Identifier: Apache-2.0
"""Runs all modules of real clients, two at a time, since most of the time they wait; what one prints comes when it is over.

    python -m lab.lanes FOLDER

A module that fails beside another one is run once more alone: if it passes, it is named as UNSTEADY, with what failed, and the
run goes on as good. What failed, and why, is said again at the end, where a log that was cut still has it.
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
from queue import SimpleQueue

LANES = 2
# Those that fill the machine, or measure what it does: one after the other, when the rest is over.
ALONE = ["test_cluster", "test_security_load", "test_way_of_the_prompt", "test_network"]
# Those that take longest begin first; of two that let a model work, the second when the first is over.
LONG = [
    "test_page", "test_company", "test_security", "test_pairing", "test_doctor", "test_bridge",
    "test_continued_agents", "test_readme",
]  # fmt: skip


free: SimpleQueue[str] = SimpleQueue()
for number in range(LANES):
    free.put(f"lane-{number + 1}")


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
    def reasons(self) -> str:
        """What unittest says of each test that failed; the last lines, where it ended before it could say that."""
        found = re.findall(r"^={70}\n(.*?)(?=^={70}\n|^-{70}\nRan )", self.output, re.MULTILINE | re.DOTALL)
        return "\n".join(found) or "\n".join(self.output.splitlines()[-25:]) + "\n"

    @property
    def skipped(self) -> int:
        return int((re.search(r"^OK \(skipped=(\d+)\)|skipped=(\d+)", self.output, re.MULTILINE) or [0, 0])[1] or 0)


def run(module: str) -> Outcome:
    lane = free.get()
    began = time.monotonic()
    try:
        # Classes of several modules have one name, and a folder that is called so: each lane has its own.
        done = subprocess.run(
            [sys.executable, "-m", "unittest", "-v", module], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", env={**os.environ, "KITH_LANE": lane},
        )  # fmt: skip
    finally:
        free.put(lane)
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
    good, bad = [one for one in outcomes if one.is_good], []
    for failed in (one for one in outcomes if not one.is_good):
        again = run(failed.module)
        note_of = "UNSTEADY, it passed when it ran alone" if again.is_good else "FAILED, also alone"
        print(f"--- {failed.module}: {note_of}. What failed:\n{failed.reasons}", flush=True)
        if again.is_good:
            good.append(again)
        else:
            bad.append(again)
    for failed in bad:
        print(f"--- {failed.module}, alone:\n{failed.reasons}", flush=True)
    count, skipped = sum(one.count for one in good + bad), sum(one.skipped for one in good + bad)
    took = f"{count} tests of {len(outcomes)} modules in {time.monotonic() - began:.0f} s, {skipped} skipped"
    print(f"{took}; FAILED: {', '.join(one.module for one in bad)}" if bad else f"{took}; OK")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
