# SPDX-License-Identifier: Apache-2.0
"""What benchmarks print: where and when they ran, percentiles, and a table that can go into docs/benchmarks.md."""

import datetime
import math
import os
import platform
import re
import subprocess
from pathlib import Path

from .process import ROOT


def heading(command: str) -> str:
    found = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return f"{datetime.date.today()}, commit {found.stdout.strip() or 'unknown'}, {machine()}; `{command}`"


def machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (found := re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)):
        model = found[1]
    return f"{os.cpu_count()} cores of {model}, {platform.system()} {platform.release()}"


def percentile(values: list[float], share: float) -> float:
    """The least value that at least this share of them do not exceed; not a number without any."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan


def table(*rows: tuple) -> str:
    """Markdown; the first row is the head."""
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
