# SPDX-License-Identifier: Apache-2.0
"""What benchmarks read off the machine and off processes."""

import datetime
import os
import platform
import re
import resource
import subprocess
import time
from pathlib import Path

from .process import ROOT


def resident(pid: int) -> int:
    """The resident memory of a process in bytes."""
    status = Path("/proc") / str(pid) / "status"
    if status.exists():
        return int(re.search(r"^VmRSS:\s*(\d+)", status.read_text(), re.MULTILINE)[1]) * 1024
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, timeout=10)
    return int(shown.stdout) * 1024


def processor_seconds(pids: list[int]) -> float:
    """Processor time of whole processes so far, threads that have ended included. Linux only."""
    # The clock of another process, as clock_getcpuclockid(3) makes it; /proc only counts in hundredths of a second.
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)


def memory(pids: list[int]) -> dict[str, int]:
    """What processes hold, in bytes: `Rss`, `Pss`, `Anonymous`, `Private_Dirty` and the like, summed. Linux only."""
    sums: dict[str, int] = {}
    for pid in pids:
        rollup = (Path("/proc") / str(pid) / "smaps_rollup").read_text()
        for name, kilobytes in re.findall(r"^(\w+):\s+(\d+) kB", rollup, re.MULTILINE):
            sums[name] = sums.get(name, 0) + int(kilobytes) * 1024
    return sums


def wake_ups(pids: list[int]) -> int:
    """How often threads of these processes have begun to wait, and so have been or will be woken. Linux only."""
    total = 0
    for pid in pids:
        for thread in (Path("/proc") / str(pid) / "task").iterdir():
            try:
                status = (thread / "status").read_text()
            except OSError:
                continue  # it ended while we looked
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[1])
    return total


def descriptors(pid: int) -> int:
    return len(list((Path("/proc") / str(pid) / "fd").iterdir()))


def allow_open_files(count: int) -> None:
    """Raises this process's limit, and that of its children, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def listeners_below(pid: int) -> set[int]:
    """The TCP ports on which the children of a process listen, and theirs."""
    pids, found = {pid}, True
    while found:
        shown = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, timeout=10).stdout
        pairs = [tuple(map(int, line.split())) for line in shown.splitlines()]
        found = {child for child, parent in pairs if parent in pids} - pids
        pids |= found
    sockets = {link for one in pids for link in _sockets(one)}
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def _sockets(pid: int) -> set[str]:
    links = set()
    for entry in (Path("/proc") / str(pid) / "fd").glob("*"):
        try:
            links.add(os.readlink(entry))
        except OSError:
            continue
    return links


def occasion() -> str:
    """When, with which commit and on which machine something was measured."""
    version = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return f"{datetime.date.today()}, commit {version.stdout.strip()}, {machine()}"


def machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (found := re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)):
        model = found[1]
    return f"{os.cpu_count()} cores of {model}, {platform.system()} {platform.release()}"
