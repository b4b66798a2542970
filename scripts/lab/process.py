# SPDX-License-Identifier: Apache-2.0
"""Child processes that are never left behind, and the settings that they see."""

import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE_DIRECTORY = Path(os.environ.get("KITH_ENGINE_DIR") or ROOT / ".build" / "engine")

# What would change a node's settings from outside; a node under test gets none of it.
_SETTINGS_OF_THE_USER = (
    "PORT", "PEER_ENDPOINTS", "SOCIAL_IDLE_THRESHOLD_MIN",
    "OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_BASE_URL",
    "ANTHROPIC_API_KEY", "ANTHROPIC_MODEL", "OLLAMA_MODEL", "OLLAMA_BASE_URL", "OLLAMA_HOST",
    "DISCOVERY_PORT", "BRIDGE_PORT", "CELL_ID", "AIOS_CELL_ID", "AIOS_BRANCH", "AIOS_DISCOVERY_ADDR",
    "AIOS_DESKTOP_CELL", "AIOS_CELL_ADDR",
    "AIOS_VAULT_ADDR", "VAULT_ADDR", "VAULT_TOKEN", "VAULT_ROLE_ID", "VAULT_SECRET_ID", "VAULT_CACERT",
)  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    """This process's environment without the user's own settings of kith, and with the project's engine folder."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _SETTINGS_OF_THE_USER and not name.startswith("KITH_")
    }
    return {**kept, "KITH_ENGINE_DIR": str(ENGINE_DIRECTORY), "NO_COLOR": "1", **more}


def install_engine(kith: Path, limit: float = 1200) -> None:
    """Runs `kith engine install`, which does nothing when the engine is there and sound."""
    subprocess.run([kith, "engine", "install"], env=environment(), check=True, timeout=limit)


class Process:
    """One child process in a group of its own, its output in a file."""

    def __init__(self, command: list, log: Path, env: dict[str, str], cwd: Path):
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    def kill(self) -> None:
        """Ends it as a power cut would: no signal handler runs."""
        self._child.kill()
        self._child.wait(timeout=10)

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def pause(self, limit: float = 10) -> None:
        """Returns when every thread stands still, also those that waited for a disk. Linux only."""
        self.send(signal.SIGSTOP)
        deadline = time.monotonic() + limit
        while any(_state(thread) != "T" for thread in Path(f"/proc/{self.pid}/task").iterdir()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} does not stand still")
            time.sleep(0.001)

    def resume(self) -> None:
        self.send(signal.SIGCONT)

    def wait(self, limit: float) -> int:
        """Returns its exit status once it has ended."""
        return self._child.wait(timeout=limit)

    def stop(self, limit: float = 20) -> int:
        """Asks it to end, as Ctrl-C does; whatever of its group outlives `limit` seconds is killed."""
        if self.is_running:
            self._child.send_signal(signal.SIGINT)
        try:
            status = self._child.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            status = None
        self.kill_group()
        return status if status is not None else self._child.wait(timeout=10)

    def kill_group(self) -> None:
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # nothing of the group is left

    def tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass
class RunningCommand:
    """How a process was started, so that the same can be started again."""

    pid: int
    arguments: list[str]
    environment: dict[str, str]
    directory: Path

    @classmethod
    def of(cls, pid: int) -> "RunningCommand":
        if sys.platform == "linux":
            process = Path("/proc") / str(pid)
            pairs = (entry.partition("=") for entry in _zero_terminated(process / "environ"))
            return cls(
                pid,
                _zero_terminated(process / "cmdline"),
                {name: value for name, _, value in pairs},
                Path(os.readlink(process / "cwd")),
            )
        shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, timeout=10)
        return cls(pid, shlex.split(shown.stdout), environment(), ROOT)

    def kill(self) -> None:
        """Ends it as a power cut would: no signal handler runs."""
        os.kill(self.pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The processes that `pid` started, and those that they started."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found = list(children.get(pid, []))
    for child in found:
        found.extend(children.get(child, []))
    return found


def is_running(pid: int) -> bool:
    """A process that has ended, but whose parent has not taken note yet, does not count."""
    return any(pid == running for running, _ in _parents())


def _parents() -> list[tuple[int, int]]:
    """Every running process with its parent."""
    if sys.platform != "linux":
        shown = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, timeout=10)
        rows = (line.split() for line in shown.stdout.splitlines())
        return [(int(row[0]), int(row[1])) for row in rows if not row[2].startswith("Z")]
    rows = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text(errors="replace").rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue  # it ended while we looked
        if state != "Z":
            rows.append((int(stat.parent.name), int(parent)))
    return rows


def _state(thread: Path) -> str:
    return (thread / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()[0]


def _zero_terminated(file: Path) -> list[str]:
    return [part.decode() for part in file.read_bytes().removesuffix(b"\0").split(b"\0")]
