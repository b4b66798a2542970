# SPDX-License-Identifier: Apache-2.0
"""Which ports of this machine are free, and who listens on one."""

import os
import random
import socket
import subprocess
import sys
from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a listener could be opened now; a port in TIME_WAIT counts as free, as it does for a node."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_block(count: int, preferred: int) -> int:
    """The first port of `count` free ones in a row: `preferred` if it can be, else the next such block."""
    for base in range(preferred, 32_000 - count, count):
        if all(is_free(port) for port in range(base, base + count)):
            return base
    raise RuntimeError(f"no {count} free ports in a row between {preferred} and 32000")


def free_port() -> int:
    """A port that nothing uses at the moment, below the range from which the system takes those of outgoing connections:

    one of them, even the one that asks whether the listener is there yet, could take it first.
    """
    return free_block(1, random.randrange(10_000, 20_000))


def listener(port: int) -> int | None:
    """The id of the process that listens on `port`, if it is one of this user's."""
    return _listener_by_proc(port) if sys.platform == "linux" else _listener_by_lsof(port)


def _listener_by_proc(port: int) -> int | None:
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                sockets.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(os.readlink(entry) in sockets for entry in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    return None


def listening(pid: int) -> list[int]:
    """The ports on which a process listens, in whichever network it is. Linux only."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(entry))
        except OSError:
            continue  # it was closed while we looked
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.append(int(fields[1].rsplit(":", 1)[1], 16))
    return sorted(set(found))


def _listener_by_lsof(port: int) -> int | None:
    command = ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-t"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.split()
    return int(found[0]) if found else None
